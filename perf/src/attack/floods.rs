//! Many connections, from one address and from many.

use super::arena::{Arena, MOST, MOST_OF_ADDRESS, ORDERS, SESSION, alike, handshake, now_ms, request};
use super::socket::{FIN, PING, PONG, Socket, frame};
use super::table::{Attack, line};
use super::wire::Wire;
use crate::failure::Outcome;

/// Connections of the churn.
const CHURN: usize = 2_000;
/// Pings of the flood.
const PINGS: usize = 20_000;

/// The attacks. Each leaves before the next begins.
pub const TABLE: &[Attack] = &[
    line(
        "more connections than an address may have",
        "five more from one address, and then one from another",
        "429 too_many_from_address, closed; another address: 200",
        |arena| {
            let origin = arena.origin();
            let held = hold(arena, origin, MOST_OF_ADDRESS)?;
            let mut refused = Vec::new();
            for _ in 0..5 {
                refused.push(Wire::connect(arena.guarded, origin, false)?.told());
            }
            let another = arena.ask(HEALTH)?;
            drop(held);
            Ok(format!("{}; another address: {another}", alike(refused)))
        },
    ),
    line(
        "an address that left comes back",
        "all its connections closed, then one more",
        "200",
        |arena| {
            let origin = arena.origin();
            drop(hold(arena, origin, MOST_OF_ADDRESS)?);
            // The exchange sees the ends before the new connection, or in the same turn.
            for _ in 0..100 {
                let mut wire = Wire::connect(arena.guarded, origin, false)?;
                wire.send(HEALTH);
                match wire.told() {
                    told if told.starts_with("429") => {
                        std::thread::sleep(std::time::Duration::from_millis(20))
                    }
                    told => return Ok(told),
                }
            }
            Ok("429 all the while".to_owned())
        },
    ),
    line(
        "more connections than there may be",
        "from many addresses, until none is taken; the well-behaved client keeps its own",
        "503 too_many_connections, closed",
        |arena| {
            let mut held = Vec::new();
            for _ in 0..MOST / MOST_OF_ADDRESS + 1 {
                held.extend(hold(arena, arena.origin(), MOST_OF_ADDRESS)?);
            }
            let told = Wire::connect(arena.guarded, arena.origin(), false)?.told();
            drop(held);
            Ok(told)
        },
    ),
    line(
        "everybody leaves",
        "all of those closed at once, then one more",
        "200",
        |arena| {
            let mut held = Vec::new();
            for _ in 0..MOST / MOST_OF_ADDRESS + 1 {
                held.extend(hold(arena, arena.origin(), MOST_OF_ADDRESS)?);
            }
            drop(held);
            settle(arena)
        },
    ),
    line(
        "2,000 connections that come and go",
        "each from an address of its own, half of them reset, some with half a request",
        "200",
        |arena| {
            for number in 0..CHURN {
                let mut wire = Wire::connect(arena.guarded, arena.origin(), false)?;
                match number % 4 {
                    0 => {}
                    1 => _ = wire.send("GET /heal"),
                    // A close with bytes that were not read is a reset.
                    2 => _ = wire.send(HEALTH) && wire.is_told_within(std::time::Duration::from_millis(5)),
                    _ => _ = wire.send("\0"),
                }
            }
            settle(arena)
        },
    ),
    line(
        "a flood of handshakes",
        "200 handshakes that are then forgotten, from many addresses",
        "200",
        |arena| {
            for _ in 0..MOST {
                let mut wire = arena.connect()?;
                wire.send(handshake(SESSION, ""));
            }
            settle(arena)
        },
    ),
    line(
        "a flood of pings",
        "20,000 of them, and every pong is read",
        "20000 pongs, in order",
        |arena| {
            let mut socket = arena.session("")?;
            let mut pongs = 0;
            for batch in 0..PINGS / 100 {
                let pings: Vec<u8> = (0..100)
                    .flat_map(|number| frame(FIN | PING, format!("{}", batch * 100 + number).as_bytes()))
                    .collect();
                socket.wire.send(pings);
                for number in 0..100 {
                    let wanted = format!("{}", batch * 100 + number);
                    match next_pong(&mut socket) {
                        Some(payload) if payload == wanted.as_bytes() => pongs += 1,
                        _ => return Ok(format!("{pongs} pongs, then another")),
                    }
                }
            }
            Ok(format!("{pongs} pongs, in order"))
        },
    ),
    line(
        "a flood of wrong signatures",
        "2,000 over 20 connections, in turns",
        "401 bad_signature",
        |arena| {
            let mut wires = Vec::new();
            for _ in 0..20 {
                wires.push(arena.connect()?);
            }
            let mut told = Vec::new();
            for _ in 0..100 {
                for wire in &mut wires {
                    let mut sign = arena.keys.trader.sign_at(now_ms(), "POST", ORDERS, b"");
                    sign.signature[1] ^= 1;
                    wire.send(request("POST", ORDERS, b"", &sign.headers()));
                }
                for wire in &mut wires {
                    told.push(
                        wire.answer()
                            .map_or_else(|| "closed".to_owned(), |answer| answer.text()),
                    );
                }
            }
            Ok(alike(told))
        },
    ),
];

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// So many connections of one address. The first answers, so all before them were taken.
fn hold(arena: &Arena, origin: std::net::Ipv4Addr, count: usize) -> Outcome<Vec<Wire>> {
    (0..count)
        .map(|_| Wire::connect(arena.guarded, origin, false))
        .collect()
}

/// What a new connection is answered, once the exchange has noticed that others have left.
fn settle(arena: &Arena) -> Outcome<String> {
    for _ in 0..200 {
        match arena.ask(HEALTH)? {
            told if told.starts_with("503") => std::thread::sleep(std::time::Duration::from_millis(20)),
            told => return Ok(told),
        }
    }
    Ok("503 all the while".to_owned())
}

fn next_pong(socket: &mut Socket) -> Option<Vec<u8>> {
    loop {
        let frame = socket.next()?;
        if frame.first == FIN | PONG {
            return Some(frame.payload);
        }
    }
}
