//! Who is let in, where authentication is on.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use hoga_protocol::Nanos;
use hoga_service::{Identity, KeyId, Origin};

use crate::auth::{AuthConfig, Authenticator, Credentials, KeyTable, Keys, Subject, Verifier};
use crate::codec::{ApiError, codes};
use crate::http::Request;
use crate::ports::Ticket;
use crate::server::peer::Peer;

/// Most signatures of one address that wait to be verified, of the thousand or so of all.
const WAITING_OF_ADDRESS: usize = 64;

/// The keys as they are now, the thread that verifies, and what it was asked.
pub(crate) struct Authentication {
    keys: Box<dyn Keys>,
    verifier: Box<dyn Verifier>,
    authenticator: Authenticator,
    table: Arc<KeyTable>,
    generation: u64,
    /// When the next key ends by itself.
    next_expiry: Option<Nanos>,
    /// Whether some who were let in have yet to be compared with the keys as they are now.
    is_unsettled: bool,
    /// How many signatures of each address are being verified.
    waiting: HashMap<Origin, usize>,
}

impl Authentication {
    /// One that has accepted nothing before `now`.
    pub fn new(keys: Box<dyn Keys>, verifier: Box<dyn Verifier>, config: AuthConfig, now: Nanos) -> Self {
        let generation = keys.generation();
        let table = keys.table();
        Self {
            next_expiry: table.next_expiry(now),
            is_unsettled: false,
            waiting: HashMap::new(),
            table,
            keys,
            verifier,
            authenticator: Authenticator::new(config, now),
            generation,
        }
    }

    /// Signatures that may have been accepted before a journal that ends at `last` was recovered count no more.
    pub fn go_on(&mut self, last: Nanos) {
        self.authenticator.go_on(last);
    }

    /// Has a request's signature verified; [`next`](Self::next) gives what came of it, to the peer of `ticket`, which must wait for
    /// that and for nothing else.
    ///
    /// # Errors
    /// 401 `unauthenticated` or `stale_timestamp`; 503 `busy` when as many are being verified as may be, and 429
    /// `too_many_requests` when so many of one address are.
    pub fn ask(&mut self, ticket: Ticket, now: Nanos, request: &Request) -> Result<(), ApiError> {
        let unsigned = |why| ApiError::new(codes::UNAUTHENTICATED, why);
        let credentials = Credentials::from_request(request)?.ok_or_else(|| {
            unsigned(
                "this needs an API key: send Hoga-Key, Hoga-Timestamp and Hoga-Signature (docs/wire-protocol.md, \
                 Authentication)",
            )
        })?;
        let subject = Subject::new(&request.method, &request.target, &request.body)
            .ok_or_else(|| unsigned("a method or target that cannot be signed"))?;
        self.ask_for(ticket, now, &credentials, &subject)
    }

    /// As [`ask`](Self::ask), of credentials for `subject` wherever they came from.
    ///
    /// # Errors
    /// As of `ask`.
    pub fn ask_for(
        &mut self,
        ticket: Ticket,
        now: Nanos,
        credentials: &Credentials,
        subject: &Subject<'_>,
    ) -> Result<(), ApiError> {
        let waiting = |origin| self.waiting.get(&origin).copied().unwrap_or_default();
        if ticket.origin.map_or(0, waiting) >= WAITING_OF_ADDRESS {
            let message =
                format!("your address has {WAITING_OF_ADDRESS} signatures being verified; wait for them");
            return Err(ApiError::new(codes::TOO_MANY_REQUESTS, message));
        }
        let check = self.authenticator.begin(&self.table, now, credentials, subject)?;
        if self.verifier.ask(ticket, check) {
            if let Some(origin) = ticket.origin {
                *self.waiting.entry(origin).or_default() += 1;
            }
            return Ok(());
        }
        let message = "as many signatures are being verified as may be at once; try again shortly";
        Err(ApiError::new(codes::BUSY, message))
    }

    /// The next request whose signature was verified, the key that it named, and who sent it.
    pub fn next(&mut self, now: Nanos) -> Option<(Peer, KeyId, Result<Identity, ApiError>)> {
        let (Ticket { peer, origin }, verdict) = self.verifier.done()?;
        if let Some(origin) = origin
            && let Entry::Occupied(mut waiting) = self.waiting.entry(origin)
        {
            *waiting.get_mut() -= 1;
            if *waiting.get() == 0 {
                waiting.remove();
            }
        }
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
        self.table.still_holds(identity, now)
    }
}
