//! What can go wrong, said with the place and what to do about it.

use crate::format::MAX_RECORD_BYTES;
use crate::position::NotHere;
use crate::problem::Problem;
use std::fmt;
use std::io;

/// A call to the storage that failed.
#[derive(Debug)]
pub struct StorageError {
    /// What was tried, as a verb.
    pub operation: &'static str,
    /// The file or folder it was tried on.
    pub path: String,
    /// What the system said.
    pub source: io::Error,
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} {}: {}", self.operation, self.path, self.source)
    }
}

impl std::error::Error for StorageError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// Why a [`Writer`](crate::Writer) failed. After any error it refuses every further call: what the disk holds
/// is known again only after the process has ended and the journal was opened anew.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A write or a sync failed. It was not retried.
    Storage(StorageError),
    /// The record does not fit the current segment, and the next segment cannot be made.
    Full {
        /// Why it cannot be made.
        reason: String,
    },
    /// The record is empty or longer than [`MAX_RECORD_BYTES`].
    RecordLength {
        /// Its length in bytes.
        length: usize,
    },
    /// An earlier call failed.
    Poisoned {
        /// What that call said.
        cause: String,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Storage(error) => write!(f, "the journal is not durable: {error}"),
            Error::Full { reason } => {
                write!(
                    f,
                    "the journal is full and its next segment cannot be made: {reason}; free disk space"
                )
            }
            Error::RecordLength { length } => {
                write!(
                    f,
                    "a record of {length} bytes is refused: it must have 1 to {MAX_RECORD_BYTES}"
                )
            }
            Error::Poisoned { cause } => {
                write!(
                    f,
                    "the journal writer stopped at an earlier failure ({cause}); restart the process"
                )
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Storage(error) => Some(error),
            _ => None,
        }
    }
}

impl From<StorageError> for Error {
    fn from(error: StorageError) -> Error {
        Error::Storage(error)
    }
}

/// Damage that is no torn tail: the journal is refused, and nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The folder of the journal.
    pub location: String,
    /// The segment file.
    pub file: String,
    /// The offset in the file, in bytes.
    pub offset: u64,
    /// The sequence of the record that should begin there; 0 if nothing tells, because reading began at a later
    /// segment than the first.
    pub expected_sequence: u64,
    /// What is wrong.
    pub problem: Problem,
    /// The offset and first sequence of a whole frame found behind it, which shows that this is no torn tail.
    pub intact_after: Option<(u64, u64)>,
    /// Whether it is behind the last whole frame of the journal. It is then no torn tail because a write that was cut
    /// short leaves each sector as zeros or as it was to be.
    pub last: bool,
}

impl Damage {
    /// Whether it may be a frame that a writer is in the middle of writing, seen in the page cache.
    pub(crate) fn may_be_unfinished(&self) -> bool {
        self.last
            && matches!(
                self.problem,
                Problem::FrameMissing
                    | Problem::FrameMagic
                    | Problem::FrameHeaderChecksum
                    | Problem::Sector { .. }
            )
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Damage {
            location,
            file,
            offset,
            expected_sequence,
            problem,
            ..
        } = self;
        write!(
            f,
            "the journal is damaged: {location}/{file}, offset {offset}, expected sequence \
             {expected_sequence}: {problem}"
        )?;
        if let Some((offset, sequence)) = self.intact_after {
            write!(
                f,
                "; a later frame, sequence {sequence} at offset {offset}, is whole, so records are lost"
            )?;
        }
        write!(f, ". Nothing was changed. ")?;
        if self.last {
            return write!(
                f,
                "A write that was cut short leaves zeros or what was to be written in each sector, so this is none, \
                 and a frame there may have been acknowledged: it is not cut. Keep the folder as it is, and restore \
                 this file from a copy that verifies. Without a copy, see \"When the last frame is damaged\" in \
                 docs/operations.md. (Under page-cache, a crash of the machine can leave this.)"
            );
        }
        match problem {
            Problem::Version { .. } => write!(f, "Start it with the newer program that wrote it."),
            Problem::SegmentMissing if *expected_sequence == 1 => write!(
                f,
                "If the earlier segments were moved away, start from a snapshot that was taken behind them, or \
                 put those files back; else restore the folder from a copy."
            ),
            Problem::SegmentMissing | Problem::SuccessorMissing => {
                write!(f, "Put the missing file back, or restore the folder from a copy.")
            }
            Problem::Compressed { .. } => write!(
                f,
                "Keep the folder as it is, and restore this file, or the same segment uncompressed, from a copy \
                 that verifies."
            ),
            _ => write!(
                f,
                "Keep the folder as it is, and restore this file from a copy that verifies."
            ),
        }
    }
}

impl std::error::Error for Damage {}

/// Why reading a journal stopped.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadError {
    /// A call to the storage failed.
    Storage(StorageError),
    /// The bytes are not what was written.
    Damaged(Box<Damage>),
    /// The journal does not hold the position that reading was to begin at.
    NotHere(Box<NotHere>),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Storage(error) => error.fmt(f),
            ReadError::Damaged(damage) => damage.fmt(f),
            ReadError::NotHere(absent) => absent.fmt(f),
        }
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ReadError::Storage(error) => Some(error),
            ReadError::Damaged(damage) => Some(damage),
            ReadError::NotHere(absent) => Some(absent),
        }
    }
}

impl From<StorageError> for ReadError {
    fn from(error: StorageError) -> ReadError {
        ReadError::Storage(error)
    }
}

impl From<Damage> for ReadError {
    fn from(damage: Damage) -> ReadError {
        ReadError::Damaged(Box::new(damage))
    }
}

impl From<NotHere> for ReadError {
    fn from(absent: NotHere) -> ReadError {
        ReadError::NotHere(Box::new(absent))
    }
}

/// Why a journal was not opened. `E` is the error of the one the records were handed to.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError<E> {
    /// An option is out of bounds; what and why in words.
    Options(String),
    /// Another process has the journal open.
    Locked {
        /// The folder of the journal.
        location: String,
        /// That process's id, if the lock file names one.
        pid: Option<u32>,
    },
    /// The journal cannot be read.
    Read(ReadError),
    /// A record was read and then refused by the caller.
    Record {
        /// The record's sequence.
        sequence: u64,
        /// What the caller said.
        source: E,
    },
}

impl<E: fmt::Display> fmt::Display for OpenError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Options(message) => f.write_str(message),
            OpenError::Locked {
                location,
                pid: Some(pid),
            } => write!(
                f,
                "the journal in {location} is open in process {pid}: stop that process, or choose another folder"
            ),
            OpenError::Locked { location, pid: None } => write!(
                f,
                "the journal in {location} is open in another process: stop that process, or choose another folder"
            ),
            OpenError::Read(error) => error.fmt(f),
            OpenError::Record { sequence, source } => {
                write!(
                    f,
                    "record {sequence} of the journal was read but cannot be applied: {source}"
                )
            }
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for OpenError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            OpenError::Read(error) => Some(error),
            OpenError::Record { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl<E> From<ReadError> for OpenError<E> {
    fn from(error: ReadError) -> OpenError<E> {
        OpenError::Read(error)
    }
}

impl<E> From<StorageError> for OpenError<E> {
    fn from(error: StorageError) -> OpenError<E> {
        OpenError::Read(ReadError::Storage(error))
    }
}
