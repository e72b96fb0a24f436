//! Snapshots made by hand, field by field, as docs/snapshot-format.md lists them: the layout does not move, and
//! whole checksums make nothing believable that is out of bounds.

use crate::making::*;
use crate::reads::Reads;
use crate::sim::Sim;
use crate::support::Dice;
use hoga_journal::{SnapshotError, SnapshotFile, SnapshotProblem, Snapshots, snapshot_name};
use std::sync::Arc;

const SEQUENCE: u64 = 9;
const LENGTHS: [usize; 3] = [700, 0, 90];

/// The parts of a snapshot, each in place of what it would be.
#[derive(Clone)]
struct Forgery {
    head: Vec<u8>,
    contents: Vec<u8>,
    /// The id, checksum and length of each section.
    table: Vec<(u32, u32, u64)>,
    total: u64,
    sections: u32,
    reserved: [u8; 8],
}

impl Forgery {
    /// What the writer would write.
    fn honest() -> Forgery {
        let (of, mut head) = (head(SEQUENCE), Vec::new());
        head.extend_from_slice(b"HOGASNAP\x01\0\0\x02");
        head.extend_from_slice(&of.journal_id.to_le_bytes());
        head.extend_from_slice(&of.position.segment.to_le_bytes());
        head.extend_from_slice(&of.position.offset.to_le_bytes());
        head.extend_from_slice(&of.position.next_sequence.to_le_bytes());
        head.extend_from_slice(&of.position.chain);
        head.extend_from_slice(&of.state_digest);
        head.extend_from_slice(&of.rules.to_le_bytes());
        head.extend_from_slice(&of.taken_at.to_le_bytes());
        assert_eq!(head.len(), 100);
        head.resize(508, 0);
        let sections = sections(SEQUENCE, &LENGTHS);
        let table = sections
            .iter()
            .map(|(id, bytes)| (*id, crc32c::crc32c(bytes), bytes.len() as u64));
        let total = 512 + LENGTHS.iter().sum::<usize>() + 16 * LENGTHS.len() + 64;
        Forgery {
            head,
            table: table.collect(),
            contents: sections.into_iter().flat_map(|(_, bytes)| bytes).collect(),
            total: total as u64,
            sections: LENGTHS.len() as u32,
            reserved: [0; 8],
        }
    }

    /// The file, with every checksum and the hash as they must be.
    fn seal(&self) -> Vec<u8> {
        let mut file = self.head.clone();
        file.extend_from_slice(&crc32c::crc32c(&self.head).to_le_bytes());
        file.extend_from_slice(&self.contents);
        let table_at = file.len();
        for (id, crc, length) in &self.table {
            file.extend_from_slice(&id.to_le_bytes());
            file.extend_from_slice(&crc.to_le_bytes());
            file.extend_from_slice(&length.to_le_bytes());
        }
        file.extend_from_slice(b"HOGASEAL");
        file.extend_from_slice(&self.total.to_le_bytes());
        file.extend_from_slice(&self.sections.to_le_bytes());
        file.extend_from_slice(&self.reserved);
        let hash = *blake3::hash(&file).as_bytes();
        file.extend_from_slice(&hash);
        // As many entries as the trailer says, as a reader takes them.
        let trailer_at = file.len() - 60;
        let entries = 16 * self.sections as usize;
        let table_at = if entries <= trailer_at {
            trailer_at - entries
        } else {
            table_at
        };
        let crc = crc32c::crc32c(&file[table_at..]);
        file.extend_from_slice(&crc.to_le_bytes());
        file
    }
}

fn put(bytes: &mut [u8], at: usize, field: &[u8]) {
    bytes[at..at + field.len()].copy_from_slice(field);
}

/// Opens the file under the name of `sequence`, in bounded reads.
fn open(bytes: &[u8], sequence: u64) -> Result<(), SnapshotError> {
    let sim = Sim::new();
    sim.put(&snapshot_name(sequence), bytes.to_vec());
    let reads = Reads::new(&sim);
    let snapshots = Snapshots::new(Arc::new(reads.clone()));
    let file: SnapshotFile = snapshots.list().unwrap().remove(0);
    let result = read(&snapshots, &file);
    assert!(
        reads.longest() <= 1 << 20,
        "{} bytes were asked for",
        reads.longest()
    );
    assert_eq!(snapshots.verify(&file).is_ok(), result.is_ok());
    result.map(|_| ())
}

#[test]
fn layout_does_not_move() {
    let forged = Forgery::honest().seal();
    assert!(forged == bytes_of(SEQUENCE, &LENGTHS));
    open(&forged, SEQUENCE).unwrap();
}

