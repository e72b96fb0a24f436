//! The median of few values, and an interval that holds the true one: no shape of the distribution is taken for granted.
//!
//! The interval reaches from the k-th smallest value to the k-th largest. The true median lies outside only if fewer than
//! k of the n values fell on one of its sides, each with probability ½: 2·P(Bin(n, ½) < k). k is the greatest that keeps
//! this at 5 % or less (Conover, *Practical Nonparametric Statistics*, "confidence interval for a quantile"; it is the
//! sign test turned round). Ten values give the second smallest and the second largest and miss in 2.1 %; five or fewer
//! give no interval. One value, however wild, does not move it beyond its neighbour.

use serde::Serialize;

/// How often the interval may miss the true median.
const MISS: f64 = 0.05;

/// Where the true median lies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// No lower than this.
    pub low: f64,
    /// No higher than this.
    pub high: f64,
}

impl Interval {
    /// Of the median of what `values` were drawn from; `None` of too few.
    pub fn of_median(values: &[f64]) -> Option<Self> {
        let (rank, _) = rank(values.len())?;
        let sorted = sorted(values);
        Some(Self {
            low: sorted[rank - 1],
            high: sorted[sorted.len() - rank],
        })
    }

    /// Whether `value` is in it.
    pub fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// Whether some value is in both.
    pub fn meets(&self, other: &Interval) -> bool {
        self.low <= other.high && other.low <= self.high
    }

    /// Its end that is further from zero, without its sign.
    pub fn reach(&self) -> f64 {
        self.low.abs().max(self.high.abs())
    }
}

/// The middle value, or the mean of the two in the middle; NaN of none.
pub fn median(values: &[f64]) -> f64 {
    let sorted = sorted(values);
    let (lower, upper) = (sorted.len().saturating_sub(1) / 2, sorted.len() / 2);
    match (sorted.get(lower), sorted.get(upper)) {
        (Some(lower), Some(upper)) => lower.midpoint(*upper),
        _ => f64::NAN,
    }
}

/// How often an interval of `count` values misses; `None` where there is none.
pub fn miss(count: usize) -> Option<f64> {
    rank(count).map(|(_, miss)| miss)
}

/// k, and how often the interval of k misses.
fn rank(count: usize) -> Option<(usize, f64)> {
    // P(Bin(count, ½) = k), beginning with k = 0.
    let mut exactly = 0.5_f64.powi(count as i32);
    let mut outside = 0.0;
    let mut found = None;
    for below in 0..count / 2 {
        outside += 2.0 * exactly;
        if outside > MISS {
            break;
        }
        found = Some((below + 1, outside));
        exactly *= (count - below) as f64 / (below + 1) as f64;
    }
    found
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_those_of_the_published_tables() {
        // The number of values, k, and one minus the coverage in percent.
        let cases = [
            (5, None),
            (6, Some((1, 3.125))),
            (9, Some((2, 3.906))),
            (10, Some((2, 2.148))),
            (12, Some((3, 3.857))),
            (20, Some((6, 4.139))),
            (100, Some((40, 3.520))),
        ];
        for (count, want) in cases {
            let got = rank(count).map(|(rank, miss)| (rank, (miss * 100_000.0).round() / 1_000.0));
            assert_eq!(got, want, "{count} values");
        }
        assert!(rank(0).is_none() && rank(1_000).is_some());
    }

    #[test]
    fn a_wild_value_moves_neither_median_nor_interval_far() {
        let mut values: Vec<f64> = (1..=10).map(f64::from).collect();
        assert_eq!((median(&values), median(&values[..9])), (5.5, 5.0));
        let calm = Interval::of_median(&values).expect("ten values");
        assert_eq!((calm.low, calm.high), (2.0, 9.0));
        values[9] = 1e9;
        assert_eq!((median(&values), Interval::of_median(&values)), (5.5, Some(calm)));
        assert!(median(&[]).is_nan());
    }
}
