//! What operators may do, and how it is told.

mod common;

use common::http::{Client, Response, ask, limit, place};
use common::ws::Ws;
use common::{Setup, World};
use hoga_protocol::{AdminAction, CancelAll, Command, Limits, SetLimits};
use serde_json::{Value, json};

const DEFINE: &str = r#"{"by":"ann","symbol":"XRP-KRW","tick_size":0.5,"lot_size":"0.01","quote_decimals":4,"min_quantity":0.01,"max_quantity":1000,"min_notional":"10","maker_fee":-0.0001,"taker_fee":"0.0005"}"#;

fn admin(world: &World, path: &str, body: &str) -> Response {
    ask(world, "POST", &format!("/api/v1/admin/{path}"), body)
}

/// The status, and the stable code of an error.
fn outcome(response: &Response) -> (u16, String) {
    (response.status, response.code())
}

/// Who did what was done last.
fn last_by(world: &World) -> String {
    match world.matcher().journal.last() {
        Some(Command::Administer(administer)) => administer.by().as_str().to_owned(),
        other => panic!("{other:?}"),
    }
}

fn ok(world: &World, path: &str, body: &str) -> Value {
    let response = admin(world, path, body);
    assert_eq!(response.status, 200, "{path} {body}: {response:?}");
    response.json()
}

fn order(world: &World, body: &str) -> (u16, String) {
    outcome(&ask(world, "POST", "/api/v1/orders", body))
}

