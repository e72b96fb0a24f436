//! Configuration: defaults, then a TOML file, then `HOGA_…` environment variables, then flags; the later wins.

mod auth;

mod quotas;

mod load;

mod log;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use hoga_follower::{Compression, FollowerOptions};
use hoga_gateway::GatewayConfig;
use hoga_protocol::{Limits, Nanos};
use hoga_views::ViewLimits;
use serde::{Deserialize, Serialize};

pub use self::auth::{AuthMode, AuthSection};
pub use self::log::{LogFormat, LogLevel, LogSection};
pub use self::quotas::QuotasSection;
use crate::agent::IdleStrategy;
use crate::checkpoints::CheckpointOptions;
use crate::cores::{self, CorePlan, Layout, Pinning};
use crate::instruments::InstrumentConfig;
use crate::memory::Lock;

/// Every key that an operator may set. `docs/configuration.md` and `hoga.example.toml` explain each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The folder of the journal.
    pub data_dir: PathBuf,
    /// What an acknowledgement promises.
    pub durability: Durability,
    /// Threads and cores.
    pub threads: Threads,
    /// Memory.
    pub memory: MemoryConfig,
    /// Slots of the rings.
    pub rings: Rings,
    /// Journal files.
    pub journal: JournalConfig,
    /// Checkpoints in the journal.
    pub checkpoints: CheckpointsConfig,
    /// The follower and its snapshots.
    pub follower: FollowerConfig,
    /// Bounds on the engine's state; journaled when an exchange begins, and compared when given later.
    pub limits: Option<LimitsConfig>,
    /// What is kept in memory for queries and resumption.
    pub views: ViewsConfig,
    /// Who may trade.
    pub auth: AuthSection,
    /// How much one account or address may take up.
    pub quotas: QuotasSection,
    /// Sockets.
    pub gateway: GatewaySection,
    /// What is told while it runs.
    pub log: LogSection,
    /// What is traded; journaled when an exchange begins, and compared when given later.
    pub instruments: Option<Vec<InstrumentConfig>>,
    /// The first checkpoint whose disagreement is accepted for this start; from the command line only.
    #[serde(skip)]
    pub accept_divergence: Option<u64>,
    /// Whether `/ws/echo` is there; only ever from the command line.
    #[serde(skip)]
    pub test_echo: bool,
    /// Whether other machines may connect without authentication; from the command line only.
    #[serde(skip)]
    pub insecure: bool,
}

/// What has happened to an order when its client is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Durability {
    /// It is on disk: survives a power cut.
    #[default]
    Fsync,
    /// It is with the operating system: survives a crash of the exchange, not one of the machine.
    PageCache,
    /// It is in memory only: survives nothing.
    Memory,
}

/// `[threads]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Threads {
    /// Two threads or three.
    pub layout: Layout,
    /// Whether each is pinned.
    pub pin: Pinning,
    /// The cores, if chosen.
    pub cores: Vec<usize>,
    /// What idle threads do.
    pub idle: IdleStrategy,
}

/// `[memory]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MemoryConfig {
    /// Whether memory is kept from being taken away.
    pub lock: Lock,
}

/// `[rings]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rings {
    /// Slots of the input ring, a power of two.
    pub input: usize,
    /// Slots of the output ring, a power of two.
    pub output: usize,
}

/// `[journal]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JournalConfig {
    /// Size of a segment file in MiB.
    pub segment_mib: u64,
    /// How hard closed segments are compressed, 1 to 19 as zstd counts; 0 leaves them as they are.
    pub compression_level: u32,
}

/// `[checkpoints]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CheckpointsConfig {
    /// A checkpoint after so many commands; 0 for never.
    pub commands: u64,
    /// A checkpoint after so many milliseconds with commands in them; 0 for never.
    pub interval_ms: u64,
}

/// `[follower]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FollowerConfig {
    /// Whether `hoga serve` runs one.
    pub enabled: bool,
    /// A snapshot after so many commands; 0 for never.
    pub snapshot_commands: u64,
    /// A snapshot after so many seconds with commands in them; 0 for never.
    pub snapshot_seconds: u64,
    /// A snapshot when the exchange stops.
    pub snapshot_at_stop: bool,
    /// How many snapshots are kept.
    pub keep_snapshots: usize,
}

/// `[limits]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Most instruments.
    pub max_instruments: u32,
    /// Most accounts.
    pub max_accounts: u32,
    /// Most resting orders.
    pub max_open_orders: u32,
    /// Most resting orders of one account, at most a twentieth of `max_open_orders`; a twentieth, and at most 10,000, when
    /// it is left out.
    pub max_open_orders_per_account: Option<u32>,
    /// Most resting orders that one command trades with or cancels.
    pub max_touched_orders: u32,
    /// Client order ids of closed orders that each account is sure to keep.
    pub client_ids_per_account: u32,
    /// Client order ids of closed orders that all accounts keep beyond those.
    pub client_ids_total: u32,
}

