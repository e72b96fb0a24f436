//! How fast cores run, and how deep they sleep.

use super::host::Host;
use super::report::Finding;
use crate::agent::IdleStrategy;

/// A wake-up from an idle state that takes longer than this many microseconds is told.
const DEEP: u64 = 10;

/// What power saving comes to.
pub fn examine(host: &Host<'_>) -> Vec<Finding> {
    vec![governor(host), idle_states(host)]
}

fn governor(host: &Host<'_>) -> Finding {
    let governors: Vec<(usize, String)> = host
        .watched()
        .iter()
        .filter_map(|core| {
            let file = format!("/sys/devices/system/cpu/cpu{core}/cpufreq/scaling_governor");
            Some((core, host.tree.text(&file)?))
        })
        .collect();
    if governors.is_empty() {
        let who = if host.is_virtual() {
            "the hypervisor's host"
        } else {
            "the firmware"
        };
        return Finding::unknown(
            "governor",
            format!("no cpufreq here: {who} decides how fast a core runs"),
            "a core that clocks down between orders takes tens of microseconds to come up",
            format!("ask for performance there ({who})"),
        );
    }
    let slow: Vec<String> = governors
        .iter()
        .filter(|(_, governor)| governor != "performance")
        .map(|(core, governor)| format!("{governor} on core {core}"))
        .collect();
    if slow.is_empty() {
        return Finding::fine("governor", format!("performance on cores {}", host.watched()));
    }
    Finding::costs(
        "governor",
        slow.join(", "),
        "a core clocks down between orders and takes tens of microseconds to come up",
        host.tune(),
    )
}

/// An idle state that a core may go to.
struct State {
    core: usize,
    name: String,
    microseconds: u64,
}

fn idle_states(host: &Host<'_>) -> Finding {
    let mut deepest: Option<State> = None;
    let mut seen = false;
    for core in host.watched().iter() {
        let folder = format!("/sys/devices/system/cpu/cpu{core}");
        // A resume latency of "n/a" allows none at all, and 0 any.
        let most = match host
            .tree
            .text(&format!("{folder}/power/pm_qos_resume_latency_us"))
            .as_deref()
        {
            Some("n/a") => 0,
            Some(text) => text.parse().ok().filter(|most| *most > 0).unwrap_or(u64::MAX),
            None => u64::MAX,
        };
        for state in host.tree.names(&format!("{folder}/cpuidle")) {
            let at = |name: &str| format!("{folder}/cpuidle/{state}/{name}");
            let Some(microseconds) = host.tree.number(&at("latency")) else {
                continue;
            };
            seen = true;
            let is_off = host.tree.number(&at("disable")).is_some_and(|off| off > 0);
            if is_off
                || microseconds > most
                || deepest
                    .as_ref()
                    .is_some_and(|deepest| deepest.microseconds >= microseconds)
            {
                continue;
            }
            let name = host.tree.text(&at("name")).unwrap_or(state);
            deepest = Some(State {
                core,
                name,
                microseconds,
            });
        }
    }
    let spins = host.config.threads.idle == IdleStrategy::Spin && !host.pinned().is_empty();
    match deepest {
        Some(state) if state.microseconds > DEEP && !spins => Finding::costs(
            "idle states",
            format!("core {} may go to {}", state.core, state.name),
            &format!("up to {} µs at each wake-up", state.microseconds),
            format!("{}, or threads.idle = \"spin\" on cores of its own", host.tune()),
        ),
        Some(state) => Finding::fine(
            "idle states",
            format!(
                "the deepest in reach is {} ({} µs)",
                state.name, state.microseconds
            ),
        ),
        None if seen => Finding::fine("idle states", "all are off"),
        None if spins => Finding::fine("idle states", "none are shown, and agents spin"),
        None => Finding::unknown(
            "idle states",
            "none are shown here: a core that idles is given back to the hypervisor or the firmware",
            "a wake-up takes as long as those need",
            "threads.idle = \"spin\" on cores of its own does without wake-ups",
        ),
    }
}
