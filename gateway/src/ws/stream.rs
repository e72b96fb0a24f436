//! The WebSocket protocol of one connection, over its connection buffer.

mod inbound;

mod utf8;

use std::io;
use std::time::Duration;

use tungstenite::Utf8Bytes;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::frame::{CloseFrame, Frame};

use self::inbound::{Fault, Inbound, NOT_UTF8, Received};
use crate::config::GatewayConfig;
use crate::http::Agreed;
use crate::server::connection_buffer::{ConnectionBuffer, Got};
use crate::server::egress::Egress;
use crate::server::step::{Next, Step};
use crate::ws::deflate::Inflater;

/// The longest message and the longest frame that a client may send, in bytes.
pub(crate) const MAX_MESSAGE: usize = 64 * 1024;

/// A live subscriber fell off the tail, or its missed messages are gone.
pub(crate) const SLOW_CONSUMER: u16 = 4001;

/// The key that let a client in is good no longer.
pub(crate) const KEY_REVOKED: u16 = 4002;

/// A client whose first message did not say who it is, or who may not have what it asks for.
pub(crate) const NOT_LET_IN: u16 = 4003;

/// RFC 6455 §5.5: a control frame's payload has at most 125 bytes, two of which are the code.
const MAX_REASON: usize = 123;

/// Bytes read from a socket at once.
const READ: usize = 8 * 1024;

/// What all connections are read with.
#[derive(Debug)]
pub(crate) struct Intake {
    inflater: Inflater,
    /// What a socket gave.
    socket: Box<[u8]>,
}

impl Intake {
    pub fn new() -> Self {
        Self {
            inflater: Inflater::new(),
            socket: vec![0; READ].into(),
        }
    }
}

/// The WebSocket protocol of one connection: frames in, and control frames out in the order of the connection's own egress. (The
/// frames of messages are written by the [framer](crate::ws::framer).)
#[derive(Debug)]
pub(crate) struct WebSocketStream {
    inbound: Inbound,
    /// Bytes that came and were not looked at, from `stash_at` on.
    stash: Vec<u8>,
    stash_at: usize,
    /// Whether a close frame was sent, behind which nothing is.
    closed: bool,
    /// Since when a close frame of ours waits for its answer.
    closing: Option<Duration>,
    /// Whether nothing more will be read.
    over: bool,
    /// When the last ping went out.
    pinged: Option<Duration>,
}

/// What a client sent.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
    /// A ping, a pong or a close, dealt with, or a part of what is yet to come.
    Control,
    /// Nothing for now.
    Nothing,
    /// Nothing any more: once the egress is empty the connection may go.
    Over,
}

impl WebSocketStream {
    /// The stream after a handshake; `leftover` is what the client sent right behind it. A message of the client's has at
    /// most `most` bytes, and never more than [`MAX_MESSAGE`].
    pub fn new(agreed: Agreed, leftover: Vec<u8>, most: usize) -> Self {
        Self {
            inbound: Inbound::new(agreed.deflate, most),
            stash: leftover,
            stash_at: 0,
            closed: false,
            closing: None,
            over: false,
            pinged: None,
        }
    }

    /// Whether messages may still be sent to the client.
    pub fn is_open(&self) -> bool {
        !self.over && !self.closed
    }

    /// How the connection ends, once nothing more will be read and the egress is written.
    pub fn end(&self, buffer: &ConnectionBuffer) -> Option<Step> {
        let ended = self.over && buffer.egress.is_empty();
        // What a client sends behind its close frame would be answered with a reset (RFC 6455 §7.1.1).
        ended.then_some(match buffer.ended {
            true => Step::Drop,
            false => Step::Become(Next::Close),
        })
    }

