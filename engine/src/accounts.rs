//! The accounts, numbered from 0 in the order of opening, each with its live orders, oldest first, and with what it may
//! send and hold.

use alloc::vec::Vec;

use hoga_protocol::{AccountId, AccountName, AccountStatus, InstrumentId, OpenAccount, RejectReason};
use hoga_tables::{HashIndex, Segments};

use crate::keyed::{HashKey, Names};
use crate::order::{ACCOUNT, ACCOUNT_INSTRUMENT};
use crate::orders::Orders;
use crate::queue::Queue;
use crate::slab::Slot;

/// One account's live orders: all of them, and those in one instrument that it keeps at hand.
#[derive(Clone, Copy)]
pub(crate) struct Account {
    live: Queue<ACCOUNT>,
    first: Lane,
    /// How many are live.
    open: u32,
    standing: Standing,
}

/// What an account may send and hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) status: AccountStatus,
    /// The most orders in the books; [`u32::MAX`] for the limit of every account.
    pub(crate) max_open_orders: u32,
}

impl Account {
    /// Whether it may do more than cancel.
    #[inline(always)]
    pub(crate) const fn may_send(&self) -> bool {
        matches!(self.standing.status, AccountStatus::Active)
    }

    /// Whether one more order may rest where accounts without a limit of their own have this one.
    #[inline(always)]
    pub(crate) const fn has_room(&self, max_open_orders: u32) -> bool {
        let own = self.standing.max_open_orders;
        self.open < if own == u32::MAX { max_open_orders } else { own }
    }
}

