//! A gateway on a real socket, whose matcher is the real engine behind a queue that a test can hold back.
#![allow(dead_code, reason = "every test binary uses its own part of this")]

pub mod history;

pub mod http;

pub mod guarded;

pub mod ws;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hoga_engine::{ENGINE_VERSION, Engine};
use hoga_gateway::{Core, Gateway, GatewayConfig, GatewayStats};
use hoga_protocol::{
    Command, CommandClass, Event, ExchangeId, FeeRate, Genesis, InstrumentSpec, Limits, Lots, Nanos,
    Notional, Scaled, Sequence, Symbol,
};
use hoga_service::{Clock, CommandSink, EventSource, Refusal};
use hoga_views::{ViewLimits, Views};

/// How long a test waits for something that must happen.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Journal, matcher and both rings, in one.
pub struct Matcher {
    engine: Engine,
    sequence: u64,
    events: VecDeque<Event>,
    /// Commands that wait while `paused`.
    pub waiting: VecDeque<(Sequence, Nanos, Command)>,
    /// Commands are sequenced and not carried out.
    pub paused: bool,
    stepped: u64,
    /// How many more events the gateway may see; none means all.
    pub release: Option<usize>,
    /// What submissions of adding, and of reducing, commands are refused with.
    pub refuse: [Option<Refusal>; 2],
    /// Everything that was sequenced.
    pub journal: Vec<Command>,
}

pub type Shared = Arc<Mutex<Matcher>>;

impl Matcher {
    /// Sequences a command without the gateway, as the exchange itself would.
    pub fn sequence(&mut self, command: &Command) {
        self.submit(Nanos(1_682_858_110_000_000_000), command);
    }

    fn submit(&mut self, timestamp: Nanos, command: &Command) -> Sequence {
        self.sequence += 1;
        let sequence = Sequence(self.sequence);
        self.journal.push(*command);
        self.waiting.push_back((sequence, timestamp, *command));
        sequence
    }

    /// Carries out the first `count` commands that were sequenced, though it is paused.
    pub fn step(&mut self, count: usize) {
        self.stepped = count as u64;
    }

    fn work(&mut self) {
        let stepped = Sequence(self.stepped);
        while let Some((sequence, timestamp, command)) =
            (self.waiting).pop_front_if(|(sequence, ..)| !self.paused || *sequence <= stepped)
        {
            let events = &mut self.events;
            self.engine.apply(sequence, timestamp, &command, &mut |event| {
                events.push_back(*event)
            });
        }
    }
}

pub struct Sink(Shared);

impl CommandSink for Sink {
    fn submit(&mut self, timestamp: Nanos, command: &Command) -> Result<Sequence, Refusal> {
        let mut matcher = self.0.lock().unwrap();
        match matcher.refuse[usize::from(command.class() == CommandClass::Reducing)] {
            Some(refusal) => Err(refusal),
            None => Ok(matcher.submit(timestamp, command)),
        }
    }

    fn is_full(&self) -> bool {
        self.0.lock().unwrap().refuse[0] == Some(Refusal::CancelOnly)
    }

    fn reason(&self) -> String {
        "the disk is full".to_owned()
    }
}

pub struct Source(Shared);

impl EventSource for Source {
    fn drain(&mut self, limit: usize, fold: &mut dyn FnMut(&[&Event])) -> usize {
        let mut matcher = self.0.lock().unwrap();
        matcher.work();
        let allowed = matcher.release.unwrap_or(usize::MAX);
        let count = limit.min(allowed).min(matcher.events.len());
        if let Some(release) = &mut matcher.release {
            *release -= count;
        }
        let events: Vec<Event> = matcher.events.drain(..count).collect();
        events
            .chunks(7)
            .for_each(|events| fold(&events.iter().collect::<Vec<_>>()));
        count
    }

    fn prepare_sleep(&mut self) -> bool {
        let mut matcher = self.0.lock().unwrap();
        matcher.work();
        matcher.events.is_empty() || matcher.release == Some(0)
    }

    fn awake(&mut self) {}
}

/// How many nanoseconds a clock that is moved by hand goes on at each look at it.
pub static STEP: AtomicU64 = AtomicU64::new(0);

