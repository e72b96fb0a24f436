//! Made-up runs of which it is known whether the sides differ.

use simd_json::OwnedValue;

use super::*;

/// A seeded generator (Steele, Lea and Flood's SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The sum of twelve draws, less six, is nearly normal with a deviation of 1.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.next()).sum::<f64>() - 6.0
    }
}

fn run(figures: &[(&str, &str, f64)]) -> Summary {
    Summary {
        stopped: false,
        figures: figures
            .iter()
            .map(|&(row, figure, value)| ((row.to_owned(), figure.to_owned()), value))
            .collect(),
        environment: OwnedValue::default(),
    }
}

/// Pairs whose runs have one figure, which `make` gives for the side and the number of the run.
fn pairs(count: usize, figure: &str, mut make: impl FnMut(Name, usize) -> f64) -> Vec<Pair> {
    let mut number = 0;
    let mut run = |name| {
        number += 1;
        run(&[("row", figure, make(name, number - 1))])
    };
    (0..count)
        .map(|pair| {
            let first = if pair % 2 == 0 { Name::A } else { Name::B };
            Pair {
                first,
                runs: [run(first), run(first.other()), run(first)],
            }
        })
        .collect()
}

fn judge(pairs: &[Pair]) -> Figure {
    Findings::of(pairs).figures.pop().expect("a figure")
}

/// How the runs of a table's row are made, and how often a verdict of each kind must come out of a thousand seeds.
struct Sample {
    name: &'static str,
    pairs: usize,
    figure: &'static str,
    /// Value of a run: side, its number, a normal deviate and an even one.
    make: fn(Name, usize, f64, f64) -> f64,
    verdict: Verdict,
    at_least: usize,
}

const SEEDS: usize = 1_000;

/// 1 for A and `by` for B.
fn shift(name: Name, by: f64) -> f64 {
    if name == Name::A { 1.0 } else { by }
}

const SAMPLES: [Sample; 12] = [
    Sample {
        name: "the same, small noise",
        pairs: 10,
        figure: "p50_ns",
        make: |_, _, normal, _| 1_000.0 * (0.02 * normal).exp(),
        verdict: Verdict::NoDifference,
        at_least: 950,
    },
    Sample {
        name: "the same, with now and then a run of double length",
        pairs: 10,
        figure: "p999_ns",
        make: |_, _, normal, even| (1.0 + 0.02 * normal) * if even < 0.2 { 2.0 } else { 1.0 },
        verdict: Verdict::NoDifference,
        at_least: 950,
    },
    Sample {
        name: "the same, on a machine that becomes slower by a percent each run",
        pairs: 10,
        figure: "p50_ns",
        make: |_, number, normal, _| 1_000.0 * (0.01 * number as f64 + 0.005 * normal).exp(),
        verdict: Verdict::NoDifference,
        at_least: 950,
    },
    Sample {
        name: "the same, forty pairs",
        pairs: 40,
        figure: "reached_per_s",
        make: |_, _, normal, _| 1e6 * (0.05 * normal).exp(),
        verdict: Verdict::NoDifference,
        at_least: 950,
    },
    Sample {
        name: "the same counts, mostly none",
        pairs: 10,
        figure: "output_full_stalls",
        make: |_, _, _, even| if even < 0.7 { 0.0 } else { 3.0 },
        verdict: Verdict::NoDifference,
        at_least: 950,
    },
    Sample {
        name: "a tenth more, small noise",
        pairs: 10,
        figure: "p50_ns",
        make: |name, _, normal, _| 1_000.0 * shift(name, 1.1) * (0.02 * normal).exp(),
        verdict: Verdict::HigherWorse,
        at_least: 990,
    },
    Sample {
        name: "a tenth less, small noise",
        pairs: 10,
        figure: "p50_us",
        make: |name, _, normal, _| shift(name, 0.9) * (0.02 * normal).exp(),
        verdict: Verdict::LowerBetter,
        at_least: 990,
    },
    Sample {
        name: "a tenth more throughput on a machine that becomes slower",
        pairs: 10,
        figure: "reached_per_s",
        make: |name, number, normal, _| shift(name, 1.1) * (0.02 * normal - 0.005 * number as f64).exp(),
        verdict: Verdict::HigherBetter,
        at_least: 990,
    },
    Sample {
        name: "a tenth less throughput",
        pairs: 12,
        figure: "commands_per_s",
        make: |name, _, normal, _| shift(name, 0.9) * (0.02 * normal).exp(),
        verdict: Verdict::LowerWorse,
        at_least: 990,
    },
    Sample {
        name: "a wait that only B has",
        pairs: 10,
        figure: "stalls",
        make: |name, _, _, even| if name == Name::A { 0.0 } else { 1.0 + even },
        verdict: Verdict::HigherWorse,
        at_least: 1_000,
    },
    Sample {
        name: "double, of nine pairs",
        pairs: 9,
        figure: "p50_ns",
        make: |name, _, normal, _| shift(name, 2.0) * (0.02 * normal).exp(),
        verdict: Verdict::TooFewPairs,
        at_least: 1_000,
    },
    Sample {
        name: "double, of a figure that may mean anything",
        pairs: 10,
        figure: "bytes_a_command",
        make: |name, _, normal, _| shift(name, 2.0) * (0.02 * normal).exp(),
        verdict: Verdict::NotJudged,
        at_least: 1_000,
    },
];

