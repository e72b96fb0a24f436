//! Every kind of damage, in every place, to a snapshot: each is refused, and none taken in silence.

use crate::harm::{Kind, Reference, SEQUENCE};
use crate::making::snapshots;
use crate::sim::Sim;
use hoga_journal::{SnapshotError, Snapshots, snapshot_name};

/// What verifying and opening damaged snapshots came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub refused: usize,
    pub silent: usize,
}

/// Does all cases of `kind`.
pub fn tally(reference: &Reference, kind: Kind) -> Tally {
    let disk = Disk::new(&reference.bytes);
    let mut tally = Tally::default();
    for number in 0..reference.cases(kind) {
        let Some(bytes) = reference.harm(kind, number) else {
            continue;
        };
        if disk.refuses(&bytes) {
            tally.refused += 1;
        } else {
            eprintln!("silently accepted: {kind:?}, case {number}");
            tally.silent += 1;
        }
    }
    tally
}

/// A disk whose one snapshot is damaged again and again.
struct Disk {
    sim: Sim,
    snapshots: Snapshots,
    name: String,
}

impl Disk {
    fn new(bytes: &[u8]) -> Disk {
        let (sim, name) = (Sim::new(), snapshot_name(SEQUENCE));
        sim.put(&name, bytes.to_vec());
        Disk {
            snapshots: snapshots(&sim),
            sim,
            name,
        }
    }

    /// Whether these bytes are refused as damage of this file, by verifying and by opening.
    fn refuses(&self, bytes: &[u8]) -> bool {
        self.sim.alter(&self.name, |file| {
            file.clear();
            file.extend_from_slice(bytes);
        });
        self.sim.forget_calls();
        let listed = self.snapshots.list().unwrap();
        let is_refusal = |error: Option<SnapshotError>| match error {
            None => false,
            Some(SnapshotError::Damaged { file, offset, .. }) => {
                assert!(
                    file.ends_with(&self.name) && offset <= bytes.len() as u64,
                    "{file}, {offset}"
                );
                true
            }
            Some(other) => panic!("{other}"),
        };
        is_refusal(self.snapshots.verify(&listed[0]).err())
            && is_refusal(self.snapshots.open(&listed[0]).err())
    }
}

#[test]
fn no_damage_is_taken_in_silence() {
    // Small, so that every bit has its turn; a section without bytes, and blocks that two sections share.
    let reference = Reference::new(&[1_300, 0, 200, 900]);
    assert!(!reference.bytes.len().is_multiple_of(512));
    for kind in Kind::ALL {
        let found = tally(&reference, kind);
        println!("| {kind:?} | {} | {} |", found.refused, found.silent);
        assert_eq!(found.silent, 0, "{kind:?}");
        let most = reference.cases(kind);
        let expected = match kind {
            Kind::Copy => most - reference.bytes.len().div_ceil(512),
            // The last splice the one way changes all, the other way nothing.
            Kind::Splice => most - 1,
            Kind::Swap => {
                let blocks = reference.bytes.len().div_ceil(512);
                blocks * (blocks - 1) / 2
            }
            _ => most,
        };
        assert_eq!(found.refused, expected, "{kind:?}");
    }
}

#[test]
fn the_judge_sees_what_is_taken_in_silence() {
    // Whole bytes, and those of another state of the same sequence, are no damage that could be seen.
    let reference = Reference::new(&[300, 40]);
    let disk = Disk::new(&reference.bytes);
    assert!(!disk.refuses(&reference.bytes));
    assert!(!disk.refuses(&Reference::new(&[300, 41]).bytes));
}
