//! The matcher agent: input ring, behind the journaler → engine → output ring.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use disruptor::{EventPoller, MissingFreeSlots, Polling, Producer, SingleConsumerBarrier, SingleProducer};
use hoga_engine::Engine;
use hoga_protocol::{Event, Sequence};

use crate::agent::WakeGateway;
use crate::agent::{Agent, Work};
use crate::counters::Counters;
use crate::recorder::{COUNTS, NANOSECONDS, Recorder};
use crate::slots::{InputSlot, MIN_RING, OutputSlot};

/// How many commands are matched between two looks at whether the gateway must be woken.
const MAX_BATCH: u64 = 64;

/// The most batches of one duty cycle: as many commands as the journaler may release at once. Where both share a thread, a
/// matcher that took less would leave the ring full, and the next sync would be for the few commands that found room.
const BATCHES_PER_CYCLE: usize = 64;

/// How many events are handed over at once, and the most that wait for the end of their batch. The smallest output
/// ring holds as many.
const OUTPUT_BATCH: usize = 64;
const _: () = assert!(OUTPUT_BATCH <= MIN_RING);

/// With more resting orders than this the book is larger than a core's cache, and reading ahead for a batch pays
/// (docs/decisions/0006); with fewer it costs some nanoseconds a command.
const PREFETCH_ABOVE: usize = 50_000;

/// The one thread that owns the engine.
pub struct Matcher {
    poller: EventPoller<InputSlot, SingleConsumerBarrier>,
    engine: Engine,
    sequence: Sequence,
    /// The commands of one batch, out of the ring: they are looked at twice.
    batch: Vec<InputSlot>,
    /// How many of them are matched.
    matched: usize,
    /// Dropped at the end of input, which tells the gateway that no event will follow.
    output: Option<Output>,
    batches: Recorder,
    commands: Recorder,
}

/// What a matcher measures: two looks at the clock for each batch of at most 64 commands.
#[derive(Debug)]
pub struct MatcherRecorders {
    /// Commands of one duty cycle.
    pub batch: Recorder,
    /// Nanoseconds for one command: the mean of its batch, counted for each command of it.
    pub command: Recorder,
    /// Nanoseconds of each wait before a command for room in the output ring.
    pub room_wait: Recorder,
}

impl Default for MatcherRecorders {
    fn default() -> Self {
        Self {
            batch: Recorder::new(COUNTS),
            command: Recorder::new(NANOSECONDS),
            room_wait: Recorder::new(NANOSECONDS),
        }
    }
}

struct Output {
    ring: SingleProducer<OutputSlot, SingleConsumerBarrier>,
    gateway: WakeGateway,
    counters: Arc<Counters>,
    /// Events of the batch at hand that are not in the ring yet.
    waiting: Vec<Event>,
    room: Room,
}

/// How much room the output ring has, as the matcher knows it.
struct Room {
    slots: u64,
    /// Events that the matcher has emitted.
    emitted: u64,
    /// Events that the gateway had taken when the matcher looked last.
    taken: u64,
    /// Since when the matcher waits for room.
    waits_since: Option<Instant>,
    waits: Recorder,
}

impl Matcher {
    /// A matcher that goes on where recovery left `engine`, with an output ring of so many slots. Where these are fewer
    /// than one command may have [events](Engine::most_events), it waits until the ring is empty before each command.
    pub fn new(
        poller: EventPoller<InputSlot, SingleConsumerBarrier>,
        engine: Engine,
        ring: SingleProducer<OutputSlot, SingleConsumerBarrier>,
        slots: usize,
        gateway: WakeGateway,
        counters: Arc<Counters>,
        recorders: MatcherRecorders,
    ) -> Self {
        let sequence = engine.last_sequence();
        Self {
            poller,
            engine,
            sequence,
            batch: Vec::with_capacity(MAX_BATCH as usize),
            matched: 0,
            output: Some(Output {
                ring,
                gateway,
                counters,
                waiting: Vec::with_capacity(OUTPUT_BATCH),
                room: Room {
                    slots: slots as u64,
                    emitted: 0,
                    taken: 0,
                    waits_since: None,
                    waits: recorders.room_wait,
                },
            }),
            batches: recorders.batch,
            commands: recorders.command,
        }
    }
}

impl Agent for Matcher {
    fn name(&self) -> &'static str {
        "matcher"
    }

    fn do_work(&mut self) -> Work {
        let mut done = 0;
        for _ in 0..BATCHES_PER_CYCLE {
            match self.match_batch() {
                Work::Done(0) => break,
                Work::Done(batch) => done += batch,
                Work::Ended => return Work::Ended,
            }
        }
        if done > 0 {
            self.batches.record(done as u64);
        }
        Work::Done(done)
    }

    fn has_work(&self) -> bool {
        self.matched < self.batch.len() || self.poller.has_available()
    }
}

