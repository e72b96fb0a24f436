//! What can go wrong with a snapshot, said with the place and what to do about it.

use super::layout::SNAPSHOT_VERSION;
use crate::error::StorageError;
use std::fmt;

/// Why a snapshot was not written, verified or read.
#[derive(Debug)]
#[non_exhaustive]
pub enum SnapshotError {
    /// A call to the storage failed. It was not retried.
    Storage(StorageError),
    /// The bytes are not what was written.
    Damaged {
        /// The file, with its folder.
        file: String,
        /// The offset in the file, in bytes.
        offset: u64,
        /// What is wrong there.
        problem: SnapshotProblem,
    },
    /// What was just written came back from the disk as something else. It was removed.
    NotWritten {
        /// The file, with its folder.
        file: String,
        /// The offset in the file, in bytes.
        offset: u64,
        /// What is wrong there.
        problem: SnapshotProblem,
    },
    /// A newer program wrote it.
    Newer {
        /// The file, with its folder.
        file: String,
        /// The version of its format.
        version: u16,
    },
    /// A whole snapshot of the same sequence stands, and says another journal, position, digest or rules. It
    /// was not replaced.
    Differs {
        /// The file, with its folder.
        file: String,
    },
    /// The writer was called in a way that makes no snapshot.
    Misuse {
        /// The file that was to be made, with its folder.
        file: String,
        /// What was wrong with the call.
        reason: &'static str,
    },
    /// It has no such section.
    NoSection {
        /// The file, with its folder.
        file: String,
        /// The section asked for.
        id: u32,
    },
    /// A section's bytes are not as many as its reader takes them for.
    SectionLength {
        /// The file, with its folder.
        file: String,
        /// The section.
        id: u32,
        /// How many bytes it has left.
        left: u64,
        /// How many bytes were asked for; 0 if it was to end here.
        asked: u64,
    },
}

/// What is wrong with the bytes at one place of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnapshotProblem {
    /// The file has fewer bytes than any snapshot.
    Short {
        /// What it has.
        bytes: u64,
    },
    /// The first block is no head of a snapshot.
    HeadMagic,
    /// The head does not match its checksum.
    HeadChecksum,
    /// The head is that of another sequence than the file's name says.
    Name {
        /// The sequence the head says.
        found: u64,
    },
    /// The file does not end in a trailer.
    TrailerMagic,
    /// The table of sections and the trailer do not match their checksum.
    TrailerChecksum,
    /// The trailer says another length of the file.
    Length {
        /// What the trailer says, in bytes.
        expected: u64,
        /// What the file has, in bytes.
        found: u64,
    },
    /// The checksums are right, but a count, a length or a reserved field is not.
    Bounds,
    /// A section does not match its checksum.
    SectionChecksum {
        /// The section.
        id: u32,
    },
    /// The bytes do not match the hash over all of them.
    Hash,
    /// The file ended while it was read.
    Ended,
    /// The bytes are a whole snapshot, but not the one that belongs there.
    Other,
}

impl fmt::Display for SnapshotProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SnapshotProblem::Short { bytes } => {
                write!(f, "the file has {bytes} bytes, fewer than any snapshot")
            }
            SnapshotProblem::HeadMagic => write!(f, "the bytes there are no head of a snapshot"),
            SnapshotProblem::HeadChecksum => write!(f, "the head does not match its checksum"),
            SnapshotProblem::Name { found } => {
                write!(f, "it is the snapshot of sequence {found}, not that of its name")
            }
            SnapshotProblem::TrailerMagic => write!(
                f,
                "the file does not end in a trailer: it was cut off or copied in part"
            ),
            SnapshotProblem::TrailerChecksum => {
                write!(f, "the table of sections does not match its checksum")
            }
            SnapshotProblem::Length { expected, found } => {
                write!(f, "the file has {found} bytes and its trailer says {expected}")
            }
            SnapshotProblem::Bounds => write!(f, "a count, a length or a reserved field is out of bounds"),
            SnapshotProblem::SectionChecksum { id } => {
                write!(f, "section {id} does not match its checksum")
            }
            SnapshotProblem::Hash => write!(f, "the file does not match its hash"),
            SnapshotProblem::Ended => write!(f, "the file ended while it was read"),
            SnapshotProblem::Other => write!(f, "it is another snapshot"),
        }
    }
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SnapshotError::Storage(error) => write!(f, "{error}"),
            SnapshotError::Damaged {
                file,
                offset,
                problem,
            } => write!(
                f,
                "the snapshot is damaged: {file}, offset {offset}: {problem}. Remove it; recovery takes the one \
                 before it, or the journal from its start."
            ),
            SnapshotError::NotWritten {
                file,
                offset,
                problem,
            } => write!(
                f,
                "the disk did not keep what was written to {file}, offset {offset}: {problem}. It was removed; \
                 those before it stand. Check the disk."
            ),
            SnapshotError::Newer { file, version } => write!(
                f,
                "{file} is in format version {version}, and this program reads up to {SNAPSHOT_VERSION}. Start \
                 the newer program that wrote it, or move it away; recovery takes the one before it, or the \
                 journal from its start."
            ),
            SnapshotError::Differs { file } => write!(
                f,
                "{file} is whole and says another state of the same sequence: another journal, position, digest \
                 or rules. It was not replaced. Replay the journal to see which of the two is right, and move \
                 it away if it is not."
            ),
            SnapshotError::Misuse { file, reason } => write!(f, "{file} was not made: {reason}"),
            SnapshotError::NoSection { file, id } => write!(
                f,
                "{file} has no section {id}: another program wrote it; recovery takes the one before it, or the \
                 journal from its start"
            ),
            SnapshotError::SectionLength {
                file,
                id,
                left,
                asked,
            } => write!(
                f,
                "section {id} of {file} has {left} bytes left where {asked} were expected: another program wrote \
                 it; recovery takes the one before it, or the journal from its start"
            ),
        }
    }
}

impl std::error::Error for SnapshotError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            SnapshotError::Storage(error) => Some(error),
            _ => None,
        }
    }
}

impl From<StorageError> for SnapshotError {
    fn from(error: StorageError) -> SnapshotError {
        SnapshotError::Storage(error)
    }
}
