//! Where a measurement was made: without it a figure means nothing.

use std::process::Command;

use serde::Serialize;

/// Machine, kernel, source and command line.
#[derive(Debug, Serialize)]
pub struct Environment {
    cpu: String,
    cores: usize,
    kernel: String,
    governor: String,
    commit: String,
    build: &'static str,
    command: String,
}

impl Environment {
    /// Of this process, now. What the machine does not tell is "unknown".
    pub fn read() -> Self {
        let file = |path: &str| {
            std::fs::read_to_string(path)
                .ok()
                .map(|text| text.trim().to_owned())
        };
        let unknown = || "unknown".to_owned();
        let cpu = file("/proc/cpuinfo").and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("model name"))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        });
        Self {
            cpu: cpu.unwrap_or_else(unknown),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            kernel: file("/proc/sys/kernel/osrelease").unwrap_or_else(unknown),
            governor: file("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").unwrap_or_else(unknown),
            commit: commit().unwrap_or_else(unknown),
            build: if cfg!(debug_assertions) {
                "debug: NOT for figures"
            } else {
                "release"
            },
            command: std::env::args().collect::<Vec<_>>().join(" "),
        }
    }

    /// A line for each fact.
    pub fn text(&self) -> String {
        let Self {
            cpu,
            cores,
            kernel,
            governor,
            commit,
            build,
            command,
        } = self;
        format!(
            "cpu      {cpu}, {cores} cores, governor {governor}\nkernel   {kernel}\ncommit   {commit}, {build}\n\
             command  {command}\n"
        )
    }
}

/// The commit of the folder that the command runs in, marked when files differ from it.
fn commit() -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--untracked-files=no"])?;
    Some(if changed.is_empty() {
        commit
    } else {
        format!("{commit} with changes")
    })
}
