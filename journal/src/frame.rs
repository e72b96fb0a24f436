//! The byte layout of a frame: one group of records, sealed by checksums and the chain.
//!
//! All integers are little-endian. The table is in `docs/journal-format.md`.

use crate::error::Problem;
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The unit of writing, in bytes. A frame begins on a block boundary and fills whole blocks.
pub const BLOCK_BYTES: u64 = 512;
/// The version of the format this crate writes, and the newest it reads.
pub const FORMAT_VERSION: u16 = 1;
/// The bytes of a frame's header, at its start.
pub const FRAME_HEADER_BYTES: u64 = 128;
/// The longest record, in bytes. The shortest is one byte.
pub const MAX_RECORD_BYTES: usize = 512;
/// The most records in one frame.
pub const MAX_FRAME_RECORDS: u32 = 4_096;
/// The most bytes in one frame's body: the records, each behind its two bytes of length.
pub const MAX_BODY_BYTES: u64 = 1 << 20;
/// The most bytes of a segment that one record can cost: a frame of its own, padded to whole blocks.
///
/// Records that share a frame never cost more than this each, and the end of a segment that is too short for
/// one more such frame is not counted as space. So whatever the grouping, at least
/// `Space::remaining_bytes() / RECORD_COST_BYTES` more records fit.
pub const RECORD_COST_BYTES: u64 = padded(FRAME_HEADER_BYTES + LENGTH_BYTES + MAX_RECORD_BYTES as u64);

/// The bytes before each record in a body that say its length.
pub(crate) const LENGTH_BYTES: u64 = 2;
/// The most bytes one frame takes in a segment.
pub(crate) const MAX_FRAME_BYTES: u64 = padded(FRAME_HEADER_BYTES + MAX_BODY_BYTES);
pub(crate) const FRAME_MAGIC: [u8; 8] = *b"HOGAFRAM";
/// The chain before the first frame of a journal.
pub(crate) const FIRST_CHAIN: [u8; 32] = [0; 32];
/// The header bytes that the chain covers: everything before the chain itself.
const CHAINED_HEADER_BYTES: usize = 44;
/// The header bytes that the header's own checksum covers: everything before it.
const CHECKED_HEADER_BYTES: usize = 124;

// A record of the greatest length must fit a frame, and the cost of one record must bound its share of any.
const _: () = assert!(LENGTH_BYTES + MAX_RECORD_BYTES as u64 <= MAX_BODY_BYTES);
const _: () = assert!(
    padded(FRAME_HEADER_BYTES + 2 * (LENGTH_BYTES + MAX_RECORD_BYTES as u64)) <= 2 * RECORD_COST_BYTES
);
const _: () = assert!(LENGTH_BYTES + MAX_RECORD_BYTES as u64 <= RECORD_COST_BYTES);
const _: () = assert!(size_of::<FrameHeader>() as u64 == FRAME_HEADER_BYTES);
const _: () = assert!(std::mem::offset_of!(FrameHeader, chain) == CHAINED_HEADER_BYTES);
const _: () = assert!(std::mem::offset_of!(FrameHeader, header_crc) == CHECKED_HEADER_BYTES);

/// `bytes` rounded up to whole blocks.
pub(crate) const fn padded(bytes: u64) -> u64 {
    bytes.div_ceil(BLOCK_BYTES) * BLOCK_BYTES
}

/// The 128 bytes at the start of a frame.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct FrameHeader {
    pub magic: [u8; 8],
    pub version: U16,
    pub header_bytes: U16,
    pub journal_id: U32,
    pub segment: U64,
    pub first_sequence: U64,
    pub records: U32,
    pub body_bytes: U32,
    pub body_crc: U32,
    pub chain: [u8; 32],
    pub reserved: [u8; 48],
    pub header_crc: U32,
}

impl FrameHeader {
    /// The header at the start of `block`, if its magic and checksum are whole. Its fields are not judged.
    pub fn intact(block: &[u8]) -> Result<&FrameHeader, Problem> {
        let bytes = block
            .get(..FRAME_HEADER_BYTES as usize)
            .ok_or(Problem::FrameMagic)?;
        let header = FrameHeader::ref_from_bytes(bytes).map_err(|_| Problem::FrameMagic)?;
        if header.magic != FRAME_MAGIC {
            return Err(Problem::FrameMagic);
        }
        if crc32c::crc32c(&bytes[..CHECKED_HEADER_BYTES]) != header.header_crc.get() {
            return Err(Problem::FrameHeaderChecksum);
        }
        Ok(header)
    }

    /// The bytes the frame takes in its segment.
    pub fn frame_bytes(&self) -> u64 {
        padded(FRAME_HEADER_BYTES + u64::from(self.body_bytes.get()))
    }

