//! What one client does to another: whoever floods, stalls or storms, the others are served within a bounded number of
//! turns, each of which does a bounded amount of work.

mod common;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use common::history::{opens, order};
use common::http::limit;
use common::ws::Ws;
use common::{Setup, TestGateway, World};
use hoga_gateway::{GatewayConfig, LEAST_HELD};
use hoga_protocol::{Limits, Side, TimeInForce};
use hoga_views::ViewLimits;
use tungstenite::Message;

/// Connections that attack at once.
const CROWD: usize = 192;

/// Connections of each kind, those with requests and those with something to be sent, that a turn serves at least when so
/// many wait.
const SERVED_PER_TURN: usize = 32;

/// Turns in which a well-behaved client is answered: the crowd is in front of it once when its request is read, and once
/// when the answer is sent; the rest is for the poll to tell of its socket and for its order to be matched.
const BOUND: usize = 2 * CROWD.div_ceil(SERVED_PER_TURN) + 4;

/// Requests of the well-behaved client.
const ASKED: usize = 10;

/// One way to be in the way.
struct Attack {
    name: &'static str,
    /// The WebSocket path that each attacker connects to first; none for bare TCP.
    path: Option<&'static str>,
    /// What each sends again and again, as fast as its socket takes it.
    bytes: Vec<u8>,
    /// Whether it sends one byte at a time.
    dribbles: bool,
}

/// A masked frame with a mask of zeros.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        len @ 0..126 => frame.push(0x80 | len as u8),
        len => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(len as u16).to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

fn attacks() -> Vec<Attack> {
    const STREAM: Option<&str> = Some("/ws/executions");
    const ORDERS: Option<&str> = Some("/ws/orders?account=mallory");
    let attack = |name, path, bytes: Vec<u8>| Attack {
        name,
        path,
        bytes: bytes.repeat(8_192 / bytes.len() + 1),
        dribbles: false,
    };
    let place =
        br#"{"id":1,"op":"place","symbol":"BTC-KRW","side":"Buy","type":"Limit","price":1000,"quantity":1}"#;
    let junk = vec![b'x'; 60_000];
    let get = b"GET /api/v1/executions/BTC-KRW?limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec();
    let slow = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: yes\r\n".to_vec();
    vec![
        attack("pings on the stream", STREAM, frame(0x89, b"are you there?")),
        attack("pings on order entry", ORDERS, frame(0x89, b"are you there?")),
        attack("pongs that nobody asked for", STREAM, frame(0x8a, b"")),
        attack("empty messages", STREAM, frame(0x81, b"")),
        attack("messages that never end", STREAM, frame(0x01, b"x")),
        attack("messages as long as may be", STREAM, frame(0x82, &junk)),
        attack("requests as long as may be", ORDERS, frame(0x81, &junk)),
        attack("orders without waiting", ORDERS, frame(0x81, place)),
        attack("the longest answers", None, get),
        Attack {
            dribbles: true,
            ..attack("heads that never end", None, slow)
        },
        Attack {
            dribbles: true,
            ..attack("frames byte by byte", STREAM, frame(0x82, &junk))
        },
    ]
}

/// Sends what the socket takes, at most `most` bytes, going round in those of the attack.
fn press(socket: &mut TcpStream, attack: &Attack, at: &mut usize, most: usize) {
    let most = if attack.dribbles { 1 } else { most };
    let mut sent = 0;
    while sent < most {
        let rest = &attack.bytes[*at..];
        match socket.write(&rest[..rest.len().min(most - sent)]) {
            Ok(count) => {
                sent += count;
                *at = (*at + count) % attack.bytes.len();
            }
            // A full socket, or one that the exchange has closed for what was sent.
            Err(_) => return,
        }
    }
}

/// A world whose clock stands still, so that what a turn does is bounded by counts and not by this machine's speed.
fn world() -> World {
    let setup = Setup::default();
    World::with(Setup {
        by_hand: true,
        config: GatewayConfig {
            send_buffer: 4_096,
            ..setup.config
        },
        ..setup
    })
}

