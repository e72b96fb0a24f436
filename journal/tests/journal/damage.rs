//! Damage that is no torn tail: the journal is refused, the place is named, and nothing is changed.

use crate::sim::Sim;
use crate::support::*;
use hoga_journal::{Damage, Durability, OpenError, Problem, ReadError, Reader, segment_name, verify_with};
use std::sync::Arc;

/// Frames of one block each, so that they can change places; the second segment is begun, the third blank.
fn reference() -> (Files, Vec<FrameAt>) {
    let sim = Sim::new();
    let (mut writer, _, _) = open(&sim);
    let mut group = 0;
    while writer.committed_sequence() < 270 {
        group += 1;
        // The records of a group are as many as the group's number says, up to three, and short.
        let records: Vec<_> = (0..1 + group % 3)
            .map(|at| vec![group as u8; 20 + at as usize])
            .collect();
        commit(&mut writer, &records);
    }
    await_spare(&writer, SEGMENT);
    drop(writer);
    let found = frames(&sim);
    assert!(found.iter().all(|frame| frame.2 == 512));
    assert_eq!(found.last().unwrap().0, 2);
    (sim.files(), found)
}

fn damage_of(sim: &Sim) -> Damage {
    match try_open(sim, &options(Durability::Fsync)) {
        Err(OpenError::Read(ReadError::Damaged(damage))) => *damage,
        Err(other) => panic!("{other}"),
        Ok((_, report, _)) => panic!("the damage was taken: {report:?}"),
    }
}

/// Opening and verifying both refuse at this place with this problem, and change nothing.
#[track_caller]
fn check(files: &Files, file: u64, offset: u64, sequence: u64, problem: Problem) {
    let sim = Sim::with_files(files);
    let damage = damage_of(&sim);
    assert_eq!(
        (
            damage.file.as_str(),
            damage.offset,
            damage.expected_sequence,
            &damage.problem
        ),
        (segment_name(file).as_str(), offset, sequence, &problem)
    );
    let message = damage.to_string();
    for part in [
        segment_name(file),
        format!("offset {offset}"),
        format!("expected sequence {sequence}"),
    ] {
        assert!(message.contains(&part), "{message}");
    }
    assert!(message.contains("Nothing was changed"), "{message}");
    assert_eq!(&sim.files(), files, "{message}");

    let mut reader = Reader::open_with(Arc::new(sim)).unwrap();
    match verify_with(&mut reader) {
        Err(ReadError::Damaged(found)) => assert_eq!(*found, damage),
        other => panic!("{other:?}"),
    }
}

fn block(files: &Files, segment: u64, offset: u64) -> Vec<u8> {
    files[&segment_name(segment)][offset as usize..offset as usize + 512].to_vec()
}

fn put(files: &mut Files, segment: u64, offset: u64, bytes: &[u8]) {
    let at = offset as usize;
    segment_of(files, segment)[at..at + bytes.len()].copy_from_slice(bytes);
}

#[test]
fn a_zeroed_frame_is_no_end() {
    let (files, frames) = reference();
    // In the middle of the first segment, at its end, at the start and in the middle of the last.
    let first_of_last = frames.iter().position(|frame| frame.0 == 2).unwrap();
    for index in [0, 5, first_of_last - 1, first_of_last, first_of_last + 3] {
        let mut files = files.clone();
        let (segment, offset, _, sequence, _) = frames[index];
        put(&mut files, segment, offset, &[0; 512]);
        check(&files, segment, offset, sequence, Problem::FrameMissing);
    }
}

#[test]
fn frames_that_changed_places_are_refused() {
    let (files, frames) = reference();
    let last = frames.len() - 1;
    for (one, two) in [(2, 3), (last - 1, last), (last - 4, last)] {
        let mut files = files.clone();
        let ((segment, at, _, sequence, _), (_, behind, ..)) = (frames[one], frames[two]);
        let (first, second) = (block(&files, segment, at), block(&files, segment, behind));
        put(&mut files, segment, at, &second);
        put(&mut files, segment, behind, &first);
        check(
            &files,
            segment,
            at,
            sequence,
            Problem::Sequence { found: frames[two].3 },
        );
    }
}

#[test]
fn an_old_frame_written_over_the_end_is_refused() {
    let (files, frames) = reference();
    let (segment, last, _, sequence, records) = frames[frames.len() - 1];
    let old = block(&files, segment, frames[frames.len() - 3].1);
    // Over the last frame, and behind it.
    for (offset, expected) in [(last, sequence), (last + 512, sequence + u64::from(records))] {
        let mut files = files.clone();
        put(&mut files, segment, offset, &old);
        check(
            &files,
            segment,
            offset,
            expected,
            Problem::Sequence {
                found: frames[frames.len() - 3].3,
            },
        );
    }
}

