//! Snapshots: the state of a room at one place of its journal, so that a start needs not read all before it.
//!
//! What the state is made of is the caller's business: sections of bytes, each with an id. The layout and the
//! rules are in `docs/snapshot-format.md`.

mod error;
mod layout;

mod check;
mod reader;
mod writer;

pub use error::{SnapshotError, SnapshotProblem};
pub use layout::{MAX_SNAPSHOT_SECTIONS, SNAPSHOT_VERSION};
pub use reader::{SectionReader, SnapshotReader};
pub use writer::SnapshotWriter;

use crate::error::StorageError;
use crate::position::Position;
use crate::storage::{Access, DiskStorage, SegmentFile, Storage, failed};
use check::{Source, check};
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;

const SUFFIX: &str = ".snapshot";
const TEMPORARY_SUFFIX: &str = ".snapshot.tmp";

/// The snapshots in one folder.
///
/// No lock is taken. Reading needs none; [`begin`](Self::begin) and [`prune`](Self::prune) are for the one who
/// writes, and there may be one at a time.
#[derive(Clone)]
pub struct Snapshots {
    storage: Arc<dyn Storage>,
}

/// What a snapshot is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotHead {
    /// The journal's id.
    pub journal_id: u32,
    /// The place in the journal: all before it is in the state, nothing behind it.
    pub position: Position,
    /// A digest of the state, as the caller makes it.
    pub state_digest: [u8; 16],
    /// The version of the rules the state was made under, as the caller counts them.
    pub rules: u32,
    /// When it was taken, in nanoseconds since 1970.
    pub taken_at: u64,
}

/// A snapshot by its name. What it holds is known only after [`Snapshots::verify`] or [`Snapshots::open`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SnapshotFile {
    /// The sequence of the last record in the state; 0 before the first record.
    pub sequence: u64,
    /// The name of the file.
    pub name: String,
    /// Its size in bytes; `None` if the system does not tell, and opening it says why.
    pub bytes: Option<u64>,
}

/// The name of the snapshot behind record `sequence`.
pub fn snapshot_name(sequence: u64) -> String {
    format!("{sequence:020}{SUFFIX}")
}

impl SnapshotHead {
    /// The sequence of the last record in the state; 0 before the first record.
    pub fn last_sequence(&self) -> u64 {
        self.position.next_sequence.saturating_sub(1)
    }

    /// Whether both say the same of the state, whenever they were taken.
    fn is_of_the_same_state(&self, other: &SnapshotHead) -> bool {
        let taken_at = self.taken_at;
        *self == SnapshotHead { taken_at, ..*other }
    }
}

impl Snapshots {
    /// The snapshots in `storage`. Nothing is touched until the first call.
    pub fn new(storage: Arc<dyn Storage>) -> Snapshots {
        Snapshots { storage }
    }

