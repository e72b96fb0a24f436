//! Events to bytes. Nothing reads them back: events are had again by replaying the journal.

use super::bytes::Writer;
use super::command::{put_cause, put_genesis, put_limits, put_new_order, put_spec};
use crate::event::{Event, EventBody, TradeSide};

/// The longest encoded event, in bytes.
pub const MAX_EVENT: usize = 160;

/// Writes `event` into `out` and returns its length. Equal events have equal bytes, and no other event has them.
pub fn encode_event(event: &Event, out: &mut [u8; MAX_EVENT]) -> usize {
    let mut w = Writer::new(out);
    w.u64(event.sequence.0);
    w.u64(event.timestamp.0);
    w.u32(event.index);
    w.bool(event.last);
    put_body(&mut w, &event.body);
    w.len()
}

fn put_body(w: &mut Writer<'_>, body: &EventBody) {
    match body {
        EventBody::Started(genesis) => {
            w.u8(1);
            put_genesis(w, genesis);
        }
        EventBody::InstrumentDefined(defined) => {
            w.u8(2);
            w.u32(defined.instrument.0);
            put_spec(w, &defined.spec);
        }
        EventBody::AccountOpened(opened) => {
            w.u8(3);
            w.u32(opened.account.0);
            w.text(&opened.name);
        }
        EventBody::OrderAccepted(accepted) => {
            w.u8(4);
            w.u64(accepted.order.0);
            put_new_order(w, &accepted.request);
        }
        EventBody::Trade(trade) => {
            w.u8(5);
            w.u32(trade.instrument.0);
            w.u8(trade.aggressor_side as u8);
            w.i64(trade.price.0);
            w.u64(trade.quantity.0);
            put_side(w, &trade.aggressor);
            put_side(w, &trade.resting);
        }
        EventBody::OrderCanceled(canceled) => {
            w.u8(6);
            w.u64(canceled.order.0);
            w.u32(canceled.account.0);
            w.u32(canceled.instrument.0);
            w.u64(canceled.canceled.0);
            w.bool(canceled.was_resting);
            w.u8(canceled.reason as u8);
        }
        EventBody::OrderReplaced(replaced) => {
            w.u8(7);
            w.u64(replaced.order.0);
            w.u32(replaced.account.0);
            w.u32(replaced.instrument.0);
            w.i64(replaced.price.0);
            w.u64(replaced.quantity.0);
            w.u64(replaced.leaves.0);
            w.bool(replaced.priority_kept);
        }
        EventBody::MassCancelDone(done) => {
            w.u8(8);
            w.u32(done.account.0);
            w.u32(done.canceled);
            w.bool(done.more);
        }
        EventBody::DuplicateOrder { order } => {
            w.u8(9);
            w.u64(order.0);
        }
        EventBody::Rejected(rejected) => {
            w.u8(10);
            w.u8(rejected.reason as u8);
            w.bool(rejected.order.is_some());
            w.u64(rejected.order.unwrap_or_default().0);
        }
        EventBody::Checkpointed(checkpointed) => {
            w.u8(11);
            w.bytes(&checkpointed.digest);
            w.bool(checkpointed.agrees);
        }
        EventBody::EngineVersionRaised(raised) => {
            w.u8(12);
            w.u32(raised.version);
        }
        EventBody::Armed(armed) => {
            w.u8(13);
            w.u32(armed.account.0);
            w.u64(armed.arming.0);
            put_cause(w, armed.cause);
        }
        EventBody::Disarmed(disarmed) => {
            w.u8(14);
            w.u32(disarmed.account.0);
            w.u64(disarmed.arming.0);
        }
        EventBody::FeesSet(set) => {
            w.u8(15);
            w.text(&set.by);
            w.u32(set.instrument.0);
            w.i32(set.maker.0);
            w.i32(set.taker.0);
        }
        EventBody::InstrumentStatusSet(set) => {
            w.u8(16);
            w.text(&set.by);
            w.u32(set.instrument.0);
            w.u8(set.status as u8);
        }
        EventBody::AccountStatusSet(set) => {
            w.u8(17);
            w.text(&set.by);
            w.u32(set.account.0);
            w.u8(set.status as u8);
        }
        EventBody::AccountLimitsSet(set) => {
            w.u8(18);
            w.text(&set.by);
            w.u32(set.account.0);
            w.u32(set.max_open_orders);
        }
        EventBody::InstrumentCanceled(done) => {
            w.u8(19);
            w.text(&done.by);
            w.u32(done.instrument.0);
            w.u32(done.canceled);
            w.bool(done.more);
        }
        EventBody::LimitsSet(set) => {
            w.u8(20);
            w.text(&set.by);
            put_limits(w, &set.limits);
        }
        EventBody::ClockAccepted(accepted) => {
            w.u8(21);
            w.text(&accepted.by);
            w.u64(accepted.from.0);
            w.u64(accepted.to.0);
        }
    }
}

fn put_side(w: &mut Writer<'_>, side: &TradeSide) {
    w.u64(side.order.0);
    w.u32(side.account.0);
    w.u64(side.leaves.0);
    w.i128(side.fee.0);
}
