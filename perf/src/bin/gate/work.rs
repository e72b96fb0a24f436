//! What an operation works on is made here, before it is counted; afterwards it is looked at, so that nobody counts an
//! operation that no longer does anything.

use std::convert::Infallible;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use allocation_counter::measure;
use disruptor::{BusySpin, build_single_producer};
use hoga::agent::IdleStrategy;
use hoga::checkpoints::CheckpointOptions;
use hoga::cores::CorePlan;
use hoga::pipeline::{self, InputSlot, PipelineOptions, RingSink, RingSource};
use hoga_benches::{Flow, FlowKind};
use hoga_gateway::codec::{ids, parse_ws};
use hoga_gateway::{Gateway, GatewayConfig};
use hoga_journal::{Durability, Journal, Options, Writer};
use hoga_protocol::codec::MAX_RECORD;
use hoga_protocol::{
    Command, DecimalText, EventBody, ExchangeId, Nanos, NewOrder, OrderId, Side, TimeInForce,
};
use hoga_service::Clock;
use hoga_views::{Execution, OrderState, ViewLimits, Views};

use crate::measured;
use crate::memory_disk::MemoryDisk;

/// Records of a frame where they are grouped.
pub const GROUP: usize = 64;

/// Commands through the engine.
const ENGINE_COMMANDS: usize = 100_000;
/// Commands of the flow that the other operations work on.
const COMMANDS: usize = 20_000;
/// Slots of the rings: more than are ever in use.
const SLOTS: usize = 1_024;
/// Room for every frame that is written, so that no segment ends while it is counted.
const SEGMENT_BYTES: u64 = 16 << 20;
/// How long the journal's first spare segment may take, which a thread makes.
const SPARE_PATIENCE: Duration = Duration::from_secs(60);

/// How often an operation was done, and what it allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// Operations.
    pub operations: u64,
    /// Allocations of all of them together.
    pub allocations: u64,
}

/// Commands of `kind` through an engine.
pub fn engine(kind: FlowKind) -> Result<Done, String> {
    let flow = kind.make(ENGINE_COMMANDS);
    let mut engine = flow.engine();
    let done = counted(flow.steady.len(), || {
        for (timestamp, command) in &flow.steady {
            let sequence = engine.last_sequence().next();
            measured::engine(&mut engine, sequence, *timestamp, command);
        }
    });
    check(done, engine.open_orders() as u64 == flow.facts.resting_end)
}

/// Commands to records.
pub fn encode() -> Result<Done, String> {
    let flow = flow();
    let (mut record, mut bytes) = ([0; MAX_RECORD], 0);
    let done = counted(flow.steady.len(), || {
        for (timestamp, command) in &flow.steady {
            bytes += measured::encode(*timestamp, command, &mut record);
        }
    });
    let want: usize = flow.records().iter().map(Vec::len).sum();
    check(done, bytes == want)
}

/// Records to commands.
pub fn decode() -> Result<Done, String> {
    let flow = flow();
    let (records, mut same) = (flow.records(), 0);
    let done = counted(records.len(), || {
        for (record, timed) in records.iter().zip(&flow.steady) {
            same += usize::from(measured::decode(record).as_ref() == Some(timed));
        }
    });
    check(done, same == records.len())
}

/// Records to the journal, `group` a frame, on a disk in memory.
pub fn journal(group: usize) -> Result<Done, String> {
    let records = flow().records();
    let mut writer = journal_in_memory()?;
    let frames = records.chunks_exact(group);
    let count = frames.len() * group;
    let done = counted(count, || {
        frames.for_each(|records| measured::frame(&mut writer, records));
    });
    check(done, writer.committed_sequence() == count as u64)
}

/// Events into the views.
pub fn views() -> Result<Done, String> {
    let (opening, steady) = flow().events();
    let mut views = Views::new(ViewLimits::default());
    opening.iter().for_each(|event| views.fold(event));
    let done = counted(steady.len(), || {
        steady.iter().for_each(|event| measured::views(&mut views, event));
    });
    let last = steady.last().map(|event| event.sequence);
    check(done, Some(views.sequence()) == last && views.is_complete())
}

