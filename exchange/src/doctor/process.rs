//! A running exchange: whether its threads are where they should be, and what they waited for in a short look.

use std::time::Duration;

use super::cores::quota;
use super::host::plan;
use super::limits::{Limit, limit};
use super::report::{Finding, Grade};
use super::tree::{CoreSet, Tree, field, number_of};
use crate::config::Config;

/// What a thread of the kernel's accounts may take of a second of an agent's before it is told: waiting for its core.
const WAITED: f64 = 0.001;

/// Page faults and interruptions a second that are told.
const FAULTS: f64 = 5.0;
const INTERRUPTIONS: f64 = 20.0;

/// One look at a process.
#[derive(Clone, Debug)]
pub struct Look {
    pid: u32,
    status: String,
    threads: Vec<ThreadLook>,
    open_files: Option<usize>,
    most_files: Option<Limit>,
    oom_score_adj: Option<i64>,
    slack: Option<u64>,
    quota: Finding,
}

/// One look at a thread.
#[derive(Clone, Debug, Default)]
struct ThreadLook {
    id: u32,
    name: String,
    allowed: CoreSet,
    voluntary: u64,
    involuntary: u64,
    minor_faults: u64,
    major_faults: u64,
    ran: Duration,
    waited: Duration,
}

impl Look {
    /// Looks at `pid`.
    ///
    /// # Errors
    /// What to tell where there is no such process, or it is no running exchange.
    pub fn at(tree: &Tree, pid: u32) -> Result<Look, Finding> {
        let folder = format!("/proc/{pid}");
        let of_none = |found: String| {
            Finding::broken(
                "process",
                found,
                "there is nothing to look at",
                "the process id of a hoga serve (pidof hoga)",
            )
        };
        let Some(status) = tree.text(&format!("{folder}/status")) else {
            return Err(of_none(format!("there is no process {pid}")));
        };
        let threads: Vec<ThreadLook> = tree
            .names(&format!("{folder}/task"))
            .iter()
            .filter_map(|id| ThreadLook::at(tree, &format!("{folder}/task/{id}"), id))
            .collect();
        let name = field(&status, "Name").unwrap_or_default();
        if !threads.iter().any(|thread| thread.name == "hoga-gateway") {
            return Err(of_none(format!("process {pid} ({name}) is no running exchange")));
        }
        let files = tree.names(&format!("{folder}/fd"));
        Ok(Look {
            pid,
            status,
            threads,
            open_files: (!files.is_empty()).then_some(files.len()),
            most_files: limit(tree, &pid.to_string(), "Max open files"),
            oom_score_adj: tree
                .text(&format!("{folder}/oom_score_adj"))
                .and_then(|text| text.parse().ok()),
            slack: tree.number(&format!("{folder}/timerslack_ns")),
            quota: quota(tree, &pid.to_string(), 0),
        })
    }
}

impl ThreadLook {
    fn at(tree: &Tree, folder: &str, id: &str) -> Option<ThreadLook> {
        let status = tree.text(&format!("{folder}/status"))?;
        let number = |key: &str| number_of(&status, key).unwrap_or(0);
        // The name stands in parentheses and may hold anything, so the fields are counted from behind it.
        let stat = tree.text(&format!("{folder}/stat")).unwrap_or_default();
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .collect();
        let fault = |at: usize| fields.get(at).and_then(|text| text.parse().ok()).unwrap_or(0);
        let schedule = tree.text(&format!("{folder}/schedstat")).unwrap_or_default();
        let mut spent = schedule
            .split_whitespace()
            .map(|time| time.parse().map(Duration::from_nanos).unwrap_or_default());
        Some(ThreadLook {
            id: id.parse().ok()?,
            name: field(&status, "Name")?,
            allowed: CoreSet::parse(&field(&status, "Cpus_allowed_list")?)?,
            voluntary: number("voluntary_ctxt_switches"),
            involuntary: number("nonvoluntary_ctxt_switches"),
            minor_faults: fault(7),
            major_faults: fault(9),
            ran: spent.next().unwrap_or_default(),
            waited: spent.next().unwrap_or_default(),
        })
    }

    /// What came since `before`.
    fn since(&self, before: &ThreadLook) -> ThreadLook {
        ThreadLook {
            voluntary: self.voluntary.saturating_sub(before.voluntary),
            involuntary: self.involuntary.saturating_sub(before.involuntary),
            minor_faults: self.minor_faults.saturating_sub(before.minor_faults),
            major_faults: self.major_faults.saturating_sub(before.major_faults),
            ran: self.ran.saturating_sub(before.ran),
            waited: self.waited.saturating_sub(before.waited),
            ..self.clone()
        }
    }
}

