//! Reading a journal while it is being written, frame after frame.

use crate::error::{ReadError, StorageError};
use crate::position::Position;
use crate::reader::Frame;
use crate::scan::{Lock, Scanner};
use crate::storage::Storage;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The sequence of the last committed record of a journal, stored by its [`Writer`](crate::Writer) after each
/// commit, and read by whoever may only see what a crash cannot lose.
#[derive(Debug)]
pub struct Durable(AtomicU64);

impl Durable {
    pub(crate) fn up_to(sequence: u64) -> Durable {
        Durable(AtomicU64::new(sequence))
    }

    pub(crate) fn set(&self, sequence: u64) {
        self.0.store(sequence, Ordering::Release);
    }

    /// The sequence; 0 before the first record. What was committed up to it can be read from the files.
    pub fn sequence(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// Follows a journal that is being written by this or another process. It takes no lock and changes nothing.
///
/// It goes on across rolls, into segments begun after the opening, and through segments that are compressed
/// meanwhile. To look when there is nothing more costs one read of a block, or nothing but a load with a
/// [`Durable`] that has not moved on.
pub struct Follow {
    scanner: Scanner,
    durable: Option<Arc<Durable>>,
}

impl Follow {
    /// Follows the journal in `storage` from the place `from` on; [`Position::START`] also in a journal that is
    /// not begun yet. `journal_id` is the id every header must carry.
    ///
    /// With the writer's `durable`, no frame is returned before it is committed. Without (the writer is another
    /// process), a frame is returned once it is whole in the page cache; [`make_durable`](Self::make_durable)
    /// must then be called before anything that rests on it is kept.
    ///
    /// # Errors
    /// As [`Reader::open_at`](crate::Reader::open_at).
    pub fn open(
        storage: Arc<dyn Storage>,
        from: Position,
        journal_id: u32,
        durable: Option<Arc<Durable>>,
    ) -> Result<Follow, ReadError> {
        let mut scanner = Scanner::open_at(storage, &from, Lock::NotTaken)?;
        scanner.follow(journal_id)?;
        Ok(Follow { scanner, durable })
    }

    /// The next frame, or `None` if there is nothing more for now: call again later.
    ///
    /// A frame at the end that is not whole is not there yet, whatever its bytes are, because it may just be being
    /// written. It is damage if it is committed ([`Durable`]), or if the next segment is begun or a whole frame
    /// stands behind it. Without [`Durable`] that is looked for after 1, 2, 4, 8, … calls in a row that found the
    /// broken frame; where there are only zeros, after 256, 512, ….
    ///
    /// # Errors
    /// [`ReadError::Damaged`] as above and wherever [`Reader`](crate::Reader) would say so;
    /// [`ReadError::Storage`] if reading fails.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, ReadError> {
        let durable = self.durable.as_ref().map(|durable| durable.sequence());
        let found = self.scanner.poll(durable)?;
        Ok(found.map(|frame| Frame::of(&self.scanner, &frame)))
    }

    /// Whether it returns only what the writer, in this process, has committed.
    pub fn knows_durable(&self) -> bool {
        self.durable.is_some()
    }

    /// The place behind the frame returned last.
    pub fn position(&self) -> Position {
        self.scanner.position()
    }

    /// Returns once the segment of [`position`](Self::position) and the folder's names are durable. Nothing before
    /// that segment is needed to begin there again.
    ///
    /// # Errors
    /// If a sync fails. What was returned since the last call may then be lost in a crash.
    pub fn make_durable(&self) -> Result<(), StorageError> {
        self.scanner.make_durable()
    }
}

impl std::fmt::Debug for Follow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follow")
            .field("position", &self.position())
            .field("durable", &self.durable)
            .finish_non_exhaustive()
    }
}
