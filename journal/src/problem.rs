//! What can be wrong with the bytes of a journal.

use crate::format::FORMAT_VERSION;
use std::fmt;

/// What is wrong with the bytes at one place of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// There are zeros where a frame must be.
    FrameMissing,
    /// The bytes are no frame of this format.
    FrameMagic,
    /// The frame's first sector, which holds its header, does not match its checksum.
    FrameHeaderChecksum,
    /// A sector is not what the frame there would hold.
    Sector {
        /// Its offset in the file, in bytes.
        offset: u64,
        /// Whether it is all zeros, as if it had never been written.
        blank: bool,
    },
    /// The frame or segment belongs to another journal or to another segment.
    Foreign {
        /// The journal id it carries.
        journal_id: u32,
        /// The segment number it carries.
        segment: u64,
    },
    /// A whole frame or segment header carries a sequence other than the expected.
    Sequence {
        /// The sequence it carries.
        found: u64,
    },
    /// A whole frame or segment header carries counts or sizes out of bounds.
    Bounds,
    /// The frame or segment header is whole but does not follow from what came before it.
    Chain,
    /// The lengths of the records in a frame do not add up.
    Records,
    /// Bytes other than zero stand behind the last frame of a segment that has a successor.
    Leftover,
    /// The frame or segment was written in a format this program does not know.
    Version {
        /// The version it carries.
        found: u16,
    },
    /// The segment's header is blank or does not match its checksum, and something follows it.
    SegmentHeader,
    /// The file does not have the size its header says.
    SegmentSize {
        /// What the header says, in bytes.
        expected: u64,
        /// What the file has, in bytes.
        found: u64,
    },
    /// The file holds the first bytes of a segment's header, and ends before the rest of it.
    SegmentShort {
        /// What the file has, in bytes.
        found: u64,
    },
    /// There is no file for this segment, but there is one for a later.
    SegmentMissing,
    /// The segment is missing or was never begun, but the one before it is compressed.
    SuccessorMissing,
    /// The compressed file of the segment cannot be unpacked.
    Compressed {
        /// What is wrong with it, in words.
        what: String,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::FrameMissing => write!(f, "there are zeros where a frame must be"),
            Problem::FrameMagic => write!(f, "the bytes there are no frame"),
            Problem::FrameHeaderChecksum => {
                write!(f, "the sector of the frame's header does not match its checksum")
            }
            Problem::Sector { offset, blank: false } => write!(
                f,
                "the sector of 512 bytes at offset {offset} is neither zeros nor what a frame there would hold"
            ),
            Problem::Sector { offset, blank: true } => {
                write!(
                    f,
                    "the frame's sector of 512 bytes at offset {offset} holds zeros"
                )
            }
            Problem::Foreign { journal_id, segment } => {
                write!(
                    f,
                    "the bytes there belong to journal {journal_id:#010x}, segment {segment}"
                )
            }
            Problem::Sequence { found } => write!(f, "what stands there begins at sequence {found}"),
            Problem::Bounds => write!(f, "the header's counts and sizes are out of bounds"),
            Problem::Chain => write!(
                f,
                "what stands there does not follow from what came before it (chain)"
            ),
            Problem::Records => write!(f, "the lengths of the frame's records do not add up"),
            Problem::Leftover => write!(f, "bytes other than zero stand behind the segment's last frame"),
            Problem::Version { found } => {
                write!(
                    f,
                    "it is in format version {found}, and this program reads up to {FORMAT_VERSION}"
                )
            }
            Problem::SegmentHeader => {
                write!(f, "the segment's header is blank or does not match its checksum")
            }
            Problem::SegmentSize { expected, found } => {
                write!(f, "the file has {found} bytes and its header says {expected}")
            }
            Problem::SegmentShort { found } => write!(
                f,
                "the file has {found} bytes, fewer than a segment's header: it was cut off or copied in part"
            ),
            Problem::SegmentMissing => write!(f, "the file is missing, though a later segment is there"),
            Problem::SuccessorMissing => write!(
                f,
                "the file is missing or blank, though the segment before it is compressed, which is done only \
                 once this one is begun"
            ),
            Problem::Compressed { what } => write!(f, "the compressed file is broken: {what}"),
        }
    }
}
