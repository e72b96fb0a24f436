//! What is done before a commit returns, by durability.

use crate::sim::{Call, Op, Sim};
use crate::support::*;
use hoga_journal::{Durability, Error, MAX_FRAME_RECORDS, Options, segment_name};

fn by_journaler(sim: &Sim) -> Vec<Call> {
    sim.calls().into_iter().filter(|call| !call.by_maker).collect()
}

#[test]
fn a_commit_does_not_return_before_its_sync() {
    let sim = Sim::new();
    let (mut writer, _, _) = open(&sim);
    for group in [1, 5, 80] {
        sim.forget_calls();
        for sequence in 0..group {
            writer.append(&record(sequence)).unwrap();
        }
        assert_eq!(
            by_journaler(&sim),
            [],
            "appending to an open frame writes nothing"
        );
        writer.commit().unwrap();
        let calls = by_journaler(&sim);
        assert_eq!(
            calls.iter().map(|call| call.op).collect::<Vec<_>>(),
            [Op::Write, Op::Sync]
        );
        assert!(calls.iter().all(|call| call.name == segment_name(1)));
        assert_eq!(calls[0].length % 512, 0);
    }
}

#[test]
fn a_frame_is_not_written_before_the_one_ahead_of_it_is_durable() {
    let sim = Sim::new();
    let (mut writer, _, _) = open(&sim);
    sim.forget_calls();
    // More than a frame's records and several segments' bytes in one commit.
    for sequence in 0..u64::from(MAX_FRAME_RECORDS) * 3 {
        writer.append(&record(sequence % 40)).unwrap();
    }
    writer.commit().unwrap();
    let ops: Vec<Op> = by_journaler(&sim).iter().map(|call| call.op).collect();
    assert!(ops.len() > 10, "{ops:?}");
    for pair in ops.chunks(2) {
        assert_eq!(pair, [Op::Write, Op::Sync]);
    }
}

#[test]
fn a_commit_of_nothing_touches_nothing() {
    let sim = Sim::new();
    let (mut writer, _, _) = open(&sim);
    sim.forget_calls();
    writer.commit().unwrap();
    assert_eq!(by_journaler(&sim), []);
}

#[test]
fn a_segment_is_zeroed_and_durable_before_it_has_a_name() {
    let sim = Sim::new();
    let (writer, _, _) = open(&sim);
    await_spare(&writer, SEGMENT + SEGMENT / 2);
    drop(writer);
    let name = format!("{}.tmp", segment_name(2));
    let calls: Vec<_> = sim.calls().into_iter().filter(|call| call.by_maker).collect();
    let ops: Vec<Op> = calls.iter().map(|call| call.op).collect();
    use Op::*;
    assert_eq!(ops, [Remove, Create, Allocate, Write, Sync, Rename, SyncDir]);
    assert!(calls[1..5].iter().all(|call| call.name == name));
    assert_eq!((calls[3].offset, calls[3].length as u64), (0, SEGMENT));
    assert_eq!(sim.files()[&segment_name(2)], vec![0; SEGMENT as usize]);
}

#[test]
fn page_cache_never_syncs() {
    let sim = Sim::new();
    let (mut writer, _, _) = try_open(&sim, &options(Durability::PageCache)).unwrap();
    commit(&mut writer, &records(700));
    drop(writer);
    let (_, report, seen) = try_open(&sim, &options(Durability::PageCache)).unwrap();
    assert_eq!(seen, records(700));
    assert!(report.segments > 1);
    let calls = sim.calls();
    assert!(calls.iter().any(|call| call.op == Op::Write));
    assert!(!calls.iter().any(|call| matches!(call.op, Op::Sync | Op::SyncDir)));
}

#[test]
fn memory_touches_no_file() {
    let sim = Sim::new();
    let memory = options(Durability::Memory);
    let (mut writer, report, _) = try_open(&sim, &memory).unwrap();
    assert!(report.created);
    commit(&mut writer, &records(10_000));
    assert_eq!(
        (writer.next_sequence(), writer.committed_sequence()),
        (10_001, 10_000)
    );
    assert_eq!(writer.space().remaining_bytes(), u64::MAX);
    assert_eq!((writer.space().written_bytes(), writer.space().segment()), (0, 0));
    let (_, _, seen) = try_open(&sim, &memory).unwrap();
    assert_eq!(seen.len(), 0);
    assert_eq!(sim.calls(), []);
}

#[test]
fn memory_seals_the_same_records_into_a_chain() {
    let sim = Sim::new();
    let (mut kept, _, _) = try_open(&sim, &options(Durability::Memory)).unwrap();
    let before = kept.chain();
    commit(&mut kept, &records(3));
    assert_ne!(kept.chain(), before);
}

#[test]
fn sequences_count_what_was_appended_and_what_was_committed() {
    let sim = Sim::new();
    let (mut writer, report, _) = open(&sim);
    assert_eq!((writer.next_sequence(), writer.committed_sequence()), (1, 0));
    assert_eq!(
        (report.journal_id, writer.journal_id(), report.created),
        (JOURNAL_ID, JOURNAL_ID, true)
    );
    writer.append(b"a").unwrap();
    writer.append(b"b").unwrap();
    assert_eq!((writer.next_sequence(), writer.committed_sequence()), (3, 0));
    writer.commit().unwrap();
    assert_eq!((writer.next_sequence(), writer.committed_sequence()), (3, 2));
    writer.append(b"never committed").unwrap();
    let chain = writer.chain();
    drop(writer);
    let (writer, report, seen) = open(&sim);
    assert_eq!(seen, [b"a".to_vec(), b"b".to_vec()]);
    assert_eq!(
        (writer.next_sequence(), writer.chain(), report.created),
        (3, chain, false)
    );
}

#[test]
fn a_journal_keeps_the_id_it_was_made_with() {
    let sim = Sim::new();
    drop(open(&sim));
    let other = Options {
        journal_id: 1,
        ..options(Durability::Fsync)
    };
    let (writer, report, _) = try_open(&sim, &other).unwrap();
    assert_eq!((writer.journal_id(), report.journal_id), (JOURNAL_ID, JOURNAL_ID));
}

#[test]
fn a_record_out_of_bounds_is_refused_and_stops_the_writer() {
    for length in [0, 513, 70_000] {
        let sim = Sim::new();
        let (mut writer, _, _) = open(&sim);
        commit(&mut writer, &records(1));
        let refused = writer.append(&vec![1; length]).unwrap_err();
        assert!(
            matches!(refused, Error::RecordLength { length: l } if l == length),
            "{refused}"
        );
        assert!(matches!(writer.commit(), Err(Error::Poisoned { .. })));
        drop(writer);
        assert_eq!(open(&sim).2, records(1));
    }
}

#[test]
fn options_out_of_bounds_are_refused_in_words() {
    for segment_bytes in [0, SEGMENT - 4096, SEGMENT + 512, (16 << 30) + 4096] {
        let refused = try_open(
            &Sim::new(),
            &Options {
                segment_bytes,
                ..options(Durability::Fsync)
            },
        );
        let message = refused.map(|_| ()).unwrap_err().to_string();
        assert!(
            message.contains(&segment_bytes.to_string()) && message.contains("multiple of"),
            "{message}"
        );
    }
}
