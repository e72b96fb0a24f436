//! How much room the journal has, for those who must stop taking orders before it runs out, and how much it took.

use crate::format::RECORD_COST_BYTES;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// The room left in a journal, shared by the writer, the maker of spare segments and whoever asks.
#[derive(Debug, Default)]
pub struct Space {
    /// Room in the current segment; stored by the writer.
    current: AtomicU64,
    /// Room in the ready spare segment; stored under the maker's lock.
    spare: AtomicU64,
    /// Bytes of frames written since the opening, and the number of the current segment; stored by the writer.
    written: AtomicU64,
    segment: AtomicU64,
    failure: Mutex<Option<String>>,
}

impl Space {
    /// The bytes that surely fit: what is left in the current segment plus a ready spare, each rounded down
    /// to whole [`RECORD_COST_BYTES`], so that `remaining_bytes() / RECORD_COST_BYTES` records fit however
    /// they are grouped. It counts committed frames only: records in flight must be taken off by the caller.
    /// While a spare is taken into use the answer may be short for a moment; it is never too high.
    /// Under [`Durability::Memory`](crate::Durability::Memory) it is [`u64::MAX`].
    pub fn remaining_bytes(&self) -> u64 {
        // The order matters: the writer stores `spare` before `current`, so having seen the new `current`
        // means that the spare it came from is no longer counted.
        let current = self.current.load(Ordering::Acquire);
        current.saturating_add(self.spare.load(Ordering::Acquire))
    }

    /// Why the next segment cannot be made, in words; `None` while nothing is wrong. The maker goes on
    /// trying, and clears it on success.
    pub fn failure(&self) -> Option<String> {
        self.failure
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .clone()
    }

    /// The bytes of the frames that were committed since the journal was opened. 0 under
    /// [`Durability::Memory`](crate::Durability::Memory).
    pub fn written_bytes(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// The number of the segment being written, from 1; 0 under [`Durability::Memory`](crate::Durability::Memory).
    pub fn segment(&self) -> u64 {
        self.segment.load(Ordering::Relaxed)
    }

    pub(crate) fn add_written(&self, bytes: u64) {
        self.written.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn set_segment(&self, number: u64) {
        self.segment.store(number, Ordering::Relaxed);
    }

    pub(crate) fn set_current(&self, bytes: u64) {
        self.current.store(whole_records(bytes), Ordering::Release);
    }

    pub(crate) fn set_spare(&self, bytes: u64) {
        self.spare.store(whole_records(bytes), Ordering::Release);
    }

    pub(crate) fn set_unbounded(&self) {
        self.current.store(u64::MAX, Ordering::Release);
    }

    pub(crate) fn set_failure(&self, failure: Option<String>) {
        *self
            .failure
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner()) = failure;
    }
}

fn whole_records(bytes: u64) -> u64 {
    bytes / RECORD_COST_BYTES * RECORD_COST_BYTES
}
