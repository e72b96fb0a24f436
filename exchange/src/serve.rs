//! `hoga serve`: recover, start, run, drain.

mod authentication;

mod gateway_thread;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use hoga_engine::Engine;
use hoga_follower::Replica;
use hoga_gateway::{Core, Gateway, GatewayStats, GatewayWaker};
use hoga_journal::Space;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tracing::info;

use crate::clock::{self, ExchangeClock, ExchangeTime};
use crate::config::{Config, Durability};
use crate::cores::{self, CorePlan};
use crate::descriptors;
use crate::following::{self, Following};
use crate::keys::ring::Keyring;
use crate::log;
use crate::manager;
use crate::memory::{self, Locked};
use crate::metrics;
use crate::notices::{Opening, banner, farewell, tell, warn};
use crate::output;
use crate::pipeline::{self, Counters, PipelineOptions, PipelineRecordings, RingSink, RingSource};
use crate::recovery::{self, Recovered, Stores};
use crate::watchdog::{Watchdog, Watched};
use authentication::Authentication;
use gateway_thread::{Door, spawn_gateway};

/// How long the drain waits for sequenced commands.
pub const DRAIN_FOR: Duration = Duration::from_secs(10);
/// How long it then waits for clients to take what is theirs.
pub const CLOSE_FOR: Duration = Duration::from_secs(3);

type ExchangeCore = Core<RingSink, RingSource>;
type ExchangeGateway = Gateway<RingSink, RingSource, ExchangeClock>;

/// Serves until SIGTERM or SIGINT, then drains: stops intake, finishes the journal, closes clients with 1001.
///
/// # Errors
/// In words: the address is taken, the journal is damaged or in use, the configuration differs from the journal.
pub fn run(config: &Config) -> Result<(), String> {
    log::start(&config.log, config.plan()?)?;
    let ended = serve(config);
    log::flush();
    ended
}

fn serve(config: &Config) -> Result<(), String> {
    let at_once = Arc::new(AtomicBool::new(true));
    let mut signals =
        watch_signals(&at_once).map_err(|error| format!("cannot watch for signals: {error}"))?;
    descriptors::raise_limit(config.gateway.max_connections as u64);
    let bar = output::counter("recovering", "commands");
    let stores = Stores::new(&config.data_dir);
    let mut recovering = manager::Recovering::default();
    recovering.reached(0);
    let exchange = Exchange::start(config, &stores, &mut |sequence| {
        bar.set_position(sequence);
        recovering.reached(sequence);
    })?;
    bar.finish_and_clear();
    // From here on a signal drains; the banner says so, so it comes after.
    at_once.store(false, Ordering::SeqCst);
    tell(&exchange.banner);
    manager::ready(exchange.address);
    let signal = signals.forever().next();
    at_once.store(true, Ordering::SeqCst);
    let why = if signal == Some(SIGINT) {
        "interrupted"
    } else {
        "asked to stop"
    };
    manager::stopping();
    let drain_ms = config.gateway.drain_ms;
    info!(event = "drain_begun", why, drain_ms, "the exchange goes away");
    tell(&format!("hoga: {why}, draining; a second signal ends it at once"));
    tell(&exchange.stop());
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
    printer: JoinHandle<()>,
    watchdog: Watchdog,
    following: Option<Following>,
    authentication: Option<Authentication>,
}

