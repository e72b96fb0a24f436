//! The figures of a flow, for a person.

use std::fmt::Write as _;
use std::time::Duration;

use hoga_benches::{Flow, FlowKind};

use super::BLOCK;
use super::alone::{Alone, Pass};
use crate::recording::Recording;
use crate::results::{Measured, Quantiles};

/// What is told of one flow.
pub struct Row {
    name: &'static str,
    /// Mean nanoseconds per command: of the median pass, the fastest and the slowest.
    mean: [f64; 3],
    /// Nanoseconds per command in blocks: p50, p99, p99.9, most.
    blocks: [f64; 4],
    /// Millions of messages per second with hand-off: of the median pass, the fastest and the slowest.
    handed: Option<[f64; 3]>,
    allocations: [u64; 2],
    /// Bytes asked for, and resident where that is known.
    asked: i64,
    resident: Option<i64>,
    resting: u64,
    hash: u64,
    passes: usize,
}

impl Row {
    /// From what was measured, which may be a part or nothing.
    pub fn new(kind: FlowKind, flow: &Flow, alone: &Alone, handed: &[Duration]) -> Self {
        let per_command = |pass: &Pass| pass.spent.as_nanos() as f64 / pass.messages as f64;
        let [p50, _, p99, p999, _, most] = Quantiles::of(&alone.blocks).nanos;
        let millions = |spent: &Duration| flow.steady.len() as f64 / spent.as_secs_f64() / 1e6;
        let last = alone.passes.last();
        Self {
            name: kind.name(),
            mean: median_and_range(alone.passes.iter().map(per_command)),
            blocks: [p50, p99, p999, most],
            handed: (!handed.is_empty()).then(|| {
                let [median, least, most] = median_and_range(handed.iter().map(millions));
                [median, most, least]
            }),
            allocations: last.map_or([0; 2], |pass| [pass.allocations, pass.allocations_late]),
            asked: alone.memory.asked,
            resident: alone.memory.resident,
            resting: flow.facts.resting_max,
            hash: alone.hash,
            passes: alone.passes.len(),
        }
    }

    /// As a row of the report, with the times of the blocks.
    pub fn measured(&self, blocks: Recording) -> Measured {
        let mut row = Measured::new(self.name, blocks);
        let [mean, fastest, slowest] = self.mean;
        row.reached_per_s = (mean > 0.0).then(|| 1e9 / mean);
        let figures = [
            ("mean_ns", mean),
            ("mean_of_fastest_pass_ns", fastest),
            ("mean_of_slowest_pass_ns", slowest),
            ("passes", self.passes as f64),
            ("allocations", self.allocations[0] as f64),
            ("allocations_in_second_half", self.allocations[1] as f64),
            ("bytes_asked_per_order", self.per_order(self.asked)),
            ("resting_max", self.resting as f64),
        ];
        figures.iter().for_each(|(name, value)| row.figure(name, *value));
        if let Some([median, ..]) = self.handed {
            row.figure("handed_over_per_s", median * 1e6);
        }
        row.facts
            .insert("events_hash".to_owned(), format!("{:016x}", self.hash));
        row
    }

    fn per_order(&self, bytes: i64) -> f64 {
        bytes as f64 / self.resting.max(1) as f64
    }

    /// All of it.
    pub fn text(&self) -> String {
        let [mean, fastest, slowest] = self.mean;
        let [p50, p99, p999, most] = self.blocks;
        let [allocations, late] = self.allocations;
        let asked = self.per_order(self.asked);
        let resident = match self.resident {
            Some(bytes) => format!(", of which {:.0} are resident", self.per_order(bytes)),
            None => String::new(),
        };
        let mut text = format!(
            "  {mean:.1} ns per command, {:.1} M messages/s: the median of {} passes ({fastest:.1} to {slowest:.1} ns)\n  \
             in blocks of {BLOCK}: p50 {p50:.1}, p99 {p99:.1}, p99.9 {p999:.1}, most {most:.0} ns per command\n  \
             allocations while timed: {allocations}, of them {late} in the second half\n  \
             memory for each of {} orders at most resting: {asked:.0} bytes asked of the allocator{resident}\n  \
             events hash to {:016x}",
            1_000.0 / mean,
            self.passes,
            self.resting,
            self.hash,
        );
        if let Some([median, most, least]) = self.handed {
            let _ = write!(
                text,
                "\n  handed to another core: {median:.1} M messages/s in the median pass ({least:.1} to {most:.1})"
            );
        }
        text
    }
}

/// One line for each flow.
pub fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "| flow | M messages/s | mean ns | p50 | p99 | p99.9 | bytes/order asked / resident | allocations | handed over, M/s |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for row in rows {
        let [mean, fastest, slowest] = row.mean;
        let [p50, p99, p999, _] = row.blocks;
        let asked = row.per_order(row.asked);
        let resident = row
            .resident
            .map_or("–".to_owned(), |bytes| format!("{:.0}", row.per_order(bytes)));
        let handed = row
            .handed
            .map_or("–".to_owned(), |[median, ..]| format!("{median:.1}"));
        let _ = writeln!(
            text,
            "| {} | {:.1} | {mean:.1} ({fastest:.1}–{slowest:.1}) | {p50:.1} | {p99:.1} | {p999:.1} | {asked:.0} / {resident} | {} | {handed} |",
            row.name,
            1_000.0 / mean,
            row.allocations[0],
        );
    }
    text
}

/// The median, the least and the most; all zero of nothing.
fn median_and_range(values: impl Iterator<Item = f64>) -> [f64; 3] {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    match (values.first(), values.last()) {
        (Some(&least), Some(&most)) => [values[values.len() / 2], least, most],
        _ => [0.0; 3],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matcher::handoff;
    use crate::progress::Stop;

    #[test]
    fn no_event_is_lost_between_two_cores_and_every_command_is_timed() {
        let stop = Stop::default();
        let flow = FlowKind::F.make(10_002);
        let mut alone = Alone::new(&flow);
        alone.pass(&flow, &stop).expect("a pass");
        alone.pass(&flow, &stop).expect("the same once more");
        let (spent, hash) = handoff::pass(&flow, None, &stop).expect("a pass");
        assert_eq!(hash, alone.hash);
        assert_eq!(alone.passes[1].messages, 10_002);
        assert_eq!(alone.blocks.count(), 2 * (10_002 / BLOCK as u64));
        let row = Row::new(FlowKind::F, &flow, &alone, &[spent]);
        assert!(
            (32.0..2_000.0).contains(&row.per_order(row.asked)),
            "{}",
            row.text()
        );
        assert_eq!(table(&[row]).lines().count(), 3);
    }

    #[test]
    fn an_interrupted_run_tells_what_there_is() {
        let flow = FlowKind::A.make(1_000);
        let row = Row::new(FlowKind::A, &flow, &Alone::new(&flow), &[]);
        assert!(row.text().contains("0 passes"), "{}", row.text());
    }
}
