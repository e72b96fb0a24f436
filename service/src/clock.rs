//! Exchange time, as the service and its callers ask for it.

use std::time::Duration;

use hoga_protocol::Nanos;

/// The largest difference between exchange time and the system's clock that is followed, in nanoseconds: 10 s.
pub const MOST_FOLLOWED: i64 = 10_000_000_000;

/// The clocks of an exchange, so that a test can drive them by hand.
pub trait Clock {
    /// Exchange time: what stamps commands, decides deadlines and signature windows, and clients are shown. It never runs
    /// backwards, and leaps only by [`leap`](Self::leap).
    fn now(&self) -> Nanos;

    /// Time since some fixed moment, never running backwards, for timeouts.
    fn monotonic(&self) -> Duration;

    /// The system's clock as it is, which may be set to anything at any moment: for showing how far exchange time is from
    /// it, and for accepting it.
    fn system(&self) -> Nanos;

    /// Recovery is over: time goes on from the system's clock, or from the journal's `last` stamp where that is later.
    fn go_on(&mut self, last: Nanos);

    /// Exchange time is later by `by` from now on, as the journal says.
    fn leap(&mut self, by: Nanos);
}

/// Whether exchange time is slewed towards a system clock that is `difference` nanoseconds ahead of it.
pub const fn is_followed(difference: i64) -> bool {
    difference.unsigned_abs() <= MOST_FOLLOWED as u64
}

/// How far `system` is ahead of `now`, in nanoseconds; negative where it is behind.
pub const fn difference(system: Nanos, now: Nanos) -> i64 {
    (system.0 as i64).saturating_sub(now.0 as i64)
}

/// Seconds with three decimals, and on which side of exchange time: `3600.000 s behind`.
pub fn describe(difference: i64) -> String {
    let millis = difference.unsigned_abs() / 1_000_000;
    let side = if difference < 0 { "behind" } else { "ahead of" };
    format!("{}.{:03} s {side}", millis / 1_000, millis % 1_000)
}
