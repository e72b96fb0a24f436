//! Exchange time, and a system clock that somebody sets.

mod common;

use std::time::{Duration, Instant};

use common::guarded::{ALICE, Guarded};
use common::http::{Client, Response, ask, limit, place};
use common::{PATIENCE, Setup, World};
use hoga_protocol::{AcceptClock, AccountId, AccountName, AdminAction, Administer, Arm, ArmCause};
use hoga_protocol::{Command, Nanos, OpenAccount, OperatorName};
use serde_json::{Value, json};

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
        let auth_message: Value = serde_json::from_str(&world.auth_message(ALICE, "/ws/orders")).unwrap();
        let mut stale = auth_message.clone();
        stale["timestamp"] = (auth_message["timestamp"].as_i64().unwrap() + by).into();
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

const DAY: i64 = 86_400;

fn clock(world: &World, body: &str) -> Response {
    ask(world, "POST", "/api/v1/admin/clock", body)
}

#[test]
fn a_leap_that_is_accepted_leaves_a_deadline_what_remained_of_it() {
    let world = by_hand();
    place(&world, "alice", "Buy", 1_000_000, "0.5");
    assert_eq!(arm(&world, 5_000), "2023-04-30T12:35:15.000Z");
    world.set_system(DAY);
    let shown = json!({
        "exchange_time": "2023-04-30T12:35:10.000Z",
        "system_time": "2023-05-01T12:35:10.000Z",
        "difference_ms": 86_400_000,
        "followed": false,
    });
    assert_eq!(clock(&world, "{}").json(), shown);
    let accepted = clock(&world, r#"{"by":"ann","accept":true}"#);
    assert_eq!(accepted.status, 200, "{accepted:?}");
    assert!(accepted.json()["sequence"].is_u64());
    assert_eq!(time(&world), "2023-05-01T12:35:10.000Z");
    world.advance(Duration::from_millis(4_999));
    world.settle();
    assert_eq!(open_orders(&world, "alice"), 1, "too early");
    world.advance(Duration::from_millis(1));
    wait_until("the deadline", || open_orders(&world, "alice") == 0);
    // What is armed behind the leap is as far away as it says.
    place(&world, "alice", "Buy", 1_000_000, "0.5");
    assert_eq!(arm(&world, 1_000), "2023-05-01T12:35:16.000Z");
    world.advance(Duration::from_secs(1));
    wait_until("the deadline", || open_orders(&world, "alice") == 0);
}

#[test]
fn a_deadline_that_is_set_while_a_leap_is_under_way_does_not_pass_with_it() {
    let world = by_hand();
    place(&world, "alice", "Buy", 1_000_000, "0.5");
    world.set_system(DAY);
    world.matcher().paused = true;
    let mut clients = [Client::connect(&world), Client::connect(&world)];
    let mut again = Client::connect(&world);
    let journaled = || world.matcher().journal.len();
    for (client, path, body) in [
        (0, "/api/v1/admin/clock", r#"{"accept":true}"#),
        (
            1,
            "/api/v1/orders/cancel_all_after",
            r#"{"account":"alice","timeout_ms":5000}"#,
        ),
    ] {
        let before = journaled();
        let client: &mut Client = &mut clients[client];
        client.send(client.request("POST", path, body));
        wait_until(path, || journaled() > before);
    }
    let again = again.ask("POST", "/api/v1/admin/clock", r#"{"accept":true}"#);
    assert_eq!((again.status, again.code().as_str()), (409, "clock_not_ahead"));
    world.matcher().paused = false;
    let [accepted, armed] = clients.map(|mut client| client.response());
    assert_eq!(accepted.status, 200, "{accepted:?}");
    assert_eq!(armed.json(), json!({"deadline": "2023-05-01T12:35:15.000Z"}));
    world.advance(Duration::from_millis(4_999));
    world.settle();
    assert_eq!(open_orders(&world, "alice"), 1, "it passed with the leap");
    world.advance(Duration::from_millis(1));
    wait_until("the deadline", || open_orders(&world, "alice") == 0);
}

#[test]
fn a_clock_that_is_followed_or_behind_is_not_leapt_to() {
    let world = by_hand();
    let before = world.matcher().journal.len();
    for (ahead, says) in [
        (0, "followed already"),
        (10, "followed already"),
        (-10, "followed already"),
        (-11, "never runs backwards"),
        (-DAY, "never runs backwards"),
    ] {
        world.set_system(ahead);
        let refused = clock(&world, r#"{"accept":true}"#);
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (409, "clock_not_ahead"),
            "{ahead} s"
        );
        assert!(refused.body.contains(says), "{ahead} s: {refused:?}");
        let shown = clock(&world, "{}").json();
        assert_eq!(
            (&shown["difference_ms"], &shown["followed"]),
            (&json!(ahead * 1_000), &json!(ahead.abs() <= 10))
        );
    }
    assert_eq!(world.matcher().journal.len(), before, "something was sequenced");
    world.set_system(11);
    assert_eq!(clock(&world, r#"{"accept":true}"#).status, 200);
    assert_eq!(time(&world), "2023-04-30T12:35:21.000Z");
}

#[test]
fn a_deadline_keeps_what_remains_of_it_over_a_leap_and_a_restart() {
    let begun = 1_682_858_110_000_000_000;
    let day = DAY as u64 * 1_000_000_000;
    let accept = AdminAction::AcceptClock(AcceptClock {
        to: Nanos(begun + day),
    });
    let world = World::with(Setup {
        by_hand: true,
        before: vec![
            Command::OpenAccount(OpenAccount {
                account: AccountId(0),
                name: AccountName::new("alice").unwrap(),
            }),
            // Everything before is stamped 1 ns: the deadline is as far from that as from what the journal ends with.
            Command::Arm(Arm {
                account: AccountId(0),
                cause: ArmCause::Deadline(Nanos(5_000_000_001)),
            }),
            Command::Administer(Administer::new(OperatorName::new("ann").unwrap(), accept)),
        ],
        last: Nanos(begun + day),
        ..Setup::default()
    });
    place(&world, "alice", "Buy", 1_000_000, "0.5");
    world.advance(Duration::from_millis(4_999));
    world.settle();
    assert_eq!(open_orders(&world, "alice"), 1, "too early");
    world.advance(Duration::from_millis(1));
    wait_until("the deadline", || open_orders(&world, "alice") == 0);
}
