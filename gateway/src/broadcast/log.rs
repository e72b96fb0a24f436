//! Executions and trades as frames, written once for all who are sent the same.

use hoga_protocol::{AccountId, InstrumentId};
use hoga_views::{Execution, Views};
use uuid::Uuid;

use crate::codec::{encode, ids};
use crate::http::Agreed;
use crate::ws::framer::Framer;

/// The room for one frame, in bytes: an execution takes about 230 in JSON. Longer ones are kept for less long.
const FRAME_BYTES: usize = 256;

/// The least bytes of a log: any single frame must fit.
const LEAST_BYTES: usize = 4096;

/// What a subscriber is sent, and how it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Feed {
    /// Which stream it is.
    pub stream: Stream,
    /// What its handshake agreed on.
    pub agreed: Agreed,
}

/// What there is to subscribe to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Both sides of each trade, with their ids and fees.
    #[default]
    Executions = 0,
    /// Each trade once, without a word of who traded.
    Trades = 1,
}

impl Feed {
    /// How many there are.
    pub const KINDS: usize = 2 * Agreed::KINDS;

    /// All there are.
    pub fn all() -> impl Iterator<Item = Self> {
        let of = |stream| Agreed::all().map(move |agreed| Self { stream, agreed });
        [Stream::Executions, Stream::Trades].into_iter().flat_map(of)
    }

    /// A number below [`KINDS`](Self::KINDS), another one for each.
    pub const fn kind(self) -> usize {
        self.stream as usize * Agreed::KINDS + self.agreed.kind()
    }

    /// Whether it tells of execution `number`. Of the two executions of a trade the first, the aggressor's, stands for it.
    pub const fn includes(self, number: u64) -> bool {
        matches!(self.stream, Stream::Executions) || number.is_multiple_of(2)
    }

    /// Of how many executions from `from` to `until`, the last not included, it tells.
    pub const fn count(self, from: u64, until: u64) -> u64 {
        match self.stream {
            Stream::Executions => until - from,
            Stream::Trades => until.div_ceil(2) - from.div_ceil(2),
        }
    }

    /// Appends what it tells of an execution.
    pub fn write(self, out: &mut Vec<u8>, execution: &Execution, views: &Views, framer: &mut Framer) {
        framer.frame(out, self.agreed, |out| match self.stream {
            Stream::Executions => encode::execution(out, execution, views, self.agreed.format),
            Stream::Trades => encode::trade(out, execution, views, self.agreed.format),
        });
    }
}

/// The newest executions as frames, in one log for each feed that somebody subscribed to. Where a feed does not include an
/// execution, its frame is empty.
///
/// All its logs end at the same execution. One that nobody listens to is not written, and begins anew with the next
/// execution once somebody does; what came before is encoded from the views for whoever asks for it.
#[derive(Debug)]
pub(crate) struct BroadcastLog {
    broadcast_log: [Option<FeedLog>; Feed::KINDS],
    capacity: usize,
    next: u64,
}

impl BroadcastLog {
    /// Logs of at most `capacity` frames each, whose first will be that of execution `next`. The log of executions for
    /// whoever agrees on nothing has its memory from the beginning.
    pub fn new(capacity: usize, next: u64) -> Self {
        let mut broadcast_log = [const { None }; Feed::KINDS];
        broadcast_log[Feed::default().kind()] = Some(FeedLog::new(capacity, next));
        Self {
            broadcast_log,
            capacity,
            next,
        }
    }

    /// The number that the next execution will have.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// The log of a feed; none when it does not reach up to [`next`](Self::next), and so has
    /// nothing for anybody.
    pub fn get(&self, feed: Feed) -> Option<&FeedLog> {
        let feed_log = self.broadcast_log[feed.kind()].as_ref()?;
        (feed_log.next == self.next).then_some(feed_log)
    }

    /// How many executions the views have and the broadcast log has not.
    pub fn behind(&self, views: &Views) -> u64 {
        views.executions().next() - self.next
    }

    /// Encodes the next executions that the views have and the broadcast log has not, at most `most` of them, once in each log that has
    /// `listeners`, by kind. Where nobody listens they are passed over, all of them. Returns how many that are.
    pub fn publish(
        &mut self,
        views: &Views,
        framer: &mut Framer,
        listeners: &[usize; Feed::KINDS],
        most: u64,
    ) -> usize {
        let (from, all) = (self.next, views.executions().next());
        let until = match listeners.iter().any(|&count| count > 0) {
            true => all.min(from + most),
            false => all,
        };
        for feed in Feed::all() {
            if listeners[feed.kind()] > 0 {
                let feed_log =
                    self.broadcast_log[feed.kind()].get_or_insert_with(|| FeedLog::new(self.capacity, from));
                if feed_log.next != from {
                    feed_log.begin(from);
                }
                feed_log.publish(views, framer, feed, until);
            }
        }
        self.next = until;
        (until - from) as usize
    }
}

