//! Segments: rolling over to the next, what a crash in the middle of that leaves, and reading across them.

use crate::sim::Sim;
use crate::support::*;
use hoga_journal::{Durability, Options, Reader, ThreadStart, segment_name, verify_with};
use std::sync::{Arc, Mutex};

#[test]
fn records_are_found_where_the_reader_says() {
    let (files, count) = three_segments();
    let mut reader = Reader::open_with(Arc::new(Sim::with_files(&files))).unwrap();
    let mut sequence = 0;
    while let Some(found) = reader.next_record().unwrap() {
        sequence += 1;
        assert_eq!((found.sequence, found.bytes), (sequence, &record(sequence)[..]));
        let file = &files[&segment_name(found.segment)];
        // The last four bytes of each sector are its checksum.
        let places = (found.offset as usize..).filter(|at| at % 512 < 508);
        let there: Vec<u8> = places.take(found.bytes.len()).map(|at| file[at]).collect();
        assert_eq!((found.offset % 512 < 508, &there[..]), (true, found.bytes));
    }
    assert_eq!(sequence, count);
    assert_eq!(reader.next_record().unwrap(), None);
    assert_eq!(reader.segments() as usize, files.len() - 1);
}

#[test]
fn frames_and_records_tell_the_same_story() {
    let (files, count) = three_segments();
    let mut reader = Reader::open_with(Arc::new(Sim::with_files(&files))).unwrap();
    let mut sequence = 0;
    let mut chain = [0; 32];
    while let Some(frame) = reader.next_frame().unwrap() {
        assert_eq!(frame.first_sequence, sequence + 1);
        assert_ne!(frame.chain, chain);
        chain = frame.chain;
        for found in frame.records() {
            sequence += 1;
            assert_eq!((found.sequence, found.bytes), (sequence, &record(sequence)[..]));
        }
        assert_eq!(frame.first_sequence + u64::from(frame.record_count), sequence + 1);
    }
    assert_eq!((sequence, reader.chain()), (count, chain));
}

#[test]
fn a_frame_taken_after_some_records_is_the_next_one() {
    let files = journal_of(&[records(3), (4..=5).map(record).collect()]);
    let mut reader = Reader::open_with(Arc::new(Sim::with_files(&files))).unwrap();
    assert_eq!(reader.next_record().unwrap().unwrap().sequence, 1);
    assert_eq!(reader.next_frame().unwrap().unwrap().first_sequence, 4);
    assert_eq!(reader.next_record().unwrap(), None);
}

#[test]
fn progress_grows_to_the_whole() {
    let (files, _) = three_segments();
    let reports = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&reports);
    let reader = Reader::open_with(Arc::new(Sim::with_files(&files))).unwrap();
    let mut reader = reader.with_progress(move |done, total| sink.lock().unwrap().push((done, total)));
    verify_with(&mut reader).unwrap();
    let reports = reports.lock().unwrap();
    let total = reader.segments() * SEGMENT;
    assert_eq!(reports.last(), Some(&(total, total)));
    assert!(reports.is_sorted());
}

#[test]
fn the_summary_counts_batches_by_their_size() {
    let groups = [1, 1, 2, 3, 4, 9].map(|count: usize| vec![vec![5; 10]; count]);
    let sim = Sim::with_files(&journal_of(&groups));
    let summary = verify_with(&mut Reader::open_with(Arc::new(sim)).unwrap()).unwrap();
    assert_eq!(summary.batches[..5], [2, 2, 1, 1, 0]);
    assert_eq!(
        (summary.frames, summary.records, summary.largest_batch),
        (6, 20, 9)
    );
    assert_eq!((summary.record_bytes, summary.frame_bytes), (200, 6 * 512));
    assert_eq!((summary.journal_id, summary.segments), (Some(JOURNAL_ID), 1));
}

#[test]
fn a_spare_is_taken_over_and_not_made_again() {
    let (files, count) = three_segments();
    let sim = Sim::with_files(&files);
    let (writer, report, seen) = open(&sim);
    assert_eq!((report.removed.len(), seen.len() as u64), (0, count));
    assert!(
        writer.space().remaining_bytes() >= SEGMENT - 1024,
        "the spare counts at once"
    );
    drop(writer);
    assert_eq!(sim.files(), files);
}

#[test]
fn what_was_written_is_counted_from_the_opening_on_and_across_segments() {
    let sim = Sim::new();
    let (mut writer, _, _) = open(&sim);
    let space = writer.space();
    assert_eq!((space.written_bytes(), space.segment()), (0, 1));
    for group in 0..60 {
        commit(&mut writer, &records_from(group * 10 + 1, group * 10 + 10));
        assert_eq!(space.segment(), writer.position().segment);
    }
    let bytes = |frames: &[FrameAt]| frames.iter().map(|frame| frame.2).sum::<u64>();
    let all = frames(&sim);
    assert!(space.segment() > 1, "it has rolled");
    assert_eq!(space.written_bytes(), bytes(&all));
    drop(writer);
    let (mut writer, _, _) = open(&sim);
    commit(&mut writer, &records_from(601, 601));
    assert_eq!(writer.space().segment(), writer.position().segment);
    assert_eq!(writer.space().written_bytes(), bytes(&frames(&sim)[all.len()..]));
}

