//! A new order: the checks in their fixed order, then its trades, then its rest or its cancel.

use hoga_protocol::{
    CancelReason, Event, EventBody, InstrumentSpec, InstrumentStatus, Lots, NewOrder, Notional,
    OrderAccepted, OrderCanceled, OrderId, OrderType, RejectReason, Rejected, Side, Ticks, TimeInForce,
};

use super::matching::Aggressor;
use super::{Answer, Market, refused, refused_for};
use crate::emitter::Emitter;
use crate::order::Order;
use crate::slab::Slot;

/// What becomes of an order that nothing refuses.
enum Admission {
    /// It is a new order, and this resting one is the first that it trades with.
    New(Option<Slot>),
    /// It came before, under this id, word for word.
    Duplicate(OrderId),
}

impl Market {
    pub(super) fn new_order<E: FnMut(&Event)>(
        &mut self,
        order: OrderId,
        request: &NewOrder,
        out: &mut Emitter<'_, E>,
    ) -> Answer {
        let first = match self.admit(request)? {
            Admission::New(first) => first,
            Admission::Duplicate(order) => {
                out.last(EventBody::DuplicateOrder { order });
                return Ok(());
            }
        };
        let may_rest = request.time_in_force == TimeInForce::Gtc;
        let accepted = OrderAccepted {
            order,
            request: *request,
        };
        out.emit(EventBody::OrderAccepted(accepted), first.is_none() && may_rest);
        let client_id = self.client_ids.insert(order, request);

        let mut aggressor = Aggressor::new(order, request, worst_price(request), may_rest);
        if first.is_some() {
            self.trade(&mut aggressor, first, out);
        }
        let leaves = aggressor.leaves;
        if leaves > Lots::ZERO && may_rest {
            self.rest(&aggressor, request, client_id);
            return Ok(());
        }
        if leaves > Lots::ZERO {
            out.last(EventBody::OrderCanceled(OrderCanceled {
                order,
                account: request.account,
                instrument: request.instrument,
                canceled: leaves,
                was_resting: false,
                reason: reason_for_residue(request),
            }));
        }
        self.client_ids.close(client_id);
        Ok(())
    }

    /// Puts what an aggressor leaves into the book.
    fn rest(&mut self, aggressor: &Aggressor, request: &NewOrder, client_id: Slot) {
        let orders = &mut self.arena.orders;
        let slot = orders.insert(Order::new(aggressor.order, request, aggressor.leaves));
        if aggressor.leaves < request.quantity {
            orders.set_fee(slot, aggressor.fee);
        }
        if client_id != Slot::NONE {
            orders.set_client_id(slot, client_id);
        }
        self.accounts.add_live(orders, slot, request.instrument);
        let book = &mut self.instruments.known(request.instrument).book;
        book.push(&mut self.arena, slot, request.price);
    }

    /// The checks, in the order in which they are made: account, instrument, client order id, whether the instrument takes
    /// orders, whether the account may send this one, terms that do not go together, price, quantity, notional, room in
    /// the book, post-only.
    #[inline]
    fn admit(&self, request: &NewOrder) -> Result<Admission, Rejected> {
        if !self.accounts.contains(request.account) {
            return Err(refused(RejectReason::UnknownAccount));
        }
        let Some(instrument) = self.instruments.get(request.instrument) else {
            return Err(refused(RejectReason::UnknownInstrument));
        };
        if let Some(first) = self.client_ids.find(request.account, &request.client_order_id) {
            if first.request == *request {
                return Ok(Admission::Duplicate(first.order));
            }
            return Err(refused_for(first.order, RejectReason::ClientOrderIdReused));
        }
        if instrument.status != InstrumentStatus::Open {
            return Err(refused(RejectReason::InstrumentClosed));
        }
        let may_rest = request.time_in_force == TimeInForce::Gtc;
        let allowed = self.accounts.check_order(request.account, may_rest);
        allowed.map_err(refused)?;
        check_terms(request, &instrument.spec).map_err(refused)?;
        if may_rest && self.arena.orders.len() >= self.settings.limits.max_open_orders as usize {
            return Err(refused(RejectReason::Capacity));
        }
        let worst = worst_price(request);
        let first = instrument.book.against(&self.arena, request.side, worst);
        if request.post_only && first.is_some() {
            return Err(refused(RejectReason::PostOnlyWouldTrade));
        }
        let can_fill = || {
            let book = &instrument.book;
            book.can_fill(&self.arena, request.side.opposite(), worst, request.quantity)
        };
        if request.time_in_force == TimeInForce::Fok && !can_fill() {
            return Ok(Admission::New(None));
        }
        Ok(Admission::New(first))
    }
}

/// The checks that need no state: the terms against each other, then against the instrument.
#[inline]
pub(crate) fn check_terms(request: &NewOrder, spec: &InstrumentSpec) -> Result<(), RejectReason> {
    let is_limit = request.order_type == OrderType::Limit;
    let may_rest = request.time_in_force == TimeInForce::Gtc;
    if (may_rest && !is_limit) || (request.post_only && !may_rest) {
        return Err(RejectReason::InvalidCombination);
    }
    if !is_limit && request.price != Ticks(0) {
        return Err(RejectReason::InvalidPrice);
    }
    if is_limit {
        check_price(request.price)?;
    }
    check_quantity(request.quantity, spec)?;
    if is_limit {
        check_notional(request.price, request.quantity, spec)?;
    }
    Ok(())
}

pub(super) fn check_price(price: Ticks) -> Result<(), RejectReason> {
    match price {
        Ticks(1..) if price <= Ticks::MAX => Ok(()),
        _ => Err(RejectReason::InvalidPrice),
    }
}

pub(super) fn check_quantity(quantity: Lots, spec: &InstrumentSpec) -> Result<(), RejectReason> {
    if quantity < spec.min_quantity {
        return Err(RejectReason::QuantityTooSmall);
    }
    if quantity > spec.max_quantity {
        return Err(RejectReason::QuantityTooLarge);
    }
    Ok(())
}

/// `price` and `quantity` have passed their own checks, so the product fits.
pub(super) fn check_notional(
    price: Ticks,
    quantity: Lots,
    spec: &InstrumentSpec,
) -> Result<(), RejectReason> {
    if spec.min_notional > Notional(0) && spec.notional(price, quantity) < spec.min_notional {
        return Err(RejectReason::NotionalTooSmall);
    }
    Ok(())
}

/// The worst price the order takes; a market order takes any.
const fn worst_price(request: &NewOrder) -> Ticks {
    match request.order_type {
        OrderType::Limit => request.price,
        OrderType::Market => match request.side {
            Side::Buy => Ticks::MAX,
            Side::Sell => Ticks(1),
        },
    }
}

fn reason_for_residue(request: &NewOrder) -> CancelReason {
    match (request.time_in_force, request.order_type) {
        (TimeInForce::Fok, _) => CancelReason::FillOrKill,
        (_, OrderType::Market) => CancelReason::NoLiquidity,
        (_, OrderType::Limit) => CancelReason::ImmediateOrCancel,
    }
}
