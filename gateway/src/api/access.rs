//! What a key may do and see, where authentication is on.

use hoga_protocol::AccountName;
use hoga_views::Views;

use crate::auth::{Identity, Permission};
use crate::route::{DEFAULT_ACCOUNT, Route};
use crate::turn::Turn;
use crate::wire::{ApiError, codes, resume};

/// Whose orders a request is about: those of the key's account, or with `drop_copy`, if it only reads, of any. Without
/// authentication whoever is named.
///
/// # Errors
/// 403 `forbidden`.
pub(super) fn account_of(
    identity: Option<&Identity>,
    named: Option<AccountName>,
    reads: bool,
) -> Result<AccountName, ApiError> {
    let Some(identity) = identity else {
        return Ok(named.unwrap_or_else(anonymous));
    };
    match named {
        // Left out, it is the key's own.
        None => Ok(identity.account),
        Some(name) if name == identity.account => Ok(name),
        Some(name) if reads && identity.permissions.has(Permission::DropCopy) => Ok(name),
        Some(name) => {
            let message = format!(
                "key {} is of account {}, not of {name}; leave `account` out",
                identity.key, identity.account
            );
            Err(ApiError::new(codes::FORBIDDEN, message))
        }
    }
}

/// Whether a key is good for `route`, by the keys there are now: they may have changed since its signature was verified.
///
/// # Errors
/// 401 `unauthenticated`, 403 `forbidden`.
pub(super) fn permit<S>(identity: &Identity, route: &Route, turn: &Turn<'_, S>) -> Result<(), ApiError> {
    if turn
        .door
        .as_ref()
        .is_some_and(|door| !door.holds(identity, turn.wall()))
    {
        let message = format!(
            "key {} was revoked, has expired, or means something else now",
            identity.key
        );
        return Err(ApiError::new(codes::UNAUTHENTICATED, message));
    }
    identity.require_any(route.permissions())
}

/// The number of the execution that `after` names. Who sees only those of `own` is told of no other's.
pub(super) fn last_seen(after: &str, own: Option<&AccountName>, views: &Views) -> Result<u64, ApiError> {
    let found = resume::execution_number(after, views);
    let Some(own) = own else { return found };
    let number = found.map_err(|error| match error.is(codes::EXECUTION_TOO_OLD) {
        true => {
            let message = "after: that execution is no longer in memory; leave it out to begin now";
            ApiError::new(codes::EXECUTION_TOO_OLD, message)
        }
        false => error,
    })?;
    let owner = views.executions().get(number).map(|execution| execution.account);
    match owner.is_some() && owner == views.accounts().by_name(own) {
        true => Ok(number),
        false => {
            let message = "after: this account has no execution of that id; leave it out to begin now";
            Err(ApiError::new(codes::UNKNOWN_EXECUTION, message))
        }
    }
}

/// Whose executions alone may be seen; none means everybody's.
pub(super) fn own_only(identity: Option<&Identity>) -> Option<AccountName> {
    identity
        .filter(|identity| !identity.permissions.has(Permission::DropCopy))
        .map(|identity| identity.account)
}

fn anonymous() -> AccountName {
    AccountName::new(DEFAULT_ACCOUNT).unwrap_or_default()
}
