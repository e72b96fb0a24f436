//! A place between two frames.

use crate::frame::FIRST_CHAIN;
use crate::segment::SEGMENT_HEADER_BYTES;

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
