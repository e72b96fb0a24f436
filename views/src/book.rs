//! One instrument's order book by price level.

use alloc::collections::BTreeMap;
use alloc::collections::btree_map::{Entry, OccupiedEntry};

use hoga_protocol::codec::{ImageError, ImageSink, ImageSource};
use hoga_protocol::{Lots, Nanos, Sequence, Side, Ticks};

use crate::image::{Item, must};
use crate::known::Known;

/// The orders that rest at one price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Their price, in ticks.
    pub price: Ticks,
    /// The sum of what remains of them, in lots; never zero.
    pub quantity: Lots,
    /// How many they are; never zero.
    pub orders: u32,
}

/// What rests in one instrument's book. Between commands it equals the engine's book exactly.
#[derive(Clone, Debug, Default)]
pub struct Book {
    /// By side. A key is the price of an ask and the negated price of a bid, so that the best level comes first.
    levels: [BTreeMap<i64, Total>; 2],
    sequence: Sequence,
    timestamp: Nanos,
}

#[derive(Clone, Debug, Default)]
struct Total {
    quantity: u64,
    orders: u32,
}

impl Book {
    /// The command that changed the book last; zero while none has.
    pub fn sequence(&self) -> Sequence {
        self.sequence
    }

    /// When the book changed last; zero while it has not.
    pub fn timestamp(&self) -> Nanos {
        self.timestamp
    }

    /// The levels of one side, the best first.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = Level> {
        self.levels[side as usize].iter().map(move |(&key, total)| Level {
            price: Ticks(keyed(side, key)),
            quantity: Lots(total.quantity),
            orders: total.orders,
        })
    }

    /// Remembers that a command has just changed the book.
    pub(crate) fn touch(&mut self, sequence: Sequence, timestamp: Nanos) {
        self.sequence = sequence;
        self.timestamp = timestamp;
    }

    /// An order comes to rest.
    pub(crate) fn add(&mut self, side: Side, price: Ticks, leaves: Lots) {
        let total = self.levels[side as usize]
            .entry(keyed(side, price.0))
            .or_default();
        total.quantity += leaves.0;
        total.orders += 1;
    }

    /// A resting order trades `quantity`, and where it is `filled` loses its place. Matching begins at the best level,
    /// which is found without a search.
    pub(crate) fn trade(&mut self, side: Side, price: Ticks, quantity: Lots, filled: bool) {
        let best = self.levels[side as usize].first_entry();
        match best.filter(|best| *best.key() == keyed(side, price.0)) {
            Some(best) => reduce(best, quantity, filled),
            None => self.reduce(side, price, quantity, filled),
        }
    }

    /// A resting order loses `quantity`, and its place where it `leaves_book`.
    pub(crate) fn reduce(&mut self, side: Side, price: Ticks, quantity: Lots, leaves_book: bool) {
        match self.levels[side as usize].entry(keyed(side, price.0)) {
            Entry::Occupied(level) => reduce(level, quantity, leaves_book),
            Entry::Vacant(_) => panic!("a resting order has a level"),
        }
    }

    /// Writes when the book changed last. Its levels are told by the orders.
    pub(crate) fn write_image(&self, sink: &mut impl ImageSink) {
        let mut item = Item::<16>::new();
        item.put_u64(self.sequence.0);
        item.put_u64(self.timestamp.0);
        sink.put(item.bytes());
    }

    /// Reads a book that has no levels yet.
    pub(crate) fn read_image(known: &Known<'_>, source: &mut impl ImageSource) -> Result<Self, ImageError> {
        let sequence = Sequence(source.take_u64()?);
        let timestamp = Nanos(source.take_u64()?);
        must(sequence <= known.sequence, "book sequence")?;
        known.time(timestamp)?;
        Ok(Self {
            sequence,
            timestamp,
            ..Self::default()
        })
    }
}

/// The level loses `quantity`, and an order where one `leaves_book`; with the last one it goes.
fn reduce(mut level: OccupiedEntry<'_, i64, Total>, quantity: Lots, leaves_book: bool) {
    let total = level.get_mut();
    total.quantity -= quantity.0;
    total.orders -= u32::from(leaves_book);
    if total.orders == 0 {
        level.remove();
    }
}

/// A price to its key, and a key to its price.
fn keyed(side: Side, value: i64) -> i64 {
    match side {
        Side::Buy => -value,
        Side::Sell => value,
    }
}
