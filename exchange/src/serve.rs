//! `hoga serve`: recover, start, run, drain.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hoga_gateway::{Clock, Core, Gateway, GatewayStats, GatewayWaker};
use hoga_journal::{DiskStorage, Storage};
use hoga_protocol::Nanos;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::agent::{Idle, IdleStrategy, Idler, LONGEST_PARK};
use crate::config::{Config, Durability};
use crate::cores::{self, CorePlan};
use crate::pipeline::{self, Counters, PipelineOptions, RingSink, RingSource};
use crate::recovery::{self, Recovered};
use crate::replay;

/// How long the drain waits for sequenced commands, and then for clients to take what is theirs.
const DRAIN_FOR: Duration = Duration::from_secs(10);
const CLOSE_FOR: Duration = Duration::from_secs(3);

type ExchangeCore = Core<RingSink, RingSource>;
type ExchangeGateway = Gateway<RingSink, RingSource, SystemClock>;

/// The machine's clocks.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// Clocks counting from now.
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Nanos {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Nanos(since.as_nanos() as u64)
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

/// Serves until SIGTERM or SIGINT, then drains: stops intake, finishes the journal, closes clients with 1001.
///
/// # Errors
/// In words: the address is taken, the journal is damaged or in use, the configuration differs from the journal.
pub fn run(config: &Config) -> Result<(), String> {
    let at_once = Arc::new(AtomicBool::new(true));
    let mut signals =
        watch_signals(&at_once).map_err(|error| format!("cannot watch for signals: {error}"))?;
    raise_descriptor_limit(config.gateway.max_connections as u64);
    let storage = Arc::new(DiskStorage::new(recovery::journal_dir(&config.data_dir)));
    let bar = replay::counter("recovering", "commands");
    let exchange = Exchange::start(config, storage, &mut |sequence| bar.set_position(sequence))?;
    bar.finish_and_clear();
    println!("{}", exchange.banner);

    at_once.store(false, Ordering::SeqCst);
    let signal = signals.forever().next();
    at_once.store(true, Ordering::SeqCst);
    let why = if signal == Some(SIGINT) {
        "interrupted"
    } else {
        "asked to stop"
    };
    println!("hoga: {why}, draining; a second signal ends it at once");
    println!("{}", exchange.stop());
    Ok(())
}

/// A running exchange.
pub struct Exchange {
    /// Where it listens.
    pub address: SocketAddr,
    /// What the start prints.
    pub banner: String,
    /// What the core's threads count.
    pub counters: Arc<Counters>,
    stop: Arc<AtomicBool>,
    waker: GatewayWaker,
    gateway: JoinHandle<Option<GatewayStats>>,
    threads: Vec<JoinHandle<()>>,
}

impl Exchange {
    /// Listens, recovers the journal in `storage` (meanwhile `/readyz` answers 503), and opens for business.
    ///
    /// # Errors
    /// As [`run`].
    pub fn start(
        config: &Config,
        storage: Arc<dyn Storage>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Self, String> {
        let threads = &config.threads;
        let plan = CorePlan::new(&cores::available(), threads.layout, threads.pin, &threads.cores)?;
        let gateway = Gateway::bind(config.gateway(), SystemClock::new()).map_err(|error| {
            format!(
                "cannot listen on {}: {error}. Is another exchange running? --listen chooses another address",
                config.listen
            )
        })?;
        let (address, waker) = (gateway.local_addr(), gateway.waker());
        let stop = Arc::new(AtomicBool::new(false));
        let (open, opened) = mpsc::sync_channel(1);
        let gateway = spawn_gateway(gateway, opened, Arc::clone(&stop), plan, config.threads.idle)?;

        let recovered = match recovery::recover(config, storage, progress) {
            Ok(recovered) => recovered,
            Err(error) => {
                stop_gateway(&stop, &waker, gateway);
                return Err(error);
            }
        };
        let banner = banner(config, address, &plan, &recovered);
        let options = PipelineOptions {
            input_ring: config.rings.input,
            output_ring: config.rings.output,
            idle: config.threads.idle,
            cores: plan,
        };
        let pipeline = pipeline::start(recovered.engine, recovered.writer, waker.clone(), &options);
        let core = Core {
            sink: pipeline.sink,
            source: pipeline.source,
            views: recovered.views,
        };
        open.send(core)
            .map_err(|_| "the gateway stopped before it was opened".to_owned())?;
        waker.wake();
        let (counters, threads) = (pipeline.counters, pipeline.threads);
        Ok(Self {
            address,
            banner,
            counters,
            stop,
            waker,
            gateway,
            threads,
        })
    }

    /// Drains and stops; returns what was done, in one line.
    pub fn stop(self) -> String {
        let stats = stop_gateway(&self.stop, &self.waker, self.gateway);
        for thread in self.threads {
            let _ = thread.join();
        }
        farewell(&self.counters, stats.as_ref())
    }
}

/// Asks for as many file descriptors as the connections may take. The soft limit of 1,024 that most systems start a
/// program with is there for programs that use `select`; the hard limit is the operator's word.
fn raise_descriptor_limit(connections: u64) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let wanted = connections + 64;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= wanted) {
        return;
    }
    let reachable = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let raised = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: Some(reachable),
            maximum,
        },
    );
    if raised.is_err() || reachable < wanted {
        let open = if raised.is_ok() {
            reachable
        } else {
            current.unwrap_or(wanted)
        };
        eprintln!(
            "hoga: gateway.max_connections is {connections}, but this process may open only {open} files: raise the \
             hard limit (ulimit -Hn, LimitNOFILE) or lower the setting"
        );
    }
}

