//! Who is let in, and what they see, where authentication is on.

mod common;

use std::time::Duration;

use common::guarded::{ALICE, BOB, CAROL, DAVE, Guarded, Holder, ROOM};
use common::http::{Client, limit};
use hoga_protocol::{Command, Nanos};
use hoga_service::{KeyId, Permission};

#[test]
fn who_shows_no_key_or_a_wrong_one_reaches_neither_orders_nor_executions() {
    let world = Guarded::new();
    let (target, body) = ("/api/v1/orders", limit("alice", "Sell", 50_000_000, "0.5"));
    let alice = &world.holders[ALICE];
    let good = alice.headers(&world, "POST", target, &body, 0);
    let unknown = Holder {
        id: KeyId::from_random([9; 10]),
        key: alice.key.clone(),
    };
    let of_another = Holder {
        id: world.holders[BOB].id,
        key: alice.key.clone(),
    };
    let cut = good.replacen("==\r\n", "\r\n", 1);
    for (what, headers, status, code) in [
        ("nothing", String::new(), 401, "unauthenticated"),
        (
            "a key alone",
            good.lines().next().unwrap().to_owned() + "\r\n",
            401,
            "unauthenticated",
        ),
        ("a signature cut short", cut, 401, "unauthenticated"),
        ("two signatures", format!("{good}{good}"), 401, "unauthenticated"),
        (
            "another body's",
            alice.headers(&world, "POST", target, "{}", 0),
            401,
            "bad_signature",
        ),
        (
            "another path's",
            alice.headers(&world, "POST", "/api/v1/orders?", &body, 0),
            401,
            "bad_signature",
        ),
        (
            "another method's",
            alice.headers(&world, "PUT", target, &body, 0),
            401,
            "bad_signature",
        ),
        (
            "an unknown key's",
            unknown.headers(&world, "POST", target, &body, 0),
            401,
            "bad_signature",
        ),
        (
            "by another's key",
            of_another.headers(&world, "POST", target, &body, 0),
            401,
            "bad_signature",
        ),
        (
            "of tomorrow",
            alice.headers(&world, "POST", target, &body, 86_400_000),
            401,
            "stale_timestamp",
        ),
        (
            "of yesterday",
            alice.headers(&world, "POST", target, &body, -86_400_000),
            401,
            "stale_timestamp",
        ),
    ] {
        let refused = world.send("POST", target, &body, &headers);
        assert_eq!(
            (refused.status, refused.code()),
            (status, code.to_owned()),
            "{what}"
        );
    }
    assert_eq!(world.send("POST", target, &body, &good).status, 201);
    let again = world.send("POST", target, &body, &good);
    assert_eq!((again.status, again.code()), (401, "replayed".to_owned()));
    for (method, path) in [
        ("GET", "/api/v1/orders"),
        ("GET", "/api/v1/executions/BTC-KRW"),
        ("DELETE", "/api/v1/orders"),
    ] {
        let refused = world.send(method, path, "", "");
        assert_eq!(
            (refused.status, refused.code()),
            (401, "unauthenticated".to_owned()),
            "{path}"
        );
    }
    for path in [
        "/healthz",
        "/readyz",
        "/",
        "/api/v1/instruments",
        "/api/v1/orderbook/BTC-KRW",
        "/api/v1/time",
    ] {
        assert_eq!(world.send("GET", path, "", "").status, 200, "{path} is public");
    }
}

#[test]
fn a_key_is_good_for_its_account_and_its_permissions_only() {
    let world = Guarded::new();
    assert_eq!(world.place(ALICE, "Sell").status, 201);
    let order = limit("bob", "Sell", 50_000_000, "0.5");
    let cases: [(usize, &str, &str, &str, u16); 10] = [
        (ALICE, "POST", "/api/v1/orders", &order, 403),
        (CAROL, "POST", "/api/v1/orders", &order, 403),
        (DAVE, "POST", "/api/v1/orders", &order, 403),
        (ALICE, "GET", "/api/v1/orders?account=bob", "", 403),
        (ALICE, "GET", "/api/v1/orders?account=alice", "", 200),
        (ALICE, "GET", "/api/v1/orders", "", 200),
        (ALICE, "DELETE", "/api/v1/orders?account=bob", "", 403),
        (CAROL, "DELETE", "/api/v1/orders", "", 403),
        (DAVE, "GET", "/api/v1/orders?account=alice", "", 200),
        (CAROL, "GET", "/api/v1/orders?account=alice", "", 403),
    ];
    for (who, method, target, body, status) in cases {
        let got = world.ask(who, method, target, body);
        assert_eq!(got.status, status, "{who} {method} {target}: {got:?}");
        if status == 403 {
            assert_eq!(got.code(), "forbidden", "{who} {method} {target}");
        }
    }
    let mine = world.ask(ALICE, "GET", "/api/v1/orders", "").json();
    assert_eq!(mine["orders"][0]["account"], "alice");
    let id = mine["orders"][0]["order_id"].as_str().unwrap();
    for (who, status) in [(ALICE, 200), (BOB, 404), (DAVE, 200)] {
        let got = world.ask(who, "GET", &format!("/api/v1/orders/{id}"), "");
        assert_eq!(got.status, status, "{who}");
    }
    let refused = |who, path| world.connect(Some(who), path).err();
    let forbidden = Some((403, "forbidden".to_owned()));
    assert_eq!(refused(ALICE, "/ws/orders?account=bob"), forbidden);
    assert_eq!(refused(CAROL, "/ws/orders"), forbidden);
    assert_eq!(refused(ALICE, "/ws/orders"), None);
}

