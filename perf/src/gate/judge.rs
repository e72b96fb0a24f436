//! Holds counts against the known ones, and says where they went.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::counts::{Counts, Known};

/// How far a count may lie off, either way, in percent. Fewer is a fault of the file, which then hides the next loss.
const TOLERANCE: f64 = 3.0;
/// Counts that lie less apart are the same: what is small is not measured in percent.
const LEAST_INSTRUCTIONS: f64 = 0.5;
const LEAST_ALLOCATIONS: f64 = 0.001;
/// How many places are named at most.
const MOST_PLACES: usize = 8;

/// What came out.
pub struct Judgment {
    /// Whether every count is what it must be.
    pub holds: bool,
    /// A line for each operation, and beneath one that is off, where it changed.
    pub text: String,
}

/// Compares. With `all`, an operation that is known and was not counted is off, too.
pub fn judge(known: &Known, counts: &[Counts], all: bool) -> Judgment {
    let mut judgment = Judgment {
        holds: true,
        text: String::new(),
    };
    for got in counts {
        match known.counts.iter().find(|one| one.name == got.name) {
            Some(want) => judgment.one(got, want),
            None => judgment.off(&format!(
                "{:<16} {:>8.1} instructions, {:.4} allocations; not in the file  <- NEW",
                got.name, got.instructions, got.allocations
            )),
        }
    }
    let is_missing = |one: &&Counts| all && counts.iter().all(|got| got.name != one.name);
    for missing in known.counts.iter().filter(is_missing) {
        judgment.off(&format!(
            "{:<16} in the file, and no longer counted  <- GONE",
            missing.name
        ));
    }
    judgment
}

impl Judgment {
    fn off(&mut self, line: &str) {
        self.holds = false;
        let _ = writeln!(self.text, "{line}");
    }

    fn one(&mut self, got: &Counts, want: &Counts) {
        let is_off = is_off(got.instructions, want.instructions, LEAST_INSTRUCTIONS)
            || is_off(got.allocations, want.allocations, LEAST_ALLOCATIONS);
        let recounted = got.operations != want.operations;
        let _ = writeln!(
            self.text,
            "{:<16} {:>8.1} instructions ({:.1} known, {:+.1} %), {:.4} allocations ({:.4} known){}{}",
            got.name,
            got.instructions,
            want.instructions,
            percent(got.instructions, want.instructions),
            got.allocations,
            want.allocations,
            if is_off { "  <- OFF" } else { "" },
            if recounted {
                "  <- OF ANOTHER NUMBER OF OPERATIONS"
            } else {
                ""
            },
        );
        if is_off {
            self.text.push_str(&culprits(got, want));
        }
        self.holds &= !is_off && !recounted;
    }
}

/// By how much `got` is more than `want`; what is rounded off in the file is nothing.
fn percent(got: f64, want: f64) -> f64 {
    let change = (got / want - 1.0) * 100.0;
    if change.abs() < 0.05 { 0.0 } else { change }
}

fn is_off(got: f64, want: f64, least: f64) -> bool {
    // What is read from the file was rounded there.
    (got - want).abs() >= least && (got - want).abs() > want * TOLERANCE / 100.0
}

