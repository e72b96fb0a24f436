//! Plays the texts under `tests/scenarios` and compares every answer, line by line. `README.txt` there tells the form.

mod common;

mod scenario;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use hoga_protocol::{CancelReason, RejectReason};

use scenario::Player;

#[test]
fn every_scenario_is_answered_as_written() {
    let mut said = BTreeSet::new();
    let mut failures = Vec::new();
    let mut count = 0;
    for (file, text) in texts() {
        let mut player = Player::new(&file);
        for scenario in scenario::parse(&file, &text) {
            count += 1;
            if let Err(failure) = player.play(&scenario) {
                failures.push(failure);
            }
        }
        said.append(&mut player.said);
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
    assert!(count > 50, "only {count} scenarios were found");
    for word in vocabulary() {
        assert!(said.contains(&word), "no scenario makes the engine say {word}");
    }
}

#[test]
fn a_wrong_expectation_is_not_passed_over() {
    let texts = [
        "scenario nothing begins\n> begin\n",
        "scenario too much\n> begin\n  started\n  started\n",
        "scenario something else\n> begin\n  rejected OutOfPlace\n",
    ];
    for text in texts {
        let scenarios = scenario::parse("a text", text);
        let failure = Player::new("a text").play(&scenarios[0]).unwrap_err();
        assert!(failure.contains("a text:2"), "{failure}");
    }
}

fn texts() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "txt") && !path.ends_with("README.txt"))
        .collect();
    files.sort();
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    files
        .iter()
        .map(|path| {
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                read(path),
            )
        })
        .collect()
}

/// Every reason there is, but the one that takes a thousand commands to come by (`tests/armings.rs`): a scenario shows it.
fn vocabulary() -> Vec<String> {
    let rejects = RejectReason::ALL
        .iter()
        .filter(|&&reason| reason != RejectReason::TooManyArmings);
    let rejects = rejects.map(|reason| format!("{reason:?}"));
    let cancels = CancelReason::ALL.iter().map(|reason| format!("{reason:?}"));
    rejects.chain(cancels).collect()
}
