//! The client order ids that an account may not use for another order: those of its live orders, and of orders that
//! closed.
//!
//! An id is kept as two keyed hashes of 64 bits, of the account and its id, and of the terms: not as the request. Two
//! different requests of one exchange look alike with a chance of 2⁻⁶⁴, and then the second is taken for a repeat.
//!
//! How long the id of a closed order is kept: each account keeps [`Limits::client_ids_per_account`] whatever others do,
//! and all accounts share room for [`Limits::client_ids_total`] more, from which the account that has most loses its
//! oldest. An account remembers up to which time orders with a `valid_until` may have been forgotten, and refuses what
//! is valid no longer than that: so no request is carried out twice before its `valid_until`, however full the table is.

use hoga_protocol::{AccountId, ClientOrderId, Limits, Nanos, NewOrder, OrderId};
use hoga_tables::{HashIndex, Segments, Shares};

use crate::keyed::HashKey;
use crate::queue::{Chained, Links, Queue, slots_from};
use crate::slab::{GrowingSlab, Slot};

/// Closed ids of one account, oldest first.
const OWN: usize = 0;

/// The most closed ids for which memory is set aside beforehand: a limit may be far above what a day brings.
const SET_ASIDE: usize = 1 << 20;

/// An id and what was asked for under it, as far as a later request is compared with it.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    /// Of the account and its id.
    pub(crate) id: u64,
    /// Of the terms: all of the request but `valid_until` and the key, which a repeat may have otherwise.
    pub(crate) terms: u64,
    /// The order that has the id.
    pub(crate) order: OrderId,
    pub(crate) valid_until: Nanos,
    pub(crate) account: AccountId,
    links: [Links; 1],
}

impl Entry {
    /// In no chain yet.
    pub(crate) const fn new(
        id: u64,
        terms: u64,
        order: OrderId,
        valid_until: Nanos,
        account: AccountId,
    ) -> Self {
        Self {
            id,
            terms,
            order,
            valid_until,
            account,
            links: [Links::NONE],
        }
    }

    const VACANT: Entry = Entry::new(0, 0, OrderId(0), Nanos(0), AccountId(0));
}

impl Chained<1> for Entry {
    fn links(&self) -> &[Links; 1] {
        &self.links
    }

    fn links_mut(&mut self) -> &mut [Links; 1] {
        &mut self.links
    }
}

/// An account's closed ids.
#[derive(Clone, Copy)]
struct ClosedOfAccount {
    queue: Queue<OWN>,
    /// The latest `valid_until` of an id that was forgotten.
    forgotten_until: Nanos,
}

/// The ids in use. Its size is bounded by the live orders and the limits on closed ids.
#[derive(Clone)]
pub(crate) struct ClientIds {
    key: HashKey,
    entries: GrowingSlab<Entry>,
    index: HashIndex,
    accounts: Segments<ClosedOfAccount>,
    /// How many closed ids each account has.
    shares: Shares,
}

impl ClientIds {
    pub(crate) fn new(key: HashKey, limits: &Limits) -> Self {
        let accounts = limits.max_accounts as usize;
        let most = limits.most_client_ids() as usize;
        Self {
            key,
            entries: GrowingSlab::new(Entry::VACANT, most),
            index: HashIndex::with_max(most),
            accounts: Segments::with_max(accounts),
            shares: Shares::new(
                limits.client_ids_per_account,
                u64::from(limits.client_ids_total),
                accounts,
            ),
        }
    }

    /// Sets memory aside, and writes to it, for the ids of as many `live` orders and of up to a million closed ones.
    pub(crate) fn set_aside(&mut self, live: usize) {
        let capacity = live + (self.shares.pool() as usize).min(SET_ASIDE);
        self.entries.touch(capacity);
        self.index.touch(capacity);
    }

    /// An account was opened: the next number.
    pub(crate) fn add_account(&mut self) {
        self.shares.add_holder();
        self.accounts.push(ClosedOfAccount {
            queue: Queue::EMPTY,
            forgotten_until: Nanos(0),
        });
    }

    /// Makes the room that all accounts share larger.
    pub(crate) fn set_total(&mut self, total: u32) {
        self.shares.set_pool(u64::from(total));
    }

    /// The hash of a request's terms: of all but `valid_until` and the key, which a repeat may have otherwise.
    pub(crate) fn terms(&self, request: &NewOrder) -> u64 {
        let kind = [
            request.side as u8,
            request.order_type as u8,
            request.time_in_force as u8,
            u8::from(request.post_only),
        ];
        let kind = u64::from(u32::from_le_bytes(kind));
        let place = u64::from(request.instrument.0) << 32 | kind;
        self.key
            .hash_words(&[place, request.price.0 as u64, request.quantity.0])
    }

