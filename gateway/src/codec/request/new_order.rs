//! A new order.

use hoga_protocol::{AccountName, OrderType, Side, TimeInForce};
use hoga_service::{NewOrderRequest, Reject};

use super::{account, ascii, decimal, word};
use crate::codec::codes;
use crate::codec::error::ApiError;
use crate::codec::format::Format;
use crate::codec::object::{Field, Object, missing};

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

/// Reads the JSON body of a new order: it is well-formed and its terms go together. With the account whose it is, if that was said.
///
/// # Errors
/// [`ApiError`] naming the field, what is wrong with it, and what to send instead.
pub fn parse_new_order(body: &[u8]) -> Result<(Option<AccountName>, NewOrderRequest), ApiError> {
    let mut object = Object::empty();
    object.read(body, Format::Json, "body")?;
    object.check(FIELDS, "a new order")?;
    let request = fields(&object)?;
    let account = account(&object)?;
    Ok((account, checked(request)?))
}

/// Takes a new order's fields off an object.
pub(super) fn read(object: &Object<'_>) -> Result<NewOrderRequest, ApiError> {
    checked(fields(object)?)
}

/// Refuses terms that do not go together.
fn checked(request: NewOrderRequest) -> Result<NewOrderRequest, ApiError> {
    request.check().map_err(Reject::InvalidTerms)?;
    Ok(request)
}

fn fields(object: &Object<'_>) -> Result<NewOrderRequest, ApiError> {
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
    Ok(NewOrderRequest {
        symbol: ascii(object, Field::Symbol)?.ok_or_else(|| needs(Field::Symbol))?,
        side: word(object, Field::Side, &[("Buy", Side::Buy), ("Sell", Side::Sell)])?
            .ok_or_else(|| missing(Field::Side, "a new order needs it: \"Buy\" or \"Sell\""))?,
        order_type,
        price: decimal(object, Field::Price, codes::INVALID_PRICE)?,
        quantity: decimal(object, Field::Quantity, codes::INVALID_QUANTITY)?
            .ok_or_else(|| needs(Field::Quantity))?,
        time_in_force,
        post_only: object.flag(Field::PostOnly)?.unwrap_or(false),
        client_order_id: ascii(object, Field::ClientOrderId)?.unwrap_or_default(),
        valid_until: object.time(Field::ValidUntil)?,
    })
}
