//! What the doctor says of several machines, of running exchanges, and of this machine.

mod support;

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use hoga::config::Config;
use hoga::doctor::{Finding, Grade, Host, Look, Measured, Tree};
use serde_json::Value;
use support::{Process, hosts};

use Grade::{Broken, Costs, Fine, Unknown};

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
    let config: Config = toml_of(scenario.settings);
    let tree = Tree::new(dir.path());
    let data_dir = scenario.data_dir.map(PathBuf::from);
    let host = Host::read(&tree, &config, data_dir, scenario.measured.clone());
    compare(scenario.host, &host.examine(), scenario.findings);
}

fn toml_of(settings: &str) -> Config {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hoga.toml");
    std::fs::write(&path, settings).unwrap();
    Config::load(Some(&path), [], Default::default()).unwrap()
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
        data_dir: Some("/home/somebody/data"),
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
            ("open files", Broken, "needs 10064"),
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

/// An exchange with its three agents pinned, the follower and the rest on core 0.
const PROCESS: &str = "\
proc/77/status {
Name:	hoga
VmLck:	  600000 kB
VmRSS:	  500000 kB
VmSwap:	       0 kB
}
proc/77/limits {
Limit                     Soft Limit           Hard Limit           Units
Max open files            100                  524288               files
}
proc/77/oom_score_adj = -900
proc/77/timerslack_ns = 50000
proc/77/fd/{0-20} = x
";

/// A thread: its number, name, cores, involuntary switches, minor and major faults, nanoseconds it waited.
type Thread<'a> = (u32, &'a str, &'a str, [u64; 4]);

fn thread((id, name, cores, [switches, minor, major, waited]): &Thread<'_>) -> String {
    format!(
        "proc/77/task/{id}/status {{\nName:\t{name}\nCpus_allowed_list:\t{cores}\nvoluntary_ctxt_switches:\t5\n\
         nonvoluntary_ctxt_switches:\t{switches}\n}}\n\
         proc/77/task/{id}/stat = {id} ({name} :) x) R 1 1 1 0 -1 64 {minor} 0 {major} 0 5 5\n\
         proc/77/task/{id}/schedstat = 1000000000 {waited} 99\n"
    )
}

const CALM: [u64; 4] = [0; 4];

const THREADS: [Thread<'_>; 6] = [
    (77, "hoga", "0", CALM),
    (78, "hoga-gateway", "3", CALM),
    (79, "hoga-journaler", "1", CALM),
    (80, "hoga-matcher", "2", CALM),
    (81, "hoga-follower", "0", CALM),
    (82, "journal-maker", "0", CALM),
];

/// Lays out the process with one thread replaced, and more `files`, after the first look.
fn examine(changed: Thread<'_>, files: &str, settings: &str) -> Vec<Finding> {
    let dir = tempfile::tempdir().unwrap();
    let calm = THREADS.iter().filter(|thread| thread.0 != changed.0).map(thread);
    let all: String = calm
        .chain([thread(&(changed.0, changed.1, changed.2, CALM))])
        .collect();
    hosts::lay_over(PROCESS, dir.path());
    hosts::lay_over(&all, dir.path());
    let tree = Tree::new(dir.path());
    let first = Look::at(&tree, 77).unwrap();
    hosts::lay_over(&thread(&changed), dir.path());
    hosts::lay_over(files, dir.path());
    let second = Look::at(&tree, 77).unwrap();
    hoga::doctor::judge(&first, &second, Duration::from_secs(2), &toml_of(settings))
}

