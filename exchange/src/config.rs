//! Configuration: defaults, then a TOML file, then `HOGA_…` environment variables, then flags; the later wins.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hoga_gateway::GatewayConfig;
use hoga_protocol::Limits;
use hoga_views::ViewLimits;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::agent::IdleStrategy;
use crate::cores::{Layout, Pinning};
use crate::instruments::InstrumentConfig;
use crate::pipeline::cancel_reserve;

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
    /// Slots of the rings.
    pub rings: Rings,
    /// Journal files.
    pub journal: JournalConfig,
    /// Bounds on the engine's state; journaled when an exchange begins, and compared when given later.
    pub limits: Option<LimitsConfig>,
    /// What is kept in memory for queries and resumption.
    pub views: ViewsConfig,
    /// Sockets.
    pub gateway: GatewaySection,
    /// What is traded; journaled when an exchange begins, and compared when given later.
    pub instruments: Option<Vec<InstrumentConfig>>,
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
    /// Client order ids of closed orders remembered for one account.
    pub client_ids_per_account: u32,
    /// Client order ids of closed orders remembered in all.
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
    /// Bytes of a connection's kernel send buffer.
    pub send_buffer: usize,
    /// Requests of one order session that may wait for their answers.
    pub max_in_flight_per_session: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: GatewayConfig::default().listen,
            data_dir: PathBuf::from("data"),
            durability: Durability::default(),
            threads: Threads::default(),
            rings: Rings::default(),
            journal: JournalConfig::default(),
            limits: None,
            views: ViewsConfig::default(),
            gateway: GatewaySection::default(),
            instruments: None,
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

impl Default for Rings {
    fn default() -> Self {
        Self {
            input: 8_192,
            output: 65_536,
        }
    }
}

impl Default for JournalConfig {
    fn default() -> Self {
        Self { segment_mib: 64 }
    }
}

impl Default for LimitsConfig {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            max_instruments: limits.max_instruments,
            max_accounts: limits.max_accounts,
            max_open_orders: limits.max_open_orders,
            client_ids_per_account: limits.client_ids_per_account,
            client_ids_total: limits.client_ids_total,
        }
    }
}

impl LimitsConfig {
    /// The same as the engine takes it.
    pub const fn to_limits(&self) -> Limits {
        Limits {
            max_instruments: self.max_instruments,
            max_accounts: self.max_accounts,
            max_open_orders: self.max_open_orders,
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
            stream_frames: gateway.stream_frames,
            write_stall_ms: millis(gateway.write_stall),
            header_timeout_ms: millis(gateway.header_timeout),
            body_timeout_ms: millis(gateway.body_timeout),
            idle_timeout_ms: millis(gateway.idle_timeout),
            ping_after_ms: millis(gateway.ping_after),
            close_after_ms: millis(gateway.close_after),
            send_buffer: gateway.send_buffer,
            max_in_flight_per_session: gateway.max_in_flight_per_session,
        }
    }
}

