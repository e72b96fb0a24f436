//! A resting order, and the table that finds it by its id.

use hashbrown::HashTable;
use hoga_protocol::{AccountId, FeeAccrual, InstrumentId, Lots, OrderId, Side, Ticks};

use crate::queue::{Chained, Links};
use crate::slab::{Slab, Slot};

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

/// A resting order and where it hangs.
#[derive(Clone, Copy)]
pub(crate) struct Order {
    pub(crate) terms: RestingOrder,
    /// Its entry in the client order ids, if it was given one.
    pub(crate) client_id: Slot,
    links: [Links; 3],
}

impl Order {
    pub(crate) const fn new(terms: RestingOrder, client_id: Slot) -> Self {
        Self {
            terms,
            client_id,
            links: [Links::NONE; 3],
        }
    }
}

impl Chained<3> for Order {
    fn links(&self) -> &[Links; 3] {
        &self.links
    }

    fn links_mut(&mut self) -> &mut [Links; 3] {
        &mut self.links
    }
}

pub(crate) type OrderSlab = Slab<Order>;

/// Finds a live order's slot by its id. An id that is not here is unknown or closed, whoever holds its slot by now.
#[derive(Clone)]
pub(crate) struct OrderIndex {
    slots: HashTable<(OrderId, Slot)>,
}

impl OrderIndex {
    pub(crate) const fn new() -> Self {
        Self {
            slots: HashTable::new(),
        }
    }

    pub(crate) fn get(&self, order: OrderId) -> Option<Slot> {
        let found = self.slots.find(hash(order), |entry| entry.0 == order)?;
        Some(found.1)
    }

    pub(crate) fn insert(&mut self, order: OrderId, slot: Slot) {
        self.slots
            .insert_unique(hash(order), (order, slot), |entry| hash(entry.0));
    }

    pub(crate) fn remove(&mut self, order: OrderId) {
        if let Ok(entry) = self.slots.find_entry(hash(order), |entry| entry.0 == order) {
            entry.remove();
        }
    }
}

/// Fibonacci hashing (Knuth, volume 3, §6.4), folded so that the table's low bits depend on all of the id. Ids are
/// sequences, which no client chooses, so no key is needed.
fn hash(order: OrderId) -> u64 {
    let product = order.0.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    product ^ (product >> 32)
}
