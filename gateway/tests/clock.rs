//! Exchange time, and a system clock that somebody sets.

mod common;

use std::time::{Duration, Instant};

use common::guarded::{ALICE, Guarded};
use common::http::{ask, limit, place};
use common::{PATIENCE, Setup, World};
use hoga_protocol::Nanos;
use serde_json::Value;

/// How far somebody sets the system's clock, in seconds: back an hour, ahead a day, ahead ten years, back to where it was.
const STEPS: [i64; 4] = [-3_600, 86_400, 315_360_000, 0];

fn by_hand() -> World {
    World::with(Setup {
        by_hand: true,
        ..Setup::default()
    })
}

fn time(world: &World) -> String {
    let answer = ask(world, "GET", "/api/v1/time", "").json();
    answer["time"].as_str().unwrap().to_owned()
}

fn open_orders(world: &World, account: &str) -> usize {
    let path = format!("/api/v1/orders?status=Open&account={account}");
    let answer = ask(world, "GET", &path, "").json();
    answer["orders"].as_array().map_or(0, Vec::len)
}

fn arm(world: &World, timeout_ms: u64) -> Value {
    let body = format!(r#"{{"account":"alice","timeout_ms":{timeout_ms}}}"#);
    let answer = ask(world, "POST", "/api/v1/orders/cancel_all_after", &body);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["deadline"].clone()
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "waited for {what} in vain");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_deadline_neither_waits_nor_hurries_when_the_systems_clock_is_set() {
    let world = by_hand();
    let mut before = time(&world);
    for step in STEPS {
        place(&world, "alice", "Buy", 1_000_000, "0.5");
        arm(&world, 5_000);
        world.set_system(step);
        world.advance(Duration::from_millis(4_999));
        world.settle();
        assert_eq!(open_orders(&world, "alice"), 1, "{step} s: too early");
        let now = time(&world);
        assert!(now > before, "{step} s: {now} after {before}");
        before = now;
        world.advance(Duration::from_millis(1));
        wait_until("the deadline", || open_orders(&world, "alice") == 0);
    }
}

#[test]
fn a_poll_does_not_sleep_past_a_deadline() {
    let world = by_hand();
    place(&world, "alice", "Buy", 1_000_000, "0.5");
    arm(&world, 1_000);
    world.advance(Duration::from_millis(950));
    // Nothing else wakes the gateway here: it comes back for the deadline alone, or the test waits in vain.
    world.ask(|gateway| gateway.turn(Duration::from_secs(3_600)).unwrap());
    world.advance(Duration::from_millis(50));
    world.ask(|gateway| gateway.turn(Duration::from_secs(3_600)).unwrap());
    wait_until("the deadline", || open_orders(&world, "alice") == 0);
}

#[test]
fn a_signature_is_not_refused_because_the_systems_clock_was_set() {
    let world = Guarded::new();
    for step in STEPS {
        world.world.set_system(step);
        assert_eq!(world.place(ALICE, "Buy").status, 201, "{step} s");
    }
}

#[test]
fn a_client_whose_clock_is_wrong_is_told_the_exchanges_time() {
    let world = Guarded::new();
    let (target, body) = ("/api/v1/orders", limit("alice", "Sell", 50_000_000, "0.5"));
    for by in [-86_400_000, 86_400_000] {
        let headers = world.holders[ALICE].headers(&world, "POST", target, &body, by);
        let refused = world.send("POST", target, &body, &headers);
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (401, "stale_timestamp")
        );
        let shown = refused.header("exchange-time").unwrap();
        assert_eq!(shown, time(&world.world), "{refused:?}");
        assert!(refused.body.contains(shown), "{refused:?}");

        let mut ws = world.connect(None, "/ws/orders").unwrap();
        let greeting: Value = serde_json::from_str(&world.greeting(ALICE, "/ws/orders")).unwrap();
        let mut stale = greeting.clone();
        stale["timestamp"] = (greeting["timestamp"].as_i64().unwrap() + by).into();
        ws.send(&stale.to_string());
        let (_, frame) = ws.closed();
        assert!(frame.reason.contains(&time(&world.world)), "{frame:?}");
    }
    let other = world.send("GET", target, "", "");
    assert_eq!((other.status, other.header("exchange-time")), (401, None));
}

#[test]
fn a_start_under_a_clock_that_was_set_back_does_not_run_behind_the_journal() {
    // 2023-04-30T13:35:10Z, an hour after what the system's clock says.
    let last = Nanos(1_682_861_710_000_000_000);
    let world = World::with(Setup {
        by_hand: true,
        last,
        ..Setup::default()
    });
    assert_eq!(time(&world), "2023-04-30T13:35:10.000Z");
    world.advance(Duration::from_millis(1_500));
    assert_eq!(time(&world), "2023-04-30T13:35:11.500Z");
    assert_eq!(arm(&world, 5_000), "2023-04-30T13:35:16.500Z");
}
