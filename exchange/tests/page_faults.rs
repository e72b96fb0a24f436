//! Whether the threads of the core wait for the system to find memory, once the exchange is open.

mod support;

use std::fs;
use std::net::TcpStream;

use support::{Process, next_text, order_body, websocket};
use tungstenite::{Message, WebSocket};

/// Orders of one measurement, and how many of them are in flight at once.
const ORDERS: u64 = 10_000;
const IN_FLIGHT: u64 = 64;

/// Faults that may come from elsewhere: the kernel takes a page away to make it part of a huge one, or to look who uses
/// it. Without memory found beforehand, 10,000 resting orders of some 400 bytes alone are a thousand.
const FROM_ELSEWHERE: u64 = 16;

/// Page faults of the thread that matches, so far.
fn faults(pid: u32) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let mut stats = tasks.map(|task| fs::read_to_string(task.unwrap().path().join("stat")).unwrap());
    let stat = stats
        .find(|stat| stat.contains("(hoga-core)") || stat.contains("(hoga-matcher)"))
        .expect("a thread that matches");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[7].parse::<u64>().unwrap() + fields[9].parse::<u64>().unwrap()
}

#[test]
fn an_order_does_not_wait_for_the_system_to_find_memory_for_it() {
    let dir = tempfile::tempdir().unwrap();
    // As where cores are its own, though these are everybody's. Whether memory may be locked here makes no difference.
    let config = dir.path().join("hoga.toml");
    fs::write(&config, "durability = \"memory\"\n[threads]\npin = \"on\"\n").unwrap();
    let process = Process::start(dir.path(), &["--config", config.to_str().unwrap()]);
    let mut session = websocket(process.address, "/ws/orders").unwrap();
    let mut sent = 0;
    let mut enter = |orders: u64| {
        let reply = |session: &mut WebSocket<TcpStream>| {
            while !next_text(session).expect("a reply").contains(r#""id":"#) {}
        };
        for n in 0..orders {
            sent += 1;
            // Every other one rests, at one of 500 prices, and the next one takes half of it.
            let (side, at, quantity) = match sent % 2 {
                0 => ("Buy", sent, "0.5"),
                _ => ("Sell", sent + 1, "1"),
            };
            let body = order_body(side, 50_000_000 + at % 500 * 1_000, quantity, &format!("n{sent}"));
            let text = format!(r#"{{"id":{sent},"op":"place",{}"#, &body[1..]);
            session.send(Message::text(text)).unwrap();
            if n >= IN_FLIGHT {
                reply(&mut session);
            }
        }
        (0..IN_FLIGHT).for_each(|_| reply(&mut session));
    };
    enter(1_000);
    let before = faults(process.child.id());
    enter(ORDERS);
    let taken = faults(process.child.id()) - before;
    println!("{ORDERS} orders, {taken} page faults");
    assert!(
        taken <= FROM_ELSEWHERE,
        "{taken} page faults while {ORDERS} orders were matched"
    );
}
