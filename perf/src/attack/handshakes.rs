//! Handshakes that break the protocol.

use super::arena::{Arena, CANCEL_ALL, SESSION, alike, handshake, signed};
use super::socket::{FIN, Socket, TEXT, frame};
use super::table::{Attack, line};
use crate::failure::Outcome;

/// The attacks.
pub const TABLE: &[Attack] = &[
    line(
        "compression that is not taken",
        "unknown or repeated parameters, windows of 7, 16 or text",
        "101, uncompressed",
        |arena| {
            let offers = [
                "server_max_window_bits=7",
                "server_max_window_bits=16",
                "client_max_window_bits=ten",
                "server_no_context_takeover; server_no_context_takeover",
                "x=y",
            ];
            let mut told = Vec::new();
            for offer in offers {
                let mut wire = arena.connect()?;
                let own = arena.keys.trader.sign("GET", SESSION, b"").headers();
                wire.send(handshake(
                    SESSION,
                    &format!("{own}Sec-WebSocket-Extensions: permessage-deflate; {offer}\r\n"),
                ));
                told.push(wire.answer().map_or_else(
                    || "closed".to_owned(),
                    |answer| match answer.header("sec-websocket-extensions") {
                        None => format!("{}, uncompressed", answer.text()),
                        Some(agreed) => agreed.to_owned(),
                    },
                ));
            }
            Ok(alike(told))
        },
    ),
    line(
        "a handshake of another version",
        "Sec-WebSocket-Version: 8, 12, 14, none, two of them",
        "426 upgrade_required",
        |arena| {
            let versions = [
                "Sec-WebSocket-Version: 8\r\n",
                "Sec-WebSocket-Version: 12\r\n",
                "Sec-WebSocket-Version: 14\r\n",
                "",
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13\r\n",
            ];
            changed(
                arena,
                versions.map(|version| ("Sec-WebSocket-Version: 13\r\n", version.to_owned())),
            )
        },
    ),
    line(
        "a handshake with a wrong key",
        "none, an empty one, 15 bytes, 17 bytes, no base64, unused bits set, two of them",
        "400 bad_handshake",
        |arena| {
            let good = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
            let keys = [
                "",
                "Sec-WebSocket-Key: \r\n",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j\r\n",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZWU=\r\n",
                "Sec-WebSocket-Key: !!hlIHNhbXBsZSBub25jZQ==\r\n",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR==\r\n",
            ];
            changed(
                arena,
                keys.map(str::to_owned)
                    .into_iter()
                    .chain([good.repeat(2)])
                    .map(|key| (good, key)),
            )
        },
    ),
    line(
        "a handshake without Connection: Upgrade",
        "none, and `keep-alive`",
        "400 bad_handshake",
        |arena| {
            changed(
                arena,
                ["", "Connection: keep-alive\r\n"].map(|line| ("Connection: Upgrade\r\n", line.to_owned())),
            )
        },
    ),
    line(
        "a handshake by POST",
        "and by PUT and DELETE",
        "405 method_not_allowed",
        |arena| {
            changed(
                arena,
                ["POST ", "PUT ", "DELETE "].map(|method| ("GET ", method.to_owned())),
            )
        },
    ),
    line(
        "a handshake by HTTP/1.0",
        "otherwise a good one",
        "400 bad_handshake, closed",
        |arena| changed(arena, [("HTTP/1.1", "HTTP/1.0".to_owned())]),
    ),
    line(
        "a path that is no WebSocket's",
        "a good handshake for `/healthz`",
        "200",
        |arena| arena.ask(handshake("/healthz", "")),
    ),
    line(
        "no handshake for a WebSocket's path",
        "a plain GET of `/ws/orders`, signed",
        "426 upgrade_required",
        |arena| arena.ask(signed(&arena.keys.trader, "GET", SESSION, b"", "")),
    ),
    line(
        "a subprotocol that is malformed",
        "twice the same, a bracket, an empty one",
        "400 bad_handshake",
        |arena| {
            let names = ["hoga.json, hoga.json", "hoga[", "hoga.json,,@"];
            let mut told = Vec::new();
            for name in names {
                let own = arena.keys.trader.sign("GET", SESSION, b"").headers();
                told.push(arena.ask(handshake(
                    SESSION,
                    &format!("{own}Sec-WebSocket-Protocol: {name}\r\n"),
                ))?);
            }
            Ok(alike(told))
        },
    ),
    line(
        "frames before the handshake is answered",
        "a handshake and 1,000 requests in one write",
        "1000 replies",
        |arena| {
            let own = arena.keys.trader.sign("GET", SESSION, b"").headers();
            let mut bytes = handshake(SESSION, &own).into_bytes();
            bytes.extend(frame(FIN | TEXT, CANCEL_ALL.as_bytes()).repeat(1_000));
            let mut wire = arena.connect()?;
            wire.send(bytes);
            if wire.answer().is_none_or(|answer| answer.status != 101) {
                return Ok("no handshake".to_owned());
            }
            let mut socket = Socket { wire, pinged: 0 };
            let mut replies = 0;
            while replies < 1_000 {
                match socket.told().as_str() {
                    "reply" => replies += 1,
                    told => return Ok(format!("{told} behind {replies} replies")),
                }
            }
            Ok(format!("{replies} replies"))
        },
    ),
    line(
        "a request behind a handshake",
        "HTTP on a connection that has become a WebSocket",
        "close 1002",
        |arena| arena.sessions("", ["GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"]),
    ),
];

/// A handshake for order entry, signed, in which something was replaced, for each of these.
fn changed(arena: &Arena, changes: impl IntoIterator<Item = (&'static str, String)>) -> Outcome<String> {
    let mut told = Vec::new();
    for (good, bad) in changes {
        let own = arena.keys.trader.sign("GET", SESSION, b"").headers();
        told.push(arena.ask(handshake(SESSION, &own).replacen(good, &bad, 1))?);
    }
    Ok(alike(told))
}
