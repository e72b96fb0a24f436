//! The client order ids that an account may not use for another order: those of its live orders, and of the last
//! ones that closed.

use alloc::vec::Vec;

use hashbrown::HashTable;
use hoga_protocol::{
    AccountId, ClientOrderId, InstrumentId, Limits, Lots, NewOrder, OrderId, OrderType, Side, Ticks,
    TimeInForce,
};

use crate::keyed::HashKey;
use crate::queue::{Chained, Links, Queue};
use crate::slab::{Slab, Slot};

/// Closed ids of all accounts, oldest first.
const ALL: usize = 0;
/// Closed ids of one account, oldest first.
const OWN: usize = 1;

/// The most closed ids for which memory is set aside beforehand: a limit may be far above what a day brings.
const SET_ASIDE: usize = 1 << 20;

/// An id, and all that was asked for under it.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    /// The order that has the id.
    pub(crate) order: OrderId,
    /// The request as it came, whatever was replaced since.
    pub(crate) request: NewOrder,
    links: [Links; 2],
}

impl Entry {
    pub(crate) const NOBODY: Entry = Entry {
        order: OrderId(0),
        request: NewOrder {
            account: AccountId(0),
            instrument: InstrumentId(0),
            side: Side::Buy,
            order_type: OrderType::Limit,
            time_in_force: TimeInForce::Gtc,
            post_only: false,
            price: Ticks(0),
            quantity: Lots::ZERO,
            client_order_id: ClientOrderId::EMPTY,
        },
        links: [Links::NONE; 2],
    };
}

impl Chained<2> for Entry {
    fn links(&self) -> &[Links; 2] {
        &self.links
    }

    fn links_mut(&mut self) -> &mut [Links; 2] {
        &mut self.links
    }
}

/// The ids in use. Its size is bounded by the live orders and the limit on closed ids in all.
#[derive(Clone)]
pub(crate) struct ClientIds {
    key: HashKey,
    per_account: u32,
    total: u32,
    entries: Slab<Entry>,
    table: HashTable<Slot>,
    closed: Queue<ALL>,
    closed_count: u32,
    accounts: Vec<ClosedOfAccount>,
}

#[derive(Clone)]
struct ClosedOfAccount {
    queue: Queue<OWN>,
    count: u32,
}

impl ClientIds {
    pub(crate) fn new(key: HashKey, limits: &Limits) -> Self {
        Self {
            key,
            per_account: limits.client_ids_per_account,
            total: limits.client_ids_total,
            entries: Slab::with_capacity(Entry::NOBODY, 0),
            table: HashTable::new(),
            closed: Queue::EMPTY,
            closed_count: 0,
            accounts: Vec::new(),
        }
    }

    /// Sets memory aside, and writes to it, for the ids of as many `live` orders and of the closed ones. Without, the
    /// table grows under an order, which then waits until every id is in its new place.
    pub(crate) fn set_aside(&mut self, live: usize) {
        let capacity = live + (self.total as usize).min(SET_ASIDE);
        self.entries.reserve(capacity);
        self.entries.touch();
        if self.table.capacity() >= capacity {
            return;
        }
        let mut table = HashTable::with_capacity(capacity);
        // The only way to write to every place of a table is to fill it once.
        let spread = |place: usize| (place as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        for place in 0..capacity {
            table.insert_unique(spread(place), Slot::NONE, |_| 0);
        }
        table.clear();
        let (key, entries) = (self.key, &self.entries);
        for &slot in &self.table {
            table.insert_unique(hash(key, &entries[slot]), slot, |slot| hash(key, &entries[*slot]));
        }
        self.table = table;
    }

    /// An account was opened: the next number.
    pub(crate) fn add_account(&mut self) {
        self.accounts.push(ClosedOfAccount {
            queue: Queue::EMPTY,
            count: 0,
        });
    }

    /// The order that has this id of this account, and what was asked for under it.
    #[inline]
    pub(crate) fn find(&self, account: AccountId, id: &ClientOrderId) -> Option<&Entry> {
        match id.is_empty() {
            true => None,
            false => self.find_given(account, id),
        }
    }

    fn find_given(&self, account: AccountId, id: &ClientOrderId) -> Option<&Entry> {
        let hash = self.key.hash(account.0, id.as_bytes());
        let slot = self.table.find(hash, |&slot| {
            let request = &self.entries[slot].request;
            request.account == account && request.client_order_id == *id
        })?;
        Some(&self.entries[*slot])
    }

    /// Takes the id of an accepted order, which nobody has, until [`close`](Self::close). [`Slot::NONE`] if it has none.
    #[inline]
    pub(crate) fn insert(&mut self, order: OrderId, request: &NewOrder) -> Slot {
        match request.client_order_id.is_empty() {
            true => Slot::NONE,
            false => self.insert_given(order, request),
        }
    }

    fn insert_given(&mut self, order: OrderId, request: &NewOrder) -> Slot {
        let slot = self.entries.insert(Entry {
            order,
            request: *request,
            links: [Links::NONE; 2],
        });
        let (key, entries) = (self.key, &self.entries);
        let hash = |slot: &Slot| hash(key, &entries[*slot]);
        self.table.insert_unique(hash(&slot), slot, hash);
        slot
    }

    /// The order of this entry is live no longer. Its id is kept as the youngest closed one; those beyond the two
    /// limits are forgotten, the oldest first.
    #[inline]
    pub(crate) fn close(&mut self, slot: Slot) {
        if slot != Slot::NONE {
            self.close_given(slot);
        }
    }

    fn close_given(&mut self, slot: Slot) {
        let account = self.entries[slot].request.account.0 as usize;
        self.closed.push_back(&mut self.entries, slot);
        self.closed_count += 1;
        let own = &mut self.accounts[account];
        own.queue.push_back(&mut self.entries, slot);
        own.count += 1;
        if own.count > self.per_account
            && let Some(oldest) = own.queue.front()
        {
            self.forget(oldest);
        }
        if self.closed_count > self.total
            && let Some(oldest) = self.closed.front()
        {
            self.forget(oldest);
        }
    }

    /// What the owner of this entry asked for.
    pub(crate) fn get(&self, slot: Slot) -> Option<&Entry> {
        slot.some().map(|slot| &self.entries[slot])
    }

    /// The closed ids, oldest first.
    pub(crate) fn closed(&self) -> impl Iterator<Item = &Entry> {
        self.closed.iter(&self.entries)
    }

    /// How many closed ids are kept.
    pub(crate) const fn closed_count(&self) -> u32 {
        self.closed_count
    }

    fn forget(&mut self, slot: Slot) {
        let own = &mut self.accounts[self.entries[slot].request.account.0 as usize];
        own.queue.unlink(&mut self.entries, slot);
        own.count -= 1;
        self.closed.unlink(&mut self.entries, slot);
        self.closed_count -= 1;
        let entry = self.entries.remove(slot);
        if let Ok(found) = self
            .table
            .find_entry(hash(self.key, &entry), |&other| other == slot)
        {
            found.remove();
        }
    }
}

fn hash(key: HashKey, entry: &Entry) -> u64 {
    key.hash(entry.request.account.0, entry.request.client_order_id.as_bytes())
}
