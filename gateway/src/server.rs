//! The event loop: one thread, one poll. It accepts connections, has them served in turn, drains the output ring into the service,
//! and knows what each connection is (HTTP, a WebSocket that authenticates, a subscriber, an order session), and not what an order is.

mod draining;

mod polling;

mod reporting;

mod listener;

mod connections;

pub(crate) mod backpressure;

pub(crate) mod closing;

pub(crate) mod connection_buffer;

mod connection_state;

pub(crate) mod context;

pub(crate) mod egress;

pub(crate) mod peer;

pub(crate) mod step;

pub(crate) mod telemetry;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hoga_service::{Clock, CommandSink, EventSource, Quotas, Service};
use mio::{Events, Poll, Token};

use crate::auth::authentication::Authentication;
use crate::broadcast::log::BroadcastLog;
use crate::config::GatewayConfig;
use crate::http::origins::Hosts;
use crate::ports::{Core, LogEvent};
use crate::server::backpressure::{Backpressure, WAIT_MICROS};
use crate::server::connection_buffer::ConnectionBuffer;
use crate::server::connection_state::ConnectionState;
use crate::server::connections::{Connections, Place};
use crate::server::context::{Context, Opened, Stage};
use crate::server::egress::EGRESS_HIGH;
use crate::server::listener::Listener;
use crate::server::peer::Waiters;
use crate::server::step::{Queue, Step};
use crate::server::telemetry::TelemetryClient;
use crate::stats::GatewayStats;
use crate::ws::framer::Framer;
use crate::ws::stream::Intake;

/// How many connections are served between two looks at the output ring.
const SERVED_PER_DRAIN: usize = 64;

/// How long connections are served, or new ones accepted, between two looks at the output ring.
const SERVING_TIME: Duration = Duration::from_micros(200);

/// How long the gateway may stay away from the output ring, in microseconds: connections served and new ones accepted, and
/// as much again for timeouts, the poll, and a last visit that begins just before its time is over; a portion of an answer to a
/// query; executions that are encoded for subscribers; memory that is given back; and the wait for readers whose sockets are full. An output ring must hold what a matcher publishes meanwhile. (Readers
/// that are far behind and take data are served for longer: then the matcher waits, which is counted.)
pub const LONGEST_ABSENCE_MICROS: u64 = 5 * SERVING_TIME.as_micros() as u64 + WAIT_MICROS + TIDYING_MICROS;

/// How often the gateway has the views give back the memory of forgotten orders between two looks at the output ring: of
/// 32 at most each time, so that a large order that is folded next finds most of it given back.
const TIDIED_PER_DRAIN: usize = 4;

/// What that is reckoned to take, in microseconds: 0.4 for each order.
const TIDYING_MICROS: u64 = 50;

/// Most readinesses taken from the poll in one turn.
const READINESSES: usize = 1024;

/// Timeouts are looked at no more often than this.
const SWEEP_EVERY: Duration = Duration::from_millis(100);

/// Most connections whose timeouts are looked at between two looks at the output ring.
const SWEPT_PER_DRAIN: u32 = 256;

const LISTENER: Token = Token(usize::MAX);
const WAKER: Token = Token(usize::MAX - 1);

/// Wakes a sleeping [`Gateway`] from another thread.
#[derive(Clone, Debug)]
pub struct GatewayWaker {
    waker: Arc<mio::Waker>,
}

impl GatewayWaker {
    /// Wakes the gateway if it sleeps; cheap and harmless otherwise.
    pub fn wake(&self) {
        // The counter of a waker is full only when a wake-up is pending already.
        let _ = self.waker.wake();
    }
}

/// Every socket of the exchange, on one thread.
pub struct Gateway<S, E, C> {
    config: GatewayConfig,
    clock: C,
    poll: Poll,
    readinesses: Events,
    waker: GatewayWaker,
    listener: Option<Listener>,
    address: SocketAddr,
    hosts: Hosts,
    connections: Connections,
    core: Option<OpenCore<S, E>>,
    stage: Stage,
    stats: GatewayStats,
    /// The monotonic time that this turn goes by.
    now: Duration,
    swept: Duration,
    next_sweep: Duration,
    /// Which connection the sweep under way comes to next.
    sweeping: Option<u32>,
    telemetry: TelemetryClient,
    authentication: Option<Authentication>,
    quotas: Quotas,
    framer: Framer,
    intake: Intake,
    /// What went into streams in this turn.
    broadcast: Option<Duration>,
    backpressure: Backpressure,
}

