//! Reads a profile that callgrind wrote ("Callgrind Format Specification" in Valgrind's manual).

use std::collections::{BTreeMap, HashMap};

use crate::failure::{Failure, Outcome};

/// Where instructions were executed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// The source file; that of the inlined code where code was inlined.
    pub file: String,
    /// The function of the machine code, which others may have been inlined into.
    pub function: String,
    /// The line in the file; 0 where it is not known.
    pub line: u64,
}

/// What was executed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// Instructions by where they were executed, without those of what is called from there.
    pub costs: BTreeMap<Spot, u64>,
    /// By function and where it is called from: the instructions of these calls, with all that they call.
    pub calls: BTreeMap<String, BTreeMap<Spot, u64>>,
}

/// Reads a profile of one event, instructions.
///
/// # Errors
/// When it is none, or its lines do not add up to its own total.
pub fn parse(text: &str) -> Outcome<Profile> {
    let mut reader = Reader::default();
    for (number, line) in text.lines().enumerate() {
        reader.line(line).ok_or_else(|| {
            Failure::new(format!(
                "callgrind's line {} is not understood: {line}",
                number + 1
            ))
        })?;
    }
    let sum: u64 = reader.profile.costs.values().sum();
    if reader.total != Some(sum) {
        return Err(Failure::new(format!(
            "callgrind's lines add up to {sum} instructions and not to its total, {:?}",
            reader.total
        )));
    }
    Ok(reader.profile)
}

#[derive(Default)]
struct Reader {
    profile: Profile,
    files: HashMap<String, String>,
    functions: HashMap<String, String>,
    file: String,
    function: String,
    line: u64,
    called: String,
    /// The next line of costs tells what a call cost in all.
    is_call: bool,
    total: Option<u64>,
}

impl Reader {
    fn line(&mut self, line: &str) -> Option<()> {
        if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
            return self.costs(line);
        }
        if let Some((key, name)) = line.split_once('=') {
            match key {
                "fl" | "fi" | "fe" => self.file = named(&mut self.files, name)?,
                "fn" => self.function = named(&mut self.functions, name)?,
                "cfi" | "cfl" => _ = named(&mut self.files, name)?,
                "cfn" => self.called = named(&mut self.functions, name)?,
                "calls" => self.is_call = true,
                _ => (),
            }
        } else if let Some(total) = line.strip_prefix("totals:") {
            self.total = Some(total.trim().parse().ok()?);
        } else if let Some(events) = line.strip_prefix("events:") {
            (events.trim() == "Ir").then_some(())?;
        } else if let Some(positions) = line.strip_prefix("positions:") {
            (positions.trim() == "line").then_some(())?;
        }
        Some(())
    }

    /// A line number, which may be told as how far it lies from the one before, and a cost.
    fn costs(&mut self, line: &str) -> Option<()> {
        let mut words = line.split_whitespace();
        let position = words.next()?;
        self.line = match position.split_at_checked(1)? {
            ("*", "") => self.line,
            ("+", further) => self.line.checked_add(further.parse().ok()?)?,
            ("-", back) => self.line.checked_sub(back.parse().ok()?)?,
            _ => position.parse().ok()?,
        };
        let cost: u64 = words.next().map_or(Some(0), |word| word.parse().ok())?;
        let spot = Spot {
            file: self.file.clone(),
            function: self.function.clone(),
            line: self.line,
        };
        let costs = if std::mem::take(&mut self.is_call) {
            self.profile.calls.entry(self.called.clone()).or_default()
        } else {
            &mut self.profile.costs
        };
        *costs.entry(spot).or_default() += cost;
        Some(())
    }
}

/// `(7) name` names it, `(7)` means it, and a name alone is one.
fn named(names: &mut HashMap<String, String>, text: &str) -> Option<String> {
    let Some(numbered) = text.strip_prefix('(').and_then(|rest| rest.split_once(')')) else {
        return Some(text.to_owned());
    };
    // A name that begins with a bracket is no number.
    if !numbered.0.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(text.to_owned());
    }
    match numbered {
        (number, "") => names.get(number).cloned(),
        (number, name) => {
            let name = name.trim_start().to_owned();
            names.insert(number.to_owned(), name.clone());
            Some(name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As callgrind 3.19 writes it, made shorter: two functions, one inlined into the other, and a call.
    const FIXTURE: &str = include_str!("fixture.callgrind");

    #[test]
    fn a_line_costs_what_it_costs_itself_and_inlined_code_is_in_its_own_file() {
        let profile = parse(FIXTURE).expect("a profile");
        let costs: Vec<(&str, &str, u64, u64)> = profile
            .costs
            .iter()
            .map(|(spot, cost)| (spot.file.as_str(), spot.function.as_str(), spot.line, *cost))
            .collect();
        assert_eq!(
            costs,
            [
                ("/rustc/59807616/library/core/src/num.rs", "charge", 3185, 30),
                (
                    "/rustc/59807616/library/core/src/num.rs",
                    "measured::engine",
                    3185,
                    5
                ),
                ("/src/engine.rs", "measured::engine", 10, 120),
                ("/src/engine.rs", "measured::engine", 14, 40),
                ("/src/units.rs", "charge", 88, 7),
                ("/src/units.rs", "charge", 90, 100),
                ("???", "(below main)", 0, 0),
            ]
        );
        let calls: Vec<(&str, &str, u64, u64)> = (profile.calls.iter())
            .flat_map(|(called, from)| from.iter().map(move |(spot, cost)| (called, spot, cost)))
            .map(|(called, spot, cost)| (called.as_str(), spot.function.as_str(), spot.line, *cost))
            .collect();
        assert_eq!(
            calls,
            [
                ("charge", "measured::engine", 10, 137),
                ("measured::engine", "(below main)", 0, 302)
            ]
        );
    }

    #[test]
    fn a_profile_that_is_not_understood_is_not_believed() {
        for (from, to, told) in [
            ("totals: 302", "totals: 303", "add up to 302"),
            ("totals: 302", "", "None"),
            ("events: Ir", "events: Ir Dr", "events: Ir Dr"),
            ("positions: line", "positions: instr line", "instr"),
            ("90 100", "90 many", "90 many"),
            ("fn=(2)\n", "fn=(99)\n", "fn=(99)"),
        ] {
            assert!(FIXTURE.contains(from), "{from}");
            let failure = parse(&FIXTURE.replacen(from, to, 1)).expect_err(to).to_string();
            assert!(failure.contains(told), "{failure}");
        }
    }
}
