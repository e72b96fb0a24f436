//! A resting order: what a reader of the book sees, and how the engine keeps it.

use hoga_protocol::{AccountId, FeeAccrual, InstrumentId, Lots, NewOrder, OrderId, Side, Ticks};

use crate::queue::{Chained, Links};
use crate::slab::Slot;

/// An order in the book, as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestingOrder {
    /// Its id.
    pub order: OrderId,
    /// Whose it is.
    pub account: AccountId,
    /// What it trades.
    pub instrument: InstrumentId,
    /// Which side of the book it is on.
    pub side: Side,
    /// Whether a replace that would make it trade is refused.
    pub post_only: bool,
    /// Its limit, in ticks.
    pub price: Ticks,
    /// Its total, in lots.
    pub quantity: Lots,
    /// What has traded, in lots; always less than its total while it rests.
    pub filled: Lots,
    /// The fees it has run up.
    pub fee: FeeAccrual,
}

impl RestingOrder {
    /// What remains of it, in lots.
    pub const fn leaves(&self) -> Lots {
        Lots(self.quantity.0 - self.filled.0)
    }
}

/// The chain of a price level: first come, first filled.
pub(crate) const LEVEL: usize = 0;
/// The chain of an account's orders, oldest first.
pub(crate) const ACCOUNT: usize = 1;
/// The chain of an account's orders in one instrument, oldest first.
pub(crate) const ACCOUNT_INSTRUMENT: usize = 2;

/// What every command about an order needs of it, in one cache line. Its price and instrument are its level's.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(crate) struct Order {
    pub(crate) id: OrderId,
    pub(crate) quantity: Lots,
    pub(crate) leaves: Lots,
    links: [Links; 3],
    pub(crate) account: AccountId,
    pub(crate) level: Slot,
    /// The next order whose id falls on the same place of the [id table](crate::orders::Orders).
    pub(crate) next_id: Slot,
    pub(crate) side: Side,
    pub(crate) post_only: bool,
    /// Whether it has fees in its [`RareFields`].
    pub(crate) charged: bool,
    /// Whether it has a client order id in its [`RareFields`].
    pub(crate) named: bool,
}

// Changing an order's layout changes what a command costs.
const _: () = assert!(size_of::<Order>() == 64 && size_of::<RareFields>() == 32);

impl Order {
    /// No order.
    pub(crate) const VACANT: Order = Order {
        id: OrderId(0),
        quantity: Lots::ZERO,
        leaves: Lots::ZERO,
        links: [Links::NONE; 3],
        account: AccountId(0),
        level: Slot::NONE,
        next_id: Slot::NONE,
        side: Side::Buy,
        post_only: false,
        charged: false,
        named: false,
    };

    /// What rests of a request, in no chain yet.
    pub(crate) const fn new(id: OrderId, request: &NewOrder, leaves: Lots) -> Self {
        Self {
            id,
            quantity: request.quantity,
            leaves,
            links: [Links::NONE; 3],
            account: request.account,
            level: Slot::NONE,
            next_id: Slot::NONE,
            side: request.side,
            post_only: request.post_only,
            charged: false,
            named: false,
        }
    }

    /// Those before and behind it in its level.
    pub(crate) const fn neighbours(&self) -> [Slot; 2] {
        self.links[LEVEL].both()
    }

    /// What has traded, in lots.
    pub(crate) const fn filled(&self) -> Lots {
        Lots(self.quantity.0 - self.leaves.0)
    }
}

/// What only a fill or a close needs, and only of an order that has it: in a table beside the orders, so that other
/// commands do not drag it through the cache.
#[derive(Clone, Copy)]
pub(crate) struct RareFields {
    pub(crate) fee: FeeAccrual,
    /// Its entry in the client order ids.
    pub(crate) client_id: Slot,
}

impl RareFields {
    pub(crate) const NOTHING: RareFields = RareFields {
        fee: FeeAccrual::ZERO,
        client_id: Slot::NONE,
    };
}

impl Chained<3> for Order {
    fn links(&self) -> &[Links; 3] {
        &self.links
    }

    fn links_mut(&mut self) -> &mut [Links; 3] {
        &mut self.links
    }
}
