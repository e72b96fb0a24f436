//! Counts, and the file in which the known ones are kept.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::failure::{Context, Failure, Outcome};

/// A place is written to the file where it has at least this share of its operation's instructions.
const LEAST_SHARE: f64 = 0.005;

/// How often an operation was done, and what all of that allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    operations: u64,
    allocations: u64,
}

/// What one operation takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Counts {
    /// The operation.
    pub name: String,
    /// How often it was done.
    pub operations: u64,
    /// Instructions each time.
    pub instructions: f64,
    /// Allocations each time.
    pub allocations: f64,
    /// Instructions each time by place: all, or those of the file.
    pub places: BTreeMap<String, f64>,
}

/// The known counts.
#[derive(Debug, Default, PartialEq)]
pub struct Known {
    /// Compiler and valgrind they were counted with.
    pub tools: String,
    /// The counts, in the order of the file.
    pub counts: Vec<Counts>,
}

impl std::str::FromStr for Done {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Option<Vec<u64>> = text.split_whitespace().map(|word| word.parse().ok()).collect();
        match numbers.as_deref() {
            Some(&[operations, allocations]) if operations > 0 => Ok(Self {
                operations,
                allocations,
            }),
            _ => Err(format!(
                "{text:?} does not say how many operations and allocations there were"
            )),
        }
    }
}

impl Counts {
    /// Of what was done and all its instructions.
    pub fn new(name: &str, done: Done, instructions: u64, places: BTreeMap<String, f64>) -> Self {
        let each = |count: f64| count / done.operations as f64;
        Self {
            name: name.to_owned(),
            operations: done.operations,
            instructions: each(instructions as f64),
            allocations: each(done.allocations as f64),
            places: places
                .into_iter()
                .map(|(place, cost)| (place, each(cost)))
                .collect(),
        }
    }

    /// What a place must have to be written.
    pub fn least_written(&self) -> f64 {
        self.instructions * LEAST_SHARE
    }
}

impl Known {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// When it is not there, or a line is not understood.
    pub fn read(path: &Path) -> Outcome<Self> {
        let text = std::fs::read_to_string(path).context(|| {
            format!(
                "cannot read {} (run this from the repository's root, and write the file by --update where there is none)",
                path.display()
            )
        })?;
        Self::parse(&text).context(|| path.display().to_string())
    }

    /// Writes the file at `path`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> Outcome<()> {
        std::fs::write(path, self.text()).context(|| format!("cannot write {}", path.display()))
    }

    /// Puts `counts` in the place of those of the same operations, or behind all others.
    pub fn replace(&mut self, counts: Vec<Counts>) {
        for new in counts {
            match self.counts.iter_mut().find(|old| old.name == new.name) {
                Some(old) => *old = new,
                None => self.counts.push(new),
            }
        }
    }

    fn text(&self) -> String {
        let mut out = format!(
            "# Instructions and allocations of each operation on an order's way: written by ./scripts/gate.sh --update\n\
             with {}\n\
             # operation, how often it was done, instructions and allocations each time\n",
            self.tools
        );
        for one in &self.counts {
            let Counts { name, operations, .. } = one;
            let _ = writeln!(
                out,
                "{name} {operations} {:.2} {:.4}",
                one.instructions, one.allocations
            );
        }
        out.push_str("# where: operation, instructions each time, place\n");
        for one in &self.counts {
            let is_large = |(_, cost): &(&String, &f64)| **cost >= one.least_written();
            let mut places: Vec<(&String, &f64)> = one.places.iter().filter(is_large).collect();
            places.sort_by(|(name, cost), (other, other_cost)| {
                other_cost.total_cmp(cost).then(name.cmp(other))
            });
            for (place, cost) in places {
                let _ = writeln!(out, "at {} {cost:.1} {place}", one.name);
            }
        }
        out
    }

    fn parse(text: &str) -> Outcome<Self> {
        let mut known = Self::default();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim_end();
            if !line.is_empty() && !line.starts_with('#') {
                known
                    .line(line)
                    .ok_or_else(|| Failure::new(format!("line {} is not understood: {line}", number + 1)))?;
            }
        }
        Ok(known)
    }

    fn line(&mut self, line: &str) -> Option<()> {
        let number = |word: &str| {
            word.parse()
                .ok()
                .filter(|value: &f64| value.is_finite() && *value >= 0.0)
        };
        if let Some(tools) = line.strip_prefix("with ") {
            self.tools = tools.to_owned();
            return Some(());
        }
        if let Some(place) = line.strip_prefix("at ") {
            let [name, cost, place] = words(place)?;
            let counts = self.counts.iter_mut().find(|one| one.name == name)?;
            return counts
                .places
                .insert(place.to_owned(), number(cost)?)
                .is_none()
                .then_some(());
        }
        let [name, operations, instructions, allocations] = words(line)?;
        if self.counts.iter().any(|one| one.name == name) {
            return None;
        }
        self.counts.push(Counts {
            name: name.to_owned(),
            operations: operations.parse().ok().filter(|count| *count > 0)?,
            instructions: number(instructions).filter(|count| *count > 0.0)?,
            allocations: number(allocations)?,
            places: BTreeMap::new(),
        });
        Some(())
    }
}

