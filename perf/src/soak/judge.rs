//! Whether what the exchange holds stays flat.

use std::time::Duration;

use crate::process::{self, Memory};
use crate::scrape::{CONNECTIONS, Metrics, SLOW, STALLS, STREAMED};

/// Beside a twentieth of what there was: memory that comes and goes, and sockets that are just closing.
const SPARE_BYTES: u64 = 2 << 20;
const SPARE_FILES: u64 = 64;
/// Files of the journal that may be open at the end and were not at the start.
const JOURNAL_FILES: u64 = 4;

/// A look at the exchange.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sample {
    /// Since the beginning.
    pub at: Duration,
    /// Its memory.
    pub memory: Memory,
    /// Its descriptors.
    pub files: u64,
    /// Its threads.
    pub threads: u64,
    /// How often its matcher waited for its gateway.
    pub stalls: f64,
    /// Its connections, this look's own among them.
    pub connections: f64,
    /// Executions that it sent.
    pub streamed: f64,
    /// Connections that it closed because they read too slowly.
    pub slow: f64,
}

impl Sample {
    /// Before the exchange has told anything: its counts are no numbers.
    pub const UNTOLD: Self = Self {
        at: Duration::ZERO,
        memory: Memory {
            resident: 0,
            private: 0,
        },
        files: 0,
        threads: 0,
        stalls: f64::NAN,
        connections: f64::NAN,
        streamed: f64::NAN,
        slow: f64::NAN,
    };

    /// Now; none when the process is gone. Counts are those of `earlier` where the exchange is too busy to tell them.
    pub fn take(at: Duration, pid: u32, address: &str, earlier: &Self) -> Option<Self> {
        let metrics = Metrics::read(address);
        let count = |name, earlier| metrics.get(name).unwrap_or(earlier);
        Some(Self {
            at,
            memory: process::memory(pid)?,
            files: process::files(pid)?,
            threads: process::threads(pid)?,
            stalls: count(STALLS, earlier.stalls),
            connections: count(CONNECTIONS, earlier.connections),
            streamed: count(STREAMED, earlier.streamed),
            slow: count(SLOW, earlier.slow),
        })
    }

    /// A line for a person.
    pub fn text(&self) -> String {
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        format!(
            "{:>6} s  resident {:>7.1} MiB  private {:>7.1} MiB  descriptors {:>5}  threads {:>3}  output_full_stalls {}  \
             connections {:>5}  streamed {:>12}  slow closed {}",
            self.at.as_secs(),
            mib(self.memory.resident),
            mib(self.memory.private),
            self.files,
            self.threads,
            self.stalls,
            self.connections,
            self.streamed,
            self.slow,
        )
    }
}

/// What is wrong with `samples`, taken while there was load, given `start` before any and `end` after all clients had left.
pub fn faults(start: &Sample, samples: &[Sample], end: &Sample) -> Vec<String> {
    let mut faults = Vec::new();
    let most = |quarter: usize, of: fn(&Sample) -> u64| {
        let from = samples.len() * quarter / 4;
        let to = samples.len() * (quarter + 1) / 4;
        samples[from..to].iter().map(of).max().unwrap_or(0)
    };
    for (name, spare, of) in [
        (
            "resident memory",
            SPARE_BYTES,
            (|one| one.memory.resident) as fn(&Sample) -> u64,
        ),
        ("private memory", SPARE_BYTES, |one| one.memory.private),
        ("descriptors", SPARE_FILES, |one| one.files),
        ("threads", 0, |one| one.threads),
    ] {
        let (second, last) = (most(1, of), most(3, of));
        if last > second + second / 20 + spare {
            faults.push(format!(
                "{name} grew: at most {second} in the second quarter, {last} in the last"
            ));
        }
    }
    if end.files > start.files + JOURNAL_FILES {
        faults.push(format!(
            "{} descriptors before anybody came and {} after all have left",
            start.files, end.files
        ));
    }
    if end.stalls != 0.0 {
        faults.push(format!("the matcher waited for the gateway {} times", end.stalls));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grows_is_found_and_what_fills_at_first_is_not() {
        let samples = |of: fn(u64) -> u64| -> Vec<Sample> {
            let one = |number| Sample {
                memory: Memory {
                    resident: 100 << 20,
                    private: of(number) << 20,
                },
                files: 100,
                ..Sample::default()
            };
            (0..40).map(one).collect()
        };
        let start = Sample {
            files: 20,
            ..Sample::default()
        };
        for (of, is_flat) in [
            ((|_| 300) as fn(u64) -> u64, true),
            (|at| 300 + at % 7, true),
            (|at| 100 + 20 * at.min(10), true),
            (|at| 300 + at * 2, false),
            (|at| if at < 30 { 300 } else { 318 }, false),
        ] {
            let faults = faults(&start, &samples(of), &start);
            assert_eq!(faults.is_empty(), is_flat, "{faults:?}");
        }
        let left = Sample { files: 40, ..start };
        assert!(faults(&start, &samples(|_| 1), &left)[0].contains("40 after"));
        let stalled = Sample { stalls: 1.0, ..start };
        assert_eq!(faults(&start, &samples(|_| 1), &stalled).len(), 1);
    }
}
