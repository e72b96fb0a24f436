//! kill -9 under load: no acknowledged order lost, no shown execution missing after recovery, equal digests.
//!
//! `CRASH_KILLS` sets how often (20 by default; `scripts/crash.sh` runs 200), `CRASH_SEED` the moments.

mod support;

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;
use support::{Http, Process, Random, hoga, next_text, order_body, websocket};

const SESSIONS: u64 = 3;
const WINDOW: usize = 32;

/// What clients were told before the kill.
#[derive(Default)]
struct Told {
    /// order_id → client_order_id of every acknowledged order.
    orders: HashMap<String, String>,
    /// Acknowledged cancels.
    canceled: Vec<String>,
    /// The text of every execution shown.
    executions: Vec<String>,
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

#[test]
fn a_kill_loses_nothing_that_was_acknowledged_or_shown() {
    let (kills, seed) = (setting("CRASH_KILLS", 20), setting("CRASH_SEED", 7));
    println!("{kills} kills, seed {seed}");
    let mut random = Random(seed);
    let dir = tempfile::tempdir().unwrap();
    let (mut orders, mut executions) = (0, 0);
    let mut process = Process::start(dir.path(), &[]);
    for round in 0..kills {
        let stop = Arc::new(AtomicBool::new(false));
        let subscriber = subscribe(process.address);
        let sessions: Vec<_> = (0..SESSIONS)
            .map(|n| trade(process.address, round, n, Arc::clone(&stop)))
            .collect();
        thread::sleep(Duration::from_millis(20 + random.below(150)));
        process.kill();
        stop.store(true, Ordering::SeqCst);
        let mut told = Told {
            executions: subscriber.join().unwrap(),
            ..Told::default()
        };
        for session in sessions {
            let (acknowledged, canceled) = session.join().unwrap();
            told.orders.extend(acknowledged);
            told.canceled.extend(canceled);
        }
        process = Process::start(dir.path(), &[]);
        check(&process, &told, round);
        orders += told.orders.len();
        executions += told.executions.len();
    }
    process.terminate();
    assert!(
        orders > 0 && executions > 0,
        "the load must have been acknowledged and shown: {orders}, {executions}"
    );
    let data = dir.path().to_str().unwrap();
    let digests = [replay(data), replay(data)];
    assert_eq!(digests[0], digests[1], "two replays of one journal differ");
    println!("{kills} kills: {orders} acknowledged orders and {executions} shown executions, none lost");
}

fn replay(data: &str) -> (Value, Value, Value) {
    let (ok, out, err) = hoga(&["replay", "--data-dir", data, "--json"]);
    assert!(ok, "{err}");
    let outcome: Value = serde_json::from_str(&out).unwrap();
    (
        outcome["state_digest"].clone(),
        outcome["events_digest"].clone(),
        outcome["records"].clone(),
    )
}

/// Reads the executions stream until it breaks.
fn subscribe(address: SocketAddr) -> JoinHandle<Vec<String>> {
    let mut socket = websocket(address, "/ws/executions").unwrap();
    thread::spawn(move || std::iter::from_fn(|| next_text(&mut socket)).collect())
}

/// Places crossing orders and cancels some, `WINDOW` in flight, until the connection breaks.
fn trade(
    address: SocketAddr,
    round: u64,
    session: u64,
    stop: Arc<AtomicBool>,
) -> JoinHandle<(HashMap<String, String>, Vec<String>)> {
    thread::spawn(move || {
        let (mut orders, mut canceled) = (HashMap::new(), Vec::new());
        let Ok(mut socket) = websocket(address, &format!("/ws/orders?account=trader{session}")) else {
            return (orders, canceled);
        };
        let mut random = Random(round << 8 | session);
        let (mut sent, mut waiting) = (0u64, 0);
        while !stop.load(Ordering::Relaxed) {
            if waiting < WINDOW {
                let side = if random.below(2) == 0 { "Buy" } else { "Sell" };
                let body = order_body(
                    side,
                    50_000_000 + random.below(4) * 1000,
                    "0.01",
                    &format!("{round}-{session}-{sent}"),
                );
                let request = format!(r#"{{"id":{sent},"op":"place",{}"#, &body[1..]);
                if socket.send(tungstenite::Message::text(request)).is_err() {
                    break;
                }
                (sent, waiting) = (sent + 1, waiting + 1);
                continue;
            }
            let Some(text) = next_text(&mut socket) else { break };
            let message: Value = serde_json::from_str(&text).unwrap();
            if message.get("id").is_none() {
                continue;
            }
            waiting -= 1;
            let order = &message["order"];
            let id = order["order_id"]
                .as_str()
                .unwrap_or_else(|| panic!("refused: {message}"))
                .to_owned();
            if order["status"] == "Canceled" {
                canceled.push(id);
                continue;
            }
            orders.insert(id.clone(), order["client_order_id"].as_str().unwrap().to_owned());
            if order["status"] == "New" && random.below(4) == 0 {
                let request = format!(r#"{{"id":"c{sent}","op":"cancel","order_id":"{id}"}}"#);
                if socket.send(tungstenite::Message::text(request)).is_err() {
                    break;
                }
                // An order that traded meanwhile answers with an error; either way one answer comes.
                let Some(true) = answer_to_cancel(&mut socket, &mut orders, &mut waiting, &mut canceled)
                else {
                    break;
                };
            }
        }
        (orders, canceled)
    })
}

/// Reads on until the cancel is answered, keeping what comes before it.
fn answer_to_cancel(
    socket: &mut tungstenite::WebSocket<std::net::TcpStream>,
    orders: &mut HashMap<String, String>,
    waiting: &mut usize,
    canceled: &mut Vec<String>,
) -> Option<bool> {
    loop {
        let message: Value = serde_json::from_str(&next_text(socket)?).unwrap();
        let Some(id) = message.get("id") else { continue };
        let order = &message["order"];
        if id.is_string() {
            if order["status"] == "Canceled" {
                canceled.push(order["order_id"].as_str()?.to_owned());
            }
            return Some(true);
        }
        *waiting -= 1;
        let order_id = order["order_id"]
            .as_str()
            .unwrap_or_else(|| panic!("refused: {message}"));
        orders.insert(order_id.to_owned(), order["client_order_id"].as_str()?.to_owned());
    }
}

/// After recovery: every acknowledged order is there under its own name, every acknowledged cancel holds, and the
/// executions stream, resumed from the first one shown, repeats each byte for byte.
fn check(process: &Process, told: &Told, round: u64) {
    let mut http = Http::connect(process.address).unwrap();
    for (id, client_order_id) in &told.orders {
        let (status, order) = http.json("GET", &format!("/api/v1/orders/{id}"), "");
        assert_eq!(
            status, 200,
            "round {round}: acknowledged order {id} is lost: {order}"
        );
        assert_eq!(
            order["client_order_id"].as_str(),
            Some(client_order_id.as_str()),
            "round {round}"
        );
    }
    for id in &told.canceled {
        let (_, order) = http.json("GET", &format!("/api/v1/orders/{id}"), "");
        assert_eq!(
            order["status"], "Canceled",
            "round {round}: an acknowledged cancel is undone: {order}"
        );
    }
    let Some(first) = told.executions.first() else {
        return;
    };
    let id = |execution: &str| execution.split('"').nth(3).unwrap().to_owned();
    let unique: HashSet<&String> = told.executions.iter().collect();
    assert_eq!(
        unique.len(),
        told.executions.len(),
        "round {round}: an execution was shown twice"
    );
    let mut resumed = websocket(process.address, &format!("/ws/executions?after={}", id(first))).unwrap();
    for shown in &told.executions[1..] {
        assert_eq!(
            next_text(&mut resumed).as_ref(),
            Some(shown),
            "round {round}: a shown execution is missing"
        );
    }
}
