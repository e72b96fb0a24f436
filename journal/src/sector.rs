//! The 512 bytes that a disk writes whole or not at all, and the checksum that tells what they are.

use crate::format::CONTENT_BYTES;
use crate::window::is_zero;

/// Where a frame stands, or should stand: the ids and the sequence its header must carry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub journal_id: u32,
    pub segment: u64,
    pub sequence: u64,
}

/// What 512 bytes are, in the place of one sector of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sector {
    /// All zeros: it was never written.
    Blank,
    /// What was written there.
    Right,
    /// Neither.
    Wrong,
}

/// The checksums of one frame's sectors. They cover where the frame stands and the sector's number too, so that each
/// sector can be judged alone, also where the header is not there to tell what it belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SectorSums {
    /// The place, and room for the number of a sector.
    prefix: [u8; PREFIX_BYTES],
}

/// The bytes of a place and of a sector's number.
const PREFIX_BYTES: usize = 24;

impl SectorSums {
    /// Those of the frame that stands at `place`.
    pub fn of(place: &Place) -> SectorSums {
        let mut prefix = [0; PREFIX_BYTES];
        prefix[..4].copy_from_slice(&place.journal_id.to_le_bytes());
        prefix[4..12].copy_from_slice(&place.segment.to_le_bytes());
        prefix[12..20].copy_from_slice(&place.sequence.to_le_bytes());
        SectorSums { prefix }
    }

    /// The checksum of sector `index`, before which `content` stands. It is never 0, so that no written sector is
    /// all zeros.
    pub fn sum(mut self, index: u64, content: &[u8]) -> u32 {
        self.prefix[20..].copy_from_slice(&(index as u32).to_le_bytes());
        never_zero(crc32c::crc32c_append(crc32c::crc32c(&self.prefix), content))
    }

    /// Judges `sector`, of 512 bytes, as sector `index` of the frame.
    pub fn judge(self, index: u64, sector: &[u8]) -> Sector {
        let Some((content, stored)) = sector.split_first_chunk::<CONTENT_BYTES>() else {
            return Sector::Wrong;
        };
        if *stored == self.sum(index, content).to_le_bytes() {
            Sector::Right
        } else if is_zero(sector) {
            Sector::Blank
        } else {
            Sector::Wrong
        }
    }
}

fn never_zero(sum: u32) -> u32 {
    if sum == 0 { u32::MAX } else { sum }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_that_comes_out_as_zero_is_stored_as_another() {
        assert_eq!([0, 1, u32::MAX].map(never_zero), [u32::MAX, 1, u32::MAX]);
    }

    #[test]
    fn zeros_are_never_right() {
        for sequence in 0..100_000 {
            let place = Place {
                journal_id: 7,
                segment: 1,
                sequence,
            };
            assert_eq!(
                SectorSums::of(&place).judge(sequence % 2_065, &[0; 512]),
                Sector::Blank
            );
        }
    }
}
