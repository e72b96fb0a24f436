//! How long commands take through both rings: when they went in, remembered until their last event comes out.
//!
//! A look at the clock costs as much as a third of the matching, so not every command of a crowd is timed. Timed are
//! the first command after each look at the output ring, which counts once (so a lone command is always timed), and
//! of the others every sixteenth, which counts for sixteen. In this way every command has the same weight, whatever
//! crowd it came in.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use hoga_protocol::{Event, Sequence};

use crate::recorder::{NANOSECONDS, Recorded, Recorder};

/// Of a crowd one command in so many is timed.
const ONE_IN: u64 = 16;

/// The most timed commands under way; more are not timed. A full ring of 65,536 commands has 4,096 timed ones.
const MOST: usize = 8_192;

/// One command that is timed.
#[derive(Clone, Copy, Debug)]
struct Stamp {
    sequence: Sequence,
    /// How many commands it stands for.
    weight: u64,
    at: Instant,
}

/// What both ends share. They belong to one thread, so nobody ever waits for the lock.
#[derive(Debug)]
struct Shared {
    waiting: VecDeque<Stamp>,
    /// Whether nothing was submitted since the last look at the output ring.
    fresh: bool,
}

/// The end of the input ring's producer.
#[derive(Debug)]
pub(super) struct Departures {
    shared: Arc<Mutex<Shared>>,
    /// How many commands of crowds went in.
    crowd: u64,
}

/// The end of the output ring's consumer.
#[derive(Debug)]
pub(super) struct Arrivals {
    shared: Arc<Mutex<Shared>>,
    /// The next to arrive, out of the shared queue.
    next: Option<Stamp>,
    recorder: Recorder,
}

/// Both ends.
pub(super) fn stamps() -> (Departures, Arrivals) {
    let shared = Arc::new(Mutex::new(Shared {
        waiting: VecDeque::with_capacity(MOST),
        fresh: true,
    }));
    let departures = Departures {
        shared: Arc::clone(&shared),
        crowd: 0,
    };
    let arrivals = Arrivals {
        shared,
        next: None,
        recorder: Recorder::new(NANOSECONDS),
    };
    (departures, arrivals)
}

/// A command that is to be timed from now on, once it has a sequence.
#[derive(Clone, Copy, Debug)]
pub(super) struct Departure {
    weight: u64,
    at: Instant,
}

impl Departures {
    /// To be asked just before a command goes in.
    #[inline]
    pub fn next(&mut self) -> Option<Departure> {
        let fresh = std::mem::take(&mut lock(&self.shared).fresh);
        let weight = if fresh {
            1
        } else {
            self.crowd += 1;
            if !self.crowd.is_multiple_of(ONE_IN) {
                return None;
            }
            ONE_IN
        };
        let at = Instant::now();
        Some(Departure { weight, at })
    }

    /// The command went in.
    #[inline]
    pub fn went(&mut self, sequence: Sequence, departure: Departure) {
        let waiting = &mut lock(&self.shared).waiting;
        if waiting.len() < MOST {
            let Departure { weight, at } = departure;
            waiting.push_back(Stamp { sequence, weight, at });
        }
    }
}

impl Arrivals {
    /// What was recorded, in nanoseconds.
    pub fn recorded(&self) -> Arc<Recorded> {
        self.recorder.recorded()
    }

    /// To be called at each look at the output ring, whether it holds anything or not.
    #[inline]
    pub fn look(&mut self) {
        let mut shared = lock(&self.shared);
        shared.fresh = true;
        if self.next.is_none() {
            self.next = shared.waiting.pop_front();
        }
    }

    /// To be called for each event, in order.
    #[inline]
    pub fn note(&mut self, event: &Event) {
        if let Some(stamp) = self.next
            && event.last
            && event.sequence >= stamp.sequence
        {
            self.arrived(stamp);
        }
    }

    fn arrived(&mut self, stamp: Stamp) {
        let took = stamp.at.elapsed().as_nanos() as u64;
        self.recorder.record_n(took, stamp.weight);
        self.next = lock(&self.shared).waiting.pop_front();
    }
}

fn lock(shared: &Mutex<Shared>) -> std::sync::MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hoga_protocol::{EventBody, Nanos, OrderId};

    fn event(sequence: u64, last: bool) -> Event {
        Event {
            sequence: Sequence(sequence),
            timestamp: Nanos(0),
            index: 0,
            last,
            body: EventBody::DuplicateOrder { order: OrderId(0) },
        }
    }

    /// Sends `commands` from `first` on as one crowd, and returns how many of them were timed.
    fn send(departures: &mut Departures, first: u64, commands: u64) -> u64 {
        let mut timed = 0;
        for sequence in first..first + commands {
            if let Some(departure) = departures.next() {
                departures.went(Sequence(sequence), departure);
                timed += 1;
            }
        }
        timed
    }

    #[test]
    fn every_lone_command_is_timed_and_a_crowd_counts_as_many_as_it_has() {
        let (mut departures, mut arrivals) = stamps();
        let len = |arrivals: &Arrivals| arrivals.recorded().snapshot().len();
        for sequence in 1..=100 {
            arrivals.look();
            assert_eq!(send(&mut departures, sequence, 1), 1);
            arrivals.look();
            arrivals.note(&event(sequence, false));
            assert_eq!(len(&arrivals), sequence - 1, "before its last event");
            arrivals.note(&event(sequence, true));
        }
        assert_eq!(len(&arrivals), 100);
        // One that is first, and 1,600 others.
        assert_eq!(send(&mut departures, 101, 1_601), 1 + 100);
        arrivals.look();
        for sequence in 101..=1_701 {
            arrivals.note(&event(sequence, true));
        }
        assert_eq!(len(&arrivals), 100 + 1 + 1_600);
    }

    #[test]
    fn timing_takes_no_more_memory_however_many_commands_are_under_way() {
        let (mut departures, mut arrivals) = stamps();
        let capacity = lock(&departures.shared).waiting.capacity();
        for sequence in 1..=3 * MOST as u64 {
            arrivals.shared.lock().unwrap().fresh = true;
            send(&mut departures, sequence, 1);
        }
        assert_eq!(lock(&departures.shared).waiting.len(), MOST);
        assert_eq!(lock(&departures.shared).waiting.capacity(), capacity);
        arrivals.look();
        (1..=3 * MOST as u64).for_each(|sequence| arrivals.note(&event(sequence, true)));
        assert_eq!(arrivals.recorded().snapshot().len(), MOST as u64);
        assert!(arrivals.next.is_none());
    }
}
