//! Cancels, of one order and of many.

use hoga_protocol::{
    CancelAll, CancelOrder, CancelReason, Event, EventBody, MassCancelDone, OrderCanceled, RejectReason,
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
        self.cancel(slot, CancelReason::Requested, out);
        Ok(())
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
                .is_some_and(|before| self.orders[slot].terms.order.0 >= before.0)
            {
                break false;
            }
            if canceled == CancelAll::MAX_ORDERS {
                break true;
            }
            self.cancel(slot, CancelReason::MassCancel, out);
            canceled += 1;
        };
        out.push(EventBody::MassCancelDone(MassCancelDone {
            account: cancel.account,
            canceled,
            more,
        }));
        Ok(())
    }

    fn cancel<E: FnMut(&Event)>(&mut self, slot: Slot, reason: CancelReason, out: &mut Emitter<'_, E>) {
        let terms = self.orders[slot].terms;
        let book = &mut self.instruments.known(terms.instrument).book;
        book.remove(&mut self.orders, slot);
        self.close(slot);
        out.push(EventBody::OrderCanceled(OrderCanceled {
            order: terms.order,
            account: terms.account,
            instrument: terms.instrument,
            canceled: terms.leaves(),
            was_resting: true,
            reason,
        }));
    }
}
