//! From which state recovery may begin.

use std::sync::Arc;

use hoga_journal::{SnapshotFile, SnapshotHead, Snapshots, Storage, StorageError};
use hoga_views::ViewLimits;

use crate::image::restore;
use crate::replica::Replica;

/// The states that a journal may be replayed from, the best first: the snapshots from the newest to the oldest, each
/// only if all of it verifies, and in the end the exchange that has not begun.
pub struct Recovery {
    snapshots: Snapshots,
    /// The oldest first.
    untried: Vec<SnapshotFile>,
    limits: ViewLimits,
    genesis: bool,
}

/// A state, and where in the journal it stands.
pub struct Base {
    /// The state.
    pub replica: Replica,
    /// The snapshot it was read from; `None` for an exchange that has not begun.
    pub snapshot: Option<(SnapshotFile, SnapshotHead)>,
    /// The snapshots that were passed over on the way here, each with the reason, in words.
    pub passed_over: Vec<String>,
}

impl Recovery {
    /// Over the snapshots in a folder. One that does not exist holds none.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn new(folder: Arc<dyn Storage>, limits: ViewLimits) -> Result<Recovery, StorageError> {
        let snapshots = Snapshots::new(folder);
        let mut untried = snapshots.list()?;
        untried.reverse();
        Ok(Recovery {
            snapshots,
            untried,
            limits,
            genesis: true,
        })
    }

    /// Leaves out the snapshots behind `sequence`.
    pub fn until(mut self, sequence: u64) -> Recovery {
        self.untried.retain(|file| file.sequence <= sequence);
        self
    }

    /// Begins at genesis, whatever snapshots there are.
    pub fn from_genesis(mut self) -> Recovery {
        self.untried.clear();
        self
    }

    /// The best state that was not given yet; `None` once all were.
    pub fn next_base(&mut self) -> Option<Base> {
        let mut passed_over = Vec::new();
        while let Some(file) = self.untried.pop() {
            let read = self.snapshots.open(&file).map_err(|error| error.to_string());
            let read = read.and_then(|mut reader| {
                let replica = restore(&mut reader, self.limits).map_err(|why| {
                    format!("the snapshot {} is not used: {why}. It may be removed", file.name)
                })?;
                Ok((replica, *reader.head()))
            });
            match read {
                Ok((replica, head)) => {
                    return Some(Base {
                        replica,
                        snapshot: Some((file, head)),
                        passed_over,
                    });
                }
                Err(why) => passed_over.push(why),
            }
        }
        std::mem::take(&mut self.genesis).then(|| Base {
            replica: Replica::new(self.limits),
            snapshot: None,
            passed_over,
        })
    }
}
