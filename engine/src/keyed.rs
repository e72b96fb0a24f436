//! Hashes of what people choose, keyed with a secret drawn at genesis, so that nobody can aim many names at one bucket of
//! a table, or make two requests look alike (SipHash: Aumasson and Bernstein, 2012).

use core::hash::Hasher;

use hoga_tables::HashIndex;
use siphasher::sip::SipHasher13;

/// The key of this exchange's hashes.
#[derive(Clone, Copy)]
pub(crate) struct HashKey([u64; 2]);

impl HashKey {
    pub(crate) const fn new(key: [u64; 2]) -> Self {
        Self(key)
    }

    pub(crate) fn hash(self, scope: u32, name: &[u8]) -> u64 {
        let mut hasher = SipHasher13::new_with_keys(self.0[0], self.0[1]);
        hasher.write(&scope.to_le_bytes());
        hasher.write(name);
        hasher.finish()
    }

    /// Of whole words, apart from every hash of a name.
    pub(crate) fn hash_words(self, words: &[u64]) -> u64 {
        let mut hasher = SipHasher13::new_with_keys(!self.0[0], self.0[1]);
        for word in words {
            hasher.write(&word.to_le_bytes());
        }
        hasher.finish()
    }
}

/// Which names are taken. The names themselves lie in a list of the owner's, by number.
#[derive(Clone)]
pub(crate) struct Names {
    key: HashKey,
    index: HashIndex,
}

impl Names {
    pub(crate) fn new(key: HashKey, max: usize) -> Self {
        Self {
            key,
            index: HashIndex::with_max(max),
        }
    }

    /// The most entries that one command has moved from one place of the index to another.
    pub(crate) fn most_moved(&self) -> usize {
        self.index.most_moved()
    }

    /// Takes `name` for the thing of this number; false when it is taken, as the empty name always is. `has_it` says
    /// whether the thing of a number has this name.
    pub(crate) fn take(&mut self, name: &[u8], number: u32, has_it: impl FnMut(u32) -> bool) -> bool {
        let hash = self.key.hash(0, name);
        if name.is_empty() || self.index.find(hash, has_it).is_some() {
            return false;
        }
        self.index.insert(hash, number);
        true
    }
}
