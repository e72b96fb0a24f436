//! Live orders, and the closed ones that are still remembered.

mod forgotten;

mod image;

use alloc::collections::BTreeMap;
use core::hint::black_box;

use hoga_protocol::{AccountId, ClientOrderId, Genesis, Limits, OrderId};
use hoga_tables::{HashIndex, Segments, Shares};

use crate::keyed::HashKey;
use crate::order::OrderState;
use crate::queue::{Blocks, Queue};
use crate::slab::{List, Slab, Slot, Thread};

/// The most closed orders for which memory is found beforehand: a limit may be far above what a day brings.
const TOUCHED: usize = 1 << 17;

/// Every live order, and closed ones.
///
/// There are two kinds of closed orders, which do not push each other out: those that have a client order id, so that
/// a duplicate can be answered with the first order, and the others; in an exchange that remembers no ids all belong
/// to the others. Of each kind each account keeps its last [`account_floor`](crate::ViewLimits::account_floor) ones
/// whatever other accounts do. Above that, all accounts together keep
/// [`client_ids_total`](Limits::client_ids_total) orders with an id, and
/// [`closed_orders`](crate::ViewLimits::closed_orders) others; beyond it the account that has the most forgets the one
/// that it closed first.
///
/// The engine remembers client order ids by bounds of its own, so it may know of a duplicate whose first order is no
/// longer here.
///
/// Worst cases: a new order and a closing one take constant time but for one step per doubling of the accounts, forget
/// one order at most, take out 32 at most, and allocate a few chunks at most; nothing is moved or rehashed as a whole.
/// Memory is about 240 bytes for each order held, that is for `max_open_orders`, both bounds, twice the floor of each
/// account, and 4,128 that are forgotten and not yet taken out.
#[derive(Clone, Debug)]
pub struct Orders {
    slab: Slab,
    by_id: HashIndex,
    /// The newest order of each client order id of each account.
    by_client_id: HashIndex,
    key: HashKey,
    accounts: Segments<AccountOrders>,
    /// What closed lists, and that of the forgotten, are made of.
    slots: Blocks<Slot>,
    /// Closed orders that are shown no longer, in the order in which they are taken out.
    forgotten: Queue,
    limits: Limits,
    closed_limit: usize,
    floor: u32,
    /// By [`Kind`].
    shares: [Shares; 2],
}

/// Of an account's orders, by id, so many at most stand between two that its index names.
const MARK_EVERY: u32 = 64;

/// Which bounds a closed order falls under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Those of this view.
    Plain = 0,
    /// Those of the exchange's client order ids.
    WithId = 1,
}

#[derive(Clone, Debug)]
struct AccountOrders {
    all: List,
    /// One in at most [`MARK_EVERY`] of `all`, by id: where a walk begins that goes on before a given id, also when that
    /// order is no longer remembered.
    marks: BTreeMap<u64, Slot>,
    /// How many orders came since the newest mark, at most.
    since_mark: u32,
    live: List,
    /// By [`Kind`], in the order of closing.
    closed: [Queue; 2],
}

impl Orders {
    /// Remembers of each account `floor` closed orders of each kind, at least one, and `closed_limit` without a client
    /// order id above that.
    pub(crate) fn new(closed_limit: usize, floor: usize) -> Self {
        let floor = u32::try_from(floor.max(1)).unwrap_or(u32::MAX);
        let limits = Limits::default();
        Self {
            slab: Slab::new(),
            by_id: HashIndex::new(),
            by_client_id: HashIndex::new(),
            key: HashKey::default(),
            accounts: Segments::new(),
            slots: Blocks::new(),
            forgotten: Queue::default(),
            limits,
            closed_limit,
            floor,
            shares: shares(closed_limit, floor, &limits),
        }
    }

    /// The exchange begins. There is no account yet.
    pub(crate) fn begin(&mut self, genesis: &Genesis) {
        self.key = HashKey(genesis.hash_key);
        self.limits = genesis.limits;
        self.shares = shares(self.closed_limit, self.floor, &self.limits);
    }

