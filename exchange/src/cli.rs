//! The command line: one `match` over what the program can do.

mod admin;

mod keys;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use hoga_protocol::{AccountName, Nanos, OperatorName};
use toml::{Table, Value};

use self::admin::{AdminArgs, AuditArgs};
use self::keys::KeysMode;
use crate::config::{Config, Durability};
use crate::journal_dump::{self, Form, Selection, parse_kind, parse_time};
use crate::output::print;
use crate::{
    archive, doctor, following, journal_tools, latency_tool, replay, serve, snapshot_tools, upgrade,
};

/// What may stand on the command line.
#[derive(Debug, Parser)]
#[command(version, about = "Hoga (호가): an exchange core. Without a command it serves.", long_about = None)]
#[command(args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Mode>,
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Debug, Subcommand)]
enum Mode {
    /// Start the exchange (the default).
    Serve(ServeArgs),
    /// Run a journal through the engine again and print what it comes to.
    Replay(ReplayArgs),
    /// Look at a journal without changing it.
    #[command(subcommand)]
    Journal(JournalMode),
    /// List, make or verify snapshots.
    #[command(subcommand)]
    Snapshot(SnapshotMode),
    /// Keep up with the journal that another process writes: compare checkpoints, make snapshots.
    Follow(FollowArgs),
    /// Journal the newest rules of matching; the exchange must be stopped.
    Upgrade(FollowArgs),
    /// Make, list or revoke the API keys of those who trade.
    #[command(subcommand)]
    Keys(KeysMode),
    /// Administer a running exchange: instruments, fees, accounts. What is done stands in the journal, with who did it.
    Admin(AdminArgs),
    /// Print what operators did, and what was armed and disarmed, from the journal.
    Audit(AuditArgs),
    /// Show what a running exchange has measured of itself: latencies, batches, rings.
    Latency(LatencyArgs),
    /// Tell what of this machine, and of a running exchange, costs latency or breaks a promise, and how to mend it.
    Doctor(DoctorArgs),
}

#[derive(Debug, Default, Args)]
struct ServeArgs {
    /// Address to listen on [default: 127.0.0.1:3030].
    #[arg(long, value_name = "ADDR")]
    listen: Option<std::net::SocketAddr>,
    /// Folder of the journal [default: data].
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// When an order is acknowledged [default: fsync].
    #[arg(long, value_enum)]
    durability: Option<Durability>,
    /// Configuration file (TOML); hoga.example.toml explains every key.
    #[arg(long, value_name = "FILE", env = "HOGA_CONFIG")]
    config: Option<PathBuf>,
    /// Print the configuration in force and exit.
    #[arg(long)]
    print_config: bool,
    /// Start although this checkpoint, and others behind it, disagree: the state that the journal gives is taken.
    #[arg(long, value_name = "SEQUENCE")]
    accept_divergence: Option<u64>,
    /// Serve /ws/echo, which sends every message back: for tests of the WebSocket protocol.
    #[arg(long, hide = true)]
    test_echo: bool,
    /// Start although authentication is off and other machines can connect: anybody there may trade for any account.
    #[arg(long)]
    insecure: bool,
}

#[derive(Debug, Args)]
struct FollowArgs {
    /// The data folder of the exchange.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Configuration file (TOML), the one of the exchange.
    #[arg(long, value_name = "FILE", env = "HOGA_CONFIG")]
    config: Option<PathBuf>,
    /// Pass over this checkpoint and others behind it that disagree.
    #[arg(long, value_name = "SEQUENCE")]
    accept_divergence: Option<u64>,
}

impl FollowArgs {
    fn config(&self) -> Result<Config, String> {
        let flags = data_dir_flag(self.data_dir.as_deref())?;
        let mut config = Config::load(self.config.as_deref(), std::env::vars(), flags)?;
        config.accept_divergence = self.accept_divergence;
        Ok(config)
    }
}

