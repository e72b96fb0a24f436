//! Clients that take their time, or do not read.

use std::time::Duration;

use super::arena::{Arena, CANCEL_ALL, ORDER, ORDERS, SESSION, handshake, signed};
use super::socket::{CLOSE, FIN, PING, Socket, TEXT, announce, frame};
use super::table::{Attack, line};
use super::wire::Wire;
use crate::failure::Outcome;

/// Between two bytes of those who take their time.
const STEP: Duration = Duration::from_millis(20);
/// The most steps that anybody takes, far more than any of the times set is long.
const STEPS: usize = 1_000;
/// By when a connection that is to be given up is gone.
const PATIENCE: Duration = Duration::from_secs(15);

/// The attacks.
pub const TABLE: &[Attack] = &[
    line("a connection without a byte", "nothing", "closed", |arena| {
        silent(arena, b"")
    }),
    line(
        "a connection that idles behind a request",
        "one request, then nothing",
        "200, then closed",
        |arena| {
            let mut wire = arena.connect()?;
            wire.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
            let first = wire
                .answer()
                .map_or_else(|| "closed".to_owned(), |answer| answer.text());
            Ok(format!(
                "{first}, then {}",
                if wire.ends_within(PATIENCE) {
                    "closed"
                } else {
                    "nothing"
                }
            ))
        },
    ),
    line(
        "half a head",
        "a request line, then nothing",
        "408 request_timeout, closed",
        |arena| silent(arena, b"GET /healthz HTTP/1.1\r\nHost: loc"),
    ),
    line(
        "a head byte by byte",
        "a header that grows by a byte each 20 ms",
        "408 request_timeout, closed",
        |arena| {
            let mut wire = arena.connect()?;
            wire.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ");
            drip(&mut wire);
            Ok(wire.told())
        },
    ),
    line(
        "empty lines one by one",
        "CR LF each 20 ms, and never a request",
        "408 request_timeout, closed",
        |arena| {
            let mut wire = arena.connect()?;
            for _ in 0..STEPS {
                wire.send("\r\n");
                if wire.is_told_within(STEP) {
                    break;
                }
            }
            Ok(wire.told())
        },
    ),
    line(
        "half a body",
        "the half of what was announced, then nothing",
        "408 request_timeout, closed",
        |arena| {
            let mut bytes = signed(&arena.keys.trader, "POST", ORDERS, ORDER.as_bytes(), "");
            bytes.truncate(bytes.len() - ORDER.len() / 2);
            silent(arena, &bytes)
        },
    ),
    line(
        "a body byte by byte",
        "60,000 bytes, one each 20 ms",
        "408 request_timeout, closed",
        |arena| {
            let mut wire = arena.connect()?;
            wire.send("POST /api/v1/orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n");
            drip(&mut wire);
            Ok(wire.told())
        },
    ),
    line(
        "an expectation without a body",
        "`Expect: 100-continue`, then nothing",
        "100, then 408 request_timeout, closed",
        |arena| {
            let mut wire = arena.connect()?;
            wire.send("POST /api/v1/orders HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
            let first = wire
                .answer()
                .map_or_else(|| "closed".to_owned(), |answer| answer.text());
            Ok(format!("{first}, then {}", wire.told()))
        },
    ),
    line(
        "half a handshake",
        "a WebSocket's handshake without its last line",
        "408 request_timeout, closed",
        |arena| {
            let bytes = handshake(SESSION, "");
            silent(arena, &bytes.as_bytes()[..bytes.len() - 2])
        },
    ),
    line(
        "half a frame",
        "the header of a frame, then nothing, not even pongs",
        "close 1011",
        |arena| {
            let mut socket = arena.session("")?;
            socket.wire.send(announce(FIN | TEXT, 100));
            Ok(mute(&mut socket))
        },
    ),
    line(
        "a frame byte by byte",
        "a request whose bytes come one each 20 ms",
        "reply",
        |arena| {
            let mut socket = arena.session("")?;
            for byte in frame(FIN | TEXT, CANCEL_ALL.as_bytes()) {
                socket.wire.send([byte]);
                std::thread::sleep(STEP);
            }
            Ok(socket.told())
        },
    ),
    line(
        "a socket that answers no ping",
        "nothing, not even pongs",
        "close 1011",
        |arena| Ok(mute(&mut arena.session("")?)),
    ),
    line(
        "a socket that answers no close",
        "bytes that break the protocol, then nothing",
        "given up",
        |arena| {
            let mut socket = arena.session("")?;
            socket.wire.send([0xff; 2]);
            let _ = socket.any();
            Ok(if socket.wire.ends_within(PATIENCE) {
                "given up"
            } else {
                "kept"
            }
            .to_owned())
        },
    ),
    line(
        "a reader that stops, over HTTP",
        "requests for the page, as many as are taken, and nothing is read",
        "given up",
        |arena| {
            let mut wire = Wire::connect(arena.guarded, arena.origin(), true)?;
            wire.press(
                &b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1_000),
                8 << 20,
            );
            abandoned(&mut wire)
        },
    ),
    line(
        "a reader that stops, of pongs",
        "pings, as many as are taken, and nothing is read",
        "given up",
        |arena| {
            let wire = Wire::connect(arena.guarded, arena.origin(), true)?;
            let own = arena.keys.trader.sign("GET", SESSION, b"").headers();
            match Socket::open(wire, &handshake(SESSION, &own)) {
                Err(told) => Ok(told),
                Ok(mut socket) => {
                    socket
                        .wire
                        .press(&frame(FIN | PING, &[7; 100]).repeat(100), 64 << 20);
                    abandoned(&mut socket.wire)
                }
            }
        },
    ),
    line(
        "a reader that stops, of replies",
        "requests, as many as are taken, and nothing is read",
        "given up",
        |arena| {
            let wire = Wire::connect(arena.guarded, arena.origin(), true)?;
            let own = arena.keys.trader.sign("GET", SESSION, b"").headers();
            match Socket::open(wire, &handshake(SESSION, &own)) {
                Err(told) => Ok(told),
                Ok(mut socket) => {
                    socket.wire.press(
                        &frame(
                            FIN | TEXT,
                            br#"{"id":"0123456789012345678901234567890123456789","op":"withdraw"}"#,
                        )
                        .repeat(100),
                        64 << 20,
                    );
                    abandoned(&mut socket.wire)
                }
            }
        },
    ),
    line(
        "who sends behind the end",
        "a bad request, and then bytes without end",
        "400 bad_http, then given up",
        |arena| {
            let mut wire = arena.connect()?;
            wire.send("\0\r\n\r\n");
            let first = wire
                .answer()
                .map_or_else(|| "closed".to_owned(), |answer| answer.text());
            let mut steps = 0;
            while steps < STEPS && wire.send([7; 100]) {
                std::thread::sleep(STEP);
                steps += 1;
            }
            Ok(format!(
                "{first}, then {}",
                if steps < STEPS { "given up" } else { "kept" }
            ))
        },
    ),
];