/// While `at_once` is set a signal ends the process as if nobody watched; the journal stands that at any moment.
fn watch_signals(at_once: &Arc<AtomicBool>) -> io::Result<Signals> {
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register_conditional_default(signal, Arc::clone(at_once))?;
    }
    Signals::new([SIGTERM, SIGINT])
}

fn stop_gateway(
    stop: &AtomicBool,
    waker: &GatewayWaker,
    gateway: JoinHandle<Option<GatewayStats>>,
) -> Option<GatewayStats> {
    stop.store(true, Ordering::SeqCst);
    waker.wake();
    gateway.join().ok().flatten()
}

fn spawn_gateway(
    mut gateway: ExchangeGateway,
    opened: Receiver<ExchangeCore>,
    stop: Arc<AtomicBool>,
    plan: CorePlan,
    idle: IdleStrategy,
) -> Result<JoinHandle<Option<GatewayStats>>, String> {
    let body = move || {
        cores::pin(plan.gateway());
        let mut idler = Idler::new(idle);
        let mut is_open = false;
        while !stop.load(Ordering::SeqCst) {
            if !is_open && let Ok(core) = opened.try_recv() {
                gateway.open(core);
                is_open = true;
            }
            turn(&mut gateway, &mut idler, LONGEST_PARK);
        }
        finish(gateway, is_open)
    };
    thread::Builder::new()
        .name("hoga-gateway".into())
        .spawn(body)
        .map_err(|error| format!("cannot start a thread: {error}"))
}

/// One duty cycle of the gateway; it sleeps in its own poll, so that a socket wakes it as well as an event.
fn turn(gateway: &mut ExchangeGateway, idler: &mut Idler, longest: Duration) {
    match gateway.turn(Duration::ZERO) {
        Ok(0) => {}
        Ok(_) => return idler.reset(),
        Err(error) => die(&error),
    }
    if idler.idle() == Idle::Sleep {
        match gateway.turn(longest) {
            Ok(0) => {}
            Ok(_) => idler.reset(),
            Err(error) => die(&error),
        }
    }
}

fn die(error: &io::Error) -> ! {
    eprintln!(
        "hoga: the gateway's poll failed: {error}. Stopping at once; every acknowledged order is in the journal."
    );
    std::process::abort();
}

/// Answers what was sequenced, says good-bye, and ends the rings.
fn finish(mut gateway: ExchangeGateway, is_open: bool) -> Option<GatewayStats> {
    let mut idler = Idler::new(IdleStrategy::Park);
    let mut turn_until =
        |gateway: &mut ExchangeGateway, done: fn(&ExchangeGateway) -> bool, most: Duration| {
            let deadline = Instant::now() + most;
            while !done(gateway) && Instant::now() < deadline {
                turn(gateway, &mut idler, Duration::from_millis(20));
            }
        };
    gateway.begin_drain();
    turn_until(&mut gateway, Gateway::is_drained, DRAIN_FOR);
    gateway.close_all();
    turn_until(&mut gateway, Gateway::is_closed, CLOSE_FOR);
    let stats = gateway.stats();
    if is_open {
        let core = gateway.into_core()?;
        drop(core.sink);
        let mut source = core.source;
        // The matcher may still have events; a full ring would keep it from ending.
        while !source.has_ended() {
            if hoga_gateway::EventSource::drain(&mut source, 4_096, &mut |_| {}) == 0 {
                thread::sleep(Duration::from_millis(1));
            }
        }
    }
    Some(stats)
}

