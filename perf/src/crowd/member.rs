//! One subscriber of a crowd: bytes and messages are counted, and of some every message is read.

use std::io::{self, Read, Write};

use mio::net::TcpStream;

use super::frames::{Frames, Opcode, RSV1};
use super::tape::{Inflater, Tape, execution_id};
use crate::client::{Agreed, Closing};
use crate::failure::{Context, Failure, Outcome};
use crate::message::Uuid;

/// A frame that answers a ping without a payload, its mask zero.
const PONG: [u8; 6] = [0x8a, 0x80, 0, 0, 0, 0];

/// A subscriber.
pub struct Member {
    stream: TcpStream,
    frames: Frames,
    /// Bytes of data frames and control frames alike.
    pub bytes: u64,
    /// Data messages.
    pub messages: u64,
    /// How the other side ended it.
    pub closed: Option<Closing>,
    /// What it heard, where that is looked at.
    pub checked: Option<Box<Checked>>,
}

/// What a subscriber heard, read message for message.
pub struct Checked {
    agreed: Agreed,
    inflater: Option<Inflater>,
    /// All of it.
    pub tape: Tape,
    /// The first of it.
    pub first: Option<Uuid>,
    /// The last of it.
    pub last: Uuid,
    /// Every one of them, for who wants them and takes them out.
    pub ids: Option<Vec<Uuid>>,
    /// Repeats, and those that came too late.
    pub out_of_order: u64,
    /// Messages that were no executions.
    pub unread: u64,
}

impl Checked {
    /// One that is to hear what follows `anchor`.
    pub fn new(agreed: Agreed, anchor: Uuid) -> Self {
        Self {
            inflater: agreed.deflate.then(Inflater::new),
            agreed,
            tape: Tape::default(),
            first: None,
            last: anchor,
            ids: None,
            out_of_order: 0,
            unread: 0,
        }
    }

    fn hear(&mut self, first: u8, payload: &[u8]) {
        let plain = match (&mut self.inflater, first & RSV1 != 0) {
            (_, false) => Some(payload),
            (Some(inflater), true) => inflater.inflate(payload),
            (None, true) => None,
        };
        match plain.and_then(|plain| execution_id(self.agreed.format, plain)) {
            Some(execution) => {
                // Ids ascend, so one that does not is a repeat or out of place.
                self.out_of_order += u64::from(execution <= self.last);
                self.last = execution;
                self.first.get_or_insert(execution);
                if let Some(ids) = &mut self.ids {
                    ids.push(execution);
                }
                self.tape.add(execution);
            }
            None => self.unread += 1,
        }
    }
}

/// What a read gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Data messages that ended.
    pub messages: u64,
    /// Bytes.
    pub bytes: u64,
}

impl Member {
    /// A subscriber that does not block; `leftover` came right behind its handshake.
    ///
    /// # Errors
    /// When that is not the WebSocket protocol.
    pub fn new(stream: TcpStream, leftover: &[u8], checked: Option<Checked>) -> Outcome<Self> {
        let mut this = Self {
            stream,
            frames: Frames::default(),
            bytes: 0,
            messages: 0,
            closed: None,
            checked: checked.map(Box::new),
        };
        this.take(leftover)?;
        Ok(this)
    }

    /// The connection.
    pub fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Reads all that is there, through `buffer`.
    ///
    /// # Errors
    /// When it is not the WebSocket protocol.
    pub fn read(&mut self, buffer: &mut [u8]) -> Outcome<Heard> {
        let before = (self.messages, self.bytes);
        while self.closed.is_none() {
            match self.stream.read(buffer) {
                Ok(0) => self.closed = Some(Closing::Abrupt),
                Ok(read) => {
                    self.take(&buffer[..read])?;
                    // A stream that gives less than was asked for is empty, and what comes next is a new event (epoll(7)).
                    if read < buffer.len() {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.closed = Some(Closing::Abrupt),
            }
        }
        Ok(Heard {
            messages: self.messages - before.0,
            bytes: self.bytes - before.1,
        })
    }

    fn take(&mut self, bytes: &[u8]) -> Outcome<()> {
        self.bytes += bytes.len() as u64;
        let (mut pings, mut messages, mut closed) = (0, 0, None);
        let checked = &mut self.checked;
        let keep = checked.is_some();
        let each = |opcode, first, payload: &[u8]| match opcode {
            Opcode::Data => {
                messages += 1;
                if let Some(checked) = checked {
                    checked.hear(first, payload);
                }
            }
            Opcode::Ping => pings += 1,
            Opcode::Pong => {}
            Opcode::Close => {
                let code = payload
                    .first_chunk()
                    .map_or(1_005, |two| u16::from_be_bytes(*two));
                closed = Some(Closing::Code(code));
            }
        };
        self.frames
            .take(bytes, keep, each)
            .map_err(|why| Failure::new(format!("a subscriber got {why}")))?;
        self.messages += messages;
        self.closed = self.closed.or(closed);
        if pings > 0 {
            // The exchange's pings are empty. A socket without room for six bytes has more to say than this.
            match self.stream.write(&PONG) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => drop(written.context(|| "cannot answer a ping".to_owned())),
            }
        }
        Ok(())
    }
}
