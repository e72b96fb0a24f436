//! One instrument's order book: price levels on two sides, and at each level a queue.
//!
//! ```text
//!            bids                       asks
//!   best ─►  100: [#7] [#9]             101: [#3]            ◄─ best
//!             99: [#2]                  103: [#4] [#8] [#11]
//! ```
//!
//! Each order knows its level, and the book the best level of each side; the [index](crate::price_index) is asked only
//! for the level at a new price, and for the next best when a level has gone. It serves both sides, for a book is
//! never crossed: below the best bid all are bids, above the best ask all are asks.
//!
//! The book decides nothing: who trades, and whether an order may be here, is the [market](crate::market)'s business.

use core::hint::select_unpredictable;

use hoga_protocol::{InstrumentId, Lots, Side, Ticks};

use crate::arena::Arena;
use crate::level::{Level, LevelTotals};
use crate::order::Order;
use crate::price_index::PriceIndex;
use crate::slab::Slot;

/// Two sides of levels.
#[derive(Clone)]
pub(crate) struct OrderBook {
    instrument: InstrumentId,
    /// Of the bids and of the asks.
    best: [Best; 2],
    /// All that the orders of each side leave, in lots.
    volumes: [Lots; 2],
    prices: PriceIndex,
}

/// What a side offers to an order that must be filled whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Supply {
    Enough,
    /// Less than is wanted at the prices that it takes.
    TooLittle,
    /// Not enough in as many orders as a command may touch.
    TooManyOrders,
}

/// The best level of a side. Where there is none, its price is worse than any.
#[derive(Clone, Copy)]
struct Best {
    price: Ticks,
    level: Slot,
}

impl OrderBook {
    pub(crate) const fn new(instrument: InstrumentId) -> Self {
        Self {
            instrument,
            best: [Best::none(Side::Buy), Best::none(Side::Sell)],
            volumes: [Lots::ZERO; 2],
            prices: PriceIndex::new(instrument),
        }
    }

    /// Puts the order at `slot` behind all others at this price.
    pub(crate) fn push(&mut self, arena: &mut Arena, slot: Slot, price: Ticks) {
        let place = arena.nodes.place(&mut self.prices, price);
        let mut at = *place;
        if at == Slot::NONE {
            at = arena.levels.insert(Level::new(price, self.instrument));
            *place = at;
            self.note_level(arena.orders[slot].side, price, at);
        }
        let order = &mut arena.orders[slot];
        order.level = at;
        self.volumes[order.side as usize].0 += order.leaves.0;
        let level = &mut arena.levels[at];
        level.orders += 1;
        level.volume.0 += order.leaves.0;
        level.queue.push_back(&mut arena.orders.slab, slot);
    }

    /// Takes the order at `slot` out of its level, and a level that it leaves empty out of the book.
    pub(crate) fn remove(&mut self, arena: &mut Arena, slot: Slot) {
        let Order {
            side,
            level: at,
            leaves,
            ..
        } = arena.orders[slot];
        let level = &mut arena.levels[at];
        self.volumes[side as usize].0 -= leaves.0;
        level.orders -= 1;
        level.volume.0 -= leaves.0;
        level.queue.unlink(&mut arena.orders.slab, slot);
        if level.orders == 0 {
            self.remove_level(arena, side, at);
        }
    }

    /// Fills `quantity` lots, no more than it leaves, of the order at `slot`. A filled order stays until removed.
    pub(crate) fn fill(&mut self, arena: &mut Arena, slot: Slot, quantity: Lots) {
        let order = &mut arena.orders[slot];
        self.volumes[order.side as usize].0 -= quantity.0;
        order.leaves.0 -= quantity.0;
        arena.levels[order.level].volume.0 -= quantity.0;
    }

    /// Lowers the total of the order at `slot` to `total` lots, more than is filled. It keeps its place.
    pub(crate) fn reduce(&mut self, arena: &mut Arena, slot: Slot, total: Lots) {
        let order = &mut arena.orders[slot];
        let less = order.quantity.0 - total.0;
        order.quantity = total;
        order.leaves.0 -= less;
        self.volumes[order.side as usize].0 -= less;
        arena.levels[order.level].volume.0 -= less;
    }

    /// The order that an aggressor of `side` who takes `worst` or better trades with next, if any.
    #[inline(always)]
    pub(crate) fn against(&self, arena: &Arena, side: Side, worst: Ticks) -> Option<Slot> {
        let best = &self.best[1 - side as usize];
        let is_within = !is_better(side, best.price, worst);
        if is_within {
            arena.levels[best.level].queue.front()
        } else {
            None
        }
    }

