//! Coming, waiting too long, and going.

mod common;

use std::time::Duration;

use common::http::{Client, ask, limit, place};
use common::ws::Ws;
use common::{Setup, Sink, Source, TestClock, World};
use hoga_gateway::GatewayConfig;

const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

fn by_hand() -> World {
    World::with(Setup {
        by_hand: true,
        ..Setup::default()
    })
}

#[test]
fn nothing_is_served_before_the_journal_is_recovered() {
    let mut world = World::with(Setup {
        open: false,
        ..Setup::default()
    });
    assert_eq!(ask(&world, "GET", "/healthz", "").status, 200);
    for (method, path) in [
        ("GET", "/readyz"),
        ("GET", "/api/v1/instruments"),
        ("POST", "/api/v1/orders"),
        ("GET", "/ws/executions"),
        ("GET", "/"),
    ] {
        let body = if method == "POST" {
            limit("a", "Buy", 1_000_000, "1")
        } else {
            String::new()
        };
        let refused = ask(&world, method, path, &body);
        assert_eq!(
            (refused.status, refused.code()),
            (503, "recovering".into()),
            "{path}"
        );
        assert_eq!(refused.header("retry-after"), Some("1"));
    }
    world.open();
    assert_eq!(ask(&world, "GET", "/readyz", "").status, 200);
    place(&world, "alice", "Buy", 50_000_000, "0.5");
}

#[test]
fn a_request_that_stalls_is_given_up() {
    let config = GatewayConfig::default();
    let order = limit("alice", "Buy", 50_000_000, "0.5");
    let half = |client: &Client, cut: usize| {
        let whole = client.request("POST", "/api/v1/orders", &order);
        whole[..whole.len() - cut].to_owned()
    };
    for (what, cut, patience) in [
        ("body", 1, config.body_timeout),
        ("body", order.len(), config.body_timeout),
        ("head", order.len() + 1, config.header_timeout),
        ("head", order.len() + 60, config.header_timeout),
    ] {
        let world = by_hand();
        let mut client = Client::connect(&world);
        // One whole request first: the patience counts from the half one.
        assert_eq!(client.ask("GET", "/healthz", "").status, 200);
        world.advance(Duration::from_secs(5));
        client.send(half(&client, cut));
        world.until("the connection", |stats| stats.connections == 1);
        world.settle();
        world.advance(patience - Duration::from_millis(1));
        world.settle();
        assert_eq!(world.stats().connections, 1, "{what} {cut}: given up too early");
        world.advance(Duration::from_millis(200));
        let response = client.response();
        assert_eq!(
            (response.status, response.code()),
            (408, "request_timeout".into())
        );
        assert!(response.body.contains(what), "{response:?}");
        assert!(client.ends());
        assert_eq!(world.matcher().journal.len(), 3, "half a request was carried out");
    }
}

#[test]
fn empty_lines_and_half_a_head_are_not_taken_for_half_a_body() {
    let config = GatewayConfig::default();
    for sent in ["\r\n\r\n", "\r\n\r\n\r\n\r\n", "\r\n\r\nGET / HTTP/1.1\r\n"] {
        let world = by_hand();
        let mut client = Client::connect(&world);
        client.send(sent);
        world.until("the connection", |stats| stats.connections == 1);
        world.settle();
        world.advance(config.header_timeout + Duration::from_millis(200));
        let response = client.response();
        assert_eq!(
            (response.status, response.code()),
            (408, "request_timeout".into())
        );
        assert!(
            response.body.contains("the head of the request"),
            "{sent:?}: {response:?}"
        );
        assert!(client.ends());
    }
}

#[test]
fn settings_that_cannot_be_kept_are_refused_before_anything_listens() {
    let defaults = Setup::default().config;
    let config = GatewayConfig {
        close_after: defaults.ping_after,
        ..defaults
    };
    let error = hoga_gateway::Gateway::<Sink, Source, TestClock>::bind(config, TestClock::real()).err();
    let error = error.expect("it is refused");
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    assert!(error.to_string().contains("gateway.close_after_ms"), "{error}");
}

#[test]
fn a_connection_that_asks_nothing_is_closed() {
    let config = GatewayConfig::default();
    let world = by_hand();
    let mut silent = Client::connect(&world);
    let mut idle = Client::connect(&world);
    assert_eq!(idle.ask("GET", "/healthz", "").status, 200);
    world.until("both", |stats| stats.connections == 2);
    world.advance(config.header_timeout + Duration::from_millis(200));
    assert!(silent.ends());
    world.until("one to be gone", |stats| stats.connections == 1);
    world.advance(config.idle_timeout);
    assert!(idle.ends());
    world.until("both to be gone", |stats| stats.connections == 0);
}

