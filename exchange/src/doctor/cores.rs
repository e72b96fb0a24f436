//! Cores: how many, whose, and what else runs on them.

use super::host::Host;
use super::report::Finding;
use super::tree::{CoreSet, Tree, number_of};

/// What the cores come to.
pub fn examine(host: &Host<'_>) -> Vec<Finding> {
    vec![
        cores(host),
        quota(host.tree, "self", host.pinned().len()),
        siblings(host),
        isolation(host),
        nodes(host),
    ]
}

fn cores(host: &Host<'_>) -> Finding {
    let usable = format!("{} usable ({}) of {}", host.mask.len(), host.mask, host.allowed);
    let plan = match &host.plan {
        Ok(plan) => plan,
        Err(why) => {
            return Finding::broken(
                "cores",
                format!("{usable}: {why}"),
                "the exchange will not start",
                "choose threads.cores among the usable ones",
            );
        }
    };
    let placed: Vec<String> = plan
        .describe()
        .iter()
        .map(|(_, agents, core)| match core {
            Some(core) => format!("{agents} on {core}"),
            None => format!("{agents} anywhere"),
        })
        .collect();
    let found = format!("{usable}: {}", placed.join(", "));
    let pinned = host.pinned();
    if pinned.is_empty() {
        return Finding::costs(
            "cores",
            found,
            "nothing is pinned, so a busy process beside the exchange moves its threads or takes their turn",
            "four cores or more that are the exchange's own, or threads.cores where nothing else runs",
        );
    }
    if host.mask.without(&pinned).is_empty() {
        return Finding::costs(
            "cores",
            found,
            "no core is left for the system and the follower, so they take turns with the agents",
            "one core more than threads.cores names",
        );
    }
    Finding::fine("cores", found)
}

/// The control group's limit on processor time.
pub fn quota(tree: &Tree, pid: &str, busy: usize) -> Finding {
    let mut tightest: Option<(f64, u64)> = None;
    for group in tree.groups(pid) {
        if let Some((cores, throttled)) = limit(tree, &group)
            && tightest.is_none_or(|(least, _)| cores < least)
        {
            tightest = Some((cores, throttled));
        }
    }
    let Some((cores, throttled)) = tightest else {
        return Finding::fine("cpu quota", "none");
    };
    let spinning = match cores < busy as f64 {
        true => format!(", and {busy} agents have a core each"),
        false => String::new(),
    };
    Finding::costs(
        "cpu quota",
        format!("{cores:.2} cores{spinning}; held back {throttled} times so far"),
        "once it is used up, every thread stands still for up to 100 ms",
        "take the quota away (CPUQuota= of the unit, --cpus of the container) and give cores instead \
         (AllowedCPUs=, --cpuset-cpus)",
    )
}

/// Cores' worth of time that a group allows, and how often that ran out.
fn limit(tree: &Tree, group: &str) -> Option<(f64, u64)> {
    let share = |quota: f64, period: f64| (quota > 0.0 && period > 0.0).then_some(quota / period);
    if let Some(text) = tree.text(&format!("/sys/fs/cgroup{group}/cpu.max")) {
        let (quota, period) = text.split_once(' ')?;
        let stat = tree
            .text(&format!("/sys/fs/cgroup{group}/cpu.stat"))
            .unwrap_or_default();
        let throttled = number_of(&stat, "nr_throttled").unwrap_or(0);
        return Some((share(quota.parse().ok()?, period.parse().ok()?)?, throttled));
    }
    let folder = ["cpu,cpuacct", "cpu"]
        .map(|name| format!("/sys/fs/cgroup/{name}{group}"))
        .into_iter()
        .find(|folder| tree.has(folder))?;
    let number = |name: &str| tree.text(&format!("{folder}/{name}"))?.parse::<f64>().ok();
    let stat = tree.text(&format!("{folder}/cpu.stat")).unwrap_or_default();
    let throttled = number_of(&stat, "nr_throttled").unwrap_or(0);
    Some((
        share(number("cpu.cfs_quota_us")?, number("cpu.cfs_period_us")?)?,
        throttled,
    ))
}