    /// The snapshots in `folder`, which is made if it is not there; the folder above it must stand.
    ///
    /// # Errors
    /// If the folder cannot be made, or its name not be made durable.
    pub fn in_folder(folder: impl AsRef<Path>) -> Result<Snapshots, StorageError> {
        let folder = folder.as_ref();
        let storage = DiskStorage::new(folder);
        let made = match fs::create_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made,
        };
        // The name of a folder that stands may be left over from a crash before its sync.
        made.and_then(|()| File::open(folder.join(".."))?.sync_all())
            .map_err(|error| failed(&storage, "make", "", error))?;
        Ok(Snapshots::new(Arc::new(storage)))
    }

    /// Begins a snapshot. Temporary files that earlier writers left are removed.
    ///
    /// With `sync` it is durable once [`SnapshotWriter::finish`] returns, and is written a MiB at a time, each
    /// durable before the next, so that a sync of the journal never waits behind much of it. Without, nothing
    /// is synced: a crash of the machine may leave a file under the final name that is refused when read.
    ///
    /// # Errors
    /// [`SnapshotError::Storage`] if the folder cannot be read or the file not be made;
    /// [`SnapshotError::Misuse`] if the position has no sequence.
    pub fn begin(&self, head: &SnapshotHead, sync: bool) -> Result<SnapshotWriter, SnapshotError> {
        let temporaries = self
            .names()?
            .into_iter()
            .filter(|name| sequence_in(name, TEMPORARY_SUFFIX).is_some());
        for name in temporaries {
            self.remove(&name)?;
        }
        SnapshotWriter::begin(Arc::clone(&self.storage), head, sync)
    }

    /// The snapshots by name, the newest first. Nothing of them is read. A folder that is not there holds none.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn list(&self) -> Result<Vec<SnapshotFile>, StorageError> {
        let mut sequences: Vec<u64> = self
            .names()?
            .iter()
            .filter_map(|name| sequence_in(name, SUFFIX))
            .collect();
        sequences.sort_unstable_by(|one, other| other.cmp(one));
        let file = |sequence| {
            let name = snapshot_name(sequence);
            let bytes = self
                .storage
                .open(&name, Access::Read)
                .and_then(|file| file.size())
                .ok();
            SnapshotFile {
                sequence,
                name,
                bytes,
            }
        };
        Ok(sequences.into_iter().map(file).collect())
    }

    /// Reads all of a snapshot from the disk, past what the kernel remembers of it, and checks every byte. It
    /// takes bounded memory, however large the file.
    ///
    /// # Errors
    /// [`SnapshotError::Damaged`] with the place; [`SnapshotError::Newer`] if a newer program wrote it;
    /// [`SnapshotError::Storage`] if it cannot be read.
    pub fn verify(&self, file: &SnapshotFile) -> Result<SnapshotHead, SnapshotError> {
        self.verify_with(file, |_, _| ())
    }

    /// As [`verify`](Self::verify); `report` is called now and then with the bytes done and the bytes in total,
    /// and once at the end.
    pub fn verify_with(
        &self,
        file: &SnapshotFile,
        mut report: impl FnMut(u64, u64),
    ) -> Result<SnapshotHead, SnapshotError> {
        let source = self.source(file);
        let opened = self.open_file(file)?;
        opened
            .forget_cached()
            .map_err(|error| source.failed("drop the cached pages of", error))?;
        Ok(check(&source, &*opened, &mut report)?.head)
    }

    /// Reads all of a snapshot and checks every byte, and only then gives its sections.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub fn open(&self, file: &SnapshotFile) -> Result<SnapshotReader, SnapshotError> {
        self.open_with(file, |_, _| ())
    }

    /// As [`open`](Self::open); `report` is called as by [`verify_with`](Self::verify_with).
    pub fn open_with(
        &self,
        file: &SnapshotFile,
        mut report: impl FnMut(u64, u64),
    ) -> Result<SnapshotReader, SnapshotError> {
        let opened = self.open_file(file)?;
        let checked = check(&self.source(file), &*opened, &mut report)?;
        Ok(SnapshotReader::new(
            Arc::clone(&self.storage),
            file.name.clone(),
            opened,
            checked,
        ))
    }

    /// Removes all snapshots but the newest `keep` that are whole, and returns the names of the files removed.
    /// At least one is kept. While fewer than `keep` are whole, nothing is removed, since a damaged one may
    /// still be of use to somebody. What a newer program wrote and what cannot be read is not counted, and is
    /// removed only once it is older than all that are kept. Temporary files go unless they are newer than the
    /// newest whole one, which may be one in the making.
    ///
    /// It reads the snapshots it keeps.
    ///
    /// # Errors
    /// [`SnapshotError::Storage`] if the folder cannot be read or a file not be removed, or if fewer than `keep`
    /// are whole and one could not be read.
    pub fn prune(&self, keep: usize) -> Result<Vec<String>, SnapshotError> {
        let (mut whole, mut damaged, mut unread) = (Vec::new(), Vec::new(), None);
        let mut files = self.list()?.into_iter();
        while whole.len() < keep.max(1) {
            let Some(file) = files.next() else { break };
            match self.verify(&file) {
                Ok(_) => whole.push(file.sequence),
                Err(SnapshotError::Damaged { .. }) => damaged.push(file.name),
                Err(SnapshotError::Storage(error)) => unread = Some(error),
                Err(_) => {}
            }
        }
        let mut surplus = Vec::new();
        if whole.len() == keep.max(1) {
            surplus = damaged;
            surplus.extend(files.map(|file| file.name));
        } else if let Some(error) = unread {
            return Err(error.into());
        }
        let is_old = |name: &String| sequence_in(name, TEMPORARY_SUFFIX) <= whole.first().copied();
        let temporaries = self.names()?.into_iter();
        surplus
            .extend(temporaries.filter(|name| sequence_in(name, TEMPORARY_SUFFIX).is_some() && is_old(name)));
        for name in &surplus {
            self.remove(name)?;
        }
        Ok(surplus)
    }

    fn names(&self) -> Result<Vec<String>, StorageError> {
        match self.storage.list() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            listed => listed.map_err(|error| failed(&*self.storage, "read the folder", "", error)),
        }
    }

    fn remove(&self, name: &str) -> Result<(), StorageError> {
        self.storage
            .remove(name)
            .map_err(|error| failed(&*self.storage, "remove", name, error))
    }

    fn open_file(&self, file: &SnapshotFile) -> Result<Box<dyn SegmentFile>, StorageError> {
        self.storage
            .open(&file.name, Access::Read)
            .map_err(|error| failed(&*self.storage, "open", &file.name, error))
    }

    fn source<'a>(&'a self, file: &'a SnapshotFile) -> Source<'a> {
        Source {
            storage: &*self.storage,
            name: &file.name,
            sequence: file.sequence,
        }
    }
}

impl std::fmt::Debug for Snapshots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Snapshots({})", self.storage.location())
    }
}

fn temporary_name(sequence: u64) -> String {
    format!("{sequence:020}{TEMPORARY_SUFFIX}")
}

/// The sequence in a name of 20 digits before `suffix`; `None` for any other file.
fn sequence_in(name: &str, suffix: &str) -> Option<u64> {
    let digits = name.strip_suffix(suffix)?;
    let sequence = digits.parse().ok()?;
    (format!("{sequence:020}") == digits).then_some(sequence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_full_names_are_snapshots() {
        assert_eq!(snapshot_name(42), "00000000000000000042.snapshot");
        for (name, sequence) in [
            ("00000000000000000042.snapshot", Some(42)),
            ("18446744073709551615.snapshot", Some(u64::MAX)),
            ("99999999999999999999.snapshot", None),
            ("42.snapshot", None),
            ("+0000000000000000042.snapshot", None),
            ("0000000000000000004x.snapshot", None),
            ("000000000000000000042.snapshot", None),
            ("00000000000000000042.snapshot.tmp", None),
            ("00000000000000000042.hoga", None),
        ] {
            assert_eq!(sequence_in(name, SUFFIX), sequence, "{name}");
        }
        assert_eq!(sequence_in(&temporary_name(42), TEMPORARY_SUFFIX), Some(42));
    }
}
