//! Following a journal that is being written: every committed frame once and in order, nothing too early, and damage
//! where the writer had been before.

use crate::sim::{EIO, Fault, Op, Sim};
use crate::support::*;
use hoga_journal::{
    Damage, Durability, Follow, Position, Problem, ReadError, Writer, closed_segments, compress_segment,
    segment_name,
};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

fn follow_from(sim: &Sim, from: Position, writer: Option<&Writer>) -> Follow {
    Follow::open(
        Arc::new(sim.clone()),
        from,
        JOURNAL_ID,
        writer.map(Writer::durable),
    )
    .unwrap()
}

/// Takes what there is, checks that it is what was appended, and returns how many records came.
#[track_caller]
fn drain(follow: &mut Follow, context: &str) -> u64 {
    let mut taken = 0;
    while let Some(frame) = follow
        .next_frame()
        .unwrap_or_else(|error| panic!("{context}: {error}"))
    {
        for found in frame.records() {
            assert_eq!(found.bytes, record(found.sequence), "{context}");
            taken += 1;
        }
        assert_eq!(u64::from(frame.record_count), frame.records().count() as u64);
        let position = frame.position();
        assert_eq!(follow.position(), position, "{context}");
    }
    taken
}

#[test]
fn a_follower_sees_exactly_what_is_committed() {
    for seed in 0..40 {
        println!("seed {seed}");
        let mut dice = Dice::new(seed);
        let sim = Sim::new();
        // Some begin before the journal does.
        let mut outsider = follow_from(&sim, Position::START, None);
        let (mut writer, ..) = open(&sim);
        let mut insider = follow_from(&sim, Position::START, Some(&writer));
        let (mut by_insider, mut by_outsider) = (0, 0);
        for step in 0..400 {
            let context = format!("seed {seed}, step {step}");
            match dice.below(10) {
                0..=3 => {
                    for _ in 0..dice.below(40) {
                        writer.append(&record(writer.next_sequence())).unwrap();
                    }
                }
                4 | 5 => writer.commit().unwrap(),
                6 => by_insider += drain(&mut insider, &context),
                7 => by_outsider += drain(&mut outsider, &context),
                8 => {
                    if let Some(number) = closed_segments(&sim).unwrap().first() {
                        compress_segment(&sim, *number, 1).unwrap();
                    }
                }
                _ if dice.below(4) == 0 => {
                    insider = follow_from(&sim, insider.position(), Some(&writer));
                    outsider = follow_from(&sim, outsider.position(), None);
                }
                _ if dice.below(8) == 0 => {
                    drop(writer);
                    writer = open(&sim).0;
                    insider = follow_from(&sim, insider.position(), Some(&writer));
                }
                _ => {}
            }
            assert!(by_insider <= writer.committed_sequence(), "{context}");
            assert_eq!(insider.position().next_sequence, by_insider + 1, "{context}");
        }
        writer.commit().unwrap();
        by_insider += drain(&mut insider, "end");
        by_outsider += drain(&mut outsider, "end");
        let committed = writer.committed_sequence();
        assert_eq!((by_insider, by_outsider), (committed, committed), "seed {seed}");
        assert_eq!(
            (insider.position(), outsider.position()),
            (writer.position(), writer.position())
        );
        assert!(writer.position().segment > 3, "seed {seed}");
    }
}

#[test]
fn a_frame_is_not_returned_before_its_commit() {
    let sim = Sim::new();
    let (mut writer, ..) = open(&sim);
    commit(&mut writer, &records(3));
    let mut insider = follow_from(&sim, Position::START, Some(&writer));
    let mut outsider = follow_from(&sim, Position::START, None);
    assert_eq!((drain(&mut insider, ""), drain(&mut outsider, "")), (3, 3));
    // The frame is whole in the page cache, and its sync fails.
    sim.set_rule(|call| (call.op == Op::Sync && !call.by_maker).then_some(Fault::Error(EIO)));
    writer.append(&record(4)).unwrap();
    writer.commit().unwrap_err();
    for _ in 0..1_000 {
        assert!(insider.next_frame().unwrap().is_none());
    }
    assert_eq!(writer.durable().sequence(), 3);
    assert_eq!(drain(&mut outsider, "whole"), 1);
    // Whoever is not told must ask the disk before keeping anything that rests on the frame.
    outsider.make_durable().unwrap_err();
}

#[test]
fn what_was_made_durable_survives_a_power_cut() {
    let sim = Sim::new();
    let (mut writer, ..) = try_open(&sim, &options(Durability::PageCache)).unwrap();
    let mut follow = follow_from(&sim, Position::START, None);
    for sequence in 1..=300 {
        commit(&mut writer, &[record(sequence)]);
        if sequence % 37 == 0 {
            drain(&mut follow, "");
            follow.make_durable().unwrap();
            let position = follow.position();
            let (_, report, _) = try_open_from(&sim.after_power_cut(|| false), &position).unwrap();
            assert_eq!((report.records, report.cut), (sequence, None));
        }
    }
    assert!(follow.position().segment > 1);
}

