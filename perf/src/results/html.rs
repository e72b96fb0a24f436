//! `report.html`: one file, without a script and without anything from elsewhere.

use std::fmt::Write as _;

use super::chart::{Chart, Scale, Series, escape, plain, time};
use super::quantiles::Quantiles;
use super::{Measured, Results};
use crate::recording::Recording;

const STYLE: &str = include_str!("report.css");
/// Points of a percentile curve for each halving of what is left above it, as HdrHistogram's own reports have them.
const TICKS_PER_HALF: u32 = 5;
/// More rows than this are not drawn into one chart.
const OVERVIEW_ROWS: usize = 8;

/// The whole page.
pub fn page(results: &Results) -> String {
    let bench = results.bench;
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>hoga-perf {bench}</title>\
         <style>{STYLE}</style></head><body>\n<h1>hoga-perf {bench}</h1>\n<p class=\"lead\">{}</p>\n",
        escape(&results.environment.source())
    );
    if results.stopped {
        page.push_str("<p class=\"warning\">Stopped before its end: the figures are those of a part.</p>\n");
    }
    for note in &results.notes {
        let _ = writeln!(page, "<p>{}</p>", escape(note));
    }
    page.push_str(&table(&results.rows));
    if results.rows.iter().filter(|row| row.latency.is_some()).count() > 1 {
        page.push_str(&overview(results));
    }
    for row in &results.rows {
        page.push_str(&section(row, results.environment.clock_read_ns()));
    }
    page.push_str(&facts("Machine", results.environment.facts().into_iter()));
    page.push_str(&facts("Setup", results.setup.iter().cloned()));
    page.push_str("</body></html>\n");
    page
}

/// One line for each row, and for what stood beside it.
fn table(rows: &[Measured]) -> String {
    let mut table = String::from(
        "<h2>Rates and percentiles</h2>\n<div class=\"scroll\"><table><thead><tr><th></th><th>asked/s</th>\
         <th>reached/s</th><th>count</th>",
    );
    for heading in Quantiles::headings() {
        let _ = write!(table, "<th>{heading}</th>");
    }
    table.push_str("</tr></thead><tbody>\n");
    let rate = |rate: Option<f64>| rate.map_or(String::new(), |rate| grouped(rate.round() as u64));
    let mut line = |class: &str, name: &str, rates: [String; 2], recording: Option<&Recording>| {
        let _ = write!(
            table,
            "<tr class=\"{class}\"><th>{}</th><td>{}</td><td>{}</td>",
            escape(name),
            rates[0],
            rates[1],
        );
        if let Some(quantiles) = recording.map(Quantiles::of) {
            let _ = write!(table, "<td>{}</td>", grouped(quantiles.count));
            for nanos in quantiles.nanos {
                let _ = write!(table, "<td>{}</td>", time(nanos));
            }
        }
        table.push_str("</tr>\n");
    };
    for row in rows {
        let rates = [rate(row.asked_per_s), rate(row.reached_per_s)];
        line(
            if is_short(row) { "short" } else { "" },
            &row.name,
            rates,
            row.latency.as_ref(),
        );
        for (name, recording) in &row.beside {
            line("beside", name, Default::default(), Some(recording));
        }
    }
    table.push_str("</tbody></table></div>\n");
    table
}

/// Whether the rate that was asked for was not reached: then latencies say how long it ran rather than how fast it is.
fn is_short(row: &Measured) -> bool {
    match (row.asked_per_s, row.reached_per_s) {
        (Some(asked), Some(reached)) => reached < asked * 0.99,
        _ => false,
    }
}

fn overview(results: &Results) -> String {
    let rows = results.rows.iter().take(OVERVIEW_ROWS).enumerate();
    let timed = rows.filter_map(|(number, row)| Some((number, row, row.latency.as_ref()?)));
    let chart = Chart {
        title: "All rows".to_owned(),
        x_label: "percentile",
        x_scale: Scale::Percentile,
        y_label: "latency",
        series: timed
            .map(|(number, row, latency)| percentiles(&row.name, number, false, latency))
            .collect(),
    };
    chart.figure()
}

