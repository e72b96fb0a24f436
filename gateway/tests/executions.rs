//! The founding stream over real sockets.

mod common;

use std::time::Duration;

use common::http::{Client, ask, limit, place, trade};
use common::ws::Ws;
use common::{Setup, World};
use hoga_gateway::GatewayConfig;
use hoga_views::ViewLimits;
use serde_json::Value;

const STREAM: &str = "/ws/executions";

/// All executions so far, as the HTTP API gives them: the same objects as the stream's.
fn tape(world: &World, symbol: &str) -> Vec<Value> {
    let path = format!("/api/v1/executions/{symbol}?limit=1000");
    match ask(world, "GET", &path, "").json() {
        Value::Array(executions) => executions,
        other => panic!("{other}"),
    }
}

fn id(execution: &Value) -> &str {
    execution["exec_id"].as_str().unwrap()
}

/// A gateway that keeps so many frames, on sockets that hold so many bytes.
fn narrow(stream_frames: usize, send_buffer: usize) -> World {
    forgetful(stream_frames, send_buffer, ViewLimits::default().executions)
}

/// One that keeps so many executions, too.
fn forgetful(stream_frames: usize, send_buffer: usize, executions: usize) -> World {
    let defaults = Setup::default();
    World::with(Setup {
        config: GatewayConfig {
            stream_frames,
            send_buffer,
            ..defaults.config
        },
        views: ViewLimits {
            executions,
            ..defaults.views
        },
        ..Setup::default()
    })
}

#[test]
fn a_subscriber_gets_the_eight_fields_of_the_document_and_nothing_else() {
    let world = World::new();
    let mut ws = Ws::connect(&world, STREAM);
    world.until("the subscriber", |stats| stats.subscribers == 1);
    place(&world, "alice", "Sell", 50_000_000, "0.5");
    let buy = place(&world, "bob", "Buy", 51_000_000, "0.5");
    let (aggressor, resting) = (ws.text(), ws.text());
    let order_id = buy["order_id"].as_str().unwrap();
    let exec_id = order_id.to_owned();
    let parsed: Value = serde_json::from_str(&aggressor).unwrap();
    let expected = format!(
        r#"{{"exec_id":"{}","order_id":"{exec_id}","symbol":"BTC-KRW","side":"Buy","price":50000000,"quantity":0.5,"fee":12500,"transaction_time":"{}"}}"#,
        id(&parsed),
        parsed["transaction_time"].as_str().unwrap(),
    );
    assert_eq!(aggressor, expected);
    let resting: Value = serde_json::from_str(&resting).unwrap();
    assert_eq!(
        (&resting["side"], &resting["fee"]),
        (&"Sell".into(), &5000.into())
    );
    assert_eq!(resting.as_object().unwrap().len(), 8);
    assert!(
        resting["transaction_time"]
            .as_str()
            .unwrap()
            .starts_with("2023-04-30T12:35:1")
    );
}

#[test]
fn a_filtered_stream_holds_only_its_symbol() {
    let world = World::new();
    let mut eth = Ws::connect(&world, "/ws/executions?symbol=ETH-KRW");
    let mut all = Ws::connect(&world, STREAM);
    world.until("both", |stats| stats.subscribers == 2);
    trade(&world, 3);
    for side in ["Sell", "Buy"] {
        let body = limit("alice", side, 5_000_000, "1").replace("BTC", "ETH");
        assert_eq!(ask(&world, "POST", "/api/v1/orders", &body).status, 201);
    }
    assert_eq!(vec![eth.json(), eth.json()], tape(&world, "ETH-KRW"));
    let everything: Vec<Value> = (0..8).map(|_| all.json()).collect();
    assert_eq!(everything[..6], tape(&world, "BTC-KRW"));
    assert_eq!(everything[6..], tape(&world, "ETH-KRW"));
}

#[test]
fn resuming_under_load_leaves_no_gap_and_repeats_nothing() {
    // The ring is smaller than what is missed, so each client begins in the views and goes on in the ring.
    let world = narrow(16, 64 * 1024);
    trade(&world, 100);
    let missed = tape(&world, "BTC-KRW");
    std::thread::scope(|scope| {
        let readers: Vec<_> = [0, 1, 57, 150, 198]
            .map(|after| {
                let (world, missed) = (&world, &missed);
                let path = format!("{STREAM}?after={}", id(&missed[after]));
                scope.spawn(move || {
                    let mut ws = Ws::connect(world, &path);
                    let got: Vec<Value> = (after + 1..600).map(|_| ws.json()).collect();
                    (after, got)
                })
            })
            .into();
        trade(&world, 200);
        let all = tape(&world, "BTC-KRW");
        assert_eq!(all.len(), 600);
        for reader in readers {
            let (after, got) = reader.join().unwrap();
            assert_eq!(got, all[after + 1..], "after {after}");
        }
    });
    assert_eq!(world.stats().slow_consumer_closes, 0);
}