#[test]
fn a_frame_half_written_is_not_there_yet() {
    let files = journal_of(&[records(3), records_from(4, 60)]);
    let (_, offset, bytes, ..) = frames(&Sim::with_files(&files))[1];
    assert!(bytes > 8_192);
    let whole = files[&segment_name(1)][offset as usize..(offset + bytes) as usize].to_vec();
    let mut before = files.clone();
    segment_of(&mut before, 1)[offset as usize..].fill(0);
    let sim = Sim::with_files(&before);
    let mut follow = follow_from(&sim, Position::START, None);
    assert_eq!(drain(&mut follow, "before"), 3);
    // The blocks come in any order; every one but the last is there, and polled at.
    let mut dice = Dice::new(5);
    let mut blocks: Vec<usize> = (0..whole.len() / 512).collect();
    while !blocks.is_empty() {
        let block = blocks.swap_remove(dice.below(blocks.len() as u64) as usize);
        // A block is half there for a moment: a copy into the page cache is not one step.
        for length in [200, 512] {
            let part = &whole[block * 512..][..length];
            sim.alter(&segment_name(1), |file| {
                file[offset as usize + block * 512..][..length].copy_from_slice(part);
            });
            for poll in 0..5 {
                let context = format!("{} blocks and {length} bytes, poll {poll}", blocks.len());
                let is_whole = blocks.is_empty() && length == 512;
                let taken = drain(&mut follow, &context);
                assert_eq!(taken, if is_whole && poll == 0 { 57 } else { 0 }, "{context}");
            }
        }
    }
    assert_eq!(
        follow.position(),
        *positions(&Sim::with_files(&files)).last().unwrap()
    );
}

/// What following `files` from the start comes to within so many polls that find nothing.
fn fate(files: &Files, durable: bool, polls: u64) -> (u64, Option<Damage>) {
    let sim = Sim::with_files(files);
    let whole = three_segments().0;
    // A writer of the whole journal lends its count: it has committed all of it.
    let (writer, ..) = open(&Sim::with_files(&whole));
    let mut follow = follow_from(&sim, Position::START, durable.then_some(&writer));
    let mut taken = 0;
    for _ in 0..polls {
        loop {
            match follow.next_frame() {
                Ok(Some(frame)) => taken += u64::from(frame.record_count),
                Ok(None) => break,
                Err(ReadError::Damaged(damage)) => return (taken, Some(*damage)),
                Err(other) => panic!("{other}"),
            }
        }
    }
    (taken, None)
}

#[test]
fn damage_is_seen_by_a_follower() {
    let (files, count) = three_segments();
    let all = frames(&Sim::with_files(&files));
    let last_segment = all.last().unwrap().0;
    for (index, &(segment, offset, bytes, sequence, _)) in all.iter().enumerate().step_by(7) {
        for (name, at, fill) in [
            ("header", offset + 20, 1),
            ("body", offset + 140, 1),
            ("zeroed", offset, bytes),
        ] {
            let mut files = files.clone();
            let range = at as usize..(at + fill) as usize;
            match name {
                "zeroed" => segment_of(&mut files, segment)[range].fill(0),
                _ => segment_of(&mut files, segment)[range][0] ^= 1,
            }
            for durable in [true, false] {
                // Without the count, the last segment's damage is looked for seldom.
                let polls = if durable || name != "zeroed" { 1 } else { 300 };
                let context = format!("{name}, frame {index}, durable {durable}");
                let (taken, damage) = fate(&files, durable, polls);
                assert_eq!(taken, sequence - 1, "{context}");
                let damage = damage.unwrap_or_else(|| panic!("{context}: not seen"));
                assert_eq!(
                    (damage.file.clone(), damage.offset, damage.expected_sequence),
                    (segment_name(segment), offset, sequence),
                    "{context}: {damage}"
                );
            }
        }
    }
    // The last frame is damaged if it is committed, and not there yet if nobody tells: it may just be being written.
    let &(segment, offset, _, sequence, records) = all.last().unwrap();
    assert_eq!(
        (segment, sequence + u64::from(records)),
        (last_segment, count + 1)
    );
    for at in [offset + 20, offset + 140] {
        let mut files = files.clone();
        segment_of(&mut files, segment)[at as usize] ^= 1;
        assert_eq!(fate(&files, true, 1).1.unwrap().offset, offset);
        assert_eq!(fate(&files, false, 2_000), (sequence - 1, None));
    }
}

#[test]
fn a_lost_segment_is_named_by_a_follower() {
    let (files, _) = three_segments();
    let all = frames(&Sim::with_files(&files));
    let first_of = |segment| all.iter().find(|frame| frame.0 == segment).unwrap().3;
    let mut gap = files.clone();
    gap.remove(&segment_name(2));
    let mut head = files.clone();
    segment_of(&mut head, 2)[30] ^= 1;
    for (files, problem) in [(&gap, Problem::SegmentMissing), (&head, Problem::SegmentHeader)] {
        for durable in [true, false] {
            let (taken, damage) = fate(files, durable, 300);
            let damage = damage.unwrap();
            assert_eq!((damage.problem, damage.file), (problem.clone(), segment_name(2)));
            assert_eq!(taken, first_of(2) - 1);
        }
    }
}

