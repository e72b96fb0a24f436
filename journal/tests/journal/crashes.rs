//! Random groups, random losses of power: all that was told committed is there, and nothing that was not
//! appended.

use crate::sim::{Fault, Op, Sim};
use crate::support::*;
use hoga_journal::{Durability, OpenError, ReadError, Reader, verify_with};
use proptest::prelude::*;
use std::sync::Arc;

#[test]
fn no_committed_record_is_lost_to_a_power_cut() {
    for seed in 0..150 {
        let mut dice = Dice::new(seed);
        let mut sim = Sim::new();
        let (mut told, mut appended) = (0, 0);
        // Several lives of one journal, each ended by a cut at some call, the opening's own included.
        for life in 0..4 {
            let mut calls_left = dice.below(60);
            sim.set_rule(move |call| {
                if !call.by_maker && matches!(call.op, Op::Write | Op::Sync | Op::SyncDir | Op::Rename) {
                    calls_left = calls_left.saturating_sub(1);
                }
                (calls_left == 0).then_some(Fault::PowerCut)
            });
            let opened = try_open(&sim, &options(Durability::Fsync));
            if let Err(OpenError::Read(ReadError::Damaged(damage))) = &opened {
                panic!("seed {seed}, life {life}: {damage}");
            }
            if let Ok((mut writer, _, seen)) = opened {
                let found = seen.len() as u64;
                assert!(
                    (told..=appended).contains(&found),
                    "seed {seed}, life {life}: {found} of {told}"
                );
                assert_eq!(seen, records(found), "seed {seed}, life {life}");
                (told, appended) = live(&mut writer, &mut dice);
            }
            let disk = sim.after_power_cut(|| dice.coin());
            sim = disk;
        }
        let seen = open(&sim).2;
        let found = seen.len() as u64;
        assert!(
            (told..=appended).contains(&found),
            "seed {seed}: {found} found, {told} told"
        );
        assert_eq!(seen, records(found), "seed {seed}");
    }
}

/// Commits random groups until the power goes. Returns the sequences told committed and appended.
fn live(writer: &mut hoga_journal::Writer, dice: &mut Dice) -> (u64, u64) {
    for _ in 0..40 {
        for _ in 0..dice.below(30) {
            if writer.append(&record(writer.next_sequence())).is_err() {
                // The refused record's frame may have been cut short in its write.
                return (writer.committed_sequence(), writer.next_sequence());
            }
        }
        if writer.commit().is_err() {
            break;
        }
    }
    (writer.committed_sequence(), writer.next_sequence())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_written_is_what_is_read(
        groups in prop::collection::vec(
            prop::collection::vec(prop::collection::vec(any::<u8>(), 1..=512), 0..60),
            1..16,
        ),
        reopen_every in 1usize..8,
    ) {
        let sim = Sim::new();
        let mut expected: Vec<Vec<u8>> = Vec::new();
        let (mut writer, ..) = open(&sim);
        for (index, group) in groups.iter().enumerate() {
            if index % reopen_every == reopen_every - 1 {
                drop(writer);
                let (again, report, seen) = open(&sim);
                prop_assert_eq!(&seen, &expected);
                prop_assert_eq!(report.cut, None);
                writer = again;
            }
            commit(&mut writer, group);
            expected.extend(group.iter().cloned());
        }
        let chain = writer.chain();
        drop(writer);
        prop_assert_eq!(&open(&sim).2, &expected);

        let summary = verify_with(&mut Reader::open_with(Arc::new(sim.clone())).unwrap()).unwrap();
        prop_assert_eq!(summary.records, expected.len() as u64);
        prop_assert_eq!(summary.record_bytes, expected.iter().map(|r| r.len() as u64).sum::<u64>());
        prop_assert_eq!(summary.batches.iter().sum::<u64>(), summary.frames);
        prop_assert_eq!((summary.chain, summary.tail.torn_bytes), (chain, 0));
    }
}
