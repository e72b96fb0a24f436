//! What the gateway tells of itself, and the pages that others make about the exchange.

use std::time::Duration;

use hoga_protocol::Nanos;
use hoga_service::{Clock, CommandSink, EventSource};

use super::Gateway;
use crate::auth::authentication::Authentication;
use crate::auth::{AuthConfig, Keys, Verifier};
use crate::codec::ApiError;
use crate::ports::{LogEvent, Telemetry};
use crate::stats::GatewayStats;

impl<S: CommandSink, E: EventSource, C: Clock> Gateway<S, E, C> {
    /// From now on `telemetry` is told of every turn, and `/metrics` and `/metrics/latency` are its pages; they are
    /// served before [`open`](Self::open) as well.
    pub fn observe(&mut self, telemetry: Box<dyn Telemetry>) {
        self.telemetry.observe(telemetry);
    }

    /// The counters as they stand.
    pub fn stats(&self) -> GatewayStats {
        let refused = self.quotas.refused();
        GatewayStats {
            address_limited: refused.of_addresses,
            account_limited: refused.of_accounts,
            account_turned_away: refused.connections,
            connections: self.connections.len(),
            subscribers: self.connections.subscribers(),
            sessions: self.connections.sessions(),
            waiting_bytes: self.connections.waiting_bytes(),
            backlog: self.core.as_ref().map_or(0, |core| core.service.backlog()),
            ..self.stats
        }
    }

    /// Hands out the pages that are ready.
    pub(super) fn hand_out_pages(&mut self) -> usize {
        let mut printed = 0;
        while let Some((peer, page)) = self.telemetry.next() {
            self.connections.print(peer, page);
            printed += 1;
        }
        printed
    }

    /// From now on whoever reaches orders or executions must show who it is: by a signature of one of `keys`, which
    /// `verifier` verifies on a thread of its own.
    pub fn authenticate(&mut self, keys: Box<dyn Keys>, verifier: Box<dyn Verifier>, config: AuthConfig) {
        self.authentication = Some(Authentication::new(keys, verifier, config, self.clock.now()));
    }

    /// Exchange time, as it stamps commands and judges signatures with.
    pub fn wall(&self) -> Nanos {
        self.clock.now()
    }

    /// Tells those whose signatures were verified what came of it. When the keys have changed, everybody who is here is
    /// looked at.
    pub(super) fn admit_verified(&mut self) -> usize {
        let Some(authentication) = &mut self.authentication else {
            return 0;
        };
        let now = self.clock.now();
        if authentication.refresh(now) {
            // A sweep under way begins anew, for those it has been at.
            self.sweeping = Some(0);
        }
        let mut told = 0;
        while let Some((peer, key, identity)) = authentication.next(now) {
            if let Err(ApiError { code, .. }) = identity {
                self.telemetry.log(&LogEvent::KeyRefused { key, code });
            }
            self.connections.admit(peer, identity);
            told += 1;
        }
        told
    }

    /// Tells of this turn, which did something. `began` is when it did, later by what was slept.
    pub(super) fn report(&mut self, began: Duration) {
        let broadcast = self.broadcast.take();
        if self.telemetry.is_observed() {
            let whole = self.clock.monotonic() - began;
            let stats = self.stats();
            self.telemetry.turned(whole, broadcast, &stats);
        }
    }
}
