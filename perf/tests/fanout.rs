//! `hoga-perf fanout` against an exchange in this process: what it counts must come out right, however long it takes.

use std::process::{Command, Output};

use hoga::config::{Config, Durability};
use hoga::recovery::Stores;
use hoga::serve::Exchange;
use serde_json::Value;

/// Runs `fanout` with `words` against an exchange of its own, and gives what it said and its summary.
fn fanout(words: &str) -> (Output, Value) {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config {
        listen: ([127, 0, 0, 1], 0).into(),
        data_dir: folder.path().to_path_buf(),
        durability: Durability::Memory,
        ..Config::default()
    };
    let exchange = Exchange::start(&config, &Stores::new(folder.path()), &mut |_| {}).expect("an exchange");
    let out = folder.path().join("out");
    let output = Command::new(env!("CARGO_BIN_EXE_hoga-perf"))
        .args(["fanout", "--address", &exchange.address.to_string()])
        .args(["--pid", &std::process::id().to_string(), "--out"])
        .arg(&out)
        .args(words.split(' '))
        .output()
        .expect("hoga-perf");
    exchange.stop();
    let summary = std::fs::read(out.join("summary.json")).unwrap_or_default();
    (output, serde_json::from_slice(&summary).unwrap_or_default())
}

#[test]
fn every_delivery_of_the_exchange_and_of_the_floor_is_counted_once() {
    let words =
        "--subscribers 5 --burst 2,8 --rate trickle,100,full --seconds 1 --commands 40 --command-rate 400";
    let (output, summary) = fanout(words);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(said.contains("exact: 5 of 5 subscribers"), "{said}");
    let rows = summary["rows"].as_array().expect("rows");
    let figure = |row: &str, name: &str| {
        let row = rows
            .iter()
            .find(|one| one["name"] == format!("json/5/{row}"))
            .expect(row);
        row["figures"][name]
            .as_f64()
            .unwrap_or_else(|| panic!("{name} of {row}"))
    };
    // 40 commands of which every twentieth trades, with two executions each.
    assert_eq!(figure("matcher-5", "deliveries"), 20.0);
    for row in ["matcher-alone", "matcher-5"] {
        assert!(figure(row, "matcher_cpu_ns_per_command") > 0.0, "{row}");
    }
    for burst in [2.0, 8.0] {
        let row = format!("burst-{burst}");
        assert_eq!(
            figure(&row, "deliveries"),
            figure(&row, "bursts") * burst * 5.0,
            "{row}"
        );
        for name in [
            "deliveries_per_s",
            "floor_deliveries_per_s",
            "share_of_floor",
            "gateway_cpu_ns_per_delivery",
            "p50_ns",
        ] {
            assert!(figure(&row, name) > 0.0, "{name} of {row}");
        }
        assert!(figure(&row, "bytes_per_delivery") > 100.0);
        assert_eq!(figure(&row, "output_full_stalls"), 0.0);
    }
    assert_eq!(
        (figure("trickle", "count"), figure("trickle", "last_count")),
        (50.0, 5.0)
    );
    assert_eq!(figure("rate-100", "deliveries"), 1_000.0);
    assert!(figure("full", "deliveries") > 0.0);
    for per_write in [1, 2, 8] {
        assert!(figure(&format!("floor-{per_write}"), "floor_deliveries_per_s") > 0.0);
    }
    assert!(figure("idle", "handshakes_per_s") > 0.0);
}

#[test]
fn a_silent_subscriber_that_is_kept_is_not_passed_over_and_readers_are_still_exact() {
    let (output, _) = fanout("--subscribers 4 --silent 1 --rate 50 --seconds 1 --grace 0");
    let said = String::from_utf8_lossy(&output.stdout);
    let line = |name: &str| said.lines().find(|line| line.contains(name)).expect(name);
    assert!(
        line("readers that got exactly these").ends_with(" 3 of 3"),
        "{said}"
    );
    assert!(line("STILL OPEN").ends_with(" 1"), "{said}");
    assert_eq!(output.status.code(), Some(1));
}