/// Just so many words, of which the last may have spaces in it.
fn words<const N: usize>(line: &str) -> Option<[&str; N]> {
    let words: Vec<&str> = line.splitn(N, ' ').collect();
    words.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(name: &str) -> Counts {
        let done = Done {
            operations: 1_000,
            allocations: 500,
        };
        let places = [
            ("a.rs fn push", 300_000.0),
            ("b.rs in <impl X for Y>::z", 98_500.0),
            ("small", 1_500.0),
        ];
        let places = places.map(|(place, cost)| (place.to_owned(), cost));
        Counts::new(name, done, 400_000, places.into())
    }

    #[test]
    fn what_is_written_is_read_back_and_small_places_are_left_out() {
        let one = counts("engine/a");
        assert_eq!(
            (one.instructions, one.allocations, one.places.len()),
            (400.0, 0.5, 3)
        );
        let mut known = Known {
            tools: "rustc 1, valgrind 2".to_owned(),
            counts: vec![one, counts("walk")],
        };
        let read = Known::parse(&known.text()).expect("its own text");
        known
            .counts
            .iter_mut()
            .for_each(|one| assert!(one.places.remove("small").is_some()));
        assert_eq!(read, known);
        let mut changed = counts("walk");
        changed.instructions = 1.0;
        known.replace(vec![changed.clone(), counts("new")]);
        assert_eq!(known.counts[1..], [changed, counts("new")]);
    }

    #[test]
    fn what_the_program_says_of_its_work_is_two_numbers() {
        assert_eq!(
            "1000 500\n".parse(),
            Ok(Done {
                operations: 1_000,
                allocations: 500
            })
        );
        for bad in ["", "1000", "0 0", "1000 x", "1 2 3"] {
            assert!(bad.parse::<Done>().is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn a_file_that_was_mended_by_hand_is_refused_with_its_line() {
        let text = Known {
            tools: "rustc".to_owned(),
            counts: vec![counts("walk")],
        }
        .text();
        for (from, to) in [
            ("walk 1000 400.00 0.5000", "walk 1000 400.0"),
            ("walk 1000", "walk 0"),
            ("400.00", "NaN"),
            ("400.00", "0.0"),
            ("0.5000", "-1"),
            ("at walk 300.0", "at walk many"),
            ("at walk 300.0", "at other 300.0"),
            (
                "walk 1000 400.00 0.5000",
                "walk 1000 400.00 0.5000\nwalk 1000 400.00 0.5000",
            ),
        ] {
            assert!(text.contains(from), "{from}");
            let told = Known::parse(&text.replacen(from, to, 1))
                .expect_err(to)
                .to_string();
            assert!(told.contains("is not understood"), "{told}");
        }
    }
}
