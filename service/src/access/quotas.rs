//! How much of the exchange one address and one account may take up: connections at once, and requests a second.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use hoga_protocol::AccountName;

use super::Origin;
use crate::reject::{Holder, Reject};

/// In this time a quota that was used up is whole again.
const WINDOW: Duration = Duration::from_secs(1);

/// Tables smaller than this are not looked through for entries that say nothing any more.
const SMALL_TABLE: usize = 1_024;

/// What a request is counted as. Each kind has a quota of its own, so that whoever has placed as many orders as may be can
/// still cancel them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// To place and to replace.
    Orders = 0,
    /// To cancel, now or later.
    Cancels = 1,
    /// All others.
    Queries = 2,
}

impl RequestKind {
    /// How many there are.
    const COUNT: usize = 3;

    /// Its name, as clients are shown it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Cancels => "cancels",
            Self::Queries => "queries",
        }
    }
}

/// Requests a second, by kind; as many may come at once. 0 is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestRates {
    /// To place and to replace.
    pub orders: u32,
    /// To cancel, now or later.
    pub cancels: u32,
    /// All others.
    pub queries: u32,
}

impl RequestRates {
    /// The most that a rate may be: a microsecond for each.
    pub const MOST: u32 = 1_000_000;

    fn of(&self, kind: RequestKind) -> u32 {
        match kind {
            RequestKind::Orders => self.orders,
            RequestKind::Cancels => self.cancels,
            RequestKind::Queries => self.queries,
        }
    }
}

/// What is left to whoever sent a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// What the request was counted as.
    pub kind: RequestKind,
    /// Requests a second.
    pub per_second: u32,
    /// How many more may come at this moment.
    pub remaining: u32,
}

impl Quota {
    /// The one with less left.
    fn tighter(self, other: Option<Self>) -> Self {
        match other {
            Some(other) if other.remaining < self.remaining => other,
            _ => self,
        }
    }
}

/// What each address and each account takes up at the moment.
#[derive(Debug)]
pub struct Quotas {
    connections_per_account: usize,
    address_rates: RequestRates,
    account_rates: RequestRates,
    addresses: Table<Origin>,
    accounts: Table<AccountName>,
    refused: Refused,
}

/// What was refused, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// Requests, for their address.
    pub of_addresses: u64,
    /// Requests, for their account.
    pub of_accounts: u64,
    /// Connections, for their account.
    pub connections: u64,
}

impl Quotas {
    /// Nobody takes up anything. An account may have `connections_per_account`.
    pub fn new(
        connections_per_account: usize,
        address_rates: RequestRates,
        account_rates: RequestRates,
    ) -> Self {
        Self {
            connections_per_account,
            address_rates,
            account_rates,
            addresses: Table::default(),
            accounts: Table::default(),
            refused: Refused::default(),
        }
    }

    /// What was refused, since the start.
    pub fn refused(&self) -> Refused {
        self.refused
    }

    /// The connections that there are of an address.
    pub fn of_address(&self, origin: Origin) -> usize {
        self.addresses.connections(&origin)
    }

    /// A connection from an address has begun.
    pub fn enter_address(&mut self, origin: Origin, now: Duration) {
        self.addresses.entry(origin, now).connections += 1;
    }

    /// It has ended.
    pub fn leave_address(&mut self, origin: Origin, now: Duration) {
        self.addresses.leave(&origin, now);
    }

    /// Whether an account may have one more connection.
    ///
    /// # Errors
    /// [`Reject::TooManyConnections`].
    pub fn check_account(&mut self, account: &AccountName) -> Result<(), Reject> {
        let most = self.connections_per_account;
        if self.accounts.connections(account) < most {
            return Ok(());
        }
        self.refused.connections += 1;
        Err(Reject::TooManyConnections {
            account: *account,
            most,
        })
    }

    /// A connection of an account has begun.
    pub fn enter_account(&mut self, account: AccountName, now: Duration) {
        self.accounts.entry(account, now).connections += 1;
    }

    /// It has ended.
    pub fn leave_account(&mut self, account: &AccountName, now: Duration) {
        self.accounts.leave(account, now);
    }

    /// Charges a request to the address that it came from. `quota` becomes what is left, unless less was left already.
    ///
    /// # Errors
    /// [`Reject::TooManyRequests`]; then nothing was charged.
    pub fn charge_address(
        &mut self,
        origin: Option<Origin>,
        kind: RequestKind,
        now: Duration,
        quota: &mut Option<Quota>,
    ) -> Result<(), Reject> {
        let rate = self.address_rates.of(kind);
        let Some(origin) = origin.filter(|_| rate > 0) else {
            return Ok(());
        };
        let charged = self.addresses.entry(origin, now).charge(kind, rate, now, quota);
        charged.map_err(|wait| {
            self.refused.of_addresses += 1;
            refusal(Holder::Address, kind, rate, wait)
        })
    }