    /// Judges the fields against the place the header was found in.
    ///
    /// `room` is what the segment has from the start of this frame on, in bytes.
    pub fn check(&self, place: &Place, room: u64) -> Result<(), Problem> {
        if self.version.get() != FORMAT_VERSION {
            return Err(Problem::Version {
                found: self.version.get(),
            });
        }
        if self.journal_id.get() != place.journal_id || self.segment.get() != place.segment {
            return Err(Problem::Foreign {
                journal_id: self.journal_id.get(),
                segment: self.segment.get(),
            });
        }
        if self.first_sequence.get() != place.sequence {
            return Err(Problem::Sequence {
                found: self.first_sequence.get(),
            });
        }
        let (records, body) = (self.records.get(), u64::from(self.body_bytes.get()));
        let shortest = u64::from(records) * (LENGTH_BYTES + 1);
        let bounded = u64::from(self.header_bytes.get()) == FRAME_HEADER_BYTES
            && (1..=MAX_FRAME_RECORDS).contains(&records)
            && (shortest..=MAX_BODY_BYTES).contains(&body)
            && self.frame_bytes() <= room;
        if bounded { Ok(()) } else { Err(Problem::Bounds) }
    }

    /// Judges the padded body against the header: its checksum, the chain, and the lengths of its records.
    pub fn check_body(&self, padded_body: &[u8], previous_chain: &[u8; 32]) -> Result<(), Problem> {
        if crc32c::crc32c(padded_body) != self.body_crc.get() {
            return Err(Problem::BodyChecksum);
        }
        let body = &padded_body[..self.body_bytes.get() as usize];
        if self.chain_after(previous_chain, body) != self.chain {
            return Err(Problem::Chain);
        }
        let mut rest = body;
        for _ in 0..self.records.get() {
            let (_, after) = split_record(rest).ok_or(Problem::Records)?;
            rest = after;
        }
        if rest.is_empty() {
            Ok(())
        } else {
            Err(Problem::Records)
        }
    }

    fn chain_after(&self, previous: &[u8; 32], body: &[u8]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(previous);
        hasher.update(&self.as_bytes()[..CHAINED_HEADER_BYTES]);
        hasher.update(body);
        *hasher.finalize().as_bytes()
    }
}

/// Where a frame stands, or should stand: the ids and the sequence its header must carry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub journal_id: u32,
    pub segment: u64,
    pub sequence: u64,
}

/// The first record of `body` and what follows it; `None` if the length is out of bounds.
pub(crate) fn split_record(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let (prefix, rest) = body.split_first_chunk::<2>()?;
    let length = usize::from(u16::from_le_bytes(*prefix));
    if (1..=MAX_RECORD_BYTES).contains(&length) {
        rest.split_at_checked(length)
    } else {
        None
    }
}

/// A frame being filled. The buffer is allocated and touched once, and used again for every frame.
pub(crate) struct FrameBuilder {
    buffer: Vec<u8>,
    records: u32,
}

impl FrameBuilder {
    pub fn new() -> FrameBuilder {
        // Filled with a byte other than zero so that the pages are there before the first record is.
        let mut builder = FrameBuilder {
            buffer: vec![1; MAX_FRAME_BYTES as usize],
            records: 0,
        };
        builder.clear();
        builder
    }

    pub fn records(&self) -> u32 {
        self.records
    }

    /// Whether a record of `length` bytes fits, where the segment has `room` bytes for the padded frame.
    pub fn fits(&self, length: usize, room: u64) -> bool {
        let filled = self.buffer.len() as u64 + LENGTH_BYTES + length as u64;
        self.records < MAX_FRAME_RECORDS
            && filled <= FRAME_HEADER_BYTES + MAX_BODY_BYTES
            && padded(filled) <= room
    }

    /// Adds a record of 1 to [`MAX_RECORD_BYTES`] bytes that [`fits`](Self::fits).
    pub fn push(&mut self, record: &[u8]) {
        debug_assert!((1..=MAX_RECORD_BYTES).contains(&record.len()));
        self.buffer
            .extend_from_slice(&(record.len() as u16).to_le_bytes());
        self.buffer.extend_from_slice(record);
        self.records += 1;
    }

    /// Pads the frame, writes its header, and returns the whole with the chain after it.
    pub fn seal(&mut self, place: &Place, previous_chain: &[u8; 32]) -> (&[u8], [u8; 32]) {
        let filled = self.buffer.len();
        self.buffer.resize(padded(filled as u64) as usize, 0);
        let (head, padded_body) = self.buffer.split_at_mut(FRAME_HEADER_BYTES as usize);
        let body_bytes = filled - FRAME_HEADER_BYTES as usize;
        let mut header = FrameHeader {
            magic: FRAME_MAGIC,
            version: FORMAT_VERSION.into(),
            header_bytes: (FRAME_HEADER_BYTES as u16).into(),
            journal_id: place.journal_id.into(),
            segment: place.segment.into(),
            first_sequence: place.sequence.into(),
            records: self.records.into(),
            body_bytes: (body_bytes as u32).into(),
            body_crc: crc32c::crc32c(padded_body).into(),
            chain: [0; 32],
            reserved: [0; 48],
            header_crc: 0.into(),
        };
        header.chain = header.chain_after(previous_chain, &padded_body[..body_bytes]);
        header.header_crc = crc32c::crc32c(&header.as_bytes()[..CHECKED_HEADER_BYTES]).into();
        head.copy_from_slice(header.as_bytes());
        (&self.buffer, header.chain)
    }

