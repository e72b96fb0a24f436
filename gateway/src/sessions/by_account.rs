//! The order sessions of each account.

use std::collections::{BTreeMap, HashMap};

use hoga_protocol::{AccountId, AccountName};

/// Which connections are order sessions, by account. An account that has not been opened has no id yet.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    by_id: BTreeMap<AccountId, Vec<u32>>,
    /// Of accounts that are not open yet.
    by_name: HashMap<AccountName, Vec<u32>>,
    count: usize,
}

impl Sessions {
    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds a session of the account that has this name, and this id if it is open.
    pub fn insert(&mut self, name: AccountName, id: Option<AccountId>, key: u32) {
        self.count += 1;
        match id {
            Some(id) => self.by_id.entry(id).or_default().push(key),
            None => self.by_name.entry(name).or_default().push(key),
        }
    }

    pub fn remove(&mut self, name: &AccountName, id: Option<AccountId>, key: u32) {
        self.count -= 1;
        let keys = match id {
            Some(id) => self.by_id.get_mut(&id),
            None => self.by_name.get_mut(name),
        };
        let Some(keys) = keys else { return };
        keys.retain(|&other| other != key);
        if keys.is_empty() {
            match id {
                Some(id) => _ = self.by_id.remove(&id),
                None => _ = self.by_name.remove(name),
            }
        }
    }

    /// The account is open from now on.
    pub fn open(&mut self, name: &AccountName, id: AccountId) {
        if let Some(keys) = self.by_name.remove(name) {
            self.by_id.insert(id, keys);
        }
    }

    pub fn of(&self, account: AccountId) -> &[u32] {
        self.by_id.get(&account).map_or(&[], Vec::as_slice)
    }
}
