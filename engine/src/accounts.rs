//! The accounts, numbered from 0 in the order of opening, each with its live orders, oldest first.

use alloc::vec::Vec;

use hoga_protocol::{AccountId, AccountName, InstrumentId, OpenAccount, RejectReason};

use crate::keyed::{HashKey, Names};
use crate::order::{ACCOUNT, ACCOUNT_INSTRUMENT, OrderSlab};
use crate::queue::Queue;
use crate::slab::Slot;

/// One account.
#[derive(Clone)]
struct Account {
    name: AccountName,
    live: Queue<ACCOUNT>,
    /// The instruments in which it has live orders, ascending. Few, so a sorted list beats a table.
    by_instrument: Vec<(InstrumentId, Queue<ACCOUNT_INSTRUMENT>)>,
}

/// All accounts, at most `max` of them.
#[derive(Clone)]
pub(crate) struct Accounts {
    max: u32,
    list: Vec<Account>,
    names: Names<AccountName>,
}

impl Accounts {
    pub(crate) const fn new(key: HashKey, max: u32) -> Self {
        Self {
            max,
            list: Vec::new(),
            names: Names::new(key),
        }
    }

    pub(crate) fn open(&mut self, open: &OpenAccount) -> Result<(), RejectReason> {
        if open.account.0 as usize != self.list.len() {
            return Err(RejectReason::AlreadyExists);
        }
        if open.account.0 >= self.max {
            return Err(RejectReason::TableFull);
        }
        if !self.names.take(open.name) {
            return Err(RejectReason::AlreadyExists);
        }
        self.list.push(Account {
            name: open.name,
            live: Queue::EMPTY,
            by_instrument: Vec::new(),
        });
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn contains(&self, account: AccountId) -> bool {
        (account.0 as usize) < self.list.len()
    }

    /// The names in the order of their numbers.
    pub(crate) fn names(&self) -> impl ExactSizeIterator<Item = AccountName> {
        self.list.iter().map(|account| account.name)
    }

    /// Counts the order at `slot` as its account's youngest.
    pub(crate) fn add_live(&mut self, orders: &mut OrderSlab, slot: Slot) {
        let terms = orders[slot].terms;
        let account = &mut self.list[terms.account.0 as usize];
        account.live.push_back(orders, slot);
        let lists = &mut account.by_instrument;
        let at = match lists.binary_search_by_key(&terms.instrument, |list| list.0) {
            Ok(at) => at,
            Err(at) => {
                lists.insert(at, (terms.instrument, Queue::EMPTY));
                at
            }
        };
        lists[at].1.push_back(orders, slot);
    }

    /// The order at `slot` is live no longer.
    pub(crate) fn remove_live(&mut self, orders: &mut OrderSlab, slot: Slot) {
        let terms = orders[slot].terms;
        let account = &mut self.list[terms.account.0 as usize];
        account.live.unlink(orders, slot);
        let lists = &mut account.by_instrument;
        if let Ok(at) = lists.binary_search_by_key(&terms.instrument, |list| list.0) {
            lists[at].1.unlink(orders, slot);
            if lists[at].1.is_empty() {
                lists.remove(at);
            }
        }
    }

    /// The oldest live order of `account`, which is open, in `instrument` if one is given.
    pub(crate) fn oldest(&self, account: AccountId, instrument: Option<InstrumentId>) -> Option<Slot> {
        let account = &self.list[account.0 as usize];
        let Some(instrument) = instrument else {
            return account.live.front();
        };
        let lists = &account.by_instrument;
        let at = lists.binary_search_by_key(&instrument, |list| list.0).ok()?;
        lists[at].1.front()
    }
}
