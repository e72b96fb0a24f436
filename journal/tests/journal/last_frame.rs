//! The last frame, broken in every way: what a power cut can leave is cut, and everything else is refused, because it
//! may have been acknowledged.
//!
//! A power cut leaves each sector of 512 bytes as it was before (zeros) or as it was to be.

use crate::sim::Sim;
use crate::support::*;
use hoga_journal::{
    Cut, Durability, OpenError, Options, Problem, ReadError, Reader, segment_name, verify_with,
};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

const SECTOR: usize = 512;
/// The sequence of the last frame.
const SEQUENCE: u64 = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Zero,
    Right,
    Flipped,
    Garbage,
    /// Another sector of the same frame.
    Misplaced,
}
use State::*;

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// As if the frame had never been: the limit of one disk.
    CleanEnd,
    Whole,
    /// This many bytes are cut.
    Cut(u64),
    Refused(Problem),
}

/// A journal whose last frame has so many sectors. Where `zeros`, its records are of zeros only.
fn ending_in(sectors: usize, zeros: bool) -> (Files, usize) {
    let mut left = sectors * 508 - 128 - 300;
    let mut group = Vec::new();
    while left > 0 {
        let length = left.min(514);
        // The two bytes of length are no record.
        group.push(vec![if zeros { 0 } else { left as u8 | 1 }; length.max(3) - 2]);
        left -= length;
    }
    let files = journal_of(&[records(SEQUENCE - 1), group]);
    let &(_, offset, bytes, sequence, _) = frames(&Sim::with_files(&files)).last().unwrap();
    assert_eq!((bytes as usize, sequence), (sectors * SECTOR, SEQUENCE));
    (files, offset as usize)
}

fn spoil(files: &Files, offset: usize, states: &[State], dice: &mut Dice) -> Files {
    let mut spoilt = files.clone();
    let frame = &files[&segment_name(1)][offset..offset + states.len() * SECTOR];
    for (index, state) in states.iter().enumerate() {
        let at = offset + index * SECTOR;
        let sector = &mut segment_of(&mut spoilt, 1)[at..at + SECTOR];
        match state {
            Right => {}
            Zero => sector.fill(0),
            Flipped => sector[dice.below(512) as usize] ^= 1 << dice.below(8),
            Garbage => sector.fill_with(|| dice.below(256) as u8),
            Misplaced => {
                let other = (index + 1) % states.len() * SECTOR;
                sector.copy_from_slice(&frame[other..other + SECTOR]);
            }
        }
    }
    spoilt
}

/// What must come of the frame at `offset`, by the rule in docs/journal-format.md.
fn rule(offset: usize, states: &[State]) -> Verdict {
    let is = |wanted: State| move |state: &State| *state == wanted;
    if let Some(index) = states.iter().position(|state| !matches!(state, Zero | Right)) {
        // The first sector's problem depends on which of its bytes are wrong.
        let offset = (offset + index * SECTOR) as u64;
        return Verdict::Refused(Problem::Sector { offset, blank: false });
    }
    match states.iter().rposition(is(Right)) {
        None => Verdict::CleanEnd,
        Some(_) if states.iter().all(is(Right)) => Verdict::Whole,
        Some(last) => Verdict::Cut(((last + 1) * SECTOR) as u64),
    }
}

/// Opening and verifying `files` both come to `wanted`; a refused opening changes nothing and says what to do.
#[track_caller]
fn check(files: &Files, offset: usize, wanted: &Verdict, context: &str) {
    let sim = Sim::with_files(files);
    let verified = verify_with(&mut Reader::open_with(Arc::new(sim.clone())).unwrap());
    let opened = try_open(&sim, &options(Durability::Fsync));
    let damage = match (opened, &verified) {
        (Err(OpenError::Read(ReadError::Damaged(damage))), Err(ReadError::Damaged(same))) => {
            assert_eq!(damage, *same, "{context}");
            damage
        }
        (Ok((_, report, seen)), Ok(summary)) => {
            let kept = SEQUENCE as usize - 1;
            let cut = report.cut.map(|cut| {
                let place = (cut.segment, cut.offset, cut.sequence);
                assert_eq!(place, (1, offset as u64, SEQUENCE), "{context}");
                cut.bytes
            });
            assert_eq!(summary.tail.torn_bytes, cut.unwrap_or(0), "{context}");
            let found = match cut {
                Some(bytes) => Verdict::Cut(bytes),
                None if seen.len() > kept => Verdict::Whole,
                None => Verdict::CleanEnd,
            };
            assert_eq!(&found, wanted, "{context}");
            assert_eq!(seen.len() > kept, found == Verdict::Whole, "{context}");
            assert_eq!(seen[..kept], records(kept as u64), "{context}");
            return;
        }
        other => panic!("{context}: {other:?}"),
    };
    let Verdict::Refused(problem) = wanted else {
        panic!("{context}: {damage}");
    };
    let first = matches!(problem, Problem::Sector { offset: at, .. } if *at == offset as u64);
    match &damage.problem {
        Problem::FrameMagic | Problem::FrameHeaderChecksum if first => {}
        // The header's sector stands in another place, which shows more than what is missing here.
        _ if damage.intact_after.is_some() => {}
        found => assert_eq!(found, problem, "{context}"),
    }
    assert_eq!(
        &sim.files(),
        files,
        "a refused opening changed something: {context}"
    );
    assert_eq!(
        (damage.offset, damage.expected_sequence),
        (offset as u64, SEQUENCE)
    );
    let said = damage.to_string();
    for part in [
        "may have been acknowledged",
        "from a copy",
        "When the last frame is damaged",
    ] {
        assert!(
            damage.intact_after.is_some() || said.contains(part),
            "{context}: {said}"
        );
    }
}

