//! What a connection is at the moment.

use std::time::Duration;

use hoga_service::{CommandSink, Identity};
use hoga_views::Views;

use crate::broadcast::subscriber::Subscriber;
use crate::http::connection::Requests;
use crate::ports::Notice;
use crate::server::closing::Linger;
use crate::server::connection_buffer::Line;
use crate::server::context::Turn;
use crate::server::step::{Next, Opening, Start, Step};
use crate::sessions::order_session::Session;
use crate::ws::authentication::Greeting;
use crate::ws::echo::Echo;
use crate::ws::stream::{Channel, KEY_REVOKED};

/// What a connection is at the moment.
#[derive(Debug)]
pub(crate) enum Phase {
    /// HTTP, from the accept on.
    Requests(Box<Requests>),
    /// A WebSocket that has yet to say who it is.
    Greeting(Box<Greeting>),
    /// `/ws/executions` or `/ws/trades`.
    Subscriber(Box<Subscriber>),
    /// `/ws/orders`.
    Session(Box<Session>),
    /// `/ws/echo`.
    Echo(Box<Echo>),
    /// Written out and shut, waiting for the peer to do the same.
    Linger(Linger),
}

/// What a connection is counted as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Http,
    Subscriber,
    Session,
}

impl Phase {
    /// What a connection goes on as that asked to. A WebSocket goes on with the channel that there is, or with the bytes that
    /// came behind the handshake; a message of its client has at most `max_message` bytes.
    pub fn go_on_as(&mut self, next: Next, max_message: usize, now: Duration) -> Phase {
        let mut channel = |agreed| match self {
            Phase::Requests(requests) => Channel::new(agreed, requests.take_rest(), max_message),
            Phase::Greeting(greeting) => greeting.take_channel(),
            _ => Channel::new(agreed, Vec::new(), max_message),
        };
        match next {
            Next::Close => Phase::Linger(Linger::new(now)),
            Next::Authenticate { agreed, target } => {
                let greeting = Greeting::new(target, agreed, channel(agreed), now);
                Phase::Greeting(Box::new(greeting))
            }
            Next::Open(opening) => {
                let Opening {
                    start,
                    agreed,
                    identity,
                } = *opening;
                let channel = channel(agreed);
                let identity = identity.map(Box::new);
                match start {
                    Start::Subscription(start) => {
                        Phase::Subscriber(Box::new(Subscriber::new(channel, start, agreed, identity)))
                    }
                    Start::Orders(start) => {
                        Phase::Session(Box::new(Session::new(channel, start, agreed, identity)))
                    }
                    Start::Echo => Phase::Echo(Box::new(Echo::new(channel, agreed))),
                }
            }
        }
    }

    /// What the connection is counted as.
    pub fn kind(&self) -> Kind {
        match self {
            Phase::Subscriber(_) => Kind::Subscriber,
            Phase::Session(_) => Kind::Session,
            Phase::Requests(_) | Phase::Greeting(_) | Phase::Echo(_) | Phase::Linger(_) => Kind::Http,
        }
    }

    /// Whether it was up to date once, and now more than one part in `share` of the order updates or executions that are
    /// held lies before it.
    pub fn is_behind(&self, share: u64, views: &Views) -> bool {
        match self {
            Phase::Session(session) => session.is_far_behind(share, views),
            Phase::Subscriber(subscriber) => subscriber.is_far_behind(share, views),
            _ => false,
        }
    }

    /// Bytes of memory that an answer takes up that is being made.
    pub fn held(&self) -> usize {
        match self {
            Phase::Requests(requests) => requests.held(),
            _ => 0,
        }
    }

    /// Reads, answers and writes what can be, within bounds.
    pub fn serve<S: CommandSink>(&mut self, line: &mut Line, turn: &mut Turn<'_, S>) -> Step {
        // Between a change of the keys and the sweep's visit nothing more is taken from whoever has lost theirs.
        if turn.door.as_ref().is_some_and(|door| door.is_unsettled()) && self.is_unwelcome(turn) {
            self.put_out(line, turn);
        }
        match self {
            Phase::Requests(requests) => requests.serve(line, turn),
            Phase::Subscriber(subscriber) => subscriber.serve(line, turn),
            Phase::Session(session) => session.serve(line, turn),
            Phase::Greeting(greeting) => greeting.serve(line, turn),
            Phase::Echo(echo) => echo.serve(line, turn),
            Phase::Linger(linger) => linger.serve(line, turn.now),
        }
    }

