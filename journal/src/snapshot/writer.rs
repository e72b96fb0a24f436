//! Writing a snapshot: under a temporary name, read back, and only then under its own.

use super::check::{Checked, Source, check};
use super::layout::{Entry, HASHED_TRAILER_BYTES, MAX_SNAPSHOT_SECTIONS, Trailer};
use super::{SnapshotError, SnapshotFile, SnapshotHead, SnapshotProblem, snapshot_name, temporary_name};
use crate::error::StorageError;
use crate::storage::{Access, SegmentFile, Storage, failed, write_whole};
use std::io;
use std::sync::Arc;
use zerocopy::IntoBytes;

/// How much is gathered before it is written, in bytes, and so how much is dirty at most if it is synced.
const BUFFER_BYTES: usize = 1 << 20;

/// A snapshot in the making. It has its name only once it is whole: dropped before
/// [`finish`](Self::finish) has returned, or after a failure, it leaves nothing behind.
pub struct SnapshotWriter {
    storage: Arc<dyn Storage>,
    file: Box<dyn SegmentFile>,
    head: SnapshotHead,
    sync: bool,
    buffer: Vec<u8>,
    /// How much of the buffer has been hashed.
    hashed: usize,
    hasher: blake3::Hasher,
    /// How many bytes have been written to the file.
    written: u64,
    table: Vec<Entry>,
    failure: Option<SnapshotError>,
    is_named: bool,
}

impl SnapshotWriter {
    pub(super) fn begin(
        storage: Arc<dyn Storage>,
        head: &SnapshotHead,
        sync: bool,
    ) -> Result<SnapshotWriter, SnapshotError> {
        let temporary = temporary_name(head.last_sequence());
        if head.position.next_sequence == 0 {
            return Err(SnapshotError::Misuse {
                file: format!("{}/{temporary}", storage.location()),
                reason: "its position has no next sequence; sequences count from 1",
            });
        }
        let file = storage
            .create(&temporary)
            .map_err(|error| failed(&*storage, "make", &temporary, error))?;
        let mut buffer = Vec::with_capacity(BUFFER_BYTES);
        buffer.extend_from_slice(head.block().as_bytes());
        Ok(SnapshotWriter {
            storage,
            file,
            head: *head,
            sync,
            buffer,
            hashed: 0,
            hasher: blake3::Hasher::new(),
            written: 0,
            table: Vec::new(),
            failure: None,
            is_named: false,
        })
    }

    /// Begins the section `id`, which what is written from now on belongs to. An id may come once, and there may
    /// be [`MAX_SNAPSHOT_SECTIONS`]; else `finish` fails.
    pub fn section(&mut self, id: u32) {
        if self.table.iter().any(|entry| entry.id.get() == id) {
            self.misused("two sections have the same id");
        } else if self.table.len() == MAX_SNAPSHOT_SECTIONS as usize {
            self.misused("it has more sections than a snapshot may have");
        } else {
            self.table.push(Entry {
                id: id.into(),
                crc: 0.into(),
                length: 0.into(),
            });
        }
    }

    /// Adds bytes to the section. Now and then this writes, and syncs, up to a MiB. A failure is kept for
    /// `finish`, and what comes after it is passed over.
    pub fn write(&mut self, bytes: &[u8]) {
        if self.has_failed() {
            return;
        }
        let Some(entry) = self.table.last_mut() else {
            return self.misused("bytes came before the first section");
        };
        entry.crc = crc32c::crc32c_append(entry.crc.get(), bytes).into();
        entry.length += bytes.len() as u64;
        self.put(bytes);
    }

    /// Whether something failed already, so that nothing more needs to be written.
    pub fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Seals the snapshot, reads it back from the disk and checks every byte, and gives it its name.
    ///
    /// If a whole snapshot of the same sequence and state stands already, it stays and this one is dropped. A
    /// damaged one is replaced.
    ///
    /// # Errors
    /// The first failure since [`Snapshots::begin`](super::Snapshots::begin), or
    /// [`SnapshotError::NotWritten`] if what was read back is not what was written. Nothing stands under the
    /// snapshot's name then, unless it did before.
    pub fn finish(mut self) -> Result<SnapshotFile, SnapshotError> {
        let hash = self.seal();
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        let temporary = temporary_name(self.head.last_sequence());
        let source = self.source(&temporary);
        // By its name, as a reader will find it: a second writer could have taken the name away.
        let file = (self.storage.open(&temporary, Access::Read))
            .map_err(|error| self.failed("open", &temporary, error))?;
        let checked = match self.read_back(&temporary, &*file) {
            Ok(other) if other.hash != hash => Err(source.damaged(0, SnapshotProblem::Other)),
            read_back => read_back,
        };
        let checked = checked.map_err(|error| match error {
            SnapshotError::Damaged {
                file,
                offset,
                problem,
            } => SnapshotError::NotWritten {
                file,
                offset,
                problem,
            },
            error => error,
        })?;
        let name = snapshot_name(self.head.last_sequence());
        let bytes = match self.standing(&name)? {
            Some(standing) => standing.bytes,
            None => {
                self.storage
                    .rename(&temporary, &name)
                    .map_err(|error| self.failed("name", &name, error))?;
                self.is_named = true;
                checked.bytes
            }
        };
        if self.sync
            && let Err(error) = self.storage.sync_dir()
        {
            // The name may not survive, and a second sync could say that it does.
            if self.is_named {
                let _ = self.storage.remove(&name);
            }
            return Err(self.failed("sync", "", error).into());
        }
        Ok(SnapshotFile {
            sequence: self.head.last_sequence(),
            name,
            bytes: Some(bytes),
        })
    }