#[test]
fn a_frame_behind_its_place_is_refused() {
    let (mut files, frames) = reference();
    let (segment, offset, _, sequence, _) = frames[frames.len() - 1];
    let moved = block(&files, segment, offset);
    put(&mut files, segment, offset, &[0; 512]);
    put(&mut files, segment, offset + 1024, &moved);
    check(&files, segment, offset, sequence, Problem::FrameMissing);
}

#[test]
fn a_frame_of_another_past_is_refused_even_at_the_end() {
    // Two journals of the same id and sizes, of other contents: only the chain tells their frames apart.
    let ours = journal_of(&[vec![vec![1; 9]], vec![vec![2; 9]]]);
    let theirs = journal_of(&[vec![vec![9; 9]], vec![vec![2; 9]]]);
    let mut files = ours.clone();
    put(&mut files, 1, 1024, &block(&theirs, 1, 1024));
    check(&files, 1, 1024, 2, Problem::Chain);
}

#[test]
fn a_broken_frame_with_a_whole_one_behind_it_is_no_torn_tail() {
    let (files, frames) = reference();
    let (segment, offset, _, sequence, _) = frames[frames.len() - 2];
    for (at, problem) in [
        (3, Problem::FrameMagic),
        (30, Problem::FrameHeaderChecksum),
        (60, Problem::FrameHeaderChecksum),
        (140, Problem::FrameHeaderChecksum),
        (511, Problem::FrameHeaderChecksum),
    ] {
        let mut files = files.clone();
        segment_of(&mut files, segment)[offset as usize + at] ^= 0x10;
        check(&files, segment, offset, sequence, problem);
        let damage = damage_of(&Sim::with_files(&files));
        let last = frames[frames.len() - 1];
        assert_eq!(damage.intact_after, Some((last.1, last.3)));
        assert!(damage.to_string().contains("records are lost"), "{damage}");
    }
}

#[test]
fn segments_missing_renamed_or_of_another_size_are_refused() {
    let groups: Vec<_> = (0..80)
        .map(|group| (group * 10 + 1..=group * 10 + 10).map(record).collect())
        .collect();
    let files = journal_of(&groups);
    let found = frames(&Sim::with_files(&files));
    let first_of = |segment| found.iter().find(|frame| frame.0 == segment).unwrap().3;
    let last = found.last().unwrap().0;
    assert!(last >= 3);

    let mut gap = files.clone();
    gap.remove(&segment_name(2));
    check(&gap, 2, 0, first_of(2), Problem::SegmentMissing);

    let mut headless = files.clone();
    headless.remove(&segment_name(1));
    check(&headless, 1, 0, 1, Problem::SegmentMissing);

    let mut far = files.clone();
    far.insert(segment_name(u64::MAX), vec![0; SEGMENT as usize]);
    let (after_spare, end) = (last + 1, found.last().unwrap());
    // The spare is the last of the row, so its blank header means that something is lost.
    check(
        &far,
        after_spare,
        0,
        end.3 + u64::from(end.4),
        Problem::SegmentHeader,
    );

    let mut swapped = files.clone();
    let (two, three) = (files[&segment_name(2)].clone(), files[&segment_name(3)].clone());
    swapped.insert(segment_name(2), three);
    swapped.insert(segment_name(3), two);
    check(
        &swapped,
        2,
        0,
        first_of(2),
        Problem::Foreign {
            journal_id: JOURNAL_ID,
            segment: 3,
        },
    );

    for (segment, bytes) in [(1, SEGMENT - 512), (2, SEGMENT + 4096), (last, SEGMENT - 4096)] {
        let mut resized = files.clone();
        segment_of(&mut resized, segment).resize(bytes as usize, 0);
        let problem = Problem::SegmentSize {
            expected: SEGMENT,
            found: bytes,
        };
        check(&resized, segment, 0, first_of(segment), problem);
    }

    let mut blank = files.clone();
    segment_of(&mut blank, last)[..512].fill(0);
    check(&blank, last, 0, first_of(last), Problem::SegmentHeader);

    let other = hoga_journal::Options {
        journal_id: 99,
        ..options(Durability::Fsync)
    };
    let mut foreign = files.clone();
    foreign.insert(
        segment_name(2),
        journal_with(&groups, &other)[&segment_name(2)].clone(),
    );
    check(
        &foreign,
        2,
        0,
        first_of(2),
        Problem::Foreign {
            journal_id: 99,
            segment: 2,
        },
    );
}

#[test]
fn a_segment_cut_off_inside_its_header_is_no_spare() {
    let (mut files, frames) = reference();
    files.remove(&segment_name(3));
    let first = frames.iter().find(|frame| frame.0 == 2).unwrap();
    for found in [1, 8, 511] {
        let mut files = files.clone();
        segment_of(&mut files, 2).truncate(found as usize);
        check(&files, 2, 0, first.3, Problem::SegmentShort { found });
    }
}

