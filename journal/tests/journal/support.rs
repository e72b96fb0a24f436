//! What the tests share: options for small journals, records to write, and ways to look at a journal.

use crate::sim::Sim;
use hoga_journal::{
    Durability, Journal, OpenError, Options, Position, Reader, RecoveryReport, Writer, segment_name,
};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

pub const SEGMENT: u64 = 64 << 10;
pub const JOURNAL_ID: u32 = 0x00c0_ffee;

pub type Files = BTreeMap<String, Vec<u8>>;

pub fn options(durability: Durability) -> Options {
    Options {
        journal_id: JOURNAL_ID,
        segment_bytes: SEGMENT,
        durability,
        retry_interval: Duration::from_millis(2),
        on_thread_start: None,
    }
}

/// A record that says which one it is, of a length that varies with it.
pub fn record(sequence: u64) -> Vec<u8> {
    let length = 1 + (sequence * 7919 % 512) as usize;
    let mut bytes: Vec<u8> = sequence
        .to_le_bytes()
        .iter()
        .copied()
        .cycle()
        .take(length)
        .collect();
    bytes[0] = bytes[0].wrapping_add(1);
    bytes
}

pub fn records(count: u64) -> Vec<Vec<u8>> {
    (1..=count).map(record).collect()
}

/// A small generator of numbers (xorshift), so that a seed tells all.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }

    pub fn coin(&mut self) -> bool {
        self.below(2) == 0
    }
}

pub type Opened = (Writer, RecoveryReport, Vec<Vec<u8>>);

pub fn try_open(sim: &Sim, options: &Options) -> Result<Opened, OpenError<Infallible>> {
    let mut seen = Vec::new();
    let opened = Journal::open_with(Arc::new(sim.clone()), options, |sequence, record| {
        seen.push(record.to_vec());
        assert_eq!(sequence, seen.len() as u64);
        Ok(())
    });
    opened.map(|(writer, report)| (writer, report, seen))
}

#[track_caller]
pub fn open(sim: &Sim) -> Opened {
    try_open(sim, &options(Durability::Fsync)).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
pub fn commit(writer: &mut Writer, records: &[Vec<u8>]) {
    for record in records {
        writer.append(record).unwrap();
    }
    writer.commit().unwrap();
}

/// Waits until the spare is there, so that a test's calls come in one order.
pub fn await_spare(writer: &Writer, at_least: u64) {
    while writer.space().remaining_bytes() < at_least {
        std::thread::sleep(Duration::from_micros(50));
    }
}

/// Where a frame is: (segment, offset, bytes, first sequence, records).
pub type FrameAt = (u64, u64, u64, u64, u32);

/// Where the frames of a journal are.
pub fn frames(sim: &Sim) -> Vec<FrameAt> {
    let mut reader = Reader::open_with(Arc::new(sim.clone())).unwrap();
    let mut found = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        found.push((
            frame.segment,
            frame.offset,
            frame.bytes,
            frame.first_sequence,
            frame.record_count,
        ));
    }
    found
}

/// A journal of the groups given, each one frame, with a blank spare behind it.
pub fn journal_of(groups: &[Vec<Vec<u8>>]) -> Files {
    journal_with(groups, &options(Durability::Fsync))
}

pub fn journal_with(groups: &[Vec<Vec<u8>>], options: &Options) -> Files {
    let sim = Sim::new();
    let (mut writer, _, _) = try_open(&sim, options).unwrap();
    for group in groups {
        commit(&mut writer, group);
    }
    await_spare(&writer, SEGMENT - 1024);
    drop(writer);
    sim.files()
}

/// A journal of several begun segments, frames of ten records each, and a spare; and how many records it holds.
pub fn three_segments() -> (Files, u64) {
    let groups: Vec<_> = (0..60)
        .map(|group| (group * 10 + 1..=group * 10 + 10).map(record).collect())
        .collect();
    let files = journal_of(&groups);
    assert!(files.len() >= 4, "three begun segments and a spare");
    (files, 600)
}

/// Every place between two frames, from before the first to behind the last.
pub fn positions(sim: &Sim) -> Vec<Position> {
    let mut reader = Reader::open_with(Arc::new(sim.clone())).unwrap();
    let mut found = vec![reader.position()];
    while let Some(frame) = reader.next_frame().unwrap() {
        let position = frame.position();
        assert_eq!(position, reader.position());
        found.push(position);
    }
    found
}

pub fn try_open_from(sim: &Sim, from: &Position) -> Result<Opened, OpenError<Infallible>> {
    let mut seen = Vec::new();
    let opened = Journal::open_from(
        Arc::new(sim.clone()),
        &options(Durability::Fsync),
        Some(from),
        |sequence, record| {
            seen.push(record.to_vec());
            assert_eq!(sequence, from.next_sequence - 1 + seen.len() as u64);
            Ok(())
        },
    );
    opened.map(|(writer, report)| (writer, report, seen))
}

pub fn records_from(first: u64, count: u64) -> Vec<Vec<u8>> {
    (first..=count).map(record).collect()
}

/// Writes the checksum of a sector, as sector `index` of the frame of `place`: (journal id, segment, sequence).
pub fn seal_sector(sector: &mut [u8], place: (u32, u64, u64), index: u32) {
    let place = [
        &place.0.to_le_bytes()[..],
        &place.1.to_le_bytes(),
        &place.2.to_le_bytes(),
        &index.to_le_bytes(),
    ];
    let sum = crc32c::crc32c(&[&place.concat(), &sector[..508]].concat());
    sector[508..512].copy_from_slice(&sum.to_le_bytes());
}

pub fn segment_of(files: &mut Files, number: u64) -> &mut Vec<u8> {
    files.get_mut(&segment_name(number)).unwrap()
}