/// A ring of frames, one behind the other as they go out, so that many are written as one piece.
#[derive(Debug)]
pub(crate) struct FeedLog {
    bytes: Box<[u8]>,
    marks: Box<[Mark]>,
    first: u64,
    next: u64,
    /// A frame on its way into the ring.
    frame: Vec<u8>,
}

/// What is known of one frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    /// What was traded.
    pub instrument: InstrumentId,
    /// Whose side of the trade it is.
    pub account: AccountId,
    /// The execution's id.
    pub id: Uuid,
    /// Where its frame begins and ends, counted in bytes since the log was made.
    start: u64,
    end: u64,
}

impl Mark {
    /// The bytes of the frame.
    pub fn len(&self) -> usize {
        (self.end - self.start) as usize
    }
}

impl FeedLog {
    fn new(capacity: usize, next: u64) -> Self {
        let nothing = Mark {
            instrument: InstrumentId::default(),
            account: AccountId::default(),
            id: Uuid::nil(),
            start: 0,
            end: 0,
        };
        Self {
            bytes: vec![0; (capacity * FRAME_BYTES).max(LEAST_BYTES)].into(),
            marks: vec![nothing; capacity].into(),
            first: next,
            next,
            frame: Vec::with_capacity(2 * FRAME_BYTES),
        }
    }

    /// The number of the oldest frame held.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// What is known of the frame of execution `number`.
    pub fn mark(&self, number: u64) -> Option<&Mark> {
        (self.first..self.next)
            .contains(&number)
            .then(|| &self.marks[(number % self.marks.len() as u64) as usize])
    }

    /// The frames of executions `from` to `until`, the last not included, in two pieces of which the second is empty
    /// unless they lie across the ring's end. Empty when they are not held.
    pub fn bytes(&self, from: u64, until: u64) -> [&[u8]; 2] {
        match (self.mark(from), self.mark(until.wrapping_sub(1))) {
            (Some(first), Some(last)) if from < until => self.span(first.start, last.end),
            _ => [&[]; 2],
        }
    }

    /// The bytes of a frame from byte `skipped` on.
    pub fn rest(&self, mark: &Mark, skipped: usize) -> [&[u8]; 2] {
        self.span(mark.start + skipped as u64, mark.end)
    }

