//! Compressing a segment while the disk fails or the power goes: the journal is always there.

use crate::sim::{Call, EIO, ENOSPC, Fault, Op, Sim};
use crate::support::*;
use hoga_journal::{CompressError, compress_segment, compressed_name, segment_name};

fn nth(wanted: usize, fault: Fault) -> impl FnMut(&Call) -> Option<Fault> + Send {
    let mut seen = 0;
    move |call: &Call| {
        let concerns = call.op == Op::Write || !matches!(fault, Fault::Short(_));
        seen += usize::from(concerns);
        (concerns && seen == wanted + 1).then_some(fault)
    }
}

/// A journal whose first segment is to be compressed, twice: as it is, and with a finished compressed file that an
/// earlier call left behind.
fn journals() -> [(&'static str, Files, u64); 2] {
    let (files, count) = three_segments();
    let sim = Sim::with_files(&files);
    compress_segment(&sim, 1, 3).unwrap();
    let mut both = files.clone();
    both.insert(compressed_name(1), sim.files()[&compressed_name(1)].clone());
    [("fresh", files, count), ("left over", both, count)]
}

#[track_caller]
fn check_whole(sim: &Sim, count: u64, context: &str) {
    let (mut writer, report, seen) = open(sim);
    assert_eq!((seen, report.cut), (records(count), None), "{context}");
    for name in &report.removed {
        assert!(
            name.starts_with(&compressed_name(1)),
            "{name} was removed: {context}"
        );
    }
    let files = sim.files();
    let ways = [segment_name(1), compressed_name(1)].map(|name| u8::from(files.contains_key(&name)));
    assert_eq!(ways[0] + ways[1], 1, "{context}");
    assert!(
        !files.contains_key(&format!("{}.tmp", compressed_name(1))),
        "{context}"
    );
    commit(&mut writer, &[record(count + 1)]);
}

#[test]
fn a_crash_while_compressing_loses_nothing() {
    for (name, files, count) in journals() {
        for call in 0.. {
            let sim = Sim::with_files(&files);
            sim.set_rule(nth(call, Fault::PowerCut));
            let result = compress_segment(&sim, 1, 3);
            let mut dice = Dice::new(call as u64);
            let disks = [
                sim.after_power_cut(|| true),
                sim.after_power_cut(|| false),
                sim.after_power_cut(|| dice.coin()),
                sim.after_power_cut(|| dice.coin()),
            ];
            for (at, disk) in disks.iter().enumerate() {
                check_whole(
                    disk,
                    count,
                    &format!("{name}: power cut in call {call}, disk {at}"),
                );
            }
            if result.is_ok() {
                assert!(call >= 7, "{name}: {call} calls");
                break;
            }
        }
    }
}

#[test]
fn a_failure_while_compressing_leaves_the_segment() {
    for fault in [
        Fault::Error(EIO),
        Fault::Error(ENOSPC),
        Fault::Short(0),
        Fault::Short(300),
    ] {
        for (name, files, count) in journals() {
            for call in 0.. {
                let sim = Sim::with_files(&files);
                sim.set_rule(nth(call, fault));
                let result = compress_segment(&sim, 1, 3);
                sim.clear_rule();
                let context = format!("{name}: {fault:?} in call {call}");
                let Err(error) = result else {
                    assert!(!sim.files().contains_key(&segment_name(1)), "{context}");
                    break;
                };
                assert!(matches!(error, CompressError::Storage(_)), "{context}: {error}");
                // Only where the last sync fails has the segment's place been taken, by a file that was verified.
                let failed = sim.calls().last().unwrap().op;
                if sim.files().contains_key(&segment_name(1)) {
                    assert_eq!(
                        sim.files()[&segment_name(1)],
                        files[&segment_name(1)],
                        "{context}"
                    );
                } else {
                    assert_eq!(failed, Op::SyncDir, "{context}");
                }
                check_whole(&Sim::with_files(&sim.files()), count, &context);
                // A later try does it, unless it is done.
                if sim.files().contains_key(&segment_name(1)) {
                    compress_segment(&sim, 1, 3).unwrap_or_else(|error| panic!("{context}: {error}"));
                }
                check_whole(&sim, count, &context);
            }
        }
    }
}

#[test]
fn a_file_that_does_not_read_back_is_not_trusted() {
    // The disk takes the sync and keeps something else: what is compared is what the disk holds.
    let (files, count) = three_segments();
    let sim = Sim::with_files(&files);
    let mut written = 0;
    sim.set_rule(move |call| {
        let concerns = call.op == Op::Sync && call.name.ends_with(".tmp");
        written += usize::from(concerns);
        (concerns && written == 1).then_some(Fault::Lost)
    });
    let error = compress_segment(&sim, 1, 3).unwrap_err();
    assert!(matches!(error, CompressError::Differs { .. }), "{error}");
    assert_eq!(sim.files(), files);
    check_whole(&sim, count, "lost");
}

#[test]
fn a_segment_is_not_removed_before_its_successor_is_durable_under_its_name() {
    let (files, _) = three_segments();
    let sim = Sim::with_files(&files);
    compress_segment(&sim, 1, 3).unwrap();
    let temporary = format!("{}.tmp", compressed_name(1));
    let calls: Vec<_> = sim
        .calls()
        .into_iter()
        .filter(|call| call.op != Op::Open)
        .map(|call| (call.op, call.name))
        .collect();
    let made = |op| (op, temporary.clone());
    assert_eq!(
        calls,
        [
            (Op::Sync, segment_name(2)),
            (Op::Forget, segment_name(2)),
            made(Op::Remove),
            made(Op::Create),
            // The one piece of so small a segment, and the seek table: neither is left to the page cache for long.
            made(Op::Write),
            made(Op::Sync),
            made(Op::Write),
            made(Op::Sync),
            made(Op::Forget),
            (Op::Rename, compressed_name(1)),
            (Op::SyncDir, String::new()),
            (Op::Remove, segment_name(1)),
            (Op::SyncDir, String::new()),
        ]
    );
}

#[test]
fn a_successor_begun_in_the_page_cache_alone_does_not_close_a_segment() {
    // The roll's sync failed: the header is in the cache, its pages clean, and the disk never got it.
    let sim = Sim::new();
    let (mut writer, ..) = open(&sim);
    await_spare(&writer, SEGMENT);
    sim.set_rule(|call| {
        let roll = call.op == Op::Sync && !call.by_maker && call.name == segment_name(2);
        roll.then_some(Fault::Error(EIO))
    });
    while writer
        .append(&record(writer.next_sequence()))
        .and_then(|()| writer.commit())
        .is_ok()
    {}
    let committed = writer.committed_sequence();
    sim.clear_rule();
    let error = compress_segment(&sim, 1, 3).unwrap_err();
    assert!(matches!(error, CompressError::NotClosed { .. }), "{error}");
    drop(writer);
    assert_eq!(open(&sim).2, records(committed));
}

#[test]
fn a_segment_is_held_against_its_compressed_file_byte_for_byte() {
    // A byte of the segment changes in the middle of the work, at every read in turn. What was compressed and what was
    // compared are then not the same, unless the byte changed before both or after both.
    let (files, _) = three_segments();
    let (mut seen, mut changed) = (0, files[&segment_name(1)].clone());
    changed[40_000] ^= 1;
    for read in 0..60 {
        let sim = Sim::with_files(&files);
        let (disk, mut reads) = (sim.clone(), 0);
        sim.set_read_hook(move || {
            reads += 1;
            if reads == read + 1 {
                disk.alter(&segment_name(1), |file| file[40_000] ^= 1);
            }
        });
        let result = compress_segment(&sim, 1, 3);
        let left = sim.files();
        match result {
            Ok(_) => {
                let unpacked = zstd::decode_all(&left[&compressed_name(1)][..]).unwrap();
                assert!(
                    unpacked == changed || unpacked == files[&segment_name(1)],
                    "read {read}"
                );
            }
            Err(CompressError::Differs { .. }) => {
                seen += 1;
                assert_eq!(left[&segment_name(1)], changed, "read {read}");
                assert!(!left.contains_key(&compressed_name(1)), "read {read}");
            }
            Err(other) => panic!("read {read}: {other}"),
        }
    }
    assert!(seen > 5, "{seen}");
}
