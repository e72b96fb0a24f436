//! Events and views to bytes, appended to a buffer: no float, and no string in between.
//!
//! What a WebSocket carries is written in whatever [`Format`] was agreed on; answers over HTTP are JSON.

use hoga_protocol::{InstrumentSpec, Lots, Nanos, Notional, OrderId, Scaled, Sequence, Side, Ticks};
use hoga_service::clock::{difference, is_followed};
use hoga_views::{Book, Execution, Level, OrderState, OrderUpdate, Views};

use super::error::ApiError;
use super::fields::{write, write_enveloped};
use super::format::Format;
use super::messages::{
    self, CancelAllAfterReply, CancelAllReply, CancelOnDisconnectReply, DeadlineMessage, ErrorReply,
    ExecutionMessage, Heartbeat, OrderMessage, OrderReply, ServerShutdown, TradeMessage, UnknownOrderMessage,
    UnknownOrderReply, UpdateMessage,
};
use super::number::{write_decimal, write_u64};
use super::request::RequestId;
use super::time as clock;

/// Appends one message of the founding stream: eight fields, as JSON in the document's order.
pub fn execution(out: &mut Vec<u8>, execution: &Execution, views: &Views, format: Format) {
    let Some(spec) = views.instruments().get(execution.instrument) else {
        debug_assert!(false, "an execution of an instrument that the views do not have");
        return;
    };
    let message = ExecutionMessage {
        execution,
        spec,
        views,
    };
    write(out, &message, format);
}

/// Appends a trade as everybody may see it, by the execution of its aggressor:
/// `{"trade_id":…,"symbol":…,"side":…,"price":…,"quantity":…,"transaction_time":…}`.
pub fn trade(out: &mut Vec<u8>, aggressor: &Execution, views: &Views, format: Format) {
    if let Some(spec) = views.instruments().get(aggressor.instrument) {
        write(out, &TradeMessage { aggressor, spec }, format);
    }
}

/// Appends the reply to a request about one order: `{"id":…,"order":{…}}`.
pub fn order_reply(out: &mut Vec<u8>, id: &RequestId, state: &OrderState, views: &Views, format: Format) {
    if let Some(order) = OrderMessage::of(state, views) {
        write_enveloped(out, messages::REPLY, &OrderReply { id, order }, format);
    }
}

/// Appends the reply to a request about an order that is no longer in memory:
/// `{"id":…,"order":{"order_id":…,"status":"Unknown"}}`.
pub fn unknown_order_reply(out: &mut Vec<u8>, id: &RequestId, order: OrderId, views: &Views, format: Format) {
    let order = UnknownOrderMessage { order, views };
    write_enveloped(out, messages::REPLY, &UnknownOrderReply { id, order }, format);
}

/// Appends the reply to a request that was refused: `{"id":…,"error":{…}}`; the id is null when the request's could
/// not be read.
pub fn error_reply(out: &mut Vec<u8>, id: Option<&RequestId>, error: &ApiError, format: Format) {
    write_enveloped(out, messages::REPLY, &ErrorReply { id, error }, format);
}

/// Appends the reply to a cancel of many: `{"id":…,"canceled":n}`.
pub fn cancel_all_reply(out: &mut Vec<u8>, id: &RequestId, canceled: u64, format: Format) {
    write_enveloped(out, messages::REPLY, &CancelAllReply { id, canceled }, format);
}

/// Appends the reply to a session that arms or disarms: `{"id":…,"cancel_on_disconnect":true}`.
pub fn cancel_on_disconnect_reply(out: &mut Vec<u8>, id: &RequestId, on: bool, format: Format) {
    write_enveloped(out, messages::REPLY, &CancelOnDisconnectReply { id, on }, format);
}

/// Appends the reply to a deadline set or ended: `{"id":…,"cancel_all_after":{"deadline":…}}`; null when there is none.
pub fn cancel_all_after_reply(out: &mut Vec<u8>, id: &RequestId, deadline: Option<Nanos>, format: Format) {
    let after = DeadlineMessage { deadline };
    write_enveloped(out, messages::REPLY, &CancelAllAfterReply { id, after }, format);
}

/// Appends a push, `{"type":"order,"sequence":…,"index":…,"order":{…}}`, with `"fill":{…}` when the event was a trade.
pub fn order_update(out: &mut Vec<u8>, update: &OrderUpdate, views: &Views, format: Format) {
    if let Some(order) = OrderMessage::of(&update.order, views) {
        let message = UpdateMessage { update, order };
        write_enveloped(out, messages::ORDER_UPDATE, &message, format);
    }
}

