//! What one client sends: frames to messages, by the rules of RFC 6455 §5 and RFC 7692 §6.

use tungstenite::protocol::frame::coding::CloseCode;

use super::MAX_MESSAGE;
use super::utf8::Utf8;
use crate::ws::deflate::{InflateError, Inflater};

/// Frames looked at before others have their turn, so that fragments without end are not read for long at once.
const FRAMES_PER_READ: u32 = 16;

/// Longest header of a frame.
const MAX_HEADER: usize = 14;

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const RSV2_AND_3: u8 = 0x30;
const MASKED: u8 = 0x80;

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// Why a connection fails: the close code, and what the client is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub code: CloseCode,
    pub reason: &'static str,
}

pub(super) const TOO_LONG: Fault = Fault {
    code: CloseCode::Size,
    reason: "the message is longer than the exchange takes",
};

pub(super) const NOT_UTF8: Fault = Fault {
    code: CloseCode::Invalid,
    reason: "text must be UTF-8",
};

const fn broken(reason: &'static str) -> Fault {
    Fault {
        code: CloseCode::Protocol,
        reason,
    }
}

/// What one client has begun to send.
#[derive(Debug)]
pub(super) struct Inbound {
    /// Whether messages may be compressed.
    deflate: bool,
    /// How long a message may be, in bytes.
    most: usize,
    /// The header of the frame being read, as far as it has come.
    header: [u8; MAX_HEADER],
    header_len: u8,
    /// What is left of that frame's payload, once its header is complete.
    left: Option<u32>,
    /// The masking key, from the byte on that is next.
    key: [u8; 4],
    /// The message being read.
    message: Message,
    /// Its payload so far, as it was sent but for the mask.
    data: Vec<u8>,
    /// Bytes of the message that its frames so far have announced.
    announced: usize,
    /// The payload so far of a control frame.
    control: Vec<u8>,
}

/// Which message a client is in the middle of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Message {
    None,
    Text(Utf8),
    Binary,
    /// Text or binary, by opcode.
    Compressed(u8),
}

/// What a client has sent.
#[derive(Debug)]
pub(super) enum Received {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong,
    /// With its payload.
    Close(Vec<u8>),
}

impl Inbound {
    pub fn new(deflate: bool, most: usize) -> Self {
        Self {
            deflate,
            most: most.min(MAX_MESSAGE),
            header: [0; MAX_HEADER],
            header_len: 0,
            left: None,
            key: [0; 4],
            message: Message::None,
            data: Vec::new(),
            announced: 0,
            control: Vec::new(),
        }
    }

    /// Takes in what came, up to the end of a message or of a control frame; none when neither has come yet, or when others
    /// are to have their turn. `input` becomes what nobody has looked at.
    ///
    /// # Errors
    /// What the client breaks.
    pub fn take(&mut self, input: &mut &[u8], inflater: &mut Inflater) -> Result<Option<Received>, Fault> {
        for _ in 0..FRAMES_PER_READ {
            let taken = self.take_header(input)?;
            *input = &input[taken..];
            let Some(left) = self.left else {
                return Ok(None);
            };
            let (piece, rest) = input.split_at(input.len().min(left as usize));
            *input = rest;
            self.take_payload(piece)?;
            if self.left != Some(0) {
                return Ok(None);
            }
            if let Some(received) = self.end_frame(inflater)? {
                return Ok(Some(received));
            }
        }
        Ok(None)
    }

    /// Takes in the header of a frame as far as `input` has it. Returns how many bytes that took.
    fn take_header(&mut self, input: &[u8]) -> Result<usize, Fault> {
        let mut taken = 0;
        while self.left.is_none() {
            let have = usize::from(self.header_len);
            let need = match have {
                0 | 1 => 2,
                _ => 2 + len_bytes(self.header[1]) + 4,
            };
            if have == need {
                self.begin_frame()?;
                break;
            }
            let some = (need - have).min(input.len() - taken);
            if some == 0 {
                break;
            }
            self.header[have..have + some].copy_from_slice(&input[taken..taken + some]);
            self.header_len += some as u8;
            taken += some;
            if self.header_len == 2 {
                self.check_first(self.header[0], self.header[1])?;
            }
        }
        Ok(taken)
    }

    /// What the first two bytes of a frame say already (RFC 6455 §5.2, §5.4, §5.5, RFC 7692 §6).
    fn check_first(&self, first: u8, second: u8) -> Result<(), Fault> {
        let opcode = first & 0x0f;
        let rsv1 = first & RSV1 != 0;
        let why = match opcode {
            _ if first & RSV2_AND_3 != 0 => "a reserved bit is set",
            CONTINUATION | CLOSE..=PONG if rsv1 => "RSV1 is set beyond the first frame of a message",
            _ if rsv1 && !self.deflate => "RSV1 is set, and compression was not agreed on",
            3..CLOSE | 11.. => "an unknown opcode",
            CONTINUATION if self.message == Message::None => "a continuation of no message",
            TEXT | BINARY if self.message != Message::None => "a message within a message",
            CLOSE..=PONG if first & FIN == 0 => "a control frame in fragments",
            CLOSE..=PONG if second & !MASKED > 125 => "a control frame of more than 125 bytes",
            _ if second & MASKED == 0 => "a frame without a mask",
            _ => return Ok(()),
        };
        Err(broken(why))
    }

