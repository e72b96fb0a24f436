//! One side of a comparison: a program and its words, run as a child process.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use serde::Serialize;

use super::summary::Summary;
use crate::failure::{Context, Failure, Outcome};
use crate::progress::Stop;

/// How much of a failed run's output is repeated.
const LAST_LINES: usize = 12;

/// The words of a command line, split as a shell splits them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Words(pub Vec<String>);

impl std::str::FromStr for Words {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words = shlex::split(text).ok_or("a quotation mark is left open")?;
        let is_out = |word: &String| word == "--out" || word.starts_with("--out=");
        if words.iter().any(is_out) {
            return Err("leave --out out: each run is given a folder of its own".to_owned());
        }
        Ok(Self(words))
    }
}

/// Which side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// What B is held against.
    A,
    /// What is held against A.
    B,
}

impl Name {
    /// The other one.
    pub const fn other(self) -> Self {
        match self {
            Name::A => Name::B,
            Name::B => Name::A,
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Name::A => "a",
            Name::B => "b",
        })
    }
}

/// What is run for a side.
#[derive(Debug, Serialize)]
pub struct Side {
    binary: PathBuf,
    arguments: Words,
}

impl Side {
    /// Of `binary`, or of this very program.
    ///
    /// # Errors
    /// When the system does not tell which program this is.
    pub fn new(binary: Option<&Path>, arguments: &Words) -> Outcome<Self> {
        let binary = match binary {
            Some(binary) => binary.to_owned(),
            None => std::env::current_exe()
                .context(|| "cannot find this program; name it by --a-binary and --b-binary".to_owned())?,
        };
        Ok(Self {
            binary,
            arguments: arguments.clone(),
        })
    }

    /// Runs it with `--out FOLDER`, what it says in `FOLDER.log`, and reads its summary. `None` where Ctrl-C ended it early:
    /// it is of this process's group and hears of it too.
    ///
    /// # Errors
    /// When it cannot be started, or fails although nobody stopped it.
    pub fn run(&self, folder: &Path, stop: &Stop) -> Outcome<Option<Summary>> {
        let what = || format!("cannot make {}", folder.display());
        std::fs::create_dir_all(folder).context(what)?;
        let log_path = folder.with_extension("log");
        let log = File::create(&log_path).context(what)?;
        let status = Command::new(&self.binary)
            .args(&self.arguments.0)
            .arg("--out")
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().context(what)?)
            .stderr(log)
            .status()
            .context(|| format!("cannot run {}", self.binary.display()))?;
        match self.summary(folder, &log_path, status) {
            Ok(summary) if !summary.stopped => Ok(Some(summary)),
            _ if stop.is_set() => Ok(None),
            Ok(_) => Err(Failure::new(format!(
                "`{self}` was stopped by somebody; begin again"
            ))),
            Err(failure) => Err(failure),
        }
    }

    fn summary(&self, folder: &Path, log: &Path, status: ExitStatus) -> Outcome<Summary> {
        let summary = Summary::read(folder);
        match summary {
            Ok(summary) if status.success() || summary.stopped => Ok(summary),
            Err(failure) if status.success() => Err(Failure::new(format!(
                "`{self}` ended well and left no summary: {failure}"
            ))),
            _ => Err(Failure::new(format!(
                "`{self}` failed ({status}); the end of what it said:\n{}",
                last_lines(log)
            ))),
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.binary.display())?;
        self.arguments.0.iter().try_for_each(|word| write!(f, " {word}"))
    }
}

fn last_lines(log: &Path) -> String {
    let said = std::fs::read(log).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let lines: Vec<&str> = said.lines().collect();
    let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
    last.iter().map(|line| format!("  {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_is_split_as_a_shell_would_and_may_not_name_its_folder() {
        let split = |text: &str| text.parse::<Words>();
        let words = split("pipeline --dir 'a b' --seconds 3").expect("words");
        assert_eq!(words.0, ["pipeline", "--dir", "a b", "--seconds", "3"]);
        for bad in ["matcher 'x", "wire --out x", "wire --out=x"] {
            assert!(split(bad).is_err(), "{bad} was taken");
        }
    }
}
