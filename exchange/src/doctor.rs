//! `hoga doctor`: what of a machine, and of a running exchange, costs latency or breaks a promise, and how it is mended.
//!
//! Everything is read from files below one root, so that a test can be another machine.

mod report;

mod host;

mod clock;
mod cores;
mod disk;
mod interrupts;
mod limits;
mod power;

mod process;
mod time;

mod probe;
mod tree;

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

pub use self::host::{Host, Measured};
pub use self::process::{Look, judge};
pub use self::report::{Finding, Grade, Report};
pub use self::tree::{CoreSet, Tree};
use crate::clock::system_time;
use crate::config::Config;
use crate::output::print;

/// How long the threads of a process are looked at.
const LOOK_FOR: Duration = Duration::from_secs(2);

/// What is to be looked at.
#[derive(Debug)]
pub struct Options {
    /// The configuration that the exchange is, or will be, started with.
    pub config: Config,
    /// Whether the data folder was named, and must be there.
    pub named_data_dir: bool,
    /// A running `hoga serve`.
    pub pid: Option<u32>,
    /// One JSON object, not lines.
    pub json: bool,
}

/// Every check of a host.
pub fn examine(host: &Host<'_>) -> Vec<Finding> {
    let parts = [
        cores::examine,
        power::examine,
        interrupts::examine,
        limits::examine,
        clock::examine,
        disk::examine,
    ];
    parts.iter().flat_map(|examine| examine(host)).collect()
}

/// Looks, and prints; whether nothing is broken.
///
/// # Errors
/// In words: the data folder that was named is not there, or standard output cannot be written.
pub fn run(options: &Options) -> Result<bool, String> {
    let tree = Tree::new(Path::new("/"));
    let data_dir = data_dir(options)?;
    let measured = probe::measure(data_dir.as_deref());
    let host = Host::read(&tree, &options.config, data_dir, measured);
    let mut report = Report::default();
    report.extend(examine(&host));
    report.extend(journal_time(&host).into_iter().collect());
    if let Some(pid) = options.pid {
        report.extend(examine_process(&tree, &options.config, pid));
        report.extend(vec![time::examine_running(options.config.listen)]);
    }
    print(&if options.json {
        report.json()
    } else {
        report.text()
    })?;
    Ok(report.count(Grade::Broken) == 0)
}

/// Looks at a process twice, and judges what it is and what came between.
fn examine_process(tree: &Tree, config: &Config, pid: u32) -> Vec<Finding> {
    let began = Instant::now();
    let first = match Look::at(tree, pid) {
        Ok(look) => look,
        Err(finding) => return vec![finding],
    };
    thread::sleep(LOOK_FOR);
    match Look::at(tree, pid) {
        Ok(second) => judge(&first, &second, began.elapsed(), config),
        Err(finding) => vec![finding],
    }
}

/// What a start would make of the system's clock, where there is a journal.
fn journal_time(host: &Host<'_>) -> Option<Finding> {
    let last = time::last_stamp(host.data_dir.as_deref()?)?;
    Some(time::judge_start(system_time(), last))
}

/// The data folder with every link resolved; none where it is not there and nobody named it.
fn data_dir(options: &Options) -> Result<Option<PathBuf>, String> {
    let dir = &options.config.data_dir;
    match dir.canonicalize() {
        Ok(path) => Ok(Some(path)),
        Err(error) if options.named_data_dir => Err(format!("the data folder {}: {error}", dir.display())),
        Err(_) => Ok(None),
    }
}