    /// The header is complete.
    fn begin_frame(&mut self) -> Result<(), Fault> {
        let (first, short) = (self.header[0], self.header[1] & !MASKED);
        let end = 2 + len_bytes(short);
        let len = match end {
            2 => u64::from(short),
            _ => self.header[2..end]
                .iter()
                .fold(0, |len, byte| len << 8 | u64::from(*byte)),
        };
        if (end == 4 && len < 126) || (end == 10 && len < 65_536) || len >> 63 != 0 {
            return Err(broken("a length that is not the shortest, or beyond 63 bits"));
        }
        self.key.copy_from_slice(&self.header[end..end + 4]);
        let opcode = first & 0x0f;
        if opcode < CLOSE {
            if opcode != CONTINUATION {
                self.announced = 0;
                self.message = match opcode {
                    opcode if first & RSV1 != 0 => Message::Compressed(opcode),
                    TEXT => Message::Text(Utf8::default()),
                    _ => Message::Binary,
                };
            }
            let most = match self.message {
                // By zlib's own bound no compressor that does its work makes a message longer than by an eighth.
                Message::Compressed(_) => self.most + self.most / 8,
                _ => self.most,
            };
            if len > (most - self.announced) as u64 {
                return Err(TOO_LONG);
            }
            self.announced += len as usize;
        }
        self.left = Some(len as u32);
        Ok(())
    }

    /// Unmasks and checks a piece of the payload, which `left` counts no more.
    fn take_payload(&mut self, piece: &[u8]) -> Result<(), Fault> {
        let is_control = self.header[0] & 0x0f >= CLOSE;
        let payload = if is_control {
            &mut self.control
        } else {
            &mut self.data
        };
        let start = payload.len();
        payload.extend_from_slice(piece);
        let piece = &mut payload[start..];
        let (words, rest) = piece.as_chunks_mut();
        let key = u32::from_ne_bytes(self.key);
        for word in words {
            *word = (u32::from_ne_bytes(*word) ^ key).to_ne_bytes();
        }
        for (byte, key) in rest.iter_mut().zip(self.key) {
            *byte ^= key;
        }
        self.key.rotate_left(piece.len() % 4);
        self.left = self.left.map(|left| left - piece.len() as u32);
        if !is_control
            && let Message::Text(utf8) = &mut self.message
            && !utf8.push(piece)
        {
            return Err(NOT_UTF8);
        }
        Ok(())
    }

    /// The payload is complete, and with it perhaps a message.
    fn end_frame(&mut self, inflater: &mut Inflater) -> Result<Option<Received>, Fault> {
        (self.left, self.header_len) = (None, 0);
        let (first, opcode) = (self.header[0], self.header[0] & 0x0f);
        if opcode >= CLOSE {
            let payload = std::mem::take(&mut self.control);
            return Ok(Some(match opcode {
                CLOSE => Received::Close(payload),
                PING => Received::Ping(payload),
                _ => Received::Pong,
            }));
        }
        if first & FIN == 0 {
            return Ok(None);
        }
        let data = std::mem::take(&mut self.data);
        match std::mem::replace(&mut self.message, Message::None) {
            Message::Text(utf8) if !utf8.is_complete() => Err(NOT_UTF8),
            Message::Text(_) => text(data).map(Some),
            Message::Compressed(opcode) => {
                let mut plain = Vec::new();
                inflate(&data, self.most, &mut plain, inflater)?;
                match opcode {
                    TEXT => text(plain).map(Some),
                    _ => Ok(Some(Received::Binary(plain))),
                }
            }
            Message::Binary | Message::None => Ok(Some(Received::Binary(data))),
        }
    }
}

fn text(bytes: Vec<u8>) -> Result<Received, Fault> {
    String::from_utf8(bytes).map(Received::Text).map_err(|_| NOT_UTF8)
}

/// Decompresses a message that is complete, of at most `most` bytes.
fn inflate(
    compressed: &[u8],
    most: usize,
    plain: &mut Vec<u8>,
    inflater: &mut Inflater,
) -> Result<(), Fault> {
    inflater
        .inflate(compressed, most, plain)
        .map_err(|error| match error {
            InflateError::TooLarge => TOO_LONG,
            // The frames are as they should be, and what they carry is not: 1007 rather than 1002 (RFC 6455 §7.4.1).
            InflateError::Corrupt => Fault {
                code: CloseCode::Invalid,
                reason: "a compressed message is no whole deflate stream",
            },
        })
}

/// Bytes of the extended length that follow the second byte of a header.
fn len_bytes(second: u8) -> usize {
    match second & !MASKED {
        126 => 2,
        127 => 8,
        _ => 0,
    }
}