impl Standing {
    /// That of an account that no operator has changed.
    pub(crate) const INITIAL: Standing = Standing {
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

/// All accounts, at most `max` of them. No table here moves what it holds when it grows.
#[derive(Clone)]
pub(crate) struct Accounts {
    max: u32,
    /// The most open orders of an account that has no limit of its own.
    max_open_orders: u32,
    /// Room is set aside for as many as the limit may ever be, so that it never moves.
    list: Vec<Account>,
    names: Segments<AccountName>,
    taken: Names,
    /// The lanes beside each account's first, each with an order at least, and places that are free.
    lanes: Segments<Lane>,
    free_lanes: Segments<u32>,
    lane_index: HashIndex,
}

impl Accounts {
    /// No account yet. Lanes are at most as many as orders, `max_orders`.
    pub(crate) fn new(key: HashKey, max: u32, max_open_orders: u32, max_orders: u32) -> Self {
        let (accounts, lanes) = (max as usize, max_orders as usize);
        Self {
            max,
            max_open_orders,
            list: Vec::with_capacity(most_accounts(max) as usize),
            names: Segments::with_max(accounts),
            taken: Names::new(key, accounts),
            lanes: Segments::with_max(lanes),
            free_lanes: Segments::with_max(lanes),
            lane_index: HashIndex::with_max(lanes),
        }
    }

    pub(crate) fn open(&mut self, open: &OpenAccount) -> Result<(), RejectReason> {
        if open.account.0 as usize != self.list.len() {
            return Err(RejectReason::AlreadyExists);
        }
        if open.account.0 >= self.max {
            return Err(RejectReason::TableFull);
        }
        let names = &self.names;
        if !self.taken.take(open.name.as_bytes(), open.account.0, |number| {
            names[number as usize] == open.name
        }) {
            return Err(RejectReason::AlreadyExists);
        }
        self.names.push(open.name);
        self.list.push(Account {
            live: Queue::EMPTY,
            first: Lane::new(open.account, InstrumentId(0)),
            open: 0,
            standing: Standing::INITIAL,
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
    pub(crate) fn names(&self) -> impl Iterator<Item = AccountName> {
        self.names.iter().copied()
    }

    /// The name of `account`, which is open.
    pub(crate) fn name(&self, account: AccountId) -> &AccountName {
        &self.names[account.0 as usize]
    }

    /// Whether `account`, which is open, may do more than cancel.
    #[inline(always)]
    pub(crate) fn may_send(&self, account: AccountId) -> bool {
        self.list[account.0 as usize].may_send()
    }

    /// Whether one more order of `account`, which is open, may rest, as far as the account is concerned.
    #[inline(always)]
    pub(crate) fn has_room(&self, account: AccountId) -> bool {
        self.list[account.0 as usize].has_room(self.max_open_orders)
    }

    /// The account, if it is open.
    #[inline(always)]
    pub(crate) fn get(&self, account: AccountId) -> Option<&Account> {
        self.list.get(account.0 as usize)
    }

    /// The most open orders of an account that has no limit of its own.
    #[inline(always)]
    pub(crate) const fn max_open_orders(&self) -> u32 {
        self.max_open_orders
    }

    /// How many orders of `account`, which is open, are live.
    pub(crate) fn open_orders(&self, account: AccountId) -> u32 {
        self.list[account.0 as usize].open
    }

    pub(crate) fn standing(&self, account: AccountId) -> Standing {
        self.list[account.0 as usize].standing
    }

    /// Changes what `account`, which is open, may send and hold.
    pub(crate) fn set_standing(&mut self, account: AccountId, standing: Standing) {
        self.list[account.0 as usize].standing = standing;
    }

    /// Changes how many accounts there may be, at most [`most_accounts`], and how many orders each may have in the books.
    pub(crate) fn set_limits(&mut self, max: u32, max_open_orders: u32) {
        (self.max, self.max_open_orders) = (max, max_open_orders);
    }

    /// The accounts whose standing an operator has changed, in the order of their numbers. It looks at all accounts.
    pub(crate) fn restricted(&self) -> impl Iterator<Item = (AccountId, Standing)> {
        let all = self.list.iter().enumerate();
        all.map(|(number, account)| (AccountId(number as u32), account.standing))
            .filter(|&(_, standing)| standing != Standing::INITIAL)
    }

    /// Counts the order at `slot` as its account's youngest.
    #[inline]
    pub(crate) fn add_live(&mut self, orders: &mut Orders, slot: Slot, instrument: InstrumentId) {
        let id = orders[slot].account;
        let account = &mut self.list[id.0 as usize];
        account.live.push_back(&mut orders.slab, slot);
        account.open += 1;
        let lane = match account.first.instrument == instrument {
            true => &mut account.first,
            false => self.other_lane(id, instrument),
        };
        lane.queue.push_back(&mut orders.slab, slot);
    }

    /// The order at `slot` is live no longer.
    pub(crate) fn remove_live(&mut self, orders: &mut Orders, slot: Slot, instrument: InstrumentId) {
        let id = orders[slot].account;
        let account = &mut self.list[id.0 as usize];
        account.live.unlink(&mut orders.slab, slot);
        account.open -= 1;
        if account.first.instrument == instrument {
            account.first.queue.unlink(&mut orders.slab, slot);
        } else if let Some(number) = self.find_lane(id, instrument) {
            let queue = &mut self.lanes[number as usize].queue;
            queue.unlink(&mut orders.slab, slot);
            if queue.is_empty() {
                self.lane_index.remove(hash(id, instrument), number);
                self.free_lanes.push(number);
            }
        }
    }

    /// The oldest live order of `account`, which is open, in `instrument` if one is given.
    pub(crate) fn oldest(&self, account: AccountId, instrument: Option<InstrumentId>) -> Option<Slot> {
        let Account { live, first, .. } = &self.list[account.0 as usize];
        let Some(instrument) = instrument else {
            return live.front();
        };
        if first.instrument == instrument {
            return first.queue.front();
        }
        let lane = self.find_lane(account, instrument)?;
        self.lanes[lane as usize].queue.front()
    }

    /// The most entries that one command has moved from one place of an index to another.
    pub(crate) fn most_moved(&self) -> usize {
        self.lane_index.most_moved().max(self.taken.most_moved())
    }

    fn find_lane(&self, account: AccountId, instrument: InstrumentId) -> Option<u32> {
        self.lane_index.find(hash(account, instrument), |number| {
            self.lanes[number as usize].is(account, instrument)
        })
    }

    /// The lane of an account in an instrument that is not its first lane's. Where it has none, an empty first lane becomes
    /// that: an account that trades one instrument at a time needs no other.
    #[inline(never)]
    fn other_lane(&mut self, account: AccountId, instrument: InstrumentId) -> &mut Lane {
        let number = match self.find_lane(account, instrument) {
            Some(number) => number,
            None if self.list[account.0 as usize].first.queue.is_empty() => {
                let first = &mut self.list[account.0 as usize].first;
                first.instrument = instrument;
                return first;
            }
            None => self.add_lane(Lane::new(account, instrument)),
        };
        &mut self.lanes[number as usize]
    }

    fn add_lane(&mut self, lane: Lane) -> u32 {
        let number = match self.free_lanes.pop() {
            Some(number) => {
                self.lanes[number as usize] = lane;
                number
            }
            None => {
                self.lanes.push(lane);
                (self.lanes.len() - 1) as u32
            }
        };
        self.lane_index
            .insert(hash(lane.account, lane.instrument), number);
        number
    }
}

/// How many accounts there may be at most, whatever an operator sets, in an exchange that began with a limit of `max`:
/// sixteen times as many. Memory is taken as accounts are opened.
pub(crate) const fn most_accounts(max: u32) -> u32 {
    let most = max.saturating_mul(16);
    if most < 1 << 24 { most } else { 1 << 24 }
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

/// The finish of SplitMix64 (Steele, Lea and Flood, 2014). No client chooses the numbers of accounts and instruments.
fn hash(account: AccountId, instrument: InstrumentId) -> u64 {
    let mut word = u64::from(account.0) << 32 | u64::from(instrument.0);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}
