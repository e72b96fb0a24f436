//! The exchange's own figures, as `/metrics` tells them.

use std::collections::HashMap;

use crate::client::get;

/// Figures without labels, by name.
#[derive(Clone, Debug, Default)]
pub struct Metrics(HashMap<String, f64>);

/// How often the matcher waited for the gateway.
pub const STALLS: &str = "hoga_output_full_stalls_total";
/// Writes that carried executions to subscribers.
pub const STREAM_WRITES: &str = "hoga_gateway_stream_writes_total";
/// Bytes of these.
pub const STREAM_BYTES: &str = "hoga_gateway_stream_bytes_total";
/// Execution messages handed to sockets.
pub const STREAMED: &str = "hoga_executions_streamed_total";
/// Connections closed because they read too slowly.
pub const SLOW: &str = "hoga_slow_consumer_closes_total";
/// Connections now.
pub const CONNECTIONS: &str = "hoga_gateway_connections";

impl Metrics {
    /// Those of the exchange at `address`, now; none of them where it does not tell.
    pub fn read(address: &str) -> Self {
        get(address, "/metrics")
            .map(|page| Self::parse(&page))
            .unwrap_or_default()
    }

    /// One of them.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.get(name).copied()
    }

    /// How much a counter has grown since `earlier`.
    pub fn since(&self, earlier: &Self, name: &str) -> Option<f64> {
        Some(self.get(name)? - earlier.get(name)?)
    }

    fn parse(page: &str) -> Self {
        let lines = page.lines().filter(|line| !line.starts_with('#'));
        let figure = |line: &str| {
            let (name, value) = line.split_once(' ')?;
            Some((name.to_owned(), value.trim().parse().ok()?))
        };
        Self(lines.filter_map(figure).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_or_a_bucket_is_not_taken_for_a_counter() {
        let page = |count: u32| {
            Metrics::parse(&format!(
                "# HELP a_total 9\n# TYPE a_total counter\na_total {count}\na_total_more 7\nb_bucket{{le=\"1 2\"}} 3\n"
            ))
        };
        assert_eq!(
            (page(2).get("a_total"), page(2).get("b_bucket")),
            (Some(2.0), None)
        );
        assert_eq!(page(5).since(&page(2), "a_total"), Some(3.0));
        assert_eq!(page(5).since(&Metrics::default(), "a_total"), None);
    }
}
