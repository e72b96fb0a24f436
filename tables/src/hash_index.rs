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
/// writes 16 bytes for the entry, 4 or 8 for the buckets' heads and 4 for each entry linked anew, and allocates one
/// chunk of entries and one of heads at most. Memory is [`bytes`](Self::bytes) of the most entries held at one time;
/// it is not given back.
///
/// There is no way to walk the entries, whose order would be that of their hashes.
#[derive(Clone, Debug)]
pub struct HashIndex {
    /// By bucket: its newest entry.
    heads: Segments<u32>,
    /// The entries, those in use chained by bucket and the others in a chain of free ones.
    entries: Segments<Entry>,
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
    next: u32,
}

/// The end of a chain.
const NONE: u32 = u32::MAX;

const UNUSED: Entry = Entry {
    hash: 0,
    value: 0,
    next: NONE,
};

impl HashIndex {
    /// How many entries one insert links anew at most, as long as the hashes are random and no more than 1.2 million
    /// of them are held: a bucket that held more would need a coincidence of less than one in 10^12.
    pub const MOST_MOVED: usize = 32;

    /// An empty index, with no memory reserved.
    pub const fn new() -> Self {
        Self {
            heads: Segments::new(),
            entries: Segments::new(),
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
            heads: Segments::with_max(max_entries),
            entries: Segments::with_max(max_entries),
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

    /// Bytes that `entries` entries need at most.
    pub const fn bytes(entries: usize) -> usize {
        Segments::<u32>::bytes(entries) + Segments::<Entry>::bytes(entries)
    }

    /// The most entries that one insert has linked anew so far.
    pub const fn most_moved(&self) -> usize {
        self.most_moved
    }

    /// How many entries a search for this hash walks at most.
    pub fn chain_len(&self, hash: u64) -> usize {
        let mut at = self.first(hash);
        let mut count = 0;
        while at != NONE {
            at = self.entries[at as usize].next;
            count += 1;
        }
        count
    }

    /// The value that was inserted last among those of this hash for which `is_it` holds.
    #[inline]
    pub fn find(&self, hash: u64, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let mut at = self.first(hash);
        while at != NONE {
            let entry = &self.entries[at as usize];
            if entry.hash == hash && is_it(entry.value) {
                return Some(entry.value);
            }
            at = entry.next;
        }
        None
    }

    /// Adds an entry, whatever others there are.
    ///
    /// # Panics
    /// When `u32::MAX` entries are held.
    pub fn insert(&mut self, hash: u64, value: u32) {
        if self.len == self.heads.len() {
            let moved = self.split();
            self.most_moved = self.most_moved.max(moved);
        }
        let place = match self.free {
            NONE => self.entries.len() as u32,
            free => free,
        };
        assert!(place < NONE, "an index of {place} entries is full");
        let bucket = self.bucket(hash);
        let next = core::mem::replace(&mut self.heads[bucket], place);
        self.place(place, Entry { hash, value, next });
        self.len += 1;
    }

    /// Takes out the entry of this hash and value that was inserted last; false when there is none.
    pub fn remove(&mut self, hash: u64, value: u32) -> bool {
        let mut before = NONE;
        let mut at = self.first(hash);
        while at != NONE {
            let entry = self.entries[at as usize];
            if entry.hash == hash && entry.value == value {
                match before {
                    NONE => {
                        let bucket = self.bucket(hash);
                        self.heads[bucket] = entry.next;
                    }
                    _ => self.entries[before as usize].next = entry.next,
                }
                self.entries[at as usize].next = self.free;
                self.free = at;
                self.len -= 1;
                return true;
            }
            before = at;
            at = entry.next;
        }
        false
    }

    /// Reserves memory for `entries` entries in all, writes to it, and makes their buckets, so that no insert up to
    /// that many allocates or splits. Takes time for all of them.
    pub fn touch(&mut self, entries: usize) {
        self.heads.touch(entries, NONE);
        self.entries.touch(entries, UNUSED);
        while self.heads.len() < entries {
            self.split();
        }
    }

    #[inline]
    fn first(&self, hash: u64) -> u32 {
        match self.len {
            0 => NONE,
            _ => self.heads[self.bucket(hash)],
        }
    }

    /// Where the entries of this hash are chained. There is at least one bucket.
    #[inline]
    fn bucket(&self, hash: u64) -> usize {
        let wide = hash as usize & (2 * self.base - 1);
        match wide < self.heads.len() {
            true => wide,
            false => wide & (self.base - 1),
        }
    }

    /// Adds a bucket, which takes its entries from the next bucket in turn. Returns how many entries were linked anew.
    fn split(&mut self) -> usize {
        let new = self.heads.len();
        if new == 0 {
            self.heads.push(NONE);
            self.base = 1;
            return 0;
        }
        if new == 2 * self.base {
            self.base = new;
        }
        let old = new - self.base;
        // The order of each chain is kept: the tails are the last entries that stayed and that went over. An entry whose
        // follower goes the same way is not written to.
        let (mut at, mut before) = (self.heads[old], NONE);
        let (mut firsts, mut tails) = ([NONE; 2], [NONE; 2]);
        let mut count = 0;
        while at != NONE {
            let Entry { hash, next, .. } = self.entries[at as usize];
            let way = usize::from(hash as usize & self.base != 0);
            match core::mem::replace(&mut tails[way], at) {
                NONE => firsts[way] = at,
                tail if tail != before => self.entries[tail as usize].next = at,
                _ => {}
            }
            (at, before) = (next, at);
            count += 1;
        }
        for tail in tails {
            if tail != NONE && tail != before {
                self.entries[tail as usize].next = NONE;
            }
        }
        self.heads[old] = firsts[0];
        self.heads.push(firsts[1]);
        count
    }

    /// Writes an entry to the first free place, or behind the others where none is free.
    fn place(&mut self, place: u32, entry: Entry) {
        if place == self.free {
            let free = &mut self.entries[place as usize];
            self.free = free.next;
            *free = entry;
        } else {
            self.entries.push(entry);
        }
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
            let room = index.entries.capacity();
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
