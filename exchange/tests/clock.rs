//! An exchange whose system clock somebody sets while it runs: libfaketime stands between the program and that clock.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use support::exposition::Exposition;
use support::keys::{new_key, sign_from_now, until};
use support::{Http, Process, spawn_with};

const DAY_MS: u64 = 86_400_000;

/// Where libfaketime lies, as its own wrapper names it; none where it is not installed.
fn faketime() -> Option<String> {
    let said = Command::new("faketime")
        .args(["-m", "-f", "+0", "printenv", "LD_PRELOAD"])
        .output();
    let found = said.ok().filter(|said| said.status.success());
    found.map(|said| String::from_utf8(said.stdout).unwrap().trim().to_owned())
}

/// A system clock that a test sets.
struct SystemClock {
    library: String,
    file: PathBuf,
}

impl SystemClock {
    /// None, and why is printed, where there is no libfaketime and need not be.
    fn new(dir: &Path) -> Option<SystemClock> {
        let library = faketime();
        if library.is_none() {
            assert_ne!(
                std::env::var("CI").as_deref(),
                Ok("true"),
                "libfaketime is needed (package faketime)"
            );
            println!("skipped: libfaketime is not installed (package faketime)");
        }
        let clock = SystemClock {
            library: library?,
            file: dir.join("faketime"),
        };
        clock.set(0);
        Some(clock)
    }

    /// Sets it so many seconds ahead of the machine's own.
    fn set(&self, seconds: i64) {
        // By way of a rename, so that nobody reads half of it.
        let next = self.file.with_extension("next");
        fs::write(&next, format!("{seconds:+}\n")).unwrap();
        fs::rename(&next, &self.file).unwrap();
    }

    fn environment(&self) -> [(&str, &str); 5] {
        [
            ("LD_PRELOAD", &self.library),
            ("FAKETIME_TIMESTAMP_FILE", self.file.to_str().unwrap()),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ("NO_FAKE_STAT", "1"),
        ]
    }

    /// `hoga` under this clock, to its end: (succeeded, what it said).
    fn hoga(&self, arguments: &[&str]) -> (bool, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_hoga"))
            .args(arguments)
            .envs(self.environment())
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    }
}

/// A trader whose own clock is right to begin with.
struct Trader<'a> {
    process: &'a Process,
    key: Value,
    ahead_ms: u64,
}

impl Trader<'_> {
    fn ask(&self, method: &str, target: &str, body: &str) -> (u16, Value) {
        let (timestamp, signature) = sign_from_now(&self.key, method, target, body, self.ahead_ms);
        let id = self.key["id"].as_str().unwrap();
        let headers =
            format!("Hoga-Key: {id}\r\nHoga-Timestamp: {timestamp}\r\nHoga-Signature: {signature}\r\n");
        let mut http = Http::connect(self.process.address).unwrap();
        let (status, body) = http.request_with(method, target, &headers, body).unwrap();
        (status, serde_json::from_str(&body).unwrap())
    }

    fn place(&self) -> u16 {
        let body = r#"{"symbol":"BTC-KRW","side":"Buy","type":"Limit","price":1000000,"quantity":0.5}"#;
        self.ask("POST", "/api/v1/orders", body).0
    }

    fn open_orders(&self) -> usize {
        let (status, body) = self.ask("GET", "/api/v1/orders?status=Open", "");
        assert_eq!(status, 200, "{body}");
        body["orders"].as_array().unwrap().len()
    }

    /// Sets a deadline, and gives it.
    fn arm(&self, timeout_ms: u64) -> String {
        let body = format!(r#"{{"timeout_ms":{timeout_ms}}}"#);
        let (status, body) = self.ask("POST", "/api/v1/orders/cancel_all_after", &body);
        assert_eq!(status, 200, "{body}");
        body["deadline"].as_str().unwrap().to_owned()
    }
}

/// Exchange time.
fn time(process: &Process) -> String {
    let (_, body) = Http::connect(process.address)
        .unwrap()
        .json("GET", "/api/v1/time", "");
    body["time"].as_str().unwrap().to_owned()
}

/// The difference of the clocks in whole seconds, and whether it is not followed.
fn clocks(process: &Process) -> (i64, bool) {
    let (_, page) = Http::connect(process.address)
        .unwrap()
        .request("GET", "/metrics", "")
        .unwrap();
    let page = Exposition::parse(&page, false);
    let sample = |name: &str| page.families[name].samples[name];
    let difference = sample("hoga_clock_difference_seconds").round() as i64;
    (difference, sample("hoga_clock_not_followed") == 1.0)
}