    /// An operator has changed limits.
    pub(crate) fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
        self.shares[Kind::WithId as usize].set_pool(limits.client_ids_total.into());
    }

    /// Finds memory beforehand: for the closed orders without a client order id, and as many others.
    pub(crate) fn touch(&mut self) {
        let orders = self.closed_limit.min(TOUCHED) * 2;
        self.slab.touch(orders);
        self.by_id.touch(orders);
        self.by_client_id.touch(orders);
    }

    /// The order, live or remembered.
    pub fn get(&self, order: OrderId) -> Option<&OrderState> {
        self.shown(self.slot(order)?)
    }

    /// The account's order with this client order id, live or remembered; the newest, when the id was used again after
    /// it was forgotten. `None` for the empty id.
    pub fn by_client_id(&self, account: AccountId, id: &ClientOrderId) -> Option<&OrderState> {
        self.shown(self.named(account, id)?)
    }

    /// The account's orders, live and remembered, the newest (by id) first.
    pub fn of_account(&self, account: AccountId) -> impl Iterator<Item = &OrderState> {
        let lists = self.accounts.get(account.0 as usize);
        let all = lists.map_or(List::EMPTY, |lists| lists.all);
        let slots = all.newest_first(&self.slab, Thread::Account);
        slots.filter_map(|slot| self.shown(slot))
    }

    /// The account's live orders, the newest (by id) first.
    pub fn live_of_account(&self, account: AccountId) -> impl Iterator<Item = &OrderState> {
        let lists = self.accounts.get(account.0 as usize);
        let live = lists.map_or(List::EMPTY, |lists| lists.live);
        let slots = live.newest_first(&self.slab, Thread::Live);
        slots.map(|slot| self.slab.order(slot))
    }

    /// The account's orders whose ids are less than `before`, the newest first, beginning in a bounded number of steps
    /// wherever `before` lies, also when that order is no longer remembered. [`OrderId`]`(u64::MAX)` begins with the newest.
    ///
    /// On its way it passes over forgotten orders that are not taken out yet, 4,096 at most in all.
    ///
    /// With `live_only` closed orders are passed over, save those between `before` and the next live order where `before`
    /// has closed in the meantime: they are given, so that the caller counts them, and must be left out.
    pub fn of_account_before(
        &self,
        account: AccountId,
        before: OrderId,
        live_only: bool,
    ) -> impl Iterator<Item = &OrderState> {
        let mut next = self.first_before(account, before, live_only);
        let slots = core::iter::from_fn(move || {
            let slot = next?;
            next = self
                .slab
                .neighbours(thread_of(self.slab.order(slot), live_only), slot)[0];
            Some(slot)
        });
        slots.filter_map(|slot| self.shown(slot))
    }

    fn first_before(&self, id: AccountId, before: OrderId, live_only: bool) -> Option<Slot> {
        let account = self.accounts.get(id.0 as usize)?;
        let newest = if live_only {
            account.live.newest()
        } else {
            account.all.newest()
        }?;
        if self.slab.order(newest).order < before {
            return Some(newest);
        }
        if let Some(slot) = self.slot(before) {
            let order = self.slab.order(slot);
            if order.account == id {
                return self.slab.neighbours(thread_of(order, live_only), slot)[0];
            }
        }
        let marked = account.marks.range(before.0..).next();
        let mut next = marked.map(|(_, &slot)| slot).or(account.all.newest());
        while let Some(slot) = next
            && self.slab.order(slot).order >= before
        {
            next = self.slab.neighbours(Thread::Account, slot)[0];
        }
        next
    }

    /// How many orders are live.
    pub fn live(&self) -> usize {
        self.by_id.len() - self.closed() - self.forgotten.len()
    }

    /// How many closed orders are remembered.
    pub fn closed(&self) -> usize {
        self.shares.iter().map(|shares| shares.total() as usize).sum()
    }

    pub(crate) fn add_account(&mut self) {
        self.accounts.push(AccountOrders {
            all: List::EMPTY,
            marks: BTreeMap::new(),
            since_mark: 0,
            live: List::EMPTY,
            closed: Default::default(),
        });
        for shares in &mut self.shares {
            shares.add_holder();
        }
    }

    /// How many orders [`prefetch`](Self::prefetch) looks at; it leaves the rest.
    pub(crate) const PREFETCHED: usize = 32;

    /// Touches the orders, and then their neighbours in the lists. The loads of one round do not wait for each other,
    /// those of the next round find the lines of the last one in the cache.
    pub(crate) fn prefetch(&self, orders: impl Iterator<Item = OrderId>) {
        let mut slots = [0; Self::PREFETCHED];
        let mut count = 0;
        for order in orders.take(Self::PREFETCHED) {
            // Whether it is that very order would have to be asked of the order itself. Hardly ever is it another one.
            if let Some(slot) = self.by_id.find(self.key.of_order(order), |_| true) {
                slots[count] = slot;
                count += 1;
            }
        }
        let slots = &slots[..count];
        black_box(
            slots
                .iter()
                .fold(0, |sum, &slot| sum ^ self.slab.touch_order(slot)),
        );
        black_box(
            slots
                .iter()
                .fold(0, |sum, &slot| sum ^ self.slab.touch_beside(Thread::Live, slot)),
        );
    }

    pub(crate) fn slot(&self, order: OrderId) -> Option<Slot> {
        let is_it = |slot| self.slab.order(slot).order == order;
        self.by_id.find(self.key.of_order(order), is_it)
    }

    pub(crate) fn order(&self, slot: Slot) -> &OrderState {
        self.slab.order(slot)
    }

    pub(crate) fn order_mut(&mut self, slot: Slot) -> &mut OrderState {
        self.slab.order_mut(slot)
    }

    /// Whether the book counts the order.
    pub(crate) fn resting(&self, slot: Slot) -> bool {
        self.slab.resting(slot)
    }

    /// Says whether the book counts the order, and returns whether it did.
    pub(crate) fn set_resting(&mut self, slot: Slot, resting: bool) -> bool {
        self.slab.set_resting(slot, resting)
    }

    /// Adds a live order. Its id is greater than any before.
    pub(crate) fn insert(&mut self, order: &OrderState) -> Slot {
        let slot = self.take_in(order);
        let account = &mut self.accounts[order.account.0 as usize];
        account.push(&mut self.slab, slot);
        account.live.push(&mut self.slab, Thread::Live, slot);
        slot
    }

    /// The order, unless it is forgotten.
    fn shown(&self, slot: Slot) -> Option<&OrderState> {
        (!self.slab.forgotten(slot)).then(|| self.slab.order(slot))
    }

    /// Moves a live order to the closed ones, and forgets the one that this pushes out.
    pub(crate) fn close(&mut self, slot: Slot) {
        let order = self.slab.order(slot);
        let (account, kind) = (order.account, self.kind(order));
        let lists = &mut self.accounts[account.0 as usize];
        lists.live.unlink(&mut self.slab, Thread::Live, slot);
        if let Some(pushed_out) = self.remember(account, kind, slot) {
            self.forget(pushed_out);
        }
    }

    /// Holds an order by its ids, in no list.
    fn take_in(&mut self, order: &OrderState) -> Slot {
        let slot = self.slab.insert(order);
        self.by_id.insert(self.key.of_order(order.order), slot);
        let id = &order.client_order_id;
        if !id.is_empty() {
            let hash = self.key.of_client_id(order.account, id);
            match self.named(order.account, id) {
                Some(other) if self.slab.order(other).order > order.order => return slot,
                Some(other) => _ = self.by_client_id.remove(hash, other),
                None => {}
            }
            self.by_client_id.insert(hash, slot);
        }
        slot
    }

    /// Adds a closed order to the closed ones. The one that this pushes out is among them no longer.
    #[inline]
    fn remember(&mut self, account: AccountId, kind: Kind, slot: Slot) -> Option<Slot> {
        let closed = &mut self.accounts[account.0 as usize].closed[kind as usize];
        self.slots.push(closed, slot);
        let largest = self.shares[kind as usize].exchange(account.0)?;
        let closed = &mut self.accounts[largest as usize].closed[kind as usize];
        let oldest = self.slots.get(closed, 0).copied()?;
        self.slots.drop_first(closed);
        Some(oldest)
    }

    fn named(&self, account: AccountId, id: &ClientOrderId) -> Option<Slot> {
        if id.is_empty() {
            return None;
        }
        let is_it = |slot| {
            let order = self.slab.order(slot);
            order.account == account && order.client_order_id == *id
        };
        let hash = self.key.of_client_id(account, id);
        self.by_client_id.find(hash, is_it)
    }

    fn kind(&self, order: &OrderState) -> Kind {
        let none_is_kept = self.limits.client_ids_per_account == 0 && self.limits.client_ids_total == 0;
        match order.client_order_id.is_empty() || none_is_kept {
            true => Kind::Plain,
            false => Kind::WithId,
        }
    }
}

