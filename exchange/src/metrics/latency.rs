//! `/metrics/latency`: every recorder as a histogram that HdrHistogram's tools read, in JSON.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};
use serde::{Deserialize, Serialize};

use super::Metrics;
use crate::recorder::Recorded;

/// The page: everything recorded since the exchange began to serve.
#[derive(Debug, Serialize, Deserialize)]
pub struct Latencies {
    /// When the exchange began to serve, in milliseconds since 1970. Another value means another process.
    pub started_ms: u64,
    /// When this was read, in milliseconds since 1970.
    pub at_ms: u64,
    /// The histograms, in the order of an order's walk. Those of the rings are there once the exchange is open.
    pub histograms: Vec<Encoded>,
}

/// One recorder.
#[derive(Debug, Serialize, Deserialize)]
pub struct Encoded {
    /// Its name, letters and `_` only.
    pub name: String,
    /// `ns`, `commands` or `events`.
    pub unit: String,
    /// HdrHistogram's V2 encoding, deflated, in base64.
    pub histogram: String,
}

impl Encoded {
    /// The histogram.
    ///
    /// # Errors
    /// In words: it is none.
    pub fn decode(&self) -> Result<Histogram<u64>, String> {
        let wrong = |why: &dyn std::fmt::Display| format!("{} is not a histogram: {why}", self.name);
        let bytes = STANDARD.decode(&self.histogram).map_err(|error| wrong(&error))?;
        Deserializer::new()
            .deserialize(&mut bytes.as_slice())
            .map_err(|error| wrong(&error))
    }
}

/// Every recorder there is by now, as (name, unit, what was recorded).
pub fn recorders(metrics: &Metrics) -> Vec<(&'static str, &'static str, &Recorded)> {
    let mut all: Vec<(_, _, &Recorded)> = Vec::new();
    if let Some(core) = metrics.core() {
        let recordings = &core.recordings;
        all.extend([
            ("journal_batch", "commands", &*recordings.journal_batch),
            ("journal_commit", "ns", &recordings.journal_commit),
            ("matcher_batch", "commands", &recordings.matcher_batch),
            ("matcher_command", "ns", &recordings.matcher_command),
            ("output_room_wait", "ns", &recordings.output_room_wait),
            ("output_ring", "events", &recordings.output_ring),
            ("ring_to_ring", "ns", &recordings.ring_to_ring),
        ]);
    }
    all.extend([
        ("gateway_turn", "ns", &*metrics.gateway.turn),
        ("gateway_broadcast", "ns", &metrics.gateway.broadcast),
    ]);
    all
}

/// The page as text.
pub fn print(metrics: &Metrics) -> String {
    let encode = |recorded: &Recorded| {
        let mut bytes = Vec::new();
        // The counts are far below the 2^63 that the encoding ends at, and a Vec takes everything.
        let encoded = V2DeflateSerializer::new().serialize(&recorded.snapshot(), &mut bytes);
        debug_assert!(encoded.is_ok(), "{encoded:?}");
        STANDARD.encode(bytes)
    };
    let page = Latencies {
        started_ms: millis(metrics.started),
        at_ms: millis(SystemTime::now()),
        histograms: recorders(metrics)
            .into_iter()
            .map(|(name, unit, recorded)| Encoded {
                name: name.to_owned(),
                unit: unit.to_owned(),
                histogram: encode(recorded),
            })
            .collect(),
    };
    serde_json::to_string(&page).expect("numbers and text are JSON")
}

fn millis(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}
