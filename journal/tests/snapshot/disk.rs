//! The real file system.

use crate::making::*;
use hoga_journal::{DiskStorage, SnapshotError, Snapshots, snapshot_name};
use std::fs;
use std::sync::Arc;

#[test]
fn what_is_written_to_disk_is_there_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("snapshots");
    let reading = Snapshots::new(Arc::new(DiskStorage::new(&path)));
    assert_eq!(reading.list().unwrap(), []);
    assert!(!path.exists(), "looking made the folder");

    let lengths = [1_200_000, 0, 77];
    for sync in [true, false] {
        let snapshots = Snapshots::in_folder(&path).unwrap();
        let sequence = 40 + u64::from(sync);
        try_write(&snapshots, &head(sequence), &sections(sequence, &lengths), sync).unwrap();
        check_whole(&reading, sequence, &lengths, "on disk");
        assert!(!path.join("LOCK").exists());
    }
    // The same state once more changes nothing.
    let before = fs::read(path.join(snapshot_name(41))).unwrap();
    let mut again = head(41);
    again.taken_at += 5;
    try_write(&reading, &again, &sections(41, &lengths), true).unwrap();
    assert_eq!(fs::read(path.join(snapshot_name(41))).unwrap(), before);

    let mut spoiled = before.clone();
    spoiled[900_000] ^= 4;
    fs::write(path.join(snapshot_name(41)), &spoiled).unwrap();
    let listed = reading.list().unwrap();
    let refused = reading.open(&listed[0]).unwrap_err();
    assert!(
        matches!(refused, SnapshotError::Damaged { offset: 512, .. }),
        "{refused}"
    );
    assert!(
        refused.to_string().contains(&path.display().to_string()),
        "{refused}"
    );
    assert_eq!(reading.prune(1).unwrap(), [snapshot_name(41)]);
    check_whole(&reading, 40, &lengths, "the one before it");
    assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing").join("snapshots");
    let refused = Snapshots::in_folder(&path).unwrap_err().to_string();
    assert!(refused.contains(&path.display().to_string()), "{refused}");
}
