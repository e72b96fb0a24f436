//! An order as it was asked for.

use crate::ids::{AccountId, InstrumentId, SigningKeyId};
use crate::text::ClientOrderId;
use crate::units::{Lots, Nanos, Ticks};

/// FIX 54.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Side {
    /// Bids.
    Buy = 0,
    /// Asks.
    Sell = 1,
}

impl Side {
    /// The other side.
    pub const fn opposite(self) -> Side {
        match self {
            Side::Buy => Side::Sell,
            Side::Sell => Side::Buy,
        }
    }
}

/// FIX 40.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum OrderType {
    /// At its price or better.
    Limit = 0,
    /// At any price; never rests. Its `price` is zero.
    Market = 1,
}

/// FIX 59.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TimeInForce {
    /// Good till cancel: what does not trade rests.
    Gtc = 0,
    /// Immediate or cancel: what does not trade at once is canceled.
    Ioc = 1,
    /// Fill or kill: all of it trades at once, or nothing.
    Fok = 2,
}

/// A request for a new order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewOrder {
    /// Whose order it is.
    pub account: AccountId,
    /// What it trades.
    pub instrument: InstrumentId,
    /// Which way.
    pub side: Side,
    /// Limit or market.
    pub order_type: OrderType,
    /// How long it stays. A market order is never [`TimeInForce::Gtc`].
    pub time_in_force: TimeInForce,
    /// Refused rather than traded on entry. Only with a limit order that is good till cancel.
    pub post_only: bool,
    /// The limit in ticks; zero for a market order.
    pub price: Ticks,
    /// The order's total in lots.
    pub quantity: Lots,
    /// The client's own name for it; empty when none was given.
    pub client_order_id: ClientOrderId,
    /// The exchange time after which it is refused, at most [`NewOrder::MAX_VALIDITY`] ahead; 0 for never. Only with a
    /// client order id: until then, sending it again never makes a second order.
    pub valid_until: Nanos,
    /// The key that signed the request; [`SigningKeyId::NONE`] without authentication.
    pub signed_by: SigningKeyId,
}

impl NewOrder {
    /// The furthest that [`valid_until`](Self::valid_until) may lie ahead: ten minutes.
    pub const MAX_VALIDITY: Nanos = Nanos(600_000_000_000);
}