/// Executions to JSON.
pub fn execution_json() -> Result<Done, String> {
    let views = folded(&flow());
    let held = views.executions();
    let executions: Vec<Execution> = (held.first()..held.next())
        .filter_map(|number| held.get(number))
        .collect();
    let mut out = Vec::with_capacity(1_024);
    let done = counted(executions.len(), || {
        for execution in &executions {
            measured::execution_json(&mut out, execution, &views);
        }
    });
    check(done, out.starts_with(b"{\"exec_id\":") && out.ends_with(b"}"))
}

/// Orders to the JSON of a reply.
pub fn reply_json() -> Result<Done, String> {
    let flow = flow();
    let views = folded(&flow);
    let orders: Vec<&OrderState> = flow
        .events()
        .1
        .iter()
        .filter_map(|event| match event.body {
            EventBody::OrderAccepted(accepted) => views.orders().get(accepted.order),
            _ => None,
        })
        .collect();
    let exchange = ExchangeId::default();
    let request = parse_ws(cancel_text(OrderId(1), exchange).as_bytes(), exchange)
        .map_err(|(_, error)| format!("a request for a reply: {error:?}"))?;
    let mut out = Vec::with_capacity(1_024);
    let done = counted(orders.len(), || {
        for order in &orders {
            measured::reply_json(&mut out, &request.id, order, &views);
        }
    });
    check(
        done,
        out.starts_with(b"{\"id\":1,\"order\":{") && out.ends_with(b"}}"),
    )
}

/// Place requests from JSON to new orders.
pub fn place_json() -> Result<Done, String> {
    let flow = flow();
    let views = folded(&flow);
    let mut placed: Vec<(String, NewOrder)> = Vec::new();
    for (_, command) in &flow.steady {
        if let Command::NewOrder(order) = command {
            placed.push((place_text(placed.len(), order, &views), *order));
        }
    }
    let mut same = 0;
    let done = counted(placed.len(), || {
        for (text, order) in &placed {
            let mut read = measured::place_json(text.as_bytes(), order.account, &views);
            // The flow's orders have no name of their own, and those of a gateway's clients usually do.
            read.iter_mut()
                .for_each(|read| read.client_order_id = order.client_order_id);
            same += usize::from(read.as_ref() == Some(order));
        }
    });
    check(done, same == placed.len())
}

/// Cancel requests from JSON.
pub fn cancel_json() -> Result<Done, String> {
    let views = folded(&flow());
    let exchange = views
        .genesis()
        .map(|genesis| genesis.exchange)
        .unwrap_or_default();
    let orders = (1..=COMMANDS as u64).map(OrderId);
    let texts: Vec<(String, OrderId)> = orders
        .map(|order| (cancel_text(order, exchange), order))
        .collect();
    let mut same = 0;
    let done = counted(texts.len(), || {
        for (text, order) in &texts {
            same += usize::from(measured::cancel_json(text.as_bytes(), exchange) == Some(*order));
        }
    });
    check(done, same == texts.len())
}

/// Commands into a ring and out of it.
pub fn ring_hop() -> Result<Done, String> {
    let flow = flow();
    let slots: Vec<InputSlot> = flow
        .steady
        .iter()
        .map(|&(timestamp, command)| InputSlot { timestamp, command })
        .collect();
    let first = slots[0];
    let (mut poller, builder) = build_single_producer(SLOTS, move || first, BusySpin).new_event_poller();
    let mut producer = builder.build();
    let mut taken = 0;
    let done = counted(slots.len(), || {
        for slot in &slots {
            taken += measured::ring_hop(&mut producer, &mut poller, slot);
        }
    });
    check(done, taken == slots.len())
}