#[test]
fn a_request_whose_sender_shuts_its_side_is_still_answered() {
    let world = World::new();
    let mut client = Client::connect(&world);
    client.send(client.request(
        "POST",
        "/api/v1/orders",
        &limit("alice", "Buy", 50_000_000, "0.5"),
    ));
    client.stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(client.response().status, 201);
    assert!(client.ends());
    let mut half = Client::connect(&world);
    half.send("GET /healthz HT");
    half.stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(half.ends());
    world.until("both to be gone", |stats| stats.connections == 0);
}

#[test]
fn a_body_larger_than_the_limit_is_refused_before_it_is_read() {
    let world = World::new();
    let mut client = Client::connect(&world);
    let address = world.address;
    client.send(format!(
        "POST /api/v1/orders HTTP/1.1\r\nHost: {address}\r\nContent-Length: 1000000\r\n\r\n"
    ));
    // The client sends on before it looks at the answer, which must reach it all the same.
    for _ in 0..10 {
        client.send([b' '; 1000]);
    }
    let refused = client.response();
    assert_eq!((refused.status, refused.code()), (413, "body_too_large".into()));
    assert_eq!(refused.header("connection"), Some("close"));

    let mut client = Client::connect(&world);
    client.send(format!(
        "GET /{} HTTP/1.1\r\nHost: {address}\r\n",
        "x".repeat(9000)
    ));
    assert!(matches!(client.response().status, 414 | 431));

    let mut client = Client::connect(&world);
    let body = limit("alice", "Buy", 50_000_000, "0.5");
    let length = body.len();
    client.send(format!(
        "POST /api/v1/orders HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n\r\n"
    ));
    assert_eq!(client.response().status, 100);
    client.send(&body);
    assert_eq!(client.response().status, 201);
}

#[test]
fn a_handshake_gone_wrong_is_told_why_and_the_connection_goes_on() {
    let world = World::new();
    let address = world.address;
    let version = "Sec-WebSocket-Version: 13\r\n";
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    for (headers, status) in [
        (String::new(), 426),
        (format!("{upgrade}{KEY}"), 426),
        (format!("{upgrade}{KEY}Sec-WebSocket-Version: 12\r\n"), 426),
        (format!("{upgrade}{version}"), 400),
        (format!("{upgrade}{version}Sec-WebSocket-Key: short\r\n"), 400),
        (
            format!("Connection: Upgrade\r\nUpgrade: h2c\r\n{KEY}{version}"),
            426,
        ),
    ] {
        let mut client = Client::connect(&world);
        client.send(format!(
            "GET /ws/executions HTTP/1.1\r\nHost: {address}\r\n{headers}\r\n"
        ));
        let refused = client.response();
        assert_eq!(refused.status, status, "{headers:?}: {refused:?}");
        if refused.header("connection") != Some("close") {
            assert_eq!(client.ask("GET", "/healthz", "").status, 200);
        }
    }
    let mut client = Client::connect(&world);
    let post = format!(
        "POST /ws/executions HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\n{upgrade}{KEY}{version}\r\n"
    );
    client.send(post);
    assert_eq!(client.response().status, 405);
    let unknown = ask(&world, "GET", "/ws/executions?symbol=DOGE-KRW", "");
    assert_eq!((unknown.status, unknown.code()), (404, "unknown_symbol".into()));
}