    /// How far frames from `from` on reach within `bytes`: the number behind the last one that is whole. One is given in
    /// any case.
    pub fn reach(&self, from: u64, bytes: usize) -> u64 {
        let (Some(first), Some(last)) = (self.mark(from), self.mark(self.next.wrapping_sub(1))) else {
            return from;
        };
        let most = first.start + bytes as u64;
        if last.end <= most {
            return self.next;
        }
        let (mut low, mut high) = (from + 1, self.next);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.mark(middle) {
                Some(mark) if mark.end <= most => low = middle + 1,
                _ => high = middle,
            }
        }
        low
    }

    fn span(&self, start: u64, end: u64) -> [&[u8]; 2] {
        let size = self.bytes.len() as u64;
        let at = (start % size) as usize;
        let len = (end - start) as usize;
        let head = len.min(self.bytes.len() - at);
        [&self.bytes[at..at + head], &self.bytes[..len - head]]
    }

    /// Forgets every frame; the next is that of execution `next`.
    fn begin(&mut self, next: u64) {
        let end = self.end();
        self.first = next;
        self.next = next;
        // Positions go on, so that the next frame begins where the last one ended.
        self.marks[(next.wrapping_sub(1) % self.marks.len() as u64) as usize].end = end;
    }

    /// Where the next frame begins.
    fn end(&self) -> u64 {
        self.marks[(self.next.wrapping_sub(1) % self.marks.len() as u64) as usize].end
    }

    fn publish(&mut self, views: &Views, framer: &mut Framer, feed: Feed, until: u64) {
        let executions = views.executions();
        // When the views have dropped executions that were never encoded, whoever waits for them is too far behind.
        if self.next < executions.first() {
            self.begin(executions.first().min(until));
        }
        while self.next < until
            && let Some(execution) = executions.get(self.next)
        {
            self.frame.clear();
            if feed.includes(execution.number) {
                feed.write(&mut self.frame, &execution, views, framer);
            }
            let id = ids::execution_id(&execution, views);
            self.push(execution.instrument, execution.account, id);
        }
    }

    /// Puts the frame that was made into the ring; those that it takes the place of are held no longer.
    fn push(&mut self, instrument: InstrumentId, account: AccountId, id: Uuid) {
        let (start, size) = (self.end(), self.bytes.len());
        let len = self.frame.len();
        debug_assert!(len <= LEAST_BYTES);
        let at = (start % size as u64) as usize;
        let head = len.min(size - at);
        self.bytes[at..at + head].copy_from_slice(&self.frame[..head]);
        self.bytes[..len - head].copy_from_slice(&self.frame[head..len]);
        let end = start + len as u64;
        let mark = Mark {
            instrument,
            account,
            id,
            start,
            end,
        };
        let count = self.marks.len() as u64;
        let oldest = (self.next + 1).saturating_sub(count);
        self.first = self.first.max(oldest);
        while let Some(mark) = self.mark(self.first)
            && mark.start + (size as u64) < end
        {
            self.first += 1;
        }
        self.marks[(self.next % count) as usize] = mark;
        self.next += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    /// A log and what it should hold, frame by frame.
    struct Model {
        feed_log: FeedLog,
        frames: VecDeque<(u64, Vec<u8>)>,
        seed: u64,
    }

    impl Model {
        fn new(capacity: usize, next: u64) -> Self {
            Self {
                feed_log: FeedLog::new(capacity, next),
                frames: VecDeque::new(),
                seed: 42,
            }
        }

        fn random(&mut self, below: u64) -> u64 {
            self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (self.seed >> 33) % below
        }

        fn push(&mut self, len: usize) {
            let number = self.feed_log.next;
            let frame: Vec<u8> = (0..len).map(|at| (number as usize * 31 + at) as u8).collect();
            self.feed_log.frame.clone_from(&frame);
            self.feed_log.push(
                InstrumentId(number as u32),
                AccountId(7),
                Uuid::from_u128(number.into()),
            );
            self.frames.push_back((number, frame));
            while self
                .frames
                .front()
                .is_some_and(|(oldest, _)| *oldest < self.feed_log.first)
            {
                self.frames.pop_front();
            }
        }

        fn check(&mut self) {
            let (first, next) = (self.feed_log.first, self.feed_log.next);
            assert_eq!(self.frames.len() as u64, next - first);
            assert!(first < next, "the newest frame is always held");
            assert!(
                self.feed_log.mark(first.wrapping_sub(1)).is_none() && self.feed_log.mark(next).is_none()
            );
            let from = first + self.random(next - first);
            let bytes = self.random(3_000) as usize;
            let reach = self.feed_log.reach(from, bytes);
            let (mut want, mut sum) = (from, 0);
            for (number, frame) in self.frames.iter().skip((from - first) as usize) {
                sum += frame.len();
                if sum > bytes && *number > from {
                    break;
                }
                want = number + 1;
            }
            assert_eq!(reach, want, "from {from}, {bytes} bytes");
            let got = self.feed_log.bytes(from, reach).concat();
            let run = self
                .frames
                .range((from - first) as usize..(reach - first) as usize);
            let want: Vec<u8> = run.flat_map(|(_, frame)| frame.clone()).collect();
            assert!(got == want, "frames {from} to {reach} are not what was put in");
            let mark = *self.feed_log.mark(from).unwrap();
            assert_eq!(mark.id, Uuid::from_u128(from.into()));
            let skipped = self.random(mark.len() as u64 + 1) as usize;
            assert_eq!(
                self.feed_log.rest(&mark, skipped).concat(),
                self.frames[(from - first) as usize].1[skipped..]
            );
        }
    }

    #[test]
    fn no_frame_is_torn_where_the_ring_begins_anew_whatever_the_lengths() {
        for (capacity, longest) in [(1, 300), (2, 4_096), (16, 256), (16, 1_000), (64, 400)] {
            for first in [0, 1, 77] {
                let mut model = Model::new(capacity, first);
                assert_eq!(model.feed_log.reach(first, 100), first);
                for _ in 0..2_000 {
                    let len = model.random(longest) as usize;
                    model.push(len);
                    model.check();
                }
                let next = model.feed_log.next + 5;
                model.feed_log.begin(next);
                model.frames.clear();
                assert!(model.feed_log.mark(next).is_none() && model.feed_log.mark(next - 1).is_none());
                model.push(9);
                model.check();
            }
        }
    }
}
