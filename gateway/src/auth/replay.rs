//! The signatures that were accepted, for as long as they could be sent again.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

use super::key::Signature;

/// What became of a signature that verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// It is accepted, and will not be again.
    Accepted,
    /// It was accepted before.
    Replayed,
    /// Its timestamp is too old, too far ahead, or from before this guard began, so that it may have been accepted before.
    Stale,
    /// As many are remembered as can be; it was not accepted, and may be sent again.
    Full,
}

/// Remembers every accepted signature until its timestamp alone gets it refused. Nothing is forgotten earlier, neither when
/// memory is full nor when the clock is set back: the latest time ever seen counts.
///
/// What another process, or this one before a restart, has accepted is not known here, so nothing counts that was signed
/// earlier than [`AHEAD_MS`] after the guard began.
///
/// One signature takes 16 bytes that name it, in a table keyed at random and in a heap by age: some 64 bytes in all.
#[derive(Debug)]
pub struct ReplayGuard {
    window_ms: u64,
    capacity: usize,
    seen: HashSet<Name>,
    by_age: BinaryHeap<Reverse<(u64, Name)>>,
    /// No earlier timestamp is accepted any more, now or ever.
    horizon: u64,
}

/// How far a timestamp may lie in the future, in milliseconds, for clocks that are not quite the exchange's.
pub const AHEAD_MS: u64 = 1_000;

/// The most old signatures that are forgotten at one call: more than come, and few enough that no call takes long.
const FORGOTTEN_AT_ONCE: usize = 8;

/// A part of the signature that nobody can choose to be another's.
type Name = [u8; 16];

impl ReplayGuard {
    /// Remembers at most `capacity` signatures, whose timestamps count for `window_ms` milliseconds; `now_ms` is the time, in
    /// milliseconds since 1970.
    pub fn new(window_ms: u64, capacity: usize, now_ms: u64) -> Self {
        Self {
            window_ms,
            capacity,
            seen: HashSet::with_capacity(capacity),
            by_age: BinaryHeap::with_capacity(capacity),
            horizon: behind(now_ms),
        }
    }

    /// Nothing counts any more that may have been accepted at `last_ms` or before.
    pub fn go_on(&mut self, last_ms: u64) {
        self.horizon = self.horizon.max(behind(last_ms));
    }

    /// Whether a timestamp counts at `now_ms`.
    pub fn is_timely(&self, timestamp: u64, now_ms: u64) -> bool {
        let from = self.horizon.max(now_ms.saturating_sub(self.window_ms));
        (from..=now_ms.saturating_add(AHEAD_MS)).contains(&timestamp)
    }

    /// Accepts a signature that has verified, or says why not.
    pub fn accept(&mut self, signature: &Signature, timestamp: u64, now_ms: u64) -> Acceptance {
        self.horizon = self.horizon.max(now_ms.saturating_sub(self.window_ms));
        self.forget();
        if !self.is_timely(timestamp, now_ms) {
            return Acceptance::Stale;
        }
        let name = name(signature);
        if self.seen.contains(&name) {
            return Acceptance::Replayed;
        }
        if self.seen.len() >= self.capacity {
            return Acceptance::Full;
        }
        self.seen.insert(name);
        self.by_age.push(Reverse((timestamp, name)));
        Acceptance::Accepted
    }

    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    fn forget(&mut self) {
        for _ in 0..FORGOTTEN_AT_ONCE {
            match self.by_age.peek() {
                Some(Reverse((timestamp, name))) if *timestamp < self.horizon => {
                    self.seen.remove(name);
                    self.by_age.pop();
                }
                _ => return,
            }
        }
    }
}

/// The first timestamp that cannot have been accepted at `now_ms` or before.
fn behind(now_ms: u64) -> u64 {
    now_ms.saturating_add(AHEAD_MS).saturating_add(1)
}

/// The low half of the scalar S (RFC 8032 §5.1.6). It comes out of a hash over the message, so that to make one signature
/// with the name of another takes 2^128 tries.
fn name(signature: &Signature) -> Name {
    std::array::from_fn(|at| signature.as_bytes()[32 + at])
}
