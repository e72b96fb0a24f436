//! WebSockets whose first message does not say who they are.

use std::time::Duration;

use super::arena::{Arena, CANCEL_ALL, ORDER, SESSION, alike, now_ms};
use super::socket::{BINARY, CONTINUATION, FIN, PING, Socket, TEXT, announce, frame};
use super::table::{Attack, line};
use crate::failure::{Failure, Outcome};

/// The attacks.
pub const TABLE: &[Attack] = &[
    line(
        "no first message",
        "nothing",
        "close 4003 unauthenticated",
        |arena| Ok(begin(arena, SESSION)?.told()),
    ),
    line(
        "only pings before the auth",
        "a ping each 100 ms",
        "pongs, then close 4003 unauthenticated",
        |arena| {
            let mut socket = begin(arena, SESSION)?;
            let mut pongs = 0;
            loop {
                socket.wire.send(frame(FIN | PING, b"here"));
                match socket.told().as_str() {
                    "pong" => pongs += 1,
                    told => {
                        return Ok(format!(
                            "{}, then {told}",
                            if pongs > 0 { "pongs" } else { "none" }
                        ));
                    }
                }
                std::thread::sleep(Duration::from_millis(100));
            }
        },
    ),
    line(
        "a first message that never ends",
        "a message of 1,000 bytes, one each 50 ms",
        "close 4003 unauthenticated",
        |arena| {
            let mut socket = begin(arena, SESSION)?;
            for byte in frame(FIN | TEXT, &[b' '; 1_000]) {
                socket.wire.send([byte]);
                if socket.wire.is_told_within(Duration::from_millis(50)) {
                    break;
                }
            }
            Ok(socket.told())
        },
    ),
    line(
        "a binary first message",
        "the auth as a binary message",
        "close 4003 unauthenticated",
        |arena| {
            let auth = arena.keys.trader.sign("GET", SESSION, b"").message();
            first(arena, [frame(FIN | BINARY, auth.as_bytes())])
        },
    ),
    line(
        "a long auth",
        "a good one with 64 KiB of spaces in it",
        "close 4003 unauthenticated",
        |arena| {
            let mut auth = arena.keys.trader.sign("GET", SESSION, b"").message();
            auth.insert_str(1, &" ".repeat(65_536 - auth.len()));
            first(arena, [frame(FIN | TEXT, auth.as_bytes())])
        },
    ),
    line(
        "an auth longer than any message",
        "a frame that announces 64 KiB and a byte",
        "close 1009",
        |arena| first(arena, [announce(FIN | TEXT, 65_537)]),
    ),
    line(
        "an order before the auth",
        "`place`, `cancel_all` or `cancel_on_disconnect` first",
        "close 4003 unauthenticated",
        |arena| {
            let place = format!(r#"{{"id":1,"op":"place",{}"#, &ORDER[1..]);
            let texts = [
                &place,
                CANCEL_ALL,
                r#"{"id":1,"op":"cancel_on_disconnect","on":true}"#,
            ];
            first(arena, texts.map(|text| frame(FIN | TEXT, text.as_bytes())))
        },
    ),
    line(
        "an order right behind a bad auth",
        "both in one write",
        "close 4003 bad_signature",
        |arena| {
            let mut sign = arena.keys.trader.sign("GET", SESSION, b"");
            sign.signature[0] ^= 1;
            let mut bytes = frame(FIN | TEXT, sign.message().as_bytes());
            bytes.extend(frame(
                FIN | TEXT,
                format!(r#"{{"id":1,"op":"place",{}"#, &ORDER[1..]).as_bytes(),
            ));
            first(arena, [bytes])
        },
    ),
    line(
        "an auth that is no JSON",
        "letters, a cut auth, an array of one, two of them",
        "close 4003",
        |arena| {
            let auth = arena.keys.trader.sign("GET", SESSION, b"").message();
            let texts = [
                "auth".to_owned(),
                auth[..auth.len() - 1].to_owned(),
                format!("[{auth}]"),
                format!("{auth}{auth}"),
            ];
            let told = first(arena, texts.map(|text| frame(FIN | TEXT, text.as_bytes())))?;
            let closed = told.split("; ").all(|one| {
                matches!(
                    one,
                    "close 4003 invalid_json" | "close 4003 invalid_field" | "close 4003 unauthenticated"
                )
            });
            Ok(if closed { "close 4003".to_owned() } else { told })
        },
    ),
    line(
        "a field given twice",
        "the signature, the key or the timestamp twice",
        "close 4003 duplicate_field",
        |arena| {
            let fields = [r#""key":"a","#, r#""timestamp":1,"#, r#""signature":"","#];
            first(
                arena,
                fields.map(|field| {
                    let auth = arena.keys.trader.sign("GET", SESSION, b"").message();
                    frame(FIN | TEXT, format!("{{{field}{}", &auth[1..]).as_bytes())
                }),
            )
        },
    ),
    line(
        "a field too many",
        "an `account` in the auth",
        "close 4003 unknown_field",
        |arena| {
            let auth = arena.keys.trader.sign("GET", SESSION, b"").message();
            first(
                arena,
                [frame(
                    FIN | TEXT,
                    format!(r#"{{"account":"other",{}"#, &auth[1..]).as_bytes(),
                )],
            )
        },
    ),
    line(
        "an auth with a wrong signature",
        "one bit turned round",
        "close 4003 bad_signature",
        |arena| {
            let mut sign = arena.keys.trader.sign("GET", SESSION, b"");
            sign.signature[50] ^= 4;
            first(arena, [frame(FIN | TEXT, sign.message().as_bytes())])
        },
    ),
    line(
        "an auth for another socket",
        "signed over another path, query, method or body",
        "close 4003 bad_signature",
        |arena| {
            let keys = &arena.keys;
            let signs = [
                keys.trader.sign("GET", "/ws/executions", b""),
                keys.trader.sign("GET", "/ws/orders?account=other", b""),
                keys.trader.sign("POST", SESSION, b""),
                keys.trader.sign("GET", SESSION, b"{}"),
            ];
            first(
                arena,
                signs.map(|sign| frame(FIN | TEXT, sign.message().as_bytes())),
            )
        },
    ),
    line(
        "a stale auth",
        "of a minute ago, and of in a minute",
        "close 4003 stale_timestamp",
        |arena| {
            let times = [now_ms() - 60_000, now_ms() + 60_000];
            first(
                arena,
                times.map(|time| {
                    frame(
                        FIN | TEXT,
                        arena
                            .keys
                            .trader
                            .sign_at(time, "GET", SESSION, b"")
                            .message()
                            .as_bytes(),
                    )
                }),
            )
        },
    ),
    line(
        "a replayed auth",
        "one that let another socket in, by its first message or by its headers",
        "close 4003 replayed",
        |arena| {
            let by_message = arena.keys.trader.sign("GET", SESSION, b"");
            let mut socket = begin(arena, SESSION)?;
            socket.say(&by_message.message());
            socket.say(CANCEL_ALL);
            if socket.told() != "reply" {
                return Ok("the first was not let in".to_owned());
            }
            let by_headers = arena.keys.trader.sign("GET", SESSION, b"");
            if let Err(told) = arena.socket(SESSION, &by_headers.headers())? {
                return Ok(told);
            }
            first(
                arena,
                [by_message, by_headers].map(|sign| frame(FIN | TEXT, sign.message().as_bytes())),
            )
        },
    ),
    line(
        "a truncated auth signature",
        "its first 0, 44 and 87 characters",
        "close 4003 unauthenticated",
        |arena| {
            first(
                arena,
                [0, 44, 87].map(|length| {
                    let sign = arena.keys.trader.sign("GET", SESSION, b"");
                    let text = sign.base64();
                    frame(
                        FIN | TEXT,
                        sign.message().replace(&text, &text[..length]).as_bytes(),
                    )
                }),
            )
        },
    ),
    line(
        "an auth with a strange timestamp",
        "-1, 1.5, 1e12, null, true, a list, 16 digits",
        "close 4003",
        |arena| {
            let times = ["-1", "1.5", "1e12", "null", "true", "[1]", "1000000000000000"];
            let told = first(
                arena,
                times.map(|time| {
                    let sign = arena.keys.trader.sign("GET", SESSION, b"");
                    frame(
                        FIN | TEXT,
                        sign.message().replace(&sign.timestamp, time).as_bytes(),
                    )
                }),
            )?;
            let closed = told
                .split("; ")
                .all(|one| matches!(one, "close 4003 unauthenticated" | "close 4003 missing_field"));
            Ok(if closed { "close 4003".to_owned() } else { told })
        },
    ),
    line(
        "an auth of an unknown key",
        "a good signature by a key that is registered nowhere",
        "close 4003 bad_signature",
        |arena| {
            first(
                arena,
                [frame(
                    FIN | TEXT,
                    arena.keys.unknown.sign("GET", SESSION, b"").message().as_bytes(),
                )],
            )
        },
    ),
    line(
        "an auth of an ended key",
        "a good signature by a key that was revoked, and by one that has expired",
        "close 4003 unauthenticated",
        |arena| {
            let keys = &arena.keys;
            first(
                arena,
                [&keys.revoked, &keys.expired]
                    .map(|key| frame(FIN | TEXT, key.sign("GET", SESSION, b"").message().as_bytes())),
            )
        },
    ),
    line(
        "an auth for what the key may not do",
        "order entry by a key with `read` or `admin`",
        "close 4003 forbidden",
        |arena| {
            let keys = &arena.keys;
            first(
                arena,
                [&keys.reader, &keys.operator]
                    .map(|key| frame(FIN | TEXT, key.sign("GET", SESSION, b"").message().as_bytes())),
            )
        },
    ),
    line(
        "an auth for another's account",
        "a handshake for `?account=other`, signed by the trader",
        "close 4003 forbidden",
        |arena| {
            let target = "/ws/orders?account=other";
            let mut socket = begin(arena, target)?;
            socket.say(&arena.keys.trader.sign("GET", target, b"").message());
            Ok(socket.told())
        },
    ),
    line(
        "headers for what the key may not do",
        "the same two, with signed headers",
        "403 forbidden",
        |arena| {
            let target = "/ws/orders?account=other";
            let other = arena.socket(target, &arena.keys.trader.sign("GET", target, b"").headers())?;
            let reader = arena.socket(SESSION, &arena.keys.reader.sign("GET", SESSION, b"").headers())?;
            Ok(alike(
                [other, reader]
                    .map(|opened| opened.err().unwrap_or_else(|| "101".to_owned()))
                    .into(),
            ))
        },
    ),
    line(
        "an auth in pieces",
        "one byte to a frame, and pings between them",
        "reply",
        |arena| {
            let auth = arena.keys.trader.sign("GET", SESSION, b"").message();
            let mut socket = begin(arena, SESSION)?;
            let (last, bytes) = auth.as_bytes().split_last().unwrap_or((&0, &[]));
            let mut sent = frame(TEXT, b"");
            for byte in bytes {
                sent.extend(frame(CONTINUATION, &[*byte]));
            }
            sent.extend(frame(FIN | CONTINUATION, &[*last]));
            socket.wire.send(sent);
            socket.say(CANCEL_ALL);
            Ok(socket.told())
        },
    ),
    line(
        "a second auth",
        "the auth of another account behind a good one",
        "reply invalid_field",
        |arena| {
            let mut socket = begin(arena, SESSION)?;
            socket.say(&arena.keys.trader.sign("GET", SESSION, b"").message());
            let auth = arena.keys.other.sign("GET", SESSION, b"").message();
            socket.say(&format!(r#"{{"id":1,{}"#, &auth[1..]));
            Ok(socket.told())
        },
    ),
];

/// A WebSocket whose handshake had no credentials.
fn begin(arena: &Arena, target: &str) -> Outcome<Socket> {
    arena
        .socket(target, "")?
        .map_err(|told| Failure::new(format!("a handshake without credentials was answered {told}")))
}

/// What each of these leads to as the first that a socket sends.
fn first<T: AsRef<[u8]>>(arena: &Arena, all: impl IntoIterator<Item = T>) -> Outcome<String> {
    let mut answers = Vec::new();
    for bytes in all {
        let mut socket = begin(arena, SESSION)?;
        socket.wire.send(bytes);
        answers.push(socket.told());
    }
    Ok(alike(answers))
}
