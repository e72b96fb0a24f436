//! A machine, and the exchange that would run on it.

use std::path::PathBuf;
use std::time::Duration;

use super::tree::{CoreSet, Tree};
use crate::config::Config;
use crate::cores::CorePlan;

/// What no file tells, and was tried.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// Nanoseconds of one look at the clock.
    pub clock_read: Option<f64>,
    /// What syncs of the data folder's disk took, in order of length; or why there were none.
    pub syncs: Option<Result<Vec<Duration>, String>>,
    /// Bytes that the data folder's file system has left.
    pub free_bytes: Option<u64>,
}

/// A machine to be examined for an exchange.
pub struct Host<'a> {
    /// Where everything is read.
    pub tree: &'a Tree,
    /// The exchange's settings.
    pub config: &'a Config,
    /// The data folder, every link resolved.
    pub data_dir: Option<PathBuf>,
    /// What was tried.
    pub measured: Measured,
    /// The cores in the affinity mask of whoever looks.
    pub mask: CoreSet,
    /// The cores that may be had: online, and in the cpuset.
    pub allowed: CoreSet,
    /// Which agent would run on which core; or why there is no plan.
    pub plan: Result<CorePlan, String>,
}

impl<'a> Host<'a> {
    /// Reads what every check needs.
    pub fn read(
        tree: &'a Tree,
        config: &'a Config,
        data_dir: Option<PathBuf>,
        measured: Measured,
    ) -> Host<'a> {
        let mask = tree
            .field("/proc/self/status", "Cpus_allowed_list")
            .and_then(|list| CoreSet::parse(&list))
            .unwrap_or_default();
        let online = tree.cores("/sys/devices/system/cpu/online");
        let mut allowed = online.unwrap_or_else(|| mask.clone()).or(&mask);
        if let Some(cpuset) = tree.cpuset() {
            allowed = allowed.and(&cpuset).or(&mask);
        }
        let plan = plan(&mask, &allowed, config);
        Host {
            tree,
            config,
            data_dir,
            measured,
            mask,
            allowed,
            plan,
        }
    }

    /// The cores that agents would be pinned to.
    pub fn pinned(&self) -> CoreSet {
        let plan = self.plan.as_ref();
        plan.map_or_else(|_| CoreSet::default(), |plan| plan.pinned().into_iter().collect())
    }

    /// The cores whose quiet matters: those of the agents, or all that there are where nothing is pinned.
    pub fn watched(&self) -> CoreSet {
        let pinned = self.pinned();
        if pinned.is_empty() {
            self.mask.clone()
        } else {
            pinned
        }
    }

    /// The core of an agent: `journaler`, `matcher` or `gateway`.
    pub fn core_of(&self, agent: &str) -> Option<usize> {
        let threads = self.plan.as_ref().ok()?.describe();
        let found = threads.into_iter().find(|(_, agents, _)| agents.contains(agent));
        found.and_then(|(_, _, core)| core)
    }

    /// The arguments of `scripts/tune-host.sh` for this plan.
    pub fn tune(&self) -> String {
        match self.pinned() {
            cores if cores.is_empty() => "scripts/tune-host.sh".to_owned(),
            cores => format!("scripts/tune-host.sh --cores {cores}"),
        }
    }

    /// Whether a hypervisor stands between this system and its machine.
    pub fn is_virtual(&self) -> bool {
        let flags = self.tree.field("/proc/cpuinfo", "flags").unwrap_or_default();
        flags.split(' ').any(|flag| flag == "hypervisor") || self.tree.has("/sys/hypervisor/type")
    }
}

/// The plan that the exchange would make.
///
/// # Errors
/// As [`CorePlan::new`].
pub fn plan(mask: &CoreSet, allowed: &CoreSet, config: &Config) -> Result<CorePlan, String> {
    let threads = &config.threads;
    let beyond = threads.cores.iter().copied();
    let beyond = beyond.filter(|core| !mask.contains(*core) && allowed.contains(*core));
    let available: Vec<usize> = mask.iter().chain(beyond).collect();
    CorePlan::new(&available, threads.layout, threads.pin, &threads.cores)
}
