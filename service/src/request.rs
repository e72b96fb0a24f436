//! Requests as plain data.

use hoga_protocol::{
    AccountId, AccountName, AccountStatus, ClientOrderId, FeeRate, InstrumentSpec, InstrumentStatus, Nanos,
    NewOrder, OrderId, OrderType, ReplaceOrder, Sequence, Side, SigningKeyId, Symbol, Ticks, TimeInForce,
};
use hoga_views::{OrderState, Views};

use crate::access::{Identity, Origin, Permission, RequestKind};
use crate::decimal::Decimal;
use crate::queries::find_instrument;
use crate::reject::{InvalidTerms, OffGrid, Reject};

/// Who sends a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// From where, if the limits of addresses hold there.
    pub origin: Option<Origin>,
    /// The key that signed it.
    pub key: SigningKeyId,
}

impl Caller {
    /// Whoever is at `origin`; `identity` is whose key was shown, where authentication is on.
    pub fn new(origin: Option<Origin>, identity: Option<&Identity>) -> Self {
        Self {
            origin,
            key: identity.map_or(SigningKeyId::NONE, |identity| identity.key.into()),
        }
    }
}

/// What is asked for on behalf of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// A new order.
    NewOrder(NewOrderRequest),
    /// A change of an order.
    ReplaceOrder {
        /// Which; none where what was sent can be no order's id.
        order: Option<OrderId>,
        /// The change.
        change: ReplaceRequest,
    },
    /// A cancel.
    CancelOrder {
        /// Which; none where what was sent can be no order's id.
        order: Option<OrderId>,
    },
    /// A cancel by the id that the client gave the order, also of one that is still being placed.
    CancelClientOrder {
        /// The id; never empty.
        client_order_id: ClientOrderId,
    },
    /// A cancel of all the account's orders.
    CancelAll {
        /// Only this instrument's.
        symbol: Option<Symbol>,
    },
    /// All the account's orders are to be canceled when a session ends, or no longer. Only a session can be lost.
    CancelOnDisconnect {
        /// Which of the two.
        on: bool,
        /// The arming that the session has.
        armed: Option<Sequence>,
    },
    /// All the account's orders are to be canceled after a while, unless this is sent again before: a dead man's switch.
    CancelAllAfter {
        /// After how many milliseconds; 0 for never.
        timeout_ms: u64,
    },
}

impl Request {
    /// What a key must be good for to send one.
    pub const PERMISSIONS: &'static [Permission] = &[Permission::Trade];

    /// What it is counted as.
    pub const fn kind(&self) -> RequestKind {
        match self {
            Self::NewOrder(_) | Self::ReplaceOrder { .. } => RequestKind::Orders,
            Self::CancelOrder { .. }
            | Self::CancelClientOrder { .. }
            | Self::CancelAll { .. }
            | Self::CancelOnDisconnect { .. }
            | Self::CancelAllAfter { .. } => RequestKind::Cancels,
        }
    }
}

/// A request for a new order, on no instrument's grid yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrderRequest {
    /// The instrument's name.
    pub symbol: Symbol,
    /// Which way.
    pub side: Side,
    /// Limit or market.
    pub order_type: OrderType,
    /// The limit price; `None` for a market order and only for one.
    pub price: Option<Decimal>,
    /// The total.
    pub quantity: Decimal,
    /// How long it stays.
    pub time_in_force: TimeInForce,
    /// Refused rather than traded on entry.
    pub post_only: bool,
    /// The client's own name for it; empty when none was given.
    pub client_order_id: ClientOrderId,
    /// Until when it may be carried out, if that was said; never 0. Only with a client order id.
    pub valid_until: Option<Nanos>,
}

impl NewOrderRequest {
    /// Whether its terms go together.
    ///
    /// # Errors
    /// Which do not.
    pub fn check(&self) -> Result<(), InvalidTerms> {
        match self.valid_until {
            Some(_) if self.client_order_id.is_empty() => return Err(InvalidTerms::ValidUntilWithoutId),
            // To the engine 0 would mean that nothing was said.
            Some(Nanos(0)) => return Err(InvalidTerms::ValidUntilPassed),
            _ => {}
        }
        match self.order_type {
            OrderType::Limit if self.price.is_none() => Err(InvalidTerms::LimitWithoutPrice),
            OrderType::Market if self.price.is_some() => Err(InvalidTerms::MarketWithPrice),
            OrderType::Market if self.time_in_force == TimeInForce::Gtc => Err(InvalidTerms::MarketRests),
            _ if self.post_only
                && (self.order_type == OrderType::Market || self.time_in_force != TimeInForce::Gtc) =>
            {
                Err(InvalidTerms::PostOnlyDoesNotRest)
            }
            _ => Ok(()),
        }
    }

