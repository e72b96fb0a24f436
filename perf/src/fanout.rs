//! `fanout`: executions to many subscribers. How many deliveries a second the exchange makes is held against a plain writer of
//! the same bytes in the same run, and it is checked that everybody got everything once and in order.

mod trader;

mod bench;

mod moment;

mod floor;

mod silent;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::cli::{FanoutArgs, FloorArgs, Pace, StreamFormat};
use crate::client::Offer;
use crate::environment::Environment;
use crate::failure::Outcome;
use crate::files;
use crate::host::{Host, connections};
use crate::orders::Trading;
use crate::placing;
use crate::progress::Stop;
use crate::results::{Measured, Results};
use bench::{Bench, Subject};
use floor::{Floor, Speed};

/// Trades a second beside silent subscribers, unless told.
const SILENT_RATE: u32 = 100;

/// The plain writer.
///
/// # Errors
/// When its sockets fail.
pub fn run_floor(args: &FloorArgs) -> Outcome<bool> {
    floor::run(args)
}

/// Runs the command; `Ok(false)` when it was cut short, or a subscriber did not get everything once and in order.
///
/// # Errors
/// When an exchange cannot be started or reached, or refuses the orders.
pub fn run(args: &FanoutArgs) -> Outcome<bool> {
    let stop = Stop::on_ctrl_c()?;
    let trading = Trading::new(&args.symbol, &args.price, &args.quantity)?;
    let most = args.subscribers.iter().copied().max().unwrap_or(0);
    files::raise_limit(u64::from(most))?;
    let environment = Environment::read();
    print!("{}", environment.text());
    let mut fanout = Fanout {
        args,
        trading,
        stop,
        rows: Vec::new(),
        notes: Vec::new(),
        setup: Vec::new(),
        is_exact: true,
    };
    for &subscribers in &args.subscribers {
        let formats = match args.silent {
            0 => &args.format[..],
            _ => &[StreamFormat::Json],
        };
        for &format in formats {
            if !fanout.stop.is_set() {
                fanout.group(subscribers, format)?;
            }
        }
    }
    if args.silent > 0 {
        return Ok(fanout.is_exact);
    }
    let results = Results {
        bench: "fanout",
        environment,
        setup: fanout.setup,
        rows: fanout.rows,
        notes: fanout.notes,
        stopped: fanout.stop.is_set(),
    };
    println!("\n{}", table(&results.rows));
    for note in &results.notes {
        println!("{note}");
    }
    let folder = results.write(args.out.as_deref())?;
    print!("{}", results.farewell(&folder));
    Ok(fanout.is_exact && !results.stopped)
}

struct Fanout<'a> {
    args: &'a FanoutArgs,
    trading: Trading,
    stop: Stop,
    rows: Vec<Measured>,
    notes: Vec<String>,
    setup: Vec<(&'static str, String)>,
    is_exact: bool,
}

