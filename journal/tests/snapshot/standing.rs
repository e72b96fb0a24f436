//! A snapshot of the sequence stands already: a whole one is never replaced, a damaged one is.

use crate::making::*;
use crate::sim::{Op, Sim};
use hoga_journal::{SnapshotError, SnapshotHead, snapshot_name};

const LENGTHS: [usize; 2] = [3_000, 40];

/// Lets `spoil` change what stands, writes the snapshot again, and returns the result with the bytes before and after.
fn write_over(
    spoil: impl Fn(&mut Vec<u8>),
    head: &SnapshotHead,
) -> (Result<(), SnapshotError>, Vec<u8>, Vec<u8>) {
    let sim = Sim::new();
    write(&snapshots(&sim), 9, &LENGTHS);
    sim.alter(&snapshot_name(9), spoil);
    let before = sim.files().remove(&snapshot_name(9)).unwrap();
    let result = try_write(&snapshots(&sim), head, &sections(9, &LENGTHS), true).map(|_| ());
    assert_eq!(temporaries(&sim), [""; 0]);
    let after = sim.files().remove(&snapshot_name(9)).unwrap();
    let durable = sim
        .after_power_cut(|| false)
        .files()
        .remove(&snapshot_name(9))
        .unwrap();
    assert!(after == durable);
    (result, before, after)
}

#[test]
fn a_whole_snapshot_is_not_replaced() {
    let later = SnapshotHead {
        taken_at: 5,
        ..head(9)
    };
    let (result, before, after) = write_over(|_| (), &later);
    result.unwrap();
    assert!(before == after);

    let mut elsewhere = head(9);
    elsewhere.position.offset += 512;
    let others = [
        SnapshotHead {
            journal_id: 1,
            ..head(9)
        },
        SnapshotHead {
            state_digest: [1; 16],
            ..head(9)
        },
        SnapshotHead { rules: 4, ..head(9) },
        elsewhere,
    ];
    for other in others {
        let (result, before, after) = write_over(|_| (), &other);
        let error = result.unwrap_err();
        assert!(matches!(error, SnapshotError::Differs { .. }), "{error}");
        assert!(error.to_string().contains(&snapshot_name(9)), "{error}");
        assert!(before == after);
    }
}

#[test]
fn a_damaged_snapshot_is_replaced() {
    let whole = bytes_of(9, &LENGTHS);
    let spoil: [fn(&mut Vec<u8>); 4] = [
        |bytes| bytes[0] ^= 1,
        |bytes| bytes[2_000] ^= 1,
        |bytes| bytes.truncate(100),
        Vec::clear,
    ];
    for spoil in spoil {
        let (result, before, after) = write_over(spoil, &head(9));
        result.unwrap();
        assert!(before != whole && after == whole);
    }
}

#[test]
fn what_a_newer_program_wrote_is_not_replaced() {
    let newer = |bytes: &mut Vec<u8>| {
        bytes[8] = 2;
        let crc = crc32c::crc32c(&bytes[..508]);
        bytes[508..512].copy_from_slice(&crc.to_le_bytes());
    };
    let (result, before, after) = write_over(newer, &head(9));
    let error = result.unwrap_err();
    assert!(
        matches!(error, SnapshotError::Newer { version: 2, .. }),
        "{error}"
    );
    let told = error.to_string();
    for part in ["version 2", "up to 1", &snapshot_name(9)] {
        assert!(told.contains(part), "{told}");
    }
    assert!(before == after);
}

#[test]
fn a_snapshot_that_was_not_synced_is_durable_before_it_counts() {
    let sim = Sim::new();
    try_write(&snapshots(&sim), &head(9), &sections(9, &LENGTHS), false).unwrap();
    assert!(sim.after_power_cut(|| false).files().is_empty());
    sim.forget_calls();
    write(&snapshots(&sim), 9, &LENGTHS);
    let renamed = sim.calls().into_iter().any(|call| call.op == Op::Rename);
    assert!(!renamed, "the whole one was replaced");
    check_whole(
        &snapshots(&sim.after_power_cut(|| false)),
        9,
        &LENGTHS,
        "after the cut",
    );
}