fn siblings(host: &Host<'_>) -> Finding {
    let online = host
        .tree
        .cores("/sys/devices/system/cpu/online")
        .unwrap_or_else(|| host.allowed.clone());
    let pinned = host.pinned();
    let (mut shared, mut seen) = (Vec::new(), false);
    for core in host.watched().iter() {
        let file = format!("/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list");
        let Some(siblings) = host.tree.cores(&file) else {
            continue;
        };
        seen = true;
        let others = siblings.and(&online).without(&CoreSet::from_iter([core]));
        if let Some(other) = others.iter().next()
            && (!shared.contains(&(other, core)))
        {
            shared.push((core, other));
        }
    }
    if !seen {
        return Finding::unknown("hyper-threads", "no topology is shown", "", "");
    }
    if shared.is_empty() {
        return Finding::fine("hyper-threads", format!("cores {} share nothing", host.watched()));
    }
    let pairs: Vec<String> = shared
        .iter()
        .map(|(one, other)| format!("{one} with {other}"))
        .collect();
    let found = format!("cores share their units: {}", pairs.join(", "));
    if pinned.is_empty() {
        return Finding::unknown(
            "hyper-threads",
            found,
            "two threads on one pair take half of each other's speed",
            "pin (threads.cores) one core of each pair, and tune those",
        );
    }
    Finding::costs(
        "hyper-threads",
        found,
        "what runs on the other one takes up to half of an agent's speed, and its caches",
        format!(
            "{} (takes the other ones offline), or choose threads.cores of different pairs",
            host.tune()
        ),
    )
}

fn isolation(host: &Host<'_>) -> Finding {
    let command_line = host.tree.text("/proc/cmdline").unwrap_or_default();
    let pinned = host.pinned();
    let of = |key: &str| -> CoreSet {
        let value = command_line
            .split_whitespace()
            .find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
        // Flags may stand before the cores: isolcpus=nohz,domain,2-5.
        let parts = value.unwrap_or_default().split(',').filter_map(CoreSet::parse);
        parts.fold(CoreSet::default(), |all, part| all.or(&part))
    };
    let [isolated, tickless, offloaded] = ["isolcpus", "nohz_full", "rcu_nocbs"].map(of);
    let found = format!("isolcpus {isolated}, nohz_full {tickless}, rcu_nocbs {offloaded}");
    let idle = isolated.without(&pinned);
    if pinned.is_empty() {
        return match isolated.is_empty() {
            true => Finding::fine("isolation", "none, and nothing is pinned that would need it"),
            false => Finding::costs(
                "isolation",
                found,
                "isolated cores that no thread is pinned to stand idle",
                format!("threads.cores among {isolated}"),
            ),
        };
    }
    let missing = |set: &CoreSet| !pinned.without(set).is_empty();
    if missing(&isolated) || missing(&tickless) || missing(&offloaded) {
        let first = match host.allowed.without(&pinned).is_empty() {
            true => "leave a core to the system, then ",
            false => "",
        };
        return Finding::costs(
            "isolation",
            found,
            "the scheduler puts other threads on the agents' cores, and its tick interrupts them 100 to 1000 times a second",
            format!(
                "{first}add to the kernel's command line: isolcpus={pinned} nohz_full={pinned} rcu_nocbs={pinned} \
                 (scripts/tune-host.sh prints it)"
            ),
        );
    }
    match idle.is_empty() {
        true => Finding::fine("isolation", found),
        false => Finding::fine(
            "isolation",
            format!("{found}; isolated and without an agent: {idle}"),
        ),
    }
}

fn nodes(host: &Host<'_>) -> Finding {
    let folder = "/sys/devices/system/node";
    let nodes: Vec<(usize, CoreSet)> = host
        .tree
        .cores(&format!("{folder}/online"))
        .unwrap_or_default()
        .iter()
        .filter_map(|node| Some((node, host.tree.cores(&format!("{folder}/node{node}/cpulist"))?)))
        .collect();
    if nodes.len() < 2 {
        return Finding::fine("numa", "one node");
    }
    let watched = host.watched();
    let used: Vec<String> = nodes
        .iter()
        .filter(|(_, cores)| !cores.and(&watched).is_empty())
        .map(|(node, _)| node.to_string())
        .collect();
    let found = format!("{} nodes; agents on node {}", nodes.len(), used.join(" and "));
    if used.len() > 1 {
        return Finding::costs(
            "numa",
            found,
            "a line of memory from another node takes twice as long, and rings between nodes are made of such lines",
            "threads.cores of one node (lscpu shows them), best the one that the disk and the network card belong to",
        );
    }
    if host
        .tree
        .number("/proc/sys/kernel/numa_balancing")
        .is_some_and(|on| on > 0)
    {
        return Finding::costs(
            "numa",
            format!("{found}; numa_balancing is on"),
            "the kernel takes pages away for a moment to see who uses them",
            host.tune(),
        );
    }
    Finding::fine("numa", found)
}
