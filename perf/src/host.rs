//! An exchange started for a measurement, in a folder of its own, and stopped after it.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::cli::{Durability, HostArgs};
use crate::failure::{Context, Failure, Outcome};

/// How long a stop may take before it is made to.
const STOP: Duration = Duration::from_secs(15);
/// The most that is kept of what the exchange prints.
const MAX_OUTPUT: u64 = 64 << 10;

/// Connections beside those of subscribers: sessions, short requests, those that are just closing.
const SPARE_CONNECTIONS: u32 = 1_100;

/// The setting that lets so many subscribers in.
pub fn connections(subscribers: u32) -> (&'static str, String) {
    let most = (subscribers + SPARE_CONNECTIONS).to_string();
    ("GATEWAY__MAX_CONNECTIONS", most)
}

/// A running exchange.
pub struct Host {
    /// Where it listens.
    pub address: String,
    /// What its start printed: threads, cores, idle strategy, durability.
    pub banner: String,
    child: Child,
    output: BufReader<std::io::Take<ChildStdout>>,
    _folder: TempDir,
}

impl Host {
    /// Starts `hoga serve` and waits until it is ready. `settings` are keys of its configuration as the environment names
    /// them without `HOGA_`, and their values.
    ///
    /// # Errors
    /// When there is no binary, or it does not come up: what it printed is passed on.
    pub fn start(args: &HostArgs, durability: Durability, settings: &[(&str, String)]) -> Outcome<Self> {
        let hoga = binary(args.hoga.as_deref())?;
        let parent = args.data_dir.clone().unwrap_or_else(std::env::temp_dir);
        let folder = TempDir::with_prefix_in("hoga-perf-", &parent)
            .context(|| format!("cannot make a folder in {}", parent.display()))?;
        let mut child = Command::new(&hoga)
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--durability",
                durability.name(),
                "--data-dir",
            ])
            .arg(folder.path())
            .env("HOGA_THREADS__IDLE", args.idle.name())
            .env("HOGA_THREADS__LAYOUT", args.layout.name())
            .envs(cores(args))
            .envs(settings.iter().map(|(key, value)| (format!("HOGA_{key}"), value)))
            // Ctrl-C is for this process, which then asks the exchange to stop.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context(|| format!("cannot start {}", hoga.display()))?;
        let output = child
            .stdout
            .take()
            .ok_or_else(|| Failure::new("the exchange has no output"))?;
        let mut host = Self {
            address: String::new(),
            banner: String::new(),
            child,
            output: BufReader::new(output.take(MAX_OUTPUT)),
            _folder: folder,
        };
        host.read_banner(&hoga)?;
        Ok(host)
    }

    fn read_banner(&mut self, hoga: &Path) -> Outcome<()> {
        loop {
            let mut line = String::new();
            let read = self
                .output
                .read_line(&mut line)
                .context(|| "the exchange's output".to_owned())?;
            if read == 0 {
                return Err(Failure::new(format!(
                    "{} ended before it was ready",
                    hoga.display()
                )));
            }
            if let Some(address) = line.split_once("http://").map(|(_, rest)| rest)
                && self.address.is_empty()
            {
                self.address = address
                    .split(['/', ' '])
                    .next()
                    .unwrap_or_default()
                    .trim()
                    .to_owned();
            }
            if line.trim_start().starts_with("ready") {
                return match self.address.is_empty() {
                    true => Err(Failure::new("the exchange is ready but told no address")),
                    false => Ok(()),
                };
            }
            if !line.contains("first order") {
                self.banner.push_str(&line);
            }
        }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks the exchange to stop, and returns its last line.
    ///
    /// # Errors
    /// When it does not stop in time.
    pub fn stop(mut self) -> Outcome<String> {
        self.terminate();
        let mut rest = String::new();
        let deadline = Instant::now() + STOP;
        while self
            .child
            .try_wait()
            .context(|| "the exchange".to_owned())?
            .is_none()
        {
            if Instant::now() > deadline {
                return Err(Failure::new(format!(
                    "the exchange did not stop within {} s",
                    STOP.as_secs()
                )));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.output
            .read_to_string(&mut rest)
            .context(|| "the exchange's output".to_owned())?;
        Ok(rest.lines().last().unwrap_or_default().to_owned())
    }

    fn terminate(&self) {
        if let Some(pid) = Pid::from_raw(self.child.id() as i32) {
            let _ = kill_process(pid, Signal::TERM);
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// The cores as the environment names a list.
fn cores(args: &HostArgs) -> Option<(&'static str, String)> {
    let list: Vec<String> = args.cores.iter().map(usize::to_string).collect();
    (!list.is_empty()).then(|| ("HOGA_THREADS__CORES", format!("[{}]", list.join(","))))
}

fn binary(given: Option<&Path>) -> Outcome<PathBuf> {
    let beside = || Some(std::env::current_exe().ok()?.parent()?.join("hoga"));
    let path = given
        .map(Path::to_path_buf)
        .or_else(beside)
        .unwrap_or_else(|| PathBuf::from("hoga"));
    if path.is_file() {
        return Ok(path);
    }
    Err(Failure::new(format!(
        "no exchange at {}: build it with `cargo build --release`, or name it by --hoga PATH",
        path.display()
    )))
}
