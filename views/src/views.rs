//! All views of one exchange, and the fold that keeps them.

mod image;

use hoga_protocol::{
    Event, EventBody, Genesis, InstrumentId, Lots, Nanos, Notional, OrderAccepted, OrderCanceled, OrderId,
    OrderReplaced, Sequence, Trade, TradeSide,
};
use hoga_tables::Segments;

use crate::armings::Armings;
use crate::book::Book;
use crate::executions::{Execution, Executions, Role};
use crate::order::OrderState;
use crate::orders::Orders;
use crate::registry::{AccountTerms, Accounts, Instruments};
use crate::slab::{Slab, Slot};
use crate::updates::{Fill, OrderUpdate, OrderUpdates};

/// How much of the past the views hold.
///
/// What accounts hold is shared: each account keeps its floor whatever the others do, and what lies above the floors
/// of all comes out of one pool. When the pool is full, the account that holds the most (of several the one opened
/// first) loses its oldest item, so an account that floods the exchange pushes out its own history.
///
/// In the worst case, when every account has filled its floor, the views hold `executions × 70 + order_updates × 250 +
/// closed_orders × 240 + accounts × (4,000 + account_floor × 850)` bytes, besides the live orders and what
/// [`Limits`](hoga_protocol::Limits) says of client order ids (240 bytes each).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViewLimits {
    /// Executions of everybody, counted by side; rounded down to whole trades, at least one trade. The oldest of all goes
    /// first. About 70 bytes each.
    pub executions: usize,
    /// Closed orders without a client order id, above the floors. About 240 bytes each. (For those with one the
    /// exchange's own [`Limits`](hoga_protocol::Limits) count.)
    pub closed_orders: usize,
    /// Order updates, above the floors. About 250 bytes each.
    pub order_updates: usize,
    /// Of each account, at least one: how many order updates, closed orders with and as many without a client order id,
    /// and own executions it keeps whatever other accounts do. About 850 bytes for each account and each one of
    /// these.
    pub account_floor: usize,
}

// What the figures above are made of.
const _: () = assert!(size_of::<OrderUpdate>() <= 240 && Slab::BYTES <= 192 && size_of::<Execution>() <= 80);

impl Default for ViewLimits {
    fn default() -> Self {
        Self {
            executions: 1_000_000,
            closed_orders: 100_000,
            order_updates: 200_000,
            account_floor: 16,
        }
    }
}

/// Everything that an exchange shows, folded from its events.
#[derive(Clone, Debug)]
pub struct Views {
    sequence: Sequence,
    index: u32,
    timestamp: Nanos,
    complete: bool,
    genesis: Option<Genesis>,
    instruments: Instruments,
    accounts: Accounts,
    armings: Armings,
    books: Segments<Book>,
    orders: Orders,
    executions: Executions,
    updates: OrderUpdates,
    /// The order that the command under way has accepted or replaced, while it is live: what remains of it at the
    /// command's end comes to rest.
    working: Option<Slot>,
}

impl Views {
    /// Views of an exchange that has not begun.
    pub fn new(limits: ViewLimits) -> Views {
        Views {
            sequence: Sequence::default(),
            index: 0,
            timestamp: Nanos::default(),
            complete: true,
            genesis: None,
            instruments: Instruments::default(),
            accounts: Accounts::default(),
            armings: Armings::default(),
            books: Segments::new(),
            orders: Orders::new(limits.closed_orders, limits.account_floor),
            executions: Executions::new(limits.executions, limits.account_floor),
            updates: OrderUpdates::new(limits.order_updates, limits.account_floor),
            working: None,
        }
    }

    /// Finds memory for what will be held, as far as that is known beforehand, so that no event waits for the system to
    /// find it: at most some hundreds of megabytes, whatever the limits.
    pub fn touch_memory(&mut self) {
        self.orders.touch();
        self.executions.touch();
        self.updates.touch();
    }

