//! Order sessions over real sockets.

mod common;

use common::http::{ask, limit, place};
use common::ws::Ws;
use common::{Setup, World};
use hoga_gateway::GatewayConfig;
use hoga_service::Refusal;
use hoga_views::ViewLimits;
use serde_json::Value;
use tungstenite::Message;

fn place_op(id: &str, side: &str, price: u64, quantity: &str) -> String {
    format!(
        r#"{{"id":"{id}","op":"place","symbol":"BTC-KRW","side":"{side}","type":"Limit","price":{price},"quantity":{quantity}}}"#
    )
}

/// `reply` or `push`, the id or the event, and the status: what the tests compare.
fn short(message: &Value) -> String {
    let order = &message["order"];
    let status = order["status"].as_str().unwrap_or("-");
    match message["type"].as_str() {
        Some("order") => format!("push {}.{} {status}", message["sequence"], message["index"]),
        _ => format!("reply {} {status}", message["id"]),
    }
}

#[test]
fn a_reply_comes_before_every_push_of_its_command() {
    let world = World::new();
    place(&world, "maker", "Sell", 50_000_000, "0.5");
    place(&world, "maker", "Sell", 50_000_000, "0.5");
    let mut ws = Ws::connect(&world, "/ws/orders?account=alice");
    ws.send(&place_op("a", "Buy", 50_000_000, "1.5"));
    let got: Vec<String> = (0..4).map(|_| short(&ws.json())).collect();
    let expected = [
        r#"reply "a" PartiallyFilled"#,
        "push 8.0 New",
        "push 8.1 PartiallyFilled",
        "push 8.3 PartiallyFilled",
    ];
    assert_eq!(got, expected);
}