#[test]
fn only_what_a_power_cut_can_leave_of_a_last_frame_is_cut() {
    const SEED: u64 = 11;
    println!("seed {SEED}");
    let mut dice = Dice::new(SEED);
    let (mut cut, mut refused) = (0, 0);
    for sectors in 1..=64 {
        let (files, offset) = ending_in(sectors, sectors % 2 == 0);
        // Every set of states that its sectors can have, in places by chance; the header's sector in each of them.
        for set in 1..16 {
            let states: Vec<State> = [Zero, Right, Flipped, Garbage]
                .into_iter()
                .enumerate()
                .filter_map(|(bit, state)| (set & 1 << bit != 0).then_some(state))
                .collect();
            if states.len() > sectors {
                continue;
            }
            for first in 0..states.len() {
                // Each state once, in an order that begins with `first`; the rest by chance.
                let mut placed: Vec<State> = (0..states.len())
                    .map(|at| states[(first + at) % states.len()])
                    .collect();
                placed.resize_with(sectors, || states[dice.below(states.len() as u64) as usize]);
                for at in (2..sectors).rev() {
                    placed.swap(at, 1 + dice.below(at as u64) as usize);
                }
                let wanted = rule(offset, &placed);
                cut += usize::from(matches!(wanted, Verdict::Cut(_)));
                refused += usize::from(matches!(wanted, Verdict::Refused(_)));
                let context = format!("seed {SEED}, {placed:?}");
                check(
                    &spoil(&files, offset, &placed, &mut dice),
                    offset,
                    &wanted,
                    &context,
                );
            }
        }
    }
    assert!(cut > 100 && refused > 1_000, "{cut} cut, {refused} refused");
}

#[test]
fn a_last_frame_of_few_sectors_is_judged_in_every_combination() {
    let mut dice = Dice::new(3);
    for sectors in 1..=3 {
        let (files, offset) = ending_in(sectors, false);
        for number in 0..5usize.pow(sectors as u32) {
            let states: Vec<State> = (0..sectors)
                .map(|at| [Zero, Right, Flipped, Garbage, Misplaced][number / 5usize.pow(at as u32) % 5])
                .filter(|state| *state != Misplaced || sectors > 1)
                .collect();
            if states.len() < sectors {
                continue;
            }
            let spoilt = spoil(&files, offset, &states, &mut dice);
            let context = format!("{states:?}");
            let wanted = rule(offset, &states);
            check(&spoilt, offset, &wanted, &context);
        }
    }
}

#[test]
fn no_flipped_bit_of_an_acknowledged_last_frame_is_cut() {
    let mut dice = Dice::new(4);
    for sectors in [1, 2, 3, 9, 64] {
        let (files, offset) = ending_in(sectors, false);
        for at in 0..sectors * SECTOR {
            // Header, body, padding and checksum: every byte of a short frame, the edges of each sector of a long one.
            let edge = [0, 1, 127, 128, 207, 208, 507, 508, 511].contains(&(at % SECTOR));
            if sectors > 2 && !edge {
                continue;
            }
            let mut flipped = files.clone();
            segment_of(&mut flipped, 1)[offset + at] ^= 1 << dice.below(8);
            let wanted = Verdict::Refused(Problem::Sector {
                offset: (offset + at / SECTOR * SECTOR) as u64,
                blank: false,
            });
            check(
                &flipped,
                offset,
                &wanted,
                &format!("byte {at} of {sectors} sectors"),
            );
        }
    }
}

