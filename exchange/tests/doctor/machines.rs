//! Machines, laid out from text.

use std::path::PathBuf;
use std::time::Duration;

use Grade::{Broken, Costs, Fine, Unknown};
use hoga::doctor::{Finding, Grade, Host, Measured, Tree, examine};

use crate::support::hosts;
use crate::toml_of;

/// A machine, the settings of its exchange, what was measured, and every finding: check, grade, and words of it.
struct Scenario {
    host: &'static str,
    settings: &'static str,
    data_dir: Option<&'static str>,
    measured: Measured,
    findings: &'static [(&'static str, Grade, &'static str)],
}

fn measured(clock: f64, sync_micros: u64, free_mib: u64) -> Measured {
    Measured {
        clock_read: Some(clock),
        syncs: Some(Ok(vec![Duration::from_micros(sync_micros); 9])),
        free_bytes: Some(free_mib << 20),
    }
}

fn check(scenario: &Scenario) {
    let dir = tempfile::tempdir().unwrap();
    hosts::lay_out(scenario.host, dir.path());
    let config = toml_of(scenario.settings);
    let tree = Tree::new(dir.path());
    let data_dir = scenario.data_dir.map(PathBuf::from);
    let host = Host::read(&tree, &config, data_dir, scenario.measured.clone());
    compare(scenario.host, &examine(&host), scenario.findings);
}

fn compare(what: &str, got: &[Finding], want: &[(&str, Grade, &str)]) {
    for (finding, (check, grade, words)) in got.iter().zip(want) {
        let line = finding.line();
        assert_eq!(
            (finding.check.as_str(), finding.grade),
            (*check, *grade),
            "{what}: {line}"
        );
        assert!(line.contains(words), "{what}: {line:?} lacks {words:?}");
        assert!(
            finding.grade == Fine
                || finding.grade == Unknown
                || !(finding.cost.is_empty() || finding.mend.is_empty()),
            "{what}: says neither what it costs nor how to mend it: {line}"
        );
    }
    let names = |checks: Vec<&str>| checks.join(", ");
    assert_eq!(
        names(got.iter().map(|finding| finding.check.as_str()).collect()),
        names(want.iter().map(|(check, ..)| *check).collect()),
        "{what}"
    );
}

#[test]
fn a_tuned_server_is_not_found_fault_with() {
    check(&Scenario {
        host: "bare-metal-tuned",
        settings: "[threads]\ncores = [1, 2, 3]\n",
        data_dir: Some("/var/lib/hoga"),
        measured: measured(21.0, 18, 900_000),
        findings: &[
            ("cores", Fine, "journaler on 1, matcher on 2, gateway on 3"),
            ("cpu quota", Fine, "none"),
            ("hyper-threads", Fine, "cores 1-3 share nothing"),
            ("isolation", Fine, "isolcpus 1-3, nohz_full 1-3, rcu_nocbs 1-3"),
            ("numa", Fine, "2 nodes; agents on node 0"),
            ("governor", Fine, "performance on cores 1-3"),
            ("idle states", Fine, "C1 (1 µs)"),
            (
                "disk interrupts",
                Fine,
                "nvme1n1 interrupts core 1, the journaler's own",
            ),
            ("network interrupts", Fine, "eth0 interrupts core 0"),
            ("huge pages", Fine, "madvise"),
            ("memlock", Fine, "all memory may be locked"),
            ("open files", Fine, "524288"),
            ("swap", Fine, "8191 MiB, vm.swappiness 1"),
            ("clock source", Fine, "tsc"),
            ("clock read", Fine, "21 ns"),
            ("hypervisor", Fine, "none"),
            ("timer slack", Fine, "50 µs"),
            ("mitigations", Fine, "in force for spectre_v2"),
            ("file system", Fine, "xfs at /var/lib/hoga"),
            (
                "disk",
                Fine,
                "nvme1n1, write cache: write through, scheduler: none",
            ),
            ("free space", Fine, "900000 MiB"),
            ("sync", Fine, "half took 18 µs or less"),
        ],
    });
}

