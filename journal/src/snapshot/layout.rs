//! The byte layout of a snapshot: the head block, the table of sections and the trailer.
//!
//! All integers are little-endian. The tables are in `docs/snapshot-format.md`.

use super::{SnapshotHead, SnapshotProblem};
use crate::position::Position;
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The version of the snapshot format this crate writes, and the newest it reads.
pub const SNAPSHOT_VERSION: u16 = 1;
/// The most sections of a snapshot. It bounds the memory that its table takes: 64 KiB.
pub const MAX_SNAPSHOT_SECTIONS: u32 = 4_096;

pub(super) const HEAD_BYTES: u64 = 512;
pub(super) const ENTRY_BYTES: u64 = 16;
pub(super) const TRAILER_BYTES: u64 = 64;
const HEAD_MAGIC: [u8; 8] = *b"HOGASNAP";
const TRAILER_MAGIC: [u8; 8] = *b"HOGASEAL";
const CHECKED_HEAD_BYTES: usize = 508;
/// The trailer's bytes that the hash covers, as it covers all of the file before them.
pub(super) const HASHED_TRAILER_BYTES: usize = 28;
const CHECKED_TRAILER_BYTES: usize = 60;

const _: () = assert!(size_of::<Head>() as u64 == HEAD_BYTES);
const _: () = assert!(std::mem::offset_of!(Head, crc) == CHECKED_HEAD_BYTES);
const _: () = assert!(size_of::<Entry>() as u64 == ENTRY_BYTES);
const _: () = assert!(size_of::<Trailer>() as u64 == TRAILER_BYTES);
const _: () = assert!(std::mem::offset_of!(Trailer, hash) == HASHED_TRAILER_BYTES);
const _: () = assert!(std::mem::offset_of!(Trailer, crc) == CHECKED_TRAILER_BYTES);

/// The first block.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct Head {
    magic: [u8; 8],
    version: U16,
    header_bytes: U16,
    journal_id: U32,
    segment: U64,
    offset: U64,
    next_sequence: U64,
    chain: [u8; 32],
    state_digest: [u8; 16],
    rules: U32,
    taken_at: U64,
    reserved: [u8; 408],
    crc: U32,
}

/// One section in the table behind the sections. They stand in its order, without a gap.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct Entry {
    pub id: U32,
    pub crc: U32,
    pub length: U64,
}

/// The end of the file.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct Trailer {
    magic: [u8; 8],
    total_bytes: U64,
    sections: U32,
    reserved: [u8; 8],
    hash: [u8; 32],
    crc: U32,
}

/// Why a head block is not taken.
pub(super) enum HeadError {
    Problem(SnapshotProblem),
    Newer(u16),
}

impl SnapshotHead {
    pub(super) fn block(&self) -> Head {
        let mut head = Head {
            magic: HEAD_MAGIC,
            version: SNAPSHOT_VERSION.into(),
            header_bytes: (HEAD_BYTES as u16).into(),
            journal_id: self.journal_id.into(),
            segment: self.position.segment.into(),
            offset: self.position.offset.into(),
            next_sequence: self.position.next_sequence.into(),
            chain: self.position.chain,
            state_digest: self.state_digest,
            rules: self.rules.into(),
            taken_at: self.taken_at.into(),
            reserved: [0; 408],
            crc: 0.into(),
        };
        head.crc = crc32c::crc32c(&head.as_bytes()[..CHECKED_HEAD_BYTES]).into();
        head
    }

    /// Reads the block. The checksum comes before the version, so that a version is only believed of a whole
    /// block: every version keeps the block's size and the checksum's place.
    pub(super) fn read(block: &[u8; HEAD_BYTES as usize]) -> Result<SnapshotHead, HeadError> {
        let head: &Head = zerocopy::transmute_ref!(block);
        let wrong = |problem| Err(HeadError::Problem(problem));
        if head.magic != HEAD_MAGIC {
            return wrong(SnapshotProblem::HeadMagic);
        }
        if crc32c::crc32c(&block[..CHECKED_HEAD_BYTES]) != head.crc.get() {
            return wrong(SnapshotProblem::HeadChecksum);
        }
        match head.version.get() {
            SNAPSHOT_VERSION => {}
            0 => return wrong(SnapshotProblem::Bounds),
            newer => return Err(HeadError::Newer(newer)),
        }
        let of_this_layout = u64::from(head.header_bytes.get()) == HEAD_BYTES && head.reserved == [0; 408];
        if !of_this_layout || head.next_sequence.get() == 0 {
            return wrong(SnapshotProblem::Bounds);
        }
        Ok(SnapshotHead {
            journal_id: head.journal_id.get(),
            position: Position {
                segment: head.segment.get(),
                offset: head.offset.get(),
                next_sequence: head.next_sequence.get(),
                chain: head.chain,
            },
            state_digest: head.state_digest,
            rules: head.rules.get(),
            taken_at: head.taken_at.get(),
        })
    }
}

impl Trailer {
    /// The trailer of a file with these sections, without hash and checksum.
    pub fn of(table: &[Entry]) -> Trailer {
        let contents: u64 = table.iter().map(|entry| entry.length.get()).sum();
        let total = HEAD_BYTES + contents + table.len() as u64 * ENTRY_BYTES + TRAILER_BYTES;
        Trailer {
            magic: TRAILER_MAGIC,
            total_bytes: total.into(),
            sections: (table.len() as u32).into(),
            reserved: [0; 8],
            hash: [0; 32],
            crc: 0.into(),
        }
    }

    pub fn seal(&mut self, table: &[Entry], hash: [u8; 32]) {
        self.hash = hash;
        self.crc = self.checksum(table.as_bytes()).into();
    }

    /// Judges the trailer of a file of `size` bytes, all but its checksum and hash, and returns how many
    /// sections the table before it has.
    pub fn check(&self, size: u64) -> Result<u32, SnapshotProblem> {
        if self.magic != TRAILER_MAGIC {
            return Err(SnapshotProblem::TrailerMagic);
        }
        if self.total_bytes.get() != size {
            return Err(SnapshotProblem::Length {
                expected: self.total_bytes.get(),
                found: size,
            });
        }
        let sections = self.sections.get();
        let shortest = HEAD_BYTES + u64::from(sections) * ENTRY_BYTES + TRAILER_BYTES;
        if sections > MAX_SNAPSHOT_SECTIONS || shortest > size || self.reserved != [0; 8] {
            return Err(SnapshotProblem::Bounds);
        }
        Ok(sections)
    }

    pub fn check_table(&self, table: &[u8]) -> Result<(), SnapshotProblem> {
        if self.checksum(table) == self.crc.get() {
            Ok(())
        } else {
            Err(SnapshotProblem::TrailerChecksum)
        }
    }

    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }

    fn checksum(&self, table: &[u8]) -> u32 {
        crc32c::crc32c_append(crc32c::crc32c(table), &self.as_bytes()[..CHECKED_TRAILER_BYTES])
    }
}