    /// Charges further `units` of queries to whoever asked, whether or not they are there to be charged.
    pub fn charge_query(
        &mut self,
        origin: Option<Origin>,
        account: Option<&AccountName>,
        units: usize,
        now: Duration,
    ) {
        if let (Some(origin), rate @ 1..) = (origin, self.address_rates.queries) {
            self.addresses.entry(origin, now).owe(units, rate, now);
        }
        if let (Some(account), rate @ 1..) = (account, self.account_rates.queries) {
            self.accounts.entry(*account, now).owe(units, rate, now);
        }
    }

    /// Charges a request to the account whose key signed it, as [`charge_address`](Self::charge_address) does.
    ///
    /// # Errors
    /// [`Reject::TooManyRequests`]; then nothing was charged.
    pub fn charge_account(
        &mut self,
        account: &AccountName,
        kind: RequestKind,
        now: Duration,
        quota: &mut Option<Quota>,
    ) -> Result<(), Reject> {
        let rate = self.account_rates.of(kind);
        if rate == 0 {
            return Ok(());
        }
        let charged = self.accounts.entry(*account, now).charge(kind, rate, now, quota);
        charged.map_err(|wait| {
            self.refused.of_accounts += 1;
            refusal(Holder::Account, kind, rate, wait)
        })
    }
}

/// Entries by address or account. One stays while it has a connection, and while a quota of it is not whole: so there are
/// about as many as there are connections, and were requests within the last second.
#[derive(Debug)]
struct Table<K> {
    entries: HashMap<K, Entry>,
    /// When there are so many, those that say nothing any more are looked for.
    tidy_at: usize,
}

impl<K> Default for Table<K> {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            tidy_at: SMALL_TABLE,
        }
    }
}

impl<K: Eq + Hash> Table<K> {
    fn connections(&self, key: &K) -> usize {
        self.entries.get(key).map_or(0, |entry| entry.connections)
    }

    fn entry(&mut self, key: K, now: Duration) -> &mut Entry {
        if self.entries.len() >= self.tidy_at {
            self.entries.retain(|_, entry| !entry.is_idle(now));
            self.tidy_at = SMALL_TABLE.max(2 * self.entries.len());
        }
        self.entries.entry(key).or_default()
    }

    fn leave(&mut self, key: &K, now: Duration) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.connections = entry.connections.saturating_sub(1);
            if entry.is_idle(now) {
                self.entries.remove(key);
            }
        }
    }
}

/// What one address or account takes up.
#[derive(Debug, Default)]
struct Entry {
    connections: usize,
    /// When each quota will be whole again, as far as it is known; earlier than now is whole. This is the theoretical
    /// arrival time of the generic cell rate algorithm (ITU-T I.371, virtual scheduling).
    whole_at: [Duration; RequestKind::COUNT],
}

impl Entry {
    fn is_idle(&self, now: Duration) -> bool {
        self.connections == 0 && self.whole_at.iter().all(|&at| at <= now)
    }

    /// Takes one request off the quota, or says how long it must wait for that.
    fn charge(
        &mut self,
        kind: RequestKind,
        rate: u32,
        now: Duration,
        quota: &mut Option<Quota>,
    ) -> Result<(), Duration> {
        let each = WINDOW / rate;
        let whole_at = &mut self.whole_at[kind as usize];
        let next = now.max(*whole_at) + each;
        let mut left = Quota {
            kind,
            per_second: rate,
            remaining: 0,
        };
        let Some(spare) = (now + WINDOW).checked_sub(next) else {
            *quota = Some(left.tighter(*quota));
            return Err(next - now - WINDOW);
        };
        *whole_at = next;
        left.remaining = (spare.as_nanos() / each.as_nanos()) as u32;
        *quota = Some(left.tighter(*quota));
        Ok(())
    }
}

impl Entry {
    /// Takes `units` off the quota of queries, below nothing if need be.
    fn owe(&mut self, units: usize, rate: u32, now: Duration) {
        let whole_at = &mut self.whole_at[RequestKind::Queries as usize];
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        *whole_at = now.max(*whole_at) + (WINDOW / rate).saturating_mul(units);
    }
}

fn refusal(of: Holder, kind: RequestKind, per_second: u32, wait: Duration) -> Reject {
    Reject::TooManyRequests {
        of,
        kind,
        per_second,
        wait,
    }
}

#[cfg(test)]
mod tests;
