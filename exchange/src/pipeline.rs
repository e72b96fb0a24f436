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

mod ends;

mod stamps;

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use disruptor::{BusySpin, build_single_producer};
use hoga_engine::Engine;
use hoga_gateway::GatewayWaker;
use hoga_journal::Writer;
use hoga_protocol::{Command, Event, EventBody, Nanos, OrderId, Sequence};

pub use self::ends::{RingSink, RingSource};
pub use crate::agent::WakeGateway;
use crate::agent::{self, Agent, IdleStrategy, Idler, Sleeper, Unparker};
use crate::checkpoints::{Answers, CheckpointOptions, Checkpoints};
use crate::cores::{self, CorePlan};
pub use crate::counters::{Counters, Lane};
use crate::journaler::{Journaler, JournalerRecorders};
use crate::matcher::{Matcher, MatcherRecorders};
use crate::memory;
use crate::recorder::Recorded;
pub use crate::slots::{InputSlot, MAX_RING, MIN_RING, OutputSlot};

/// Bytes of journal that must be left before a cancel is let in: room for every command a full ring may hold, each
/// in a frame of its own. New orders need twice that, so that cancels still pass when orders no longer do.
pub const fn cancel_reserve(input_ring: usize) -> u64 {
    (input_ring as u64 + 1) * hoga_journal::RECORD_COST_BYTES
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
    /// What they measure.
    pub recordings: PipelineRecordings,
}

/// What a pipeline's threads measure, since the start.
#[derive(Clone, Debug)]
pub struct PipelineRecordings {
    /// Commands of one commit.
    pub journal_batch: Arc<Recorded>,
    /// Nanoseconds of one commit: encoding, the write, and the sync where `durability` asks for one.
    pub journal_commit: Arc<Recorded>,
    /// Commands of one duty cycle of the matcher.
    pub matcher_batch: Arc<Recorded>,
    /// Nanoseconds of matching for one command, its events' way into the output ring included; of batches of at most 64
    /// commands, each the mean of its batch.
    pub matcher_command: Arc<Recorded>,
    /// Nanoseconds of each wait of the matcher, before it took a command, for room in the output ring.
    pub output_room_wait: Arc<Recorded>,
    /// Nanoseconds from the submission at the gateway until the gateway takes the command's last event.
    pub ring_to_ring: Arc<Recorded>,
    /// Events in the output ring when the gateway came for them.
    pub output_ring: Arc<Recorded>,
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
    let checkpoints = Checkpoints::new(options.checkpoints, answers.clone());

    let (journaler_poller, input) =
        build_single_producer(options.input_ring, empty_input, BusySpin).new_event_poller();
    let (matcher_poller, input) = input.and_then().new_event_poller();
    let (output_poller, output) =
        build_single_producer(options.output_ring, empty_output, BusySpin).new_event_poller();

    let (of_journaler, of_matcher) = (JournalerRecorders::default(), MatcherRecorders::default());
    let (departures, arrivals) = stamps::stamps();
    let occupancy = ends::Occupancy::new(Arc::clone(&counters));
    let recordings = PipelineRecordings {
        journal_batch: of_journaler.batch.recorded(),
        journal_commit: of_journaler.commit.recorded(),
        matcher_batch: of_matcher.batch.recorded(),
        matcher_command: of_matcher.command.recorded(),
        output_room_wait: of_matcher.room_wait.recorded(),
        ring_to_ring: arrivals.recorded(),
        output_ring: occupancy.recorded(),
    };
    let journaler = Journaler::new(journaler_poller, writer, of_journaler);
    let matcher = Matcher::new(
        matcher_poller,
        engine,
        output.build(),
        options.output_ring,
        gateway.clone(),
        Arc::clone(&counters),
        of_matcher,
    );
    let sink = RingSink {
        ring: Some(input.build()),
        base,
        slots: options.input_ring as u64,
        head: Sleeper::default().unparker(),
        space,
        counters: Arc::clone(&counters),
        checkpoints,
        departures,
    };
    let source = RingSource {
        poller: output_poller,
        flag: gateway.flag,
        answers,
        ended: false,
        arrivals,
        occupancy,
    };
    let pipeline = Pipeline {
        sink,
        source,
        threads: Vec::new(),
        counters,
        recordings,
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
            memory::touch_stack();
            let sleeper = Sleeper::default();
            let _ = send.send(sleeper.unparker());
            agent::run(&mut agents, Idler::new(idle, core), &sleeper);
        })
        .expect("the system can start a thread");
    (receive.recv().expect("the thread announces itself"), thread)
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
