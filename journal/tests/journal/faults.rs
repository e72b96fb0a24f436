//! Calls that fail: nothing is told committed after one, and nothing committed before one is lost.

use crate::sim::{Call, EIO, ENOSPC, Fault, Op, Sim};
use crate::support::*;
use hoga_journal::{Durability, Error, RECORD_COST_BYTES, Writer, segment_name};

/// Commits groups of `group` records until `total` are committed or a call fails. Returns how many were told
/// committed.
fn run(writer: &mut Writer, total: u64, group: u64) -> (u64, Result<(), Error>) {
    let mut told = writer.committed_sequence();
    while told < total {
        let end = (told + group).min(total);
        for sequence in writer.next_sequence()..=end {
            if let Err(error) = writer.append(&record(sequence)) {
                return (told, Err(error));
            }
        }
        if let Err(error) = writer.commit() {
            return (told, Err(error));
        }
        told = end;
    }
    (told, Ok(()))
}

/// A rule that gives the fault to the journaler's `nth` write or sync; a short count has a meaning for writes
/// only.
fn fail_nth(nth: u64, fault: Fault) -> impl FnMut(&Call) -> Option<Fault> + Send {
    let mut seen = 0;
    move |call: &Call| {
        let concerns = call.op == Op::Write || (call.op == Op::Sync && !matches!(fault, Fault::Short(_)));
        if call.by_maker || !concerns {
            return None;
        }
        seen += 1;
        (seen == nth + 1).then_some(fault)
    }
}

fn by_journaler(sim: &Sim) -> usize {
    sim.calls().iter().filter(|call| !call.by_maker).count()
}

#[test]
fn no_failed_write_or_sync_is_told_committed() {
    // Commits in the first segment, a roll, and more: every write and sync of it fails in turn.
    const TOTAL: u64 = 400;
    const GROUP: u64 = 75;
    for fault in [
        Fault::Error(EIO),
        Fault::Error(ENOSPC),
        Fault::Short(0),
        Fault::Short(700),
    ] {
        for nth in 0.. {
            let sim = Sim::new();
            let (mut writer, _, _) = open(&sim);
            sim.set_rule(fail_nth(nth, fault));
            let (told, result) = run(&mut writer, TOTAL, GROUP);
            let context = format!("{fault:?} in call {nth}, {told} told");
            if told == TOTAL {
                assert!(nth >= 7, "no fault came: {context}");
                result.unwrap();
                break;
            }
            let (error, calls) = (result.unwrap_err(), by_journaler(&sim));
            assert!(matches!(error, Error::Storage(_)), "{error}: {context}");
            // A roll inside a group commits the part of it before the roll.
            let told = writer.committed_sequence().max(told);
            for _ in 0..2 {
                assert!(
                    matches!(writer.append(b"x"), Err(Error::Poisoned { .. })),
                    "{context}"
                );
                assert!(
                    matches!(writer.commit(), Err(Error::Poisoned { .. })),
                    "{context}"
                );
            }
            assert_eq!(by_journaler(&sim), calls, "retried: {context}");
            drop(writer);
            sim.clear_rule();
            let mut dice = Dice::new(nth);
            let disk = sim.after_power_cut(|| dice.coin());
            for sim in [sim, disk] {
                check_recovered(&sim, told, TOTAL, &context);
            }
        }
    }
}

/// The journal holds all that was told and nothing that was not appended, and can be written on.
#[track_caller]
fn check_recovered(sim: &Sim, told: u64, total: u64, context: &str) {
    let (mut writer, _, seen) = open(sim);
    let found = seen.len() as u64;
    assert!((told..=total).contains(&found), "{found} found: {context}");
    assert_eq!(seen, records(found), "{context}");
    let (_, result) = run(&mut writer, total + 50, 20);
    result.unwrap();
    drop(writer);
    assert_eq!(open(sim).2, records(total + 50), "{context}");
}

#[test]
fn what_a_failed_sync_lost_does_not_come_back_from_the_page_cache() {
    let sim = Sim::new();
    let (mut writer, _, _) = open(&sim);
    commit(&mut writer, &records(3));
    sim.set_rule(|call| (call.op == Op::Sync && !call.by_maker).then_some(Fault::Error(EIO)));
    writer.append(&record(4)).unwrap();
    writer.commit().unwrap_err();
    drop(writer);
    sim.clear_rule();
    // The cache still holds the frame, its pages clean: to believe it would be to build on a hole.
    let (mut writer, report, seen) = open(&sim);
    assert_eq!((seen, report.cut), (records(3), None));
    commit(&mut writer, &[record(4), record(5)]);
    drop(writer);
    let disk = sim.after_power_cut(|| false);
    assert_eq!(open(&disk).2, records(5));
}

#[test]
fn a_frame_left_in_the_page_cache_is_durable_before_it_is_handed_up() {
    let sim = Sim::new();
    let (mut writer, _, _) = try_open(&sim, &options(Durability::PageCache)).unwrap();
    commit(&mut writer, &records(3));
    drop(writer);
    let (_, _, seen) = open(&sim);
    assert_eq!(seen, records(3));
    assert_eq!(open(&sim.after_power_cut(|| false)).2, records(3));
}

