//! A pipeline as an exchange starts it, with the gateway's two ends in the hands of the caller.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use hoga::agent::{Idle, IdleStrategy, Idler};
use hoga::clock::ExchangeClock;
use hoga::config::{Config, FollowerConfig};
use hoga::following::{self, Following};
use hoga::pipeline::{self, Counters, PipelineOptions, RingSink, RingSource, cancel_reserve};
use hoga::recovery::{Stores, journal_dir};
use hoga_benches::{Flow, Timed};
use hoga_follower::Replica;
use hoga_gateway::{Gateway, GatewayConfig};
use hoga_journal::{DEFAULT_SEGMENT_BYTES, Journal, Options, SEGMENT_GRAIN_BYTES, Space, Writer};
use hoga_protocol::codec::{MAX_RECORD, encode_command};
use hoga_protocol::{Command, Nanos};
use hoga_service::{CommandSink, EventSource, Refusal};
use hoga_views::ViewLimits;

use super::heard::Heard;
use crate::cli::Durability;
use crate::failure::{Context, Failure, Outcome};
use crate::results::Measured;

/// The most events taken at once; the gateway takes as many.
const EVENTS_PER_DRAIN: usize = 256;
/// How long the first spare segment may take.
const SPARE_PATIENCE: Duration = Duration::from_secs(60);

/// A running pipeline.
pub struct Rig {
    sink: RingSink,
    source: RingSource,
    threads: Vec<JoinHandle<()>>,
    counters: Arc<Counters>,
    space: Arc<Space>,
    /// With less room than this in the journal, new orders are refused.
    least_space: u64,
    heard: Heard,
    opening: u64,
    /// The sequence that the next command of the flow would have without checkpoints.
    next: u64,
    /// How far the orders of this time through the flow lie behind those of the first.
    behind_first: u64,
    /// What `next` was for the first command behind each checkpoint.
    behind_checkpoints: Vec<u64>,
    refused: Option<(Instant, Cause)>,
    waits: Waits,
    idler: Idler,
    /// Owns the poll that the matcher would wake, if the client slept.
    _gateway: Gateway<RingSink, RingSource, ExchangeClock>,
    following: Option<Following>,
}

#[derive(Clone, Copy)]
enum Cause {
    RingFull,
    SegmentLate,
}

/// How long commands were refused, from the first refusal to the next command that was taken.
#[derive(Clone, Copy, Debug, Default)]
struct Waits {
    ring_full: Duration,
    segment_late: Duration,
}

/// What the pipeline counted, at its end.
pub struct Counts {
    /// How often the matcher found the output ring full.
    pub output_full_stalls: u64,
    /// How often a command was refused, and tried again.
    pub refused_busy: u64,
    /// The fullest that the input ring has been.
    pub input_high_water: u64,
    /// Snapshots that the follower made.
    pub snapshots: u64,
    /// Milliseconds in which the client could not go on because the input ring was full.
    pub ring_full_ms: f64,
    /// Milliseconds in which it could not because the journal's next segment was not ready.
    pub segment_late_ms: f64,
}

impl Counts {
    /// As figures of a row.
    pub fn add_to(&self, row: &mut Measured) {
        row.figure("output_full_stalls", self.output_full_stalls as f64);
        row.figure("refused_busy", self.refused_busy as f64);
        row.figure("input_ring_max", self.input_high_water as f64);
        row.figure("snapshots", self.snapshots as f64);
        row.figure("ring_full_ms", self.ring_full_ms);
        row.figure("segment_late_ms", self.segment_late_ms);
    }
}

