//! Who sends a request, and what it may do and see.

use std::fmt;

use hoga_protocol::AccountName;

use super::{KeyId, Permission, Permissions};
use crate::reject::{Forbidden, Reject};

/// Whose order it is when nobody was named and there is no authentication.
pub const ANONYMOUS: &str = "anonymous";

/// Who sent a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The key that signed it.
    pub key: KeyId,
    /// Whose it is.
    pub account: AccountName,
    /// What it may be used for.
    pub permissions: Permissions,
}

impl Identity {
    /// Refuses a key that has none of `needed`.
    ///
    /// # Errors
    /// [`Reject::Forbidden`], naming the permissions.
    pub fn require_any(&self, needed: &'static [Permission]) -> Result<(), Reject> {
        match needed.iter().any(|permission| self.permissions.has(*permission)) {
            true => Ok(()),
            false => Err(Reject::Forbidden(Forbidden::Permission {
                identity: *self,
                needed,
            })),
        }
    }

    /// Whose orders a request is about: those of the key's account, or with `drop_copy`, if it only `reads`, of any. Without
    /// authentication whoever is named, or [`ANONYMOUS`].
    ///
    /// # Errors
    /// [`Reject::Forbidden`]: it names an account that is not the key's.
    pub fn account_of(
        identity: Option<&Self>,
        named: Option<AccountName>,
        reads: bool,
    ) -> Result<AccountName, Reject> {
        let Some(identity) = identity else {
            return Ok(named.unwrap_or_else(|| AccountName::new(ANONYMOUS).unwrap_or_default()));
        };
        match named {
            // Left out, it is the key's own.
            None => Ok(identity.account),
            Some(name) if name == identity.account => Ok(name),
            Some(name) if reads && identity.permissions.has(Permission::DropCopy) => Ok(name),
            Some(named) => Err(Reject::Forbidden(Forbidden::Account {
                identity: *identity,
                named,
            })),
        }
    }

    /// Whose executions alone may be seen; none means everybody's.
    pub fn own_only(identity: Option<&Self>) -> Option<AccountName> {
        identity
            .filter(|identity| !identity.permissions.has(Permission::DropCopy))
            .map(|identity| identity.account)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} ({})", self.key, self.account, self.permissions)
    }
}
