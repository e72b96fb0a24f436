//! Latencies as they are recorded: whole, and by intervals of time, so that a report can say when the slow ones were.

use std::time::{Duration, SystemTime};

use hdrhistogram::Histogram;

/// The most intervals; what is recorded after the last one belongs to it.
const INTERVALS: u32 = 60;
/// No interval is shorter, and each is a whole multiple of it.
const GRAIN: Duration = Duration::from_millis(100);
/// The longest latency that is told apart from longer ones, in nanoseconds: a minute.
const LONGEST: u64 = 60_000_000_000;
/// Significant decimal digits of every value.
const DIGITS: u8 = 3;

/// An empty histogram of nanoseconds, with the bounds of all of this tool's.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST, DIGITS).expect("bounds that the histogram allows")
}

/// Latencies of one kind, in nanoseconds. Recording allocates nothing and touches no page for the first time.
pub struct Recording {
    begin: SystemTime,
    interval: Duration,
    /// Those used come first.
    intervals: Vec<Histogram<u64>>,
    used: usize,
    /// Each value stands for so many things done one after the other.
    per: u32,
}

/// One interval of a recording.
pub struct Interval<'a> {
    /// When it begins, from the beginning of the recording.
    pub from: Duration,
    /// Its nominal length; the last one may reach further.
    pub length: Duration,
    /// What was recorded in it.
    pub histogram: &'a Histogram<u64>,
}

impl Recording {
    /// Begins now, and is meant to last `most`.
    pub fn new(most: Duration) -> Self {
        Self::of_blocks(most, 1)
    }

    /// As [`new`](Self::new), for times of blocks of `per` things: what is told is the time of one.
    pub fn of_blocks(most: Duration, per: u32) -> Self {
        let grains = most.as_nanos().div_ceil(GRAIN.as_nanos() * u128::from(INTERVALS));
        let interval = GRAIN * (grains as u32).max(1);
        let count = most.as_nanos().div_ceil(interval.as_nanos()).max(1);
        let mut intervals = vec![histogram(); count as usize];
        // A histogram's counts come as fresh pages of zeros; this writes to each of them.
        intervals.iter_mut().for_each(Histogram::reset);
        Self {
            begin: SystemTime::now(),
            interval,
            intervals,
            used: 1,
            per,
        }
    }

    /// Adds a latency that was known `at` after the beginning.
    #[inline]
    pub fn add(&mut self, at: Duration, took: Duration) {
        let number = (at.as_nanos() / self.interval.as_nanos()) as usize;
        let number = number.min(self.intervals.len() - 1);
        self.used = self.used.max(number + 1);
        let nanos = took.as_nanos().min(u128::from(LONGEST)) as u64;
        self.intervals[number].saturating_record(nanos);
    }

    /// When it began, by the machine's calendar.
    pub fn begin(&self) -> SystemTime {
        self.begin
    }

    /// See [`of_blocks`](Self::of_blocks).
    pub fn per(&self) -> u32 {
        self.per
    }

    /// How many latencies there are.
    pub fn count(&self) -> u64 {
        self.intervals().map(|interval| interval.histogram.len()).sum()
    }

    /// All intervals from the first to the last in which something was recorded, in order.
    pub fn intervals(&self) -> impl Iterator<Item = Interval<'_>> {
        let numbered = self.intervals[..self.used].iter().enumerate();
        numbered.map(|(number, histogram)| Interval {
            from: self.interval * number as u32,
            length: self.interval,
            histogram,
        })
    }

    /// All latencies in one histogram.
    pub fn whole(&self) -> Histogram<u64> {
        let mut whole = histogram();
        for interval in self.intervals() {
            let added = whole.add(interval.histogram);
            debug_assert!(added.is_ok(), "all have the same bounds");
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(number: u64) -> Duration {
        Duration::from_millis(number)
    }

    #[test]
    fn a_latency_is_found_in_the_interval_in_which_it_was_known_and_in_the_whole() {
        // How long it is meant to last, when something is recorded, and in which interval that shall be.
        let cases = [
            (millis(0), millis(0), (0, 1)),
            (millis(250), millis(99), (0, 3)),
            (millis(250), millis(200), (2, 3)),
            (millis(250), millis(9_000), (2, 3)),
            (millis(6_000), millis(5_999), (59, 60)),
            (millis(6_001), millis(400), (2, 31)),
            (millis(3_600_000), millis(3_599_999), (59, 60)),
        ];
        for (most, at, (number, all)) in cases {
            let mut recording = Recording::new(most);
            assert_eq!(recording.intervals.len(), all, "{most:?}");
            recording.add(at, Duration::from_micros(7));
            let counts: Vec<u64> = recording.intervals().map(|one| one.histogram.len()).collect();
            assert_eq!(
                (counts.len(), counts[number]),
                (number + 1, 1),
                "{most:?} {at:?}: {counts:?}"
            );
            assert_eq!((recording.count(), recording.whole().len()), (1, 1));
        }
    }

    #[test]
    fn a_latency_of_an_hour_counts_as_the_longest_rather_than_not_at_all() {
        let mut recording = Recording::new(millis(100));
        recording.add(millis(0), Duration::from_secs(3_600));
        recording.add(millis(850), Duration::ZERO);
        let whole = recording.whole();
        assert_eq!(whole.len(), 2);
        assert!(
            whole.max() >= LONGEST && whole.min() == 0,
            "{} {}",
            whole.max(),
            whole.min()
        );
    }
}
