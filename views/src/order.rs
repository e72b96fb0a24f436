//! An order as it stands.

use hoga_protocol::codec::{ImageError, ImageSink, ImageSource};
use hoga_protocol::{
    AccountId, CancelReason, ClientOrderId, Event, Fee, InstrumentId, Lots, Nanos, Notional, OrderAccepted,
    OrderCanceled, OrderId, OrderReplaced, OrderType, Sequence, Side, Ticks, TimeInForce, TradeSide,
};

use crate::image::{Item, must, price_in_range, quantity_in_range};
use crate::known::Known;

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

/// Bytes of an order in an image: the fields that all have, what its fills came to if it has any, its client order id.
const FIXED: usize = 69;
const FILLS: usize = 32;
const MOST: usize = FIXED + FILLS + 1 + ClientOrderId::MAX_LEN;

impl OrderState {
    /// Writes the order without what follows from the rest of it.
    pub(crate) fn write_image(&self, sink: &mut impl ImageSink) {
        let standing = standing(self.quantity, self.filled, self.reason);
        debug_assert_eq!((self.status, self.leaves), standing, "{self:?}");
        let mut item = Item::<MOST>::new();
        item.put_u64(self.order.0);
        item.put_u32(self.account.0);
        item.put_u32(self.instrument.0);
        item.put_u8(self.side as u8);
        item.put_u8(self.order_type as u8);
        item.put_u8(self.time_in_force as u8);
        item.put_bool(self.post_only);
        item.put_u8(self.reason.map_or(0, |reason| reason as u8 + 1));
        item.put_i64(self.price.0);
        item.put_u64(self.quantity.0);
        item.put_u64(self.filled.0);
        item.put_u64(self.sequence.0);
        item.put_u64(self.created_at.0);
        item.put_u64(self.updated_at.0);
        if self.filled != Lots::ZERO {
            item.put_i128(self.notional.0);
            item.put_i128(self.fee.0);
        }
        item.put_text(&self.client_order_id);
        sink.put(item.bytes());
    }

    /// Reads an order that [`write_image`](Self::write_image) wrote.
    pub(crate) fn read_image(known: &Known<'_>, source: &mut impl ImageSource) -> Result<Self, ImageError> {
        let bytes = source.take_array::<FIXED>()?;
        let mut item = &bytes[..];
        let mut order = Self {
            order: OrderId(item.take_u64()?),
            account: AccountId(item.take_u32()?),
            instrument: InstrumentId(item.take_u32()?),
            side: take_side(&mut item)?,
            order_type: take_order_type(&mut item)?,
            time_in_force: take_time_in_force(&mut item)?,
            post_only: item.take_bool("post_only")?,
            reason: take_reason(&mut item)?,
            price: Ticks(item.take_i64()?),
            quantity: Lots(item.take_u64()?),
            filled: Lots(item.take_u64()?),
            sequence: Sequence(item.take_u64()?),
            created_at: Nanos(item.take_u64()?),
            updated_at: Nanos(item.take_u64()?),
            client_order_id: ClientOrderId::EMPTY,
            leaves: Lots::ZERO,
            notional: Notional(0),
            fee: Notional(0),
            status: OrderStatus::New,
        };
        if order.filled != Lots::ZERO {
            let bytes = source.take_array::<FILLS>()?;
            let mut item = &bytes[..];
            order.notional = Notional(item.take_i128()?);
            order.fee = Notional(item.take_i128()?);
        }
        order.client_order_id = source.take_text("client_order_id")?;
        order.check(known)?;
        (order.status, order.leaves) = standing(order.quantity, order.filled, order.reason);
        Ok(order)
    }

    fn check(&self, known: &Known<'_>) -> Result<(), ImageError> {
        known.account(self.account)?;
        let spec = known.instrument(self.instrument)?;
        must(self.order.0 >= 1 && self.order.0 <= self.sequence.0, "order")?;
        must(self.sequence <= known.sequence, "sequence")?;
        must(self.created_at <= self.updated_at, "timestamp")?;
        known.time(self.updated_at)?;
        must(quantity_in_range(self.quantity), "quantity")?;
        let price_fits = match self.order_type {
            OrderType::Limit => price_in_range(self.price),
            OrderType::Market => self.price == Ticks(0) && self.time_in_force != TimeInForce::Gtc,
        };
        must(price_fits, "price")?;
        let filled_fits = match self.reason {
            Some(_) => self.filled < self.quantity,
            None => self.filled <= self.quantity,
        };
        must(filled_fits, "filled")?;
        // No lot trades for more than the highest price, and no rate is a whole.
        let most = spec.notional(Ticks::MAX, self.filled);
        must((0..=most.0).contains(&self.notional.0), "notional")?;
        must(self.fee.0.unsigned_abs() <= self.notional.0.unsigned_abs(), "fee")
    }
}

/// How far an order has come and what of it still works.
fn standing(quantity: Lots, filled: Lots, reason: Option<CancelReason>) -> (OrderStatus, Lots) {
    let leaves = Lots(quantity.0 - filled.0);
    match (reason, filled, leaves) {
        (Some(_), ..) => (OrderStatus::Canceled, Lots::ZERO),
        (None, _, Lots::ZERO) => (OrderStatus::Filled, Lots::ZERO),
        (None, Lots::ZERO, _) => (OrderStatus::New, leaves),
        (None, ..) => (OrderStatus::PartiallyFilled, leaves),
    }
}

/// A side as its number.
pub(crate) fn take_side(source: &mut impl ImageSource) -> Result<Side, ImageError> {
    match source.take_u8()? {
        0 => Ok(Side::Buy),
        1 => Ok(Side::Sell),
        _ => Err(ImageError::BadValue("side")),
    }
}

fn take_order_type(source: &mut impl ImageSource) -> Result<OrderType, ImageError> {
    match source.take_u8()? {
        0 => Ok(OrderType::Limit),
        1 => Ok(OrderType::Market),
        _ => Err(ImageError::BadValue("order_type")),
    }
}

fn take_time_in_force(source: &mut impl ImageSource) -> Result<TimeInForce, ImageError> {
    match source.take_u8()? {
        0 => Ok(TimeInForce::Gtc),
        1 => Ok(TimeInForce::Ioc),
        2 => Ok(TimeInForce::Fok),
        _ => Err(ImageError::BadValue("time_in_force")),
    }
}

/// 0 for none, or the reason's number plus 1.
fn take_reason(source: &mut impl ImageSource) -> Result<Option<CancelReason>, ImageError> {
    match source.take_u8()?.checked_sub(1) {
        None => Ok(None),
        Some(number) => match CancelReason::from_number(number) {
            None => Err(ImageError::BadValue("reason")),
            reason => Ok(reason),
        },
    }
}
