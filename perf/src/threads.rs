//! Processor time of the pipeline's threads, as Linux counts it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

/// The name of a thread that reads subscribers.
pub const READERS: &str = "readers";

/// The threads of a process that matter here, at one moment.
pub struct Threads(BTreeMap<u32, Thread>);

struct Thread {
    name: String,
    /// Nanoseconds on a core.
    ran: u64,
    /// Nanoseconds ready to run without one.
    waited: u64,
}

/// How often the thread `name` of process `pid` has called write(2) or writev(2) (proc_pid_io(5)): other ways to send are not
/// counted. None where the system does not tell.
pub fn write_calls(pid: u32, name: &str) -> Option<u64> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let is_it =
        |folder: &Path| std::fs::read_to_string(folder.join("comm")).is_ok_and(|found| found.trim() == name);
    let folder = tasks
        .flatten()
        .map(|task| task.path())
        .find(|folder| is_it(folder))?;
    let told = std::fs::read_to_string(folder.join("io")).ok()?;
    let calls = told.lines().find_map(|line| line.strip_prefix("syscw:"))?;
    calls.trim().parse().ok()
}

/// What one thread used between two moments.
#[derive(Debug, Serialize)]
pub struct Used {
    /// Its name; the measuring one is `client`.
    pub name: String,
    /// Processor time for each command, in nanoseconds.
    pub ns_per_command: f64,
    /// How much of the time it was on a core.
    pub busy_percent: f64,
    /// How much of the time it was kept from one by others.
    pub waiting_percent: f64,
}

impl Threads {
    /// Those of this process now. Empty where the system does not tell.
    pub fn read() -> Self {
        let own = std::fs::read_link("/proc/thread-self").ok();
        let own = own
            .as_deref()
            .and_then(Path::file_name)
            .map(|name| name.to_owned());
        Self::of("self", own)
    }

    /// Those of process `pid` now. Empty where the system does not tell.
    pub fn of_process(pid: u32) -> Self {
        Self::of(&pid.to_string(), None)
    }

    fn of(process: &str, own: Option<OsString>) -> Self {
        let mut threads = BTreeMap::new();
        for entry in std::fs::read_dir(format!("/proc/{process}/task"))
            .into_iter()
            .flatten()
            .flatten()
        {
            let number = entry.file_name();
            let (Ok(name), Ok(times)) = (
                std::fs::read_to_string(entry.path().join("comm")),
                std::fs::read_to_string(entry.path().join("schedstat")),
            ) else {
                continue;
            };
            let name = match own == Some(number.clone()) {
                true => "client",
                false => name.trim(),
            };
            let ours = ["client", "journal-maker", READERS].contains(&name) || name.starts_with("hoga-");
            let number = number.to_str().and_then(|number| number.parse().ok());
            if let (Some(number), Some((ran, waited)), true) = (number, parse(&times), ours) {
                let name = name.to_owned();
                threads.insert(number, Thread { name, ran, waited });
            }
        }
        Self(threads)
    }

    /// Nanoseconds on a core, of all threads named `name`; none where there is no such thread.
    pub fn ran(&self, name: &str) -> Option<u64> {
        let threads = self.0.values().filter(|thread| thread.name == name);
        threads.map(|thread| thread.ran).reduce(|one, other| one + other)
    }

    /// What each has used since `earlier`, in which it may be missing.
    pub fn since(&self, earlier: &Self, commands: u64, took: Duration) -> Vec<Used> {
        let percent = |nanos: u64| nanos as f64 * 100.0 / took.as_nanos().max(1) as f64;
        self.0
            .iter()
            .map(|(number, now)| {
                let (ran, waited) = earlier
                    .0
                    .get(number)
                    .map_or((0, 0), |then| (then.ran, then.waited));
                let ran = now.ran.saturating_sub(ran);
                Used {
                    name: now.name.clone(),
                    ns_per_command: ran as f64 / commands.max(1) as f64,
                    busy_percent: percent(ran),
                    waiting_percent: percent(now.waited.saturating_sub(waited)),
                }
            })
            .collect()
    }
}

/// The first two numbers: nanoseconds on a core, and nanoseconds waiting for one.
fn parse(schedstat: &str) -> Option<(u64, u64)> {
    let mut numbers = schedstat.split_whitespace().map(str::parse);
    match (numbers.next()?, numbers.next()?) {
        (Ok(ran), Ok(waited)) => Some((ran, waited)),
        _ => None,
    }
}

/// A line for each thread.
pub fn text(used: &[Used]) -> String {
    let line = |used: &Used| {
        format!(
            "  {:<16}{:>8.0} ns of processor a command; on a core {:>5.1} % of the time, kept from one {:>4.1} %\n",
            used.name, used.ns_per_command, used.busy_percent, used.waiting_percent
        )
    };
    used.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_other_thread_is_taken_for_the_client() {
        let before = Threads::read();
        if before.0.is_empty() {
            println!("skipped: the system tells nothing of threads");
            return;
        }
        // The kernel counts a running thread's time when it looks at it, some milliseconds apart.
        let patience = std::time::Instant::now() + Duration::from_secs(20);
        while Threads::read().ran("client") == Some(0) && std::time::Instant::now() < patience {
            std::thread::yield_now();
        }
        let used = Threads::read().since(&before, 1, Duration::from_secs(1));
        let clients = used.iter().filter(|used| used.name == "client");
        assert_eq!(clients.count(), 1);
        let all = Threads::of_process(std::process::id());
        assert_eq!(
            (all.ran("client"), Threads::read().ran("hoga-nobody")),
            (None, None)
        );
        assert!(Threads::read().ran("client").is_some_and(|ran| ran > 0));
        assert_eq!(parse("549 138 30\n"), Some((549, 138)));
        assert_eq!(parse("549"), None);
    }
}
