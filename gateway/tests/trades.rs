//! The public tape over real sockets.

mod common;

use common::guarded::{ALICE, BOB, Guarded};
use common::http::{ask, limit, place, trade};
use common::ws::Ws;
use common::{Setup, World};
use hoga_gateway::GatewayConfig;
use hoga_views::ViewLimits;
use serde_json::{Value, json};

const STREAM: &str = "/ws/trades";

/// All trades so far, as the HTTP API gives them: the same objects as the stream's.
fn tape(world: &World, symbol: &str) -> Vec<Value> {
    let path = format!("/api/v1/trades/{symbol}?limit=1000");
    match ask(world, "GET", &path, "").json() {
        Value::Array(trades) => trades,
        other => panic!("{other}"),
    }
}

fn number(trade: &Value) -> u64 {
    trade["trade_id"].as_u64().unwrap()
}

#[test]
fn a_stranger_sees_what_was_traded_and_not_who_traded() {
    let world = Guarded::new();
    let mut stranger = world.connect(None, STREAM).unwrap();
    world.world.until("the stranger", |stats| stats.subscribers == 1);
    assert_eq!(world.place(ALICE, "Sell").status, 201);
    assert_eq!(world.place(BOB, "Buy").status, 201);
    let message = stranger.text();
    let time = serde_json::from_str::<Value>(&message).unwrap()["transaction_time"]
        .as_str()
        .unwrap()
        .to_owned();
    let expected = format!(
        r#"{{"trade_id":0,"symbol":"BTC-KRW","side":"Buy","price":50000000,"quantity":0.5,"transaction_time":"{time}"}}"#
    );
    assert_eq!(message, expected);
    let listed = ask(&world.world, "GET", "/api/v1/trades/BTC-KRW", "");
    assert_eq!((listed.status, listed.body), (200, format!("[{expected}]")));
}

#[test]
fn each_trade_is_told_once_to_each_reader_of_any_stream() {
    let world = World::new();
    let mut executions = Ws::connect(&world, "/ws/executions");
    let mut trades = Ws::connect(&world, STREAM);
    let mut eth = Ws::connect(&world, "/ws/trades?symbol=ETH-KRW");
    world.until("all", |stats| stats.subscribers == 3);
    place(&world, "alice", "Sell", 50_000_000, "0.5");
    place(&world, "alice", "Sell", 50_001_000, "0.25");
    // One command, two trades.
    place(&world, "bob", "Buy", 50_001_000, "0.75");
    for side in ["Buy", "Sell"] {
        let body = limit("alice", side, 5_000_000, "1").replace("BTC", "ETH");
        assert_eq!(ask(&world, "POST", "/api/v1/orders", &body).status, 201);
    }
    let told: Vec<Value> = (0..3).map(|_| trades.json()).collect();
    assert_eq!(told[..2], tape(&world, "BTC-KRW"));
    assert_eq!(told[2..], tape(&world, "ETH-KRW"));
    assert_eq!(eth.json(), told[2]);
    assert_eq!(told[2]["side"], "Sell");
    for trade in &told {
        for _ in 0..2 {
            let execution = executions.json();
            for field in ["symbol", "price", "quantity", "transaction_time"] {
                assert_eq!(execution[field], trade[field], "{field}");
            }
        }
    }
    assert_eq!(told.iter().map(number).collect::<Vec<_>>(), [0, 1, 2]);
    let after = |path: &str| ask(&world, "GET", path, "");
    assert_eq!(after("/api/v1/trades/BTC-KRW?after=0").json(), json!([told[1]]));
    assert_eq!(after("/api/v1/trades/BTC-KRW?limit=1").json(), json!([told[1]]));
    assert_eq!(after("/api/v1/trades/BTC-KRW?after=2").json(), json!([]));
    for (path, status, code) in [
        ("/api/v1/trades/BTC-KRW?after=3", 404, "unknown_execution"),
        ("/ws/trades?after=18446744073709551615", 404, "unknown_execution"),
        ("/ws/trades?after=x", 400, "invalid_parameter"),
        ("/ws/trades?account=a", 400, "unknown_parameter"),
        ("/api/v1/trades/NO", 404, "unknown_symbol"),
    ] {
        let got = after(path);
        assert_eq!((got.status, got.code().as_str()), (status, code), "{path}");
    }
}

#[test]
fn a_reader_of_the_tape_that_was_closed_as_slow_misses_no_trade_and_gets_none_twice() {
    let defaults = Setup::default();
    let world = World::with(Setup {
        config: GatewayConfig {
            stream_frames: 64,
            send_buffer: 4096,
            ..defaults.config
        },
        ..Setup::default()
    });
    let mut silent = Ws::narrow(&world, STREAM);
    world.until("it", |stats| stats.subscribers == 1);
    trade(&world, 300);
    let all = tape(&world, "BTC-KRW");
    assert_eq!(all.len(), 300);
    let (before, close) = silent.closed();
    assert_eq!(u16::from(close.code), 4001, "{close:?}");
    let mut got: Vec<Value> = before
        .iter()
        .map(|text| serde_json::from_str(text).unwrap())
        .collect();
    let last = number(got.last().unwrap());
    assert_eq!(close.reason, format!("slow consumer: go on after trade {last}"));
    let mut again = Ws::connect(&world, &format!("{STREAM}?after={last}"));
    got.extend((got.len()..all.len()).map(|_| again.json()));
    trade(&world, 5);
    let all = tape(&world, "BTC-KRW");
    got.extend((got.len()..all.len()).map(|_| again.json()));
    assert!(got == all, "{} trades", got.len());
}

#[test]
fn trades_that_are_forgotten_are_not_passed_over_in_silence() {
    let defaults = Setup::default();
    let world = World::with(Setup {
        views: ViewLimits {
            executions: 16,
            ..defaults.views
        },
        ..Setup::default()
    });
    trade(&world, 20);
    for path in ["/ws/trades?after=10", "/api/v1/trades/BTC-KRW?after=10"] {
        let got = ask(&world, "GET", path, "");
        assert_eq!(
            (got.status, got.code()),
            (410, "execution_too_old".into()),
            "{path}"
        );
        assert!(got.body.contains("the earliest to go on after is 11"), "{got:?}");
    }
    let rest = ask(&world, "GET", "/api/v1/trades/BTC-KRW?after=11", "").json();
    let ids: Vec<u64> = rest.as_array().unwrap().iter().map(number).collect();
    assert_eq!(ids, (12..20).collect::<Vec<_>>());
    let mut stream = Ws::connect(&world, "/ws/trades?after=11");
    assert_eq!(number(&stream.json()), 12);
}
