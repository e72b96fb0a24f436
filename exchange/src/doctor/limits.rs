//! Memory, and how much of what a process may have.

use super::host::Host;
use super::report::Finding;
use super::tree::{Tree, number_of};
use crate::descriptors::BESIDE_CONNECTIONS;
use crate::memory::Lock;

/// What memory and limits come to.
pub fn examine(host: &Host<'_>) -> Vec<Finding> {
    vec![huge_pages(host), locked(host), files(host), swap(host)]
}

fn huge_pages(host: &Host<'_>) -> Finding {
    const CHECK: &str = "huge pages";
    let file = "/sys/kernel/mm/transparent_hugepage/enabled";
    match host.tree.chosen(file).as_deref() {
        Some("always") => Finding::costs(
            CHECK,
            "always",
            "the kernel makes huge pages of the program's memory in the background, and whoever touches it meanwhile waits",
            format!("{}, or echo madvise > {file}", host.tune()),
        ),
        Some(chosen) => Finding::fine(CHECK, chosen),
        None => Finding::fine(CHECK, "none: this kernel makes no huge pages by itself"),
    }
}

fn locked(host: &Host<'_>) -> Finding {
    const CHECK: &str = "memlock";
    let limit = limit(host.tree, "self", "Max locked memory");
    let is_exempt = capability(host.tree, 14);
    let lock = host.config.memory.lock;
    let is_wanted = lock.is_wanted(!host.pinned().is_empty());
    let found = match limit {
        Some(Limit::At(bytes)) => format!("at most {} KiB may be locked", bytes >> 10),
        Some(Limit::None) => "all memory may be locked".to_owned(),
        None => return Finding::unknown(CHECK, "the limit is not shown", "", ""),
    };
    if is_exempt || limit == Some(Limit::None) {
        return Finding::fine(
            CHECK,
            if is_exempt {
                "this user may lock any memory".to_owned()
            } else {
                found
            },
        );
    }
    if !is_wanted {
        return Finding::fine(CHECK, format!("{found}; memory.lock asks for none"));
    }
    let mend = "LimitMEMLOCK=infinity in the unit (scripts/hoga.service has it), or scripts/tune-host.sh and a new login";
    match lock {
        Lock::On => Finding::broken(
            CHECK,
            found,
            "memory.lock is \"on\", so the exchange will not start",
            mend,
        ),
        _ => Finding::costs(
            CHECK,
            found,
            "memory is not locked, and a page that the system takes away is read back from the disk under an order",
            mend,
        ),
    }
}

fn files(host: &Host<'_>) -> Finding {
    let wanted = host.config.gateway.max_connections as u64 + BESIDE_CONNECTIONS;
    match hard_limit(host.tree, "self", "Max open files") {
        Some(Limit::At(most)) if most < wanted => Finding::broken(
            "open files",
            format!("at most {most}, and gateway.max_connections needs {wanted}"),
            "clients beyond it cannot connect",
            "LimitNOFILE in the unit, scripts/tune-host.sh and a new login, or a lower gateway.max_connections",
        ),
        Some(Limit::At(most)) => Finding::fine("open files", format!("{most}, {wanted} are needed at most")),
        Some(Limit::None) => Finding::fine("open files", "no limit"),
        None => Finding::unknown("open files", "the limit is not shown", "", ""),
    }
}

fn swap(host: &Host<'_>) -> Finding {
    const CHECK: &str = "swap";
    let info = host.tree.text("/proc/meminfo").unwrap_or_default();
    let Some(total) = number_of(&info, "SwapTotal") else {
        return Finding::unknown(CHECK, "not shown", "", "");
    };
    if total == 0 {
        return Finding::fine(CHECK, "none");
    }
    let swappiness = host.tree.number("/proc/sys/vm/swappiness").unwrap_or(60);
    let found = format!("{} MiB, vm.swappiness {swappiness}", total >> 10);
    if swappiness <= 10 {
        return Finding::fine(CHECK, found);
    }
    Finding::costs(
        CHECK,
        found,
        "memory that is not locked and seldom used goes to the disk, and is read back under an order",
        format!(
            "{} (vm.swappiness 1), swapoff -a, or memory.lock = \"on\"",
            host.tune()
        ),
    )
}

/// A limit of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// So much.
    At(u64),
    /// Any.
    None,
}

/// The limit in force of a process; `name` as in `/proc/PID/limits`.
pub fn limit(tree: &Tree, pid: &str, name: &str) -> Option<Limit> {
    limits(tree, pid, name).map(|(soft, _)| soft)
}

/// How far the process itself may raise it.
pub fn hard_limit(tree: &Tree, pid: &str, name: &str) -> Option<Limit> {
    limits(tree, pid, name).map(|(_, hard)| hard)
}

fn limits(tree: &Tree, pid: &str, name: &str) -> Option<(Limit, Limit)> {
    let text = tree.text(&format!("/proc/{pid}/limits"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let mut words = line.split_whitespace();
    let mut next = || match words.next()? {
        "unlimited" => Some(Limit::None),
        number => number.parse().ok().map(Limit::At),
    };
    Some((next()?, next()?))
}

/// Whether whoever looks has this capability.
fn capability(tree: &Tree, bit: u32) -> bool {
    let effective = tree.field("/proc/self/status", "CapEff");
    effective
        .and_then(|hex| u64::from_str_radix(&hex, 16).ok())
        .is_some_and(|set| set >> bit & 1 == 1)
}
