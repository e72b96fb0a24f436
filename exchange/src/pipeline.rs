//! The rings and the threads of a running exchange, all in one place.
//!
//! ```text
//!   gateway ──submit──► INPUT RING ──► journaler ──and_then──► matcher ──► OUTPUT RING ──drain──► gateway
//!     (one producer)                  append, sync            apply        (one producer)
//!
//!   2 or 3 cores:  thread "core" = journaler + matcher   thread "gateway"
//!   4 or more:     thread "journaler"   thread "matcher"   thread "gateway"
//! ```
//!
//! Each ring has one producer thread, so the gateway is the sequencer: a command's sequence is the last recovered one
//! plus its position in the ring, counted alike by the sink, the journaler and the matcher.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use disruptor::{BusySpin, Polling, Producer, SingleConsumerBarrier, SingleProducer, build_single_producer};
use hoga_engine::Engine;
use hoga_gateway::{CommandSink, EventSource, GatewayWaker, Refusal};
use hoga_journal::{Space, Writer};
use hoga_protocol::{Command, CommandClass, Event, EventBody, Nanos, OrderId, Sequence};

use crate::agent::{self, Agent, IdleStrategy, SleepFlag, Sleeper, Unparker};
use crate::checkpoints::{Answers, CheckpointOptions, Checkpoints};
use crate::cores::{self, CorePlan};
use crate::journaler::Journaler;
use crate::matcher::Matcher;

/// A slot of the input ring.
#[derive(Clone, Copy, Debug)]
pub struct InputSlot {
    /// When the gateway sequenced the command.
    pub timestamp: Nanos,
    /// The command.
    pub command: Command,
}

/// A slot of the output ring.
#[derive(Clone, Copy, Debug)]
pub struct OutputSlot {
    /// The event.
    pub event: Event,
}

const _: () = assert!(size_of::<InputSlot>() <= 192 && size_of::<OutputSlot>() <= 192);

/// The fewest and the most slots a ring may have.
pub const MIN_RING: usize = 64;
/// See [`MIN_RING`].
pub const MAX_RING: usize = 1 << 22;

/// Bytes of journal that must be left before a cancel is let in: room for every command a full ring may hold, each
/// in a frame of its own. New orders need twice that, so that cancels still pass when orders no longer do.
pub const fn cancel_reserve(input_ring: usize) -> u64 {
    (input_ring as u64 + 1) * hoga_journal::RECORD_COST_BYTES
}

/// Counts kept by the pipeline's threads, each written by one of them.
#[derive(Debug, Default)]
pub struct Counters {
    /// Commands put into the input ring.
    pub submitted: AtomicU64,
    /// Commands that the matcher is through with.
    pub matched: AtomicU64,
    /// How often the matcher found the output ring full. Anything but zero means that the gateway was too slow.
    pub output_full_stalls: AtomicU64,
    /// Commands refused because the input ring was nearly full, or the journal's next segment late.
    pub refused_busy: AtomicU64,
    /// Commands refused because the journal had no room.
    pub refused_no_space: AtomicU64,
    /// The fullest the input ring has been when a command went in.
    pub input_high_water: AtomicU64,
}

/// How a pipeline is to be built.
#[derive(Clone, Debug)]
pub struct PipelineOptions {
    /// Slots of the input ring, a power of two.
    pub input_ring: usize,
    /// Slots of the output ring, a power of two.
    pub output_ring: usize,
    /// What idle threads do.
    pub idle: IdleStrategy,
    /// Which agent runs on which core.
    pub cores: CorePlan,
    /// When the exchange sequences checkpoints.
    pub checkpoints: CheckpointOptions,
}

/// A running core and the gateway's two ends of it.
pub struct Pipeline {
    /// Where the gateway puts commands.
    pub sink: RingSink,
    /// Where the gateway takes events.
    pub source: RingSource,
    /// The journaler's and matcher's threads; they end once the sink is dropped and the rings are drained.
    pub threads: Vec<JoinHandle<()>>,
    /// What the threads count.
    pub counters: Arc<Counters>,
}

/// Builds both rings and starts the journaler and the matcher.
///
/// `engine` stands where recovery left it and `writer` goes on from there; `waker` wakes the gateway's poll.
pub fn start(engine: Engine, writer: Writer, waker: GatewayWaker, options: &PipelineOptions) -> Pipeline {
    let (mut pipeline, journaler, matcher) = by_hand(engine, writer, waker, options);
    let idle = options.idle;
    (pipeline.sink.head, pipeline.threads) = match options.cores {
        CorePlan::Shared { core, .. } => {
            let (unparker, thread) = spawn("core", core, idle, vec![Box::new(journaler), Box::new(matcher)]);
            (unparker, vec![thread])
        }
        CorePlan::Split {
            journaler: journaler_core,
            matcher: matcher_core,
            ..
        } => {
            let (wake_matcher, matcher_thread) =
                spawn("matcher", matcher_core, idle, vec![Box::new(matcher)]);
            let journaler = Box::new(journaler.waking(wake_matcher));
            let (unparker, thread) = spawn("journaler", journaler_core, idle, vec![journaler]);
            (unparker, vec![thread, matcher_thread])
        }
    };
    pipeline
}

