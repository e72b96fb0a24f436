//! Who comes in: credentials verified elsewhere, and sessions asked again when keys change.

use std::sync::Arc;

use hoga_protocol::{AccountName, Nanos};

use crate::auth::{
    AuthConfig, Authenticator, Credentials, Identity, KeyTable, Keys, Permission, Subject, Verdict, Verifier,
};
use crate::pending::Peer;
use crate::ports::Ticket;
use crate::route::DEFAULT_ACCOUNT;
use crate::wire::{ApiError, codes};

/// Authentication, where there is any.
#[derive(Default)]
pub(crate) struct Gate {
    required: Option<Required>,
}

struct Required {
    authenticator: Authenticator,
    keys: Box<dyn Keys>,
    verifier: Box<dyn Verifier>,
    table: Arc<KeyTable>,
    generation: u64,
    /// Rises whenever an identity may have lost its key: another table, or a key's end.
    epoch: u64,
    next_expiry: Option<Nanos>,
}

/// An identity, and when it was last compared with the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Vouched {
    pub identity: Identity,
    epoch: u64,
}

/// On whose behalf a request is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// There is no authentication: whoever they say they are.
    Anybody,
    /// Whose signature was verified.
    Known(Vouched),
}

impl Gate {
    /// From now on private requests are signed by one of `keys`.
    pub fn require(
        &mut self,
        config: AuthConfig,
        keys: Box<dyn Keys>,
        verifier: Box<dyn Verifier>,
        now: Nanos,
    ) {
        // Asked in this order, a change between the two is noticed as one; the other way it would be missed.
        let generation = keys.generation();
        let table = keys.table();
        self.required = Some(Required {
            authenticator: Authenticator::new(config, now),
            next_expiry: table.next_expiry(now),
            keys,
            verifier,
            table,
            generation,
            epoch: 0,
        });
    }

    /// Whether private requests are signed.
    pub fn is_required(&self) -> bool {
        self.required.is_some()
    }

    /// Has the credentials of `peer` verified, which must wait for the verdict and for nothing else.
    ///
    /// # Errors
    /// 401 `stale_timestamp`; 503 `busy` when as many checks wait as may.
    pub fn ask(
        &mut self,
        peer: Peer,
        now: Nanos,
        credentials: &Credentials,
        [method, target]: [&str; 2],
        body: &[u8],
    ) -> Result<(), ApiError> {
        let required = self.required.as_mut().ok_or_else(nobody_verifies)?;
        let subject = Subject::new(method, target, body).ok_or_else(|| {
            ApiError::new(codes::UNAUTHENTICATED, "this request line cannot be signed")
        })?;
        let check = required
            .authenticator
            .begin(&required.table, now, credentials, &subject)?;
        match required.verifier.ask(Ticket(peer), check) {
            true => Ok(()),
            false => Err(ApiError::new(
                codes::BUSY,
                "as many signatures wait to be verified as may; nothing was carried out, sign it again shortly",
            )),
        }
    }

    /// The next verdict, and who waits for it.
    pub fn next(&mut self) -> Option<(Peer, Verdict)> {
        let (ticket, verdict) = self.required.as_mut()?.verifier.done()?;
        Some((ticket.0, verdict))
    }

    /// Whose verdict it is, by the keys of this moment, if one of `needed` is among what the key may be used for.
    ///
    /// # Errors
    /// As [`Authenticator::finish`] and [`Identity::require_any`].
    pub fn admit(
        &mut self,
        now: Nanos,
        verdict: &Verdict,
        needed: &[Permission],
    ) -> Result<Caller, ApiError> {
        let required = self.required.as_mut().ok_or_else(nobody_verifies)?;
        let identity = required.authenticator.finish(&required.table, now, verdict)?;
        identity.require_any(needed)?;
        let epoch = required.epoch;
        Ok(Caller::Known(Vouched { identity, epoch }))
    }

    /// Takes another table of keys, if there is one. Whether identities must be compared with the keys again.
    pub fn refresh(&mut self, now: Nanos) -> bool {
        let Some(required) = &mut self.required else {
            return false;
        };
        let generation = required.keys.generation();
        let is_other = generation != required.generation;
        if is_other {
            required.generation = generation;
            required.table = required.keys.table();
        }
        let has_ended = required.next_expiry.is_some_and(|expiry| now >= expiry);
        if is_other || has_ended {
            required.epoch += 1;
            required.next_expiry = required.table.next_expiry(now);
        }
        is_other || has_ended
    }

    /// Whether an identity may go on; compared with the keys only when they have changed since the last time.
    ///
    /// # Errors
    /// Why not, in ASCII.
    pub fn vouch(&self, vouched: &mut Vouched, now: impl FnOnce() -> Nanos) -> Result<(), String> {
        let Some(required) = &self.required else {
            return Ok(());
        };
        if vouched.epoch == required.epoch {
            return Ok(());
        }
        let (identity, now) = (vouched.identity, now());
        if identity.still_holds(&required.table, now) {
            vouched.epoch = required.epoch;
            return Ok(());
        }
        let what = match required.table.get(identity.key) {
            Some(key) if key.revoked.is_some() => "was revoked",
            Some(key) if !key.is_live(now) => "has expired",
            Some(_) => "was changed; sign in again",
            None => "was removed",
        };
        Err(format!("key {} {what}", identity.key))
    }
}

impl Caller {
    /// The account that orders are placed, changed and canceled for.
    ///
    /// # Errors
    /// 403 `forbidden` when `named` is not the key's.
    pub fn trades_for(&self, named: Option<AccountName>) -> Result<AccountName, ApiError> {
        match (self, named) {
            (Caller::Known(vouched), Some(named)) if named != vouched.identity.account => {
                Err(other_account(&named, vouched))
            }
            (Caller::Known(vouched), _) => Ok(vouched.identity.account),
            (Caller::Anybody, named) => Ok(named.unwrap_or_else(|| self.account())),
        }
    }

    /// The account whose orders may be looked at; none when those of all may.
    ///
    /// # Errors
    /// 403 `forbidden` when `named` is not the key's.
    pub fn looks_at(&self, named: Option<AccountName>) -> Result<Option<AccountName>, ApiError> {
        match self {
            Caller::Known(_) if self.only_own().is_some() => self.trades_for(named).map(Some),
            _ => Ok(named),
        }
    }

    /// The account to whose sides of executions it is confined; none when it sees all.
    pub fn only_own(&self) -> Option<AccountName> {
        match self {
            Caller::Known(Vouched { identity, .. }) if !identity.permissions.has(Permission::DropCopy) => {
                Some(identity.account)
            }
            _ => None,
        }
    }

    /// The account that is meant when none is named.
    pub fn account(&self) -> AccountName {
        match self {
            Caller::Known(vouched) => vouched.identity.account,
            Caller::Anybody => AccountName::new(DEFAULT_ACCOUNT).unwrap_or_default(),
        }
    }

    /// What a stream is asked for again when keys change.
    pub fn vouched(&self) -> Option<Vouched> {
        match self {
            Caller::Known(vouched) => Some(*vouched),
            Caller::Anybody => None,
        }
    }
}

fn other_account(named: &AccountName, vouched: &Vouched) -> ApiError {
    let Identity { key, account, .. } = vouched.identity;
    let message = format!("account: key {key} belongs to {account}, not to {named}; leave account out");
    ApiError::new(codes::FORBIDDEN, message)
}

fn nobody_verifies() -> ApiError {
    ApiError::new(codes::INTERNAL, "signatures are not verified here")
}
