//! Where threads may run, as the kernel has it: a report says "pinned" only when the kernel agrees.

use std::path::PathBuf;

use serde::Serialize;

/// A thread and the cores that it may use.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Placed {
    /// Its name.
    pub thread: String,
    /// The cores, as the kernel lists them: `1`, or `0-1`.
    pub cores: String,
    /// Whether that is one core only.
    pub pinned: bool,
}

/// The threads of a process whose names begin with one of `names`, by name; of this process without `pid`. Empty where the
/// system does not tell.
pub fn threads(pid: Option<u32>, names: &[&str]) -> Vec<Placed> {
    let process = pid.map_or("self".to_owned(), |pid| pid.to_string());
    let folder = PathBuf::from(format!("/proc/{process}/task"));
    let tasks = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut placed: Vec<Placed> = tasks
        .filter_map(|task| parse(&std::fs::read_to_string(task.path().join("status")).ok()?))
        .filter(|placed| names.iter().any(|name| placed.thread.starts_with(name)))
        .collect();
    placed.sort_by(|one, other| one.thread.cmp(&other.thread));
    placed
}

/// The calling thread, under the name `thread`.
pub fn own(thread: &str) -> Option<Placed> {
    let status = std::fs::read_to_string("/proc/thread-self/status").ok()?;
    Some(Placed {
        thread: thread.to_owned(),
        ..parse(&status)?
    })
}

/// From a thread's `status` (proc_pid_status(5)).
fn parse(status: &str) -> Option<Placed> {
    let value = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        line.map(|text| text.trim().to_owned())
    };
    let cores = value("Cpus_allowed_list:")?;
    Some(Placed {
        thread: value("Name:")?,
        pinned: cores.parse::<u32>().is_ok(),
        cores,
    })
}

/// All of them in one line.
pub fn text(placed: &[Placed]) -> String {
    let one = |placed: &Placed| match placed.pinned {
        true => format!("{} pinned to core {}", placed.thread, placed.cores),
        false => format!("{} NOT pinned (cores {})", placed.thread, placed.cores),
    };
    placed.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_with_two_cores_is_not_called_pinned() {
        let status = |cores: &str| format!("Name:\thoga-core\nPid:\t7\nCpus_allowed_list:\t{cores}\n");
        for (cores, pinned) in [("1", true), ("0-1", false), ("0,2", false), ("17", true)] {
            let placed = parse(&status(cores)).expect("a status");
            assert_eq!(
                (placed.pinned, placed.thread.as_str()),
                (pinned, "hoga-core"),
                "{cores}"
            );
            assert_eq!(text(&[placed]).contains("NOT pinned"), !pinned);
        }
        assert_eq!(parse("Name:\tx\n"), None);
    }

    #[test]
    fn a_pin_that_the_kernel_grants_is_seen() {
        let Some(before) = own("client") else {
            println!("skipped: the system tells nothing of threads");
            return;
        };
        let core = hoga::cores::available()[0];
        let pinned = std::thread::spawn(move || {
            hoga::cores::pin(Some(core));
            own("client")
        });
        let pinned = pinned.join().expect("a thread").expect("a status");
        assert_eq!((pinned.pinned, pinned.cores), (true, core.to_string()));
        assert_eq!(own("client").map(|own| own.cores), Some(before.cores));
    }
}