#[test]
fn a_resume_point_that_is_unknown_or_forgotten_is_refused_naming_the_earliest() {
    let defaults = ViewLimits::default();
    let world = World::with(Setup {
        views: ViewLimits {
            executions: 10,
            ..defaults
        },
        ..Setup::default()
    });
    trade(&world, 2);
    let first = tape(&world, "BTC-KRW")[0].clone();
    trade(&world, 5);
    let upgrade = |after: &str| {
        let mut client = Client::connect(&world);
        let key = "dGhlIHNhbXBsZSBub25jZQ==";
        client.send(format!(
            "GET {STREAM}?after={after} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
        ));
        client.response()
    };
    let old = upgrade(id(&first));
    assert_eq!(old.status, 410, "{old:?}");
    let earliest = tape(&world, "BTC-KRW")[0].clone();
    assert!(old.body.contains(id(&earliest)), "{old:?}");
    for unknown in [
        "00000000-0000-8000-8000-000000000000",
        "e1b724c2-5e61-4aba-8b8a-47d8a5a4f111",
        "x",
    ] {
        let refused = upgrade(unknown);
        assert!((400..405).contains(&refused.status), "{refused:?}");
        assert_eq!(refused.code(), "unknown_execution");
    }
    assert_eq!(upgrade(id(&earliest)).status, 101);
}

#[test]
fn a_reader_that_stops_is_closed_naming_the_last_it_got_and_others_lose_nothing() {
    let world = narrow(64, 4096);
    let mut silent = Ws::narrow(&world, STREAM);
    let mut reader = Ws::connect(&world, STREAM);
    world.until("both", |stats| stats.subscribers == 2);
    let mut got = Vec::new();
    for _ in 0..50 {
        trade(&world, 10);
        got.extend((0..20).map(|_| reader.json()));
    }
    assert_eq!(got, tape(&world, "BTC-KRW"), "the reader lost something");
    // It starts to read too late: its frames are gone from the ring.
    let (before, close) = silent.closed();
    assert_eq!(u16::from(close.code), 4001, "{close:?}");
    let all = tape(&world, "BTC-KRW");
    let got: Vec<Value> = before
        .iter()
        .map(|text| serde_json::from_str(text).unwrap())
        .collect();
    assert!(!got.is_empty() && got.len() < all.len());
    assert_eq!(got[..], all[..got.len()], "what it got has a gap");
    assert!(close.reason.contains(id(&got[got.len() - 1])), "{close:?}");
    assert!(silent.ends());
    world.until("the silent one to be gone", |stats| stats.subscribers == 1);
    assert_eq!(world.stats().slow_consumer_closes, 1);

    // With the id it was told, it goes on without a gap.
    let last = close.reason.rsplit(' ').next().unwrap().to_owned();
    let mut resumed = Ws::connect(&world, &format!("{STREAM}?after={last}"));
    let rest: Vec<Value> = (got.len()..1000).map(|_| resumed.json()).collect();
    assert_eq!(rest[..], all[got.len()..]);
}

#[test]
fn a_reader_closed_after_the_views_forgot_what_it_got_is_still_told_the_last_of_it() {
    // Live, and backfilled from the views: the ring then holds less than the views.
    for (frames, executions, resumes) in [(64, 64, false), (4, 256, true)] {
        let world = forgetful(frames, 4096, executions);
        trade(&world, 100);
        let from = id(&tape(&world, "BTC-KRW")[0]).to_owned();
        let path = match resumes {
            true => format!("{STREAM}?after={from}"),
            false => STREAM.to_owned(),
        };
        let mut silent = Ws::narrow(&world, &path);
        world.until("it", |stats| stats.subscribers == 1);
        trade(&world, 500);
        let earliest = tape(&world, "BTC-KRW")[0].clone();
        let (before, close) = silent.closed();
        assert_eq!(u16::from(close.code), 4001, "{close:?}");
        let last: Value = serde_json::from_str(before.last().expect("something came")).unwrap();
        assert!(id(&last) < id(&earliest), "the views still hold what it got last");
        assert!(close.reason.ends_with(id(&last)), "{close:?}, not {last}");
    }
}

