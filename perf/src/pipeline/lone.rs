//! One command in flight at a time, through a pipeline in memory and through one that syncs, beside a bare write and
//! sync of as many bytes: in turns, block after block, so that a drift of the machine favours none.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hoga::cores::{self, CorePlan};
use hoga_benches::{Flow, Timed};
use hoga_journal::{BLOCK_BYTES, FRAME_HEADER_BYTES};
use hoga_protocol::codec::{MAX_RECORD, encode_command};
use serde::Serialize;

use super::frames::Frames;
use super::heard::Heard;
use super::raw_disk::RawDisk;
use super::rig::{Counts, Rig};
use super::{Bench, flow};
use crate::cli::{Durability, Idle};
use crate::failure::{Failure, Outcome};
use crate::latency::{self, Latencies, Row};
use crate::progress::bar;

/// Untimed commands of each kind before the first block.
const WARM_UP: u64 = 200;
/// Untimed commands at the head of a block: the threads have slept meanwhile.
const REENTRY: u64 = 20;
/// What the journal may add to a lone command, as a multiple of the disk's own median.
const CLAIM: f64 = 1.2;
const NAMES: [&str; 3] = [
    "pipeline, memory",
    "pipeline, fsync",
    "raw disk: pwrite and fdatasync",
];

/// The three beside each other.
#[derive(Serialize)]
pub struct Compared {
    /// Whole blocks of each.
    pub blocks: u64,
    /// Commands, or writes, of each block.
    pub block: u32,
    /// What a frame of one command takes, and what each raw write wrote.
    pub frame_bytes: u64,
    /// The pipeline in memory, the pipeline that syncs, the raw disk.
    pub rows: [Row; 3],
    /// (p50 of fsync - p50 of memory) / p50 of the raw disk, over all blocks.
    pub ratio: f64,
    /// The same of single blocks: the least, the median, the most.
    pub ratio_of_blocks: [f64; 3],
    /// What the pipeline that syncs counted.
    pub counts: Counts,
}

/// Runs the blocks; `None` when not one of them is whole.
///
/// # Errors
/// When the options do not fit, or a pipeline cannot be started or says what it must not.
pub fn run(bench: &Bench<'_>) -> Outcome<Option<Compared>> {
    if !bench.args.durability.is_empty() {
        return Err(Failure::new(
            "--mode lone holds fsync against memory: leave --durability out",
        ));
    }
    if bench.args.idle == Idle::Spin {
        return Err(Failure::new(
            "--mode lone has two pipelines, and the resting one would spin beside the other: --idle park or ladder",
        ));
    }
    let (blocks, block) = (u64::from(bench.args.blocks), u64::from(bench.args.block));
    let each = WARM_UP + blocks * (REENTRY + block);
    let flow = flow::make(bench.args.flow, each)?;
    let frame_bytes = flow.steady.iter().map(frame_bytes).max().unwrap_or(BLOCK_BYTES);
    let dir = bench.folder.of("fsync");
    let mut lanes = Lanes {
        memory: Lane::start(bench, Durability::Memory, &flow)?,
        fsync: Lane::start(bench, Durability::Fsync, &flow)?,
        raw: RawDisk::make(bench.folder.path(), frame_bytes, each)?,
        journaler_core: match bench.options.cores {
            CorePlan::Shared { core, .. } => core,
            CorePlan::Split { journaler, .. } => journaler,
        },
    };
    for kind in 0..3 {
        lanes.block(kind, WARM_UP, 0)?;
    }
    let progress = bar(blocks, "lone");
    let mut all = [Latencies::new(), Latencies::new(), Latencies::new()];
    let mut ratios = Vec::new();
    for number in 0..blocks {
        let mut round = [Latencies::new(), Latencies::new(), Latencies::new()];
        for turn in 0..3 {
            let kind = (number as usize + turn) % 3;
            round[kind] = lanes.block(kind, REENTRY, block)?;
        }
        // A block during which somebody pressed Ctrl-C may be worth less than the others.
        if bench.stop.is_set() {
            break;
        }
        ratios.push(ratio(&round));
        all.iter_mut()
            .zip(&round)
            .for_each(|(all, round)| all.merge(round));
        progress.inc(1);
    }
    progress.finish_and_clear();
    lanes.memory.rig.stop()?;
    let (_, counts) = lanes.fsync.rig.stop()?;
    ratios.sort_by(f64::total_cmp);
    let (Some(&least), Some(&most)) = (ratios.first(), ratios.last()) else {
        return Ok(None);
    };
    let frames = Frames::read(&dir, flow.opening.len() as u64)?;
    if frames.largest_batch > 1 {
        return Err(Failure::new(
            "a frame holds two commands although one was in flight at a time",
        ));
    }
    let compared = Compared {
        blocks: ratios.len() as u64,
        block: bench.args.block,
        frame_bytes,
        ratio: ratio(&all),
        ratio_of_blocks: [least, ratios[ratios.len() / 2], most],
        rows: std::array::from_fn(|kind| all[kind].row(NAMES[kind])),
        counts,
    };
    bench.say(|| compared.text());
    Ok(Some(compared))
}

