//! Segment files: their names, the block at their head, and how one is made before it is needed.

use crate::error::StorageError;
use crate::format::{BLOCK_BYTES, FORMAT_VERSION, SEGMENT_HEADER_BYTES};
use crate::problem::Problem;
use crate::storage::{SegmentFile, Storage, failed, write_whole};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

const SEGMENT_MAGIC: [u8; 8] = *b"HOGASEGM";
const SUFFIX: &str = ".hoga";
const TEMPORARY_SUFFIX: &str = ".hoga.tmp";
const COMPRESSED_SUFFIX: &str = ".hoga.zst";
const COMPRESSED_TEMPORARY_SUFFIX: &str = ".hoga.zst.tmp";
const NUMBER_DIGITS: usize = 20;
const CHECKED_HEADER_BYTES: usize = 508;
/// How much is zeroed, and made durable, at a time. It bounds the dirty pages that a commit of the journaler
/// could have to wait behind while the next segment is being made.
const ZERO_CHUNK_BYTES: usize = 1 << 20;
static ZEROS: [u8; ZERO_CHUNK_BYTES] = [0; ZERO_CHUNK_BYTES];

const _: () = assert!(size_of::<SegmentHeader>() as u64 == SEGMENT_HEADER_BYTES);
const _: () = assert!(std::mem::offset_of!(SegmentHeader, header_crc) == CHECKED_HEADER_BYTES);

/// The name of segment file `number`, counted from 1.
pub fn segment_name(number: u64) -> String {
    format!("{number:020}{SUFFIX}")
}

/// The name of segment `number`, counted from 1, once it has been compressed.
pub fn compressed_name(number: u64) -> String {
    format!("{number:020}{COMPRESSED_SUFFIX}")
}

pub(crate) fn compressed_temporary_name(number: u64) -> String {
    format!("{number:020}{COMPRESSED_TEMPORARY_SUFFIX}")
}

pub(crate) fn temporary_name(number: u64) -> String {
    format!("{number:020}{TEMPORARY_SUFFIX}")
}

/// The number in a segment file's name; `None` for any other file.
pub(crate) fn segment_number(name: &str) -> Option<u64> {
    parse_number(name.strip_suffix(SUFFIX)?)
}

/// The number in a compressed segment's name; `None` for any other file.
pub(crate) fn compressed_number(name: &str) -> Option<u64> {
    parse_number(name.strip_suffix(COMPRESSED_SUFFIX)?)
}

/// Whether this is the name of a segment in the making, plain or compressed.
pub(crate) fn is_temporary(name: &str) -> bool {
    [TEMPORARY_SUFFIX, COMPRESSED_TEMPORARY_SUFFIX]
        .iter()
        .filter_map(|suffix| name.strip_suffix(suffix))
        .any(|digits| parse_number(digits).is_some())
}

fn parse_number(digits: &str) -> Option<u64> {
    let plain = digits.len() == NUMBER_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

/// The block at the head of a segment, written when the segment becomes the current one.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct SegmentHeader {
    pub magic: [u8; 8],
    pub version: U16,
    pub header_bytes: U16,
    pub journal_id: U32,
    pub segment: U64,
    pub first_sequence: U64,
    pub segment_bytes: U64,
    pub previous_chain: [u8; 32],
    pub reserved: [u8; 436],
    pub header_crc: U32,
}

/// What a segment begins with: the facts in its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentStart {
    pub journal_id: u32,
    pub number: u64,
    pub first_sequence: u64,
    /// The size of the file.
    pub bytes: u64,
    pub previous_chain: [u8; 32],
}

impl SegmentStart {
    /// The header block that says so.
    pub fn header(&self) -> SegmentHeader {
        let mut header = SegmentHeader {
            magic: SEGMENT_MAGIC,
            version: FORMAT_VERSION.into(),
            header_bytes: (SEGMENT_HEADER_BYTES as u16).into(),
            journal_id: self.journal_id.into(),
            segment: self.number.into(),
            first_sequence: self.first_sequence.into(),
            segment_bytes: self.bytes.into(),
            previous_chain: self.previous_chain,
            reserved: [0; 436],
            header_crc: 0.into(),
        };
        header.header_crc = crc32c::crc32c(&header.as_bytes()[..CHECKED_HEADER_BYTES]).into();
        header
    }

    /// Reads the header block of segment `number`. [`Problem::SegmentHeader`] means that no header was ever
    /// written here in full; any other problem, that a whole one was.
    pub fn read(block: &[u8], number: u64) -> Result<SegmentStart, Problem> {
        let header = SegmentHeader::ref_from_bytes(block).map_err(|_| Problem::SegmentHeader)?;
        let crc = crc32c::crc32c(&block[..CHECKED_HEADER_BYTES]);
        if header.magic != SEGMENT_MAGIC || crc != header.header_crc.get() {
            return Err(Problem::SegmentHeader);
        }
        if header.version.get() != FORMAT_VERSION {
            return Err(Problem::Version {
                found: header.version.get(),
            });
        }
        let start = SegmentStart {
            journal_id: header.journal_id.get(),
            number: header.segment.get(),
            first_sequence: header.first_sequence.get(),
            bytes: header.segment_bytes.get(),
            previous_chain: header.previous_chain,
        };
        if start.number != number {
            return Err(Problem::Foreign {
                journal_id: start.journal_id,
                segment: start.number,
            });
        }
        let whole_blocks = start.bytes.is_multiple_of(BLOCK_BYTES) && start.bytes > SEGMENT_HEADER_BYTES;
        let header_bytes = u64::from(header.header_bytes.get()) == SEGMENT_HEADER_BYTES;
        if whole_blocks && header_bytes {
            Ok(start)
        } else {
            Err(Problem::Bounds)
        }
    }
}

