//! `gate`: instructions and allocations of the operations on an order's way, counted and compared with those on file.
//!
//! Counts, unlike times, are the same in every run on a machine. Another compiler or C library moves them; so does every
//! change of what is counted.

mod counter;

mod callgrind;

mod places;

mod counts;

mod judge;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use clap::Args;

use crate::failure::{Context, Failure, Outcome};
use crate::progress::{Stop, bar};
use counter::{Counter, Operation};
use counts::{Counts, Known};

/// `gate`
#[derive(Debug, Args)]
pub struct GateArgs {
    /// Write the counts to the file instead of comparing them with it: for a change that is meant to move them.
    #[arg(long)]
    pub update: bool,
    /// Only this operation.
    #[arg(long, value_name = "NAME")]
    pub only: Option<String>,
    /// The file of known counts; by default benches/gate.txt of the folder that this program was built in.
    #[arg(long, value_name = "PATH")]
    pub file: Option<PathBuf>,
}

/// Runs the command; `Ok(false)` when counts are off, or it was cut short.
///
/// # Errors
/// When valgrind or cargo is missing or fails, or the file cannot be read or written.
pub fn run(args: &GateArgs) -> Outcome<bool> {
    let stop = Stop::on_ctrl_c()?;
    let path = args
        .file
        .clone()
        .unwrap_or_else(|| workspace().join("benches/gate.txt"));
    let known = if args.update && args.only.is_none() {
        Known::default()
    } else {
        Known::read(&path)?
    };
    let counter = Counter::build()?;
    let operations = counter.operations()?;
    let names: Vec<&str> = operations
        .iter()
        .map(|operation| operation.name.as_str())
        .collect();
    if let Some(only) = &args.only
        && !names.contains(&only.as_str())
    {
        return Err(Failure::new(format!(
            "there is no operation {only}, only: {}",
            names.join(", ")
        )));
    }
    let is_chosen = |operation: &&Operation| args.only.as_ref().is_none_or(|only| *only == operation.name);
    let chosen: Vec<&Operation> = operations.iter().filter(is_chosen).collect();
    let counts = match count(&counter, &chosen, &stop) {
        _ if stop.is_set() => {
            println!("stopped before the end: nothing is compared");
            return Ok(false);
        }
        counts => counts?,
    };
    if args.update {
        return update(&path, known, counts, &counter).map(|()| true);
    }
    let judgment = judge::judge(&known, &counts, args.only.is_none());
    print!("{}", judgment.text);
    if !judgment.holds {
        if known.tools != counter.tools() {
            println!(
                "this is {}; the file was written with {}",
                counter.tools(),
                known.tools
            );
        }
        println!("where the change is meant, write it down with ./scripts/gate.sh --update");
    }
    Ok(judgment.holds)
}

/// Counts as many operations at once as there are cores. Ctrl-C reaches the children as well, so none is waited for long.
fn count(counter: &Counter, chosen: &[&Operation], stop: &Stop) -> Outcome<Vec<Counts>> {
    let folder = tempfile::tempdir().context(|| "cannot make a folder for callgrind's output".to_owned())?;
    let progress = bar(chosen.len() as u64, "counting");
    progress.tick();
    let next = Mutex::new(chosen.iter().enumerate());
    let take = || {
        next.lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .next()
    };
    let work = || {
        let mut done = Vec::new();
        while !stop.is_set()
            && let Some((place, operation)) = take()
        {
            done.push((place, counter.count(operation, folder.path())?));
            progress.inc(1);
        }
        Ok(done)
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let outcomes: Vec<Outcome<Vec<(usize, Counts)>>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let outcomes = workers.into_iter().map(|worker| {
            let died = |_| Err(Failure::new("a thread of the gate has died"));
            worker.join().unwrap_or_else(died)
        });
        outcomes.collect()
    });
    progress.finish_and_clear();
    let mut counts = Vec::new();
    for outcome in outcomes {
        counts.extend(outcome?);
    }
    counts.sort_by_key(|(place, _)| *place);
    Ok(counts.into_iter().map(|(_, counts)| counts).collect())
}

fn update(path: &Path, mut known: Known, counts: Vec<Counts>, counter: &Counter) -> Outcome<()> {
    let tools = counter.tools();
    if !known.counts.is_empty() && known.tools != tools {
        return Err(Failure::new(format!(
            "{} was written with {} and this is {tools}: update all of it, without --only",
            path.display(),
            known.tools
        )));
    }
    known.tools = tools;
    known.replace(counts);
    known.write(path)?;
    println!("written  {}", path.display());
    Ok(())
}

/// The folder of the workspace that this program was built in.
fn workspace() -> &'static Path {
    let perf = Path::new(env!("CARGO_MANIFEST_DIR"));
    perf.parent().unwrap_or(perf)
}
