//! What a running exchange writes on standard error, and what it never does.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;

use serde_json::Value;
use support::exposition::Exposition;
use support::keys::{keys, new_key, sign, until};
use support::{Http, PATIENCE, Process, order_body, websocket};
use tungstenite::Message;

/// What a client writes that must not be read in a log.
const MARK: &str = "MARK-of-a-client";

/// A line that a client would like to have written.
const FORGED: &str = r#"2026-01-01T00:00:00.000000Z ERROR forged event="forged""#;

fn start(dir: &Path, config: &str) -> Process {
    let path = dir.join("hoga.toml");
    fs::write(&path, config).unwrap();
    Process::start(&dir.join("data"), &["--config", path.to_str().unwrap()])
}

/// Sends bytes as they are, and takes whatever comes until the connection ends or the answer is there.
fn send(address: SocketAddr, bytes: &str) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(bytes.as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
}

/// Sends what clients send, in order and not; returns what none of it may be found in.
fn use_and_abuse(process: &Process, data: &Path) -> Vec<String> {
    let address = process.address;
    let key = new_key(data, &[]);
    let operator = new_key(data, &["--permissions", "admin"]);
    let mut secrets = vec![MARK.to_owned(), "forged\"".to_owned()];
    secrets.extend([&key, &operator].map(|key| key["private_key"].as_str().unwrap().to_owned()));
    let mut ask = |key: &Value, method: &str, target: &str, body: &str, sent: &str| {
        let (timestamp, signature) = sign(key, method, target, body);
        let id = key["id"].as_str().unwrap();
        let headers = format!(
            "Hoga-Key: {id}\r\nHoga-Timestamp: {timestamp}\r\nHoga-Signature: {signature}\r\nX-Mark: {MARK}\r\n"
        );
        secrets.push(signature);
        let mut client = Http::connect(address).unwrap();
        client.request_with(method, target, &headers, sent).unwrap().0
    };
    let order = order_body("Sell", 50_000_000, "0.5", MARK);
    let orders = "/api/v1/orders";
    // The key file is looked at once a second, and nothing counts that was signed in the first second.
    until("the keys", || ask(&key, "POST", orders, &order, &order) < 300);
    assert_eq!(
        ask(&key, "POST", orders, &order, &order_body("Buy", 1000, "1", MARK)),
        401
    );
    let cut = &order[..order.len() - 9];
    assert_eq!(ask(&key, "POST", orders, cut, cut), 400);
    let bad_name = order_body(
        "Sell",
        50_000_000,
        "0.5",
        &format!("{MARK}\\n{FORGED}").replace('"', "\\\""),
    );
    assert_eq!(ask(&key, "POST", orders, &bad_name, &bad_name), 400);
    let suspend = r#"{"by":"ann","account":"other","status":"Suspended"}"#;
    let target = "/api/v1/admin/account_status";
    assert_eq!(ask(&operator, "POST", target, suspend, suspend), 200);
    let evil = suspend.replace("other", &format!("{MARK}\\n{}", FORGED.replace('"', "\\\"")));
    assert_eq!(ask(&operator, "POST", target, &evil, &evil), 400);

    // An armed session of a key that is revoked.
    let mut session = websocket(address, "/ws/orders").unwrap();
    let (timestamp, signature) = sign(&key, "GET", "/ws/orders", "");
    let id = key["id"].as_str().unwrap();
    for text in [
        &format!(r#"{{"op":"auth","key":"{id}","timestamp":{timestamp},"signature":"{signature}"}}"#),
        r#"{"id":1,"op":"cancel_on_disconnect","on":true}"#,
        &format!("{MARK}\n{FORGED}"),
    ] {
        session.send(Message::text(text)).unwrap();
    }
    secrets.push(signature);
    keys(data, &["revoke", id]).unwrap();
    while !matches!(session.read().unwrap(), Message::Close(_)) {}

    for text in [
        format!("GET /{MARK}%0d%0a{FORGED} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        format!("GET /\n{FORGED}\n HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: {MARK}\n{FORGED}\r\n\r\n"),
        format!("GET {orders} HTTP/1.1\r\nHost: localhost\r\nHoga-Key: {id}\n{FORGED}\r\n\r\n"),
        format!(
            "GET {orders} HTTP/1.1\r\nHost: localhost\r\nHoga-Key: {MARK}\r\nHoga-Timestamp: 1\r\nHoga-Signature: {MARK}\r\n\r\n"
        ),
        format!("{MARK}\r\n{FORGED}\r\n\r\n"),
        format!("POST {orders} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{MARK}\n{FORGED}\n"),
    ] {
        send(address, &text);
    }
    let data = data.join("keys.toml");
    fs::write(&data, "[[keys]]\nid = 5\n").unwrap();
    until("the failure", || {
        let page = Http::connect(address)
            .unwrap()
            .request("GET", "/metrics", "")
            .unwrap()
            .1;
        Exposition::parse(&page, false).value("hoga_auth_key_reload_failures_total") > 0.0
    });
    secrets
}

/// The events of a log in JSON, one object a line.
fn events_of_json(log: &str) -> Vec<String> {
    let event = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        let text = |name: &str| {
            let text = value[name]
                .as_str()
                .unwrap_or_else(|| panic!("no {name}: {line}"));
            text.to_owned()
        };
        assert!(
            ["ERROR", "WARN", "INFO"].contains(&text("level").as_str()),
            "{line}"
        );
        assert!(
            text("timestamp").ends_with('Z') && !text("message").is_empty(),
            "{line}"
        );
        text("event")
    };
    log.lines().map(event).collect()
}

/// The events of a log for people.
fn events_of_text(log: &str) -> Vec<String> {
    let event = |line: &str| {
        let mut words = line.split_whitespace();
        let time = words.next().unwrap_or_default();
        assert!(
            time.ends_with('Z') && time.len() == FORGED.find(' ').unwrap(),
            "{line:?}"
        );
        let level = words.next().unwrap_or_default();
        assert!(["ERROR", "WARN", "INFO"].contains(&level), "{line:?}");
        let (_, rest) = line.split_once(" event=\"").unwrap_or_else(|| panic!("{line:?}"));
        rest.split('"').next().unwrap().to_owned()
    };
    log.lines().map(event).collect()
}

#[test]
fn no_secret_is_in_the_log_and_no_client_writes_a_line_there() {
    type Read = fn(&str) -> Vec<String>;
    let formats: [(&str, Read); 2] = [("json", events_of_json), ("text", events_of_text)];
    for (format, events_of) in formats {
        let dir = tempfile::tempdir().unwrap();
        let process = start(
            dir.path(),
            &format!("[auth]\nmode = \"required\"\n[log]\nformat = \"{format}\"\n"),
        );
        let secrets = use_and_abuse(&process, &dir.path().join("data"));
        let (_, log) = process.terminate_apart();
        for secret in secrets {
            assert!(!log.contains(&secret), "{secret:?} in\n{log}");
        }
        let events = events_of(&log);
        let order = [
            "starting",
            "recovered",
            "serving",
            "keys_read",
            "key_refused",
            "administered",
            "key_ended",
            "arming_fired",
            "keys_failed",
            "drain_begun",
            "drain_ended",
            "snapshot_made",
            "stopped",
        ];
        let known: BTreeSet<&str> = order.into();
        for event in &events {
            assert!(known.contains(event.as_str()), "{event} in\n{log}");
        }
        for event in order {
            assert!(
                events.iter().any(|told| told == event),
                "{event} is not in\n{log}"
            );
        }
        assert_eq!(
            (events[0].as_str(), events.last().unwrap().as_str()),
            ("starting", "stopped")
        );
    }
}

#[test]
fn a_log_that_nobody_reads_does_not_stop_those_who_trade() {
    let dir = tempfile::tempdir().unwrap();
    let process = start(dir.path(), "durability = \"memory\"\n");
    let mut http = Http::connect(process.address).unwrap();
    let suspend = r#"{"by":"ann","account":"other","status":"Suspended"}"#;
    let mut told = 0;
    until("a full pipe and a full queue", || {
        for _ in 0..500 {
            let (status, answer) = http
                .request("POST", "/api/v1/admin/account_status", suspend)
                .unwrap();
            assert_eq!(status, 200, "after {told} lines: {answer}");
            told += 1;
        }
        let page = http.request("GET", "/metrics", "").unwrap().1;
        Exposition::parse(&page, false).value("hoga_log_lines_dropped_total") > 0.0
    });
    for side in ["Sell", "Buy"] {
        let (status, order) = http.json(
            "POST",
            "/api/v1/orders",
            &order_body(side, 50_000_000, "0.5", side),
        );
        assert_eq!(status, 201, "{order}");
    }
    let (said, log) = process.terminate_apart();
    assert!(said.contains("hoga: stopped"), "{said}");
    let whole = log.matches("event=\"administered\"").count();
    assert!((1..told).contains(&whole), "{whole} of {told}");
}

#[test]
fn a_level_does_not_let_through_what_lies_below_it() {
    for (level, told) in [("info", true), ("warn", false), ("error", false)] {
        let dir = tempfile::tempdir().unwrap();
        let process = start(dir.path(), &format!("[log]\nlevel = \"{level}\"\n"));
        let (_, log) = process.terminate_apart();
        assert_eq!(!log.is_empty(), told, "{level}: {log}");
    }
}

#[test]
fn an_exchange_that_is_asked_to_stop_goes_on_for_as_long_as_its_clients_were_promised() {
    let dir = tempfile::tempdir().unwrap();
    let process = start(dir.path(), "[gateway]\ndrain_ms = 600000\n");
    let mut http = Http::connect(process.address).unwrap();
    assert_eq!(http.request("GET", "/readyz", "").unwrap().0, 200);
    let kill = || {
        let pid = process.child.id().to_string();
        let status = std::process::Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap();
        assert!(status.success());
    };
    kill();
    until("the drain", || {
        http.request("GET", "/readyz", "").unwrap().0 == 503
    });
    let (status, answer) = http.json("GET", "/readyz", "");
    assert_eq!(
        (status, answer["error"]["code"].as_str()),
        (503, Some("shutting_down"))
    );
    let mut late = Http::connect(process.address).unwrap();
    assert_eq!(late.request("GET", "/healthz", "").unwrap().0, 200);
    let (status, order) = late.json("POST", "/api/v1/orders", &order_body("Buy", 1000, "1", "late"));
    assert_eq!(status, 201, "{order}");
    // A second signal ends it at once; the journal stands that.
    kill();
    let mut process = process;
    assert!(!process.child.wait().unwrap().success());
    let process = Process::start(&dir.path().join("data"), &[]);
    let mut http = Http::connect(process.address).unwrap();
    let (_, listed) = http.json("GET", "/api/v1/orders", "");
    assert_eq!(listed["orders"].as_array().map(Vec::len), Some(1), "{listed}");
}

#[test]
fn no_event_of_the_log_is_undocumented_and_no_documented_one_is_missing() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let page = fs::read_to_string(src.join("../../docs/operations.md")).unwrap();
    let section = page
        .split("\n## The log\n")
        .nth(1)
        .unwrap()
        .split("\n## ")
        .next()
        .unwrap();
    let documented: BTreeSet<String> = section
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next().map(str::to_owned))
        .collect();
    let mut told = BTreeSet::new();
    let mut folders = vec![src];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let events = text
                .split("event = \"")
                .skip(1)
                .map(|rest| rest.split('"').next().unwrap());
            told.extend(events.map(str::to_owned));
        }
    }
    assert!(told.len() > 15, "{told:?}");
    assert_eq!(told, documented);
}
