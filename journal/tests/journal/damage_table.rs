//! Every kind of damage, in every place, to a small journal: what opening it comes to. Nothing may be taken in silence.

use crate::harm::{Harm, Kind, Reference};
use crate::sim::{Op, Sim};
use crate::support::*;
use hoga_journal::{Durability, Journal, OpenError, ReadError};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the opening of a damaged journal comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is refused, naming the place, and nothing was changed.
    Refused,
    /// A torn tail is cut and told, and it was the last frame: what a write that never ended looks like.
    CutLastFrame,
    /// A spare, which holds no record, is removed and told; every record is there.
    SpareRemoved,
    /// Every record is there, and the damage is not seen.
    NoEffect,
    /// What is left is, byte for byte, an earlier moment of the same journal: the limit of a single disk.
    TheRecentPast,
    /// A record is changed, lost without being told, or out of order.
    Silent,
}

impl Verdict {
    pub const ALL: [Verdict; 6] = [
        Verdict::Refused,
        Verdict::CutLastFrame,
        Verdict::SpareRemoved,
        Verdict::NoEffect,
        Verdict::TheRecentPast,
        Verdict::Silent,
    ];
}

/// How often each verdict came, in the order of [`Verdict::ALL`].
pub type Tally = [u64; Verdict::ALL.len()];

/// Does the cases of `kind` that `numbers` names, on all cores. Returns the tally, and the first few cases that were
/// taken in silence.
pub fn tally(
    reference: &Reference,
    kind: Kind,
    numbers: &(dyn Fn(u64) -> u64 + Sync),
    count: u64,
) -> (Tally, Vec<u64>) {
    const BATCH: u64 = 256;
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get());
    let next = AtomicU64::new(0);
    let work = || {
        let (mut tally, mut silent, mut disk) = (Tally::default(), Vec::new(), Disk::new(reference));
        loop {
            let first = next.fetch_add(BATCH, Ordering::Relaxed);
            if first >= count {
                return (tally, silent);
            }
            for number in (first..count.min(first + BATCH)).map(numbers) {
                let Some(harm) = reference.harm(kind, number) else {
                    continue;
                };
                let verdict = disk.suffer(&harm);
                tally[verdict as usize] += 1;
                if verdict == Verdict::Silent && silent.len() < 5 {
                    silent.push(number);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut total = (Tally::default(), Vec::new());
        for worker in workers {
            let (tally, silent) = worker.join().unwrap();
            for (sum, part) in total.0.iter_mut().zip(tally) {
                *sum += part;
            }
            total.1.extend(silent);
        }
        total
    })
}

/// The reference journal on a disk that is damaged again and again.
struct Disk<'a> {
    reference: &'a Reference,
    sim: Sim,
}

