//! An idle exchange sleeps. Counted in wake-ups, so that no clock decides: each thread may look up now and then, not
//! spin.

mod support;

use std::fs;
use std::thread;
use std::time::Duration;

use support::{Process, next_text, order_body, websocket};

/// Wake-ups of all threads of a process so far: each is one voluntary switch away from the processor.
fn wake_ups(pid: u32) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let of_task = |path: std::path::PathBuf| {
        let status = fs::read_to_string(path.join("status")).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("voluntary_ctxt_switches"))
            .unwrap()
            .to_owned();
        line.split_whitespace().last().unwrap().parse::<u64>().unwrap()
    };
    tasks.map(|task| of_task(task.unwrap().path())).sum()
}

/// Processor time of a process so far, in ticks of 10 ms.
fn ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[test]
fn an_idle_exchange_does_not_spin() {
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(dir.path(), &[]);
    // It has worked, and it has clients: idle is not only the state before the first order.
    let mut session = websocket(process.address, "/ws/orders").unwrap();
    let _subscriber = websocket(process.address, "/ws/executions").unwrap();
    let body = order_body("Buy", 1000, "1", "one");
    session
        .send(tungstenite::Message::text(format!(
            r#"{{"id":1,"op":"place",{}"#,
            &body[1..]
        )))
        .unwrap();
    assert!(next_text(&mut session).unwrap().contains("New"));
    thread::sleep(Duration::from_millis(500));
    let pid = process.child.id();
    let (woken, used) = (wake_ups(pid), ticks(pid));
    thread::sleep(Duration::from_secs(3));
    let (woken, used) = (wake_ups(pid) - woken, ticks(pid) - used);
    println!(
        "idle for 3 s: {woken} wake-ups, {} ms of processor time",
        used * 10
    );
    assert!(
        woken < 150,
        "{woken} wake-ups in three idle seconds: something polls"
    );
    assert!(
        used <= 6,
        "{} ms of processor time in three idle seconds: something spins",
        used * 10
    );
}
