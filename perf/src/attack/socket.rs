//! A WebSocket on which any bytes are sent, and what the exchange makes of them, in few words.

use std::time::Duration;

use super::wire::Wire;

/// The final bit of a frame.
pub const FIN: u8 = 0x80;
/// The bit of a compressed message.
pub const RSV1: u8 = 0x40;
/// Opcodes (RFC 6455 §5.2).
pub const CONTINUATION: u8 = 0;
/// A text message.
pub const TEXT: u8 = 1;
/// A binary message.
pub const BINARY: u8 = 2;
/// A close.
pub const CLOSE: u8 = 8;
/// A ping.
pub const PING: u8 = 9;
/// A pong.
pub const PONG: u8 = 10;

/// A client's frame: `first` is its first byte, the mask is fixed.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = announce(first, payload.len() as u64);
    bytes.extend(
        payload
            .iter()
            .zip(MASK.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
    bytes
}

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// The header of a client's frame whose payload shall have `length` bytes.
pub fn announce(first: u8, length: u64) -> Vec<u8> {
    let mut bytes = vec![first];
    match length {
        0..126 => bytes.push(0x80 | length as u8),
        126..65_536 => {
            bytes.push(0x80 | 126);
            bytes.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            bytes.push(0x80 | 127);
            bytes.extend_from_slice(&length.to_be_bytes());
        }
    }
    bytes.extend_from_slice(&MASK);
    bytes
}

/// A frame of the exchange.
pub struct Frame {
    /// Its first byte.
    pub first: u8,
    /// Its payload.
    pub payload: Vec<u8>,
}

/// An open WebSocket.
pub struct Socket {
    /// The connection.
    pub wire: Wire,
    /// Pings of the exchange that were answered.
    pub pinged: usize,
}

impl Socket {
    /// Goes on behind a handshake's request, which is sent; what the exchange answered instead of 101.
    ///
    /// # Errors
    /// That answer, in words.
    pub fn open(mut wire: Wire, request: &str) -> Result<Self, String> {
        wire.send(request);
        match wire.answer() {
            Some(answer) if answer.status == 101 => Ok(Self { wire, pinged: 0 }),
            Some(answer) => Err(answer.text()),
            None => Err("closed".to_owned()),
        }
    }

    /// Sends a text message.
    pub fn say(&mut self, text: &str) -> bool {
        self.wire.send(frame(FIN | TEXT, text.as_bytes()))
    }

    /// The next frame that is no ping; pings are answered. None at the end.
    pub fn next(&mut self) -> Option<Frame> {
        loop {
            let frame = self.any()?;
            if frame.first != FIN | PING {
                return Some(frame);
            }
            self.pinged += 1;
            self.wire.send(self::frame(FIN | PONG, &frame.payload));
        }
    }

    /// The next frame.
    pub fn any(&mut self) -> Option<Frame> {
        loop {
            if let Some((frame, len)) = take(&self.wire.buffer) {
                self.wire.buffer.drain(..len);
                return Some(frame);
            }
            if !self.wire.fill() {
                return None;
            }
        }
    }

    /// What comes next, in words: the code of a reply's error, `reply`, or how the connection ended.
    pub fn told(&mut self) -> String {
        let Some(frame) = self.next() else {
            return "ended without a close".to_owned();
        };
        let text = String::from_utf8_lossy(&frame.payload);
        match frame.first & 0x0f {
            CLOSE => self.closed(&frame.payload),
            PONG => "pong".to_owned(),
            TEXT => {
                let message: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
                match message["error"]["code"].as_str() {
                    Some(code) => format!("reply {code}"),
                    None if message["id"].is_null() => self.told(),
                    None => "reply".to_owned(),
                }
            }
            other => format!("a frame of opcode {other}"),
        }
    }

    /// The close's code, with the code of the error that its reason begins with; it is answered, and the end awaited.
    fn closed(&mut self, payload: &[u8]) -> String {
        self.wire
            .send(frame(FIN | CLOSE, &payload[..payload.len().min(2)]));
        let code = match payload {
            [high, low, ..] => u16::from_be_bytes([*high, *low]).to_string(),
            _ => "without a code".to_owned(),
        };
        let reason = String::from_utf8_lossy(payload.get(2..).unwrap_or_default());
        let name = reason.split_once(": ").map(|(name, _)| name);
        let name = name.filter(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
        let name = name.map_or(String::new(), |name| format!(" {name}"));
        match self.wire.ends_within(Duration::from_secs(5)) {
            true => format!("close {code}{name}"),
            false => format!("close {code}{name}, but the connection stays"),
        }
    }
}

/// The first frame of `bytes`, and how long it is, once it is whole. The exchange masks nothing.
fn take(bytes: &[u8]) -> Option<(Frame, usize)> {
    let (&first, &length) = (bytes.first()?, bytes.get(1)?);
    let (begin, length): (usize, usize) = match length {
        126 => (
            4,
            usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)),
        ),
        127 => (
            10,
            u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?) as usize,
        ),
        length => (2, usize::from(length)),
    };
    let payload = bytes.get(begin..begin.checked_add(length)?)?.to_vec();
    Some((Frame { first, payload }, begin + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_not_taken_before_it_is_whole() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let mut bytes = frame(FIN | TEXT, &vec![7; length]);
            // As the exchange sends it: without the mask.
            let begin = bytes.len() - length - 4;
            bytes.drain(begin..begin + 4);
            bytes[1] &= 0x7f;
            for cut in [0, 1, begin, bytes.len() - 1] {
                assert!(
                    take(&bytes[..cut.min(bytes.len() - 1)]).is_none(),
                    "{length} {cut}"
                );
            }
            let (frame, len) = take(&bytes).expect("a whole frame");
            assert_eq!(
                (frame.first, frame.payload.len(), len),
                (FIN | TEXT, length, bytes.len())
            );
        }
    }
}