#[test]
fn a_torn_frame_with_anything_behind_its_end_is_not_cut() {
    let (files, offset) = ending_in(3, false);
    let behind = offset + 3 * SECTOR;
    for states in [
        [Zero, Zero, Zero],
        [Right, Zero, Right],
        [Zero, Right, Right],
        [Right; 3],
    ] {
        for at in [behind, behind + SECTOR, SEGMENT as usize - SECTOR] {
            let mut spoilt = spoil(&files, offset, &states, &mut Dice::new(1));
            segment_of(&mut spoilt, 1)[at + 77] = 1;
            let sim = Sim::with_files(&spoilt);
            let Err(OpenError::Read(ReadError::Damaged(damage))) =
                try_open(&sim, &options(Durability::Fsync))
            else {
                panic!("{states:?}, {at}");
            };
            let wrong = Problem::Sector {
                offset: at as u64,
                blank: false,
            };
            let place = if states == [Right; 3] { behind } else { offset };
            assert_eq!(damage.offset, place as u64, "{states:?}, {at}");
            if at > place {
                assert_eq!(damage.problem, wrong, "{states:?}, {at}");
            }
        }
    }
}

#[test]
fn a_frame_without_its_header_is_not_longer_than_frames_are() {
    // The header's sector is missing, so nothing tells the frame's length; the longest frame has 2,065 sectors.
    let options = Options {
        segment_bytes: 2 << 20,
        ..options(Durability::Fsync)
    };
    let files = journal_with(&[records(SEQUENCE - 1)], &options);
    let &(_, offset, bytes, ..) = frames(&Sim::with_files(&files)).last().unwrap();
    let start = (offset + bytes) as usize;
    for (index, is_cut) in [(1, true), (2_064, true), (2_065, false)] {
        let mut files = files.clone();
        let at = start + index * SECTOR;
        let sector = &mut segment_of(&mut files, 1)[at..at + SECTOR];
        seal_sector(sector, (JOURNAL_ID, 1, SEQUENCE), index as u32);
        let opened = try_open(&Sim::with_files(&files), &options);
        let cut = Cut {
            segment: 1,
            offset: start as u64,
            bytes: ((index + 1) * SECTOR) as u64,
            sequence: SEQUENCE,
        };
        match opened {
            Ok((_, report, _)) if is_cut => assert_eq!(report.cut, Some(cut)),
            Err(OpenError::Read(ReadError::Damaged(_))) if !is_cut => {}
            other => panic!("{index}: {other:?}"),
        }
    }
}

#[test]
fn a_sector_of_the_same_journal_elsewhere_is_wrong_here() {
    // Right in every byte, but for another segment, sequence or journal: not what this frame would hold.
    let (files, offset) = ending_in(2, false);
    for (place, index, is_cut) in [
        ((JOURNAL_ID, 1, SEQUENCE), 1, true),
        ((JOURNAL_ID, 1, SEQUENCE), 2, false),
        ((JOURNAL_ID, 1, SEQUENCE + 1), 1, false),
        ((JOURNAL_ID, 2, SEQUENCE), 1, false),
        ((JOURNAL_ID + 1, 1, SEQUENCE), 1, false),
    ] {
        let mut spoilt = spoil(&files, offset, &[Zero, Right], &mut Dice::new(1));
        let at = offset + SECTOR;
        seal_sector(&mut segment_of(&mut spoilt, 1)[at..at + SECTOR], place, index);
        let wanted = match is_cut {
            true => Verdict::Cut(1024),
            false => Verdict::Refused(Problem::Sector {
                offset: at as u64,
                blank: false,
            }),
        };
        check(&spoilt, offset, &wanted, &format!("{place:?} {index}"));
    }
}

#[test]
fn a_sector_half_copied_by_a_running_writer_is_no_damage_to_a_reader() {
    let (files, offset) = ending_in(2, false);
    let mut half = files.clone();
    segment_of(&mut half, 1)[offset + 700..].fill(0);
    let whole = files[&segment_name(1)].clone();
    let total = {
        let sim = Sim::with_files(&files);
        frames(&sim).iter().map(|frame| u64::from(frame.4)).sum::<u64>()
    };
    // The rest of the sector comes before the reader's nth read.
    let reads_of_two_looks = {
        let (sim, reads) = (Sim::with_files(&half), Arc::new(AtomicU64::new(0)));
        let counter = Arc::clone(&reads);
        sim.set_read_hook(move || {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        verify_with(&mut Reader::open_with(Arc::new(sim)).unwrap()).unwrap_err();
        reads.load(Ordering::Relaxed) / 2
    };
    assert!(reads_of_two_looks > 4);
    for nth in 0..reads_of_two_looks {
        let (sim, reads) = (Sim::with_files(&half), Arc::new(Mutex::new(0)));
        let (writer, whole) = (sim.clone(), whole.clone());
        sim.set_read_hook(move || {
            let mut reads = reads.lock().unwrap();
            if *reads == nth {
                writer.alter(&segment_name(1), |file| file.copy_from_slice(&whole));
            }
            *reads += 1;
        });
        let summary = verify_with(&mut Reader::open_with(Arc::new(sim)).unwrap()).unwrap();
        assert_eq!(
            (summary.records, summary.tail.torn_bytes),
            (total, 0),
            "read {nth}"
        );
    }
}
