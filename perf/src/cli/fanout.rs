//! The command lines of `fanout`, of the floor beneath it, of `soak`, `beside` and `attack`.

use std::path::PathBuf;

use clap::Args;

use super::choices::{Durability, Format, Idle, Layout};
use super::hosting::HostArgs;

/// `fanout`
#[derive(Debug, Args)]
pub struct FanoutArgs {
    /// HOST:PORT of a running exchange; without it, one is started for each number of subscribers and format.
    #[arg(long)]
    pub address: Option<String>,
    /// The running exchange's process, on this machine: then its memory and its threads are told.
    #[arg(long, requires = "address")]
    pub pid: Option<u32>,
    /// The started exchange.
    #[command(flatten)]
    pub host: HostArgs,
    /// The durability to start it with.
    #[arg(long, value_enum, default_value_t = Durability::Memory, conflicts_with = "address")]
    pub durability: Durability,
    /// Connections to /ws/executions; a group of rows for each number.
    #[arg(long, default_value = "100,1000", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=60_000))]
    pub subscribers: Vec<u32>,
    /// The format that they offer; a group of rows for each.
    #[arg(long, value_enum, default_value = "json", value_delimiter = ',')]
    pub format: Vec<Format>,
    /// They offer compression, too.
    #[arg(long)]
    pub deflate: bool,
    /// Executions that one order makes at once, after which all subscribers are waited for; a row for each, none for 0.
    #[arg(long, default_value = "2,16,64", value_delimiter = ',', value_parser = burst)]
    pub burst: Vec<u32>,
    /// Trades: `trickle` is 5 a second, `full` as many as the exchange takes, N so many a second; a row for each, none
    /// for `none`.
    #[arg(long, default_value = "trickle,full", value_delimiter = ',', value_parser = pace)]
    pub rate: Vec<Pace>,
    /// Seconds of each row.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    pub seconds: u32,
    /// `full`: orders that wait for their answers.
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub window: u32,
    /// Commands of the rows that tell what a command costs the matcher, without subscribers and with all; 0 leaves them out.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(..=10_000_000))]
    pub commands: u32,
    /// How many of them a second.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub command_rate: u32,
    /// How many subscribers never read. With any, nothing is timed: it is checked that all others get everything once, and
    /// told what the silent ones come to.
    #[arg(long, default_value_t = 0)]
    pub silent: u32,
    /// With silent ones: seconds to go on not reading, after trading, before they are looked at.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(..=3_600))]
    pub grace: u32,
    /// The instrument.
    #[arg(long, default_value = "BTC-KRW")]
    pub symbol: String,
    /// A price on its grid.
    #[arg(long, default_value = "50000000")]
    pub price: String,
    /// A quantity on its grid; resting orders have up to a thousand times as much.
    #[arg(long, default_value = "0.001")]
    pub quantity: String,
    /// The folder of the report; by default a new one under target/perf.
    #[arg(long)]
    pub out: Option<PathBuf>,
}

/// `floor`, which `fanout` starts for itself.
#[derive(Debug, Args)]
pub struct FloorArgs {
    /// Sockets to accept.
    #[arg(long)]
    pub sockets: u32,
    /// Bytes of a message, its frame included.
    #[arg(long)]
    pub frame_bytes: usize,
}

/// `soak`
#[derive(Debug, Args)]
pub struct SoakArgs {
    /// The exchange's binary; by default `hoga` beside this one.
    #[arg(long)]
    pub hoga: Option<PathBuf>,
    /// The folder in which it keeps its journal; a fresh one inside it is used and removed.
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
    /// How long.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub minutes: u32,
    /// Seconds between two looks at the exchange.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    pub every: u32,
    /// The same seed makes the same choices; a new one by default.
    #[arg(long)]
    pub seed: Option<u64>,
}

/// `beside`
#[derive(Debug, Args)]
pub struct BesideArgs {
    /// The exchange's binary; by default `hoga` beside this one.
    #[arg(long)]
    pub hoga: Option<PathBuf>,
    /// The folder in which exchanges keep their journals; a fresh one inside it is used and removed.
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
    /// When an order is acknowledged.
    #[arg(long, value_enum, default_value_t = Durability::PageCache)]
    pub durability: Durability,
    /// How they lay journaler and matcher out on threads.
    #[arg(long, value_enum, default_value_t = Layout::Auto)]
    pub layout: Layout,
    /// What their idle threads do.
    #[arg(long, value_enum, default_value_t = Idle::Ladder)]
    pub idle: Idle,
    /// Only these attacks, such as `fok`.
    #[arg(long, value_delimiter = ',', value_name = "ATTACK")]
    pub only: Vec<String>,
    /// Pairs of rounds of each attack: alone, and beside it.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub pairs: u32,
    /// Seconds of each round.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub seconds: u32,
    /// How full the venue is: percent of 150,000 resting orders, a million client order ids and 9,000 instruments.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub scale: u32,
    /// How many orders one command may touch (`limits.max_touched_orders`). The attack `market` takes as many at once, and
    /// 20,000 a second in all.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(64..=16_384))]
    pub touched: u32,
    /// The folder of the report; by default a new one under target/perf.
    #[arg(long)]
    pub out: Option<PathBuf>,
}

/// `attack`
#[derive(Debug, Args)]
pub struct AttackArgs {
    /// The exchange's binary; by default `hoga` beside this one.
    #[arg(long)]
    pub hoga: Option<PathBuf>,
    /// The folder in which the exchanges keep their data; a fresh one inside it is used and removed.
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
    /// Only these sections, such as `bodies`.
    #[arg(long, value_delimiter = ',', value_name = "SECTION")]
    pub only: Vec<String>,
    /// Print the table as docs/attacks.md has it, and try nothing.
    #[arg(long)]
    pub list: bool,
}

/// How many trades a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// No row.
    None,
    /// Few enough that each finds everything asleep.
    Trickle,
    /// As many as the exchange takes.
    Full,
    /// So many.
    PerSecond(u32),
}

impl Pace {
    /// As rows are named.
    pub fn name(self) -> String {
        match self {
            Pace::None => "none".to_owned(),
            Pace::Trickle => "trickle".to_owned(),
            Pace::Full => "full".to_owned(),
            Pace::PerSecond(rate) => format!("rate-{rate}"),
        }
    }
}

fn pace(text: &str) -> Result<Pace, String> {
    match text {
        "none" => Ok(Pace::None),
        "trickle" => Ok(Pace::Trickle),
        "full" => Ok(Pace::Full),
        number => match number.parse() {
            Ok(rate @ 1..=100_000) => Ok(Pace::PerSecond(rate)),
            _ => Err("trickle, full, none, or trades a second from 1 to 100000".to_owned()),
        },
    }
}

/// The most executions of one burst: half of it are orders that rest.
const MAX_BURST: u32 = 2_000;

fn burst(text: &str) -> Result<u32, String> {
    match text.parse::<u32>() {
        Ok(burst) if burst % 2 == 0 && burst <= MAX_BURST => Ok(burst),
        _ => Err(format!(
            "an even number up to {MAX_BURST}, since a trade is two executions; 0 for none"
        )),
    }
}