    /// When [`expire`](Self::expire) has something to do, if ever.
    pub fn deadline<S>(&self, line: &Line, turn: &Turn<'_, S>) -> Option<Duration> {
        let stall = line.blocked.map(|since| since + turn.config.write_stall);
        let own = match self {
            Phase::Requests(requests) => requests.deadline(line, turn.config),
            Phase::Subscriber(subscriber) => Some(subscriber.deadline(line, turn.config)),
            Phase::Session(session) => session.deadline(line, turn.config),
            Phase::Greeting(greeting) => greeting.deadline(line, turn.config),
            Phase::Echo(echo) => echo.deadline(line, turn.config),
            Phase::Linger(linger) => Some(linger.deadline()),
        };
        match (stall, own) {
            (Some(stall), Some(own)) => Some(stall.min(own)),
            (stall, own) => stall.or(own),
        }
    }

    /// Does what is due because too much time has passed.
    pub fn expire<S: CommandSink>(&mut self, line: &mut Line, turn: &mut Turn<'_, S>) -> Step {
        let stalled = |since| turn.now >= since + turn.config.write_stall;
        if line.blocked.is_some_and(stalled) {
            turn.stats.slow_consumer_closes += u64::from(!self.is_closed_as_slow());
            line.abandon();
            return Step::Drop;
        }
        match self {
            Phase::Requests(requests) => requests.expire(line),
            Phase::Subscriber(subscriber) => subscriber.expire(line, turn),
            Phase::Session(session) => session.expire(line, turn),
            Phase::Greeting(greeting) => greeting.expire(line, turn),
            Phase::Echo(echo) => echo.expire(line, turn),
            Phase::Linger(_) => Step::Drop,
        }
    }

    /// Whose key let it in, if it took one.
    pub fn identity(&self) -> Option<&Identity> {
        match self {
            Phase::Subscriber(subscriber) => subscriber.identity(),
            Phase::Session(session) => session.identity(),
            _ => None,
        }
    }

    /// Whether it was let in by a key that is good no longer.
    pub fn is_unwelcome<S>(&self, turn: &Turn<'_, S>) -> bool {
        let is_open = match self {
            Phase::Subscriber(subscriber) => subscriber.channel.is_open(),
            Phase::Session(session) => session.channel.is_open(),
            _ => false,
        };
        match (self.identity().filter(|_| is_open), &turn.door) {
            (Some(identity), Some(door)) => !door.holds(identity, turn.wall()),
            _ => false,
        }
    }

    /// Closes a connection that [`is_unwelcome`](Self::is_unwelcome).
    pub fn put_out<S: CommandSink>(&mut self, line: &mut Line, turn: &mut Turn<'_, S>) -> Step {
        const REASON: &str = "the key was revoked, has expired, or means something else now";
        if let Some(&Identity { key, account, .. }) = self.identity() {
            turn.pages.notice(&Notice::KeyEnded { key, account });
        }
        match self {
            Phase::Subscriber(subscriber) => subscriber.channel.close(line, turn.now, KEY_REVOKED, REASON),
            Phase::Session(session) => session.channel.close(line, turn.now, KEY_REVOKED, REASON),
            _ => {}
        }
        Step::Again
    }

    /// Tells the client that the exchange goes away.
    pub fn shut<S: CommandSink>(&mut self, line: &mut Line, turn: &mut Turn<'_, S>) -> Step {
        const GOING_AWAY: u16 = 1001;
        const REASON: &str = "the exchange is shutting down";
        match self {
            Phase::Requests(requests) => requests.shut(),
            Phase::Subscriber(subscriber) => subscriber.channel.close(line, turn.now, GOING_AWAY, REASON),
            Phase::Session(session) => session.shut(line, turn, GOING_AWAY, REASON),
            Phase::Greeting(greeting) => greeting.channel.close(line, turn.now, GOING_AWAY, REASON),
            Phase::Echo(echo) => echo.channel.close(line, turn.now, GOING_AWAY, REASON),
            Phase::Linger(_) => {}
        }
        Step::Again
    }

    /// Whether the connection was counted as a slow consumer already.
    fn is_closed_as_slow(&self) -> bool {
        matches!(self, Phase::Subscriber(subscriber) if !subscriber.channel.is_open())
    }
}
