//! An order as it stands.

use hoga_protocol::{
    AccountId, CancelReason, ClientOrderId, Event, Fee, InstrumentId, Lots, Nanos, Notional, OrderAccepted,
    OrderCanceled, OrderId, OrderReplaced, OrderType, Sequence, Side, Ticks, TimeInForce, TradeSide,
};

/// How far an order has come (FIX 39).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum OrderStatus {
    /// Live, and nothing of it traded yet.
    New = 0,
    /// Live, and a part of it traded.
    PartiallyFilled = 1,
    /// All of it traded.
    Filled = 2,
    /// It left before all of it traded; [`OrderState::reason`] says why.
    Canceled = 3,
    /// Its time ran out. No event of this protocol leads here.
    Expired = 4,
}

impl OrderStatus {
    /// Whether the order is through: it never trades again.
    pub const fn closed(self) -> bool {
        matches!(
            self,
            OrderStatus::Filled | OrderStatus::Canceled | OrderStatus::Expired
        )
    }
}

/// An order: what was asked for, as replaced, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderState {
    /// Its id.
    pub order: OrderId,
    /// Whose it is.
    pub account: AccountId,
    /// What it trades.
    pub instrument: InstrumentId,
    /// The client's own name for it; empty when none was given.
    pub client_order_id: ClientOrderId,
    /// Which way.
    pub side: Side,
    /// Limit or market.
    pub order_type: OrderType,
    /// How long it stays.
    pub time_in_force: TimeInForce,
    /// Whether it was to be refused rather than traded on entry.
    pub post_only: bool,
    /// Its limit in ticks; zero for a market order.
    pub price: Ticks,
    /// Its total in lots, the filled part included.
    pub quantity: Lots,
    /// What traded, in lots.
    pub filled: Lots,
    /// What still works, in lots; zero once closed.
    pub leaves: Lots,
    /// Price × quantity over all fills, exactly, in quote units.
    pub notional: Notional,
    /// What its fills were charged, exactly, in quote units.
    pub fee: Fee,
    /// How far it has come.
    pub status: OrderStatus,
    /// Why it was canceled, if it was.
    pub reason: Option<CancelReason>,
    /// The command that changed it last.
    pub sequence: Sequence,
    /// When it was accepted.
    pub created_at: Nanos,
    /// When it changed last.
    pub updated_at: Nanos,
}

impl OrderState {
    /// The order right after it was accepted by `event`.
    pub(crate) fn accepted(event: &Event, accepted: &OrderAccepted) -> Self {
        let request = &accepted.request;
        Self {
            order: accepted.order,
            account: request.account,
            instrument: request.instrument,
            client_order_id: request.client_order_id,
            side: request.side,
            order_type: request.order_type,
            time_in_force: request.time_in_force,
            post_only: request.post_only,
            price: request.price,
            quantity: request.quantity,
            filled: Lots::ZERO,
            leaves: request.quantity,
            notional: Notional(0),
            fee: Notional(0),
            status: OrderStatus::New,
            reason: None,
            sequence: event.sequence,
            created_at: event.timestamp,
            updated_at: event.timestamp,
        }
    }

    /// One fill of `quantity` lots worth `notional`.
    pub(crate) fn fill(&mut self, event: &Event, side: &TradeSide, quantity: Lots, notional: Notional) {
        self.filled.0 += quantity.0;
        self.leaves = side.leaves;
        self.notional.0 += notional.0;
        self.fee.0 += side.fee.0;
        self.status = if side.leaves == Lots::ZERO {
            OrderStatus::Filled
        } else {
            OrderStatus::PartiallyFilled
        };
        self.changed(event);
    }

    pub(crate) fn cancel(&mut self, event: &Event, canceled: &OrderCanceled) {
        self.leaves = Lots::ZERO;
        self.status = OrderStatus::Canceled;
        self.reason = Some(canceled.reason);
        self.changed(event);
    }

    pub(crate) fn replace(&mut self, event: &Event, replaced: &OrderReplaced) {
        self.price = replaced.price;
        self.quantity = replaced.quantity;
        self.leaves = replaced.leaves;
        self.changed(event);
    }

    fn changed(&mut self, event: &Event) {
        self.sequence = event.sequence;
        self.updated_at = event.timestamp;
    }
}