/// Turns until the client's next answer is there.
fn turns(gateway: &mut TestGateway, client: &mut Ws, mut meanwhile: impl FnMut()) -> usize {
    for turn in 1.. {
        meanwhile();
        gateway.turn(Duration::ZERO).unwrap();
        loop {
            match client.socket.read() {
                Ok(Message::Text(text)) if text.starts_with("{\"id\":") => return turn,
                Ok(_) => {}
                Err(tungstenite::Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
        assert!(turn < 100 * BOUND, "never answered");
    }
    unreachable!()
}

fn ask(client: &mut Ws, id: usize) {
    let order = limit("", "Buy", 50_000_000, "0.5").replace("\"account\":\"\",", "");
    let order = order.trim_start_matches('{');
    client.send(&format!("{{\"id\":{id},\"op\":\"place\",{order}"));
}

#[test]
fn whoever_floods_delays_nobody_beyond_one_visit_of_each() {
    for attack in attacks() {
        let world = world();
        let mut victim = Ws::connect(&world, "/ws/orders?account=alice");
        let mut crowd: Vec<(TcpStream, usize)> = (0..CROWD)
            .map(|_| match attack.path {
                Some(path) => Ws::connect(&world, path).socket.into_inner(),
                None => TcpStream::connect(world.address).unwrap(),
            })
            .map(|socket| (socket, 0))
            .collect();
        for (socket, _) in &crowd {
            socket.set_nonblocking(true).unwrap();
        }
        // Its account is opened by a first order, which takes one command more.
        ask(&mut victim, 0);
        victim.text();
        victim.socket.get_mut().set_nonblocking(true).unwrap();
        world.ask(move |gateway| {
            let mut press = |most| {
                for (socket, at) in &mut crowd {
                    press(socket, &attack, at, most);
                }
            };
            // More than a visit reads, and from then on as much as is read.
            press(128 << 10);
            (0..4).for_each(|_| _ = gateway.turn(Duration::ZERO).unwrap());
            for id in 1..=ASKED {
                ask(&mut victim, id);
                let turns = turns(gateway, &mut victim, || press(8 << 10));
                assert!(turns <= BOUND, "{}: answered after {turns} turns", attack.name);
            }
        });
    }
}

#[test]
fn a_storm_of_connections_delays_nobody_who_is_there() {
    let world = world();
    let mut victim = Ws::connect(&world, "/ws/orders?account=alice");
    victim.socket.get_mut().set_nonblocking(true).unwrap();
    let address = world.address;
    world.ask(move |gateway| {
        // The kernel takes them in, so they all wait to be accepted before the first turn.
        let storm: Vec<TcpStream> = (0..1_000).map(|_| TcpStream::connect(address).unwrap()).collect();
        let before = gateway.stats().accepted;
        ask(&mut victim, 1);
        let turns = turns(gateway, &mut victim, || {});
        assert!(turns <= 4, "answered after {turns} turns");
        let accepted = gateway.stats().accepted - before;
        assert!(accepted < 1_000, "all {accepted} were accepted first");
        drop(storm);
    });
}

#[test]
fn a_reader_that_stops_does_not_keep_executions_from_the_others() {
    let world = world();
    let stopped: Vec<Ws> = (0..CROWD).map(|_| Ws::narrow(&world, "/ws/executions")).collect();
    let mut reader = Ws::connect(&world, "/ws/executions");
    let mut trader = Ws::connect(&world, "/ws/orders?account=alice");
    world.until("the subscribers", |stats| stats.subscribers == CROWD + 1);
    reader.socket.get_mut().set_nonblocking(true).unwrap();
    trader.socket.get_mut().set_nonblocking(true).unwrap();
    world.ask(move |gateway| {
        let mut bytes = [0; 64 * 1024];
        for id in 0..500 {
            let side = ["Buy", "Sell"][id % 2];
            let op = format!(
                r#"{{"id":{id},"op":"place","symbol":"BTC-KRW","side":"{side}","type":"Limit","price":50000000,"quantity":"0.5"}}"#
            );
            trader.send(&op);
            turns(gateway, &mut trader, || {});
            if id % 2 == 0 {
                continue;
            }
            // A trade: both its executions are due at everybody who reads.
            let (mut waited, mut got) = (0, 0);
            while got < 2 {
                gateway.turn(Duration::ZERO).unwrap();
                match reader.socket.get_mut().read(&mut bytes) {
                    Ok(count) => got += bytes[..count].windows(9).filter(|at| at == b"\"exec_id\"").count(),
                    Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
                }
                waited += 1;
                assert!(waited <= BOUND, "trade {id} came after more than {BOUND} turns");
            }
        }
        drop(stopped);
    });
}

/// Reads what is there and counts how often `mark` is in it, also where two reads cut it.
struct Counter {
    socket: TcpStream,
    mark: &'static [u8],
    rest: Vec<u8>,
    count: usize,
}

impl Counter {
    fn new(ws: Ws, mark: &'static [u8]) -> Self {
        let socket = ws.socket.into_inner();
        socket.set_nonblocking(true).unwrap();
        let (rest, count) = (Vec::new(), 0);
        Self {
            socket,
            mark,
            rest,
            count,
        }
    }

    fn read(&mut self) {
        let mut bytes = vec![0; 1 << 18];
        loop {
            match self.socket.read(&mut bytes) {
                Ok(0) => panic!(
                    "closed after {} of {:?}",
                    self.count,
                    String::from_utf8_lossy(self.mark)
                ),
                Ok(count) => self.rest.extend_from_slice(&bytes[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => panic!("{error}"),
            }
            self.count += self
                .rest
                .windows(self.mark.len())
                .filter(|at| *at == self.mark)
                .count();
            let keep = self.rest.len().min(self.mark.len() - 1);
            self.rest.drain(..self.rest.len() - keep);
        }
    }
}

#[test]
fn a_reader_is_handed_every_fill_of_bursts_larger_than_what_is_held() {
    const COMMANDS: usize = 40;
    const FILLS: usize = 4_000;
    let setup = Setup::default();
    // As little as may be configured, and a lane of a single frame.
    let world = World::with(Setup {
        by_hand: true,
        config: GatewayConfig {
            stream_frames: 1,
            ..setup.config
        },
        views: ViewLimits {
            executions: LEAST_HELD,
            order_updates: LEAST_HELD,
            ..setup.views
        },
        // A command of that many fills.
        limits: Limits {
            max_touched_orders: FILLS as u32 + 1,
            max_open_orders_per_account: 10_000,
            ..setup.limits
        },
        before: vec![opens(0, "maker"), opens(1, "taker")],
        ..setup
    });
    let session = Ws::connect(&world, "/ws/orders?account=taker");
    let stream = Ws::connect(&world, "/ws/executions");
    world.until("both", |stats| stats.sessions + stats.subscribers == 2);
    world.settle();
    let matcher = world.matcher.clone();
    world.ask(move |gateway| {
        let mut fills = Counter::new(session, b"\"fill\":{");
        let mut executions = Counter::new(stream, b"{\"exec_id\":");
        let mut matcher = matcher.lock().unwrap();
        for _ in 0..COMMANDS {
            let rests = order(0, Side::Sell, 50_000, 1, TimeInForce::Gtc);
            (0..FILLS).for_each(|_| matcher.sequence(&rests));
            matcher.sequence(&order(1, Side::Buy, 50_000, FILLS as u64, TimeInForce::Ioc));
        }
        drop(matcher);
        let all = COMMANDS * FILLS;
        for turn in 0.. {
            gateway.turn(Duration::ZERO).unwrap();
            fills.read();
            executions.read();
            if fills.count >= all && executions.count >= 2 * all {
                break;
            }
            let counts = (fills.count, executions.count);
            assert!(
                turn < 50_000,
                "{counts:?} after {turn} turns: {:?}",
                gateway.stats()
            );
        }
        assert_eq!((fills.count, executions.count), (all, 2 * all));
        let stats = gateway.stats();
        assert_eq!(stats.slow_consumer_closes, 0);
        assert!(
            stats.held_drains > 0,
            "nothing had to be held, so nothing was shown"
        );
    });
}

#[test]
fn a_reader_that_stops_holds_nobody_up() {
    let setup = Setup::default();
    let world = World::with(Setup {
        by_hand: true,
        config: GatewayConfig {
            send_buffer: 4_096,
            ..setup.config
        },
        views: ViewLimits {
            executions: LEAST_HELD,
            order_updates: LEAST_HELD,
            ..setup.views
        },
        before: vec![opens(0, "maker"), opens(1, "taker")],
        ..setup
    });
    let stopped: Vec<Ws> = (0..CROWD)
        .map(|number| Ws::narrow(&world, ["/ws/orders?account=taker", "/ws/executions"][number % 2]))
        .collect();
    world.until("all", |stats| stats.sessions + stats.subscribers == CROWD);
    world.settle();
    let (matcher, hand) = (world.matcher.clone(), world.hand());
    world.ask(move |gateway| {
        let before = gateway.stats().events;
        let mut sequenced = matcher.lock().unwrap();
        for _ in 0..50_000 {
            sequenced.sequence(&order(0, Side::Sell, 50_000, 1, TimeInForce::Gtc));
            sequenced.sequence(&order(1, Side::Buy, 50_000, 1, TimeInForce::Ioc));
        }
        drop(sequenced);
        // Each turn takes a tenth of a millisecond. Readers that have stopped are waited for once, for half a millisecond.
        let most = 150_000 / 4_096 + CROWD;
        for turn in 0.. {
            gateway.turn(Duration::ZERO).unwrap();
            *hand.lock().unwrap() += Duration::from_micros(100);
            if gateway.stats().events - before >= 150_000 {
                break;
            }
            assert!(turn < most, "{:?} after {turn} turns", gateway.stats());
        }
        assert!(
            gateway.stats().held_drains > 0,
            "nobody was waited for, so nothing was shown"
        );
        drop(stopped);
    });
}
