//! Processor time of this process's threads, as Linux counts it.

use std::collections::BTreeMap;
use std::fs;

/// The most names that are told apart; a process of ours has some ten threads.
const MOST: usize = 64;

/// What threads of one name have used since they began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Nanoseconds on a core.
    pub ran: u64,
    /// Nanoseconds ready to run, and kept from a core by others.
    pub waited: u64,
    /// How often the system took the core away.
    pub preempted: u64,
}

/// All threads that live, by name. Empty where the system does not tell.
pub fn used() -> BTreeMap<String, Used> {
    let mut threads: BTreeMap<String, Used> = BTreeMap::new();
    for task in fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        // A thread may end while it is looked at.
        let read = |file| fs::read_to_string(task.path().join(file)).ok();
        let Some((name, used)) = read("comm").zip(read("schedstat").zip(read("status")).and_then(parse))
        else {
            continue;
        };
        let name = name.trim_end().to_owned();
        if threads.len() == MOST && !threads.contains_key(&name) {
            continue;
        }
        let all = threads.entry(name).or_default();
        all.ran += used.ran;
        all.waited += used.waited;
        all.preempted += used.preempted;
    }
    threads
}

/// The bytes of memory that are this process's own and present. `None` where the system does not tell.
pub fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes = field(&status, "VmRSS:")?.strip_suffix("kB")?.trim();
    Some(kilobytes.parse::<u64>().ok()? << 10)
}

fn parse((schedstat, status): (String, String)) -> Option<Used> {
    let mut numbers = schedstat.split_whitespace().map(|number| number.parse().ok());
    Some(Used {
        ran: numbers.next()??,
        waited: numbers.next()??,
        preempted: field(&status, "nonvoluntary_ctxt_switches:")?.parse().ok()?,
    })
}

fn field<'s>(status: &'s str, name: &str) -> Option<&'s str> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_told_by_its_name_and_what_cannot_be_read_by_nothing() {
        let read = |schedstat: &str, status: &str| parse((schedstat.to_owned(), status.to_owned()));
        let status = "Name:\tx\nvoluntary_ctxt_switches:\t3\nnonvoluntary_ctxt_switches:\t7\n";
        let want = Used {
            ran: 549,
            waited: 138,
            preempted: 7,
        };
        assert_eq!(read("549 138 30\n", status), Some(want));
        assert_eq!(read("549\n", status), None);
        assert_eq!(read("549 138 30\n", "Name:\tx\n"), None);
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let (named, is_named) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new().name("told-apart".into());
        let thread = thread.spawn(move || (named.send(()), stopped.recv())).unwrap();
        is_named.recv().unwrap();
        let threads = used();
        drop(stop);
        thread.join().unwrap().0.unwrap();
        if threads.is_empty() {
            println!("skipped: the system tells nothing of threads");
            return;
        }
        assert!(threads.contains_key("told-apart"), "{threads:?}");
        assert!(resident_bytes().is_some_and(|bytes| bytes > 100_000));
    }
}
