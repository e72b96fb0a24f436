//! Who is let in, where authentication is on.

use std::sync::Arc;

use hoga_protocol::Nanos;

use crate::auth::{
    AuthConfig, Authenticator, Credentials, Identity, KeyId, KeyTable, Keys, Subject, Verifier,
};
use crate::http::Request;
use crate::pending::Peer;
use crate::ports::Ticket;
use crate::wire::{ApiError, codes};

/// The keys as they are now, the thread that verifies, and what it was asked.
pub(crate) struct Door {
    keys: Box<dyn Keys>,
    verifier: Box<dyn Verifier>,
    authenticator: Authenticator,
    table: Arc<KeyTable>,
    generation: u64,
    /// When the next key ends by itself.
    next_expiry: Option<Nanos>,
    /// Whether some who were let in have yet to be compared with the keys as they are now.
    is_unsettled: bool,
}

impl Door {
    /// A door that has accepted nothing before `now`.
    pub fn new(keys: Box<dyn Keys>, verifier: Box<dyn Verifier>, config: AuthConfig, now: Nanos) -> Self {
        let generation = keys.generation();
        let table = keys.table();
        Self {
            next_expiry: table.next_expiry(now),
            is_unsettled: false,
            table,
            keys,
            verifier,
            authenticator: Authenticator::new(config, now),
            generation,
        }
    }

    /// Has a request's signature verified; [`next`](Self::next) gives what came of it, to `peer`, which must wait for that and
    /// for nothing else.
    ///
    /// # Errors
    /// 401 `unauthenticated` or `stale_timestamp`; 503 `busy` when as many are being verified as may be.
    pub fn ask(&mut self, peer: Peer, now: Nanos, request: &Request) -> Result<(), ApiError> {
        let unsigned = |why| ApiError::new(codes::UNAUTHENTICATED, why);
        let credentials = Credentials::from_request(request)?.ok_or_else(|| {
            unsigned(
                "this needs an API key: send Hoga-Key, Hoga-Timestamp and Hoga-Signature (docs/wire-protocol.md, \
                 Authentication)",
            )
        })?;
        let subject = Subject::new(&request.method, &request.target, &request.body)
            .ok_or_else(|| unsigned("a method or target that cannot be signed"))?;
        self.ask_for(peer, now, &credentials, &subject)
    }

    /// As [`ask`](Self::ask), of credentials for `subject` wherever they came from.
    ///
    /// # Errors
    /// 401 `stale_timestamp`; 503 `busy`.
    pub fn ask_for(
        &mut self,
        peer: Peer,
        now: Nanos,
        credentials: &Credentials,
        subject: &Subject<'_>,
    ) -> Result<(), ApiError> {
        let check = self.authenticator.begin(&self.table, now, credentials, subject)?;
        if self.verifier.ask(Ticket(peer), check) {
            return Ok(());
        }
        let message = "as many signatures are being verified as may be at once; try again shortly";
        Err(ApiError::new(codes::BUSY, message))
    }

    /// The next request whose signature was verified, the key that it named, and who sent it.
    pub fn next(&mut self, now: Nanos) -> Option<(Peer, KeyId, Result<Identity, ApiError>)> {
        let (Ticket(peer), verdict) = self.verifier.done()?;
        let identity = self.authenticator.finish(&self.table, now, &verdict);
        Some((peer, verdict.key(), identity))
    }

    /// Takes the keys as they are now. Whether any has changed or ended.
    pub fn refresh(&mut self, now: Nanos) -> bool {
        let generation = self.keys.generation();
        let has_ended = self.next_expiry.is_some_and(|expiry| now >= expiry);
        if generation == self.generation && !has_ended {
            return false;
        }
        self.generation = generation;
        self.table = self.keys.table();
        self.next_expiry = self.table.next_expiry(now);
        self.is_unsettled = true;
        true
    }

    /// Whether some who were let in have yet to be compared with the keys as they are now.
    pub fn is_unsettled(&self) -> bool {
        self.is_unsettled
    }

    /// Everyone has been compared with the keys since they changed.
    pub fn settle(&mut self) {
        self.is_unsettled = false;
    }

    /// Whether who was let in may stay.
    pub fn holds(&self, identity: &Identity, now: Nanos) -> bool {
        identity.still_holds(&self.table, now)
    }
}
