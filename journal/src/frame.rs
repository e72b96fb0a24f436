//! The byte layout of a frame: one group of records, sealed by checksums and the chain.
//!
//! All integers are little-endian. The table is in `docs/journal-format.md`.

use crate::format::{
    BLOCK_BYTES, CONTENT_BYTES, FORMAT_VERSION, FRAME_HEADER_BYTES, LENGTH_BYTES, MAX_BODY_BYTES,
    MAX_FRAME_BYTES, MAX_FRAME_RECORDS, MAX_RECORD_BYTES, frame_bytes,
};
use crate::problem::Problem;
use crate::sector::{Place, Sector, SectorSums};
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

pub(crate) const FRAME_MAGIC: [u8; 8] = *b"HOGAFRAM";
/// The header bytes that the chain covers: everything before the chain itself.
const CHAINED_HEADER_BYTES: usize = 40;

const _: () = assert!(size_of::<FrameHeader>() as u64 == FRAME_HEADER_BYTES);
const _: () = assert!(std::mem::offset_of!(FrameHeader, chain) == CHAINED_HEADER_BYTES);

/// The 128 bytes at the start of a frame. They are covered by the checksum of its first sector.
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
    pub chain: [u8; 32],
    pub reserved: [u8; 56],
}

impl FrameHeader {
    /// The header in `sector`, the first of a frame, if its magic and the sector's checksum are right. Its fields
    /// are not judged. What is behind the sector is not looked at.
    pub fn intact(sector: &[u8]) -> Result<&FrameHeader, Problem> {
        let sector = sector.get(..BLOCK_BYTES as usize).ok_or(Problem::FrameMagic)?;
        let bytes = &sector[..FRAME_HEADER_BYTES as usize];
        let header = FrameHeader::ref_from_bytes(bytes).map_err(|_| Problem::FrameMagic)?;
        if header.magic != FRAME_MAGIC {
            return Err(Problem::FrameMagic);
        }
        match SectorSums::of(&header.place()).judge(0, sector) {
            Sector::Right => Ok(header),
            Sector::Blank | Sector::Wrong => Err(Problem::FrameHeaderChecksum),
        }
    }

    /// The bytes the frame takes in its segment.
    pub fn frame_bytes(&self) -> u64 {
        frame_bytes(u64::from(self.body_bytes.get()))
    }