#[test]
fn what_an_operator_sets_is_in_force_at_once_and_has_a_name() {
    let world = World::new();
    assert_eq!(ok(&world, "instruments", DEFINE), json!({"sequence": 4}));
    assert_eq!(last_by(&world), "ann");
    let listed = ask(&world, "GET", "/api/v1/instruments", "").json()["instruments"][2].clone();
    let expected = json!({"symbol":"XRP-KRW","tick_size":0.5,"lot_size":0.01,"min_quantity":0.01,"max_quantity":1000,"min_notional":10,"quote_decimals":4,"maker_fee":-0.0001,"taker_fee":0.0005});
    assert_eq!(listed, expected);
    let trade = |side: &str| {
        format!(
            r#"{{"account":"{side}","symbol":"XRP-KRW","side":"{side}","type":"Limit","price":600.5,"quantity":1}}"#
        )
    };
    assert_eq!(order(&world, &trade("Sell")).0, 201);
    assert_eq!(order(&world, &trade("Buy")).0, 201);
    let shown = ask(&world, "GET", "/api/v1/executions/XRP-KRW", "");
    assert_eq!(shown.json().as_array().map(Vec::len), Some(2), "{shown:?}");

    ok(
        &world,
        "fees",
        r#"{"symbol":"XRP-KRW","maker_fee":0,"taker_fee":0.001}"#,
    );
    assert_eq!(last_by(&world), "operator");
    let listed = ask(&world, "GET", "/api/v1/instruments", "").json()["instruments"][2].clone();
    assert_eq!(
        (&listed["maker_fee"], &listed["taker_fee"]),
        (&json!(0), &json!(0.001))
    );

    ok(
        &world,
        "instrument_status",
        r#"{"symbol":"XRP-KRW","status":"CancelOnly"}"#,
    );
    assert_eq!(order(&world, &trade("Buy")), (422, "instrument_closed".into()));
    ok(
        &world,
        "instrument_status",
        r#"{"symbol":"XRP-KRW","status":"Open"}"#,
    );
    assert_eq!(order(&world, &trade("Buy")).0, 201);

    ok(
        &world,
        "account_status",
        r#"{"account":"new","status":"Suspended"}"#,
    );
    let new = limit("new", "Buy", 1_000_000, "1");
    assert_eq!(
        order(&world, &new),
        (403, "account_suspended".into()),
        "before it has ever traded"
    );
    ok(&world, "account_status", r#"{"account":"new","status":"Active"}"#);
    ok(
        &world,
        "account_limits",
        r#"{"account":"new","max_open_orders":1}"#,
    );
    assert_eq!(order(&world, &new).0, 201);
    assert_eq!(order(&world, &new), (422, "account_limit".into()));
    ok(
        &world,
        "account_limits",
        r#"{"account":"new","max_open_orders":null}"#,
    );
    assert_eq!(order(&world, &new).0, 201);
}

#[test]
fn an_operators_cancel_does_not_stop_at_its_first_slice() {
    let world = World::new();
    assert_eq!(
        ok(&world, "cancel_all", r#"{"account":"nobody"}"#),
        json!({"canceled": 0})
    );
    let mut client = Client::connect(&world);
    let body = limit("alice", "Buy", 1_000_000, "0.5");
    for _ in 0..300 {
        assert_eq!(client.ask("POST", "/api/v1/orders", &body).status, 201);
    }
    place(&world, "bob", "Buy", 1_000_000, "0.5");
    let none = ok(&world, "cancel_all", r#"{"account":"alice","symbol":"ETH-KRW"}"#);
    assert_eq!(none, json!({"canceled": 0}));
    let all = ok(&world, "cancel_all", r#"{"account":"alice","by":"ann"}"#);
    assert_eq!(all, json!({"canceled": 300}));
    assert_eq!(last_by(&world), "ann", "the second slice, too");
    let left = ask(&world, "GET", "/api/v1/orders?account=bob&status=Open", "").json();
    assert_eq!(left["orders"].as_array().map(Vec::len), Some(1));
}

#[test]
fn all_orders_of_an_instrument_are_canceled_whoever_placed_them() {
    let world = World::new();
    let mut client = Client::connect(&world);
    for (account, symbol, count) in [
        ("alice", "BTC-KRW", 300),
        ("bob", "BTC-KRW", 300),
        ("bob", "ETH-KRW", 1),
    ] {
        let body = limit(account, "Buy", 1_000_000, "0.5").replace("BTC-KRW", symbol);
        for _ in 0..count {
            assert_eq!(client.ask("POST", "/api/v1/orders", &body).status, 201);
        }
    }
    let before = world.matcher().journal.len();
    let answer = ok(&world, "cancel_instrument", r#"{"symbol":"BTC-KRW","by":"ann"}"#);
    assert_eq!(answer, json!({"canceled": 600, "more": false}));
    let slices = 600_usize.div_ceil(CancelAll::MAX_ORDERS as usize);
    assert_eq!(world.matcher().journal.len() - before, slices);
    assert_eq!(last_by(&world), "ann", "the last slice, too");
    for (account, open) in [("alice", 0), ("bob", 1)] {
        let path = format!("/api/v1/orders?account={account}&status=Open");
        let left = ask(&world, "GET", &path, "").json();
        assert_eq!(left["orders"].as_array().map(Vec::len), Some(open), "{account}");
    }
    let none = ok(&world, "cancel_instrument", r#"{"symbol":"BTC-KRW"}"#);
    assert_eq!(none, json!({"canceled": 0, "more": false}));
}

#[test]
fn clients_are_served_between_the_slices_of_a_cancel_which_ends_all_the_same() {
    const SLICE: u32 = CancelAll::MAX_ORDERS;
    let world = World::with(Setup {
        limits: Limits {
            max_open_orders: 2 * SLICE,
            max_open_orders_per_account: 2 * SLICE,
            ..Limits::default()
        },
        ..Setup::default()
    });
    let mut client = Client::connect(&world);
    let body = limit("alice", "Buy", 1_000_000, "0.5");
    for _ in 0..2 * SLICE {
        assert_eq!(client.ask("POST", "/api/v1/orders", &body).status, 201);
    }
    ok(&world, "account_status", r#"{"account":"bob","status":"Active"}"#);
    // Somebody is faster than the cancel: behind each slice stand as many orders as it takes away.
    let before = world.matcher().journal.len();
    world.matcher().paused = true;
    let mut operator = Client::connect(&world);
    operator.send(operator.request(
        "POST",
        "/api/v1/admin/cancel_instrument",
        r#"{"symbol":"BTC-KRW"}"#,
    ));
    let mut sequenced = before;
    for _ in 0..2 {
        sequenced += 1;
        common::wait_until("the slice", || world.matcher().journal.len() == sequenced);
        let mut session = Ws::connect(&world, "/ws/orders?account=bob");
        for id in 0..SLICE {
            let order = body.replace("\"account\":\"alice\",", "");
            session.send(&format!(r#"{{"id":{id},"op":"place",{}"#, &order[1..]));
        }
        sequenced += SLICE as usize;
        common::wait_until("the orders", || world.matcher().journal.len() == sequenced);
        world.matcher().step(sequenced);
    }
    assert_eq!(
        operator.response().json(),
        json!({"canceled": 2 * SLICE, "more": true})
    );
}

#[test]
fn limits_of_the_whole_exchange_are_changed_one_by_one_and_are_in_force_at_once() {
    let world = World::with(Setup {
        limits: Limits {
            max_accounts: 100,
            max_open_orders: 100,
            max_open_orders_per_account: 2,
            client_ids_per_account: 8,
            client_ids_total: 50,
            ..Limits::default()
        },
        ..Setup::default()
    });
    let set = |world: &World| match world.matcher().journal.last() {
        Some(Command::Administer(administer)) => match administer.action() {
            AdminAction::SetLimits(SetLimits {
                max_accounts,
                max_open_orders_per_account,
                client_ids_total,
            }) => [max_accounts, max_open_orders_per_account, client_ids_total],
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    let body = limit("alice", "Buy", 1_000_000, "0.5");
    for _ in 0..2 {
        assert_eq!(order(&world, &body).0, 201);
    }
    assert_eq!(order(&world, &body), (422, "account_limit".into()));
    for (change, want) in [
        (r#"{"max_open_orders_per_account":3}"#, [100, 3, 50]),
        (r#"{"max_accounts":200,"by":"ann"}"#, [200, 3, 50]),
        (r#"{"client_ids_total":60,"max_accounts":null}"#, [200, 3, 60]),
    ] {
        assert!(ok(&world, "limits", change)["sequence"].is_u64(), "{change}");
        assert_eq!(set(&world), want, "{change}");
    }
    assert_eq!(order(&world, &body).0, 201);
    assert_eq!(order(&world, &body), (422, "account_limit".into()));
    // One account may have more than all, and fewer again than they.
    ok(
        &world,
        "account_limits",
        r#"{"account":"alice","max_open_orders":50}"#,
    );
    assert_eq!(order(&world, &body).0, 201);
    ok(
        &world,
        "account_limits",
        r#"{"account":"alice","max_open_orders":null}"#,
    );
    assert_eq!(order(&world, &body), (422, "account_limit".into()));
    let before = world.matcher().journal.len();
    for (change, says) in [
        ("{}", "must be there"),
        (r#"{"max_accounts":199}"#, "may only be raised"),
        (r#"{"max_accounts":16777217}"#, "at most 16777216"),
        (r#"{"client_ids_total":59}"#, "may only be raised"),
        (r#"{"max_open_orders_per_account":6}"#, "from 1 to 5, a twentieth"),
        (r#"{"max_open_orders_per_account":0}"#, "from 1 to 5, a twentieth"),
        (r#"{"client_ids_total":268435456}"#, "would be 268437156"),
        (r#"{"max_open_orders":1}"#, "max_open_orders"),
        (r#"{"max_accounts":-1}"#, "max_accounts"),
    ] {
        let got = admin(&world, "limits", change);
        assert_eq!(outcome(&got), (400, "invalid_field".into()), "{change}");
        assert!(
            got.body.contains(says) || says == "max_accounts",
            "{change}: {got:?}"
        );
    }
    assert_eq!(world.matcher().journal.len(), before);
    // Two that are under way do not undo each other.
    world.matcher().paused = true;
    let mut clients = [Client::connect(&world), Client::connect(&world)];
    for (at, change) in [r#"{"max_accounts":300}"#, r#"{"client_ids_total":70}"#]
        .iter()
        .enumerate()
    {
        let request = clients[at].request("POST", "/api/v1/admin/limits", change);
        clients[at].send(request);
        common::wait_until("it", || world.matcher().journal.len() == before + at + 1);
    }
    world.matcher().paused = false;
    for client in &mut clients {
        assert_eq!(client.response().status, 200);
    }
    assert_eq!(set(&world), [300, 3, 70]);
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    let world = World::new();
    ok(&world, "instruments", DEFINE);
    let before = world.matcher().journal.len();
    for (path, body, expected) in [
        ("instruments", "{", (400, "invalid_json")),
        ("instruments", "{}", (400, "invalid_field")),
        (
            "instruments",
            &DEFINE.replace("0.5,", "0,"),
            (400, "invalid_field"),
        ),
        (
            "instruments",
            &DEFINE.replace("0.5,", "5e-1,"),
            (400, "invalid_field"),
        ),
        (
            "instruments",
            &DEFINE.replace("0.5,", "-0.5,"),
            (400, "invalid_field"),
        ),
        (
            "instruments",
            &DEFINE.replace(":4,", ":1,"),
            (400, "invalid_field"),
        ),
        (
            "instruments",
            &DEFINE.replace("1000", "0.001"),
            (400, "invalid_field"),
        ),
        (
            "instruments",
            &DEFINE.replace("\"ann\"", "\"a n\""),
            (400, "invalid_field"),
        ),
        (
            "fees",
            r#"{"symbol":"XRP-KRW","maker_fee":0.00000001,"taker_fee":0}"#,
            (400, "invalid_field"),
        ),
        (
            "fees",
            r#"{"symbol":"XRP-KRW","maker_fee":-0.01,"taker_fee":0}"#,
            (400, "invalid_field"),
        ),
        (
            "fees",
            r#"{"symbol":"XRP-KRW","maker_fee":--1,"taker_fee":0}"#,
            (400, "invalid_json"),
        ),
        (
            "fees",
            r#"{"symbol":"NO","maker_fee":0,"taker_fee":0}"#,
            (404, "unknown_symbol"),
        ),
        (
            "instrument_status",
            r#"{"symbol":"NO","status":"Open"}"#,
            (404, "unknown_symbol"),
        ),
        (
            "instrument_status",
            r#"{"symbol":"XRP-KRW","status":"open"}"#,
            (400, "invalid_field"),
        ),
        (
            "account_status",
            r#"{"account":"a","status":"Open"}"#,
            (400, "invalid_field"),
        ),
        ("account_limits", r#"{"account":"a"}"#, (400, "invalid_field")),
        (
            "account_limits",
            r#"{"account":"a","max_open_orders":-1}"#,
            (400, "invalid_field"),
        ),
        (
            "account_limits",
            r#"{"account":"a","max_open_orders":4294967295}"#,
            (400, "invalid_field"),
        ),
        ("cancel_instrument", r#"{"symbol":"NO"}"#, (404, "unknown_symbol")),
        ("cancel_instrument", "{}", (400, "invalid_field")),
        (
            "cancel_all",
            r#"{"account":"a","all":true}"#,
            (400, "invalid_field"),
        ),
        (
            "cancel_all",
            r#"{"account":"a","account":"b"}"#,
            (400, "invalid_field"),
        ),
        ("nothing", "{}", (404, "not_found")),
    ] {
        let got = outcome(&admin(&world, path, body));
        assert_eq!((got.0, got.1.as_str()), expected, "{path} {body}");
    }
    assert_eq!(world.matcher().journal.len(), before);
    assert_eq!(
        outcome(&admin(&world, "instruments", DEFINE)),
        (409, "already_exists".into())
    );
    let got = ask(&world, "GET", "/api/v1/admin/fees", "");
    assert_eq!((got.status, got.header("allow")), (405, Some("POST")));
}

#[test]
fn coming_from_this_machine_is_not_enough_where_a_page_or_a_proxy_asks() {
    let world = World::new();
    for (header, code) in [
        ("Host: evil.example", "unknown_host"),
        ("Host: localhost\r\nOrigin: http://evil.example", "foreign_origin"),
        ("Host: localhost\r\nX-Forwarded-For: 203.0.113.9", "forbidden"),
        ("Host: localhost\r\nForwarded: for=203.0.113.9", "forbidden"),
    ] {
        let mut client = Client::connect(&world);
        let length = DEFINE.len();
        client.send(format!(
            "POST /api/v1/admin/instruments HTTP/1.1\r\n{header}\r\nContent-Length: {length}\r\n\r\n{DEFINE}"
        ));
        assert_eq!(outcome(&client.response()), (403, code.into()));
    }
    // One that is no text is one all the same.
    let mut client = Client::connect(&world);
    let mut request = b"POST /api/v1/admin/instruments HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: \xff, 203.0.113.9\r\n".to_vec();
    request.extend_from_slice(format!("Content-Length: {}\r\n\r\n{DEFINE}", DEFINE.len()).as_bytes());
    client.send(request);
    assert_eq!(outcome(&client.response()), (403, "forbidden".into()));
    assert_eq!(world.matcher().journal.len(), 3);
}
