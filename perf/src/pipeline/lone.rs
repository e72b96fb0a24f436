//! One command in flight at a time, through a pipeline in memory and through one that syncs, beside a bare write and
//! sync of as many bytes: in turns, block after block, so that a drift of the machine favours none.

use std::time::{Duration, Instant};

use hoga_benches::{Flow, Timed};
use hoga_journal::BLOCK_BYTES;
use hoga_protocol::codec::{MAX_RECORD, encode_command};

use super::frames::Frames;
use super::heard::Heard;
use super::rig::Rig;
use super::{Bench, flow};
use crate::cli::{Durability, Idle};
use crate::failure::{Failure, Outcome};
use crate::progress::bar;
use crate::raw_disk::RawDisk;
use crate::recording::Recording;
use crate::results::{Measured, Quantiles, table};

/// Untimed commands of each kind before the first block.
const WARM_UP: u64 = 200;
/// Untimed commands at the head of a block: the threads have slept meanwhile.
const REENTRY: u64 = 20;
/// What the journal may add to a lone command, as a multiple of the disk's own median.
const CLAIM: f64 = 1.2;
/// The rows: the pipeline in memory, the one that syncs, and the bare `pwrite` and `fdatasync`.
const NAMES: [&str; 3] = ["lone/memory", "lone/fsync", "lone/disk"];

/// Runs the blocks: a row for each of the three, none when not one block is whole.
///
/// # Errors
/// When the options do not fit, or a pipeline cannot be started or says what it must not.
pub fn run(bench: &Bench<'_>, rows: &mut Vec<Measured>, notes: &mut Vec<String>) -> Outcome<()> {
    if !bench.args.durability.is_empty() {
        return Err(Failure::new(
            "--mode lone holds fsync against memory: leave --durability out",
        ));
    }
    if matches!(bench.args.idle, Idle::Spin | Idle::Yield) {
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
        journaler_core: bench.journaler_core(),
    };
    bench.note_placing();
    for kind in 0..3 {
        lanes.block(kind, WARM_UP, 0)?;
    }
    let (recordings, ratios) = lanes.compare(bench, blocks, block)?;
    lanes.memory.rig.stop()?;
    let (_, counts) = lanes.fsync.rig.stop()?;
    if ratios.is_empty() {
        return Ok(());
    }
    let frames = Frames::read(&dir, flow.opening.len() as u64)?;
    if frames.largest_batch > 1 {
        return Err(Failure::new(
            "a frame holds two commands although one was in flight at a time",
        ));
    }
    let quantiles = recordings.each_ref().map(Quantiles::of);
    let told = NAMES
        .iter()
        .map(|&name| name.to_owned())
        .zip(quantiles)
        .collect::<Vec<_>>();
    let whole = ratio(quantiles.map(|one| one.p50()));
    let note = verdict(ratios.len(), block, frame_bytes, &quantiles, whole, &ratios);
    bench.say(|| format!("\n{}  {note}\n", table(&told)));
    notes.push(note);
    for (name, recording) in NAMES.into_iter().zip(recordings) {
        rows.push(Measured::new(name, recording));
    }
    let fsync = &mut rows[1];
    fsync.figure("frame_bytes", frame_bytes as f64);
    fsync.figure("journal_over_disk", whole);
    counts.add_to(fsync);
    Ok(())
}

/// What the journal adds, in one sentence.
fn verdict(
    blocks: usize,
    block: u64,
    frame_bytes: u64,
    [memory, fsync, raw]: &[Quantiles; 3],
    whole: f64,
    ratios: &[f64],
) -> String {
    let micros = |nanos: f64| nanos / 1_000.0;
    format!(
        "{blocks} blocks of {block} commands of each, in turns; a frame and a raw write are {frame_bytes} bytes. The journal \
         adds {:.1} µs to the median where the disk alone takes {:.1} µs: {whole:.2} times; of single blocks {:.2} to {:.2}, \
         median {:.2}. The claim is at most {CLAIM} times: {}",
        micros(fsync.p50() - memory.p50()),
        micros(raw.p50()),
        ratios[0],
        ratios[ratios.len() - 1],
        ratios[ratios.len() / 2],
        if whole <= CLAIM {
            "it holds"
        } else {
            "it does NOT hold"
        },
    )
}

/// What a frame of this command alone takes in a segment.
fn frame_bytes((timestamp, command): &Timed) -> u64 {
    let mut record = [0; MAX_RECORD];
    let length = encode_command(*timestamp, command, &mut record) as u64;
    // Two bytes before the record say its length.
    hoga_journal::frame_bytes(2 + length)
}

/// (p50 of fsync - p50 of memory) / p50 of the raw disk.
fn ratio([memory, fsync, raw]: [f64; 3]) -> f64 {
    (fsync - memory) / raw.max(1.0)
}

fn median(mut took: Vec<Duration>) -> f64 {
    took.sort_unstable();
    took.get(took.len() / 2)
        .map_or(0.0, |median| median.as_nanos() as f64)
}

struct Lanes<'a> {
    memory: Lane<'a>,
    fsync: Lane<'a>,
    raw: RawDisk,
    journaler_core: Option<usize>,
}

impl Lanes<'_> {
    /// All latencies of each kind, and the ratio of each block, ascending.
    fn compare(&mut self, bench: &Bench<'_>, blocks: u64, block: u64) -> Outcome<([Recording; 3], Vec<f64>)> {
        let progress = bar(blocks, "lone");
        // Some hundred microseconds each, of three kinds.
        let most = Duration::from_millis(blocks * block);
        let mut all = std::array::from_fn(|_| Recording::new(most));
        let (mut ratios, begin) = (Vec::new(), Instant::now());
        for number in 0..blocks {
            let mut round = [const { Vec::new() }; 3];
            for turn in 0..3 {
                let kind = (number as usize + turn) % 3;
                round[kind] = self.block(kind, REENTRY, block)?;
            }
            // A block during which somebody pressed Ctrl-C may be worth less than the others.
            if bench.stop.is_set() {
                break;
            }
            let at = begin.elapsed();
            for (all, round) in all.iter_mut().zip(&round) {
                round.iter().for_each(|&took| all.add(at, took));
            }
            ratios.push(ratio(round.map(median)));
            progress.inc(1);
        }
        progress.finish_and_clear();
        ratios.sort_by(f64::total_cmp);
        Ok((all, ratios))
    }

    /// Some turns that do not count, then some that do, of one kind.
    fn block(&mut self, kind: usize, before: u64, counted: u64) -> Outcome<Vec<Duration>> {
        if kind == 2 {
            return self.raw_block(before, counted);
        }
        let mut took = Vec::with_capacity((before + counted) as usize);
        for _ in 0..before + counted {
            took.push(match kind {
                0 => self.memory.turn()?,
                _ => self.fsync.turn()?,
            });
        }
        Ok(took.split_off(before as usize))
    }

    fn raw_block(&mut self, before: u64, counted: u64) -> Outcome<Vec<Duration>> {
        let mut took = self.raw.writes_on(self.journaler_core, before + counted)?;
        Ok(took.split_off(before as usize))
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
