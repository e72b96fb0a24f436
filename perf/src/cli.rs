//! The command line.

mod choices;

mod hosting;

mod fanout;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use hoga::pipeline::{MAX_RING, MIN_RING};
use hoga_benches::FlowKind;

pub use choices::{Durability, Format as StreamFormat, Idle, Layout, Via};
pub use fanout::{AttackArgs, BesideArgs, FanoutArgs, FloorArgs, Pace, SoakArgs};
pub use hosting::HostArgs;

use crate::compare::CompareArgs;
use crate::gate::GateArgs;

/// Drives Hoga and measures it.
#[derive(Debug, Parser)]
#[command(name = "hoga-perf", version, about)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub mode: Mode,
}

/// The modes.
#[derive(Debug, Subcommand)]
pub enum Mode {
    /// Drive a file of order flow through an engine, or a running exchange, and check what comes out.
    Feed(FeedArgs),
    /// Measure the wire latency of a lone order for each durability, beside a bare echo.
    Wire(WireArgs),
    /// Measure deliveries of executions to many subscribers, beside a plain writer of the same bytes.
    Fanout(FanoutArgs),
    /// The plain writer that `fanout` is held against.
    #[command(hide = true)]
    Floor(FloorArgs),
    /// Load an exchange with all kinds of clients for a long time, and check that its memory and its files stay flat.
    Soak(SoakArgs),
    /// Do the worst that clients may do, and check what that leaves to others.
    Beside(BesideArgs),
    /// Try what a stranger may try, against exchanges of its own on this machine, and hold the answers against a table.
    Attack(AttackArgs),
    /// Measure the matching core alone, in this process, on generated flows.
    Matcher(MatcherArgs),
    /// Measure ring to ring, with the journal and without sockets: an exchange's pipeline, in this process.
    Pipeline(PipelineArgs),
    /// Run two command lines of this tool in turns, and say where they differ by more than noise.
    Compare(CompareArgs),
    /// Count the instructions and allocations of each operation on an order's way, and compare them with those on file.
    Gate(GateArgs),
}

/// `feed`
#[derive(Debug, Args)]
pub struct FeedArgs {
    /// What kind of file it is.
    pub format: Format,
    /// The file.
    pub file: PathBuf,
    /// HOST:PORT of a running exchange with an empty book; without it, an engine in this process is driven.
    #[arg(long)]
    pub address: Option<String>,
    /// The instrument at the exchange; FLOW-USD or AAPL by default (perf/feed.toml seeds both).
    #[arg(long)]
    pub symbol: Option<String>,
    /// Requests in flight at most, over an exchange.
    #[arg(long, default_value_t = 128, value_parser = window)]
    pub window: usize,
    /// Timed passes of a flow, without an exchange; 0 for none.
    #[arg(long, default_value_t = 3)]
    pub passes: u32,
}

/// The kinds of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A LOBSTER message file.
    Lobster,
    /// A generated binary flow.
    Flow,
}

/// `wire`
#[derive(Debug, Args)]
pub struct WireArgs {
    /// HOST:PORT of a running exchange; without it, one is started for each durability in a folder of its own.
    #[arg(long)]
    pub address: Option<String>,
    /// The started exchange.
    #[command(flatten)]
    pub host: HostArgs,
    /// Which durabilities to start it with.
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["memory", "page-cache", "fsync"])]
    pub durability: Vec<Durability>,
    /// The core of the measuring thread.
    #[arg(long)]
    pub client_core: Option<usize>,
    /// What the measuring thread does while it waits, one order in flight. In open loop it never sleeps.
    #[arg(long, value_enum, default_value_t = Idle::Park)]
    pub client_idle: Idle,
    /// Orders back to back.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    pub orders: u32,
    /// Orders back to back before the measured ones.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(..=100_000))]
    pub warm_up: u32,
    /// Orders one per `--every`.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(..=10_000))]
    pub paced: u32,
    /// Milliseconds between them.
    #[arg(long, default_value = "100", value_parser = millis)]
    pub every: Duration,
    /// Loaded: orders per second, each due at its own time whatever became of those before; one row for each.
    #[arg(long, default_value = "1000,5000", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate: Vec<u32>,
    /// Loaded: seconds that count; 0 leaves the loaded rows out.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(..=3_600))]
    pub seconds: u32,
    /// Loaded: seconds before them.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(..=600))]
    pub load_warm_up: u32,
    /// Loaded: order-entry sessions, each a connection and an account of its own.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub sessions: u32,
    /// Loaded: subscribers of /ws/executions, all of whom are read; the first and the last to connect are timed. One row
    /// for each number.
    #[arg(long, default_value = "10", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=60_000))]
    pub subscribers: Vec<u32>,
    /// Loaded: how orders go in.
    #[arg(long, value_enum, default_value_t = Via::Websocket)]
    pub via: Via,
    /// The instrument at a running exchange.
    #[arg(long, default_value = "BTC-KRW")]
    pub symbol: String,
    /// A price on its grid.
    #[arg(long, default_value = "50000000")]
    pub price: String,
    /// A quantity on its grid; resting orders have a thousand times as much.
    #[arg(long, default_value = "0.001")]
    pub quantity: String,
    /// The folder of the report; by default a new one under target/perf.
    #[arg(long)]
    pub out: Option<PathBuf>,
}

