//! What queries cost, and who pays: rows looked at, portions, cursors, quotas and memory.

mod common;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use common::history::{opens, order, trade, vain};
use common::http::{Client, Response, ask, unchunked};
use common::ws::Ws;
use common::{Setup, World};
use hoga_protocol::{Command, Side, TimeInForce};
use hoga_service::RequestRates;
use hoga_views::ViewLimits;
use serde_json::Value;

/// The most rows that a query may look at, as docs/wire-protocol.md says.
const ROWS_PER_QUERY: u64 = 4_096;

/// Closed orders of alice, the oldest first, with three live ones before them.
const CLOSED: usize = 10_000;

fn history() -> Vec<Command> {
    let mut before = vec![opens(0, "alice"), opens(1, "bob")];
    before.extend((0..3).map(|_| order(0, Side::Buy, 100, 1_000, TimeInForce::Gtc)));
    before.extend((0..CLOSED).map(|_| vain(0)));
    before.extend((0..1_500).flat_map(|_| trade(1)));
    before
}

fn world(change: impl FnOnce(&mut Setup)) -> World {
    let mut setup = Setup {
        by_hand: true,
        before: history(),
        ..Setup::default()
    };
    change(&mut setup);
    World::with(setup)
}

/// The rows of an answer.
fn rows(response: &Response) -> Vec<Value> {
    assert_eq!(response.status, 200, "{response:?}");
    let rows = match response.json() {
        Value::Object(mut object) => match object.remove("orders").or_else(|| object.remove("instruments")) {
            Some(rows) => rows,
            None => object["bids"].clone(),
        },
        rows => rows,
    };
    rows.as_array().unwrap().clone()
}