    /// Takes the id of an accepted order, which no order has, until [`close`](Self::close).
    #[inline(never)]
    pub(crate) fn take(&mut self, order: OrderId, request: &NewOrder) -> Slot {
        let id = self.hash(request.account, &request.client_order_id);
        let terms = self.terms(request);
        self.insert(Entry::new(id, terms, order, request.valid_until, request.account))
    }

    /// The entry that an account has for this id.
    pub(crate) fn find(&self, account: AccountId, id: &ClientOrderId) -> Option<&Entry> {
        match id.is_empty() {
            true => None,
            false => self.find_hash(account, self.hash(account, id)),
        }
    }

    /// As [`find`](Self::find), by the hash of an [`Entry`].
    pub(crate) fn find_hash(&self, account: AccountId, id: u64) -> Option<&Entry> {
        let is_it = |slot: u32| self.entries[Slot::at(slot)].account == account;
        let slot = self.index.find(id, is_it)?;
        Some(&self.entries[Slot::at(slot)])
    }

    /// As [`take`](Self::take), with what it comes to.
    pub(crate) fn insert(&mut self, entry: Entry) -> Slot {
        let slot = self.entries.insert(entry);
        self.index.insert(entry.id, slot.index() as u32);
        slot
    }

    /// The order of this entry is live no longer. Its id is kept as the account's youngest closed one. Where that is
    /// more than the shares allow, the account that keeps most forgets its oldest.
    #[inline]
    pub(crate) fn close(&mut self, slot: Slot) {
        if slot != Slot::NONE {
            self.close_given(slot);
        }
    }

    #[inline(never)]
    fn close_given(&mut self, slot: Slot) {
        let account = self.entries[slot].account.0;
        let closed = &mut self.accounts[account as usize];
        closed.queue.push_back(&mut self.entries, slot);
        if let Some(largest) = self.shares.exchange(account) {
            self.forget_oldest(largest);
        }
    }

    /// Forgets an id that the shares no longer count.
    fn forget_oldest(&mut self, account: u32) {
        let closed = &mut self.accounts[account as usize];
        let Some(slot) = closed.queue.front() else { return };
        closed.queue.unlink(&mut self.entries, slot);
        let entry = self.entries.remove(slot);
        closed.forgotten_until = closed.forgotten_until.max(entry.valid_until);
        self.index.remove(entry.id, slot.index() as u32);
    }

    /// Up to which `valid_until` an id of this account may have been forgotten; 0 when none was.
    pub(crate) fn forgotten_until(&self, account: AccountId) -> Nanos {
        self.accounts[account.0 as usize].forgotten_until
    }

    /// Where an account that was read from an image stands.
    pub(crate) fn set_forgotten_until(&mut self, account: AccountId, until: Nanos) {
        self.accounts[account.0 as usize].forgotten_until = until;
    }

    /// The entry at `slot`, none at [`Slot::NONE`].
    pub(crate) fn get(&self, slot: Slot) -> Option<&Entry> {
        slot.some().map(|slot| &self.entries[slot])
    }

    /// The closed ids of an account, oldest first.
    pub(crate) fn closed(&self, account: AccountId) -> impl Iterator<Item = &Entry> {
        self.accounts[account.0 as usize].queue.iter(&self.entries)
    }

    /// The closed ids of an account behind the one of this hash, oldest first; none where it is closed no more.
    pub(crate) fn closed_behind(&self, account: AccountId, id: u64) -> impl Iterator<Item = &Entry> {
        let found = self.find_hash(account, id);
        let next = found.map_or(Slot::NONE, |entry| entry.links[OWN].both()[1]);
        slots_from::<OWN, 1, _, _>(&self.entries, next).map(|slot| &self.entries[slot])
    }

    /// How many closed ids an account has.
    pub(crate) fn closed_count(&self, account: AccountId) -> u32 {
        self.shares.count(account.0)
    }

    /// How many closed ids all accounts have.
    pub(crate) fn closed_total(&self) -> u64 {
        self.shares.total()
    }

    /// The most entries that one command has moved from one place of the index to another.
    pub(crate) fn most_moved(&self) -> usize {
        self.index.most_moved()
    }

    /// Falsifies the entry of this hash.
    #[cfg(test)]
    pub(crate) fn change(&mut self, account: AccountId, id: u64, change: impl FnOnce(&mut Entry)) {
        let is_it = |slot: u32| self.entries[Slot::at(slot)].account == account;
        let slot = self.index.find(id, is_it).expect("known");
        change(&mut self.entries[Slot::at(slot)]);
    }

    fn hash(&self, account: AccountId, id: &ClientOrderId) -> u64 {
        self.key.hash(account.0, id.as_bytes())
    }
}
