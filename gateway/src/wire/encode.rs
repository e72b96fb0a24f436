//! Events and views to JSON, appended to a byte buffer: no float, and no string in between.

use hoga_protocol::{
    CancelReason, ExchangeId, InstrumentSpec, Lots, Nanos, Notional, OrderType, Scaled, Side, Ticks,
    TimeInForce,
};
use hoga_views::{Book, Execution, Level, OrderState, OrderStatus, OrderUpdate, Views};
use uuid::Uuid;

use super::error::ApiError;
use super::number::{write_decimal, write_quotient, write_u64};
use super::request::RequestId;
use super::{ids, time as clock};

/// Appends the founding stream's object: eight fields in the document's order.
pub fn execution(out: &mut Vec<u8>, execution: &Execution, views: &Views) {
    let Some(spec) = views.instruments().get(execution.instrument) else {
        debug_assert!(false, "an execution of an instrument that the views do not have");
        return;
    };
    put(out, "{\"exec_id\":\"");
    ids::write(out, execution_id(execution, views));
    put(out, "\",\"order_id\":\"");
    ids::write(out, ids::order_uuid(exchange(views), execution.order));
    put(out, "\",\"symbol\":\"");
    put(out, spec.symbol().as_str());
    put(out, "\",\"side\":\"");
    put(out, side_text(execution.side));
    put(out, "\",\"price\":");
    price(out, execution.price, spec);
    put(out, ",\"quantity\":");
    quantity(out, execution.quantity, spec);
    put(out, ",\"fee\":");
    money(out, execution.fee, spec);
    put(out, ",\"transaction_time\":\"");
    clock::write_iso(out, execution.timestamp);
    put(out, "\"}");
}

/// The id of an execution.
pub fn execution_id(execution: &Execution, views: &Views) -> Uuid {
    ids::execution_uuid(
        exchange(views),
        execution.sequence,
        execution.index,
        execution.role,
    )
}

/// Appends a JSON array of [`execution`] objects.
pub fn executions(out: &mut Vec<u8>, executions: impl Iterator<Item = Execution>, views: &Views) {
    put(out, "[");
    list(out, executions, |out, item| execution(out, &item, views));
    put(out, "]");
}

/// Appends an order.
pub fn order(out: &mut Vec<u8>, order: &OrderState, views: &Views) {
    let Some(spec) = views.instruments().get(order.instrument) else {
        debug_assert!(false, "an order of an instrument that the views do not have");
        return;
    };
    put(out, "{\"order_id\":\"");
    ids::write(out, ids::order_uuid(exchange(views), order.order));
    put(out, "\",\"client_order_id\":");
    if order.client_order_id.is_empty() {
        put(out, "null");
    } else {
        string(out, order.client_order_id.as_str());
    }
    put(out, ",\"account\":\"");
    put(
        out,
        views
            .accounts()
            .get(order.account)
            .map_or("", |name| name.as_str()),
    );
    put(out, "\",\"symbol\":\"");
    put(out, spec.symbol().as_str());
    put(out, "\",\"side\":\"");
    put(out, side_text(order.side));
    put(out, "\",\"type\":\"");
    put(out, type_text(order.order_type));
    put(out, "\",\"time_in_force\":\"");
    put(out, time_in_force_text(order.time_in_force));
    put(out, "\",\"post_only\":");
    put(out, if order.post_only { "true" } else { "false" });
    amounts(out, order, spec);
    put(out, ",\"status\":\"");
    put(out, status_text(order.status));
    put(out, "\",\"reason\":");
    match order.reason {
        Some(reason) => string(out, reason_text(reason)),
        None => put(out, "null"),
    }
    put(out, ",\"sequence\":");
    write_u64(out, order.sequence.0);
    put(out, ",\"created_at\":\"");
    clock::write_iso(out, order.created_at);
    put(out, "\",\"updated_at\":\"");
    clock::write_iso(out, order.updated_at);
    put(out, "\"}");
}

fn amounts(out: &mut Vec<u8>, order: &OrderState, spec: &InstrumentSpec) {
    put(out, ",\"price\":");
    match order.order_type {
        OrderType::Limit => price(out, order.price, spec),
        OrderType::Market => put(out, "null"),
    }
    put(out, ",\"quantity\":");
    quantity(out, order.quantity, spec);
    put(out, ",\"filled_quantity\":");
    quantity(out, order.filled, spec);
    put(out, ",\"remaining_quantity\":");
    quantity(out, order.leaves, spec);
    put(out, ",\"average_price\":");
    if order.filled == Lots::ZERO {
        put(out, "null");
    } else {
        // A notional is the sum of ticks × lots × units, so its sum of ticks × lots is exact.
        let ticks_lots = order.notional.0.unsigned_abs() / u128::from(spec.tick_lot_units());
        let Scaled { mantissa, scale } = spec.tick();
        write_quotient(out, ticks_lots, u128::from(order.filled.0), mantissa, scale);
    }
    put(out, ",\"fee\":");
    money(out, order.fee, spec);
}

/// Appends `{"orders":[…]}`.
pub fn orders<'a>(out: &mut Vec<u8>, orders: impl Iterator<Item = &'a OrderState>, views: &Views) {
    put(out, "{\"orders\":[");
    list(out, orders, |out, item| order(out, item, views));
    put(out, "]}");
}

