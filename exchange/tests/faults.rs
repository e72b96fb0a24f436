//! A disk that fails once, at every call in turn: EIO, ENOSPC or a short write, beneath the journal and beneath the
//! snapshots of a running exchange. Whatever it does about it, nothing that was acknowledged or shown is lost, and the next
//! start is never refused.
//!
//! `FAULT_CALLS` sets how many calls are failed: up to 50 (5 by default) ever wider apart, more of them each in turn. `FAULT_SEED`
//! chooses the load.

mod support;

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hoga::config::Config;
use hoga::recovery::Stores;
use hoga::serve::Exchange;
use hoga_journal::{Access, DiskStorage, LockError, LockGuard, SegmentFile, Storage};
use support::load::{Load, missing};
use support::{PATIENCE, Process};

/// Snapshots, checkpoints, rolls and compression within a fraction of a second.
const CONFIG: &str = "\
listen = \"127.0.0.1:0\"
[rings]
input = 256
output = 2048
[journal]
segment_mib = 1
compression_level = 1
[checkpoints]
commands = 50
[follower]
snapshot_commands = 300
[limits]
max_open_orders = 10000
";

/// Which call fails, and how. It is the same one for all files of a folder.
struct Fault {
    kind: String,
    at: u64,
    calls: AtomicU64,
}

impl Fault {
    /// Counts a call; `Err` if it is the one.
    fn pass(&self) -> io::Result<()> {
        if self.calls.fetch_add(1, Ordering::SeqCst) != self.at {
            return Ok(());
        }
        // So that the parent knows that the fault was reached.
        println!("FAULT");
        let _ = io::stdout().flush();
        Err(match self.kind.as_str() {
            "full" => io::Error::from_raw_os_error(28),
            _ => io::Error::from_raw_os_error(5),
        })
    }
}

struct FaultyStorage {
    inner: DiskStorage,
    fault: Arc<Fault>,
}

struct FaultyFile {
    inner: Box<dyn SegmentFile>,
    fault: Arc<Fault>,
}

impl FaultyStorage {
    fn file(&self, inner: Box<dyn SegmentFile>) -> Box<dyn SegmentFile> {
        let fault = Arc::clone(&self.fault);
        Box::new(FaultyFile { inner, fault })
    }
}

impl Storage for FaultyStorage {
    fn location(&self) -> String {
        self.inner.location()
    }
    fn lock(&self) -> Result<LockGuard, LockError> {
        self.inner.lock()
    }
    fn list(&self) -> io::Result<Vec<String>> {
        self.fault.pass()?;
        self.inner.list()
    }
    fn create(&self, name: &str) -> io::Result<Box<dyn SegmentFile>> {
        self.fault.pass()?;
        Ok(self.file(self.inner.create(name)?))
    }
    fn open(&self, name: &str, access: Access) -> io::Result<Box<dyn SegmentFile>> {
        self.fault.pass()?;
        Ok(self.file(self.inner.open(name, access)?))
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.fault.pass()?;
        self.inner.rename(from, to)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.fault.pass()?;
        self.inner.remove(name)
    }
    fn sync_dir(&self) -> io::Result<()> {
        self.fault.pass()?;
        self.inner.sync_dir()
    }
}

impl SegmentFile for FaultyFile {
    fn size(&self) -> io::Result<u64> {
        self.inner.size()
    }
    fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.fault.pass()?;
        self.inner.allocate(bytes)
    }
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        match self.fault.pass() {
            Err(_) if self.fault.kind == "short" => {
                // Linux ends a write early between two pages only, so no sector is written in part.
                let half = bytes.len() / 2 / 512 * 512;
                self.inner.write_at(&bytes[..half], offset)
            }
            Err(error) => Err(error),
            Ok(()) => self.inner.write_at(bytes, offset),
        }
    }
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.fault.pass()?;
        self.inner.read_at(buffer, offset)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.fault.pass()?;
        self.inner.sync_data()
    }
    fn forget_cached(&self) -> io::Result<()> {
        self.fault.pass()?;
        self.inner.forget_cached()
    }
}

/// The process of the tests below: an exchange over a folder that fails once.
#[test]
fn exchange_over_a_failing_disk() {
    let Ok(fault) = std::env::var("HOGA_TEST_FAULT") else {
        return; // It runs as processes of its own, started below.
    };
    let words: Vec<&str> = fault.split(' ').collect();
    let [where_, kind, at, data] = words[..] else {
        panic!("{fault}")
    };
    let fault = Arc::new(Fault {
        kind: kind.to_owned(),
        at: at.parse().unwrap(),
        calls: AtomicU64::new(0),
    });
    let data = PathBuf::from(data);
    let faulty = |folder: &str| -> Arc<dyn Storage> {
        Arc::new(FaultyStorage {
            inner: DiskStorage::new(data.join(folder)),
            fault: Arc::clone(&fault),
        })
    };
    let mut stores = Stores::new(&data);
    match where_ {
        "journal" => stores.journal = faulty("journal"),
        _ => stores.snapshots = faulty("snapshots"),
    }
    let mut config: Config = toml::from_str(CONFIG).unwrap();
    config.data_dir = data.clone();
    match Exchange::start(&config, &stores, &mut |_| {}) {
        Ok(exchange) => println!("LISTENS {}", exchange.address),
        Err(why) => println!("REFUSES {why}"),
    }
    let _ = io::stdout().flush();
    thread::sleep(PATIENCE * 2);
}

