//! One flipped bit anywhere in a small journal: refused, never cut as torn or taken in silence.

use crate::sim::Sim;
use crate::support::*;
use hoga_journal::{Durability, OpenError, ReadError, Reader, segment_name, verify_with};
use std::sync::Arc;

/// What a flipped bit must lead to.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Verdict {
    /// The journal is refused as damaged.
    Refused,
    /// A tail is cut.
    Cut,
    /// The file, which no record is in yet, is made anew.
    Removed,
}

fn opened(files: &Files) -> Option<Verdict> {
    match try_open(&Sim::with_files(files), &options(Durability::Fsync)) {
        Err(OpenError::Read(ReadError::Damaged(_))) => Some(Verdict::Refused),
        Err(other) => panic!("{other}"),
        Ok((_, report, _)) if report.cut.is_some() => Some(Verdict::Cut),
        Ok((_, report, _)) if !report.removed.is_empty() => Some(Verdict::Removed),
        Ok(_) => None,
    }
}

fn verified(files: &Files) -> Option<Verdict> {
    let mut reader = Reader::open_with(Arc::new(Sim::with_files(files))).unwrap();
    match verify_with(&mut reader) {
        Err(ReadError::Damaged(_)) => Some(Verdict::Refused),
        Err(other) => panic!("{other}"),
        Ok(summary) if summary.tail.torn_bytes > 0 => Some(Verdict::Cut),
        Ok(_) => None,
    }
}

#[test]
fn no_flipped_bit_is_taken_in_silence() {
    // One full segment with a few blocks of unused end, one with two short frames, and a blank spare.
    let filler = vec![
        vec![vec![3; 512]; 100],
        vec![vec![6; 512]; 23],
        vec![vec![4; 512]; 5],
    ];
    let files = journal_of(&[filler, vec![vec![vec![8; 40]]]].concat());
    let found = frames(&Sim::with_files(&files));
    let last = *found.last().unwrap();
    let in_second: Vec<_> = found.iter().filter(|frame| frame.0 == 2).collect();
    assert!(in_second.len() == 2 && files.len() == 3, "{found:?}");

    let mut dice = Dice::new(1);
    let mut flips = 0;
    for segment in 1..=3u64 {
        // Every byte of the two short frames, the heads and the edges; elsewhere a sample.
        let dense = |at: u64| match segment {
            1 => !(1024..SEGMENT - 1536).contains(&at),
            2 => at < last.1 + last.2 + 512,
            _ => at < 512,
        };
        for at in (0..SEGMENT).filter(|at| dense(*at) || at % 397 == 0) {
            let expected = match segment {
                3 if at < 512 => Verdict::Removed,
                _ => Verdict::Refused,
            };
            let mut flipped = files.clone();
            segment_of(&mut flipped, segment)[at as usize] ^= 1 << dice.below(8);
            let context = format!("{} byte {at}", segment_name(segment));
            assert_eq!(opened(&flipped), Some(expected), "{context}");
            let seen = if expected == Verdict::Removed {
                None
            } else {
                Some(expected)
            };
            assert_eq!(verified(&flipped), seen, "{context}");
            flips += 1;
        }
    }
    assert!(flips > 4_000, "{flips}");
}
