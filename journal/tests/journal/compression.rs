//! Compressed segments read like the segments they were, and a broken one is refused by name.

use crate::sim::{Op, Sim};
use crate::support::*;
use hoga_journal::{
    COMPRESSED_CHUNK_BYTES, CompressError, Durability, OpenError, Options, Problem, ReadError, Reader,
    closed_segments, compress_segment, compressed_name, segment_name, verify_with,
};
use std::sync::Arc;

/// Three begun segments, of which the first is small once compressed: one short frame, and unused space.
fn compressed_first() -> (Files, Files, u64) {
    let groups = vec![
        vec![vec![3; 512]; 118],
        vec![vec![4; 40]; 3],
        vec![vec![4; 512]; 110],
        vec![vec![5; 512]; 60],
        vec![vec![6; 9]; 2],
    ];
    let count = groups.iter().map(Vec::len).sum::<usize>() as u64;
    let plain = journal_of(&groups);
    assert_eq!(plain.len(), 4);
    let sim = Sim::with_files(&plain);
    compress_segment(&sim, 1, 3).unwrap();
    (plain, sim.files(), count)
}

fn read_all(sim: &Sim) -> Result<Vec<Vec<u8>>, ReadError> {
    let mut reader = Reader::open_with(Arc::new(sim.clone()))?;
    let mut records = Vec::new();
    while let Some(record) = reader.next_record()? {
        records.push(record.bytes.to_vec());
    }
    Ok(records)
}

#[test]
fn a_compressed_segment_reads_like_the_segment_it_was() {
    let (plain, count) = three_segments();
    let sim = Sim::with_files(&plain);
    let before = positions(&sim);
    let last = before.last().unwrap().segment;
    assert_eq!(closed_segments(&sim).unwrap(), (1..last).collect::<Vec<_>>());
    for number in (1..last).rev() {
        let done = compress_segment(&sim, number, 3).unwrap();
        let name = compressed_name(number);
        let files = sim.files();
        assert!(!files.contains_key(&segment_name(number)));
        assert_eq!(
            (done.from_bytes, done.to_bytes),
            (SEGMENT, files[&name].len() as u64)
        );
        assert!(done.to_bytes < SEGMENT * 9 / 10, "{done:?}");
        assert_eq!(
            zstd::decode_all(&files[&name][..]).unwrap(),
            plain[&segment_name(number)]
        );
        assert_eq!(positions(&sim), before);
    }
    assert_eq!(closed_segments(&sim).unwrap(), [0; 0]);
    let (mut writer, report, seen) = open(&sim);
    assert_eq!(
        (seen, report.removed.len(), report.cut),
        (records(count), 0, None)
    );
    assert_eq!(report.segments, last);
    for sequence in count + 1..=count + 300 {
        commit(&mut writer, &[record(sequence)]);
    }
    drop(writer);
    assert_eq!(open(&sim).2, records(count + 300));
    assert!(!closed_segments(&sim).unwrap().is_empty());
}

