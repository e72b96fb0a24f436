//! Which requests open an account, and how many there may be.

mod common;

use common::http::{Client, Response, ask, limit};
use common::ws::Ws;
use common::{Setup, World};
use hoga_protocol::{Command, Limits};
use hoga_service::RequestRates;
use serde_json::json;

const ORDERS: &str = "/api/v1/orders";

fn told(response: &Response) -> (u16, String) {
    (
        response.status,
        response.json()["error"]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
    )
}

/// A world of few accounts, where the limits of addresses hold on this machine too.
fn small(max_accounts: u32, per_address: usize) -> World {
    let mut setup = Setup {
        limits: Limits {
            max_accounts,
            ..Limits::default()
        },
        ..Setup::default()
    };
    setup.config.limit_loopback = true;
    setup.config.max_accounts_per_address = per_address;
    setup.config.address_rates = RequestRates {
        orders: 0,
        cancels: 0,
        queries: 0,
    };
    World::with(setup)
}

fn opened(world: &World) -> usize {
    let matcher = world.matcher();
    let opens = |command: &&Command| matches!(command, Command::OpenAccount(_));
    matcher.journal.iter().filter(opens).count()
}

fn place_from(host: [u8; 4], account: &str, world: &World) -> (u16, String) {
    let body = limit(account, "Buy", 1_000, "0.5");
    told(&Client::from(host, world).ask("POST", ORDERS, &body))
}

