//! A client of `/ws/executions`: a number into the executions.

use std::io;
use std::time::Duration;

use hoga_protocol::InstrumentId;
use hoga_views::Views;
use uuid::Uuid;

use crate::channel::{Channel, Incoming, SLOW_CONSUMER};
use crate::config::GatewayConfig;
use crate::egress::{EGRESS_HIGH, FRAMES_PER_WRITE};
use crate::frame::Framer;
use crate::frames::FrameRing;
use crate::http::Agreed;
use crate::line::Line;
use crate::ports::CommandSink;
use crate::turn::{Opened, Step, Turn};
use crate::wire::encode;

/// Most messages of one client that are looked at before others have their turn.
const MESSAGES_PER_TURN: usize = 8;

/// Backfill is encoded while fewer than this many bytes wait for the socket.
const BACKFILL_BYTES: usize = 16 * 1024;

/// Most executions looked at before others have their turn, whether the filter admits them or not.
const SCAN_PER_TURN: u64 = 4_096;

/// Where a subscription begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    /// Only this instrument's executions.
    pub instrument: Option<InstrumentId>,
    /// The number of the first execution to send.
    pub cursor: u64,
}

/// A client of the executions stream.
///
/// Within the ring of frames it sends what all others send. Behind the ring it is backfilled from the views, pulled as
/// its socket drains. It is slow when it fell behind the ring while its socket took nothing, or when the views no
/// longer hold what it would get next.
#[derive(Debug)]
pub(crate) struct Subscriber {
    /// Control frames, and the close.
    pub channel: Channel,
    agreed: Agreed,
    instrument: Option<InstrumentId>,
    /// The number of the next execution to look at.
    cursor: u64,
    /// The id of the newest execution handed to the socket, which the views may have forgotten since.
    sent: Option<Uuid>,
    /// Whether it was within the ring when it last was served.
    live: bool,
}

impl Subscriber {
    /// A subscription from `start` on; `leftover` came right behind the handshake.
    pub fn new(start: Start, agreed: Agreed, leftover: Vec<u8>) -> Self {
        Self {
            channel: Channel::new(leftover),
            agreed,
            instrument: start.instrument,
            cursor: start.cursor,
            sent: None,
            live: false,
        }
    }

    /// Sends what is there to be sent, within bounds.
    pub fn serve<S: CommandSink>(&mut self, line: &mut Line, turn: &mut Turn<'_, S>) -> Step {
        self.try_serve(line, turn).unwrap_or(Step::Drop)
    }

    /// When [`expire`](Self::expire) has something to do.
    pub fn deadline(&self, line: &Line, config: &GatewayConfig) -> Duration {
        self.channel
            .deadline(line, config.ping_after, config.close_after, config.write_stall)
    }

    /// Pings a silent client, closes one that does not answer, and gives up one that was closed long enough.
    pub fn expire<S: CommandSink>(&mut self, line: &mut Line, turn: &mut Turn<'_, S>) -> Step {
        let config = turn.config;
        if self.channel.is_given_up(turn.now, config.write_stall) {
            return Step::Drop;
        }
        self.channel
            .keep_alive(line, turn.now, config.ping_after, config.close_after);
        Step::Again
    }

    fn try_serve<S: CommandSink>(&mut self, line: &mut Line, turn: &mut Turn<'_, S>) -> io::Result<Step> {
        let mut unread = true;
        for _ in 0..MESSAGES_PER_TURN {
            if line.egress.len() > EGRESS_HIGH {
                break;
            }
            // The stream has no requests; what a client says on it beyond the control frames is passed over.
            if matches!(
                self.channel.read(line, turn.now)?,
                Incoming::Nothing | Incoming::Over
            ) {
                unread = false;
                break;
            }
        }
        let Some(open) = &turn.open else {
            return Ok(Step::Drop);
        };
        if self.is_slow(line, open.ring, &open.desk.views) {
            let reason = self.slow_reason();
            turn.stats.slow_consumer_closes += 1;
            self.channel.close(line, turn.now, SLOW_CONSUMER, &reason);
        }
        if self.channel.is_open() {
            let sent = self.backfill(line, open, turn.framer) + self.stream(line, open.ring, turn.now)?;
            turn.stats.executions_streamed += sent;
        }
        let behind = self.channel.is_open() && self.cursor < open.ring.next();
        if !behind {
            line.flush(turn.now)?;
        }
        Ok(if let Some(end) = self.channel.end(line, turn.now) {
            end
        } else if (behind && line.writable) || (unread && line.egress.len() <= EGRESS_HIGH) {
            Step::Again
        } else if line.egress.is_empty() && self.channel.is_open() {
            Step::Park
        } else {
            Step::Idle
        })
    }

    /// Encodes executions older than the ring, as many as the socket may soon take. Returns how many.
    fn backfill<S>(&mut self, line: &mut Line, open: &Opened<'_, S>, framer: &mut Framer) -> u64 {
        let mut encoded = 0;
        let end = open.ring.first().min(self.cursor + SCAN_PER_TURN);
        let views = &open.desk.views;
        while self.cursor < end && line.egress.len() < BACKFILL_BYTES {
            let Some(execution) = views.executions().get(self.cursor) else {
                break;
            };
            if self.admits(execution.instrument) {
                framer.frame(line.egress.buffer(), self.agreed, |out| {
                    encode::execution(out, &execution, views, self.agreed.format)
                });
                self.sent = Some(encode::execution_id(&execution, views));
                encoded += 1;
            }
            self.cursor += 1;
        }
        self.live = self.cursor >= open.ring.first();
        encoded
    }

    /// Writes what waits and the frames from the cursor on, in one write. Returns how many of them were taken.
    fn stream(&mut self, line: &mut Line, ring: &FrameRing, now: Duration) -> io::Result<u64> {
        let mut frames: [&[u8]; FRAMES_PER_WRITE] = [&[]; FRAMES_PER_WRITE];
        let mut numbers = [0; FRAMES_PER_WRITE];
        let mut count = 0;
        let mut scanned = self.cursor;
        let end = ring.next().min(self.cursor + SCAN_PER_TURN);
        while count < FRAMES_PER_WRITE && scanned < end {
            let Some(frame) = ring.get(scanned) else {
                break;
            };
            if self.admits(frame.instrument) {
                frames[count] = &frame.bytes;
                numbers[count] = scanned;
                count += 1;
            }
            scanned += 1;
        }
        let taken = line.write(&frames[..count], now)?.frames;
        if taken > 0 {
            self.sent = ring.get(numbers[taken - 1]).map(|frame| frame.id);
        }
        self.cursor = if taken == count { scanned } else { numbers[taken] };
        Ok(taken as u64)
    }

    fn admits(&self, instrument: InstrumentId) -> bool {
        self.instrument.is_none_or(|only| only == instrument)
    }

    fn is_slow(&self, line: &Line, ring: &FrameRing, views: &Views) -> bool {
        let fell_off = self.live && line.blocked.is_some() && self.cursor < ring.first();
        self.channel.is_open() && (fell_off || self.cursor < views.executions().first())
    }

    fn slow_reason(&self) -> String {
        match self.sent {
            Some(id) => format!("slow consumer: the last execution sent is {id}"),
            None => "slow consumer: the executions to be sent are no longer in memory".to_owned(),
        }
    }
}