impl Fanout<'_> {
    /// All rows of so many subscribers with one format, with an exchange of their own unless one was named.
    fn group(&mut self, subscribers: u32, format: StreamFormat) -> Outcome<()> {
        let args = self.args;
        let host = match args.address {
            Some(_) => None,
            None => {
                let settings = [connections(subscribers)];
                Some(Host::start(&args.host, args.durability, &settings)?)
            }
        };
        let (address, pid) = match (&host, &args.address) {
            (Some(host), _) => (host.address.clone(), Some(host.pid())),
            (None, address) => (address.clone().unwrap_or_default(), args.pid),
        };
        if let (Some(host), true) = (&host, self.setup.is_empty()) {
            self.setup.push(("exchange", host.banner.clone()));
            let threads = placing::threads(
                pid,
                &["hoga-core", "hoga-journaler", "hoga-matcher", "hoga-gateway"],
            );
            self.setup.push(("pinning", placing::text(&threads)));
        }
        if args.silent > 0 {
            println!("\n{subscribers} subscribers, {} of them silent", args.silent);
            let rate = args.rate.iter().find_map(|&pace| match pace {
                Pace::PerSecond(rate) => Some(rate),
                _ => None,
            });
            let rate = rate.unwrap_or(SILENT_RATE);
            self.is_exact &= silent::run(args, &address, subscribers, rate, &self.stop)?;
        } else {
            self.measure(&address, pid, subscribers, format)?;
        }
        if let Some(host) = host {
            let last = host.stop()?;
            println!("  {last}");
        }
        Ok(())
    }

    fn measure(
        &mut self,
        address: &str,
        pid: Option<u32>,
        subscribers: u32,
        format: StreamFormat,
    ) -> Outcome<()> {
        let offer = Offer {
            format,
            deflate: self.args.deflate,
        };
        let deflate = if offer.deflate { "-deflate" } else { "" };
        let name = format!("{}{deflate}/{subscribers}", format.name());
        println!("\n{name}");
        let subject = Subject { address, pid };
        let bench = Bench::new(self.args, subject, &self.trading, &name, self.stop.clone());
        let mut group = bench.run(subscribers, offer)?;
        for note in group.notes.drain(..) {
            println!("  {note}");
            self.notes.push(format!("{name}: {note}"));
        }
        self.is_exact &= group.is_exact;
        if !self.stop.is_set() && group.frame_bytes > 0 {
            self.floors(&name, subscribers, &mut group.rows, group.frame_bytes)?;
        }
        self.rows.append(&mut group.rows);
        Ok(())
    }

    /// The plain writer at one message a write and at each burst's, and at what each row of the exchange put into a write.
    fn floors(
        &mut self,
        name: &str,
        subscribers: u32,
        rows: &mut Vec<Measured>,
        frame_bytes: usize,
    ) -> Outcome<()> {
        let (seconds, stop) = (self.args.seconds, self.stop.clone());
        let mut floor = Floor::start(subscribers, frame_bytes)?;
        let bursts = self.args.burst.iter().copied().filter(|&burst| burst > 0);
        let most = bursts.clone().max().unwrap_or(1);
        let mut known: BTreeMap<(u32, u32), Speed> = BTreeMap::new();
        let mut at = |messages: u32, per_write: u32| -> Outcome<Speed> {
            if let Some(&known) = known.get(&(messages, per_write)) {
                return Ok(known);
            }
            let rate = floor.measure(messages, per_write, seconds, &stop)?;
            known.insert((messages, per_write), rate);
            Ok(rate)
        };
        for row in rows.iter_mut() {
            let Some(own) = row.figures.get("deliveries_per_s").copied() else {
                continue;
            };
            let burst = row.figures.get("burst").map(|&burst| burst as u32);
            let coalesced = row.figures.get("messages_per_write").copied();
            let (messages, per_write) = match (burst, coalesced) {
                (Some(burst), Some(mean)) => (burst, (mean.round() as u32).clamp(1, burst)),
                (Some(burst), None) => (burst, burst),
                (None, Some(mean)) => {
                    let per_write = (mean.round() as u32).clamp(1, 4_096);
                    (per_write * (most / per_write).max(1), per_write)
                }
                (None, None) => continue,
            };
            let floor = at(messages, per_write)?;
            floor.tell(row);
            row.figure("floor_messages_per_write", f64::from(per_write));
            row.figure("share_of_floor", own / floor.per_second);
        }
        for per_write in [1].into_iter().chain(bursts) {
            let mut row = Measured::counted(format!("{name}/floor-{per_write}"));
            at(most.max(per_write), per_write)?.tell(&mut row);
            row.figure("floor_messages_per_write", f64::from(per_write));
            rows.retain(|other| other.name != row.name);
            rows.push(row);
        }
        Ok(())
    }
}

/// Every row as text.
fn table(rows: &[Measured]) -> String {
    const COLUMNS: [(&str, &str, usize); 11] = [
        ("deliveries/s", "deliveries_per_s", 0),
        ("floor/s", "floor_deliveries_per_s", 0),
        ("of floor", "share_of_floor", 2),
        ("a write", "messages_per_write", 1),
        ("bytes", "bytes_per_delivery", 1),
        ("gateway ns", "gateway_cpu_ns_per_delivery", 0),
        ("floor ns", "floor_cpu_ns_per_delivery", 0),
        ("reader %", "reader_busy_percent", 0),
        ("matcher ns", "matcher_cpu_ns_per_command", 0),
        ("idle bytes", "idle_client_bytes", 0),
        ("stalls", "output_full_stalls", 0),
    ];
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0).max(4);
    let mut text = format!("{:<width$}", "row");
    for (heading, ..) in COLUMNS {
        let _ = write!(text, "{heading:>14}");
    }
    text.push('\n');
    for row in rows {
        let _ = write!(text, "{:<width$}", row.name);
        for (_, figure, digits) in COLUMNS {
            let value = row.figures.get(figure);
            let value = value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"));
            let _ = write!(text, "{value:>14}");
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_was_not_measured_is_not_shown_as_zero() {
        let mut row = Measured::counted("json/100/burst-2");
        row.figure("deliveries_per_s", 1_234_567.4);
        row.figure("share_of_floor", 0.876);
        row.figure("output_full_stalls", 0.0);
        let text = table(&[row]);
        let line = text.lines().nth(1).expect("a row");
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(
            words,
            [
                "json/100/burst-2",
                "1234567",
                "-",
                "0.88",
                "-",
                "-",
                "-",
                "-",
                "-",
                "-",
                "-",
                "0"
            ]
        );
        assert_eq!(text.lines().next().map(str::len), Some(line.len()));
    }
}
