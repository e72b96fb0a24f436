//! What the running program says of itself, and that asking it disturbs nothing.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use support::exposition::Exposition;
use support::{Http, PATIENCE, Process, next_text, order_body, websocket};

/// The page in one of its formats, as a scraper asks for it; also its content type.
fn scrape(address: SocketAddr, openmetrics: bool) -> (String, String) {
    let accept = if openmetrics {
        "application/openmetrics-text;version=1.0.0"
    } else {
        "text/plain;version=0.0.4"
    };
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!("GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let kind = head.lines().find_map(|line| line.strip_prefix("Content-Type: "));
    (kind.unwrap().to_owned(), body.to_owned())
}

fn exposed(address: SocketAddr) -> Exposition {
    Exposition::parse(&scrape(address, false).1, false)
}

/// Waits until the page shows what `done` looks for.
fn until(address: SocketAddr, what: &str, done: impl Fn(&Exposition) -> bool) -> Exposition {
    let start = Instant::now();
    loop {
        let exposition = exposed(address);
        if done(&exposition) {
            return exposition;
        }
        assert!(start.elapsed() < PATIENCE, "waited for {what} in vain");
        thread::sleep(Duration::from_millis(5));
    }
}

/// An exchange that has everything a page can tell of: trades, a subscriber, a follower that has made a snapshot.
fn full_exchange(dir: &Path) -> Process {
    let config = dir.join("hoga.toml");
    fs::write(&config, "[follower]\nsnapshot_commands = 1\n").unwrap();
    let process = Process::start(&dir.join("data"), &["--config", config.to_str().unwrap()]);
    let mut http = Http::connect(process.address).unwrap();
    for side in ["Sell", "Buy"] {
        let body = order_body(side, 50_000_000, "0.5", side);
        assert_eq!(http.json("POST", "/api/v1/orders", &body).0, 201);
    }
    until(process.address, "a snapshot", |exposition| {
        exposition
            .families
            .contains_key("hoga_snapshot_timestamp_seconds")
    });
    process
}

/// Every word in `text` that names a metric.
fn metric_words(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("hoga_")).collect()
}

#[test]
fn no_metric_is_undocumented_and_no_documented_one_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let process = full_exchange(dir.path());
    let exposition = exposed(process.address);
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs");
    let page = fs::read_to_string(format!("{docs}/metrics.md")).unwrap();
    // A metric's own row begins with its name.
    let documented: BTreeSet<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `hoga_"))
        .map(|rest| rest.split(['`', '{']).next().unwrap())
        .collect();
    // Keys are told of where they are asked for.
    let required = dir.path().join("required.toml");
    fs::write(&required, "[auth]\nmode = \"required\"\n").unwrap();
    let arguments = ["--config", required.to_str().unwrap()];
    let with_keys = Process::start(&dir.path().join("with_keys"), &arguments);
    let with_keys = exposed(with_keys.address);
    let exposed: BTreeSet<&str> = (exposition.families.keys())
        .chain(with_keys.families.keys())
        .map(|name| name.strip_prefix("hoga_").unwrap())
        .collect();
    let only = |one: &BTreeSet<&str>, other: &BTreeSet<&str>| {
        one.difference(other)
            .map(|name| format!("hoga_{name}"))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        only(&exposed, &documented),
        Vec::<String>::new(),
        "not in docs/metrics.md"
    );
    assert_eq!(only(&documented, &exposed), Vec::<String>::new(), "not exposed");

    // Alert rules and the dashboard name samples, which of a histogram are three.
    let mut samples = exposition.sample_names();
    samples.extend(with_keys.sample_names());
    for file in ["metrics.md", "grafana/hoga.json"] {
        let text = fs::read_to_string(format!("{docs}/{file}")).unwrap();
        for word in metric_words(&text) {
            let families = [&exposition.families, &with_keys.families];
            let known = samples.contains(word) || families.iter().any(|families| families.contains_key(word));
            assert!(known, "{file} names {word}, which is not exposed");
        }
    }
}

#[test]
fn the_dashboard_can_be_imported_and_asks_for_nothing_that_is_not_there() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/grafana/hoga.json");
    let dashboard: serde_json::Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    assert!(
        variables.iter().any(|variable| variable["type"] == "datasource"),
        "no datasource variable"
    );
    let panels = dashboard["panels"].as_array().unwrap();
    let (mut ids, mut queries) = (BTreeSet::new(), 0);
    for panel in panels {
        assert!(
            ids.insert(panel["id"].as_u64().unwrap()),
            "an id twice: {}",
            panel["title"]
        );
        if panel["type"] == "row" {
            continue;
        }
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
        for target in panel["targets"].as_array().unwrap() {
            let expr = target["expr"].as_str().unwrap();
            assert!(
                !metric_words(expr).is_empty(),
                "{expr} asks for no metric of ours"
            );
            assert_eq!(expr.matches('(').count(), expr.matches(')').count(), "{expr}");
            queries += 1;
        }
    }
    assert!(queries >= 20, "{queries} queries");
}

