//! What the kernel tells of another process: its memory, files and threads (proc_pid_smaps_rollup(5), proc_pid_fd(5)).

/// Memory of a process, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// What is present.
    pub resident: u64,
    /// What of it belongs to this process alone and was written to.
    pub private: u64,
}

/// Of process `pid`, now; none where the kernel does not tell.
pub fn memory(pid: u32) -> Option<Memory> {
    parse(&std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?)
}

/// Descriptors that process `pid` has open.
pub fn files(pid: u32) -> Option<u64> {
    count(&format!("/proc/{pid}/fd"))
}

/// Threads of process `pid`.
pub fn threads(pid: u32) -> Option<u64> {
    count(&format!("/proc/{pid}/task"))
}

fn count(folder: &str) -> Option<u64> {
    Some(std::fs::read_dir(folder).ok()?.count() as u64)
}

fn parse(rollup: &str) -> Option<Memory> {
    let bytes = |key: &str| {
        let line = rollup.lines().find_map(|line| line.strip_prefix(key))?;
        let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kib << 10)
    };
    Some(Memory {
        resident: bytes("Rss:")?,
        private: bytes("Private_Dirty:")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_kind_of_memory_is_not_taken_for_another() {
        let text = "x rollup\nRss:    12 kB\nPss:  9 kB\nPss_Dirty: 3 kB\nPrivate_Clean: 5 kB\nPrivate_Dirty:      7 kB\n";
        let want = Memory {
            resident: 12 << 10,
            private: 7 << 10,
        };
        assert_eq!(parse(text), Some(want));
        assert_eq!(parse("Rss: 12 kB\n"), None);
    }

    #[test]
    fn an_open_file_is_counted() {
        let own = std::process::id();
        let Some(before) = files(own) else {
            println!("skipped: the system tells nothing of processes");
            return;
        };
        // Other tests open files meanwhile, so many are opened at once.
        let open: Vec<_> = (0..200)
            .map(|_| std::fs::File::open("/dev/null").expect("a file"))
            .collect();
        assert!(files(own).is_some_and(|now| now > before));
        assert!(threads(own).is_some_and(|threads| threads >= 1));
        drop(open);
    }
}