/// What a frame of this command alone takes in a segment.
fn frame_bytes((timestamp, command): &Timed) -> u64 {
    let mut record = [0; MAX_RECORD];
    let length = encode_command(*timestamp, command, &mut record) as u64;
    // Two bytes before the record say its length.
    (FRAME_HEADER_BYTES + 2 + length).next_multiple_of(BLOCK_BYTES)
}

fn ratio([memory, fsync, raw]: &[Latencies; 3]) -> f64 {
    (fsync.median() as f64 - memory.median() as f64) / raw.median().max(1) as f64
}

struct Lanes<'a> {
    memory: Lane<'a>,
    fsync: Lane<'a>,
    raw: RawDisk,
    journaler_core: Option<usize>,
}

impl Lanes<'_> {
    /// Some turns that do not count, then some that do, of one kind.
    fn block(&mut self, kind: usize, before: u64, counted: u64) -> Outcome<Latencies> {
        if kind == 2 {
            return self.raw_block(before, counted);
        }
        let mut latencies = Latencies::new();
        for turn in 0..before + counted {
            let took = match kind {
                0 => self.memory.turn()?,
                _ => self.fsync.turn()?,
            };
            if turn >= before {
                latencies.add(took);
            }
        }
        Ok(latencies)
    }

    /// The raw writes are made where the journaler makes its own, on its core and beside a client that looks all the
    /// time: what a sync takes depends on which core the disk interrupts, and on what the other one does.
    fn raw_block(&mut self, before: u64, counted: u64) -> Outcome<Latencies> {
        let (raw, core, done) = (&mut self.raw, self.journaler_core, AtomicBool::new(false));
        thread::scope(|scope| {
            let writing = scope.spawn(|| {
                cores::pin(core);
                let mut latencies = Latencies::new();
                let mut result = Ok(());
                for turn in 0..before + counted {
                    match raw.write() {
                        Ok(took) if turn >= before => latencies.add(took),
                        Ok(_) => {}
                        Err(error) => result = Err(error),
                    }
                }
                done.store(true, Ordering::Release);
                result.map(|()| latencies)
            });
            while !done.load(Ordering::Acquire) {
                std::hint::spin_loop();
            }
            writing
                .join()
                .map_err(|_| Failure::new("the thread of the raw writes has died"))?
        })
    }
}

/// A pipeline and the commands it has still to get.
struct Lane<'a> {
    rig: Rig,
    rest: std::slice::Iter<'a, Timed>,
}

impl<'a> Lane<'a> {
    fn start(bench: &Bench<'_>, durability: Durability, flow: &'a Flow) -> Outcome<Self> {
        let dir = bench.folder.of(durability.name());
        Ok(Self {
            rig: Rig::start(
                &bench.options,
                bench.args.snapshots,
                durability,
                &dir,
                flow,
                Heard::new(false),
            )?,
            rest: flow.steady.iter(),
        })
    }

    /// The next command, from its submission to its last event.
    fn turn(&mut self) -> Outcome<Duration> {
        let next = self
            .rest
            .next()
            .ok_or_else(|| Failure::new("the flow is too short"))?;
        let goal = self.rig.done() + 1;
        let begin = Instant::now();
        while !self.rig.submit(next)? {
            self.rig.rest(0);
        }
        while self.rig.done() < goal {
            let drained = self.rig.drain();
            self.rig.rest(drained);
        }
        Ok(begin.elapsed())
    }
}

impl Compared {
    fn text(&self) -> String {
        let [least, median, most] = self.ratio_of_blocks;
        let micros = |nanos: u64| nanos as f64 / 1_000.0;
        let [memory, fsync, raw] = &self.rows;
        format!(
            "\n{} blocks of {} commands of each, in turns; a frame and a raw write are {} bytes\n{}  \
             the journal adds {:.1} µs to the median where the disk alone takes {:.1} µs: {:.2} times; of single blocks \
             {least:.2} to {most:.2}, median {median:.2}\n  \
             the claim is at most {CLAIM} times: {}\n",
            self.blocks,
            self.block,
            self.frame_bytes,
            latency::text(&self.rows.each_ref()),
            micros(fsync.p50_ns) - micros(memory.p50_ns),
            micros(raw.p50_ns),
            self.ratio,
            if self.ratio <= CLAIM {
                "it holds"
            } else {
                "it does NOT hold"
            },
        )
    }
}
