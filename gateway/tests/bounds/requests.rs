//! A gateway over loopback sockets: one request after the other, and what each turn of its loop does for it.

mod cases;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::common::http::{Client, ask};
use super::common::ws::Ws;
use super::common::{STEP, Setup, World};
use super::table::Table;
use super::venue::{FORGOTTEN, MAKERS, Size, name};
use cases::{Case, Way, administration, commands, queries, streams};

/// Events folded before connections have their turn, without the rest of a command.
const EVENTS_PER_TURN: u64 = 4_096;
/// Executions that the gateway encodes for subscribers in a turn: 128 at each of its two looks at the output ring.
const EXECUTIONS_PER_TURN: u64 = 2 * 128;
/// Bytes of a stream that are written in a visit.
const BYTES_PER_VISIT: u64 = 64 << 10;
/// Turns after which a stream that has still more to send is left.
const MOST_TURNS: usize = 20_000;
/// Turns without work after which a request is through.
const QUIET: usize = 4;
/// Sends what a case sends.
type Send = Box<dyn FnOnce() + std::marker::Send>;

/// The most that was counted in one turn, and what was counted in all.
#[derive(Default)]
struct Seen {
    answer: Vec<u8>,
    commands: u64,
    rows: u64,
    rows_per_turn: u64,
    events_per_turn: u64,
    executions_per_turn: u64,
    bytes_per_turn: u64,
    longest: Duration,
}

/// The handshake of a WebSocket.
fn handshake(host: SocketAddr, path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

/// The earliest place from which a stream can be resumed, which the refusal of an older one names.
fn earliest(world: &World, path: &str, too_old: &str) -> String {
    let mut client = Client::connect(world);
    let joint = if path.contains('?') { '&' } else { '?' };
    client.send(handshake(world.address, &format!("{path}{joint}after={too_old}")));
    let response = client.response();
    if response.status == 101 {
        return too_old.to_owned();
    }
    assert_eq!(response.status, 410, "{response:?}");
    let message = response.json()["error"]["message"].to_string();
    let (_, rest) = message.rsplit_once(" is ").unwrap();
    rest.split([';', '"']).next().unwrap().to_owned()
}

/// Carries one request out, turn by turn.
fn carry_out(world: &World, case: &Case) -> Seen {
    let host = world.address;
    let over_http = |request: String| -> (TcpStream, Send) {
        let stream = TcpStream::connect(host).unwrap();
        let mut sending = stream.try_clone().unwrap();
        (
            stream,
            Box::new(move || sending.write_all(request.as_bytes()).unwrap()),
        )
    };
    let (mut stream, send) = match &case.way {
        Way::Http(method, target, body) => over_http(format!(
            "{method} {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )),
        Way::Stream(path) => over_http(handshake(host, path)),
        Way::Session(text) => {
            let mut ws = Ws::connect(world, &format!("/ws/orders?account={}", name(FORGOTTEN)));
            let (stream, text) = (ws.socket.get_ref().try_clone().unwrap(), text.clone());
            (stream, Box::new(move || ws.send(&text)) as Send)
        }
    };
    stream.set_nonblocking(true).unwrap();
    let matcher = world.matcher.clone();
    let sequenced = move || matcher.lock().unwrap().journal.len() as u64;
    // Where the clock goes on at each look, a turn serves nobody twice.
    let step = if !matches!(case.way, Way::Http(..)) {
        250_000
    } else {
        0
    };
    STEP.store(step, Ordering::Relaxed);
    let seen = world.ask(move |gateway| {
        let commands = sequenced();
        send();
        let (mut seen, mut quiet) = (Seen::default(), 0);
        for _ in 0..MOST_TURNS {
            let (before, begin) = (gateway.stats(), Instant::now());
            gateway.turn(Duration::ZERO).unwrap();
            seen.longest = seen.longest.max(begin.elapsed());
            let after = gateway.stats();
            let (rows, events) = (after.query_rows - before.query_rows, after.events - before.events);
            let bytes = drained(&mut stream, &mut seen.answer);
            let executions = after.executions - before.executions;
            seen.executions_per_turn = seen.executions_per_turn.max(executions);
            seen.rows += rows;
            seen.rows_per_turn = seen.rows_per_turn.max(rows);
            seen.events_per_turn = seen.events_per_turn.max(events);
            seen.bytes_per_turn = seen.bytes_per_turn.max(bytes);
            let is_quiet = rows + events + executions + bytes == 0 && after.backlog == 0;
            quiet = if is_quiet { quiet + 1 } else { 0 };
            if quiet == QUIET && !seen.answer.is_empty() {
                break;
            }
        }
        seen.commands = sequenced() - commands;
        seen
    });
    STEP.store(0, Ordering::Relaxed);
    seen
}

/// Reads what has come, keeps the beginning, and says how much it was.
fn drained(stream: &mut TcpStream, kept: &mut Vec<u8>) -> u64 {
    let (mut all, mut bytes) = (0, [0; 64 << 10]);
    loop {
        match stream.read(&mut bytes) {
            Ok(0) => return all,
            Ok(count) => {
                let room = (4_096usize).saturating_sub(kept.len());
                kept.extend_from_slice(&bytes[..count.min(room)]);
                all += count as u64;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return all,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Fills a venue, and then counts what each request does.
pub fn check(size: &Size) {
    let begin = Instant::now();
    let setup = Setup::default();
    let world = World::with(Setup {
        by_hand: true,
        limits: size.limits,
        views: size.views,
        before: size.fill().collect(),
        ..setup
    });
    let mut table = Table::begin(&format!(
        "gateway: {} commands sequenced, filled in {:.1} s; times are those of the longest turn",
        world.matcher().journal.len(),
        begin.elapsed().as_secs_f64()
    ));
    let me = name(FORGOTTEN);
    let place = |price: i64| {
        let body = format!("{{\"account\":\"{me}\",{}", cases::order("Buy", price, 1, ""));
        let response = ask(&world, "POST", "/api/v1/orders", &body);
        assert_eq!(response.status, 201, "{response:?}");
        response.json()["order_id"].as_str().unwrap().to_owned()
    };
    let (mine, other) = (place(2), place(3));
    let first = earliest(&world, "/ws/executions", "00000000-0001-8000-8000-000100c0ffee");
    let trade = earliest(&world, "/ws/trades", "0");
    let updates = [FORGOTTEN, MAKERS].map(|number| {
        let path = format!("/ws/orders?account={}", name(number));
        (path.clone(), earliest(&world, &path, "0"))
    });
    let _listener = Ws::connect(&world, "/ws/executions");
    let most_events = EVENTS_PER_TURN + u64::from(size.limits.max_touched_orders) + 2;
    let cases = queries(&mine, &first)
        .into_iter()
        .chain(streams(&first, &trade, &updates))
        .chain(commands(size, &mine, &other))
        .chain(administration(size));
    for case in cases {
        let seen = carry_out(&world, &case);
        let answer = String::from_utf8_lossy(&seen.answer);
        assert!(answer.contains(case.answer), "{}: {answer}", case.name);
        table.row(
            case.name,
            &[seen.longest],
            &[
                ("commands", seen.commands, case.commands),
                ("events a turn", seen.events_per_turn, most_events),
                ("executions a turn", seen.executions_per_turn, EXECUTIONS_PER_TURN),
                ("rows", seen.rows, case.rows),
                ("rows a turn", seen.rows_per_turn, case.rows_per_turn),
                ("bytes a turn", seen.bytes_per_turn, BYTES_PER_VISIT),
            ],
        );
    }
    table.end();
}
