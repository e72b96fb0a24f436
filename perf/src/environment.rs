//! Where a measurement was made: without it a figure means nothing.

use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::jitter;

const UNKNOWN: &str = "unknown";
/// Words of the kernel's command line that keep cores free of other work.
const ISOLATING: [&str; 5] = ["isolcpus", "nohz_full", "rcu_nocbs", "irqaffinity", "idle"];

/// Machine, kernel, source and command line. What the machine does not tell is "unknown".
#[derive(Debug, Serialize)]
pub struct Environment {
    /// When this was read: seconds since 1970, UTC.
    started: u64,
    cpu: String,
    /// Cores that this process may use.
    cores: usize,
    /// Every cache that core 0 uses: its level, type and size, and the cores that share it.
    caches: Vec<String>,
    /// Whether this is a virtual machine: then steal time and the host's other guests are part of every figure.
    virtual_machine: bool,
    kernel: String,
    governor: String,
    smt: String,
    /// What the kernel was told at boot to keep some cores free; empty for nothing.
    isolation: Vec<String>,
    transparent_huge_pages: String,
    clock_source: String,
    /// What a read of the clock costs, in nanoseconds.
    clock_read_ns: f64,
    /// The smallest step that it takes, in nanoseconds.
    clock_step_ns: u64,
    memory_mib: u64,
    /// Processes that ran or wanted to, on average over the last minute, before this run.
    load_average: String,
    commit: String,
    build: &'static str,
    command: String,
}

impl Environment {
    /// Of this process, now.
    pub fn read() -> Self {
        let unknown = || UNKNOWN.to_owned();
        let cpuinfo = file("/proc/cpuinfo").unwrap_or_default();
        let info = |key: &str| {
            let line = cpuinfo.lines().find(|line| line.starts_with(key))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let (clock_read_ns, clock_step_ns) = jitter::clock();
        Self {
            started: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default()
                .as_secs(),
            cpu: info("model name").unwrap_or_else(unknown),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            caches: caches(),
            virtual_machine: info("flags")
                .is_some_and(|flags| flags.split(' ').any(|flag| flag == "hypervisor")),
            kernel: file("/proc/sys/kernel/osrelease").unwrap_or_else(unknown),
            governor: file("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").unwrap_or_else(unknown),
            smt: file("/sys/devices/system/cpu/smt/control").unwrap_or_else(unknown),
            isolation: isolation(&file("/proc/cmdline").unwrap_or_default()),
            transparent_huge_pages: file("/sys/kernel/mm/transparent_hugepage/enabled")
                .and_then(|text| chosen(&text))
                .unwrap_or_else(unknown),
            clock_source: file("/sys/devices/system/clocksource/clocksource0/current_clocksource")
                .unwrap_or_else(unknown),
            clock_read_ns,
            clock_step_ns,
            memory_mib: file("/proc/meminfo").map_or(0, |text| memory_mib(&text)),
            load_average: file("/proc/loadavg")
                .and_then(|text| Some(text.split(' ').next()?.to_owned()))
                .unwrap_or_else(unknown),
            commit: commit().unwrap_or_else(unknown),
            build: if cfg!(debug_assertions) {
                "debug: NOT for figures"
            } else {
                "release"
            },
            command: std::env::args().collect::<Vec<_>>().join(" "),
        }
    }

    /// What a read of the clock costs, in nanoseconds.
    pub fn clock_read_ns(&self) -> f64 {
        self.clock_read_ns
    }

    /// When this was read, in seconds since 1970, UTC.
    pub fn started(&self) -> u64 {
        self.started
    }

    /// The commit and the command in one line.
    pub fn source(&self) -> String {
        format!("{}; {}", self.commit, self.command)
    }

    /// Every fact with its name, for a person.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        let list = |items: &[String]| match items {
            [] => "none".to_owned(),
            items => items.join(", "),
        };
        let guest = if self.virtual_machine {
            ", a virtual machine"
        } else {
            ""
        };
        vec![
            ("cpu", format!("{}, {} cores{guest}", self.cpu, self.cores)),
            ("caches", list(&self.caches)),
            ("governor", format!("{}; SMT {}", self.governor, self.smt)),
            ("isolation", list(&self.isolation)),
            (
                "memory",
                format!(
                    "{} MiB, transparent huge pages: {}",
                    self.memory_mib, self.transparent_huge_pages
                ),
            ),
            (
                "kernel",
                format!("{}, load {} before", self.kernel, self.load_average),
            ),
            (
                "clock",
                format!(
                    "{}, {:.0} ns a read, steps of {} ns",
                    self.clock_source, self.clock_read_ns, self.clock_step_ns
                ),
            ),
            ("commit", format!("{}, {}", self.commit, self.build)),
            ("command", self.command.clone()),
        ]
    }

    /// A line for each fact.
    pub fn text(&self) -> String {
        let line = |(name, value): (&str, String)| format!("{name:<10} {value}\n");
        self.facts().into_iter().map(line).collect()
    }
}

fn file(path: impl AsRef<Path>) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned())
}

fn caches() -> Vec<String> {
    let folder = Path::new("/sys/devices/system/cpu/cpu0/cache");
    let cache = |index: u32| {
        let of = |name: &str| file(folder.join(format!("index{index}/{name}")));
        Some(format!(
            "L{} {} {} (cores {})",
            of("level")?,
            of("type")?.to_lowercase(),
            of("size")?,
            of("shared_cpu_list")?
        ))
    };
    (0..8).map_while(cache).collect()
}

/// The words of a kernel's command line that isolate cores.
fn isolation(command_line: &str) -> Vec<String> {
    let isolates = |word: &&str| word.split('=').next().is_some_and(|key| ISOLATING.contains(&key));
    let words = command_line.split_whitespace();
    words.filter(isolates).map(str::to_owned).collect()
}

/// The word in brackets, as sysfs marks the choice that is in force.
fn chosen(text: &str) -> Option<String> {
    let (_, rest) = text.split_once('[')?;
    Some(rest.split_once(']')?.0.to_owned())
}

fn memory_mib(meminfo: &str) -> u64 {
    let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = total.and_then(|text| text.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.unwrap_or_default() / 1_024
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_is_not_misread() {
        assert_eq!(chosen("always [madvise] never").as_deref(), Some("madvise"));
        assert_eq!(chosen("madvise"), None);
        assert_eq!(memory_mib("MemFree: 1 kB\nMemTotal:       2097152 kB\n"), 2_048);
        assert_eq!(memory_mib("nothing"), 0);
        let line = "quiet isolcpus=domain,2-3 nohz_full=2-3 mitigations=auto idle=poll isolcpusx=1";
        assert_eq!(
            isolation(line),
            ["isolcpus=domain,2-3", "nohz_full=2-3", "idle=poll"]
        );
    }

    #[test]
    fn a_report_says_on_what_and_of_what_it_was_made() {
        let text = Environment::read().text();
        for (name, value) in Environment::read().facts() {
            assert!(text.contains(name) && !value.is_empty(), "{name}: {text}");
        }
    }
}