#[test]
fn a_foreign_page_reaches_the_stream_and_not_order_entry() {
    let world = World::new();
    let address = world.address;
    let foreign = format!("Host: {address}\r\nOrigin: https://evil.example\r\n");
    let rebound = format!("Host: evil.example:{}\r\n", address.port());
    let body = limit("alice", "Buy", 50_000_000, "0.5");
    let ask = |method: &str, path: &str, headers: &str| {
        let mut client = Client::connect(&world);
        let (length, version) = (body.len(), "Sec-WebSocket-Version: 13\r\n");
        let upgrade = match path.starts_with("/ws") {
            true => format!("Connection: Upgrade\r\nUpgrade: websocket\r\n{KEY}{version}"),
            false => format!("Content-Length: {length}\r\n"),
        };
        client.send(format!("{method} {path} HTTP/1.1\r\n{headers}{upgrade}\r\n"));
        if !path.starts_with("/ws") {
            client.send(&body);
        }
        client.response()
    };
    for (method, path) in [
        ("GET", "/ws/orders"),
        ("POST", "/api/v1/orders"),
        ("DELETE", "/api/v1/orders?account=alice"),
        ("GET", "/api/v1/orders?account=alice"),
    ] {
        let refused = ask(method, path, &foreign);
        assert_eq!(
            (refused.status, refused.code()),
            (403, "foreign_origin".into()),
            "{method} {path}"
        );
        let refused = ask(method, path, &rebound);
        assert_eq!(
            (refused.status, refused.code()),
            (403, "unknown_host".into()),
            "{method} {path}"
        );
    }
    assert_eq!(ask("GET", "/ws/executions", &foreign).status, 101);
    assert_eq!(ask("GET", "/ws/executions", &rebound).status, 101);
    let own = format!("Host: {address}\r\nOrigin: http://{address}\r\n");
    assert_eq!(ask("GET", "/ws/orders", &own).status, 101);
    assert_eq!(ask("POST", "/api/v1/orders", &own).status, 201);
    assert_eq!(
        world.matcher().journal.len(),
        5,
        "only the last order, its account and the genesis"
    );
}

#[test]
fn connections_beyond_the_most_are_told_so_and_places_come_free() {
    let defaults = Setup::default();
    let world = World::with(Setup {
        config: GatewayConfig {
            max_connections: 3,
            ..defaults.config
        },
        ..Setup::default()
    });
    let mut clients: Vec<Client> = (0..3).map(|_| Client::connect(&world)).collect();
    for client in &mut clients {
        assert_eq!(client.ask("GET", "/healthz", "").status, 200);
    }
    let mut extra = Client::connect(&world);
    extra.send(extra.request("GET", "/healthz", ""));
    let refused = extra.response();
    assert_eq!(
        (refused.status, refused.code()),
        (503, "too_many_connections".into())
    );
    assert!(extra.ends());
    drop((clients.pop(), extra));
    world.until("a place to come free", |stats| stats.connections == 2);
    assert_eq!(ask(&world, "GET", "/healthz", "").status, 200);
    assert_eq!(world.stats().turned_away, 1);
}

#[test]
fn one_address_cannot_take_the_places_of_all_the_others() {
    let setup = Setup::default();
    let limited = GatewayConfig {
        max_connections_per_address: 2,
        limit_loopback: true,
        ..setup.config.clone()
    };
    let world = World::with(Setup {
        config: limited,
        ..Setup::default()
    });
    let from = |host| Client::from(host, &world);
    let mut greedy: Vec<_> = (0..2).map(|_| from([127, 0, 0, 2])).collect();
    for client in &mut greedy {
        assert_eq!(client.ask("GET", "/healthz", "").status, 200);
    }
    for _ in 0..3 {
        let refused = from([127, 0, 0, 2]).response();
        assert_eq!(
            (refused.status, refused.code()),
            (429, "too_many_from_address".into())
        );
        assert_eq!(refused.header("retry-after"), Some("1"));
    }
    assert_eq!(from([127, 0, 0, 3]).ask("GET", "/healthz", "").status, 200);
    assert_eq!(world.stats().turned_away, 3);
    // A place that was given back may be taken again.
    greedy.pop();
    world.until("it to be gone", |stats| stats.connections == 1);
    assert_eq!(from([127, 0, 0, 2]).ask("GET", "/healthz", "").status, 200);
    // Connections of this machine, a proxy's say, count only where that is asked for.
    let world = World::with(Setup {
        config: GatewayConfig {
            max_connections_per_address: 1,
            ..setup.config
        },
        ..Setup::default()
    });
    let many: Vec<_> = (0..5).map(|_| Client::connect(&world)).collect();
    world.until("all", |stats| stats.connections == many.len());
    assert_eq!(world.stats().turned_away, 0);
}

