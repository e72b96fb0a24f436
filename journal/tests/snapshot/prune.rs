//! What is removed, and what never is.

use crate::making::*;
use crate::sim::{EIO, Fault, Op, Sim};
use hoga_journal::{SnapshotError, snapshot_name};

/// A disk of snapshots, the newest first: `w` whole, `d` damaged, `n` of a newer program, `u` one that cannot be read.
/// The newest has the sequence 30, the next 29, and so on.
fn disk(states: &str) -> Sim {
    let sim = Sim::new();
    let mut unreadable = Vec::new();
    for (state, sequence) in states.chars().zip((0..=30).rev()) {
        let mut bytes = bytes_of(sequence, &[200]);
        match state {
            'd' => bytes[600] ^= 1,
            'n' => {
                bytes[8] = 2;
                let crc = crc32c::crc32c(&bytes[..508]);
                bytes[508..512].copy_from_slice(&crc.to_le_bytes());
            }
            'u' => unreadable.push(snapshot_name(sequence)),
            _ => {}
        }
        sim.put(&snapshot_name(sequence), bytes);
    }
    sim.set_rule(move |call| {
        (call.op == Op::Open && unreadable.contains(&call.name)).then_some(Fault::Error(EIO))
    });
    sim
}

/// What is left of `states`, with `.` for what was removed.
fn left(sim: &Sim, states: &str) -> String {
    let files = sim.files();
    let all = states.chars().zip((0..=30).rev());
    all.map(|(state, sequence)| {
        if files.contains_key(&snapshot_name(sequence)) {
            state
        } else {
            '.'
        }
    })
    .collect()
}

#[test]
fn the_last_whole_snapshot_is_never_removed() {
    for (keep, before, after) in [
        (1, "w", "w"),
        (0, "w", "w"),
        (0, "ww", "w."),
        (2, "w", "w"),
        (2, "wwww", "ww.."),
        // Damaged ones go once enough whole ones are there, and not before.
        (1, "dw", ".w"),
        (1, "wd", "w."),
        (1, "dddw", "...w"),
        (1, "d", "d"),
        (1, "ddd", "ddd"),
        (2, "dwd", "dwd"),
        (2, "wdw", "w.w"),
        (2, "wdwdw", "w.w.."),
        (2, "ddwdd", "ddwdd"),
        (3, "dwwd", "dwwd"),
        // What a newer program wrote is not counted, and stays while it is among the kept.
        (1, "nw", "nw"),
        (1, "nww", "nw."),
        (1, "wn", "w."),
        (2, "nwdwn", "nw.w."),
        (1, "n", "n"),
        // As does what cannot be read.
        (1, "uw", "uw"),
        (1, "udww", "u.w."),
        (1, "wu", "w."),
        (0, "", ""),
        (3, "", ""),
    ] {
        let sim = disk(before);
        let removed = snapshots(&sim).prune(keep).unwrap();
        assert_eq!(left(&sim, before), after, "keep {keep} of {before}");
        let gone = after.chars().filter(|state| *state == '.').count();
        assert_eq!(removed.len(), gone, "keep {keep} of {before}: {removed:?}");
    }
}

#[test]
fn nothing_is_removed_while_too_few_can_be_read() {
    for (keep, states) in [(1, "u"), (1, "du"), (2, "wud"), (3, "uwwd")] {
        let sim = disk(states);
        let error = snapshots(&sim).prune(keep).unwrap_err();
        assert!(matches!(error, SnapshotError::Storage(_)), "{error}");
        assert_eq!(left(&sim, states), states, "keep {keep} of {states}");
    }
}

#[test]
fn no_loss_of_whole_snapshots_in_any_mixture() {
    // Every disk of up to five: at least `keep` whole ones are left, or all there were; and the newest of them.
    const STATES: [char; 4] = ['w', 'd', 'n', 'u'];
    for length in 0..=5u32 {
        for number in 0..4usize.pow(length) {
            let states: String = (0..length).map(|at| STATES[number >> (2 * at) & 3]).collect();
            let keep = 1 + number % 3;
            let sim = disk(&states);
            let result = snapshots(&sim).prune(keep);
            let after = left(&sim, &states);
            let whole = states.matches('w').count();
            assert_eq!(
                after.matches('w').count(),
                whole.min(keep),
                "keep {keep} of {states}: {after}"
            );
            assert_eq!(
                after.find('w'),
                states.find('w'),
                "keep {keep} of {states}: {after}"
            );
            assert_eq!(
                result.is_err(),
                whole < keep && states.contains('u'),
                "keep {keep} of {states}"
            );
            if whole < keep {
                assert_eq!(after, states, "keep {keep}");
            }
        }
    }
}

#[test]
fn a_temporary_goes_unless_it_may_be_in_the_making() {
    let sim = disk("ww");
    let names = [3, 29, 30, 31].map(|sequence| format!("{sequence:020}.snapshot.tmp"));
    for name in &names {
        sim.put(name, vec![1; 20]);
    }
    sim.put("notes.tmp", Vec::new());
    assert_eq!(snapshots(&sim).prune(2).unwrap(), names[..3]);
    assert_eq!(temporaries(&sim), [names[3].as_str(), "notes.tmp"]);

    let sim = disk("d");
    sim.put(&names[0], Vec::new());
    assert_eq!(snapshots(&sim).prune(1).unwrap(), [""; 0]);
    assert_eq!(temporaries(&sim), names[..1]);
}

#[test]
fn a_removal_that_fails_is_told() {
    for nth in 0..2 {
        let sim = disk("www");
        let mut removals = 0;
        sim.set_rule(move |call| {
            removals += u64::from(call.op == Op::Remove);
            (call.op == Op::Remove && removals == nth + 1).then_some(Fault::Error(EIO))
        });
        let error = snapshots(&sim).prune(1).unwrap_err().to_string();
        assert!(
            error.contains("cannot remove") && error.contains(".snapshot"),
            "{error}"
        );
        sim.clear_rule();
        snapshots(&sim).prune(1).unwrap();
        assert_eq!(left(&sim, "www"), "w..");
    }
}