    /// The next message, if the client sent one. Answers to pings and closes go to the egress by themselves; a client
    /// that breaks the protocol is closed with the code that says how. The socket is asked at most once. Not to be called
    /// while too much waits in the egress, which is what bounds those answers.
    ///
    /// # Errors
    /// The socket is broken.
    pub fn read(
        &mut self,
        buffer: &mut ConnectionBuffer,
        intake: &mut Intake,
        now: Duration,
    ) -> io::Result<Incoming> {
        if self.over {
            return Ok(Incoming::Over);
        }
        let mut came = None;
        if self.stash_at == self.stash.len() {
            came = match buffer.read(&mut intake.socket, now)? {
                Got::Bytes(count) => Some(count),
                Got::Nothing => return Ok(Incoming::Nothing),
                Got::End => {
                    self.over = true;
                    return Ok(Incoming::Over);
                }
            };
        }
        Ok(self.look(came, &mut buffer.egress, intake, now))
    }

    /// Looks at what the socket just gave, or at what waits from before.
    fn look(
        &mut self,
        came: Option<usize>,
        egress: &mut Egress,
        intake: &mut Intake,
        now: Duration,
    ) -> Incoming {
        let stash = std::mem::take(&mut self.stash);
        let from = std::mem::take(&mut self.stash_at);
        let mut input = match came {
            Some(count) => &intake.socket[..count],
            None => &stash[from..],
        };
        let got = self.inbound.take(&mut input, &mut intake.inflater);
        match (input.len(), came) {
            (0, _) => {}
            (_, Some(_)) => self.stash = input.to_vec(),
            (unread, None) => (self.stash_at, self.stash) = (stash.len() - unread, stash),
        }
        let obeyed = got.and_then(|received| match received {
            Some(Received::Text(text)) => Ok(Incoming::Text(text)),
            Some(Received::Binary(bytes)) => Ok(Incoming::Binary(bytes)),
            Some(Received::Ping(payload)) => {
                if self.is_open() {
                    write_frame(egress, Frame::pong(payload));
                }
                Ok(Incoming::Control)
            }
            Some(Received::Close(payload)) => {
                self.answer_close(&payload, egress)?;
                Ok(Incoming::Control)
            }
            Some(Received::Pong) | None => Ok(Incoming::Control),
        });
        obeyed.unwrap_or_else(|Fault { code, reason }| {
            self.close_into(egress, now, code.into(), reason);
            self.over = true;
            Incoming::Over
        })
    }

    /// A close frame has come, behind which nothing is read: answers it with the same code, unless it is the answer to one of
    /// ours (RFC 6455 §5.5.1).
    fn answer_close(&mut self, payload: &[u8], egress: &mut Egress) -> Result<(), Fault> {
        let frame = match payload.split_first_chunk() {
            None if payload.is_empty() => None,
            None => {
                return Err(Fault {
                    code: CloseCode::Protocol,
                    reason: "a close frame of one byte",
                });
            }
            Some((&code, reason)) => {
                let reason = std::str::from_utf8(reason).map_err(|_| NOT_UTF8)?;
                let code = CloseCode::from(u16::from_be_bytes(code));
                Some(match code.is_allowed() {
                    true => (code, reason),
                    false => (CloseCode::Protocol, "Protocol violation"),
                })
            }
        };
        if self.is_open() {
            let frame = frame.map(|(code, reason)| CloseFrame {
                code,
                reason: reason.into(),
            });
            write_frame(egress, Frame::close(frame));
        }
        (self.closed, self.over) = (true, true);
        Ok(())
    }

    /// Sends a close frame, behind everything that waits already; nothing follows it.
    pub fn close(&mut self, buffer: &mut ConnectionBuffer, now: Duration, code: u16, reason: &str) {
        self.close_into(&mut buffer.egress, now, code, reason);
    }

    fn close_into(&mut self, egress: &mut Egress, now: Duration, code: u16, reason: &str) {
        if !self.is_open() {
            return;
        }
        debug_assert!(reason.is_ascii());
        let frame = CloseFrame {
            code: code.into(),
            reason: Utf8Bytes::from(&reason[..reason.len().min(MAX_REASON)]),
        };
        write_frame(egress, Frame::close(Some(frame)));
        self.closed = true;
        self.closing.get_or_insert(now);
    }

