//! What a connection is at the moment.

use std::time::Duration;

use hoga_service::Identity;
use hoga_views::Views;

use crate::broadcast::subscriber::Subscriber;
use crate::http::connection::Requests;
use crate::ports::LogEvent;
use crate::server::closing::Closing;
use crate::server::connection_buffer::ConnectionBuffer;
use crate::server::context::Context;
use crate::server::step::{Next, Opening, Start, Step};
use crate::sessions::order_session::Session;
use crate::ws::authentication::Authenticating;
use crate::ws::echo::Echo;
use crate::ws::stream::{KEY_REVOKED, WebSocketStream};

/// What a connection is at the moment.
#[derive(Debug)]
pub(crate) enum ConnectionState {
    /// HTTP, from the accept on.
    Requests(Box<Requests>),
    /// A WebSocket that has yet to say who it is.
    Authenticating(Box<Authenticating>),
    /// `/ws/executions` or `/ws/trades`.
    Subscriber(Box<Subscriber>),
    /// `/ws/orders`.
    Session(Box<Session>),
    /// `/ws/echo`.
    Echo(Box<Echo>),
    /// Written out and shut, waiting for the peer to do the same.
    Closing(Closing),
}

/// What a connection is counted as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Http,
    Subscriber,
    Session,
}

impl ConnectionState {
    /// What a connection goes on as that asked to. A WebSocket goes on with the stream that there is, or with the bytes that
    /// came behind the handshake; a message of its client has at most `max_message` bytes.
    pub fn go_on_as(&mut self, next: Next, max_message: usize, now: Duration) -> ConnectionState {
        let mut websocket = |agreed| match self {
            ConnectionState::Requests(requests) => {
                WebSocketStream::new(agreed, requests.take_rest(), max_message)
            }
            ConnectionState::Authenticating(authenticating) => authenticating.take_stream(),
            _ => WebSocketStream::new(agreed, Vec::new(), max_message),
        };
        match next {
            Next::Close => ConnectionState::Closing(Closing::new(now)),
            Next::Authenticate { agreed, target } => {
                let authenticating = Authenticating::new(target, agreed, websocket(agreed), now);
                ConnectionState::Authenticating(Box::new(authenticating))
            }
            Next::Open(opening) => {
                let Opening {
                    start,
                    agreed,
                    identity,
                } = *opening;
                let websocket = websocket(agreed);
                let identity = identity.map(Box::new);
                match start {
                    Start::Subscription(start) => ConnectionState::Subscriber(Box::new(Subscriber::new(
                        websocket, start, agreed, identity,
                    ))),
                    Start::Orders(start) => {
                        ConnectionState::Session(Box::new(Session::new(websocket, start, agreed, identity)))
                    }
                    Start::Echo => ConnectionState::Echo(Box::new(Echo::new(websocket, agreed))),
                }
            }
        }
    }

    /// What the connection is counted as.
    pub fn kind(&self) -> Kind {
        match self {
            ConnectionState::Subscriber(_) => Kind::Subscriber,
            ConnectionState::Session(_) => Kind::Session,
            ConnectionState::Requests(_)
            | ConnectionState::Authenticating(_)
            | ConnectionState::Echo(_)
            | ConnectionState::Closing(_) => Kind::Http,
        }
    }

    /// Whether it was up to date once, and now more than one part in `share` of the order updates or executions that are
    /// held lies before it.
    pub fn is_behind(&self, share: u64, views: &Views) -> bool {
        match self {
            ConnectionState::Session(session) => session.is_far_behind(share, views),
            ConnectionState::Subscriber(subscriber) => subscriber.is_far_behind(share, views),
            _ => false,
        }
    }

    /// Bytes of memory that an answer takes up that is being made.
    pub fn held(&self) -> usize {
        match self {
            ConnectionState::Requests(requests) => requests.held(),
            _ => 0,
        }
    }

    /// Reads, answers and writes what can be, within bounds.
    pub fn serve(&mut self, buffer: &mut ConnectionBuffer, context: &mut Context<'_>) -> Step {
        // Between a change of the keys and the sweep's visit nothing more is taken from whoever has lost theirs.
        if context
            .authentication
            .as_ref()
            .is_some_and(|authentication| authentication.is_unsettled())
            && self.has_lost_key(context)
        {
            self.end_for_lost_key(buffer, context);
        }
        match self {
            ConnectionState::Requests(requests) => requests.serve(buffer, context),
            ConnectionState::Subscriber(subscriber) => subscriber.serve(buffer, context),
            ConnectionState::Session(session) => session.serve(buffer, context),
            ConnectionState::Authenticating(authenticating) => authenticating.serve(buffer, context),
            ConnectionState::Echo(echo) => echo.serve(buffer, context),
            ConnectionState::Closing(closing) => closing.serve(buffer, context.now),
        }
    }