impl Exchange {
    /// Listens, recovers the exchange in `stores` (meanwhile `/readyz` answers 503), and opens for business. Where agents
    /// are pinned, the calling thread is kept off their cores from then on.
    ///
    /// # Errors
    /// As [`run`].
    pub fn start(config: &Config, stores: &Stores, progress: &mut dyn FnMut(u64)) -> Result<Self, String> {
        let plan = config.plan()?;
        config.auth.check_listen(config.listen, config.insecure)?;
        let keyring = authentication::open_keys(config)?;
        let exchange_clock = ExchangeClock::new();
        let time = exchange_clock.time();
        let mut gateway = Gateway::bind(config.gateway(), exchange_clock).map_err(|error| {
            let hint = match error.kind() {
                io::ErrorKind::AddrInUse => ". Is another exchange running? --listen chooses another address",
                _ => ". --listen chooses another address",
            };
            format!("cannot listen on {}: {error}{hint}", config.listen)
        })?;
        let (address, waker) = (gateway.local_addr(), gateway.waker());
        info!(
            event = "starting",
            version = env!("CARGO_PKG_VERSION"),
            data_dir = config.data_dir.display().to_string(),
            listen = address.to_string(),
            auth = config.auth.mode.name(),
            "the exchange recovers"
        );
        let authentication = keyring
            .map(|keyring| Authentication::start(keyring, plan, waker.clone()))
            .transpose()?
            .map(|(authentication, asker)| {
                let keys = Box::new(authentication.keyring.clone());
                gateway.authenticate(keys, Box::new(asker), config.auth.gateway());
                authentication
            });
        let figures = authentication.as_ref().map(Authentication::figures);
        let (metrics, printer) = metrics::observe(&mut gateway, config, &plan, figures, time.clone())?;
        let stop = Arc::new(AtomicBool::new(false));
        let turns = Arc::new(AtomicU64::new(0));
        let (open, opened) = mpsc::sync_channel(1);
        let (answer, told) = mpsc::sync_channel(2);
        let door = Door {
            opened,
            answer,
            turns: Arc::clone(&turns),
            leave_for: Duration::from_millis(config.gateway.drain_ms),
        };
        let gateway = spawn_gateway(gateway, door, Arc::clone(&stop), plan, config.threads.idle)?;

        let keys = authentication
            .as_ref()
            .map(|authentication| &authentication.keyring);
        let open_for_business = || {
            let mut reached = |sequence| {
                metrics.reached.store(sequence, Ordering::Relaxed);
                progress(sequence);
            };
            let (following, recovered) = recover_and_follow(config, stores, plan, &time, &mut reached)?;
            let figures = metrics.recovered(config, &recovered, following.as_ref());
            info!(
                event = "recovered",
                sequence = figures.base,
                rules = figures.rules,
                duration_ms = figures.recovery.as_millis() as u64,
                summary = recovered.summary,
                "the journal is read"
            );
            let (started, core, banner) = start_core(config, address, plan, recovered, &waker, keys, &time)?;
            metrics.open(figures, &started.counters, started.recordings);
            open.send(core)
                .map_err(|_| "the gateway stopped before it was opened".to_owned())?;
            waker.wake();
            let stopped = |_| "the gateway stopped while it was opened".to_owned();
            told.recv().map_err(stopped)?;
            let watched = Watched {
                space: started.space,
                counters: Arc::clone(&started.counters),
                turns,
                stopping: Arc::clone(&stop),
                time: time.clone(),
            };
            let watchdog =
                Watchdog::start(watched, plan).map_err(|error| format!("cannot start a thread: {error}"))?;
            // Orders of sessions that went down with the exchange are canceled first; where there is no room for that, the
            // watch finds it.
            told.recv().map_err(stopped)?;
            info!(
                event = "serving",
                listen = address.to_string(),
                "clients are served"
            );
            Ok((following, started.counters, started.threads, watchdog, banner))
        };
        let (following, counters, threads, watchdog, banner) = match open_for_business() {
            Ok(open) => open,
            Err(error) => {
                stop_gateway(&stop, &waker, gateway);
                if let Some(authentication) = authentication {
                    authentication.stop();
                }
                return Err(error);
            }
        };
        Ok(Self {
            address,
            banner,
            counters,
            stop,
            waker,
            gateway,
            threads,
            watchdog,
            printer,
            following,
            authentication,
        })
    }

    /// Drains and stops; returns what was done, in one line.
    pub fn stop(self) -> String {
        let stats = stop_gateway(&self.stop, &self.waker, self.gateway);
        info!(
            event = "drain_ended",
            unanswered = stats.map(|stats| stats.backlog),
            connections = stats.map(|stats| stats.connections),
            "clients are gone, or cut off"
        );
        for thread in self.threads.into_iter().chain([self.printer]) {
            let _ = thread.join();
        }
        // Everything is durable now, so the follower's last snapshot holds all of it.
        if let Some(following) = self.following {
            following.stop();
        }
        self.watchdog.stop();
        if let Some(authentication) = self.authentication {
            authentication.stop();
        }
        let commands = self.counters.matched.load(Ordering::Relaxed);
        info!(event = "stopped", commands, "everything is in the journal");
        farewell(&self.counters, stats.as_ref())
    }
}