#[test]
fn all_requests_of_a_session_are_answered() {
    let world = World::new();
    let mut ws = Ws::connect(&world, "/ws/orders?account=alice");
    ws.send(&place_op("1", "Buy", 50_000_000, "0.5"));
    let reply = ws.json();
    let order_id = reply["order"]["order_id"].as_str().unwrap().to_owned();
    assert_eq!(short(&ws.json()), "push 5.0 New");
    let replace = format!(r#"{{"id":2,"op":"replace","order_id":"{order_id}","quantity":0.25}}"#);
    let cancel = format!(r#"{{"id":3,"op":"cancel","order_id":"{order_id}"}}"#);
    for (request, expected) in [
        (replace.as_str(), vec!["reply 2 New", "push 6.0 New"]),
        (cancel.as_str(), vec!["reply 3 Canceled", "push 7.0 Canceled"]),
        (cancel.as_str(), vec!["reply 3 -"]),
        (r#"{"id":4,"op":"cancel_all"}"#, vec!["reply 4 -"]),
        (r#"{"id":5,"op":"nonsense"}"#, vec!["reply 5 -"]),
        ("not json", vec!["reply null -"]),
        (r#"{"id":6,"op":"cancel","order_id":"x"}"#, vec!["reply 6 -"]),
    ] {
        ws.send(request);
        let got: Vec<String> = expected.iter().map(|_| short(&ws.json())).collect();
        assert_eq!(got, expected, "{request}");
    }
    world.matcher().refuse[0] = Some(Refusal::Busy);
    ws.send(&place_op("7", "Buy", 50_000_000, "0.5"));
    assert_eq!(ws.json()["error"]["code"], "busy");
}

#[test]
fn a_cancel_of_all_tells_of_each_order_after_its_reply() {
    let world = World::new();
    let mut ws = Ws::connect(&world, "/ws/orders?account=alice");
    for index in 0..300 {
        ws.send(&place_op(&index.to_string(), "Buy", 50_000_000, "0.5"));
        ws.text();
        ws.text();
    }
    ws.send(r#"{"id":"c","op":"cancel_all"}"#);
    let got: Vec<Value> = (0..301).map(|_| ws.json()).collect();
    let replies: Vec<usize> = (0..301).filter(|&index| got[index]["type"].is_null()).collect();
    assert_eq!(replies.len(), 1);
    assert_eq!(got[replies[0]]["canceled"], 300);
    // The first command's orders may be told of before the second command is through, the second's only afterwards.
    assert!(
        replies[0] <= 256,
        "the reply came after pushes of the last command"
    );
}

#[test]
fn a_session_sees_only_its_own_accounts_orders() {
    let world = World::new();
    let mut alice = Ws::connect(&world, "/ws/orders?account=alice");
    let mut both = Ws::connect(&world, "/ws/orders?account=alice");
    let mut stranger = Ws::connect(&world, "/ws/orders?account=carol");
    world.until("all", |stats| stats.sessions == 3);
    place(&world, "alice", "Sell", 50_000_000, "0.5");
    place(&world, "bob", "Buy", 50_000_000, "0.25");
    for ws in [&mut alice, &mut both] {
        assert_eq!(short(&ws.json()), "push 5.0 New");
        let fill = ws.json();
        assert_eq!(short(&fill), "push 7.2 PartiallyFilled");
        assert_eq!(fill["fill"]["quantity"], 0.25, "{fill}");
    }
    place(&world, "carol", "Buy", 40_000_000, "0.5");
    assert_eq!(
        short(&stranger.json()),
        "push 9.0 New",
        "and nothing of the others before"
    );
}

#[test]
fn a_session_resumes_where_it_left_off() {
    let defaults = ViewLimits::default();
    let world = World::with(Setup {
        views: ViewLimits {
            order_updates: 40,
            ..defaults
        },
        ..Setup::default()
    });
    for _ in 0..3 {
        place(&world, "alice", "Sell", 50_000_000, "0.5");
    }
    place(&world, "bob", "Buy", 50_000_000, "1.5");
    // Commands 5, 6, 7 are alice's orders, 9 is bob's with three trades.
    for (after, expected) in [
        (
            "5",
            vec![
                "push 6.0 New",
                "push 7.0 New",
                "push 9.2 Filled",
                "push 9.4 Filled",
                "push 9.6 Filled",
            ],
        ),
        ("9.2", vec!["push 9.4 Filled", "push 9.6 Filled"]),
        ("9", vec![]),
    ] {
        let mut ws = Ws::connect(&world, &format!("/ws/orders?account=alice&after={after}"));
        let got: Vec<String> = expected.iter().map(|_| short(&ws.json())).collect();
        assert_eq!(got, expected, "after {after}");
        ws.send(r#"{"id":1,"op":"nonsense"}"#);
        assert_eq!(
            short(&ws.json()),
            "reply 1 -",
            "after {after}: something was repeated"
        );
    }
    for _ in 0..60 {
        place(&world, "alice", "Sell", 50_000_000, "0.5");
    }
    let mut client = common::http::Client::connect(&world);
    let address = world.address;
    client.send(format!(
        "GET /ws/orders?account=alice&after=5 HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ));
    assert_eq!(client.response().code(), "sequence_too_old");
}

#[test]
fn a_session_that_asks_without_waiting_is_read_no_further_and_loses_nothing() {
    let defaults = Setup::default();
    let world = World::with(Setup {
        config: GatewayConfig {
            max_in_flight_per_session: 4,
            ..defaults.config
        },
        ..Setup::default()
    });
    world.matcher().paused = true;
    let mut ws = Ws::connect(&world, "/ws/orders?account=alice");
    for index in 0..100 {
        ws.send(&place_op(&index.to_string(), "Buy", 50_000_000, "0.5"));
    }
    // Four orders, and the opening of the account before them.
    world.until("four to be sequenced", |stats| stats.backlog == 5);
    world.settle();
    assert_eq!(world.stats().backlog, 5);
    world.matcher().paused = false;
    let replies: Vec<Value> = (0..200)
        .map(|_| ws.json())
        .filter(|message| message["type"].is_null())
        .collect();
    let ids: Vec<&str> = replies
        .iter()
        .map(|reply| reply["id"].as_str().unwrap())
        .collect();
    let expected: Vec<String> = (0..100).map(|index| index.to_string()).collect();
    assert_eq!(ids, expected);
}

#[test]
fn a_session_that_sends_as_fast_as_it_can_and_reads_is_not_closed_as_slow() {
    const ORDERS: usize = 20_000;
    let defaults = Setup::default();
    let world = World::with(Setup {
        views: ViewLimits {
            order_updates: 4_000,
            ..defaults.views
        },
        ..Setup::default()
    });
    let mut ws = Ws::connect(&world, "/ws/orders?account=alice");
    let requests: String = (0..ORDERS)
        .map(|id| {
            let order = place_op(&format!("{id:08}"), "Buy", 50_000_000, "0.5");
            order.replace("\"quantity\"", "\"time_in_force\":\"IOC\",\"quantity\"")
        })
        .collect();
    // A masked text frame each (RFC 6455 §5.2), its mask zero.
    let mut frames = Vec::new();
    for request in requests.split_inclusive('}') {
        frames.extend_from_slice(&[0x81, 0xfe]);
        frames.extend_from_slice(&(request.len() as u16).to_be_bytes());
        frames.extend_from_slice(&[0; 4]);
        frames.extend_from_slice(request.as_bytes());
    }
    let mut writer = ws.socket.get_ref().try_clone().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || std::io::Write::write_all(&mut writer, &frames).unwrap());
        let (mut replies, mut pushes) = (0, 0);
        while replies + pushes < 3 * ORDERS {
            let text = ws.text();
            match text.starts_with("{\"id\":") {
                true => replies += 1,
                false => pushes += 1,
            }
        }
        assert_eq!((replies, pushes), (ORDERS, 2 * ORDERS));
    });
}

#[test]
fn an_answer_to_a_session_that_went_away_reaches_nobody_else() {
    let world = World::new();
    place(&world, "alice", "Sell", 50_000_000, "0.5");
    world.matcher().paused = true;
    for index in 0..8 {
        let mut gone = Ws::connect(&world, "/ws/orders?account=alice");
        gone.send(&place_op(&index.to_string(), "Sell", 51_000_000, "0.5"));
        world.until("the order", |stats| stats.backlog == index + 1);
    }
    world.until("the gone to be dropped", |stats| stats.connections == 0);
    let account = |index| format!("/ws/orders?account=bob-{index}");
    let mut others: Vec<Ws> = (0..8).map(|index| Ws::connect(&world, &account(index))).collect();
    world.matcher().paused = false;
    world.until("the orders to be carried out", |stats| stats.backlog == 0);
    for (index, ws) in others.iter_mut().enumerate() {
        ws.send(&place_op("mine", "Buy", 1_000_000 * (index as u64 + 1), "0.5"));
        let reply = ws.json();
        assert_eq!(reply["id"], "mine", "{reply}");
    }
}

#[test]
fn what_is_not_a_request_closes_a_session_with_its_code() {
    let world = World::new();
    let raw = |bytes: &[u8]| {
        let mut ws = Ws::connect(&world, "/ws/orders");
        std::io::Write::write_all(ws.socket.get_mut(), bytes).unwrap();
        u16::from(ws.closed().1.code)
    };
    let mut oversize = vec![0x81, 0xff];
    oversize.extend_from_slice(&(64 * 1024 + 1u64).to_be_bytes());
    oversize.extend_from_slice(&[0; 4]);
    assert_eq!(raw(&oversize), 1009, "a frame larger than the limit");
    assert_eq!(raw(&[0x81, 0x02, b'{', b'}']), 1002, "an unmasked frame");
    assert_eq!(raw(&[0xc1, 0x82, 0, 0, 0, 0, b'{', b'}']), 1002, "a reserved bit");
    assert_eq!(raw(&[0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28]), 1007, "not UTF-8");
    let mut fragments = Vec::new();
    for index in 0..3u8 {
        fragments.extend_from_slice(&[if index == 0 { 0x01 } else { 0x00 }, 0xfe]);
        fragments.extend_from_slice(&(30_000u16).to_be_bytes());
        fragments.extend_from_slice(&[0; 4]);
        fragments.extend_from_slice(&[b' '; 30_000]);
    }
    assert_eq!(raw(&fragments), 1009, "a message larger than the limit");

    let mut ws = Ws::connect(&world, "/ws/orders");
    ws.socket.send(Message::binary(b"{}".to_vec())).unwrap();
    assert_eq!(u16::from(ws.closed().1.code), 1003);
    assert!(ws.ends());
    drop(ws);
    world.until("all to be gone", |stats| stats.connections == 0);
    assert_eq!(
        ask(
            &world,
            "POST",
            "/api/v1/orders",
            &limit("a", "Buy", 1_000_000, "1")
        )
        .status,
        201
    );
}
