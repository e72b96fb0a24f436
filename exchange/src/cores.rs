//! Which agent runs on which core.

use std::thread;

use rustix::thread::{CpuSet, sched_setaffinity};
use serde::{Deserialize, Serialize};

/// How threads are to be laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// Split with four cores or more, shared with fewer; where cores are chosen, as many threads as those.
    #[default]
    Auto,
    /// Journaler and matcher take turns on one thread.
    Shared,
    /// Journaler and matcher each have a thread.
    Split,
}

/// Whether threads are pinned to cores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pinning {
    /// Pinned when each thread can have a core of its own and one is left for the system, or
    /// when cores were chosen.
    #[default]
    Auto,
    /// Pinned.
    On,
    /// Left to the scheduler.
    Off,
}

/// Where each agent runs; `None` is anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CorePlan {
    /// Two threads.
    Shared {
        /// Journaler and matcher.
        core: Option<usize>,
        /// Gateway.
        gateway: Option<usize>,
    },
    /// Three threads.
    Split {
        /// Journaler.
        journaler: Option<usize>,
        /// Matcher.
        matcher: Option<usize>,
        /// Gateway.
        gateway: Option<usize>,
    },
}

impl CorePlan {
    /// Plans for the cores that this process may use ([`available`], with [`beyond`] where cores are chosen).
    ///
    /// With more cores than threads the first is left to the system: interrupts and everything else land there.
    /// `chosen`, if not empty, names the cores in the order journaler, matcher, gateway (split) or core, gateway.
    ///
    /// # Errors
    /// In words, when `chosen` has the wrong length or names a core that this process may not use.
    pub fn new(
        available: &[usize],
        layout: Layout,
        pinning: Pinning,
        chosen: &[usize],
    ) -> Result<Self, String> {
        let split = match layout {
            Layout::Auto if !chosen.is_empty() => chosen.len() > 2,
            Layout::Auto => available.len() >= 4,
            Layout::Shared => false,
            Layout::Split => true,
        };
        let threads = if split { 3 } else { 2 };
        if !chosen.is_empty() && chosen.len() != threads {
            let names = if split {
                "journaler, matcher, gateway"
            } else {
                "core (journaler and matcher), gateway"
            };
            return Err(format!(
                "threads.cores must name {threads} cores ({names}), not {}",
                chosen.len()
            ));
        }
        if let Some(core) = chosen.iter().find(|core| !available.contains(core)) {
            return Err(format!(
                "threads.cores names core {core}, but this process may use only {available:?}: is it offline, or outside \
                 of the cpuset? `hoga doctor` says which cores there are"
            ));
        }
        if (1..chosen.len()).any(|thread| chosen[..thread].contains(&chosen[thread])) {
            return Err(format!(
                "threads.cores names a core twice: {chosen:?}. Each thread needs one of its own"
            ));
        }
        let pin = match pinning {
            Pinning::Auto => !chosen.is_empty() || available.len() > threads,
            Pinning::On => true,
            Pinning::Off => false,
        };
        let first = usize::from(available.len() > threads);
        let core = |thread: usize| {
            let taken = chosen
                .get(thread)
                .or_else(|| available.get((first + thread) % available.len().max(1)));
            taken.copied().filter(|_| pin)
        };
        Ok(if split {
            CorePlan::Split {
                journaler: core(0),
                matcher: core(1),
                gateway: core(2),
            }
        } else {
            CorePlan::Shared {
                core: core(0),
                gateway: core(1),
            }
        })
    }

    /// The gateway's core.
    pub const fn gateway(&self) -> Option<usize> {
        match self {
            CorePlan::Shared { gateway, .. } | CorePlan::Split { gateway, .. } => *gateway,
        }
    }

    /// The cores that agents are pinned to.
    pub fn pinned(&self) -> Vec<usize> {
        self.describe()
            .into_iter()
            .filter_map(|(_, _, core)| core)
            .collect()
    }

    /// Each thread with its agents and its core, for the start.
    pub fn describe(&self) -> Vec<(&'static str, &'static str, Option<usize>)> {
        match *self {
            CorePlan::Shared { core, gateway } => {
                vec![
                    ("core", "journaler + matcher", core),
                    ("gateway", "gateway", gateway),
                ]
            }
            CorePlan::Split {
                journaler,
                matcher,
                gateway,
            } => {
                vec![
                    ("journaler", "journaler", journaler),
                    ("matcher", "matcher", matcher),
                    ("gateway", "gateway", gateway),
                ]
            }
        }
    }
}

/// The calling thread's affinity mask. To be asked before that thread is pinned or kept off cores: afterwards the
/// answer is what was made of it.
pub fn available() -> Vec<usize> {
    core_affinity::get_core_ids()
        .unwrap_or_default()
        .into_iter()
        .map(|core| core.id)
        .collect()
}

/// Those of `chosen` that are not in `available` and yet can be had. A mask is inherited, and a service's
/// `CPUAffinity` keeps the whole process off the cores that its agents are to have for themselves; but a thread may
/// widen its own as far as the cpuset allows. Only the system knows, so each is tried on a thread that ends at once.
pub fn beyond(available: &[usize], chosen: &[usize]) -> Vec<usize> {
    let can_be_had = |core: usize| {
        let tried =
            thread::spawn(move || core < CpuSet::MAX_CPU && sched_setaffinity(None, &set(&[core])).is_ok());
        tried.join().unwrap_or_default()
    };
    let outside = chosen.iter().copied().filter(|core| !available.contains(core));
    outside.filter(|core| can_be_had(*core)).collect()
}

