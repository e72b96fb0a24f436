//! Sessions that were armed when the exchange went down.

mod support;

use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Http, PATIENCE, Process, hoga, next_text, websocket};
use tungstenite::Message;

const SESSIONS: usize = 100;
const ORDERS: usize = 3;

fn open_orders(address: std::net::SocketAddr, account: &str) -> usize {
    let path = format!("/api/v1/orders?status=Open&account={account}");
    let (status, body) = Http::connect(address).unwrap().request("GET", &path, "").unwrap();
    assert_eq!(status, 200, "{body}");
    let orders: Value = serde_json::from_str(&body).unwrap();
    orders["orders"].as_array().unwrap().len()
}

/// Starts an exchange with [`SESSIONS`] armed sessions, ends it, and starts it again.
fn restarted(data_dir: &std::path::Path, end: fn(Process)) -> Process {
    let process = Process::start(data_dir, &[]);
    let mut http = Http::connect(process.address).unwrap();
    let mut sessions = Vec::new();
    for index in 0..SESSIONS {
        let mut socket = websocket(process.address, &format!("/ws/orders?account=armed{index}")).unwrap();
        let op = r#"{"id":1,"op":"cancel_on_disconnect","on":true}"#;
        socket.send(Message::text(op)).unwrap();
        let reply = next_text(&mut socket).unwrap();
        assert_eq!(reply, r#"{"id":1,"cancel_on_disconnect":true}"#);
        sessions.push(socket);
        for account in [format!("armed{index}"), format!("plain{index}")] {
            for _ in 0..ORDERS {
                let body = format!(
                    r#"{{"account":"{account}","symbol":"BTC-KRW","side":"Buy","type":"Limit","price":1000000,"quantity":1}}"#
                );
                let (status, body) = http.request("POST", "/api/v1/orders", &body).unwrap();
                assert_eq!(status, 201, "{body}");
            }
        }
    }
    end(process);
    Process::start(data_dir, &[])
}

fn check(end: fn(Process)) {
    let dir = tempfile::tempdir().unwrap();
    let process = restarted(dir.path(), end);
    for index in 0..SESSIONS {
        assert_eq!(
            open_orders(process.address, &format!("armed{index}")),
            0,
            "armed{index}"
        );
        assert_eq!(
            open_orders(process.address, &format!("plain{index}")),
            ORDERS,
            "plain{index}"
        );
    }
    process.terminate();
    let dir = dir.path().to_str().unwrap();
    let (done, said, errors) = hoga(&["journal", "dump", dir, "--kind", "Disarm", "--json"]);
    assert!(done, "{errors}");
    assert_eq!(
        said.lines().count(),
        SESSIONS,
        "an arming was left, or ended twice"
    );
}

#[test]
fn a_crash_leaves_no_order_of_an_armed_session() {
    check(Process::kill);
}

#[test]
fn a_stop_leaves_no_order_of_an_armed_session() {
    check(|process| drop(process.terminate()));
}

#[test]
fn a_deadline_that_passes_while_the_exchange_is_down_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(dir.path(), &[]);
    let mut http = Http::connect(process.address).unwrap();
    for (account, timeout) in [("soon", Some(1_000)), ("late", Some(86_400_000)), ("plain", None)] {
        let body = format!(
            r#"{{"account":"{account}","symbol":"BTC-KRW","side":"Buy","type":"Limit","price":1000000,"quantity":1}}"#
        );
        assert_eq!(http.request("POST", "/api/v1/orders", &body).unwrap().0, 201);
        if let Some(timeout) = timeout {
            let body = format!(r#"{{"account":"{account}","timeout_ms":{timeout}}}"#);
            let answer = http
                .request("POST", "/api/v1/orders/cancel_all_after", &body)
                .unwrap();
            assert_eq!(answer.0, 200, "{}", answer.1);
        }
    }
    process.kill();
    let process = Process::start(dir.path(), &[]);
    let start = Instant::now();
    while open_orders(process.address, "soon") > 0 {
        assert!(start.elapsed() < PATIENCE, "the deadline was forgotten");
        std::thread::sleep(Duration::from_millis(10));
    }
    for account in ["late", "plain"] {
        assert_eq!(open_orders(process.address, account), 1, "{account}");
    }
    process.terminate();
}
