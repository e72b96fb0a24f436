//! Accounts that are being opened, and who may open one.

use std::collections::{HashMap, VecDeque};

use hoga_protocol::{AccountId, AccountName, Sequence};
use hoga_views::Views;

use crate::access::Origin;
use crate::reject::Reject;

/// For whom an account is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opener {
    /// For a client, from where, if the limits of addresses hold there.
    Client(Option<Origin>),
    /// For an operator, who has room where clients have none any more.
    Operator,
}

/// Accounts whose opening is sequenced and not yet folded into the views, so that the order right behind it can carry
/// the number it will get; and how many each address has opened.
///
/// Numbers are dense and given in sequence, and the service is the only one who opens accounts, so the next number is
/// the count of those known and those under way. What the input ring holds bounds these. An address is remembered once
/// it has opened an account, so there are no more of them than accounts.
#[derive(Debug)]
pub(crate) struct AccountOpening {
    numbers: HashMap<AccountName, AccountId>,
    under_way: VecDeque<(Sequence, AccountName)>,
    opened: HashMap<Origin, usize>,
    per_address: usize,
}

impl AccountOpening {
    /// None under way, and no address has opened any. Each may open `per_address`.
    pub fn new(per_address: usize) -> Self {
        Self {
            numbers: HashMap::new(),
            under_way: VecDeque::new(),
            opened: HashMap::new(),
            per_address,
        }
    }

    /// The account's number, known or expected; `None` when nobody has asked for it to be opened.
    pub fn find(&self, name: &AccountName, views: &Views) -> Option<AccountId> {
        let known = views.accounts().by_name(name);
        known.or_else(|| self.numbers.get(name).copied())
    }

    /// The number that the next account to be opened will get.
    ///
    /// # Errors
    /// [`Reject::AccountsFull`] when the exchange has as many as it may, [`Reject::TooManyAccounts`] when the opener has
    /// opened as many as it may.
    pub fn next(&self, name: &AccountName, opener: Opener, views: &Views) -> Result<AccountId, Reject> {
        let next = u32::try_from(views.accounts().len() + self.under_way.len()).unwrap_or(u32::MAX);
        let all = views.genesis().map_or(0, |genesis| genesis.limits.max_accounts);
        let most = match opener {
            Opener::Client(_) => all - reserved(all),
            Opener::Operator => all,
        };
        if next >= most {
            return Err(Reject::AccountsFull {
                account: *name,
                for_operator: opener == Opener::Operator,
            });
        }
        if let Opener::Client(Some(origin)) = opener
            && self.opened.get(&origin).copied().unwrap_or_default() >= self.per_address
        {
            return Err(Reject::TooManyAccounts {
                account: *name,
                most: self.per_address,
            });
        }
        Ok(AccountId(next))
    }

    /// Remembers an opening that was sequenced.
    pub fn push(&mut self, sequence: Sequence, name: AccountName, account: AccountId, opener: Opener) {
        self.under_way.push_back((sequence, name));
        self.numbers.insert(name, account);
        if let Opener::Client(Some(origin)) = opener {
            *self.opened.entry(origin).or_default() += 1;
        }
    }

    /// Forgets the openings up to a command that is in the views.
    pub fn complete(&mut self, sequence: Sequence) {
        while let Some((_, name)) = self.under_way.pop_front_if(|(opened, _)| *opened <= sequence) {
            self.numbers.remove(&name);
        }
    }
}

/// How many of the accounts that there may be are kept for operators: a sixty-fourth, at least one, and never all.
fn reserved(max_accounts: u32) -> u32 {
    (max_accounts / 64).max(1).min(max_accounts.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_have_room_left_and_clients_have_some() {
        for (max_accounts, want) in [(1, 0), (2, 1), (64, 1), (127, 1), (128, 2), (100_000, 1_562)] {
            assert_eq!(reserved(max_accounts), want, "{max_accounts}");
        }
    }
}
