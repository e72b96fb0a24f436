//! Values found by a hash.

use crate::Segments;

/// A map from 64-bit hashes to `u32` values; several values may have one hash.
///
/// It is linear hashing (Litwin, 1980) with chained buckets: there is a bucket for each entry, and an insert that
/// brings more entries than buckets splits one bucket in two. Nothing is ever rehashed as a whole.
///
/// The caller computes the hashes, with a secret key where others choose what is hashed. The low bits of a hash choose
/// its bucket, so they must be as good as the others.
///
/// Worst cases, for hashes that are random: a bucket holds two entries on average before it is split and one after, so
/// [`find`](Self::find), [`insert`](Self::insert) and [`remove`](Self::remove) walk a few entries, and one insert links
/// anew the entries of one bucket: of 1.2 million entries never more than [`MOST_MOVED`](Self::MOST_MOVED). An insert
/// writes 16 bytes for the entry and as many for the one that had its place, 32 where a bucket is split and 16 at most
/// for each entry linked anew, and allocates two chunks at most. Memory is [`bytes`](Self::bytes) of the most entries
/// held at one time; it is not given back.
///
/// The newest entry of a bucket lies in the bucket itself, so most of what is found is found with one look at memory
/// that is in no cache.
///
/// There is no way to walk the entries, whose order would be that of their hashes.
#[derive(Clone, Debug)]
pub struct HashIndex {
    /// Each with its newest entry.
    buckets: Segments<Entry>,
    /// The other entries, chained by bucket from the newer to the older, and free places in a chain of their own.
    others: Segments<Entry>,
    /// The power of two that is at most the number of buckets.
    base: usize,
    free: u32,
    len: usize,
    most_moved: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    hash: u64,
    value: u32,
    /// The next older one of the bucket, [`NONE`], or [`EMPTY`] where there is no entry.
    next: u32,
}

/// The end of a chain.
const NONE: u32 = u32::MAX;

/// What follows in a bucket that has no entry.
const EMPTY: u32 = NONE - 1;

const UNUSED: Entry = Entry {
    hash: 0,
    value: 0,
    next: EMPTY,
};

impl HashIndex {
    /// How many entries one insert links anew at most, as long as the hashes are random and no more than 1.2 million
    /// of them are held: a bucket that held more would need a coincidence of less than one in 10^12.
    pub const MOST_MOVED: usize = 32;

    /// An empty index, with no memory reserved.
    pub const fn new() -> Self {
        Self {
            buckets: Segments::new(),
            others: Segments::new(),
            base: 0,
            free: NONE,
            len: 0,
            most_moved: 0,
        }
    }

    /// An empty index whose directories have room for `max_entries` entries. More may be inserted, up to `u32::MAX`
    /// at one time.
    pub fn with_max(max_entries: usize) -> Self {
        Self {
            buckets: Segments::with_max(max_entries),
            others: Segments::with_max(max_entries),
            ..Self::new()
        }
    }

    /// How many entries there are.
    #[inline]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes that `entries` entries need at most, when all have one hash; a third less when the hashes are random.
    pub const fn bytes(entries: usize) -> usize {
        2 * Segments::<Entry>::bytes(entries)
    }

    /// The most entries that one insert has linked anew so far.
    pub const fn most_moved(&self) -> usize {
        self.most_moved
    }

    /// How many entries a search for this hash walks at most.
    pub fn chain_len(&self, hash: u64) -> usize {
        let mut count = 0;
        self.walk(hash, |_| {
            count += 1;
            false
        });
        count
    }

    /// The value that was inserted last among those of this hash for which `is_it` holds.
    #[inline]
    pub fn find(&self, hash: u64, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        self.walk(hash, |entry| entry.hash == hash && is_it(entry.value))
    }

