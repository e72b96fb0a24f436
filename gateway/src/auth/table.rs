//! The keys that are registered.

use std::collections::HashMap;
use std::sync::Arc;

use hoga_protocol::{AccountName, Nanos};
use hoga_service::{Identity, KeyId, Permissions};

use super::key::PublicKey;

/// A registered key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Names it.
    pub id: KeyId,
    /// Whose it is.
    pub account: AccountName,
    /// What it may be used for.
    pub permissions: Permissions,
    /// Verifies what its holder signs.
    pub public: PublicKey,
    /// When it was revoked, if it was; from then on it is good for nothing, whatever the clock says.
    pub revoked: Option<Nanos>,
    /// From when on it is good for nothing, if it ends.
    pub expires: Option<Nanos>,
}

impl ApiKey {
    /// Whom it stands for.
    pub fn identity(&self) -> Identity {
        Identity {
            key: self.id,
            account: self.account,
            permissions: self.permissions,
        }
    }

    /// Whether it is neither revoked nor expired.
    pub fn is_live(&self, now: Nanos) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|expires| now < expires)
    }
}

/// The keys that are registered; it never changes, another one takes its place.
///
/// Ids are no secret, and looking one up takes a time that depends on it. What must not be told by time is which ids
/// there are; [`Check`](super::Check) sees to that.
#[derive(Clone, Debug, Default)]
pub struct KeyTable {
    keys: HashMap<KeyId, Arc<ApiKey>>,
    /// When keys end that were not revoked, the first first.
    expiries: Vec<Nanos>,
}

impl KeyTable {
    /// The most keys of a table.
    pub const MOST: usize = 100_000;

    /// A table of `keys`. Of two with one id the later one stays.
    pub fn new(keys: impl IntoIterator<Item = ApiKey>) -> Self {
        let keys = keys.into_iter().map(|key| (key.id, Arc::new(key)));
        let keys: HashMap<_, _> = keys.collect();
        let unrevoked = keys.values().filter(|key| key.revoked.is_none());
        let mut expiries: Vec<Nanos> = unrevoked.filter_map(|key| key.expires).collect();
        expiries.sort_unstable();
        Self { keys, expiries }
    }

    /// The key of this id, revoked and expired ones too.
    pub fn get(&self, id: KeyId) -> Option<&Arc<ApiKey>> {
        self.keys.get(&id)
    }

    /// Whether the key of `identity` is still registered, live, and means the same: what a session that was let in once is asked again
    /// whenever [`Keys::generation`](super::Keys::generation) has changed, and now and then for the sake of keys that expire.
    pub fn still_holds(&self, identity: &Identity, now: Nanos) -> bool {
        self.get(identity.key)
            .is_some_and(|key| key.is_live(now) && key.identity() == *identity)
    }

    /// When the next key ends by itself, if one does.
    pub fn next_expiry(&self, now: Nanos) -> Option<Nanos> {
        let ended = self.expiries.partition_point(|expiry| *expiry <= now);
        self.expiries.get(ended).copied()
    }

    /// How many there are, revoked and expired ones too.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// How many are neither revoked nor expired.
    pub fn live(&self, now: Nanos) -> usize {
        self.keys.values().filter(|key| key.is_live(now)).count()
    }
}
