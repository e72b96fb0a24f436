//! What callgrind counts: each function does one operation, is called by its own name and inlined nowhere, and calls none
//! of the others. Whatever comes out is handed to somebody who does nothing with it.

use std::hint::black_box;

use disruptor::{EventPoller, Producer, SingleConsumerBarrier, SingleProducer, SingleProducerBarrier};
use hoga::agent::Agent;
use hoga::journaler::Journaler;
use hoga::matcher::Matcher;
use hoga::pipeline::{InputSlot, RingSink, RingSource};
use hoga_engine::Engine;
use hoga_gateway::codec::encode::{execution, order_reply};
use hoga_gateway::codec::{Format, RequestId, parse_ws};
use hoga_journal::Writer;
use hoga_protocol::codec::{MAX_RECORD, decode_command, encode_command};
use hoga_protocol::{AccountId, Command, Event, ExchangeId, Nanos, NewOrder, OrderId, Sequence};
use hoga_service::{CommandSink, EventSource, Request};
use hoga_views::{Execution, OrderState, Views};

/// A command through the engine.
#[inline(never)]
pub fn engine(engine: &mut Engine, sequence: Sequence, timestamp: Nanos, command: &Command) {
    engine.apply(sequence, timestamp, command, &mut |event| {
        black_box(event);
    });
}

/// A command to a record.
#[inline(never)]
pub fn encode(timestamp: Nanos, command: &Command, record: &mut [u8; MAX_RECORD]) -> usize {
    encode_command(timestamp, command, record)
}

/// A record to a command, and its time.
#[inline(never)]
pub fn decode(record: &[u8]) -> Option<(Nanos, Command)> {
    black_box(decode_command(record)).ok()
}

/// Records to the journal, in one frame.
#[inline(never)]
pub fn frame(writer: &mut Writer, records: &[Vec<u8>]) {
    for record in records {
        let _ = black_box(writer.append(record));
    }
    let _ = black_box(writer.commit());
}

/// An event into the views.
#[inline(never)]
pub fn views(views: &mut Views, event: &Event) {
    views.fold(event);
}

/// An execution to JSON.
#[inline(never)]
pub fn execution_json(out: &mut Vec<u8>, one: &Execution, views: &Views) {
    out.clear();
    execution(out, one, views, Format::Json);
    black_box(out);
}

/// An order to the JSON of a reply.
#[inline(never)]
pub fn reply_json(out: &mut Vec<u8>, id: &RequestId, order: &OrderState, views: &Views) {
    out.clear();
    order_reply(out, id, order, views, Format::Json);
    black_box(out);
}

/// A place request from JSON to a new order on its instrument's grid.
#[inline(never)]
pub fn place_json(text: &[u8], account: AccountId, views: &Views) -> Option<NewOrder> {
    let request = parse_ws(text, ExchangeId::default()).ok()?;
    match &request.request {
        Request::NewOrder(order) => black_box(order.to_order(account, views)).ok(),
        _ => None,
    }
}

/// A cancel request from JSON, whose order is found out.
#[inline(never)]
pub fn cancel_json(text: &[u8], exchange: ExchangeId) -> Option<OrderId> {
    let request = parse_ws(text, exchange).ok()?;
    match &request.request {
        Request::CancelOrder { order } => black_box(*order),
        _ => None,
    }
}

/// A command into a ring and out of it; how many came out.
#[inline(never)]
pub fn ring_hop(
    producer: &mut SingleProducer<InputSlot, SingleConsumerBarrier>,
    poller: &mut EventPoller<InputSlot, SingleProducerBarrier>,
    slot: &InputSlot,
) -> usize {
    let _ = black_box(producer.try_publish(|empty| *empty = *slot));
    let Ok(mut slots) = poller.poll() else { return 0 };
    let mut taken = 0;
    for slot in &mut slots {
        black_box(slot);
        taken += 1;
    }
    taken
}

/// A command through the pipeline; how many events came out.
#[inline(never)]
pub fn walk(
    (sink, source): (&mut RingSink, &mut RingSource),
    (journaler, matcher): (&mut Journaler, &mut Matcher),
    timestamp: Nanos,
    command: &Command,
) -> usize {
    let _ = black_box(sink.submit(timestamp, command));
    black_box(journaler.do_work());
    black_box(matcher.do_work());
    source.drain(usize::MAX, &mut |events| {
        black_box(events);
    })
}
