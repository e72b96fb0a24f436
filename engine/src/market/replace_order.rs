//! A change of a resting order, which keeps its id, its fills and its fees.

use hoga_protocol::{
    AccountId, Event, EventBody, Lots, OrderId, OrderReplaced, RejectReason, Rejected, ReplaceOrder, Ticks,
};

use super::matching::Aggressor;
use super::new_order::{check_notional, check_price, check_quantity};
use super::{Answer, Market, refused_for};
use crate::emitter::Emitter;
use crate::order::RestingOrder;
use crate::slab::Slot;

impl Market {
    pub(super) fn replace_order<E: FnMut(&Event)>(
        &mut self,
        replace: &ReplaceOrder,
        out: &mut Emitter<'_, E>,
    ) -> Answer {
        let slot = self.live_order(replace.account, replace.order)?;
        let old = self.orders[slot].terms;
        let price = replace.price.unwrap_or(old.price);
        let quantity = replace.quantity.unwrap_or(old.quantity);
        self.check_replace(&old, price, quantity)
            .map_err(|reason| refused_for(old.order, reason))?;

        let priority_kept = price == old.price && quantity <= old.quantity;
        out.push(EventBody::OrderReplaced(OrderReplaced {
            order: old.order,
            account: old.account,
            instrument: old.instrument,
            price,
            quantity,
            leaves: Lots(quantity.0 - old.filled.0),
            priority_kept,
        }));
        if priority_kept {
            let book = &mut self.instruments.known(old.instrument).book;
            book.reduce(&mut self.orders, slot, quantity);
        } else {
            self.reenter(slot, price, quantity, out);
        }
        Ok(())
    }

    /// The checks, in the order in which they are made: price, what is filled, quantity, notional, post-only. The new
    /// terms must be ones that a new order could have, so nothing gets into the book by a detour.
    fn check_replace(&self, old: &RestingOrder, price: Ticks, quantity: Lots) -> Result<(), RejectReason> {
        let Some(instrument) = self.instruments.get(old.instrument) else {
            return Err(RejectReason::UnknownInstrument);
        };
        check_price(price)?;
        if old.filled > Lots::ZERO && quantity <= old.filled {
            return Err(RejectReason::TooLate);
        }
        check_quantity(quantity, &instrument.spec)?;
        check_notional(price, quantity, &instrument.spec)?;
        let opposite = old.side.opposite();
        if old.post_only && instrument.book.front(opposite, Some(price)).is_some() {
            return Err(RejectReason::PostOnlyWouldTrade);
        }
        Ok(())
    }

    /// Takes the order out of its level and lets it in again under new terms, as if it came only now.
    fn reenter<E: FnMut(&Event)>(
        &mut self,
        slot: Slot,
        price: Ticks,
        quantity: Lots,
        out: &mut Emitter<'_, E>,
    ) {
        let instrument = self.orders[slot].terms.instrument;
        let book = &mut self.instruments.known(instrument).book;
        book.remove(&mut self.orders, slot);
        let terms = &mut self.orders[slot].terms;
        terms.price = price;
        terms.quantity = quantity;

        let mut aggressor = Aggressor::replaced(terms);
        self.trade(&mut aggressor, Some(price), out);

        let terms = &mut self.orders[slot].terms;
        terms.filled = aggressor.filled;
        terms.fee = aggressor.fee;
        if terms.leaves() == Lots::ZERO {
            self.close(slot);
        } else {
            let book = &mut self.instruments.known(instrument).book;
            book.push(&mut self.orders, slot);
        }
    }

    /// The slot of a live order of this account.
    pub(super) fn live_order(&self, account: AccountId, order: OrderId) -> Result<Slot, Rejected> {
        if !self.accounts.contains(account) {
            return Err(refused_for(order, RejectReason::UnknownAccount));
        }
        match self.order_index.get(order) {
            Some(slot) if self.orders[slot].terms.account == account => Ok(slot),
            _ => Err(refused_for(order, RejectReason::UnknownOrder)),
        }
    }
}
