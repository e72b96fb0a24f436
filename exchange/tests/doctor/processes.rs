//! Running exchanges, laid out from text.

use std::time::Duration;

use Grade::{Broken, Costs, Fine, Unknown};
use hoga::doctor::{Finding, Grade, Look, Tree};

use crate::support::hosts;
use crate::toml_of;

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

/// A changed thread, changed files, and the one check that must not be fine, with its grade and words of it.
type Case = (
    Thread<'static>,
    &'static str,
    Option<(&'static str, Grade, &'static str)>,
);

const CALM_MATCHER: Thread<'_> = busy(CALM);

const fn busy(figures: [u64; 4]) -> Thread<'static> {
    (80, "hoga-matcher", "2", figures)
}

const CASES: [Case; 15] = [
    (CALM_MATCHER, "", None),
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
        CALM_MATCHER,
        "proc/77/status {\nName:\thoga\nVmLck:\t0 kB\nVmRSS:\t500000 kB\nVmSwap:\t0 kB\n}",
        Some(("locked memory", Costs, "0 of 488 MiB")),
    ),
    (
        CALM_MATCHER,
        "proc/77/status {\nName:\thoga\nVmLck:\t9 kB\nVmRSS:\t9 kB\nVmSwap:\t2048 kB\n}",
        Some(("swapped out", Costs, "2 MiB")),
    ),
    (
        CALM_MATCHER,
        "proc/77/fd/{0-95} = x",
        Some(("descriptors", Broken, "96 of at most 100")),
    ),
    (
        CALM_MATCHER,
        "proc/77/oom_score_adj = 200",
        Some(("oom score", Costs, "200")),
    ),
    (
        CALM_MATCHER,
        "proc/77/timerslack_ns = rubbish",
        Some(("process timer slack", Unknown, "not shown")),
    ),
];

#[test]
fn a_running_exchange_is_not_called_fine_when_one_thing_of_it_is_not() {
    let by_default = examine(CALM_MATCHER, "", "");
    assert!(
        by_default.iter().all(|finding| finding.grade == Fine),
        "{by_default:?}"
    );
    for (changed, files, want) in CASES {
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
fn an_exchange_that_was_given_one_core_is_not_called_broken_for_using_it() {
    let dir = tempfile::tempdir().unwrap();
    let names = [(77, "hoga"), (78, "hoga-gateway"), (79, "hoga-core")];
    let all: String = names
        .iter()
        .map(|(id, name)| thread(&(*id, name, "0", CALM)))
        .collect();
    hosts::lay_over(&format!("{PROCESS}{all}"), dir.path());
    let look = Look::at(&Tree::new(dir.path()), 77).unwrap();
    let findings = hoga::doctor::judge(&look, &look, Duration::from_secs(2), &toml_of(""));
    let of = |grade: Grade| findings.iter().filter(|finding| finding.grade == grade).count();
    assert_eq!(
        (of(Broken), of(Costs)),
        (0, 3),
        "each agent, and the rest: {findings:?}"
    );
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
