//! The frames that a run left in its journal.

use std::path::Path;

use hoga::recovery::journal_dir;
use hoga_journal::Reader;

use crate::failure::{Context, Outcome};

/// Frames behind the opening, each the batch of one commit.
pub struct Frames {
    /// How many.
    pub frames: u64,
    /// The commands in them.
    pub records: u64,
    /// Commands of a frame.
    pub mean_batch: f64,
    /// The most commands of a frame.
    pub largest_batch: u32,
    /// Bytes that the frames take, headers and padding too.
    pub bytes_per_command: f64,
    /// Bytes of the records alone.
    pub record_bytes_per_command: f64,
}

impl Frames {
    /// Reads and verifies the journal in the data folder `dir`, and counts what follows the sequence `opening`.
    ///
    /// # Errors
    /// When the journal cannot be read or is damaged.
    pub fn read(dir: &Path, opening: u64) -> Outcome<Self> {
        let what = || format!("the journal in {}", dir.display());
        let mut reader = Reader::open(journal_dir(dir)).context(what)?;
        let (mut frames, mut records, mut largest_batch) = (0, 0, 0);
        let (mut bytes, mut record_bytes) = (0, 0);
        while let Some(frame) = reader.next_frame().context(what)? {
            if frame.first_sequence > opening {
                frames += 1;
                records += u64::from(frame.record_count);
                largest_batch = largest_batch.max(frame.record_count);
                bytes += frame.bytes;
                record_bytes += frame.record_bytes();
            }
        }
        let per = |amount: u64, of: u64| amount as f64 / of.max(1) as f64;
        Ok(Self {
            frames,
            records,
            mean_batch: per(records, frames),
            largest_batch,
            bytes_per_command: per(bytes, records),
            record_bytes_per_command: per(record_bytes, records),
        })
    }
}
