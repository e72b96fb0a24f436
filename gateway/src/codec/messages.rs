//! What each message consists of, whatever the format. `gateway/proto/hoga.proto` declares the same.

use hoga_protocol::{
    CancelReason, InstrumentSpec, Lots, Nanos, Notional, OrderId, OrderType, Scaled, Side, Ticks, TimeInForce,
};
use hoga_views::{Execution, Fill, OrderState, OrderStatus, OrderUpdate, Views};

use super::error::ApiError;
use super::fields::{Fields, Message, Name, Quotient, Word, name, word};
use super::ids::{self, exchange, execution_id};
use super::request::RequestId;

/// The fields of `ServerMessage`, the envelope of what Protocol Buffers carry on an order session.
pub(super) const REPLY: u32 = 1;
pub(super) const ORDER_UPDATE: u32 = 2;
pub(super) const HEARTBEAT: u32 = 3;
pub(super) const SERVER_SHUTDOWN: u32 = 4;

/// The founding stream's object: eight fields in the document's order.
pub(super) struct ExecutionMessage<'a> {
    pub(super) execution: &'a Execution,
    pub(super) spec: &'a InstrumentSpec,
    pub(super) views: &'a Views,
}

impl Message for ExecutionMessage<'_> {
    fn len(&self) -> u8 {
        8
    }

    #[inline]
    fn write<W: Fields>(&self, out: &mut W) {
        let Self {
            execution,
            spec,
            views,
        } = *self;
        out.uuid(name!(1, "exec_id"), execution_id(execution, views));
        out.uuid(
            name!(2, "order_id"),
            ids::order_uuid(exchange(views), execution.order),
        );
        out.plain(name!(3, "symbol"), spec.symbol().as_str());
        out.word(name!(4, "side"), side(execution.side));
        price(out, name!(5, "price"), execution.price, spec);
        quantity(out, name!(6, "quantity"), execution.quantity, spec);
        money(out, name!(7, "fee"), execution.fee, spec);
        out.time(name!(8, "transaction_time"), execution.timestamp);
    }
}

/// A trade as everybody may see it, by the execution of its aggressor: without a word of who traded.
pub(super) struct TradeMessage<'a> {
    pub(super) aggressor: &'a Execution,
    pub(super) spec: &'a InstrumentSpec,
}

impl Message for TradeMessage<'_> {
    fn len(&self) -> u8 {
        6
    }

    #[inline]
    fn write<W: Fields>(&self, out: &mut W) {
        let Self { aggressor, spec } = *self;
        out.integer(name!(1, "trade_id"), aggressor.number / 2);
        out.plain(name!(2, "symbol"), spec.symbol().as_str());
        out.word(name!(3, "side"), side(aggressor.side));
        price(out, name!(4, "price"), aggressor.price, spec);
        quantity(out, name!(5, "quantity"), aggressor.quantity, spec);
        out.time(name!(6, "transaction_time"), aggressor.timestamp);
    }
}

/// An order as it stands.
pub(super) struct OrderMessage<'a> {
    pub(super) order: &'a OrderState,
    pub(super) spec: &'a InstrumentSpec,
    pub(super) views: &'a Views,
}

impl<'a> OrderMessage<'a> {
    /// None for an order of an instrument that the views do not have, which there never is.
    pub(super) fn of(order: &'a OrderState, views: &'a Views) -> Option<Self> {
        let spec = views.instruments().get(order.instrument);
        debug_assert!(
            spec.is_some(),
            "an order of an instrument that the views do not have"
        );
        Some(Self {
            order,
            spec: spec?,
            views,
        })
    }

    #[inline]
    fn amounts<W: Fields>(&self, out: &mut W) {
        let Self { order, spec, .. } = *self;
        match order.order_type {
            OrderType::Limit => price(out, name!(9, "price"), order.price, spec),
            OrderType::Market => out.null(name!(9, "price")),
        }
        quantity(out, name!(10, "quantity"), order.quantity, spec);
        quantity(out, name!(11, "filled_quantity"), order.filled, spec);
        quantity(out, name!(12, "remaining_quantity"), order.leaves, spec);
        let average = name!(13, "average_price");
        if order.filled == Lots::ZERO {
            out.null(average);
        } else {
            let Scaled { mantissa, scale } = spec.tick();
            let quotient = Quotient {
                // A notional is the sum of ticks × lots × units, so its sum of ticks × lots is exact.
                numerator: order.notional.0.unsigned_abs() / u128::from(spec.tick_lot_units()),
                denominator: u128::from(order.filled.0),
                step: mantissa,
                scale,
            };
            out.quotient(average, quotient);
        }
        money(out, name!(14, "fee"), order.fee, spec);
    }
}