impl<'a> Disk<'a> {
    fn new(reference: &'a Reference) -> Disk<'a> {
        let sim = Sim::with_files(&reference.files);
        Disk { reference, sim }
    }

    /// Does the harm, opens the journal, judges what comes of it, and makes the disk whole again.
    fn suffer(&mut self, harm: &Harm) -> Verdict {
        match harm {
            Harm::Bytes(patches) => {
                for (name, at, bytes) in patches {
                    self.sim
                        .alter(name, |file| file[*at..*at + bytes.len()].copy_from_slice(bytes));
                }
            }
            Harm::Length(name, length) => self.sim.alter(name, |file| file.truncate(*length)),
            Harm::Gone(_) => self.sim = Sim::with_files(&harm.done_to(&self.reference.files)),
        }
        self.sim.forget_calls();
        let mut verdict = self.open();
        if verdict == Verdict::TheRecentPast
            && !self.reference.is_the_past(&harm.done_to(&self.reference.files))
        {
            verdict = Verdict::Silent;
        }
        // A refused opening changes nothing, so it is enough to undo the harm.
        match harm {
            Harm::Bytes(patches) if verdict == Verdict::Refused => {
                for (name, at, bytes) in patches {
                    let was = &self.reference.files[name][*at..*at + bytes.len()];
                    self.sim
                        .alter(name, |file| file[*at..*at + was.len()].copy_from_slice(was));
                }
            }
            Harm::Length(name, length) if verdict == Verdict::Refused => {
                let tail = &self.reference.files[name][*length..];
                self.sim.alter(name, |file| file.extend_from_slice(tail));
            }
            _ => self.sim = Sim::with_files(&self.reference.files),
        }
        verdict
    }

    /// Judges one opening; whether a shorter journal is an earlier moment is not judged here.
    fn open(&self) -> Verdict {
        let (wanted, frames) = (&self.reference.records, &self.reference.frames);
        let (mut seen, mut as_written) = (0, true);
        let opened = Journal::open_with(
            Arc::new(self.sim.clone()),
            &options(Durability::Fsync),
            |sequence, record| {
                as_written &=
                    sequence == seen as u64 + 1 && wanted.get(seen).is_some_and(|wanted| wanted == record);
                seen += 1;
                Ok::<(), Infallible>(())
            },
        );
        let report = match opened {
            Err(OpenError::Read(ReadError::Damaged(_))) => {
                let changes = |op| {
                    !matches!(
                        op,
                        Op::Lock | Op::List | Op::Open | Op::Sync | Op::SyncDir | Op::Forget
                    )
                };
                let changed = self.sim.calls().iter().any(|call| changes(call.op));
                assert!(!changed, "a refused opening changed something");
                return Verdict::Refused;
            }
            Err(other) => panic!("{other}"),
            Ok((_, report)) => report,
        };
        let &(_, _, _, last, _) = frames.last().unwrap();
        let whole = seen == wanted.len();
        match (&report.cut, report.removed.is_empty()) {
            _ if !as_written => Verdict::Silent,
            (Some(cut), _) if cut.sequence == last && seen as u64 == last - 1 => Verdict::CutLastFrame,
            (None, false) if whole => Verdict::SpareRemoved,
            (None, true) if whole => Verdict::NoEffect,
            (None, _) => Verdict::TheRecentPast,
            _ => Verdict::Silent,
        }
    }
}

/// The kinds of damage that leave an earlier moment of the journal: none does unless it takes a whole last frame or file.
#[cfg(test)]
fn may_leave_the_past(reference: &Reference, kind: Kind) -> bool {
    let short = reference.frames.last().unwrap().2 == 512;
    short && matches!(kind, Kind::Zero | Kind::Copy | Kind::Lose | Kind::Truncate)
}

#[test]
fn no_damage_is_taken_in_silence() {
    const SEED: u64 = 7;
    println!("seed {SEED}");
    let mut sum = Tally::default();
    for reference in [
        Reference::at_rest(),
        Reference::without_spare(),
        Reference::compressed(),
    ] {
        for kind in Kind::ALL {
            let cases = reference.cases(kind);
            let count = cases.min(1_000);
            let pick = |at: u64| match count == cases {
                true => at,
                false => Dice::new(SEED + at).below(cases),
            };
            let (found, silent) = tally(&reference, kind, &pick, count);
            assert_eq!(silent, [0; 0], "{}: {kind:?}", reference.name);
            let of = |verdict: Verdict| found[verdict as usize];
            assert!(
                of(Verdict::Refused) > 0,
                "{}: {kind:?}: {found:?}",
                reference.name
            );
            if !may_leave_the_past(&reference, kind) {
                assert_eq!(of(Verdict::TheRecentPast), 0, "{}: {kind:?}", reference.name);
            }
            // Every byte counts: even padding and unused space are read and checked. Only the same bytes compressed in
            // another way, and a spare that is gone, are without effect.
            let is_packed = reference.files.contains_key(&hoga_journal::compressed_name(1));
            if kind != Kind::Lose && !(is_packed && kind == Kind::Flip) {
                assert_eq!(of(Verdict::NoEffect), 0, "{}: {kind:?}", reference.name);
            }
            for (sum, part) in sum.iter_mut().zip(found) {
                *sum += part;
            }
        }
    }
    for (verdict, count) in Verdict::ALL.into_iter().zip(sum) {
        assert_eq!(count == 0, verdict == Verdict::Silent, "{verdict:?}: {sum:?}");
    }
}

#[test]
fn the_judge_sees_what_is_taken_in_silence() {
    // The journal is whole, but not what it should be: a record changed, one lost, two that changed places.
    let spoil: [fn(&mut Vec<Vec<u8>>); 3] = [
        |records| records[40][0] ^= 1,
        |records| records.push(vec![1]),
        |records| records.swap(3, 4),
    ];
    for spoil in spoil {
        let mut reference = Reference::at_rest();
        spoil(&mut reference.records);
        let no_harm = Harm::Bytes(Vec::new());
        assert_eq!(Disk::new(&reference).suffer(&no_harm), Verdict::Silent);
    }
}