/// The places that changed most. One that is not in the file had less than what is written there, and is taken to have had
/// just that.
fn culprits(got: &Counts, want: &Counts) -> String {
    let places: BTreeSet<&String> = got.places.keys().chain(want.places.keys()).collect();
    let least = want.least_written();
    let mut changes: Vec<(f64, String)> = places
        .into_iter()
        .map(|place| {
            let now = got.places.get(place).copied().unwrap_or(0.0);
            let before = want.places.get(place).copied();
            let text = match before {
                Some(before) => format!("{place} ({now:.1} after {before:.1})"),
                None => format!("{place} ({now:.1} after less than {least:.1})"),
            };
            (now - before.unwrap_or(least.min(now)), text)
        })
        .filter(|(change, _)| change.abs() >= least)
        .collect();
    changes.sort_by(|(one, name), (other, other_name)| {
        other
            .abs()
            .total_cmp(&one.abs())
            .then_with(|| name.cmp(other_name))
    });
    if changes.is_empty() {
        return "  its instructions are spread as before\n".to_owned();
    }
    let mut out = "  where it changed, in instructions each time:\n".to_owned();
    for (change, place) in changes.into_iter().take(MOST_PLACES) {
        let _ = writeln!(out, "    {change:>+8.1}  {place}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(name: &str, instructions: f64, allocations: f64, push: f64) -> Counts {
        let places = [("book.rs fn push", push), ("cmp.rs in walk", instructions - push)];
        Counts {
            name: name.to_owned(),
            operations: 1_000,
            instructions,
            allocations,
            places: places.map(|(place, cost)| (place.to_owned(), cost)).into(),
        }
    }

    fn check(got: &[Counts], all: bool, holds: bool, words: &[&str]) {
        let known = Known {
            tools: String::new(),
            counts: vec![
                counts("walk", 1_000.0, 0.0, 300.0),
                counts("ring", 10.0, 1.0, 5.0),
            ],
        };
        let judgment = judge(&known, got, all);
        assert_eq!(judgment.holds, holds, "{}", judgment.text);
        for word in words {
            assert!(
                judgment.text.contains(word),
                "{word:?} is not in\n{}",
                judgment.text
            );
        }
    }

    #[test]
    fn a_loss_and_a_gain_are_told_and_what_hides_one_too() {
        let walk = |instructions, push| counts("walk", instructions, 0.0, push);
        let ring = |instructions, allocations| counts("ring", instructions, allocations, 5.0);
        let same = || ring(10.0, 1.0);
        check(&[walk(1_000.0, 300.0), same()], true, true, &["+0.0 %"]);
        check(&[walk(1_030.0, 330.0), same()], true, true, &["+3.0 %"]);
        check(&[walk(970.0, 270.0), same()], true, true, &["-3.0 %"]);
        let told = ["<- OFF", "+40.0  book.rs fn push (340.0 after 300.0)"];
        check(&[walk(1_040.0, 340.0), same()], true, false, &told);
        check(
            &[walk(960.0, 260.0), same()],
            true,
            false,
            &["<- OFF", "-40.0  book.rs fn push"],
        );
        check(&[walk(1_000.0, 300.0), ring(10.4, 1.0)], true, true, &["+4.0 %"]);
        check(&[walk(1_000.0, 300.0), ring(10.6, 1.0)], true, false, &["<- OFF"]);
        check(
            &[walk(1_000.0, 300.0), ring(10.0, 1.1)],
            true,
            false,
            &["1.1000 allocations", "as before"],
        );
        check(&[walk(1_000.0, 300.0), ring(10.0, 0.0)], true, false, &["<- OFF"]);
        check(
            &[counts("walk", 1_000.0, 0.01, 300.0), same()],
            true,
            false,
            &["<- OFF"],
        );
    }

    #[test]
    fn an_operation_that_only_one_of_both_has_is_told() {
        let walk = || counts("walk", 1_000.0, 0.0, 300.0);
        check(&[walk()], true, false, &["ring", "<- GONE"]);
        check(&[walk()], false, true, &[]);
        check(&[counts("new", 1.0, 0.0, 1.0)], false, false, &["<- NEW"]);
        let mut more = walk();
        more.operations = 999;
        check(&[more], false, false, &["ANOTHER NUMBER"]);
    }

    #[test]
    fn a_place_that_is_new_is_named() {
        let mut got = counts("walk", 1_100.0, 0.0, 300.0);
        got.places = [
            ("book.rs fn push", 300.0),
            ("cmp.rs in walk", 700.0),
            ("waste.rs fn burn", 100.0),
        ]
        .map(|(place, cost)| (place.to_owned(), cost))
        .into();
        check(
            &[got],
            false,
            false,
            &["+95.0  waste.rs fn burn (100.0 after less than 5.0)"],
        );
    }
}
