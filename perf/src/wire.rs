//! `wire`: real sockets against an exchange, from sending an order to its own execution and its reply, for each durability.
//! One order in flight back to back, one per period, and loaded in open loop are rows of their own.

mod closed;

mod echo;

mod lone;

mod loaded;

mod session;

use std::time::Duration;

use hoga::cores;

use crate::cli::{Durability, WireArgs};
use crate::environment::Environment;
use crate::failure::Outcome;
use crate::files;
use crate::folder::Folder;
use crate::host::{Host, connections};
use crate::orders::Trading;
use crate::placing;
use crate::progress::Stop;
use crate::raw_disk::RawDisk;
use crate::recording::Recording;
use crate::results::{Measured, Quantiles, Results, table};
use echo::{EchoClient, EchoServer};
use loaded::Load;
use lone::LoneTrader;

/// Back to back an order in the page cache is meant to take at most so many times what the echo takes; with a sync, that
/// and what the disk takes.
const CLAIM: f64 = 3.0;
/// Raw writes whose median is the disk's own figure.
const RAW_WRITES: u64 = 500;
/// What each writes: the frame of a lone command.
const RAW_BYTES: u64 = 512;

struct Wire<'a> {
    args: &'a WireArgs,
    trading: Trading,
    stop: Stop,
    rows: Vec<Measured>,
    notes: Vec<String>,
    setup: Vec<(&'static str, String)>,
}