/// What runs between the rings.
struct StartedCore {
    counters: Arc<Counters>,
    recordings: PipelineRecordings,
    threads: Vec<JoinHandle<()>>,
    space: Arc<Space>,
}

/// Starts the journaler and the matcher on what was recovered, with all the memory that they will need.
fn start_core(
    config: &Config,
    address: SocketAddr,
    plan: CorePlan,
    recovered: Recovered,
    waker: &GatewayWaker,
    keys: Option<&Keyring>,
    time: &ExchangeTime,
) -> Result<(StartedCore, ExchangeCore, String), String> {
    let Recovered {
        replica,
        writer,
        summary,
        warnings,
        ..
    } = recovered;
    let Replica {
        mut engine,
        mut views,
        ..
    } = replica;
    // No order shall wait for the system to find a page of memory for it.
    let is_pinned = !plan.pinned().is_empty();
    engine.touch_memory();
    if config.memory.lock.is_wanted(is_pinned) {
        engine.set_aside_client_ids();
        views.touch_memory();
    }
    warnings
        .into_iter()
        .chain(clock::at_start(clock::system_time(), engine.now()))
        .for_each(|warning| warn(&warning));
    check_output_ring(config.rings.output, &engine)?;
    let (rules, now) = (engine.rules(), engine.now());
    let options = PipelineOptions {
        input_ring: config.rings.input,
        output_ring: config.rings.output,
        idle: config.threads.idle,
        cores: plan,
        checkpoints: config.checkpoints(),
    };
    let space = writer.space();
    let pipeline = pipeline::start(engine, writer, waker.clone(), &options);
    // Behind the start of the threads, so that their rings and stacks are found and kept too.
    let locked = memory::lock(config.memory.lock, is_pinned)?;
    if let Locked::Refused(why) = &locked {
        warn(&format!("memory.lock: {why}"));
    }
    let opening = Opening {
        address,
        plan: &plan,
        summary: &summary,
        rules,
        views: &views,
        locked: &locked,
        keys,
        time,
    };
    let banner = banner(config, &opening);
    let core = Core {
        sink: pipeline.sink,
        source: pipeline.source,
        views,
        now,
    };
    let started = StartedCore {
        counters: pipeline.counters,
        recordings: pipeline.recordings,
        threads: pipeline.threads,
        space,
    };
    Ok((started, core, banner))
}

/// Recovers, and starts the follower where one is wanted and there is something to follow. Whoever else makes snapshots is
/// met before the recovery, which may take long and set snapshots aside.
fn recover_and_follow(
    config: &Config,
    stores: &Stores,
    plan: CorePlan,
    time: &ExchangeTime,
    progress: &mut dyn FnMut(u64),
) -> Result<(Option<Following>, Recovered), String> {
    let wanted = config.follower.enabled && config.durability != Durability::Memory;
    let lock = wanted.then(|| following::lock(&*stores.snapshots)).transpose()?;
    let recovered = recovery::recover(config, stores, progress)?;
    // A recovery uses all cores there are; what is started from here on works beside the agents.
    cores::keep_off(&plan);
    let follow = |lock| {
        let replica = recovered.replica.clone();
        Following::start(
            config,
            stores,
            replica,
            &recovered.writer,
            recovered.snapshot,
            lock,
            time.clone(),
        )
    };
    let following = lock.map(follow).transpose()?;
    if let Some(following) = &following {
        // One that the follower has made meanwhile is newer.
        let snapshot_at = &following.lag.snapshot_at;
        snapshot_at.fetch_max(recovered.snapshot_at, Ordering::Relaxed);
    }
    Ok((following, recovered))
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

/// Refuses an output ring that could not hold the events of one command, which the matcher would wait for in vain.
fn check_output_ring(slots: usize, engine: &Engine) -> Result<(), String> {
    let most = engine.most_events();
    match slots as u64 >= most {
        true => Ok(()),
        false => Err(format!(
            "rings.output is {slots}: one command may have {most} events (limits.max_touched_orders and 2), and the ring \
             must hold them; {} is enough",
            most.next_power_of_two()
        )),
    }
}