/// `[views]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ViewsConfig {
    /// Executions (one per side of a trade).
    pub executions: usize,
    /// Closed orders that had no client order id.
    pub closed_orders: usize,
    /// Order updates.
    pub order_updates: usize,
    /// Of each account: order updates, closed orders and executions that no other account pushes out.
    pub account_floor: usize,
}

/// `[gateway]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GatewaySection {
    /// Host names that order entry accepts beside the loopback ones and `listen`.
    pub allowed_hosts: Vec<String>,
    /// Origins of web pages that may enter orders.
    pub allowed_origins: Vec<String>,
    /// Most connections at once.
    pub max_connections: usize,
    /// Most connections at once of one address.
    pub max_connections_per_address: usize,
    /// Whether that goes for this machine's own, too.
    pub limit_loopback: bool,
    /// Encoded executions kept for live subscribers.
    pub stream_frames: usize,
    /// Milliseconds after which a socket that takes no byte is closed.
    pub write_stall_ms: u64,
    /// Milliseconds a request's head may take.
    pub header_timeout_ms: u64,
    /// Milliseconds a request's body may take.
    pub body_timeout_ms: u64,
    /// Milliseconds an HTTP connection may idle.
    pub idle_timeout_ms: u64,
    /// Milliseconds of silence before a WebSocket is pinged.
    pub ping_after_ms: u64,
    /// Milliseconds of silence before it is closed.
    pub close_after_ms: u64,
    /// See [`GatewayConfig::heartbeat`].
    pub heartbeat_ms: u64,
    /// Bytes of a connection's kernel send buffer.
    pub send_buffer: usize,
    /// Requests of one order session that may wait for their answers.
    pub max_in_flight_per_session: usize,
    /// See [`GatewayConfig::max_waiting_bytes`].
    pub max_waiting_bytes: usize,
    /// Whether WebSocket messages are compressed for clients that offer it.
    pub compression: bool,
    /// Milliseconds for which everything is still served after `/readyz` has said that the exchange goes away.
    pub drain_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: GatewayConfig::default().listen,
            data_dir: PathBuf::from("data"),
            durability: Durability::default(),
            threads: Threads::default(),
            memory: MemoryConfig::default(),
            rings: Rings::default(),
            journal: JournalConfig::default(),
            checkpoints: CheckpointsConfig::default(),
            follower: FollowerConfig::default(),
            limits: None,
            views: ViewsConfig::default(),
            auth: AuthSection::default(),
            quotas: QuotasSection::default(),
            gateway: GatewaySection::default(),
            log: LogSection::default(),
            instruments: None,
            accept_divergence: None,
            test_echo: false,
            insecure: false,
        }
    }
}

impl Default for Threads {
    fn default() -> Self {
        Self {
            layout: Layout::Auto,
            pin: Pinning::Auto,
            cores: Vec::new(),
            idle: IdleStrategy::Ladder,
        }
    }
}

/// Slots of the output ring unless the configuration says otherwise.
const OUTPUT_RING: usize = 65_536;

/// More events a microsecond than any matcher publishes: a core that does nothing else comes to 20.
const EVENTS_PER_MICRO: u64 = 32;

// While the gateway serves its clients, a matcher at full speed does not fill the output ring.
const _: () = assert!(OUTPUT_RING as u64 > EVENTS_PER_MICRO * hoga_gateway::LONGEST_ABSENCE_MICROS);

impl Default for Rings {
    fn default() -> Self {
        Self {
            input: 8_192,
            output: OUTPUT_RING,
        }
    }
}

impl Default for JournalConfig {
    fn default() -> Self {
        Self {
            segment_mib: 64,
            compression_level: 3,
        }
    }
}

impl Default for CheckpointsConfig {
    fn default() -> Self {
        Self {
            commands: 20_000,
            interval_ms: 1_000,
        }
    }
}

impl Default for FollowerConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            snapshot_commands: 5_000_000,
            snapshot_seconds: 600,
            snapshot_at_stop: true,
            keep_snapshots: 2,
        }
    }
}

impl Default for LimitsConfig {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            max_instruments: limits.max_instruments,
            max_accounts: limits.max_accounts,
            max_open_orders: limits.max_open_orders,
            max_open_orders_per_account: None,
            max_touched_orders: limits.max_touched_orders,
            client_ids_per_account: limits.client_ids_per_account,
            client_ids_total: limits.client_ids_total,
        }
    }
}