#[test]
fn chance_gives_no_verdict_and_a_real_difference_is_found() {
    for sample in &SAMPLES {
        let right = (0..SEEDS).filter(|&seed| {
            let mut random = Random(seed as u64);
            let pairs = pairs(sample.pairs, sample.figure, |name, number| {
                (sample.make)(name, number, random.normal(), random.next())
            });
            judge(&pairs).verdict == sample.verdict
        });
        let right = right.count();
        assert!(
            right >= sample.at_least,
            "{}: {right} of seeds 0 to {} gave {:?}",
            sample.name,
            SEEDS - 1,
            sample.verdict
        );
    }
}

#[test]
fn one_run_however_wild_makes_no_verdict() {
    for wild in 0..30 {
        let mut random = Random(20_260_412);
        let figure = judge(&pairs(10, "p999_ns", |_, number| {
            let calm = 1_000.0 * (0.02 * random.normal()).exp();
            if number == wild { calm * 1_000.0 } else { calm }
        }));
        assert_eq!(
            figure.verdict,
            Verdict::NoDifference,
            "run {wild} wild\n{figure:?}"
        );
    }
}

#[test]
fn few_pairs_never_give_a_verdict() {
    for count in 1..ENOUGH {
        let figure = judge(&pairs(count, "p50_ns", |name, _| shift(name, 10.0)));
        assert_eq!(figure.verdict, Verdict::TooFewPairs, "{count} pairs");
        assert_eq!((figure.a, figure.b), (1.0, 10.0));
    }
}

#[test]
fn the_change_is_that_from_a_to_b_whoever_runs_first() {
    let figure = judge(&pairs(10, "p50_ns", |name, _| 100.0 * shift(name, 1.25)));
    assert!((figure.change.median - 25.0).abs() < 1e-9, "{figure:?}");
    assert_eq!(figure.noise.median, 0.0);
    let figure = judge(&pairs(10, "stalls", |name, _| shift(name, 4.0) - 1.0));
    assert_eq!((figure.unit, figure.change.median), (Unit::Own, 3.0));
}

#[test]
fn what_not_every_run_has_is_named_and_not_compared() {
    let mut pairs = pairs(2, "p50_ns", |_, _| 1.0);
    let key = |figure: &str| ("row".to_owned(), figure.to_owned());
    for pair in &mut pairs {
        let is_a = [pair.first, pair.first.other(), pair.first].map(|name| name == Name::A);
        for (run, is_a) in pair.runs.iter_mut().zip(is_a) {
            let name = if is_a { "of_a_ns" } else { "of_b_ns" };
            run.figures.insert(key(name), 1.0);
        }
    }
    pairs[0].runs[0].figures.insert(key("once_ns"), 1.0);
    pairs[0].runs[1].figures.insert(key("once_ns"), 1.0);
    let findings = Findings::of(&pairs);
    assert_eq!(findings.figures.len(), 1);
    assert_eq!(
        (&findings.only_a, &findings.only_b),
        (&vec![key("of_a_ns")], &vec![key("of_b_ns")])
    );
    assert_eq!(findings.not_always, [key("once_ns")]);
}