/// What is answered to who sends this and nothing more.
fn silent(arena: &Arena, bytes: &[u8]) -> Outcome<String> {
    let mut wire = arena.connect()?;
    wire.send(bytes);
    Ok(wire.told())
}

/// Sends a byte at a time until something is answered.
fn drip(wire: &mut Wire) {
    for _ in 0..STEPS {
        wire.send("x");
        if wire.is_told_within(STEP) {
            return;
        }
    }
}

/// How the exchange ends a socket that answers no ping.
fn mute(socket: &mut Socket) -> String {
    for _ in 0..100 {
        match socket.any() {
            Some(frame) if frame.first == FIN | PING => {}
            Some(frame) if frame.first & 0x0f == CLOSE => {
                let code = frame
                    .payload
                    .get(..2)
                    .map(|code| u16::from(code[0]) << 8 | u16::from(code[1]));
                return format!("close {}", code.unwrap_or_default());
            }
            Some(_) => {}
            None => return "ended without a close".to_owned(),
        }
    }
    "kept".to_owned()
}

/// Whether the exchange gives up who does not read: it resets the connection, which a write then tells.
fn abandoned(wire: &mut Wire) -> Outcome<String> {
    for _ in 0..STEPS {
        std::thread::sleep(STEP);
        if wire.is_reset() {
            return Ok("given up".to_owned());
        }
    }
    Ok("kept".to_owned())
}
