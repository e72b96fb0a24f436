//! A client's frames before tungstenite sees them: checked as they come, and decompressed (RFC 6455 §5, RFC 7692 §6.2).

use std::io::{self, Read, Write};
use std::ops::Range;

use tungstenite::protocol::frame::coding::CloseCode;

use super::MAX_MESSAGE;
use super::utf8::Utf8;
use crate::deflate::{InflateError, Inflater};
use crate::egress::Egress;

/// The longest payload that a compressed message may have: by zlib's own bound no compressor that does its work makes
/// a message longer than by an eighth.
const MAX_COMPRESSED: usize = MAX_MESSAGE + MAX_MESSAGE / 8;

/// Bytes read from a socket at once.
const READ: usize = 8 * 1024;

/// Frames looked at before tungstenite is left to itself, so that fragments without end are not read for long at once.
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
const PONG: u8 = 10;

/// Why a connection fails: the close code, and what the client is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub code: CloseCode,
    pub reason: &'static str,
}

pub(super) const TOO_LONG: Fault = Fault {
    code: CloseCode::Size,
    reason: "a message may have at most 65536 bytes",
};

pub(super) const NOT_UTF8: Fault = Fault {
    code: CloseCode::Invalid,
    reason: "text must be UTF-8",
};

// The reason says so.
const _: () = assert!(MAX_MESSAGE == 65_536);

const fn broken(reason: &'static str) -> Fault {
    Fault {
        code: CloseCode::Protocol,
        reason,
    }
}

/// What all connections are read with.
#[derive(Debug)]
pub(crate) struct Intake {
    inflater: Inflater,
    /// What a socket gave.
    socket: Box<[u8]>,
    /// A decompressed message, as a frame.
    plain: Vec<u8>,
}

impl Intake {
    pub fn new() -> Self {
        Self {
            inflater: Inflater::new(),
            socket: vec![0; READ].into(),
            plain: Vec::new(),
        }
    }

    /// Where a socket is read into.
    pub fn socket(&mut self) -> &mut [u8] {
        &mut self.socket
    }

    /// One read of `input`, or of what the socket was last read into up to `socket`.
    pub(super) fn reading<'a>(
        &'a mut self,
        inbound: &'a mut Inbound,
        egress: &'a mut Egress,
        input: Input<'a>,
    ) -> Reading<'a> {
        Reading {
            inbound,
            inflater: &mut self.inflater,
            message: &mut self.plain,
            egress,
            input: match input {
                Input::Stash(stash) => stash,
                Input::Socket(count) => &self.socket[..count],
            },
            header: 0..0,
            plain: 0..0,
            frames: 0,
        }
    }
}