/// Commands through the pipeline, each in a frame of its own.
pub fn walk() -> Result<Done, String> {
    let flow = flow();
    let options = PipelineOptions {
        input_ring: SLOTS,
        output_ring: SLOTS,
        idle: IdleStrategy::Park,
        cores: CorePlan::Shared {
            core: None,
            gateway: None,
        },
        checkpoints: CheckpointOptions::NEVER,
    };
    let config = GatewayConfig {
        listen: ([127, 0, 0, 1], 0).into(),
        ..GatewayConfig::default()
    };
    let gateway = Gateway::<RingSink, RingSource, _>::bind(config, StandingClock)
        .map_err(|error| format!("the loopback gives no port, which the gateway's waker needs: {error}"))?;
    let options_of_journal = Options {
        durability: Durability::Memory,
        ..Options::default()
    };
    let (writer, _) = Journal::open("", &options_of_journal, |_, _| Ok::<(), Infallible>(()))
        .map_err(|error| format!("cannot make a journal of nothing: {error}"))?;
    let (mut pipeline, mut journaler, mut matcher) =
        pipeline::by_hand(flow.engine(), writer, gateway.waker(), &options);
    let mut events = 0;
    let done = counted(flow.steady.len(), || {
        for (timestamp, command) in &flow.steady {
            let ends = (&mut pipeline.sink, &mut pipeline.source);
            events += measured::walk(ends, (&mut journaler, &mut matcher), *timestamp, command);
        }
    });
    check(done, events as u64 == flow.facts.events)
}

/// The flow of all operations that are not the engine's.
fn flow() -> Flow {
    FlowKind::D.make(COMMANDS)
}

/// The views after the whole flow.
fn folded(flow: &Flow) -> Views {
    let mut views = Views::new(ViewLimits::default());
    let (opening, steady) = flow.events();
    opening.iter().chain(&steady).for_each(|event| views.fold(event));
    views
}

/// A request as a client sends it.
fn place_text(number: usize, order: &NewOrder, views: &Views) -> String {
    let spec = views.instruments().get(order.instrument);
    let symbol = spec.map_or(String::new(), |spec| spec.symbol().to_string());
    let (tick, lot) = spec.map_or_else(Default::default, |spec| (spec.tick(), spec.lot()));
    let price = DecimalText::new(i128::from(order.price.0) * i128::from(tick.mantissa), tick.scale);
    let quantity = DecimalText::new(i128::from(order.quantity.0) * i128::from(lot.mantissa), lot.scale);
    let side = if order.side == Side::Buy { "Buy" } else { "Sell" };
    let time_in_force = match order.time_in_force {
        TimeInForce::Gtc => "GTC",
        TimeInForce::Ioc => "IOC",
        TimeInForce::Fok => "FOK",
    };
    format!(
        r#"{{"id":{number},"op":"place","symbol":"{symbol}","side":"{side}","type":"Limit","price":{price},"quantity":{quantity},"time_in_force":"{time_in_force}","client_order_id":"desk-7-{number:06}"}}"#
    )
}

fn cancel_text(order: OrderId, exchange: ExchangeId) -> String {
    let uuid = ids::order_uuid(exchange, order);
    format!(r#"{{"id":{},"op":"cancel","order_id":"{uuid}"}}"#, order.0)
}

/// A fresh journal that syncs, on a disk in memory, once its maker of segments has nothing more to do.
fn journal_in_memory() -> Result<Writer, String> {
    let options = Options {
        durability: Durability::Fsync,
        segment_bytes: SEGMENT_BYTES,
        ..Options::default()
    };
    let disk = Arc::new(MemoryDisk::default());
    let (writer, _) = Journal::open_with(disk, &options, |_, _| Ok::<(), Infallible>(()))
        .map_err(|error| format!("cannot make a journal in memory: {error}"))?;
    let (space, begin) = (writer.space(), Instant::now());
    while space.remaining_bytes() < SEGMENT_BYTES {
        if begin.elapsed() > SPARE_PATIENCE {
            return Err("the journal's spare segment is not made".to_owned());
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(writer)
}

fn counted(operations: usize, work: impl FnOnce()) -> Done {
    Done {
        operations: operations as u64,
        allocations: measure(work).count_total,
    }
}

fn check(done: Done, holds: bool) -> Result<Done, String> {
    holds
        .then_some(done)
        .ok_or_else(|| "what was counted did not come to what it must come to".to_owned())
}

/// A clock that stands still: the gateway is only needed for its waker, and valgrind cannot run the system's own.
struct StandingClock;

impl Clock for StandingClock {
    fn now(&self) -> Nanos {
        Nanos(1)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn system(&self) -> Nanos {
        Nanos(1)
    }

    fn go_on(&mut self, _: Nanos) {}

    fn leap(&mut self, _: Nanos) {}
}