/// Asks for page after page until there is no cursor; `meanwhile` happens between two pages.
fn walk(world: &World, path: &str, mut meanwhile: impl FnMut()) -> Vec<Value> {
    let mut client = Client::connect(world);
    let (mut all, mut cursor) = (Vec::new(), String::new());
    for page in 0.. {
        assert!(page < 10_000, "{path}: no end");
        let looked_at = world.stats().query_rows;
        let response = client.ask("GET", &format!("{path}{cursor}"), "");
        let looked_at = world.stats().query_rows - looked_at;
        assert!(looked_at <= ROWS_PER_QUERY, "{path}: {looked_at} rows");
        all.extend(rows(&response));
        match response.header("next-cursor") {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
        meanwhile();
    }
    unreachable!()
}

#[test]
fn no_query_looks_at_more_rows_than_its_bound() {
    let world = world(|_| {});
    let id = rows(&ask(
        &world,
        "GET",
        "/api/v1/orders?account=alice&status=Open",
        "",
    ))[0]["order_id"]
        .clone();
    let one = format!("/api/v1/orders/{}?account=alice", id.as_str().unwrap());
    // The path, most rows looked at, rows shown, and whether there is more.
    let cases = [
        (
            "/api/v1/orders?account=alice&status=Expired",
            ROWS_PER_QUERY,
            0,
            true,
        ),
        (
            "/api/v1/orders?account=alice&symbol=ETH-KRW",
            ROWS_PER_QUERY,
            0,
            true,
        ),
        ("/api/v1/orders?account=alice&status=Open", 3, 3, false),
        ("/api/v1/orders?account=alice&status=New&limit=2", 2, 2, true),
        ("/api/v1/orders?account=alice&status=PartiallyFilled", 3, 0, false),
        ("/api/v1/orders?account=alice&limit=10", 10, 10, true),
        ("/api/v1/orders?account=alice&limit=1000", 1_000, 1_000, true),
        ("/api/v1/orders?account=nobody", 0, 0, false),
        ("/api/v1/executions/BTC-KRW?limit=1000", 1_000, 1_000, true),
        ("/api/v1/trades/BTC-KRW?limit=1000", 2_000, 1_000, true),
        ("/api/v1/trades/BTC-KRW?limit=1000&after=1489", 20, 10, false),
        ("/api/v1/executions/ETH-KRW", 0, 0, false),
        ("/api/v1/orderbook/BTC-KRW?depth=1000", 2_000, 1, false),
        ("/api/v1/instruments", 2, 2, false),
        ("/api/v1/instruments?limit=1", 1, 1, true),
    ];
    for (path, most, shown, more) in cases {
        let before = world.stats().query_rows;
        let response = ask(&world, "GET", path, "");
        let looked_at = world.stats().query_rows - before;
        assert!(looked_at <= most, "{path}: {looked_at} rows");
        assert_eq!(rows(&response).len(), shown, "{path}");
        assert_eq!(response.header("next-cursor").is_some(), more, "{path}");
    }
    for path in [one.as_str(), "/api/v1/time", "/readyz", "/healthz", "/"] {
        let before = world.stats().query_rows;
        assert_eq!(ask(&world, "GET", path, "").status, 200, "{path}");
        assert_eq!(world.stats().query_rows, before, "{path}");
    }
}

#[test]
fn a_walk_by_cursors_misses_and_repeats_nothing_while_orders_come_close_and_are_forgotten() {
    let world = world(|setup| {
        setup.views = ViewLimits {
            closed_orders: 6_000,
            ..setup.views
        };
    });
    let ids = |rows: &[Value]| -> Vec<String> {
        let id = |row: &Value| row["order_id"].as_str().unwrap().to_owned();
        rows.iter().map(id).collect()
    };
    for (filter, limit) in [("", 97), ("&status=Closed", 1_000), ("&status=Canceled", 1)] {
        let path = format!("/api/v1/orders?account=alice{filter}&limit=");
        let all = |world: &World| ids(&walk(world, &format!("{path}1000"), || {}));
        let before = all(&world);
        let (mut turns, limit) = (0, if limit == 1 { 331 } else { limit });
        let got = ids(&walk(&world, &format!("{path}{limit}"), || {
            turns += 1;
            let mut matcher = world.matcher();
            // Alice's and bob's new orders push old ones of both out.
            (0..7).for_each(|_| matcher.sequence(&vain(turns % 2)));
            drop(matcher);
            world.settle();
        }));
        let (seen, held): (BTreeSet<_>, BTreeSet<_>) =
            (got.iter().cloned().collect(), all(&world).into_iter().collect());
        assert_eq!(seen.len(), got.len(), "{path}: a row twice");
        let missing = before
            .iter()
            .filter(|id| held.contains(*id) && !seen.contains(*id));
        assert_eq!(missing.count(), 0, "{path}: rows were skipped");
        assert!(
            got.is_sorted_by(|one, next| one > next),
            "{path}: not the newest first"
        );
        assert!(turns > 1, "{path}: {turns} pages");
    }
}

#[test]
fn a_walk_of_live_orders_goes_on_where_its_cursor_has_closed() {
    let mut before = vec![opens(0, "alice")];
    for _ in 0..300 {
        before.push(order(0, Side::Sell, 60_000, 1, TimeInForce::Gtc));
        before.push(vain(0));
    }
    let world = world(|setup| setup.before = before);
    let path = "/api/v1/orders?account=alice&status=Open&limit=10";
    let mut pages = 0;
    let rows = walk(&world, path, || {
        pages += 1;
        // One of the live ones trades, the oldest first; in the end the cursor's own.
        let taker = order(0, Side::Buy, 60_000, 10, TimeInForce::Ioc);
        world.matcher().sequence(&taker);
        world.settle();
    });
    // Each page shows ten, and ten of the oldest are gone before the next.
    let ids: BTreeSet<_> = rows.iter().map(|row| row["order_id"].as_str().unwrap()).collect();
    assert_eq!((ids.len(), rows.len(), pages), (150, 150, 15));
}

#[test]
fn executions_and_trades_are_walked_to_the_end_in_both_directions() {
    let world = world(|_| {});
    for (feed, total) in [("executions", 3_000), ("trades", 1_500)] {
        let path = format!("/api/v1/{feed}/BTC-KRW?limit=");
        let name = if feed == "trades" { "trade_id" } else { "exec_id" };
        let name = |row: &Value| row[name].to_string();
        let newest = rows(&ask(&world, "GET", &format!("{path}1000"), ""));
        let mut commands = 0;
        let mut meanwhile = || {
            commands += 2;
            let mut matcher = world.matcher();
            trade(1).iter().for_each(|command| matcher.sequence(command));
            drop(matcher);
            world.settle();
        };
        let down = walk(&world, &format!("{path}333"), &mut meanwhile);
        let mut names: Vec<String> = down.iter().map(name).collect();
        let before = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), before, "{feed}: twice");
        assert!(names.len() >= total, "{feed}: {} of {total}", names.len());
        let oldest = rows(&ask(&world, "GET", &format!("{path}1000"), ""));
        drop(oldest);
        let after = format!(
            "{path}50&after={}",
            newest[0][if feed == "trades" { "trade_id" } else { "exec_id" }]
        );
        let up = walk(&world, &after.replace('"', ""), || {});
        let up: Vec<String> = up.iter().map(name).collect();
        let want: Vec<String> = newest[1..].iter().map(name).collect();
        assert_eq!(up[..want.len()], want, "{feed}");
    }
}

