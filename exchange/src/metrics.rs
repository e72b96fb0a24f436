//! What the running exchange says of itself: `/metrics` and `/metrics/latency`.
//!
//! The threads that work count and time in atomics of their own (`pipeline`, [`gateway`]); whoever asks is answered by
//! [`printer`], a thread that reads them all. So a scrape costs those who work nothing but the reading of their cache
//! lines, however often it comes. docs/metrics.md names every figure.

pub mod gateway;

pub mod printer;

pub mod exposition;

pub mod threads;

pub mod latency;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use hoga_follower::Lag;
use hoga_gateway::Gateway;
use hoga_journal::{Durable, Space};
use hoga_service::{Clock, CommandSink, EventSource};

use self::gateway::{GatewayFigures, GatewayRecorders};
use crate::clock::ExchangeTime;
use crate::config::{Config, Durability};
use crate::cores::CorePlan;
use crate::following::Following;
use crate::keys::ring::Keyring;
use crate::pipeline::{Counters, PipelineRecordings};
use crate::recovery::Recovered;
use crate::verifier::VerifierFigures;

/// All that is known of a running exchange, for whoever asks. What its threads write is atomic.
#[derive(Debug)]
pub struct Metrics {
    /// When the process began to serve.
    pub started: SystemTime,
    /// What was configured: (what, how).
    pub facts: Vec<(&'static str, String)>,
    /// Who may come in, where that is asked.
    pub auth: Option<AuthFigures>,
    /// What the gateway counts and measures.
    pub gateway: GatewayFigures,
    /// The sequence that recovery has come to.
    pub reached: AtomicU64,
    /// The exchange's time.
    pub time: ExchangeTime,
    since: Instant,
    core: OnceLock<CoreFigures>,
}

/// What is known of authentication.
#[derive(Clone, Debug)]
pub struct AuthFigures {
    /// The registered keys.
    pub keyring: Keyring,
    /// The signatures that were looked at.
    pub verifier: Arc<VerifierFigures>,
}

/// What is known once the exchange is open.
#[derive(Debug)]
pub struct CoreFigures {
    /// What the pipeline's threads count.
    pub counters: Arc<Counters>,
    /// What they measure.
    pub recordings: PipelineRecordings,
    /// What recovery came to, and what goes on from there.
    pub start: StartFigures,
}

/// What is known once recovery is over.
#[derive(Debug)]
pub struct StartFigures {
    /// The journal's room; none under `memory`.
    pub space: Option<Arc<Space>>,
    /// The last durable sequence.
    pub durable: Arc<Durable>,
    /// The sequence that recovery ended with.
    pub base: u64,
    /// The version of the rules in force then.
    pub rules: u32,
    /// How long it took, from the beginning of the process's service.
    pub recovery: Duration,
    /// Slots of the input and the output ring.
    pub rings: [usize; 2],
    /// The follower, where there is one.
    pub follower: Option<FollowerFigures>,
}

/// What is known of the follower beside the exchange.
#[derive(Clone, Debug)]
pub struct FollowerFigures {
    /// How far it has come.
    pub lag: Arc<Lag>,
    /// Whether it goes on.
    pub running: Arc<AtomicBool>,
}

/// Has `gateway` serve the pages about the exchange from now on; the thread that makes them ends with the gateway.
///
/// # Errors
/// In words: the system gives no thread.
pub fn observe<S: CommandSink, E: EventSource, C: Clock>(
    gateway: &mut Gateway<S, E, C>,
    config: &Config,
    plan: &CorePlan,
    auth: Option<AuthFigures>,
    time: ExchangeTime,
) -> Result<(Arc<Metrics>, JoinHandle<()>), String> {
    let (metrics, recorders) = Metrics::new(config, plan, auth, time);
    let (reporter, thread) = printer::start(Arc::clone(&metrics), recorders, gateway.waker(), *plan)
        .map_err(|error| format!("cannot start a thread: {error}"))?;
    gateway.observe(Box::new(reporter));
    Ok((metrics, thread))
}

impl Metrics {
    /// Of an exchange that has only just begun to start, and the gateway's own end of it.
    fn new(
        config: &Config,
        plan: &CorePlan,
        auth: Option<AuthFigures>,
        time: ExchangeTime,
    ) -> (Arc<Metrics>, GatewayRecorders) {
        let threads = plan.describe();
        let cores = threads
            .iter()
            .map(|(_, _, core)| core.map_or("any".to_owned(), |core| core.to_string()));
        let durability = match config.durability {
            Durability::Fsync => "fsync",
            Durability::PageCache => "page-cache",
            Durability::Memory => "memory",
        };
        let layout = match plan {
            CorePlan::Shared { .. } => "shared",
            CorePlan::Split { .. } => "split",
        };
        let follower = config.follower.enabled && config.durability != Durability::Memory;
        let facts = vec![
            ("durability", durability.to_owned()),
            ("layout", layout.to_owned()),
            ("cores", cores.collect::<Vec<_>>().join(",")),
            ("idle", format!("{:?}", config.threads.idle).to_lowercase()),
            ("follower", if follower { "on" } else { "off" }.to_owned()),
        ];
        let (recorders, gateway) = gateway::figures();
        let metrics = Metrics {
            started: SystemTime::now(),
            facts,
            auth,
            gateway,
            reached: AtomicU64::new(0),
            time,
            since: Instant::now(),
            core: OnceLock::new(),
        };
        (Arc::new(metrics), recorders)
    }

    /// What is known as soon as recovery is over.
    pub fn recovered(
        &self,
        config: &Config,
        recovered: &Recovered,
        following: Option<&Following>,
    ) -> StartFigures {
        let (engine, writer) = (&recovered.replica.engine, &recovered.writer);
        let base = engine.last_sequence().0;
        self.reached.store(base, Ordering::Relaxed);
        StartFigures {
            space: (config.durability != Durability::Memory).then(|| writer.space()),
            durable: writer.durable(),
            base,
            rules: engine.rules(),
            recovery: self.since.elapsed(),
            rings: [config.rings.input, config.rings.output],
            follower: following.map(|following| FollowerFigures {
                lag: Arc::clone(&following.lag),
                running: Arc::clone(&following.running),
            }),
        }
    }

    /// The exchange is open. Only the first call counts.
    pub fn open(&self, start: StartFigures, counters: &Arc<Counters>, recordings: PipelineRecordings) {
        let _ = self.core.set(CoreFigures {
            counters: Arc::clone(counters),
            recordings,
            start,
        });
    }

    /// What is known once the exchange is open.
    pub fn core(&self) -> Option<&CoreFigures> {
        self.core.get()
    }
}
