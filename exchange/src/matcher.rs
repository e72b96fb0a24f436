//! The matcher agent: input ring, behind the journaler → engine → output ring.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use disruptor::{EventPoller, MissingFreeSlots, Polling, Producer, SingleConsumerBarrier, SingleProducer};
use hoga_engine::Engine;
use hoga_protocol::{Event, Sequence};

use crate::agent::{Agent, Work};
use crate::pipeline::{Counters, InputSlot, MIN_RING, OutputSlot, WakeGateway};
use crate::recorder::{COUNTS, NANOSECONDS, Recorder};

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
const FORESEE_ABOVE: usize = 50_000;

/// The one thread that owns the engine.
pub struct Matcher {
    poller: EventPoller<InputSlot, SingleConsumerBarrier>,
    engine: Engine,
    sequence: Sequence,
    /// The commands of one batch, out of the ring: they are looked at twice.
    batch: Vec<InputSlot>,
    /// Dropped at the end of input, which tells the gateway that no event will follow.
    output: Option<Output>,
    recorders: MatcherRecorders,
}

/// What a matcher measures: two looks at the clock for each batch of at most 64 commands.
#[derive(Debug)]
pub struct MatcherRecorders {
    /// Commands of one duty cycle.
    pub batch: Recorder,
    /// Nanoseconds for one command: the mean of its batch, counted for each command of it.
    pub command: Recorder,
}

impl Default for MatcherRecorders {
    fn default() -> Self {
        Self {
            batch: Recorder::new(COUNTS),
            command: Recorder::new(NANOSECONDS),
        }
    }
}

struct Output {
    ring: SingleProducer<OutputSlot, SingleConsumerBarrier>,
    gateway: WakeGateway,
    counters: Arc<Counters>,
    /// Events of the batch at hand that are not in the ring yet.
    waiting: Vec<Event>,
}

impl Matcher {
    /// A matcher that goes on where recovery left `engine`.
    pub fn new(
        poller: EventPoller<InputSlot, SingleConsumerBarrier>,
        engine: Engine,
        ring: SingleProducer<OutputSlot, SingleConsumerBarrier>,
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
            output: Some(Output {
                ring,
                gateway,
                counters,
                waiting: Vec::with_capacity(OUTPUT_BATCH),
            }),
            recorders,
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
            self.recorders.batch.record(done as u64);
        }
        Work::Done(done)
    }

    fn has_work(&self) -> bool {
        self.poller.has_available()
    }
}

impl Matcher {
    fn match_batch(&mut self) -> Work {
        let Some(output) = &mut self.output else {
            return Work::Ended;
        };
        match self.poller.take(MAX_BATCH) {
            Ok(mut batch) => {
                let began = Instant::now();
                self.batch.clear();
                self.batch.extend(batch.copied());
                drop(batch);
                if self.engine.open_orders() > FORESEE_ABOVE {
                    self.engine.foresee(self.batch.iter().map(|slot| &slot.command));
                }
                for slot in &self.batch {
                    self.sequence = self.sequence.next();
                    self.engine
                        .apply(self.sequence, slot.timestamp, &slot.command, &mut |event| {
                            output.push(event);
                        });
                }
                output.flush();
                let done = self.batch.len() as u64;
                output.counters.matched.fetch_add(done, Ordering::Release);
                // Waking the gateway is not matching, and costs more than that for a lone command.
                let took = began.elapsed().as_nanos() as u64;
                self.recorders.command.record_n(took / done, done);
                output.gateway.wake();
                Work::Done(done as usize)
            }
            Err(Polling::NoEvents) => Work::Done(0),
            Err(Polling::Shutdown) => {
                let gateway = output.gateway.clone();
                self.output = None;
                gateway.wake();
                Work::Ended
            }
        }
    }
}

impl Output {
    /// Takes an event that the engine emits, and hands a full batch over at once.
    fn push(&mut self, event: &Event) {
        self.waiting.push(*event);
        if self.waiting.len() == OUTPUT_BATCH {
            self.flush();
        }
    }

    /// Hands over what waits, with one publication: singly, the hand-off costs as much as the matching. The gateway
    /// drains this ring before anything else, so a full ring is a fault worth counting; until there is room the
    /// matcher wakes the gateway and waits.
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
