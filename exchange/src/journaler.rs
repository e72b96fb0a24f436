//! The journaler agent: input ring → journal.
//!
//! A batch is whatever the ring holds when the last sync returned. The batch is released to the matcher by dropping
//! the poll guard, and that happens only after the journal has said that it is safe.

use std::time::Instant;

use disruptor::{EventPoller, Polling, SingleProducerBarrier};
use hoga_journal::Writer;
use hoga_protocol::codec::{MAX_RECORD, encode_command};

use crate::agent::{Agent, Unparker, Work};
use crate::notices;
use crate::recorder::{COUNTS, NANOSECONDS, Recorder};
use crate::slots::InputSlot;

/// The most commands of one batch; it bounds how long a lone order can wait behind others for one sync.
const MAX_BATCH: u64 = 4_096;

/// Reads the input ring first, and lets nothing past that is not in the journal.
pub struct Journaler {
    poller: EventPoller<InputSlot, SingleProducerBarrier>,
    writer: Writer,
    /// Wakes the matcher where it runs on a thread of its own.
    matcher: Option<Unparker>,
    recorders: JournalerRecorders,
}

/// What a journaler measures: two looks at the clock for each commit.
#[derive(Debug)]
pub struct JournalerRecorders {
    /// Commands of one commit.
    pub batch: Recorder,
    /// Nanoseconds from the batch's first command until all of it is safe.
    pub commit: Recorder,
}

impl Default for JournalerRecorders {
    fn default() -> Self {
        Self {
            batch: Recorder::new(COUNTS),
            commit: Recorder::new(NANOSECONDS),
        }
    }
}

impl Journaler {
    /// A journaler at the head of `poller`'s ring.
    pub fn new(
        poller: EventPoller<InputSlot, SingleProducerBarrier>,
        writer: Writer,
        recorders: JournalerRecorders,
    ) -> Self {
        Self {
            poller,
            writer,
            matcher: None,
            recorders,
        }
    }

    /// The same, for a matcher on a thread of its own.
    pub fn waking(mut self, matcher: Unparker) -> Self {
        self.matcher = Some(matcher);
        self
    }
}

impl Agent for Journaler {
    fn name(&self) -> &'static str {
        "journaler"
    }

    fn do_work(&mut self) -> Work {
        let done = match self.poller.take(MAX_BATCH) {
            Ok(mut batch) => {
                // Appending may commit too, when a frame is full.
                let began = Instant::now();
                let mut done = 0;
                for slot in &mut batch {
                    append(&mut self.writer, slot);
                    done += 1;
                }
                // The guard must outlive a failure: dropping it would hand an undurable batch to the matcher.
                if let Err(error) = self.writer.commit() {
                    die(&error);
                }
                drop(batch);
                self.recorders.commit.record(began.elapsed().as_nanos() as u64);
                self.recorders.batch.record(done as u64);
                done
            }
            Err(Polling::NoEvents) => return Work::Done(0),
            Err(Polling::Shutdown) => {
                if let Some(matcher) = &self.matcher {
                    matcher.wake();
                }
                return Work::Ended;
            }
        };
        if let Some(matcher) = &self.matcher {
            matcher.wake();
        }
        Work::Done(done)
    }

    fn has_work(&self) -> bool {
        self.poller.has_available()
    }
}

fn append(writer: &mut Writer, slot: &InputSlot) {
    let mut record = [0; MAX_RECORD];
    let len = encode_command(slot.timestamp, &slot.command, &mut record);
    if let Err(error) = writer.append(&record[..len]) {
        die(&error);
    }
}

/// Ends the process at once. A failed write or sync is never retried: Linux reports success for the sync after a
/// failed one although the data is lost.
fn die(error: &dyn std::fmt::Display) -> ! {
    notices::die(&format!(
        "the journal cannot be written: {error}. Nothing that was not durable has been acknowledged. Check the disk, then \
         start again"
    ))
}
