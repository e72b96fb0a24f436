//! Losses of power at every call: whatever stands under a final name is whole, and what was told is there.

use crate::making::*;
use crate::sim::{Fault, Sim};
use crate::support::Dice;

const OLDEST: [usize; 1] = [700];
const LENGTHS: [usize; 2] = [900_000, 300_000];

/// Writes two snapshots and prunes, until the power goes. Returns the newest told written.
fn live(sim: &Sim) -> u64 {
    let snapshots = snapshots(sim);
    let mut told = 5;
    for sequence in [9, 12] {
        if try_write(&snapshots, &head(sequence), &sections(sequence, &LENGTHS), true).is_err() {
            return told;
        }
        told = sequence;
    }
    let _ = snapshots.prune(1);
    told
}

#[track_caller]
fn check_after_cut(disk: &Sim, told: u64, context: &str) {
    let snapshots = snapshots(disk);
    let listed = snapshots.list().unwrap();
    let newest = listed
        .first()
        .unwrap_or_else(|| panic!("none is left: {context}"));
    assert!(newest.sequence >= told, "{told} was told: {context}");
    for file in &listed {
        let lengths = if file.sequence == 5 {
            &OLDEST[..]
        } else {
            &LENGTHS[..]
        };
        check_whole(&snapshots, file.sequence, lengths, context);
    }
    write(&snapshots, 20, &LENGTHS);
    assert_eq!(temporaries(disk), [""; 0], "{context}");
    assert_eq!(snapshots.prune(2).unwrap().len(), listed.len() - 1, "{context}");
    check_whole(&snapshots, 20, &LENGTHS, context);
    check_whole(
        &snapshots,
        newest.sequence,
        if newest.sequence == 5 { &OLDEST } else { &LENGTHS },
        context,
    );
}

#[test]
fn a_final_name_is_never_half_a_snapshot() {
    for nth in 0.. {
        let sim = Sim::new();
        write(&snapshots(&sim), 5, &OLDEST);
        sim.forget_calls();
        let mut calls = 0;
        sim.set_rule(move |_| {
            calls += 1;
            (calls > nth).then_some(Fault::PowerCut)
        });
        let told = live(&sim);
        let cut = sim.calls().len() as u64 > nth;
        for seed in 0..6 {
            let mut dice = Dice::new(nth << 8 | seed);
            let disk = match seed {
                0 => sim.after_power_cut(|| false),
                1 => sim.after_power_cut(|| true),
                _ => sim.after_power_cut(|| dice.coin()),
            };
            check_after_cut(&disk, told, &format!("call {nth}, seed {seed}"));
        }
        if !cut {
            assert!(nth > 20 && told == 12, "{nth} calls");
            break;
        }
    }
}
