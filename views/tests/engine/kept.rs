//! The rule of shares, told plainly: who holds the most loses the oldest.

use std::collections::VecDeque;

use hoga_protocol::AccountId;

use crate::ACCOUNTS;

/// What accounts hold of one kind.
pub struct Kept<T> {
    floor: usize,
    pool: usize,
    most: usize,
    of_account: Vec<VecDeque<T>>,
}

impl<T: PartialEq> Kept<T> {
    pub fn new(floor: usize, pool: usize, most: usize) -> Self {
        Self {
            floor,
            pool,
            most,
            of_account: (0..ACCOUNTS).map(|_| VecDeque::new()).collect(),
        }
    }

    pub fn add(&mut self, account: AccountId, item: T) {
        self.of_account[account.0 as usize].push_back(item);
        loop {
            let counts = self.of_account.iter().map(VecDeque::len);
            let surplus: usize = counts.clone().map(|count| count.saturating_sub(self.floor)).sum();
            let most = counts.clone().max().unwrap_or_default();
            if surplus <= self.pool && most <= self.most {
                return;
            }
            let largest = counts.clone().position(|count| count == most).unwrap();
            self.of_account[largest].pop_front();
        }
    }

    pub fn holds(&self, account: AccountId, item: &T) -> bool {
        self.of_account[account.0 as usize].contains(item)
    }

    pub fn len(&self) -> usize {
        self.of_account.iter().map(VecDeque::len).sum()
    }
}
