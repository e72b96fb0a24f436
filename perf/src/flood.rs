//! `flood`: addresses that send many times what they may, beside a client that behaves. All that the client asks must be
//! answered as if it were alone, and a command must cost the matcher what it costs it otherwise.

pub mod client;

mod flooder;

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use crate::cli::{Durability, FloodArgs, HostArgs};
use crate::environment::Environment;
use crate::failure::{Failure, Outcome};
use crate::host::Host;
use crate::placing;
use crate::progress::Stop;
use crate::results::{Measured, Results};
use crate::scrape::{Metrics, STALLS};
use crate::threads::Threads;
use flooder::{Flooded, Flooder};

/// What is traded.
const SYMBOL: &str = "BTC-KRW";
/// What an address may send a second, of each kind.
const QUOTA: u32 = 300;
/// The matcher's thread, and the one that it shares with the journaler.
const MATCHERS: [&str; 2] = ["hoga-matcher", "hoga-core"];

/// Runs the command; `Ok(false)` when the client that behaves was not answered whole, a flood was not held back, the matcher had to
/// wait for the gateway, or it was cut short.
///
/// # Errors
/// When the exchange cannot be started, or ends a connection.
pub fn run(args: &FloodArgs) -> Outcome<bool> {
    let stop = Stop::on_ctrl_c()?;
    let environment = Environment::read();
    print!("{}", environment.text());
    let host = start(args)?;
    let names = ["hoga-core", "hoga-journaler", "hoga-matcher", "hoga-gateway"];
    let threads = placing::threads(Some(host.pid()), &names);
    let setup = vec![
        ("exchange", host.banner.clone()),
        ("pinning", placing::text(&threads)),
    ];
    let (mut rows, mut notes, mut is_sound) = (Vec::new(), Vec::new(), true);
    for round in 1..=args.rounds {
        for times in [0, 1, args.times] {
            if stop.is_set() {
                break;
            }
            let row = measure(args, &host, times, &format!("{}/{round}", name(times)))?;
            for fault in &row.1 {
                notes.push(format!("{}: {fault}", row.0.name));
            }
            is_sound &= row.1.is_empty();
            rows.push(row.0);
        }
    }
    host.stop()?;
    notes.extend(matcher_notes(&rows, args.times));
    let results = Results {
        bench: "flood",
        environment,
        setup,
        rows,
        notes,
        stopped: stop.is_set(),
    };
    println!("\n{}", table(&results.rows));
    for note in &results.notes {
        println!("{note}");
    }
    let folder = results.write(args.out.as_deref())?;
    print!("{}", results.farewell(&folder));
    println!("{}", if is_sound { "PASS" } else { "FAIL" });
    Ok(is_sound && !results.stopped)
}

fn start(args: &FloodArgs) -> Outcome<Host> {
    let host_args = HostArgs {
        hoga: args.hoga.clone(),
        data_dir: args.data_dir.clone(),
        idle: args.idle,
        layout: args.layout,
        cores: Vec::new(),
    };
    let quota = QUOTA.to_string();
    let settings = ["ORDERS", "CANCELS", "QUERIES"].map(|kind| format!("QUOTAS__{kind}_PER_ADDRESS"));
    let mut settings: Vec<_> = settings.iter().map(|key| (key.as_str(), quota.clone())).collect();
    settings.push(("GATEWAY__LIMIT_LOOPBACK", "true".to_owned()));
    Host::start(&host_args, Durability::PageCache, &settings)
}

fn name(times: u32) -> String {
    match times {
        0 => "alone".to_owned(),
        1 => "at-the-quota".to_owned(),
        times => format!("{times}-times-the-quota"),
    }
}

