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
use std::time::{Duration, Instant, SystemTime};

use hoga_follower::Lag;
use hoga_journal::{Durable, Space};

use self::gateway::{GatewayFigures, GatewayRecorders};
use crate::config::{Config, Durability};
use crate::cores::CorePlan;
use crate::pipeline::{Counters, PipelineRecordings};

/// All that is known of a running exchange, for whoever asks. What its threads write is atomic.
#[derive(Debug)]
pub struct Metrics {
    /// When the process began to serve.
    pub started: SystemTime,
    /// What was configured: (what, how).
    pub facts: Vec<(&'static str, String)>,
    /// What the gateway counts and measures.
    pub gateway: GatewayFigures,
    /// The sequence that recovery has come to.
    pub recovered: AtomicU64,
    since: Instant,
    core: OnceLock<CoreFigures>,
}

/// What is known once the exchange is open.
#[derive(Debug)]
pub struct CoreFigures {
    /// What the pipeline's threads count.
    pub counters: Arc<Counters>,
    /// What they measure.
    pub recordings: PipelineRecordings,
    /// The journal's room; none under `memory`.
    pub space: Option<Arc<Space>>,
    /// The last durable sequence.
    pub durable: Arc<Durable>,
    /// The sequence that recovery ended with.
    pub base: u64,
    /// How long recovery took, from the start of the process's service.
    pub recovery: Duration,
    /// Slots of the input and the output ring.
    pub rings: [usize; 2],
    /// The version of the rules in force at the start.
    pub rules: u32,
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

impl Metrics {
    /// Of an exchange that has only just begun to start, and the gateway's own end of it.
    pub fn new(config: &Config, plan: &CorePlan) -> (Arc<Metrics>, GatewayRecorders) {
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
            gateway,
            recovered: AtomicU64::new(0),
            since: Instant::now(),
            core: OnceLock::new(),
        };
        (Arc::new(metrics), recorders)
    }

    /// The exchange is open. Only the first call counts.
    pub fn open(&self, core: CoreFigures) {
        self.recovered.store(core.base, Ordering::Relaxed);
        let _ = self.core.set(core);
    }

    /// What is known once the exchange is open.
    pub fn core(&self) -> Option<&CoreFigures> {
        self.core.get()
    }

    /// How long it has served.
    pub fn uptime(&self) -> Duration {
        self.since.elapsed()
    }
}
