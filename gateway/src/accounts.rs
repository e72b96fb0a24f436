//! Accounts that are being opened.

use std::collections::{HashMap, VecDeque};

use hoga_protocol::{AccountId, AccountName, Sequence};
use hoga_views::Views;

/// Accounts whose opening is sequenced and not yet folded into the views, so that the order right behind it can carry
/// the number it will get.
///
/// Numbers are dense and given in sequence, and the gateway is the only one who opens accounts, so the next number is
/// the count of those known and those under way. What the input ring holds bounds them.
#[derive(Debug, Default)]
pub(crate) struct Opening {
    numbers: HashMap<AccountName, AccountId>,
    under_way: VecDeque<(Sequence, AccountName)>,
}

impl Opening {
    /// The account's number, known or expected; `None` when nobody has asked for it to be opened.
    pub fn find(&self, name: &AccountName, views: &Views) -> Option<AccountId> {
        let known = views.accounts().by_name(name);
        known.or_else(|| self.numbers.get(name).copied())
    }

    /// The number that the next account to be opened will get; `None` when the exchange has as many as it may.
    pub fn next(&self, views: &Views) -> Option<AccountId> {
        let next = u32::try_from(views.accounts().len() + self.under_way.len()).ok()?;
        let most = views.genesis()?.limits.max_accounts;
        (next < most).then_some(AccountId(next))
    }

    /// Remembers an opening that was sequenced.
    pub fn push(&mut self, sequence: Sequence, name: AccountName, account: AccountId) {
        self.under_way.push_back((sequence, name));
        self.numbers.insert(name, account);
    }

    /// Forgets the openings up to a command that is in the views.
    pub fn complete(&mut self, sequence: Sequence) {
        while let Some((_, name)) = self.under_way.pop_front_if(|(opened, _)| *opened <= sequence) {
            self.numbers.remove(&name);
        }
    }
}