    /// Whether the orders of `side` at `worst` or better hold `wanted` lots, trading with at most `most` of them. It looks
    /// at no more levels than `most`, and at no more orders.
    #[inline(never)]
    pub(crate) fn could_fill(
        &self,
        arena: &Arena,
        side: Side,
        worst: Ticks,
        wanted: Lots,
        most: u32,
    ) -> Supply {
        if self.volumes[side as usize] < wanted {
            return Supply::TooLittle;
        }
        let (mut missing, mut touched) = (wanted.0, 0);
        for level in self.walk(arena, side) {
            if is_better(side, worst, level.price) {
                return Supply::TooLittle;
            }
            if level.volume.0 >= missing {
                return last_level(arena, level, missing, most - touched);
            }
            missing -= level.volume.0;
            touched += level.orders;
            if touched >= most {
                return Supply::TooManyOrders;
            }
        }
        Supply::TooLittle
    }

    /// The order of `side` that trades first, if there is one.
    pub(crate) fn first(&self, arena: &Arena, side: Side) -> Option<Slot> {
        arena.levels[self.best[side as usize].level.some()?].front()
    }

    /// The levels of `side`, best first.
    pub(crate) fn levels<'a>(
        &self,
        arena: &'a Arena,
        side: Side,
    ) -> impl Iterator<Item = LevelTotals> + use<'a> {
        self.walk(arena, side).map(Level::totals)
    }

    /// The first level of `side` behind `price`, whether or not there is one at that price.
    pub(crate) fn behind<'a>(&self, arena: &'a Arena, side: Side, price: Ticks) -> Option<&'a Level> {
        let best = &self.best[side as usize];
        let mut level = best.level.some()?;
        // Before the best of a side the index knows the other side's levels.
        if !is_better(side, price, best.price) {
            level = arena.nodes.behind(&self.prices, side, price)?;
        }
        Some(&arena.levels[level])
    }

    /// The orders of `side`, best level first, each level in the order of its queue.
    pub(crate) fn orders<'a>(&self, arena: &'a Arena, side: Side) -> impl Iterator<Item = Slot> + use<'a> {
        let levels = self.walk(arena, side);
        levels.flat_map(|level| level.queue.slots(&arena.orders.slab))
    }

    fn walk<'a>(&self, arena: &'a Arena, side: Side) -> impl Iterator<Item = &'a Level> + use<'a> {
        let prices = self.prices;
        let mut next = self.best[side as usize].level.some();
        core::iter::from_fn(move || {
            let level = &arena.levels[next?];
            next = arena.nodes.behind(&prices, side, level.price);
            Some(level)
        })
    }

    /// A new level may be the best of its side.
    fn note_level(&mut self, side: Side, price: Ticks, level: Slot) {
        let best = &mut self.best[side as usize];
        if is_better(side, price, best.price) {
            *best = Best { price, level };
        }
    }

    fn remove_level(&mut self, arena: &mut Arena, side: Side, at: Slot) {
        let price = arena.levels[at].price;
        if self.best[side as usize].level == at {
            let next = arena.nodes.behind(&self.prices, side, price);
            self.best[side as usize] = next.map_or(Best::none(side), |level| Best {
                price: arena.levels[level].price,
                level,
            });
        }
        arena.nodes.remove(&mut self.prices, price);
        arena.levels.remove(at);
    }
}

/// Whether the first `most` orders of a level, which holds `missing` lots, hold them.
fn last_level(arena: &Arena, level: &Level, missing: u64, most: u32) -> Supply {
    let mut left = missing;
    for slot in level.queue.slots(&arena.orders.slab).take(most as usize) {
        left = left.saturating_sub(arena.orders[slot].leaves.0);
        if left == 0 {
            return Supply::Enough;
        }
    }
    Supply::TooManyOrders
}

impl Best {
    const fn none(side: Side) -> Self {
        let price = match side {
            Side::Buy => Ticks(i64::MIN),
            Side::Sell => Ticks(i64::MAX),
        };
        Best {
            price,
            level: Slot::NONE,
        }
    }
}

/// Whether an order at `price` would stand before one at `other`. Which side it is cannot be predicted, so both answers
/// are worked out and one is taken.
fn is_better(side: Side, price: Ticks, other: Ticks) -> bool {
    select_unpredictable(side == Side::Buy, price > other, price < other)
}

#[cfg(test)]
mod tests;
