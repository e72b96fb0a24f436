//! The gateway's ends of the two rings.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use disruptor::{
    EventPoller, Polling, Producer, SingleConsumerBarrier, SingleProducer, SingleProducerBarrier,
};
use hoga_journal::Space;
use hoga_protocol::{Command, CommandClass, Event, Nanos, Sequence};
use hoga_service::{CommandSink, EventSource, Refusal};
use hoga_views::Views;

use super::stamps::{Arrivals, Departures};
use super::{Counters, InputSlot, OutputSlot, cancel_reserve};
use crate::agent::{SleepFlag, Unparker};
use crate::checkpoints::{Answers, Checkpoints};
use crate::recorder::{COUNTS, Recorded, Recorder};

/// The gateway's end of the input ring.
pub struct RingSink {
    pub(super) ring: Option<SingleProducer<InputSlot, SingleConsumerBarrier>>,
    pub(super) base: Sequence,
    pub(super) slots: u64,
    pub(super) head: Unparker,
    pub(super) space: Arc<Space>,
    pub(super) counters: Arc<Counters>,
    pub(super) checkpoints: Checkpoints,
    pub(super) departures: Departures,
}

impl RingSink {
    /// Whether a command of this class may go in.
    fn has_room(&self, class: CommandClass) -> Result<(), Refusal> {
        let submitted = self.counters.submitted.load(Ordering::Relaxed);
        let waiting = submitted - self.counters.matched.load(Ordering::Acquire);
        self.counters
            .input_high_water
            .fetch_max(waiting, Ordering::Relaxed);
        let reserve = cancel_reserve(self.slots as usize);
        let (most, least_space) = match class {
            CommandClass::Adding => (self.slots / 8 * 7, reserve * 2),
            CommandClass::Reducing => (self.slots, reserve),
        };
        if waiting >= most {
            return Err(Refusal::Busy);
        }
        if self.space.remaining_bytes() < least_space {
            // A spare segment that is only late will be there in a moment; one that cannot be made is another matter.
            let is_late = self.space.failure().is_none();
            return Err(if is_late {
                Refusal::Busy
            } else {
                Refusal::CancelOnly
            });
        }
        Ok(())
    }

    fn publish(&mut self, timestamp: Nanos, command: &Command) -> Result<Sequence, Refusal> {
        let ring = self.ring.as_mut().ok_or(Refusal::Busy)?;
        let position = ring
            .try_publish(|slot| {
                *slot = InputSlot {
                    timestamp,
                    command: *command,
                }
            })
            .map_err(|_| Refusal::Busy)?;
        self.counters.submitted.fetch_add(1, Ordering::Relaxed);
        self.head.wake();
        Ok(Sequence(self.base.0 + 1 + position as u64))
    }
}

impl CommandSink for RingSink {
    fn submit(&mut self, timestamp: Nanos, command: &Command) -> Result<Sequence, Refusal> {
        self.has_room(command.class()).inspect_err(|refusal| {
            let refused = match refusal {
                Refusal::Busy => &self.counters.refused_busy,
                Refusal::CancelOnly => &self.counters.refused_no_space,
            };
            refused.fetch_add(1, Ordering::Relaxed);
        })?;
        let departure = self.departures.next();
        let sequence = self.publish(timestamp, command)?;
        if let Some(departure) = departure {
            self.departures.went(sequence, departure);
        }
        Ok(sequence)
    }

    /// Sequences a checkpoint when one is due and nobody is short of room; else it stays due.
    fn tick(&mut self, now: Nanos) {
        let commands = self.counters.submitted.load(Ordering::Relaxed);
        if let Some(checkpoint) = self.checkpoints.due(now, commands)
            && self.has_room(CommandClass::Adding).is_ok()
            && let Ok(sequence) = self.publish(now, &checkpoint)
        {
            self.checkpoints.sequenced(sequence, now, commands + 1);
        }
    }

    fn is_full(&self) -> bool {
        let least_space = cancel_reserve(self.slots as usize) * 2;
        self.space.remaining_bytes() < least_space && self.space.failure().is_some()
    }

    fn reason(&self) -> String {
        self.space
            .failure()
            .unwrap_or_else(|| "the journal waits for its next segment".to_owned())
    }
}

impl Drop for RingSink {
    /// Ends the input: the threads drain what is in the ring and stop, so they must be up to see it.
    fn drop(&mut self) {
        self.ring = None;
        self.head.wake();
    }
}

/// The gateway's end of the output ring.
pub struct RingSource {
    pub(super) poller: EventPoller<OutputSlot, SingleProducerBarrier>,
    pub(super) flag: Arc<SleepFlag>,
    pub(super) answers: Answers,
    pub(super) ended: bool,
    pub(super) arrivals: Arrivals,
    pub(super) occupancy: Occupancy,
}

impl RingSource {
    /// Whether the matcher has stopped and every event of it has been taken.
    pub fn has_ended(&self) -> bool {
        self.ended
    }
}

/// How many events are handed over at a time: as many as the views look at before they take them in.
const GROUP: usize = Views::PREFETCHED;

/// How full the output ring is when the gateway comes for events.
pub(super) struct Occupancy {
    counters: Arc<Counters>,
    recorder: Recorder,
    /// Events taken so far.
    taken: u64,
}

impl Occupancy {
    pub(super) fn new(counters: Arc<Counters>) -> Self {
        Self {
            counters,
            recorder: Recorder::new(COUNTS),
            taken: 0,
        }
    }

    pub(super) fn recorded(&self) -> Arc<Recorded> {
        self.recorder.recorded()
    }

    /// Events put into the ring so far.
    #[inline]
    fn emitted(&self) -> u64 {
        self.counters.emitted.load(Ordering::Relaxed)
    }

    /// `found` events were taken when so many had been emitted.
    fn took(&mut self, found: u64, emitted: u64) {
        // The matcher counts after it publishes, so its count may be behind what was found.
        let waited = emitted.saturating_sub(self.taken).max(found);
        self.taken += found;
        self.counters.taken.store(self.taken, Ordering::Release);
        self.recorder.record(waited);
        let most = &self.counters.output_high_water;
        if waited > most.load(Ordering::Relaxed) {
            most.store(waited, Ordering::Relaxed);
        }
    }
}

impl EventSource for RingSource {
    fn drain(&mut self, limit: usize, fold: &mut dyn FnMut(&[&Event])) -> usize {
        self.arrivals.look();
        match self.poller.take(limit as u64) {
            Ok(mut events) => {
                // What is published from here on is for the next look.
                let emitted = self.occupancy.emitted();
                let (mut found, mut slots) = (0, &mut events);
                while let Some(first) = slots.next() {
                    let (mut group, mut count) = ([&first.event; GROUP], 1);
                    for (place, slot) in group[1..].iter_mut().zip(&mut slots) {
                        *place = &slot.event;
                        count += 1;
                    }
                    let group = &group[..count];
                    for event in group {
                        self.answers.note(event);
                        self.arrivals.note(event);
                    }
                    fold(group);
                    found += count as u64;
                }
                drop(events);
                self.occupancy.took(found, emitted);
                found as usize
            }
            Err(Polling::NoEvents) => 0,
            Err(Polling::Shutdown) => {
                self.ended = true;
                0
            }
        }
    }

    fn prepare_sleep(&mut self) -> bool {
        self.flag.announce();
        if self.poller.has_available() {
            self.flag.clear();
            return false;
        }
        true
    }

    fn awake(&mut self) {
        self.flag.clear();
    }
}