#[test]
fn a_segment_of_several_chunks_can_be_entered_anywhere() {
    let sim = Sim::new();
    let options = Options {
        segment_bytes: 2 * COMPRESSED_CHUNK_BYTES + 12_288,
        ..options(Durability::Fsync)
    };
    let (mut writer, ..) = try_open(&sim, &options).unwrap();
    // Long frames, so that some stand across the border of two chunks.
    while writer.position().segment == 1 {
        let group: Vec<_> = (0..700).map(|at| record(writer.next_sequence() + at)).collect();
        commit(&mut writer, &group);
    }
    drop(writer);
    let (before, plain) = (positions(&sim), sim.files());
    let expected = read_all(&sim).unwrap();
    let done = compress_segment(&sim, 1, 1).unwrap();
    assert_eq!(done.from_bytes, options.segment_bytes);
    let packed = &sim.files()[&compressed_name(1)];
    assert_eq!(zstd::decode_all(&packed[..]).unwrap(), plain[&segment_name(1)]);

    // The seek table as the format has it: three frames, each of which can be unpacked alone.
    let word = |at: usize| u32::from_le_bytes(packed[at..at + 4].try_into().unwrap());
    let (size, table) = (packed.len(), packed.len() - 9 - 3 * 8 - 8);
    assert_eq!(
        (word(size - 4), packed[size - 5], word(size - 9)),
        (0x8f92_eab1, 0, 3)
    );
    assert_eq!((word(table), word(table + 4)), (0x184d_2a5e, 3 * 8 + 9));
    let mut at = 0;
    for index in 0..3 {
        let (length, unpacked) = (word(table + 8 + index * 8), word(table + 12 + index * 8));
        let frame = zstd::decode_all(&packed[at..at + length as usize]).unwrap();
        let from = index << 20;
        assert_eq!(frame.len(), unpacked as usize);
        assert_eq!(frame, plain[&segment_name(1)][from..from + frame.len()]);
        at += length as usize;
    }
    assert_eq!(at, table);

    assert_eq!(read_all(&sim).unwrap(), expected);
    for position in &before {
        let mut reader = Reader::open_at(Arc::new(sim.clone()), Some(position)).unwrap();
        let summary = verify_with(&mut reader).unwrap();
        assert_eq!(summary.tail.next_sequence, expected.len() as u64 + 1);
    }
}

/// The journal is refused because of its first file, by the opening and by a reader, and nothing is changed.
#[track_caller]
fn refused(files: &Files, context: &str) -> Problem {
    let sim = Sim::with_files(files);
    let damage = match try_open(&sim, &options(Durability::Fsync)) {
        Err(OpenError::Read(ReadError::Damaged(damage))) => damage,
        other => panic!("{context}: {:?}", other.map(|(_, report, _)| report)),
    };
    assert_eq!(damage.file, compressed_name(1), "{context}");
    let message = damage.to_string();
    assert!(message.contains(&compressed_name(1)), "{message}");
    assert!(message.contains("restore this file"), "{message}");
    match read_all(&sim) {
        Err(ReadError::Damaged(found)) => assert_eq!(found, damage, "{context}"),
        other => panic!("{context}: {other:?}"),
    }
    let changes = |op| {
        !matches!(
            op,
            Op::Lock | Op::List | Op::Open | Op::Sync | Op::SyncDir | Op::Forget
        )
    };
    assert!(!sim.calls().iter().any(|call| changes(call.op)), "{context}");
    damage.problem
}

#[test]
fn no_flipped_bit_of_a_compressed_segment_is_taken_in_silence() {
    let (plain, files, count) = compressed_first();
    let name = compressed_name(1);
    let (mut flips, mut without_effect) = (0, Vec::new());
    assert!(files[&name].len() < 1_500, "{}", files[&name].len());
    let expected = read_all(&Sim::with_files(&files)).unwrap();
    assert_eq!(expected.len() as u64, count);
    for bit in 0..files[&name].len() * 8 {
        let mut flipped = files.clone();
        flipped.get_mut(&name).unwrap()[bit / 8] ^= 1 << (bit % 8);
        flips += 1;
        if read_all(&Sim::with_files(&flipped)).is_ok_and(|found| found == expected) {
            let unpacked = zstd::decode_all(&flipped[&name][..]).unwrap();
            assert!(unpacked == plain[&segment_name(1)], "bit {bit}");
            without_effect.push(bit);
            continue;
        }
        let problem = refused(&flipped, &format!("bit {bit}"));
        assert!(
            matches!(problem, Problem::Compressed { .. }),
            "bit {bit}: {problem:?}"
        );
    }
    // Now and then another encoding of the very same bytes: a bit that decoders ignore, an equal distance.
    println!("without effect: {without_effect:?} of {flips}");
    assert!(without_effect.len() * 10 < flips, "{without_effect:?} of {flips}");
}

