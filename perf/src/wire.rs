//! `wire`: what a lone order waits, from its socket to its own execution and its reply, for each durability, beside a
//! bare echo in the same run. One order is in flight at a time, so this is the walk itself and no queue before it.

mod echo;

mod host;

mod lone;

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::cli::{Durability, WireArgs};
use crate::environment::Environment;
use crate::failure::{Context, Failure, Outcome};
use crate::latency::{self, Latencies, Row};
use crate::orders::Trading;
use crate::progress::{Stop, bar};
use echo::{EchoClient, EchoServer};
use host::Host;
use lone::LoneTrader;

/// Pairs of rounds, the echo's and the exchange's, that the orders back to back are split into.
const PAIRS: u32 = 10;

#[derive(Serialize)]
struct Summary {
    environment: Environment,
    idle: &'static str,
    runs: Vec<Measured>,
}

/// One durability.
#[derive(Serialize)]
struct Measured {
    durability: String,
    exchange: String,
    rows: Vec<Row>,
    /// Median of own execution minus median of echo, for each pair of rounds, in nanoseconds, ascending.
    over_echo_ns: Vec<i64>,
    stopped: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// When an exchange cannot be started or reached, or answers out of place.
pub fn run(args: &WireArgs) -> Outcome<bool> {
    let stop = Stop::on_ctrl_c()?;
    let trading = Trading::new(&args.symbol, &args.price, &args.quantity)?;
    let environment = Environment::read();
    let idle = args.idle.name();
    println!(
        "{}idle     {idle} (echo and started exchanges); the measuring thread parks in epoll",
        environment.text()
    );
    let mut runs = Vec::new();
    match &args.address {
        Some(address) => runs.push(measure(
            args,
            address,
            "as the exchange was started",
            &trading,
            &stop,
        )?),
        None => {
            for &durability in &args.durability {
                if stop.is_set() {
                    break;
                }
                runs.push(measure_started(args, durability, &trading, &stop)?);
            }
        }
    }
    let summary = Summary {
        environment,
        idle,
        runs,
    };
    write_summary(args, &summary)?;
    Ok(!stop.is_set())
}

fn measure_started(
    args: &WireArgs,
    durability: Durability,
    trading: &Trading,
    stop: &Stop,
) -> Outcome<Measured> {
    let host = Host::start(args, durability)?;
    let mut measured = measure(args, &host.address, durability.name(), trading, stop)?;
    measured.exchange = host.banner.clone();
    let last = host.stop()?;
    println!("  {last}");
    measured.stopped = Some(last);
    Ok(measured)
}

fn measure(
    args: &WireArgs,
    address: &str,
    durability: &str,
    trading: &Trading,
    stop: &Stop,
) -> Outcome<Measured> {
    let mut trader = LoneTrader::connect(address, trading.clone())?;
    let server = EchoServer::start(args.idle)?;
    let mut echo = EchoClient::connect(&server, &trading.take(1_000))?;
    for _ in 0..args.warm_up {
        trader.trade()?;
        echo.turn()?;
    }
    let (mut rows, over_echo_ns) = back_to_back(args, &mut trader, &mut echo, stop)?;
    if args.paced > 0 {
        rows.extend(paced(args, &mut trader, &mut echo, stop)?);
    }
    let measured = Measured {
        durability: durability.to_owned(),
        exchange: format!("at {address}"),
        rows,
        over_echo_ns,
        stopped: None,
    };
    print!(
        "\ndurability {durability}, at {address}\n{}",
        latency::text(&measured.rows.iter().collect::<Vec<_>>())
    );
    if let (Some(least), Some(most)) = (measured.over_echo_ns.first(), measured.over_echo_ns.last()) {
        let micros = |nanos: i64| nanos as f64 / 1_000.0;
        let median = measured.over_echo_ns[measured.over_echo_ns.len() / 2];
        println!(
            "  own execution over echo, medians of {} pairs of rounds: {:.1} µs ({:.1} to {:.1}); indicative",
            measured.over_echo_ns.len(),
            micros(median),
            micros(*least),
            micros(*most)
        );
    }
    Ok(measured)
}

fn back_to_back(
    args: &WireArgs,
    trader: &mut LoneTrader,
    echo: &mut EchoClient,
    stop: &Stop,
) -> Outcome<(Vec<Row>, Vec<i64>)> {
    let mut all = [Latencies::new(), Latencies::new(), Latencies::new()];
    let mut over_echo = Vec::new();
    let progress = bar(u64::from(args.orders), "back to back");
    for pair in 0..PAIRS {
        if stop.is_set() {
            break;
        }
        let orders = args.orders / PAIRS + u32::from(pair < args.orders % PAIRS);
        let mut round = [Latencies::new(), Latencies::new(), Latencies::new()];
        for half in 0..2 {
            // Who goes first alternates, so that a drift of the machine favours neither.
            if (pair + half) % 2 == 0 {
                for _ in 0..orders {
                    round[0].add(echo.turn()?);
                }
            } else {
                for _ in 0..orders {
                    let times = trader.trade()?;
                    round[1].add(times.execution);
                    round[2].add(times.reply);
                }
            }
        }
        over_echo.push(round[1].median() as i64 - round[0].median() as i64);
        for (all, round) in all.iter_mut().zip(&round) {
            all.merge(round);
        }
        progress.inc(u64::from(orders));
    }
    progress.finish_and_clear();
    over_echo.sort_unstable();
    Ok((rows(&all, "back to back"), over_echo))
}

/// One order each period, and one echo halfway between: each finds everything asleep.
fn paced(args: &WireArgs, trader: &mut LoneTrader, echo: &mut EchoClient, stop: &Stop) -> Outcome<Vec<Row>> {
    let mut all = [Latencies::new(), Latencies::new(), Latencies::new()];
    let progress = bar(u64::from(args.paced), "paced");
    let begin = Instant::now();
    let sleep_until = |due: Duration| std::thread::sleep(due.saturating_sub(begin.elapsed()));
    for number in 0..args.paced {
        if stop.is_set() {
            break;
        }
        sleep_until(args.every * number);
        let times = trader.trade()?;
        all[1].add(times.execution);
        all[2].add(times.reply);
        sleep_until(args.every * number + args.every / 2);
        all[0].add(echo.turn()?);
        progress.inc(1);
    }
    progress.finish_and_clear();
    Ok(rows(&all, &format!("one per {} ms", args.every.as_millis())))
}

fn rows(all: &[Latencies; 3], how: &str) -> Vec<Row> {
    let names = [
        "echo of the same bytes",
        "order to own execution",
        "order to reply",
    ];
    names
        .iter()
        .zip(all)
        .map(|(name, all)| all.row(&format!("{name}, {how}")))
        .collect()
}

fn write_summary(args: &WireArgs, summary: &Summary) -> Outcome<()> {
    let Some(folder) = &args.out else { return Ok(()) };
    let path = folder.join("summary.json");
    let what = || format!("cannot write {}", path.display());
    std::fs::create_dir_all(folder).context(what)?;
    let json = serde_json::to_vec_pretty(summary).map_err(|error| Failure::new(error.to_string()))?;
    std::fs::write(&path, json).context(what)?;
    println!("wrote {}", path.display());
    Ok(())
}