/// The list that leads on from an order.
fn thread_of(order: &OrderState, live_only: bool) -> Thread {
    match live_only && !order.status.closed() {
        true => Thread::Live,
        false => Thread::Account,
    }
}

impl AccountOrders {
    /// Adds an order whose id is greater than any before.
    fn push(&mut self, slab: &mut Slab, slot: Slot) {
        self.all.push(slab, Thread::Account, slot);
        self.since_mark += 1;
        if self.since_mark >= MARK_EVERY {
            self.mark(slab, slot);
            self.since_mark = 0;
        }
    }

    /// Takes an order out. If it was marked, the next older one is marked in its place, so that no more stand between two
    /// marks than before: there is none before the oldest mark that could stand there. The next older one, since those that
    /// are forgotten after this one are newer as a rule.
    fn unlink(&mut self, slab: &mut Slab, slot: Slot) {
        if slab.marked(slot) {
            self.marks.remove(&slab.order(slot).order.0);
            let [older, _] = slab.neighbours(Thread::Account, slot);
            if let Some(older) = older
                && !slab.marked(older)
            {
                self.mark(slab, older);
            }
        }
        self.all.unlink(slab, Thread::Account, slot);
    }

    fn mark(&mut self, slab: &mut Slab, slot: Slot) {
        slab.mark(slot);
        self.marks.insert(slab.order(slot).order.0, slot);
    }
}

/// The shares by [`Kind`], without holders.
fn shares(closed_limit: usize, floor: u32, limits: &Limits) -> [Shares; 2] {
    let pools = [closed_limit as u64, limits.client_ids_total.into()];
    pools.map(|pool| Shares::new(floor, pool, 0))
}

#[cfg(test)]
mod tests;