/// Appends a sign of life, `{"type":"heartbeat","time":"…"}`.
pub fn heartbeat(out: &mut Vec<u8>, time: Nanos, format: Format) {
    write_enveloped(out, messages::HEARTBEAT, &Heartbeat { time }, format);
}

/// Appends the push that goes before the exchange closes, `{"type":"server_shutdown","reason":"…"}`.
pub fn server_shutdown(out: &mut Vec<u8>, reason: &str, format: Format) {
    let message = ServerShutdown { reason };
    write_enveloped(out, messages::SERVER_SHUTDOWN, &message, format);
}

/// What stands before the rows of a list of orders, and behind them.
pub(crate) const ORDERS: [&str; 2] = ["{\"orders\":[", "]}"];
/// As [`ORDERS`], of executions or trades.
pub(crate) const ARRAY: [&str; 2] = ["[", "]"];
/// As [`ORDERS`], of instruments.
pub(crate) const INSTRUMENTS: [&str; 2] = ["{\"instruments\":[", "]}"];
/// What stands behind the bids of a book and before its asks, and behind those.
pub(crate) const BOOK: [&str; 2] = ["],\"asks\":[", "]}"];

/// Appends a JSON array of executions.
pub fn executions(out: &mut Vec<u8>, executions: impl Iterator<Item = Execution>, views: &Views) {
    put(out, ARRAY[0]);
    list(out, executions, |out, item| {
        execution(out, &item, views, Format::Json)
    });
    put(out, ARRAY[1]);
}

/// Appends an order as JSON.
pub fn order(out: &mut Vec<u8>, order: &OrderState, views: &Views) {
    if let Some(order) = OrderMessage::of(order, views) {
        write(out, &order, Format::Json);
    }
}

/// Appends an order that is no longer in memory as JSON: `{"order_id":…,"status":"Unknown"}`.
pub fn unknown_order(out: &mut Vec<u8>, order: OrderId, views: &Views) {
    write(out, &UnknownOrderMessage { order, views }, Format::Json);
}

/// Appends `{"orders":[…]}`.
pub fn orders<'a>(out: &mut Vec<u8>, orders: impl Iterator<Item = &'a OrderState>, views: &Views) {
    put(out, ORDERS[0]);
    list(out, orders, |out, item| order(out, item, views));
    put(out, ORDERS[1]);
}

/// Appends `{"symbol":…,"sequence":…,"timestamp":…,"bids":[…],"asks":[…]}` with at most `depth` levels a side.
pub fn book(out: &mut Vec<u8>, book: &Book, spec: &InstrumentSpec, depth: usize) {
    book_head(out, spec, book.sequence(), book.timestamp());
    list(out, book.levels(Side::Buy).take(depth), |out, item| {
        level(out, &item, spec)
    });
    put(out, BOOK[0]);
    list(out, book.levels(Side::Sell).take(depth), |out, item| {
        level(out, &item, spec)
    });
    put(out, BOOK[1]);
}

/// Appends what stands before the bids of a book.
pub(crate) fn book_head(out: &mut Vec<u8>, spec: &InstrumentSpec, sequence: Sequence, timestamp: Nanos) {
    put(out, "{\"symbol\":\"");
    put(out, spec.symbol().as_str());
    put(out, "\",\"sequence\":");
    write_u64(out, sequence.0);
    put(out, ",\"timestamp\":\"");
    clock::write_iso(out, timestamp);
    put(out, "\",\"bids\":[");
}

/// Appends a level of a book.
pub(crate) fn level(out: &mut Vec<u8>, level: &Level, spec: &InstrumentSpec) {
    put(out, "{\"price\":");
    price(out, level.price, spec);
    put(out, ",\"volume\":");
    quantity(out, level.quantity, spec);
    put(out, ",\"order_count\":");
    write_u64(out, u64::from(level.orders));
    put(out, "}");
}

/// Appends `{"instruments":[…]}`.
pub fn instruments(out: &mut Vec<u8>, views: &Views) {
    put(out, INSTRUMENTS[0]);
    list(out, views.instruments().iter(), |out, (_, spec)| {
        instrument(out, spec)
    });
    put(out, INSTRUMENTS[1]);
}