impl Rig {
    /// Journals and applies the opening of `flow` as a recovery would have left it, and starts the pipeline behind it.
    /// `dir` is the data folder; with `snapshots` a follower beside it makes one after so many commands.
    ///
    /// # Errors
    /// When there is a journal already, or it cannot be written, or the loopback gives no port.
    pub fn start(
        options: &PipelineOptions,
        snapshots: Option<u64>,
        durability: Durability,
        dir: &Path,
        flow: &Flow,
        mut heard: Heard,
    ) -> Outcome<Self> {
        let mut writer = open(options, durability, dir)?;
        let mut replica = Replica::new(ViewLimits::default());
        let what = || format!("the journal in {}", dir.display());
        for (timestamp, command) in &flow.opening {
            let mut record = [0; MAX_RECORD];
            let length = encode_command(*timestamp, command, &mut record);
            writer.append(&record[..length]).context(what)?;
            let sequence = replica.last_sequence() + 1;
            replica
                .apply(sequence, &record[..length], |event| heard.fold(event))
                .context(what)?;
        }
        writer.commit().context(what)?;
        let following = snapshots
            .filter(|_| durability != Durability::Memory)
            .map(|commands| follow(commands, durability, dir, replica.clone(), &writer))
            .transpose()?;
        let mut engine = replica.engine;
        engine.touch_memory();
        let config = GatewayConfig {
            listen: ([127, 0, 0, 1], 0).into(),
            ..GatewayConfig::default()
        };
        let gateway = Gateway::bind(config, ExchangeClock::new())
            .context(|| "the loopback gives no port, which the gateway's waker needs".to_owned())?;
        let space = writer.space();
        if durability != Durability::Memory {
            await_spare(&space, segment_bytes(options));
        }
        let pipeline = pipeline::start(engine, writer, gateway.waker(), options);
        Ok(Self {
            sink: pipeline.sink,
            source: pipeline.source,
            threads: pipeline.threads,
            counters: pipeline.counters,
            space,
            least_space: 2 * cancel_reserve(options.input_ring),
            heard,
            opening: flow.opening.len() as u64,
            next: flow.opening.len() as u64 + 1,
            behind_first: 0,
            behind_checkpoints: Vec::new(),
            refused: None,
            waits: Waits::default(),
            idler: Idler::new(IdleStrategy::Ladder, options.cores.gateway()),
            _gateway: gateway,
            following,
        })
    }

    /// Puts a command into the input ring; `false` when it is refused as busy, and then events must be drained before
    /// it is tried again.
    ///
    /// # Errors
    /// When the journal cannot go on.
    #[inline]
    pub fn submit(&mut self, (timestamp, command): &Timed) -> Outcome<bool> {
        let mut command = *command;
        if !self.behind_checkpoints.is_empty() || self.behind_first > 0 {
            self.shift(&mut command);
        }
        match self.sink.submit(*timestamp, &command) {
            Ok(sequence) => {
                while sequence.0 > self.next + self.behind_checkpoints.len() as u64 {
                    self.behind_checkpoints.push(self.next);
                }
                self.next += 1;
                if let Some((since, cause)) = self.refused.take() {
                    match cause {
                        Cause::RingFull => self.waits.ring_full += since.elapsed(),
                        Cause::SegmentLate => self.waits.segment_late += since.elapsed(),
                    }
                }
                Ok(true)
            }
            Err(Refusal::Busy) => {
                if self.refused.is_none() {
                    let cause = match self.space.remaining_bytes() < self.least_space {
                        true => Cause::SegmentLate,
                        false => Cause::RingFull,
                    };
                    self.refused = Some((Instant::now(), cause));
                }
                Ok(false)
            }
            Err(Refusal::CancelOnly) => Err(Failure::new(format!(
                "the journal has no room for more orders: {}",
                self.sink.reason()
            ))),
        }
    }

    /// What follows is the flow again, `commands` commands after its first beginning.
    pub fn begin_again(&mut self, commands: u64) {
        self.behind_first = commands;
    }

    /// A flow names orders by the sequences that they have the first time and without checkpoints; each checkpoint
    /// before an order moves it on by one.
    fn shift(&self, command: &mut Command) {
        let order = match command {
            Command::CancelOrder(cancel) => &mut cancel.order,
            Command::ReplaceOrder(replace) => &mut replace.order,
            _ => return,
        };
        order.0 += self.behind_first;
        order.0 += self
            .behind_checkpoints
            .partition_point(|&behind| behind <= order.0) as u64;
    }

    /// Takes events, at most as many as the gateway does at once, and returns how many there were. Before that a
    /// checkpoint goes in if one is due, as in a turn of the gateway.
    #[inline]
    pub fn drain(&mut self) -> usize {
        self.sink.tick(Nanos(0));
        let heard = &mut self.heard;
        self.source
            .drain(EVENTS_PER_DRAIN, &mut |events| heard.fold_all(events))
    }