    /// Takes in the next event.
    ///
    /// Worst case: a trade changes one level of one book and two orders, for which two updates and the trade are held, at
    /// most two orders close, and as many updates, closed orders and executions as come go. Each of these takes
    /// constant time, but for the search in trees of levels, and of accounts by what they hold; nothing is moved or
    /// rehashed as a whole.
    ///
    /// # Panics
    /// When the event cannot follow those before it: it does not come after the last one, or it names an instrument,
    /// an account, an arming or a live order that no event has made. The events of an engine that was given its commands in
    /// ascending sequence, from the first on, never do.
    pub fn fold(&mut self, event: &Event) {
        assert!(
            (event.sequence, event.index) > (self.sequence, self.index),
            "event {}.{} does not come after {}.{}",
            event.sequence.0,
            event.index,
            self.sequence.0,
            self.index,
        );
        self.sequence = event.sequence;
        self.index = event.index;
        self.timestamp = event.timestamp;
        self.complete = event.last;
        match &event.body {
            EventBody::Started(genesis) => {
                self.orders.begin(genesis);
                self.genesis = Some(*genesis);
            }
            EventBody::InstrumentDefined(defined) => {
                self.instruments.define(defined.instrument, defined.spec);
                self.books.push(Book::default());
                self.executions.add_instrument();
            }
            EventBody::AccountOpened(opened) => {
                self.accounts.open(opened.account, opened.name);
                self.orders.add_account();
                self.executions.add_account();
                self.updates.add_account();
            }
            EventBody::OrderAccepted(accepted) => self.accept(event, accepted),
            EventBody::Trade(trade) => self.trade(event, trade),
            EventBody::OrderCanceled(canceled) => self.cancel(event, canceled),
            EventBody::OrderReplaced(replaced) => self.replace(event, replaced),
            EventBody::MassCancelDone(_)
            | EventBody::InstrumentCanceled(_)
            | EventBody::DuplicateOrder { .. }
            | EventBody::Rejected(_)
            | EventBody::Checkpointed(_)
            | EventBody::EngineVersionRaised(_) => {}
            EventBody::Armed(_)
            | EventBody::Disarmed(_)
            | EventBody::FeesSet(_)
            | EventBody::InstrumentStatusSet(_)
            | EventBody::AccountStatusSet(_)
            | EventBody::AccountLimitsSet(_)
            | EventBody::LimitsSet(_)
            | EventBody::ClockAccepted(_) => self.administer(&event.body),
        }
        if event.last {
            self.rest_what_remains(event);
        }
    }

