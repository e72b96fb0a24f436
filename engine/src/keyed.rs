//! Hash tables whose keys people choose. Their hash is keyed with a secret drawn at genesis, so that nobody can aim
//! many names at one bucket (SipHash-1-3: Aumasson and Bernstein, 2012). Nothing ever walks these tables.

use core::hash::Hasher;

use hashbrown::HashTable;
use hoga_protocol::AsciiText;
use siphasher::sip::SipHasher13;

/// The key of this exchange's tables.
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
}

/// A text that names one thing.
pub(crate) trait Name: Copy + Eq {
    fn bytes(&self) -> &[u8];
}

impl<const N: usize, const KIND: u8> Name for AsciiText<N, KIND> {
    fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }
}

/// Names that may be taken once.
#[derive(Clone)]
pub(crate) struct Names<T> {
    key: HashKey,
    taken: HashTable<T>,
}

impl<T: Name> Names<T> {
    pub(crate) const fn new(key: HashKey) -> Self {
        Self {
            key,
            taken: HashTable::new(),
        }
    }

    /// Takes `name`; false when it is taken, as the empty name always is.
    pub(crate) fn take(&mut self, name: T) -> bool {
        let key = self.key;
        let hash = |name: &T| key.hash(0, name.bytes());
        let hashed = hash(&name);
        if name.bytes().is_empty() || self.taken.find(hashed, |taken| *taken == name).is_some() {
            return false;
        }
        self.taken.insert_unique(hashed, name, hash);
        true
    }
}