#[test]
fn no_whole_checksum_makes_a_wrong_field_right() {
    use SnapshotProblem::{Bounds, Length, Name};
    let total = Forgery::honest().total;
    let length = |expected| Length {
        expected,
        found: total,
    };
    let cases: Vec<(&str, &dyn Fn(&mut Forgery), SnapshotProblem)> = vec![
        ("version 0", &|f| put(&mut f.head, 8, &[0, 0]), Bounds),
        (
            "header length",
            &|f| put(&mut f.head, 10, &511u16.to_le_bytes()),
            Bounds,
        ),
        ("first reserved byte", &|f| f.head[100] = 1, Bounds),
        ("last reserved byte", &|f| f.head[507] = 1, Bounds),
        ("no sequence", &|f| put(&mut f.head, 32, &[0; 8]), Bounds),
        (
            "another sequence",
            &|f| put(&mut f.head, 32, &[11]),
            Name { found: 10 },
        ),
        (
            "last sequence",
            &|f| put(&mut f.head, 32, &[255; 8]),
            Name { found: u64::MAX - 1 },
        ),
        ("total 0", &|f| f.total = 0, length(0)),
        ("total off by one", &|f| f.total += 1, length(total + 1)),
        ("greatest total", &|f| f.total = u64::MAX, length(u64::MAX)),
        ("greatest count", &|f| f.sections = u32::MAX, Bounds),
        ("count out of bounds", &|f| f.sections = 4_097, Bounds),
        ("more sections than bytes", &|f| f.sections = 60, Bounds),
        ("one more section", &|f| f.sections += 1, Bounds),
        ("one section fewer", &|f| f.sections -= 1, Bounds),
        ("no sections", &|f| f.sections = 0, Bounds),
        ("reserved", &|f| f.reserved[7] = 1, Bounds),
        ("greatest length", &|f| f.table[0].2 = u64::MAX, Bounds),
        (
            "length to the end of numbers",
            &|f| f.table[0].2 = u64::MAX - 512,
            Bounds,
        ),
        ("a length more", &|f| f.table[1].2 = 1, Bounds),
        ("a length less", &|f| f.table[2].2 -= 1, Bounds),
        (
            "lengths that wrap round to the right sum",
            &|f| (f.table[0].2, f.table[1].2) = (1 << 63, (1 << 63) + 700),
            Bounds,
        ),
        ("two of an id", &|f| f.table[1].0 = f.table[0].0, Bounds),
        (
            "a byte more in front of the table",
            &|f| (f.contents.push(0), f.total += 1).1,
            Bounds,
        ),
    ];
    for (words, forge, problem) in cases {
        let mut forgery = Forgery::honest();
        forge(&mut forgery);
        match open(&forgery.seal(), SEQUENCE) {
            Err(SnapshotError::Damaged { problem: found, .. }) => assert_eq!(found, problem, "{words}"),
            other => panic!("{words}: {other:?}"),
        }
    }
    let mut many = Forgery::honest();
    many.contents.clear();
    many.table = (0..4_097).map(|id| (id, 0, 0)).collect();
    (many.sections, many.total) = (4_097, 512 + 16 * 4_097 + 64);
    let found = open(&many.seal(), SEQUENCE).unwrap_err();
    assert!(
        matches!(&found, SnapshotError::Damaged { problem: Bounds, .. }),
        "{found}"
    );
    // A section's own checksum is looked at even where the hash is right.
    let mut forgery = Forgery::honest();
    forgery.table[2].1 ^= 1;
    let problem = SnapshotProblem::SectionChecksum { id: 21 };
    let found = open(&forgery.seal(), SEQUENCE).unwrap_err();
    assert!(
        matches!(&found, SnapshotError::Damaged { problem: of, .. } if *of == problem),
        "{found}"
    );
}

#[test]
fn a_newer_version_is_refused_by_name() {
    for version in [2u16, 300, u16::MAX] {
        let mut forgery = Forgery::honest();
        put(&mut forgery.head, 8, &version.to_le_bytes());
        // Only the head's size and checksum are known of it.
        let mut bytes = forgery.seal();
        bytes[600..].fill(0xee);
        let refused = open(&bytes, SEQUENCE).unwrap_err();
        assert!(
            matches!(refused, SnapshotError::Newer { version: of, .. } if of == version),
            "{refused}"
        );
        let told = refused.to_string();
        for part in [
            snapshot_name(SEQUENCE),
            version.to_string(),
            "newer program".into(),
        ] {
            assert!(told.contains(&part), "{told}");
        }
    }
}

#[test]
fn no_bytes_make_it_panic() {
    const SEED: u64 = 11;
    println!("seed {SEED}");
    let mut dice = Dice::new(SEED);
    let mut whole = 0;
    for _ in 0..4_000 {
        let mut forgery = Forgery::honest();
        for _ in 0..1 + dice.below(3) {
            let extreme = [
                0,
                1,
                u64::MAX,
                u64::MAX - 511,
                1 << 63,
                dice.below(u64::MAX),
                dice.below(2_000),
            ];
            let value = extreme[dice.below(7) as usize];
            let entry = dice.below(3) as usize;
            match dice.below(7) {
                0 => put(&mut forgery.head, dice.below(500) as usize, &value.to_le_bytes()),
                1 => forgery.table[entry].2 = value,
                2 => forgery.table[entry].0 = value as u32,
                3 => forgery.total = value,
                4 => forgery.sections = value as u32,
                5 => forgery.contents.resize(dice.below(3_000) as usize, 7),
                _ => forgery.table[entry..].rotate_left(1),
            }
        }
        let mut bytes = forgery.seal();
        if dice.below(8) == 0 {
            bytes.truncate(dice.below(bytes.len() as u64) as usize);
        }
        whole += u64::from(open(&bytes, SEQUENCE).is_ok());
    }
    // A digest or a time of one's own choice is no damage.
    assert!((1..1_000).contains(&whole), "{whole}");
    for length in 0..1_200 {
        let noise = contents(length, 1, length as usize);
        assert!(open(&noise, SEQUENCE).is_err(), "{length} bytes of noise");
    }
}