fn section(row: &Measured, clock_read_ns: f64) -> String {
    let mut section = format!("<h2>{}</h2>\n", escape(&row.name));
    if let Some(latency) = &row.latency {
        section.push_str(&curves(row, latency, clock_read_ns).figure());
        section.push_str(&over_time(row, latency).figure());
    }
    let figures = row
        .figures
        .iter()
        .map(|(name, value)| (name.as_str(), plain(*value)));
    let told = row
        .facts
        .iter()
        .map(|(name, value)| (name.as_str(), value.clone()));
    section.push_str(&facts("Counted", figures.chain(told)));
    let threads = row.threads.iter().map(|used| {
        let text = format!(
            "{} ns of processor for each; on a core {} % of the time, kept from one {} %",
            plain(used.ns_per_command),
            plain(used.busy_percent),
            plain(used.waiting_percent)
        );
        (used.name.as_str(), text)
    });
    section.push_str(&facts("Threads", threads));
    section
}

/// The percentiles of a row, of what stood beside it, and of the clock.
fn curves(row: &Measured, latency: &Recording, clock_read_ns: f64) -> Chart {
    let mut series = vec![percentiles("latency", 0, false, latency)];
    for (number, (name, recording)) in row.beside.iter().enumerate() {
        series.push(percentiles(name, number + 1, true, recording));
    }
    let farthest = series.iter().flat_map(|series| series.points.last());
    let farthest = farthest.map(|point| point.0).fold(1.0, f64::max);
    // A block's time contains the clock once for all of its commands.
    let clock = clock_read_ns / f64::from(latency.per());
    series.push(Series {
        name: format!("one read of the clock, {}", time(clock)),
        colour: 7,
        dashed: true,
        points: vec![(1.0, clock), (farthest, clock)],
    });
    Chart {
        title: format!("{}: percentiles", row.name),
        x_label: "percentile",
        x_scale: Scale::Percentile,
        y_label: "latency",
        series,
    }
}

/// A curve over 1 / (1 - quantile), up to the last value that was recorded.
fn percentiles(name: &str, colour: usize, dashed: bool, recording: &Recording) -> Series {
    let whole = recording.whole();
    let (per, most) = (f64::from(recording.per()), (whole.len() as f64).max(1.0));
    let points = whole.iter_quantiles(TICKS_PER_HALF).map(|step| {
        let inverse = 1.0 / (1.0 - step.quantile_iterated_to()).max(1.0 / most);
        (inverse, step.value_iterated_to() as f64 / per)
    });
    Series {
        name: name.to_owned(),
        colour,
        dashed,
        points: points.collect(),
    }
}

fn over_time(row: &Measured, latency: &Recording) -> Chart {
    let per = f64::from(latency.per());
    let line = |name: String, colour: usize, dashed: bool, recording: &Recording, quantile: f64| Series {
        name,
        colour,
        dashed,
        points: recording
            .intervals()
            .filter(|interval| !interval.histogram.is_empty())
            .map(|interval| {
                let middle = interval.from + interval.length / 2;
                let value = interval.histogram.value_at_quantile(quantile) as f64 / per;
                (middle.as_secs_f64(), value)
            })
            .collect(),
    };
    let mut series = vec![
        line("p50".to_owned(), 0, false, latency, 0.5),
        line("p99".to_owned(), 1, false, latency, 0.99),
        line("max".to_owned(), 2, false, latency, 1.0),
    ];
    for (number, (name, recording)) in row.beside.iter().enumerate() {
        series.push(line(format!("{name}, max"), 3 + number, true, recording, 1.0));
    }
    Chart {
        title: format!("{}: over time", row.name),
        x_label: "seconds",
        x_scale: Scale::Linear,
        y_label: "latency",
        series,
    }
}

fn facts<'a>(title: &str, facts: impl Iterator<Item = (&'a str, String)>) -> String {
    let mut text = String::new();
    for (name, value) in facts {
        let _ = writeln!(text, "<dt>{}</dt><dd>{}</dd>", escape(name), escape(&value));
    }
    match text.is_empty() {
        true => text,
        false => format!("<h3>{title}</h3>\n<dl>\n{text}</dl>\n"),
    }
}

/// Digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}