/// Judges a process by two looks, of which the second came `elapsed` after the first.
pub fn judge(first: &Look, second: &Look, elapsed: Duration, config: &Config) -> Vec<Finding> {
    let every_core = second
        .threads
        .iter()
        .fold(CoreSet::default(), |all, thread| all.or(&thread.allowed));
    // What the exchange could have is what its threads have together: before it pinned any, each had all of it. Where
    // cores are chosen it got them, or it would not run.
    let chosen = config.threads.cores.iter().copied().collect();
    let plan = plan(&every_core, &every_core.or(&chosen), config);
    let found = format!(
        "{} is a running exchange of {} threads",
        second.pid,
        second.threads.len()
    );
    let mut findings = vec![match &plan {
        Ok(_) => Finding::fine("process", found),
        Err(why) => Finding::unknown(
            "process",
            format!("{found}; {why}"),
            "",
            "--config with the exchange's own",
        ),
    }];
    let planned: Vec<(String, Option<usize>)> = plan.map_or_else(
        |_| Vec::new(),
        |plan| {
            plan.describe()
                .into_iter()
                .map(|(name, _, core)| (format!("hoga-{name}"), core))
                .collect()
        },
    );
    let is_agent = |thread: &&ThreadLook| AGENTS.contains(&thread.name.as_str());
    let agents: Vec<&ThreadLook> = second.threads.iter().filter(is_agent).collect();
    for thread in &agents {
        let wanted = planned
            .iter()
            .find(|(name, _)| *name == thread.name)
            .map(|(_, core)| *core);
        findings.push(agent_placed(thread, wanted, &agents));
    }
    findings.extend(helpers_placed(&second.threads, &agents));
    for thread in &agents {
        if let Some(before) = first.threads.iter().find(|before| before.id == thread.id) {
            findings.push(looked_at(&thread.since(before), elapsed));
        }
    }
    let is_pinned = agents.iter().any(|agent| agent.allowed.only().is_some());
    findings.extend(memory(second, config, is_pinned));
    findings.extend(rest(second));
    findings
}

/// Threads that an order passes through.
const AGENTS: [&str; 4] = ["hoga-core", "hoga-journaler", "hoga-matcher", "hoga-gateway"];

/// `wanted` is the core that the plan gives the thread; none where the plan has no such thread.
fn agent_placed(thread: &ThreadLook, wanted: Option<Option<usize>>, agents: &[&ThreadLook]) -> Finding {
    let check = format!("thread {}", thread.name.trim_start_matches("hoga-"));
    let allowed = &thread.allowed;
    let is_beside = |other: &&&ThreadLook| other.id != thread.id && other.allowed == *allowed;
    let beside = agents.iter().find(is_beside).filter(|_| allowed.only().is_some());
    if let Some(other) = beside {
        let found = format!("on core {allowed}, and so is {}", other.name);
        return match wanted {
            // Nobody chose that: the process has no other core.
            Some(None) => Finding::costs(
                &check,
                found,
                "they take turns, milliseconds each",
                "more cores for the exchange (taskset, the cpuset, CPUAffinity=)",
            ),
            _ => Finding::broken(
                &check,
                found,
                "they take turns, milliseconds each",
                "threads.cores with a core for each",
            ),
        };
    }
    let differs = |configured: &str| {
        Finding::unknown(
            &check,
            format!("runs on {allowed}; {configured}"),
            "",
            "--config with the exchange's own",
        )
    };
    match (allowed.only(), wanted) {
        (_, None) => differs("this configuration has no such thread"),
        (None, Some(None)) => Finding::fine(&check, format!("not pinned, as planned: may run on {allowed}")),
        (None, Some(Some(core))) => Finding::broken(
            &check,
            format!("should be pinned to core {core} and may run on {allowed}"),
            "it is moved between cores and shares them",
            "what the exchange said at its start; taskset or a cpuset may have changed it since",
        ),
        (Some(core), Some(Some(wanted))) if core == wanted => {
            Finding::fine(&check, format!("pinned to core {core}, its own"))
        }
        (Some(_), Some(Some(wanted))) => differs(&format!("this configuration says {wanted}")),
        (Some(_), Some(None)) => differs("this configuration pins nothing"),
    }
}

/// Every other thread must keep off the cores that agents are pinned to.
fn helpers_placed(threads: &[ThreadLook], agents: &[&ThreadLook]) -> Option<Finding> {
    let pinned: CoreSet = agents.iter().filter_map(|agent| agent.allowed.only()).collect();
    if pinned.is_empty() {
        return None;
    }
    let helpers: Vec<&ThreadLook> = threads
        .iter()
        .filter(|thread| !agents.iter().any(|agent| agent.id == thread.id))
        .collect();
    let astray: Vec<String> = helpers
        .iter()
        .filter(|helper| !helper.allowed.and(&pinned).is_empty())
        .map(|helper| format!("{} on {}", helper.name, helper.allowed))
        .collect();
    let names: Vec<&str> = helpers.iter().map(|helper| helper.name.as_str()).collect();
    Some(if astray.is_empty() {
        Finding::fine(
            "other threads",
            format!("off the agents' cores: {}", names.join(", ")),
        )
    } else {
        Finding::costs(
            "other threads",
            format!("may run on the agents' cores: {}", astray.join(", ")),
            "an agent waits while they have its core",
            "a core more than the agents have: threads.cores, or a wider cpuset",
        )
    })
}

