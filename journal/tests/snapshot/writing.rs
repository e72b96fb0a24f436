//! Writing: what stands under which name when, and what is synced before what.

use crate::making::*;
use crate::sim::{Op, Sim};
use hoga_journal::{MAX_SNAPSHOT_SECTIONS, SnapshotError, SnapshotHead, SnapshotWriter, snapshot_name};

#[test]
fn no_more_than_a_mib_is_dirty_at_a_time() {
    let sim = Sim::new();
    write(&snapshots(&sim), 9, &[2_500_000, 3_000_000]);
    let (mut dirty, mut syncs) = (0, 0);
    for call in sim.calls() {
        match call.op {
            Op::Write => dirty += call.length,
            Op::Sync => (dirty, syncs) = (0, syncs + 1),
            Op::Rename => assert_eq!(dirty, 0, "a name before the bytes are durable"),
            _ => {}
        }
        assert!(dirty <= 1 << 20, "{dirty} dirty bytes");
    }
    assert_eq!(syncs, 6);
    let order: Vec<Op> = sim.calls().iter().map(|call| call.op).collect();
    assert!(
        order.ends_with(&[Op::Sync, Op::Open, Op::Forget, Op::Open, Op::Rename, Op::SyncDir]),
        "{order:?}"
    );
}

#[test]
fn nothing_is_synced_that_need_not_be_durable() {
    let sim = Sim::new();
    try_write(&snapshots(&sim), &head(9), &sections(9, &[2_500_000]), false).unwrap();
    let synced = sim
        .calls()
        .into_iter()
        .find(|call| matches!(call.op, Op::Sync | Op::SyncDir));
    assert_eq!(synced, None);
    check_whole(&snapshots(&sim), 9, &[2_500_000], "not synced");
}

#[test]
fn a_writer_that_is_dropped_leaves_nothing() {
    let sim = Sim::new();
    let snapshots = snapshots(&sim);
    write(&snapshots, 5, &[100]);
    let before = sim.files();
    let mut writer = snapshots.begin(&head(9), true).unwrap();
    writer.section(1);
    writer.write(&vec![7; 1_500_000]);
    assert_eq!(temporaries(&sim), ["00000000000000000009.snapshot.tmp"]);
    // A snapshot in the making is none.
    assert_eq!(snapshots.list().unwrap().len(), 1);
    drop(writer);
    assert_eq!(sim.files(), before);
}

#[test]
fn two_writers_at_a_time_leave_nothing_half() {
    let sim = Sim::new();
    let snapshots = snapshots(&sim);
    let mut first = snapshots.begin(&head(9), true).unwrap();
    first.section(1);
    first.write(b"abc");
    // It takes the temporary name for its own.
    let mut second = snapshots.begin(&head(9), true).unwrap();
    second.section(1);
    second.write(&vec![7; 1_500_000]);
    first.finish().unwrap_err();
    assert_eq!(snapshots.list().unwrap(), []);
    second.finish().unwrap_err();
    assert!(sim.files().is_empty());
}

#[test]
fn what_earlier_writers_left_is_removed() {
    let sim = Sim::new();
    for sequence in [3, 9, 1_000] {
        sim.put(&format!("{sequence:020}.snapshot.tmp"), vec![1; 700]);
    }
    let others = ["notes.snapshot.tmp", "LOCK", "00000000000000000001.hoga"];
    for name in others {
        sim.put(name, vec![2; 10]);
    }
    write(&snapshots(&sim), 9, &[100]);
    let mut left = vec![snapshot_name(9)];
    left.extend(others.map(String::from));
    left.sort();
    assert_eq!(sim.files().into_keys().collect::<Vec<_>>(), left);
}

#[test]
fn the_newest_comes_first_and_other_files_are_none() {
    let sim = Sim::new();
    for name in ["12.snapshot", "LOCK", "00000000000000000001.hoga", "x.snapshot"] {
        sim.put(name, vec![0; 10]);
    }
    for sequence in [99, 5, 100] {
        sim.put(&snapshot_name(sequence), vec![0; sequence as usize]);
    }
    let listed = snapshots(&sim).list().unwrap();
    let found: Vec<_> = listed.iter().map(|file| (file.sequence, file.bytes)).collect();
    assert_eq!(found, [(100, Some(100)), (99, Some(99)), (5, Some(5))]);
    assert!(
        listed
            .iter()
            .all(|file| file.name == snapshot_name(file.sequence))
    );
}

#[test]
fn a_writer_called_in_the_wrong_way_makes_no_snapshot() {
    let twice = |writer: &mut SnapshotWriter| {
        writer.section(1);
        writer.write(b"abc");
        writer.section(2);
        writer.section(1);
        writer.write(b"def");
    };
    let no_section = |writer: &mut SnapshotWriter| writer.write(b"abc");
    let too_many =
        |writer: &mut SnapshotWriter| (0..=MAX_SNAPSHOT_SECTIONS).for_each(|id| writer.section(id));
    let cases: [(&str, &dyn Fn(&mut SnapshotWriter)); 3] = [
        ("same id", &twice),
        ("before the first section", &no_section),
        ("more sections", &too_many),
    ];
    for (words, misuse) in cases {
        let sim = Sim::new();
        let mut writer = snapshots(&sim).begin(&head(9), true).unwrap();
        misuse(&mut writer);
        assert!(writer.has_failed(), "{words}");
        let refused = writer.finish().unwrap_err();
        assert!(matches!(refused, SnapshotError::Misuse { .. }), "{refused}");
        assert!(refused.to_string().contains(words), "{refused}");
        assert!(sim.files().is_empty(), "{words}");
    }
    let sim = Sim::new();
    let mut nowhere: SnapshotHead = head(9);
    nowhere.position.next_sequence = 0;
    let refused = snapshots(&sim).begin(&nowhere, true).unwrap_err();
    assert!(matches!(refused, SnapshotError::Misuse { .. }), "{refused}");
    assert!(sim.files().is_empty());
}

#[test]
fn as_many_sections_as_there_may_be_are_read_again() {
    let sim = Sim::new();
    let lengths = vec![3; MAX_SNAPSHOT_SECTIONS as usize];
    write(&snapshots(&sim), 9, &lengths);
    check_whole(&snapshots(&sim), 9, &lengths, "all sections");
}
