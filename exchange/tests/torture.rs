//! Crashes under load, again and again: kill -9, and power cuts on a disk of its own. After each recovery no acknowledged
//! order is lost or doubled, no acknowledged cancel undone, nothing that was shown missing.
//!
//! `TORTURE_ROUNDS` sets how often (20 by default) and `TORTURE_SEED` the moments. The power cuts take root and loop devices;
//! they run only where `TORTURE_DIR` names a folder for the disks, as `scripts/torture.sh` does, which clears up behind them.

mod support;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::disk::{Cut, Disk};
use support::load::{Load, Told, missing, unjournaled};
use support::{Process, Random, hoga, spawn};

/// Small files are quickly made, so a round is short and every few of them the journal rolls.
/// Snapshots and checkpoints come so often that each round has several.
const CONFIG: &str = "\
[rings]
input = 256
output = 2048
[journal]
segment_mib = 1
compression_level = 1
[checkpoints]
commands = 50
interval_ms = 5
[follower]
snapshot_commands = 300
snapshot_seconds = 1
";
/// Rounds on one data folder; the next ones begin a new exchange, so that recovery stays short.
const GENERATION: u64 = 50;
/// One crash in so many is followed by another while the exchange is starting again.
const CRASH_AT_START: u64 = 3;
/// How long an exchange under load may go on without its disk, and one that is starting.
const UNDER_LOAD: Duration = Duration::from_secs(5);
const AT_START: Duration = Duration::from_millis(10);

#[test]
fn a_kill_loses_nothing_that_was_acknowledged_or_shown() {
    match std::env::var("TORTURE_DIR") {
        Ok(dir) => torture("kill -9", Path::new(&dir), None),
        Err(_) => torture("kill -9", tempfile::tempdir().unwrap().path(), None),
    }
}

#[test]
fn a_power_cut_on_ext4_loses_nothing_that_was_acknowledged_or_shown() {
    power_cuts("ext4");
}

#[test]
fn a_power_cut_on_xfs_loses_nothing_that_was_acknowledged_or_shown() {
    power_cuts("xfs");
}

fn power_cuts(file_system: &str) {
    let Ok(dir) = std::env::var("TORTURE_DIR") else {
        println!("skipped: scripts/torture.sh cuts the power");
        return;
    };
    match Disk::new(Path::new(&dir), file_system) {
        Ok(disk) => torture(&format!("power cut, {file_system}"), Path::new(&dir), Some(disk)),
        Err(why) => println!("skipped: power cuts on {file_system}: {why}"),
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect(name))
}

fn torture(name: &str, dir: &Path, disk: Option<Disk>) {
    let (rounds, seed) = (setting("TORTURE_ROUNDS", 20), setting("TORTURE_SEED", 7));
    println!("{name}: {rounds} rounds, seed {seed}");
    let config = dir.join("hoga.toml");
    fs::write(&config, CONFIG).unwrap();
    let start = Instant::now();
    let mut torture = Torture {
        parent: disk.as_ref().map_or(dir, |disk| &disk.root).to_owned(),
        disk,
        config,
        random: Random(seed),
        tally: Tally::default(),
    };
    let mut result = Ok(());
    for first in (0..rounds).step_by(GENERATION as usize) {
        result = torture.generation(first..rounds.min(first + GENERATION));
        let Tally {
            rounds, told_orders, ..
        } = torture.tally;
        println!(
            "{name}: {rounds} rounds, {told_orders} acknowledged orders, {:.0?}",
            start.elapsed()
        );
        if result.is_err() {
            break;
        }
    }
    println!("{}", torture.tally.row(name, seed, start.elapsed()));
    if let Err(faults) = result {
        panic!("{name}, seed {seed}: {faults:#?}");
    }
    let Tally {
        told_orders,
        told_cancels,
        told_executions,
        snapshots,
        ..
    } = torture.tally;
    // In a few short rounds on a busy machine the follower, who goes last, may not get that far.
    assert!(
        snapshots > 0 || rounds < 100,
        "the follower must have made snapshots"
    );
    assert!(
        told_orders > 0 && told_cancels > 0 && told_executions > 0,
        "the load must have been acknowledged and shown: {told_orders}, {told_cancels}, {told_executions}"
    );
}

/// What the table says.
#[derive(Default)]
struct Tally {
    rounds: u64,
    crashes_at_start: u64,
    told_orders: usize,
    told_cancels: usize,
    told_executions: usize,
    /// Orders, cancels and executions that recovery lacks, has twice or has otherwise.
    lost: usize,
    torn: u64,
    refused: u64,
    /// Starts that began with a snapshot.
    from_snapshot: u64,
    /// Snapshots found after crashes, all of which must verify.
    snapshots: usize,
}

impl Tally {
    fn row(&self, name: &str, seed: u64, took: Duration) -> String {
        let Tally {
            rounds,
            crashes_at_start,
            told_orders,
            told_cancels,
            told_executions,
            lost,
            torn,
            refused,
            from_snapshot,
            snapshots,
        } = self;
        format!(
            "| {name} | {rounds} | {crashes_at_start} | {told_orders} | {told_cancels} | {told_executions} | {lost} | {torn} \
             | {refused} | {from_snapshot} | {snapshots} | {seed} | {} s |",
            took.as_secs()
        )
    }
}

struct Torture {
    /// Where the data folders are made.
    parent: PathBuf,
    disk: Option<Disk>,
    config: PathBuf,
    random: Random,
    tally: Tally,
}

type Faults = Vec<String>;