#[test]
fn an_account_sees_its_own_sides_of_trades_and_a_drop_copy_both() {
    let world = Guarded::new();
    let mut streams: Vec<_> = [ALICE, BOB, CAROL, DAVE]
        .map(|who| (who, world.connect(Some(who), "/ws/executions").unwrap()))
        .into();
    world
        .world
        .until("the subscribers", |stats| stats.subscribers == streams.len());
    for _ in 0..3 {
        assert_eq!(world.place(ALICE, "Sell").status, 201);
        assert_eq!(world.place(BOB, "Buy").status, 201);
    }
    for (who, ws) in &mut streams {
        let sides: &[&str] = match *who {
            ALICE => &["Sell"],
            BOB => &["Buy"],
            DAVE => &["Buy", "Sell"],
            _ => &[],
        };
        let history = world.ask(*who, "GET", "/api/v1/executions/BTC-KRW", "").json();
        let history = history.as_array().unwrap();
        assert_eq!(history.len(), 3 * sides.len(), "{who}");
        for (at, past) in history.iter().enumerate() {
            let live = ws.json();
            assert_eq!(live["side"], sides[at % sides.len()], "{who}");
            assert_eq!(live, *past, "{who}");
        }
    }
    // Those who had nothing to see were sent nothing: the next thing they get is the end.
    world.world.ask(|gateway| gateway.close_all());
    for (who, ws) in &mut streams {
        let (before, frame) = ws.closed();
        assert_eq!((before.len(), u16::from(frame.code)), (0, 1001), "{who}");
    }
}

#[test]
fn a_page_that_cannot_set_headers_says_who_it_is_in_its_first_message_or_hears_nothing() {
    let world = Guarded::new();
    // While nobody has said anything, nothing is told, whatever happens.
    let mut stream = world.connect(None, "/ws/executions").unwrap();
    let mut session = world.connect(None, "/ws/orders").unwrap();
    assert_eq!(world.place(ALICE, "Sell").status, 201);
    assert_eq!(world.place(BOB, "Buy").status, 201);
    stream.send(&world.auth_message(ALICE, "/ws/executions"));
    session.send(&world.auth_message(ALICE, "/ws/orders"));
    world
        .world
        .until("both", |stats| (stats.subscribers, stats.sessions) == (1, 1));
    assert_eq!(world.place(ALICE, "Sell").status, 201);
    assert_eq!(world.place(BOB, "Buy").status, 201);
    let live = stream.json();
    let history = world.ask(ALICE, "GET", "/api/v1/executions/BTC-KRW", "").json();
    assert_eq!(live, history[1], "the first one is from before");
    assert_eq!(session.json()["order"]["account"], "alice");
    let used = world.auth_message(ALICE, "/ws/orders");
    let mut first = world.connect(None, "/ws/orders").unwrap();
    first.send(&used);
    world.world.until("it", |stats| stats.sessions == 2);
    for (what, path, message, code) in [
        (
            "an order",
            "/ws/orders",
            r#"{"id":1,"op":"cancel_all"}"#.to_owned(),
            "unauthenticated",
        ),
        ("nonsense", "/ws/orders", "hello".to_owned(), "invalid_json"),
        ("one of before", "/ws/orders", used, "replayed"),
        (
            "one for another path",
            "/ws/orders",
            world.auth_message(ALICE, "/ws/executions"),
            "bad_signature",
        ),
        (
            "one who only reads",
            "/ws/orders",
            world.auth_message(CAROL, "/ws/orders"),
            "forbidden",
        ),
        (
            "another account's",
            "/ws/orders?account=bob",
            world.auth_message(ALICE, "/ws/orders?account=bob"),
            "forbidden",
        ),
    ] {
        let mut ws = world.connect(None, path).unwrap();
        ws.send(&message);
        let (before, frame) = ws.closed();
        assert_eq!(
            (before.len(), u16::from(frame.code)),
            (0, 4003),
            "{what}: {frame:?}"
        );
        assert!(
            frame.reason.starts_with(&format!("{code}: ")),
            "{what}: {frame:?}"
        );
    }
    let mut silent = world.connect(None, "/ws/executions").unwrap();
    world.world.advance(Duration::from_secs(11));
    let (before, frame) = silent.closed();
    assert_eq!((before.len(), u16::from(frame.code)), (0, 4003));
}