    /// Pings a client that was silent for `ping_after`, closes one that stays silent until `close_after`, and gives up one
    /// that has not answered a close of ours within `write_stall`.
    pub fn expire(&mut self, buffer: &mut ConnectionBuffer, now: Duration, config: &GatewayConfig) -> Step {
        if self
            .closing
            .is_some_and(|since| now >= since + config.write_stall)
        {
            return Step::Drop;
        }
        match self.unanswered_ping(buffer) {
            _ if !self.is_open() => {}
            Some(pinged) if now >= pinged + patience(config) => {
                let reason = "keepalive timeout: no pong came";
                self.close(buffer, now, CloseCode::Error.into(), reason);
            }
            None if now >= buffer.heard + config.ping_after => {
                self.pinged = Some(now);
                write_frame(&mut buffer.egress, Frame::ping(Vec::new()));
            }
            _ => {}
        }
        Step::Again
    }

    /// When [`expire`](Self::expire) has something to do.
    pub fn deadline(&self, buffer: &ConnectionBuffer, config: &GatewayConfig) -> Duration {
        match (self.closing, self.unanswered_ping(buffer)) {
            (Some(since), _) => since + config.write_stall,
            (None, Some(pinged)) => pinged + patience(config),
            (None, None) => buffer.heard + config.ping_after,
        }
    }

    /// When the ping went out after which nothing was heard.
    fn unanswered_ping(&self, buffer: &ConnectionBuffer) -> Option<Duration> {
        self.pinged.filter(|&pinged| pinged > buffer.heard)
    }
}

/// How long a ping may stay unanswered.
fn patience(config: &GatewayConfig) -> Duration {
    config.close_after.saturating_sub(config.ping_after)
}

/// Appends a control frame.
fn write_frame(egress: &mut Egress, frame: Frame) {
    // Writing to memory cannot fail.
    let _ = frame.format(egress.out());
}

/// A stream without a socket.
#[cfg(fuzzing)]
pub mod fuzzing {
    use super::{Egress, Incoming, Intake, MAX_MESSAGE, WebSocketStream};
    use crate::codec::Format;
    use crate::http::Agreed;
    use std::time::Duration;

    /// What a client's bytes come to.
    #[derive(Debug)]
    pub struct Fed {
        websocket: WebSocketStream,
        intake: Intake,
        egress: Egress,
        /// Whether each message is text, and its bytes.
        pub messages: Vec<(bool, Vec<u8>)>,
    }

    impl Fed {
        /// A stream whose handshake is over.
        pub fn new(deflate: bool) -> Self {
            let format = Format::Json;
            Self {
                websocket: WebSocketStream::new(Agreed { format, deflate }, Vec::new(), MAX_MESSAGE),
                intake: Intake::new(),
                egress: Egress::default(),
                messages: Vec::new(),
            }
        }

        /// The next bytes of the client's.
        pub fn feed(&mut self, bytes: &[u8]) {
            assert_eq!(self.websocket.stash_at, self.websocket.stash.len());
            (self.websocket.stash, self.websocket.stash_at) = (bytes.to_vec(), 0);
            while !self.websocket.over && self.websocket.stash_at < self.websocket.stash.len() {
                let incoming = self
                    .websocket
                    .look(None, &mut self.egress, &mut self.intake, Duration::ZERO);
                match incoming {
                    Incoming::Text(text) => self.messages.push((true, text.as_bytes().to_vec())),
                    Incoming::Binary(bytes) => self.messages.push((false, bytes.to_vec())),
                    Incoming::Control | Incoming::Nothing | Incoming::Over => {}
                }
            }
            self.websocket.stash.clear();
            self.websocket.stash_at = 0;
        }

        /// Everything that the exchange answered.
        pub fn answers(&mut self) -> &[u8] {
            self.egress.out()
        }

        /// Whether nothing more is read.
        pub fn is_over(&self) -> bool {
            self.websocket.over
        }
    }
}
