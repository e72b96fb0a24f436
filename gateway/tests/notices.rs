//! What the gateway tells an operator's log of, and nothing else.

mod common;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::guarded::{ALICE, BOB, Guarded};
use common::http::{Client, ask};
use common::ws::Ws;
use common::{PATIENCE, Setup, World};
use hoga_gateway::{GatewayConfig, GatewayStats, LogEvent, Page, Printed, Telemetry, Ticket, TurnTimes};
use hoga_protocol::{AccountName, ArmCause, Nanos, OperatorName, Sequence, Symbol};
use hoga_service::RequestRates;

/// Writes down what it is told.
#[derive(Clone, Default)]
struct Reader(Arc<Mutex<Vec<LogEvent>>>);

impl Telemetry for Reader {
    fn turned(&mut self, _: TurnTimes, _: &GatewayStats) {}

    fn ask(&mut self, _: Ticket, _: Page) -> bool {
        false
    }

    fn printed(&mut self) -> Option<Printed> {
        None
    }

    fn log(&mut self, notice: &LogEvent) {
        self.0.lock().unwrap().push(*notice);
    }
}

impl Reader {
    fn of(world: &World) -> Self {
        let reader = Self::default();
        let theirs = Box::new(reader.clone());
        world.ask(|gateway| gateway.observe(theirs));
        reader
    }

    /// Waits until as many were told as are expected, and compares.
    fn check(&self, what: &str, expected: &[LogEvent]) {
        let start = Instant::now();
        while self.0.lock().unwrap().len() < expected.len() {
            assert!(start.elapsed() < PATIENCE, "{what}: {:?}", self.0.lock().unwrap());
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(*self.0.lock().unwrap(), expected, "{what}");
    }
}

fn account(name: &str) -> AccountName {
    AccountName::new(name).unwrap()
}

#[test]
fn a_connection_that_is_not_taken_is_not_passed_over_in_silence() {
    let defaults = Setup::default();
    let world = World::with(Setup {
        config: GatewayConfig {
            max_connections: 1,
            ..defaults.config
        },
        ..Setup::default()
    });
    let reader = Reader::of(&world);
    let mut first = Client::connect(&world);
    assert_eq!(first.ask("GET", "/healthz", "").status, 200);
    assert_eq!(Client::connect(&world).response().status, 503);
    let refused = LogEvent::ConnectionRefused {
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        code: "too_many_connections",
    };
    reader.check("one too many", &[refused]);
}

#[test]
fn who_asks_for_more_than_he_may_is_not_passed_over_in_silence() {
    let one = RequestRates {
        orders: 1,
        cancels: 1,
        queries: 1,
    };
    let world = Guarded::with(|config| {
        config.account_rates = one;
        config.max_connections_per_account = 1;
    });
    let reader = Reader::of(&world.world);
    let _held = world.connect(Some(ALICE), "/ws/orders").unwrap();
    let limited = |address, code| LogEvent::Limited {
        address,
        account: address.map_or(Some(account("alice")), |_| None),
        code,
    };
    let mut expected = vec![limited(None, "too_many_requests")];
    assert_eq!(world.ask(ALICE, "GET", "/api/v1/orders", "").status, 429);
    reader.check("a query too many", &expected);
    world.world.advance(Duration::from_secs(1));
    assert_eq!(
        world
            .connect(Some(ALICE), "/ws/orders")
            .map(|_| ())
            .unwrap_err()
            .0,
        429
    );
    expected.push(limited(None, "too_many_of_account"));
    reader.check("a WebSocket too many", &expected);

    let mut setup = Setup::default();
    setup.config.limit_loopback = true;
    setup.config.address_rates = one;
    let world = World::with(setup);
    let reader = Reader::of(&world);
    let host = [127, 0, 0, 9];
    let mut client = Client::from(host, &world);
    for status in [200, 429] {
        assert_eq!(client.ask("GET", "/healthz", "").status, status);
    }
    reader.check("an address", &[limited(Some(host.into()), "too_many_requests")]);
}

#[test]
fn a_key_that_is_refused_or_ended_is_not_passed_over_in_silence() {
    let world = Guarded::new();
    let reader = Reader::of(&world.world);
    let (alice, target) = (world.holders[ALICE].id, "/api/v1/orders");
    assert_eq!(world.ask(ALICE, "GET", target, "").status, 200);
    let headers = world.holders[ALICE].headers(&world, "DELETE", target, "", 0);
    assert_eq!(world.send("GET", target, "", &headers).status, 401);
    let mut expected = vec![LogEvent::KeyRefused {
        key: alice,
        code: "bad_signature",
    }];
    reader.check("what was signed was another request", &expected);
    let headers = world.holders[BOB].headers(&world, "GET", target, "", 0);
    for status in [200, 401] {
        assert_eq!(world.send("GET", target, "", &headers).status, status);
    }
    expected.push(LogEvent::KeyRefused {
        key: world.holders[BOB].id,
        code: "replayed",
    });
    reader.check("the same again", &expected);
    let mut ws = world.connect(Some(ALICE), "/ws/orders").unwrap();
    world.world.until("it", |stats| stats.sessions == 1);
    {
        let (generation, keys) = &mut *world.keys.0.lock().unwrap();
        *generation += 1;
        keys[ALICE].revoked = Some(Nanos(1));
    }
    ws.closed();
    expected.push(LogEvent::KeyEnded {
        key: alice,
        account: account("alice"),
    });
    reader.check("revoked", &expected);
}

#[test]
fn what_an_operator_does_is_told_and_what_is_refused_before_the_journal_is_not() {
    let world = World::new();
    let reader = Reader::of(&world);
    let administer =
        |path: &str, body: &str| ask(&world, "POST", &format!("/api/v1/admin/{path}"), body).status;
    let fees = r#"{"by":"ann","symbol":"BTC-KRW","maker_fee":0,"taker_fee":0.001}"#;
    assert_eq!(administer("fees", fees), 200);
    let suspend = r#"{"by":"ann","account":"desk","status":"Suspended"}"#;
    assert_eq!(administer("account_status", suspend), 200);
    assert_eq!(
        administer("account_status", &suspend.replace("desk", "a\\nb")),
        400
    );
    let by = OperatorName::new("ann").unwrap();
    // Behind the genesis and two instruments; the account is opened before its status is set.
    let expected = [
        LogEvent::Administered {
            sequence: Sequence(4),
            by,
            action: "SetFees",
            account: None,
            symbol: Some(Symbol::new("BTC-KRW").unwrap()),
        },
        LogEvent::Administered {
            sequence: Sequence(6),
            by,
            action: "SetAccountStatus",
            account: Some(account("desk")),
            symbol: None,
        },
    ];
    reader.check("both", &expected);
}

#[test]
fn an_arming_that_is_carried_out_is_not_passed_over_in_silence() {
    let world = World::new();
    let reader = Reader::of(&world);
    let mut ws = Ws::connect(&world, "/ws/orders?account=alice");
    ws.send(r#"{"id":1,"op":"cancel_on_disconnect","on":true}"#);
    assert_eq!(ws.text(), r#"{"id":1,"cancel_on_disconnect":true}"#);
    drop(ws);
    let fired = LogEvent::ArmingFired {
        account: account("alice"),
        // Behind the genesis, two instruments and the opening of the account.
        arming: Sequence(5),
        cause: ArmCause::Disconnect,
    };
    reader.check("the session is lost", &[fired]);
}
