//! Frames that break the protocol, and messages that are too much.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::arena::{CANCEL_ALL, alike};
use super::socket::{BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, RSV1, TEXT, announce, frame};
use super::table::{Attack, line};
use crate::failure::{Context, Outcome};

const DEFLATE: &str = "Sec-WebSocket-Extensions: permessage-deflate\r\n";

/// The attacks, on sessions that are let in.
pub const TABLE: &[Attack] = &[
    line(
        "a frame without a mask",
        "a message, a ping, a close",
        "close 1002",
        |arena| {
            arena.sessions(
                "",
                [TEXT, PING, CLOSE].map(|opcode| vec![FIN | opcode, 2, 3, 232]),
            )
        },
    ),
    line(
        "a reserved bit",
        "RSV1 without compression, RSV2, RSV3, on a message, a ping and a continuation",
        "close 1002",
        |arena| {
            let firsts = [
                FIN | RSV1 | TEXT,
                FIN | 0x20 | TEXT,
                FIN | 0x10 | BINARY,
                FIN | RSV1 | PING,
                0x20 | CONTINUATION,
            ];
            arena.sessions("", firsts.map(|first| frame(first, b"x")))
        },
    ),
    line(
        "a reserved opcode",
        "3 to 7 and 11 to 15",
        "close 1002",
        |arena| {
            arena.sessions(
                "",
                [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map(|opcode| frame(FIN | opcode, b"x")),
            )
        },
    ),
    line(
        "a control frame in pieces",
        "a ping, a pong and a close without the final bit",
        "close 1002",
        |arena| arena.sessions("", [PING, PONG, CLOSE].map(|opcode| frame(opcode, b""))),
    ),
    line(
        "a long control frame",
        "a ping, a pong and a close of 126 bytes, and one that announces 2^40",
        "close 1002",
        |arena| {
            let long = [PING, PONG, CLOSE].map(|opcode| frame(FIN | opcode, &[3; 126]));
            arena.sessions("", long.into_iter().chain([announce(FIN | PING, 1 << 40)]))
        },
    ),
    line(
        "a giant frame",
        "headers that announce 64 KiB and one, 2^32, 2^62",
        "close 1009",
        |arena| {
            arena.sessions(
                "",
                [65_537, 1 << 32, 1 << 62].map(|length| announce(FIN | TEXT, length)),
            )
        },
    ),
    line(
        "a length with its highest bit",
        "2^63, 2^64 - 1",
        "close 1002 or 1009",
        |arena| {
            let told = arena.sessions("", [1 << 63, u64::MAX].map(|length| announce(FIN | TEXT, length)))?;
            let refused = |one: &str| matches!(one, "close 1002" | "close 1009");
            Ok(if told.split("; ").all(refused) {
                "close 1002 or 1009".to_owned()
            } else {
                told
            })
        },
    ),
    line(
        "a length that is not the shortest",
        "5 in 16 bits and in 64",
        "close 1002",
        |arena| {
            arena.sessions(
                "",
                [
                    vec![FIN | TEXT, 0x80 | 126, 0, 5, 0, 0, 0, 0],
                    vec![FIN | TEXT, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0],
                ],
            )
        },
    ),
    line(
        "a continuation of nothing",
        "a continuation first, and behind a whole message",
        "close 1002",
        |arena| {
            let behind = [
                frame(FIN | TEXT, CANCEL_ALL.as_bytes()),
                frame(FIN | CONTINUATION, b"x"),
            ]
            .concat();
            let mut socket = arena.session("")?;
            socket.wire.send(behind);
            let mut told = socket.told();
            if told == "reply" {
                told = socket.told();
            }
            Ok(alike(vec![
                arena.sessions("", [frame(FIN | CONTINUATION, b"x")])?,
                told,
            ]))
        },
    ),
    line(
        "a message within a message",
        "a text frame while another is in pieces",
        "close 1002",
        |arena| arena.sessions("", [[frame(TEXT, b"{"), frame(FIN | TEXT, b"}")].concat()]),
    ),
    line(
        "endless fragments",
        "a message in pieces of one byte that never ends",
        "close 1009",
        |arena| {
            let mut socket = arena.session("")?;
            let pieces = frame(CONTINUATION, b" ").repeat(1_000);
            socket.wire.send(frame(TEXT, b" "));
            for _ in 0..70 {
                socket.wire.send(&pieces);
            }
            Ok(socket.told())
        },
    ),
    line(
        "endless empty fragments",
        "100,000 pieces without a byte, then the message",
        "reply",
        |arena| {
            let mut socket = arena.session("")?;
            let pieces = frame(CONTINUATION, b"").repeat(1_000);
            socket.wire.send(frame(TEXT, b""));
            for _ in 0..100 {
                socket.wire.send(&pieces);
            }
            socket.wire.send(frame(FIN | CONTINUATION, CANCEL_ALL.as_bytes()));
            Ok(socket.told())
        },
    ),
    line(
        "text that is no UTF-8",
        "0xff, a cut sequence, a surrogate, in one frame and across two, and in a close",
        "close 1007",
        |arena| {
            arena.sessions(
                "",
                [
                    frame(FIN | TEXT, b"\xff"),
                    frame(FIN | TEXT, b"\xe2\x82"),
                    frame(FIN | TEXT, b"\xed\xa0\x80"),
                    [frame(TEXT, b"\xe2\x82"), frame(FIN | CONTINUATION, b"x")].concat(),
                    frame(FIN | CLOSE, b"\x03\xe8\xff"),
                ],
            )
        },
    ),
    line(
        "a close with a code that nobody may send",
        "0, 999, 1004, 1005, 1006, 1015, 2999, 65535, and one byte of a code",
        "close 1002",
        |arena| {
            let codes = [0, 999, 1004, 1005, 1006, 1015, 2999, 65_535u16]
                .map(|code| frame(FIN | CLOSE, &code.to_be_bytes()));
            arena.sessions("", codes.into_iter().chain([frame(FIN | CLOSE, &[3])]))
        },
    ),
    line(
        "a message behind a close",
        "a good close, then an order",
        "close 1000",
        |arena| {
            arena.sessions(
                "",
                [[
                    frame(FIN | CLOSE, &1000u16.to_be_bytes()),
                    frame(FIN | TEXT, CANCEL_ALL.as_bytes()),
                ]
                .concat()],
            )
        },
    ),
    line(
        "a binary message",
        "an order's bytes as a binary message on a session in JSON",
        "close 1003",
        |arena| arena.sessions("", [frame(FIN | BINARY, CANCEL_ALL.as_bytes())]),
    ),
    line(
        "a compression bomb",
        "64 MiB of zeros in 64 KiB, as a text message",
        "close 1009",
        |arena| {
            let bomb = deflate(&vec![0; 64 << 20])?;
            arena.sessions(DEFLATE, [frame(FIN | RSV1 | TEXT, &bomb)])
        },
    ),
    line(
        "a compression bomb in pieces",
        "the same in frames of 1 KiB",
        "close 1009",
        |arena| {
            let bomb = deflate(&vec![b' '; 64 << 20])?;
            let mut bytes = Vec::new();
            for (number, piece) in bomb.chunks(1 << 10).enumerate() {
                bytes.extend(frame(if number == 0 { RSV1 | TEXT } else { CONTINUATION }, piece));
            }
            bytes.extend(frame(FIN | CONTINUATION, b""));
            arena.sessions(DEFLATE, [bytes])
        },
    ),
    line(
        "what is no deflate stream",
        "letters, a cut stream, a window that is not there",
        "close 1007",
        |arena| {
            let good = deflate(CANCEL_ALL.as_bytes())?;
            let bad: [&[u8]; 3] = [
                b"letters",
                &good[..good.len() / 2],
                &[0x62, 0x04, 0x22, 0x00, 0xff],
            ];
            arena.sessions(DEFLATE, bad.map(|bytes| frame(FIN | RSV1 | TEXT, bytes)))
        },
    ),
    line(
        "a message on the stream of executions",
        "64 KiB of text to `/ws/executions`, then a ping",
        "pong",
        |arena| {
            let target = "/ws/executions";
            let own = arena.keys.reader.sign("GET", target, b"").headers();
            let mut socket = match arena.socket(target, &own)? {
                Ok(socket) => socket,
                Err(told) => return Ok(told),
            };
            socket.say(&"x".repeat(65_536));
            socket.wire.send(frame(FIN | PING, b"here"));
            Ok(socket.told())
        },
    ),
];

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
