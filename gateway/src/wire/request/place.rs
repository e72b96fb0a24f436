//! A new order.

use hoga_protocol::{
    AccountId, AccountName, ClientOrderId, Nanos, NewOrder, OrderType, Side, SigningKeyId, Symbol, Ticks,
    TimeInForce,
};
use hoga_views::Views;

use super::{Digits, account, ascii, word};
use crate::wire::codes;
use crate::wire::error::ApiError;
use crate::wire::format::Format;
use crate::wire::object::{Field, Object, missing};

/// A request for a new order: well-formed, its terms go together, but not yet on an instrument's grid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceRequest {
    /// The instrument's name.
    pub symbol: Symbol,
    /// Which way.
    pub side: Side,
    /// Limit or market.
    pub order_type: OrderType,
    /// The limit price; `None` for a market order and only for one.
    pub price: Option<Digits>,
    /// The total.
    pub quantity: Digits,
    /// How long it stays. When none was given: a limit order until it is canceled, a market order not at all.
    pub time_in_force: TimeInForce,
    /// Refused rather than traded on entry.
    pub post_only: bool,
    /// The client's own name for it; empty when none was given.
    pub client_order_id: ClientOrderId,
    /// Until when it may be carried out, if that was said; never 0. Only with a client order id.
    pub valid_until: Option<Nanos>,
    /// Whose order it is, if that was said.
    pub account: Option<AccountName>,
}

/// The fields of a new order.
pub(super) const FIELDS: &[Field] = &[
    Field::Symbol,
    Field::Side,
    Field::Type,
    Field::Quantity,
    Field::Price,
    Field::TimeInForce,
    Field::PostOnly,
    Field::ClientOrderId,
    Field::ValidUntil,
    Field::Account,
];

/// Reads the JSON body of a new order.
///
/// # Errors
/// [`ApiError`] naming the field, what is wrong with it, and what to send instead.
pub fn parse_place(body: &[u8]) -> Result<PlaceRequest, ApiError> {
    let mut object = Object::empty();
    object.read(body, Format::Json, "body")?;
    object.check(FIELDS, "a new order")?;
    read(&object)
}

/// Takes a new order's fields off an object.
pub(super) fn read(object: &Object<'_>) -> Result<PlaceRequest, ApiError> {
    let needs = |field| missing(field, "a new order needs it");
    let order_type = word(
        object,
        Field::Type,
        &[("Limit", OrderType::Limit), ("Market", OrderType::Market)],
    )?
    .ok_or_else(|| missing(Field::Type, "a new order needs it: \"Limit\" or \"Market\""))?;
    let words = [
        ("GTC", TimeInForce::Gtc),
        ("IOC", TimeInForce::Ioc),
        ("FOK", TimeInForce::Fok),
    ];
    let time_in_force = word(object, Field::TimeInForce, &words)?.unwrap_or(match order_type {
        OrderType::Limit => TimeInForce::Gtc,
        OrderType::Market => TimeInForce::Ioc,
    });
    let request = PlaceRequest {
        symbol: ascii(object, Field::Symbol)?.ok_or_else(|| needs(Field::Symbol))?,
        side: word(object, Field::Side, &[("Buy", Side::Buy), ("Sell", Side::Sell)])?
            .ok_or_else(|| missing(Field::Side, "a new order needs it: \"Buy\" or \"Sell\""))?,
        order_type,
        price: Digits::of(object, Field::Price, codes::INVALID_PRICE)?,
        quantity: Digits::of(object, Field::Quantity, codes::INVALID_QUANTITY)?
            .ok_or_else(|| needs(Field::Quantity))?,
        time_in_force,
        post_only: object.flag(Field::PostOnly)?.unwrap_or(false),
        client_order_id: ascii(object, Field::ClientOrderId)?.unwrap_or_default(),
        valid_until: object.time(Field::ValidUntil)?,
        account: account(object)?,
    };
    request.check()?;
    Ok(request)
}

impl PlaceRequest {
    /// The command of `account`, on the instrument's grid; nobody has signed it yet.
    ///
    /// # Errors
    /// [`ApiError`] when there is no such symbol, or the price or quantity is zero, too large or off the grid.
    pub fn to_order(&self, account: AccountId, views: &Views) -> Result<NewOrder, ApiError> {
        let instruments = views.instruments();
        let found = instruments.by_symbol(&self.symbol);
        let (instrument, spec) = found
            .and_then(|id| Some((id, instruments.get(id)?)))
            .ok_or_else(|| ApiError::unknown_symbol(&self.symbol))?;
        Ok(NewOrder {
            account,
            instrument,
            side: self.side,
            order_type: self.order_type,
            time_in_force: self.time_in_force,
            post_only: self.post_only,
            price: match self.price {
                Some(digits) => digits.to_price(spec)?,
                None => Ticks(0),
            },
            quantity: self.quantity.to_quantity(spec)?,
            client_order_id: self.client_order_id,
            valid_until: self.valid_until.unwrap_or(Nanos(0)),
            signed_by: SigningKeyId::NONE,
        })
    }

    /// Refuses terms that do not go together.
    fn check(&self) -> Result<(), ApiError> {
        match self.valid_until {
            Some(_) if self.client_order_id.is_empty() => {
                let message = "valid_until: only an order with a client_order_id can have it";
                return Err(ApiError::new(codes::INVALID_VALID_UNTIL, message));
            }
            // To the engine 0 would mean that nothing was said.
            Some(Nanos(0)) => {
                let message = "valid_until: it has passed";
                return Err(ApiError::new(codes::EXPIRED_REQUEST, message));
            }
            _ => {}
        }
        let combination = |why: &str| Err(ApiError::new(codes::INVALID_COMBINATION, why));
        match self.order_type {
            OrderType::Limit if self.price.is_none() => Err(missing(Field::Price, "a Limit order needs it")),
            OrderType::Market if self.price.is_some() => Err(ApiError::new(
                codes::INVALID_PRICE,
                "price: a Market order has none; leave it out, or send a Limit order with time_in_force IOC",
            )),
            OrderType::Market if self.time_in_force == TimeInForce::Gtc => {
                combination("time_in_force: a Market order never rests, so it cannot be GTC; send IOC or FOK")
            }
            _ if self.post_only
                && (self.order_type == OrderType::Market || self.time_in_force != TimeInForce::Gtc) =>
            {
                combination("post_only: only a Limit order that is GTC can be post_only")
            }
            _ => Ok(()),
        }
    }
}
