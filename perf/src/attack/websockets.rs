//! Handshakes and frames that break the protocol.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::arena::{Arena, SESSION, alike, handshake};
use super::socket::{BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, RSV1, TEXT, announce, frame};
use super::table::{Attack, line};
use crate::failure::{Context, Outcome};

const CANCEL_ALL: &str = r#"{"id":1,"op":"cancel_all"}"#;
const DEFLATE: &str = "Sec-WebSocket-Extensions: permessage-deflate\r\n";

/// The attacks, on sessions that are let in.
pub const TABLE: &[Attack] = &[
    line("a frame without a mask", "a message, a ping, a close", "close 1002", |arena| {
        arena.sessions("", [TEXT, PING, CLOSE].map(|opcode| vec![FIN | opcode, 2, 3, 232]))
    }),
    line("a reserved bit", "RSV1 without compression, RSV2, RSV3, on a message, a ping and a continuation", "close 1002", |arena| {
        let firsts = [FIN | RSV1 | TEXT, FIN | 0x20 | TEXT, FIN | 0x10 | BINARY, FIN | RSV1 | PING, 0x20 | CONTINUATION];
        arena.sessions("", firsts.map(|first| frame(first, b"x")))
    }),
    line("a reserved opcode", "3 to 7 and 11 to 15", "close 1002", |arena| {
        arena.sessions("", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map(|opcode| frame(FIN | opcode, b"x")))
    }),
    line("a control frame in pieces", "a ping, a pong and a close without the final bit", "close 1002", |arena| {
        arena.sessions("", [PING, PONG, CLOSE].map(|opcode| frame(opcode, b"")))
    }),
    line("a long control frame", "a ping, a pong and a close of 126 bytes, and one that announces 2^40", "close 1002", |arena| {
        let long = [PING, PONG, CLOSE].map(|opcode| frame(FIN | opcode, &[3; 126]));
        arena.sessions("", long.into_iter().chain([announce(FIN | PING, 1 << 40)]))
    }),
    line("a giant frame", "headers that announce 64 KiB and one, 2^32, 2^62", "close 1009", |arena| {
        arena.sessions("", [65_537, 1 << 32, 1 << 62].map(|length| announce(FIN | TEXT, length)))
    }),
    line("a length with its highest bit", "2^63, 2^64 - 1", "close 1002 or 1009", |arena| {
        let told = arena.sessions("", [1 << 63, u64::MAX].map(|length| announce(FIN | TEXT, length)))?;
        let refused = |one: &str| matches!(one, "close 1002" | "close 1009");
        Ok(if told.split(" | ").all(refused) { "close 1002 or 1009".to_owned() } else { told })
    }),
    line("a length that is not the shortest", "5 in 16 bits and in 64", "close 1002", |arena| {
        arena.sessions("", [vec![FIN | TEXT, 0x80 | 126, 0, 5, 0, 0, 0, 0], vec![FIN | TEXT, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0]])
    }),
    line("a continuation of nothing", "a continuation first, and behind a whole message", "close 1002", |arena| {
        let behind = [frame(FIN | TEXT, CANCEL_ALL.as_bytes()), frame(FIN | CONTINUATION, b"x")].concat();
        let mut socket = arena.session("")?;
        socket.wire.send(behind);
        let mut told = socket.told();
        if told == "reply" {
            told = socket.told();
        }
        Ok(alike(vec![arena.sessions("", [frame(FIN | CONTINUATION, b"x")])?, told]))
    }),
    line("a message within a message", "a text frame while another is in pieces", "close 1002", |arena| {
        arena.sessions("", [[frame(TEXT, b"{"), frame(FIN | TEXT, b"}")].concat()])
    }),
    line("endless fragments", "a message in pieces of one byte that never ends", "close 1009", |arena| {
        let mut socket = arena.session("")?;
        let pieces = frame(CONTINUATION, b" ").repeat(1_000);
        socket.wire.send(frame(TEXT, b" "));
        for _ in 0..70 {
            socket.wire.send(&pieces);
        }
        Ok(socket.told())
    }),
    line("endless empty fragments", "100,000 pieces without a byte, then the message", "reply", |arena| {
        let mut socket = arena.session("")?;
        let pieces = frame(CONTINUATION, b"").repeat(1_000);
        socket.wire.send(frame(TEXT, b""));
        for _ in 0..100 {
            socket.wire.send(&pieces);
        }
        socket.wire.send(frame(FIN | CONTINUATION, CANCEL_ALL.as_bytes()));
        Ok(socket.told())
    }),
    line("text that is no UTF-8", "0xff, a cut sequence, a surrogate, in one frame and across two, and in a close", "close 1007", |arena| {
        arena.sessions("", [
            frame(FIN | TEXT, b"\xff"), frame(FIN | TEXT, b"\xe2\x82"), frame(FIN | TEXT, b"\xed\xa0\x80"),
            [frame(TEXT, b"\xe2\x82"), frame(FIN | CONTINUATION, b"x")].concat(), frame(FIN | CLOSE, b"\x03\xe8\xff"),
        ])
    }),
    line("a close with a code that nobody may send", "0, 999, 1004, 1005, 1006, 1015, 2999, 65535, and one byte of a code", "close 1002", |arena| {
        let codes = [0, 999, 1004, 1005, 1006, 1015, 2999, 65_535u16].map(|code| frame(FIN | CLOSE, &code.to_be_bytes()));
        arena.sessions("", codes.into_iter().chain([frame(FIN | CLOSE, &[3])]))
    }),
    line("a message behind a close", "a good close, then an order", "close 1000", |arena| {
        arena.sessions("", [[frame(FIN | CLOSE, &1000u16.to_be_bytes()), frame(FIN | TEXT, CANCEL_ALL.as_bytes())].concat()])
    }),
    line("a binary message", "an order's bytes as a binary message on a session in JSON", "close 1003", |arena| {
        arena.sessions("", [frame(FIN | BINARY, CANCEL_ALL.as_bytes())])
    }),
    line("a compression bomb", "64 MiB of zeros in 64 KiB, as a text message", "close 1009", |arena| {
        let bomb = deflate(&vec![0; 64 << 20])?;
        arena.sessions(DEFLATE, [frame(FIN | RSV1 | TEXT, &bomb)])
    }),
    line("a compression bomb in pieces", "the same in frames of 1 KiB", "close 1009", |arena| {
        let bomb = deflate(&vec![b' '; 64 << 20])?;
        let mut bytes = Vec::new();
        for (number, piece) in bomb.chunks(1 << 10).enumerate() {
            bytes.extend(frame(if number == 0 { RSV1 | TEXT } else { CONTINUATION }, piece));
        }
        bytes.extend(frame(FIN | CONTINUATION, b""));
        arena.sessions(DEFLATE, [bytes])
    }),
    line("what is no deflate stream", "letters, a cut stream, a window that is not there", "close 1007", |arena| {
        let good = deflate(CANCEL_ALL.as_bytes())?;
        let bad: [&[u8]; 3] = [b"letters", &good[..good.len() / 2], &[0x62, 0x04, 0x22, 0x00, 0xff]];
        arena.sessions(DEFLATE, bad.map(|bytes| frame(FIN | RSV1 | TEXT, bytes)))
    }),
    line("compression that is not taken", "unknown or repeated parameters, windows of 7, 16 or text", "101, uncompressed", |arena| {
        let offers = ["server_max_window_bits=7", "server_max_window_bits=16", "client_max_window_bits=ten", "server_no_context_takeover; server_no_context_takeover", "x=y"];
        let mut told = Vec::new();
        for offer in offers {
            let mut wire = arena.connect()?;
            let own = arena.keys.trader.sign("GET", SESSION, b"").headers();
            wire.send(handshake(SESSION, &format!("{own}Sec-WebSocket-Extensions: permessage-deflate; {offer}\r\n")));
            told.push(wire.answer().map_or_else(|| "closed".to_owned(), |answer| match answer.header("sec-websocket-extensions") {
                None => format!("{}, uncompressed", answer.text()),
                Some(agreed) => agreed.to_owned(),
            }));
        }
        Ok(alike(told))
    }),
    line("a handshake of another version", "Sec-WebSocket-Version: 8, 12, 14, none, two of them", "426 upgrade_required", |arena| {
        let versions = ["Sec-WebSocket-Version: 8\r\n", "Sec-WebSocket-Version: 12\r\n", "Sec-WebSocket-Version: 14\r\n", "", "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13\r\n"];
        changed(arena, versions.map(|version| ("Sec-WebSocket-Version: 13\r\n", version.to_owned())))
    }),
    line("a handshake with a wrong key", "none, an empty one, 15 bytes, 17 bytes, no base64, unused bits set, two of them", "400 bad_handshake", |arena| {
        let good = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        let keys = ["", "Sec-WebSocket-Key: \r\n", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j\r\n", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZWU=\r\n", "Sec-WebSocket-Key: !!hlIHNhbXBsZSBub25jZQ==\r\n", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR==\r\n"];
        changed(arena, keys.map(str::to_owned).into_iter().chain([good.repeat(2)]).map(|key| (good, key)))
    }),
    line("a handshake without Connection: Upgrade", "none, `keep-alive`, `close`", "400 bad_handshake", |arena| {
        let told = changed(arena, ["", "Connection: keep-alive\r\n", "Connection: close\r\n"].map(|line| ("Connection: Upgrade\r\n", line.to_owned())))?;
        Ok(told.replace(", closed", ""))
    }),
    line("a handshake by POST", "and by PUT and DELETE", "405 method_not_allowed", |arena| {
        changed(arena, ["POST ", "PUT ", "DELETE "].map(|method| ("GET ", method.to_owned())))
    }),
    line("a handshake by HTTP/1.0", "otherwise a good one", "400 bad_handshake, closed", |arena| changed(arena, [("HTTP/1.1", "HTTP/1.0".to_owned())])),
    line("a path that is no WebSocket's", "a good handshake for `/healthz`", "200", |arena| arena.ask(handshake("/healthz", ""))),
    line("no handshake for a WebSocket's path", "a plain GET of `/ws/orders`, signed", "426 upgrade_required", |arena| {
        arena.ask(super::arena::signed(&arena.keys.trader, "GET", SESSION, b"", ""))
    }),
    line("a subprotocol that is malformed", "twice the same, a bracket, an empty one", "400 bad_handshake", |arena| {
        let names = ["hoga.json, hoga.json", "hoga[", "hoga.json,,@"];
        let mut told = Vec::new();
        for name in names {
            let own = arena.keys.trader.sign("GET", SESSION, b"").headers();
            told.push(arena.ask(handshake(SESSION, &format!("{own}Sec-WebSocket-Protocol: {name}\r\n")))?);
        }
        Ok(alike(told))
    }),
    line("frames before the handshake is answered", "a handshake and 1,000 requests in one write", "1000 replies", |arena| {
        let own = arena.keys.trader.sign("GET", SESSION, b"").headers();
        let mut bytes = handshake(SESSION, &own).into_bytes();
        bytes.extend(frame(FIN | TEXT, CANCEL_ALL.as_bytes()).repeat(1_000));
        let mut wire = arena.connect()?;
        wire.send(bytes);
        if wire.answer().is_none_or(|answer| answer.status != 101) {
            return Ok("no handshake".to_owned());
        }
        let mut socket = super::socket::Socket { wire, pinged: 0 };
        let mut replies = 0;
        while replies < 1_000 {
            match socket.told().as_str() {
                "reply" => replies += 1,
                told => return Ok(format!("{told} behind {replies} replies")),
            }
        }
        Ok(format!("{replies} replies"))
    }),
    line("a request behind a handshake", "HTTP on a connection that has become a WebSocket", "close 1002", |arena| {
        arena.sessions("", ["GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"])
    }),
    line("a message on the stream of executions", "64 KiB of text to `/ws/executions`, then a ping", "pong", |arena| {
        let target = "/ws/executions";
        let own = arena.keys.reader.sign("GET", target, b"").headers();
        let mut socket = match arena.socket(target, &own)? {
            Ok(socket) => socket,
            Err(told) => return Ok(told),
        };
        socket.say(&"x".repeat(65_536));
        socket.wire.send(frame(FIN | PING, b"here"));
        Ok(socket.told())
    }),
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

/// A message as permessage-deflate has it (RFC 7692 §7.2.1): a raw stream without the end of its last, empty block.
fn deflate(bytes: &[u8]) -> Outcome<Vec<u8>> {
    let what = || "deflate".to_owned();
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).context(what)?;
    encoder.flush().context(what)?;
    let mut stream = encoder.get_ref().clone();
    stream.truncate(stream.len().saturating_sub(4));
    Ok(stream)
}
