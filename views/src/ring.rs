//! The newest items of a numbered series.

use alloc::vec::Vec;
use core::mem::{MaybeUninit, size_of};

/// The last `limit` items of a series that is numbered from 0.
#[derive(Debug)]
pub(crate) struct Ring<T> {
    slots: Vec<T>,
    limit: usize,
    /// The number whose slot is the first.
    base: u64,
    next: u64,
}

/// The most slots reserved at once. Memory that is reserved and not yet written costs address space only, and no item
/// is ever copied for growth below this many.
const RESERVED: usize = 1 << 20;

impl<T> Ring<T> {
    /// Holds `limit` items, at least one.
    pub(crate) fn new(limit: usize) -> Self {
        Self::starting_at(0, limit)
    }

    /// A ring whose items before `next` are already dropped.
    pub(crate) fn starting_at(next: u64, limit: usize) -> Self {
        let limit = limit.max(1);
        Self {
            slots: Vec::with_capacity(limit.min(RESERVED)),
            limit,
            base: next,
            next,
        }
    }

    /// Writes to the reserved memory that holds no item yet, once in each page.
    pub(crate) fn touch(&mut self) {
        touch(&mut self.slots);
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

    /// The item that the next push drops.
    pub(crate) fn leaving(&self) -> Option<&T> {
        if self.slots.len() < self.limit {
            return None;
        }
        self.slots.get(self.slot(self.next))
    }

    /// Adds an item, dropping the [`leaving`](Self::leaving) one.
    pub(crate) fn push(&mut self, item: T) {
        let slot = self.slot(self.next);
        if slot < self.slots.len() {
            self.slots[slot] = item;
        } else {
            self.slots.push(item);
        }
        self.next += 1;
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

    fn slot(&self, number: u64) -> usize {
        ((number - self.base) % self.limit as u64) as usize
    }
}

/// The least that a system gives at once.
const PAGE: usize = 4_096;

/// Writes to the room of a list that it does not use yet, once in each page.
pub(crate) fn touch<T>(list: &mut Vec<T>) {
    let step = (PAGE / size_of::<T>().max(1)).max(1);
    for slot in list.spare_capacity_mut().iter_mut().step_by(step) {
        *slot = MaybeUninit::zeroed();
    }
}

impl<T: Copy> Clone for Ring<T> {
    /// With the same room reserved, which a vector's own clone would not keep.
    fn clone(&self) -> Self {
        let mut slots = Vec::with_capacity(self.limit.min(RESERVED));
        slots.extend_from_slice(&self.slots);
        Self { slots, ..*self }
    }
}
