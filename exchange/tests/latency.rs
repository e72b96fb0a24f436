//! `hoga latency` beside a running exchange.

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use serde_json::Value;
use support::{Http, Process, hoga, order_body};

const ORDERS: u64 = 50;

fn trade(process: &Process, round: u64) {
    let mut http = Http::connect(process.address).unwrap();
    for n in 0..ORDERS {
        let side = if n % 2 == 0 { "Sell" } else { "Buy" };
        let body = order_body(side, 50_000_000, "0.5", &format!("{round}-{n}"));
        assert_eq!(http.json("POST", "/api/v1/orders", &body).0, 201);
    }
}

/// The count that a line of `--json` tells of a recorder.
fn count(line: &Value, name: &str) -> u64 {
    let recorders = line["recorders"].as_array().unwrap();
    let found = recorders.iter().find(|recorder| recorder["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {line}"))["count"]
        .as_u64()
        .unwrap()
}

/// The counts under a `.hgrm`'s foot and behind its last percentile.
fn hgrm_counts(path: &Path) -> [u64; 2] {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let foot = text
        .lines()
        .find_map(|line| line.split_once("Total count    ="))
        .unwrap()
        .1;
    let last = text.lines().rfind(|line| !line.starts_with('#')).unwrap();
    [
        foot.trim_end_matches(']'),
        last.split_whitespace().last().unwrap(),
    ]
    .map(|number| number.trim().parse().unwrap())
}

/// Intervals under a tag in an interval log, of which the last line may be on its way.
fn intervals(path: &Path, tag: &str) -> usize {
    let text = fs::read(path).unwrap();
    let entries = IntervalLogIterator::new(&text).map_while(Result::ok);
    let of_tag = |entry: &LogEntry<'_>| matches!(entry, LogEntry::Interval(interval) if interval.tag().unwrap().as_str() == tag);
    entries.filter(of_tag).count()
}

#[test]
fn all_since_the_start_is_shown_and_written() {
    let (dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let process = Process::start(dir.path(), &[]);
    trade(&process, 1);
    let (address, folder) = (process.address.to_string(), out.path().join("made"));
    let (ok, table, said) = hoga(&[
        "latency",
        "--address",
        &address,
        "--out",
        folder.to_str().unwrap(),
    ]);
    assert!(ok, "{said}");
    assert!(said.contains("hoga.hlog"), "{said}");
    let row = table.lines().find(|line| line.contains("ring_to_ring")).unwrap();
    assert!(
        row.contains("microseconds") && row.contains(&ORDERS.to_string()),
        "{table}"
    );
    assert_eq!(hgrm_counts(&folder.join("ring_to_ring.hgrm")), [ORDERS; 2]);
    assert_eq!(intervals(&folder.join("hoga.hlog"), "ring_to_ring"), 1);
    let files = fs::read_dir(&folder).unwrap().count();
    assert_eq!(files, 1 + 9);
}

#[test]
fn an_interrupted_look_writes_what_it_has_seen() {
    let (dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let process = Process::start(dir.path(), &[]);
    trade(&process, 1);
    let look = Command::new(env!("CARGO_BIN_EXE_hoga"))
        .args([
            "latency",
            "--every",
            "0.2",
            "--json",
            "--address",
            &process.address.to_string(),
            "--out",
        ])
        .arg(out.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It looks at least once before and once after these.
    while !out.path().join("hoga.hlog").exists()
        || intervals(&out.path().join("hoga.hlog"), "ring_to_ring") == 0
    {
        thread::sleep(Duration::from_millis(5));
    }
    trade(&process, 2);
    let id = look.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    let output = look.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let (whole, parts) = lines.split_last().unwrap();
    assert_eq!(whole["whole"], true);
    let all: u64 = parts.iter().map(|line| count(line, "ring_to_ring")).sum();
    assert_eq!(
        (count(whole, "ring_to_ring"), all),
        (ORDERS, ORDERS),
        "only what came meanwhile"
    );
    assert_eq!(
        intervals(&out.path().join("hoga.hlog"), "ring_to_ring"),
        parts.len()
    );
    assert_eq!(hgrm_counts(&out.path().join("ring_to_ring.hgrm")), [ORDERS; 2]);
}

#[test]
fn an_exchange_that_goes_away_is_told_and_what_was_seen_is_kept() {
    let (dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let process = Process::start(dir.path(), &[]);
    let address = process.address.to_string();
    let look = Command::new(env!("CARGO_BIN_EXE_hoga"))
        .args(["latency", "--every", "0.1", "--address", &address, "--out"])
        .arg(out.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while !out.path().join("hoga.hlog").exists()
        || intervals(&out.path().join("hoga.hlog"), "gateway_turn") == 0
    {
        thread::sleep(Duration::from_millis(5));
    }
    process.kill();
    let output = look.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains(&address) && said.contains("Is the exchange running?"),
        "{said}"
    );
    assert!(String::from_utf8(output.stdout).unwrap().contains("all of"));
    assert!(out.path().join("gateway_turn.hgrm").exists());
}

#[test]
fn a_wrong_address_or_time_is_said_to_be_so() {
    let (ok, _, said) = hoga(&["latency", "--address", "127.0.0.1:1"]);
    assert!(
        !ok && said.contains("127.0.0.1:1") && said.contains("--address"),
        "{said}"
    );
    for arguments in [["latency", "--for", "0"], ["latency", "--every", "x"]] {
        let (ok, _, said) = hoga(&arguments);
        assert!(!ok && said.contains("seconds"), "{said}");
    }
}
