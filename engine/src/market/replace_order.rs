//! A change of a resting order, which keeps its id, its fills and its fees.

use hoga_protocol::{
    AccountId, CancelReason, Event, EventBody, InstrumentId, InstrumentSpec, InstrumentStatus, Lots,
    OrderCanceled, OrderId, OrderReplaced, RejectReason, Rejected, ReplaceOrder, Ticks, check_notional,
    check_price, check_quantity,
};

use super::matching::{Aggressor, Residue};
use super::{Answer, Market, refused_for};
use crate::emitter::Emitter;
use crate::order::Order;
use crate::slab::Slot;

impl Market {
    pub(super) fn replace_order<E: FnMut(&Event)>(
        &mut self,
        replace: &ReplaceOrder,
        out: &mut Emitter<'_, E>,
    ) -> Answer {
        let slot = self.live_order(replace.account, replace.order)?;
        let old = &self.arena.orders[slot];
        let level = &self.arena.levels[old.level];
        let instrument = self.instruments.known(level.instrument);
        let price = replace.price.unwrap_or(level.price);
        let quantity = replace.quantity.unwrap_or(old.quantity);
        let priority_kept = price == level.price && quantity <= old.quantity;
        if !priority_kept {
            if instrument.status != InstrumentStatus::Open {
                return Err(refused_for(old.id, RejectReason::InstrumentClosed));
            }
            if !self.accounts.may_send(old.account) {
                return Err(refused_for(old.id, RejectReason::AccountSuspended));
            }
        }
        let crossing = instrument.book.against(&self.arena, old.side, price);
        check_replace(old, &instrument.spec, price, quantity, crossing.is_some())
            .map_err(|reason| refused_for(old.id, reason))?;

        let leaves = Lots(quantity.0 - old.filled().0);
        let replaced = EventBody::OrderReplaced(OrderReplaced {
            order: old.id,
            account: old.account,
            instrument: level.instrument,
            price,
            quantity,
            leaves,
            priority_kept,
        });
        out.emit(replaced, crossing.is_none());
        if priority_kept {
            let number = level.instrument;
            let book = &mut self.instruments.known(number).book;
            book.reduce(&mut self.arena, slot, quantity);
            return Ok(());
        }
        // As if it came only now: it leaves its level, trades where it crosses, and goes behind its new level.
        let number = level.instrument;
        instrument.book.remove(&mut self.arena, slot);
        let order = &mut self.arena.orders[slot];
        (order.quantity, order.leaves) = (quantity, leaves);
        if crossing.is_none() {
            instrument.book.push(&mut self.arena, slot, price);
        } else {
            self.trade_replaced(slot, number, price, crossing, out);
        }
        Ok(())
    }

    /// Trades the order at `slot`, which is in no level, at its new price; what is left of it rests there,
    /// unless it has traded with as many orders as one command may touch.
    fn trade_replaced<E: FnMut(&Event)>(
        &mut self,
        slot: Slot,
        instrument: InstrumentId,
        price: Ticks,
        first: Option<Slot>,
        out: &mut Emitter<'_, E>,
    ) {
        let order = &self.arena.orders[slot];
        let mut aggressor = Aggressor {
            order: order.id,
            account: order.account,
            instrument,
            side: order.side,
            worst: price,
            residue: Residue::Returns,
            touched: 0,
            leaves: order.leaves,
            fee: self.arena.orders.fee(slot),
        };
        self.trade(&mut aggressor, first, out);
        if !self.rests(&aggressor) {
            if aggressor.leaves > Lots::ZERO {
                out.last(EventBody::OrderCanceled(OrderCanceled {
                    order: aggressor.order,
                    account: aggressor.account,
                    instrument,
                    canceled: aggressor.leaves,
                    was_resting: false,
                    reason: CancelReason::TouchLimit,
                }));
            }
            self.close(slot, instrument);
            return;
        }
        self.arena.orders[slot].leaves = aggressor.leaves;
        self.arena.orders.set_fee(slot, aggressor.fee);
        let book = &mut self.instruments.known(instrument).book;
        book.push(&mut self.arena, slot, price);
    }

    /// The slot of a live order of this account.
    #[inline(always)]
    pub(super) fn live_order(&self, account: AccountId, order: OrderId) -> Result<Slot, Rejected> {
        if !self.accounts.contains(account) {
            return Err(refused_for(order, RejectReason::UnknownAccount));
        }
        match self.arena.orders.find(order) {
            Some(slot) if self.arena.orders[slot].account == account => Ok(slot),
            _ => Err(refused_for(order, RejectReason::UnknownOrder)),
        }
    }
}

/// The checks of the new terms, in the order in which they are made: price, what is filled, quantity, notional, post-only. The new terms
/// must be ones that a new order could have, so nothing gets into the book by a detour.
fn check_replace(
    old: &Order,
    spec: &InstrumentSpec,
    price: Ticks,
    quantity: Lots,
    crosses: bool,
) -> Result<(), RejectReason> {
    check_price(price)?;
    if quantity <= old.filled() && old.filled() > Lots::ZERO {
        return Err(RejectReason::TooLate);
    }
    check_quantity(quantity, spec)?;
    check_notional(price, quantity, spec)?;
    if old.post_only && crosses {
        return Err(RejectReason::PostOnlyWouldTrade);
    }
    Ok(())
}
