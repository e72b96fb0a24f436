//! The exchange as a service: what its manager is told, and memory that is locked.

mod support;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use support::{Http, PATIENCE, Process};

/// A service manager that only listens.
struct Manager {
    socket: UnixDatagram,
}

impl Manager {
    fn new(path: &Path) -> Manager {
        let socket = UnixDatagram::bind(path).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Manager { socket }
    }

    /// The next message that holds a line beginning with `wanted`.
    fn next(&self, wanted: &str) -> String {
        let mut room = [0; 4_096];
        loop {
            let length = self
                .socket
                .recv(&mut room)
                .unwrap_or_else(|error| panic!("no {wanted}: {error}"));
            let text = String::from_utf8(room[..length].to_vec()).unwrap();
            if text.lines().any(|line| line.starts_with(wanted)) {
                return text;
            }
            assert!(
                !["READY=1", "STOPPING=1"].iter().any(|state| text.contains(state)),
                "{text:?} came before {wanted}"
            );
        }
    }
}

fn serve(data_dir: &Path, socket: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_hoga"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(data_dir)
        .env("NOTIFY_SOCKET", socket)
        .env("WATCHDOG_USEC", "600000")
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn a_manager_is_not_told_that_the_exchange_is_ready_before_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("notify");
    let manager = Manager::new(&socket);
    let mut child = serve(&dir.path().join("data"), &socket);
    let recovering = manager.next("STATUS=recovering");
    assert!(recovering.contains("EXTEND_TIMEOUT_USEC="), "{recovering}");
    let ready = manager.next("READY=1");
    let address: SocketAddr = ready
        .split("http://")
        .nth(1)
        .and_then(|rest| rest.split('/').next())
        .unwrap()
        .parse()
        .unwrap();
    let (status, _) = Http::connect(address)
        .unwrap()
        .request("GET", "/readyz", "")
        .unwrap();
    assert_eq!(status, 200);
    for _ in 0..3 {
        manager.next("WATCHDOG=1");
    }
    let sent = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    manager.next("STOPPING=1");
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_manager_that_is_gone_does_not_stop_an_exchange() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = serve(&dir.path().join("data"), &dir.path().join("nobody"));
    let listening = std::iter::repeat_with(|| std::thread::sleep(std::time::Duration::from_millis(50)))
        .take(400)
        .any(|()| dir.path().join("data/journal").exists());
    assert!(listening, "it did not begin");
    assert_eq!(child.try_wait().unwrap(), None);
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Kilobytes of a line of /proc/PID/status.
fn kilobytes(pid: u32, key: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(key)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Starts `hoga serve` with little memory that it may lock, and no right to more. What it says until it is ready, or ends.
fn confined(data_dir: &Path, lock: &str) -> String {
    let script = r#"ulimit -l 64; exec "$@" 2>&1"#;
    let mut words = vec!["sh", "-c", script, "sh", env!("CARGO_BIN_EXE_hoga"), "serve"];
    if rustix::process::geteuid().is_root() {
        let without_rights = ["setpriv", "--inh-caps=-all", "--bounding-set=-ipc_lock"];
        words.splice(0..0, without_rights);
    }
    let mut child = Command::new(words[0])
        .args(&words[1..])
        .args(["--listen", "127.0.0.1:0", "--data-dir"])
        .arg(data_dir)
        .env("HOGA_MEMORY__LOCK", lock)
        .env("HOGA_THREADS__PIN", "on")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = String::new();
    while let Some(Ok(line)) = lines.next() {
        said.push_str(&line);
        said.push('\n');
        if line.contains("ready") {
            break;
        }
    }
    let _ = child.kill();
    child.wait().unwrap();
    said
}

#[test]
fn memory_that_cannot_be_locked_is_not_passed_over_in_silence() {
    let has = |tool: &str| Command::new(tool).arg("--version").output().is_ok();
    if rustix::process::geteuid().is_root() && !has("setpriv") {
        println!("skipped: as root this needs setpriv (util-linux) to give rights up");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let said = confined(&dir.path().join("on"), "on");
    assert!(said.contains("memory.lock is \"on\", but"), "{said}");
    assert!(
        said.contains("LimitMEMLOCK=infinity") && !said.contains("ready"),
        "{said}"
    );
    let said = confined(&dir.path().join("auto"), "auto");
    assert!(said.contains("ready") && said.contains("not locked"), "{said}");
    assert!(said.contains("memory.lock: the system does not lock"), "{said}");
}

#[test]
fn locked_memory_is_all_there_from_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("hoga.toml");
    std::fs::write(&config, "[memory]\nlock = \"on\"\n").unwrap();
    let data = dir.path().join("data");
    match Process::try_start(&data, &["--config", config.to_str().unwrap()]) {
        Ok(process) => {
            let [locked, resident] = ["VmLck", "VmRSS"].map(|key| kilobytes(process.child.id(), key));
            assert!(locked >= resident, "{locked} kB locked, {resident} kB resident");
            assert!(
                process.banner.contains("memory       locked"),
                "{}",
                process.banner
            );
            process.terminate();
        }
        Err(said) => {
            assert!(said.contains("memory.lock is \"on\", but"), "{said}");
            println!("skipped: this user may not lock so much memory");
        }
    }
}

/// Seconds, or a number, of a line of the unit.
fn of_unit(key: &str) -> u64 {
    let unit = include_str!("../../scripts/hoga.service");
    let line = unit
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    line.unwrap_or_else(|| panic!("{key}")).parse().unwrap()
}

#[test]
fn the_unit_does_not_end_an_exchange_that_is_still_at_it() {
    use hoga::{serve, watchdog};
    let drain = serve::DRAIN_FOR + serve::CLOSE_FOR;
    assert!(
        of_unit("TimeoutStopSec") >= 2 * drain.as_secs(),
        "the follower's last snapshot needs time too"
    );
    assert!(of_unit("WatchdogSec") >= 2 * watchdog::STUCK_AFTER.as_secs());
    assert!(of_unit("LimitNOFILE") >= 10_000 + 64);
}
