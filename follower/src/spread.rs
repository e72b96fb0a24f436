//! A replica on two threads, for when there is much to apply: the engine here, the views behind it.
//!
//! Folding an event costs the views more than making it costs the engine, and neither waits for the other. Events go over
//! by the batch, in order, and the batches come back to be filled again, so that what is under way is bounded.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use hoga_engine::Engine;
use hoga_protocol::Event;
use hoga_views::Views;

use crate::replica::{Accepted, ApplyError, Replica, apply_to};

/// Events of one batch; as many as stay in a core's cache.
const BATCH: usize = 1_024;
/// Batches under way.
const BATCHES: usize = 4;

/// The engine's half of a replica whose views follow on another thread.
pub struct Spread {
    engine: Engine,
    accepted: Accepted,
    batch: Vec<Event>,
    full: SyncSender<Vec<Event>>,
    empty: Receiver<Vec<Event>>,
}

impl Spread {
    /// As [`Replica::apply`]; the views take the events in some time later, `also` before that.
    ///
    /// # Errors
    /// As [`Replica::apply`].
    #[inline]
    pub fn apply(
        &mut self,
        sequence: u64,
        record: &[u8],
        mut also: impl FnMut(&Event),
    ) -> Result<(), ApplyError> {
        let Spread {
            engine,
            accepted,
            batch,
            ..
        } = self;
        let applied = apply_to(engine, accepted, sequence, record, &mut |event| {
            also(event);
            batch.push(*event);
        });
        if self.batch.len() >= BATCH {
            self.hand_over();
        }
        applied
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    fn hand_over(&mut self) {
        // The other thread ends before this half only by a panic of the views, which ends the process.
        let next = self.empty.recv().unwrap_or_default();
        let _ = self.full.send(std::mem::replace(&mut self.batch, next));
    }
}

/// Runs `work` over a replica on two threads, and returns the replica with everything in it that `work` applied.
pub fn spread<T>(replica: Replica, work: impl FnOnce(&mut Spread) -> T) -> (Replica, T) {
    let Replica {
        engine,
        mut views,
        accepted,
    } = replica;
    let (full, filled) = sync_channel::<Vec<Event>>(BATCHES);
    let (emptied, empty) = sync_channel(BATCHES);
    for _ in 1..BATCHES {
        let _ = emptied.send(Vec::with_capacity(BATCH));
    }
    thread::scope(|scope| {
        let folding = scope.spawn(move || {
            for mut batch in filled {
                fold(&mut views, &mut batch);
                let _ = emptied.send(batch);
            }
            views
        });
        let mut half = Spread {
            engine,
            accepted,
            batch: Vec::with_capacity(BATCH),
            full,
            empty,
        };
        let result = work(&mut half);
        half.hand_over();
        let Spread {
            engine,
            accepted,
            full,
            ..
        } = half;
        drop(full);
        let views = match folding.join() {
            Ok(views) => views,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        (
            Replica {
                engine,
                views,
                accepted,
            },
            result,
        )
    })
}

fn fold(views: &mut Views, batch: &mut Vec<Event>) {
    for events in batch.chunks(Views::PREFETCHED) {
        if views.orders().live() > Views::PREFETCH_ABOVE {
            views.prefetch(events.iter());
        }
        events.iter().for_each(|event| views.fold(event));
    }
    batch.clear();
}
