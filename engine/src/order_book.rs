//! One instrument's order book: price levels on two sides, and at each level a queue.
//!
//! ```text
//!            bids                       asks
//!   best ─►  100: [#7] [#9]             101: [#3]            ◄─ best
//!             99: [#2]                  103: [#4] [#8] [#11]
//! ```
//!
//! The book keeps the queues and their totals; the orders themselves live in the engine's slab. It decides nothing:
//! who trades, and whether an order may be here, is the [market](crate::market)'s business.

use alloc::collections::BTreeMap;

use hoga_protocol::{Lots, Side, Ticks};

use crate::order::{LEVEL, Order, OrderSlab, RestingOrder};
use crate::queue::Queue;
use crate::slab::Slot;

/// A level's price and totals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelTotals {
    /// Its price, in ticks.
    pub price: Ticks,
    /// All that its orders leave, in lots; never zero.
    pub volume: Lots,
    /// How many orders wait there; never zero.
    pub orders: u32,
}

/// The orders at one price, first come, first filled.
#[derive(Clone)]
struct Level {
    totals: LevelTotals,
    queue: Queue<LEVEL>,
}

/// Two sides of levels.
#[derive(Clone, Default)]
pub(crate) struct OrderBook {
    bids: BTreeMap<Rank, Level>,
    asks: BTreeMap<Rank, Level>,
}

/// A price as its side sees it: the better, the less. Bids count down from high prices and asks up from low ones.
type Rank = i64;

fn rank(side: Side, price: Ticks) -> Rank {
    match side {
        Side::Buy => -price.0,
        Side::Sell => price.0,
    }
}

impl OrderBook {
    /// Puts the order at `slot` behind all others at its price.
    pub(crate) fn push(&mut self, orders: &mut OrderSlab, slot: Slot) {
        let RestingOrder { side, price, .. } = orders[slot].terms;
        let level = self.side_mut(side).entry(rank(side, price)).or_insert(Level {
            totals: LevelTotals {
                price,
                volume: Lots::ZERO,
                orders: 0,
            },
            queue: Queue::EMPTY,
        });
        level.totals.orders += 1;
        level.totals.volume.0 += orders[slot].terms.leaves().0;
        level.queue.push_back(orders, slot);
    }

    /// Takes the order at `slot` out of its level, and a level that it leaves empty out of the book.
    pub(crate) fn remove(&mut self, orders: &mut OrderSlab, slot: Slot) {
        let RestingOrder { side, price, .. } = orders[slot].terms;
        let leaves = orders[slot].terms.leaves();
        let level = self.level_of(&orders[slot]);
        level.queue.unlink(orders, slot);
        level.totals.orders -= 1;
        level.totals.volume.0 -= leaves.0;
        if level.totals.orders == 0 {
            self.side_mut(side).remove(&rank(side, price));
        }
    }

    /// Fills `quantity` lots, no more than it leaves, of the order at `slot`. A filled order stays until removed.
    pub(crate) fn fill(&mut self, orders: &mut OrderSlab, slot: Slot, quantity: Lots) {
        orders[slot].terms.filled.0 += quantity.0;
        self.level_of(&orders[slot]).totals.volume.0 -= quantity.0;
    }

    /// Lowers the total of the order at `slot` to `total` lots, more than is filled. It keeps its place.
    pub(crate) fn reduce(&mut self, orders: &mut OrderSlab, slot: Slot, total: Lots) {
        let less = orders[slot].terms.quantity.0 - total.0;
        orders[slot].terms.quantity = total;
        self.level_of(&orders[slot]).totals.volume.0 -= less;
    }

    /// The order on `side` that an aggressor with this limit trades with next, if any; `None` takes any price.
    pub(crate) fn front(&self, side: Side, limit: Option<Ticks>) -> Option<Slot> {
        let (&best, level) = self.side(side).first_key_value()?;
        if limit.is_some_and(|limit| best > rank(side, limit)) {
            return None;
        }
        level.queue.front()
    }

    /// Whether all levels of `side` within this limit together hold `wanted` lots.
    pub(crate) fn can_fill(&self, side: Side, limit: Option<Ticks>, wanted: Lots) -> bool {
        let worst = limit.map_or(Rank::MAX, |limit| rank(side, limit));
        let mut missing = wanted.0;
        for (_, level) in self.side(side).range(..=worst) {
            missing = missing.saturating_sub(level.totals.volume.0);
            if missing == 0 {
                return true;
            }
        }
        missing == 0
    }

    /// The levels of `side`, best first.
    pub(crate) fn levels(&self, side: Side) -> impl Iterator<Item = LevelTotals> {
        self.side(side).values().map(|level| level.totals)
    }

    /// The orders of `side`, best level first, each level in the order of its queue.
    pub(crate) fn orders<'a>(&'a self, side: Side, orders: &'a OrderSlab) -> impl Iterator<Item = &'a Order> {
        let levels = self.side(side).values();
        levels.flat_map(move |level| level.queue.iter(orders))
    }

    fn level_of(&mut self, order: &Order) -> &mut Level {
        let RestingOrder { side, price, .. } = order.terms;
        self.side_mut(side)
            .get_mut(&rank(side, price))
            .expect("every order in the book has a level")
    }

    fn side(&self, side: Side) -> &BTreeMap<Rank, Level> {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    fn side_mut(&mut self, side: Side) -> &mut BTreeMap<Rank, Level> {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }
}
