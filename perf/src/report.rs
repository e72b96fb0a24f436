//! The report of a feed: each figure, beside what is known of it.

use std::fmt::Write as _;
use std::path::Path;

use crate::failure::{Context, Failure, Outcome};
use crate::lobster::Hour;
use crate::tally::{Run, SideTotals, Summary};

/// A figure and, where one is known, what it must be.
struct Figure {
    name: String,
    got: String,
    want: Option<String>,
}

/// The figures of a run, in the order of printing.
#[derive(Default)]
pub struct Report {
    figures: Vec<Figure>,
    notes: Vec<String>,
}

impl Report {
    fn add(&mut self, name: &str, got: impl ToString, want: Option<impl ToString>) {
        self.figures.push(Figure {
            name: name.to_owned(),
            got: got.to_string(),
            want: want.map(|want| want.to_string()),
        });
    }

    /// Forgets what the figures must be: those of a part of a file are not those of the whole.
    pub fn compare_nothing(&mut self) {
        self.figures.iter_mut().for_each(|figure| figure.want = None);
    }

    /// A line printed beneath the figures.
    pub fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// How many figures are not what they must be.
    pub fn differences(&self) -> usize {
        let differs = |figure: &&Figure| figure.want.as_ref().is_some_and(|want| *want != figure.got);
        self.figures.iter().filter(differs).count()
    }

    /// How many figures are compared.
    pub fn compared(&self) -> usize {
        self.figures.iter().filter(|figure| figure.want.is_some()).count()
    }

    /// The table.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for Figure { name, got, want } in &self.figures {
            let verdict = match want {
                None => String::new(),
                Some(want) if want == got => "  ok".to_owned(),
                Some(want) => format!("  DIFFERS: expected {want}"),
            };
            let _ = writeln!(out, "  {name:<44} {got:>20}{verdict}");
        }
        for note in &self.notes {
            let _ = writeln!(out, "  {note}");
        }
        out
    }
}

/// What the sidecar of a flow file, or somebody's knowledge of a LOBSTER file, says must come out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowExpectation {
    fill: Summary,
    rest: Summary,
    sides: [SideTotals; 2],
}

/// Reads `FILE.expect.txt` beside a flow file; `None` where there is none.
///
/// # Errors
/// When it is there but cannot be read or understood.
pub fn flow_expectation(file: &Path) -> Outcome<Option<FlowExpectation>> {
    let mut name = file.as_os_str().to_owned();
    name.push(".expect.txt");
    let path = Path::new(&name);
    match std::fs::read_to_string(path) {
        Ok(text) => parse_expectation(&text)
            .context(|| path.display().to_string())
            .map(Some),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).context(|| format!("cannot read {}", path.display())),
    }
}

fn parse_expectation(text: &str) -> Outcome<FlowExpectation> {
    let line = |label: &str| {
        let found = text.lines().find_map(|line| line.trim().strip_prefix(label));
        let rest = found.ok_or_else(|| Failure::new(format!("no line begins with {label:?}")))?;
        Ok::<_, Failure>(rest.trim_start_matches([' ', ':']))
    };
    let (fill, _) = summary_and_sides(line("fill")?)?;
    let (rest, sides) = summary_and_sides(line("bench")?)?;
    Ok(FlowExpectation { fill, rest, sides })
}

fn summary_and_sides(line: &str) -> Outcome<(Summary, [SideTotals; 2])> {
    let missing = |key: &str| Failure::new(format!("{key}= is missing or not a number in {line:?}"));
    let field = |part: &str, key: &str, radix: u32| -> Outcome<u128> {
        let prefix = format!("{key}=");
        let value = part
            .split_whitespace()
            .find_map(|word| word.strip_prefix(&prefix));
        value
            .and_then(|value| u128::from_str_radix(value, radix).ok())
            .ok_or_else(|| missing(key))
    };
    let (trades, book) = line.split_once('|').ok_or_else(|| missing("bids n"))?;
    let (bids, asks) = book.split_once("asks").ok_or_else(|| missing("asks n"))?;
    let side = |part: &str| -> Outcome<SideTotals> {
        Ok(SideTotals {
            orders: field(part, "n", 10)? as u64,
            lots: field(part, "qty", 10)? as u64,
            levels: field(part, "lv", 10)? as u64,
        })
    };
    let summary = Summary {
        trades: field(trades, "trades", 10)? as u64,
        quantity: field(trades, "qty", 10)? as u64,
        notional: field(trades, "notional", 10)?,
        hash: field(trades, "hash", 16)? as u64,
    };
    Ok((summary, [side(bids)?, side(asks)?]))
}

