//! Latencies as a table for a person and as JSON for a program.

use std::fmt::Write as _;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

const PERCENTILES: [(&str, f64); 5] = [
    ("p50", 50.0),
    ("p90", 90.0),
    ("p99", 99.0),
    ("p99.9", 99.9),
    ("p99.99", 99.99),
];

/// Latencies of one kind, in nanoseconds.
pub struct Latencies(Histogram<u64>);

/// What is told of them.
#[derive(Debug, Serialize)]
pub struct Row {
    /// What was timed.
    pub what: String,
    /// How often.
    pub count: u64,
    /// The median, in nanoseconds, as are the rest.
    pub p50_ns: u64,
    /// 90 % took no longer.
    pub p90_ns: u64,
    /// 99 %.
    pub p99_ns: u64,
    /// 99.9 %.
    pub p999_ns: u64,
    /// 99.99 %.
    pub p9999_ns: u64,
    /// The longest.
    pub max_ns: u64,
}

impl Latencies {
    /// None yet. Three significant digits, a minute at most.
    pub fn new() -> Self {
        let histogram = Histogram::new_with_bounds(1, 60_000_000_000, 3);
        Self(histogram.expect("bounds that the histogram allows"))
    }

    /// Adds one.
    pub fn add(&mut self, took: Duration) {
        self.0
            .saturating_record(took.as_nanos().min(u128::from(u64::MAX)) as u64);
    }

    /// Adds all of another's.
    pub fn merge(&mut self, other: &Latencies) {
        let added = self.0.add(&other.0);
        debug_assert!(added.is_ok(), "both have the same bounds");
    }

    /// The median in nanoseconds.
    pub fn median(&self) -> u64 {
        self.0.value_at_percentile(50.0)
    }

    /// The figures, under a name.
    pub fn row(&self, what: &str) -> Row {
        let [p50_ns, p90_ns, p99_ns, p999_ns, p9999_ns] =
            PERCENTILES.map(|(_, at)| self.0.value_at_percentile(at));
        Row {
            what: what.to_owned(),
            count: self.0.len(),
            p50_ns,
            p90_ns,
            p99_ns,
            p999_ns,
            p9999_ns,
            max_ns: self.0.max(),
        }
    }
}

/// The rows as text, in microseconds.
pub fn text(rows: &[&Row]) -> String {
    let mut out = format!("  {:<44}{:>9}", "microseconds", "count");
    for (name, _) in PERCENTILES {
        let _ = write!(out, "{name:>12}");
    }
    let _ = writeln!(out, "{:>12}", "max");
    for row in rows {
        let _ = write!(out, "  {:<44}{:>9}", row.what, row.count);
        for nanos in [
            row.p50_ns,
            row.p90_ns,
            row.p99_ns,
            row.p999_ns,
            row.p9999_ns,
            row.max_ns,
        ] {
            let _ = write!(out, "{:>12.1}", nanos as f64 / 1_000.0);
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slow_order_in_ten_thousand_shows_in_the_maximum_and_not_in_the_median() {
        let (mut fast, mut slow) = (Latencies::new(), Latencies::new());
        for _ in 0..9_999 {
            fast.add(Duration::from_micros(20));
        }
        slow.add(Duration::from_millis(5));
        fast.merge(&slow);
        let row = fast.row("order");
        let near = |value: u64, want: u64| value.abs_diff(want) * 1_000 <= want;
        assert!(
            near(row.p50_ns, 20_000) && near(row.p999_ns, 20_000) && near(row.max_ns, 5_000_000),
            "{row:?}"
        );
        assert_eq!(row.count, 10_000);
        assert!(text(&[&row]).contains("20.0"));
    }
}
