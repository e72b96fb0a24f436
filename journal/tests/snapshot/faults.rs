//! Calls that fail: no snapshot is told written after one, and what stood before it stands.

use crate::making::*;
use crate::reads::Reads;
use crate::sim::{Call, EIO, ENOSPC, Fault, Op, Sim};
use hoga_journal::{SnapshotError, SnapshotProblem, Snapshots, snapshot_name};
use std::sync::Arc;

const LENGTHS: [usize; 2] = [1_300_000, 1_000_000];

/// A disk with an older snapshot; where `messy`, with a damaged one of the sequence that is to be written, and with
/// what a writer left.
fn disk(messy: bool) -> Sim {
    let sim = Sim::new();
    write(&snapshots(&sim), 5, &[100, 3_000]);
    if messy {
        sim.put("00000000000000000007.snapshot.tmp", vec![1; 600]);
        let mut damaged = bytes_of(9, &[400]);
        damaged[600] ^= 1;
        sim.put(&snapshot_name(9), damaged);
    }
    sim.forget_calls();
    sim
}

/// What must hold after a failure: the older one is as it was, nothing half stands under a final name, and the next
/// attempt succeeds.
#[track_caller]
fn check_after_failure(sim: &Sim, before: &Sim, context: &str) {
    let (before, after) = (before.files(), sim.files());
    for (name, bytes) in &after {
        assert!(before.get(name) == Some(bytes), "{name} stands: {context}");
    }
    assert!(after.contains_key(&snapshot_name(5)), "{context}");
    check_whole(&snapshots(sim), 5, &[100, 3_000], context);
    write(&snapshots(sim), 9, &[5_000, 40]);
    check_whole(&snapshots(sim), 9, &[5_000, 40], context);
    assert_eq!(temporaries(sim), [""; 0], "{context}");
}

#[test]
fn no_failed_call_ends_in_a_snapshot() {
    let mut failed = 0;
    for messy in [false, true] {
        let faults = [
            Fault::Error(EIO),
            Fault::Error(ENOSPC),
            Fault::Short(0),
            Fault::Short(700),
        ];
        for fault in faults {
            // A short count has a meaning for writes only.
            let concerns = move |call: &Call| !matches!(fault, Fault::Short(_)) || call.op == Op::Write;
            for nth in 0.. {
                let sim = disk(messy);
                let mut calls = 0;
                sim.set_rule(move |call| {
                    calls += usize::from(concerns(call));
                    (concerns(call) && calls == nth + 1).then_some(fault)
                });
                let result = try_write(&snapshots(&sim), &head(9), &sections(9, &LENGTHS), true);
                sim.clear_rule();
                let calls = sim.calls();
                let Some((at, _)) = calls
                    .iter()
                    .enumerate()
                    .filter(|(_, call)| concerns(call))
                    .nth(nth)
                else {
                    result.unwrap();
                    assert!(nth >= 3, "{fault:?}: {nth}");
                    break;
                };
                let context = format!("messy {messy}, {fault:?}, {:?}", calls[at]);
                let error = result.map(|_| context.clone()).unwrap_err();
                assert!(matches!(error, SnapshotError::Storage(_)), "{context}: {error}");
                let retried = calls[at + 1..].iter().find(|call| call.op != Op::Remove);
                assert_eq!(retried, None, "{context}");
                check_after_failure(&sim, &disk(messy), &context);
                failed += 1;
            }
        }
    }
    assert!(failed > 60, "{failed}");
}

#[test]
fn what_cannot_be_read_back_is_no_snapshot() {
    let lengths = [300_000, 40];
    for messy in [false, true] {
        for nth in 0.. {
            let sim = disk(messy);
            let reads = Reads::new(&sim);
            reads.fail(nth);
            let snapshots = Snapshots::new(Arc::new(reads.clone()));
            let result = try_write(&snapshots, &head(9), &sections(9, &lengths), true);
            if reads.is_waiting() {
                result.unwrap();
                assert!(nth > 30);
                break;
            }
            let error = result.unwrap_err();
            assert!(matches!(error, SnapshotError::Storage(_)), "look {nth}: {error}");
            check_after_failure(&sim, &disk(messy), &format!("messy {messy}, look {nth}"));
        }
    }
}

#[test]
fn a_disk_that_lies_is_not_believed() {
    // The write and the sync succeed, and the disk holds something else when it is read back.
    let written = bytes_of(9, &[900]);
    let mut other = sections(9, &[900]);
    other[0].1[5] ^= 1;
    let other = {
        let sim = Sim::new();
        try_write(&snapshots(&sim), &head(9), &other, true).unwrap();
        sim.files().remove(&snapshot_name(9)).unwrap()
    };
    let mut bit = written.clone();
    bit[700] ^= 8;
    for (held, problem) in [
        (bit, SnapshotProblem::SectionChecksum { id: 7 }),
        (written[..800].to_vec(), SnapshotProblem::Ended),
        (vec![0; written.len()], SnapshotProblem::HeadMagic),
        (other, SnapshotProblem::Other),
    ] {
        let sim = disk(false);
        let (disk_beneath, mut done) = (sim.clone(), false);
        sim.set_read_hook(move || {
            if !std::mem::replace(&mut done, true) {
                disk_beneath.alter("00000000000000000009.snapshot.tmp", |bytes| {
                    bytes.clone_from(&held)
                });
            }
        });
        let error = try_write(&snapshots(&sim), &head(9), &sections(9, &[900]), true).unwrap_err();
        sim.set_read_hook(|| ());
        assert!(
            matches!(&error, SnapshotError::NotWritten { problem: found, .. } if *found == problem),
            "{error}"
        );
        check_after_failure(&sim, &disk(false), &error.to_string());
    }
}

#[test]
fn a_name_that_may_not_last_is_taken_back() {
    let sim = disk(false);
    sim.set_rule(|call| (call.op == Op::SyncDir).then_some(Fault::Error(EIO)));
    try_write(&snapshots(&sim), &head(9), &sections(9, &LENGTHS), true).unwrap_err();
    sim.clear_rule();
    check_after_failure(&sim, &disk(false), "folder sync");
}
