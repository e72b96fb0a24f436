//! A client of `/ws/executions` or `/ws/trades`: a number into the executions.

use std::io;
use std::time::Duration;

use hoga_protocol::{AccountId, AccountName, InstrumentId};
use hoga_service::Identity;
use hoga_views::Views;
use uuid::Uuid;

use crate::broadcast::log::{BroadcastLog, Feed, FeedLog, Mark, Stream};
use crate::codec::ids;
use crate::config::GatewayConfig;
use crate::http::Agreed;
use crate::server::connection_buffer::{ConnectionBuffer, READ_PER_VISIT};
use crate::server::context::{Context, Opened};
use crate::server::egress::PIECES_PER_WRITE;
use crate::server::step::{Step, Subscription};
use crate::stats::GatewayStats;
use crate::ws::framer::Framer;
use crate::ws::stream::{Incoming, SLOW_CONSUMER, WebSocketStream};

/// Most messages of one client that are looked at before others have their turn.
const MESSAGES_PER_TURN: usize = 8;

/// Backfill is encoded while fewer than this many bytes wait for the socket.
const BACKFILL_BYTES: usize = 16 * 1024;

/// Most bytes of frames offered to a socket before others have their turn; it takes no more than its send buffer.
const STREAM_BYTES: usize = 64 * 1024;

/// Most executions looked at before others have their turn, whether the filter admits them or not.
const SCAN_PER_TURN: u64 = 1_024;

/// A subscriber that fell behind its log is closed once its socket has taken nothing for so long: a burst larger than the
/// log fills the socket of a reader, too.
const SLOW_AFTER: Duration = Duration::from_millis(20);

/// A client of a stream.
///
/// Within its log of frames it sends what all others send. Behind the log it is backfilled from the views, pulled as
/// its socket drains. It is slow when it fell behind the log while its socket took nothing, or when the views no
/// longer hold what it would get next.
#[derive(Debug)]
pub(crate) struct Subscriber {
    /// Control frames, and the close.
    pub websocket: WebSocketStream,
    feed: Feed,
    identity: Option<Box<Identity>>,
    /// Whose executions alone it sees, by name and, once that account is open, by number.
    own: Option<(Box<AccountName>, Option<AccountId>)>,
    instrument: Option<InstrumentId>,
    /// The number of the next execution to look at.
    cursor: u64,
    /// The id of the newest execution handed to the socket, which the views may have forgotten since.
    sent: Option<Uuid>,
    /// Whether it was within the log when it last was served.
    live: bool,
    /// Whether it has been handed everything once.
    was_current: bool,
}

