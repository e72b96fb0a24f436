//! One family of metrics after the other, in the encoder's words.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use crate::recorder::Recorded;

/// The page being written. Names come without the program's prefix, and without the suffix that their kind or unit
/// gives them: `_total`, `_seconds`, `_info`.
pub(super) struct Sheet<'a>(pub DescriptorEncoder<'a>);

impl Sheet<'_> {
    /// Facts, as labels of a constant 1.
    pub fn info(&mut self, name: &str, help: &str, labels: &[(&str, &str)]) -> fmt::Result {
        self.0
            .encode_descriptor(name, help, None, MetricType::Info)?
            .encode_info(&labels)
    }

    /// A value that goes up and down.
    pub fn gauge(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.0
            .encode_descriptor(name, help, None, MetricType::Gauge)?
            .encode_gauge(&value)
    }

    /// A time, or a moment since 1970.
    pub fn seconds(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        self.0
            .encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Gauge)?
            .encode_gauge(&value)
    }

    /// A count since the start.
    pub fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.0
            .encode_descriptor(name, help, None, MetricType::Counter)?
            .encode_counter::<NoLabelSet, _, u64>(&value, None)
    }

    /// Counts since the start, one for each value of a label.
    pub fn counter_by<'v>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl Iterator<Item = (&'v str, u64)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (of, value) in values {
            family
                .encode_family(&[(label, of)])?
                .encode_counter::<NoLabelSet, _, u64>(&value, None)?;
        }
        Ok(())
    }

    /// Times since the start, one for each value of a label.
    pub fn seconds_by<'v>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl Iterator<Item = (&'v str, f64)>,
    ) -> fmt::Result {
        let unit = Some(&Unit::Seconds);
        let mut family = self.0.encode_descriptor(name, help, unit, MetricType::Counter)?;
        for (of, value) in values {
            family
                .encode_family(&[(label, of)])?
                .encode_counter::<NoLabelSet, _, u64>(&value, None)?;
        }
        Ok(())
    }

    /// What was recorded in nanoseconds, as a histogram of seconds; `bounds` are in nanoseconds.
    pub fn times(&mut self, name: &str, help: &str, recorded: &Recorded, bounds: &[u64]) -> fmt::Result {
        self.histogram(name, help, Some(&Unit::Seconds), recorded, bounds, 1e9)
    }

    /// What was recorded, as it is.
    pub fn counts(&mut self, name: &str, help: &str, recorded: &Recorded, bounds: &[u64]) -> fmt::Result {
        self.histogram(name, help, None, recorded, bounds, 1.0)
    }

    fn histogram(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        recorded: &Recorded,
        bounds: &[u64],
        per_unit: f64,
    ) -> fmt::Result {
        let counts = recorded.between(bounds);
        let bounds = bounds.iter().map(|bound| *bound as f64 / per_unit);
        let buckets: Vec<(f64, u64)> = bounds.chain([f64::INFINITY]).zip(counts).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        self.0
            .encode_descriptor(name, help, unit, MetricType::Histogram)?
            .encode_histogram::<NoLabelSet>(recorded.sum() as f64 / per_unit, count, &buckets, None)
    }
}
