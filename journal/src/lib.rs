//! A durable log of opaque records.
//!
//! A record is 1 to [`MAX_RECORD_BYTES`] bytes and gets the next sequence, counted from 1. Records are
//! appended, committed as a group, and read back in order: by [`Journal::open`] at start, which also repairs
//! a torn tail, by [`Reader`] at any time, which changes nothing, and by [`Follow`] while more is written. Each
//! can begin at a [`Position`] instead of the first record, and closed segments may be compressed
//! ([`compress_segment`]). What the bytes mean is not this crate's business: it knows no order.
//!
//! Every group is one checksummed frame in a preallocated segment file, and each frame carries a BLAKE3
//! chain over all before it, so that a record is handed up only if everything ahead of it is whole. The
//! layout and the rules are in `docs/journal-format.md`.
//!
//! ```
//! use hoga_journal::{Durability, Journal, Options};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let options = Options { durability: Durability::Fsync, segment_bytes: 1 << 20, ..Options::default() };
//! let (mut writer, _) = Journal::open(folder.path(), &options, |_, _| Ok::<(), std::io::Error>(()))?;
//! writer.append(b"first")?;
//! writer.append(b"second")?;
//! writer.commit()?; // Both records are on disk once this returns.
//! drop(writer);
//!
//! let mut seen = Vec::new();
//! let (writer, report) = Journal::open(folder.path(), &options, |sequence, record| {
//!     seen.push((sequence, record.to_vec()));
//!     Ok::<(), std::io::Error>(())
//! })?;
//! assert_eq!(seen, [(1, b"first".to_vec()), (2, b"second".to_vec())]);
//! assert_eq!((report.records, writer.next_sequence()), (2, 3));
//! # Ok(())
//! # }
//! ```

mod format;

mod problem;

mod frame;
mod position;
mod sector;
mod segment;
mod storage;

mod maker;
mod space;
mod writer;

mod compressed;
mod listing;
mod window;

mod scan;

mod follow;
mod reader;
mod recovery;
mod verify;

mod compress;

mod snapshot;

mod error;
mod options;
mod os;

pub use compress::{
    CompressError, Compressed, DEFAULT_COMPRESSION_LEVEL, MAX_COMPRESSION_LEVEL, closed_segments,
    compress_segment,
};
pub use compressed::COMPRESSED_CHUNK_BYTES;
pub use error::{Damage, Error, OpenError, ReadError, StorageError};
pub use follow::{Durable, Follow};
pub use format::{
    BLOCK_BYTES, FORMAT_VERSION, FRAME_HEADER_BYTES, MAX_BODY_BYTES, MAX_FRAME_RECORDS, MAX_RECORD_BYTES,
    RECORD_COST_BYTES, frame_bytes,
};
pub use options::{
    DEFAULT_SEGMENT_BYTES, Durability, MAX_SEGMENT_BYTES, MIN_SEGMENT_BYTES, Options, SEGMENT_GRAIN_BYTES,
    ThreadStart,
};
pub use position::{Absence, NotHere, Position, Tail};
pub use problem::Problem;
pub use reader::{Frame, Reader, Record, Records};
pub use recovery::{Cut, Journal, RecoveryReport};
pub use segment::{compressed_name, segment_name};
pub use snapshot::{
    MAX_SNAPSHOT_SECTIONS, SNAPSHOT_VERSION, SectionReader, SnapshotError, SnapshotFile, SnapshotHead,
    SnapshotProblem, SnapshotReader, SnapshotWriter, Snapshots, snapshot_name,
};
pub use space::Space;
pub use storage::{Access, DiskStorage, LOCK_NAME, LockError, LockGuard, SegmentFile, Storage};
pub use verify::{BATCH_CLASSES, Summary, verify, verify_with};
pub use writer::Writer;