    /// Where the header says that it stands.
    pub fn place(&self) -> Place {
        Place {
            journal_id: self.journal_id.get(),
            segment: self.segment.get(),
            sequence: self.first_sequence.get(),
        }
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

    /// Takes the body out of `sectors`, which are all of this frame's, if each of them is right. Else returns the
    /// number of the first that is not, counted from 0, and whether it is all zeros.
    pub fn take_body(&self, sectors: &[u8], body: &mut Vec<u8>) -> Result<(), (u64, bool)> {
        let sums = SectorSums::of(&self.place());
        let mut skip = FRAME_HEADER_BYTES as usize;
        body.clear();
        for (index, sector) in sectors.chunks_exact(BLOCK_BYTES as usize).enumerate() {
            match sums.judge(index as u64, sector) {
                Sector::Right => body.extend_from_slice(&sector[skip..CONTENT_BYTES]),
                state => return Err((index as u64, state == Sector::Blank)),
            }
            skip = 0;
        }
        body.truncate(self.body_bytes.get() as usize);
        Ok(())
    }

    /// Judges the body against the header: the chain, and the lengths of its records.
    pub fn check_body(&self, body: &[u8], previous_chain: &[u8; 32]) -> Result<(), Problem> {
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

/// A frame being filled. The buffers are allocated and touched once, and used again for every frame.
pub(crate) struct FrameBuilder {
    body: Vec<u8>,
    /// Room for the sectors of the longest frame.
    sectors: Vec<u8>,
    records: u32,
}

impl FrameBuilder {
    pub fn new() -> FrameBuilder {
        // Filled with a byte other than zero so that the pages are there before the first record is.
        let mut builder = FrameBuilder {
            body: vec![1; MAX_BODY_BYTES as usize],
            sectors: vec![1; MAX_FRAME_BYTES as usize],
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
        let filled = self.body.len() as u64 + LENGTH_BYTES + length as u64;
        self.records < MAX_FRAME_RECORDS && filled <= MAX_BODY_BYTES && frame_bytes(filled) <= room
    }

    /// Adds a record of 1 to [`MAX_RECORD_BYTES`] bytes that [`fits`](Self::fits).
    pub fn push(&mut self, record: &[u8]) {
        debug_assert!((1..=MAX_RECORD_BYTES).contains(&record.len()));
        self.body.extend_from_slice(&(record.len() as u16).to_le_bytes());
        self.body.extend_from_slice(record);
        self.records += 1;
    }

    /// Writes the frame's header, lays the frame out in sectors, and returns them with the chain after it.
    pub fn seal(&mut self, place: &Place, previous_chain: &[u8; 32]) -> (&[u8], [u8; 32]) {
        let mut header = FrameHeader {
            magic: FRAME_MAGIC,
            version: FORMAT_VERSION.into(),
            header_bytes: (FRAME_HEADER_BYTES as u16).into(),
            journal_id: place.journal_id.into(),
            segment: place.segment.into(),
            first_sequence: place.sequence.into(),
            records: self.records.into(),
            body_bytes: (self.body.len() as u32).into(),
            chain: [0; 32],
            reserved: [0; 56],
        };
        header.chain = header.chain_after(previous_chain, &self.body);
        let (sums, mut rest) = (SectorSums::of(place), &self.body[..]);
        let sectors = &mut self.sectors[..header.frame_bytes() as usize];
        sectors[..FRAME_HEADER_BYTES as usize].copy_from_slice(header.as_bytes());
        let mut from = FRAME_HEADER_BYTES as usize;
        for (index, sector) in sectors.chunks_exact_mut(BLOCK_BYTES as usize).enumerate() {
            let part = rest.len().min(CONTENT_BYTES - from);
            sector[from..from + part].copy_from_slice(&rest[..part]);
            sector[from + part..CONTENT_BYTES].fill(0);
            let sum = sums.sum(index as u64, &sector[..CONTENT_BYTES]);
            // Recovery takes a sector of zeros for one that was never written.
            assert_ne!(sum, 0, "a sector of a frame is all zeros");
            sector[CONTENT_BYTES..].copy_from_slice(&sum.to_le_bytes());
            (from, rest) = (0, &rest[part..]);
        }
        (sectors, header.chain)
    }

    /// Empties the frame.
    pub fn clear(&mut self) {
        self.body.clear();
        self.records = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{FIRST_CHAIN, RECORD_COST_BYTES, body_offset};

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
        let mut body = Vec::new();
        (header.take_body(frame, &mut body)).map_err(|(index, blank)| Problem::Sector {
            offset: index * BLOCK_BYTES,
            blank,
        })?;
        header.check_body(&body, chain)
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
        let mut hasher = blake3::Hasher::new();
        hasher
            .update(&[0; 32])
            .update(&frame[..40])
            .update(&frame[128..133]);
        assert_eq!(frame[40..72], *hasher.finalize().as_bytes());
        assert_eq!(frame[72..128], [0; 56]);
        assert_eq!(&frame[128..133], b"\x03\0abc");
        assert!(frame[133..508].iter().all(|byte| *byte == 0));
        assert_eq!(frame[508..], sum_of(0, &frame[..508]));
        // A second sector goes on with the body.
        let frame = sealed(&[&[7; 400]]);
        assert_eq!(frame.len(), 1024);
        assert_eq!(frame[508..512], sum_of(0, &frame[..508]));
        assert_eq!(&frame[512..534], [7; 22]);
        assert!(frame[534..1020].iter().all(|byte| *byte == 0));
        assert_eq!(frame[1020..], sum_of(1, &frame[512..1020]));
        assert_eq!((body_offset(379), body_offset(380)), (507, 512));
    }

    /// The checksum of a sector, from the bytes that docs/journal-format.md lists.
    fn sum_of(index: u32, content: &[u8]) -> [u8; 4] {
        let place = [
            &7u32.to_le_bytes()[..],
            &1u64.to_le_bytes(),
            &41u64.to_le_bytes(),
            &index.to_le_bytes(),
        ];
        crc32c::crc32c(&[&place.concat(), content].concat()).to_le_bytes()
    }

    #[test]
    fn no_record_makes_a_sector_of_zeros() {
        // Zeros at every place against the sectors' edges, and at the end before the padding.
        for lead in 1..=MAX_RECORD_BYTES {
            for zeros in [1, 37, 507, 508, 511, 512] {
                let (lead, zeros) = (vec![0; lead], vec![0; zeros]);
                let frame = sealed(&[&lead, &zeros, &[0; 512], &zeros]);
                for sector in frame.chunks(512) {
                    assert!(
                        sector.iter().any(|byte| *byte != 0),
                        "{} {}",
                        lead.len(),
                        zeros.len()
                    );
                }
            }
        }
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