/// Builds the same without threads: its agents do a duty cycle when their owner says so. With it a command's way is
/// walked on one thread, step by step.
pub fn by_hand(
    engine: Engine,
    writer: Writer,
    waker: GatewayWaker,
    options: &PipelineOptions,
) -> (Pipeline, Journaler, Matcher) {
    let counters = Arc::new(Counters::default());
    let gateway = WakeGateway {
        flag: Arc::default(),
        waker,
    };
    let space = writer.space();
    let base = engine.last_sequence();
    let answers = Answers::new(engine.last_check());
    let checkpoints = Checkpoints::new(options.checkpoints, engine.rules(), answers.clone());

    let (journaler_poller, input) =
        build_single_producer(options.input_ring, empty_input, BusySpin).new_event_poller();
    let (matcher_poller, input) = input.and_then().new_event_poller();
    let (output_poller, output) =
        build_single_producer(options.output_ring, empty_output, BusySpin).new_event_poller();

    let journaler = Journaler::new(journaler_poller, writer);
    let matcher = Matcher::new(
        matcher_poller,
        engine,
        output.build(),
        gateway.clone(),
        Arc::clone(&counters),
    );
    let sink = RingSink {
        ring: Some(input.build()),
        base,
        slots: options.input_ring as u64,
        head: Sleeper::default().unparker(),
        space,
        counters: Arc::clone(&counters),
        checkpoints,
    };
    let source = RingSource {
        poller: output_poller,
        flag: gateway.flag,
        answers,
        ended: false,
    };
    let pipeline = Pipeline {
        sink,
        source,
        threads: Vec::new(),
        counters,
    };
    (pipeline, journaler, matcher)
}

/// Starts a thread, pins it and runs agents there to their end.
fn spawn(
    name: &str,
    core: Option<usize>,
    idle: IdleStrategy,
    mut agents: Vec<Box<dyn Agent>>,
) -> (Unparker, JoinHandle<()>) {
    let (send, receive) = std::sync::mpsc::sync_channel(1);
    let thread = thread::Builder::new()
        .name(format!("hoga-{name}"))
        .spawn(move || {
            cores::pin(core);
            let sleeper = Sleeper::default();
            let _ = send.send(sleeper.unparker());
            agent::run(&mut agents, idle, &sleeper);
        })
        .expect("the system can start a thread");
    (receive.recv().expect("the thread announces itself"), thread)
}

/// Wakes the gateway's poll when it sleeps.
#[derive(Clone)]
pub struct WakeGateway {
    flag: Arc<SleepFlag>,
    waker: GatewayWaker,
}

impl WakeGateway {
    /// To be called after publishing to the output ring.
    pub fn wake(&self) {
        if self.flag.must_wake() {
            self.waker.wake();
        }
    }
}

/// The gateway's end of the input ring.
pub struct RingSink {
    ring: Option<SingleProducer<InputSlot, SingleConsumerBarrier>>,
    base: Sequence,
    slots: u64,
    head: Unparker,
    space: Arc<Space>,
    counters: Arc<Counters>,
    checkpoints: Checkpoints,
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
        self.publish(timestamp, command)
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
    poller: disruptor::EventPoller<OutputSlot, disruptor::SingleProducerBarrier>,
    flag: Arc<SleepFlag>,
    answers: Answers,
    ended: bool,
}

impl RingSource {
    /// Whether the matcher has stopped and every event of it has been taken.
    pub fn has_ended(&self) -> bool {
        self.ended
    }
}

impl EventSource for RingSource {
    fn drain(&mut self, limit: usize, fold: &mut dyn FnMut(&Event)) -> usize {
        match self.poller.take(limit as u64) {
            Ok(mut events) => {
                let mut done = 0;
                for slot in &mut events {
                    self.answers.note(&slot.event);
                    fold(&slot.event);
                    done += 1;
                }
                done
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

fn empty_input() -> InputSlot {
    let nothing = hoga_protocol::CancelOrder {
        account: Default::default(),
        order: OrderId(0),
    };
    InputSlot {
        timestamp: Nanos(0),
        command: Command::CancelOrder(nothing),
    }
}

fn empty_output() -> OutputSlot {
    let body = EventBody::DuplicateOrder { order: OrderId(0) };
    OutputSlot {
        event: Event {
            sequence: Sequence(0),
            timestamp: Nanos(0),
            index: 0,
            last: true,
            body,
        },
    }
}