impl Subscriber {
    /// Whose key let it in, if it took one.
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_deref()
    }

    /// What it is sent.
    pub fn feed(&self) -> Feed {
        self.feed
    }

    /// A subscription from `start` on.
    pub fn new(
        websocket: WebSocketStream,
        start: Subscription,
        agreed: Agreed,
        identity: Option<Box<Identity>>,
    ) -> Self {
        Self {
            websocket,
            feed: Feed {
                stream: start.stream,
                agreed,
            },
            identity,
            own: start.own.map(|name| (Box::new(name), None)),
            instrument: start.instrument,
            cursor: start.cursor,
            sent: None,
            live: false,
            was_current: false,
        }
    }

    /// Whether it was up to date once, and now more than one part in `share` of the executions that are held lies before
    /// it.
    pub fn is_far_behind(&self, share: u64, views: &Views) -> bool {
        let executions = views.executions();
        let lag = executions.next().saturating_sub(self.cursor);
        self.was_current && self.websocket.is_open() && lag > executions.capacity() / share
    }

    /// Sends what is there to be sent, within bounds.
    pub fn serve(&mut self, buffer: &mut ConnectionBuffer, context: &mut Context<'_>) -> Step {
        self.try_serve(buffer, context).unwrap_or(Step::Drop)
    }

    /// When [`expire`](Self::expire) has something to do.
    pub fn deadline(&self, buffer: &ConnectionBuffer, config: &GatewayConfig) -> Duration {
        self.websocket.deadline(buffer, config)
    }

    /// Pings a silent client, closes one that does not answer, and gives up one that was closed long enough.
    pub fn expire(&mut self, buffer: &mut ConnectionBuffer, context: &mut Context<'_>) -> Step {
        self.websocket.expire(buffer, context.now, context.config)
    }

    fn try_serve(&mut self, buffer: &mut ConnectionBuffer, context: &mut Context<'_>) -> io::Result<Step> {
        let mut unread = true;
        for _ in 0..MESSAGES_PER_TURN {
            if buffer.is_full() || buffer.taken >= READ_PER_VISIT {
                break;
            }
            // The stream has no requests; what a client says on it beyond the control frames is passed over.
            if matches!(
                self.websocket.read(buffer, context.intake, context.now)?,
                Incoming::Nothing | Incoming::Over
            ) {
                unread = false;
                break;
            }
        }
        let Some(open) = &context.open else {
            return Ok(Step::Drop);
        };
        let broadcast_log = open.broadcast_log;
        if let Some((name, account @ None)) = &mut self.own {
            *account = open.service.views().accounts().by_name(name);
        }
        if self.is_slow(buffer, context.now, broadcast_log, open.service.views()) {
            let reason = self.slow_reason();
            context.stats.slow_consumer_closes += 1;
            self.websocket.close(buffer, context.now, SLOW_CONSUMER, &reason);
        }
        if self.websocket.is_open() {
            let encoded = self.backfill(buffer, open, context.framer);
            self.stream(buffer, broadcast_log, context.now, context.stats)?;
            context.stats.executions_streamed += encoded;
        }
        let behind = self.websocket.is_open() && self.cursor < broadcast_log.next();
        self.was_current |= !behind;
        if !behind {
            buffer.flush(context.now)?;
        }
        Ok(if let Some(end) = self.websocket.end(buffer) {
            end
        } else if (behind && buffer.writable) || (unread && !buffer.is_full()) {
            Step::Again
        } else if buffer.egress.is_empty() && self.websocket.is_open() {
            Step::Park
        } else {
            Step::Idle
        })
    }

    /// Encodes executions older than the log, as many as the socket may soon take. Returns how many.
    fn backfill(&mut self, buffer: &mut ConnectionBuffer, open: &Opened<'_>, framer: &mut Framer) -> u64 {
        let mut encoded = 0;
        let first = self.lane_first(open.broadcast_log);
        let end = first.min(self.cursor + SCAN_PER_TURN);
        let views = open.service.views();
        while self.cursor < end && buffer.has_room(BACKFILL_BYTES) {
            let Some(execution) = views.executions().get(self.cursor) else {
                break;
            };
            if self.feed.includes(self.cursor) && self.admits(execution.instrument, execution.account) {
                self.feed.write(buffer.egress.out(), &execution, views, framer);
                self.sent = Some(ids::execution_id(&execution, views));
                encoded += 1;
            }
            self.cursor += 1;
        }
        self.live = self.cursor >= first;
        encoded
    }

    /// Writes what waits and the frames from the cursor on, in one write.
    fn stream(
        &mut self,
        buffer: &mut ConnectionBuffer,
        broadcast_log: &BroadcastLog,
        now: Duration,
        stats: &mut GatewayStats,
    ) -> io::Result<()> {
        let mut pieces: [&[u8]; PIECES_PER_WRITE] = [&[]; PIECES_PER_WRITE];
        let feed_log = broadcast_log
            .get(self.feed)
            .filter(|feed_log| self.cursor >= feed_log.first());
        let (count, scanned) =
            feed_log.map_or((0, self.cursor), |feed_log| self.gather(feed_log, &mut pieces));
        let offered: usize = pieces[..count].iter().map(|piece| piece.len()).sum();
        let written = buffer.write(&pieces[..count], now)?;
        let Some(feed_log) = feed_log else { return Ok(()) };
        if written.pieces > 0 {
            stats.stream_writes += 1;
            stats.stream_bytes += written.pieces as u64;
        }
        stats.executions_streamed += if written.pieces == offered {
            self.advance(feed_log, scanned)
        } else {
            self.advance_within(feed_log, written.pieces, buffer.egress.out())
        };
        Ok(())
    }

    /// What may be written of a log from the cursor on: how many pieces, and the number behind the last frame that was
    /// looked at.
    fn gather<'l>(&self, feed_log: &'l FeedLog, pieces: &mut [&'l [u8]; PIECES_PER_WRITE]) -> (usize, u64) {
        let reach = feed_log
            .reach(self.cursor, STREAM_BYTES)
            .min(self.cursor + SCAN_PER_TURN);
        let mut count = 0;
        let mut add = |from, until| {
            for piece in feed_log.bytes(from, until) {
                if !piece.is_empty() {
                    pieces[count] = piece;
                    count += 1;
                }
            }
            // A run across the end of the ring takes two.
            count + 2 <= PIECES_PER_WRITE
        };
        if !self.is_filtered() {
            add(self.cursor, reach);
            return (count, reach);
        }
        // Frames that follow each other go as one piece.
        let (mut run, mut number) = (self.cursor, self.cursor);
        while number < reach {
            if !feed_log
                .mark(number)
                .is_some_and(|mark| self.admits(mark.instrument, mark.account))
            {
                if run < number && !add(run, number) {
                    return (count, number);
                }
                run = number + 1;
            }
            number += 1;
        }
        add(run, reach);
        (count, reach)
    }

    /// Moves the cursor to `to`: everything before it was taken. Returns how many executions that are.
    fn advance(&mut self, feed_log: &FeedLog, to: u64) -> u64 {
        let mut taken = self.feed.count(self.cursor, to);
        let mut last = to;
        if self.is_filtered() {
            let admitted = |number: &u64| {
                let admits = |mark: &Mark| self.admits(mark.instrument, mark.account);
                self.feed.includes(*number) && feed_log.mark(*number).is_some_and(admits)
            };
            taken = (self.cursor..to).filter(admitted).count() as u64;
            last = (self.cursor..to).rfind(admitted).map_or(0, |number| number + 1);
        }
        if taken > 0 {
            self.sent = feed_log.mark(last - 1).map(|mark| mark.id).or(self.sent);
        }
        self.cursor = to;
        taken
    }

    /// Moves the cursor behind the frame that byte `bytes` of what was gathered lies in, whose rest is appended to
    /// `rest`. Returns how many executions that are.
    fn advance_within(&mut self, feed_log: &FeedLog, mut bytes: usize, rest: &mut Vec<u8>) -> u64 {
        let mut number = self.cursor;
        while bytes > 0
            && let Some(mark) = feed_log.mark(number)
        {
            number += 1;
            if !self.admits(mark.instrument, mark.account) {
                continue;
            }
            if bytes < mark.len() {
                for piece in feed_log.rest(mark, bytes) {
                    rest.extend_from_slice(piece);
                }
            }
            bytes = bytes.saturating_sub(mark.len());
        }
        self.advance(feed_log, number)
    }

    fn is_filtered(&self) -> bool {
        self.instrument.is_some() || self.own.is_some()
    }

    fn admits(&self, instrument: InstrumentId, account: AccountId) -> bool {
        self.instrument.is_none_or(|only| only == instrument)
            && self.own.as_ref().is_none_or(|(_, own)| *own == Some(account))
    }

    /// The first execution that its log has; what comes before is encoded for it alone.
    fn lane_first(&self, broadcast_log: &BroadcastLog) -> u64 {
        broadcast_log
            .get(self.feed)
            .map_or(broadcast_log.next(), FeedLog::first)
    }

    fn is_slow(
        &self,
        buffer: &ConnectionBuffer,
        now: Duration,
        broadcast_log: &BroadcastLog,
        views: &Views,
    ) -> bool {
        let is_stuck = buffer.blocked.is_some_and(|since| now >= since + SLOW_AFTER);
        let fell_off = self.live && is_stuck && self.cursor < self.lane_first(broadcast_log);
        self.websocket.is_open() && (fell_off || self.cursor < views.executions().first())
    }

    fn slow_reason(&self) -> String {
        match (self.feed.stream, self.sent) {
            (Stream::Executions, Some(id)) => format!("slow consumer: the last execution sent is {id}"),
            (Stream::Executions, None) => {
                "slow consumer: the executions to be sent are no longer in memory".to_owned()
            }
            (Stream::Trades, _) => match (self.cursor.div_ceil(2)).checked_sub(1) {
                Some(trade) => format!("slow consumer: go on after trade {trade}"),
                None => "slow consumer: the trades to be sent are no longer in memory".to_owned(),
            },
        }
    }
}
