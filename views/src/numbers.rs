//! The held numbers of one owner in a shared [`Ring`](crate::ring::Ring).

use alloc::collections::VecDeque;

/// Ascending numbers: added at the back, dropped at the front.
#[derive(Clone, Debug, Default)]
pub(crate) struct Numbers(VecDeque<u64>);

/// Room that an owner keeps even when it holds nothing.
const KEPT: usize = 16;

impl Numbers {
    pub(crate) fn push(&mut self, number: u64) {
        self.0.push_back(number);
    }

    /// Drops the earliest. Gives room back, so that owners that were busy in turn do not each keep their largest.
    pub(crate) fn drop_first(&mut self) {
        self.0.pop_front();
        if self.0.capacity() > KEPT && self.0.len() < self.0.capacity() / 4 {
            self.0.shrink_to(self.0.len() * 2);
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The numbers from the given place on, in ascending order.
    pub(crate) fn from(&self, place: usize) -> impl Iterator<Item = u64> {
        self.0.range(place.min(self.0.len())..).copied()
    }

    /// The place of the first number for which `before` is false; `before` holds for a prefix.
    pub(crate) fn partition_point(&self, before: impl Fn(u64) -> bool) -> usize {
        self.0.partition_point(|&number| before(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_that_were_busy_in_turn_do_not_each_keep_their_largest_room() {
        let mut numbers = Numbers::default();
        for number in 0..100_000 {
            numbers.push(number);
        }
        for _ in 0..99_999 {
            numbers.drop_first();
            assert!(numbers.0.capacity() <= (numbers.len() * 8).max(4 * KEPT));
        }
        assert_eq!(numbers.from(0).next(), Some(99_999));
    }
}
