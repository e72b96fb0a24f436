//! Torn tails: a frame that was being written when the machine stopped is cut, and told.

use crate::sim::Sim;
use crate::support::*;
use hoga_journal::{Cut, Reader, segment_name, verify_with};
use std::sync::Arc;

/// Opens a journal whose last frame, of sequence 8, is torn at `cut.offset`; checks what is left and told, and
/// that the journal goes on.
#[track_caller]
fn check_cut(files: &Files, cut: Cut, context: &str) {
    let sim = Sim::with_files(files);
    let summary = verify_with(&mut Reader::open_with(Arc::new(sim.clone())).unwrap()).unwrap();
    assert_eq!(summary.tail.torn_bytes, cut.bytes, "{context}");
    assert_eq!(
        (summary.tail.segment, summary.tail.offset),
        (cut.segment, cut.offset),
        "{context}"
    );
    assert_eq!(&sim.files(), files, "verifying changed something");

    let kept = cut.sequence - 1;
    let (mut writer, report, seen) = open(&sim);
    assert_eq!(seen, records(kept), "{context}");
    assert_eq!(report.cut.as_ref(), Some(&cut), "{context}");
    let told = report.cut.unwrap().to_string();
    for part in [
        cut.sequence.to_string(),
        cut.offset.to_string(),
        segment_name(cut.segment),
    ] {
        assert!(told.contains(&part), "{told}");
    }
    let disk = sim.after_power_cut(|| false);
    assert_eq!(
        open(&disk).1.cut,
        None,
        "the cut itself was not durable: {context}"
    );
    // The new frame is shorter than the torn one: nothing of the old may show behind it.
    commit(&mut writer, &[record(kept + 1)]);
    drop(writer);
    let (_, report, seen) = open(&sim);
    assert_eq!((seen, report.cut), (records(kept + 1), None), "{context}");
}

/// Two whole frames and a last one of four blocks, which is to be torn: the files, its offset and its bytes.
fn three_frames() -> (Files, u64, u64) {
    let long = (8..=11).map(record).chain(vec![vec![0x5a; 512]; 2]).collect();
    let files = journal_of(&[records(4), (5..=7).map(record).collect(), long]);
    let (_, offset, bytes, sequence, _) = *frames(&Sim::with_files(&files)).last().unwrap();
    assert_eq!((sequence, bytes >= 3 * 512), (8, true));
    (files, offset, bytes)
}

fn last_nonzero_block(file: &[u8], from: u64) -> u64 {
    let behind = &file[from as usize..];
    let last = behind
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |at| at as u64 + 1);
    last.div_ceil(512) * 512
}

#[test]
fn a_tail_torn_at_any_sector_is_cut() {
    let (files, offset, bytes) = three_frames();
    for kept in (512..bytes).step_by(512) {
        let mut torn = files.clone();
        segment_of(&mut torn, 1)[(offset + kept) as usize..].fill(0);
        check_cut(
            &torn,
            Cut {
                segment: 1,
                offset,
                bytes: kept,
                sequence: 8,
            },
            &format!("{kept} of {bytes} bytes kept"),
        );
    }
}

#[test]
fn a_tail_of_any_subset_of_its_blocks_is_cut() {
    let (files, offset, bytes) = three_frames();
    let blocks = bytes / 512;
    for kept in 1..(1u32 << blocks) - 1 {
        let mut torn = files.clone();
        let file = segment_of(&mut torn, 1);
        for block in (0..blocks).filter(|block| kept & (1 << block) == 0) {
            let start = (offset + block * 512) as usize;
            file[start..start + 512].fill(0);
        }
        let dirty = last_nonzero_block(file, offset);
        check_cut(
            &torn,
            Cut {
                segment: 1,
                offset,
                bytes: dirty,
                sequence: 8,
            },
            &format!("blocks {kept:b}"),
        );
    }
}

#[test]
fn a_first_frame_torn_behind_a_roll_is_cut() {
    let groups: Vec<_> = (0..30)
        .map(|group| (group * 10 + 1..=group * 10 + 10).map(record).collect())
        .collect();
    let mut files = journal_of(&groups);
    let found = frames(&Sim::with_files(&files));
    let &(_, offset, bytes, sequence, _) = found.iter().find(|frame| frame.0 == 2).unwrap();
    assert_eq!(offset, 512);
    let file = segment_of(&mut files, 2);
    file[(offset + bytes) as usize..].fill(0);
    file[(offset + bytes) as usize - 512..].fill(0);
    check_cut(
        &files,
        Cut {
            segment: 2,
            offset,
            bytes: bytes - 512,
            sequence,
        },
        "roll",
    );
}
