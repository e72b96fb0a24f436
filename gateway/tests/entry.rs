//! Orders that are sent again, and orders by the name that their clients gave them.

mod common;

use std::time::Duration;

use common::guarded::{ALICE, BOB, DAVE, Guarded};
use common::http::{Client, Response, ask};
use common::ws::Ws;
use common::{Setup, World, wait_until};
use hoga_protocol::{Command, SigningKeyId};
use hoga_service::Permission;
use serde_json::Value;

const ORDERS: &str = "/api/v1/orders";
const BY_ID: &str = "/api/v1/orders/by_client_id?client_order_id";

/// An order of alice's at this price in thousands, with more fields.
fn order(price: u64, more: &str) -> String {
    format!(
        r#"{{"account":"alice","symbol":"BTC-KRW","side":"Buy","type":"Limit","price":{price}000,"quantity":0.5{more}}}"#
    )
}

fn named(price: u64, id: &str, until: &str) -> String {
    order(
        price,
        &format!(r#","client_order_id":"{id}","valid_until":"2023-04-30T{until}""#),
    )
}

/// The status, and the code of an error or the status of the order.
fn told(response: &Response) -> (u16, String) {
    let body = response.json();
    let word = body["error"]["code"].as_str().or(body["status"].as_str());
    (response.status, word.unwrap_or_default().to_owned())
}

fn by_hand() -> World {
    World::with(Setup {
        by_hand: true,
        ..Setup::default()
    })
}

fn journaled(world: &World) -> usize {
    world.matcher().journal.len()
}

fn wait_for_commands(world: &World, count: usize) {
    wait_until("the commands", || journaled(world) >= count);
}

/// The clock stands at 12:35:10.
#[test]
fn a_repeat_never_makes_a_second_order_however_late_it_comes() {
    let world = by_hand();
    let before = journaled(&world);
    // Nobody has an account yet, and none is opened.
    for (body, want) in [
        (named(1, "a", "12:35:10Z"), (409, "expired_request")),
        (named(1, "a", "12:35:09.999999999Z"), (409, "expired_request")),
        (named(1, "a", "12:45:10.000000001Z"), (422, "invalid_valid_until")),
        (
            order(1, r#","valid_until":"2023-04-30T12:40:00Z""#),
            (422, "invalid_valid_until"),
        ),
        (
            order(1, r#","client_order_id":"a","valid_until":"soon""#),
            (400, "invalid_field"),
        ),
    ] {
        let got = told(&ask(&world, "POST", ORDERS, &body));
        assert_eq!((got.0, got.1.as_str()), want, "{body}");
    }
    assert_eq!(journaled(&world), before);
    let (first, second) = (named(1, "a", "12:35:10.000000001Z"), named(2, "b", "12:45:10Z"));
    let placed = ask(&world, "POST", ORDERS, &first);
    assert_eq!(told(&placed), (201, "New".into()));
    assert_eq!(told(&ask(&world, "POST", ORDERS, &second)).0, 201);
    world.advance(Duration::from_secs(1));
    // Remembered, it is a duplicate, also under another time; a name that is new is refused by the engine now.
    for (body, want) in [
        (&first, (200, "New")),
        (&named(1, "a", "12:40:00Z"), (200, "New")),
        (&order(1, r#","client_order_id":"a""#), (200, "New")),
        (&named(3, "a", "12:40:00Z"), (409, "client_order_id_reused")),
        (&named(1, "c", "12:35:11Z"), (409, "expired_request")),
        (
            &named(1, "c", "12:45:11.000000001Z"),
            (422, "invalid_valid_until"),
        ),
    ] {
        let got = ask(&world, "POST", ORDERS, body);
        assert_eq!(told(&got), (want.0, want.1.into()), "{body}");
        if want.0 == 200 {
            assert_eq!(got.json()["order_id"], placed.json()["order_id"], "{body}");
        }
    }
    let mut ws = Ws::connect(&world, "/ws/orders?account=alice");
    let body = named(1, "d", "12:35:10Z").replace("\"account\":\"alice\",", "");
    ws.send(&format!(r#"{{"id":1,"op":"place",{}"#, &body[1..]));
    assert_eq!(ws.json()["error"]["code"], "expired_request");
}

#[test]
fn an_order_is_found_and_canceled_by_the_name_that_its_client_gave_it() {
    let world = World::new();
    let id = |id: &str| format!(r#","client_order_id":"{id}""#);
    for (price, name) in [(1, "a/b &#"), (2, ".."), (3, "plain")] {
        assert_eq!(ask(&world, "POST", ORDERS, &order(price, &id(name))).status, 201);
    }
    let before = journaled(&world);
    for (method, query, want) in [
        ("GET", "a%2Fb%20%26%23&account=alice", (200, "New")),
        ("GET", "..&account=alice", (200, "New")),
        ("GET", "nothing&account=alice", (404, "unknown_order")),
        ("GET", "..&account=bob", (404, "unknown_order")),
        ("GET", "..", (404, "unknown_order")),
        ("DELETE", "nothing&account=alice", (404, "unknown_order")),
        ("DELETE", "..&account=bob", (404, "unknown_order")),
        ("DELETE", "..&acount=alice", (400, "unknown_parameter")),
    ] {
        let got = ask(&world, method, &format!("{BY_ID}={query}"), "");
        assert_eq!(told(&got), (want.0, want.1.into()), "{method} {query}");
    }
    assert_eq!(
        journaled(&world),
        before,
        "what cannot be carried out is not sequenced"
    );
    for (method, query, want) in [
        ("DELETE", "..&account=alice", (200, "Canceled")),
        ("DELETE", "..&account=alice", (409, "order_closed")),
        ("GET", "..&account=alice", (200, "Canceled")),
        ("GET", "plain&account=alice", (200, "New")),
    ] {
        let got = ask(&world, method, &format!("{BY_ID}={query}"), "");
        assert_eq!(told(&got), (want.0, want.1.into()), "{method} {query}");
    }
    let wrong = ask(
        &world,
        "DELETE",
        &format!("{ORDERS}?account=alice&client_order_id=plain"),
        "",
    );
    assert_eq!(told(&wrong), (400, "unknown_parameter".into()));
    let left = ask(&world, "GET", &format!("{ORDERS}?account=alice&status=Open"), "").json();
    assert_eq!(left["orders"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_cancel_by_name_reaches_an_order_whose_placing_is_under_way() {
    let world = World::new();
    world.matcher().paused = true;
    let before = journaled(&world);
    // The account is not open, either.
    let mut ws = Ws::connect(&world, "/ws/orders?account=alice");
    let place = order(1, r#","client_order_id":"a""#).replace("\"account\":\"alice\",", "");
    ws.send(&format!(r#"{{"id":1,"op":"place",{}"#, &place[1..]));
    for id in [2, 3] {
        ws.send(&format!(r#"{{"id":{id},"op":"cancel","client_order_id":"a"}}"#));
    }
    ws.send(r#"{"id":4,"op":"cancel","client_order_id":"b"}"#);
    wait_for_commands(&world, before + 5);
    let mut http = Client::connect(&world);
    http.send(http.request("DELETE", &format!("{BY_ID}=a&account=alice"), ""));
    wait_for_commands(&world, before + 6);
    world.matcher().paused = false;
    let replies: Vec<Value> = std::iter::repeat_with(|| ws.json())
        .filter(|message| message["type"].is_null())
        .take(4)
        .collect();
    let got: Vec<_> = replies
        .iter()
        .map(|reply| {
            let word = reply["order"]["status"]
                .as_str()
                .or(reply["error"]["code"].as_str());
            (reply["id"].as_u64().unwrap(), word.unwrap())
        })
        .collect();
    // Replies show the order as the whole command left it.
    assert_eq!(
        got,
        [
            (1, "New"),
            (2, "Canceled"),
            (3, "order_closed"),
            (4, "unknown_order")
        ]
    );
    assert_eq!(told(&http.response()), (409, "order_closed".into()));
    let cancels = |command: &&Command| matches!(command, Command::CancelClientOrder(_));
    assert_eq!(world.matcher().journal.iter().filter(cancels).count(), 4);
}

#[test]
fn the_journal_names_the_key_that_placed_an_order_and_strangers_reach_none() {
    let mut world = Guarded::new();
    let second = world.register("alice", &[Permission::Trade, Permission::Read], None);
    let body = order(1, r#","client_order_id":"a""#);
    assert_eq!(
        told(&world.ask(ALICE, "POST", ORDERS, &body)),
        (201, "New".into())
    );
    let signed_by = |world: &Guarded| match world.world.matcher().journal.last() {
        Some(Command::NewOrder(order)) => order.signed_by.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(signed_by(&world), world.holders[ALICE].id.to_string());
    // A repeat with another key of the account is a repeat.
    assert_eq!(
        told(&world.ask(second, "POST", ORDERS, &body)),
        (200, "New".into())
    );
    assert_eq!(signed_by(&world), world.holders[second].id.to_string());
    let mut ws = world.connect(Some(second), "/ws/orders").unwrap();
    let place = order(2, "").replace("\"account\":\"alice\",", "");
    ws.send(&format!(r#"{{"id":1,"op":"place",{}"#, &place[1..]));
    assert_eq!(ws.json()["order"]["status"], "New");
    assert_eq!(signed_by(&world), world.holders[second].id.to_string());
    let alices = format!("{BY_ID}=a&account=alice");
    for (who, method, target, want) in [
        (BOB, "GET", alices.as_str(), (403, "forbidden")),
        (BOB, "DELETE", &alices, (403, "forbidden")),
        (BOB, "DELETE", &format!("{BY_ID}=a"), (404, "unknown_order")),
        (DAVE, "GET", &alices, (200, "New")),
        (DAVE, "DELETE", &alices, (403, "forbidden")),
        (ALICE, "DELETE", &format!("{BY_ID}=a"), (200, "Canceled")),
    ] {
        let got = world.ask(who, method, target, "");
        assert_eq!(told(&got), (want.0, want.1.into()), "{who} {method} {target}");
    }
    let open = World::new();
    ask(&open, "POST", ORDERS, &order(1, ""));
    match open.matcher().journal.last() {
        Some(Command::NewOrder(order)) => assert_eq!(order.signed_by, SigningKeyId::NONE),
        other => panic!("{other:?}"),
    };
}
