//! What the machine alone does to a thread: a hiccup meter in the idle time of the thread that measures.
//!
//! A thread that looks at the clock without a pause sees every moment a few tens of nanoseconds late, unless it was kept
//! from running: by an interrupt, by another thread, by the host of a virtual machine. The meter has a due time every
//! [`PERIOD`], and records how late the first look after it was, as a command due then would have been late. It counts
//! only the time between two looks with no work between them, so that the thread's own work is not taken for jitter.
//! (The idea is jHiccup's; its meter is a thread of its own, which would disturb the one that measures.)

use std::time::{Duration, Instant};

use crate::recording::Recording;

/// Between two due times, in nanoseconds.
const PERIOD: u64 = 10_000;
/// How often the clock is read to learn what a read costs.
const READS: u32 = 200_000;

/// A meter on the calling thread.
pub struct Meter {
    lateness: Recording,
    /// When the clock was read last.
    last: u64,
}

impl Meter {
    /// For a run that begins now and is meant to last `most`.
    pub fn new(most: Duration) -> Self {
        Self {
            lateness: Recording::new(most),
            last: 0,
        }
    }

    /// The clock says `now`, in nanoseconds since the beginning of the run; `has_worked` when the thread did something
    /// other than to look since it said so last.
    #[inline]
    pub fn look(&mut self, now: u64, has_worked: bool) {
        if !has_worked {
            let mut due = (self.last / PERIOD + 1) * PERIOD;
            while due <= now {
                self.lateness
                    .add(Duration::from_nanos(now), Duration::from_nanos(now - due));
                due += PERIOD;
            }
        }
        self.last = now;
    }

    /// What it recorded.
    pub fn into_recording(self) -> Recording {
        self.lateness
    }
}

/// What one read of the clock costs, in nanoseconds, and the smallest step that it was seen to take.
pub fn clock() -> (f64, u64) {
    let begin = Instant::now();
    let (mut last, mut step) = (begin, u64::MAX);
    for _ in 0..READS {
        let now = Instant::now();
        let passed = now.duration_since(last).as_nanos() as u64;
        if passed > 0 {
            step = step.min(passed);
        }
        last = now;
    }
    let cost = last.duration_since(begin).as_nanos() as f64 / f64::from(READS);
    (cost, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_was_kept_away_shows_and_its_own_work_does_not() {
        // Looks as (time, whether it worked before), and the lateness that they show, ascending.
        type Looks = &'static [(u64, bool)];
        let cases: [(Looks, &[u64]); 6] = [
            (&[(0, true), (9_999, false)], &[]),
            (&[(9_000, true), (10_040, false)], &[40]),
            (&[(10_000, true), (10_050, false)], &[]),
            (&[(9_000, false), (50_040, true), (50_080, false)], &[]),
            (&[(9_000, true), (35_000, false)], &[5_000, 15_000, 25_000]),
            (&[(9_000, true), (10_500, false), (90_000, true)], &[500]),
        ];
        for (looks, want) in cases {
            let mut meter = Meter::new(Duration::from_millis(1));
            looks
                .iter()
                .for_each(|&(now, has_worked)| meter.look(now, has_worked));
            let whole = meter.into_recording().whole();
            let got: Vec<u64> = whole
                .iter_recorded()
                .map(|step| step.value_iterated_to())
                .collect();
            let near = |got: &u64, want: &u64| got.abs_diff(*want) * 500 <= *want;
            assert!(
                got.len() == want.len() && got.iter().zip(want).all(|(got, want)| near(got, want)),
                "{looks:?}: {got:?}"
            );
        }
    }

    #[test]
    fn the_clock_costs_something() {
        let (cost, step) = clock();
        assert!(cost > 0.0 && step > 0 && step < 1_000_000_000, "{cost} {step}");
    }
}
