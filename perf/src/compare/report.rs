//! What a comparison came to, for a person and for a program.

use std::fmt::Write as _;

use serde::Serialize;
use simd_json::OwnedValue;

use super::side::Side;
use super::summary::Key;
use super::verdict::{Change, ENOUGH, Figure, Findings, Unit, Verdict};

/// `compare.json`.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Pairs that were asked for.
    pub pairs_asked: usize,
    /// Pairs that were run to their end.
    pub pairs: usize,
    /// Whether it ended before the last pair.
    pub stopped: bool,
    /// What A is.
    pub a: Side,
    /// What B is.
    pub b: Side,
    /// Where A's first run says that it ran.
    pub environment_a: OwnedValue,
    /// Where B's first run says that it ran.
    pub environment_b: OwnedValue,
    /// How often the interval of a figure misses by chance; `None` of too few pairs for one.
    pub interval_misses: Option<f64>,
    /// What came out.
    #[serde(flatten)]
    pub findings: Findings,
}

impl Report {
    /// The table, and what must be known to read it.
    pub fn text(&self) -> String {
        let mut out = format!(
            "A        {}\nB        {}\npairs    {} of {}{}\n\n",
            self.a,
            self.b,
            self.pairs,
            self.pairs_asked,
            if self.stopped { ", ended early" } else { "" }
        );
        if self.pairs == 0 {
            out.push_str("not one pair was run to its end: there is nothing to tell\n");
            return out;
        }
        let head = [
            "row",
            "figure",
            "A",
            "B",
            "B against A",
            "a side again",
            "verdict",
        ];
        let mut rows = vec![head.map(str::to_owned)];
        rows.extend(self.findings.figures.iter().map(cells));
        out.push_str(&aligned(&rows));
        out.push('\n');
        for (whose, keys) in [
            ("only A has", &self.findings.only_a),
            ("only B has", &self.findings.only_b),
            ("not every run has", &self.findings.not_always),
        ] {
            if !keys.is_empty() {
                let names: Vec<String> = keys
                    .iter()
                    .map(|(row, figure): &Key| format!("{row} {figure}"))
                    .collect();
                let _ = writeln!(out, "{whose}: {}", names.join(", "));
            }
        }
        out.push_str(&self.caution());
        out
    }

    /// How far the verdicts may be trusted.
    fn caution(&self) -> String {
        if self.pairs < ENOUGH {
            return format!(
                "no verdict: {} pairs are too few, {ENOUGH} are needed\n",
                self.pairs
            );
        }
        let judged = self
            .findings
            .figures
            .iter()
            .filter(|one| one.verdict != Verdict::NotJudged);
        let (judged, miss) = (judged.count(), self.interval_misses.unwrap_or(1.0));
        format!(
            "Each figure is judged on its own. Where nothing differs, chance gives a verdict in {:.1} % at most: to {:.1} of \
             these {judged} figures.\n",
            miss * 100.0,
            judged as f64 * miss
        )
    }
}

fn cells(figure: &Figure) -> [String; 7] {
    [
        figure.row.clone(),
        figure.figure.clone(),
        number(figure.a),
        number(figure.b),
        change(&figure.change, figure.unit),
        change(&figure.noise, figure.unit),
        verdict(figure),
    ]
}

fn verdict(figure: &Figure) -> String {
    let by = amount(figure.change.median.abs(), figure.unit);
    let reach = |change: &Change| change.interval.map_or(f64::INFINITY, |interval| interval.reach());
    match figure.verdict {
        Verdict::LowerBetter => format!("B is {by} lower: better"),
        Verdict::LowerWorse => format!("B is {by} lower: worse"),
        Verdict::HigherBetter => format!("B is {by} higher: better"),
        Verdict::HigherWorse => format!("B is {by} higher: worse"),
        Verdict::NoDifference => {
            let beyond = reach(&figure.change).max(reach(&figure.noise));
            format!("no difference seen beyond ±{}", amount(beyond, figure.unit))
        }
        Verdict::TooFewPairs => "none: too few pairs".to_owned(),
        Verdict::NotJudged => "none: its name does not say which way is better".to_owned(),
    }
}

fn change(change: &Change, unit: Unit) -> String {
    let signed = |value: f64| {
        let sign = if value < 0.0 { "-" } else { "+" };
        let digits = match unit {
            Unit::Percent => percent(value.abs()),
            Unit::Own => number(value.abs()),
        };
        format!("{sign}{digits}")
    };
    let of = if unit == Unit::Percent { " %" } else { "" };
    let median = signed(change.median);
    change.interval.map_or_else(
        || format!("{median}{of}"),
        |interval| {
            format!(
                "{median}{of} ({} to {})",
                signed(interval.low),
                signed(interval.high)
            )
        },
    )
}

fn amount(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Percent => format!("{} %", percent(value)),
        Unit::Own => number(value),
    }
}

fn percent(value: f64) -> String {
    let decimals = if value < 1.0 { 2 } else { 1 };
    format!("{value:.decimals$}")
}

/// About four digits of it.
fn number(value: f64) -> String {
    let decimals = match value.abs() {
        0.0 => 0,
        below if below < 1.0 => 4,
        below if below < 10.0 => 3,
        below if below < 100.0 => 2,
        below if below < 1_000.0 => 1,
        _ => 0,
    };
    format!("{value:.decimals$}")
}

/// Columns as wide as their widest cell; figures, which are the third and the fourth, end beneath each other.
fn aligned(rows: &[[String; 7]]) -> String {
    let mut widths = [0; 7];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            let _ = match column {
                2 | 3 => write!(line, "{cell:>width$}  "),
                _ => write!(line, "{cell:<width$}  "),
            };
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}