#[test]
fn no_other_length_of_a_compressed_segment_is_taken() {
    let (_, files, _) = compressed_first();
    let name = compressed_name(1);
    let whole = files[&name].clone();
    let longer = [1, 9, 17, 600].map(|more| [whole.clone(), vec![0; more]].concat());
    let twice = [whole.clone(), whole.clone()].concat();
    let shorter = (0..whole.len()).map(|length| whole[..length].to_vec());
    for bytes in shorter.chain(longer).chain([twice]) {
        let context = format!("{} bytes", bytes.len());
        let mut files = files.clone();
        files.insert(name.clone(), bytes);
        let problem = refused(&files, &context);
        assert!(
            matches!(problem, Problem::Compressed { .. }),
            "{context}: {problem:?}"
        );
    }
}

#[test]
fn a_seek_table_cannot_claim_what_the_file_does_not_hold() {
    let (plain, files, _) = compressed_first();
    let name = compressed_name(1);
    let whole = files[&name].clone();
    let body = whole[..whole.len() - 25].to_vec();
    let table = |entries: &[(u32, u32)], count: u32| {
        let mut table = 0x184d_2a5eu32.to_le_bytes().to_vec();
        table.extend((entries.len() as u32 * 8 + 9).to_le_bytes());
        for (packed, unpacked) in entries {
            table.extend(packed.to_le_bytes());
            table.extend(unpacked.to_le_bytes());
        }
        table.extend(count.to_le_bytes());
        table.push(0);
        table.extend(0x8f92_eab1u32.to_le_bytes());
        [body.clone(), table].concat()
    };
    let (length, segment) = (body.len() as u32, SEGMENT as u32);
    assert_eq!(table(&[(length, segment)], 1), whole);
    for (entries, count) in [
        (vec![], 0),
        (vec![(length, segment)], u32::MAX),
        (vec![(length, segment)], 2),
        (vec![(length, segment)], 16_385),
        (vec![(length, 0)], 1),
        (vec![(length, u32::MAX)], 1),
        (vec![(length, 1 << 20)], 1),
        (vec![(length, segment - 1)], 1),
        (vec![(length, segment + 1)], 1),
        (vec![(u32::MAX, segment)], 1),
        (vec![(length - 1, segment)], 1),
        (vec![(length, segment), (0, segment)], 2),
        (vec![(length, 1 << 20), (0, 1)], 2),
        (vec![(length / 2, 1 << 20), (length - length / 2, segment)], 2),
    ] {
        let mut files = files.clone();
        files.insert(name.clone(), table(&entries, count));
        let problem = refused(&files, &format!("{entries:?}, {count}"));
        assert!(
            matches!(problem, Problem::Compressed { .. }),
            "{entries:?}: {problem:?}"
        );
    }
    // Another segment's bytes, rightly compressed, and a journal's damage that was compressed with it.
    let packed = |bytes: &[u8]| {
        let frame = zstd::bulk::compress(bytes, 3).unwrap();
        let mut file = table(&[(frame.len() as u32, bytes.len() as u32)], 1);
        file.drain(..body.len());
        [frame, file].concat()
    };
    let mut rotten = plain[&segment_name(1)].clone();
    rotten[700] ^= 1;
    let mut longer = plain[&segment_name(1)].clone();
    longer.resize(longer.len() + 512, 0);
    for bytes in [&plain[&segment_name(2)], &rotten, &longer] {
        let mut files = files.clone();
        files.insert(name.clone(), packed(bytes));
        let problem = refused(&files, "packed anew");
        assert!(!matches!(problem, Problem::Compressed { .. }), "{problem:?}");
    }
}