/// `matcher`
#[derive(Debug, Args)]
pub struct MatcherArgs {
    /// Which flows: a, b100k, b1m, c-normal, c-static, c-swing25, c-swing40, c-crash, d, e, f, or all.
    #[arg(long, default_value = "all", value_delimiter = ',', value_parser = flows)]
    pub flow: Vec<Flows>,
    /// Also hand every event through a ring to a thread on another core, which hashes it.
    #[arg(long)]
    pub handoff: bool,
    /// Timed passes over each flow, each through an engine of its own.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub passes: u32,
    /// Messages of each flow after its opening; one takes 192 bytes of memory.
    #[arg(long, default_value_t = 2_000_000, value_parser = clap::value_parser!(u32).range(1_000..=20_000_000))]
    pub messages: u32,
    /// The folder of the report; by default a new one under target/perf.
    #[arg(long)]
    pub out: Option<PathBuf>,
}

/// One flow, or all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flows {
    /// This one.
    One(FlowKind),
    /// Every one.
    All,
}

/// `pipeline`
#[derive(Debug, Args)]
pub struct PipelineArgs {
    /// What to measure.
    #[arg(long, value_enum, default_value_t = PipelineMode::Throughput)]
    pub mode: PipelineMode,
    /// Where the commands come from: a flow of `matcher`, or `lone`, one account that rests an order and cancels it.
    #[arg(long, default_value = "a", value_parser = source)]
    pub flow: Source,
    /// When a command is let through to the matcher; by default each after the other (not in `lone`, which holds
    /// fsync against memory).
    #[arg(long, value_enum, value_delimiter = ',')]
    pub durability: Vec<Durability>,
    /// The folder of the journals: a fresh one, removed at the end. By default one is made where the command runs.
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// Leave the journals where they are.
    #[arg(long)]
    pub keep: bool,
    /// One JSON object instead of text: that of summary.json.
    #[arg(long)]
    pub json: bool,
    /// The folder of the report; by default a new one under target/perf.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Throughput: commands; one takes 192 bytes of memory.
    #[arg(long, default_value_t = 5_000_000, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_COMMANDS)))]
    pub commands: u32,
    /// Throughput: play the flow so many times over, each time with orders of its own. What one time leaves in the book may
    /// trade with the next, so some cancels find no order: those are counted, not a fault.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub repeat: u32,
    /// A checkpoint after so many commands; 0 for never.
    #[arg(long, default_value_t = 20_000)]
    pub checkpoints: u64,
    /// A follower beside the pipeline, as an exchange has one, that makes a snapshot after so many commands.
    #[arg(long, value_name = "COMMANDS")]
    pub snapshots: Option<u64>,
    /// Throughput: also take the digest of all events, as `hoga replay` prints it. It costs the client much time.
    #[arg(long)]
    pub digest: bool,
    /// Open loop: commands per second, one run for each.
    #[arg(long, default_value = "100000", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub rate: Vec<u32>,
    /// Open loop: seconds that count.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    pub seconds: u32,
    /// Open loop: seconds before them.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(..=600))]
    pub warm_up: u32,
    /// Open loop: from the first rate on, look for the highest whose p99.9 stays within so many microseconds.
    #[arg(long, value_name = "BOUND_US", value_parser = clap::value_parser!(u32).range(1..=60_000_000))]
    pub knee: Option<u32>,
    /// Lone: blocks of each of the three that are compared.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub blocks: u32,
    /// Lone: commands, or writes, of a block.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub block: u32,
    /// Slots of the input ring.
    #[arg(long, default_value_t = 8_192, value_parser = ring)]
    pub input_ring: usize,
    /// Slots of the output ring.
    #[arg(long, default_value_t = 65_536, value_parser = ring)]
    pub output_ring: usize,
    /// What idle threads of the pipeline do. The client, who is the gateway here, never sleeps.
    #[arg(long, value_enum, default_value_t = Idle::Ladder)]
    pub idle: Idle,
    /// How journaler and matcher are laid out on threads.
    #[arg(long, value_enum, default_value_t = Layout::Auto)]
    pub layout: Layout,
    /// Cores to pin to, in the order journaler, matcher, client, or journaler with matcher, client.
    #[arg(long, value_delimiter = ',')]
    pub cores: Vec<usize>,
}