#[test]
fn a_cursor_of_another_query_is_refused() {
    let world = world(|_| {});
    let of = |path: &str| {
        let response = ask(&world, "GET", path, "");
        response.header("next-cursor").unwrap().to_owned()
    };
    let orders = of("/api/v1/orders?account=alice&limit=5");
    let tape = of("/api/v1/executions/BTC-KRW?limit=5");
    for (path, cursor, status) in [
        ("/api/v1/orders?account=alice&limit=7", orders.as_str(), 200),
        ("/api/v1/orders?account=bob", &orders, 400),
        ("/api/v1/orders?account=alice&status=Closed", &orders, 400),
        ("/api/v1/orders?account=alice", &tape, 400),
        ("/api/v1/executions/BTC-KRW?limit=1", &tape, 200),
        ("/api/v1/executions/ETH-KRW?limit=1", &tape, 400),
        ("/api/v1/trades/BTC-KRW?limit=1", &tape, 400),
        ("/api/v1/instruments?limit=1", &orders, 400),
        ("/api/v1/orders?account=alice", "", 400),
        (
            "/api/v1/orders?account=alice",
            "ffffffffffffffffffffffffffffffff",
            400,
        ),
    ] {
        let got = ask(&world, "GET", &format!("{path}&cursor={cursor}"), "");
        assert_eq!(got.status, status, "{path}");
        assert!(status == 200 || got.code() == "invalid_parameter", "{got:?}");
    }
}

