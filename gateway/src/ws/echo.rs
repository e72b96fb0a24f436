//! A client of `/ws/echo`, for tests of the protocol: every message comes back.

use std::io;
use std::time::Duration;

use hoga_service::CommandSink;

use crate::config::GatewayConfig;
use crate::http::Agreed;
use crate::server::connection_buffer::Line;
use crate::server::context::Turn;
use crate::server::step::Step;
use crate::ws::stream::{Channel, Incoming};

/// Most messages of one client that are looked at before others have their turn.
const MESSAGES_PER_TURN: usize = 32;

/// A client whose messages come back as they came: text as text, binary as binary, compressed where that was agreed on.
#[derive(Debug)]
pub(crate) struct Echo {
    /// Control frames, and the close.
    pub channel: Channel,
    agreed: Agreed,
}

impl Echo {
    /// An echo.
    pub fn new(channel: Channel, agreed: Agreed) -> Self {
        Self { channel, agreed }
    }

    /// Sends back what came, within bounds.
    pub fn serve<S: CommandSink>(&mut self, line: &mut Line, turn: &mut Turn<'_, S>) -> Step {
        self.try_serve(line, turn).unwrap_or(Step::Drop)
    }

    /// When [`expire`](Self::expire) has something to do.
    pub fn deadline(&self, line: &Line, config: &GatewayConfig) -> Option<Duration> {
        (!line.is_full() || !self.channel.is_open()).then(|| self.channel.deadline(line, config))
    }

    /// Pings a silent client, closes one that does not answer, and gives up one that was closed long enough.
    pub fn expire<S: CommandSink>(&mut self, line: &mut Line, turn: &mut Turn<'_, S>) -> Step {
        self.channel.expire(line, turn.now, turn.config)
    }

    fn try_serve<S: CommandSink>(&mut self, line: &mut Line, turn: &mut Turn<'_, S>) -> io::Result<Step> {
        let mut unread = true;
        for _ in 0..MESSAGES_PER_TURN {
            if line.is_full() {
                break;
            }
            let (is_text, message) = match self.channel.read(line, turn.intake, turn.now)? {
                Incoming::Text(text) => (true, text.into()),
                Incoming::Binary(bytes) => (false, bytes),
                Incoming::Control => continue,
                Incoming::Nothing | Incoming::Over => {
                    unread = false;
                    break;
                }
            };
            if self.channel.is_open() {
                turn.framer
                    .echo(line.egress.buffer(), self.agreed.deflate, is_text, &message);
            }
        }
        line.flush(turn.now)?;
        Ok(if let Some(end) = self.channel.end(line) {
            end
        } else if unread && !line.is_full() {
            Step::Again
        } else {
            Step::Idle
        })
    }
}
