//! Where each order is kept, by its id.

use alloc::vec::Vec;
use core::hash::{BuildHasherDefault, Hasher};

use hashbrown::HashMap;

use crate::slab::Slot;

/// Slots by order id, in many small tables instead of a large one: a table that runs full is made anew at once, and
/// while a large one is, which takes milliseconds, nothing else is done. The small ones do not run full together.
#[derive(Clone, Debug)]
pub(crate) struct Slots {
    shares: Vec<HashMap<u64, Slot, BuildHasherDefault<IdHasher>>>,
    len: usize,
}

/// How many tables there are. At a million orders, each holds 4,000.
const SHARES: usize = 256;

impl Slots {
    pub(crate) fn new() -> Self {
        let shares = (0..SHARES).map(|_| HashMap::default());
        Self {
            shares: shares.collect(),
            len: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get(&self, id: u64) -> Option<Slot> {
        self.shares[share(id)].get(&id).copied()
    }

    /// Adds an order. False if its id was there already; it then names the new slot.
    pub(crate) fn insert(&mut self, id: u64, slot: Slot) -> bool {
        let added = self.shares[share(id)].insert(id, slot).is_none();
        self.len += usize::from(added);
        added
    }

    pub(crate) fn remove(&mut self, id: u64) {
        let removed = self.shares[share(id)].remove(&id).is_some();
        self.len -= usize::from(removed);
    }

    /// All ids and their slots, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, Slot)> {
        self.shares.iter().flatten().map(|(&id, &slot)| (id, slot))
    }
}

/// By bits of the hash that the tables themselves look at last.
fn share(id: u64) -> usize {
    (spread(id) >> 40) as usize % SHARES
}

/// 2^64 divided by the golden ratio, odd (Knuth, The Art of Computer Programming 3, 6.4).
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Spreads order ids by one multiplication. Ids come from the journal's sequence, so no client can choose them to
/// collide.
fn spread(id: u64) -> u64 {
    let product = u128::from(id) * u128::from(GOLDEN);
    product as u64 ^ (product >> 64) as u64
}

#[derive(Debug, Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u64(&mut self, id: u64) {
        self.0 = spread(self.0 ^ id);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_share_of_the_table_is_so_large_that_it_is_made_anew_for_all() {
        const ORDERS: usize = 100_000;
        for stride in [1, 2, 3, 10, 64, 256, 1000, 1 << 16] {
            let mut slots = Slots::new();
            for number in 0..ORDERS as u64 {
                assert!(slots.insert(number * stride, number as Slot));
            }
            let largest = slots.shares.iter().map(HashMap::len).max().unwrap();
            assert!(largest < 3 * ORDERS / SHARES, "{largest} at a stride of {stride}");
        }
    }

    #[test]
    fn an_id_that_is_there_is_not_counted_twice_nor_one_that_is_gone_taken_off() {
        let mut slots = Slots::new();
        assert!(slots.insert(7, 1));
        assert!(!slots.insert(7, 2));
        slots.remove(8);
        assert_eq!((slots.len(), slots.get(7), slots.get(8)), (1, Some(2), None));
        assert!(slots.iter().eq([(7, 2)]));
        slots.remove(7);
        assert_eq!((slots.len(), slots.get(7)), (0, None));
    }
}