#[test]
fn what_is_still_written_or_not_whole_is_not_compressed() {
    let (files, _) = three_segments();
    let spare = files.len() as u64;
    let mut broken = files.clone();
    segment_of(&mut broken, 1)[40] ^= 1;
    let mut short = files.clone();
    segment_of(&mut short, 1).truncate(40_960);
    let mut gap = files.clone();
    gap.remove(&segment_name(2));
    for (name, files, number) in [
        ("the last begun", &files, spare - 1),
        ("the spare", &files, spare),
        ("none", &files, spare + 1),
        ("none", &files, u64::MAX),
        ("no successor", &gap, 1),
        ("a broken head", &broken, 1),
        ("a part of one", &short, 1),
    ] {
        let sim = Sim::with_files(files);
        let error = compress_segment(&sim, number, 3).unwrap_err();
        assert!(
            matches!(error, CompressError::NotClosed { .. }),
            "{name}: {error}"
        );
        assert!(error.to_string().contains(&segment_name(number)), "{error}");
        assert_eq!(&sim.files(), files, "{name}");
    }
    for level in [i32::MIN, 0, 20] {
        let error = compress_segment(&Sim::with_files(&files), 1, level).unwrap_err();
        assert!(matches!(error, CompressError::Level(_)), "{error}");
    }
    compress_segment(&Sim::with_files(&files), 1, 19).unwrap();
    assert_eq!(
        closed_segments(&Sim::with_files(&gap)).unwrap(),
        (3..spare - 1).collect::<Vec<_>>()
    );
    assert_eq!(closed_segments(&Sim::new()).unwrap(), [0; 0]);
}

#[test]
fn a_journal_does_not_end_in_a_compressed_segment() {
    // What was written behind it is lost, so to write on there would be to fork the journal.
    let (files, _) = three_segments();
    let last = files.len() as u64 - 1;
    let sim = Sim::with_files(&files);
    compress_segment(&sim, last - 1, 3).unwrap();
    let mut lost = sim.files();
    lost.remove(&segment_name(last + 1));
    let mut blank = sim.files();
    segment_of(&mut blank, last).fill(0);
    blank.remove(&segment_name(last + 1));
    lost.remove(&segment_name(last));
    // A blank plain file in the place of the compressed one is no spare either.
    let mut twin = lost.clone();
    twin.insert(segment_name(last - 1), vec![0; SEGMENT as usize]);
    for (name, files, problem, expected) in [
        ("lost", &lost, Problem::SuccessorMissing, last),
        ("blank", &blank, Problem::SuccessorMissing, last),
        ("twin", &twin, Problem::SegmentHeader, last - 1),
    ] {
        let sim = Sim::with_files(files);
        match try_open(&sim, &options(Durability::Fsync)) {
            Err(OpenError::Read(ReadError::Damaged(damage))) => assert_eq!(
                (damage.problem, damage.file),
                (problem, segment_name(expected)),
                "{name}"
            ),
            other => panic!("{name}: {:?}", other.map(|(_, report, _)| report)),
        }
        assert_eq!(&sim.files(), files, "{name}");
    }
}

#[test]
fn where_both_files_are_the_plain_one_counts() {
    let (plain, files, count) = compressed_first();
    let (name, temporary) = (compressed_name(1), format!("{}.tmp", compressed_name(2)));
    for packed in [files[&name].clone(), Vec::new(), vec![7; 900]] {
        let mut files = plain.clone();
        files.insert(name.clone(), packed);
        files.insert(temporary.clone(), vec![7; 900]);
        let sim = Sim::with_files(&files);
        assert_eq!(read_all(&sim).unwrap().len() as u64, count);
        assert_eq!(sim.files(), files, "a reader changes nothing");
        let (_, mut report, seen) = open(&sim);
        report.removed.sort();
        assert_eq!(seen.len() as u64, count);
        assert_eq!(report.removed, [name.clone(), temporary.clone()]);
        assert_eq!(sim.files(), plain);
        // A call that finds what an earlier one left finishes the work.
        let sim = Sim::with_files(&files);
        compress_segment(&sim, 1, 3).unwrap();
        assert_eq!(sim.files()[&name], compressed_first().1[&name]);
        assert!(!sim.files().contains_key(&segment_name(1)));
        assert_eq!(read_all(&sim).unwrap().len() as u64, count);
    }
}