    /// Writes what is left, the table and the trailer. Returns the hash, which means nothing after a failure.
    fn seal(&mut self) -> [u8; 32] {
        let table = std::mem::take(&mut self.table);
        let mut trailer = Trailer::of(&table);
        self.put(table.as_bytes());
        self.put(&trailer.as_bytes()[..HASHED_TRAILER_BYTES]);
        self.hash_pending();
        let hash = *self.hasher.finalize().as_bytes();
        trailer.seal(&table, hash);
        self.put(&trailer.as_bytes()[HASHED_TRAILER_BYTES..]);
        self.flush();
        hash
    }

    /// The whole snapshot of this state that stands already, made durable. A damaged one is removed.
    fn standing(&self, name: &str) -> Result<Option<Checked>, SnapshotError> {
        let file = match self.storage.open(name, Access::Read) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(|error| self.failed("open", name, error))?,
        };
        // It may have been written by one who did not sync.
        if self.sync {
            file.sync_data()
                .map_err(|error| self.failed("sync", name, error))?;
        }
        match self.read_back(name, &*file) {
            Ok(standing) if standing.head.is_of_the_same_state(&self.head) => Ok(Some(standing)),
            Ok(_) => Err(SnapshotError::Differs {
                file: self.source(name).file(),
            }),
            Err(SnapshotError::Damaged { .. }) => {
                self.storage
                    .remove(name)
                    .map_err(|error| self.failed("remove", name, error))?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Checks what the disk holds, not what the kernel remembers of it.
    fn read_back(&self, name: &str, file: &dyn SegmentFile) -> Result<Checked, SnapshotError> {
        file.forget_cached()
            .map_err(|error| self.failed("drop the cached pages of", name, error))?;
        check(&self.source(name), file, &mut |_, _| ())
    }

    fn put(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.failure.is_none() {
            let room = BUFFER_BYTES - self.buffer.len();
            let (now, rest) = bytes.split_at(room.min(bytes.len()));
            self.buffer.extend_from_slice(now);
            if self.buffer.len() == BUFFER_BYTES {
                self.flush();
            }
            bytes = rest;
        }
    }

    fn flush(&mut self) {
        if self.buffer.is_empty() || self.failure.is_some() {
            return;
        }
        self.hash_pending();
        let name = temporary_name(self.head.last_sequence());
        if let Err(error) = write_whole(&*self.file, &self.buffer, self.written) {
            self.failure = Some(self.failed("write", &name, error).into());
        } else if self.sync
            && let Err(error) = self.file.sync_data()
        {
            self.failure = Some(self.failed("sync", &name, error).into());
        }
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        self.hashed = 0;
    }

    fn hash_pending(&mut self) {
        self.hasher.update(&self.buffer[self.hashed..]);
        self.hashed = self.buffer.len();
    }

    fn misused(&mut self, reason: &'static str) {
        let file = self.source(&snapshot_name(self.head.last_sequence())).file();
        self.failure.get_or_insert(SnapshotError::Misuse { file, reason });
    }

    fn failed(&self, operation: &'static str, name: &str, error: io::Error) -> StorageError {
        failed(&*self.storage, operation, name, error)
    }

    fn source<'a>(&'a self, name: &'a str) -> Source<'a> {
        Source {
            storage: &*self.storage,
            name,
            sequence: self.head.last_sequence(),
        }
    }
}

impl Drop for SnapshotWriter {
    fn drop(&mut self) {
        if !self.is_named {
            // What cannot be removed is removed when the next snapshot is begun.
            let _ = self.storage.remove(&temporary_name(self.head.last_sequence()));
        }
    }
}

impl std::fmt::Debug for SnapshotWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SnapshotWriter")
            .field("head", &self.head)
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}
