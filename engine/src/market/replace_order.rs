//! A change of a resting order, which keeps its id, its fills and its fees.

use hoga_protocol::{
    AccountId, Event, EventBody, InstrumentId, Lots, OrderId, OrderReplaced, RejectReason, Rejected,
    ReplaceOrder, Ticks,
};

use super::matching::Aggressor;
use super::new_order::{check_notional, check_price, check_quantity};
use super::{Answer, Market, refused_for};
use crate::emitter::Emitter;
use crate::order::Order;
use crate::order_book::OrderBook;
use crate::slab::Slot;

impl Market {
    pub(super) fn replace_order<E: FnMut(&Event)>(
        &mut self,
        replace: &ReplaceOrder,
        out: &mut Emitter<'_, E>,
    ) -> Answer {
        let slot = self.live_order(replace.account, replace.order)?;
        let old = self.arena.orders[slot];
        let level = &self.arena.levels[old.level];
        let (instrument, old_price) = (level.instrument, level.price);
        let price = replace.price.unwrap_or(old_price);
        let quantity = replace.quantity.unwrap_or(old.quantity);
        let crossing = self.front(instrument, old.side.opposite(), price);
        self.check_replace(&old, instrument, price, quantity)
            .and_then(|()| match crossing {
                Some(_) if old.post_only => Err(RejectReason::PostOnlyWouldTrade),
                _ => Ok(()),
            })
            .map_err(|reason| refused_for(old.id, reason))?;

        let leaves = Lots(quantity.0 - old.filled().0);
        let priority_kept = price == old_price && quantity <= old.quantity;
        let replaced = EventBody::OrderReplaced(OrderReplaced {
            order: old.id,
            account: old.account,
            instrument,
            price,
            quantity,
            leaves,
            priority_kept,
        });
        out.emit(replaced, crossing.is_none());
        if priority_kept {
            OrderBook::reduce(&mut self.arena, slot, quantity);
            return Ok(());
        }
        // As if it came only now: it leaves its level, trades where it crosses, and goes behind its new level.
        let book = &mut self.instruments.known(instrument).book;
        book.remove(&mut self.arena, slot);
        let order = &mut self.arena.orders[slot];
        (order.quantity, order.leaves) = (quantity, leaves);
        if crossing.is_some() && self.trade_replaced(slot, instrument, price, crossing, out) {
            self.close(slot, instrument);
        } else {
            let book = &mut self.instruments.known(instrument).book;
            book.push(&mut self.arena, slot, price);
        }
        Ok(())
    }

    /// The checks, in the order in which they are made: price, what is filled, quantity, notional. The new terms must
    /// be ones that a new order could have, so nothing gets into the book by a detour.
    fn check_replace(
        &self,
        old: &Order,
        instrument: InstrumentId,
        price: Ticks,
        quantity: Lots,
    ) -> Result<(), RejectReason> {
        let Some(instrument) = self.instruments.get(instrument) else {
            return Err(RejectReason::UnknownInstrument);
        };
        check_price(price)?;
        if quantity <= old.filled() && old.filled() > Lots::ZERO {
            return Err(RejectReason::TooLate);
        }
        check_quantity(quantity, &instrument.spec)?;
        check_notional(price, quantity, &instrument.spec)
    }

    /// Trades the order at `slot`, which is in no level, at its new price. Whether nothing is left of it.
    fn trade_replaced<E: FnMut(&Event)>(
        &mut self,
        slot: Slot,
        instrument: InstrumentId,
        price: Ticks,
        first: Option<Slot>,
        out: &mut Emitter<'_, E>,
    ) -> bool {
        let order = &self.arena.orders[slot];
        let mut aggressor = Aggressor {
            order: order.id,
            account: order.account,
            instrument,
            side: order.side,
            worst: price,
            may_rest: true,
            leaves: order.leaves,
            fee: self.arena.orders.fee(slot),
        };
        self.trade(&mut aggressor, first, out);
        self.arena.orders[slot].leaves = aggressor.leaves;
        self.arena.orders.set_fee(slot, aggressor.fee);
        aggressor.leaves == Lots::ZERO
    }

    /// The slot of a live order of this account.
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
