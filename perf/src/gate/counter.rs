//! Builds the program of the operations and runs it under callgrind.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use super::counts::{Counts, Done};
use super::places::Places;
use super::{callgrind, workspace};
use crate::failure::{Context, Failure, Outcome};

/// The program of the operations, and what counts depend on beside it.
pub struct Counter {
    program: PathBuf,
    compiler: String,
    valgrind: String,
}

/// What is counted.
pub struct Operation {
    /// Its name.
    pub name: String,
    /// The function of the program's module `measured` inside which is counted.
    function: String,
}

/// What cargo says of a thing it has built.
#[derive(Deserialize)]
struct Artifact {
    executable: Option<PathBuf>,
}

impl Counter {
    /// Builds it as it is now, in the release profile.
    ///
    /// # Errors
    /// When a tool is missing, and what to install, or the build fails.
    pub fn build() -> Outcome<Self> {
        let valgrind = version("valgrind").ok_or_else(|| {
            Failure::new(
                "valgrind is not installed (package valgrind); ./scripts/gate.sh installs it where it may",
            )
        })?;
        let compiler = version("rustc")
            .ok_or_else(|| Failure::new("rustc is not found: what is counted is built when it is counted"))?;
        let output = Command::new("cargo")
            .args([
                "build",
                "--release",
                "--locked",
                "-p",
                "hoga-perf",
                "--bin",
                "gate",
            ])
            .arg("--message-format=json-render-diagnostics")
            .current_dir(workspace())
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .context(|| "cannot run cargo".to_owned())?;
        let said = String::from_utf8_lossy(&output.stdout);
        let built = said
            .lines()
            .filter_map(|line| serde_json::from_str::<Artifact>(line).ok());
        let program = built.filter_map(|artifact| artifact.executable).next_back();
        match program {
            Some(program) if output.status.success() => Ok(Self {
                program,
                compiler,
                valgrind,
            }),
            _ => Err(Failure::new("cargo could not build what is counted")),
        }
    }

    /// Compiler and valgrind, in words.
    pub fn tools(&self) -> String {
        format!("{}, {}", self.compiler, self.valgrind)
    }

    /// All operations.
    ///
    /// # Errors
    /// When the program does not list them.
    pub fn operations(&self) -> Outcome<Vec<Operation>> {
        let what = || format!("cannot ask {} what there is to count", self.program.display());
        let output = Command::new(&self.program).output().context(what)?;
        let said = String::from_utf8_lossy(&output.stdout);
        let operations = said.lines().filter_map(|line| {
            let (name, function) = line.split_once(' ')?;
            Some(Operation {
                name: name.to_owned(),
                function: function.to_owned(),
            })
        });
        Ok(operations.collect())
    }

    /// Counts an operation; `folder` takes what callgrind writes.
    ///
    /// # Errors
    /// When valgrind or the operation fails, or its function was not seen.
    pub fn count(&self, operation: &Operation, folder: &Path) -> Outcome<Counts> {
        let Operation { name, function } = operation;
        let path = folder.join(name.replace('/', "-"));
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--quiet"])
            .arg(format!("--callgrind-out-file={}", path.display()))
            .arg(format!("--toggle-collect=gate::measured::{function}"))
            .arg(&self.program)
            .arg(name)
            .stdin(Stdio::null())
            .output()
            .context(|| "cannot run valgrind".to_owned())?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(Failure::new(format!(
                "{name} failed under valgrind ({}):\n{said}",
                output.status
            )));
        }
        let said = String::from_utf8_lossy(&output.stdout);
        let done: Done = said.parse().context(|| name.clone())?;
        let text = std::fs::read_to_string(&path).context(|| format!("cannot read {}", path.display()))?;
        let profile = callgrind::parse(&text).context(|| name.clone())?;
        let instructions: u64 = profile.costs.values().sum();
        if instructions == 0 {
            return Err(Failure::new(format!(
                "{name}: callgrind saw no call of measured::{function}"
            )));
        }
        let places = Places::of(workspace()).costs(&profile);
        Ok(Counts::new(name, done, instructions, places))
    }
}

/// The first line of what a tool says of its version.
fn version(tool: &str) -> Option<String> {
    let output = Command::new(tool)
        .arg("--version")
        .current_dir(workspace())
        .output()
        .ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    let first = said.lines().next()?;
    output.status.success().then(|| first.trim().to_owned())
}