    /// Empties the frame.
    pub fn clear(&mut self) {
        self.buffer.truncate(FRAME_HEADER_BYTES as usize);
        self.records = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place {
        journal_id: 7,
        segment: 1,
        sequence: 41,
    };

    fn sealed(records: &[&[u8]]) -> Vec<u8> {
        let mut builder = FrameBuilder::new();
        for record in records {
            assert!(builder.fits(record.len(), MAX_FRAME_BYTES));
            builder.push(record);
        }
        builder.seal(&PLACE, &FIRST_CHAIN).0.to_vec()
    }

    fn judge(frame: &[u8], place: &Place, chain: &[u8; 32]) -> Result<(), Problem> {
        let header = FrameHeader::intact(frame)?;
        header.check(place, frame.len() as u64)?;
        header.check_body(&frame[FRAME_HEADER_BYTES as usize..], chain)
    }

    #[test]
    fn layout_does_not_move() {
        // The bytes of a frame of one record, field by field, as docs/journal-format.md lists them.
        let frame = sealed(&[b"abc"]);
        assert_eq!(frame.len(), 512);
        assert_eq!(&frame[0..8], b"HOGAFRAM");
        assert_eq!(frame[8..12], [1, 0, 128, 0]);
        assert_eq!(frame[12..16], [7, 0, 0, 0]);
        assert_eq!(frame[16..24], [1, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(frame[24..32], [41, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(frame[32..40], [1, 0, 0, 0, 5, 0, 0, 0]);
        assert_eq!(frame[40..44], crc32c::crc32c(&frame[128..]).to_le_bytes());
        let mut hasher = blake3::Hasher::new();
        hasher
            .update(&[0; 32])
            .update(&frame[..44])
            .update(&frame[128..133]);
        assert_eq!(frame[44..76], *hasher.finalize().as_bytes());
        assert_eq!(frame[76..124], [0; 48]);
        assert_eq!(frame[124..128], crc32c::crc32c(&frame[..124]).to_le_bytes());
        assert_eq!(&frame[128..133], b"\x03\0abc");
        assert!(frame[133..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn any_flipped_bit_of_a_frame_is_seen() {
        let frame = sealed(&[b"abc", &[9; 512], b"z"]);
        assert_eq!(judge(&frame, &PLACE, &FIRST_CHAIN), Ok(()));
        for bit in 0..frame.len() * 8 {
            let mut flipped = frame.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(judge(&flipped, &PLACE, &FIRST_CHAIN).is_err(), "bit {bit} passed");
        }
    }

    #[test]
    fn a_frame_from_elsewhere_is_not_taken() {
        let frame = sealed(&[b"abc"]);
        for (place, chain, problem) in [
            (
                Place {
                    journal_id: 8,
                    ..PLACE
                },
                FIRST_CHAIN,
                Problem::Foreign {
                    journal_id: 7,
                    segment: 1,
                },
            ),
            (
                Place { segment: 2, ..PLACE },
                FIRST_CHAIN,
                Problem::Foreign {
                    journal_id: 7,
                    segment: 1,
                },
            ),
            (
                Place {
                    sequence: 40,
                    ..PLACE
                },
                FIRST_CHAIN,
                Problem::Sequence { found: 41 },
            ),
            (PLACE, [1; 32], Problem::Chain),
        ] {
            assert_eq!(judge(&frame, &place, &chain), Err(problem));
        }
    }

    #[test]
    fn a_frame_stops_at_each_of_its_bounds() {
        let mut builder = FrameBuilder::new();
        while builder.fits(MAX_RECORD_BYTES, MAX_FRAME_BYTES) {
            builder.push(&[5; MAX_RECORD_BYTES]);
        }
        assert_eq!(
            u64::from(builder.records()),
            MAX_BODY_BYTES / (LENGTH_BYTES + MAX_RECORD_BYTES as u64)
        );
        assert!(builder.seal(&PLACE, &FIRST_CHAIN).0.len() as u64 <= MAX_FRAME_BYTES);
        builder.clear();
        while builder.fits(1, MAX_FRAME_BYTES) {
            builder.push(&[5]);
        }
        assert_eq!(builder.records(), MAX_FRAME_RECORDS);
        builder.clear();
        assert!(builder.fits(MAX_RECORD_BYTES, RECORD_COST_BYTES));
        assert!(!builder.fits(MAX_RECORD_BYTES, RECORD_COST_BYTES - 1));
    }
}
