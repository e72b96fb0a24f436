//! Live orders, and the closed ones that are still remembered.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use hoga_protocol::codec::{ImageError, ImageSink, ImageSource};
use hoga_protocol::{AccountId, Limits, OrderId, OrderType, Sequence, TimeInForce};

use crate::image::{Known, must};
use crate::order::OrderState;
use crate::slab::{List, Node, Slab, Slot, Thread};
use crate::slots::Slots;

/// The most closed orders for which memory is found beforehand: a limit may be far above what a day brings.
const TOUCHED: usize = 1 << 17;

/// Of an account's orders, by id, so many at most stand between two that its index names.
const MARK_EVERY: u32 = 64;

/// Every live order, and of the closed ones those closed last.
///
/// A closed order that has a client order id is remembered for as long as the engine remembers the id, so that a
/// duplicate can be answered with the first order: of each account the last
/// [`client_ids_per_account`](Limits::client_ids_per_account) closed ones, and in all the last
/// [`client_ids_total`](Limits::client_ids_total). The others, and all of them in an exchange that remembers no ids,
/// are kept by a limit of this view's own.
#[derive(Clone, Debug)]
pub struct Orders {
    slab: Slab,
    slots: Slots,
    accounts: Vec<AccountOrders>,
    closed_limit: usize,
    limits: Limits,
    closed: List,
    closed_with_id: List,
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
    closed_with_id: List,
}

impl Orders {
    /// Remembers `closed_limit` closed orders, at least one, besides those with a client order id.
    pub(crate) fn new(closed_limit: usize) -> Self {
        Self {
            slab: Slab::new(),
            slots: Slots::new(),
            accounts: Vec::new(),
            closed_limit: closed_limit.max(1),
            limits: Limits::default(),
            closed: List::EMPTY,
            closed_with_id: List::EMPTY,
        }
    }

    /// Finds memory beforehand: for the closed orders without a client order id, and as many others.
    pub(crate) fn touch(&mut self) {
        self.slab.touch(self.closed_limit.min(TOUCHED) * 2);
    }

    /// The order, live or remembered.
    pub fn get(&self, order: OrderId) -> Option<&OrderState> {
        self.slot(order).map(|slot| &self.slab.node(slot).order)
    }

    /// The account's orders, live and remembered, the newest (by id) first.
    pub fn of_account(&self, account: AccountId) -> impl Iterator<Item = &OrderState> {
        self.list(account, Thread::Account)
    }

    /// The account's live orders, the newest (by id) first.
    pub fn live_of_account(&self, account: AccountId) -> impl Iterator<Item = &OrderState> {
        self.list(account, Thread::Standing)
    }

