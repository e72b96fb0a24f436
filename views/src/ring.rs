//! The newest items of a numbered series.

use hoga_tables::Segments;

/// The last `limit` items of a series that is numbered from 0. No item moves; a push allocates one chunk of 1,024 at
/// most.
#[derive(Clone, Debug)]
pub(crate) struct Ring<T> {
    slots: Segments<T>,
    limit: usize,
    /// The slot of the first item held.
    start: usize,
    next: u64,
}

/// The most items for which memory is found beforehand: a limit may be far above what a day brings.
const TOUCHED: usize = 1 << 20;

impl<T> Ring<T> {
    /// Holds `limit` items, at least one; those before `next` are already dropped.
    pub(crate) fn starting_at(next: u64, limit: usize) -> Self {
        let limit = limit.max(1);
        Self {
            slots: Segments::with_max(limit),
            limit,
            start: 0,
            next,
        }
    }

    /// Finds memory for what will be held, at most 2^20 items, and writes to it.
    pub(crate) fn touch(&mut self) {
        self.slots.touch_zeroed(self.limit.min(TOUCHED));
    }

    /// The items held, the earliest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        (self.first()..self.next).filter_map(|number| self.get(number))
    }

    /// The number of the earliest item held; [`next`](Self::next) when none is.
    pub(crate) fn first(&self) -> u64 {
        self.next - self.slots.len() as u64
    }

    /// The number that the next item will get.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// The most items it holds.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    pub(crate) fn get(&self, number: u64) -> Option<&T> {
        if number < self.first() || number >= self.next {
            return None;
        }
        self.slots.get(self.slot(number))
    }

    /// Whether the next push drops the first item.
    pub(crate) fn is_full(&self) -> bool {
        self.slots.len() == self.limit
    }

    /// Adds an item, dropping the first one when the ring is [full](Self::is_full).
    pub(crate) fn push(&mut self, item: T) {
        self.next += 1;
        if !self.is_full() {
            return self.slots.push(item);
        }
        self.slots[self.start] = item;
        self.start += 1;
        if self.start == self.limit {
            self.start = 0;
        }
    }

    /// The number of the first held item for which `before` is false; `before` holds for a prefix of the series.
    pub(crate) fn partition_point(&self, before: impl Fn(&T) -> bool) -> u64 {
        let (mut low, mut high) = (self.first(), self.next);
        while low < high {
            let middle = low + (high - low) / 2;
            if before(&self.slots[self.slot(middle)]) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The slot of an item that is held.
    fn slot(&self, number: u64) -> usize {
        let slot = self.start + (number - self.first()) as usize;
        match slot < self.limit {
            true => slot,
            false => slot - self.limit,
        }
    }
}