#[derive(Debug, Args)]
struct DoctorArgs {
    /// The data folder of the exchange; a few short writes are tried there, and nothing is left behind.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Configuration file (TOML), the one of the exchange.
    #[arg(long, value_name = "FILE", env = "HOGA_CONFIG")]
    config: Option<PathBuf>,
    /// A running hoga serve to be looked at for two seconds, too.
    #[arg(long, value_name = "PID")]
    pid: Option<u32>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl DoctorArgs {
    /// Whether nothing is broken.
    fn run(self) -> Result<bool, String> {
        let flags = data_dir_flag(self.data_dir.as_deref())?;
        doctor::run(&doctor::Options {
            config: Config::load(self.config.as_deref(), std::env::vars(), flags)?,
            named_data_dir: self.data_dir.is_some(),
            pid: self.pid,
            json: self.json,
        })
    }
}

#[derive(Debug, Subcommand)]
enum SnapshotMode {
    /// List the snapshots, the newest first.
    List {
        /// The data folder.
        dir: PathBuf,
        /// Print one JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Make one of the journal's end. While an exchange runs its own follower does that.
    Make {
        #[command(flatten)]
        place: FollowArgs,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Read everything and check every byte.
    Verify {
        /// The data folder.
        dir: PathBuf,
        /// Only the snapshot of this sequence.
        #[arg(long, value_name = "SEQUENCE")]
        sequence: Option<u64>,
        /// Print one JSON object per line.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
struct ReplayArgs {
    /// Folder of the journal.
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// Stop after this sequence.
    #[arg(long, value_name = "SEQUENCE")]
    until: Option<u64>,
    /// Begin with the newest snapshot and not with the first record.
    #[arg(long)]
    from_snapshot: bool,
    /// Pass over this checkpoint and others behind it that disagree.
    #[arg(long, value_name = "SEQUENCE")]
    accept_divergence: Option<u64>,
    /// Do not digest the events, which takes longer than to make them.
    #[arg(long)]
    no_events_digest: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum JournalMode {
    /// Read everything and check every byte that counts.
    Verify {
        /// The data folder, or the journal's own.
        dir: PathBuf,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Count segments, frames, records and bytes, and show how large the batches were.
    Stat {
        /// The data folder, or the journal's own.
        dir: PathBuf,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Print commands, one per line, in the order of the journal.
    Dump(DumpArgs),
    /// Move the segments that the two newest snapshots cover to another folder.
    Archive {
        /// The data folder.
        dir: PathBuf,
        /// Where they go; made if it is not there.
        #[arg(long, value_name = "FOLDER")]
        to: PathBuf,
        /// Only say which.
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Debug, Args)]
struct DumpArgs {
    /// The data folder, or the journal's own.
    dir: PathBuf,
    /// First sequence to print.
    #[arg(long, value_name = "SEQUENCE", default_value_t = 1)]
    from: u64,
    /// Last sequence to print.
    #[arg(long, value_name = "SEQUENCE")]
    until: Option<u64>,
    /// Only commands of this time or later: 2023-04-30T12:35:10.123Z, 2023-04-30, or milliseconds since 1970.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    since: Option<Nanos>,
    /// Only commands before this time.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    before: Option<Nanos>,
    /// Only commands of this account.
    #[arg(long, value_name = "NAME", value_parser = parse_account)]
    account: Option<AccountName>,
    /// Only this kind of command, such as NewOrder or Administer; may be given again for another.
    #[arg(long, value_name = "COMMAND", value_parser = parse_kind)]
    kind: Vec<&'static str>,
    /// Only what this operator did.
    #[arg(long, value_name = "NAME", value_parser = parse_operator)]
    by: Option<OperatorName>,
    /// Only commands that concern this order: its placing, replaces, cancels, and mass cancels that cover it.
    #[arg(long, value_name = "ORDER_ID")]
    order: Option<String>,
    /// One JSON object per line.
    #[arg(long)]
    json: bool,
    /// Comma-separated values (RFC 4180) with a header.
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

impl DumpArgs {
    fn run(self) -> Result<(), String> {
        let form = Form::chosen(self.json, self.csv);
        let selection = Selection {
            from: self.from,
            until: self.until,
            since: self.since,
            before: self.before,
            account: self.account,
            kinds: self.kind,
            by: self.by,
            order: self.order,
        };
        journal_dump::dump(&self.dir, &selection, form)
    }
}

impl ReplayArgs {
    fn run(self) -> Result<(), String> {
        let scope = replay::Scope {
            until: self.until,
            from_snapshot: self.from_snapshot,
            accept_divergence: self.accept_divergence,
            events: !self.no_events_digest && !self.from_snapshot,
            ..replay::Scope::default()
        };
        replay::run(&self.data_dir, &scope, self.json)
    }
}

#[derive(Debug, Args)]
struct LatencyArgs {
    /// The exchange's address.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:3030")]
    address: String,
    /// Look for so long, and show only that; without it and --every, all since the exchange began to serve is shown.
    #[arg(long = "for", value_name = "SECONDS", value_parser = parse_seconds)]
    lasting: Option<Duration>,
    /// Show each interval of this length, too; without --for, until Ctrl-C.
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    every: Option<Duration>,
    /// Write hoga.hlog (an interval log) and a .hgrm (percentiles) for each recorder into this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print one JSON object per line; times are in nanoseconds.
    #[arg(long)]
    json: bool,
}

impl LatencyArgs {
    fn run(self) -> Result<(), String> {
        latency_tool::run(&latency_tool::Options {
            address: self.address,
            lasting: self.lasting,
            every: self.every,
            out: self.out,
            json: self.json,
        })
    }
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds = text
        .parse()
        .ok()
        .filter(|seconds| (0.1..=86_400.0).contains(seconds));
    seconds
        .map(Duration::from_secs_f64)
        .ok_or_else(|| "must be a number of seconds from 0.1 to 86400".to_owned())
}

impl SnapshotMode {
    fn run(self) -> Result<(), String> {
        match self {
            SnapshotMode::List { dir, json } => snapshot_tools::list(&dir, json),
            SnapshotMode::Make { place, json } => snapshot_tools::make(&place.config()?, json),
            SnapshotMode::Verify { dir, sequence, json } => snapshot_tools::verify(&dir, sequence, json),
        }
    }
}

/// A data folder from the command line, as a configuration.
fn data_dir_flag(dir: Option<&Path>) -> Result<Table, String> {
    let mut flags = Table::new();
    if let Some(dir) = dir {
        let dir = dir.to_str().ok_or("--data-dir is not valid UTF-8")?;
        flags.insert("data_dir".into(), Value::String(dir.to_owned()));
    }
    Ok(flags)
}

fn parse_account(text: &str) -> Result<AccountName, String> {
    AccountName::new(text)
        .map_err(|_| "an account has 1 to 32 of the letters and digits of English and . _ - @ :".to_owned())
}

fn parse_operator(text: &str) -> Result<OperatorName, String> {
    OperatorName::new(text)
        .map_err(|_| "an operator has 1 to 32 of the letters and digits of English and . _ - @ :".to_owned())
}

/// Runs what the command line asks for. Failures are told on standard error and end in exit code 1, and so does a doctor
/// that finds something broken; a wrong command line ends in 2.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        None => run_serve(cli.serve),
        Some(Mode::Serve(args)) => run_serve(args),
        Some(Mode::Replay(args)) => args.run(),
        Some(Mode::Follow(args)) => args.config().and_then(|config| following::run(&config)),
        Some(Mode::Upgrade(args)) => args.config().and_then(|config| upgrade::run(&config)),
        Some(Mode::Snapshot(mode)) => mode.run(),
        Some(Mode::Keys(mode)) => mode.run(),
        Some(Mode::Admin(args)) => args.run(),
        Some(Mode::Audit(args)) => args.run(),
        Some(Mode::Latency(args)) => args.run(),
        Some(Mode::Doctor(args)) => match args.run() {
            Ok(false) => return ExitCode::FAILURE,
            told => told.map(drop),
        },
        Some(Mode::Journal(JournalMode::Verify { dir, json })) => journal_tools::verify(&dir, json),
        Some(Mode::Journal(JournalMode::Stat { dir, json })) => journal_tools::stat(&dir, json),
        Some(Mode::Journal(JournalMode::Dump(args))) => args.run(),
        Some(Mode::Journal(JournalMode::Archive { dir, to, dry_run })) => archive::run(&dir, &to, dry_run),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("hoga: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run_serve(args: ServeArgs) -> Result<(), String> {
    let mut flags = data_dir_flag(args.data_dir.as_deref())?;
    if let Some(listen) = args.listen {
        flags.insert("listen".into(), Value::String(listen.to_string()));
    }
    if let Some(durability) = args.durability {
        flags.insert(
            "durability".into(),
            Value::try_from(durability).map_err(|error| error.to_string())?,
        );
    }
    let mut config = Config::load(args.config.as_deref(), std::env::vars(), flags)?;
    config.accept_divergence = args.accept_divergence;
    config.test_echo = args.test_echo;
    config.insecure = args.insecure;
    if args.print_config {
        let mut shown = config;
        shown.limits.get_or_insert_default();
        shown.instruments.get_or_insert_with(crate::instruments::defaults);
        let text = toml::to_string(&shown).map_err(|error| error.to_string())?;
        return print(text.trim_end());
    }
    serve::run(&config)
}