/// Turns until an order is answered, and the most rows that one of them looked at.
fn order_amid(gateway: &mut common::TestGateway, client: &mut Ws, id: usize) -> (usize, u64) {
    let op = r#""op":"place","symbol":"BTC-KRW","side":"Buy","type":"Limit","price":1000,"quantity":1"#;
    client.send(&format!("{{\"id\":{id},{op}}}"));
    let mut most = 0;
    for turn in 1..1_000 {
        let before = gateway.stats().query_rows;
        gateway.turn(Duration::ZERO).unwrap();
        most = most.max(gateway.stats().query_rows - before);
        loop {
            match client.socket.read() {
                Ok(tungstenite::Message::Text(text)) if text.starts_with("{\"id\":") => return (turn, most),
                Ok(_) => {}
                Err(tungstenite::Error::Io(_)) => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
    panic!("never answered");
}

#[test]
fn a_crowd_that_asks_for_whole_histories_does_not_delay_an_order_beyond_a_portion_a_turn() {
    const CROWD: usize = 192;
    for path in [
        "/api/v1/orders?account=alice&status=Expired",
        "/api/v1/orders?account=alice&limit=1000",
        "/api/v1/executions/BTC-KRW?limit=1000",
    ] {
        let world = world(|_| {});
        let mut victim = Ws::connect(&world, "/ws/orders?account=carol");
        let mut crowd: Vec<TcpStream> = (0..CROWD)
            .map(|_| TcpStream::connect(world.address).unwrap())
            .collect();
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").repeat(50);
        for socket in &mut crowd {
            socket.write_all(request.as_bytes()).unwrap();
            socket.set_nonblocking(true).unwrap();
        }
        victim.socket.get_mut().set_nonblocking(true).unwrap();
        world.ask(move |gateway| {
            let mut waste = vec![0; 1 << 20];
            for id in 0..20 {
                let (turns, most) = order_amid(gateway, &mut victim, id);
                assert!(
                    turns <= 2 * CROWD.div_ceil(32) + 4,
                    "{path}: answered after {turns} turns"
                );
                // In a turn two portions are made, and the crowd's new requests are each looked at for a moment.
                assert!(most <= 2 * 1_024 + 128 * 64, "{path}: {most} rows in a turn");
                for socket in &mut crowd {
                    while socket.read(&mut waste).is_ok_and(|count| count > 0) {}
                }
            }
        });
    }
}

#[test]
fn an_expensive_query_is_charged_what_it_costs() {
    const RATE: u32 = 100;
    let world = world(|setup| {
        setup.config.limit_loopback = true;
        setup.config.address_rates = RequestRates {
            queries: RATE,
            ..setup.config.address_rates
        };
    });
    let mut client = Client::connect(&world);
    let mut status = |path: &str| client.ask("GET", path, "").status;
    // 4,096 rows are 41 units, of which the request pays the first.
    let expensive = "/api/v1/orders?account=alice&status=Expired";
    assert_eq!([0; 3].map(|_| status(expensive)), [200; 3]);
    assert_eq!(status("/api/v1/time"), 429);
    // 123 are used of 100; an order and a cancel are another matter.
    world.advance(Duration::from_millis(200));
    assert_eq!(status("/api/v1/time"), 429);
    world.advance(Duration::from_millis(50));
    assert_eq!(status("/api/v1/time"), 200);
    // 1,000 orders of some 400 bytes each: ten units of rows and some 25 of bytes.
    world.advance(Duration::from_secs(5));
    assert_eq!(status("/api/v1/orders?account=alice&limit=1000"), 200);
    let left = (0..RATE).take_while(|_| status("/api/v1/time") == 200).count();
    assert!((55..75).contains(&left), "{left} left");
}

#[test]
fn answers_that_nobody_reads_take_up_no_more_memory_than_they_may_and_orders_go_on() {
    const MOST: usize = 1 << 20;
    const CROWD: usize = 150;
    let world = world(|setup| {
        setup.config.max_waiting_bytes = MOST;
        setup.config.send_buffer = 4_096;
    });
    let mut crowd = Vec::new();
    let mut refused = 0;
    for _ in 0..CROWD {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(2_048).unwrap();
        socket.connect(&world.address.into()).unwrap();
        let mut client = Client::over(socket.into(), &world);
        let path = "/api/v1/orders?account=alice&limit=1000";
        client.send(client.request("GET", path, "").repeat(3));
        world.settle();
        refused = world.stats().query_refusals;
        crowd.push(client);
    }
    assert!(refused > 0, "{:?}", world.stats());
    let waiting = world.stats().waiting_bytes;
    assert!(
        waiting > MOST / 2 && waiting <= MOST + 64 * 1_024,
        "{waiting} bytes"
    );
    let busy = ask(&world, "GET", "/api/v1/executions/BTC-KRW", "");
    assert_eq!((busy.status, busy.code()), (503, "busy".into()));
    assert_eq!(busy.header("retry-after"), Some("1"));
    common::http::place(&world, "bob", "Buy", 1_000_000, "0.5");
    assert_eq!(
        ask(&world, "DELETE", "/api/v1/orders?account=bob", "").status,
        200
    );
    assert_eq!(ask(&world, "GET", "/readyz", "").status, 200);
    drop(crowd);
    world.until("the memory to come free", |stats| stats.waiting_bytes < MOST / 2);
    assert_eq!(ask(&world, "GET", "/api/v1/executions/BTC-KRW", "").status, 200);
}

#[test]
fn long_answers_end_where_the_client_expects_it_whatever_it_speaks() {
    let world = world(|_| {});
    let long = "/api/v1/orders?account=alice&limit=1000";
    let mut client = Client::connect(&world);
    let pipelined = [
        ("GET", long),
        ("GET", "/healthz"),
        ("GET", "/"),
        ("GET", long),
        ("GET", "/readyz"),
    ];
    client.send(
        pipelined
            .map(|(method, path)| client.request(method, path, ""))
            .concat(),
    );
    for (_, path) in pipelined {
        let response = client.response();
        assert_eq!(response.status, 200, "{path}");
        let chunked = response.header("transfer-encoding") == Some("chunked");
        assert_eq!(chunked, path == long, "{path}");
        assert_ne!(chunked, response.header("content-length").is_some(), "{path}");
        assert!(path != long || rows(&response).len() == 1_000);
    }
    // HEAD: the head alone, with the cursor; the next response follows at once.
    client.send(client.request("HEAD", long, ""));
    client.send(client.request("GET", "/healthz", ""));
    let head = client.response();
    assert!(
        head.header("next-cursor").is_some() && head.header("transfer-encoding").is_none(),
        "{head:?}"
    );
    assert_eq!(client.response().body, r#"{"status":"ok"}"#);
    // HTTP/1.0 knows no chunks: a long body ends with the connection, a short one is counted.
    for (path, counted) in [(long, false), ("/api/v1/orders?account=alice&limit=1", true)] {
        let mut old = TcpStream::connect(world.address).unwrap();
        old.write_all(
            format!("GET {path} HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n").as_bytes(),
        )
        .unwrap();
        old.shutdown(std::net::Shutdown::Write).unwrap();
        let mut text = String::new();
        old.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert_eq!(head.contains("Content-Length"), counted, "{head}");
        assert_eq!(head.contains("Connection: keep-alive"), counted, "{head}");
        assert!(
            !head.contains("chunked") && unchunked(body.as_bytes()).is_none() || counted,
            "{head}"
        );
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(
            body["orders"].as_array().unwrap().len(),
            if counted { 1 } else { 1_000 }
        );
    }
}

#[test]
fn rows_that_vanish_while_they_are_written_leave_a_whole_list_behind() {
    let world = world(|setup| {
        setup.config.send_buffer = 4_096;
        setup.views.closed_orders = 1_000;
        setup.views.account_floor = 1;
        setup.views.executions = 3_000;
    });
    for path in [
        "/api/v1/orders?account=alice&limit=1000",
        "/api/v1/executions/BTC-KRW?limit=1000",
    ] {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(2_048).unwrap();
        socket.connect(&world.address.into()).unwrap();
        let mut client = Client::over(socket.into(), &world);
        client.send(client.request("GET", path, ""));
        world.settle();
        let mut matcher = world.matcher();
        (0..4_000).for_each(|_| matcher.sequence(&vain(1)));
        (0..1_500)
            .flat_map(|_| trade(1))
            .for_each(|command| matcher.sequence(&command));
        drop(matcher);
        world.settle();
        let response = client.response();
        let got = rows(&response).len();
        assert!((1..1_000).contains(&got), "{path}: {got} rows");
    }
}