/// The most commands that are made for one run.
pub const MOST_COMMANDS: u32 = 20_000_000;

/// What `pipeline` measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PipelineMode {
    /// How many commands a second go through, as fast as the rings take them.
    Throughput,
    /// How long a command takes from when it was due, at fixed rates.
    OpenLoop,
    /// What the journal adds to a lone command, beside a bare write and sync.
    Lone,
}

/// Where commands come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A generated flow.
    Made(FlowKind),
    /// One account that rests an order and cancels it.
    Lone,
}

fn source(text: &str) -> Result<Source, String> {
    match text {
        "lone" => Ok(Source::Lone),
        name => match name.parse() {
            Ok(kind) => Ok(Source::Made(kind)),
            Err(error) => Err(format!("{error}, lone")),
        },
    }
}

fn ring(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(slots) if slots.is_power_of_two() && (MIN_RING..=MAX_RING).contains(&slots) => Ok(slots),
        _ => Err(format!("a power of two from {MIN_RING} to {MAX_RING}")),
    }
}

fn flows(text: &str) -> Result<Flows, String> {
    match text {
        "all" => Ok(Flows::All),
        name => name.parse().map(Flows::One),
    }
}

fn window(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(window @ 1..=256) => Ok(window),
        _ => Err("the window is 1 to 256 requests: one session may have no more in flight".to_owned()),
    }
}

fn millis(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(millis @ 1..=60_000) => Ok(Duration::from_millis(millis)),
        _ => Err("a whole number of milliseconds, 1 to 60000".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_holds_together() {
        Cli::command().debug_assert();
        assert!(Cli::try_parse_from(["hoga-perf", "feed", "flow", "x", "--window", "257"]).is_err());
        assert!(Cli::try_parse_from(["hoga-perf", "matcher", "--flow", "a,c-normal"]).is_ok());
        assert!(Cli::try_parse_from(["hoga-perf", "matcher", "--flow", "g"]).is_err());
        for (bad, value) in [
            ("--flow", "g"),
            ("--input-ring", "1000"),
            ("--rate", "1,0"),
            ("--commands", "0"),
        ] {
            assert!(
                Cli::try_parse_from(["hoga-perf", "pipeline", bad, value]).is_err(),
                "{bad} {value} was taken"
            );
        }
        for (name, value, is_taken) in [
            ("--burst", "2,16", true),
            ("--burst", "0", true),
            ("--burst", "3", false),
            ("--rate", "trickle,full,500", true),
            ("--rate", "none", true),
            ("--rate", "0", false),
            ("--rate", "slow", false),
            ("--format", "json,msgpack,protobuf", true),
            ("--format", "xml", false),
            ("--subscribers", "100,0", false),
            ("--pid", "7", false),
        ] {
            let parsed = Cli::try_parse_from(["hoga-perf", "fanout", name, value]);
            assert_eq!(parsed.is_ok(), is_taken, "{name} {value}");
        }
    }
}
