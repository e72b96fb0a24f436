//! What is shown of a span of time.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::fetch::{Part, Span};

const PERCENTILES: [(&str, f64); 5] = [
    ("p50", 50.0),
    ("p90", 90.0),
    ("p99", 99.0),
    ("p99.9", 99.9),
    ("p99.99", 99.99),
];

/// A table, or a line of JSON; `whole` is whether it is all that was looked at.
pub(super) fn show(span: &Span, whole: bool, as_json: bool) -> String {
    if as_json {
        line(span, whole)
    } else {
        text(span, whole)
    }
}

fn text(span: &Span, whole: bool) -> String {
    let of = if whole { "all of" } else { "an interval of" };
    let mut out = format!("{of} {:.1} s", span.length().as_secs_f64());
    let _ = write!(out, "\n  {:<20}{:<13}{:>11}", "", "unit", "count");
    for (name, _) in PERCENTILES {
        let _ = write!(out, "{name:>11}");
    }
    let _ = write!(out, "{:>11}", "max");
    for part in &span.parts {
        let unit = if part.unit == "ns" {
            "microseconds"
        } else {
            &part.unit
        };
        let _ = write!(out, "\n  {:<20}{unit:<13}{:>11}", part.name, part.histogram.len());
        let per = part.per_shown();
        let decimals = if per > 1.0 { 2 } else { 0 };
        for value in values(part) {
            let _ = match part.histogram.is_empty() {
                true => write!(out, "{:>11}", "-"),
                false => write!(out, "{:>11.decimals$}", value as f64 / per),
            };
        }
    }
    out
}

fn line(span: &Span, whole: bool) -> String {
    let millis = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
    let rows = span.parts.iter().map(|part| {
        let [p50, p90, p99, p999, p9999, max] = values(part);
        json!({
            "name": part.name, "unit": part.unit, "count": part.histogram.len(), "p50": p50, "p90": p90, "p99": p99,
            "p99.9": p999, "p99.99": p9999, "max": max,
        })
    });
    let rows: Vec<_> = rows.collect();
    json!({
        "from_ms": millis(span.from), "until_ms": millis(span.until), "whole": whole, "recorders": rows,
    })
    .to_string()
}

/// The percentiles, and the maximum.
fn values(part: &Part) -> [u64; 6] {
    let [p50, p90, p99, p999, p9999] = PERCENTILES.map(|(_, at)| part.histogram.value_at_percentile(at));
    // The maximum of an empty histogram is not defined.
    let max = if part.histogram.is_empty() {
        0
    } else {
        part.histogram.max()
    };
    [p50, p90, p99, p999, p9999, max]
}
