//! Asking a running exchange for its histograms.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hdrhistogram::Histogram;

use crate::client;
use crate::metrics::latency::Latencies;

/// What an exchange has recorded by one moment.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub started: SystemTime,
    pub at: SystemTime,
    parts: Vec<Part>,
}

/// What was recorded between two moments.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub from: SystemTime,
    pub until: SystemTime,
    pub parts: Vec<Part>,
}

/// One recorder.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub name: String,
    /// As the exchange calls it; `ns` is shown as microseconds.
    pub unit: String,
    pub histogram: Histogram<u64>,
}

impl Part {
    /// How many of the recorder's units make one that is shown.
    pub fn per_shown(&self) -> f64 {
        if self.unit == "ns" { 1_000.0 } else { 1.0 }
    }
}

impl Span {
    pub fn length(&self) -> Duration {
        self.until.duration_since(self.from).unwrap_or_default()
    }
}

impl Reading {
    /// All of it.
    pub fn since_start(self) -> Span {
        Span {
            from: self.started,
            until: self.at,
            parts: self.parts,
        }
    }

    /// What came after `earlier`.
    ///
    /// # Errors
    /// In words: it is of another process.
    pub fn since(&self, earlier: &Reading) -> Result<Span, String> {
        let restarted = || "the exchange was restarted meanwhile; what came before is shown".to_owned();
        if self.started != earlier.started {
            return Err(restarted());
        }
        let mut parts = self.parts.clone();
        for part in &mut parts {
            // What was not there earlier had recorded nothing.
            if let Some(before) = earlier.parts.iter().find(|before| before.name == part.name) {
                let taken = part.histogram.subtract(&before.histogram);
                taken.map_err(|_| restarted())?;
            }
        }
        Ok(Span {
            from: earlier.at,
            until: self.at,
            parts,
        })
    }
}

/// What the exchange at `address` (`host:port`) has recorded.
///
/// # Errors
/// In words: it cannot be reached, or answers with something else.
pub(super) fn reading(address: &str) -> Result<Reading, String> {
    let body = client::get(address, "/metrics/latency").map_err(|why| {
        format!("{address} cannot be asked for its latencies: {why}. Is the exchange running? --address names another")
    })?;
    let page: Latencies = serde_json::from_str(&body)
        .map_err(|error| format!("{address} does not answer as an exchange of this version does: {error}"))?;
    let time = |millis| UNIX_EPOCH + Duration::from_millis(millis);
    let parts = page.histograms.into_iter().map(|encoded| {
        // The name becomes that of a file.
        if !encoded
            .name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            return Err(format!(
                "{address} names a recorder {:?}, which no exchange does",
                encoded.name
            ));
        }
        let histogram = encoded.decode()?;
        Ok(Part {
            name: encoded.name,
            unit: encoded.unit,
            histogram,
        })
    });
    Ok(Reading {
        started: time(page.started_ms),
        at: time(page.at_ms),
        parts: parts.collect::<Result<_, _>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(started: u64, at: u64, parts: &[(&str, &[u64])]) -> Reading {
        let time = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let parts = parts.iter().map(|(name, values)| {
            let mut histogram = Histogram::new_with_bounds(1, 1_000_000, 3).unwrap();
            values.iter().for_each(|value| histogram.record(*value).unwrap());
            Part {
                name: (*name).to_owned(),
                unit: "ns".to_owned(),
                histogram,
            }
        });
        Reading {
            started: time(started),
            at: time(at),
            parts: parts.collect(),
        }
    }

    #[test]
    fn an_interval_holds_what_came_in_it_and_nothing_else() {
        let first = reading(10, 20, &[("turn", &[1, 2])]);
        let second = reading(10, 25, &[("ring", &[7]), ("turn", &[1, 2, 2, 900])]);
        let span = second.since(&first).unwrap();
        assert_eq!((span.from, span.until), (first.at, second.at));
        assert_eq!(span.length(), Duration::from_secs(5));
        let want = reading(0, 0, &[("ring", &[7]), ("turn", &[2, 900])]);
        for (got, want) in span.parts.iter().zip(&want.parts) {
            assert_eq!((&got.name, &got.histogram), (&want.name, &want.histogram));
        }
        assert_eq!(second.clone().since_start().from, second.started);
    }

    #[test]
    fn an_exchange_that_was_restarted_is_not_taken_for_the_same() {
        let first = reading(10, 20, &[("turn", &[1, 2])]);
        for other in [
            reading(21, 25, &[("turn", &[1, 2, 3])]),
            reading(10, 25, &[("turn", &[2])]),
        ] {
            let why = other.since(&first).unwrap_err();
            assert!(why.contains("restarted"), "{why}");
        }
    }
}
