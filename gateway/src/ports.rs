//! What the gateway asks of the rest of the exchange.

use std::net::IpAddr;
use std::time::Duration;

use hoga_protocol::{AccountName, ArmCause, Nanos, OperatorName, Sequence, Symbol};
use hoga_service::{KeyId, Origin};
use hoga_views::Views;

use crate::server::peer::Peer;
use crate::stats::GatewayStats;

/// Who is told of the gateway's own work, and has pages about the running exchange made by another thread.
pub trait Telemetry: Send {
    /// A turn that did something is over. Called on the gateway's thread after each of them, so it must be cheap.
    fn turned(&mut self, times: TurnTimes, stats: &GatewayStats);

    /// Asks for a page; it comes by [`printed`](Self::printed), and the gateway is woken by its
    /// [`GatewayWaker`](crate::GatewayWaker) then. `false` when as many are asked for as may be. Never blocks.
    fn ask(&mut self, ticket: Ticket, page: Page) -> bool;

    /// The next page that is ready. Every page that was asked for comes once.
    fn printed(&mut self) -> Option<Printed>;

    /// Something happened that an operator may want to read of. Called on the gateway's thread as it happens, as often as
    /// clients care to make it happen, so it must be cheap and never block.
    fn log(&mut self, event: &LogEvent) {
        let _ = event;
    }
}

/// What an operator may want to read of. Nothing in it is a secret, and no text is one that a client could choose freely:
/// names have passed the alphabets of their kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogEvent {
    /// A connection was not taken.
    ConnectionRefused {
        /// Where it came from.
        address: IpAddr,
        /// The code of the error that it was told.
        code: &'static str,
    },
    /// A request or a WebSocket was one more than an address or an account may have.
    Limited {
        /// The address, or the first of its network, if it is of that.
        address: Option<IpAddr>,
        /// The account, if it is of that.
        account: Option<AccountName>,
        /// The code of the error that it was told.
        code: &'static str,
    },
    /// A signature was verified, and its request refused.
    KeyRefused {
        /// The key that it named, which there may or may not be.
        key: KeyId,
        /// The code of the error that it was told.
        code: &'static str,
    },
    /// A session or stream is closed because the key that let it in is good no longer.
    KeyEnded {
        /// The key.
        key: KeyId,
        /// Whose it is.
        account: AccountName,
    },
    /// What an operator asked for is sequenced.
    Administered {
        /// The command's sequence.
        sequence: Sequence,
        /// Who asked.
        by: OperatorName,
        /// For what, as [`AdminAction`](hoga_protocol::AdminAction) names it.
        action: &'static str,
        /// The account that it is about, if it is about one.
        account: Option<AccountName>,
        /// The instrument, if it is about one.
        symbol: Option<Symbol>,
    },
    /// An armed session is lost or a deadline has passed, and the account's orders are being canceled.
    ArmingFired {
        /// Whose orders.
        account: AccountName,
        /// The sequence of the arming.
        arming: Sequence,
        /// Which of the two it was.
        cause: ArmCause,
    },
}

/// How long a turn of the gateway took, without its sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TurnTimes {
    /// All of it.
    pub whole: Duration,
    /// What went into streams: encoding executions, and serving subscribers and the order updates of sessions. None
    /// when there was nothing to send.
    pub broadcast: Option<Duration>,
}

/// A page about the running exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// `/metrics`: in OpenMetrics' text format, or in that of Prometheus.
    Metrics {
        /// Which of the two.
        openmetrics: bool,
    },
    /// `/metrics/latency`: histograms in JSON.
    Latency,
}

/// Names a page that was asked for, or a signature that is being verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Who waits for it.
    pub(crate) peer: Peer,
    /// Where that comes from, if it is counted.
    pub(crate) origin: Option<Origin>,
}

/// A page that is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Printed {
    /// As it was asked for.
    pub ticket: Ticket,
    /// The `Content-Type`.
    pub content_type: &'static str,
    /// The page.
    pub body: Vec<u8>,
}

/// What a recovered exchange hands to the gateway.
pub struct Core<S, E> {
    /// Takes commands.
    pub sink: S,
    /// Gives events.
    pub source: E,
    /// Everything that happened up to the first event that `source` will give.
    pub views: Views,
    /// Exchange time then: the last stamp in the journal.
    pub now: Nanos,
}