#[test]
fn a_request_that_is_refused_or_has_nothing_to_do_opens_no_account() {
    let world = World::new();
    let admin = |path: &str, body: &str| ask(&world, "POST", &format!("/api/v1/admin/{path}"), body);
    let define = r#"{"symbol":"XRP-KRW","tick_size":1,"lot_size":1,"quote_decimals":0,"min_quantity":2,"max_quantity":9,"min_notional":100,"maker_fee":0,"taker_fee":0}"#;
    assert_eq!(admin("instruments", define).status, 200);
    assert_eq!(
        admin(
            "instrument_status",
            r#"{"symbol":"ETH-KRW","status":"CancelOnly"}"#
        )
        .status,
        200
    );
    let body = |symbol: &str, price: u64, quantity: u64, more: &str| {
        format!(
            r#"{{"account":"new","symbol":"{symbol}","side":"Buy","type":"Limit","price":{price},"quantity":{quantity}{more}}}"#
        )
    };
    assert_eq!(
        ask(&world, "POST", ORDERS, &limit("maker", "Sell", 5_000, "1")).status,
        201
    );
    let before = world.matcher().journal.len();
    let after = "/api/v1/orders/cancel_all_after";
    let by_id = "/api/v1/orders/by_client_id?account=new&client_order_id=a";
    for (method, target, body, want) in [
        ("POST", ORDERS, body("NO", 1_000, 1, ""), (404, "unknown_symbol")),
        ("POST", ORDERS, body("BTC-KRW", 1_001, 1, ""), (400, "off_tick")),
        (
            "POST",
            ORDERS,
            body("BTC-KRW", 1_000, 1, r#","time_in_force":"IOC","post_only":true"#),
            (422, "invalid_combination"),
        ),
        (
            "POST",
            ORDERS,
            body("BTC-KRW", 6_000, 1, r#","post_only":true"#),
            (422, "post_only_would_trade"),
        ),
        (
            "POST",
            ORDERS,
            body("ETH-KRW", 1_000, 1, ""),
            (422, "instrument_closed"),
        ),
        (
            "POST",
            ORDERS,
            body("XRP-KRW", 90, 1, ""),
            (422, "quantity_too_small"),
        ),
        (
            "POST",
            ORDERS,
            body("XRP-KRW", 90, 10, ""),
            (422, "quantity_too_large"),
        ),
        (
            "POST",
            ORDERS,
            body("XRP-KRW", 49, 2, ""),
            (422, "notional_too_small"),
        ),
        (
            "POST",
            ORDERS,
            body(
                "BTC-KRW",
                1_000,
                1,
                r#","client_order_id":"a","valid_until":"2000-01-01T00:00:00Z""#,
            ),
            (409, "expired_request"),
        ),
        (
            "POST",
            ORDERS,
            body(
                "BTC-KRW",
                1_000,
                1,
                r#","client_order_id":"a","valid_until":"2100-01-01T00:00:00Z""#,
            ),
            (422, "invalid_valid_until"),
        ),
        ("DELETE", "/api/v1/orders?account=new", String::new(), (200, "")),
        ("DELETE", by_id, String::new(), (404, "unknown_order")),
        ("GET", by_id, String::new(), (404, "unknown_order")),
        (
            "POST",
            after,
            r#"{"account":"new","timeout_ms":0}"#.into(),
            (200, ""),
        ),
        (
            "POST",
            after,
            r#"{"account":"new","timeout_ms":1}"#.into(),
            (400, "invalid_field"),
        ),
    ] {
        let got = told(&ask(&world, method, target, &body));
        assert_eq!((got.0, got.1.as_str()), want, "{method} {target} {body}");
    }
    let mut ws = Ws::connect(&world, "/ws/orders?account=new");
    for (request, want) in [
        (
            r#"{"id":1,"op":"cancel_on_disconnect","on":false}"#,
            json!({"id":1,"cancel_on_disconnect":false}),
        ),
        (
            r#"{"id":2,"op":"cancel_all_after","timeout_ms":0}"#,
            json!({"id":2,"cancel_all_after":{"deadline":null}}),
        ),
        (r#"{"id":3,"op":"cancel_all"}"#, json!({"id":3,"canceled":0})),
    ] {
        ws.send(request);
        assert_eq!(ws.json(), want);
    }
    assert_eq!(world.matcher().journal.len(), before, "something was sequenced");
    // What is carried out opens it: an order that finds nothing, and an arming.
    let ioc = body("BTC-KRW", 1_000, 1, r#","time_in_force":"IOC""#);
    assert_eq!(told(&ask(&world, "POST", ORDERS, &ioc)).0, 201);
    assert_eq!(
        told(&ask(
            &world,
            "POST",
            after,
            r#"{"account":"armed","timeout_ms":1000}"#
        ))
        .0,
        200
    );
    assert_eq!(opened(&world), 3);
}

#[test]
fn a_full_book_opens_no_account_for_an_order_that_could_not_rest() {
    let world = World::with(Setup {
        limits: Limits {
            max_open_orders: 1,
            max_open_orders_per_account: 1,
            ..Limits::default()
        },
        ..Setup::default()
    });
    for (account, side, price, want, accounts) in [
        ("maker", "Sell", 5_000, (201, ""), 1),
        ("new", "Buy", 4_000, (422, "capacity"), 1),
        ("new", "Buy", 5_000, (201, ""), 2),
    ] {
        let got = told(&ask(&world, "POST", ORDERS, &limit(account, side, price, "1")));
        assert_eq!((got.0, got.1.as_str()), want, "{account} {price}");
        assert_eq!(opened(&world), accounts);
    }
}

#[test]
fn one_address_cannot_use_up_the_accounts_of_all() {
    let world = small(100, 3);
    let crowd = [127, 0, 0, 2];
    for account in ["a0", "a1"] {
        assert_eq!(place_from(crowd, account, &world).0, 201);
    }
    let after = |account: &str| format!(r#"{{"account":"{account}","timeout_ms":1000}}"#);
    let mut client = Client::from(crowd, &world);
    let path = "/api/v1/orders/cancel_all_after";
    assert_eq!(told(&client.ask("POST", path, &after("a2"))).0, 200);
    for account in ["a3", "a4"] {
        let refused = (429, "too_many_accounts".to_owned());
        assert_eq!(told(&client.ask("POST", path, &after(account))), refused);
        assert_eq!(place_from(crowd, account, &world), refused);
    }
    let mut ws = client;
    let refused = ws.ask("POST", ORDERS, &limit("a5", "Buy", 1_000, "0.5")).json();
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("quotas.accounts_per_address") && message.contains("hoga admin"),
        "{message}"
    );
    // Accounts that are open go on, from there and from anywhere; others open theirs; operators are not counted.
    assert_eq!(place_from(crowd, "a0", &world).0, 201);
    assert_eq!(place_from([127, 0, 0, 3], "b0", &world).0, 201);
    assert_eq!(opened(&world), 4);
    let mut operator = Client::from(crowd, &world);
    let body = r#"{"account":"a3","status":"Active"}"#;
    assert_eq!(
        operator.ask("POST", "/api/v1/admin/account_status", body).status,
        200
    );
    assert_eq!(place_from(crowd, "a3", &world).0, 201);
    assert_eq!(world.stats().address_limited, 0, "requests are counted apart");
}

#[test]
fn operators_have_accounts_left_when_clients_have_used_up_theirs() {
    let world = small(4, 1_000);
    let before: Vec<_> = ["a", "b", "c", "d"]
        .map(|name| place_from([127, 0, 0, 2], name, &world))
        .into();
    let full = (422, "accounts_full".to_owned());
    assert_eq!(
        before.iter().map(|(status, _)| *status).collect::<Vec<_>>(),
        [201, 201, 201, 422]
    );
    assert_eq!(before[3], full);
    let admin = |path: &str, body: &str| told(&ask(&world, "POST", &format!("/api/v1/admin/{path}"), body));
    assert_eq!(
        admin("account_limits", r#"{"account":"d","max_open_orders":1}"#).0,
        200
    );
    assert_eq!(
        admin("account_status", r#"{"account":"e","status":"Suspended"}"#),
        full
    );
    assert_eq!(place_from([127, 0, 0, 2], "d", &world).0, 201);
    assert_eq!(admin("limits", r#"{"max_accounts":6}"#).0, 200);
    assert_eq!(place_from([127, 0, 0, 2], "e", &world).0, 201);
    assert_eq!(place_from([127, 0, 0, 2], "f", &world), full);
    assert_eq!(
        admin("account_status", r#"{"account":"f","status":"Active"}"#).0,
        200
    );
}