    /// Reads the resting orders that the next events change, so that the memory's answers come side by side instead of
    /// one after another. It changes nothing and promises nothing: call it with up to [`PREFETCHED`](Self::PREFETCHED) events
    /// before they are taken in, where [`PREFETCH_ABOVE`](Self::PREFETCH_ABOVE) orders are live.
    pub fn prefetch<'a>(&self, events: impl Iterator<Item = &'a Event>) {
        let orders = events.filter_map(|event| match &event.body {
            EventBody::Trade(trade) => Some(trade.resting.order),
            EventBody::OrderCanceled(canceled) => Some(canceled.order),
            EventBody::OrderReplaced(replaced) => Some(replaced.order),
            _ => None,
        });
        self.orders.prefetch(orders);
    }

    /// With more live orders than this they are more than a core's cache holds, and reading ahead pays.
    pub const PREFETCH_ABOVE: usize = 20_000;

    /// How many events [`prefetch`](Self::prefetch) looks at; it may leave the rest.
    pub const PREFETCHED: usize = Orders::PREFETCHED;

    /// Gives back the memory of orders that are forgotten, of 32 at most, and returns of how many. Nothing that is shown
    /// changes. It is for when nobody waits: folding does it by itself where more than 4,096 are forgotten.
    pub fn tidy(&mut self) -> usize {
        self.orders.take_out_forgotten()
    }

    /// The command of the last event taken in; zero before the first.
    pub fn sequence(&self) -> Sequence {
        self.sequence
    }

    /// The exchange's time of the last event taken in; zero before the first.
    pub fn timestamp(&self) -> Nanos {
        self.timestamp
    }

    /// Whether the last command's events are all taken in, so that the views may be shown.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Who this exchange is and how much it may hold now; `None` before it begins.
    pub fn genesis(&self) -> Option<&Genesis> {
        self.genesis.as_ref()
    }

    /// Every instrument.
    pub fn instruments(&self) -> &Instruments {
        &self.instruments
    }

    /// Every account.
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// The armings in force.
    pub fn armings(&self) -> &Armings {
        &self.armings
    }

    /// The instrument's book.
    pub fn book(&self, id: InstrumentId) -> Option<&Book> {
        self.books.get(id.0 as usize)
    }

    /// Live orders and closed ones.
    pub fn orders(&self) -> &Orders {
        &self.orders
    }

    /// The newest executions.
    pub fn executions(&self) -> &Executions {
        &self.executions
    }

    /// The newest changes of orders.
    pub fn updates(&self) -> &OrderUpdates {
        &self.updates
    }

    #[cold]
    fn administer(&mut self, body: &EventBody) {
        match *body {
            EventBody::Armed(armed) => self.armings.arm(armed),
            EventBody::Disarmed(disarmed) => self.armings.disarm(disarmed.arming),
            EventBody::FeesSet(set) => self.instruments.set_fees(&set),
            EventBody::InstrumentStatusSet(set) => self.instruments.set_status(set.instrument, set.status),
            EventBody::AccountStatusSet(set) => {
                let terms = self.accounts.terms(set.account);
                let status = set.status;
                self.accounts
                    .set_terms(set.account, AccountTerms { status, ..terms });
            }
            EventBody::AccountLimitsSet(set) => {
                let terms = AccountTerms {
                    max_open_orders: set.max_open_orders,
                    ..self.accounts.terms(set.account)
                };
                self.accounts.set_terms(set.account, terms);
            }
            EventBody::LimitsSet(set) => {
                self.orders.set_limits(set.limits);
                if let Some(genesis) = &mut self.genesis {
                    genesis.limits = set.limits;
                }
            }
            EventBody::ClockAccepted(accepted) => {
                self.armings.leap(Nanos(accepted.to.0 - accepted.from.0));
            }
            _ => {}
        }
    }

    fn accept(&mut self, event: &Event, accepted: &OrderAccepted) {
        let order = OrderState::accepted(event, accepted);
        self.updates.push(event, &order, None);
        self.working = Some(self.orders.insert(&order));
    }

    fn trade(&mut self, event: &Event, trade: &Trade) {
        let aggressor = self.live(trade.aggressor.order);
        let resting = self.live(trade.resting.order);
        debug_assert!(!self.orders.resting(aggressor) && self.orders.resting(resting));
        let book = &mut self.books[trade.instrument.0 as usize];
        let filled = trade.resting.leaves == Lots::ZERO;
        book.trade(
            trade.aggressor_side.opposite(),
            trade.price,
            trade.quantity,
            filled,
        );
        book.touch(event.sequence, event.timestamp);
        self.executions.push(event, trade);
        let spec = self.instruments.get(trade.instrument);
        let notional = spec
            .expect("what trades is defined")
            .notional(trade.price, trade.quantity);
        self.fill(event, trade, notional, aggressor, Role::Aggressor);
        self.fill(event, trade, notional, resting, Role::Resting);
        // The engine closes the resting order while it matches and the aggressor when it is through, and which order
        // closes first decides which is forgotten first.
        self.close_if_filled(resting, &trade.resting);
        self.close_if_filled(aggressor, &trade.aggressor);
    }

    fn fill(&mut self, event: &Event, trade: &Trade, notional: Notional, slot: Slot, role: Role) {
        let side = match role {
            Role::Aggressor => &trade.aggressor,
            Role::Resting => &trade.resting,
        };
        let order = self.orders.order_mut(slot);
        order.fill(event, side, trade.quantity, notional);
        let fill = Fill {
            sequence: event.sequence,
            index: event.index,
            role,
            price: trade.price,
            quantity: trade.quantity,
            fee: side.fee,
        };
        self.updates.push(event, order, Some(fill));
    }

    fn close_if_filled(&mut self, slot: Slot, side: &TradeSide) {
        if side.leaves == Lots::ZERO {
            self.close(slot);
        }
    }

    fn cancel(&mut self, event: &Event, canceled: &OrderCanceled) {
        let slot = self.live(canceled.order);
        self.take_off_book(event, slot);
        let order = self.orders.order_mut(slot);
        order.cancel(event, canceled);
        self.updates.push(event, order, None);
        self.close(slot);
    }

    fn replace(&mut self, event: &Event, replaced: &OrderReplaced) {
        let slot = self.live(replaced.order);
        self.take_off_book(event, slot);
        let order = self.orders.order_mut(slot);
        order.replace(event, replaced);
        self.updates.push(event, order, None);
        self.working = Some(slot);
    }

    /// The command is through: the order it worked on rests with what remains of it.
    fn rest_what_remains(&mut self, event: &Event) {
        let Some(slot) = self.working.take() else { return };
        self.orders.set_resting(slot, true);
        let order = self.orders.order(slot);
        let book = &mut self.books[order.instrument.0 as usize];
        book.add(order.side, order.price, order.leaves);
        book.touch(event.sequence, event.timestamp);
    }

    fn take_off_book(&mut self, event: &Event, slot: Slot) {
        if !self.orders.set_resting(slot, false) {
            return;
        }
        let order = self.orders.order(slot);
        let book = &mut self.books[order.instrument.0 as usize];
        book.reduce(order.side, order.price, order.leaves, true);
        book.touch(event.sequence, event.timestamp);
    }

    fn close(&mut self, slot: Slot) {
        if self.working == Some(slot) {
            self.working = None;
        }
        self.orders.close(slot);
    }

    /// The slot of a live order that an event changes.
    fn live(&self, order: OrderId) -> Slot {
        if let Some(slot) = self.working
            && self.orders.order(slot).order == order
        {
            return slot;
        }
        let slot = self.orders.slot(order);
        slot.filter(|&slot| !self.orders.order(slot).status.closed())
            .unwrap_or_else(|| {
                panic!(
                    "event {}.{}: no live order {}",
                    self.sequence.0, self.index, order.0
                )
            })
    }
}
