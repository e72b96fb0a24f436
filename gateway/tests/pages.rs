//! Pages about the exchange that another thread makes, and what the gateway tells of its turns.

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::http::{Client, ask, place};
use common::{Setup, World};
use hoga_gateway::{GatewayConfig, GatewayStats, Page, Printed, Telemetry, Ticket, TurnTimes};

/// How many pages the telemetry takes on at once.
const MOST: usize = 2;

/// What the gateway told and asked, and whether pages are made.
#[derive(Default)]
struct Desk {
    asked: Vec<(Ticket, Page)>,
    held: bool,
    turns: Vec<(TurnTimes, GatewayStats)>,
}

struct Printer(Arc<Mutex<Desk>>);

impl Telemetry for Printer {
    fn turned(&mut self, times: TurnTimes, stats: &GatewayStats) {
        self.0.lock().unwrap().turns.push((times, *stats));
    }

    fn ask(&mut self, ticket: Ticket, page: Page) -> bool {
        let mut desk = self.0.lock().unwrap();
        let taken = desk.asked.len() < MOST;
        if taken {
            desk.asked.push((ticket, page));
        }
        taken
    }

    fn printed(&mut self) -> Option<Printed> {
        let mut desk = self.0.lock().unwrap();
        if desk.held || desk.asked.is_empty() {
            return None;
        }
        let (ticket, page) = desk.asked.remove(0);
        Some(Printed {
            ticket,
            content_type: "text/x-page",
            body: format!("{page:?}\n").into_bytes(),
        })
    }
}

/// A gateway with a telemetry, and the desk of that.
fn observed(setup: Setup) -> (World, Arc<Mutex<Desk>>) {
    let (world, desk) = (World::with(setup), Arc::default());
    let printer = Printer(Arc::clone(&desk));
    world.ask(move |gateway| gateway.observe(Box::new(printer)));
    (world, desk)
}

#[test]
fn the_pages_are_there_while_recovering_serving_and_draining() {
    let (mut world, _) = observed(Setup {
        open: false,
        ..Setup::default()
    });
    let check = |world: &World, when: &str| {
        let page = ask(world, "GET", "/metrics", "");
        assert_eq!(
            (page.status, page.header("content-type")),
            (200, Some("text/x-page")),
            "{when}"
        );
        assert_eq!(page.body, "Metrics { openmetrics: false }\n", "{when}");
        assert_eq!(page.header("cache-control"), Some("no-store"));
        assert_eq!(
            ask(world, "GET", "/metrics/latency", "").body,
            "Latency\n",
            "{when}"
        );
    };
    check(&world, "recovering");
    world.open();
    check(&world, "serving");
    let mut client = Client::connect(&world);
    assert_eq!(client.ask("GET", "/healthz", "").status, 200);
    world.ask(|gateway| gateway.begin_drain());
    assert_eq!(client.ask("GET", "/metrics", "").status, 200, "draining");
}

#[test]
fn without_a_telemetry_there_are_no_pages() {
    let world = World::new();
    let refused = ask(&world, "GET", "/metrics", "");
    assert_eq!((refused.status, refused.code()), (404, "not_found".into()));
    let refused = ask(&world, "POST", "/metrics", "");
    assert_eq!(
        (refused.status, refused.header("allow")),
        (405, Some("GET, HEAD"))
    );
}

#[test]
fn a_scraper_chooses_the_format_and_may_ask_for_the_head_alone() {
    let (world, _) = observed(Setup::default());
    let mut client = Client::connect(&world);
    client.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: application/openmetrics-text\r\n\r\n");
    assert_eq!(client.response().body, "Metrics { openmetrics: true }\n");
    let head = "HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
    client.send(format!("{head}{}", client.request("GET", "/healthz", "")));
    let mut bytes = [0; 4096];
    let mut got = Vec::new();
    while !got.ends_with(b"\"ok\"}") {
        let count = std::io::Read::read(&mut client.stream, &mut bytes).unwrap();
        assert!(count > 0, "the connection ended");
        got.extend_from_slice(&bytes[..count]);
    }
    let got = String::from_utf8(got).unwrap();
    assert!(got.contains("Content-Length: 31\r\n"), "{got}");
    assert!(!got.contains("openmetrics"), "a body after HEAD: {got}");
}