    /// Adds an entry, whatever others there are.
    ///
    /// # Panics
    /// When `u32::MAX - 1` entries are held besides those that lie in the buckets.
    pub fn insert(&mut self, hash: u64, value: u32) {
        if self.len == self.buckets.len() {
            let moved = self.split();
            self.most_moved = self.most_moved.max(moved);
        }
        let bucket = self.bucket(hash);
        let newest = self.buckets[bucket];
        let next = match newest.next {
            EMPTY => NONE,
            _ => self.set_aside(newest),
        };
        self.buckets[bucket] = Entry { hash, value, next };
        self.len += 1;
    }

    /// Takes out the entry of this hash and value that was inserted last; false when there is none.
    pub fn remove(&mut self, hash: u64, value: u32) -> bool {
        if self.len == 0 {
            return false;
        }
        let bucket = self.bucket(hash);
        let is_it = |entry: &Entry| entry.hash == hash && entry.value == value;
        let newest = self.buckets[bucket];
        if newest.next == EMPTY {
            return false;
        }
        if is_it(&newest) {
            self.buckets[bucket] = match newest.next {
                NONE => UNUSED,
                next => self.take_out(next),
            };
            self.len -= 1;
            return true;
        }
        let (mut before, mut at) = (NONE, newest.next);
        while at != NONE {
            let entry = &self.others[at as usize];
            let next = entry.next;
            if is_it(entry) {
                match before {
                    NONE => self.buckets[bucket].next = next,
                    _ => self.others[before as usize].next = next,
                }
                self.take_out(at);
                self.len -= 1;
                return true;
            }
            (before, at) = (at, next);
        }
        false
    }

    /// Reserves memory for `entries` entries in all, writes to it, and makes their buckets, so that no insert up to
    /// that many splits or, when the hashes are random, allocates. Takes time for all of them.
    pub fn touch(&mut self, entries: usize) {
        self.buckets.touch(entries, UNUSED);
        // With as many buckets as entries 37 of 100 entries have to lie elsewhere.
        self.others.touch(entries / 2, UNUSED);
        while self.buckets.len() < entries {
            self.split();
        }
    }

    /// The value of the first entry of the bucket for which `is_it` holds, from the newest on.
    #[inline]
    fn walk(&self, hash: u64, mut is_it: impl FnMut(&Entry) -> bool) -> Option<u32> {
        if self.len == 0 {
            return None;
        }
        let mut entry = &self.buckets[self.bucket(hash)];
        if entry.next == EMPTY {
            return None;
        }
        while !is_it(entry) {
            if entry.next == NONE {
                return None;
            }
            entry = &self.others[entry.next as usize];
        }
        Some(entry.value)
    }

    /// Where the entries of this hash are chained. There is at least one bucket.
    #[inline]
    fn bucket(&self, hash: u64) -> usize {
        let wide = hash as usize & (2 * self.base - 1);
        match wide < self.buckets.len() {
            true => wide,
            false => wide & (self.base - 1),
        }
    }

    /// Adds a bucket, which takes its entries from the next bucket in turn. Returns how many entries were linked anew.
    fn split(&mut self) -> usize {
        let new = self.buckets.len();
        if new == 0 {
            self.buckets.push(UNUSED);
            self.base = 1;
            return 0;
        }
        if new == 2 * self.base {
            self.base = new;
        }
        let old = new - self.base;
        let mut newest = self.buckets[old];
        if newest.next == EMPTY {
            self.buckets.push(UNUSED);
            return 0;
        }
        // The order of each chain is kept: the tails are the last entries that stayed and that went over.
        let mut at = core::mem::replace(&mut newest.next, NONE);
        let mut halves = [UNUSED; 2];
        halves[self.half(newest.hash)] = newest;
        let mut tails = [NONE; 2];
        let mut count = 1;
        while at != NONE {
            let entry = self.others[at as usize];
            let half = self.half(entry.hash);
            if halves[half].next == EMPTY {
                self.take_out(at);
                halves[half] = Entry { next: NONE, ..entry };
            } else {
                match core::mem::replace(&mut tails[half], at) {
                    NONE => halves[half].next = at,
                    tail => self.others[tail as usize].next = at,
                }
            }
            at = entry.next;
            count += 1;
        }
        for tail in tails.into_iter().filter(|&tail| tail != NONE) {
            self.others[tail as usize].next = NONE;
        }
        self.buckets[old] = halves[0];
        self.buckets.push(halves[1]);
        count
    }

