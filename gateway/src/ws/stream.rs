//! The WebSocket protocol of one connection, over its connection buffer.

mod intake;

mod inbound;

mod utf8;

use std::io;
use std::time::Duration;

use tungstenite::protocol::frame::{CloseFrame, coding::CloseCode};
use tungstenite::protocol::{Message, Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Bytes, Error, Utf8Bytes};

use self::inbound::{Inbound, NOT_UTF8, TOO_LONG};
use self::intake::{Input, Outward};
use crate::config::GatewayConfig;
use crate::http::Agreed;
use crate::server::connection_buffer::{ConnectionBuffer, Got};
use crate::server::egress::Egress;
use crate::server::step::{Next, Step};

pub(crate) use self::intake::Intake;

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

/// Bytes that tungstenite holds for what it reads, and reads at once: enough for nearly every request.
const READ_BUFFER: usize = 512;

/// After a message of which a frame was longer than this, tungstenite's buffer is given back.
const KEEP: u32 = 1024;

/// The WebSocket protocol of one connection: what tungstenite decides, in the order of the connection's own egress.
#[derive(Debug)]
pub(crate) struct WebSocketStream {
    context: WebSocketContext,
    inbound: Inbound,
    /// Bytes that came and were not looked at, from `stash_at` on.
    stash: Vec<u8>,
    stash_at: usize,
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
    Text(Utf8Bytes),
    /// A binary message.
    Binary(Bytes),
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
            context: context(),
            inbound: Inbound::new(agreed.deflate, most),
            stash: leftover,
            stash_at: 0,
            closing: None,
            over: false,
            pinged: None,
        }
    }

    /// Whether messages may still be sent to the client.
    pub fn is_open(&self) -> bool {
        !self.over && self.context.can_write()
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
            came = match buffer.read(intake.socket(), now)? {
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
        let input = match came {
            Some(count) => Input::Socket(count),
            None => Input::Stash(&stash[from..]),
        };
        let mut reading = intake.reading(&mut self.inbound, egress, input);
        let got = self.context.read(&mut reading);
        match (reading.unread(), came) {
            (0, _) => {}
            (unread, Some(count)) => self.stash = intake.socket()[count - unread..count].to_vec(),
            (unread, None) => (self.stash_at, self.stash) = (stash.len() - unread, stash),
        }
        self.judge(got, egress, now)
    }

    /// What a read of tungstenite's comes to.
    fn judge(&mut self, got: Result<Message, Error>, egress: &mut Egress, now: Duration) -> Incoming {
        let (code, reason) = match got {
            Ok(message @ (Message::Text(_) | Message::Binary(_))) => {
                if std::mem::take(&mut self.inbound.longest) > KEEP && self.context.can_write() {
                    // Between two messages there is nothing in it but memory.
                    self.context = context();
                }
                return match message {
                    Message::Text(text) => Incoming::Text(text),
                    message => Incoming::Binary(message.into_data()),
                };
            }
            Ok(_) => {
                // Writes the pong, or the answer to a close, behind which nothing is read.
                self.over = self.context.flush(&mut Outward(egress)).is_err();
                return Incoming::Control;
            }
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => return Incoming::Control,
            Err(error) => match (self.inbound.fault, error) {
                (Some(fault), _) => (fault.code, fault.reason.to_owned()),
                (None, Error::Capacity(_)) => (TOO_LONG.code, TOO_LONG.reason.to_owned()),
                (None, Error::Utf8(_)) => (NOT_UTF8.code, NOT_UTF8.reason.to_owned()),
                (None, error) => (CloseCode::Protocol, error.to_string()),
            },
        };
        self.close_into(egress, now, code.into(), &reason);
        self.over = true;
        Incoming::Over
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
        // The egress takes everything, so an error can only say that the context is closed already.
        let _ = self.context.close(&mut Outward(egress), Some(frame));
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
                // The egress takes everything, so an error can only say that the context is closed already.
                let _ = self
                    .context
                    .write(&mut Outward(&mut buffer.egress), Message::Ping(Bytes::new()));
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

/// Tungstenite for one connection.
fn context() -> WebSocketContext {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(MAX_MESSAGE)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE))
        .accept_unmasked_frames(false);
    WebSocketContext::new(Role::Server, Some(config))
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
            self.egress.buffer()
        }

        /// Whether nothing more is read.
        pub fn is_over(&self) -> bool {
            self.websocket.over
        }
    }
}