impl Matcher {
    fn match_batch(&mut self) -> Work {
        if self.matched < self.batch.len() {
            return self.match_taken();
        }
        let Some(output) = &mut self.output else {
            return Work::Ended;
        };
        match self.poller.take(MAX_BATCH) {
            Ok(mut batch) => {
                self.batch.clear();
                self.matched = 0;
                self.batch.extend(batch.copied());
            }
            Err(Polling::NoEvents) => return Work::Done(0),
            Err(Polling::Shutdown) => {
                let gateway = output.gateway.clone();
                self.output = None;
                gateway.wake();
                return Work::Ended;
            }
        }
        if self.engine.open_orders() > PREFETCH_ABOVE {
            self.engine.prefetch(self.batch.iter().map(|slot| &slot.command));
        }
        self.match_taken()
    }

    /// Matches what was taken out of the input ring, for as long as the output ring has room for all that the next command
    /// may say. What is left waits for the next duty cycle.
    fn match_taken(&mut self) -> Work {
        let Some(output) = &mut self.output else {
            return Work::Ended;
        };
        let began = Instant::now();
        let most_events = self.engine.most_events();
        let first = self.matched;
        for slot in &self.batch[first..] {
            if !output.room.has(most_events, &output.counters) {
                break;
            }
            self.matched += 1;
            self.sequence = self.sequence.next();
            self.engine
                .apply(self.sequence, slot.timestamp, &slot.command, &mut |event| {
                    output.push(event);
                });
        }
        output.flush();
        let done = (self.matched - first) as u64;
        if self.matched < self.batch.len() {
            output.gateway.wake();
            std::thread::yield_now();
        }
        if done == 0 {
            return Work::Done(0);
        }
        output.counters.matched.fetch_add(done, Ordering::Release);
        // Waking the gateway is not matching, and costs more than that for a lone command.
        let took = began.elapsed().as_nanos() as u64;
        self.commands.record_n(took / done, done);
        output.gateway.wake();
        Work::Done(done as usize)
    }
}

impl Room {
    /// Whether so many events have room in the ring. While they have none the wait is timed.
    #[inline]
    fn has(&mut self, events: u64, counters: &Counters) -> bool {
        if self.emitted - self.taken + events <= self.slots && self.waits_since.is_none() {
            return true;
        }
        self.look(events, counters)
    }

    /// Asks how many events the gateway has taken by now.
    #[cold]
    fn look(&mut self, events: u64, counters: &Counters) -> bool {
        self.taken = counters.taken.load(Ordering::Acquire);
        let used = self.emitted - self.taken;
        let has_room = used == 0 || used + events <= self.slots;
        match (has_room, self.waits_since) {
            (true, Some(since)) => {
                self.waits.record(since.elapsed().as_nanos() as u64);
                self.waits_since = None;
            }
            (false, None) => {
                counters.output_room_waits.fetch_add(1, Ordering::Relaxed);
                self.waits_since = Some(Instant::now());
            }
            _ => {}
        }
        has_room
    }
}

impl Output {
    /// Takes an event that the engine emits, and hands a full batch over at once.
    fn push(&mut self, event: &Event) {
        self.waiting.push(*event);
        self.room.emitted += 1;
        if self.waiting.len() == OUTPUT_BATCH {
            self.flush();
        }
    }

    /// Hands over what waits, with one publication: singly, the hand-off costs as much as the matching. There is room,
    /// unless the ring is smaller than what one command may say; a full ring is a fault worth counting then, and until
    /// there is room the matcher wakes the gateway and waits.
    fn flush(&mut self) {
        let mut rest = self.waiting.as_slice();
        let mut stalled = false;
        while let Err(MissingFreeSlots(missing)) = publish(&mut self.ring, rest) {
            if !stalled {
                self.counters.output_full_stalls.fetch_add(1, Ordering::Relaxed);
                stalled = true;
            }
            let free = rest.len().saturating_sub(missing as usize);
            if publish(&mut self.ring, &rest[..free]).is_ok() {
                rest = &rest[free..];
            }
            self.gateway.wake();
            std::thread::yield_now();
        }
        let events = self.waiting.len() as u64;
        self.counters.emitted.fetch_add(events, Ordering::Relaxed);
        self.waiting.clear();
    }
}

fn publish(
    ring: &mut SingleProducer<OutputSlot, SingleConsumerBarrier>,
    events: &[Event],
) -> Result<(), MissingFreeSlots> {
    if events.is_empty() {
        return Ok(());
    }
    ring.try_batch_publish(events.len(), |slots| {
        for (slot, event) in slots.zip(events) {
            slot.event = *event;
        }
    })
    .map(|_| ())
}
