//! Memory that is there before the first order needs it, and stays.
//!
//! A page that a thread touches for the first time, or that the system has taken away since, costs it microseconds in the
//! kernel, or a read from the disk. Why it is locked as it is: docs/decisions/0011.

use std::hint::black_box;

use rustix::io::Errno;
use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{Resource, getrlimit};
use rustix::thread::{CapabilitySet, capabilities};
use serde::{Deserialize, Serialize};

/// Whether the program's memory is locked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lock {
    /// When threads are pinned and the system allows it.
    #[default]
    Auto,
    /// It is, or the exchange does not start.
    On,
    /// It is not.
    Off,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Locked {
    /// Nobody asked for it.
    No,
    /// All that the program has now and all that it will ever touch.
    All,
    /// All that it has now; what it takes later is not.
    Present,
    /// It was refused, and why, with what mends it.
    Refused(String),
}

/// How much of its stack a thread of the hot path touches beforehand, in bytes. The deepest call there needs a few
/// kilobytes.
const STACK: usize = 128 << 10;

impl Lock {
    /// Whether memory is to be found beforehand and locked, where threads are `pinned` or not: who gives an exchange
    /// cores of its own gives it memory of its own.
    pub const fn is_wanted(self, pinned: bool) -> bool {
        match self {
            Lock::Auto => pinned,
            Lock::On => true,
            Lock::Off => false,
        }
    }
}

/// Finds every page that the program has mapped, and keeps it. `pinned` says whether any thread is.
///
/// # Errors
/// In words, with what mends it: the system refuses and `wanted` is [`Lock::On`].
pub fn lock(wanted: Lock, pinned: bool) -> Result<Locked, String> {
    if !wanted.is_wanted(pinned) {
        return Ok(Locked::No);
    }
    if let Err(error) = mlockall(MlockAllFlags::CURRENT) {
        let why = refusal(error);
        return match wanted {
            Lock::On => Err(format!("memory.lock is \"on\", but {why}")),
            _ => Ok(Locked::Refused(why)),
        };
    }
    // Beyond a limit the system would refuse memory itself, and the exchange would end for want of it.
    if !is_unlimited() {
        return Ok(Locked::Present);
    }
    match mlockall(MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT) {
        Ok(()) => Ok(Locked::All),
        Err(_) => Ok(Locked::Present),
    }
}

/// Touches the stack that the calling thread may need, so that no order waits for the system to find it.
pub fn touch_stack() {
    let mut room = [0u8; STACK];
    black_box(&mut room);
}

fn is_unlimited() -> bool {
    let exempt = capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::IPC_LOCK));
    exempt || getrlimit(Resource::Memlock).current.is_none()
}

fn refusal(error: Errno) -> String {
    let limit = getrlimit(Resource::Memlock)
        .current
        .map_or("no limit".to_owned(), |bytes| {
            format!("a limit of {} KiB", bytes >> 10)
        });
    format!(
        "the system does not lock its memory ({error}, {limit}): allow it (LimitMEMLOCK=infinity in the unit, or memlock \
         in limits.conf as scripts/tune-host.sh writes it), or set memory.lock = \"off\""
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_not_locked_unasked() {
        for (wanted, pinned) in [(Lock::Off, true), (Lock::Off, false), (Lock::Auto, false)] {
            assert_eq!(lock(wanted, pinned), Ok(Locked::No), "{wanted:?} {pinned}");
        }
    }
}