#[test]
fn clients_are_not_sent_to_an_exchange_that_goes_away_or_takes_no_orders() {
    let ready = |world: &World| {
        assert_eq!(ask(world, "GET", "/healthz", "").status, 200);
        let answer = ask(world, "GET", "/readyz", "");
        let code = (answer.status != 200).then(|| answer.code());
        (answer.status, code)
    };
    let not_ready = |code: &str| (503, Some(code.to_owned()));
    let mut world = World::with(Setup {
        open: false,
        ..Setup::default()
    });
    world.ask(|gateway| gateway.announce_drain());
    assert_eq!(ready(&world), not_ready("recovering"));
    world.open();
    assert_eq!(ready(&world), (200, None), "announced too early to count");
    world.matcher().refuse = [Some(hoga_service::Refusal::Busy); 2];
    assert_eq!(ready(&world), (200, None), "busy is over in a moment");
    world.matcher().refuse = [Some(hoga_service::Refusal::CancelOnly), None];
    assert_eq!(ready(&world), not_ready("journal_full"));
    world.matcher().refuse = [None; 2];
    assert_eq!(ready(&world), (200, None));

    let mut session = Ws::connect(&world, "/ws/orders?account=alice");
    world.ask(|gateway| gateway.announce_drain());
    assert_eq!(ready(&world), not_ready("shutting_down"));
    // Whoever is here, and even whoever comes, is served as before.
    place(&world, "alice", "Buy", 50_000_000, "0.5");
    assert_eq!(session.json()["type"], "order");
    session.send(r#"{"id":1,"op":"cancel_all"}"#);
    let reply = std::iter::repeat_with(|| session.json()).find(|message| message["type"].is_null());
    assert_eq!(reply.unwrap()["canceled"], 1);
    drop(Ws::connect(&world, "/ws/executions"));
    world.ask(|gateway| gateway.begin_drain());
    session.send(r#"{"id":2,"op":"cancel_all"}"#);
    let reply = std::iter::repeat_with(|| session.json()).find(|message| message["id"] == 2);
    assert_eq!(reply.unwrap()["error"]["code"], "shutting_down");
}

#[test]
fn shutting_down_answers_what_is_sequenced_and_closes_every_client() {
    let world = World::new();
    place(&world, "alice", "Sell", 50_000_000, "0.5");
    let mut stream = Ws::connect(&world, "/ws/executions");
    let mut session = Ws::connect(&world, "/ws/orders?account=alice");
    let mut idle = Client::connect(&world);
    assert_eq!(idle.ask("GET", "/readyz", "").status, 200);
    let mut waiting = Client::connect(&world);
    world.until("all", |stats| stats.subscribers + stats.sessions == 2);
    world.matcher().paused = true;
    waiting.send(waiting.request(
        "POST",
        "/api/v1/orders",
        &limit("alice", "Buy", 50_000_000, "0.5"),
    ));
    world.until("the order", |stats| stats.backlog == 1);
    world.ask(|gateway| gateway.begin_drain());
    assert!(!world.ask(|gateway| gateway.is_drained()));

    let refused = idle.ask(
        "POST",
        "/api/v1/orders",
        &limit("alice", "Buy", 50_000_000, "0.5"),
    );
    assert_eq!((refused.status, refused.code()), (503, "shutting_down".into()));
    session.send(r#"{"id":1,"op":"cancel_all"}"#);
    assert_eq!(session.json()["error"]["code"], "shutting_down");
    assert!(
        std::net::TcpStream::connect(world.address).is_err(),
        "still accepting"
    );

    world.matcher().paused = false;
    assert_eq!(waiting.response().json()["status"], "Filled");
    world.until("the drain", |stats| stats.backlog == 0);
    assert!(world.ask(|gateway| gateway.is_drained()));
    assert_eq!(stream.json()["side"], "Buy");
    world.ask(|gateway| gateway.close_all());
    for ws in [&mut stream, &mut session] {
        let (_, close) = ws.closed();
        assert_eq!(u16::from(close.code), 1001);
        assert!(ws.ends());
    }
    assert!(waiting.ends() && idle.ends());
    drop((waiting, idle));
    world.until("all to be gone", |stats| stats.connections == 0);
    assert!(world.ask(|gateway| gateway.is_closed()));
}

#[test]
fn an_idle_gateway_sleeps() {
    let defaults = Setup::default();
    let world = World::with(Setup {
        by_hand: true,
        ..defaults
    });
    let _ws = Ws::connect(&world, "/ws/executions");
    let mut client = Client::connect(&world);
    assert_eq!(client.ask("GET", "/healthz", "").status, 200);
    world.until("both", |stats| stats.connections == 2);
    let (work, waited) = world.ask(|gateway| {
        while gateway.turn(Duration::ZERO).unwrap() > 0 {}
        let start = std::time::Instant::now();
        (gateway.turn(Duration::from_millis(200)).unwrap(), start.elapsed())
    });
    assert_eq!(work, 0);
    assert!(
        waited >= Duration::from_millis(190),
        "woke after {waited:?} for nothing"
    );
}