impl Torture {
    /// Rounds on one data folder of their own.
    fn generation(&mut self, rounds: std::ops::Range<u64>) -> Result<(), Faults> {
        let data = self.parent.join(format!("data-{}", rounds.start));
        let mut all_told = Vec::new();
        while self.random.below(CRASH_AT_START) > 0 {
            self.crash_at_start(&data);
        }
        let mut process = self.start(&data)?;
        for round in rounds {
            let told = self.crash_under_load(process, round)?;
            while self.random.below(CRASH_AT_START) == 0 {
                self.crash_at_start(&data);
            }
            process = self.start(&data)?;
            let faults = missing(process.address, &told);
            self.lost(faults, round)?;
            self.tally.rounds += 1;
            self.tally.told_orders += told.orders.len();
            self.tally.told_cancels += told.canceled.len();
            self.tally.told_executions += told.executions.len();
            all_told.push(told);
        }
        process.terminate();
        let faults = unjournaled(&data, &all_told);
        self.lost(faults, self.tally.rounds)?;
        let digests = [replay(&data, &[]), replay(&data, &["--from-snapshot"])];
        assert_eq!(
            digests[0], digests[1],
            "the journal and its newest snapshot differ"
        );
        fs::remove_dir_all(&data).unwrap();
        Ok(())
    }

    fn lost(&mut self, mut faults: Faults, round: u64) -> Result<(), Faults> {
        self.tally.lost += faults.len();
        if faults.is_empty() {
            return Ok(());
        }
        faults.truncate(10);
        faults.insert(0, format!("round {round}"));
        Err(faults)
    }

    /// Tells what clients saw of an exchange until it crashed.
    fn crash_under_load(&mut self, mut process: Process, round: u64) -> Result<Told, Faults> {
        let load = Load::start(process.address, &round.to_string(), self.random.next());
        thread::sleep(Duration::from_millis(20 + self.random.below(41)));
        if let Some(status) = process.child.try_wait().unwrap() {
            return Err(vec![format!(
                "round {round}: it ended by itself before the crash: {status}"
            )]);
        }
        load.may_fail();
        let end = self.stop(&mut process.child, UNDER_LOAD);
        drop(process);
        let told = load.told();
        self.power_on();
        const SIGABRT: i32 = 6;
        if self.disk.is_some() && end.and_then(|status| status.signal()) != Some(SIGABRT) {
            return Err(vec![format!(
                "round {round}: without its disk it should have aborted within {UNDER_LOAD:?}: {end:?}"
            )]);
        }
        Ok(told)
    }

    /// Crashes an exchange while it recovers, makes its first files, or opens; nobody has been told anything by it.
    fn crash_at_start(&mut self, data: &Path) {
        let mut child = spawn(data, &["--config", self.config.to_str().unwrap()]);
        thread::sleep(Duration::from_micros(self.random.below(20_000)));
        self.stop(&mut child, AT_START);
        self.power_on();
        self.tally.crashes_at_start += 1;
    }

    /// The crash itself. Without its disk an exchange may have `patience` to end by itself; how it did is returned.
    fn stop(&mut self, child: &mut Child, patience: Duration) -> Option<ExitStatus> {
        let mut end = None;
        if let Some(disk) = &self.disk {
            let cut = if self.random.below(4) == 0 {
                Cut::LogFlushed
            } else {
                Cut::Bare
            };
            disk.cut(cut);
            let deadline = Instant::now() + patience;
            while end.is_none() && Instant::now() < deadline {
                thread::sleep(Duration::from_millis(1));
                end = child.try_wait().unwrap();
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        end
    }

    fn power_on(&self) {
        if let Some(disk) = &self.disk {
            disk.power_on();
        }
    }

    /// Verifies the journal as the crash left it and starts an exchange on it; both must find the same.
    fn start(&mut self, data: &Path) -> Result<Process, Faults> {
        let (whole, verdict, said) = hoga(&["journal", "verify", "--json", data.to_str().unwrap()]);
        let (sound, listed, damaged) = hoga(&["snapshot", "verify", "--json", data.to_str().unwrap()]);
        if !sound && !damaged.contains("there is no snapshot") {
            return Err(vec![format!("round {}: {damaged}", self.tally.rounds)]);
        }
        self.tally.snapshots += listed.lines().count();
        let begun = whole || !said.contains("there is no journal");
        let process = match Process::try_start(data, &["--config", self.config.to_str().unwrap()]) {
            Ok(process) if whole || !begun => process,
            started => {
                self.tally.refused += 1;
                let started = started.map(|process| process.banner.clone());
                return Err(vec![format!(
                    "round {}: refused: verify said {said:?}, the start {started:?}",
                    self.tally.rounds
                )]);
            }
        };
        self.tally.from_snapshot += u64::from(process.banner.contains("recovered the snapshot of"));
        let torn = begun && serde_json::from_str::<Value>(&verdict).unwrap()["torn_bytes"] != 0;
        self.tally.torn += u64::from(torn);
        if torn != process.banner.contains("cut a torn tail") {
            return Err(vec![format!(
                "verify said {verdict}, the start {}",
                process.banner
            )]);
        }
        Ok(process)
    }
}

fn replay(data: &Path, flags: &[&str]) -> Value {
    let arguments = ["replay", "--json", "--data-dir", data.to_str().unwrap()];
    let (ok, out, err) = hoga(&[&arguments, flags].concat());
    assert!(ok, "{err}");
    let outcome: Value = serde_json::from_str(&out).unwrap();
    ["state_digest", "views_digest", "last_sequence"]
        .iter()
        .map(|key| outcome[key].clone())
        .collect()
}
