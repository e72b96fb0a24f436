//! How much one address and one account may take up.

mod common;

use std::time::Duration;

use common::guarded::{ALICE, BOB, DAVE, Guarded};
use common::http::{Client, Response, limit};
use common::ws::Ws;
use common::{Setup, World};
use hoga_gateway::GatewayConfig;
use hoga_service::RequestRates;

const RATES: RequestRates = RequestRates {
    orders: 4,
    cancels: 2,
    queries: 3,
};

fn order(account: &str) -> String {
    limit(account, "Sell", 50_000_000, "0.5")
}

/// The status, the code of an error, and how many requests are left.
fn told(response: &Response) -> (u16, String, String) {
    let left = response.header("ratelimit").unwrap_or_default().to_owned();
    let code = match response.status {
        200..300 => String::new(),
        _ => response.code(),
    };
    (response.status, code, left)
}

fn refused(left: &str) -> (u16, String, String) {
    (429, "too_many_requests".into(), left.into())
}

#[test]
fn one_address_cannot_keep_the_gateway_busy_nor_its_own_cancels_out() {
    let mut setup = Setup {
        by_hand: true,
        ..Setup::default()
    };
    setup.config.limit_loopback = true;
    setup.config.address_rates = RATES;
    let world = World::with(setup);
    let mut client = Client::from([127, 0, 0, 2], &world);
    let mut ids = Vec::new();
    for left in [3, 2, 1, 0] {
        let placed = client.ask("POST", "/api/v1/orders", &order("alice"));
        assert_eq!(
            told(&placed),
            (201, String::new(), format!(r#""orders";r={left};t=1"#))
        );
        assert_eq!(placed.header("ratelimit-policy"), Some(r#""orders";q=4;w=1"#));
        ids.push(placed.json()["order_id"].as_str().unwrap().to_owned());
    }
    let sequenced = world.matcher().journal.len();
    let much = client.ask("POST", "/api/v1/orders", &order("alice"));
    assert_eq!(told(&much), refused(r#""orders";r=0;t=1"#));
    assert_eq!(much.header("retry-after"), Some("1"));
    assert!(
        much.json()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("try again in 251 ms")
    );
    assert_eq!(world.matcher().journal.len(), sequenced, "nothing was done");
    // The address counts, not the connection nor the account.
    let mut second = Client::from([127, 0, 0, 2], &world);
    assert_eq!(second.ask("POST", "/api/v1/orders", &order("bob")).status, 429);
    let path = format!("/api/v1/orders/{}?account=alice", ids[0]);
    assert_eq!(
        client.ask("DELETE", &path, "").status,
        200,
        "a cancel is no order"
    );
    assert_eq!(
        Client::from([127, 0, 0, 3], &world)
            .ask("POST", "/api/v1/orders", &order("carol"))
            .status,
        201
    );
    // A quarter of a second brings one back, and what leads nowhere is counted, too.
    world.advance(Duration::from_millis(251));
    assert_eq!(client.ask("POST", "/api/v1/orders", &order("alice")).status, 201);
    assert_eq!(client.ask("POST", "/api/v1/orders", &order("alice")).status, 429);
    for (path, status) in [
        ("/nowhere", 404),
        ("/healthz", 200),
        ("/api/v1/time", 200),
        ("/nowhere", 429),
    ] {
        assert_eq!(client.ask("GET", path, "").status, status, "{path}");
    }
    assert_eq!(world.stats().address_limited, 4);
}

#[test]
fn this_machines_own_addresses_are_not_limited_unless_that_was_asked_for() {
    let mut setup = Setup::default();
    setup.config.address_rates = RATES;
    let world = World::with(setup);
    let mut client = Client::connect(&world);
    for _ in 0..20 {
        let got = client.ask("GET", "/api/v1/time", "");
        assert_eq!(told(&got), (200, String::new(), String::new()));
    }
}

#[test]
fn one_account_is_limited_however_it_sends_and_nobody_else_is() {
    let world = Guarded::with(|config| config.account_rates = RATES);
    // Signing takes a millisecond each, so less than one order comes back meanwhile.
    for left in [3, 2] {
        let placed = world.place(ALICE, "Sell");
        assert_eq!(
            told(&placed),
            (201, String::new(), format!(r#""orders";r={left};t=1"#))
        );
    }
    let mut session = world.connect(Some(ALICE), "/ws/orders").unwrap();
    let place = |session: &mut Ws, id: u32| {
        let order = order("").replace("\"account\":\"\",", "");
        session.send(&format!(r#"{{"op":"place","id":{id},{}"#, &order[1..]));
        loop {
            let message = session.json();
            if message["id"] == id {
                return message;
            }
        }
    };
    for id in [1, 2] {
        assert_eq!(place(&mut session, id)["order"]["status"], "New", "{id}");
    }
    assert_eq!(place(&mut session, 3)["error"]["code"], "too_many_requests");
    assert_eq!(world.place(ALICE, "Sell").status, 429);
    assert_eq!(world.place(BOB, "Sell").status, 201);
    session.send(r#"{"op":"cancel_all","id":4}"#);
    loop {
        let message = session.json();
        if message["id"] == 4 {
            assert_eq!(
                message["canceled"], 4,
                "all that were placed are canceled, in spite of the flood"
            );
            break;
        }
    }
    assert_eq!(world.world.stats().account_limited, 2);
}

#[test]
fn one_account_does_not_take_the_websockets_of_another() {
    let world = Guarded::with(|config| config.max_connections_per_account = 2);
    let mut held: Vec<_> = ["/ws/orders", "/ws/executions"]
        .map(|path| world.connect(Some(ALICE), path).unwrap())
        .into();
    for path in ["/ws/orders", "/ws/executions"] {
        let refused = world.connect(Some(ALICE), path).map(|_| ()).unwrap_err();
        assert_eq!(refused, (429, "too_many_of_account".into()), "{path}");
    }
    let mut late = world.connect(None, "/ws/orders").unwrap();
    late.send(&world.auth_message(ALICE, "/ws/orders"));
    let (_, close) = late.closed();
    assert_eq!(u16::from(close.code), 1013);
    assert!(
        close.reason.starts_with("too_many_of_account"),
        "{}",
        close.reason
    );
    for who in [BOB, DAVE] {
        world
            .connect(
                Some(who),
                if who == BOB {
                    "/ws/orders"
                } else {
                    "/ws/executions"
                },
            )
            .unwrap();
    }
    held.pop();
    world
        .world
        .until("a place to come free", |stats| stats.subscribers == 0);
    world.connect(Some(ALICE), "/ws/executions").unwrap();
    assert_eq!(world.world.stats().account_turned_away, 3);
}

#[test]
fn what_is_longer_than_the_operator_allows_is_not_read() {
    let mut setup = Setup::default();
    setup.config = GatewayConfig {
        max_message: 1_024,
        ..setup.config
    };
    setup.config.http.max_body = 1_024;
    setup.config.http.max_head = 1_024;
    setup.config.http.max_headers = 16;
    let world = World::with(setup);
    let long = "x".repeat(1_025);
    let body = order(&long[..1_000]);
    assert_eq!(
        Client::connect(&world)
            .ask("POST", "/api/v1/orders", &body)
            .status,
        413
    );
    let target = format!("/api/v1/time?{long}");
    assert_eq!(Client::connect(&world).ask("GET", &target, "").status, 414);
    let mut client = Client::connect(&world);
    client.send(format!(
        "GET /healthz HTTP/1.1\r\nHost: a\r\n{}\r\n",
        "A: b\r\n".repeat(16)
    ));
    assert_eq!(client.response().status, 431);
    let mut session = Ws::connect(&world, "/ws/orders");
    session.send(&format!(r#"{{"op":"{}"}}"#, &long[..1_000]));
    assert_eq!(session.json()["error"]["code"], "missing_field");
    session.send(&format!(r#"{{"op":"{long}"}}"#));
    let (_, close) = session.closed();
    assert_eq!(u16::from(close.code), 1009);
}
