//! One connection: bytes out, and what came back as a recording shows it.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use sha2::{Digest as _, Sha256};

use crate::common::PATIENCE;
use crate::common::http::unchunked;

/// What a mask is made of; it could be anything.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Longer bodies are recorded by their beginning, their length and their SHA-256.
const SHOWN: usize = 4_096;

const RSV1: u8 = 0x40;

/// One connection.
pub struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
    ended: bool,
}

impl Connection {
    pub fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            read: Vec::new(),
            ended: false,
        }
    }

    /// Sends bytes. A client that was closed already may find that nobody takes them.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Sends a masked frame.
    pub fn send_frame(&mut self, first: u8, payload: &[u8]) {
        let mut bytes = header(first, 0x80, payload.len());
        bytes.extend(MASK);
        bytes.extend(payload.iter().enumerate().map(|(at, byte)| byte ^ MASK[at % 4]));
        self.send(&bytes);
    }

    /// Sends a frame without a mask, which no client may.
    pub fn send_unmasked(&mut self, first: u8, payload: &[u8]) {
        let bytes = [header(first, 0, payload.len()).as_slice(), payload].concat();
        self.send(&bytes);
    }

    /// Sends nothing any more.
    pub fn shut(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// The next response; `head` where it answers a HEAD. The raw text is for `save`.
    pub fn response(&mut self, head: bool) -> (String, String) {
        let end = loop {
            match self.read.windows(4).position(|window| window == b"\r\n\r\n") {
                Some(end) => break end + 4,
                None => assert!(
                    self.more(),
                    "the end, after {:?}",
                    String::from_utf8_lossy(&self.read)
                ),
            }
        };
        let bytes: Vec<u8> = self.read.drain(..end).collect();
        let text = String::from_utf8(bytes).unwrap();
        let header = |name: &str| {
            text.lines()
                .filter_map(|line| line.split_once(": "))
                .find_map(|(key, value)| key.eq_ignore_ascii_case(name).then(|| value.to_owned()))
        };
        let mut shown: String = text[..end - 4]
            .split("\r\n")
            .map(|line| escape(line.as_bytes()) + "\n")
            .collect();
        let body = if head || text.starts_with("HTTP/1.1 1") {
            Vec::new()
        } else if header("transfer-encoding").is_some() {
            let (body, sizes) = self.chunks();
            shown += &format!("(chunks of {sizes:x?})\n");
            body
        } else if let Some(length) = header("content-length") {
            self.exactly(length.parse().unwrap())
        } else {
            while self.more() {}
            std::mem::take(&mut self.read)
        };
        shown += &body_shown(&body);
        (shown, text + &String::from_utf8_lossy(&body))
    }

    /// A body in chunks, and the length of each.
    fn chunks(&mut self) -> (Vec<u8>, Vec<usize>) {
        let (body, taken) = loop {
            match unchunked(&self.read) {
                Some(whole) => break whole,
                None => assert!(self.more(), "the end within chunks"),
            }
        };
        let bytes: Vec<u8> = self.read.drain(..taken).collect();
        let (mut sizes, mut at) = (Vec::new(), 0);
        while at < bytes.len() {
            let line = at + bytes[at..].iter().position(|&byte| byte == b'\r').unwrap();
            let size = usize::from_str_radix(std::str::from_utf8(&bytes[at..line]).unwrap(), 16).unwrap();
            sizes.push(size);
            at = line + 2 + size + 2;
        }
        (body, sizes)
    }

    fn exactly(&mut self, count: usize) -> Vec<u8> {
        while self.read.len() < count {
            assert!(self.more(), "the end within {count} bytes");
        }
        self.read.drain(..count).collect()
    }

    /// The next frame as it is recorded, and its message as text.
    pub fn frame(&mut self) -> (String, String) {
        let head = self.exactly(2);
        assert_eq!(head[1] & 0x80, 0, "a server masks nothing");
        let length = match head[1] {
            126 => usize::from(u16::from_be_bytes(self.exactly(2).try_into().unwrap())),
            127 => u64::from_be_bytes(self.exactly(8).try_into().unwrap()) as usize,
            short => usize::from(short),
        };
        let payload = self.exactly(length);
        let (first, opcode) = (head[0], head[0] & 0x0f);
        let name = ["continuation", "text", "binary"]
            .get(usize::from(opcode))
            .copied()
            .unwrap_or(match opcode {
                8 => "close",
                9 => "ping",
                10 => "pong",
                _ => "unknown",
            });
        let (message, compressed) = match first & RSV1 {
            0 => (payload, String::new()),
            _ => (inflate(&payload), format!("deflated {} = ", hex(&payload))),
        };
        let shown = match (opcode, message.as_slice()) {
            (8, [high, low, reason @ ..]) => {
                format!("{} {}", u16::from_be_bytes([*high, *low]), escape(reason))
            }
            (2, message) => hex(message),
            (_, message) => shown(message),
        };
        let shown = format!("{first:02x} {name} {compressed}{shown}\n");
        (shown, String::from_utf8_lossy(&message).into_owned())
    }

    /// The end, which must come next.
    pub fn end(&mut self) -> String {
        let more = self.more();
        assert!(
            !more && self.read.is_empty(),
            "more instead of the end: {:?}",
            String::from_utf8_lossy(&self.read)
        );
        "(the end)\n".to_owned()
    }

    /// What nobody has read though it is there.
    pub fn unread(&mut self) -> Option<String> {
        if !self.ended {
            self.stream.set_nonblocking(true).unwrap();
            let mut bytes = [0; 1_024];
            if let Ok(count) = self.stream.read(&mut bytes) {
                self.read.extend_from_slice(&bytes[..count]);
            }
            self.stream.set_nonblocking(false).unwrap();
        }
        (!self.read.is_empty()).then(|| escape(&self.read))
    }

    /// Reads what comes next. None is left after the end, which may be a reset where the client sent on.
    fn more(&mut self) -> bool {
        let mut bytes = [0; 16 * 1024];
        match self.stream.read(&mut bytes) {
            Ok(0) => self.ended = true,
            Ok(count) => self.read.extend_from_slice(&bytes[..count]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => self.ended = true,
            Err(error) => panic!("{error}, after {:?}", String::from_utf8_lossy(&self.read)),
        }
        !self.ended
    }
}

fn header(first: u8, mask: u8, len: usize) -> Vec<u8> {
    let mut bytes = vec![first];
    match len {
        0..126 => bytes.push(mask | len as u8),
        126..65_536 => {
            bytes.push(mask | 126);
            bytes.extend((len as u16).to_be_bytes());
        }
        _ => {
            bytes.push(mask | 127);
            bytes.extend((len as u64).to_be_bytes());
        }
    }
    bytes
}

/// A message compressed as a client may do it.
pub fn deflate(message: &[u8]) -> Vec<u8> {
    let mut stream = Compress::new_with_window_bits(Compression::new(6), false, 15);
    let mut out = Vec::with_capacity(message.len() * 2 + 64);
    stream
        .compress_vec(message, &mut out, FlushCompress::Sync)
        .unwrap();
    out.truncate(out.len() - 4);
    out
}

fn inflate(payload: &[u8]) -> Vec<u8> {
    let whole = [payload, &[0, 0, 0xff, 0xff]].concat();
    let mut stream = Decompress::new(false);
    let mut out = Vec::with_capacity(1 << 20);
    stream
        .decompress_vec(&whole, &mut out, FlushDecompress::Sync)
        .unwrap();
    out
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Text as it is, with its control characters and what is no text as a script writes them.
fn escape(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                '\r' => out += "\\r",
                '\n' => out += "\\n",
                '\\' => out += "\\\\",
                letter if letter.is_control() => out += &format!("\\x{:02x}", u32::from(letter)),
                letter => out.push(letter),
            }
        }
        chunk
            .invalid()
            .iter()
            .for_each(|byte| out += &format!("\\x{byte:02x}"));
    }
    out
}

fn body_shown(body: &[u8]) -> String {
    match body.is_empty() {
        true => String::new(),
        false => format!("\n{}\n", shown(body)),
    }
}

/// Text as it is, or what identifies it where it is long.
fn shown(text: &[u8]) -> String {
    if text.len() <= SHOWN {
        return escape(text);
    }
    let digest = hex(&Sha256::digest(text));
    format!(
        "{} …\n({} bytes, sha256 {digest})",
        escape(&text[..200]),
        text.len()
    )
}