/// Every stamp in the journal, in its order.
fn stamps(dir: &Path) -> Vec<u64> {
    let (done, said, errors) = support::hoga(&["journal", "dump", dir.to_str().unwrap(), "--json"]);
    assert!(done, "{errors}");
    let stamp = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        row["timestamp_ns"].as_u64().unwrap()
    };
    said.lines().map(stamp).collect()
}

#[test]
fn an_exchange_is_not_thrown_off_when_the_systems_clock_is_set() {
    let dir = tempfile::tempdir().unwrap();
    let Some(clock) = SystemClock::new(dir.path()) else {
        return;
    };
    let config = dir.path().join("hoga.toml");
    fs::write(&config, "[auth]\nmode = \"required\"\n").unwrap();
    let data = dir.path().join("data");
    fs::create_dir(&data).unwrap();
    let key = new_key(&data, &["--permissions", "read,trade,admin"]);
    let arguments = ["--config", config.to_str().unwrap()];
    let process = Process::of(spawn_with(&data, &arguments, &clock.environment())).unwrap();
    let mut trader = Trader {
        process: &process,
        key,
        ahead_ms: 0,
    };
    until("the exchange", || trader.place() == 201);
    assert_eq!(clocks(&process), (0, false));

    // Back an hour, and then ahead a day.
    let mut before = time(&process);
    for step in [-3_600, 86_400] {
        let deadline = trader.arm(1_000);
        clock.set(step);
        until("the step", || clocks(&process).1);
        assert_eq!(clocks(&process), (step, true));
        until("the deadline", || trader.open_orders() == 0);
        let now = time(&process);
        assert!(
            now >= deadline && now > before,
            "{step} s: {now}, {deadline}, {before}"
        );
        before = now;
        assert_eq!(trader.place(), 201, "{step} s");
    }

    // What remains of a deadline remains, however far exchange time leaps.
    trader.arm(3_600_000);
    let file = dir.path().join("private.key");
    fs::write(&file, trader.key["private_key"].as_str().unwrap()).unwrap();
    let (address, id) = (process.address.to_string(), trader.key["id"].clone());
    let admin = |words: &[&str]| {
        let signed = [
            "--key",
            id.as_str().unwrap(),
            "--private-key",
            file.to_str().unwrap(),
        ];
        clock.hoga(&[&["admin", "--address", &address][..], &signed, words].concat())
    };
    let (done, said) = admin(&["clock"]);
    assert!(done, "{said}");
    let shown: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(shown["followed"], false, "{said}");
    let seconds = shown["difference_ms"].as_f64().unwrap() / 1e3;
    assert_eq!(seconds.round(), 86_400.0, "{said}");
    let (done, said) = admin(&["clock", "accept"]);
    assert!(done, "{said}");
    assert_eq!(clocks(&process), (0, false));
    let (status, refused) = trader.ask("GET", "/api/v1/orders?status=Open", "");
    assert_eq!(
        (status, &refused["error"]["code"]),
        (401, &"stale_timestamp".into())
    );
    trader.ahead_ms = DAY_MS;
    assert_eq!(trader.open_orders(), 1, "the deadline is an hour away");
    let (done, said) = admin(&["clock", "accept"]);
    assert!(!done && said.contains("followed"), "{said}");
    trader.arm(1_000);
    until("the deadline", || trader.open_orders() == 0);

    // Back to where it was: there is no way back, and a start goes on from the journal.
    clock.set(0);
    until("the step", || clocks(&process).1);
    assert_eq!(clocks(&process), (-86_400, true));
    let (done, said) = admin(&["clock", "accept"]);
    assert!(!done && said.contains("never runs backwards"), "{said}");
    assert_eq!(trader.place(), 201);
    let log = process.terminate();
    assert!(log.contains("clock_not_followed"), "{log}");
    let last = stamps(&data).pop().unwrap();
    let again = Process::of(spawn_with(&data, &arguments, &clock.environment())).unwrap();
    let (_, shown) = Http::connect(again.address)
        .unwrap()
        .json("GET", "/api/v1/time", "");
    assert!(
        shown["unix_ms"].as_u64().unwrap() >= last / 1_000_000,
        "{shown} is before {last}"
    );
    let log = again.terminate();
    assert!(log.contains("behind the journal's last stamp"), "{log}");
    let stamps = stamps(&data);
    assert!(stamps.is_sorted(), "{stamps:?}");
}
