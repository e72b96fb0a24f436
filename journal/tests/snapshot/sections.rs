//! Reading: the bytes of a section come as they were written, or not at all.

use crate::making::*;
use crate::reads::Reads;
use crate::sim::{EIO, Fault, Op, Sim};
use crate::support::Dice;
use hoga_journal::{Access, SnapshotError, SnapshotProblem, Snapshots, Storage as _, snapshot_name};
use std::sync::{Arc, Mutex};

#[test]
fn what_was_written_is_what_is_read() {
    const MIB: usize = 1 << 20;
    for (sequence, lengths) in [
        (0, vec![]),
        (1, vec![0]),
        (2, vec![1]),
        (3, vec![0, 511, 0, 512, 513]),
        (4, vec![MIB - 512, 1, MIB]),
        (5, vec![MIB - 513]),
        (6, vec![3 * MIB + 5, 7]),
        (u64::MAX - 1, vec![300]),
    ] {
        let sim = Sim::new();
        let snapshots = snapshots(&sim);
        let file = write(&snapshots, sequence, &lengths);
        let context = format!("{lengths:?}");
        assert_eq!(
            (file.sequence, &file.name),
            (sequence, &snapshot_name(sequence)),
            "{context}"
        );
        let bytes = 512 + lengths.iter().sum::<usize>() + 16 * lengths.len() + 64;
        assert_eq!(file.bytes, Some(bytes as u64), "{context}");
        assert_eq!(snapshots.list().unwrap(), [file], "{context}");
        check_whole(&snapshots, sequence, &lengths, &context);
        check_whole(
            &self::snapshots(&sim.after_power_cut(|| false)),
            sequence,
            &lengths,
            &context,
        );
    }
}

#[test]
fn sections_come_in_pieces_of_any_size() {
    const SEED: u64 = 3;
    println!("seed {SEED}");
    let mut dice = Dice::new(SEED);
    let (sim, lengths) = (Sim::new(), [700_000, 40, 5_000]);
    let file = write(&snapshots(&sim), 9, &lengths);
    let reader = snapshots(&sim).open(&file).unwrap();
    // All at once, so that no reader stands in another's way.
    let mut parts: Vec<_> = reader
        .sections()
        .map(|(id, length)| (reader.section(id).unwrap(), Vec::new(), length))
        .collect();
    while parts.iter().any(|(section, ..)| section.remaining() > 0) {
        for (section, bytes, length) in &mut parts {
            let mut piece = vec![0; dice.below(30_000).min(section.remaining()) as usize];
            section.read_exact(&mut piece).unwrap();
            bytes.extend_from_slice(&piece);
            assert_eq!(section.remaining() + bytes.len() as u64, *length);
        }
    }
    for ((section, bytes, _), (_, written)) in parts.into_iter().zip(sections(9, &lengths)) {
        section.end().unwrap();
        assert!(bytes == written);
    }
    assert_eq!((reader.bytes(), reader.head()), (file.bytes.unwrap(), &head(9)));
}

#[test]
fn a_section_is_not_read_past_its_end() {
    let sim = Sim::new();
    let file = write(&snapshots(&sim), 9, &[10, 20]);
    let reader = snapshots(&sim).open(&file).unwrap();
    let mut section = reader.section(7).unwrap();
    section.read_exact(&mut [0; 4]).unwrap();
    let refused = section.read_exact(&mut [0; 7]).unwrap_err();
    assert!(
        matches!(
            refused,
            SnapshotError::SectionLength {
                id: 7,
                left: 6,
                asked: 7,
                ..
            }
        ),
        "{refused}"
    );
    // Nothing was taken.
    let mut rest = [0; 6];
    section.read_exact(&mut rest).unwrap();
    assert_eq!(rest, sections(9, &[10])[0].1[4..]);
    section.read_exact(&mut []).unwrap();
    section.end().unwrap();
    let refused = reader.section(14).unwrap().end().unwrap_err();
    assert!(
        matches!(
            refused,
            SnapshotError::SectionLength {
                id: 14,
                left: 20,
                asked: 0,
                ..
            }
        ),
        "{refused}"
    );
    let refused = reader.section(8).unwrap_err();
    assert!(
        matches!(refused, SnapshotError::NoSection { id: 8, .. }),
        "{refused}"
    );
    assert!(refused.to_string().contains(&file.name), "{refused}");
}

