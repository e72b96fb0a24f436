//! What the doctor says of several machines, of running exchanges, and of this machine.

#[path = "../support/mod.rs"]
mod support;

mod machines;

mod processes;

use std::process::Command;

use hoga::config::Config;
use serde_json::Value;
use support::Process;

/// The settings of a file.
fn toml_of(settings: &str) -> Config {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hoga.toml");
    std::fs::write(&path, settings).unwrap();
    Config::load(Some(&path), [], Default::default()).unwrap()
}

fn doctor(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_hoga"))
        .arg("doctor")
        .args(arguments)
        .output()
        .unwrap();
    (
        output.status.code(),
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap(),
    )
}

#[test]
fn a_doctors_visit_leaves_nothing_behind_and_ends_with_what_it_found() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let process = Process::start(&data, &[]);
    let listed = || {
        let mut names: Vec<_> = std::fs::read_dir(&data)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        names
    };
    let before = listed();
    let pid = process.child.id().to_string();
    let config = dir.path().join("hoga.toml");
    std::fs::write(&config, format!("listen = \"{}\"\n", process.address)).unwrap();
    let config = config.to_str().unwrap();
    let place = ["--data-dir", data.to_str().unwrap(), "--config", config];
    let (status, said) = doctor(&[&place[..], &["--pid", &pid, "--json"]].concat());
    assert_eq!(listed(), before);
    let report: Value = serde_json::from_str(&said).unwrap();
    let checks = report["checks"].as_array().unwrap();
    let of = |name: &str| {
        checks
            .iter()
            .find(|check| check["check"] == name)
            .unwrap_or_else(|| panic!("{name}: {said}"))
    };
    for name in [
        "cores",
        "sync",
        "process",
        "thread gateway",
        "look at gateway",
        "descriptors",
        "journal time",
        "exchange time",
    ] {
        assert_ne!(of(name)["grade"], "broken", "{}", of(name));
    }
    let counted: u64 = ["fine", "costs_latency", "broken", "unknown"]
        .iter()
        .map(|key| report[*key].as_u64().unwrap())
        .sum();
    assert_eq!(counted, checks.len() as u64);
    assert_eq!(status, Some(i32::from(report["broken"] != 0)), "{said}");
    process.terminate();
    let (status, said) = doctor(&["--pid", &pid]);
    assert!(
        status == Some(1) && said.contains("there is no process"),
        "{said}"
    );
    let (status, said) = doctor(&["--data-dir", dir.path().join("nowhere").to_str().unwrap()]);
    assert!(status == Some(1) && said.contains("nowhere"), "{said}");
    assert_eq!(doctor(&["--pid", "x"]).0, Some(2));
}
