//! The engine alone: commands in blocks, each block under the clock, every event hashed.

use std::time::{Duration, Instant};

use allocation_counter::measure;
use hdrhistogram::Histogram;
use hoga_benches::{EventHash, Flow, Timed};
use hoga_engine::Engine;

use super::BLOCK;
use crate::failure::{Context, Failure, Outcome};
use crate::progress::Stop;

/// The longest time of a block that is told apart from longer ones, in nanoseconds.
const LONGEST: u64 = 60_000_000_000;

/// What the passes so far came to.
pub struct Alone {
    /// Nanoseconds per block of [`BLOCK`] commands, over all passes.
    pub blocks: Histogram<u64>,
    /// Each pass.
    pub passes: Vec<Pass>,
}

/// One pass over a flow.
pub struct Pass {
    /// Commands applied under the clock.
    pub messages: u64,
    /// How long they took.
    pub spent: Duration,
    /// The hash of their events.
    pub hash: u64,
    /// Allocations under the clock.
    pub allocations: u64,
    /// Of these, in the second half.
    pub allocations_late: u64,
    /// Bytes of heap that the engine held at the end, as asked of the allocator.
    pub heap: i64,
}

impl Alone {
    /// No pass yet.
    pub fn new() -> Self {
        Self {
            blocks: Histogram::new_with_bounds(1, LONGEST, 3).expect("bounds that fit a histogram"),
            passes: Vec::new(),
        }
    }

    /// The hash of the first pass, which is that of every one.
    pub fn hash(&self) -> Option<u64> {
        self.passes.first().map(|pass| pass.hash)
    }

    /// Builds an engine, and times the steady part of `flow` through it.
    ///
    /// The commands of a block are copied together just before the clock starts, so that they lie in the cache as
    /// they do in a ring. The clock itself is timed with them: once a block.
    ///
    /// # Errors
    /// When a whole pass does not come to the hash of the first one.
    pub fn pass(&mut self, flow: &Flow, stop: &Stop) -> Outcome<()> {
        let mut engine = Engine::new();
        let opened = measure(|| hoga_benches::apply(&mut engine, &flow.opening, &mut |_| {}));
        let mut pass = Pass {
            messages: 0,
            spent: Duration::ZERO,
            hash: 0,
            allocations: 0,
            allocations_late: 0,
            heap: opened.bytes_current,
        };
        let mut hash = EventHash::default();
        let mut room = [flow.steady[0]; BLOCK];
        for (number, commands) in flow.steady.chunks(BLOCK).enumerate() {
            if stop.is_set() {
                break;
            }
            let block = &mut room[..commands.len()];
            block.copy_from_slice(commands);
            let mut spent = Duration::ZERO;
            let heap = measure(|| spent = time(&mut engine, block, &mut hash));
            pass.heap += heap.bytes_current;
            pass.allocations += heap.count_total;
            if number * BLOCK >= flow.steady.len() / 2 {
                pass.allocations_late += heap.count_total;
            }
            pass.spent += spent;
            pass.messages += commands.len() as u64;
            if commands.len() == BLOCK {
                let nanos = spent.as_nanos() as u64;
                self.blocks
                    .record(nanos.min(LONGEST))
                    .context(|| "a block's time".to_owned())?;
            }
        }
        pass.hash = hash.value();
        let whole = pass.messages == flow.steady.len() as u64;
        if whole && self.hash().is_some_and(|hash| hash != pass.hash) {
            return Err(Failure::new("two passes over one flow came to two hashes"));
        }
        if pass.messages > 0 {
            self.passes.push(pass);
        }
        Ok(())
    }
}

#[inline(never)]
fn time(engine: &mut Engine, block: &[Timed], hash: &mut EventHash) -> Duration {
    let begin = Instant::now();
    hoga_benches::apply(engine, block, &mut |event| hash.add(event));
    begin.elapsed()
}
