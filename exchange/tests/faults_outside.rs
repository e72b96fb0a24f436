//! System calls that fail under the program as it is shipped: strace tampers with one call of `hoga serve`, and nothing that was
//! acknowledged or shown is missing after the next start. Where strace is missing, or may not trace, it says so and passes.
//!
//! `FAULT_CALLS` sets how many calls of each kind are tampered with (2 by default).

mod support;

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use support::load::{Load, Told, missing};
use support::{PATIENCE, Process, Random};

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

/// A call, how it fails, and whether the journal's own calls are of that kind, which must end the process.
const FAULTS: [(&str, &str, bool); 7] = [
    ("fdatasync", "error=EIO", true),
    ("pwrite64", "error=ENOSPC", true),
    ("pwrite64", "error=EIO", true),
    // The call is not made, and says that it wrote fewer bytes than it was given.
    ("pwrite64", "retval=100", true),
    ("fsync", "error=EIO", false),
    ("fallocate", "error=ENOSPC", false),
    ("rename", "error=EIO", false),
];

/// An exchange under strace, in a process group of its own, which is killed when this is dropped.
struct Traced {
    child: Child,
}

impl Traced {
    fn spawn(data: &Path, config: &Path, call: &str, how: &str, when: u64) -> Traced {
        let inject = format!("inject={call}:{how}:when={when}");
        let child = Command::new("strace")
            .args([
                "-f",
                "--seccomp-bpf",
                "-qqq",
                "-o",
                "/dev/null",
                "-e",
                &format!("trace={call}"),
                "-e",
                &inject,
            ])
            .arg(env!("CARGO_BIN_EXE_hoga"))
            .args([
                "serve",
                "--data-dir",
                data.to_str().unwrap(),
                "--config",
                config.to_str().unwrap(),
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        Traced { child }
    }

    /// Where it listens, once it is ready; what it said if it does not come to that.
    fn address(&mut self) -> Result<std::net::SocketAddr, String> {
        let mut address = None;
        let mut said = String::new();
        for line in BufReader::new(self.child.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok)
        {
            said.push_str(&line);
            if let Some(url) = line
                .trim()
                .strip_prefix("address")
                .and_then(|rest| rest.split_whitespace().next())
            {
                address = url
                    .trim_start_matches("http://")
                    .trim_end_matches('/')
                    .parse()
                    .ok();
            }
            if line.contains("ready") {
                return address.ok_or(said);
            }
        }
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        Err(said)
    }

    fn kill(&mut self) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill")
            .args(["-KILL", "--", &group])
            .stderr(Stdio::null())
            .status();
        let _ = self.child.wait();
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        self.kill();
    }
}

fn may_trace() -> bool {
    let tried = Command::new("strace")
        .args(["-f", "--seccomp-bpf", "-qqq", "-o", "/dev/null", "true"])
        .output();
    tried.is_ok_and(|output| output.status.success())
}

/// Tampers with one call under load. Returns what clients were told, and the signal that ended the exchange.
fn tamper(
    data: &Path,
    config: &Path,
    call: &str,
    how: &str,
    when: u64,
) -> Result<(Told, Option<i32>), String> {
    let mut traced = Traced::spawn(data, config, call, how, when);
    let address = traced.address()?;
    let load = Load::try_start(address, "o", when).map_err(|error| error.to_string())?;
    load.may_fail();
    let deadline = Instant::now() + Duration::from_millis(700);
    let mut ended = None;
    while ended.is_none() && Instant::now() < deadline {
        // strace ends as what it traced did: by the same signal, or with 128 and its number.
        ended = traced.child.try_wait().unwrap().map(|status| {
            status
                .signal()
                .or(status.code().map(|code| code - 128))
                .unwrap_or(0)
        });
        thread::sleep(Duration::from_millis(5));
    }
    traced.kill();
    Ok((load.told(), ended))
}

/// Starts an exchange where one was killed. That one is no child of this process, so nothing tells when the system has taken back
/// what it held; until then its folder is refused to another.
fn start_again(data: &Path, config: &Path) -> Process {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match Process::try_start(data, &["--config", config.to_str().unwrap()]) {
            Ok(process) => return process,
            Err(said) if is_taken(&said) && Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(20));
            }
            Err(said) => panic!("hoga did not start: {said}"),
        }
    }
}

/// Whether a start was refused because another process has the folder.
fn is_taken(said: &str) -> bool {
    said.contains("are made by process")
        || said.contains("is open in process")
        || said.contains("another process")
}

#[test]
fn a_failing_system_call_loses_nothing_that_was_acknowledged() {
    if !may_trace() {
        println!("skipped: strace is missing, or may not trace here");
        return;
    }
    let calls = std::env::var("FAULT_CALLS").map_or(2, |text| text.parse().expect("FAULT_CALLS"));
    let seed = std::env::var("FAULT_SEED").map_or(11, |text| text.parse().expect("FAULT_SEED"));
    println!("FAULT_SEED={seed}");
    let mut random = Random(seed);
    let (mut cases, mut aborted, mut orders) = (0, 0, 0);
    for (call, how, is_journals) in FAULTS {
        for n in 0..calls {
            let dir = tempfile::tempdir().unwrap();
            let (data, config) = (dir.path().join("data"), dir.path().join("hoga.toml"));
            std::fs::write(&config, CONFIG).unwrap();
            // A first start makes the files, so that the fault meets an exchange at work.
            Process::start(&data, &["--config", config.to_str().unwrap()]).terminate();
            let when = match is_journals {
                true => 8 + random.below(200),
                false => 1 + n,
            };
            let case = format!("{call} {how} at call {when}");
            match tamper(&data, &config, call, how, when) {
                Ok((told, ended)) => {
                    const SIGABRT: i32 = 6;
                    assert!(
                        ended.is_none() || ended == Some(SIGABRT),
                        "{case}: ended by {ended:?}"
                    );
                    aborted += u64::from(ended.is_some());
                    let process = start_again(&data, &config);
                    let faults = missing(process.address, &told);
                    assert!(faults.is_empty(), "{case}: {faults:#?}");
                    orders += told.orders.len();
                    process.kill();
                }
                // The fault came before any order; the next start must not meet it.
                Err(_) => start_again(&data, &config).kill(),
            }
            cases += 1;
        }
    }
    println!(
        "{cases} system calls failed; the exchange aborted {aborted} times; {orders} acknowledged orders, none lost"
    );
    assert!(aborted > 0 && orders > 0);
}