struct OpenCore<S, E> {
    service: Service<S>,
    /// Who waits for its replies.
    waiters: Waiters,
    source: E,
    broadcast_log: BroadcastLog,
}

impl<S: CommandSink, E: EventSource, C: Clock> Gateway<S, E, C> {
    /// Listens on `config.listen`. Until [`open`](Self::open), only `/healthz` and the pages of
    /// [`observe`](Self::observe) answer 200.
    ///
    /// # Errors
    /// `InvalidInput` with the words of [`GatewayConfig::check`]; the address is taken, not ours, or not permitted; or the
    /// process has no descriptor left.
    pub fn bind(config: GatewayConfig, clock: C) -> io::Result<Self> {
        config
            .check()
            .map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, why))?;
        let poll = Poll::new()?;
        let waker = Arc::new(mio::Waker::new(poll.registry(), WAKER)?);
        let listener = Listener::bind(config.listen, config.send_buffer, poll.registry(), LISTENER)?;
        let address = listener.address();
        let now = clock.monotonic();
        Ok(Self {
            hosts: Hosts::new(&config, address),
            quotas: Quotas::new(
                config.max_connections_per_account,
                config.address_rates,
                config.account_rates,
            ),
            config,
            clock,
            poll,
            readinesses: Events::with_capacity(READINESSES),
            waker: GatewayWaker { waker },
            listener: Some(listener),
            address,
            connections: Connections::default(),
            core: None,
            stage: Stage::Recovering,
            stats: GatewayStats::default(),
            now,
            swept: now,
            next_sweep: Duration::MAX,
            sweeping: None,
            telemetry: TelemetryClient::default(),
            authentication: None,
            framer: Framer::new(),
            intake: Intake::new(),
            broadcast: None,
            backpressure: Backpressure::default(),
        })
    }

    /// The address it listens on, with the port that was taken.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// What wakes it from another thread.
    pub fn waker(&self) -> GatewayWaker {
        self.waker.clone()
    }

    /// Recovery is over: everything is served from now on, once the orders are canceled of sessions and deadlines that were
    /// armed and have ended meanwhile. Until then nobody sees the views or gives a command, and /readyz is 503.
    pub fn open(&mut self, core: Core<S, E>) {
        let broadcast_log = BroadcastLog::new(self.config.stream_frames, core.views.executions().next());
        let mut service = Service::new(core.sink, core.views, self.config.max_accounts_per_address);
        self.clock.go_on(core.now);
        if let Some(authentication) = &mut self.authentication {
            authentication.go_on(core.now);
        }
        service.recover(self.clock.now());
        if self.stage >= Stage::Draining {
            service.drain();
        }
        self.core = Some(OpenCore {
            service,
            waiters: Waiters::default(),
            source: core.source,
            broadcast_log,
        });
        self.serve_if_recovered();
    }

    /// Whether clients are served.
    pub fn is_serving(&self) -> bool {
        self.stage == Stage::Serving
    }

    /// One duty cycle: events into views and answers, connections served, sockets polled; sleeps at most `wait` for a
    /// socket, a timer or the waker when there is nothing to do, and not at all when `wait` is zero.
    ///
    /// Returns how much was done; zero means that the caller may idle.
    ///
    /// # Errors
    /// The poll itself failed. Errors of single sockets close those.
    pub fn turn(&mut self, wait: Duration) -> io::Result<usize> {
        self.now = self.clock.monotonic();
        let began = self.now;
        let mut work =
            self.drain() + self.send_owed() + self.hand_out_pages() + self.admit_verified() + self.serve();
        work += self.tidy() + self.sweep();
        let patience = self.patience(wait);
        let lies_down = (!patience.is_zero()).then(|| self.clock.monotonic());
        let told = self.poll(patience)?;
        let slept = lies_down.map_or(Duration::ZERO, |at| self.clock.monotonic() - at);
        work += told + self.accept();
        if told > 0 || !wait.is_zero() {
            self.now = self.clock.monotonic();
            work += self.drain() + self.serve();
        }
        if work > 0 {
            self.report(began + slept);
        }
        Ok(work)
    }

    /// `/readyz` is 503 `shutting_down` from now on, and everything else goes on: whoever spreads clients over exchanges
    /// has time to send them elsewhere. Nothing changes before recovery is over.
    pub fn announce_drain(&mut self) {
        if self.stage == Stage::Serving {
            self.stage = Stage::Leaving;
        }
    }

    /// No more connections and no more commands: what is sequenced is answered, what comes is refused.
    pub fn begin_drain(&mut self) {
        self.listener = None;
        self.stage = self.stage.max(Stage::Draining);
        let Some(core) = &mut self.core else { return };
        core.service.drain();
        // Nobody can trade any more, so every session is as good as lost, and there is still time to cancel.
        for key in 0..self.connections.key_bound() {
            if let Some((connection, _)) = self.connections.get(key)
                && let ConnectionState::Session(session) = &mut connection.state
                && let Some(arming) = session.take_arming()
            {
                core.service.lose(arming);
            }
        }
    }

    /// Whether the gateway has the events of all commands that it sequenced, and has encoded every execution for its subscribers.
    pub fn is_drained(&self) -> bool {
        self.core.as_ref().is_none_or(|core| core.service.is_settled()) && !self.has_unencoded()
    }

    /// Whether the views have executions that the broadcast log has yet to encode.
    fn has_unencoded(&self) -> bool {
        let behind = |core: &OpenCore<S, E>| core.broadcast_log.behind(core.service.views()) > 0;
        self.core.as_ref().is_some_and(behind)
    }

    /// Tells every client that the exchange goes away: close code 1001, or the end of the connection after its last
    /// response. [`turn`](Self::turn) carries it out.
    pub fn close_all(&mut self) {
        self.begin_drain();
        self.stage = Stage::Closing;
        self.now = self.clock.monotonic();
        for key in 0..self.connections.key_bound() {
            self.visit(key, None, |state, buffer, context| state.shut(buffer, context));
        }
    }

    /// Whether no connection is left.
    pub fn is_closed(&self) -> bool {
        self.listener.is_none() && self.connections.len() == 0
    }

    /// Gives the core back, with the views as they stand; none when it was never opened.
    pub fn into_core(self) -> Option<Core<S, E>> {
        self.core.map(|core| {
            let (sink, views) = core.service.into_parts();
            Core {
                sink,
                source: core.source,
                views,
                now: self.clock.now(),
            }
        })
    }

    /// Sequences the commands that the gateway itself owes, and lets the sink sequence what the exchange does.
    fn send_owed(&mut self) -> usize {
        let Some(core) = &mut self.core else { return 0 };
        let now = self.clock.now();
        core.service.tick(now);
        let telemetry = &mut self.telemetry;
        let sent = core.service.send_owed(now, &mut |armed, views| {
            let account = views.accounts().get(armed.account).copied();
            telemetry.log(&LogEvent::ArmingFired {
                account: account.unwrap_or_default(),
                arming: armed.arming,
                cause: armed.cause,
            });
        });
        self.serve_if_recovered();
        sent
    }

    fn serve_if_recovered(&mut self) {
        let settled = self.core.as_ref().is_some_and(|core| core.service.is_settled());
        if self.stage == Stage::Recovering && settled {
            self.stage = Stage::Serving;
        }
    }

    /// Whether connections may look at the views: never while a command is folded in part. A gateway that closes
    /// shows them nothing any more, and need not wait.
    fn may_serve(&self) -> bool {
        let complete = |core: &OpenCore<S, E>| core.service.views().is_complete();
        self.stage == Stage::Closing || self.core.as_ref().is_none_or(complete)
    }

    /// Serves connections until none waits or the quantum is used up.
    fn serve(&mut self) -> usize {
        if !self.may_serve() {
            return 0;
        }
        // One portion of an answer, however many are being made: nobody else waits for more of them.
        let portion = self.connections.dequeue_answer();
        if let Some(key) = portion {
            self.visit(key, Some(Queue::Answers), |state, buffer, context| {
                state.serve(buffer, context)
            });
        }
        usize::from(portion.is_some()) + self.serve_others()
    }

    /// Serves requests and streams until none waits or the quantum is used up.
    fn serve_others(&mut self) -> usize {
        let mut began = self.clock.monotonic();
        let until = began + SERVING_TIME;
        for served in 0..SERVED_PER_DRAIN {
            let Some((key, queue)) = self.connections.dequeue() else {
                return served;
            };
            self.visit(key, Some(queue), |state, buffer, context| {
                state.serve(buffer, context)
            });
            let ended = self.clock.monotonic();
            if queue == Queue::Streams {
                *self.broadcast.get_or_insert_default() += ended - began;
            }
            if ended >= until {
                return served + 1;
            }
            began = ended;
        }
        SERVED_PER_DRAIN
    }

    /// Gives back memory of orders that the views have forgotten. Returns of how many.
    fn tidy(&mut self) -> usize {
        let Some(core) = &mut self.core else { return 0 };
        (0..TIDIED_PER_DRAIN).map(|_| core.service.tidy()).sum()
    }

    /// Looks at timeouts, if any may be due: a share of the connections in each turn, until it has been at all of them.
    fn sweep(&mut self) -> usize {
        if !self.may_serve() {
            return 0;
        }
        let from = match self.sweeping {
            Some(from) => from,
            None if self.now < self.next_sweep => return 0,
            None => {
                self.swept = self.now;
                self.next_sweep = Duration::MAX;
                0
            }
        };
        let until = self.connections.key_bound().min(from + SWEPT_PER_DRAIN);
        for key in from..until {
            self.visit(key, None, |state, buffer, context| {
                match state.deadline(buffer, context) {
                    _ if state.has_lost_key(context) => state.end_for_lost_key(buffer, context),
                    Some(deadline) if context.now >= deadline => state.expire(buffer, context),
                    _ => Step::Idle,
                }
            });
        }
        self.sweeping = (until < self.connections.key_bound()).then_some(until);
        if let (None, Some(authentication)) = (self.sweeping, &mut self.authentication) {
            authentication.settle();
        }
        1
    }

    /// Does something with one connection, which waited for it in `queue` if in one, and then what it asks for.
    fn visit(
        &mut self,
        key: u32,
        queue: Option<Queue>,
        act: impl FnOnce(&mut ConnectionState, &mut ConnectionBuffer, &mut Context<'_>) -> Step,
    ) {
        let is_tight = self.connections.waiting_bytes() > self.config.max_waiting_bytes;
        let Some((connection, peer)) = self.connections.get(key) else {
            return;
        };
        let recovered = self.stage > Stage::Recovering;
        let open = self.core.as_mut().filter(|_| recovered).map(|core| Opened {
            service: &mut core.service,
            waiters: &mut core.waiters,
            broadcast_log: &core.broadcast_log,
        });
        let mut context = Context {
            open,
            stage: self.stage,
            config: &self.config,
            hosts: &self.hosts,
            stats: &mut self.stats,
            telemetry: &mut self.telemetry,
            authentication: self.authentication.as_mut(),
            quotas: &mut self.quotas,
            framer: &mut self.framer,
            intake: &mut self.intake,
            clock: &self.clock,
            now: self.now,
            peer,
            queue,
            is_tight,
        };
        connection.buffer.taken = 0;
        connection.buffer.high = if is_tight { 0 } else { EGRESS_HIGH };
        let step = act(&mut connection.state, &mut connection.buffer, &mut context);
        let deadline = connection.state.deadline(&connection.buffer, &context);
        if let ConnectionState::Session(session) = &mut connection.state
            && (matches!(step, Step::Drop | Step::Become(_)) || !session.websocket.is_open())
            && let Some(arming) = session.take_arming()
            && let Some(open) = &mut context.open
        {
            open.service.lose(arming);
        }
        let has_updates = matches!(&connection.state, ConnectionState::Session(session) if session.has_updates(&connection.buffer));
        match step {
            Step::Idle => {}
            Step::Again => self.connections.enqueue_by_kind(key),
            Step::Later => self.connections.enqueue(key, Queue::Answers),
            Step::Park => self.connections.park(key),
            Step::Drop => return self.remove(key),
            Step::Become(next) => {
                if let Some(identity) = connection.state.identity() {
                    self.quotas.leave_account(&identity.account, self.now);
                }
                let state = connection.state.go_on_as(next, self.config.max_message, self.now);
                if let Some(identity) = state.identity() {
                    self.quotas.enter_account(identity.account, self.now);
                }
                let views = self.core.as_ref().map(|core| core.service.views());
                self.connections.replace_state(key, state, views);
                self.connections.enqueue_by_kind(key);
            }
        }
        if has_updates {
            self.connections.enqueue(key, Queue::Streams);
        }
        self.connections.weigh(key);
        if let Some(deadline) = deadline {
            self.schedule_sweep(deadline);
        }
    }

    fn remove(&mut self, key: u32) {
        let views = self.core.as_ref().map(|core| core.service.views());
        let Some(gone) = self.connections.remove(key, views) else {
            return;
        };
        if let (Place::Taken, Some(origin)) = (gone.place, gone.buffer.origin) {
            self.quotas.leave_address(origin, self.now);
        }
        if let Some(identity) = gone.state.identity() {
            self.quotas.leave_account(&identity.account, self.now);
        }
    }

    fn schedule_sweep(&mut self, deadline: Duration) {
        self.next_sweep = self.next_sweep.min(deadline.max(self.swept + SWEEP_EVERY));
    }
}