#[test]
fn bytes_that_change_after_the_opening_are_noticed() {
    let sim = Sim::new();
    let lengths = [600_000, 50];
    let file = write(&snapshots(&sim), 9, &lengths);
    for at in [512, 300_000, 600_511] {
        let reader = snapshots(&sim).open(&file).unwrap();
        sim.alter(&file.name, |bytes| bytes[at] ^= 0x10);
        let mut section = reader.section(7).unwrap();
        let mut bytes = vec![0; 599_999];
        // The last byte is never given.
        let error = match section.read_exact(&mut bytes) {
            Ok(()) => section.read_exact(&mut [0]).unwrap_err(),
            Err(error) => error,
        };
        assert!(
            matches!(
                error,
                SnapshotError::Damaged {
                    offset: 512,
                    problem: SnapshotProblem::SectionChecksum { id: 7 },
                    ..
                }
            ),
            "{error}"
        );
        reader.section(14).unwrap().read_exact(&mut [0; 50]).unwrap();
        sim.alter(&file.name, |bytes| bytes[at] ^= 0x10);
    }
    let reader = snapshots(&sim).open(&file).unwrap();
    sim.alter(&file.name, |bytes| bytes.truncate(400_000));
    let error = reader
        .section(7)
        .unwrap()
        .read_exact(&mut vec![0; 600_000])
        .unwrap_err();
    assert!(
        matches!(
            error,
            SnapshotError::Damaged {
                offset: 400_000,
                problem: SnapshotProblem::Ended,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_read_that_fails_is_told_and_can_be_made_again() {
    let sim = Sim::new();
    let file = write(&snapshots(&sim), 9, &[300_000]);
    let reads = Reads::new(&sim);
    let reader = Snapshots::new(Arc::new(reads.clone())).open(&file).unwrap();
    let mut section = reader.section(7).unwrap();
    let written = contents(9, 7, 300_000);
    let (first, second) = written.split_at(262_144);
    let mut bytes = vec![0; first.len()];
    section.read_exact(&mut bytes).unwrap();
    assert!(bytes == first);
    reads.fail(2);
    let mut bytes = vec![0; second.len()];
    let error = section.read_exact(&mut bytes).unwrap_err();
    assert!(matches!(error, SnapshotError::Storage(_)), "{error}");
    section.read_exact(&mut bytes).unwrap();
    assert!(bytes == second);
}

#[test]
fn nothing_is_given_before_all_is_checked() {
    // The last byte of the last section is wrong, and the first section would be whole.
    let sim = Sim::new();
    let file = write(&snapshots(&sim), 9, &[100_000, 100_000]);
    sim.alter(&file.name, |bytes| bytes[200_511] ^= 1);
    let error = snapshots(&sim).open(&file).unwrap_err();
    assert!(
        matches!(
            error,
            SnapshotError::Damaged {
                offset: 100_512,
                problem: SnapshotProblem::SectionChecksum { id: 14 },
                ..
            }
        ),
        "{error}"
    );
    let told = error.to_string();
    for part in ["sim/", &file.name, "100512", "section 14", "Remove it"] {
        assert!(told.contains(part), "{told}");
    }
}

#[test]
fn verifying_looks_at_the_disk_and_not_at_what_is_remembered_of_it() {
    let sim = Sim::new();
    let snapshots = snapshots(&sim);
    let file = try_write(&snapshots, &head(9), &sections(9, &[3_000]), false).unwrap();
    // A sync that fails leaves pages that look clean and were never written.
    sim.set_rule(|call| (call.op == Op::Sync).then_some(Fault::Error(EIO)));
    sim.open(&file.name, Access::Read)
        .unwrap()
        .sync_data()
        .unwrap_err();
    sim.clear_rule();
    snapshots.open(&file).unwrap();
    let error = snapshots.verify(&file).unwrap_err();
    assert!(matches!(error, SnapshotError::Damaged { .. }), "{error}");
}

#[test]
fn progress_goes_up_to_the_end_in_bounded_memory() {
    let sim = Sim::new();
    let file = write(&snapshots(&sim), 9, &[1_000_000, 1_500_000]);
    let reads = Reads::new(&sim);
    let reports = Arc::new(Mutex::new(Vec::new()));
    let snapshots = Snapshots::new(Arc::new(reads.clone()));
    let note = |done, total| reports.lock().unwrap().push((done, total));
    snapshots.verify_with(&file, note).unwrap();
    let seen = std::mem::take(&mut *reports.lock().unwrap());
    assert!(seen.len() > 5 && seen.is_sorted(), "{seen:?}");
    assert!(
        seen.iter().all(|(_, total)| Some(*total) == file.bytes),
        "{seen:?}"
    );
    assert_eq!(seen.last().map(|(done, _)| *done), file.bytes);
    snapshots.open_with(&file, note).unwrap();
    assert_eq!(*reports.lock().unwrap(), seen);
    assert!(reads.longest() <= 1 << 20, "{}", reads.longest());
}
