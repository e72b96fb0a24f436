//! A client of `/ws/echo`, for tests of the protocol: every message comes back.

use std::io;
use std::time::Duration;

use crate::config::GatewayConfig;
use crate::http::Agreed;
use crate::server::connection_buffer::ConnectionBuffer;
use crate::server::context::Context;
use crate::server::step::Step;
use crate::ws::stream::{Incoming, WebSocketStream};

/// Most messages of one client that are looked at before others have their turn.
const MESSAGES_PER_TURN: usize = 32;

/// A client whose messages come back as they came: text as text, binary as binary, compressed where that was agreed on.
#[derive(Debug)]
pub(crate) struct Echo {
    /// Control frames, and the close.
    pub websocket: WebSocketStream,
    agreed: Agreed,
}

impl Echo {
    /// An echo.
    pub fn new(websocket: WebSocketStream, agreed: Agreed) -> Self {
        Self { websocket, agreed }
    }

    /// Sends back what came, within bounds.
    pub fn serve(&mut self, buffer: &mut ConnectionBuffer, context: &mut Context<'_>) -> Step {
        self.try_serve(buffer, context).unwrap_or(Step::Drop)
    }

    /// When [`expire`](Self::expire) has something to do.
    pub fn deadline(&self, buffer: &ConnectionBuffer, config: &GatewayConfig) -> Option<Duration> {
        (!buffer.is_full() || !self.websocket.is_open()).then(|| self.websocket.deadline(buffer, config))
    }

    /// Pings a silent client, closes one that does not answer, and gives up one that was closed long enough.
    pub fn expire(&mut self, buffer: &mut ConnectionBuffer, context: &mut Context<'_>) -> Step {
        self.websocket.expire(buffer, context.now, context.config)
    }

    fn try_serve(&mut self, buffer: &mut ConnectionBuffer, context: &mut Context<'_>) -> io::Result<Step> {
        let mut unread = true;
        for _ in 0..MESSAGES_PER_TURN {
            if buffer.is_full() {
                break;
            }
            let (is_text, message) = match self.websocket.read(buffer, context.intake, context.now)? {
                Incoming::Text(text) => (true, text.into()),
                Incoming::Binary(bytes) => (false, bytes),
                Incoming::Control => continue,
                Incoming::Nothing | Incoming::Over => {
                    unread = false;
                    break;
                }
            };
            if self.websocket.is_open() {
                context
                    .framer
                    .echo(buffer.egress.out(), self.agreed.deflate, is_text, &message);
            }
        }
        buffer.flush(context.now)?;
        Ok(if let Some(end) = self.websocket.end(buffer) {
            end
        } else if unread && !buffer.is_full() {
            Step::Again
        } else {
            Step::Idle
        })
    }
}