    /// When [`expire`](Self::expire) has something to do, if ever.
    pub fn deadline(&self, buffer: &ConnectionBuffer, context: &Context<'_>) -> Option<Duration> {
        let stall = buffer.blocked.map(|since| since + context.config.write_stall);
        let own = match self {
            ConnectionState::Requests(requests) => requests.deadline(buffer, context.config),
            ConnectionState::Subscriber(subscriber) => Some(subscriber.deadline(buffer, context.config)),
            ConnectionState::Session(session) => session.deadline(buffer, context.config),
            ConnectionState::Authenticating(authenticating) => {
                authenticating.deadline(buffer, context.config)
            }
            ConnectionState::Echo(echo) => echo.deadline(buffer, context.config),
            ConnectionState::Closing(closing) => Some(closing.deadline()),
        };
        match (stall, own) {
            (Some(stall), Some(own)) => Some(stall.min(own)),
            (stall, own) => stall.or(own),
        }
    }

    /// Does what is due because too much time has passed.
    pub fn expire(&mut self, buffer: &mut ConnectionBuffer, context: &mut Context<'_>) -> Step {
        let stalled = |since| context.now >= since + context.config.write_stall;
        if buffer.blocked.is_some_and(stalled) {
            context.stats.slow_consumer_closes += u64::from(!self.is_closed_as_slow());
            buffer.abandon();
            return Step::Drop;
        }
        match self {
            ConnectionState::Requests(requests) => requests.expire(buffer),
            ConnectionState::Subscriber(subscriber) => subscriber.expire(buffer, context),
            ConnectionState::Session(session) => session.expire(buffer, context),
            ConnectionState::Authenticating(authenticating) => authenticating.expire(buffer, context),
            ConnectionState::Echo(echo) => echo.expire(buffer, context),
            ConnectionState::Closing(_) => Step::Drop,
        }
    }

    /// Whose key let it in, if it took one.
    pub fn identity(&self) -> Option<&Identity> {
        match self {
            ConnectionState::Subscriber(subscriber) => subscriber.identity(),
            ConnectionState::Session(session) => session.identity(),
            _ => None,
        }
    }

    /// Whether it was let in by a key that is good no longer.
    pub fn has_lost_key(&self, context: &Context<'_>) -> bool {
        let is_open = match self {
            ConnectionState::Subscriber(subscriber) => subscriber.websocket.is_open(),
            ConnectionState::Session(session) => session.websocket.is_open(),
            _ => false,
        };
        match (self.identity().filter(|_| is_open), &context.authentication) {
            (Some(identity), Some(authentication)) => !authentication.holds(identity, context.wall()),
            _ => false,
        }
    }

    /// Closes a connection that [`is_unwelcome`](Self::is_unwelcome).
    pub fn end_for_lost_key(&mut self, buffer: &mut ConnectionBuffer, context: &mut Context<'_>) -> Step {
        const REASON: &str = "the key was revoked, has expired, or means something else now";
        if let Some(&Identity { key, account, .. }) = self.identity() {
            context.telemetry.log(&LogEvent::KeyEnded { key, account });
        }
        match self {
            ConnectionState::Subscriber(subscriber) => {
                subscriber
                    .websocket
                    .close(buffer, context.now, KEY_REVOKED, REASON)
            }
            ConnectionState::Session(session) => {
                session.websocket.close(buffer, context.now, KEY_REVOKED, REASON)
            }
            _ => {}
        }
        Step::Again
    }

    /// Tells the client that the exchange goes away.
    pub fn shut(&mut self, buffer: &mut ConnectionBuffer, context: &mut Context<'_>) -> Step {
        const GOING_AWAY: u16 = 1001;
        const REASON: &str = "the exchange is shutting down";
        match self {
            ConnectionState::Requests(requests) => requests.shut(),
            ConnectionState::Subscriber(subscriber) => {
                subscriber
                    .websocket
                    .close(buffer, context.now, GOING_AWAY, REASON)
            }
            ConnectionState::Session(session) => session.shut(buffer, context, GOING_AWAY, REASON),
            ConnectionState::Authenticating(authenticating) => {
                authenticating
                    .websocket
                    .close(buffer, context.now, GOING_AWAY, REASON)
            }
            ConnectionState::Echo(echo) => echo.websocket.close(buffer, context.now, GOING_AWAY, REASON),
            ConnectionState::Closing(_) => {}
        }
        Step::Again
    }

    /// Whether the connection was counted as a slow consumer already.
    fn is_closed_as_slow(&self) -> bool {
        matches!(self, ConnectionState::Subscriber(subscriber) if !subscriber.websocket.is_open())
    }
}
