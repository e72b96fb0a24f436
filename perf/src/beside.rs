//! `beside`: the worst that clients may do to others. A client that behaves and a market maker trade alone and beside an
//! attack, in turns; what the attack adds to their latency is told, and judged, and no fill may be lost.

mod attacks;

mod client;

mod crowd;

mod maker;

use std::time::{Duration, Instant};

use hoga::metrics::latency::Latencies;
use hoga::priority;

use crate::cli::{BesideArgs, HostArgs};
use crate::client::get;
use crate::environment::Environment;
use crate::failure::{Context, Failure, Outcome};
use crate::host::Host;
use crate::placing;
use crate::progress::Stop;
use crate::results::{Measured, Results};
use crate::scrape::{Metrics, SLOW, STALLS};
use attacks::{ATTACKS, Attack, Venue};
use crowd::{Crowd, Sent, Source};

/// What is traded.
const SYMBOL: &str = "BTC-KRW";
/// How many times the p99 may be what it is alone (the median of all pairs), and the most that it may be.
const MOST_RATIO: f64 = 3.0;
const MOST_P99_NANOS: f64 = 20e6;
/// What is left to the exchange before a round that follows on filling or an attack, if rounds are as long.
const CALM: Duration = Duration::from_secs(2);
/// Counters of the exchange that are told of each round beside an attack.
const COUNTERS: [(&str, &str); 6] = [
    ("output_full_stalls", STALLS),
    ("room_wait_s", "hoga_output_room_wait_seconds_sum"),
    ("room_waits", "hoga_output_room_wait_seconds_count"),
    ("slow_consumer_closes", SLOW),
    ("address_limited", "hoga_gateway_address_limited_total"),
    ("commands", "hoga_commands_total"),
];

/// Runs the command; `Ok(false)` when an attack was felt, or it was cut short.
///
/// # Errors
/// When an exchange cannot be started or filled.
pub fn run(args: &BesideArgs) -> Outcome<bool> {
    let stop = Stop::on_ctrl_c()?;
    let environment = Environment::read();
    print!("{}", environment.text());
    let chosen = |attack: &&Attack| args.only.is_empty() || args.only.iter().any(|name| name == attack.name);
    let attacks: Vec<&Attack> = ATTACKS.iter().filter(chosen).collect();
    if attacks.is_empty() {
        let names: Vec<_> = ATTACKS.iter().map(|attack| attack.name).collect();
        return Err(Failure::new(format!(
            "--only names no attack; there are {}",
            names.join(", ")
        )));
    }
    let (mut rows, mut notes, mut setup, mut is_sound) = (Vec::new(), Vec::new(), Vec::new(), true);
    for attack in attacks {
        if stop.is_set() {
            break;
        }
        println!("\n{}: {}", attack.name, attack.about);
        let host = start(args)?;
        let threads = placing::threads(Some(host.pid()), &["hoga-core", "hoga-matcher", "hoga-gateway"]);
        setup = vec![
            ("exchange", host.banner.clone()),
            ("pinning", placing::text(&threads)),
        ];
        let (pairs, mut faults) = rounds(args, attack, &host.address, &stop)?;
        faults.extend(judged(&pairs));
        let verdict = if faults.is_empty() { "PASS" } else { "FAIL" };
        let note = format!(
            "{}: {verdict}; {}{}",
            attack.name,
            summary(&pairs),
            longest_wait(&host.address)
        );
        println!("{note}");
        notes.push(note);
        for fault in &faults {
            println!("  {fault}");
            notes.push(format!("{}: {fault}", attack.name));
        }
        is_sound &= faults.is_empty();
        rows.extend(pairs);
        host.stop()?;
    }
    let results = Results {
        bench: "beside",
        environment,
        setup,
        rows,
        notes,
        stopped: stop.is_set(),
    };
    let folder = results.write(args.out.as_deref())?;
    print!("{}", results.farewell(&folder));
    println!("{}", if is_sound { "PASS" } else { "FAIL" });
    Ok(is_sound && !results.stopped)
}

fn start(args: &BesideArgs) -> Outcome<Host> {
    let host = HostArgs {
        hoga: args.hoga.clone(),
        data_dir: args.data_dir.clone(),
        idle: args.idle,
        layout: args.layout,
        cores: Vec::new(),
    };
    // The venue is not filled a second time, so nothing is to be read at a next start.
    let settings = [
        ("LIMITS__MAX_TOUCHED_ORDERS", args.touched.to_string()),
        ("GATEWAY__LIMIT_LOOPBACK", "true".to_owned()),
        ("FOLLOWER__SNAPSHOT_AT_STOP", "false".to_owned()),
    ];
    Host::start(&host, args.durability, &settings)
}

