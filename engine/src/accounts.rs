//! The accounts, numbered from 0 in the order of opening, each with its live orders, oldest first, and with what it may
//! send.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use hashbrown::HashTable;
use hoga_protocol::{AccountId, AccountName, AccountStatus, InstrumentId, OpenAccount, RejectReason};

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
    /// How many are live.
    open: u32,
    /// Below how many it may send whatever it likes: 0 where it is suspended.
    free_below: u32,
}

/// What an account may send and hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) status: AccountStatus,
    /// The most orders in the books.
    pub(crate) max_open_orders: u32,
}

impl Standing {
    /// That of an account that nobody has administered.
    pub(crate) const FREE: Standing = Standing {
        status: AccountStatus::Active,
        max_open_orders: u32::MAX,
    };
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
    /// The accounts that stand otherwise than [`Standing::FREE`].
    restricted: BTreeMap<AccountId, Standing>,
    names: Vec<AccountName>,
    taken: Names<AccountName>,
}

impl Accounts {
    pub(crate) const fn new(key: HashKey, max: u32) -> Self {
        Self {
            max,
            list: Vec::new(),
            abroad: HashTable::new(),
            restricted: BTreeMap::new(),
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
            open: 0,
            free_below: Standing::FREE.max_open_orders,
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

    /// Why `account`, which is open, may not send an order, which `may_rest` or not.
    #[inline]
    pub(crate) fn check_order(&self, account: AccountId, may_rest: bool) -> Result<(), RejectReason> {
        match self.restricted.is_empty() {
            true => Ok(()),
            false => self.check_restricted(account, may_rest),
        }
    }

    #[inline(never)]
    fn check_restricted(&self, account: AccountId, may_rest: bool) -> Result<(), RejectReason> {
        let Account { open, free_below, .. } = self.list[account.0 as usize];
        if open < free_below {
            return Ok(());
        }
        match self.may_send(account) {
            false => Err(RejectReason::AccountSuspended),
            true if may_rest => Err(RejectReason::AccountLimit),
            true => Ok(()),
        }
    }

    /// Whether `account`, which is open, may do more than cancel.
    #[inline]
    pub(crate) fn may_send(&self, account: AccountId) -> bool {
        self.restricted.is_empty()
            || self.list[account.0 as usize].free_below > 0
            || self.standing(account).status == AccountStatus::Active
    }

    pub(crate) fn standing(&self, account: AccountId) -> Standing {
        self.restricted.get(&account).copied().unwrap_or(Standing::FREE)
    }

    /// Changes how `account`, which is open, stands.
    pub(crate) fn set_standing(&mut self, account: AccountId, standing: Standing) {
        self.list[account.0 as usize].free_below = match standing.status {
            AccountStatus::Active => standing.max_open_orders,
            AccountStatus::Suspended => 0,
        };
        match standing {
            Standing::FREE => self.restricted.remove(&account),
            _ => self.restricted.insert(account, standing),
        };
    }

    /// The accounts that stand otherwise than free, in the order of their numbers.
    pub(crate) fn restricted(&self) -> impl ExactSizeIterator<Item = (AccountId, Standing)> {
        self.restricted
            .iter()
            .map(|(&account, &standing)| (account, standing))
    }

    /// Counts the order at `slot` as its account's youngest.
    #[inline]
    pub(crate) fn add_live(&mut self, orders: &mut Orders, slot: Slot, instrument: InstrumentId) {
        let id = orders[slot].account;
        let account = &mut self.list[id.0 as usize];
        account.live.push_back(&mut orders.slab, slot);
        account.open += 1;
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
        account.open -= 1;
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
        let Account { live, home, .. } = &self.list[account.0 as usize];
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
