//! From credentials to an identity.

use std::sync::Arc;
use std::time::Duration;

use hoga_protocol::Nanos;
use hoga_service::{Identity, KeyId};

use super::check::{Check, Verdict};
use super::credentials::Credentials;
use super::message::Subject;
use super::replay::{AHEAD_MS, Acceptance, ReplayGuard};
use super::table::{ApiKey, KeyTable};
use crate::codec::{ApiError, codes, time};

/// The settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthConfig {
    /// How old a signature may be, 100 ms to 60 s.
    pub receive_window: Duration,
    /// The most signatures that are remembered, so that none counts twice. With the window they bound how many requests
    /// can be signed a second.
    pub remembered: usize,
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            receive_window: Duration::from_secs(5),
            // 40,000 signed requests a second; those on a WebSocket are signed once.
            remembered: 1 << 18,
        }
    }
}

/// Decides who may come in. It has the gateway's clock and the keys of the moment handed in, and remembers what it
/// accepted.
#[derive(Debug)]
pub struct Authenticator {
    window_ms: u64,
    replay: ReplayGuard,
}

impl Authenticator {
    /// Nothing counts that is signed earlier than a second from `now`, since it may have been accepted before a restart.
    pub fn new(config: AuthConfig, now: Nanos) -> Self {
        let window_ms = config.receive_window.as_millis() as u64;
        Self {
            window_ms,
            replay: ReplayGuard::new(window_ms, config.remembered, now.millis()),
        }
    }

    /// Time goes on from `last`, the last stamp of a journal. What was signed for a command in it was signed for a moment
    /// that is at most a second later, and counts no more.
    pub fn go_on(&mut self, last: Nanos) {
        self.replay.go_on(last.millis());
    }

    /// The check that has to be made of `credentials` for `subject`.
    ///
    /// # Errors
    /// 401 `stale_timestamp`, which names the exchange's time. Whether the key is known is not told here.
    pub fn begin(
        &self,
        keys: &KeyTable,
        now: Nanos,
        credentials: &Credentials,
        subject: &Subject<'_>,
    ) -> Result<Check, ApiError> {
        if !self.replay.is_timely(credentials.timestamp, now.millis()) {
            return Err(self.stale(credentials.timestamp, now));
        }
        Ok(Check::new(
            credentials,
            keys.get(credentials.key).map(Arc::clone),
            subject,
        ))
    }

    /// Who has sent what `verdict` is about, by the keys there are now. What is accepted is accepted once.
    ///
    /// # Errors
    /// 401 `bad_signature`, the same whether the key is known or not; 401 `unauthenticated` when the key was revoked or has
    /// expired; 401 `replayed`; 401 `stale_timestamp` when the check took too long; 429 `too_many_requests` when no more
    /// signatures can be remembered.
    pub fn finish(&mut self, keys: &KeyTable, now: Nanos, verdict: &Verdict) -> Result<Identity, ApiError> {
        let key = keys.get(verdict.id).filter(|_| verdict.is_good());
        let key = key.ok_or_else(|| bad_signature(verdict.id))?;
        if !key.is_live(now) {
            return Err(no_longer_good(key));
        }
        match self
            .replay
            .accept(&verdict.signature, verdict.timestamp, now.millis())
        {
            Acceptance::Accepted => Ok(key.identity()),
            Acceptance::Replayed => Err(ApiError::new(
                codes::REPLAYED,
                "this signature was accepted before; sign each request anew, with the time of that moment, and no two alike in \
                 the same millisecond",
            )),
            Acceptance::Stale => Err(self.stale(verdict.timestamp, now)),
            Acceptance::Full => Err(ApiError::new(
                codes::TOO_MANY_REQUESTS,
                "more signed requests came than the exchange can remember; try again shortly, or enter orders over a WebSocket, \
                 which is signed once",
            )),
        }
    }

    fn stale(&self, timestamp: u64, now: Nanos) -> ApiError {
        let server = now.millis();
        let age = server.saturating_sub(timestamp);
        let why = if timestamp > server.saturating_add(AHEAD_MS) {
            format!("{} ms ahead; at most {AHEAD_MS} may be", timestamp - server)
        } else if age > self.window_ms {
            format!("{age} ms old; at most {} may be", self.window_ms)
        } else {
            "from before the exchange was ready for it (it has just been started, or its clock was set); sign it again in \
             a second"
                .to_owned()
        };
        // The time comes first: a WebSocket's close has room for little more.
        let message = format!(
            "exchange time is {server} ({}), and the timestamp {timestamp} is {why}. Set the clock, or correct it by the \
             header Exchange-Time or GET /api/v1/time",
            time::text(now)
        );
        ApiError::new(codes::STALE_TIMESTAMP, message).with_time(now)
    }
}

fn bad_signature(id: KeyId) -> ApiError {
    let message = format!(
        "the signature is not one of this request by key {id}, or there is no such key: see docs/wire-protocol.md, \
         Authentication, for what is signed"
    );
    ApiError::new(codes::BAD_SIGNATURE, message)
}

fn no_longer_good(key: &ApiKey) -> ApiError {
    let since = time::text(key.revoked.or(key.expires).unwrap_or_default());
    let what = if key.revoked.is_some() {
        "was revoked at"
    } else {
        "expired at"
    };
    let message = format!("key {} {what} {since}; ask the operator for another one", key.id);
    ApiError::new(codes::UNAUTHENTICATED, message)
}