#[test]
fn a_running_exchange_is_not_called_fine_when_one_thing_of_it_is_not() {
    // A changed thread, changed files, and the one check that must not be fine, with its grade and words of it.
    let matcher = (80, "hoga-matcher", "2");
    let busy = |figures: [u64; 4]| (matcher.0, matcher.1, matcher.2, figures);
    let calm = busy(CALM);
    let cases: [(Thread<'_>, &str, Option<(&str, Grade, &str)>); 15] = [
        (calm, "", None),
        (
            (80, "hoga-matcher", "0-3", CALM),
            "",
            Some((
                "thread matcher",
                Broken,
                "should be pinned to core 2 and may run on 0-3",
            )),
        ),
        (
            (80, "hoga-matcher", "1", CALM),
            "",
            Some(("thread matcher", Broken, "on core 1, and so is hoga-journaler")),
        ),
        (
            (81, "hoga-follower", "0-3", CALM),
            "",
            Some(("other threads", Costs, "hoga-follower on 0-3")),
        ),
        (
            (82, "journal-maker", "3", CALM),
            "",
            Some(("other threads", Costs, "journal-maker on 3")),
        ),
        (
            busy([1_000, 0, 0, 0]),
            "",
            Some(("look at matcher", Costs, "1000 involuntary")),
        ),
        (
            busy([0, 100, 0, 0]),
            "",
            Some(("look at matcher", Costs, "100 minor")),
        ),
        (
            busy([0, 0, 1, 0]),
            "",
            Some(("look at matcher", Costs, "1 major")),
        ),
        (
            busy([0, 0, 0, 9_000_000]),
            "",
            Some(("look at matcher", Costs, "waited 9.000 ms")),
        ),
        (busy([3, 2, 0, 100_000]), "", None),
        (
            calm,
            "proc/77/status {\nName:\thoga\nVmLck:\t0 kB\nVmRSS:\t500000 kB\nVmSwap:\t0 kB\n}",
            Some(("locked memory", Costs, "0 of 488 MiB")),
        ),
        (
            calm,
            "proc/77/status {\nName:\thoga\nVmLck:\t9 kB\nVmRSS:\t9 kB\nVmSwap:\t2048 kB\n}",
            Some(("swapped out", Costs, "2 MiB")),
        ),
        (
            calm,
            "proc/77/fd/{0-95} = x",
            Some(("descriptors", Broken, "96 of at most 100")),
        ),
        (
            calm,
            "proc/77/oom_score_adj = 200",
            Some(("oom score", Costs, "200")),
        ),
        (
            calm,
            "proc/77/timerslack_ns = rubbish",
            Some(("process timer slack", Unknown, "not shown")),
        ),
    ];
    let by_default = examine(calm, "", "");
    assert!(
        by_default.iter().all(|finding| finding.grade == Fine),
        "{by_default:?}"
    );
    for (changed, files, want) in cases {
        let findings = examine(changed, files, "[threads]\ncores = [1, 2, 3]\n");
        let odd: Vec<&Finding> = findings.iter().filter(|finding| finding.grade != Fine).collect();
        // Two threads on one core are each told of the other.
        let first = odd
            .iter()
            .find(|finding| want.is_some_and(|(check, ..)| finding.check == check));
        match want {
            None => assert!(odd.is_empty(), "{odd:?}"),
            Some((check, grade, words)) => {
                let finding = first.unwrap_or_else(|| panic!("{check} is fine: {findings:?}"));
                assert_eq!(finding.grade, grade, "{}", finding.line());
                assert!(finding.line().contains(words), "{} lacks {words}", finding.line());
                assert!(odd.len() <= 2, "{odd:?}");
            }
        }
    }
}

#[test]
fn another_configuration_than_the_exchanges_own_is_not_taken_for_a_fault_of_the_exchange() {
    let calm = (80, "hoga-matcher", "2", CALM);
    for settings in [
        "[threads]\nlayout = \"shared\"\n",
        "[threads]\ncores = [3, 2, 1]\n",
    ] {
        let findings = examine(calm, "", settings);
        let broken: Vec<String> = findings
            .iter()
            .filter(|finding| finding.grade == Broken)
            .map(Finding::line)
            .collect();
        assert!(broken.is_empty(), "{settings:?}: {broken:?}");
        assert!(
            findings.iter().any(|finding| finding.line().contains("--config")),
            "{settings:?}"
        );
    }
}

#[test]
fn a_process_that_is_no_exchange_is_not_examined_as_one() {
    let dir = tempfile::tempdir().unwrap();
    hosts::lay_over(
        "proc/9/status {\nName:\tbash\n}\nproc/9/task/9/status {\nName:\tbash\nCpus_allowed_list:\t0\n}",
        dir.path(),
    );
    let tree = Tree::new(dir.path());
    for (pid, words) in [
        (9, "process 9 (bash) is no running exchange"),
        (10, "there is no process 10"),
    ] {
        let finding = Look::at(&tree, pid).unwrap_err();
        assert_eq!(
            (finding.grade, finding.found.contains(words)),
            (Broken, true),
            "{}",
            finding.line()
        );
    }
}

fn doctor(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_hoga"))
        .arg("doctor")
        .args(arguments)
        .output()
        .unwrap();
    (
        output.status.code(),
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap(),
    )
}

#[test]
fn a_doctors_visit_leaves_nothing_behind_and_ends_with_what_it_found() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let process = Process::start(&data, &[]);
    let listed = || {
        let mut names: Vec<_> = std::fs::read_dir(&data)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        names
    };
    let before = listed();
    let pid = process.child.id().to_string();
    let (status, said) = doctor(&["--data-dir", data.to_str().unwrap(), "--pid", &pid, "--json"]);
    assert_eq!(listed(), before);
    let report: Value = serde_json::from_str(&said).unwrap();
    let checks = report["checks"].as_array().unwrap();
    let of = |name: &str| {
        checks
            .iter()
            .find(|check| check["check"] == name)
            .unwrap_or_else(|| panic!("{name}: {said}"))
    };
    for name in [
        "cores",
        "sync",
        "process",
        "thread gateway",
        "look at gateway",
        "descriptors",
    ] {
        assert_ne!(of(name)["grade"], "broken", "{}", of(name));
    }
    let counted: u64 = ["fine", "costs_latency", "broken", "unknown"]
        .iter()
        .map(|key| report[*key].as_u64().unwrap())
        .sum();
    assert_eq!(counted, checks.len() as u64);
    assert_eq!(status, Some(i32::from(report["broken"] != 0)), "{said}");
    process.terminate();
    let (status, said) = doctor(&["--pid", &pid]);
    assert!(
        status == Some(1) && said.contains("there is no process"),
        "{said}"
    );
    let (status, said) = doctor(&["--data-dir", dir.path().join("nowhere").to_str().unwrap()]);
    assert!(status == Some(1) && said.contains("nowhere"), "{said}");
    assert_eq!(doctor(&["--pid", "x"]).0, Some(2));
}
