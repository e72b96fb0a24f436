//! The engine alone: commands in blocks, each block under the clock, every event hashed.

use std::time::{Duration, Instant};

use allocation_counter::measure;
use hoga_benches::{EventHash, Flow, Timed, apply};
use hoga_engine::Engine;

use super::BLOCK;
use crate::failure::{Failure, Outcome};
use crate::progress::Stop;
use crate::recording::Recording;

/// In bytes. What is freed of large blocks goes back to the system at once.
const LARGE: i64 = 256 << 20;
/// Above so many resting orders the exchange's matcher has the engine look ahead.
const PREFETCH_ABOVE: usize = 50_000;

/// What the passes so far came to.
pub struct Alone {
    /// Nanoseconds per block of [`BLOCK`] commands, over all timed passes.
    pub blocks: Recording,
    /// When the passes began.
    begin: Instant,
    /// Each timed pass.
    pub passes: Vec<Pass>,
    /// The hash of all events, which every pass must come to.
    pub hash: u64,
    /// What the engine needs.
    pub memory: Memory,
}

/// One pass over a flow.
pub struct Pass {
    /// Commands applied under the clock.
    pub messages: u64,
    /// How long they took.
    pub spent: Duration,
    /// Allocations under the clock.
    pub allocations: u64,
    /// Of these, in the second half.
    pub allocations_late: u64,
}

/// Bytes that an engine holds after a flow.
pub struct Memory {
    /// Asked of the allocator.
    pub asked: i64,
    /// By how much the process's resident memory grew: an engine asks at genesis for all that its limits allow, and most
    /// of that the flow never touches. `None` where the system does not tell, and for an engine of less than
    /// [`LARGE`] bytes, which is given memory that the process had before.
    pub resident: Option<i64>,
}

impl Alone {
    /// Applies `flow` once without a clock: the machine warms up, and the engine's memory is read off.
    pub fn new(flow: &Flow) -> Self {
        let before = resident();
        let (mut engine, mut hash) = (Engine::new(), EventHash::default());
        let heap = measure(|| {
            apply(&mut engine, &flow.opening, &mut |_| {});
            apply(&mut engine, &flow.steady, &mut |event| hash.add(event));
        });
        let grown = before.and_then(|before| Some(resident()? - before));
        let is_large = heap.bytes_current >= LARGE;
        Self {
            blocks: Recording::of_blocks(Duration::from_secs(10), BLOCK as u32),
            begin: Instant::now(),
            passes: Vec::new(),
            hash: hash.value(),
            memory: Memory {
                asked: heap.bytes_current,
                resident: grown.filter(|_| is_large),
            },
        }
    }

    /// Builds an engine, and times the steady part of `flow` through it.
    ///
    /// The commands of a block are copied together just before the clock starts, so that they lie in the cache as
    /// they do in the exchange's matcher. The clock itself is timed with them: once a block.
    ///
    /// # Errors
    /// When a whole pass does not come to the hash of the first one.
    pub fn pass(&mut self, flow: &Flow, stop: &Stop) -> Outcome<()> {
        let mut engine = opened(flow);
        let mut pass = Pass {
            messages: 0,
            spent: Duration::ZERO,
            allocations: 0,
            allocations_late: 0,
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
            pass.allocations += heap.count_total;
            if number * BLOCK >= flow.steady.len() / 2 {
                pass.allocations_late += heap.count_total;
            }
            pass.spent += spent;
            pass.messages += commands.len() as u64;
            if commands.len() == BLOCK {
                self.blocks.add(self.begin.elapsed(), spent);
            }
        }
        let whole = pass.messages == flow.steady.len() as u64;
        if whole && hash.value() != self.hash {
            return Err(Failure::new("two passes over one flow came to two hashes"));
        }
        if pass.messages > 0 {
            self.passes.push(pass);
        }
        Ok(())
    }
}

/// An engine with the books of `flow` built, and its memory touched as the exchange does when it starts.
pub fn opened(flow: &Flow) -> Engine {
    let mut engine = flow.engine();
    engine.touch_memory();
    engine
}

/// What the exchange's matcher does before it applies a batch.
pub fn prefetch(engine: &Engine, block: &[Timed]) {
    if engine.open_orders() > PREFETCH_ABOVE {
        engine.prefetch(block.iter().map(|(_, command)| command));
    }
}

#[inline(never)]
fn time(engine: &mut Engine, block: &[Timed], hash: &mut EventHash) -> Duration {
    let begin = Instant::now();
    prefetch(engine, block);
    apply(engine, block, &mut |event| hash.add(event));
    begin.elapsed()
}

/// The process's resident memory in bytes, as Linux tells it.
fn resident() -> Option<i64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: i64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1_024)
}
