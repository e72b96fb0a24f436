//! The engine on one core, and on another a consumer that every event reaches through a ring, as the exchange's
//! matcher hands them to its gateway: published once a batch, and the consumer woken where it sleeps.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use core_affinity::CoreId;
use disruptor::{
    BusySpin, EventPoller, Polling, Producer, SingleConsumerBarrier, SingleProducer, SingleProducerBarrier,
    build_single_producer,
};
use hoga_benches::{EventHash, Flow};
use hoga_protocol::{Event, EventBody, Nanos, OrderId, Sequence};

use super::BLOCK;
use super::alone::{opened, prefetch};
use crate::failure::{Context, Failure, Outcome};
use crate::progress::Stop;

/// Slots of the ring: 3 MiB, so that a sweep of ten thousand levels fits.
const SLOTS: usize = 1 << 14;
/// The most events that wait before they are published, should one batch of commands say more.
const PENDING: usize = 256;
/// How often the consumer looks in vain before it sleeps.
const LOOKS: u32 = 10_000;

/// Sends the steady part of `flow` through; the time is from the first command to the consumer's last event.
///
/// # Errors
/// When the consumer cannot be started or has died.
pub fn pass(flow: &Flow, core: Option<CoreId>, stop: &Stop) -> Outcome<(Duration, u64)> {
    let mut engine = opened(flow);
    let (poller, builder) = build_single_producer(SLOTS, || EMPTY, BusySpin).new_event_poller();
    let sleeping = Arc::new(AtomicBool::new(false));
    let consumer = consume(poller, sleeping.clone(), core)?;
    let mut out = Output {
        ring: builder.build(),
        pending: Vec::with_capacity(PENDING),
        consumer: consumer.thread().clone(),
        sleeping,
    };
    let begin = Instant::now();
    let mut sequence = engine.last_sequence();
    let mut block = Vec::with_capacity(BLOCK);
    for commands in flow.steady.chunks(BLOCK) {
        if stop.is_set() {
            break;
        }
        block.clear();
        block.extend_from_slice(commands);
        prefetch(&engine, &block);
        for (timestamp, command) in &block {
            sequence = sequence.next();
            engine.apply(sequence, *timestamp, command, &mut |event| out.push(event));
        }
        out.publish();
    }
    // Dropping the producer ends the consumer once it has taken everything.
    let Output {
        ring,
        consumer: thread,
        ..
    } = out;
    drop(ring);
    thread.unpark();
    let hash = consumer
        .join()
        .map_err(|_| Failure::new("the consumer thread has died"))?;
    Ok((begin.elapsed(), hash))
}

const EMPTY: Event = Event {
    sequence: Sequence(0),
    timestamp: Nanos(0),
    index: 0,
    last: false,
    body: EventBody::DuplicateOrder { order: OrderId(0) },
};

struct Output {
    ring: SingleProducer<Event, SingleConsumerBarrier>,
    pending: Vec<Event>,
    consumer: Thread,
    sleeping: Arc<AtomicBool>,
}

impl Output {
    #[inline]
    fn push(&mut self, event: &Event) {
        self.pending.push(*event);
        if self.pending.len() == PENDING {
            self.publish();
        }
    }

    fn publish(&mut self) {
        let pending = &self.pending;
        loop {
            let published = self.ring.try_batch_publish(pending.len(), |slots| {
                slots.zip(pending).for_each(|(slot, event)| *slot = *event);
            });
            // What is published must be visible before the flag is read: the consumer sets it, then looks once more.
            fence(Ordering::SeqCst);
            if self.sleeping.load(Ordering::Relaxed) && self.sleeping.swap(false, Ordering::Relaxed) {
                self.consumer.unpark();
            }
            if published.is_ok() {
                break;
            }
            std::hint::spin_loop();
        }
        self.pending.clear();
    }
}

fn consume(
    mut poller: EventPoller<Event, SingleProducerBarrier>,
    sleeping: Arc<AtomicBool>,
    core: Option<CoreId>,
) -> Outcome<JoinHandle<u64>> {
    let body = move || {
        if let Some(core) = core {
            core_affinity::set_for_current(core);
        }
        let (mut hash, mut looks) = (EventHash::default(), 0);
        loop {
            let found_none = match poller.poll() {
                Ok(mut events) => {
                    (&mut events).for_each(|event| hash.add(event));
                    false
                }
                Err(Polling::Shutdown) => return hash.value(),
                Err(Polling::NoEvents) => true,
            };
            looks = if found_none { looks + 1 } else { 0 };
            if looks == LOOKS {
                looks = 0;
                sleeping.store(true, Ordering::Relaxed);
                fence(Ordering::SeqCst);
                if !poller.has_available() {
                    // A bound on the sleep, because the end of the ring sets no flag.
                    thread::park_timeout(Duration::from_millis(1));
                }
                sleeping.store(false, Ordering::Relaxed);
            } else if found_none {
                std::hint::spin_loop();
            }
        }
    };
    let builder = thread::Builder::new().name("consumer".to_owned());
    builder
        .spawn(body)
        .context(|| "cannot start the consumer thread".to_owned())
}
