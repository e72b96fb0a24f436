//! Cancels: of one order, of many of an account, of an instrument's.

use crate::ids::{AccountId, InstrumentId, OrderId, Sequence};
use crate::text::ClientOrderId;

/// Cancels a resting order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelOrder {
    /// Whose order it must be.
    pub account: AccountId,
    /// Which order.
    pub order: OrderId,
}

/// Cancels the resting order that an account placed under a client order id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelClientOrder {
    /// Whose order it must be.
    pub account: AccountId,
    /// The id that the account gave it; not empty.
    pub client_order_id: ClientOrderId,
}

/// Cancels the resting orders of one account, oldest first, at most [`CancelAll::MAX_ORDERS`] per command, and no more than
/// a command may touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelAll {
    /// Whose orders.
    pub account: AccountId,
    /// Only this instrument's, if given.
    pub instrument: Option<InstrumentId>,
    /// Only orders placed before this sequence, if given. A command that goes on where an earlier one left off names
    /// the first one's, so that orders placed meanwhile are spared.
    pub before: Option<Sequence>,
}

impl CancelAll {
    /// The most orders one command cancels; [`MassCancelDone::more`](crate::MassCancelDone::more) asks for another.
    pub const MAX_ORDERS: u32 = 64;
}

/// Cancels resting orders of one instrument, whoever placed them: bids from the best down, then asks from the best up,
/// at most [`CancelAll::MAX_ORDERS`] per command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelInstrument {
    /// Of which instrument.
    pub instrument: InstrumentId,
}