/// One row, and what is wrong with it.
fn measure(args: &FloodArgs, host: &Host, times: u32, name: &str) -> Outcome<(Measured, Vec<String>)> {
    let length = Duration::from_secs(u64::from(args.seconds));
    let addresses = if times == 0 { 0 } else { args.addresses };
    let flooders =
        (1..=addresses).map(|number| Flooder::connect(Ipv4Addr::new(127, 0, 1, number), &host.address));
    let flooders = flooders.collect::<Outcome<Vec<_>>>()?;
    let look = || (Metrics::read(&host.address), Threads::of_process(host.pid()));
    let (before, threads_before) = look();
    let begin = Instant::now();
    let (seen, flooded) = std::thread::scope(|scope| {
        let running: Vec<_> = flooders
            .into_iter()
            .map(|flooder| scope.spawn(move || flooder.run(times, begin + length)))
            .collect();
        let seen = client::run(&host.address, length);
        let mut all = Flooded::default();
        for flooder in running {
            let one = flooder.join().map_err(|_| Failure::new("a flooder died"))??;
            all.sent += one.sent;
            all.answered += one.answered;
            all.refused += one.refused;
        }
        Ok((seen?, all))
    })?;
    let took = begin.elapsed();
    let (after, threads_after) = look();
    let stalls = after.since(&before, STALLS);
    let mut faults = Vec::new();
    if seen.right != seen.asked {
        let first = seen.wrong.as_deref().unwrap_or("an answer is missing");
        faults.push(format!(
            "{} of {} requests were answered as they should be; {first}",
            seen.right, seen.asked
        ));
    }
    if stalls.is_some_and(|stalls| stalls > 0.0) {
        faults.push("the matcher had to wait for the gateway".to_owned());
    }
    if times > 1 && flooded.refused == 0 {
        faults.push("nothing of the flood was refused".to_owned());
    }
    let mut row = Measured::new(name, seen.orders);
    row.beside.push(("cancels", seen.cancels));
    row.figure("asked", seen.asked as f64);
    row.figure("answered_right", seen.right as f64);
    row.figure("flood_per_s", flooded.sent as f64 / took.as_secs_f64());
    row.figure("flood_refused", flooded.refused as f64);
    row.figure("output_full_stalls", stalls.unwrap_or(f64::NAN));
    let commands = after.since(&before, "hoga_commands_total").unwrap_or(0.0);
    row.figure("commands", commands);
    let ran = |name: &str| Some((threads_after.ran(name)? - threads_before.ran(name)?) as f64);
    for (thread, nanos) in MATCHERS
        .into_iter()
        .filter_map(|thread| Some((thread, ran(thread)?)))
    {
        row.figure("matcher_cpu_ns_per_command", nanos / commands.max(1.0));
        row.facts.insert("matcher_thread".to_owned(), thread.to_owned());
    }
    if let Some(nanos) = ran("hoga-gateway") {
        row.figure(
            "gateway_cpu_ns_per_request",
            nanos / (seen.asked + flooded.sent).max(1) as f64,
        );
    }
    Ok((row, faults))
}

/// What a command cost the matcher beside a flood and beside as many commands without one.
fn matcher_notes(rows: &[Measured], times: u32) -> Option<String> {
    let median = |times: u32| {
        let prefix = format!("{}/", name(times));
        let mut costs: Vec<f64> = rows
            .iter()
            .filter(|row| row.name.starts_with(&prefix))
            .filter_map(|row| row.figures.get("matcher_cpu_ns_per_command").copied())
            .collect();
        costs.sort_by(f64::total_cmp);
        costs.get(costs.len() / 2).copied()
    };
    let (at, above) = (median(1)?, median(times)?);
    Some(format!(
        "a command costs the matcher's thread {above:.0} ns of processor time beside a flood of {times} times the quota, {at:.0} ns where \
         the same addresses send what they may (medians)"
    ))
}

/// Every row as text.
fn table(rows: &[Measured]) -> String {
    let mut text = format!(
        "{:<24}{:>8}{:>8}{:>12}{:>12}{:>12}{:>12}{:>12}{:>12}{:>8}\n",
        "row", "asked", "right", "p50 us", "p99 us", "max us", "flood/s", "refused", "matcher ns", "stalls"
    );
    for row in rows {
        let figure = |name: &str| row.figures.get(name).copied().unwrap_or(f64::NAN);
        let whole = row.latency.as_ref().map(|latency| latency.whole());
        let micros = |at: f64| {
            whole
                .as_ref()
                .map_or(f64::NAN, |whole| whole.value_at_quantile(at) as f64 / 1e3)
        };
        let _ = writeln!(
            text,
            "{:<24}{:>8}{:>8}{:>12.0}{:>12.0}{:>12.0}{:>12.0}{:>12}{:>12.0}{:>8}",
            row.name,
            figure("asked"),
            figure("answered_right"),
            micros(0.5),
            micros(0.99),
            micros(1.0),
            figure("flood_per_s"),
            figure("flood_refused"),
            figure("matcher_cpu_ns_per_command"),
            figure("output_full_stalls"),
        );
    }
    text
}