/// A clock that stands still until it is moved, if it was made so.
#[derive(Clone)]
pub struct TestClock {
    start: Instant,
    hand: Option<Arc<Mutex<Duration>>>,
    /// The last stamp of the journal that it goes on from.
    last: Nanos,
    leaps: Nanos,
    /// How far the system's clock is ahead, in nanoseconds.
    system_ahead: Arc<AtomicI64>,
}

impl TestClock {
    /// One that nobody moves by hand.
    pub fn real() -> Self {
        Self {
            start: Instant::now(),
            hand: None,
            last: Nanos(0),
            leaps: Nanos(0),
            system_ahead: Arc::default(),
        }
    }
}

impl Clock for TestClock {
    fn now(&self) -> Nanos {
        // 2023-04-30T12:35:10Z, so that time on the wire is recognisable.
        let begun = 1_682_858_110_000_000_000.max(self.last.0) + self.leaps.0;
        Nanos(begun + self.monotonic().as_nanos() as u64)
    }

    fn system(&self) -> Nanos {
        let now = self.now().0 as i64;
        Nanos((now + self.system_ahead.load(Ordering::SeqCst)) as u64)
    }

    fn go_on(&mut self, last: Nanos) {
        self.last = last;
    }

    fn leap(&mut self, by: Nanos) {
        self.leaps.0 += by.0;
        self.system_ahead.fetch_sub(by.0 as i64, Ordering::SeqCst);
    }

    fn monotonic(&self) -> Duration {
        match &self.hand {
            Some(hand) => {
                let mut hand = hand.lock().unwrap();
                *hand += Duration::from_nanos(STEP.load(Ordering::Relaxed));
                *hand
            }
            None => self.start.elapsed(),
        }
    }
}

pub type TestGateway = Gateway<Sink, Source, TestClock>;
type Errand = Box<dyn FnOnce(&mut TestGateway) + Send>;

/// How a test wants its exchange.
pub struct Setup {
    pub config: GatewayConfig,
    pub views: ViewLimits,
    pub limits: Limits,
    /// Whether the clock is moved by hand.
    pub by_hand: bool,
    /// Whether the exchange is open from the start.
    pub open: bool,
    /// What happened before the gateway came, behind the two instruments.
    pub before: Vec<Command>,
    /// The last stamp of the journal before.
    pub last: Nanos,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            config: GatewayConfig {
                listen: SocketAddr::from(([127, 0, 0, 1], 0)),
                ..GatewayConfig::default()
            },
            views: ViewLimits::default(),
            limits: Limits::default(),
            by_hand: false,
            open: true,
            before: Vec::new(),
            last: Nanos(1),
        }
    }
}

/// Waits for something that must happen.
pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "waited for {what} in vain");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A running gateway; dropped, it stops.
pub struct World {
    pub address: SocketAddr,
    pub matcher: Shared,
    clock: TestClock,
    core: Option<Core<Sink, Source>>,
    errands: Option<Sender<Errand>>,
    thread: Option<JoinHandle<()>>,
}

impl World {
    pub fn new() -> Self {
        Self::with(Setup::default())
    }

    pub fn with(setup: Setup) -> Self {
        let matcher = Matcher {
            engine: Engine::new(),
            sequence: 0,
            events: VecDeque::new(),
            waiting: VecDeque::new(),
            paused: false,
            stepped: 0,
            release: None,
            refuse: [None; 2],
            journal: Vec::new(),
        };
        let matcher = Arc::new(Mutex::new(matcher));
        let mut core = Core {
            sink: Sink(matcher.clone()),
            source: Source(matcher.clone()),
            views: Views::new(setup.views),
            now: setup.last,
        };
        begin(&mut core, &setup);
        let clock = TestClock {
            hand: setup.by_hand.then(Arc::default),
            ..TestClock::real()
        };
        let mut gateway = Gateway::bind(setup.config, clock.clone()).unwrap();
        let core = if setup.open {
            gateway.open(core);
            None
        } else {
            Some(core)
        };
        let address = gateway.local_addr();
        let (errands, inbox) = channel();
        let thread = std::thread::spawn(move || run(gateway, &inbox));
        Self {
            address,
            matcher,
            clock,
            core,
            errands: Some(errands),
            thread: Some(thread),
        }
    }