    /// The account's orders whose ids are less than `before`, the newest first, beginning in a bounded number of steps
    /// wherever `before` lies, also when that order is no longer remembered. [`OrderId`]`(u64::MAX)` begins with the newest.
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
        core::iter::from_fn(move || {
            let slot = next?;
            let order = &self.slab.node(slot).order;
            next = self.slab.neighbours(thread_of(order, live_only), slot)[0];
            Some(order)
        })
    }

    fn first_before(&self, id: AccountId, before: OrderId, live_only: bool) -> Option<Slot> {
        let account = self.accounts.get(id.0 as usize)?;
        let newest = if live_only {
            account.live.newest()
        } else {
            account.all.newest()
        }?;
        if self.slab.node(newest).order.order < before {
            return Some(newest);
        }
        if let Some(slot) = self.slot(before) {
            let order = &self.slab.node(slot).order;
            if order.account == id {
                return self.slab.neighbours(thread_of(order, live_only), slot)[0];
            }
        }
        let marked = account.marks.range(before.0..).next();
        let mut next = marked.map(|(_, &slot)| slot).or(account.all.newest());
        while let Some(slot) = next
            && self.slab.node(slot).order.order >= before
        {
            next = self.slab.neighbours(Thread::Account, slot)[0];
        }
        next
    }

    /// How many orders are live.
    pub fn live(&self) -> usize {
        self.slots.len() - self.closed()
    }

    /// How many closed orders are remembered.
    pub fn closed(&self) -> usize {
        self.closed.len() + self.closed_with_id.len()
    }

    fn list(&self, account: AccountId, thread: Thread) -> impl Iterator<Item = &OrderState> {
        let list = match (self.accounts.get(account.0 as usize), thread) {
            (Some(account), Thread::Account) => account.all,
            (Some(account), Thread::Standing) => account.live,
            (Some(account), Thread::ClientId) => account.closed_with_id,
            (None, _) => List::EMPTY,
        };
        list.iter(&self.slab, thread)
    }

    pub(crate) fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    pub(crate) fn add_account(&mut self) {
        self.accounts.push(AccountOrders {
            all: List::EMPTY,
            marks: BTreeMap::new(),
            since_mark: 0,
            live: List::EMPTY,
            closed_with_id: List::EMPTY,
        });
    }

    pub(crate) fn slot(&self, order: OrderId) -> Option<Slot> {
        self.slots.get(order.0)
    }

    pub(crate) fn node(&self, slot: Slot) -> &Node {
        self.slab.node(slot)
    }

    pub(crate) fn node_mut(&mut self, slot: Slot) -> &mut Node {
        self.slab.node_mut(slot)
    }

    /// Adds a live order. Its id is greater than any before.
    pub(crate) fn insert(&mut self, order: OrderState) -> Slot {
        let slot = self.slab.insert(order);
        self.slots.insert(order.order.0, slot);
        let account = &mut self.accounts[order.account.0 as usize];
        account.push(&mut self.slab, slot);
        account.live.push(&mut self.slab, Thread::Standing, slot);
        slot
    }

    /// Moves a live order to the closed ones, and forgets the one that this pushes out.
    pub(crate) fn close(&mut self, slot: Slot) {
        let order = &self.slab.node(slot).order;
        let has_id = self.is_kept_by_id(order);
        let account = &mut self.accounts[order.account.0 as usize];
        account.live.unlink(&mut self.slab, Thread::Standing, slot);
        if !has_id {
            self.closed.push(&mut self.slab, Thread::Standing, slot);
            if self.closed.len() > self.closed_limit {
                self.forget_oldest();
            }
            return;
        }
        account
            .closed_with_id
            .push(&mut self.slab, Thread::ClientId, slot);
        self.closed_with_id.push(&mut self.slab, Thread::Standing, slot);
        if account.closed_with_id.len() > self.limits.client_ids_per_account as usize {
            let oldest = account.closed_with_id.oldest();
            self.forget_with_id(oldest);
        } else if self.closed_with_id.len() > self.limits.client_ids_total as usize {
            self.forget_with_id(self.closed_with_id.oldest());
        }
    }

    /// Whether the order, once closed, is remembered for its client order id.
    fn is_kept_by_id(&self, order: &OrderState) -> bool {
        !order.client_order_id.is_empty() && self.limits.client_ids_per_account > 0
    }

    fn forget_oldest(&mut self) {
        if let Some(slot) = self.closed.oldest() {
            self.closed.unlink(&mut self.slab, Thread::Standing, slot);
            self.forget(slot);
        }
    }

    fn forget_with_id(&mut self, slot: Option<Slot>) {
        if let Some(slot) = slot {
            let account = &mut self.accounts[self.slab.node(slot).order.account.0 as usize];
            account
                .closed_with_id
                .unlink(&mut self.slab, Thread::ClientId, slot);
            self.closed_with_id.unlink(&mut self.slab, Thread::Standing, slot);
            self.forget(slot);
        }
    }

    fn forget(&mut self, slot: Slot) {
        let order = &self.slab.node(slot).order;
        self.slots.remove(order.order.0);
        let account = &mut self.accounts[order.account.0 as usize];
        account.unlink(&mut self.slab, slot);
        self.slab.remove(slot);
    }
}