    /// The command of `account`, on the instrument's grid; nobody has signed it yet.
    ///
    /// # Errors
    /// [`Reject::UnknownSymbol`], or [`Reject::OffGrid`] when the price or quantity is zero, too large or off the grid.
    pub fn to_order(&self, account: AccountId, views: &Views) -> Result<NewOrder, Reject> {
        let instruments = views.instruments();
        let instrument = find_instrument(&self.symbol, views)?;
        let spec = instruments
            .get(instrument)
            .ok_or(Reject::UnknownSymbol(self.symbol))?;
        Ok(NewOrder {
            account,
            instrument,
            side: self.side,
            order_type: self.order_type,
            time_in_force: self.time_in_force,
            post_only: self.post_only,
            price: match &self.price {
                Some(price) => OffGrid::ticks(price, spec)?,
                None => Ticks(0),
            },
            quantity: OffGrid::lots(&self.quantity, spec)?,
            client_order_id: self.client_order_id,
            valid_until: self.valid_until.unwrap_or(Nanos(0)),
            signed_by: SigningKeyId::NONE,
        })
    }
}

/// A request to change an order's price, its total, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplaceRequest {
    /// The new limit price; `None` keeps it.
    pub price: Option<Decimal>,
    /// The new total, filled part included; `None` keeps it.
    pub quantity: Option<Decimal>,
}

impl ReplaceRequest {
    /// The command of `account`, on the grid of the instrument of `order`.
    ///
    /// # Errors
    /// [`Reject::OffGrid`] when the price or quantity is zero, too large or off the grid.
    pub fn to_command(
        &self,
        account: AccountId,
        order: &OrderState,
        views: &Views,
    ) -> Result<ReplaceOrder, Reject> {
        let spec = views.instruments().get(order.instrument).ok_or(Reject::Lost)?;
        Ok(ReplaceOrder {
            account,
            order: order.order,
            price: self.price.map(|price| OffGrid::ticks(&price, spec)).transpose()?,
            quantity: self
                .quantity
                .map(|quantity| OffGrid::lots(&quantity, spec))
                .transpose()?,
        })
    }
}

/// What an operator asks for, with names where the engine has numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminRequest {
    /// A new instrument.
    DefineInstrument(InstrumentSpec),
    /// Other fees.
    SetFees {
        /// Of which instrument.
        symbol: Symbol,
        /// What the resting side pays.
        maker: FeeRate,
        /// What the aggressor pays.
        taker: FeeRate,
    },
    /// To open or close an instrument.
    SetInstrumentStatus {
        /// Which.
        symbol: Symbol,
        /// From now on.
        status: InstrumentStatus,
    },
    /// To suspend an account, or end that.
    SetAccountStatus {
        /// Which.
        account: AccountName,
        /// From now on.
        status: AccountStatus,
    },
    /// Another limit of open orders.
    SetAccountLimits {
        /// Whose.
        account: AccountName,
        /// The most; [`u32::MAX`] for as many as the exchange gives every account.
        max_open_orders: u32,
    },
    /// To cancel an account's orders.
    CancelAll {
        /// Whose.
        account: AccountName,
        /// Only this instrument's.
        symbol: Option<Symbol>,
    },
    /// To cancel an instrument's orders.
    CancelInstrument {
        /// Which instrument's.
        symbol: Symbol,
    },
    /// Other limits of the exchange.
    SetLimits(LimitsChange),
    /// To be shown exchange time and the system's clock.
    ShowClock,
    /// To have exchange time leap to the system's clock.
    AcceptClock,
}

/// Limits of the exchange, of which those that were left out stay as they are. One at least is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitsChange {
    /// Most accounts.
    pub max_accounts: Option<u32>,
    /// Most resting orders of one account.
    pub max_open_orders_per_account: Option<u32>,
    /// How many client order ids of closed orders are kept of all accounts together.
    pub client_ids_total: Option<u32>,
}

impl AdminRequest {
    /// What is asked for, as [`AdminAction`](hoga_protocol::AdminAction) names it, and the account or the instrument
    /// that it is about.
    pub fn about(&self) -> (&'static str, Option<AccountName>, Option<Symbol>) {
        match self {
            Self::DefineInstrument(spec) => ("DefineInstrument", None, Some(spec.symbol())),
            Self::SetFees { symbol, .. } => ("SetFees", None, Some(*symbol)),
            Self::SetInstrumentStatus { symbol, .. } => ("SetInstrumentStatus", None, Some(*symbol)),
            Self::SetAccountStatus { account, .. } => ("SetAccountStatus", Some(*account), None),
            Self::SetAccountLimits { account, .. } => ("SetAccountLimits", Some(*account), None),
            Self::CancelAll { account, symbol } => ("CancelAll", Some(*account), *symbol),
            Self::CancelInstrument { symbol } => ("CancelInstrument", None, Some(*symbol)),
            Self::SetLimits(_) => ("SetLimits", None, None),
            Self::ShowClock => ("ShowClock", None, None),
            Self::AcceptClock => ("AcceptClock", None, None),
        }
    }
}
