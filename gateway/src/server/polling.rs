//! Sockets as the poll tells of them, and new ones.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use hoga_service::{Clock, CommandSink, EventSource, Origin};
use mio::event::Event as Readiness;
use mio::net::TcpStream;
use mio::{Interest, Token};

use super::{Gateway, LISTENER, SERVING_TIME, WAKER};
use crate::codec::{ApiError, codes};
use crate::http::connection::Requests;
use crate::ports::LogEvent;
use crate::server::connection_buffer::ConnectionBuffer;
use crate::server::connection_state::ConnectionState;
use crate::server::connections::{Connections, Place};
use crate::server::listener::Listener;
use crate::server::peer::Peer;
use crate::server::step::Queue;

/// Most connections accepted in one turn.
const ACCEPTS_PER_TURN: usize = 64;

/// How many connections beyond the most are kept for as long as it takes to tell them so.
const TURNED_AWAY_AT_ONCE: usize = 256;

/// How soon a command is tried again that the gateway owes and the input ring has no room for.
const OWED_RETRY: Duration = Duration::from_millis(1);

impl<S: CommandSink, E: EventSource, C: Clock> Gateway<S, E, C> {
    /// How long the poll may sleep: until the next timer, and not at all when something is left to do.
    pub(super) fn patience(&self, wait: Duration) -> Duration {
        let ready = |listener: &Listener| listener.is_ready(self.now);
        let busy = self.may_serve() && (self.sweeping.is_some() || !self.connections.is_quiet());
        if wait.is_zero() || busy || self.has_unencoded() || self.listener.as_ref().is_some_and(ready) {
            return Duration::ZERO;
        }
        let core = self.core.as_ref();
        let owes = core.is_some_and(|core| core.service.owes());
        let next_deadline = core.and_then(|core| core.service.next_deadline());
        let retry = match next_deadline {
            _ if owes => OWED_RETRY,
            // One that has passed waits until the command that is folded in part is whole.
            Some(at) => Duration::from_nanos(at.0.saturating_sub(self.clock.now().0)).max(OWED_RETRY),
            None => Duration::MAX,
        };
        let resumes = self.listener.as_ref().and_then(Listener::resumes);
        let timer = self.next_sweep.min(resumes.unwrap_or(Duration::MAX));
        wait.min(retry).min(timer.saturating_sub(self.now))
    }

    /// Asks the sockets, and notes whom they tell of. Returns how many.
    pub(super) fn poll(&mut self, mut patience: Duration) -> io::Result<usize> {
        let announced = !patience.is_zero();
        if let (true, Some(core)) = (announced, &mut self.core)
            && !core.source.prepare_sleep()
        {
            patience = Duration::ZERO;
        }
        let polled = self.poll.poll(&mut self.readinesses, Some(patience));
        if let (true, Some(core)) = (announced, &mut self.core) {
            core.source.awake();
        }
        match polled {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(0),
            polled => polled?,
        }
        let mut told = 0;
        for readiness in &self.readinesses {
            match readiness.token() {
                WAKER => {}
                LISTENER => {
                    if let Some(listener) = &mut self.listener {
                        listener.set_ready();
                    }
                    told += 1;
                }
                token => told += usize::from(note_readiness(&mut self.connections, token, readiness)),
            }
        }
        Ok(told)
    }

    /// Takes new connections in, a bounded number and for a bounded time.
    pub(super) fn accept(&mut self) -> usize {
        let began = self.clock.monotonic();
        for accepted in 0..ACCEPTS_PER_TURN {
            if accepted > 0 && self.clock.monotonic() >= began + SERVING_TIME {
                return accepted;
            }
            let Some(listener) = &mut self.listener else {
                return accepted;
            };
            let Some((socket, address)) = listener.accept(self.now) else {
                return accepted;
            };
            self.admit(socket, address);
        }
        ACCEPTS_PER_TURN
    }

    /// Why one more connection of an origin is not taken, if it is not.
    fn refusal(&self, origin: Option<Origin>) -> Option<ApiError> {
        if self.connections.taken() >= self.config.max_connections {
            let message = "the exchange has as many connections as it may; close one, or try again later";
            return Some(ApiError::new(codes::TOO_MANY_CONNECTIONS, message));
        }
        let most = self.config.max_connections_per_address;
        let of_origin = origin.map_or(0, |origin| self.quotas.of_address(origin));
        (of_origin >= most).then(|| {
            let message = format!("your address has {most} connections, and may have no more; close one");
            ApiError::new(codes::TOO_MANY_FROM_ADDRESS, message)
        })
    }

    fn admit(&mut self, mut socket: TcpStream, address: IpAddr) {
        let origin = (self.config.limit_loopback || !address.to_canonical().is_loopback())
            .then(|| Origin::of(address));
        let refusal = self.refusal(origin);
        if let Some(ApiError { code, .. }) = refusal {
            self.stats.turned_away += 1;
            self.telemetry.log(&LogEvent::ConnectionRefused { address, code });
            if self.connections.turned_away() >= TURNED_AWAY_AT_ONCE {
                return;
            }
        } else {
            self.stats.accepted += 1;
        }
        let peer = self.connections.next_peer();
        let interest = Interest::READABLE | Interest::WRITABLE;
        // A socket that fails here is broken already, and dropping it is all there is to do.
        let registered = self.poll.registry().register(&mut socket, peer.token(), interest);
        if socket.set_nodelay(true).and(registered).is_err() {
            return;
        }
        let mut buffer = ConnectionBuffer::new(socket, origin, self.now);
        let requests = match &refusal {
            Some(error) => Requests::turned_away(&mut buffer, self.now, error),
            None => Requests::new(self.now),
        };
        let place = match (&refusal, origin) {
            (Some(_), _) => Place::TurnedAway,
            (None, None) => Place::Taken,
            (None, Some(origin)) => {
                self.quotas.enter_address(origin, self.now);
                Place::Taken
            }
        };
        let state = ConnectionState::Requests(Box::new(requests));
        let key = self.connections.insert(buffer, state, place);
        if refusal.is_some() {
            self.connections.enqueue(key, Queue::Requests);
        }
        self.schedule_sweep(self.now + self.config.header_timeout);
    }
}

/// Remembers what a socket can do now, and has its connection served.
fn note_readiness(connections: &mut Connections, token: Token, readiness: &Readiness) -> bool {
    let peer = Peer::of(token);
    let Some(connection) = connections.find(peer) else {
        return false;
    };
    let broken = readiness.is_error();
    connection.buffer.readable |= readiness.is_readable() || readiness.is_read_closed() || broken;
    connection.buffer.writable |= readiness.is_writable() || readiness.is_write_closed() || broken;
    connections.enqueue_by_kind(peer.key);
    true
}
