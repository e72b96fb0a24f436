//! Clocks, and time that is taken away.

use super::host::Host;
use super::report::Finding;

/// A look at the clock that takes longer than this many nanoseconds goes to the kernel, or to a device.
const SLOW_READ: f64 = 150.0;

/// A share of time taken by the hypervisor that is told, in percent.
const STOLEN: f64 = 0.05;

/// What the clocks come to.
pub fn examine(host: &Host<'_>) -> Vec<Finding> {
    let mut findings = vec![source(host)];
    findings.extend(read(host));
    findings.extend([hypervisor(host), slack(host), mitigations(host)]);
    findings
}

fn source(host: &Host<'_>) -> Finding {
    let folder = "/sys/devices/system/clocksource/clocksource0";
    let Some(current) = host.tree.text(&format!("{folder}/current_clocksource")) else {
        return Finding::unknown("clock source", "not shown", "", "");
    };
    let others = host
        .tree
        .text(&format!("{folder}/available_clocksource"))
        .unwrap_or_default();
    if !["hpet", "acpi_pm", "jiffies", "refined-jiffies"].contains(&current.as_str()) {
        return Finding::fine("clock source", current);
    }
    let mend = match others
        .split(' ')
        .find(|other| ["tsc", "kvm-clock", "hyperv_clocksource_tsc_page"].contains(other))
    {
        Some(better) => format!("echo {better} > {folder}/current_clocksource"),
        None => {
            "the kernel holds the processor's own clock for unstable: its log says why (dmesg | grep -i tsc)"
                .to_owned()
        }
    };
    Finding::costs(
        "clock source",
        format!("{current} (there are: {others})"),
        "each look at the clock goes to a device and takes a microsecond or more; an order needs several",
        mend,
    )
}

fn read(host: &Host<'_>) -> Option<Finding> {
    let nanoseconds = host.measured.clock_read?;
    let found = format!("{nanoseconds:.0} ns for one look at the clock");
    Some(if nanoseconds < SLOW_READ {
        Finding::fine("clock read", found)
    } else {
        Finding::costs(
            "clock read",
            found,
            "an order needs several",
            "a clock source that is read without the kernel: tsc, or the hypervisor's own",
        )
    })
}

fn hypervisor(host: &Host<'_>) -> Finding {
    let stolen = stolen(&host.tree.text("/proc/stat").unwrap_or_default());
    if !host.is_virtual() && stolen.is_none_or(|percent| percent == 0.0) {
        return Finding::fine("hypervisor", "none");
    }
    let name = ["/sys/hypervisor/type", "/sys/class/dmi/id/sys_vendor"]
        .iter()
        .find_map(|file| host.tree.text(file))
        .filter(|name| !name.is_empty());
    let name = name.unwrap_or_else(|| "of unknown make".to_owned());
    let Some(percent) = stolen else {
        return Finding::unknown("hypervisor", format!("{name}; stolen time is not shown"), "", "");
    };
    let found = format!("{name}; {percent:.2} % of the time since its start was stolen");
    if percent < STOLEN {
        return Finding::fine("hypervisor", found);
    }
    Finding::costs(
        "hypervisor",
        found,
        "a core that is taken away stops an agent for milliseconds",
        "cores that are this machine's own (dedicated host, no overcommitment), or bare metal",
    )
}

/// Percent of all time since the start that a hypervisor took.
fn stolen(stat: &str) -> Option<f64> {
    let line = stat.lines().find(|line| line.starts_with("cpu "))?;
    let times: Vec<u64> = line
        .split_whitespace()
        .skip(1)
        .map_while(|time| time.parse().ok())
        .collect();
    let total: u64 = times.iter().take(8).sum();
    (total > 0).then(|| *times.get(7).unwrap_or(&0) as f64 * 100.0 / total as f64)
}

fn slack(host: &Host<'_>) -> Finding {
    match host.tree.number("/proc/self/timerslack_ns") {
        Some(nanoseconds) => Finding::fine(
            "timer slack",
            format!(
                "{} µs; agents wait for each other, and for timers only when idle",
                nanoseconds / 1_000
            ),
        ),
        None => Finding::unknown("timer slack", "not shown", "", ""),
    }
}

fn mitigations(host: &Host<'_>) -> Finding {
    let folder = "/sys/devices/system/cpu/vulnerabilities";
    let names = host.tree.names(folder);
    let in_force: Vec<String> = names
        .iter()
        .filter(|name| {
            let text = host.tree.text(&format!("{folder}/{name}")).unwrap_or_default();
            text.contains("Mitigation")
        })
        .cloned()
        .collect();
    if names.is_empty() {
        return Finding::unknown("mitigations", "not shown", "", "");
    }
    let found = match in_force.is_empty() {
        true => "none in force (information only)".to_owned(),
        false => format!(
            "in force for {} (information only: each makes system calls and switches slower, and keeps what it is for)",
            in_force.join(", ")
        ),
    };
    Finding::fine("mitigations", found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stolen_time_is_not_read_from_a_line_that_is_cut_or_of_one_core() {
        let cases: [(&str, Option<f64>); 6] = [
            ("cpu  10 0 10 70 0 0 0 10 0 0\ncpu0 1 1 1 1 1 1 1 99", Some(10.0)),
            ("cpu 50 0 50 0 0 0 0 0", Some(0.0)),
            ("cpu 50 0 50", Some(0.0)),
            ("cpu0 1 1 1 1 1 1 1 99", None),
            ("cpu", None),
            ("", None),
        ];
        for (stat, want) in cases {
            let rounded = stolen(stat).map(|percent| percent.round());
            assert_eq!(rounded, want, "{stat:?}");
        }
    }
}