impl Message for OrderMessage<'_> {
    fn len(&self) -> u8 {
        19
    }

    #[inline]
    fn write<W: Fields>(&self, out: &mut W) {
        let Self { order, spec, views } = *self;
        out.uuid(
            name!(1, "order_id"),
            ids::order_uuid(exchange(views), order.order),
        );
        let client_order_id = name!(2, "client_order_id");
        if order.client_order_id.is_empty() {
            out.null(client_order_id);
        } else {
            out.text(client_order_id, order.client_order_id.as_str());
        }
        let account = views.accounts().get(order.account);
        out.plain(
            name!(3, "account"),
            account.map_or("", |account| account.as_str()),
        );
        out.plain(name!(4, "symbol"), spec.symbol().as_str());
        out.word(name!(5, "side"), side(order.side));
        out.word(name!(6, "type"), order_type(order.order_type));
        out.word(name!(7, "time_in_force"), time_in_force(order.time_in_force));
        out.flag(name!(8, "post_only"), order.post_only);
        self.amounts(out);
        out.word(name!(15, "status"), status(order.status));
        let why = name!(16, "reason");
        match order.reason {
            Some(cancel) => out.word(why, reason(cancel)),
            None => out.null(why),
        }
        out.integer(name!(17, "sequence"), order.sequence.0);
        out.time(name!(18, "created_at"), order.created_at);
        out.time(name!(19, "updated_at"), order.updated_at);
    }
}

/// An order of which nothing is in memory but that it was there.
pub(super) struct UnknownOrderMessage<'a> {
    pub(super) order: OrderId,
    pub(super) views: &'a Views,
}

impl Message for UnknownOrderMessage<'_> {
    fn len(&self) -> u8 {
        2
    }

    #[inline]
    fn write<W: Fields>(&self, out: &mut W) {
        let id = ids::order_uuid(exchange(self.views), self.order);
        out.uuid(name!(1, "order_id"), id);
        out.word(name!(15, "status"), word!(6, "Unknown"));
    }
}

/// The reply to a request about such an order.
pub(super) struct UnknownOrderReply<'a> {
    pub(super) id: &'a RequestId,
    pub(super) order: UnknownOrderMessage<'a>,
}

impl Message for UnknownOrderReply<'_> {
    fn len(&self) -> u8 {
        2
    }

    #[inline]
    fn write<W: Fields>(&self, out: &mut W) {
        out.request_id(Some(self.id));
        out.message(name!(3, "order"), &self.order);
    }
}

/// The reply to a request about one order.
pub(super) struct OrderReply<'a> {
    pub(super) id: &'a RequestId,
    pub(super) order: OrderMessage<'a>,
}

impl Message for OrderReply<'_> {
    fn len(&self) -> u8 {
        2
    }

    #[inline]
    fn write<W: Fields>(&self, out: &mut W) {
        out.request_id(Some(self.id));
        out.message(name!(3, "order"), &self.order);
    }
}

/// The reply to a cancel of many.
pub(super) struct CancelAllReply<'a> {
    pub(super) id: &'a RequestId,
    pub(super) canceled: u64,
}

impl Message for CancelAllReply<'_> {
    fn len(&self) -> u8 {
        2
    }

    #[inline]
    fn write<W: Fields>(&self, out: &mut W) {
        out.request_id(Some(self.id));
        out.integer(name!(4, "canceled"), self.canceled);
    }
}

/// The reply to a session that arms or disarms.
pub(super) struct CancelOnDisconnectReply<'a> {
    pub(super) id: &'a RequestId,
    pub(super) on: bool,
}

impl Message for CancelOnDisconnectReply<'_> {
    fn len(&self) -> u8 {
        2
    }

    #[inline]
    fn write<W: Fields>(&self, out: &mut W) {
        out.request_id(Some(self.id));
        out.flag(name!(6, "cancel_on_disconnect"), self.on);
    }
}

/// The reply to a deadline set or ended.
pub(super) struct CancelAllAfterReply<'a> {
    pub(super) id: &'a RequestId,
    pub(super) after: DeadlineMessage,
}

impl Message for CancelAllAfterReply<'_> {
    fn len(&self) -> u8 {
        2
    }

    #[inline]
    fn write<W: Fields>(&self, out: &mut W) {
        out.request_id(Some(self.id));
        out.message(name!(7, "cancel_all_after"), &self.after);
    }
}

/// An account's deadline.
pub(super) struct DeadlineMessage {
    pub(super) deadline: Option<Nanos>,
}

impl Message for DeadlineMessage {
    fn len(&self) -> u8 {
        1
    }

    #[inline]
    fn write<W: Fields>(&self, out: &mut W) {
        match self.deadline {
            Some(deadline) => out.time(name!(1, "deadline"), deadline),
            None => out.null(name!(1, "deadline")),
        }
    }
}

/// The reply to a request that was refused.
pub(super) struct ErrorReply<'a> {
    pub(super) id: Option<&'a RequestId>,
    pub(super) error: &'a ApiError,
}

impl Message for ErrorReply<'_> {
    fn len(&self) -> u8 {
        2
    }

    #[inline]
    fn write<W: Fields>(&self, out: &mut W) {
        out.request_id(self.id);
        out.message(name!(5, "error"), self.error);
    }
}

impl Message for ApiError {
    fn len(&self) -> u8 {
        2
    }