#[test]
fn a_socket_that_takes_nothing_is_given_up_after_the_stall_time() {
    let defaults = Setup::default();
    let world = World::with(Setup {
        config: GatewayConfig {
            send_buffer: 4096,
            ..defaults.config.clone()
        },
        by_hand: true,
        ..Setup::default()
    });
    let silent: Vec<Ws> = (0..10).map(|_| Ws::narrow(&world, STREAM)).collect();
    let mut reader = Ws::connect(&world, STREAM);
    world.until("all", |stats| stats.subscribers == 11);
    std::thread::scope(|scope| {
        let got = scope.spawn(|| (0..1000).map(|_| reader.json()).collect::<Vec<_>>());
        trade(&world, 500);
        assert_eq!(got.join().unwrap(), tape(&world, "BTC-KRW"));
    });
    world.advance(defaults.config.write_stall - Duration::from_millis(1));
    world.settle();
    assert_eq!(world.stats().subscribers, 11, "given up too early");
    // The kernels of the two ends may still pass a few bytes on, and each starts the stall time anew.
    world.until("the silent to be given up", |stats| {
        world.advance(Duration::from_millis(200));
        stats.subscribers == 1
    });
    assert_eq!(world.stats().slow_consumer_closes, 10);
    drop(silent);
    trade(&world, 1);
    let newest = ask(&world, "GET", "/api/v1/executions/BTC-KRW?limit=2", "").json();
    assert_eq!(newest, Value::from(vec![reader.json(), reader.json()]));
}

#[test]
fn one_command_larger_than_the_ring_closes_no_reader() {
    let world = narrow(8, 4096);
    let mut reader = Ws::connect(&world, STREAM);
    world.until("the reader", |stats| stats.subscribers == 1);
    for _ in 0..100 {
        place(&world, "alice", "Sell", 50_000_000, "0.01");
    }
    place(&world, "bob", "Buy", 50_000_000, "1");
    let got: Vec<Value> = (0..200).map(|_| reader.json()).collect();
    assert_eq!(got, tape(&world, "BTC-KRW"));
    assert_eq!(world.stats().slow_consumer_closes, 0);
}

#[test]
fn messages_on_the_stream_are_passed_over_and_pings_answered_between_frames() {
    let world = World::new();
    let mut ws = Ws::connect(&world, STREAM);
    world.until("the subscriber", |stats| stats.subscribers == 1);
    ws.send("subscribe to everything, please");
    ws.socket
        .send(tungstenite::Message::binary(vec![1, 2, 3]))
        .unwrap();
    let mut pongs = 0;
    for round in 0..50u8 {
        ws.socket
            .send(tungstenite::Message::Ping(vec![round].into()))
            .unwrap();
        trade(&world, 1);
        let mut executions = 0;
        while executions < 2 || pongs <= u32::from(round) {
            match ws.socket.read().unwrap() {
                tungstenite::Message::Text(text) => {
                    assert!(text.starts_with("{\"exec_id\":"), "{text}");
                    executions += 1;
                }
                tungstenite::Message::Pong(payload) => {
                    assert_eq!(payload[..], [round]);
                    pongs += 1;
                }
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(world.stats().executions_streamed, 100);
}

#[test]
fn a_flood_of_pings_is_answered_to_the_last_once_the_client_reads() {
    const PINGS: u32 = 4_000;
    let world = narrow(64, 4096);
    let mut ws = Ws::narrow(&world, STREAM);
    let mut writer = ws.socket.get_ref().try_clone().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for number in 0..PINGS {
                let mut ping = vec![0x89, 0x80 | 100, 0, 0, 0, 0];
                ping.extend_from_slice(&number.to_be_bytes());
                ping.resize(106, 0);
                std::io::Write::write_all(&mut writer, &ping).unwrap();
            }
        });
        // Time for both directions to fill up, so that the gateway stops to read.
        std::thread::sleep(Duration::from_millis(100));
        let mut last = None;
        while last != Some(PINGS - 1) {
            if let tungstenite::Message::Pong(payload) = ws.socket.read().unwrap() {
                let number = u32::from_be_bytes(payload[..4].try_into().unwrap());
                assert!(last.is_none_or(|last| last < number), "{number} after {last:?}");
                last = Some(number);
            }
        }
    });
}