    /// Whether an entry of the bucket that is split stays, 0, or goes over to the new one, 1.
    #[inline]
    fn half(&self, hash: u64) -> usize {
        usize::from(hash as usize & self.base != 0)
    }

    /// Puts an entry outside of the buckets.
    fn set_aside(&mut self, entry: Entry) -> u32 {
        if self.free != NONE {
            let place = self.free;
            let free = &mut self.others[place as usize];
            self.free = free.next;
            *free = entry;
            return place;
        }
        let place = self.others.len();
        assert!(place < EMPTY as usize, "an index of {place} entries is full");
        self.others.push(entry);
        place as u32
    }

    /// Takes an entry from outside of the buckets, where no chain leads to it any more.
    fn take_out(&mut self, place: u32) -> Entry {
        let entry = &mut self.others[place as usize];
        let taken = *entry;
        entry.next = self.free;
        self.free = place;
        taken
    }
}

impl Default for HashIndex {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;
    use alloc::vec::Vec;

    use super::*;
    use crate::shares::tests::{Random, seed};

    #[test]
    fn one_insert_moves_no_more_than_its_bucket() {
        let mut random = Random(seed());
        let mut index = HashIndex::with_max(1_200_000);
        let hashes: Vec<u64> = (0..1_200_000).map(|_| random.next()).collect();
        let mut longest = 0;
        for (value, &hash) in hashes.iter().enumerate() {
            index.insert(hash, value as u32);
            longest = longest.max(index.chain_len(hash));
        }
        assert!(index.most_moved() > 0);
        assert!(
            index.most_moved() <= HashIndex::MOST_MOVED,
            "{}",
            index.most_moved()
        );
        assert!(longest <= HashIndex::MOST_MOVED, "{longest}");
        for (value, &hash) in hashes.iter().enumerate().step_by(97) {
            assert_eq!(
                index.find(hash, |found| found == value as u32),
                Some(value as u32)
            );
        }
    }

    #[test]
    fn no_entry_is_lost_as_buckets_are_split_and_entries_removed() {
        for (hashes, touched) in [(u64::MAX, 0), (700, 0), (3, 0), (1, 100), (u64::MAX, 4_000)] {
            let mut random = Random(seed());
            let mut index = HashIndex::new();
            index.touch(touched);
            let room = index.buckets.capacity();
            let mut model: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
            let mut len = 0;
            for step in 0..20_000_u32 {
                let hash = random.next() % hashes;
                if random.next() % 100 < if step < 10_000 { 60 } else { 40 } {
                    index.insert(hash, step);
                    model.entry(hash).or_default().push(step);
                    len += 1;
                } else if let Some((&hash, values)) = model.range_mut(hash..).next() {
                    let value = values.swap_remove(random.next() as usize % values.len());
                    // What came last is to be found first.
                    values.sort_unstable();
                    if values.is_empty() {
                        model.remove(&hash);
                    }
                    assert!(index.remove(hash, value));
                    assert!(!index.remove(hash, value));
                    len -= 1;
                }
                assert_eq!((index.len(), index.is_empty()), (len, len == 0));
                if step % 500 == 0 {
                    check(&index, &model);
                    check(&index.clone(), &model);
                }
            }
            assert!(touched < 4_000 || index.most_moved() == 0 && room >= 4_000);
        }
    }

    fn check(index: &HashIndex, model: &BTreeMap<u64, Vec<u32>>) {
        for (&hash, values) in model {
            let mut found = Vec::new();
            let last = index.find(hash, |value| {
                found.push(value);
                false
            });
            found.reverse();
            assert_eq!((last, &found), (None, values), "{hash}");
            assert_eq!(index.find(hash, |_| true), values.last().copied());
        }
        assert_eq!(index.find(u64::MAX - 1, |_| true), None);
    }
}
