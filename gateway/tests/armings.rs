//! Orders that are canceled because whoever placed them can no longer be heard.

mod common;

use std::time::Duration;

use common::http::{Client, ask, place};
use common::ws::Ws;
use common::{Setup, World, wait_until};
use hoga_gateway::GatewayConfig;
use hoga_protocol::{
    AccountId, AccountName, Arm, ArmCause, CancelAll, ClientOrderId, Command, InstrumentId, Lots, Nanos,
    NewOrder, OpenAccount, OrderType, Side, SigningKeyId, Ticks, TimeInForce,
};
use hoga_service::Refusal;
use serde_json::{Value, json};

/// 2023-04-30T12:35:10Z, when the clock of a test begins.
const BEGINNING: u64 = 1_682_858_110_000_000_000;

fn by_hand() -> World {
    World::with(Setup {
        by_hand: true,
        ..Setup::default()
    })
}

/// A session that is armed.
fn armed(world: &World, account: &str) -> Ws {
    let mut ws = Ws::connect(world, &format!("/ws/orders?account={account}"));
    ws.send(r#"{"id":1,"op":"cancel_on_disconnect","on":true}"#);
    assert_eq!(reply(&mut ws), json!({"id":1,"cancel_on_disconnect":true}));
    ws
}

/// The next message that is no push.
fn reply(ws: &mut Ws) -> Value {
    std::iter::repeat_with(|| ws.json())
        .find(|message| message["type"].is_null())
        .unwrap()
}

/// How many orders of the account work.
fn open_orders(world: &World, account: &str) -> usize {
    let path = format!("/api/v1/orders?status=Open&limit=1000&account={account}");
    ask(world, "GET", &path, "").json()["orders"]
        .as_array()
        .unwrap()
        .len()
}

/// Commands of one kind, in the order of the journal.
fn journaled(world: &World, wanted: fn(&Command) -> bool) -> usize {
    world
        .matcher()
        .journal
        .iter()
        .filter(|command| wanted(command))
        .count()
}

fn disarms(world: &World) -> usize {
    journaled(world, |command| matches!(command, Command::Disarm(_)))
}

fn opens(account: u32, name: &str) -> Command {
    Command::OpenAccount(OpenAccount {
        account: AccountId(account),
        name: AccountName::new(name).unwrap(),
    })
}

fn rests(account: u32) -> Command {
    Command::NewOrder(NewOrder {
        account: AccountId(account),
        instrument: InstrumentId(0),
        client_order_id: ClientOrderId::EMPTY,
        side: Side::Buy,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Gtc,
        post_only: false,
        price: Ticks(100),
        quantity: Lots(1_000),
        valid_until: Nanos(0),
        signed_by: SigningKeyId::NONE,
    })
}

fn arms(account: u32, cause: ArmCause) -> Command {
    Command::Arm(Arm {
        account: AccountId(account),
        cause,
    })
}

#[test]
fn an_armed_session_leaves_no_order_behind_however_it_ends() {
    type End = fn(&World, Ws);
    let ends: [(&str, End); 5] = [
        ("close", |_, mut ws| ws.socket.close(None).unwrap()),
        ("drop", |_, ws| drop(ws)),
        ("a message of the wrong kind", |_, mut ws| {
            ws.socket.send(tungstenite::Message::binary(vec![1])).unwrap();
            ws.closed();
        }),
        ("half of the connection", |_, ws| {
            ws.socket.get_ref().shutdown(std::net::Shutdown::Write).unwrap();
            wait_until("the end", || ws.socket.get_ref().peek(&mut [0]).is_ok());
        }),
        ("silence", |world, ws| {
            world.advance(Duration::from_secs(30));
            world.settle();
            world.advance(Duration::from_secs(90));
            wait_until("the cancel", || disarms(world) == 1);
            drop(ws);
        }),
    ];
    for (how, end) in ends {
        let world = by_hand();
        let ws = armed(&world, "alice");
        for account in ["alice", "alice", "bob"] {
            place(&world, account, "Buy", 1_000_000, "0.5");
        }
        assert_eq!(open_orders(&world, "alice"), 2);
        end(&world, ws);
        wait_until(how, || disarms(&world) == 1);
        wait_until(how, || open_orders(&world, "alice") == 0);
        assert_eq!(open_orders(&world, "bob"), 1, "{how}");
    }
}

#[test]
fn a_session_that_is_not_armed_leaves_its_orders() {
    let world = World::new();
    let plain = Ws::connect(&world, "/ws/orders?account=alice");
    let mut disarmed = armed(&world, "alice");
    for (id, want) in [(2, false), (3, false)] {
        disarmed.send(&format!(
            r#"{{"id":{id},"op":"cancel_on_disconnect","on":false}}"#
        ));
        assert_eq!(reply(&mut disarmed), json!({"id":id,"cancel_on_disconnect":want}));
    }
    assert_eq!(disarms(&world), 1, "the second had nothing to end");
    place(&world, "alice", "Buy", 1_000_000, "0.5");
    drop((plain, disarmed));
    world.until("the end", |stats| stats.sessions == 0);
    world.settle();
    assert_eq!(open_orders(&world, "alice"), 1);
}

#[test]
fn a_session_that_is_armed_twice_has_one_arming() {
    let world = World::new();
    let mut ws = armed(&world, "alice");
    ws.send(r#"{"id":2,"op":"cancel_on_disconnect","on":true}"#);
    assert_eq!(reply(&mut ws), json!({"id":2,"cancel_on_disconnect":true}));
    assert_eq!(journaled(&world, |command| matches!(command, Command::Arm(_))), 1);
    // While the engine has not answered the first, the second takes its place, and nothing stays behind.
    world.matcher().paused = true;
    let mut other = Ws::connect(&world, "/ws/orders?account=alice");
    for id in [1, 2] {
        other.send(&format!(r#"{{"id":{id},"op":"cancel_on_disconnect","on":true}}"#));
    }
    wait_until("both", || {
        journaled(&world, |command| matches!(command, Command::Arm(_))) == 3
    });
    world.matcher().paused = false;
    for id in [1, 2] {
        assert_eq!(reply(&mut other), json!({"id":id,"cancel_on_disconnect":true}));
    }
    wait_until("the first's end", || disarms(&world) == 1);
    drop((ws, other));
    wait_until("the others' ends", || disarms(&world) == 3);
    world.until("the answers", |stats| stats.backlog == 0);
}

#[test]
fn a_session_that_is_lost_before_its_arming_is_answered_is_not_forgotten() {
    let world = World::new();
    place(&world, "alice", "Buy", 1_000_000, "0.5");
    world.matcher().paused = true;
    let mut ws = Ws::connect(&world, "/ws/orders?account=alice");
    ws.send(r#"{"id":1,"op":"cancel_on_disconnect","on":true}"#);
    wait_until("it", || {
        journaled(&world, |command| matches!(command, Command::Arm(_))) == 1
    });
    drop(ws);
    world.until("the end", |stats| stats.sessions == 0);
    world.matcher().paused = false;
    wait_until("the disarm", || disarms(&world) == 1);
    wait_until("the cancel", || open_orders(&world, "alice") == 0);
}

#[test]
fn a_cancel_for_which_the_ring_has_no_room_is_not_lost() {
    let world = World::new();
    let sessions: Vec<Ws> = (0..100)
        .map(|index| armed(&world, &format!("a{index}")))
        .collect();
    for index in 0..100 {
        place(&world, &format!("a{index}"), "Buy", 1_000_000, "0.5");
    }
    world.matcher().refuse = [Some(Refusal::Busy); 2];
    drop(sessions);
    world.until("the ends", |stats| stats.sessions == 0);
    assert!(world.stats().backlog >= 100);
    assert!(!world.ask(|gateway| gateway.is_drained()));
    world.matcher().refuse = [None; 2];
    wait_until("the disarms", || disarms(&world) == 100);
    for index in 0..100 {
        let account = format!("a{index}");
        wait_until(&account, || open_orders(&world, &account) == 0);
    }
}

#[test]
fn more_orders_than_one_command_cancels_are_all_canceled() {
    let world = World::new();
    let ws = armed(&world, "alice");
    let mut client = Client::connect(&world);
    let body = common::http::limit("alice", "Buy", 1_000_000, "0.5");
    for _ in 0..2 * CancelAll::MAX_ORDERS + 1 {
        assert_eq!(client.ask("POST", "/api/v1/orders", &body).status, 201);
    }
    drop(ws);
    wait_until("the disarm", || disarms(&world) == 1);
    wait_until("the cancels", || open_orders(&world, "alice") == 0);
    assert_eq!(
        journaled(&world, |command| matches!(command, Command::CancelAll(_))),
        3
    );
}

#[test]
fn an_orderly_end_does_not_leave_the_orders_of_armed_sessions() {
    let world = World::new();
    let mut ws = armed(&world, "alice");
    place(&world, "alice", "Buy", 1_000_000, "0.5");
    place(&world, "bob", "Buy", 1_000_000, "0.5");
    world.ask(|gateway| gateway.begin_drain());
    wait_until("the drain", || world.ask(|gateway| gateway.is_drained()));
    assert_eq!(disarms(&world), 1);
    let statuses: Vec<Value> = (0..2).map(|_| ws.json()["order"]["status"].clone()).collect();
    assert_eq!(statuses, ["New", "Canceled"]);
    ws.send(r#"{"id":2,"op":"cancel_on_disconnect","on":true}"#);
    assert_eq!(reply(&mut ws)["error"]["code"], "shutting_down");
}

#[test]
fn a_deadline_that_is_not_renewed_cancels_and_one_that_is_does_not() {
    let world = by_hand();
    let mut ws = Ws::connect(&world, "/ws/orders?account=alice");
    place(&world, "alice", "Buy", 1_000_000, "0.5");
    let mut set = |timeout: u64, want: Value| {
        ws.send(&format!(
            r#"{{"id":2,"op":"cancel_all_after","timeout_ms":{timeout}}}"#
        ));
        assert_eq!(
            reply(&mut ws),
            json!({"id":2,"cancel_all_after":{"deadline":want}})
        );
    };
    set(5_000, json!("2023-04-30T12:35:15.000Z"));
    world.advance(Duration::from_secs(4));
    set(5_000, json!("2023-04-30T12:35:19.000Z"));
    world.advance(Duration::from_secs(4));
    world.settle();
    assert_eq!(open_orders(&world, "alice"), 1, "it was renewed");
    set(0, Value::Null);
    set(0, Value::Null);
    world.advance(Duration::from_secs(60));
    world.settle();
    assert_eq!(open_orders(&world, "alice"), 1, "it was ended");
    let body = r#"{"account":"alice","timeout_ms":1000}"#;
    let answer = ask(&world, "POST", "/api/v1/orders/cancel_all_after", body);
    assert_eq!(
        (answer.status, answer.json()),
        (200, json!({"deadline":"2023-04-30T12:36:19.000Z"}))
    );
    let before = disarms(&world);
    world.advance(Duration::from_secs(1));
    wait_until("the disarm", || disarms(&world) == before + 1);
    wait_until("the cancel", || open_orders(&world, "alice") == 0);
    // It was carried out once: what is placed afterwards stays.
    place(&world, "alice", "Buy", 1_000_000, "0.5");
    world.advance(Duration::from_secs(60));
    world.settle();
    assert_eq!((open_orders(&world, "alice"), disarms(&world)), (1, before + 1));
}

#[test]
fn a_renewal_that_was_sequenced_in_time_is_not_overtaken_by_the_deadline() {
    let world = by_hand();
    place(&world, "alice", "Buy", 1_000_000, "0.5");
    let path = "/api/v1/orders/cancel_all_after";
    let body = r#"{"account":"alice","timeout_ms":1000}"#;
    assert_eq!(ask(&world, "POST", path, body).status, 200);
    world.matcher().paused = true;
    let mut client = Client::connect(&world);
    client.send(client.request("POST", path, r#"{"account":"alice","timeout_ms":5000}"#));
    wait_until("it", || {
        journaled(&world, |command| matches!(command, Command::Arm(_))) == 2
    });
    world.advance(Duration::from_secs(2));
    world.settle();
    world.matcher().paused = false;
    assert_eq!(client.response().status, 200);
    world.settle();
    assert_eq!(open_orders(&world, "alice"), 1);
    world.advance(Duration::from_secs(3));
    wait_until("the cancel", || open_orders(&world, "alice") == 0);
}

#[test]
fn a_timeout_that_cannot_be_meant_is_refused() {
    let world = World::new();
    for (body, code) in [
        (r#"{"timeout_ms":999}"#, "invalid_field"),
        (r#"{"timeout_ms":86400001}"#, "invalid_field"),
        (r#"{"timeout_ms":-1}"#, "invalid_field"),
        (r#"{"timeout_ms":1.5}"#, "invalid_field"),
        (r#"{"timeout_ms":"1000"}"#, "invalid_field"),
        (r#"{"timeout_ms":99999999999999999999}"#, "invalid_field"),
        (r#"{"timeout_ms":null}"#, "missing_field"),
        (r"{}", "missing_field"),
        (r#"{"timeout_ms":1000,"x":1}"#, "unknown_field"),
    ] {
        let answer = ask(&world, "POST", "/api/v1/orders/cancel_all_after", body);
        assert_eq!((answer.status, answer.code().as_str()), (400, code), "{body}");
    }
    assert_eq!(world.matcher().journal.len(), 3, "something was sequenced");
}

#[test]
fn nobody_is_served_before_the_orders_of_lost_sessions_are_canceled() {
    let names = ["session", "overdue", "in-time", "plain"];
    let accounts = || (0..).zip(names);
    let mut before: Vec<Command> = accounts().map(|(number, name)| opens(number, name)).collect();
    for (number, _) in accounts() {
        before.extend((0..300).map(|_| rests(number)));
    }
    before.extend([
        arms(0, ArmCause::Disconnect),
        arms(0, ArmCause::Disconnect),
        arms(1, ArmCause::Deadline(Nanos(BEGINNING))),
        arms(2, ArmCause::Deadline(Nanos(BEGINNING + 1_000_000_000))),
    ]);
    let mut world = World::with(Setup {
        open: false,
        by_hand: true,
        before,
        ..Setup::default()
    });
    world.matcher().paused = true;
    world.open();
    for (method, path) in [
        ("GET", "/readyz"),
        ("POST", "/api/v1/orders"),
        ("GET", "/api/v1/orders"),
    ] {
        let body = common::http::limit("plain", "Buy", 1_000_000, "0.5");
        let refused = ask(&world, method, path, &body);
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (503, "recovering"),
            "{path}"
        );
    }
    assert!(!world.ask(|gateway| gateway.is_serving()));
    world.matcher().paused = false;
    wait_until("the exchange", || ask(&world, "GET", "/readyz", "").status == 200);
    let open: Vec<usize> = names.iter().map(|name| open_orders(&world, name)).collect();
    assert_eq!(open, [0, 0, 300, 300]);
    assert_eq!(disarms(&world), 3);
    world.advance(Duration::from_secs(1));
    wait_until("the deadline", || open_orders(&world, "in-time") == 0);
    assert_eq!(open_orders(&world, "plain"), 300);
}

#[test]
fn a_slow_consumer_that_is_given_up_does_not_keep_its_orders() {
    let setup = Setup::default();
    let world = World::with(Setup {
        config: GatewayConfig {
            write_stall: Duration::from_secs(1),
            send_buffer: 4_096,
            ..setup.config
        },
        by_hand: true,
        ..Setup::default()
    });
    let mut ws = Ws::narrow(&world, "/ws/orders?account=alice");
    ws.send(r#"{"id":1,"op":"cancel_on_disconnect","on":true}"#);
    reply(&mut ws);
    let mut client = Client::connect(&world);
    let body = common::http::limit("alice", "Buy", 1_000_000, "0.5");
    for _ in 0..300 {
        assert_eq!(client.ask("POST", "/api/v1/orders", &body).status, 201);
    }
    wait_until("its end", || {
        world.advance(Duration::from_secs(2));
        world.settle();
        disarms(&world) == 1
    });
    wait_until("the cancels", || open_orders(&world, "alice") == 0);
}
