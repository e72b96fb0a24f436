//! Beginning at a position: exactly what is behind it is handed up, whatever became of the segments before, and a
//! position that the journal does not hold is told apart from damage.

use crate::sim::Sim;
use crate::support::*;
use hoga_journal::{
    Absence, Damage, Durability, Follow, Journal, OpenError, Options, Position, Problem, ReadError, Reader,
    compress_segment, segment_name, verify_with,
};
use std::sync::Arc;

/// What became of the segments before the position's, and of its own if that is closed.
#[derive(Clone, Copy, Debug)]
enum Early {
    There,
    Gone,
    Compressed,
    GoneAndOwnCompressed,
}

fn prepared(files: &Files, position: &Position, last: u64, early: Early) -> Sim {
    let sim = Sim::with_files(files);
    let compress = |number| assert!(compress_segment(&sim, number, 3).is_ok());
    match early {
        Early::There => {}
        Early::Compressed => (1..position.segment).for_each(compress),
        Early::GoneAndOwnCompressed if position.segment < last => compress(position.segment),
        Early::Gone | Early::GoneAndOwnCompressed => {}
    }
    if matches!(early, Early::Gone | Early::GoneAndOwnCompressed) {
        let mut files = sim.files();
        (1..position.segment).for_each(|number| drop(files.remove(&segment_name(number))));
        return Sim::with_files(&files);
    }
    sim
}

#[test]
fn a_position_hands_up_exactly_what_is_behind_it() {
    let (files, count) = three_segments();
    let all = positions(&Sim::with_files(&files));
    let end = *all.last().unwrap();
    // The beginning of a segment is the same place as the end of the one before it.
    let heads = (2..=end.segment).map(|segment| {
        let before = all.iter().rfind(|position| position.segment < segment).unwrap();
        Position {
            segment,
            offset: 512,
            ..*before
        }
    });
    for position in all.iter().copied().chain(heads) {
        for early in [
            Early::There,
            Early::Gone,
            Early::Compressed,
            Early::GoneAndOwnCompressed,
        ] {
            let context = format!("{early:?}, {position:?}");
            let sim = prepared(&files, &position, end.segment, early);
            let expected = records_from(position.next_sequence, count);

            let mut reader = Reader::open_at(Arc::new(sim.clone()), Some(&position)).unwrap();
            assert_eq!(reader.first_sequence(), position.next_sequence, "{context}");
            assert_eq!(reader.position(), position, "{context}");
            let mut read = Vec::new();
            while let Some(record) = reader.next_record().unwrap() {
                read.push(record.bytes.to_vec());
            }
            assert_eq!(read, expected, "{context}");
            assert_eq!(reader.position(), end, "{context}");

            let mut follow = Follow::open(Arc::new(sim.clone()), position, JOURNAL_ID, None).unwrap();
            let mut followed = Vec::new();
            while let Some(frame) = follow.next_frame().unwrap() {
                followed.extend(frame.records().map(|record| record.bytes.to_vec()));
            }
            assert_eq!(followed, expected, "{context}");
            assert_eq!(follow.position(), end, "{context}");

            let (mut writer, report, seen) =
                try_open_from(&sim, &position).unwrap_or_else(|error| panic!("{context}: {error}"));
            assert_eq!(seen, expected, "{context}");
            assert_eq!(
                (
                    report.first_record,
                    report.replayed,
                    report.records,
                    report.created
                ),
                (position.next_sequence, expected.len() as u64, count, false),
                "{context}"
            );
            assert_eq!(
                (writer.position(), writer.durable().sequence()),
                (end, count),
                "{context}"
            );
            commit(&mut writer, &[record(count + 1)]);
            drop(writer);
            assert_eq!(
                try_open_from(&sim, &position).unwrap().2,
                records_from(position.next_sequence, count + 1),
                "{context}"
            );
        }
    }
}

#[test]
fn a_writer_knows_its_position_from_the_start() {
    let sim = Sim::new();
    let (mut writer, ..) = open(&sim);
    assert_eq!(writer.position(), Position::START);
    // Over two rolls, the writer and the frames agree after every commit.
    for sequence in 1..=300 {
        let long = vec![1; 512];
        commit(
            &mut writer,
            &[if sequence == 300 { long } else { record(sequence) }],
        );
        assert_eq!(writer.durable().sequence(), sequence);
        let mut follow = Follow::open(Arc::new(sim.clone()), writer.position(), JOURNAL_ID, None).unwrap();
        assert!(follow.next_frame().unwrap().is_none());
        if sequence % 50 == 0 {
            assert_eq!(*positions(&sim).last().unwrap(), writer.position());
        }
    }
    drop(writer);
    let all = positions(&sim);
    assert!(all.last().unwrap().segment > 2);

    let mut files = sim.files();
    let torn = all[all.len() - 2];
    segment_of(&mut files, torn.segment)[torn.offset as usize..torn.offset as usize + 512].fill(0);
    let (writer, report, _) = open(&Sim::with_files(&files));
    assert!(report.cut.is_some());
    assert_eq!((writer.position(), writer.durable().sequence()), (torn, 299));
}