fn banner(config: &Config, address: SocketAddr, plan: &CorePlan, recovered: &Recovered) -> String {
    use std::fmt::Write;
    let mut text = format!("hoga {} 호가\n", env!("CARGO_PKG_VERSION"));
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(text, "  {key:<12} {value}");
    };
    line(
        "address",
        &format!("http://{address}/   executions: ws://{address}/ws/executions"),
    );
    line(
        "data",
        &match config.durability {
            Durability::Memory => "none: nothing is written".to_owned(),
            _ => format!("{}  ({})", config.data_dir.display(), recovered.summary),
        },
    );
    line(
        "durability",
        match config.durability {
            Durability::Fsync => "fsync: an order is acknowledged once it is on disk",
            Durability::PageCache => {
                "page-cache: an acknowledged order survives a crash of hoga, NOT of the machine"
            }
            Durability::Memory => "memory: NOTHING survives a stop; for experiments",
        },
    );
    let idle = format!("{:?}", config.threads.idle).to_lowercase();
    for (thread, agents, core) in plan.describe() {
        let core = core.map_or("any core".to_owned(), |core| format!("core {core}"));
        line(
            "thread",
            &format!("{thread:<10} {agents:<20} {core:<9} idle: {idle}"),
        );
    }
    for (_, spec) in recovered.views.instruments().iter() {
        let (tick, lot) = (
            spec.price_text(hoga_protocol::Ticks(1)),
            spec.quantity_text(hoga_protocol::Lots(1)),
        );
        let percent = |rate: hoga_protocol::FeeRate| hoga_protocol::DecimalText::new(i128::from(rate.0), 4);
        line(
            "instrument",
            &format!(
                "{:<10} tick {tick}, lot {lot}, maker {} %, taker {} %",
                spec.symbol().as_str(),
                percent(spec.maker_fee),
                percent(spec.taker_fee)
            ),
        );
    }
    let body = first_order(recovered);
    line(
        "first order",
        &format!("curl http://{address}/api/v1/orders -H 'content-type: application/json' -d '{body}'"),
    );
    text.push_str("  ready; Ctrl-C stops");
    text
}

/// A body that the first instrument accepts.
fn first_order(recovered: &Recovered) -> String {
    let Some((_, spec)) = recovered.views.instruments().iter().next() else {
        return "{}".to_owned();
    };
    let price = if spec.symbol().as_str() == "BTC-KRW" {
        50_000
    } else {
        1_000
    };
    let price = hoga_protocol::Ticks(price);
    let mut lots = spec.min_quantity.max(hoga_protocol::Lots(1));
    let half = 10u64.pow(u32::from(spec.lot().scale)) / 2 / spec.lot().mantissa.max(1);
    if half > lots.0 && half < spec.max_quantity.0 {
        lots = hoga_protocol::Lots(half);
    }
    format!(
        r#"{{"symbol":"{}","side":"Sell","type":"Limit","price":{},"quantity":{}}}"#,
        spec.symbol(),
        spec.price_text(price),
        spec.quantity_text(lots)
    )
}

fn farewell(counters: &Counters, stats: Option<&GatewayStats>) -> String {
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let mut text = format!(
        "hoga: stopped. commands {}, refused_busy {}, refused_no_space {}, input_ring_max {}, output_full_stalls {}",
        count(&counters.matched),
        count(&counters.refused_busy),
        count(&counters.refused_no_space),
        count(&counters.input_high_water),
        count(&counters.output_full_stalls),
    );
    if let Some(stats) = stats {
        text.push_str(&format!(
            ", connections {}, executions_streamed {}, slow_consumer_closes {}, busy_refusals {}",
            stats.accepted, stats.executions_streamed, stats.slow_consumer_closes, stats.busy_refusals
        ));
    }
    text
}