/// What became of one fault.
#[derive(Default)]
struct Tally {
    faults: u64,
    aborted: u64,
    went_on: u64,
    not_started: u64,
    orders: usize,
    executions: usize,
}

/// Fails one call and checks what is left.
fn fail(where_: &str, kind: &str, at: u64, seed: u64, tally: &mut Tally) {
    let dir = tempfile::tempdir().unwrap();
    let case = format!("{where_}, {kind} at call {at}, seed {seed}");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "exchange_over_a_failing_disk", "--nocapture"])
        .env(
            "HOGA_TEST_FAULT",
            format!("{where_} {kind} {at} {}", dir.path().display()),
        )
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut reached = false;
    let mut address = None;
    for line in said.by_ref().map_while(Result::ok) {
        reached |= line.ends_with("FAULT");
        if let Some(listens) = line.split("LISTENS ").nth(1) {
            address = Some(listens.parse().unwrap());
            break;
        }
        if line.contains("REFUSES") {
            break;
        }
    }
    let told = match address {
        None => {
            tally.not_started += 1;
            None
        }
        Some(address) => {
            let load = Load::try_start(address, "f", seed).ok();
            load.iter().for_each(Load::may_fail);
            let watch = thread::spawn(move || said.map_while(Result::ok).any(|line| line.ends_with("FAULT")));
            let ended = wait(&mut child, Duration::from_millis(200));
            match ended {
                Some(signal) => {
                    const SIGABRT: i32 = 6;
                    assert_eq!((signal, where_), (SIGABRT, "journal"), "{case}");
                    tally.aborted += 1;
                }
                None => tally.went_on += 1,
            }
            let _ = child.kill();
            child.wait().unwrap();
            reached |= watch.join().unwrap();
            load.map(Load::told)
        }
    };
    let _ = child.kill();
    child.wait().unwrap();
    tally.faults += u64::from(reached);
    let config = dir.path().join("hoga.toml");
    std::fs::write(&config, CONFIG).unwrap();
    let process = Process::try_start(dir.path(), &["--config", config.to_str().unwrap()]);
    let process = process.unwrap_or_else(|said| panic!("{case}: the next start is refused: {said}"));
    if let Some(told) = told {
        let faults = missing(process.address, &told);
        assert!(faults.is_empty(), "{case}: {faults:#?}");
        tally.orders += told.orders.len();
        tally.executions += told.executions.len();
    }
    verify_snapshots(dir.path(), &case);
    process.kill();
}

/// The signal that ended the process within `patience`.
fn wait(child: &mut Child, patience: Duration) -> Option<i32> {
    let deadline = Instant::now() + patience;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status.signal().unwrap_or(0));
        }
        thread::sleep(Duration::from_millis(5));
    }
    None
}

/// No fault leaves a snapshot under its name that is not whole.
fn verify_snapshots(data: &Path, case: &str) {
    let (ok, _, said) = support::hoga(&["snapshot", "verify", data.to_str().unwrap()]);
    assert!(ok || said.contains("there is no snapshot"), "{case}: {said}");
}

fn campaign(where_: &str) {
    let setting =
        |name: &str, default: u64| std::env::var(name).map_or(default, |text| text.parse().expect(name));
    let (calls, seed) = (setting("FAULT_CALLS", 5), setting("FAULT_SEED", 11));
    let mut tally = Tally::default();
    for n in 0..calls {
        let at = if calls > 50 { n } else { n * n * 7 };
        for kind in ["io", "full", "short"] {
            fail(where_, kind, at, seed, &mut tally);
        }
    }
    let Tally {
        faults,
        aborted,
        went_on,
        not_started,
        orders,
        executions,
    } = tally;
    println!(
        "{where_}, seed {seed}: {faults} faults; the exchange aborted {aborted} times, went on {went_on} times, did not start \
         {not_started} times; {orders} acknowledged orders and {executions} shown executions, none lost"
    );
    // Which of the two a fault beneath the journal comes to depends on what was under way.
    assert!(faults > 0 && aborted + went_on > 0 && orders > 0);
}

#[test]
fn a_fault_beneath_the_journal_loses_nothing_that_was_acknowledged() {
    campaign("journal");
}

#[test]
fn a_fault_beneath_the_snapshots_stops_no_trading_and_loses_nothing() {
    campaign("snapshots");
}