/// Appends an instrument.
pub(crate) fn instrument(out: &mut Vec<u8>, spec: &InstrumentSpec) {
    put(out, "{\"symbol\":\"");
    put(out, spec.symbol().as_str());
    put(out, "\",\"tick_size\":");
    write_decimal(out, i128::from(spec.tick().mantissa), spec.tick().scale);
    put(out, ",\"lot_size\":");
    write_decimal(out, i128::from(spec.lot().mantissa), spec.lot().scale);
    put(out, ",\"min_quantity\":");
    quantity(out, spec.min_quantity, spec);
    put(out, ",\"max_quantity\":");
    quantity(out, spec.max_quantity, spec);
    put(out, ",\"min_notional\":");
    money(out, spec.min_notional, spec);
    put(out, ",\"quote_decimals\":");
    write_u64(out, u64::from(spec.quote_scale()));
    // A fee rate is parts per million.
    put(out, ",\"maker_fee\":");
    write_decimal(out, i128::from(spec.maker_fee.0), 6);
    put(out, ",\"taker_fee\":");
    write_decimal(out, i128::from(spec.taker_fee.0), 6);
    put(out, "}");
}

/// Appends `{"canceled":n}`, the answer of an HTTP cancel-all.
pub fn canceled(out: &mut Vec<u8>, canceled: u64) {
    put(out, "{\"canceled\":");
    write_u64(out, canceled);
    put(out, "}");
}

/// Appends `{"canceled":n,"more":true}`, the answer to an operator who cancels an instrument's orders.
pub fn instrument_canceled(out: &mut Vec<u8>, canceled: u64, more: bool) {
    put(out, "{\"canceled\":");
    write_u64(out, canceled);
    put(
        out,
        if more {
            ",\"more\":true}"
        } else {
            ",\"more\":false}"
        },
    );
}

/// Appends `{"cancel_on_disconnect":true}`.
pub fn cancel_on_disconnect(out: &mut Vec<u8>, on: bool) {
    put(out, "{\"cancel_on_disconnect\":");
    put(out, if on { "true}" } else { "false}" });
}

/// Appends `{"deadline":"…"}`, the answer of an HTTP cancel-all-after; null when there is no deadline.
pub fn cancel_all_after(out: &mut Vec<u8>, deadline: Option<Nanos>) {
    write(out, &DeadlineMessage { deadline }, Format::Json);
}

/// Appends `{"sequence":n}`, the answer to an operator.
pub fn administered(out: &mut Vec<u8>, sequence: Sequence) {
    put(out, "{\"sequence\":");
    write_u64(out, sequence.0);
    put(out, "}");
}

/// Appends `{"time":"…","unix_ms":…}`.
pub fn time(out: &mut Vec<u8>, now: Nanos) {
    put(out, "{\"time\":\"");
    clock::write_iso(out, now);
    put(out, "\",\"unix_ms\":");
    write_u64(out, now.millis());
    put(out, "}");
}

/// Appends `{"exchange_time":"…","system_time":"…","difference_ms":…,"followed":…}`, both clocks as an operator is shown
/// them.
pub fn clocks(out: &mut Vec<u8>, now: Nanos, system: Nanos) {
    let difference = difference(system, now);
    put(out, "{\"exchange_time\":\"");
    clock::write_iso(out, now);
    put(out, "\",\"system_time\":\"");
    clock::write_iso(out, system);
    put(out, "\",\"difference_ms\":");
    put(out, if difference < 0 { "-" } else { "" });
    write_u64(out, difference.unsigned_abs() / 1_000_000);
    put(out, ",\"followed\":");
    put(out, if is_followed(difference) { "true" } else { "false" });
    put(out, "}");
}

/// Appends `{"error":{"code":"…","message":"…"}}`.
pub fn error(out: &mut Vec<u8>, error: &ApiError) {
    put(out, "{\"error\":");
    write(out, error, Format::Json);
    put(out, "}");
}

/// Appends `{"status":"…"}`, the answer of a health check.
pub fn status(out: &mut Vec<u8>, status: &str) {
    put(out, "{\"status\":");
    string(out, status);
    put(out, "}");
}

/// Appends a JSON string with its quotes (RFC 8259 §7).
pub fn string(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0..0x20 => {
                put(out, "\\u00");
                out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

#[inline]
pub(super) fn put(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

fn list<T>(out: &mut Vec<u8>, items: impl Iterator<Item = T>, mut write: impl FnMut(&mut Vec<u8>, T)) {
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(out, item);
    }
}

fn price(out: &mut Vec<u8>, price: Ticks, spec: &InstrumentSpec) {
    let Scaled { mantissa, scale } = spec.tick();
    write_decimal(out, i128::from(price.0) * i128::from(mantissa), scale);
}

fn quantity(out: &mut Vec<u8>, quantity: Lots, spec: &InstrumentSpec) {
    let Scaled { mantissa, scale } = spec.lot();
    write_decimal(out, i128::from(quantity.0) * i128::from(mantissa), scale);
}

fn money(out: &mut Vec<u8>, amount: Notional, spec: &InstrumentSpec) {
    write_decimal(out, amount.0, spec.quote_scale());
}
