//! The orders at one price.

use hoga_protocol::{InstrumentId, Lots, Ticks};

use crate::order::LEVEL;
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
#[derive(Clone, Copy)]
pub(crate) struct Level {
    pub(crate) price: Ticks,
    pub(crate) volume: Lots,
    pub(crate) queue: Queue<LEVEL>,
    pub(crate) orders: u32,
    pub(crate) instrument: InstrumentId,
}

const _: () = assert!(size_of::<Level>() == 32);

impl Level {
    /// At a price where no order can be.
    pub(crate) const VACANT: Level = Level::new(Ticks(0), InstrumentId(0));

    /// All that its orders leave, in lots.
    pub(crate) const fn volume(&self) -> Lots {
        self.volume
    }

    /// Its price and totals.
    pub(crate) const fn totals(&self) -> LevelTotals {
        LevelTotals {
            price: self.price,
            volume: self.volume,
            orders: self.orders,
        }
    }

    /// The order that has waited longest.
    pub(crate) fn front(&self) -> Option<Slot> {
        self.queue.front()
    }

    /// Falsifies its totals.
    #[cfg(test)]
    pub(crate) fn change(&mut self, volume: u64, orders: u32) {
        self.volume.0 += volume;
        self.orders += orders;
    }

    pub(crate) const fn new(price: Ticks, instrument: InstrumentId) -> Self {
        Self {
            price,
            volume: Lots::ZERO,
            queue: Queue::EMPTY,
            orders: 0,
            instrument,
        }
    }
}