/// Pairs of rounds, alone and beside the attack: a row for each pair, and what went wrong.
fn rounds(
    args: &BesideArgs,
    attack: &Attack,
    address: &str,
    stop: &Stop,
) -> Outcome<(Vec<Measured>, Vec<String>)> {
    let venue = Venue {
        address,
        scale: u64::from(args.scale),
        touched: u64::from(args.touched),
    };
    let length = Duration::from_secs(u64::from(args.seconds));
    (attack.first)(&venue).context(|| format!("{}: before it", attack.name))?;
    let (mut rows, mut faults) = (Vec::new(), Vec::new());
    println!(
        "{:<6}{:>30}{:>30}{:>8}{:>10}{:>9}{:>9}{:>8}{:>11}{:>8}",
        "pair",
        "alone p50/p99/max us",
        "beside p50/p99/max us",
        "ratio",
        "sent",
        "limited",
        "cpu ms",
        "stalls",
        "waited ms",
        "closes"
    );
    for pair in 1..=args.pairs {
        if stop.is_set() {
            break;
        }
        (attack.again)(&venue).context(|| format!("{}: before pair {pair}", attack.name))?;
        let mut row = Measured::counted(format!("{}/{pair}", attack.name));
        std::thread::sleep(CALM.min(length));
        // Neither kind of round is always the first behind what was put back.
        if pair % 2 == 1 {
            round(&venue, length, None, "alone", &mut row, &mut faults);
        }
        let before = Metrics::read(address);
        let sent = round(&venue, length, Some(attack), "beside", &mut row, &mut faults);
        let after = Metrics::read(address);
        if pair % 2 == 0 {
            std::thread::sleep(CALM.min(length));
            round(&venue, length, None, "alone", &mut row, &mut faults);
        }
        for (name, counter) in COUNTERS {
            row.figure(name, after.since(&before, counter).unwrap_or(f64::NAN));
        }
        row.figure("attack_requests", sent.requests as f64);
        row.figure("attack_connections_ended", sent.ended as f64);
        row.figure(
            "attack_cpu_ms",
            sent.nanos.map_or(f64::NAN, |nanos| nanos as f64 / 1e6),
        );
        row.figure(
            "ratio_p99",
            figure(&row, "beside_p99_ns") / figure(&row, "alone_p99_ns"),
        );
        if let Err(failure) = (attack.check)(&venue) {
            faults.push(failure.to_string());
        }
        print_row(pair, &row);
        rows.push(row);
    }
    Ok((rows, faults))
}

/// One round: the client and the market maker, and what attacks them.
fn round(
    venue: &Venue<'_>,
    length: Duration,
    attack: Option<&Attack>,
    name: &str,
    row: &mut Measured,
    faults: &mut Vec<String>,
) -> Sent {
    let (address, until) = (venue.address, Instant::now() + length);
    let (client, maker, sent) = std::thread::scope(|scope| {
        let maker = scope.spawn(move || {
            // In the world it has a machine of its own, and takes no core from the exchange.
            priority::go_last();
            maker::run(address, until)
        });
        let crowd = scope.spawn(move || {
            let attack = attack?;
            priority::go_last();
            let crowd = Crowd::connect(Source {
                address,
                addresses: attack.addresses,
                network: 2,
                account: "holder",
                accounts: attack.accounts,
                slow: attack.slow,
            });
            Some(
                crowd.map(|crowd| crowd.press(attack.rate, until, &|number| (attack.request)(venue, number))),
            )
        });
        let client = scope.spawn(move || {
            go_first();
            client::run(address, length)
        });
        let client = client
            .join()
            .unwrap_or_else(|_| Err(Failure::new("the client died")));
        (client, maker.join(), crowd.join())
    });
    let mut fault = |text: String| faults.push(format!("{name}: {text}"));
    match client {
        Ok(seen) => {
            if seen.right != seen.asked {
                let first = seen.wrong.as_deref().unwrap_or("an answer is missing");
                fault(format!(
                    "{} of {} requests were answered as they should be; {first}",
                    seen.right, seen.asked
                ));
            }
            let whole = seen.orders.whole();
            for (figure, quantile) in [("p50", 0.5), ("p99", 0.99), ("max", 1.0)] {
                row.figure(
                    &format!("{name}_{figure}_ns"),
                    whole.value_at_quantile(quantile) as f64,
                );
            }
        }
        Err(failure) => fault(failure.to_string()),
    }
    match maker {
        Ok(Ok(fills)) => row.figure(&format!("{name}_fills"), fills as f64),
        Ok(Err(failure)) => fault(failure.to_string()),
        Err(_) => fault("the market maker died".to_owned()),
    }
    match sent {
        Ok(Some(Ok(sent))) => return sent,
        Ok(None) => {}
        Ok(Some(Err(failure))) => fault(failure.to_string()),
        Err(_) => fault("the attack died".to_owned()),
    }
    Sent::default()
}

/// Gives this thread precedence over the exchange: a client that measures has a machine of its own, and does not wait for a core
/// that the exchange is at work on. Each of its turns is short.
fn go_first() {
    // Where that is refused, as it is to all but root, it waits for a core as any thread would.
    let _ = rustix::process::setpriority_process(None, -10);
}

