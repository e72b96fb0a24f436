//! Reading the sections of a snapshot that was checked.

use super::check::{Checked, Extent, Source};
use super::{SnapshotError, SnapshotHead, SnapshotProblem};
use crate::storage::{SegmentFile, Storage};
use std::sync::Arc;

/// How much of a section is read ahead, in bytes.
const CHUNK_BYTES: u64 = 256 << 10;

/// A snapshot of which every byte was checked when it was opened.
pub struct SnapshotReader {
    storage: Arc<dyn Storage>,
    name: String,
    file: Box<dyn SegmentFile>,
    checked: Checked,
}

/// The bytes of one section, from its start. It checks them once more on the way, so that bytes that changed
/// since the opening are noticed when the last of them is read, at the latest: what was made from a section may
/// be used only once all of it was read.
pub struct SectionReader<'a> {
    reader: &'a SnapshotReader,
    id: u32,
    extent: Extent,
    /// Where in the file the next chunk begins.
    at: u64,
    chunk: Vec<u8>,
    /// How much of the chunk has been given.
    given: usize,
    crc: u32,
}

impl SnapshotReader {
    pub(super) fn new(
        storage: Arc<dyn Storage>,
        name: String,
        file: Box<dyn SegmentFile>,
        checked: Checked,
    ) -> SnapshotReader {
        SnapshotReader {
            storage,
            name,
            file,
            checked,
        }
    }

    /// What the snapshot is of.
    pub fn head(&self) -> &SnapshotHead {
        &self.checked.head
    }

    /// The size of the file, in bytes.
    pub fn bytes(&self) -> u64 {
        self.checked.bytes
    }

    /// The sections, each with its length in bytes, in the order of their ids.
    pub fn sections(&self) -> impl Iterator<Item = (u32, u64)> {
        self.checked
            .sections
            .iter()
            .map(|(id, extent)| (*id, extent.length))
    }

    /// The bytes of section `id`.
    ///
    /// # Errors
    /// [`SnapshotError::NoSection`] if there is none.
    pub fn section(&self, id: u32) -> Result<SectionReader<'_>, SnapshotError> {
        let Some(&extent) = self.checked.sections.get(&id) else {
            return Err(SnapshotError::NoSection {
                file: self.source().file(),
                id,
            });
        };
        Ok(SectionReader {
            reader: self,
            id,
            extent,
            at: extent.offset,
            chunk: Vec::new(),
            given: 0,
            crc: 0,
        })
    }

    fn source(&self) -> Source<'_> {
        Source {
            storage: &*self.storage,
            name: &self.name,
            sequence: self.checked.head.last_sequence(),
        }
    }
}

impl SectionReader<'_> {
    /// Fills `buffer` with the next bytes.
    ///
    /// # Errors
    /// [`SnapshotError::SectionLength`] if fewer are left, and none was taken; [`SnapshotError::Damaged`] if
    /// the bytes changed since the snapshot was opened; [`SnapshotError::Storage`] if they cannot be read.
    pub fn read_exact(&mut self, mut buffer: &mut [u8]) -> Result<(), SnapshotError> {
        if buffer.len() as u64 > self.remaining() {
            return Err(self.wrong_length(buffer.len() as u64));
        }
        while !buffer.is_empty() {
            if self.given == self.chunk.len() {
                self.fetch()?;
            }
            let ready = &self.chunk[self.given..];
            let length = ready.len().min(buffer.len());
            let (now, rest) = buffer.split_at_mut(length);
            now.copy_from_slice(&ready[..length]);
            self.given += length;
            buffer = rest;
        }
        Ok(())
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> u64 {
        let ready = (self.chunk.len() - self.given) as u64;
        self.extent.offset + self.extent.length - self.at + ready
    }

    /// Says that all was read.
    ///
    /// # Errors
    /// [`SnapshotError::SectionLength`] if bytes are left.
    pub fn end(self) -> Result<(), SnapshotError> {
        match self.remaining() {
            0 => Ok(()),
            _ => Err(self.wrong_length(0)),
        }
    }

    fn fetch(&mut self) -> Result<(), SnapshotError> {
        let source = self.reader.source();
        let end = self.extent.offset + self.extent.length;
        self.given = 0;
        self.chunk.resize((end - self.at).min(CHUNK_BYTES) as usize, 0);
        let fetched = source.read(&*self.reader.file, &mut self.chunk, self.at);
        if fetched.is_err() {
            self.chunk.clear();
            return fetched;
        }
        self.crc = crc32c::crc32c_append(self.crc, &self.chunk);
        self.at += self.chunk.len() as u64;
        if self.at == end && self.crc != self.extent.crc {
            self.chunk.clear();
            let problem = SnapshotProblem::SectionChecksum { id: self.id };
            return Err(source.damaged(self.extent.offset, problem));
        }
        Ok(())
    }

    fn wrong_length(&self, asked: u64) -> SnapshotError {
        SnapshotError::SectionLength {
            file: self.reader.source().file(),
            id: self.id,
            left: self.remaining(),
            asked,
        }
    }
}

impl std::fmt::Debug for SnapshotReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SnapshotReader")
            .field("name", &self.name)
            .field("head", &self.checked.head)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for SectionReader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SectionReader")
            .field("id", &self.id)
            .field("remaining", &self.remaining())
            .finish_non_exhaustive()
    }
}
