//! HTTP over real sockets.

mod common;

use std::time::Duration;

use common::http::{Client, ask, limit, place};
use common::{Setup, World};
use hoga_protocol::{CancelAll, Command, Limits};
use hoga_service::Refusal;

const ORDERS: &str = "/api/v1/orders";

#[test]
fn an_order_can_be_placed_seen_changed_and_canceled() {
    let world = World::new();
    let placed = place(&world, "alice", "Buy", 50_000_000, "0.5");
    let path = format!("{ORDERS}/{}?account=alice", placed["order_id"].as_str().unwrap());
    assert_eq!(
        (&placed["status"], &placed["account"]),
        (&"New".into(), &"alice".into())
    );
    let bare = path.split('?').next().unwrap().to_owned();

    let seen = ask(&world, "GET", &path, "");
    assert_eq!((seen.status, seen.json()), (200, placed.clone()));
    let changed = ask(&world, "PATCH", &bare, r#"{"account":"alice","quantity":0.25}"#);
    assert_eq!(
        (changed.status, &changed.json()["quantity"]),
        (200, &0.25.into()),
        "{changed:?}"
    );
    let canceled = ask(&world, "DELETE", &path, "");
    assert_eq!(
        (canceled.status, &canceled.json()["status"]),
        (200, &"Canceled".into()),
        "{canceled:?}"
    );
    let again = ask(&world, "DELETE", &path, "");
    assert_eq!((again.status, again.code()), (409, "order_closed".into()));
    let late = ask(&world, "PATCH", &bare, r#"{"account":"alice","quantity":0.125}"#);
    assert_eq!((late.status, late.code()), (409, "order_closed".into()));
}

#[test]
fn the_views_are_served() {
    let world = World::new();
    place(&world, "alice", "Sell", 50_000_000, "0.5");
    place(&world, "bob", "Buy", 50_000_000, "0.25");
    let tape = ask(&world, "GET", "/api/v1/executions/BTC-KRW", "").json();
    assert_eq!(tape.as_array().unwrap().len(), 2);
    let after = format!(
        "/api/v1/executions/BTC-KRW?after={}",
        tape[0]["exec_id"].as_str().unwrap()
    );
    assert_eq!(ask(&world, "GET", &after, "").json()[0], tape[1]);
    let book = ask(&world, "GET", "/api/v1/orderbook/BTC-KRW?depth=5", "").json();
    assert_eq!(book["asks"][0]["volume"], 0.25, "{book}");
    assert_eq!(book["bids"].as_array().unwrap().len(), 0, "{book}");
    let list = |query: &str| ask(&world, "GET", &format!("{ORDERS}?{query}"), "").json()["orders"].clone();
    assert_eq!(list("account=alice")[0]["status"], "PartiallyFilled");
    assert_eq!(list("account=alice&status=Filled").as_array().unwrap().len(), 0);
    assert_eq!(list("account=alice&symbol=ETH-KRW").as_array().unwrap().len(), 0);
    assert_eq!(list("account=nobody").as_array().unwrap().len(), 0);
    let page = ask(&world, "GET", "/", "");
    assert!(
        page.body.contains("<html") || page.body.contains("<!doctype html>"),
        "{}",
        page.head
    );
    assert!(page.header("content-security-policy").is_some());
    let mut names: Vec<String> = page
        .head
        .lines()
        .filter_map(|line| Some(line.split_once(": ")?.0.to_ascii_lowercase()))
        .collect();
    names.sort();
    let sent = names.len();
    names.dedup();
    assert_eq!(names.len(), sent, "a header twice: {}", page.head);
    let head = ask(&world, "GET", "/api/v1/instruments", "");
    assert_eq!(head.json()["instruments"][0]["symbol"], "BTC-KRW");
    assert!(
        ask(&world, "GET", "/api/v1/time", "")
            .body
            .contains("2023-04-30T12:35:1")
    );
}

#[test]
fn a_head_response_carries_no_body() {
    let world = World::new();
    let mut client = Client::connect(&world);
    for path in ["/", "/api/v1/instruments"] {
        client.send(client.request("HEAD", path, ""));
        client.send(client.request("GET", "/healthz", ""));
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let mut byte = [0];
            std::io::Read::read_exact(&mut client.stream, &mut byte).unwrap();
            head.push(char::from(byte[0]));
        }
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert_eq!(client.response().status, 200);
    }
}

#[test]
fn another_accounts_order_is_not_touched() {
    let world = World::new();
    let order = place(&world, "alice", "Buy", 50_000_000, "0.5");
    place(&world, "mallory", "Buy", 49_000_000, "0.5");
    let path = format!("{ORDERS}/{}", order["order_id"].as_str().unwrap());
    for (method, path, body) in [
        ("DELETE", format!("{path}?account=mallory"), ""),
        ("DELETE", format!("{path}?account=stranger"), ""),
        ("DELETE", path.clone(), ""),
        ("GET", format!("{path}?account=mallory"), ""),
        ("PATCH", path.clone(), r#"{"account":"mallory","quantity":0.25}"#),
        (
            "DELETE",
            format!("{ORDERS}/00000000-0000-8000-8000-000000000000?account=alice"),
            "",
        ),
    ] {
        let refused = ask(&world, method, &path, body);
        assert_eq!(
            (refused.status, refused.code()),
            (404, "unknown_order".into()),
            "{method} {path}"
        );
    }
    assert_eq!(ask(&world, "GET", &path, "").json(), order);
}

#[test]
fn an_account_is_opened_once_and_by_orders_only() {
    let world = World::new();
    ask(&world, "GET", "/api/v1/orders?account=alice", "");
    ask(&world, "DELETE", "/api/v1/orders?account=alice", "");
    let bad = ask(&world, "POST", ORDERS, &limit("alice", "Buy", 50_000_001, "0.5"));
    assert_eq!(bad.status, 400);
    assert_eq!(
        world.matcher().journal.len(),
        3,
        "nothing but the genesis is sequenced"
    );

    world.matcher().paused = true;
    let mut clients: Vec<Client> = (0..6).map(|_| Client::connect(&world)).collect();
    for (index, client) in clients.iter_mut().enumerate() {
        let body = limit(["alice", "bob", "carol"][index % 3], "Buy", 50_000_000, "0.5");
        client.send(client.request("POST", ORDERS, &body));
    }
    world.until("all to be sequenced", |stats| stats.backlog == 9);
    world.matcher().paused = false;
    for (index, client) in clients.iter_mut().enumerate() {
        let placed = client.response();
        assert_eq!(placed.status, 201, "{placed:?}");
        assert_eq!(placed.json()["account"], ["alice", "bob", "carol"][index % 3]);
    }
    let opened = |command: &&Command| matches!(command, Command::OpenAccount(_));
    assert_eq!(world.matcher().journal.iter().filter(opened).count(), 3);
}

#[test]
fn an_account_beyond_the_most_is_refused_and_known_ones_go_on() {
    let limits = Limits {
        max_accounts: 1,
        ..Limits::default()
    };
    let world = World::with(Setup {
        limits,
        ..Setup::default()
    });
    place(&world, "alice", "Buy", 50_000_000, "0.5");
    let refused = ask(&world, "POST", ORDERS, &limit("bob", "Buy", 50_000_000, "0.5"));
    assert_eq!((refused.status, refused.code()), (422, "accounts_full".into()));
    place(&world, "alice", "Buy", 50_000_000, "0.5");
}

#[test]
fn pipelined_requests_are_answered_in_the_order_they_came() {
    let world = World::new();
    let mut client = Client::connect(&world);
    let mut batch = String::new();
    for price in 1..=40 {
        batch += &client.request("POST", ORDERS, &limit("alice", "Buy", price * 1000, "0.5"));
        batch += &client.request("GET", "/healthz", "");
    }
    // The bytes come in pieces that fit no request.
    for piece in batch.as_bytes().chunks(777) {
        client.send(piece);
    }
    for price in 1..=40 {
        assert_eq!(client.response().json()["price"], price * 1000);
        assert_eq!(client.response().body, ask(&world, "GET", "/healthz", "").body);
    }
}

#[test]
fn a_refusal_for_want_of_room_says_when_to_come_back() {
    let world = World::new();
    let order = place(&world, "alice", "Buy", 50_000_000, "0.5");
    world.matcher().refuse[0] = Some(Refusal::Busy);
    let busy = ask(&world, "POST", ORDERS, &limit("alice", "Buy", 50_000_000, "0.5"));
    assert_eq!((busy.status, busy.code()), (503, "busy".into()));
    assert_eq!(busy.header("retry-after"), Some("1"));
    world.matcher().refuse[0] = Some(Refusal::CancelOnly);
    let full = ask(&world, "POST", ORDERS, &limit("alice", "Buy", 50_000_000, "0.5"));
    assert_eq!((full.status, full.code()), (503, "journal_full".into()));
    assert!(full.body.contains("the disk is full"), "{full:?}");
    assert_eq!(world.stats().busy_refusals, 2);
    let path = format!("{ORDERS}/{}?account=alice", order["order_id"].as_str().unwrap());
    assert_eq!(
        ask(&world, "DELETE", &path, "").status,
        200,
        "a cancel is still taken"
    );
}

#[test]
fn half_a_command_is_not_shown() {
    let world = World::new();
    for _ in 0..3 {
        place(&world, "alice", "Sell", 50_000_000, "0.5");
    }
    // The buy brings OrderAccepted and three trades; the gateway is given the account, the acceptance and one trade.
    world.matcher().release = Some(3);
    let mut buyer = Client::connect(&world);
    buyer.send(buyer.request("POST", ORDERS, &limit("bob", "Buy", 50_000_000, "1.5")));
    world.until("half the command", |stats| stats.backlog == 1);
    while world.matcher().release != Some(0) {}
    let mut watcher = Client::connect(&world);
    watcher.send(watcher.request("GET", "/api/v1/executions/BTC-KRW", ""));
    watcher
        .stream
        .set_read_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    let mut byte = [0];
    assert!(
        std::io::Read::read(&mut watcher.stream, &mut byte).is_err(),
        "shown half a command"
    );
    watcher.stream.set_read_timeout(Some(common::PATIENCE)).unwrap();
    world.matcher().release = None;
    assert_eq!(watcher.response().json().as_array().unwrap().len(), 6);
    assert_eq!(buyer.response().json()["status"], "Filled");
}

#[test]
fn an_answer_to_a_connection_that_went_away_reaches_nobody_else() {
    let world = World::new();
    place(&world, "alice", "Sell", 50_000_000, "0.5");
    world.matcher().paused = true;
    let before = world.stats().backlog;
    for _ in 0..20 {
        let mut gone = Client::connect(&world);
        gone.send(gone.request("POST", ORDERS, &limit("alice", "Sell", 51_000_000, "0.5")));
    }
    world.until("the orders", |stats| stats.backlog == before + 20);
    // Broken connections are found out when they are written to, so those that follow take new places.
    let mut clients: Vec<Client> = (0..20).map(|_| Client::connect(&world)).collect();
    for client in &mut clients {
        client.send(client.request("GET", "/healthz", ""));
    }
    for client in &mut clients {
        assert_eq!(client.response().status, 200);
        client.send(client.request("GET", "/readyz", ""));
    }
    world.matcher().paused = false;
    for client in &mut clients {
        assert!(client.response().body.contains("ready"));
    }
    world.until("the gone to be dropped", |stats| {
        stats.connections == 20 && stats.backlog == 0
    });
}

#[test]
fn a_cancel_of_many_goes_on_until_all_are_canceled_and_spares_what_came_after_it() {
    let world = World::new();
    let mut client = Client::connect(&world);
    for _ in 0..600 {
        let placed = client.ask("POST", ORDERS, &limit("alice", "Buy", 50_000_000, "0.5"));
        assert_eq!(placed.status, 201, "{placed:?}");
    }
    place(&world, "bob", "Buy", 50_000_000, "0.5");
    // The follow-up commands find no room at first; they are owed, not lost.
    world.matcher().paused = true;
    client.send(client.request("DELETE", "/api/v1/orders?account=alice", ""));
    world.until("the first command", |stats| stats.backlog == 1);
    world.matcher().refuse[1] = Some(Refusal::Busy);
    world.matcher().paused = false;
    let canceled = |world: &World| {
        let journal = &world.matcher().journal;
        journal
            .iter()
            .filter(|command| matches!(command, Command::CancelAll(_)))
            .count()
    };
    world.settle();
    assert_eq!((canceled(&world), world.stats().backlog), (1, 1));
    let hedge = place(&world, "alice", "Buy", 50_000_000, "0.25");
    assert!(!world.ask(|gateway| gateway.is_drained()));
    world.matcher().refuse[1] = None;
    assert_eq!(client.response().body, r#"{"canceled":600}"#);
    assert_eq!(
        canceled(&world),
        600_usize.div_ceil(CancelAll::MAX_ORDERS as usize)
    );
    let answer = ask(&world, "DELETE", "/api/v1/orders?account=alice", "");
    assert_eq!(
        answer.body, r#"{"canceled":1}"#,
        "the later order {hedge:?} had been spared"
    );
    assert_eq!(
        ask(&world, "DELETE", "/api/v1/orders?account=bob", "").body,
        r#"{"canceled":1}"#
    );
    let unknown = ask(&world, "DELETE", "/api/v1/orders?account=bob&symbol=X", "");
    assert_eq!((unknown.status, unknown.code()), (404, "unknown_symbol".into()));
}