#[test]
fn a_roll_cut_short_is_finished_later() {
    // What a crash can leave of the next segment: nothing, a blank one, a header half written, a part of a
    // file, or one that was still in the making.
    let (files, count) = three_segments();
    let spare = files.len() as u64;
    let mut half_header = vec![0; SEGMENT as usize];
    half_header[..60].copy_from_slice(&files[&segment_name(2)][..60]);
    let mut bad_header = vec![0; SEGMENT as usize];
    bad_header[..512].copy_from_slice(&files[&segment_name(2)][..512]);
    bad_header[100] = 1;
    let temporary = format!("{}.tmp", segment_name(spare));
    for (left, removed) in [
        (None, false),
        (Some((segment_name(spare), vec![0; SEGMENT as usize])), false),
        (Some((segment_name(spare), half_header)), true),
        (Some((segment_name(spare), bad_header)), true),
        (Some((segment_name(spare), vec![0; 5_000])), true),
        (Some((segment_name(spare), Vec::new())), true),
        (Some((temporary, vec![7; 5_000])), true),
    ] {
        let mut files = files.clone();
        files.remove(&segment_name(spare));
        let expected: Vec<_> = left
            .iter()
            .filter(|_| removed)
            .map(|(name, _)| name.clone())
            .collect();
        files.extend(left);
        let sim = Sim::with_files(&files);
        let (mut writer, report, seen) = open(&sim);
        assert_eq!(
            (seen.len() as u64, &report.cut, &report.removed),
            (count, &None, &expected)
        );
        for sequence in count + 1..=count + 400 {
            commit(&mut writer, &[record(sequence)]);
        }
        drop(writer);
        assert_eq!(open(&sim).2, records(count + 400));
    }
}

#[test]
fn a_segment_begun_but_still_empty_is_written_on() {
    let sim = Sim::new();
    drop(open(&sim));
    let (mut writer, report, seen) = open(&sim);
    assert_eq!((report.created, report.segments, seen.len()), (false, 1, 0));
    commit(&mut writer, &records(2));
    drop(writer);
    assert_eq!(open(&sim).2, records(2));
}

#[test]
fn a_creation_cut_short_starts_afresh() {
    for left in [vec![0; SEGMENT as usize], vec![0; 700], Vec::new()] {
        let sim = Sim::with_files(&Files::from([(segment_name(1), left)]));
        let (mut writer, report, _) = open(&sim);
        assert!(report.created);
        commit(&mut writer, &records(2));
        drop(writer);
        assert_eq!(open(&sim).2, records(2));
    }
}

#[test]
fn segments_of_several_sizes_live_together() {
    let sim = Sim::new();
    let mut expected = 0;
    for segment_bytes in [SEGMENT, 2 * SEGMENT, SEGMENT + 4096, SEGMENT] {
        let options = Options {
            segment_bytes,
            ..options(Durability::Fsync)
        };
        let (mut writer, _, seen) = try_open(&sim, &options).unwrap();
        assert_eq!(seen.len() as u64, expected);
        for _ in 0..500 {
            expected += 1;
            commit(&mut writer, &[record(expected)]);
        }
    }
    assert_eq!(open(&sim).2, records(expected));
    let sizes: std::collections::BTreeSet<_> = sim.files().values().map(Vec::len).collect();
    assert!(sizes.len() >= 3, "{sizes:?}");
}

#[test]
fn the_maker_of_segments_does_not_keep_the_cores_of_whoever_opens_the_journal() {
    let (sim, (told, first)) = (Sim::new(), std::sync::mpsc::channel());
    let options = Options {
        on_thread_start: Some(ThreadStart::new(move || {
            let _ = told.send(std::thread::current().name().map(str::to_owned));
        })),
        ..options(Durability::Fsync)
    };
    let (writer, ..) = try_open(&sim, &options).unwrap();
    assert_eq!(first.recv().unwrap().as_deref(), Some("journal-maker"));
    drop(writer);
    assert_eq!(first.try_recv().ok(), None, "once for each thread");
}

#[test]
fn other_files_in_the_folder_are_let_be() {
    let sim = Sim::new();
    for name in ["LOCK", "notes.txt", "12.hoga", "a.hoga.tmp"] {
        sim.put(name, b"mine".to_vec());
    }
    let (mut writer, report, _) = open(&sim);
    assert_eq!(report.removed, Vec::<String>::new());
    commit(&mut writer, &records(1));
    drop(writer);
    assert_eq!(sim.files()["12.hoga"], b"mine");
    assert_eq!(open(&sim).2, records(1));
}

#[test]
fn an_empty_folder_reads_as_an_empty_journal() {
    let mut reader = Reader::open_with(Arc::new(Sim::new())).unwrap();
    assert_eq!(reader.next_record().unwrap(), None);
    let tail = reader.tail().unwrap();
    assert_eq!(
        (reader.journal_id(), tail.segment, tail.next_sequence),
        (None, 0, 1)
    );
}

#[test]
fn what_a_writer_does_between_two_reads_is_no_damage() {
    // A journal close to the end of its first segment, in whose middle of reading the writer, at every read in
    // turn, commits some frames, or enough of them to begin the spare.
    for commits in [1, 3, 40] {
        for nth in 0.. {
            let sim = Sim::new();
            let (mut writer, _, _) = open(&sim);
            for sequence in 1..=60 {
                commit(&mut writer, &[record(sequence)]);
            }
            await_spare(&writer, SEGMENT);
            assert_eq!(
                writer.space().remaining_bytes() / SEGMENT,
                1,
                "the first segment is not full"
            );
            let reads = Arc::new(Mutex::new(0));
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
            let mut reader = Reader::open_with(Arc::new(sim.clone())).unwrap();
            let mut sequence = 0;
            while let Some(found) = reader
                .next_record()
                .unwrap_or_else(|error| panic!("read {nth}: {error}"))
            {
                sequence += 1;
                assert_eq!((found.sequence, found.bytes), (sequence, &record(sequence)[..]));
            }
            assert!(
                (60..=60 + 2 * commits).contains(&sequence),
                "read {nth}: {sequence}"
            );
            if *reads.lock().unwrap() <= nth {
                assert!(nth > 5, "{nth} reads");
                break;
            }
        }
    }
}