    pub fn matcher(&self) -> MutexGuard<'_, Matcher> {
        self.matcher.lock().unwrap()
    }

    /// Does something on the gateway's own thread, between two turns.
    pub fn ask<T: Send + 'static>(&self, errand: impl FnOnce(&mut TestGateway) -> T + Send + 'static) -> T {
        let (answer, inbox) = channel();
        let errand: Errand = Box::new(move |gateway| {
            let _ = answer.send(errand(gateway));
        });
        self.errands.as_ref().unwrap().send(errand).unwrap();
        inbox.recv_timeout(PATIENCE).expect("the gateway stands")
    }

    pub fn stats(&self) -> GatewayStats {
        self.ask(|gateway| gateway.stats())
    }

    /// Ends the recovery.
    pub fn open(&mut self) {
        let core = self.core.take().unwrap();
        self.ask(|gateway| gateway.open(core));
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        *self.clock.hand.as_ref().unwrap().lock().unwrap() += by;
    }

    /// Sets the system's clock so far ahead of exchange time, or behind it.
    pub fn set_system(&self, ahead_seconds: i64) {
        self.clock
            .system_ahead
            .store(ahead_seconds * 1_000_000_000, Ordering::SeqCst);
    }

    /// The hand of a clock that is moved by hand, for errands that move it.
    pub fn hand(&self) -> Arc<Mutex<Duration>> {
        self.clock.hand.clone().unwrap()
    }

    /// Lets the gateway take a few turns, so that it has seen whatever its sockets and its clock have to tell.
    pub fn settle(&self) {
        self.ask(|gateway| {
            for _ in 0..4 {
                gateway.turn(Duration::from_millis(1)).unwrap();
            }
        });
    }

    /// Waits until the gateway has come so far.
    pub fn until(&self, what: &str, mut done: impl FnMut(&GatewayStats) -> bool) {
        let start = Instant::now();
        loop {
            let stats = self.stats();
            if done(&stats) {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "waited for {what} in vain: {stats:?}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.errands = None;
        let ended = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            ended.unwrap().unwrap();
        }
    }
}

fn run(mut gateway: TestGateway, inbox: &Receiver<Errand>) {
    loop {
        match inbox.try_recv() {
            Ok(errand) => errand(&mut gateway),
            Err(std::sync::mpsc::TryRecvError::Empty) => {
                gateway.turn(Duration::from_millis(1)).unwrap();
            }
            Err(std::sync::mpsc::TryRecvError::Disconnected) => return,
        }
    }
}

/// Genesis, the two instruments of the user's document, and what the test wants to have happened.
fn begin(core: &mut Core<Sink, Source>, setup: &Setup) {
    let genesis = Genesis {
        engine_version: ENGINE_VERSION,
        exchange: ExchangeId(0x00c0_ffee),
        hash_key: [1, 2],
        limits: setup.limits,
    };
    let spec = |symbol, tick| {
        let tick = Scaled {
            mantissa: tick,
            scale: 0,
        };
        let lot = Scaled {
            mantissa: 1,
            scale: 8,
        };
        let symbol = Symbol::new(symbol).unwrap();
        let (maker, taker) = (FeeRate(200), FeeRate(500));
        let spec = InstrumentSpec::new(
            symbol,
            tick,
            lot,
            8,
            Lots(1),
            Lots::MAX,
            Notional(0),
            maker,
            taker,
        );
        Command::DefineInstrument(spec.unwrap())
    };
    let begun = [
        Command::Genesis(genesis),
        spec("BTC-KRW", 1000),
        spec("ETH-KRW", 500),
    ];
    let views = &mut core.views;
    for command in begun.iter().chain(&setup.before) {
        core.sink.submit(Nanos(1), command).unwrap();
        let mut fold = |events: &[&Event]| events.iter().for_each(|event| views.fold(event));
        core.source.drain(usize::MAX, &mut fold);
    }
}