/// The figures of a flow.
pub fn flow(run: &Run, want: Option<&FlowExpectation>) -> Report {
    let mut report = Report::default();
    let (fill, rest) = run.summaries();
    let hex = |hash: u64| format!("{hash:016x}");
    let want_of = |pick: fn(&FlowExpectation) -> Summary| want.map(pick);
    for (part, got, want) in [
        ("while the book is built", fill, want_of(|want| want.fill)),
        ("after", rest, want_of(|want| want.rest)),
    ] {
        report.add(
            &format!("trades {part}"),
            got.trades,
            want.map(|want| want.trades),
        );
        report.add("  quantity", got.quantity, want.map(|want| want.quantity));
        report.add("  notional", got.notional, want.map(|want| want.notional));
        report.add("  hash", hex(got.hash), want.map(|want| hex(want.hash)));
    }
    for (index, name) in ["bids", "asks"].into_iter().enumerate() {
        let got = run.book.sides[index];
        let want = want.map(|want| want.sides[index]);
        report.add(
            &format!("resting {name}: orders"),
            got.orders,
            want.map(|want| want.orders),
        );
        report.add("  lots", got.lots, want.map(|want| want.lots));
        report.add("  levels", got.levels, want.map(|want| want.levels));
    }
    report
}

/// What is known of one LOBSTER file, recognised by its content.
struct KnownHour {
    fingerprint: u64,
    name: &'static str,
    by_type: [u64; 5],
    skipped_executions: u64,
    sent: u64,
    first: u64,
    among: u64,
    unknown: u64,
    crossing: u64,
    live: u64,
    best: [&'static str; 2],
}

/// LOBSTER's free sample of AAPL, 2012-06-21, 09:30 to 10:30: what NASDAQ did, and what an exact price-time book does.
const AAPL_SAMPLE: KnownHour = KnownHour {
    fingerprint: 0x1730_0979_7a7c_e76c,
    name: "LOBSTER's free sample of AAPL, 2012-06-21, the first hour",
    by_type: [44_256, 469, 41_004, 4_067, 2_201],
    skipped_executions: 12,
    sent: 4_055,
    first: 3_990,
    among: 4_017,
    unknown: 76,
    crossing: 1,
    live: 380,
    best: ["585.69", "585.95"],
};

/// The figures of a LOBSTER file; `fingerprint` is [`fingerprint`] of its bytes.
pub fn lobster(hour: &Hour, run: &Run, fingerprint: u64) -> Report {
    let known = Some(&AAPL_SAMPLE).filter(|known| known.fingerprint == fingerprint);
    let mut report = Report::default();
    let names = [
        "submissions",
        "reductions",
        "deletions",
        "executions",
        "hidden executions",
    ];
    for (kind, name) in names.into_iter().enumerate() {
        let want = known.map(|known| known.by_type[kind]);
        report.add(
            &format!("type {}: {name}", kind + 1),
            hour.by_type[kind + 1],
            want,
        );
    }
    report.add(
        "executions of orders never submitted, skipped",
        hour.skipped_executions,
        known.map(|known| known.skipped_executions),
    );
    let hits = Hits::count(hour, run);
    report.add(
        "executions sent",
        hour.executions.len(),
        known.map(|known| known.sent),
    );
    report.add(
        "  the first fill hit the very order",
        hits.first,
        known.map(|known| known.first),
    );
    report.add(
        "  it was among the fills",
        hits.among,
        known.map(|known| known.among),
    );
    let unknown = hour.skipped_cancels + run.not_live;
    report.add(
        "reductions and deletions of unknown orders",
        unknown,
        known.map(|known| known.unknown),
    );
    report.add(
        "submissions that cross",
        hits.crossing,
        known.map(|known| known.crossing),
    );
    let live: u64 = run.book.sides.iter().map(|side| side.orders).sum();
    report.add("live orders at the end", live, known.map(|known| known.live));
    for (index, name) in ["best bid", "best ask"].into_iter().enumerate() {
        let got = run.book.best[index].clone().unwrap_or_else(|| "none".to_owned());
        report.add(name, got, known.map(|known| known.best[index]));
    }
    match known {
        Some(known) => report.note(format!("recognised by its content: {}", known.name)),
        None => report.note("not a file of which anything is known: nothing to compare with"),
    }
    report
}

/// FNV-1a of a file's bytes.
pub fn fingerprint(bytes: &[u8]) -> u64 {
    let seed = Summary::default().hash;
    bytes
        .iter()
        .fold(seed, |hash, &byte| crate::tally::mix(hash, u64::from(byte)))
}

/// How the executions of the file were met.
struct Hits {
    first: u64,
    among: u64,
    crossing: u64,
}

impl Hits {
    fn count(hour: &Hour, run: &Run) -> Self {
        let mut hits = Hits {
            first: 0,
            among: 0,
            crossing: 0,
        };
        let mut executions = hour.executions.iter().peekable();
        for fills in run.trades.chunk_by(|one, next| one.aggressor == next.aggressor) {
            let aggressor = fills[0].aggressor;
            while executions.next_if(|(order, _)| *order < aggressor).is_some() {}
            match executions.next_if(|(order, _)| *order == aggressor) {
                Some(&(_, target)) => {
                    hits.first += u64::from(fills[0].resting == target);
                    hits.among += u64::from(fills.iter().any(|fill| fill.resting == target));
                }
                None => hits.crossing += 1,
            }
        }
        hits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::Trade;

    const SIDECAR: &str = "x.bin: total=3 fill=1 bench=2 max_id=3\n mix: GTC=2 (66.67%)\n \
         fill : trades=11 qty=103 notional=3090000 hash=06f3f9b83cc73354 | bids n=489 qty=8608 lv=239 asks n=500 qty=8337 lv=229\n \
         bench: trades=2 qty=9 notional=902 hash=00000000000000ff | bids n=1 qty=2 lv=3 asks n=4 qty=5 lv=6\n";

    #[test]
    fn a_sidecar_is_read_whole_and_a_broken_one_is_told() {
        let read = parse_expectation(SIDECAR).expect("a well-formed sidecar");
        let totals = |orders, lots, levels| SideTotals { orders, lots, levels };
        assert_eq!((read.fill.trades, read.fill.hash), (11, 0x06f3_f9b8_3cc7_3354));
        assert_eq!(
            (read.rest.quantity, read.rest.notional, read.rest.hash),
            (9, 902, 255)
        );
        assert_eq!(read.sides, [totals(1, 2, 3), totals(4, 5, 6)]);
        for broken in ["", "fill: trades=1\n", &SIDECAR.replace("lv=6", "lv=x")] {
            assert!(parse_expectation(broken).is_err(), "{broken:?} was taken");
        }
    }

    #[test]
    fn a_figure_that_differs_is_counted_and_shown() {
        let want = parse_expectation(SIDECAR).expect("a well-formed sidecar");
        let mut run = Run::default();
        run.book.sides = want.sides;
        let report = flow(&run, Some(&want));
        assert_eq!((report.compared(), report.differences()), (14, 8));
        assert!(report.text().contains("DIFFERS: expected 06f3f9b83cc73354"));
        assert_eq!(flow(&run, None).compared(), 0);
        let mut part = report;
        part.compare_nothing();
        assert_eq!((part.compared(), part.differences()), (0, 0));
    }

    #[test]
    fn a_fill_of_another_order_is_no_hit_and_a_crossing_submission_no_execution() {
        let trade = |aggressor, resting| Trade {
            aggressor,
            resting,
            price: 1,
            quantity: 1,
        };
        let hour = Hour {
            executions: vec![(5, 1), (6, 2), (7, 3), (9, 4)],
            ..Hour::default()
        };
        let run = Run {
            trades: vec![trade(5, 1), trade(6, 3), trade(6, 2), trade(8, 2), trade(9, 1)],
            ..Run::default()
        };
        let hits = Hits::count(&hour, &run);
        assert_eq!((hits.first, hits.among, hits.crossing), (1, 2, 1));
    }
}