    #[inline]
    fn write<W: Fields>(&self, out: &mut W) {
        out.plain(name!(1, "code"), self.code);
        out.text(name!(2, "message"), &self.message);
    }
}

/// A change of an order.
pub(super) struct UpdateMessage<'a> {
    pub(super) update: &'a OrderUpdate,
    pub(super) order: OrderMessage<'a>,
}

impl Message for UpdateMessage<'_> {
    fn len(&self) -> u8 {
        4 + u8::from(self.update.fill.is_some())
    }

    #[inline]
    fn write<W: Fields>(&self, out: &mut W) {
        out.kind("order");
        out.integer(name!(1, "sequence"), self.update.sequence.0);
        out.integer(name!(2, "index"), u64::from(self.update.index));
        out.message(name!(3, "order"), &self.order);
        if let Some(fill) = &self.update.fill {
            let OrderMessage { spec, views, .. } = self.order;
            out.message(name!(4, "fill"), &FillMessage { fill, spec, views });
        }
    }
}

struct FillMessage<'a> {
    fill: &'a Fill,
    spec: &'a InstrumentSpec,
    views: &'a Views,
}

impl Message for FillMessage<'_> {
    fn len(&self) -> u8 {
        4
    }

    #[inline]
    fn write<W: Fields>(&self, out: &mut W) {
        let Self { fill, spec, views } = *self;
        let id = ids::execution_uuid(exchange(views), fill.sequence, fill.index, fill.role);
        out.uuid(name!(1, "exec_id"), id);
        price(out, name!(2, "price"), fill.price, spec);
        quantity(out, name!(3, "quantity"), fill.quantity, spec);
        money(out, name!(4, "fee"), fill.fee, spec);
    }
}

/// A sign of life.
pub(super) struct Heartbeat {
    pub(super) time: Nanos,
}

impl Message for Heartbeat {
    fn len(&self) -> u8 {
        2
    }

    #[inline]
    fn write<W: Fields>(&self, out: &mut W) {
        out.kind("heartbeat");
        out.time(name!(1, "time"), self.time);
    }
}

/// The last push before the exchange closes.
pub(super) struct ServerShutdown<'a> {
    pub(super) reason: &'a str,
}

impl Message for ServerShutdown<'_> {
    fn len(&self) -> u8 {
        2
    }

    #[inline]
    fn write<W: Fields>(&self, out: &mut W) {
        out.kind("server_shutdown");
        out.text(name!(1, "reason"), self.reason);
    }
}

/// A side as it is written on the wire.
#[inline]
pub(super) fn side(side: Side) -> Word {
    match side {
        Side::Buy => word!(1, "Buy"),
        Side::Sell => word!(2, "Sell"),
    }
}

/// A status as it is written on the wire.
#[inline]
pub(super) fn status(status: OrderStatus) -> Word {
    match status {
        OrderStatus::New => word!(1, "New"),
        OrderStatus::PartiallyFilled => word!(2, "PartiallyFilled"),
        OrderStatus::Filled => word!(3, "Filled"),
        OrderStatus::Canceled => word!(4, "Canceled"),
        OrderStatus::Expired => word!(5, "Expired"),
    }
}

#[inline]
fn order_type(order_type: OrderType) -> Word {
    match order_type {
        OrderType::Limit => word!(1, "Limit"),
        OrderType::Market => word!(2, "Market"),
    }
}

#[inline]
fn time_in_force(time_in_force: TimeInForce) -> Word {
    match time_in_force {
        TimeInForce::Gtc => word!(1, "GTC"),
        TimeInForce::Ioc => word!(2, "IOC"),
        TimeInForce::Fok => word!(3, "FOK"),
    }
}

#[inline]
fn reason(reason: CancelReason) -> Word {
    match reason {
        CancelReason::Requested => word!(1, "requested"),
        CancelReason::MassCancel => word!(2, "mass_cancel"),
        CancelReason::ImmediateOrCancel => word!(3, "immediate_or_cancel"),
        CancelReason::FillOrKill => word!(4, "fill_or_kill"),
        CancelReason::NoLiquidity => word!(5, "no_liquidity"),
        CancelReason::Capacity => word!(6, "capacity"),
        CancelReason::TouchLimit => word!(7, "touch_limit"),
        CancelReason::FillOrKillTouchLimit => word!(8, "fill_or_kill_touch_limit"),
    }
}

#[inline]
fn price<W: Fields>(out: &mut W, name: Name, price: Ticks, spec: &InstrumentSpec) {
    let Scaled { mantissa, scale } = spec.tick();
    out.decimal(name, i128::from(price.0) * i128::from(mantissa), scale);
}

#[inline]
fn quantity<W: Fields>(out: &mut W, name: Name, quantity: Lots, spec: &InstrumentSpec) {
    let Scaled { mantissa, scale } = spec.lot();
    out.decimal(name, i128::from(quantity.0) * i128::from(mantissa), scale);
}

#[inline]
fn money<W: Fields>(out: &mut W, name: Name, amount: Notional, spec: &InstrumentSpec) {
    out.decimal(name, amount.0, spec.quote_scale());
}
