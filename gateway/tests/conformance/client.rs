//! A client that writes frames as bytes, and says what must come back.

use std::io::{Read, Write};
use std::net::TcpStream;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use hoga_gateway::GatewayConfig;

use crate::common::{PATIENCE, Setup, World};

pub const TEXT: u8 = 0x81;
pub const BINARY: u8 = 0x82;
pub const CLOSE: u8 = 0x88;
pub const PING: u8 = 0x89;
pub const PONG: u8 = 0x8a;
/// Not the last fragment: what FIN is where it is not set.
pub const MORE_TEXT: u8 = 0x01;
pub const MORE_BINARY: u8 = 0x02;
pub const MORE: u8 = 0x00;
pub const LAST: u8 = 0x80;
pub const RSV1: u8 = 0x40;

/// Longest message.
pub const LIMIT: usize = 65_536;

pub const DEFLATE: &str = "Sec-WebSocket-Extensions: permessage-deflate\r\n";

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// An exchange with an echo.
pub fn echo() -> World {
    let setup = Setup::default();
    World::with(Setup {
        config: GatewayConfig {
            test_echo: true,
            ..setup.config
        },
        ..setup
    })
}

/// A masked frame.
pub fn frame(first: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let mut bytes = header(first, payload.len() as u64);
    bytes.extend(payload.iter().enumerate().map(|(at, byte)| byte ^ KEY[at % 4]));
    bytes
}

/// The header of a masked frame of that length.
pub fn header(first: u8, len: u64) -> Vec<u8> {
    let mut bytes = vec![first];
    match len {
        0..126 => bytes.push(0x80 | len as u8),
        126..65_536 => {
            bytes.push(0x80 | 126);
            bytes.extend((len as u16).to_be_bytes());
        }
        _ => {
            bytes.push(0x80 | 127);
            bytes.extend(len.to_be_bytes());
        }
    }
    bytes.extend(KEY);
    bytes
}

/// Frames one behind the other.
pub fn frames(parts: &[(u8, &[u8])]) -> Vec<u8> {
    parts
        .iter()
        .flat_map(|(first, payload)| frame(*first, payload))
        .collect()
}

/// A close frame's payload.
pub fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes(), reason].concat()
}

/// A message compressed as a client may do it.
pub fn deflate(message: &[u8], level: u32, window: u8) -> Vec<u8> {
    let mut stream = Compress::new_with_window_bits(Compression::new(level), false, window);
    let mut out = Vec::with_capacity(message.len() * 2 + 64);
    stream
        .compress_vec(message, &mut out, FlushCompress::Sync)
        .unwrap();
    assert!(out.ends_with(&[0, 0, 0xff, 0xff]));
    out.truncate(out.len() - 4);
    out
}

/// What the exchange compressed, read with the smallest window that it may be asked to keep to.
pub fn inflate(payload: &[u8]) -> Vec<u8> {
    let whole = [payload, &[0, 0, 0xff, 0xff]].concat();
    let mut stream = Decompress::new_with_window_bits(false, 9);
    let (mut out, mut buffer) = (Vec::new(), [0; 256]);
    loop {
        let (taken, made) = (stream.total_in() as usize, stream.total_out());
        stream
            .decompress(&whole[taken..], &mut buffer, FlushDecompress::Sync)
            .unwrap();
        let got = (stream.total_out() - made) as usize;
        out.extend_from_slice(&buffer[..got]);
        if got == 0 {
            assert_eq!(stream.total_in() as usize, whole.len());
            return out;
        }
    }
}

/// What must come back.
#[derive(Clone, Debug)]
pub enum Back {
    /// A frame, with this first byte and payload.
    Frame(u8, Vec<u8>),
    /// A compressed message: text or binary, as it was before.
    Compressed(u8, Vec<u8>),
    /// A close with this code, or with none, and the end.
    Close(Option<u16>),
}

pub fn text(payload: impl AsRef<[u8]>) -> Back {
    Back::Frame(TEXT, payload.as_ref().to_vec())
}

pub fn binary(payload: impl AsRef<[u8]>) -> Back {
    Back::Frame(BINARY, payload.as_ref().to_vec())
}

pub fn pong(payload: impl AsRef<[u8]>) -> Back {
    Back::Frame(PONG, payload.as_ref().to_vec())
}

pub fn closed(code: u16) -> Back {
    Back::Close(Some(code))
}

/// One connection to the echo.
pub struct Raw {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Raw {
    /// One whose handshake has `headers` beside those it must have.
    pub fn connect(world: &World, headers: &str) -> Self {
        Self::at(world, "/ws/echo", headers).1
    }

    /// One at `path`, and the head of the answer.
    pub fn at(world: &World, path: &str, headers: &str) -> (String, Self) {
        Self::with(world, path, headers, b"")
    }

