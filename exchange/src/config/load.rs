//! Reading a configuration from its three sources, and checking it.

use std::path::Path;

use hoga_gateway::LEAST_HELD;
use hoga_protocol::{CancelAll, Limits, MAX_OPEN_ORDERS};
use serde::Deserialize;
use toml::{Table, Value};

use super::{Config, LimitsConfig};
use crate::pipeline::{MAX_RING, MIN_RING, cancel_reserve};

/// The most that any view may be told to hold.
const MOST_KEPT: usize = 1 << 30;

/// The most that the views may keep for each account.
const MOST_OF_AN_ACCOUNT: usize = 100_000;

/// The longest that an exchange that was asked to stop may go on, in milliseconds.
const MOST_DRAIN_MS: u64 = 600_000;

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
            if !slots.is_power_of_two() || !(MIN_RING..=MAX_RING).contains(&slots) {
                return Err(format!(
                    "{key} is {slots}: it must be a power of two from {MIN_RING} to {MAX_RING}"
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
        if let Some(limits) = &self.limits {
            check_limits(limits)?;
        }
        let level = self.journal.compression_level;
        if level > 19 {
            return Err(format!(
                "journal.compression_level is {level}: it must be from 1 to 19, or 0 for no compression"
            ));
        }
        let keep = self.follower.keep_snapshots;
        if !(1..=1_000).contains(&keep) {
            return Err(format!(
                "follower.keep_snapshots is {keep}: it must be from 1 to 1000"
            ));
        }
        let views = &self.views;
        let kept = [
            ("executions", views.executions, LEAST_HELD),
            ("closed_orders", views.closed_orders, 1),
            ("order_updates", views.order_updates, LEAST_HELD),
        ];
        for (key, kept, least) in kept {
            if !(least..=MOST_KEPT).contains(&kept) {
                return Err(format!(
                    "views.{key} is {kept}: it must be from {least} to {MOST_KEPT}, and all of it is held in memory"
                ));
            }
        }
        if !(1..=MOST_OF_AN_ACCOUNT).contains(&views.account_floor) {
            return Err(format!(
                "views.account_floor is {}: it must be from 1 to {MOST_OF_AN_ACCOUNT}, and all of it is held in memory \
                 for each account",
                views.account_floor
            ));
        }
        if self.instruments.as_ref().is_some_and(Vec::is_empty) {
            return Err(
                "instruments is empty: leave it out for the default ones, or name at least one".to_owned(),
            );
        }
        if self.gateway.drain_ms > MOST_DRAIN_MS {
            return Err(format!(
                "gateway.drain_ms is {}: write milliseconds from 0 to {MOST_DRAIN_MS}",
                self.gateway.drain_ms
            ));
        }
        self.auth.check()?;
        self.gateway().check()
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

/// Refuses limits that the engine cannot keep, by name.
fn check_limits(given: &LimitsConfig) -> Result<(), String> {
    let limits = given.to_limits();
    let most_per_account = Limits::most_per_account(limits.max_open_orders);
    let ranges = [
        ("max_instruments", limits.max_instruments, 1, 1 << 20),
        ("max_accounts", limits.max_accounts, 1, 1 << 24),
        ("max_open_orders", limits.max_open_orders, 1, MAX_OPEN_ORDERS),
        (
            "max_open_orders_per_account",
            limits.max_open_orders_per_account,
            1,
            most_per_account,
        ),
        (
            "max_touched_orders",
            limits.max_touched_orders,
            CancelAll::MAX_ORDERS,
            Limits::MAX_TOUCHED,
        ),
    ];
    for (key, limit, least, most) in ranges {
        if !(least..=most).contains(&limit) {
            let why = match key {
                "max_open_orders_per_account" => ", a twentieth of max_open_orders",
                _ => "",
            };
            return Err(format!(
                "limits.{key} is {limit}: it must be from {least} to {most}{why}"
            ));
        }
    }
    match limits.is_valid() {
        true => Ok(()),
        false => Err(format!(
            "limits: max_accounts × client_ids_per_account + client_ids_total + max_open_orders is {}: it must be at most \
             {}",
            limits.most_client_ids(),
            Limits::MAX_CLIENT_IDS
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::LimitsConfig;
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
        let cases: [(&str, &[(&str, &str)], &str); 12] = [
            ("lisen = \"127.0.0.1:1\"", &[], "unknown field `lisen`"),
            ("[threads]\nidel = \"spin\"", &[], "unknown field `idel`"),
            ("", &[("HOGA_DURABLITY", "fsync")], "HOGA_DURABLITY"),
            ("durability = \"sometimes\"", &[], "sometimes"),
            ("[rings]\ninput = 100", &[], "power of two"),
            ("[journal]\nsegment_mib = 1", &[], "segment_mib is 1"),
            (
                "[journal]\ncompression_level = 20",
                &[],
                "compression_level is 20",
            ),
            ("[log]\nlevle = \"info\"", &[], "unknown field `levle`"),
            ("", &[("HOGA_LOG__FORMAT", "xml")], "HOGA_LOG__FORMAT"),
            ("[gateway]\ndrain_ms = 600001", &[], "drain_ms is 600001"),
            ("[follower]\nkeep_snapshots = 0", &[], "keep_snapshots is 0"),
            ("[follower]\nsnapshots = true", &[], "unknown field `snapshots`"),
        ];
        for (file, environment, want) in cases {
            let error = load(file, environment, "").unwrap_err();
            assert!(error.contains(want), "{error:?} lacks {want:?}");
        }
    }

    #[test]
    fn the_example_file_does_not_differ_from_the_defaults() {
        let example = include_str!("../../../hoga.example.toml");
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
