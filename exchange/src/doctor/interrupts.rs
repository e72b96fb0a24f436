//! Which cores the disk and the network cards interrupt.

use super::disk;
use super::host::Host;
use super::report::Finding;
use super::tree::{CoreSet, Tree};

/// What interrupts come to.
pub fn examine(host: &Host<'_>) -> Vec<Finding> {
    let mut findings = vec![disk_interrupts(host), network_interrupts(host)];
    findings.extend(balancer(host));
    findings
}

/// A line that a device interrupts on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Interrupt {
    number: u64,
    /// How often, on all cores.
    count: u64,
    name: String,
}

fn disk_interrupts(host: &Host<'_>) -> Finding {
    const CHECK: &str = "disk interrupts";
    let Some(device) = disk::device(host) else {
        return Finding::unknown(
            CHECK,
            "the data folder is not there yet, or on no disk of its own",
            "where the disk interrupts another core than the journaler's, a sync ends with a wake-up across cores",
            "hoga doctor --data-dir DIR, once there is one",
        );
    };
    let cores = interrupted(host.tree, &device.path);
    let (name, pinned) = (device.name, host.pinned());
    if cores.is_empty() {
        return Finding::unknown(CHECK, format!("those of {name} are not shown"), "", "");
    }
    let Some(journaler) = host.core_of("journaler") else {
        return Finding::fine(
            CHECK,
            format!("{name} interrupts core {cores}; pinned there, the journaler would sync fastest"),
        );
    };
    if cores.contains(journaler) {
        return Finding::fine(
            CHECK,
            format!(
                "{name} interrupts core {cores}, the journaler's own, which makes a sync 25 to 30 µs shorter \
                 where it was measured (docs/benchmarks.md)"
            ),
        );
    }
    let others = cores.and(&pinned);
    let also = if others.is_empty() {
        ""
    } else {
        ", which another agent has"
    };
    Finding::costs(
        CHECK,
        format!("{name} interrupts core {cores}{also}; the journaler is on {journaler}"),
        "each sync ends with a wake-up across cores: 25 to 30 µs longer where it was measured",
        format!(
            "{} --data-dir {}, or threads.cores with the journaler on {cores}",
            host.tune(),
            host.config.data_dir.display()
        ),
    )
}

fn network_interrupts(host: &Host<'_>) -> Finding {
    const CHECK: &str = "network interrupts";
    let mut cards = Vec::new();
    let mut hit = CoreSet::default();
    let core: CoreSet = ["journaler", "matcher"]
        .iter()
        .filter_map(|agent| host.core_of(agent))
        .collect();
    for name in host.tree.names("/sys/class/net") {
        let Some(path) = host.tree.resolve(&format!("/sys/class/net/{name}/device")) else {
            continue;
        };
        let cores = interrupted(host.tree, &path);
        if !cores.is_empty() {
            hit = hit.or(&cores.and(&core));
            cards.push(format!("{name} interrupts core {cores}"));
        }
    }
    if cards.is_empty() {
        return Finding::fine(CHECK, "no network card shows any");
    }
    if hit.is_empty() {
        return Finding::fine(CHECK, cards.join(", "));
    }
    Finding::costs(
        CHECK,
        cards.join(", "),
        &format!(
            "each packet takes some microseconds from what runs on core {hit}, the journaler or the matcher"
        ),
        host.tune(),
    )
}

fn balancer(host: &Host<'_>) -> Option<Finding> {
    let pids = host
        .tree
        .names("/proc")
        .into_iter()
        .filter(|name| name.parse::<u32>().is_ok());
    let runs = pids
        .filter_map(|pid| host.tree.text(&format!("/proc/{pid}/comm")))
        .any(|name| name == "irqbalance");
    let pinned = host.pinned();
    (runs && !pinned.is_empty()).then(|| {
        Finding::costs(
            "irqbalance",
            "it runs",
            "it moves interrupts between cores, onto the agents' too",
            format!(
                "IRQBALANCE_BANNED_CPULIST={pinned} in its environment, or systemctl disable --now irqbalance"
            ),
        )
    })
}

/// The cores that the device at `path` interrupts: by its lines that are in use, not those for the odd occasion.
fn interrupted(tree: &Tree, path: &str) -> CoreSet {
    let mut lines = of_device(tree, path);
    let most = lines.iter().map(|line| line.count).max().unwrap_or(0);
    lines.retain(|line| line.count.saturating_mul(100) >= most);
    let cores_of = |line: &Interrupt| {
        let file = |name: &str| tree.cores(&format!("/proc/irq/{}/{name}", line.number));
        let effective = file("effective_affinity_list").filter(|cores| !cores.is_empty());
        effective
            .or_else(|| file("smp_affinity_list"))
            .unwrap_or_default()
    };
    lines
        .iter()
        .fold(CoreSet::default(), |all, line| all.or(&cores_of(line)))
}

/// The lines of the nearest device around `path` that has any. Those of a virtual device without a bus that lists them go
/// by its name.
fn of_device(tree: &Tree, path: &str) -> Vec<Interrupt> {
    let all = parse(&tree.text("/proc/interrupts").unwrap_or_default());
    let mut around = path;
    while let Some((rest, name)) = around.rsplit_once('/') {
        let numbers = tree.names(&format!("{around}/msi_irqs"));
        let listed: Vec<Interrupt> = all
            .iter()
            .filter(|line| numbers.contains(&line.number.to_string()))
            .cloned()
            .collect();
        if !listed.is_empty() {
            return listed;
        }
        let is_named = |line: &&Interrupt| {
            let rest = line.name.strip_prefix(name);
            name.starts_with("virtio") && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        let named: Vec<Interrupt> = all.iter().filter(is_named).cloned().collect();
        if !named.is_empty() {
            return named;
        }
        around = rest;
    }
    Vec::new()
}

/// Reads `/proc/interrupts`: a line of cores, then for each interrupt its number, a count for each core, and names.
fn parse(text: &str) -> Vec<Interrupt> {
    let mut lines = text.lines();
    let cores = lines.next().unwrap_or_default().split_whitespace().count();
    lines
        .filter_map(|line| {
            let (number, rest) = line.split_once(':')?;
            let words: Vec<&str> = rest.split_whitespace().collect();
            let counts = words.get(..cores)?;
            Some(Interrupt {
                number: number.trim().parse().ok()?,
                count: counts.iter().map(|count| count.parse::<u64>().unwrap_or(0)).sum(),
                name: (*words.get(cores..)?.last()?).to_owned(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interrupts_are_read_by_number_and_name_and_odd_lines_are_left_out() {
        let text = "           CPU0       CPU1\n  0:         22          0   IO-APIC   2-edge      timer\n 36:          0      12463 \
                    PCI-MSIX-0000:00:02.0   1-edge      virtio1-req.0\nNMI:          0          0   Non-maskable interrupts\n\
                    ERR:          0\n 40:  1\n 41: 1 2\nrubbish\n 42: 18446744073709551615 0 chip edge x\n";
        let got: Vec<(u64, u64, String)> = parse(text)
            .into_iter()
            .map(|line| (line.number, line.count, line.name))
            .collect();
        let want = [
            (0, 22, "timer"),
            (36, 12_463, "virtio1-req.0"),
            (42, u64::MAX, "x"),
        ];
        assert_eq!(
            got,
            want.map(|(number, count, name)| (number, count, name.to_owned()))
        );
        assert!(parse("").is_empty());
    }
}
