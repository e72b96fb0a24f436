//! The thread that makes the next segment while the current one fills, so that a roll does not wait for it.

use crate::error::StorageError;
use crate::format::SEGMENT_HEADER_BYTES;
use crate::options::{Durability, Options};
use crate::segment::make_segment;
use crate::space::Space;
use crate::storage::{SegmentFile, Storage};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

/// A segment made ahead of time, its header still blank.
pub(crate) struct Spare {
    pub file: Box<dyn SegmentFile>,
    /// The size of the file.
    pub bytes: u64,
}

/// The maker's handle. Dropping it stops the thread and waits for it to end.
pub(crate) struct Maker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    storage: Arc<dyn Storage>,
    space: Arc<Space>,
    segment_bytes: u64,
    sync: bool,
    retry_interval: Duration,
    stop: AtomicBool,
    slot: Mutex<Slot>,
    changed: Condvar,
}

/// The one spare, and where it stands.
enum Slot {
    /// Nothing is to be made: the spare was taken, and is not yet begun.
    Idle,
    Wanted {
        number: u64,
    },
    Failing {
        number: u64,
        reason: String,
    },
    Ready {
        number: u64,
        spare: Spare,
    },
    Stopped,
}

impl Maker {
    /// Starts the thread on segment `number`, which `spare` is if a made one was found.
    pub fn start(
        storage: Arc<dyn Storage>,
        space: Arc<Space>,
        options: &Options,
        number: u64,
        spare: Option<Spare>,
    ) -> Result<Maker, StorageError> {
        let slot = match spare {
            Some(spare) => {
                space.set_spare(spare.bytes - SEGMENT_HEADER_BYTES);
                Slot::Ready { number, spare }
            }
            None => Slot::Wanted { number },
        };
        let shared = Arc::new(Shared {
            storage,
            space,
            segment_bytes: options.segment_bytes,
            sync: options.durability == Durability::Fsync,
            retry_interval: options.retry_interval,
            stop: AtomicBool::new(false),
            slot: Mutex::new(slot),
            changed: Condvar::new(),
        });
        let (worker, first) = (Arc::clone(&shared), options.on_thread_start.clone());
        let thread = std::thread::Builder::new()
            .name("journal-maker".into())
            .spawn(move || {
                if let Some(first) = first {
                    first.act();
                }
                worker.run();
            })
            .map_err(|error| crate::storage::failed(&*shared.storage, "start a thread for", "", error))?;
        Ok(Maker {
            shared,
            thread: Some(thread),
        })
    }

    /// Takes segment `number`, waiting while it is being made.
    ///
    /// Fails at once, with the reason, while it cannot be made.
    pub fn take(&self, number: u64) -> Result<Spare, String> {
        let mut slot = self.shared.lock();
        loop {
            match &*slot {
                Slot::Wanted { .. } => {
                    slot = self
                        .shared
                        .changed
                        .wait(slot)
                        .unwrap_or_else(|poisoned| poisoned.into_inner());
                }
                Slot::Failing { reason, .. } => return Err(reason.clone()),
                Slot::Idle | Slot::Stopped => return Err("the thread that makes segments has ended".into()),
                Slot::Ready { number: made, .. } => {
                    debug_assert_eq!(*made, number);
                    break;
                }
            }
        }
        self.shared.space.set_spare(0);
        match std::mem::replace(&mut *slot, Slot::Idle) {
            Slot::Ready { spare, .. } => Ok(spare),
            _ => unreachable!("the loop above ends on a ready spare only, under the same lock"),
        }
    }

    /// Has segment `number` made. The one before it must have been begun, durably: a segment that is there
    /// though the one before it is blank is taken for a loss when the journal is next opened.
    pub fn want(&self, number: u64) {
        let mut slot = self.shared.lock();
        if !matches!(&*slot, Slot::Stopped) {
            *slot = Slot::Wanted { number };
        }
        drop(slot);
        self.shared.changed.notify_all();
    }
}

impl Drop for Maker {
    fn drop(&mut self) {
        // Raised under the lock, so that the thread cannot miss it between its look and its wait.
        let slot = self.shared.lock();
        self.shared.stop.store(true, Ordering::Relaxed);
        drop(slot);
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic in the thread has been reported by its own hook, and left the slot stopped.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn run(&self) {
        let _stopped = StoppedOnExit(self);
        while let Some(number) = self.next_wanted() {
            let made = make_segment(&*self.storage, number, self.segment_bytes, self.sync, &self.stop);
            let mut slot = self.lock();
            match made {
                Ok(None) => return,
                Ok(Some(file)) => {
                    let spare = Spare {
                        file,
                        bytes: self.segment_bytes,
                    };
                    *slot = Slot::Ready { number, spare };
                    self.space.set_spare(self.segment_bytes - SEGMENT_HEADER_BYTES);
                    self.space.set_failure(None);
                }
                Err(error) => {
                    let reason = error.to_string();
                    self.space.set_failure(Some(reason.clone()));
                    *slot = Slot::Failing { number, reason };
                }
            }
            drop(slot);
            self.changed.notify_all();
        }
    }

    /// Waits until a segment is to be made, or to be tried again; `None` to stop.
    fn next_wanted(&self) -> Option<u64> {
        let mut slot = self.lock();
        let mut waited = false;
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return None;
            }
            match &*slot {
                Slot::Wanted { number } => return Some(*number),
                Slot::Failing { number, .. } if waited => return Some(*number),
                Slot::Failing { .. } => {
                    let (guard, timeout) = self
                        .changed
                        .wait_timeout(slot, self.retry_interval)
                        .unwrap_or_else(|poisoned| poisoned.into_inner());
                    slot = guard;
                    waited = timeout.timed_out();
                }
                Slot::Idle | Slot::Ready { .. } => {
                    slot = self
                        .changed
                        .wait(slot)
                        .unwrap_or_else(|poisoned| poisoned.into_inner());
                }
                Slot::Stopped => return None,
            }
        }
    }
}

/// Tells whoever waits for a spare that none will come, also when the thread ends by a panic.
struct StoppedOnExit<'a>(&'a Shared);

impl Drop for StoppedOnExit<'_> {
    fn drop(&mut self) {
        *self.0.lock() = Slot::Stopped;
        self.0.space.set_spare(0);
        self.0.changed.notify_all();
    }
}
