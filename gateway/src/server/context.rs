//! What a connection is served with.

use std::time::Duration;

use hoga_protocol::{AccountName, Nanos};
use hoga_service::{Clock, Identity, Origin, Quota, Quotas, Reject, RequestKind, TradingApi};
use hoga_views::Views;

use crate::auth::authentication::Authentication;
use crate::broadcast::log::BroadcastLog;
use crate::codec::{ApiError, codes};
use crate::config::GatewayConfig;
use crate::http::origins::Hosts;
use crate::ports::LogEvent;
use crate::server::peer::{Peer, Waiters};
use crate::server::step::Queue;
use crate::server::telemetry::TelemetryClient;
use crate::stats::GatewayStats;
use crate::ws::framer::Framer;
use crate::ws::stream::Intake;

/// How far the exchange has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// There is no core yet, or armings of the time before are still being carried out.
    Recovering,
    /// Everything is served.
    Serving,
    /// Everything is served, and `/readyz` says that this will end.
    Leaving,
    /// New commands are refused.
    Draining,
    /// Clients are being closed.
    Closing,
}

/// What one connection is served with, once.
pub(crate) struct Context<'a> {
    /// The core, once it is recovered.
    pub open: Option<Opened<'a>>,
    /// How far the exchange has come.
    pub stage: Stage,
    /// Settings.
    pub config: &'a GatewayConfig,
    /// Who may reach private routes.
    pub hosts: &'a Hosts,
    /// Counters.
    pub stats: &'a mut GatewayStats,
    /// Asked for pages about the exchange.
    pub telemetry: &'a mut TelemetryClient,
    /// Who is let in; none where authentication is off, and everybody is.
    pub authentication: Option<&'a mut Authentication>,
    /// What each address and account takes up.
    pub quotas: &'a mut Quotas,
    /// Writes messages as frames.
    pub framer: &'a mut Framer,
    /// What frames are read with.
    pub intake: &'a mut Intake,
    /// For stamping commands.
    pub clock: &'a dyn Clock,
    /// For timeouts.
    pub now: Duration,
    /// The connection itself.
    pub peer: Peer,
    /// In which queue it waited for this; none when it is visited for another reason.
    pub queue: Option<Queue>,
    /// Whether the answers that wait for their readers take up as much memory as those to queries may.
    pub is_tight: bool,
}

/// The core as one connection sees it.
pub(crate) struct Opened<'a> {
    /// Takes requests, and has the views.
    pub service: &'a mut dyn TradingApi,
    /// Who waits for its replies.
    pub waiters: &'a mut Waiters,
    /// The live executions.
    pub broadcast_log: &'a BroadcastLog,
}

impl Context<'_> {
    /// Exchange time.
    pub fn wall(&self) -> Nanos {
        self.clock.now()
    }

    /// Charges a request to the address that it came from. `quota` becomes what is left, unless less was left already.
    ///
    /// # Errors
    /// 429 `too_many_requests`; then nothing was charged.
    pub fn charge_address(
        &mut self,
        origin: Option<Origin>,
        kind: RequestKind,
        quota: &mut Option<Quota>,
    ) -> Result<(), ApiError> {
        let charged = self.quotas.charge_address(origin, kind, self.now, quota);
        charged.map_err(|reject| self.limited(origin, None, &reject))
    }

    /// Charges what a query has cost beyond what the request itself paid for. It is charged in any case: until it is paid off
    /// by time, further queries are refused.
    pub fn charge_query(&mut self, origin: Option<Origin>, account: Option<&AccountName>, units: usize) {
        if units > 0 {
            self.quotas.charge_query(origin, account, units, self.now);
        }
    }

    /// Whether a query may be answered now.
    ///
    /// # Errors
    /// 503 `busy` when the answers that wait take up too much memory.
    pub fn check_memory(&mut self) -> Result<(), ApiError> {
        if !self.is_tight {
            return Ok(());
        }
        self.stats.query_refusals += 1;
        let message = "answers that wait to be read take up as much memory as they may; try again shortly";
        Err(ApiError::new(codes::BUSY, message))
    }

    /// Charges a request to the account whose key signed it, if one did.
    ///
    /// # Errors
    /// As of [`charge_address`](Self::charge_address).
    pub fn charge_account(
        &mut self,
        identity: Option<&Identity>,
        kind: RequestKind,
        quota: &mut Option<Quota>,
    ) -> Result<(), ApiError> {
        let Some(account) = identity.map(|identity| &identity.account) else {
            return Ok(());
        };
        let charged = self.quotas.charge_account(account, kind, self.now, quota);
        charged.map_err(|reject| self.limited(None, Some(*account), &reject))
    }

    /// Whether the account of whoever shows a key may have one more WebSocket.
    ///
    /// # Errors
    /// 429 `too_many_of_account`.
    pub fn check_websockets(&mut self, identity: Option<&Identity>) -> Result<(), ApiError> {
        let Some(account) = identity.map(|identity| &identity.account) else {
            return Ok(());
        };
        let checked = self.quotas.check_account(account);
        checked.map_err(|reject| self.limited(None, Some(*account), &reject))
    }

    /// Counts and tells of a request that the service refused, where that is of interest to an operator.
    pub fn refused(&mut self, origin: Option<Origin>, reject: &Reject) -> ApiError {
        match reject {
            Reject::Busy | Reject::JournalFull { .. } => self.stats.busy_refusals += 1,
            Reject::TooManyAccounts { .. } => return self.limited(origin, None, reject),
            _ => {}
        }
        reject.into()
    }

    fn limited(&mut self, origin: Option<Origin>, account: Option<AccountName>, reject: &Reject) -> ApiError {
        let error = ApiError::from(reject);
        self.telemetry.log(&LogEvent::Limited {
            address: origin.map(Origin::address),
            account,
            code: error.code,
        });
        error
    }

    /// The views.
    ///
    /// # Errors
    /// [`Reject::Recovering`].
    pub fn views(&self) -> Result<&Views, Reject> {
        match &self.open {
            Some(open) => Ok(open.service.views()),
            None => Err(Reject::Recovering),
        }
    }
}