#[test]
fn a_key_that_was_revoked_ends_what_it_began() {
    let world = Guarded::new();
    let mut session = world.connect(Some(ALICE), "/ws/orders").unwrap();
    let mut stream = world.connect(Some(ALICE), "/ws/executions").unwrap();
    let mut other = world.connect(Some(BOB), "/ws/orders").unwrap();
    world
        .world
        .until("them", |stats| (stats.sessions, stats.subscribers) == (2, 1));
    {
        let (generation, keys) = &mut *world.keys.0.lock().unwrap();
        *generation += 1;
        keys[ALICE].revoked = Some(Nanos(1));
    }
    world.world.settle();
    for ws in [&mut session, &mut stream] {
        let (_, frame) = ws.closed();
        assert_eq!(u16::from(frame.code), 4002, "{frame:?}");
        assert!(frame.reason.contains("revoked"), "{frame:?}");
    }
    let refused = world.place(ALICE, "Sell");
    assert_eq!(
        (refused.status, refused.code()),
        (401, "unauthenticated".to_owned())
    );
    other.send(r#"{"id":1,"op":"cancel_all"}"#);
    assert_eq!(other.text(), r#"{"id":1,"canceled":0}"#);
}

#[test]
fn signatures_that_wait_to_be_verified_hold_up_nobody_else() {
    let world = Guarded::new();
    let mut session = world.connect(Some(BOB), "/ws/orders").unwrap();
    world.bench.0.lock().unwrap().held = true;
    let target = "/api/v1/orders";
    let mut waiting: Vec<Client> = (0..ROOM as i64)
        .map(|number| {
            let headers = world.holders[ALICE].headers(&world, "GET", target, "", number);
            let mut client = Client::connect(&world.world);
            let request = client.request("GET", target, "");
            client.send(request.replacen("\r\n", &format!("\r\n{headers}"), 1));
            client
        })
        .collect();
    let bench = world.bench.clone();
    world
        .world
        .until("them to wait", |_| bench.0.lock().unwrap().waiting.len() == ROOM);
    let refused = world.ask(ALICE, "GET", target, "");
    assert_eq!((refused.status, refused.code()), (503, "busy".to_owned()));
    session.send(r#"{"id":1,"op":"cancel_all"}"#);
    assert_eq!(session.text(), r#"{"id":1,"canceled":0}"#);
    assert_eq!(world.send("GET", "/api/v1/time", "", "").status, 200);
    // One that goes away meanwhile is nobody's loss.
    drop(waiting.pop());
    world.bench.0.lock().unwrap().held = false;
    for client in &mut waiting {
        assert_eq!(client.response().status, 200);
    }
}

#[test]
fn one_address_does_not_take_all_the_time_of_the_verifier() {
    const MOST: usize = 64;
    let world = Guarded::with(|config| config.limit_loopback = true);
    {
        let bench = &mut *world.bench.0.lock().unwrap();
        (bench.held, bench.room) = (true, 2 * MOST);
    }
    let target = "/api/v1/orders";
    let send = |host: [u8; 4], number: usize| {
        let headers = world.holders[ALICE].headers(&world, "GET", target, "", number as i64);
        let mut client = Client::from(host, &world.world);
        let request = client.request("GET", target, "");
        client.send(request.replacen("\r\n", &format!("\r\n{headers}"), 1));
        client
    };
    let (greedy, other) = ([127, 0, 0, 2], [127, 0, 0, 3]);
    let mut waiting: Vec<Client> = (0..MOST).map(|number| send(greedy, number)).collect();
    let come = |count| {
        let bench = world.bench.clone();
        world.world.until("them to wait", move |_| {
            bench.0.lock().unwrap().waiting.len() == count
        });
    };
    come(MOST);
    let refused = send(greedy, MOST).response();
    assert_eq!(
        (refused.status, refused.code()),
        (429, "too_many_requests".to_owned())
    );
    waiting.push(send(other, MOST + 1));
    come(MOST + 1);
    world.bench.0.lock().unwrap().held = false;
    for client in &mut waiting {
        assert_eq!(client.response().status, 200);
    }
    assert_eq!(
        send(greedy, MOST + 2).response().status,
        200,
        "what is verified is counted no longer"
    );
}

#[test]
fn named_anonymous_is_not_taken_for_the_keys_own_account() {
    let world = Guarded::new();
    let order = limit("anonymous", "Sell", 50_000_000, "0.5");
    let got = world.ask(ALICE, "POST", "/api/v1/orders", &order);
    assert_eq!(got.status, 403, "{got:?}");
}

#[test]
fn a_key_that_trades_is_not_kept_from_its_own_orders() {
    let mut world = Guarded::new();
    let who = world.register("erin", &[Permission::Trade], None);
    world.world.settle();
    let got = world.ask(who, "GET", "/api/v1/orders", "");
    assert_eq!(got.status, 200, "{got:?}");
}

#[test]
fn no_key_but_an_operators_administers_and_the_journal_names_that_key() {
    let mut world = Guarded::new();
    let operator = world.register("ops", &[Permission::Admin], None);
    world.world.settle();
    let (path, body) = (
        "/api/v1/admin/account_status",
        r#"{"account":"bob","status":"Suspended","by":"somebody"}"#,
    );
    assert_eq!(world.send("POST", path, body, "").status, 401);
    for who in [ALICE, BOB, CAROL, DAVE] {
        let got = world.ask(who, "POST", path, body);
        assert_eq!((got.status, got.code().as_str()), (403, "forbidden"), "{who}");
    }
    assert_eq!(world.ask(operator, "POST", path, body).status, 200);
    match world.world.matcher().journal.last() {
        Some(Command::Administer(administer)) => {
            assert_eq!(administer.by().as_str(), world.holders[operator].id.as_str());
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(world.place(BOB, "Sell").code(), "account_suspended");
    assert_eq!(
        world.place(operator, "Sell").status,
        403,
        "an operator does not trade"
    );
}

#[test]
fn the_id_of_anothers_execution_is_not_known_to_an_account() {
    let world = Guarded::new();
    assert_eq!(world.place(ALICE, "Sell").status, 201);
    assert_eq!(world.place(BOB, "Buy").status, 201);
    let bobs = world.ask(BOB, "GET", "/api/v1/executions/BTC-KRW", "").json();
    let id = bobs[0]["exec_id"].as_str().unwrap();
    let path = format!("/api/v1/executions/BTC-KRW?after={id}");
    let got = world.ask(ALICE, "GET", &path, "");
    assert_eq!(got.status, 404, "{got:?}");
}

#[test]
fn a_session_does_not_trade_on_when_its_key_has_expired() {
    let mut world = Guarded::new();
    let now = world.world.ask(|gateway| gateway.wall()).0;
    let who = world.register("frank", &[Permission::Trade], Some(Nanos(now + 5_000_000_000)));
    world.world.settle();
    let mut session = world.connect(Some(who), "/ws/orders").unwrap();
    world.world.until("it", |stats| stats.sessions == 1);
    world.world.advance(Duration::from_secs(6));
    world.world.settle();
    session.send(r#"{"id":1,"op":"cancel_all"}"#);
    match session.socket.read().unwrap() {
        tungstenite::Message::Close(_) => {}
        other => panic!("one second after its key's end: {other:?}"),
    }
}

#[test]
fn pings_before_the_auth_are_not_answered_without_bound() {
    use std::io::Write as _;
    let world = Guarded::new();
    for who in [Some(ALICE), None] {
        let mut ws = world.connect(who, "/ws/orders").unwrap();
        let stream = ws.socket.get_mut();
        stream.set_write_timeout(Some(Duration::from_secs(3))).unwrap();
        let mut ping = vec![0x89, 0x80 | 125, 0, 0, 0, 0];
        ping.resize(6 + 125, b'x');
        let many = ping.repeat(500);
        let mut sent = 0;
        const MOST: usize = 64 << 20;
        while sent < MOST {
            match stream.write(&many[sent % ping.len()..]) {
                Ok(count) => sent += count,
                Err(_) => break,
            }
        }
        assert!(
            sent < MOST,
            "{sent} bytes of pings were taken from a client that reads nothing, signed in: {who:?}"
        );
    }
}
