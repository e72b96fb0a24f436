//! A new order, in the plain book.

use hoga_protocol::*;

use super::{Live, Reference, Refusal, canceled, dearness, is_repeat};

impl Reference {
    pub(super) fn new_order(&mut self, id: OrderId, order: &NewOrder, said: &mut Vec<EventBody>) -> Refusal {
        use RejectReason::*;
        self.must_be_open(order.account)?;
        let Some(spec) = self.specs.get(order.instrument.0 as usize).copied() else {
            return Err((UnknownInstrument, None));
        };
        if let Some((first, body)) = self.by_client_id(order.account, &order.client_order_id) {
            if !is_repeat(&body, order) {
                return Err((ClientOrderIdReused, Some(first)));
            }
            said.push(EventBody::DuplicateOrder { order: first });
            return Ok(());
        }
        self.check_validity(order)?;
        let limit = order.order_type == OrderType::Limit;
        let gtc = order.time_in_force == TimeInForce::Gtc;
        if self.closed_to_orders.contains(&order.instrument) {
            return Err((InstrumentClosed, None));
        }
        if self.suspended.contains(&order.account) {
            return Err((AccountSuspended, None));
        }
        let price_is_good = if limit {
            order.price >= Ticks(1) && order.price <= Ticks::MAX
        } else {
            order.price == Ticks(0)
        };
        let checks = [
            (limit || !gtc, InvalidCombination),
            (!order.post_only || (limit && gtc), InvalidCombination),
            (price_is_good, InvalidPrice),
            (order.quantity >= spec.min_quantity, QuantityTooSmall),
            (order.quantity <= spec.max_quantity, QuantityTooLarge),
        ];
        if let Some((_, reason)) = checks.into_iter().find(|check| !check.0) {
            return Err((reason, None));
        }
        if limit && spec.notional(order.price, order.quantity) < spec.min_notional {
            return Err((NotionalTooSmall, None));
        }
        let would_trade = self.best(order, order.price).is_some();
        if order.post_only && would_trade {
            return Err((PostOnlyWouldTrade, None));
        }
        if gtc && !would_trade && self.is_full() {
            return Err((Capacity, None));
        }
        if gtc && !would_trade && !self.account_has_room(order.account) {
            return Err((AccountLimit, None));
        }

        said.push(EventBody::OrderAccepted(OrderAccepted {
            order: id,
            request: *order,
        }));
        let worst = match (limit, order.side) {
            (true, _) => order.price,
            (false, Side::Buy) => Ticks::MAX,
            (false, Side::Sell) => Ticks(1),
        };
        let mut taker = Live {
            id,
            asked: *order,
            price: worst,
            quantity: order.quantity.0,
            filled: 0,
            owed: 0,
        };
        let killed = match order.time_in_force {
            TimeInForce::Fok => self.dry_run(&taker),
            _ => None,
        };
        let mut touched = 0;
        if killed.is_none() {
            touched = self.trade(&mut taker, said);
        }
        let most = self.limits.max_touched_orders;
        let has_room = !self.is_full() && self.account_has_room(order.account);
        let reason = match (killed, order.time_in_force, limit) {
            _ if taker.leaves() == 0 => None,
            (Some(reason), _, _) => Some(reason),
            _ if touched == most => Some(CancelReason::TouchLimit),
            (_, TimeInForce::Gtc, _) if has_room => None,
            (_, TimeInForce::Gtc, _) => Some(CancelReason::Capacity),
            (_, _, true) => Some(CancelReason::ImmediateOrCancel),
            (_, _, false) => Some(CancelReason::NoLiquidity),
        };
        match reason {
            None if taker.leaves() > 0 => self.live.push(taker),
            None => self.close(taker),
            Some(reason) => {
                said.push(canceled(&taker, false, reason));
                self.close(taker);
            }
        }
        Ok(())
    }

    fn check_validity(&self, order: &NewOrder) -> Refusal {
        let until = order.valid_until;
        if until == Nanos(0) {
            return Ok(());
        }
        let ten_minutes = 600 * 1_000_000_000;
        if order.client_order_id.is_empty() || until.0 > self.now.0 + ten_minutes {
            return Err((RejectReason::InvalidValidUntil, None));
        }
        let own = self
            .forgotten
            .iter()
            .filter(|asked| asked.account == order.account);
        let forgotten = own.map(|asked| asked.valid_until).max().unwrap_or_default();
        if until <= self.now || until <= forgotten {
            return Err((RejectReason::ExpiredRequest, None));
        }
        Ok(())
    }

    /// Why an order that is filled whole or not at all is not: as many orders as a command may touch are looked at, best
    /// first.
    fn dry_run(&self, taker: &Live) -> Option<CancelReason> {
        let everything: u64 = self
            .live
            .iter()
            .filter(|resting| {
                resting.asked.instrument == taker.asked.instrument && resting.asked.side != taker.asked.side
            })
            .map(Live::leaves)
            .sum();
        if everything < taker.quantity {
            return Some(CancelReason::FillOrKill);
        }
        let mut within: Vec<(usize, &Live)> = self.opposite(&taker.asked, taker.price).collect();
        within.sort_by_key(|(at, resting)| (dearness(&taker.asked, resting.price), *at));
        let most = self.limits.max_touched_orders as usize;
        let held: u64 = within
            .iter()
            .take(most)
            .map(|(_, resting)| resting.leaves())
            .sum();
        match within.len() >= most {
            _ if held >= taker.quantity => None,
            true => Some(CancelReason::FillOrKillTouchLimit),
            false => Some(CancelReason::FillOrKill),
        }
    }
}