/// The list that leads on from an order.
fn thread_of(order: &OrderState, live_only: bool) -> Thread {
    match live_only && !order.status.closed() {
        true => Thread::Standing,
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

    /// Takes an order out. If it was marked, its neighbour is marked in its place, so that gaps between marks never grow.
    fn unlink(&mut self, slab: &mut Slab, slot: Slot) {
        if slab.node(slot).marked {
            self.marks.remove(&slab.node(slot).order.order.0);
            let [older, newer] = slab.neighbours(Thread::Account, slot);
            if let Some(heir) = newer.or(older)
                && !slab.node(heir).marked
            {
                self.mark(slab, heir);
            }
        }
        self.all.unlink(slab, Thread::Account, slot);
    }

    fn mark(&mut self, slab: &mut Slab, slot: Slot) {
        let node = slab.node_mut(slot);
        node.marked = true;
        self.marks.insert(node.order.order.0, slot);
    }
}

/// The image: the live orders by account and id, then the closed ones without a client order id and those with one, both
/// in the order of closing; a count (`u32`) before each. All lists follow from these three.
impl Orders {
    /// All live orders, account by account, the oldest of each first.
    pub(crate) fn live_oldest_first(&self) -> impl Iterator<Item = &OrderState> {
        let live = self.accounts.iter().map(|account| account.live);
        live.flat_map(|live| live.oldest_first(&self.slab, Thread::Standing))
    }

    pub(crate) fn write_image(&self, sink: &mut impl ImageSink) {
        sink.put_u32(self.live() as u32);
        for order in self.live_oldest_first() {
            order.write_image(sink);
        }
        for closed in [self.closed, self.closed_with_id] {
            sink.put_u32(closed.len() as u32);
            for order in closed.oldest_first(&self.slab, Thread::Standing) {
                order.write_image(sink);
            }
        }
    }

    /// Reads the orders of the accounts that are known.
    pub(crate) fn read_image(
        closed_limit: usize,
        limits: Limits,
        known: &Known<'_>,
        source: &mut impl ImageSource,
    ) -> Result<Self, ImageError> {
        let mut orders = Self::new(closed_limit);
        orders.set_limits(limits);
        for _ in 0..known.accounts.len() {
            orders.add_account();
        }
        orders.read_live(known, source)?;
        orders.read_closed(known, source)?;
        orders.read_closed_with_id(known, source)?;
        orders.list_by_id();
        Ok(orders)
    }

    fn read_live(&mut self, known: &Known<'_>, source: &mut impl ImageSource) -> Result<(), ImageError> {
        let count = source.take_u32()?;
        must(count <= self.limits.max_open_orders, "live orders")?;
        let mut previous = None;
        for _ in 0..count {
            let order = OrderState::read_image(known, source)?;
            let rests = (order.order_type, order.time_in_force) == (OrderType::Limit, TimeInForce::Gtc);
            must(rests && !order.status.closed(), "live orders")?;
            let place = Some((order.account, order.order));
            must(previous < place, "order")?;
            previous = place;
            let slot = self.take_in(order)?;
            self.slab.node_mut(slot).resting = true;
            let account = &mut self.accounts[order.account.0 as usize];
            account.live.push(&mut self.slab, Thread::Standing, slot);
        }
        Ok(())
    }

    fn read_closed(&mut self, known: &Known<'_>, source: &mut impl ImageSource) -> Result<(), ImageError> {
        let count = source.take_u32()?;
        let forgotten = (count as usize).saturating_sub(self.closed_limit);
        let mut previous = Sequence::default();
        for place in 0..count as usize {
            let order = take_closed(&mut previous, known, source)?;
            must(!self.is_kept_by_id(&order), "client_order_id")?;
            if place >= forgotten {
                let slot = self.take_in(order)?;
                self.closed.push(&mut self.slab, Thread::Standing, slot);
            }
        }
        Ok(())
    }

    fn read_closed_with_id(
        &mut self,
        known: &Known<'_>,
        source: &mut impl ImageSource,
    ) -> Result<(), ImageError> {
        let count = source.take_u32()?;
        must(count <= self.limits.client_ids_total, "closed orders")?;
        let mut previous = Sequence::default();
        for _ in 0..count {
            let order = take_closed(&mut previous, known, source)?;
            must(self.is_kept_by_id(&order), "client_order_id")?;
            let slot = self.take_in(order)?;
            let account = &mut self.accounts[order.account.0 as usize];
            account
                .closed_with_id
                .push(&mut self.slab, Thread::ClientId, slot);
            let kept = account.closed_with_id.len();
            must(
                kept <= self.limits.client_ids_per_account as usize,
                "closed orders",
            )?;
            self.closed_with_id.push(&mut self.slab, Thread::Standing, slot);
        }
        Ok(())
    }

    fn take_in(&mut self, order: OrderState) -> Result<Slot, ImageError> {
        let slot = self.slab.insert(order);
        must(self.slots.insert(order.order.0, slot), "order")?;
        Ok(slot)
    }

    /// Makes each account's list of all its orders.
    fn list_by_id(&mut self) {
        let mut by_id: Vec<(u64, Slot)> = self.slots.iter().collect();
        by_id.sort_unstable();
        for (_, slot) in by_id {
            let account = self.slab.node(slot).order.account;
            self.accounts[account.0 as usize].push(&mut self.slab, slot);
        }
    }
}

/// A closed order that did not close before the `previous` one.
fn take_closed(
    previous: &mut Sequence,
    known: &Known<'_>,
    source: &mut impl ImageSource,
) -> Result<OrderState, ImageError> {
    let order = OrderState::read_image(known, source)?;
    must(
        order.status.closed() && *previous <= order.sequence,
        "closed orders",
    )?;
    *previous = order.sequence;
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::OrderStatus;
    use hoga_protocol::{ClientOrderId, InstrumentId, Lots, Nanos, Notional, Side, Ticks};

    fn order(id: u64, account: u32) -> OrderState {
        OrderState {
            order: OrderId(id),
            account: AccountId(account),
            instrument: InstrumentId(0),
            client_order_id: ClientOrderId::EMPTY,
            side: Side::Buy,
            order_type: OrderType::Limit,
            time_in_force: TimeInForce::Gtc,
            post_only: false,
            price: Ticks(1),
            quantity: Lots(1),
            filled: Lots(0),
            leaves: Lots(1),
            notional: Notional(0),
            fee: Notional(0),
            status: OrderStatus::New,
            reason: None,
            sequence: Sequence(id),
            created_at: Nanos(0),
            updated_at: Nanos(0),
        }
    }

    /// Of each account no more than [`MARK_EVERY`] orders lie between two marks, or behind the last.
    fn check_marks(orders: &Orders) {
        for account in &orders.accounts {
            let (mut unmarked, mut marks) = (0, 0);
            for order in account.all.oldest_first(&orders.slab, Thread::Account) {
                let slot = orders.slot(order.order).unwrap();
                let marked = orders.slab.node(slot).marked;
                assert_eq!(account.marks.get(&order.order.0), marked.then_some(&slot));
                (unmarked, marks) = if marked {
                    (0, marks + 1)
                } else {
                    (unmarked + 1, marks)
                };
                assert!(unmarked < MARK_EVERY, "{unmarked} orders without a mark");
            }
            assert_eq!(marks, account.marks.len(), "marks of orders that are gone");
        }
    }

    /// From wherever a walk goes on, it finds what is left of the list.
    fn check_walks(orders: &Orders, before: u64, account: AccountId) {
        let all: Vec<u64> = orders.of_account(account).map(|order| order.order.0).collect();
        let want: Vec<u64> = all.iter().copied().filter(|&id| id < before).collect();
        let walked = |live_only| orders.of_account_before(account, OrderId(before), live_only);
        assert!(
            walked(false).map(|order| order.order.0).eq(want),
            "before {before}"
        );
        let live = orders.live_of_account(account).map(|order| order.order.0);
        let found = walked(true).filter(|order| !order.status.closed());
        let found = found.map(|order| order.order.0);
        assert!(
            found.eq(live.filter(|&id| id < before)),
            "live ones before {before}"
        );
    }

    #[test]
    fn a_walk_goes_on_in_a_bounded_number_of_steps_from_an_order_that_is_forgotten() {
        for seed in 1..=6_u64 {
            let mut random = seed;
            let mut below = |most: u64| {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (random >> 33) % most
            };
            let mut orders = Orders::new(300 * seed as usize);
            (0..2).for_each(|_| orders.add_account());
            let mut live: Vec<Slot> = Vec::new();
            for id in 1..=4_000 {
                live.push(orders.insert(order(id, below(2) as u32)));
                // Now and then the newest closes first, as an order does that never rests.
                while live.len() as u64 > 100 * seed {
                    let at = if below(3) == 0 {
                        live.len() - 1
                    } else {
                        below(live.len() as u64) as usize
                    };
                    let slot = live.swap_remove(at);
                    let order = &mut orders.node_mut(slot).order;
                    (order.status, order.leaves) = (OrderStatus::Canceled, Lots(0));
                    orders.close(slot);
                }
                if id % 50 == 0 {
                    check_marks(&orders);
                    for before in [0, 1, below(id + 1), below(id + 1), id, id + 1, u64::MAX] {
                        check_walks(&orders, before, AccountId(below(2) as u32));
                    }
                }
            }
        }
    }
}