#[test]
fn an_empty_journal_is_begun_at_the_start_and_nowhere_else() {
    let sim = Sim::new();
    let (writer, report, _) = try_open_from(&sim, &Position::START).unwrap();
    assert!(report.created && writer.position() == Position::START);
    drop(writer);
    let (files, _) = three_segments();
    let all = positions(&Sim::with_files(&files));
    for position in &all[1..] {
        let empty = Sim::new();
        let absence = absent(&empty, position);
        assert!(
            matches!(&absence, Absence::Ahead(tail) if tail.segment == 0),
            "{absence:?}"
        );
        assert!(empty.files().is_empty());
        // A journal that keeps nothing has no such place either.
        let opened = Journal::open_from(
            Arc::new(Sim::new()),
            &options(Durability::Memory),
            Some(position),
            |_, _| Ok::<(), std::io::Error>(()),
        );
        assert!(matches!(opened, Err(OpenError::Read(ReadError::NotHere(_)))));
    }
}

/// Why the position is not there, according to every way to begin at one; nothing is changed.
#[track_caller]
fn absent(sim: &Sim, position: &Position) -> Absence {
    let before = sim.files();
    let storage = || Arc::new(sim.clone());
    let by_writer = match try_open_from(sim, position) {
        Err(OpenError::Read(error)) => error,
        other => panic!("{:?}", other.map(|(_, report, _)| report)),
    };
    let message = by_writer.to_string();
    for part in [
        format!(
            "before sequence {} at offset {}",
            position.next_sequence, position.offset
        ),
        "Nothing was changed".into(),
    ] {
        assert!(message.contains(&part), "{message}");
    }
    let by_reader = Reader::open_at(storage(), Some(position)).unwrap_err();
    let by_follow = Follow::open(storage(), *position, JOURNAL_ID, None).unwrap_err();
    assert_eq!(sim.files(), before, "{message}");
    let found = [by_writer, by_reader, by_follow].map(|error| match error {
        ReadError::NotHere(absent) => *absent,
        other => panic!("{other}"),
    });
    assert_eq!((&found[0], &found[1]), (&found[1], &found[2]));
    assert_eq!(found[0].position, *position);
    found[0].why.clone()
}

#[test]
fn a_position_ahead_of_a_journal_that_lost_its_end_is_not_believed() {
    let (files, _) = three_segments();
    let all = positions(&Sim::with_files(&files));
    for (kept, end) in all.iter().enumerate().step_by(3) {
        // The journal as it was, the same with only its blocks zeroed, and the same with a torn frame at its end.
        let mut zeroed = files.clone();
        for segment in end.segment..=files.len() as u64 {
            let from = if segment == end.segment {
                end.offset as usize
            } else {
                0
            };
            segment_of(&mut zeroed, segment)[from..].fill(0);
        }
        let mut earlier = zeroed.clone();
        earlier.retain(|name, _| *name <= segment_name(end.segment + 1));
        let mut torn = earlier.clone();
        let rest = &files[&segment_name(end.segment)][end.offset as usize..];
        let part = rest.len().min(1_024);
        segment_of(&mut torn, end.segment)[end.offset as usize..end.offset as usize + part]
            .copy_from_slice(&rest[..part]);
        for position in &all[kept + 1..] {
            for (name, files) in [("zeroed", &zeroed), ("earlier", &earlier), ("torn", &torn)] {
                if name == "zeroed" && end.segment + 2 <= files.len() as u64 {
                    // Blank files in a row are no spare, and damage as ever.
                    continue;
                }
                match absent(&Sim::with_files(files), position) {
                    Absence::Ahead(tail) => assert_eq!(
                        (tail.segment, tail.offset, tail.next_sequence),
                        (end.segment, end.offset, end.next_sequence),
                        "{name}"
                    ),
                    other => panic!("{name}: {other:?}"),
                }
            }
        }
    }
}