/// Makes segment file `number`: reserved, zero-written, durable, and only then given its name. Its header is
/// blank. Returns `None` if `stop` was raised meanwhile.
///
/// Zeros are written, not only reserved, because the first write into an extent that is merely reserved makes
/// the file system change its metadata, and the sync of a commit would wait for that.
pub(crate) fn make_segment(
    storage: &dyn Storage,
    number: u64,
    bytes: u64,
    sync: bool,
    stop: &AtomicBool,
) -> Result<Option<Box<dyn SegmentFile>>, StorageError> {
    let (temporary, name) = (temporary_name(number), segment_name(number));
    let made = fill_segment(storage, &temporary, bytes, sync, stop).and_then(|file| {
        let Some(file) = file else { return Ok(None) };
        storage
            .rename(&temporary, &name)
            .map_err(|error| failed(storage, "name", &name, error))?;
        if sync && let Err(error) = storage.sync_dir() {
            // The name may not survive, so nothing may be written under it.
            let _ = storage.remove(&name);
            return Err(failed(storage, "sync", "", error));
        }
        Ok(Some(file))
    });
    if !matches!(made, Ok(Some(_))) {
        // Gives the space back. What cannot be removed is removed when the journal is next opened.
        let _ = storage.remove(&temporary);
    }
    made
}

fn fill_segment(
    storage: &dyn Storage,
    temporary: &str,
    bytes: u64,
    sync: bool,
    stop: &AtomicBool,
) -> Result<Option<Box<dyn SegmentFile>>, StorageError> {
    match storage.remove(temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(failed(storage, "remove", temporary, error));
        }
        _ => {}
    }
    let file = storage
        .create(temporary)
        .map_err(|error| failed(storage, "make", temporary, error))?;
    file.allocate(bytes)
        .map_err(|error| failed(storage, "reserve space for", temporary, error))?;
    zero(file.as_ref(), 0..bytes, sync, stop).map_err(|error| failed(storage, "zero", temporary, error))?;
    Ok(if stop.load(Ordering::Relaxed) {
        None
    } else {
        Some(file)
    })
}

/// Writes zeros over `range`, in chunks, each made durable before the next if `sync`. Ends early once `stop`
/// is raised.
pub(crate) fn zero(
    file: &dyn SegmentFile,
    range: std::ops::Range<u64>,
    sync: bool,
    stop: &AtomicBool,
) -> io::Result<()> {
    let mut offset = range.start;
    while offset < range.end && !stop.load(Ordering::Relaxed) {
        let length = (range.end - offset).min(ZERO_CHUNK_BYTES as u64);
        write_whole(file, &ZEROS[..length as usize], offset)?;
        if sync {
            file.sync_data()?;
        }
        offset += length;
    }
    Ok(())
}

/// Writes the header that makes `file` the current segment.
pub(crate) fn begin_segment(
    storage: &dyn Storage,
    file: &dyn SegmentFile,
    start: &SegmentStart,
    sync: bool,
) -> Result<(), StorageError> {
    let name = || segment_name(start.number);
    write_whole(file, start.header().as_bytes(), 0)
        .map_err(|error| failed(storage, "write the header of", &name(), error))?;
    if sync {
        file.sync_data()
            .map_err(|error| failed(storage, "sync", &name(), error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: SegmentStart = SegmentStart {
        journal_id: 7,
        number: 3,
        first_sequence: 900,
        bytes: 65_536,
        previous_chain: [0xab; 32],
    };

    #[test]
    fn layout_does_not_move() {
        let header = START.header();
        let block = header.as_bytes();
        assert_eq!(&block[0..8], b"HOGASEGM");
        assert_eq!(block[8..16], [1, 0, 0, 2, 7, 0, 0, 0]);
        assert_eq!(block[16..24], 3u64.to_le_bytes());
        assert_eq!(block[24..32], 900u64.to_le_bytes());
        assert_eq!(block[32..40], 65_536u64.to_le_bytes());
        assert_eq!(block[40..72], [0xab; 32]);
        assert_eq!(block[72..508], [0; 436]);
        assert_eq!(block[508..512], crc32c::crc32c(&block[..508]).to_le_bytes());
        assert_eq!(SegmentStart::read(block, 3), Ok(START));
    }

    #[test]
    fn any_flipped_bit_of_a_segment_header_is_seen() {
        let header = START.header();
        for bit in 0..512 * 8 {
            let mut block = header.as_bytes().to_vec();
            block[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                SegmentStart::read(&block, 3),
                Err(Problem::SegmentHeader),
                "bit {bit}"
            );
        }
    }

    #[test]
    fn only_full_names_are_segments() {
        assert_eq!(segment_name(42), "00000000000000000042.hoga");
        for (name, number) in [
            ("00000000000000000042.hoga", Some(42)),
            ("18446744073709551615.hoga", Some(u64::MAX)),
            ("99999999999999999999.hoga", None),
            ("42.hoga", None),
            ("0000000000000000004x.hoga", None),
            ("+0000000000000000042.hoga", None),
            ("00000000000000000042.hoga.tmp", None),
            ("00000000000000000042.hoga.zst", None),
            ("LOCK", None),
        ] {
            assert_eq!(segment_number(name), number, "{name}");
        }
        assert_eq!(compressed_number(&compressed_name(42)), Some(42));
        assert_eq!(compressed_number(&compressed_temporary_name(42)), None);
        assert!(is_temporary(&temporary_name(42)));
        assert!(is_temporary(&compressed_temporary_name(42)));
        assert!(!is_temporary(&compressed_name(42)));
        assert!(!is_temporary("notes.hoga.tmp"));
    }
}