/// What one client has begun to send.
#[derive(Debug)]
pub(super) struct Inbound {
    /// Whether messages may be compressed.
    deflate: bool,
    /// The header of the frame being read, as far as it has come.
    header: [u8; MAX_HEADER],
    header_len: u8,
    /// What is left of that frame's payload, once its header is complete.
    left: Option<u32>,
    /// The masking key, from the byte on that is next.
    key: [u8; 4],
    /// The message being read.
    message: Message,
    /// Bytes of the message so far: its own, or those of its compressed form.
    len: usize,
    /// Its compressed form.
    compressed: Vec<u8>,
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
    pub fn new(deflate: bool) -> Self {
        Self {
            deflate,
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
        let refused = match opcode {
            _ if first & RSV2_AND_3 != 0 => "a reserved bit is set",
            CONTINUATION | CLOSE..=PONG if first & RSV1 != 0 => {
                "RSV1 is set beyond the first frame of a message"
            }
            _ if first & RSV1 != 0 && !self.deflate => "RSV1 is set, and compression was not agreed on",
            CONTINUATION if self.message == Message::None => "a continuation of no message",
            TEXT | BINARY if self.message != Message::None => "a message within a message",
            CONTINUATION | TEXT | BINARY => "",
            CLOSE..=PONG if first & FIN == 0 => "a control frame in fragments",
            CLOSE..=PONG if second & !MASKED > 125 => "a control frame of more than 125 bytes",
            CLOSE..=PONG => "",
            _ => "an unknown opcode",
        };
        match refused {
            "" if second & MASKED == 0 => Err(broken("a frame without a mask")),
            "" => Ok(()),
            why => Err(broken(why)),
        }
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
                Message::Compressed(_) => MAX_COMPRESSED,
                _ => MAX_MESSAGE,
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
    fn is_collected(&self) -> bool {
        matches!(self.message, Message::Compressed(_)) && self.header[0] & 0x0f < CLOSE
    }

    /// Unmasks and checks a piece of the payload, which `left` counts no more.
    fn take_payload(&mut self, piece: &mut [u8]) -> Result<(), Fault> {
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
    fn end_frame(&mut self) -> Result<bool, Fault> {
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
    fn decompress(&mut self, inflater: &mut Inflater, plain: &mut Vec<u8>) -> Result<(), Fault> {
        let Message::Compressed(opcode) = std::mem::replace(&mut self.message, Message::None) else {
            return Ok(());
        };
        let compressed = std::mem::take(&mut self.compressed);
        plain.clear();
        plain.resize(MAX_HEADER, 0);
        match inflater.inflate(&compressed, MAX_MESSAGE, plain) {
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

/// What tungstenite reads and writes: bytes of the client's become plain frames, and what it says goes to the egress,
/// so that nothing ever blocks.
///
/// It gets no byte of a frame before it has asked for one beyond the frame before. So between two of its messages it
/// holds nothing that would be missed.
pub(super) struct Reading<'a> {
    inbound: &'a mut Inbound,
    inflater: &'a mut Inflater,
    /// A decompressed message, as a frame.
    message: &'a mut Vec<u8>,
    egress: &'a mut Egress,
    input: &'a [u8],
    /// What is left of the header, or of the decompressed message, that is to be read next.
    header: Range<usize>,
    plain: Range<usize>,
    frames: u32,
}

/// Where the bytes of a read come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Input<'a> {
    /// They came with an earlier read.
    Stash(&'a [u8]),
    /// So many came from the socket just now.
    Socket(usize),
}

impl Reading<'_> {
    /// How many bytes of the input nobody has looked at.
    pub fn unread(&self) -> usize {
        self.input.len()
    }

    fn pull(&mut self, buf: &mut [u8]) -> Result<Option<usize>, Fault> {
        loop {
            if !self.header.is_empty() {
                return Ok(Some(give(&self.inbound.header, &mut self.header, buf)));
            }
            if !self.plain.is_empty() {
                return Ok(Some(give(self.message, &mut self.plain, buf)));
            }
            let Some(left) = self.inbound.left else {
                if self.frames == FRAMES_PER_READ {
                    return Ok(None);
                }
                let taken = self.inbound.take_header(self.input)?;
                self.input = &self.input[taken..];
                let Some(len) = self.inbound.left else {
                    return Ok(None);
                };
                self.frames += 1;
                if !self.inbound.is_collected() {
                    self.header = 0..usize::from(self.inbound.header_len);
                    self.inbound.longest = self.inbound.longest.max(len);
                }
                if len == 0 {
                    self.end_frame()?;
                }
                continue;
            };
            if self.input.is_empty() {
                return Ok(None);
            }
            let collects = self.inbound.is_collected();
            let most = if collects { usize::MAX } else { buf.len() };
            let (piece, rest) = self.input.split_at(self.input.len().min(left as usize).min(most));
            self.input = rest;
            if collects {
                let mut compressed = std::mem::take(&mut self.inbound.compressed);
                let start = compressed.len();
                compressed.extend_from_slice(piece);
                let taken = self.inbound.take_payload(&mut compressed[start..]);
                self.inbound.compressed = compressed;
                taken?;
            } else {
                buf[..piece.len()].copy_from_slice(piece);
                self.inbound.take_payload(&mut buf[..piece.len()])?;
            }
            if self.inbound.left == Some(0) {
                self.end_frame()?;
            }
            if !collects {
                return Ok(Some(piece.len()));
            }
        }
    }

    fn end_frame(&mut self) -> Result<(), Fault> {
        if self.inbound.end_frame()? {
            self.inbound.decompress(self.inflater, self.message)?;
            self.plain = 0..self.message.len();
        }
        Ok(())
    }
}

/// Copies as much of `range` as fits.
fn give(bytes: &[u8], range: &mut Range<usize>, buf: &mut [u8]) -> usize {
    let count = range.len().min(buf.len());
    buf[..count].copy_from_slice(&bytes[range.start..range.start + count]);
    range.start += count;
    count
}

impl Read for Reading<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.pull(buf) {
            Ok(Some(count)) => Ok(count),
            Ok(None) => Err(io::ErrorKind::WouldBlock.into()),
            Err(fault) => {
                self.inbound.fault = Some(fault);
                Err(io::ErrorKind::InvalidData.into())
            }
        }
    }
}

impl Write for Reading<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Outward(self.egress).write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What tungstenite writes when nothing is to be read.
pub(super) struct Outward<'a>(pub &'a mut Egress);

impl Read for Outward<'_> {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}

impl Write for Outward<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.buffer().extend_from_slice(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