#[test]
fn an_opening_that_fails_anywhere_can_be_done_again() {
    let fresh = || (Sim::new(), 0u64);
    let torn = || {
        let mut files = journal_of(&[records(5), vec![vec![6; 512]]]);
        let (_, offset, ..) = *frames(&Sim::with_files(&files)).last().unwrap();
        segment_of(&mut files, 1)[offset as usize..offset as usize + 512].fill(0);
        files.insert(format!("{}.tmp", segment_name(3)), vec![0; 100]);
        (Sim::with_files(&files), 5)
    };
    for (name, make) in [("fresh", &fresh as &dyn Fn() -> (Sim, u64)), ("torn", &torn)] {
        for nth in 0.. {
            let (sim, count) = make();
            let mut calls = 0;
            sim.set_rule(move |call| {
                calls += u64::from(!call.by_maker);
                (!call.by_maker && calls == nth + 1).then_some(Fault::Error(EIO))
            });
            let result = try_open(&sim, &options(Durability::Fsync));
            let made = sim.calls().iter().filter(|call| !call.by_maker).count() as u64;
            if made <= nth {
                assert!(result.is_ok() && nth > 8, "{name}: {made} calls");
                break;
            }
            if let Ok((writer, ..)) = result {
                let call = sim
                    .calls()
                    .into_iter()
                    .filter(|call| !call.by_maker)
                    .nth(nth as usize)
                    .unwrap();
                panic!("{name}: {call:?} failed, and the journal was opened: {writer:?}");
            }
            drop(result);
            sim.clear_rule();
            assert_eq!(open(&sim).2, records(count), "{name}, call {nth}");
        }
    }
}

#[test]
fn the_room_told_is_there_when_no_segment_can_be_made() {
    for (seed, length, largest_group, first_failing) in [
        (1, 512, 4, 2),
        (2, 1, 4, 2),
        (3, 0, 4, 2),
        (4, 512, 1, 2),
        (5, 512, 1, 3),
        (6, 0, 9, 3),
    ] {
        let sim = Sim::new();
        let failing = format!("{}.tmp", segment_name(first_failing));
        let name = failing.clone();
        sim.set_rule(move |call| {
            (call.op == Op::Allocate && call.name == name).then_some(Fault::Error(ENOSPC))
        });
        let (mut writer, _, _) = open(&sim);
        if first_failing > 2 {
            await_spare(&writer, SEGMENT);
        }
        let space = writer.space();
        let mut dice = Dice::new(seed);
        let mut left = space.remaining_bytes() / RECORD_COST_BYTES;
        assert!(left > 50);
        while left > 0 {
            // However they are grouped, as many records as were told fit.
            let group = (1 + dice.below(largest_group)).min(left);
            for _ in 0..group {
                let length = if length == 0 { 1 + dice.below(512) } else { length };
                writer.append(&vec![7; length as usize]).unwrap();
            }
            writer.commit().unwrap();
            assert!(space.remaining_bytes() / RECORD_COST_BYTES >= left - group);
            left = space.remaining_bytes() / RECORD_COST_BYTES;
        }
        let committed = writer.committed_sequence();
        while space.failure().is_none() {
            std::thread::yield_now();
        }
        let failure = space.failure().unwrap();
        assert!(
            failure.contains(&failing) && failure.contains("space"),
            "{failure}"
        );
        let full = loop {
            match writer.append(&[7; 512]).and_then(|()| writer.commit()) {
                Ok(()) => continue,
                Err(error) => break error,
            }
        };
        assert!(
            matches!(&full, Error::Full { reason } if reason.contains("space")),
            "{full}"
        );
        assert!(writer.append(b"x").is_err());
        drop(writer);
        assert!(open(&sim).2.len() as u64 >= committed);
    }
}

#[test]
fn a_spare_that_failed_is_made_once_there_is_room_again() {
    for op in [
        Op::Create,
        Op::Allocate,
        Op::Write,
        Op::Sync,
        Op::Rename,
        Op::SyncDir,
    ] {
        let sim = Sim::new();
        sim.set_rule(move |call| (call.by_maker && call.op == op).then_some(Fault::Error(ENOSPC)));
        let (mut writer, _, _) = open(&sim);
        let space = writer.space();
        while space.failure().is_none() {
            std::thread::yield_now();
        }
        assert!(space.remaining_bytes() < SEGMENT, "{op:?}");
        commit(&mut writer, &records(20));
        sim.clear_rule();
        await_spare(&writer, SEGMENT);
        assert_eq!(space.failure(), None, "{op:?}");
        let (_, result) = run(&mut writer, 700, 30);
        result.unwrap();
        drop(writer);
        assert_eq!(open(&sim).2, records(700), "{op:?}");
    }
}

#[test]
fn a_slow_spare_is_waited_for() {
    let sim = Sim::new();
    sim.hold_maker(true);
    let (mut writer, _, _) = open(&sim);
    let release = sim.clone();
    let journaler = std::thread::spawn(move || {
        let (told, result) = run(&mut writer, 400, 30);
        result.unwrap();
        told
    });
    // The first segment holds about 240 of these records, so the journaler has to wait for the second.
    std::thread::sleep(std::time::Duration::from_millis(20));
    assert!(!journaler.is_finished());
    assert!(!release.files().contains_key(&segment_name(2)));
    release.hold_maker(false);
    assert_eq!(journaler.join().unwrap(), 400);
    assert_eq!(open(&release).2, records(400));
}
