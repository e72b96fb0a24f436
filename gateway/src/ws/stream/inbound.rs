//! What one client is in the middle of sending: the rules of frames and messages (RFC 6455 §5, RFC 7692 §6).

use tungstenite::protocol::frame::coding::CloseCode;

use super::MAX_MESSAGE;
use super::utf8::Utf8;
use crate::ws::deflate::{InflateError, Inflater};

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
    pub header: [u8; MAX_HEADER],
    pub header_len: u8,
    /// What is left of that frame's payload, once its header is complete.
    pub left: Option<u32>,
    /// The masking key, from the byte on that is next.
    key: [u8; 4],
    /// The message being read.
    message: Message,
    /// Bytes of the message so far: its own, or those of its compressed form.
    len: usize,
    /// Its compressed form.
    pub compressed: Vec<u8>,
    /// The longest payload that tungstenite got.
    pub longest: u32,
    /// Why the connection fails.
    pub fault: Option<Fault>,
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
            len: 0,
            compressed: Vec::new(),
            longest: 0,
            fault: None,
        }
    }

    /// Takes in the header of a frame as far as `input` has it. Returns how many bytes that took.
    pub fn take_header(&mut self, input: &[u8]) -> Result<usize, Fault> {
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
        // Tungstenite gets what is unmasked already, so for it the key is zero.
        self.key.copy_from_slice(&self.header[end..end + 4]);
        self.header[end..end + 4].fill(0);
        let opcode = first & 0x0f;
        if opcode < CLOSE {
            if opcode != CONTINUATION {
                self.len = 0;
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
            if len > (most - self.len) as u64 {
                return Err(TOO_LONG);
            }
            self.len += len as usize;
        }
        self.left = Some(len as u32);
        Ok(())
    }

    /// Whether the frame being read is part of a compressed message, which tungstenite does not get to see.
    pub fn is_collected(&self) -> bool {
        matches!(self.message, Message::Compressed(_)) && self.header[0] & 0x0f < CLOSE
    }

    /// Unmasks and checks a piece of the payload, which `left` counts no more.
    pub fn take_payload(&mut self, piece: &mut [u8]) -> Result<(), Fault> {
        for (at, byte) in piece.iter_mut().enumerate() {
            *byte ^= self.key[at % 4];
        }
        self.key.rotate_left(piece.len() % 4);
        self.left = self.left.map(|left| left - piece.len() as u32);
        if self.header[0] & 0x0f < CLOSE
            && let Message::Text(utf8) = &mut self.message
            && !utf8.push(piece)
        {
            return Err(NOT_UTF8);
        }
        Ok(())
    }

    /// The payload is complete. Whether that makes a compressed message complete.
    pub fn end_frame(&mut self) -> Result<bool, Fault> {
        let (first, collected) = (self.header[0], self.is_collected());
        (self.left, self.header_len) = (None, 0);
        if first & FIN == 0 || first & 0x0f >= CLOSE {
            return Ok(false);
        }
        if let Message::Text(utf8) = self.message
            && !utf8.is_complete()
        {
            return Err(NOT_UTF8);
        }
        if !collected {
            self.message = Message::None;
        }
        Ok(collected)
    }

    /// Makes the compressed message that is complete one plain frame.
    pub fn decompress(&mut self, inflater: &mut Inflater, plain: &mut Vec<u8>) -> Result<(), Fault> {
        let Message::Compressed(opcode) = std::mem::replace(&mut self.message, Message::None) else {
            return Ok(());
        };
        let compressed = std::mem::take(&mut self.compressed);
        plain.clear();
        plain.resize(MAX_HEADER, 0);
        match inflater.inflate(&compressed, self.most, plain) {
            Ok(()) => {}
            Err(InflateError::TooLarge) => return Err(TOO_LONG),
            // The frames are as they should be, and what they carry is not: 1007 rather than 1002 (RFC 6455 §7.4.1).
            Err(InflateError::Corrupt) => {
                return Err(Fault {
                    code: CloseCode::Invalid,
                    reason: "a compressed message is no whole deflate stream",
                });
            }
        }
        if opcode == TEXT && std::str::from_utf8(&plain[MAX_HEADER..]).is_err() {
            return Err(NOT_UTF8);
        }
        let len = plain.len() - MAX_HEADER;
        self.longest = self.longest.max(len as u32);
        // One length for all, as the frame goes no further than to tungstenite; the key of zeros is there already.
        plain[..2].copy_from_slice(&[FIN | opcode, MASKED | 127]);
        plain[2..10].copy_from_slice(&(len as u64).to_be_bytes());
        Ok(())
    }
}

/// Bytes of the extended length that follow the second byte of a header.
fn len_bytes(second: u8) -> usize {
    match second & !MASKED {
        126 => 2,
        127 => 8,
        _ => 0,
    }
}
