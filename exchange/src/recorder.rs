//! A histogram that one thread writes and any thread reads, without a lock, a wait or an allocation.
//!
//! Values lie in HdrHistogram's own buckets (three significant digits, values from 1 apart), so a snapshot *is* an
//! [`Histogram`] of the hdrhistogram crate. Why not that crate's own concurrent histogram:
//! docs/decisions/0012-recording-costs.md.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hdrhistogram::Histogram;

/// Values below this lie in a bucket each: the next power of two above twice 10^digits.
const SUB_BUCKETS: u64 = (2 * 10u64.pow(DIGITS as u32)).next_power_of_two();
const HALF: u64 = SUB_BUCKETS / 2;
const DIGITS: u8 = 3;

/// The highest value of a recorder of nanoseconds: a little more than a minute. 221 KB.
pub const NANOSECONDS: u64 = (1 << 36) - 1;

/// The highest value of a recorder of counts, what the largest ring holds. 106 KB.
pub const COUNTS: u64 = (1 << 22) - 1;
const _: () = assert!(COUNTS as usize + 1 >= crate::pipeline::MAX_RING);

/// The writing end: whoever owns it is the only writer.
#[derive(Debug)]
pub struct Recorder {
    recorded: Arc<Recorded>,
}

/// The reading end: what was recorded since the start.
// A cache line of its own (and the one that the processor fetches with it), so that two writers share none.
#[repr(align(128))]
#[derive(Debug)]
pub struct Recorded {
    highest: u64,
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

impl Recorder {
    /// Nothing recorded yet. `highest`, [`NANOSECONDS`] or [`COUNTS`], is the greatest value that is told from greater
    /// ones.
    pub fn new(highest: u64) -> Self {
        // Made one by one and not as zeros, so that no page is first touched by the thread that records.
        let counts = (0..=index(highest)).map(|_| AtomicU64::new(0)).collect();
        let sum = AtomicU64::new(0);
        Self {
            recorded: Arc::new(Recorded { highest, counts, sum }),
        }
    }

    /// The reading end.
    pub fn recorded(&self) -> Arc<Recorded> {
        Arc::clone(&self.recorded)
    }

    /// Counts `value` once. A value beyond the highest counts as the highest, and enters the sum as it is.
    #[inline]
    pub fn record(&mut self, value: u64) {
        self.record_n(value, 1);
    }

    /// Counts `value` `n` times, for the cost of one.
    #[inline]
    pub fn record_n(&mut self, value: u64, n: u64) {
        let recorded = &*self.recorded;
        add(&recorded.counts[index(value.min(recorded.highest))], n);
        add(&recorded.sum, value.wrapping_mul(n));
    }
}

impl Recorded {
    /// All of it as a histogram. What is recorded meanwhile may be in it or not.
    pub fn snapshot(&self) -> Histogram<u64> {
        let mut histogram =
            Histogram::new_with_bounds(1, self.highest, DIGITS).expect("bounds that the histogram allows");
        for (index, count) in self.counts() {
            // All values of a bucket count alike, and every bucket lies within the bounds.
            histogram.saturating_record_n(lowest(index), count);
        }
        histogram
    }

    /// How many values lie above the bound before and not above this one, for each of `bounds` (in rising order), and
    /// above the last. The values of one bucket count as its lowest.
    pub fn between(&self, bounds: &[u64]) -> Vec<u64> {
        let mut counts = vec![0; bounds.len() + 1];
        let mut at = 0;
        for (index, count) in self.counts() {
            while at < bounds.len() && lowest(index) > bounds[at] {
                at += 1;
            }
            counts[at] += count;
        }
        counts
    }

    /// The sum of all values; it may be ahead of a snapshot or behind it by what is just being recorded.
    pub fn sum(&self) -> u64 {
        self.sum.load(Ordering::Relaxed)
    }

    /// The buckets that count anything.
    fn counts(&self) -> impl Iterator<Item = (usize, u64)> {
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed));
        counts.enumerate().filter(|(_, count)| *count > 0)
    }
}

/// There is one writer, so a load and a store lose nothing, and cost no locked instruction.
#[inline]
fn add(counter: &AtomicU64, n: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
}

/// The bucket of a value: [`SUB_BUCKETS`] for the smallest values, and half as many for each doubling behind them.
#[inline]
fn index(value: u64) -> usize {
    let doublings = (SUB_BUCKETS - 1).leading_zeros() - (value | (SUB_BUCKETS - 1)).leading_zeros();
    (u64::from(doublings) * HALF + (value >> doublings)) as usize
}

/// The lowest value of a bucket.
fn lowest(index: usize) -> u64 {
    let index = index as u64;
    if index < SUB_BUCKETS {
        return index;
    }
    let doublings = index / HALF - 1;
    (index % HALF + HALF) << doublings
}
