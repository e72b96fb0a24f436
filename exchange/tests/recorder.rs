//! Recorders against the hdrhistogram crate's own histogram.

mod support;

use hdrhistogram::Histogram;
use hoga::recorder::{COUNTS, NANOSECONDS, Recorder};
use support::Random;

/// The crate's own histogram of the same values.
fn reference(highest: u64, values: &[(u64, u64)]) -> Histogram<u64> {
    let mut histogram = Histogram::new_with_bounds(1, highest, 3).unwrap();
    for &(value, n) in values {
        histogram.saturating_record_n(value, n);
    }
    histogram
}

/// Records `values`, each so many times, and compares everything with the crate's own histogram.
fn check(what: &str, highest: u64, values: &[(u64, u64)]) {
    let mut recorder = Recorder::new(highest);
    for &(value, n) in values {
        recorder.record_n(value, n);
    }
    let (got, want) = (recorder.recorded().snapshot(), reference(highest, values));
    assert_eq!(got, want, "{what}");
    assert_eq!(
        (got.min(), got.min_nz(), got.max(), got.len()),
        (want.min(), want.min_nz(), want.max(), want.len()),
        "{what}"
    );
    assert_eq!(
        got.distinct_values(),
        want.distinct_values(),
        "{what}: the layout"
    );
    let buckets = |histogram: &Histogram<u64>| {
        let step = |step: hdrhistogram::iterators::IterationValue<u64>| {
            (step.value_iterated_to(), step.count_at_value())
        };
        histogram.iter_recorded().map(step).collect::<Vec<_>>()
    };
    assert_eq!(buckets(&got), buckets(&want), "{what}");
    let sum = values
        .iter()
        .fold(0u64, |sum, (value, n)| sum.wrapping_add(value.wrapping_mul(*n)));
    assert_eq!(recorder.recorded().sum(), sum, "{what}");
}

#[test]
fn a_snapshot_is_what_hdrhistogram_would_have_recorded() {
    for highest in [NANOSECONDS, COUNTS] {
        check("nothing", highest, &[]);
        check("zero", highest, &[(0, 1)]);
        check("one", highest, &[(1, 3)]);
        check("zero and one", highest, &[(0, 2), (1, 1)]);
        check("the highest", highest, &[(highest, 1), (highest - 1, 1)]);
        check("beyond", highest, &[(highest + 1, 1), (u64::MAX, 2), (5, 1)]);
        // Both sides of every bucket's bounds at which the width doubles.
        for power in 0..64 {
            let at = 1u64 << power;
            check("a power of two", highest, &[(at - 1, 1), (at, 2), (at + 1, 3)]);
        }
    }
    let seed = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
    println!("seed {seed}");
    let mut random = Random(seed);
    for round in 0..200 {
        let highest = [NANOSECONDS, COUNTS][round % 2];
        let mut values = Vec::new();
        for _ in 0..random.below(500) {
            // Of every size alike, from single bits to beyond the highest.
            let value = random.next() >> random.below(64);
            values.push((value, 1 + random.below(3)));
        }
        check(&format!("seed {seed}, round {round}"), highest, &values);
    }
}

#[test]
fn a_value_on_a_bound_is_counted_within_it() {
    let mut recorder = Recorder::new(NANOSECONDS);
    for value in [0, 999, 1_000, 1_001, 5_000, 5_003, 5_004, 70_000_000_000] {
        recorder.record(value);
    }
    // 5,000 to 5,003 share a bucket.
    assert_eq!(recorder.recorded().between(&[1_000, 5_000]), [3, 3, 2]);
    assert_eq!(recorder.recorded().between(&[]), [8]);
}

#[test]
fn recording_allocates_nothing() {
    let mut recorder = Recorder::new(NANOSECONDS);
    let counted = allocation_counter::measure(|| {
        for value in 0..100_000u64 {
            recorder.record(value * value);
            recorder.record_n(value, 64);
        }
    });
    assert_eq!(counted.count_total, 0, "{counted:?}");
    assert_eq!(recorder.recorded().snapshot().len(), 100_000 * 65);
}

#[test]
fn a_reader_beside_the_writer_sees_no_count_shrink_and_in_the_end_all_of_them() {
    let mut recorder = Recorder::new(COUNTS);
    let recorded = recorder.recorded();
    let writer = std::thread::spawn(move || {
        for value in 0..300_000 {
            recorder.record(value % 4_096);
        }
    });
    let mut seen = 0;
    while !writer.is_finished() {
        let len = recorded.snapshot().len();
        assert!(len >= seen, "{len} after {seen}");
        seen = len;
    }
    writer.join().unwrap();
    assert_eq!(recorded.snapshot().len(), 300_000);
}