impl LimitsConfig {
    /// The same as the engine takes it.
    pub fn to_limits(&self) -> Limits {
        Limits {
            max_instruments: self.max_instruments,
            max_accounts: self.max_accounts,
            max_open_orders: self.max_open_orders,
            max_open_orders_per_account: self.max_open_orders_per_account.unwrap_or_else(|| {
                let twentieth = Limits::most_per_account(self.max_open_orders);
                twentieth.min(Limits::default().max_open_orders_per_account)
            }),
            max_touched_orders: self.max_touched_orders,
            client_ids_per_account: self.client_ids_per_account,
            client_ids_total: self.client_ids_total,
        }
    }
}

impl Default for ViewsConfig {
    fn default() -> Self {
        let limits = ViewLimits::default();
        Self {
            executions: limits.executions,
            closed_orders: limits.closed_orders,
            order_updates: limits.order_updates,
            account_floor: limits.account_floor,
        }
    }
}

impl Default for GatewaySection {
    fn default() -> Self {
        let gateway = GatewayConfig::default();
        let millis = |time: Duration| time.as_millis() as u64;
        Self {
            allowed_hosts: gateway.allowed_hosts,
            allowed_origins: gateway.allowed_origins,
            max_connections: gateway.max_connections,
            max_connections_per_address: gateway.max_connections_per_address,
            limit_loopback: gateway.limit_loopback,
            stream_frames: gateway.stream_frames,
            write_stall_ms: millis(gateway.write_stall),
            header_timeout_ms: millis(gateway.header_timeout),
            body_timeout_ms: millis(gateway.body_timeout),
            idle_timeout_ms: millis(gateway.idle_timeout),
            ping_after_ms: millis(gateway.ping_after),
            close_after_ms: millis(gateway.close_after),
            heartbeat_ms: millis(gateway.heartbeat),
            send_buffer: gateway.send_buffer,
            max_in_flight_per_session: gateway.max_in_flight_per_session,
            max_waiting_bytes: gateway.max_waiting_bytes,
            compression: gateway.compression,
            drain_ms: 0,
        }
    }
}

impl Config {
    /// Which agent runs on which core, as the calling thread's affinity mask has it now. To be asked before that thread
    /// is pinned or kept off cores.
    ///
    /// # Errors
    /// As [`CorePlan::new`].
    pub fn plan(&self) -> Result<CorePlan, String> {
        let threads = &self.threads;
        let mut available = cores::available();
        available.extend(cores::beyond(&available, &threads.cores));
        CorePlan::new(&available, threads.layout, threads.pin, &threads.cores)
    }

    /// The gateway's part.
    pub fn gateway(&self) -> GatewayConfig {
        let section = &self.gateway;
        self.quotas.applied_to(GatewayConfig {
            listen: self.listen,
            allowed_hosts: section.allowed_hosts.clone(),
            allowed_origins: section.allowed_origins.clone(),
            max_connections: section.max_connections,
            max_connections_per_address: section.max_connections_per_address,
            limit_loopback: section.limit_loopback,
            stream_frames: section.stream_frames,
            write_stall: Duration::from_millis(section.write_stall_ms),
            header_timeout: Duration::from_millis(section.header_timeout_ms),
            body_timeout: Duration::from_millis(section.body_timeout_ms),
            idle_timeout: Duration::from_millis(section.idle_timeout_ms),
            send_buffer: section.send_buffer,
            ping_after: Duration::from_millis(section.ping_after_ms),
            close_after: Duration::from_millis(section.close_after_ms),
            heartbeat: Duration::from_millis(section.heartbeat_ms),
            max_in_flight_per_session: section.max_in_flight_per_session,
            max_waiting_bytes: section.max_waiting_bytes,
            compression: section.compression,
            test_echo: self.test_echo,
            ..GatewayConfig::default()
        })
    }

    /// The pipeline's part about checkpoints.
    pub const fn checkpoints(&self) -> CheckpointOptions {
        CheckpointOptions {
            commands: self.checkpoints.commands,
            interval: Nanos(self.checkpoints.interval_ms.saturating_mul(1_000_000)),
        }
    }

    /// The follower's part.
    pub fn follower(&self) -> FollowerOptions {
        FollowerOptions {
            snapshot_commands: self.follower.snapshot_commands,
            snapshot_interval: Duration::from_secs(self.follower.snapshot_seconds),
            keep: self.follower.keep_snapshots,
            sync: self.durability == Durability::Fsync,
            compression: match self.journal.compression_level {
                0 => Compression::None,
                level => Compression::Zstd(level as i32),
            },
        }
    }

    /// The views' part.
    pub const fn views(&self) -> ViewLimits {
        ViewLimits {
            executions: self.views.executions,
            closed_orders: self.views.closed_orders,
            order_updates: self.views.order_updates,
            account_floor: self.views.account_floor,
        }
    }
}
