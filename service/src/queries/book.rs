//! The best levels of a book.

use hoga_protocol::{InstrumentId, Nanos, Sequence, Side};
use hoga_views::{Book, Level, Views};

use super::progress::Progress;

/// The best levels of a book as they stood together.
#[derive(Debug)]
pub struct BookSnapshot {
    /// Of which instrument.
    pub instrument: InstrumentId,
    /// The last command that changed it.
    pub sequence: Sequence,
    /// When that was.
    pub timestamp: Nanos,
    /// Bids before asks, the best first.
    pub levels: Vec<Level>,
    /// How many are bids.
    pub bids: usize,
}

impl BookSnapshot {
    /// At most `depth` levels a side, as they stand.
    pub fn of(instrument: InstrumentId, depth: usize, views: &Views) -> Self {
        let book = views.book(instrument);
        let side = |side| {
            book.into_iter()
                .flat_map(move |book| book.levels(side).take(depth))
        };
        let mut levels: Vec<Level> = side(Side::Buy).collect();
        let bids = levels.len();
        levels.extend(side(Side::Sell));
        Self {
            instrument,
            sequence: book.map(Book::sequence).unwrap_or_default(),
            timestamp: book.map(Book::timestamp).unwrap_or_default(),
            levels,
            bids,
        }
    }

    /// Bytes of memory that it holds.
    pub(super) fn held(&self) -> usize {
        self.levels.capacity() * size_of::<Level>()
    }

    pub(super) fn look(&self, progress: &mut Progress) -> bool {
        progress.looked_at = self.levels.len();
        true
    }
}
