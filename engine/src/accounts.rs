//! The accounts, numbered from 0 in the order of opening, each with its live orders, oldest first.

use alloc::vec::Vec;

use hashbrown::HashTable;
use hoga_protocol::{AccountId, AccountName, InstrumentId, OpenAccount, RejectReason};

use crate::keyed::{HashKey, Names};
use crate::order::{ACCOUNT, ACCOUNT_INSTRUMENT};
use crate::orders::Orders;
use crate::queue::Queue;
use crate::slab::Slot;

/// One account's live orders: all of them, and those in one instrument that it keeps at hand.
#[derive(Clone, Copy)]
struct Account {
    live: Queue<ACCOUNT>,
    home: Lane,
}

/// The live orders of one account in one instrument.
#[derive(Clone, Copy)]
struct Lane {
    account: AccountId,
    instrument: InstrumentId,
    queue: Queue<ACCOUNT_INSTRUMENT>,
}

/// All accounts, at most `max` of them.
#[derive(Clone)]
pub(crate) struct Accounts {
    max: u32,
    list: Vec<Account>,
    /// The lanes that are nobody's home, each with an order at least.
    abroad: HashTable<Lane>,
    names: Vec<AccountName>,
    taken: Names<AccountName>,
}

impl Accounts {
    pub(crate) const fn new(key: HashKey, max: u32) -> Self {
        Self {
            max,
            list: Vec::new(),
            abroad: HashTable::new(),
            names: Vec::new(),
            taken: Names::new(key),
        }
    }

    pub(crate) fn open(&mut self, open: &OpenAccount) -> Result<(), RejectReason> {
        if open.account.0 as usize != self.list.len() {
            return Err(RejectReason::AlreadyExists);
        }
        if open.account.0 >= self.max {
            return Err(RejectReason::TableFull);
        }
        if !self.taken.take(open.name) {
            return Err(RejectReason::AlreadyExists);
        }
        self.names.push(open.name);
        self.list.push(Account {
            live: Queue::EMPTY,
            home: Lane::new(open.account, InstrumentId(0)),
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
        self.names.iter().copied()
    }

    /// Counts the order at `slot` as its account's youngest.
    #[inline]
    pub(crate) fn add_live(&mut self, orders: &mut Orders, slot: Slot, instrument: InstrumentId) {
        let id = orders[slot].account;
        let account = &mut self.list[id.0 as usize];
        account.live.push_back(&mut orders.slab, slot);
        let lane = if account.home.instrument == instrument {
            &mut account.home
        } else {
            lane_abroad(&mut self.abroad, &mut account.home, instrument)
        };
        lane.queue.push_back(&mut orders.slab, slot);
    }

    /// The order at `slot` is live no longer.
    pub(crate) fn remove_live(&mut self, orders: &mut Orders, slot: Slot, instrument: InstrumentId) {
        let id = orders[slot].account;
        let account = &mut self.list[id.0 as usize];
        account.live.unlink(&mut orders.slab, slot);
        if account.home.instrument == instrument {
            account.home.queue.unlink(&mut orders.slab, slot);
        } else if let Ok(mut found) = self
            .abroad
            .find_entry(hash(id, instrument), |lane| lane.is(id, instrument))
        {
            let lane = found.get_mut();
            lane.queue.unlink(&mut orders.slab, slot);
            if lane.queue.is_empty() {
                found.remove();
            }
        }
    }

    /// The oldest live order of `account`, which is open, in `instrument` if one is given.
    pub(crate) fn oldest(&self, account: AccountId, instrument: Option<InstrumentId>) -> Option<Slot> {
        let Account { live, home } = &self.list[account.0 as usize];
        let Some(instrument) = instrument else {
            return live.front();
        };
        if home.instrument == instrument {
            return home.queue.front();
        }
        let is_it = |lane: &Lane| lane.is(account, instrument);
        let lane = self.abroad.find(hash(account, instrument), is_it)?;
        lane.queue.front()
    }
}

impl Lane {
    const fn new(account: AccountId, instrument: InstrumentId) -> Self {
        Self {
            account,
            instrument,
            queue: Queue::EMPTY,
        }
    }

    fn is(&self, account: AccountId, instrument: InstrumentId) -> bool {
        self.account == account && self.instrument == instrument
    }
}

/// The lane of `home`'s account in an instrument that is not its home. Where it has none yet, an empty home moves
/// there: an account that trades one instrument at a time never leaves home.
fn lane_abroad<'a>(
    abroad: &'a mut HashTable<Lane>,
    home: &'a mut Lane,
    instrument: InstrumentId,
) -> &'a mut Lane {
    let account = home.account;
    let hashed = hash(account, instrument);
    let is_there = abroad.find(hashed, |lane| lane.is(account, instrument)).is_some();
    if !is_there && home.queue.is_empty() {
        home.instrument = instrument;
        return home;
    }
    let rehash = |lane: &Lane| hash(lane.account, lane.instrument);
    let entry = abroad.entry(hashed, |lane| lane.is(account, instrument), rehash);
    entry.or_insert(Lane::new(account, instrument)).into_mut()
}

/// The finish of SplitMix64 (Steele, Lea and Flood, 2014). Nobody chooses the numbers of accounts and instruments.
fn hash(account: AccountId, instrument: InstrumentId) -> u64 {
    let mut word = u64::from(account.0) << 32 | u64::from(instrument.0);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}
