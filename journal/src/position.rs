//! A place between two frames, and what is said when a journal does not hold it.

use crate::format::{FIRST_CHAIN, SEGMENT_HEADER_BYTES};
use crate::problem::Problem;
use std::fmt;

/// Where a journal stands between two frames: enough to go on from there without what came before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The segment.
    pub segment: u64,
    /// The offset in the segment file behind the last frame, in bytes.
    pub offset: u64,
    /// The sequence that the next record has or gets.
    pub next_sequence: u64,
    /// The BLAKE3 chain over all frames before.
    pub chain: [u8; 32],
}

impl Position {
    /// Before the first frame of every journal.
    pub const START: Position = Position {
        segment: 1,
        offset: SEGMENT_HEADER_BYTES,
        next_sequence: 1,
        chain: FIRST_CHAIN,
    };
}

/// Where a journal ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The last begun segment; 0 if the journal is empty.
    pub segment: u64,
    /// The offset behind its last whole frame, in bytes.
    pub offset: u64,
    /// The sequence the next record gets.
    pub next_sequence: u64,
    /// The bytes of a torn frame that stand there; 0 if there is none.
    pub torn_bytes: u64,
    /// What is wrong with the torn frame.
    pub problem: Option<Problem>,
}

/// A position that is not in the journal. The journal itself may be whole: what the position was taken from has
/// seen more than this journal holds, or another journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotHere {
    /// The folder of the journal.
    pub location: String,
    /// The position that was asked for.
    pub position: Position,
    /// Why it is not there.
    pub why: Absence,
}

/// Why a position is not in a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Absence {
    /// The journal ends before it, here. Bytes of a torn frame may stand there.
    Ahead(Tail),
    /// The journal goes another way: what it holds around there, from this position on, is not what the position
    /// says.
    Elsewhere(Position),
}

impl NotHere {
    /// Of a journal that is empty.
    pub(crate) fn in_nothing(location: String, position: &Position) -> NotHere {
        let end = Tail {
            segment: 0,
            offset: Position::START.offset,
            next_sequence: 1,
            torn_bytes: 0,
            problem: None,
        };
        NotHere {
            location,
            position: *position,
            why: Absence::Ahead(end),
        }
    }
}

impl fmt::Display for NotHere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NotHere {
            location,
            position,
            why,
        } = self;
        write!(
            f,
            "the journal in {location} does not hold the position asked for, which is before sequence {} at offset {} \
             of segment {}: ",
            position.next_sequence, position.offset, position.segment
        )?;
        match why {
            Absence::Ahead(Tail { segment: 0, .. }) => write!(f, "the journal is empty")?,
            Absence::Ahead(tail) => write!(
                f,
                "the journal ends before sequence {}, at offset {} of segment {}",
                tail.next_sequence, tail.offset, tail.segment
            )?,
            Absence::Elsewhere(found) => write!(
                f,
                "what stands there, before sequence {} at offset {} of segment {}, does not follow from the same \
                 records",
                found.next_sequence, found.offset, found.segment
            )?,
        }
        write!(
            f,
            ". Nothing was changed. Begin at an earlier position, or restore the journal that the position was taken \
             from."
        )
    }
}

impl std::error::Error for NotHere {}