/// Pins the calling thread; on refusal it says so and goes on unpinned.
pub fn pin(core: Option<usize>) {
    let Some(id) = core else { return };
    if !core_affinity::set_for_current(core_affinity::CoreId { id }) {
        let name = thread::current().name().unwrap_or("thread").to_owned();
        eprintln!("hoga: {name} could not be pinned to core {id}; it runs wherever the system puts it");
    }
}

/// Keeps the calling thread, and the threads that it starts from now on, off the cores that agents are pinned to.
/// Where those are all that there is, nothing changes.
pub fn keep_off(plan: &CorePlan) {
    let rest = house(&available(), plan);
    // A mask within the present one is refused only when cores are taken away at this very moment.
    if !plan.pinned().is_empty() && !rest.is_empty() {
        let _ = sched_setaffinity(None, &set(&rest));
    }
}

/// The cores of `available` that no agent is pinned to: for the follower, the maker of segments and the watch.
pub fn house(available: &[usize], plan: &CorePlan) -> Vec<usize> {
    let pinned = plan.pinned();
    let mut rest = available.to_vec();
    rest.retain(|core| !pinned.contains(core));
    rest
}

fn set(cores: &[usize]) -> CpuSet {
    let mut set = CpuSet::new();
    for core in cores.iter().filter(|core| **core < CpuSet::MAX_CPU) {
        set.set(*core);
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_plan_puts_two_threads_on_one_core_or_pins_where_none_is_left_for_the_system() {
        let shared = |core, gateway| CorePlan::Shared { core, gateway };
        let split = |journaler, matcher, gateway| CorePlan::Split {
            journaler,
            matcher,
            gateway,
        };
        let cases: [(&[usize], Layout, Pinning, &[usize], CorePlan); 11] = [
            (&[0], Layout::Auto, Pinning::Auto, &[], shared(None, None)),
            (&[0, 1], Layout::Auto, Pinning::Auto, &[], shared(None, None)),
            (&[0, 1], Layout::Auto, Pinning::On, &[], shared(Some(0), Some(1))),
            (
                &[0, 1],
                Layout::Auto,
                Pinning::Auto,
                &[1, 0],
                shared(Some(1), Some(0)),
            ),
            (
                &[0, 1, 2],
                Layout::Auto,
                Pinning::Auto,
                &[],
                shared(Some(1), Some(2)),
            ),
            (
                &[0, 1, 2, 3],
                Layout::Auto,
                Pinning::Auto,
                &[],
                split(Some(1), Some(2), Some(3)),
            ),
            (
                &[4, 6, 8, 9],
                Layout::Auto,
                Pinning::Auto,
                &[9, 8, 4],
                split(Some(9), Some(8), Some(4)),
            ),
            (
                &[0, 1],
                Layout::Split,
                Pinning::Auto,
                &[],
                split(None, None, None),
            ),
            // The mask of a service holds one core, and the agents' are outside of it.
            (
                &[0, 5, 6, 7],
                Layout::Auto,
                Pinning::Auto,
                &[5, 7],
                shared(Some(5), Some(7)),
            ),
            (
                &[0, 1, 2],
                Layout::Auto,
                Pinning::Auto,
                &[2, 1, 0],
                split(Some(2), Some(1), Some(0)),
            ),
            (
                &[0, 1, 2, 3],
                Layout::Shared,
                Pinning::Off,
                &[],
                shared(None, None),
            ),
        ];
        for (available, layout, pinning, chosen, want) in cases {
            assert_eq!(
                CorePlan::new(available, layout, pinning, chosen),
                Ok(want),
                "{available:?} {layout:?}"
            );
        }
        assert!(
            CorePlan::new(&[0, 1], Layout::Auto, Pinning::Auto, &[0, 7])
                .unwrap_err()
                .contains("core 7")
        );
        assert!(
            CorePlan::new(&[0, 1], Layout::Auto, Pinning::Auto, &[0, 0])
                .unwrap_err()
                .contains("twice")
        );
        assert!(
            CorePlan::new(&[0, 1], Layout::Auto, Pinning::Auto, &[0])
                .unwrap_err()
                .contains("must name 2 cores")
        );
    }

    #[test]
    fn a_chosen_core_outside_of_the_inherited_mask_is_not_refused() {
        let all = available();
        let (first, last) = (all[0], all[all.len() - 1]);
        let seen = thread::spawn(move || {
            pin(Some(first));
            (
                available(),
                beyond(&available(), &[first, last, CpuSet::MAX_CPU + 7]),
            )
        });
        let (mask, beyond) = seen.join().unwrap();
        let wanted: Vec<usize> = (last != first).then_some(last).into_iter().collect();
        assert_eq!((mask, beyond), (vec![first], wanted));
    }

    #[test]
    fn a_helper_thread_does_not_inherit_a_pin_or_stay_on_an_agents_core() {
        let all = available();
        let (first, last) = (all[0], all[all.len() - 1]);
        let plan = CorePlan::Shared {
            core: Some(last),
            gateway: None,
        };
        let seen = thread::spawn(move || {
            keep_off(&plan);
            let inherited = thread::spawn(available).join().unwrap();
            (available(), inherited)
        });
        let (own, inherited) = seen.join().unwrap();
        assert_eq!(own, inherited);
        assert!(own == [first] || !own.contains(&last), "{own:?}");
        let nowhere = CorePlan::Shared {
            core: None,
            gateway: None,
        };
        let free = thread::spawn(move || {
            keep_off(&nowhere);
            available()
        });
        assert_eq!(free.join().unwrap(), all);
        assert!(house(&[0, 1], &plan_of(&[0, 1])).is_empty());
        assert_eq!(house(&[0, 1, 2, 9], &plan_of(&[1, 2])), [0, 9]);
    }

    fn plan_of(cores: &[usize]) -> CorePlan {
        CorePlan::new(cores, Layout::Auto, Pinning::On, cores).unwrap()
    }
}
