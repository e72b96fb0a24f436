//! Which agent runs on which core.

use std::thread;

use serde::{Deserialize, Serialize};

/// How threads are to be laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// Split with four cores or more, shared with fewer.
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
    /// Plans for the cores that this process may use.
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
                "threads.cores names core {core}, but this process may use only {available:?}"
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

/// The cores this process may use. To be asked before any thread is pinned: afterwards the answer is that thread's.
pub fn available() -> Vec<usize> {
    core_affinity::get_core_ids()
        .unwrap_or_default()
        .into_iter()
        .map(|core| core.id)
        .collect()
}

/// Pins the calling thread; on refusal it says so and goes on unpinned.
pub fn pin(core: Option<usize>) {
    let Some(id) = core else { return };
    if !core_affinity::set_for_current(core_affinity::CoreId { id }) {
        let name = thread::current().name().unwrap_or("thread").to_owned();
        eprintln!("hoga: {name} could not be pinned to core {id}; it runs wherever the system puts it");
    }
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
        let cases: [(&[usize], Layout, Pinning, &[usize], CorePlan); 9] = [
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
}