#[test]
fn a_scraper_gets_a_page_that_its_parser_takes_in_either_format() {
    let dir = tempfile::tempdir().unwrap();
    let process = full_exchange(dir.path());
    let (kind, text) = scrape(process.address, false);
    assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
    let plain = Exposition::parse(&text, false);
    let (kind, text) = scrape(process.address, true);
    assert_eq!(kind, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let open = Exposition::parse(&text, true);
    assert_eq!(plain.sample_names(), open.sample_names());
    // Nothing a stranger chooses becomes a label, so the page cannot grow.
    assert!(text.len() < 64 << 10, "{} bytes", text.len());
    assert_eq!(open.value("hoga_executions_total"), 2.0);
    assert_eq!(open.value("hoga_ready"), 1.0);
}

#[test]
fn the_figures_are_what_was_sent_while_scrapes_go_on_and_disturb_nothing() {
    const ORDERS: u64 = 1_000;
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(dir.path(), &[]);
    let address = process.address;
    let mut subscriber = websocket(address, "/ws/executions").unwrap();
    let done = AtomicBool::new(false);
    let scrapes = thread::scope(|scope| {
        let scraper = scope.spawn(|| {
            let mut scrapes = 0;
            while !done.load(Ordering::Relaxed) {
                let matched = exposed(address).value("hoga_commands_total");
                assert!(matched <= 2.0 * ORDERS as f64);
                scrapes += 1;
            }
            scrapes
        });
        let mut http = Http::connect(address).unwrap();
        for n in 0..ORDERS {
            let side = if n % 2 == 0 { "Sell" } else { "Buy" };
            let (status, answer) = http.json(
                "POST",
                "/api/v1/orders",
                &order_body(side, 50_000_000, "0.5", &n.to_string()),
            );
            assert_eq!(status, 201, "{answer}");
        }
        done.store(true, Ordering::Relaxed);
        scraper.join().unwrap()
    });
    assert!(scrapes > 0);
    for _ in 0..ORDERS {
        assert!(next_text(&mut subscriber).is_some());
    }
    let now = until(address, "all executions to be counted", |now| {
        now.value("hoga_executions_streamed_total") == ORDERS as f64
    });
    let value = |series: &str| now.value(series) as u64;
    let commands = value("hoga_commands_total");
    // The opening of the account, and checkpoints, came beside the orders.
    assert!(commands > ORDERS && commands < ORDERS + 100, "{commands}");
    for series in [
        "hoga_commands_submitted_total",
        "hoga_journal_batch_commands_sum",
        "hoga_matcher_batch_commands_sum",
        "hoga_matcher_command_seconds_count",
    ] {
        assert_eq!(value(series), commands, "{series}");
    }
    assert_eq!(value("hoga_journal_sequence"), value("hoga_sequence"));
    assert_eq!(value("hoga_gateway_events_total"), value("hoga_events_total"));
    // Each event was in the ring at some look, and those that came while the gateway looked may count at the next, too.
    assert!(value("hoga_output_ring_events_sum") >= value("hoga_events_total"));
    assert_eq!(value("hoga_executions_total"), ORDERS);
    assert_eq!(
        value("hoga_journal_batch_commands_count"),
        value("hoga_journal_commit_seconds_count")
    );
    // Each order was alone in the rings, and so each is timed.
    assert_eq!(value("hoga_ring_to_ring_seconds_count"), ORDERS);
    assert_eq!(value("hoga_gateway_subscribers"), 1);
    assert_eq!(value("hoga_gateway_backlog_commands"), 0);
    assert_eq!(value("hoga_input_ring_commands"), 0);
    for nothing in [
        "hoga_output_full_stalls_total",
        "hoga_slow_consumer_closes_total",
        "hoga_gateway_busy_refusals_total",
        "hoga_commands_refused_total{reason=\"busy\"}",
        "hoga_commands_refused_total{reason=\"no_space\"}",
        "hoga_journal_out_of_room",
    ] {
        assert_eq!(value(nothing), 0, "{nothing}");
    }
    let said = process.terminate();
    assert!(said.contains("output_full_stalls 0"), "{said}");
}

#[test]
fn a_thousand_scrapes_leave_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(dir.path(), &[]);
    let descriptors = || {
        fs::read_dir(format!("/proc/{}/fd", process.child.id()))
            .unwrap()
            .count()
    };
    let mut http = Http::connect(process.address).unwrap();
    let mut pages = |count: usize| {
        for page in 0..count {
            let target = if page % 4 == 0 {
                "/metrics/latency"
            } else {
                "/metrics"
            };
            assert_eq!(http.request("GET", target, "").unwrap().0, 200);
            // Some do not wait for what they have asked for.
            if page % 10 == 0 {
                let mut gone = TcpStream::connect(process.address).unwrap();
                gone.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
                    .unwrap();
            }
        }
    };
    pages(200);
    let before = (
        exposed(process.address).value("hoga_resident_memory_bytes"),
        descriptors(),
    );
    pages(1_000);
    let settled = until(process.address, "connections to be closed", |now| {
        now.value("hoga_gateway_connections") <= 2.0
    });
    let grown = settled.value("hoga_resident_memory_bytes") - before.0;
    // A page is some 20 KB: were one in ten kept, it would be 2 MB.
    assert!(grown < 1_000_000.0, "{grown} bytes more after 1,000 pages");
    assert!(
        descriptors() <= before.1 + 2,
        "{} after {}",
        descriptors(),
        before.1
    );
}