#[test]
fn a_laptop_is_told_all_that_makes_it_slow() {
    check(&Scenario {
        host: "laptop",
        settings: "[memory]\nlock = \"on\"\n",
        data_dir: Some("/srv/data"),
        measured: measured(1_200.0, 3_000, 100),
        findings: &[
            ("cores", Fine, "journaler on 1, matcher on 2, gateway on 3"),
            ("cpu quota", Fine, "none"),
            ("hyper-threads", Costs, "1 with 0, 2 with 3"),
            ("isolation", Costs, "isolcpus=1-3 nohz_full=1-3 rcu_nocbs=1-3"),
            ("numa", Fine, "one node"),
            ("governor", Costs, "powersave on core 1"),
            ("idle states", Costs, "up to 890 µs"),
            ("disk interrupts", Unknown, "no disk of its own"),
            (
                "network interrupts",
                Costs,
                "on core 1-2, the journaler or the matcher",
            ),
            ("irqbalance", Costs, "IRQBALANCE_BANNED_CPULIST=1-3"),
            ("huge pages", Costs, "scripts/tune-host.sh --cores 1-3"),
            ("memlock", Broken, "at most 8192 KiB"),
            ("open files", Broken, "needs 12064"),
            ("swap", Costs, "vm.swappiness 60"),
            ("clock source", Costs, "echo tsc > /sys/devices"),
            ("clock read", Costs, "1200 ns"),
            ("hypervisor", Fine, "none"),
            ("timer slack", Fine, "50 µs"),
            ("mitigations", Fine, "meltdown"),
            ("file system", Costs, "btrfs"),
            ("disk", Unknown, "not lie on one disk"),
            ("free space", Broken, "100 MiB"),
            ("sync", Costs, "half took 3000 µs"),
        ],
    });
}

#[test]
fn a_virtual_machine_is_not_told_what_only_its_host_can_mend() {
    check(&Scenario {
        host: "virtual-machine",
        settings: "",
        data_dir: Some("/srv/hoga"),
        measured: measured(30.0, 1, 5_000),
        findings: &[
            ("cores", Fine, "matcher on 2"),
            ("cpu quota", Fine, "none"),
            ("hyper-threads", Unknown, "no topology"),
            ("isolation", Costs, "isolcpus none"),
            ("numa", Fine, "one node"),
            ("governor", Unknown, "the hypervisor's host decides"),
            ("idle states", Unknown, "given back to the hypervisor"),
            (
                "disk interrupts",
                Costs,
                "vda interrupts core 2, which another agent has; the journaler is on 1",
            ),
            (
                "network interrupts",
                Costs,
                "on core 2, the journaler or the matcher",
            ),
            ("huge pages", Fine, "never"),
            ("memlock", Fine, "this user may lock any memory"),
            ("open files", Fine, "1048576"),
            ("swap", Fine, "none"),
            ("clock source", Fine, "kvm-clock"),
            ("clock read", Fine, "30 ns"),
            ("hypervisor", Costs, "QEMU; 2.00 %"),
            ("timer slack", Fine, "50 µs"),
            ("mitigations", Unknown, "not shown"),
            ("file system", Broken, "nobarrier"),
            ("disk", Costs, "echo none > /sys/block/vda/queue/scheduler"),
            ("free space", Fine, "5000 MiB"),
            ("sync", Unknown, "no disk answers so fast"),
        ],
    });
}

#[test]
fn a_container_is_told_of_its_quota_and_that_memory_is_no_disk() {
    check(&Scenario {
        host: "container",
        settings: "[threads]\ncores = [1, 2, 99]\n",
        data_dir: Some("/data"),
        measured: Measured {
            syncs: Some(Err("Permission denied (os error 13)".to_owned())),
            ..Measured::default()
        },
        findings: &[
            ("cores", Broken, "threads.cores names core 99"),
            ("cpu quota", Costs, "2.00 cores; held back 77 times"),
            ("hyper-threads", Unknown, "no topology"),
            ("isolation", Fine, "nothing is pinned"),
            ("numa", Fine, "one node"),
            ("governor", Unknown, "the firmware decides"),
            ("idle states", Unknown, "none are shown"),
            ("disk interrupts", Unknown, "no disk of its own"),
            ("network interrupts", Fine, "no network card"),
            ("huge pages", Fine, "none"),
            (
                "memlock",
                Fine,
                "65536 KiB may be locked; memory.lock asks for none",
            ),
            ("open files", Fine, "1048576"),
            ("swap", Fine, "none"),
            ("clock source", Unknown, "not shown"),
            ("hypervisor", Fine, "none"),
            ("timer slack", Unknown, "not shown"),
            ("mitigations", Unknown, "not shown"),
            ("file system", Broken, "tmpfs at /data, which is memory"),
            ("sync", Unknown, "Permission denied"),
        ],
    });
}
