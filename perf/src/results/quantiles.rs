//! The figures that are told of latencies everywhere alike.

use std::fmt::Write as _;

use serde::Serialize;

use crate::recording::Recording;

/// Quantiles of a recording, in nanoseconds of one thing.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Quantiles {
    /// How often something was timed.
    pub count: u64,
    /// p50, p90, p99, p99.9, p99.99 and the longest.
    pub nanos: [f64; 6],
}

/// The quantiles by their names in text and in JSON. The last one is the maximum.
const NAMES: [(&str, &str, f64); 6] = [
    ("p50", "p50_ns", 50.0),
    ("p90", "p90_ns", 90.0),
    ("p99", "p99_ns", 99.0),
    ("p99.9", "p999_ns", 99.9),
    ("p99.99", "p9999_ns", 99.99),
    ("max", "max_ns", 100.0),
];

impl Quantiles {
    /// Of all of it.
    pub fn of(recording: &Recording) -> Self {
        let whole = recording.whole();
        let per = f64::from(recording.per());
        Self {
            count: whole.len(),
            nanos: NAMES.map(|(_, _, at)| match at {
                100.0 => whole.max() as f64 / per,
                at => whole.value_at_percentile(at) as f64 / per,
            }),
        }
    }

    /// The median.
    pub fn p50(&self) -> f64 {
        self.nanos[0]
    }

    /// 99.9 % took no longer.
    pub fn p999(&self) -> f64 {
        self.nanos[3]
    }

    /// The names of the columns, for a person.
    pub fn headings() -> [&'static str; 6] {
        NAMES.map(|(text, ..)| text)
    }

    /// Each figure by its name in JSON.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, f64)> {
        let quantiles = NAMES
            .iter()
            .zip(self.nanos)
            .map(|((_, name, _), value)| (*name, value));
        quantiles.chain([("count", self.count as f64)])
    }
}

/// Rows as text, in microseconds.
pub fn table(rows: &[(String, Quantiles)]) -> String {
    let width = rows
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0)
        .max(14);
    let mut out = format!("  {:<width$}{:>10}", "microseconds", "count");
    for name in Quantiles::headings() {
        let _ = write!(out, "{name:>11}");
    }
    out.push('\n');
    for (name, quantiles) in rows {
        let _ = write!(out, "  {name:<width$}{:>10}", quantiles.count);
        for nanos in quantiles.nanos {
            let _ = write!(
                out,
                "{:>11.digits$}",
                nanos / 1_000.0,
                digits = if nanos < 1_000.0 { 3 } else { 1 }
            );
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn one_slow_order_in_ten_thousand_shows_in_the_maximum_and_not_in_the_median() {
        for per in [1, 64] {
            let mut recording = Recording::of_blocks(Duration::from_secs(1), per);
            for number in 0..10_000 {
                let took = if number == 9_999 { 5_000_000 } else { 20_000 };
                recording.add(
                    Duration::from_micros(number),
                    Duration::from_nanos(took * u64::from(per)),
                );
            }
            let quantiles = Quantiles::of(&recording);
            let near = |got: f64, want: f64| (got - want).abs() * 1_000.0 <= want;
            assert!(
                near(quantiles.p50(), 20_000.0) && near(quantiles.p999(), 20_000.0),
                "{quantiles:?}"
            );
            assert!(near(quantiles.nanos[5], 5_000_000.0), "{quantiles:?}");
            assert_eq!(quantiles.count, 10_000);
            let text = table(&[("order".to_owned(), quantiles)]);
            assert!(
                text.contains(" 20.0") && text.contains(" 5000.0") || text.contains(" 5001"),
                "{text}"
            );
        }
    }
}