/// What a thread did, and waited for, in a look of `elapsed`.
fn looked_at(thread: &ThreadLook, elapsed: Duration) -> Finding {
    let check = format!("look at {}", thread.name.trim_start_matches("hoga-"));
    let seconds = elapsed.as_secs_f64().max(0.001);
    let found = format!(
        "in {seconds:.1} s it ran {:.3} s and waited {:.3} ms for its core; switches {} voluntary, {} involuntary; page \
         faults {} minor, {} major",
        thread.ran.as_secs_f64(),
        thread.waited.as_secs_f64() * 1e3,
        thread.voluntary,
        thread.involuntary,
        thread.minor_faults,
        thread.major_faults,
    );
    let faults = thread.minor_faults as f64 / seconds > FAULTS;
    let crowded =
        thread.involuntary as f64 / seconds > INTERRUPTIONS || thread.waited.as_secs_f64() / seconds > WAITED;
    if thread.major_faults > 0 || faults {
        let mend = "memory.lock = \"on\" (with cores pinned \"auto\" does it), and a limit that allows it";
        let cost = match thread.major_faults {
            0 => "each fault is a microsecond in the kernel, or more",
            _ => "a major fault waits for the disk",
        };
        return Finding::costs(&check, found, cost, mend);
    }
    if crowded {
        return Finding::costs(
            &check,
            found,
            "others have its core in turn with it",
            "cores of its own: threads.cores, and isolcpus as scripts/tune-host.sh prints it",
        );
    }
    Finding::fine(&check, found)
}

fn memory(look: &Look, config: &Config, is_pinned: bool) -> Vec<Finding> {
    let kilobytes = |key: &str| number_of(&look.status, key);
    let mut findings = Vec::new();
    if let (Some(locked), Some(resident)) = (kilobytes("VmLck"), kilobytes("VmRSS")) {
        let found = format!(
            "{} of {} MiB in memory are locked",
            locked.min(resident) >> 10,
            resident >> 10
        );
        // Locked address space counts whole; what is in memory of it, at most.
        findings.push(if locked * 10 >= resident * 9 {
            Finding::fine("locked memory", found)
        } else if !config.memory.lock.is_wanted(is_pinned) {
            Finding::fine("locked memory", format!("{found}; memory.lock asks for none"))
        } else {
            Finding::costs(
                "locked memory",
                found,
                "a page that the system takes away is read back from the disk under an order",
                "LimitMEMLOCK=infinity in the unit (scripts/hoga.service has it), or scripts/tune-host.sh and a new login",
            )
        });
    }
    if let Some(swapped) = kilobytes("VmSwap") {
        findings.push(match swapped {
            0 => Finding::fine("swapped out", "nothing"),
            _ => Finding::costs(
                "swapped out",
                format!("{} MiB", swapped.div_ceil(1 << 10)),
                "it is read back from the disk under an order",
                "memory.lock = \"on\", swapoff -a, or more memory",
            ),
        });
    }
    findings
}

fn rest(look: &Look) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.push(match (look.open_files, look.most_files) {
        (Some(open), Some(Limit::At(most))) if open as u64 * 10 > most * 9 => Finding::broken(
            "descriptors",
            format!("{open} of at most {most}"),
            "the next clients cannot connect",
            "LimitNOFILE in the unit, or a lower gateway.max_connections",
        ),
        (Some(open), Some(Limit::At(most))) => {
            Finding::fine("descriptors", format!("{open} of at most {most}"))
        }
        (Some(open), _) => Finding::fine("descriptors", format!("{open}")),
        (None, _) => Finding::unknown(
            "descriptors",
            "not shown to this user",
            "",
            "run this as root or the exchange's user",
        ),
    });
    findings.push(match look.oom_score_adj {
        Some(score) if score > 0 => Finding::costs(
            "oom score",
            score.to_string(),
            "where memory runs out the kernel ends the exchange before others",
            "OOMScoreAdjust=-900 in the unit (scripts/hoga.service has it)",
        ),
        Some(score) => Finding::fine("oom score", score.to_string()),
        None => Finding::unknown("oom score", "not shown", "", ""),
    });
    findings.push(match look.slack {
        Some(nanoseconds) => Finding::fine("process timer slack", format!("{} µs", nanoseconds / 1_000)),
        None => Finding::unknown(
            "process timer slack",
            "not shown to this user",
            "",
            "run this as root",
        ),
    });
    if look.quota.grade != Grade::Fine {
        findings.push(Finding {
            check: "process cpu quota".to_owned(),
            ..look.quota.clone()
        });
    }
    findings
}
