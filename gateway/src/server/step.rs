//! What a connection wants after it was served, and what it goes on as: plain data, of which the connection's next state
//! is built in one place.

use hoga_protocol::{AccountName, InstrumentId, Sequence};
use hoga_service::Identity;

use crate::broadcast::log::Stream;
use crate::http::Agreed;

/// What a connection wants after it was served.
#[derive(Debug)]
pub(crate) enum Step {
    /// Nothing until its socket, an answer or a timer calls.
    Idle,
    /// To be served again soon.
    Again,
    /// To have the next portion of its answer made, when its turn among the answers comes.
    Later,
    /// As [`Idle`](Self::Idle), and to be called when an execution is published.
    Park,
    /// To go on as something else, at once.
    Become(Next),
    /// To be dropped.
    Drop,
}

/// What a connection goes on as.
#[derive(Debug)]
pub(crate) enum Next {
    /// A WebSocket whose first message must say who the client is.
    Authenticate {
        agreed: Agreed,
        /// Path and query of the handshake.
        target: Box<str>,
    },
    /// A WebSocket of a client that may have what it asked for.
    Open(Box<Opening>),
    /// Written out, and to be closed.
    Close,
}

/// A WebSocket that begins.
#[derive(Debug)]
pub(crate) struct Opening {
    pub start: Start,
    pub agreed: Agreed,
    /// Whose key let it in, if it took one.
    pub identity: Option<Identity>,
}

/// Where a WebSocket begins.
#[derive(Debug)]
pub(crate) enum Start {
    /// `/ws/executions` or `/ws/trades`.
    Subscription(Subscription),
    /// `/ws/orders`.
    Orders(OrderSession),
    /// `/ws/echo`.
    Echo,
}

/// Where a subscription begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subscription {
    /// What it is sent.
    pub stream: Stream,
    /// Only the executions of this account.
    pub own: Option<AccountName>,
    /// Only this instrument's executions.
    pub instrument: Option<InstrumentId>,
    /// The number of the first execution to send.
    pub cursor: u64,
}

/// Where an order session begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OrderSession {
    /// Whose orders.
    pub account: AccountName,
    /// The number of the first order update to send.
    pub from: u64,
    /// The update up to which the client has seen everything; none means the whole command's.
    pub seen: (Sequence, Option<u32>),
}

/// Which queue a connection waits in. Of requests and streams some of one are served and then one of the other, so neither a crowd of
/// subscribers nor a crowd of requests keeps the other waiting. Replies go before both: each comes of a request that had its turn, and
/// nothing is read when one is sent. Of answers one is served now and then, however many wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Queue {
    /// Sockets that told something.
    Requests = 0,
    /// Streams with something to send.
    Streams = 1,
    /// Answers to queries that are made in portions.
    Answers = 2,
    /// Outcomes of commands.
    Replies = 3,
}

impl Queue {
    /// How many there are.
    pub const COUNT: usize = 4;
}
