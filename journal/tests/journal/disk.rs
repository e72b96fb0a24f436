//! The real file system.

use crate::support::{JOURNAL_ID, SEGMENT, options, record, records};
use hoga_journal::{
    DEFAULT_COMPRESSION_LEVEL, DiskStorage, Durability, Follow, Journal, LOCK_NAME, OpenError, Position,
    Reader, Storage, Writer, closed_segments, compress_segment, compressed_name, segment_name, verify,
};
use std::convert::Infallible;
use std::fs;
use std::path::Path;
use std::sync::Arc;

fn open(folder: &Path, durability: Durability) -> Result<(Writer, Vec<Vec<u8>>), OpenError<Infallible>> {
    let mut seen = Vec::new();
    let (writer, _) = Journal::open(folder, &options(durability), |_, record| {
        seen.push(record.to_vec());
        Ok(())
    })?;
    Ok((writer, seen))
}

#[test]
fn what_is_committed_to_disk_is_there_again() {
    for durability in [Durability::Fsync, Durability::PageCache] {
        let folder = tempfile::tempdir().unwrap();
        // The folder itself, and the one above it, are made on the way.
        let folder = folder.path().join("new").join("journal");
        let (mut writer, _) = open(&folder, durability).unwrap();
        for group in 0..30 {
            for sequence in group * 10 + 1..=group * 10 + 10 {
                writer.append(&record(sequence)).unwrap();
            }
            writer.commit().unwrap();
        }
        drop(writer);
        let (writer, seen) = open(&folder, durability).unwrap();
        assert_eq!(seen, records(300));
        let summary = verify(&folder).unwrap();
        assert_eq!(
            (summary.records, summary.frames >= 30, summary.chain),
            (300, true, writer.chain())
        );
        assert_eq!(fs::metadata(folder.join(segment_name(1))).unwrap().len(), SEGMENT);
    }
}

#[test]
fn a_journal_on_disk_is_followed_and_compressed_while_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (mut writer, _) = open(folder.path(), Durability::PageCache).unwrap();
    let storage: Arc<dyn Storage> = Arc::new(DiskStorage::new(folder.path()));
    let mut follow = Follow::open(Arc::clone(&storage), Position::START, JOURNAL_ID, None).unwrap();
    let mut taken = 0;
    for sequence in 1..=600 {
        writer.append(&record(sequence)).unwrap();
        writer.commit().unwrap();
        while let Some(frame) = follow.next_frame().unwrap() {
            taken += u64::from(frame.record_count);
        }
        assert_eq!((taken, follow.position()), (sequence, writer.position()));
        if sequence % 200 == 0 {
            follow.make_durable().unwrap();
            for number in closed_segments(&*storage).unwrap() {
                compress_segment(&*storage, number, DEFAULT_COMPRESSION_LEVEL).unwrap();
            }
        }
    }
    drop(writer);
    assert!(folder.path().join(compressed_name(1)).exists());
    assert!(!folder.path().join(segment_name(1)).exists());
    assert_eq!(open(folder.path(), Durability::Fsync).unwrap().1, records(600));
    // With the early segments gone, what is behind the position is still there.
    fs::remove_file(folder.path().join(compressed_name(1))).unwrap();
    let (writer, report) = Journal::open_from(
        storage,
        &options(Durability::Fsync),
        Some(&follow.position()),
        |_, _| Ok::<(), Infallible>(()),
    )
    .unwrap();
    assert_eq!((report.records, report.replayed), (600, 0));
    assert_eq!(writer.position(), follow.position());
}

#[test]
fn memory_makes_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("never");
    let (mut writer, _) = open(&folder, Durability::Memory).unwrap();
    writer.append(b"x").unwrap();
    writer.commit().unwrap();
    assert!(!folder.exists());
}

#[test]
fn a_second_opener_is_told_who_holds_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let (writer, _) = open(folder.path(), Durability::Fsync).unwrap();
    let refused = open(folder.path(), Durability::Fsync)
        .map(|_| ())
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains(&folder.path().display().to_string()),
        "{refused}"
    );
    assert!(
        refused.contains(&format!("process {}", std::process::id())),
        "{refused}"
    );
    // Reading needs no lock.
    verify(folder.path()).unwrap();
    drop(writer);
    open(folder.path(), Durability::Fsync).unwrap();
    assert!(folder.path().join(LOCK_NAME).exists());
}

#[test]
fn a_torn_tail_on_disk_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    let (mut writer, _) = open(folder.path(), Durability::Fsync).unwrap();
    for record in records(4).iter().chain([&vec![5; 512]]) {
        writer.append(record).unwrap();
        writer.commit().unwrap();
    }
    drop(writer);
    let path = folder.path().join(segment_name(1));
    let mut reader = Reader::open(folder.path()).unwrap();
    let mut last = 0;
    while let Some(frame) = reader.next_frame().unwrap() {
        last = frame.offset as usize;
    }
    let mut bytes = fs::read(&path).unwrap();
    bytes[last + 512..].fill(0);
    fs::write(&path, bytes).unwrap();
    let (writer, seen) = open(folder.path(), Durability::Fsync).unwrap();
    assert_eq!((seen, writer.next_sequence()), (records(4), 5));
}

#[test]
fn a_record_the_caller_refuses_stops_the_opening() {
    let folder = tempfile::tempdir().unwrap();
    let (mut writer, _) = open(folder.path(), Durability::Fsync).unwrap();
    for sequence in 1..=3 {
        writer.append(&record(sequence)).unwrap();
    }
    writer.commit().unwrap();
    drop(writer);
    let refused = Journal::open(
        folder.path(),
        &options(Durability::Fsync),
        |sequence, _| match sequence {
            2 => Err("no such command"),
            _ => Ok(()),
        },
    );
    match refused {
        Err(OpenError::Record {
            sequence: 2,
            source: "no such command",
        }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let message = verify(&missing).unwrap_err().to_string();
    assert!(message.contains(&missing.display().to_string()), "{message}");
    assert!(!missing.exists());
}