fn figure(row: &Measured, name: &str) -> f64 {
    row.figures.get(name).copied().unwrap_or(f64::NAN)
}

fn median(rows: &[Measured], name: &str) -> f64 {
    let mut values: Vec<f64> = rows.iter().map(|row| figure(row, name)).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// What the figures of an attack say against it. A figure that is missing speaks against it, too.
fn judged(rows: &[Measured]) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, most, unit) in [
        ("ratio_p99", MOST_RATIO, 1.0),
        ("beside_p99_ns", MOST_P99_NANOS, 1e6),
    ] {
        let value = median(rows, name);
        if value.is_nan() || value > most {
            faults.push(format!(
                "{name} is {:.1}, and may be {:.1}",
                value / unit,
                most / unit
            ));
        }
    }
    let stalls: f64 = rows.iter().map(|row| figure(row, "output_full_stalls")).sum();
    if stalls != 0.0 {
        faults.push(format!("the matcher waited for the gateway {stalls} times"));
    }
    faults
}

fn summary(rows: &[Measured]) -> String {
    format!(
        "p99 {:.2} ms beside, {:.2} ms alone, {:.1} times (medians, pairs: {})",
        median(rows, "beside_p99_ns") / 1e6,
        median(rows, "alone_p99_ns") / 1e6,
        median(rows, "ratio_p99"),
        rows.len()
    )
}

/// The longest that the matcher waited for room in the output ring.
fn longest_wait(address: &str) -> String {
    let read = || {
        let page: Latencies = serde_json::from_str(&get(address, "/metrics/latency").ok()?).ok()?;
        let wait = page
            .histograms
            .iter()
            .find(|one| one.name == "output_room_wait")?;
        wait.decode().ok()
    };
    read().map_or_else(String::new, |wait| {
        format!(
            "; the matcher waited for room {} times, at most {:.2} ms",
            wait.len(),
            wait.max() as f64 / 1e6
        )
    })
}

fn print_row(pair: u32, row: &Measured) {
    let times = |name: &str| {
        let micros = |quantile: &str| figure(row, &format!("{name}_{quantile}_ns")) / 1e3;
        format!("{:.0}/{:.0}/{:.0}", micros("p50"), micros("p99"), micros("max"))
    };
    println!(
        "{pair:<6}{:>30}{:>30}{:>8.1}{:>10}{:>9}{:>9.0}{:>8}{:>11.1}{:>8}",
        times("alone"),
        times("beside"),
        figure(row, "ratio_p99"),
        figure(row, "attack_requests"),
        figure(row, "address_limited"),
        figure(row, "attack_cpu_ms"),
        figure(row, "output_full_stalls"),
        figure(row, "room_wait_s") * 1e3,
        figure(row, "slow_consumer_closes"),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use hoga::config::{Config, Durability};
    use hoga::recovery::Stores;
    use hoga::serve::Exchange;

    use crate::cli::{Cli, Mode};

    #[test]
    fn a_fill_or_an_answer_that_is_lost_beside_an_attack_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = Config {
            listen: ([127, 0, 0, 1], 0).into(),
            data_dir: folder.path().to_path_buf(),
            durability: Durability::Memory,
            ..Config::default()
        };
        let exchange =
            Exchange::start(&config, &Stores::new(folder.path()), &mut |_| {}).expect("an exchange");
        let line = [
            "hoga-perf",
            "beside",
            "--pairs",
            "1",
            "--seconds",
            "1",
            "--scale",
            "1",
        ];
        let Mode::Beside(args) = Cli::parse_from(line).mode else {
            panic!("another mode")
        };
        let tried = ["market", "ids"];
        for attack in ATTACKS.iter().filter(|attack| tried.contains(&attack.name)) {
            let (rows, faults) = rounds(&args, attack, &exchange.address.to_string(), &Stop::default())
                .unwrap_or_else(|failure| panic!("{}: {failure}", attack.name));
            assert_eq!(faults, Vec::<String>::new(), "{}", attack.name);
            assert!(figure(&rows[0], "beside_fills") > 0.0, "{}", attack.name);
            assert!(figure(&rows[0], "attack_requests") > 0.0, "{}", attack.name);
        }
        exchange.stop();
    }

    #[test]
    fn a_figure_that_is_missing_or_too_high_speaks_against_an_attack() {
        let row = |figures: &[(&str, f64)]| {
            let mut row = Measured::counted("x");
            figures.iter().for_each(|(name, value)| row.figure(name, *value));
            [row]
        };
        let fine = [
            ("ratio_p99", 2.9),
            ("beside_p99_ns", 19e6),
            ("output_full_stalls", 0.0),
        ];
        assert_eq!(judged(&row(&fine)), Vec::<String>::new());
        for (at, bad) in [(0, 3.1), (1, 21e6), (2, 1.0), (0, f64::NAN), (2, f64::NAN)] {
            let mut figures = fine;
            figures[at].1 = bad;
            assert_eq!(judged(&row(&figures)).len(), 1, "{figures:?}");
        }
    }
}
