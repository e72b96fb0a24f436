//! Reading all of a journal for its own sake.

use crate::error::ReadError;
use crate::format::MAX_FRAME_RECORDS;
use crate::position::Tail;
use crate::reader::Reader;
use std::path::Path;

/// The classes of [`Summary::batches`]: powers of two up to the most records of a frame.
pub const BATCH_CLASSES: usize = MAX_FRAME_RECORDS.ilog2() as usize + 1;

/// What a journal holds, all of it verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Its id; `None` if it is empty.
    pub journal_id: Option<u32>,
    /// The begun segments that were read.
    pub segments: u64,
    /// The sequence that the first record has or gets: 1 unless the reader began later.
    pub first_sequence: u64,
    /// The frames.
    pub frames: u64,
    /// The records read; the last sequence too, if they begin at 1.
    pub records: u64,
    /// The bytes of the records alone.
    pub record_bytes: u64,
    /// The bytes of the frames: headers, bodies and padding.
    pub frame_bytes: u64,
    /// How many frames hold 2^i to 2^(i+1) - 1 records, by i.
    pub batches: [u64; BATCH_CLASSES],
    /// The most records in one frame.
    pub largest_batch: u32,
    /// The BLAKE3 chain over all frames.
    pub chain: [u8; 32],
    /// How it ends.
    pub tail: Tail,
}

/// Reads all of the journal in `folder` and verifies it. A torn tail is told in the summary; a frame that a
/// running process is just writing looks like one.
///
/// # Errors
/// The first damage, or the first failure to read.
pub fn verify(folder: impl AsRef<Path>) -> Result<Summary, ReadError> {
    verify_with(&mut Reader::open(folder)?)
}

/// As [`verify`], over what a fresh reader reads.
pub fn verify_with(reader: &mut Reader) -> Result<Summary, ReadError> {
    let mut frames = 0;
    let (mut records, mut record_bytes, mut frame_bytes) = (0, 0, 0);
    let mut batches = [0; BATCH_CLASSES];
    let mut largest_batch = 0;
    while let Some(frame) = reader.next_frame()? {
        frames += 1;
        records += u64::from(frame.record_count);
        record_bytes += frame.record_bytes();
        frame_bytes += frame.bytes;
        batches[frame.record_count.ilog2() as usize] += 1;
        largest_batch = largest_batch.max(frame.record_count);
    }
    let tail = match reader.tail() {
        Some(tail) => tail.clone(),
        None => unreachable!("a reader that has no more frames has settled the tail"),
    };
    Ok(Summary {
        journal_id: reader.journal_id(),
        segments: reader.segments(),
        first_sequence: reader.first_sequence(),
        frames,
        records,
        record_bytes,
        frame_bytes,
        batches,
        largest_batch,
        chain: reader.chain(),
        tail,
    })
}
