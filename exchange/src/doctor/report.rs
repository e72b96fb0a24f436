//! Findings, and how they are told.

use serde_json::{Value, json};

/// What a finding comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    /// As it should be.
    Fine,
    /// It works, and orders wait longer than they would have to.
    Costs,
    /// A promise is broken, or the exchange will not start.
    Broken,
    /// It cannot be seen from here.
    Unknown,
}

impl Grade {
    /// Every grade, in the order of the summary.
    pub const ALL: [Grade; 4] = [Grade::Fine, Grade::Costs, Grade::Broken, Grade::Unknown];

    /// As it is written for people.
    pub const fn words(self) -> &'static str {
        match self {
            Grade::Fine => "fine",
            Grade::Costs => "costs latency",
            Grade::Broken => "broken",
            Grade::Unknown => "unknown",
        }
    }

    /// As it is written in JSON.
    pub const fn key(self) -> &'static str {
        match self {
            Grade::Costs => "costs_latency",
            other => other.words(),
        }
    }
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at; stable, for programs.
    pub check: String,
    /// What it comes to.
    pub grade: Grade,
    /// What was found.
    pub found: String,
    /// What that costs; empty where it is fine.
    pub cost: String,
    /// What to do about it: a command or a setting that exists; empty where there is nothing to do.
    pub mend: String,
}

impl Finding {
    /// It is as it should be.
    pub fn fine(check: &str, found: impl Into<String>) -> Finding {
        Self::new(check, Grade::Fine, found.into(), "", "")
    }

    /// It costs latency.
    pub fn costs(check: &str, found: impl Into<String>, cost: &str, mend: impl AsRef<str>) -> Finding {
        Self::new(check, Grade::Costs, found.into(), cost, mend.as_ref())
    }

    /// It breaks a promise.
    pub fn broken(check: &str, found: impl Into<String>, cost: &str, mend: impl AsRef<str>) -> Finding {
        Self::new(check, Grade::Broken, found.into(), cost, mend.as_ref())
    }

    /// It cannot be seen; `mend` says who could, or what to look at.
    pub fn unknown(check: &str, found: impl Into<String>, cost: &str, mend: impl AsRef<str>) -> Finding {
        Self::new(check, Grade::Unknown, found.into(), cost, mend.as_ref())
    }

    fn new(check: &str, grade: Grade, found: String, cost: &str, mend: &str) -> Finding {
        Finding {
            check: check.to_owned(),
            grade,
            found,
            cost: cost.to_owned(),
            mend: mend.to_owned(),
        }
    }

    /// One line.
    pub fn line(&self) -> String {
        let mut line = format!("{:<14} {:<20} {}", self.grade.words(), self.check, self.found);
        for (what, text) in [("cost", &self.cost), ("mend", &self.mend)] {
            if !text.is_empty() {
                line.push_str(&format!("; {what}: {text}"));
            }
        }
        // What a file held may hold a line's end, and nothing else may come to look like a finding.
        line.replace(|c: char| c.is_control(), " ")
    }

    fn json(&self) -> Value {
        json!({
            "check": self.check,
            "grade": self.grade.key(),
            "found": self.found,
            "cost": self.cost,
            "mend": self.mend,
        })
    }
}

/// All findings.
#[derive(Debug, Default)]
pub struct Report {
    findings: Vec<Finding>,
}

impl Report {
    /// Adds findings.
    pub fn extend(&mut self, findings: Vec<Finding>) {
        self.findings.extend(findings);
    }

    /// How many are of this grade.
    pub fn count(&self, grade: Grade) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.grade == grade)
            .count()
    }

    /// A line for each, and one that counts them.
    pub fn text(&self) -> String {
        let mut text: String = self
            .findings
            .iter()
            .map(|finding| finding.line() + "\n")
            .collect();
        let counted = Grade::ALL.map(|grade| format!("{} {}", self.count(grade), grade.words()));
        text.push_str(&counted.join(", "));
        text
    }

    /// One object: `checks`, and a count for each grade.
    pub fn json(&self) -> String {
        let mut object = json!({ "checks": self.findings.iter().map(Finding::json).collect::<Vec<_>>() });
        for grade in Grade::ALL {
            object[grade.key()] = self.count(grade).into();
        }
        object.to_string()
    }
}
