//! What pairs of runs say of each figure.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::side::Name;
use super::statistics::{Interval, median};
use super::summary::{Key, Summary};

/// The fewest pairs of which a verdict is given.
pub const ENOUGH: usize = 10;

/// Three runs in turn: of one side, of the other, and of the first again.
pub struct Pair {
    /// Whose the first and the third are.
    pub first: Name,
    /// The runs.
    pub runs: [Summary; 3],
}

/// What is said of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// B's is lower than A's, and that is better.
    LowerBetter,
    /// B's is lower than A's, and that is worse.
    LowerWorse,
    /// B's is higher than A's, and that is better.
    HigherBetter,
    /// B's is higher than A's, and that is worse.
    HigherWorse,
    /// None that stands out of the noise.
    NoDifference,
    /// There are fewer than [`ENOUGH`] pairs.
    TooFewPairs,
    /// The figure's name does not say which way is better.
    NotJudged,
}

/// What a change is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Percent, of the median of ratios.
    Percent,
    /// The figure's own unit: it was zero or less in some run, and has no ratio.
    Own,
}

/// By how much a figure changes, 0 for not at all.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The median over the pairs.
    pub median: f64,
    /// Where its true value lies; `None` of too few pairs.
    pub interval: Option<Interval>,
}

/// A figure that every run has.
#[derive(Debug, Serialize)]
pub struct Figure {
    /// The row's name.
    pub row: String,
    /// The figure's name.
    pub figure: String,
    /// The median of A's runs.
    pub a: f64,
    /// The median of B's runs.
    pub b: f64,
    /// What the changes are in.
    pub unit: Unit,
    /// From A to B, within a pair.
    pub change: Change,
    /// From a side to the same side again, within a pair: the noise.
    pub noise: Change,
    /// What follows.
    pub verdict: Verdict,
}

/// All that the pairs say.
#[derive(Debug, Default, Serialize)]
pub struct Findings {
    /// The figures, by row and name.
    pub figures: Vec<Figure>,
    /// Figures that no run of B has.
    pub only_a: Vec<Key>,
    /// Figures that no run of A has.
    pub only_b: Vec<Key>,
    /// Figures that runs of both sides have, but not every run.
    pub not_always: Vec<Key>,
}

impl Findings {
    /// Looks at each figure on its own.
    pub fn of(pairs: &[Pair]) -> Self {
        let mut findings = Self::default();
        let runs = || {
            let named = |pair: &Pair| [pair.first, pair.first.other(), pair.first];
            pairs
                .iter()
                .flat_map(move |pair| named(pair).into_iter().zip(&pair.runs))
        };
        let keys: BTreeSet<&Key> = runs().flat_map(|(_, run)| run.figures.keys()).collect();
        for key in keys {
            let mut have: BTreeMap<bool, usize> = BTreeMap::new();
            runs()
                .filter(|(_, run)| run.figures.contains_key(key))
                .for_each(|(name, _)| *have.entry(name == Name::A).or_default() += 1);
            let (a, b) = (have.contains_key(&true), have.contains_key(&false));
            match (a, b) {
                _ if have.values().sum::<usize>() == pairs.len() * 3 => {
                    findings.figures.push(Figure::of(key, pairs))
                }
                (true, false) => findings.only_a.push(key.clone()),
                (false, true) => findings.only_b.push(key.clone()),
                _ => findings.not_always.push(key.clone()),
            }
        }
        findings
    }
}

impl Figure {
    fn of(key: &Key, pairs: &[Pair]) -> Self {
        let values: Vec<(Name, [f64; 3])> = pairs
            .iter()
            .map(|pair| (pair.first, pair.runs.each_ref().map(|run| run.figures[key])))
            .collect();
        let of_side = |side: Name| {
            let runs = values.iter().flat_map(|&(first, [one, other, again])| {
                if first == side {
                    vec![one, again]
                } else {
                    vec![other]
                }
            });
            median(&runs.collect::<Vec<f64>>())
        };
        let is_ratio = values.iter().all(|(_, runs)| runs.iter().all(|&run| run > 0.0));
        let unit = if is_ratio { Unit::Percent } else { Unit::Own };
        let on_scale = |value: f64| if is_ratio { value.ln() } else { value };
        // The other side is held against the middle of the two runs around it, so that a machine which slowly becomes
        // faster or slower favours nobody.
        let changes = values.iter().map(|&(first, runs)| {
            let [one, other, again] = runs.map(on_scale);
            let change = other - one.midpoint(again);
            if first == Name::A { change } else { -change }
        });
        let noise = values
            .iter()
            .map(|&(_, [one, _, again])| on_scale(again) - on_scale(one));
        let change = Change::of(&changes.collect::<Vec<f64>>(), unit);
        let noise = Change::of(&noise.collect::<Vec<f64>>(), unit);
        let (row, figure) = key.clone();
        Self {
            verdict: verdict(&figure, pairs.len(), &change, &noise),
            a: of_side(Name::A),
            b: of_side(Name::B),
            row,
            figure,
            unit,
            change,
            noise,
        }
    }
}

impl Change {
    fn of(changes: &[f64], unit: Unit) -> Self {
        let told = |change: f64| match unit {
            Unit::Percent => change.exp_m1() * 100.0,
            Unit::Own => change,
        };
        Self {
            median: told(median(changes)),
            interval: Interval::of_median(changes).map(|Interval { low, high }| Interval {
                low: told(low),
                high: told(high),
            }),
        }
    }
}

/// Whether less of a figure is better; `None` where its name does not say.
fn less_is_better(figure: &str) -> Option<bool> {
    if ["_ns", "_us", "stalls"].iter().any(|end| figure.ends_with(end)) {
        return Some(true);
    }
    figure.ends_with("_per_s").then_some(false)
}

fn verdict(figure: &str, pairs: usize, change: &Change, noise: &Change) -> Verdict {
    let Some(less_is_better) = less_is_better(figure) else {
        return Verdict::NotJudged;
    };
    let (Some(interval), Some(noise)) = (change.interval, noise.interval) else {
        return Verdict::TooFewPairs;
    };
    if pairs < ENOUGH {
        return Verdict::TooFewPairs;
    }
    if interval.holds(0.0) || interval.meets(&noise) {
        return Verdict::NoDifference;
    }
    match (interval.high < 0.0, less_is_better) {
        (true, true) => Verdict::LowerBetter,
        (true, false) => Verdict::LowerWorse,
        (false, true) => Verdict::HigherWorse,
        (false, false) => Verdict::HigherBetter,
    }
}

#[cfg(test)]
mod tests;