#[test]
fn a_segment_that_comes_to_be_lost_is_named_by_a_follower() {
    // The follower is in the first segment when the second is begun, broken, and has a third behind it.
    let (files, _) = three_segments();
    let mut early = files.clone();
    early.retain(|name, _| *name == segment_name(1));
    for durable in [true, false] {
        let sim = Sim::with_files(&early);
        let (writer, ..) = open(&Sim::with_files(&files));
        let mut follow = follow_from(&sim, Position::START, None);
        let taken = drain(&mut follow, "the first segment");
        if durable {
            follow = follow_from(&sim, follow.position(), Some(&writer));
        }
        sim.put(&segment_name(3), files[&segment_name(3)].clone());
        let found = (0..300).find_map(|_| follow.next_frame().err());
        match found {
            Some(ReadError::Damaged(damage)) => assert_eq!(
                (damage.problem, damage.file, damage.expected_sequence),
                (Problem::SegmentMissing, segment_name(2), taken + 1)
            ),
            other => panic!("{durable}: {other:?}"),
        }
    }
}

#[test]
fn another_journal_is_not_followed() {
    let (files, _) = three_segments();
    let storage = || Arc::new(Sim::with_files(&files));
    let error = Follow::open(storage(), Position::START, 7, None).unwrap_err();
    assert!(matches!(error, ReadError::Damaged(_)), "{error}");
    assert!(error.to_string().contains("belong to journal"), "{error}");
    // One that is begun under the follower's eyes is seen too.
    let sim = Sim::new();
    let mut follow = Follow::open(Arc::new(sim.clone()), Position::START, 7, None).unwrap();
    assert!(follow.next_frame().unwrap().is_none());
    let (mut writer, ..) = open(&sim);
    commit(&mut writer, &records(1));
    assert!(matches!(follow.next_frame(), Err(ReadError::Damaged(_))));
}

#[test]
fn a_segment_compressed_under_a_follower_is_read_to_its_end() {
    let (files, count) = three_segments();
    let sim = Sim::with_files(&files);
    let last = files.len() as u64 - 1;
    let mut follow = follow_from(&sim, Position::START, None);
    let mut taken = 0;
    while let Some(frame) = follow.next_frame().unwrap() {
        taken += u64::from(frame.record_count);
        // As soon as it is in a segment, that one is compressed and removed.
        let segment = follow.position().segment;
        if segment < last && sim.files().contains_key(&segment_name(segment)) {
            compress_segment(&sim, segment, 1).unwrap();
        }
    }
    assert_eq!(taken, count);
    assert!(!sim.files().contains_key(&segment_name(last - 1)));
}

#[test]
fn an_idle_journal_costs_next_to_nothing() {
    let sim = Sim::new();
    let (mut writer, ..) = open(&sim);
    commit(&mut writer, &records(20));
    await_spare(&writer, SEGMENT);
    let mut insider = follow_from(&sim, Position::START, Some(&writer));
    let mut outsider = follow_from(&sim, Position::START, None);
    assert_eq!((drain(&mut insider, ""), drain(&mut outsider, "")), (20, 20));
    let reads = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&reads);
    sim.set_read_hook(move || {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    sim.forget_calls();
    for _ in 0..1_000 {
        assert!(insider.next_frame().unwrap().is_none());
    }
    assert_eq!((reads.load(Ordering::Relaxed), sim.calls().len()), (0, 0));
    for _ in 0..200 {
        assert!(outsider.next_frame().unwrap().is_none());
    }
    assert_eq!((reads.load(Ordering::Relaxed), sim.calls().len()), (200, 0));
}

#[test]
fn what_a_writer_does_between_two_reads_of_a_follower_is_no_damage() {
    // In the middle of a poll, at every read in turn, the writer commits some frames, or enough of them to roll.
    for commits in [1, 3, 40] {
        // The first polls, and the thorough look after 256 of them; those between are all alike.
        for nth in (0..8).chain(250..) {
            let sim = Sim::new();
            let (mut writer, ..) = open(&sim);
            for sequence in 1..=60 {
                commit(&mut writer, &[record(sequence)]);
            }
            await_spare(&writer, SEGMENT);
            let reads = Arc::new(Mutex::new(0));
            let mut follow = follow_from(&sim, writer.position(), None);
            let counter = Arc::clone(&reads);
            sim.set_read_hook(move || {
                let mut reads = counter.lock().unwrap();
                *reads += 1;
                if *reads == nth + 1 {
                    for _ in 0..commits {
                        let next = writer.next_sequence();
                        commit(&mut writer, &[record(next), record(next + 1)]);
                    }
                }
            });
            let mut taken = 0;
            for poll in 0..260 {
                taken += drain(
                    &mut follow,
                    &format!("{commits} commits in read {nth}, poll {poll}"),
                );
            }
            if *reads.lock().unwrap() <= nth {
                assert!(nth > 270, "{nth} reads");
                break;
            }
            assert_eq!(taken, 2 * commits, "{commits} commits in read {nth}");
        }
    }
}