#[test]
fn bytes_behind_the_end_of_a_full_segment_are_refused() {
    let (mut files, frames) = reference();
    let last = *frames.iter().rfind(|frame| frame.0 == 1).unwrap();
    let (end, expected) = (last.1 + last.2, last.3 + u64::from(last.4));
    if end < SEGMENT {
        segment_of(&mut files, 1)[SEGMENT as usize - 1] = 1;
        check(&files, 1, end, expected, Problem::Leftover);
    }
    // A segment left with room at its end, as one is whose next frame was too long for it.
    let groups = vec![
        vec![vec![3; 512]; 100],
        vec![vec![3; 512]; 23],
        vec![vec![4; 512]; 60],
    ];
    let mut files = journal_of(&groups);
    let found = crate::support::frames(&Sim::with_files(&files));
    let last = *found.iter().rfind(|frame| frame.0 == 1).unwrap();
    let (end, expected) = (last.1 + last.2, last.3 + u64::from(last.4));
    assert!(end < SEGMENT && found.last().unwrap().0 == 2, "{found:?}");
    segment_of(&mut files, 1)[SEGMENT as usize - 1] = 1;
    check(&files, 1, end, expected, Problem::Leftover);
}

#[test]
fn bytes_in_the_unused_rest_of_a_segment_are_refused() {
    // A successor made by hand, so that the first segment has many unused blocks.
    let mut files = journal_of(&[vec![vec![1; 9]], vec![vec![2; 9]]]);
    let mut reader = Reader::open_with(Arc::new(Sim::with_files(&files))).unwrap();
    while reader.next_frame().unwrap().is_some() {}
    let chain = reader.chain();
    let mut head = block(&files, 1, 0);
    head[16..24].copy_from_slice(&2u64.to_le_bytes());
    head[24..32].copy_from_slice(&3u64.to_le_bytes());
    head[40..72].copy_from_slice(&chain);
    let crc = crc32c::crc32c(&head[..508]);
    head[508..512].copy_from_slice(&crc.to_le_bytes());
    put(&mut files, 2, 0, &head);
    assert_eq!(open(&Sim::with_files(&files)).1.segments, 2);

    segment_of(&mut files, 1)[40_000] = 1;
    check(&files, 1, 1536, 3, Problem::Leftover);
}

#[test]
fn a_newer_format_is_refused_by_its_version() {
    let (files, frames) = reference();
    let (segment, offset, _, sequence, _) = frames[frames.len() - 1];
    let mut sector = block(&files, segment, offset);
    sector[8] = 2;
    seal_sector(&mut sector, (JOURNAL_ID, segment, sequence), 0);
    let mut frame = files.clone();
    put(&mut frame, segment, offset, &sector);
    check(&frame, segment, offset, sequence, Problem::Version { found: 2 });

    let mut sector = block(&files, 1, 0);
    sector[8] = 2;
    let crc = crc32c::crc32c(&sector[..508]);
    sector[508..].copy_from_slice(&crc.to_le_bytes());
    let mut head = files.clone();
    put(&mut head, 1, 0, &sector);
    check(&head, 1, 0, 1, Problem::Version { found: 2 });
    let message = damage_of(&Sim::with_files(&head)).to_string();
    assert!(message.contains("newer program"), "{message}");
}

#[test]
fn counts_out_of_bounds_are_refused_under_a_right_checksum() {
    let (files, frames) = reference();
    let (segment, offset, _, sequence, _) = frames[frames.len() - 1];
    for (field, value, problem) in [
        (10, 64u32, Problem::Bounds), // header length (and the id's low half stays 0)
        (32, 0, Problem::Bounds),     // no records
        (32, 5_000, Problem::Bounds), // too many records
        (36, (1 << 20) + 1, Problem::Bounds), // a body too long
        (36, 61_400, Problem::Bounds), // a body longer than the rest of the segment
        (36, 1, Problem::Bounds),     // a body too short for its records
    ] {
        let mut frame = block(&files, segment, offset);
        let width = if field == 10 { 2 } else { 4 };
        frame[field..field + width].copy_from_slice(&value.to_le_bytes()[..width]);
        seal_sector(&mut frame, (JOURNAL_ID, segment, sequence), 0);
        let mut files = files.clone();
        put(&mut files, segment, offset, &frame);
        check(&files, segment, offset, sequence, problem);
    }
}

#[test]
fn a_whole_frame_of_another_journal_is_not_cut() {
    // Where the next frame would be: no write of this journal's leaves it there.
    let other = hoga_journal::Options {
        journal_id: 99,
        ..options(Durability::Fsync)
    };
    let groups = [records(4), (5..=7).map(record).collect(), vec![record(8)]];
    let foreign = journal_with(&groups, &other);
    let (_, at, length, ..) = *frames(&Sim::with_files(&foreign)).last().unwrap();
    let stale = foreign[&segment_name(1)][at as usize..(at + length) as usize].to_vec();
    let mut files = journal_of(&groups[..2]);
    put(&mut files, 1, at, &stale);
    check(
        &files,
        1,
        at,
        8,
        Problem::Foreign {
            journal_id: 99,
            segment: 1,
        },
    );
}