    /// Commands of the flow, after its opening, whose last event was drained.
    pub fn done(&self) -> u64 {
        self.heard.commands - self.opening - self.heard.checkpoints
    }

    /// To be called with what a turn did: after one that did nothing the client spins for a while and then offers its
    /// core to others between two looks, but it never sleeps.
    #[inline]
    pub fn rest(&mut self, work: usize) {
        if work > 0 {
            self.idler.reset();
        } else if self.idler.idle() == Idle::Sleep {
            thread::yield_now();
        }
    }

    /// Ends the input, takes what is left, and waits for the threads.
    ///
    /// # Errors
    /// When an event was missing, out of place, or a rejection.
    pub fn stop(self) -> Outcome<(Heard, Counts)> {
        let Self {
            sink,
            mut source,
            threads,
            counters,
            mut heard,
            waits,
            following,
            ..
        } = self;
        drop(sink);
        while !source.has_ended() {
            if source.drain(EVENTS_PER_DRAIN, &mut |events| heard.fold_all(events)) == 0 {
                thread::yield_now();
            }
        }
        for thread in threads {
            thread
                .join()
                .map_err(|_| Failure::new("a thread of the pipeline has died"))?;
        }
        let snapshots = following.map_or(0, |following| {
            let lag = Arc::clone(&following.lag);
            following.stop();
            lag.snapshots.load(Ordering::Relaxed)
        });
        if let Some(wrong) = heard.wrong {
            return Err(Failure::new(wrong));
        }
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let millis = |wait: Duration| wait.as_secs_f64() * 1_000.0;
        let counts = Counts {
            output_full_stalls: count(&counters.output_full_stalls),
            refused_busy: count(&counters.refused_busy),
            input_high_water: count(&counters.input_high_water),
            snapshots,
            ring_full_ms: millis(waits.ring_full),
            segment_late_ms: millis(waits.segment_late),
        };
        Ok((heard, counts))
    }
}

/// A follower as an exchange has it.
fn follow(
    commands: u64,
    durability: Durability,
    dir: &Path,
    replica: Replica,
    writer: &Writer,
) -> Outcome<Following> {
    let config = Config {
        data_dir: dir.to_path_buf(),
        durability: match durability {
            Durability::Fsync => hoga::config::Durability::Fsync,
            _ => hoga::config::Durability::PageCache,
        },
        follower: FollowerConfig {
            snapshot_commands: commands,
            snapshot_seconds: 0,
            snapshot_at_stop: false,
            ..FollowerConfig::default()
        },
        ..Config::default()
    };
    let stores = Stores::new(dir);
    following::lock(&*stores.snapshots)
        .and_then(|lock| {
            Following::start(
                &config,
                &stores,
                replica,
                writer,
                0,
                lock,
                ExchangeClock::new().time(),
            )
        })
        .map_err(Failure::new)
}

/// As an exchange has them by default, or as large as a full input ring needs.
fn segment_bytes(options: &PipelineOptions) -> u64 {
    (3 * cancel_reserve(options.input_ring))
        .next_multiple_of(SEGMENT_GRAIN_BYTES)
        .max(DEFAULT_SEGMENT_BYTES)
}

fn open(options: &PipelineOptions, durability: Durability, dir: &Path) -> Outcome<Writer> {
    let journal = Options {
        journal_id: 1,
        segment_bytes: segment_bytes(options),
        durability: match durability {
            Durability::Memory => hoga_journal::Durability::Memory,
            Durability::PageCache => hoga_journal::Durability::PageCache,
            Durability::Fsync => hoga_journal::Durability::Fsync,
        },
        ..Options::default()
    };
    let (writer, report) = Journal::open(journal_dir(dir), &journal, |_, _| Ok::<(), Infallible>(()))
        .context(|| format!("cannot make a journal in {}", dir.display()))?;
    if report.records > 0 {
        return Err(Failure::new(format!(
            "{} already holds a journal: name a fresh folder with --dir",
            dir.display()
        )));
    }
    Ok(writer)
}

/// An exchange that has just started makes its spare segment while few orders come; here the disk shall be quiet first.
fn await_spare(space: &Space, segment_bytes: u64) {
    let begin = Instant::now();
    while space.remaining_bytes() < segment_bytes && begin.elapsed() < SPARE_PATIENCE {
        if space.failure().is_some() {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
}
