//! Cancels, of one order and of many.

use hoga_protocol::{
    CancelAll, CancelClientOrder, CancelInstrument, CancelOrder, CancelReason, Event, EventBody,
    InstrumentCanceled, InstrumentId, MassCancelDone, OperatorName, OrderCanceled, RejectReason, Side,
};

use super::{Answer, Market, refused};
use crate::emitter::Emitter;
use crate::slab::Slot;

impl Market {
    pub(super) fn cancel_order<E: FnMut(&Event)>(
        &mut self,
        cancel: &CancelOrder,
        out: &mut Emitter<'_, E>,
    ) -> Answer {
        let slot = self.live_order(cancel.account, cancel.order)?;
        self.cancel(slot, CancelReason::Requested, true, out);
        Ok(())
    }

    #[inline(never)]
    pub(super) fn cancel_client_order<E: FnMut(&Event)>(
        &mut self,
        cancel: &CancelClientOrder,
        out: &mut Emitter<'_, E>,
    ) -> Answer {
        if !self.accounts.contains(cancel.account) {
            return Err(refused(RejectReason::UnknownAccount));
        }
        let found = self.client_ids.find(cancel.account, &cancel.client_order_id);
        let order = found
            .map(|entry| entry.order)
            .ok_or(refused(RejectReason::UnknownOrder))?;
        let slot = self.live_order(cancel.account, order)?;
        self.cancel(slot, CancelReason::Requested, true, out);
        Ok(())
    }

    #[inline(never)]
    pub(super) fn cancel_instrument<E: FnMut(&Event)>(
        &mut self,
        by: OperatorName,
        cancel: &CancelInstrument,
        out: &mut Emitter<'_, E>,
    ) -> Answer {
        if self.instruments.get(cancel.instrument).is_none() {
            return Err(refused(RejectReason::UnknownInstrument));
        }
        let mut canceled = 0;
        while canceled < self.most_canceled()
            && let Some(slot) = self.first_of(cancel.instrument)
        {
            self.cancel(slot, CancelReason::MassCancel, false, out);
            canceled += 1;
        }
        out.last(EventBody::InstrumentCanceled(InstrumentCanceled {
            by,
            instrument: cancel.instrument,
            canceled,
            more: self.first_of(cancel.instrument).is_some(),
        }));
        Ok(())
    }

    /// How many orders one command cancels.
    fn most_canceled(&self) -> u32 {
        CancelAll::MAX_ORDERS.min(self.limits.max_touched_orders)
    }

    /// An instrument's best bid, or else its best ask.
    fn first_of(&self, instrument: InstrumentId) -> Option<Slot> {
        let book = &self.instruments.get(instrument)?.book;
        let first = |side| book.first(&self.arena, side);
        first(Side::Buy).or_else(|| first(Side::Sell))
    }

    pub(super) fn cancel_all<E: FnMut(&Event)>(
        &mut self,
        cancel: &CancelAll,
        out: &mut Emitter<'_, E>,
    ) -> Answer {
        if !self.accounts.contains(cancel.account) {
            return Err(refused(RejectReason::UnknownAccount));
        }
        if let Some(instrument) = cancel.instrument
            && self.instruments.get(instrument).is_none()
        {
            return Err(refused(RejectReason::UnknownInstrument));
        }
        let mut canceled = 0;
        let more = loop {
            let Some(slot) = self.accounts.oldest(cancel.account, cancel.instrument) else {
                break false;
            };
            if cancel
                .before
                .is_some_and(|before| self.arena.orders[slot].id.0 >= before.0)
            {
                break false;
            }
            if canceled == self.most_canceled() {
                break true;
            }
            self.cancel(slot, CancelReason::MassCancel, false, out);
            canceled += 1;
        };
        out.last(EventBody::MassCancelDone(MassCancelDone {
            account: cancel.account,
            canceled,
            more,
        }));
        Ok(())
    }

    fn cancel<E: FnMut(&Event)>(
        &mut self,
        slot: Slot,
        reason: CancelReason,
        last: bool,
        out: &mut Emitter<'_, E>,
    ) {
        let order = self.arena.orders[slot];
        let instrument = self.arena.levels[order.level].instrument;
        let book = &mut self.instruments.known(instrument).book;
        book.remove(&mut self.arena, slot);
        self.close(slot, instrument);
        let body = EventBody::OrderCanceled(OrderCanceled {
            order: order.id,
            account: order.account,
            instrument,
            canceled: order.leaves,
            was_resting: true,
            reason,
        });
        out.emit(body, last);
    }
}
