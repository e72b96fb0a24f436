//! A new order: the checks in their fixed order, then its trades, then its rest or its cancel.

use hoga_protocol::{
    CancelReason, Event, EventBody, InstrumentSpec, Lots, NewOrder, OrderAccepted, OrderCanceled, OrderId,
    OrderType, RejectReason, Rejected, Ticks, TimeInForce,
};

use super::matching::Aggressor;
use super::{Answer, Market, refused, refused_for};
use crate::emitter::Emitter;
use crate::order::{Order, RestingOrder};

/// What becomes of an order that nothing refuses.
enum Admission {
    /// It is a new order.
    New,
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
        if let Admission::Duplicate(order) = self.admit(request)? {
            out.push(EventBody::DuplicateOrder { order });
            return Ok(());
        }
        out.push(EventBody::OrderAccepted(OrderAccepted {
            order,
            request: *request,
        }));
        let client_id = self.client_ids.insert(order, request);

        let mut aggressor = Aggressor::new(order, request);
        let limit = limit_of(request);
        if request.time_in_force != TimeInForce::Fok || self.can_fill(request) {
            self.trade(&mut aggressor, limit, out);
        }

        let leaves = aggressor.leaves();
        if leaves > Lots::ZERO && request.time_in_force == TimeInForce::Gtc {
            let slot = self.orders.insert(Order::new(
                RestingOrder {
                    order,
                    account: request.account,
                    instrument: request.instrument,
                    side: request.side,
                    post_only: request.post_only,
                    price: request.price,
                    quantity: request.quantity,
                    filled: aggressor.filled,
                    fee: aggressor.fee,
                },
                client_id,
            ));
            self.order_index.insert(order, slot);
            self.accounts.add_live(&mut self.orders, slot);
            let book = &mut self.instruments.known(request.instrument).book;
            book.push(&mut self.orders, slot);
            return Ok(());
        }
        if leaves > Lots::ZERO {
            out.push(EventBody::OrderCanceled(OrderCanceled {
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

    /// The checks, in the order in which they are made: account, instrument, client order id, terms that do not go
    /// together, price, quantity, notional, room in the book, post-only.
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
        check_terms(request, &instrument.spec).map_err(refused)?;
        let may_rest = request.time_in_force == TimeInForce::Gtc;
        if may_rest && self.orders.len() >= self.settings.limits.max_open_orders as usize {
            return Err(refused(RejectReason::Capacity));
        }
        let opposite = request.side.opposite();
        if request.post_only && instrument.book.front(opposite, Some(request.price)).is_some() {
            return Err(refused(RejectReason::PostOnlyWouldTrade));
        }
        Ok(Admission::New)
    }

    fn can_fill(&mut self, request: &NewOrder) -> bool {
        let book = &self.instruments.known(request.instrument).book;
        book.can_fill(request.side.opposite(), limit_of(request), request.quantity)
    }
}

/// The checks that need no state: the terms against each other, then against the instrument.
fn check_terms(request: &NewOrder, spec: &InstrumentSpec) -> Result<(), RejectReason> {
    match (request.order_type, request.time_in_force, request.post_only) {
        (OrderType::Market, TimeInForce::Gtc, _) => return Err(RejectReason::InvalidCombination),
        (_, TimeInForce::Ioc | TimeInForce::Fok, true) => return Err(RejectReason::InvalidCombination),
        _ => {}
    }
    let is_limit = request.order_type == OrderType::Limit;
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
    if spec.notional(price, quantity) < spec.min_notional {
        return Err(RejectReason::NotionalTooSmall);
    }
    Ok(())
}

/// The worst price the order takes; a market order takes any.
fn limit_of(request: &NewOrder) -> Option<Ticks> {
    (request.order_type == OrderType::Limit).then_some(request.price)
}

fn reason_for_residue(request: &NewOrder) -> CancelReason {
    match (request.time_in_force, request.order_type) {
        (TimeInForce::Fok, _) => CancelReason::FillOrKill,
        (_, OrderType::Market) => CancelReason::NoLiquidity,
        (_, OrderType::Limit) => CancelReason::ImmediateOrCancel,
    }
}