    /// One that sends `early` together with its handshake.
    pub fn with(world: &World, path: &str, headers: &str, early: &[u8]) -> (String, Self) {
        let stream = TcpStream::connect(world.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut raw = Self {
            stream,
            read: Vec::new(),
        };
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n",
            world.address
        );
        raw.send(&[head.as_bytes(), early].concat(), usize::MAX);
        let end = loop {
            match raw.read.windows(4).position(|window| window == b"\r\n\r\n") {
                Some(end) => break end + 4,
                None => assert!(raw.more(), "the end, after {:?}", raw.read),
            }
        };
        let head = String::from_utf8(raw.read.drain(..end).collect()).unwrap();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        (head, raw)
    }

    /// Sends `bytes`, so many at a time. One who has been closed already may find that nobody takes them.
    pub fn send(&mut self, bytes: &[u8], chop: usize) {
        for piece in bytes.chunks(chop.clamp(1, bytes.len().max(1))) {
            if self.stream.write_all(piece).is_err() {
                break;
            }
        }
    }

    /// The next frame: its first byte and its payload.
    pub fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let [first, second, rest @ ..] = self.read.as_slice() {
                assert_eq!(second & 0x80, 0, "a server masks nothing");
                let (extra, len) = match second {
                    126 if rest.len() >= 2 => (2, usize::from(u16::from_be_bytes([rest[0], rest[1]]))),
                    127 if rest.len() >= 8 => (8, u64::from_be_bytes(rest[..8].try_into().unwrap()) as usize),
                    126 | 127 => (0, usize::MAX),
                    short => (0, usize::from(*short)),
                };
                assert!(extra != 2 || len > 125, "a length that is not the shortest");
                assert!(extra != 8 || len > 65_535, "a length that is not the shortest");
                if len != usize::MAX && rest.len() >= extra + len {
                    let frame = (*first, rest[extra..extra + len].to_vec());
                    self.read.drain(..2 + extra + len);
                    return Some(frame);
                }
            }
            if !self.more() {
                return None;
            }
        }
    }

    /// Whether nothing comes any more, and the connection was not reset.
    pub fn ends(&mut self) -> bool {
        self.read.is_empty() && !self.more()
    }

    pub fn expect(&mut self, what: &str, back: &[Back]) {
        for (at, back) in back.iter().enumerate() {
            let got = self.next();
            let Some((first, payload)) = got else {
                panic!("{what}: the end instead of {back:?}");
            };
            let short = |payload: &[u8]| {
                format!(
                    "{} bytes {:02x?}",
                    payload.len(),
                    &payload[..payload.len().min(40)]
                )
            };
            let shown = format!("{what}: answer {at} is {first:02x}, {}", short(&payload));
            match back {
                Back::Frame(wanted, bytes) => {
                    let wanted_shown = format!("{wanted:02x}, {}", short(bytes));
                    assert!(
                        first == *wanted && payload == *bytes,
                        "{shown}, not {wanted_shown}"
                    );
                }
                Back::Compressed(wanted, bytes) => {
                    assert_eq!(first, wanted | RSV1, "{shown}");
                    assert!(
                        inflate(&payload) == *bytes,
                        "{shown}, not {} compressed",
                        short(bytes)
                    );
                }
                Back::Close(code) => {
                    assert_eq!(first, CLOSE, "{shown}");
                    let got = payload.first_chunk::<2>().map(|code| u16::from_be_bytes(*code));
                    assert_eq!(got, *code, "{shown}");
                    let reason = payload.get(2..).unwrap_or_default();
                    assert!(std::str::from_utf8(reason).is_ok(), "{shown}");
                    assert!(self.ends(), "{what}: more behind the close");
                }
            }
        }
    }

    fn more(&mut self) -> bool {
        let mut bytes = [0; 16 * 1024];
        let count = self.stream.read(&mut bytes).expect("bytes or the end");
        self.read.extend_from_slice(&bytes[..count]);
        count > 0
    }
}

/// Sends `bytes` on connections of their own, whole and in pieces of several lengths, and compares what comes back. Where
/// that is not the end, the connection must still close as it should.
pub fn check(world: &World, headers: &str, what: &str, bytes: &[u8], back: &[Back]) {
    let chops: &[usize] = match bytes.len() {
        0..2_000 => &[usize::MAX, 1, 2, 7],
        _ => &[usize::MAX, 997, 4_093],
    };
    for &chop in chops {
        let mut raw = Raw::connect(world, headers);
        let what = format!("{what}, in pieces of {chop}");
        raw.send(bytes, chop);
        raw.expect(&what, back);
        if !matches!(back.last(), Some(Back::Close(_))) {
            raw.send(&frame(CLOSE, close(1000, b"")), chop);
            raw.expect(&what, &[closed(1000)]);
        }
    }
}