/// Appends `{"symbol":…,"sequence":…,"timestamp":…,"bids":[…],"asks":[…]}` with at most `depth` levels a side.
pub fn book(out: &mut Vec<u8>, book: &Book, spec: &InstrumentSpec, depth: usize) {
    put(out, "{\"symbol\":\"");
    put(out, spec.symbol().as_str());
    put(out, "\",\"sequence\":");
    write_u64(out, book.sequence().0);
    put(out, ",\"timestamp\":\"");
    clock::write_iso(out, book.timestamp());
    put(out, "\",\"bids\":[");
    list(out, book.levels(Side::Buy).take(depth), |out, item| {
        level(out, &item, spec)
    });
    put(out, "],\"asks\":[");
    list(out, book.levels(Side::Sell).take(depth), |out, item| {
        level(out, &item, spec)
    });
    put(out, "]}");
}

fn level(out: &mut Vec<u8>, level: &Level, spec: &InstrumentSpec) {
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
    put(out, "{\"instruments\":[");
    list(out, views.instruments().iter(), |out, (_, spec)| {
        instrument(out, spec)
    });
    put(out, "]}");
}

fn instrument(out: &mut Vec<u8>, spec: &InstrumentSpec) {
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

/// Appends `{"id":…,"order":{…}}`.
pub fn ws_order_reply(out: &mut Vec<u8>, id: &RequestId, state: &OrderState, views: &Views) {
    put(out, "{\"id\":");
    put(out, id.as_json());
    put(out, ",\"order\":");
    order(out, state, views);
    put(out, "}");
}

/// Appends `{"id":…,"error":{…}}`; the id is null when the request's could not be read.
pub fn ws_error_reply(out: &mut Vec<u8>, id: Option<&RequestId>, error: &ApiError) {
    put(out, "{\"id\":");
    put(out, id.map_or("null", RequestId::as_json));
    put(out, ",\"error\":");
    error.write_object(out);
    put(out, "}");
}

/// Appends `{"id":…,"canceled":n}`.
pub fn ws_cancel_all_reply(out: &mut Vec<u8>, id: &RequestId, canceled: u64) {
    put(out, "{\"id\":");
    put(out, id.as_json());
    put(out, ",\"canceled\":");
    write_u64(out, canceled);
    put(out, "}");
}

/// Appends `{"canceled":n}`, the answer of an HTTP cancel-all.
pub fn canceled(out: &mut Vec<u8>, canceled: u64) {
    put(out, "{\"canceled\":");
    write_u64(out, canceled);
    put(out, "}");
}

/// Appends `{"type":"order","sequence":…,"index":…,"order":{…}}`, with `"fill":{…}` when the event was a trade.
pub fn order_update(out: &mut Vec<u8>, update: &OrderUpdate, views: &Views) {
    put(out, "{\"type\":\"order\",\"sequence\":");
    write_u64(out, update.sequence.0);
    put(out, ",\"index\":");
    write_u64(out, u64::from(update.index));
    put(out, ",\"order\":");
    order(out, &update.order, views);
    if let (Some(fill), Some(spec)) = (&update.fill, views.instruments().get(update.order.instrument)) {
        put(out, ",\"fill\":{\"exec_id\":\"");
        let id = ids::execution_uuid(exchange(views), fill.sequence, fill.index, fill.role);
        ids::write(out, id);
        put(out, "\",\"price\":");
        price(out, fill.price, spec);
        put(out, ",\"quantity\":");
        quantity(out, fill.quantity, spec);
        put(out, ",\"fee\":");
        money(out, fill.fee, spec);
        put(out, "}");
    }
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

/// A side as it is written on the wire.
pub(crate) fn side_text(side: Side) -> &'static str {
    match side {
        Side::Buy => "Buy",
        Side::Sell => "Sell",
    }
}

/// A status as it is written on the wire.
pub(crate) fn status_text(status: OrderStatus) -> &'static str {
    match status {
        OrderStatus::New => "New",
        OrderStatus::PartiallyFilled => "PartiallyFilled",
        OrderStatus::Filled => "Filled",
        OrderStatus::Canceled => "Canceled",
        OrderStatus::Expired => "Expired",
    }
}

fn type_text(order_type: OrderType) -> &'static str {
    match order_type {
        OrderType::Limit => "Limit",
        OrderType::Market => "Market",
    }
}

fn time_in_force_text(time_in_force: TimeInForce) -> &'static str {
    match time_in_force {
        TimeInForce::Gtc => "GTC",
        TimeInForce::Ioc => "IOC",
        TimeInForce::Fok => "FOK",
    }
}

fn reason_text(reason: CancelReason) -> &'static str {
    match reason {
        CancelReason::Requested => "requested",
        CancelReason::MassCancel => "mass_cancel",
        CancelReason::ImmediateOrCancel => "immediate_or_cancel",
        CancelReason::FillOrKill => "fill_or_kill",
        CancelReason::NoLiquidity => "no_liquidity",
    }
}

/// The exchange that every id names.
pub(super) fn exchange(views: &Views) -> ExchangeId {
    views
        .genesis()
        .map(|genesis| genesis.exchange)
        .unwrap_or_default()
}

fn put(out: &mut Vec<u8>, text: &str) {
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
