//! Reading all of a snapshot and believing none of it.

use super::layout::{
    ENTRY_BYTES, Entry, HASHED_TRAILER_BYTES, HEAD_BYTES, HeadError, TRAILER_BYTES, Trailer,
};
use super::{SnapshotError, SnapshotHead, SnapshotProblem};
use crate::error::StorageError;
use crate::storage::{SegmentFile, Storage, failed, read_full};
use std::collections::BTreeMap;
use std::io;
use zerocopy::{FromZeros, IntoBytes};

/// How much is read at a time, in bytes.
const CHUNK_BYTES: u64 = 256 << 10;

/// The file that is read, for what is said of it.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub storage: &'a dyn Storage,
    pub name: &'a str,
    /// The sequence that its name says.
    pub sequence: u64,
}

/// A snapshot of which every byte was read and checked.
pub(super) struct Checked {
    pub head: SnapshotHead,
    pub sections: BTreeMap<u32, Extent>,
    /// Over all of the file up to the hash.
    pub hash: [u8; 32],
    /// The size of the file.
    pub bytes: u64,
}

/// Where a section stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    pub offset: u64,
    pub length: u64,
    pub crc: u32,
}

impl Source<'_> {
    pub fn file(&self) -> String {
        format!("{}/{}", self.storage.location(), self.name)
    }

    pub fn damaged(&self, offset: u64, problem: SnapshotProblem) -> SnapshotError {
        SnapshotError::Damaged {
            file: self.file(),
            offset,
            problem,
        }
    }

    pub fn failed(&self, operation: &'static str, error: io::Error) -> StorageError {
        failed(self.storage, operation, self.name, error)
    }

    /// Fills `buffer` from `offset` on.
    pub fn read(&self, file: &dyn SegmentFile, buffer: &mut [u8], offset: u64) -> Result<(), SnapshotError> {
        let filled = read_full(file, buffer, offset).map_err(|error| self.failed("read", error))?;
        if filled == buffer.len() {
            Ok(())
        } else {
            Err(self.damaged(offset + filled as u64, SnapshotProblem::Ended))
        }
    }
}

/// Reads all of `file` and checks every byte of it. `report` gets the bytes done and the bytes in total.
pub(super) fn check(
    source: &Source<'_>,
    file: &dyn SegmentFile,
    report: &mut dyn FnMut(u64, u64),
) -> Result<Checked, SnapshotError> {
    let size = file.size().map_err(|error| source.failed("read", error))?;
    if size < HEAD_BYTES + TRAILER_BYTES {
        return Err(source.damaged(size, SnapshotProblem::Short { bytes: size }));
    }
    let head = read_head(source, file)?;
    let mut trailer = Trailer::new_zeroed();
    let trailer_at = size - TRAILER_BYTES;
    source.read(file, trailer.as_mut_bytes(), trailer_at)?;
    let count = trailer
        .check(size)
        .map_err(|problem| source.damaged(trailer_at, problem))?;
    let table_at = trailer_at - u64::from(count) * ENTRY_BYTES;
    let mut table = vec![Entry::new_zeroed(); count as usize];
    source.read(file, table.as_mut_bytes(), table_at)?;
    trailer
        .check_table(table.as_bytes())
        .map_err(|problem| source.damaged(table_at, problem))?;
    let sections =
        extents(&table, table_at).ok_or_else(|| source.damaged(table_at, SnapshotProblem::Bounds))?;

    let mut walk = Walk {
        source,
        file,
        hasher: blake3::Hasher::new(),
        buffer: vec![0; CHUNK_BYTES.min(size) as usize],
        at: 0,
        size,
        report,
    };
    walk.pass(HEAD_BYTES)?;
    for entry in &table {
        let start = walk.at;
        if walk.pass(entry.length.get())? != entry.crc.get() {
            let id = entry.id.get();
            return Err(source.damaged(start, SnapshotProblem::SectionChecksum { id }));
        }
    }
    walk.pass(trailer_at - table_at)?;
    walk.hasher.update(&trailer.as_bytes()[..HASHED_TRAILER_BYTES]);
    if *walk.hasher.finalize().as_bytes() != trailer.hash() {
        return Err(source.damaged(0, SnapshotProblem::Hash));
    }
    (walk.report)(size, size);
    Ok(Checked {
        head,
        sections,
        hash: trailer.hash(),
        bytes: size,
    })
}

fn read_head(source: &Source<'_>, file: &dyn SegmentFile) -> Result<SnapshotHead, SnapshotError> {
    let mut block = [0; HEAD_BYTES as usize];
    source.read(file, &mut block, 0)?;
    let head = SnapshotHead::read(&block).map_err(|error| match error {
        HeadError::Problem(problem) => source.damaged(0, problem),
        HeadError::Newer(version) => SnapshotError::Newer {
            file: source.file(),
            version,
        },
    })?;
    let found = head.last_sequence();
    if found != source.sequence {
        return Err(source.damaged(0, SnapshotProblem::Name { found }));
    }
    Ok(head)
}

/// Where the sections of the table stand; `None` unless they fill the file up to `end` and no id comes twice.
fn extents(table: &[Entry], end: u64) -> Option<BTreeMap<u32, Extent>> {
    let mut sections = BTreeMap::new();
    let mut offset = HEAD_BYTES;
    for entry in table {
        let length = entry.length.get();
        let extent = Extent {
            offset,
            length,
            crc: entry.crc.get(),
        };
        offset = offset.checked_add(length)?;
        if sections.insert(entry.id.get(), extent).is_some() {
            return None;
        }
    }
    (offset == end).then_some(sections)
}

/// The walk over a file from its start.
struct Walk<'a> {
    source: &'a Source<'a>,
    file: &'a dyn SegmentFile,
    hasher: blake3::Hasher,
    buffer: Vec<u8>,
    at: u64,
    size: u64,
    report: &'a mut dyn FnMut(u64, u64),
}

impl Walk<'_> {
    /// Hashes the next `bytes` bytes and returns their checksum.
    fn pass(&mut self, bytes: u64) -> Result<u32, SnapshotError> {
        let end = self.at + bytes;
        let mut crc = 0;
        while self.at < end {
            let length = (end - self.at).min(self.buffer.len() as u64);
            let chunk = &mut self.buffer[..length as usize];
            self.source.read(self.file, chunk, self.at)?;
            self.hasher.update(chunk);
            crc = crc32c::crc32c_append(crc, chunk);
            self.at += length;
            if length == CHUNK_BYTES {
                (self.report)(self.at, self.size);
            }
        }
        Ok(crc)
    }
}