#[test]
fn a_position_of_another_journal_is_told_apart() {
    let (files, _) = three_segments();
    let sim = Sim::with_files(&files);
    let all = positions(&sim);
    // The same sizes, but one record differs at the start, so that only the chains do.
    let groups: Vec<Vec<Vec<u8>>> = (0..60u64)
        .map(|group| (group * 10 + 1..=group * 10 + 10).map(record).collect())
        .collect();
    let mut changed = groups.clone();
    changed[0][0][0] ^= 1;
    let changed = positions(&Sim::with_files(&journal_of(&changed)));
    let foreign = Options {
        journal_id: 99,
        ..options(Durability::Fsync)
    };
    let foreign = positions(&Sim::with_files(&journal_with(&groups, &foreign)));
    for (index, mine) in all.iter().enumerate().skip(1).step_by(4) {
        for position in [
            changed[index],
            foreign[index],
            Position {
                next_sequence: mine.next_sequence + 1,
                ..*mine
            },
            Position {
                chain: all[index - 1].chain,
                ..*mine
            },
            Position {
                offset: mine.offset - 512,
                ..*mine
            },
            Position {
                offset: mine.offset - 1,
                ..*mine
            },
        ] {
            let found = absent(&sim, &position);
            assert!(matches!(found, Absence::Elsewhere(_)), "{position:?}: {found:?}");
        }
    }
    for wild in [
        Position {
            segment: 0,
            ..Position::START
        },
        Position {
            offset: 0,
            ..Position::START
        },
        Position {
            next_sequence: 0,
            ..all[5]
        },
        Position {
            segment: u64::MAX,
            offset: u64::MAX,
            next_sequence: u64::MAX,
            chain: [0xff; 32],
        },
        Position {
            offset: u64::MAX,
            ..all[5]
        },
    ] {
        absent(&sim, &wild);
    }
}

#[track_caller]
fn damage(result: Result<Opened, OpenError<std::convert::Infallible>>) -> Damage {
    match result {
        Err(OpenError::Read(ReadError::Damaged(damage))) => *damage,
        other => panic!("{:?}", other.map(|(_, report, _)| report)),
    }
}

#[test]
fn damage_on_the_way_to_a_position_is_damage() {
    let (files, _) = three_segments();
    let all = positions(&Sim::with_files(&files));
    let last = all.last().unwrap().segment;
    for position in all.iter().filter(|position| position.segment == last - 1) {
        let mut lost = files.clone();
        lost.remove(&segment_name(position.segment));
        let found = damage(try_open_from(&Sim::with_files(&lost), position));
        assert_eq!(
            (found.problem, found.file),
            (Problem::SegmentMissing, segment_name(position.segment))
        );
        // The first frame of its segment, and its head.
        for at in [512 + 130, 20] {
            let mut flipped = files.clone();
            segment_of(&mut flipped, position.segment)[at] ^= 1;
            damage(try_open_from(&Sim::with_files(&flipped), position));
        }
        let mut behind = files.clone();
        segment_of(&mut behind, last)[512 + 130] ^= 1;
        damage(try_open_from(&Sim::with_files(&behind), position));
    }
}

#[test]
fn without_a_position_segments_moved_away_are_missed() {
    let (mut files, count) = three_segments();
    files.remove(&segment_name(1));
    let sim = Sim::with_files(&files);
    let found = damage(try_open(&sim, &options(Durability::Fsync)));
    assert_eq!(
        (found.problem.clone(), found.file.clone()),
        (Problem::SegmentMissing, segment_name(1))
    );
    let message = found.to_string();
    assert!(
        message.contains("moved away") && message.contains("snapshot"),
        "{message}"
    );

    let mut reader = Reader::open_present(Arc::new(sim.clone())).unwrap();
    let first = reader.first_sequence();
    assert!(first > 1 && reader.journal_id() == Some(JOURNAL_ID));
    assert_eq!(reader.next_record().unwrap().unwrap().sequence, first);
    let mut reader = Reader::open_present(Arc::new(sim)).unwrap();
    let summary = verify_with(&mut reader).unwrap();
    assert_eq!(
        (
            summary.first_sequence,
            summary.records,
            summary.tail.next_sequence
        ),
        (first, count - first + 1, count + 1)
    );
    assert_eq!(summary.segments, files.len() as u64 - 1);
}

#[test]
fn what_is_left_is_read_only_if_it_has_a_begun_segment() {
    let (files, _) = three_segments();
    let spare = files.len() as u64;
    let only = |number: u64| Files::from([(segment_name(number), files[&segment_name(number)].clone())]);
    let read = |files: &Files| {
        let mut reader = Reader::open_present(Arc::new(Sim::with_files(files))).unwrap();
        verify_with(&mut reader).map(|summary| summary.records)
    };
    assert!(read(&only(spare - 1)).unwrap() > 0);
    for (files, problem, expected) in [
        (only(spare), Problem::SegmentMissing, spare - 1),
        (
            only(2).into_iter().chain(only(spare)).collect(),
            Problem::SegmentMissing,
            3,
        ),
    ] {
        match read(&files) {
            Err(ReadError::Damaged(found)) => {
                assert_eq!((found.problem, found.file), (problem, segment_name(expected)));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(read(&Files::new()).unwrap(), 0);
}
