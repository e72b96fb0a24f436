//! The WebSocket protocol of one connection, over its line.

use std::io::{self, Read, Write};
use std::time::Duration;

use tungstenite::protocol::frame::{CloseFrame, coding::CloseCode};
use tungstenite::protocol::{Message, Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Bytes, Error, Utf8Bytes};

use crate::line::{Got, Line};
use crate::linger::Linger;
use crate::phase::Phase;
use crate::turn::Step;

/// The longest message and the longest frame that a client may send, in bytes.
pub(crate) const MAX_MESSAGE: usize = 64 * 1024;

/// A live subscriber fell off the tail, or its missed messages are gone.
pub(crate) const SLOW_CONSUMER: u16 = 4001;

/// RFC 6455 §5.5: a control frame's payload has at most 125 bytes, two of which are the code.
const MAX_REASON: usize = 123;

/// The WebSocket protocol of one connection: what tungstenite decides, in the order of the connection's own egress.
#[derive(Debug)]
pub(crate) struct Channel {
    context: WebSocketContext,
    /// Since when a close frame of ours waits for its answer.
    closing: Option<Duration>,
    /// Whether nothing more will be read.
    over: bool,
    /// Whether both sides have closed, so that nothing more can come.
    clean: bool,
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
    /// A ping, a pong or a close, dealt with.
    Control,
    /// Nothing for now.
    Nothing,
    /// Nothing any more: once the egress is empty the connection may go.
    Over,
}

/// The line as tungstenite sees it: reads come from the socket, writes go to the egress and so never block.
struct Shim<'a> {
    line: &'a mut Line,
    now: Duration,
}

impl Read for Shim<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.line.read(buf, self.now)? {
            Got::Bytes(bytes) => Ok(bytes),
            Got::Nothing => Err(io::ErrorKind::WouldBlock.into()),
            Got::End => Ok(0),
        }
    }
}

impl Write for Shim<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.line.egress.buffer().extend_from_slice(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Channel {
    /// The channel after a handshake; `leftover` is what the client sent right behind it.
    pub fn new(leftover: Vec<u8>) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(1024)
            .write_buffer_size(0)
            .max_write_buffer_size(MAX_MESSAGE)
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE))
            .accept_unmasked_frames(false);
        Self {
            context: WebSocketContext::from_partially_read(leftover, Role::Server, Some(config)),
            closing: None,
            over: false,
            clean: false,
            pinged: None,
        }
    }

    /// Whether messages may still be sent to the client.
    pub fn is_open(&self) -> bool {
        !self.over && self.context.can_write()
    }

    /// How the connection ends, once nothing more will be read and the egress is written.
    pub fn end(&self, line: &Line, now: Duration) -> Option<Step> {
        let ended = self.over && line.egress.is_empty();
        ended.then(|| match self.clean || line.ended {
            true => Step::Drop,
            false => Step::Become(Phase::Linger(Linger::new(now))),
        })
    }

    /// The next message, if the client sent one. Answers to pings and closes go to the egress by themselves; a client
    /// that breaks the protocol is closed with the code that says how. Not to be called while too much waits in the
    /// egress, which is what bounds those answers.
    ///
    /// # Errors
    /// The socket is broken.
    pub fn read(&mut self, line: &mut Line, now: Duration) -> io::Result<Incoming> {
        if self.over {
            return Ok(Incoming::Over);
        }
        let (code, reason) = match self.context.read(&mut Shim { line, now }) {
            Ok(Message::Text(text)) => return Ok(Incoming::Text(text)),
            Ok(Message::Binary(bytes)) => return Ok(Incoming::Binary(bytes)),
            Ok(_) => return Ok(Incoming::Control),
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                return Ok(Incoming::Nothing);
            }
            Err(Error::Io(error)) => return Err(error),
            Err(Error::ConnectionClosed | Error::AlreadyClosed) => {
                self.clean = true;
                (None, String::new())
            }
            Err(_) if line.ended => (None, String::new()),
            Err(Error::Capacity(_)) => (
                Some(CloseCode::Size),
                format!("a message may have at most {MAX_MESSAGE} bytes"),
            ),
            Err(Error::Utf8(_)) => (
                Some(CloseCode::Invalid),
                "a text message must be UTF-8".to_owned(),
            ),
            Err(error) => (Some(CloseCode::Protocol), error.to_string()),
        };
        if let Some(code) = code {
            self.close(line, now, code.into(), &reason);
        }
        self.over = true;
        Ok(Incoming::Over)
    }

    /// Sends a close frame, behind everything that waits already; nothing follows it.
    pub fn close(&mut self, line: &mut Line, now: Duration, code: u16, reason: &str) {
        if !self.is_open() {
            return;
        }
        debug_assert!(reason.is_ascii());
        let frame = CloseFrame {
            code: code.into(),
            reason: Utf8Bytes::from(&reason[..reason.len().min(MAX_REASON)]),
        };
        // The shim takes everything, so an error can only say that the context is closed already.
        let _ = self.context.close(&mut Shim { line, now }, Some(frame));
        self.closing.get_or_insert(now);
    }

    /// Pings a client that was silent for `ping_after`, and closes one that stays silent until `close_after`.
    pub fn keep_alive(
        &mut self,
        line: &mut Line,
        now: Duration,
        ping_after: Duration,
        close_after: Duration,
    ) {
        if !self.is_open() {
            return;
        }
        match self.unanswered_ping(line) {
            Some(pinged) if now >= pinged + close_after.saturating_sub(ping_after) => {
                self.close(
                    line,
                    now,
                    CloseCode::Error.into(),
                    "keepalive timeout: no pong came",
                );
            }
            None if now >= line.heard + ping_after => {
                self.pinged = Some(now);
                // The shim takes everything, so an error can only say that the context is closed already.
                let _ = self
                    .context
                    .write(&mut Shim { line, now }, Message::Ping(Bytes::new()));
            }
            _ => {}
        }
    }

    /// When [`keep_alive`](Self::keep_alive) has something to do, or a close that was not answered is given up.
    pub fn deadline(
        &self,
        line: &Line,
        ping_after: Duration,
        close_after: Duration,
        linger: Duration,
    ) -> Duration {
        match (self.closing, self.unanswered_ping(line)) {
            (Some(since), _) => since + linger,
            (None, Some(pinged)) => pinged + close_after.saturating_sub(ping_after),
            (None, None) => line.heard + ping_after,
        }
    }

    /// Whether a close of ours has not been answered within `linger`.
    pub fn is_given_up(&self, now: Duration, linger: Duration) -> bool {
        self.closing.is_some_and(|since| now >= since + linger)
    }

    /// When the ping went out after which nothing was heard.
    fn unanswered_ping(&self, line: &Line) -> Option<Duration> {
        self.pinged.filter(|&pinged| pinged > line.heard)
    }
}