/// Runs the command; `Ok(false)` when it was cut short.
///
/// # Errors
/// When an exchange cannot be started or reached, or answers out of place.
pub fn run(args: &WireArgs) -> Outcome<bool> {
    let stop = Stop::on_ctrl_c()?;
    files::raise_limit(u64::from(most(args)))?;
    let trading = Trading::new(&args.symbol, &args.price, &args.quantity)?;
    cores::pin(args.client_core);
    let environment = Environment::read();
    print!("{}", environment.text());
    let mut wire = Wire {
        args,
        trading,
        stop,
        rows: Vec::new(),
        notes: Vec::new(),
        setup: vec![
            (
                "idle",
                format!("{} (echo and started exchanges)", args.host.idle.name()),
            ),
            (
                "client",
                format!(
                    "waits by {}; in open loop it never sleeps",
                    args.client_idle.name()
                ),
            ),
            (
                "load",
                format!(
                    "{} sessions by {}, {} subscribers",
                    args.sessions,
                    args.via.name(),
                    args.subscribers
                        .iter()
                        .map(u32::to_string)
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            ),
        ],
    };
    wire.setup
        .extend(placing::own("client").map(|own| ("client's core", placing::text(&[own]))));
    match &args.address {
        Some(address) => wire.measure(address, "as started", None)?,
        None => {
            for &durability in &args.durability {
                if wire.stop.is_set() {
                    break;
                }
                wire.measure_started(durability)?;
            }
        }
    }
    let results = Results {
        bench: "wire",
        environment,
        setup: wire.setup,
        rows: wire.rows,
        notes: wire.notes,
        stopped: wire.stop.is_set(),
    };
    let folder = results.write(args.out.as_deref())?;
    print!("{}", results.farewell(&folder));
    Ok(!results.stopped)
}

/// The most subscribers of a row.
fn most(args: &WireArgs) -> u32 {
    args.subscribers.iter().copied().max().unwrap_or(0)
}

impl Wire<'_> {
    fn measure_started(&mut self, durability: Durability) -> Outcome<()> {
        let host = Host::start(&self.args.host, durability, &[connections(most(self.args))])?;
        let placed = placing::threads(
            Some(host.pid()),
            &["hoga-core", "hoga-journaler", "hoga-matcher", "hoga-gateway"],
        );
        if self.rows.is_empty() {
            self.setup.push(("exchange", host.banner.clone()));
            self.setup.push(("pinning", placing::text(&placed)));
        }
        println!("\n{}: {}", durability.name(), placing::text(&placed));
        let disk = match durability {
            Durability::Fsync => Some(self.disk()?),
            _ => None,
        };
        self.measure(&host.address, durability.name(), disk)?;
        let last = host.stop()?;
        println!("  {last}");
        self.notes.push(format!("{}: {last}", durability.name()));
        Ok(())
    }

    /// The median of a bare write and sync where the journals lie.
    fn disk(&self) -> Outcome<Quantiles> {
        let parent = self.args.host.data_dir.clone().unwrap_or_else(std::env::temp_dir);
        let folder = Folder::within(&parent)?;
        folder.must_be_a_disk()?;
        let mut raw = RawDisk::make(folder.path(), RAW_BYTES, RAW_WRITES)?;
        let mut recording = Recording::new(Duration::ZERO);
        for took in raw.writes_on(self.args.host.cores.first().copied(), RAW_WRITES)? {
            recording.add(Duration::ZERO, took);
        }
        Ok(Quantiles::of(&recording))
    }

    fn measure(&mut self, address: &str, durability: &str, disk: Option<Quantiles>) -> Outcome<()> {
        let (args, stop) = (self.args, self.stop.clone());
        let mut trader = LoneTrader::connect(address, self.trading.clone(), args.client_idle)?;
        let server = EchoServer::start(args.host.idle)?;
        let mut echo = EchoClient::connect(&server, &self.trading.take(1_000), args.client_idle)?;
        let name = format!("{durability}/back-to-back");
        let row = closed::back_to_back(args, name, &mut trader, &mut echo, &stop)?;
        self.judge(&row, durability, disk);
        self.tell(row);
        if args.paced > 0 {
            let name = format!("{durability}/one-per-{}-ms", args.every.as_millis());
            let row = closed::paced(args, name, &mut trader, &mut echo, &stop)?;
            self.tell(row);
        }
        drop((trader, echo, server));
        for &rate in args.rate.iter().filter(|_| args.seconds > 0) {
            for &subscribers in &args.subscribers {
                if stop.is_set() {
                    break;
                }
                let load = Load { rate, subscribers };
                let row = loaded::run(args, address, &self.trading, durability, load, &stop)?;
                self.tell(row);
            }
        }
        Ok(())
    }

    /// Holds the median back to back against the echo's and the disk's.
    fn judge(&mut self, row: &Measured, durability: &str, disk: Option<Quantiles>) {
        let echo = row.beside.iter().find(|(name, _)| *name == "echo");
        let Some(echo) = echo.map(|(_, recording)| Quantiles::of(recording)) else {
            return;
        };
        let micros = |nanos: f64| nanos / 1_000.0;
        let (own, echo) = (micros(row.quantiles().p50()), micros(echo.p50()));
        let disk = disk.map(|disk| micros(disk.p50()));
        let bound = CLAIM * echo + disk.unwrap_or_default();
        let and_disk = disk.map_or(String::new(), |disk| format!(" and the disk's {disk:.1} µs"));
        let verdict = if own <= bound {
            "it holds"
        } else {
            "it does NOT hold"
        };
        self.notes.push(format!(
            "{durability}, back to back: p50 {own:.1} µs is {:.1} times the echo's {echo:.1} µs; meant to be at most {CLAIM} \
             times that{and_disk}, {bound:.1} µs: {verdict}",
            own / echo.max(0.001)
        ));
    }

    fn tell(&mut self, row: Measured) {
        let mut rows = vec![("order to own execution".to_owned(), row.quantiles())];
        let beside = row.beside.iter();
        rows.extend(beside.map(|(name, recording)| ((*name).to_owned(), Quantiles::of(recording))));
        let rate = match (row.asked_per_s, row.reached_per_s) {
            (Some(asked), Some(reached)) => format!(", {asked:.0}/s asked, {reached:.0}/s reached"),
            _ => String::new(),
        };
        println!("\n{}{rate}\n{}", row.name, table(&rows));
        if let Some(note) = self.notes.last().filter(|_| row.name.ends_with("back-to-back")) {
            println!("  {note}");
        }
        self.rows.push(row);
    }
}