#[test]
fn a_request_behind_a_page_is_answered_behind_it() {
    let (world, desk) = observed(Setup::default());
    let mut client = Client::connect(&world);
    desk.lock().unwrap().held = true;
    let requests = ["/metrics", "/healthz", "/metrics/latency"].map(|path| client.request("GET", path, ""));
    client.send(requests.concat());
    // Others are served meanwhile.
    place(&world, "alice", "Buy", 50_000_000, "0.5");
    desk.lock().unwrap().held = false;
    assert!(client.response().body.starts_with("Metrics"));
    assert_eq!(client.response().body, "{\"status\":\"ok\"}");
    assert_eq!(client.response().body, "Latency\n");
}

#[test]
fn more_pages_than_may_be_made_at_once_are_refused_and_places_come_free() {
    let (world, desk) = observed(Setup::default());
    desk.lock().unwrap().held = true;
    let mut waiting: Vec<Client> = (0..MOST).map(|_| Client::connect(&world)).collect();
    for client in &mut waiting {
        client.send(client.request("GET", "/metrics", ""));
    }
    let start = std::time::Instant::now();
    while desk.lock().unwrap().asked.len() < MOST {
        assert!(start.elapsed() < common::PATIENCE, "not asked");
        std::thread::yield_now();
    }
    let refused = ask(&world, "GET", "/metrics", "");
    assert_eq!((refused.status, refused.code()), (503, "busy".into()));
    assert_eq!(world.stats().busy_refusals, 0, "that counts commands");
    desk.lock().unwrap().held = false;
    for client in &mut waiting {
        assert_eq!(client.response().status, 200);
    }
    assert_eq!(ask(&world, "GET", "/metrics", "").status, 200);
}

#[test]
fn a_page_for_a_client_that_went_reaches_no_other() {
    let (world, desk) = observed(Setup {
        config: GatewayConfig {
            idle_timeout: Duration::from_secs(3_600),
            ..Setup::default().config
        },
        ..Setup::default()
    });
    desk.lock().unwrap().held = true;
    let mut gone = Client::connect(&world);
    gone.send(gone.request("GET", "/metrics/latency", ""));
    world.until("the page to be asked for", |stats| stats.requests == 1);
    // Gone as thoroughly as a client can be.
    let socket = socket2::SockRef::from(&gone.stream);
    socket.set_linger(Some(Duration::ZERO)).unwrap();
    drop(gone);
    let mut next = Client::connect(&world);
    next.send(next.request("GET", "/metrics", ""));
    world.until("the second request", |stats| stats.requests == 2);
    desk.lock().unwrap().held = false;
    assert!(next.response().body.starts_with("Metrics"));
    assert_eq!(next.ask("GET", "/healthz", "").body, "{\"status\":\"ok\"}");
}

#[test]
fn turns_that_did_something_are_told_with_the_counters_and_idle_ones_are_not() {
    let (world, desk) = observed(Setup {
        by_hand: true,
        ..Setup::default()
    });
    let mut subscriber = common::ws::Ws::connect(&world, "/ws/executions");
    place(&world, "alice", "Sell", 50_000_000, "0.5");
    place(&world, "bob", "Buy", 50_000_000, "0.5");
    subscriber.text();
    subscriber.text();
    world.settle();
    let (told, last, broadcasts) = {
        let desk = desk.lock().unwrap();
        let broadcasts = desk
            .turns
            .iter()
            .filter(|(times, _)| times.broadcast.is_some())
            .count();
        (desk.turns.len(), desk.turns.last().unwrap().1, broadcasts)
    };
    assert_eq!(last, world.stats());
    assert_eq!(
        (last.executions, last.executions_streamed, last.subscribers),
        (2, 2, 1)
    );
    assert!(broadcasts > 0 && broadcasts < told, "{broadcasts} of {told}");
    // The clock stands still, so no turn seems to have taken time.
    assert!(
        desk.lock()
            .unwrap()
            .turns
            .iter()
            .all(|(times, _)| times.whole == Duration::ZERO)
    );
    world.settle();
    assert_eq!(desk.lock().unwrap().turns.len(), told, "an idle turn was told");
}