impl Config {
    /// Reads `file` if given, lays the environment over it and `flags` over both, and checks the whole.
    ///
    /// # Errors
    /// In words: which key of which source is unknown, of the wrong type or out of bounds.
    pub fn load<I>(file: Option<&Path>, environment: I, flags: Table) -> Result<Self, String>
    where
        I: IntoIterator<Item = (String, String)>,
    {
        let mut table = Table::new();
        if let Some(path) = file {
            let text = std::fs::read_to_string(path)
                .map_err(|error| format!("cannot read the configuration {}: {error}", path.display()))?;
            // Read once on its own, so that an error shows the file's own line.
            toml::from_str::<Config>(&text)
                .map_err(|error| format!("configuration {}: {error}", path.display()))?;
            table = text
                .parse()
                .map_err(|error| format!("configuration {}: {error}", path.display()))?;
        }
        for (name, value) in environment {
            let Some(key) = name.strip_prefix("HOGA_").filter(|key| *key != "CONFIG") else {
                continue;
            };
            let path: Vec<String> = key.split("__").map(str::to_lowercase).collect();
            set(&mut table, &path, parse_value(&value));
            Config::deserialize(Value::Table(table.clone()))
                .map_err(|error| format!("environment variable {name}={value}: {}", error.message()))?;
        }
        merge(&mut table, flags);
        let config = Config::deserialize(Value::Table(table))
            .map_err(|error| format!("command line: {}", error.message()))?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        for (key, slots) in [
            ("rings.input", self.rings.input),
            ("rings.output", self.rings.output),
        ] {
            if !slots.is_power_of_two() || !(64..=1 << 22).contains(&slots) {
                return Err(format!(
                    "{key} is {slots}: it must be a power of two from 64 to 4194304"
                ));
            }
        }
        let least = (cancel_reserve(self.rings.input) * 3).div_ceil(1 << 20);
        if self.journal.segment_mib < least || self.journal.segment_mib > 16_384 {
            return Err(format!(
                "journal.segment_mib is {}: with rings.input = {} it must be from {least} to 16384, so that a full \
                 ring always fits",
                self.journal.segment_mib, self.rings.input
            ));
        }
        if self
            .limits
            .as_ref()
            .is_some_and(|limits| !limits.to_limits().is_valid())
        {
            return Err("limits: a bound is zero or too large; max_open_orders is at most 4194303, max_instruments \
                        1048576, max_accounts 16777216, client_ids_total 67108864 and not below client_ids_per_account"
                .to_owned());
        }
        let views = &self.views;
        if views.executions < 2 || views.closed_orders < 1 || views.order_updates < 1 {
            return Err(
                "views: executions must be at least 2, closed_orders and order_updates at least 1".to_owned(),
            );
        }
        let gateway = &self.gateway;
        if gateway.max_connections < 1 || gateway.stream_frames < 1 || gateway.max_in_flight_per_session < 1 {
            return Err(
                "gateway: max_connections, stream_frames and max_in_flight_per_session must be at least 1"
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// The gateway's part.
    pub fn gateway(&self) -> GatewayConfig {
        let section = &self.gateway;
        GatewayConfig {
            listen: self.listen,
            allowed_hosts: section.allowed_hosts.clone(),
            allowed_origins: section.allowed_origins.clone(),
            max_connections: section.max_connections,
            stream_frames: section.stream_frames,
            write_stall: Duration::from_millis(section.write_stall_ms),
            header_timeout: Duration::from_millis(section.header_timeout_ms),
            body_timeout: Duration::from_millis(section.body_timeout_ms),
            idle_timeout: Duration::from_millis(section.idle_timeout_ms),
            send_buffer: section.send_buffer,
            ping_after: Duration::from_millis(section.ping_after_ms),
            close_after: Duration::from_millis(section.close_after_ms),
            max_in_flight_per_session: section.max_in_flight_per_session,
        }
    }

    /// The views' part.
    pub const fn views(&self) -> ViewLimits {
        ViewLimits {
            executions: self.views.executions,
            closed_orders: self.views.closed_orders,
            order_updates: self.views.order_updates,
        }
    }
}

/// A TOML value if the text is one (`100`, `true`, `["a"]`), else the text itself.
fn parse_value(text: &str) -> Value {
    let parsed = format!("value = {text}")
        .parse::<Table>()
        .ok()
        .and_then(|mut table| table.remove("value"));
    parsed.unwrap_or_else(|| Value::String(text.to_owned()))
}

fn set(table: &mut Table, path: &[String], value: Value) {
    match path {
        [] => {}
        [key] => {
            table.insert(key.clone(), value);
        }
        [key, rest @ ..] => {
            let inner = table
                .entry(key.clone())
                .or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                set(inner, rest, value);
            }
        }
    }
}

fn merge(table: &mut Table, over: Table) {
    for (key, value) in over {
        match (table.get_mut(&key), value) {
            (Some(Value::Table(under)), Value::Table(over)) => merge(under, over),
            (_, value) => {
                table.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(file: &str, environment: &[(&str, &str)], flags: &str) -> Result<Config, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hoga.toml");
        std::fs::write(&path, file).unwrap();
        let environment = environment
            .iter()
            .map(|(key, value)| (key.to_string(), value.to_string()));
        Config::load(Some(&path), environment, flags.parse().unwrap())
    }

    #[test]
    fn a_later_source_wins_over_an_earlier_one() {
        let file =
            "listen = \"127.0.0.1:1\"\ndata_dir = \"a\"\n[gateway]\nmax_connections = 1\nstream_frames = 9";
        let environment = [
            ("HOGA_LISTEN", "127.0.0.1:2"),
            ("HOGA_GATEWAY__MAX_CONNECTIONS", "2"),
            ("PATH", "/bin"),
        ];
        let config = load(file, &environment, "listen = \"127.0.0.1:3\"").unwrap();
        assert_eq!(config.listen.port(), 3);
        assert_eq!(config.data_dir, PathBuf::from("a"));
        assert_eq!(
            (config.gateway.max_connections, config.gateway.stream_frames),
            (2, 9)
        );
    }

    #[test]
    fn a_misspelt_key_is_not_ignored() {
        let cases: [(&str, &[(&str, &str)], &str); 6] = [
            ("lisen = \"127.0.0.1:1\"", &[], "unknown field `lisen`"),
            ("[threads]\nidel = \"spin\"", &[], "unknown field `idel`"),
            ("", &[("HOGA_DURABLITY", "fsync")], "HOGA_DURABLITY"),
            ("durability = \"sometimes\"", &[], "sometimes"),
            ("[rings]\ninput = 100", &[], "power of two"),
            ("[journal]\nsegment_mib = 1", &[], "segment_mib is 1"),
        ];
        for (file, environment, want) in cases {
            let error = load(file, environment, "").unwrap_err();
            assert!(error.contains(want), "{error:?} lacks {want:?}");
        }
    }

    #[test]
    fn the_example_file_does_not_differ_from_the_defaults() {
        let example = include_str!("../../hoga.example.toml");
        let mut config: Config = toml::from_str(example).unwrap();
        assert_eq!(config.limits.take(), Some(LimitsConfig::default()));
        assert_eq!(config.instruments.take(), Some(crate::instruments::defaults()));
        assert_eq!(config, Config::default());
    }

    #[test]
    fn what_is_printed_can_be_read_again() {
        let config = Config {
            instruments: Some(crate::instruments::defaults()),
            ..Config::default()
        };
        assert_eq!(
            toml::from_str::<Config>(&toml::to_string(&config).unwrap()).unwrap(),
            config
        );
    }
}
