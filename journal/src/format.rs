//! The numbers of the format, which is in `docs/journal-format.md`.

/// The version of the format this crate writes, and the newest it reads.
pub const FORMAT_VERSION: u16 = 1;
/// The unit of writing, in bytes: a sector. A frame begins on a sector boundary and fills whole sectors.
pub const BLOCK_BYTES: u64 = 512;
/// The bytes of a frame's header, at its start.
pub const FRAME_HEADER_BYTES: u64 = 128;
/// The longest record, in bytes. The shortest is one byte.
pub const MAX_RECORD_BYTES: usize = 512;
/// The most records in one frame.
pub const MAX_FRAME_RECORDS: u32 = 4_096;
/// The most bytes in one frame's body: the records, each behind its two bytes of length.
pub const MAX_BODY_BYTES: u64 = 1 << 20;
/// The most bytes of a segment that one record can cost: a frame of its own, padded to whole sectors.
///
/// Records that share a frame never cost more than this each, and the end of a segment that is too short for
/// one more such frame is not counted as space. So whatever the grouping, at least
/// `Space::remaining_bytes() / RECORD_COST_BYTES` more records fit.
pub const RECORD_COST_BYTES: u64 = frame_bytes(LENGTH_BYTES + MAX_RECORD_BYTES as u64);
/// The bytes of a sector before its checksum, which is its last four.
pub(crate) const CONTENT_BYTES: usize = BLOCK_BYTES as usize - 4;
/// The bytes of a segment's header, at its start.
pub(crate) const SEGMENT_HEADER_BYTES: u64 = BLOCK_BYTES;
/// The bytes before each record in a body that say its length.
pub(crate) const LENGTH_BYTES: u64 = 2;
/// The most bytes one frame takes in a segment.
pub(crate) const MAX_FRAME_BYTES: u64 = frame_bytes(MAX_BODY_BYTES);
/// The chain before the first frame of a journal.
pub(crate) const FIRST_CHAIN: [u8; 32] = [0; 32];

// A record of the greatest length must fit a frame, and the cost of one record must bound its share of any.
const _: () = assert!(LENGTH_BYTES + MAX_RECORD_BYTES as u64 <= MAX_BODY_BYTES);
const _: () = assert!(frame_bytes(2 * (LENGTH_BYTES + MAX_RECORD_BYTES as u64)) <= 2 * RECORD_COST_BYTES);
const _: () = assert!(
    (LENGTH_BYTES + MAX_RECORD_BYTES as u64) * BLOCK_BYTES <= RECORD_COST_BYTES * CONTENT_BYTES as u64
);

/// The bytes that a frame with a body of `body_bytes` bytes takes in its segment: whole sectors, with header,
/// padding and the sectors' checksums.
pub const fn frame_bytes(body_bytes: u64) -> u64 {
    (FRAME_HEADER_BYTES + body_bytes).div_ceil(CONTENT_BYTES as u64) * BLOCK_BYTES
}

/// Where in a frame the body's byte `at` stands, in bytes from the frame's start.
pub(crate) const fn body_offset(at: u64) -> u64 {
    let content = FRAME_HEADER_BYTES + at;
    content / CONTENT_BYTES as u64 * BLOCK_BYTES + content % CONTENT_BYTES as u64
}
