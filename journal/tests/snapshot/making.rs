//! What the tests share: snapshots to write, and ways to look at them.

use crate::sim::Sim;
use hoga_journal::{Position, SnapshotError, SnapshotFile, SnapshotHead, Snapshots, snapshot_name};
use std::sync::Arc;

pub type Sections = Vec<(u32, Vec<u8>)>;

pub fn snapshots(sim: &Sim) -> Snapshots {
    Snapshots::new(Arc::new(sim.clone()))
}

/// The head of the snapshot behind record `sequence`.
pub fn head(sequence: u64) -> SnapshotHead {
    SnapshotHead {
        journal_id: crate::support::JOURNAL_ID,
        position: Position {
            segment: 1 + sequence / 100,
            offset: 512 * (1 + sequence % 100),
            next_sequence: sequence + 1,
            chain: [sequence as u8; 32],
        },
        state_digest: [!sequence as u8; 16],
        rules: 3,
        taken_at: sequence ^ 1_700_000_000_000_000_000,
    }
}

/// Bytes that say which ones they are.
pub fn contents(sequence: u64, id: u32, length: usize) -> Vec<u8> {
    let mut dice = crate::support::Dice::new(sequence << 32 | u64::from(id));
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        bytes.extend_from_slice(&dice.below(u64::MAX).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// The sections of a snapshot, of these lengths; their ids are 7, 14, 21, …
pub fn sections(sequence: u64, lengths: &[usize]) -> Sections {
    let all = lengths.iter().zip(1..);
    all.map(|(length, at)| (at * 7, contents(sequence, at * 7, *length)))
        .collect()
}

pub fn try_write(
    snapshots: &Snapshots,
    head: &SnapshotHead,
    sections: &Sections,
    sync: bool,
) -> Result<SnapshotFile, SnapshotError> {
    let mut writer = snapshots.begin(head, sync)?;
    for (id, bytes) in sections {
        writer.section(*id);
        for piece in bytes.chunks(100_003) {
            writer.write(piece);
        }
    }
    writer.finish()
}

#[track_caller]
pub fn write(snapshots: &Snapshots, sequence: u64, lengths: &[usize]) -> SnapshotFile {
    try_write(snapshots, &head(sequence), &sections(sequence, lengths), true)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Opens a snapshot and reads all of it.
pub fn read(snapshots: &Snapshots, file: &SnapshotFile) -> Result<(SnapshotHead, Sections), SnapshotError> {
    let reader = snapshots.open(file)?;
    let mut sections = Vec::new();
    for (id, length) in reader.sections() {
        let mut section = reader.section(id)?;
        let mut bytes = vec![0; length as usize];
        section.read_exact(&mut bytes)?;
        section.end()?;
        sections.push((id, bytes));
    }
    Ok((*reader.head(), sections))
}

/// Checks that this snapshot is there and holds what it should.
#[track_caller]
pub fn check_whole(snapshots: &Snapshots, sequence: u64, lengths: &[usize], context: &str) {
    let listed = snapshots.list().unwrap();
    let file = listed.iter().find(|file| file.sequence == sequence);
    let file = file.unwrap_or_else(|| panic!("no snapshot {sequence}: {context}"));
    let found = read(snapshots, file).unwrap_or_else(|error| panic!("{context}: {error}"));
    assert!(
        found == (head(sequence), sections(sequence, lengths)),
        "{context}"
    );
    assert_eq!(snapshots.verify(file).unwrap(), head(sequence), "{context}");
}

/// The bytes of the snapshot behind record `sequence`, as they are written.
pub fn bytes_of(sequence: u64, lengths: &[usize]) -> Vec<u8> {
    let sim = Sim::new();
    write(&snapshots(&sim), sequence, lengths);
    sim.files().remove(&snapshot_name(sequence)).unwrap()
}

/// The temporary files that stand.
pub fn temporaries(sim: &Sim) -> Vec<String> {
    let all = sim.files().into_keys();
    all.filter(|name| name.ends_with(".tmp")).collect()
}
