//! A new order: the checks in their fixed order, then its trades, then its rest or its cancel.

use hoga_protocol::{
    CancelReason, Event, EventBody, InstrumentStatus, Lots, Nanos, NewOrder, OrderAccepted, OrderCanceled,
    OrderId, OrderType, RejectReason, Rejected, Side, Ticks, TimeInForce,
};

use super::matching::{Aggressor, Residue};
use super::{Answer, Market, refused, refused_for};
use crate::emitter::Emitter;
use crate::order::Order;
use crate::order_book::Supply;
use crate::slab::Slot;

/// What becomes of an order that nothing refuses.
enum Admission {
    /// It is a new order, and this resting one is the first that it trades with.
    New(Option<Slot>),
    /// It is a new order that is canceled before it trades.
    Canceled(CancelReason),
    /// It came before, under this id, with the same terms.
    Duplicate(OrderId),
}

impl Market {
    pub(super) fn new_order<E: FnMut(&Event)>(
        &mut self,
        order: OrderId,
        request: &NewOrder,
        out: &mut Emitter<'_, E>,
    ) -> Answer {
        let (first, canceled) = match self.admit(request, out.timestamp())? {
            Admission::New(first) => (first, None),
            Admission::Canceled(reason) => (None, Some(reason)),
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
        let client_id = match request.client_order_id.is_empty() {
            true => Slot::NONE,
            false => self.client_ids.take(order, request),
        };

        let residue = if may_rest {
            Residue::Rests
        } else {
            Residue::Canceled
        };
        let mut aggressor = Aggressor::new(order, request, worst_price(request), residue);
        // An order that does not trade was refused where it has no room.
        let mut rests = may_rest;
        if first.is_some() {
            self.trade(&mut aggressor, first, out);
            rests = self.rests(&aggressor);
        }
        let leaves = aggressor.leaves;
        if rests {
            self.rest(&aggressor, request, client_id);
            return Ok(());
        }
        if leaves > Lots::ZERO {
            let reason = canceled.unwrap_or_else(|| self.reason_for_residue(&aggressor, request));
            out.last(EventBody::OrderCanceled(OrderCanceled {
                order,
                account: request.account,
                instrument: request.instrument,
                canceled: leaves,
                was_resting: false,
                reason,
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

    /// The checks, in the order in which they are made: account, instrument, client order id, how long the request is
    /// valid, whether the instrument takes orders, whether the account may send any, terms that do not go together,
    /// price, quantity, notional, post-only, and room in the book for an order that would not trade.
    #[inline]
    fn admit(&self, request: &NewOrder, now: Nanos) -> Result<Admission, Rejected> {
        let Some(account) = self.accounts.get(request.account) else {
            return Err(refused(RejectReason::UnknownAccount));
        };
        let Some(instrument) = self.instruments.get(request.instrument) else {
            return Err(refused(RejectReason::UnknownInstrument));
        };
        if !request.client_order_id.is_empty()
            && let Some(known) = self.known_id(request)
        {
            return known;
        }
        if request.valid_until != Nanos(0) {
            self.check_validity(request, now).map_err(refused)?;
        }
        if instrument.status != InstrumentStatus::Open {
            return Err(refused(RejectReason::InstrumentClosed));
        }
        if !account.may_send() {
            return Err(refused(RejectReason::AccountSuspended));
        }
        request.check_terms(&instrument.spec).map_err(refused)?;
        let worst = worst_price(request);
        let first = instrument.book.against(&self.arena, request.side, worst);
        if request.post_only && first.is_some() {
            return Err(refused(RejectReason::PostOnlyWouldTrade));
        }
        if first.is_none() && request.time_in_force == TimeInForce::Gtc {
            if self.arena.orders.len() >= self.limits.max_open_orders as usize {
                return Err(refused(RejectReason::Capacity));
            }
            if !account.has_room(self.accounts.max_open_orders()) {
                return Err(refused(RejectReason::AccountLimit));
            }
        }
        if request.time_in_force == TimeInForce::Fok {
            let (side, most) = (request.side.opposite(), self.limits.max_touched_orders);
            let book = &instrument.book;
            return Ok(
                match book.could_fill(&self.arena, side, worst, request.quantity, most) {
                    Supply::Enough => Admission::New(first),
                    Supply::TooLittle => Admission::Canceled(CancelReason::FillOrKill),
                    Supply::TooManyOrders => Admission::Canceled(CancelReason::FillOrKillTouchLimit),
                },
            );
        }
        Ok(Admission::New(first))
    }

    /// The answer to a request whose client order id is another order's, or its own of before.
    #[inline(never)]
    fn known_id(&self, request: &NewOrder) -> Option<Result<Admission, Rejected>> {
        let first = self.client_ids.find(request.account, &request.client_order_id)?;
        Some(match first.terms == self.client_ids.terms(request) {
            true => Ok(Admission::Duplicate(first.order)),
            false => Err(refused_for(first.order, RejectReason::ClientOrderIdReused)),
        })
    }

    /// Whether a request whose id is not known may be carried out, as far as its `valid_until` says.
    #[inline(never)]
    fn check_validity(&self, request: &NewOrder, now: Nanos) -> Result<(), RejectReason> {
        // An id that was forgotten may have been this one, carried out already.
        request.check_validity(now, self.client_ids.forgotten_until(request.account))
    }

    /// Why what is left of an order that traded, or could not, is canceled.
    fn reason_for_residue(&self, aggressor: &Aggressor, request: &NewOrder) -> CancelReason {
        match (request.time_in_force, request.order_type) {
            _ if aggressor.touched >= self.limits.max_touched_orders => CancelReason::TouchLimit,
            (TimeInForce::Gtc, _) => CancelReason::Capacity,
            (TimeInForce::Fok, _) => CancelReason::FillOrKill,
            (TimeInForce::Ioc, OrderType::Market) => CancelReason::NoLiquidity,
            (TimeInForce::Ioc, OrderType::Limit) => CancelReason::ImmediateOrCancel,
        }
    }
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
