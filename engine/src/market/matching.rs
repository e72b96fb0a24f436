//! The walk of an aggressor through the other side of the book.

use hoga_protocol::{
    AccountId, Event, EventBody, FeeAccrual, InstrumentId, Lots, NewOrder, OrderId, Side, Ticks, Trade,
    TradeSide,
};

use super::Market;
use crate::emitter::Emitter;
use crate::order::RestingOrder;

/// An order on its way through the book: new, or replaced at a price that may cross.
pub(super) struct Aggressor {
    order: OrderId,
    account: AccountId,
    instrument: InstrumentId,
    side: Side,
    quantity: Lots,
    pub(super) filled: Lots,
    pub(super) fee: FeeAccrual,
}

impl Aggressor {
    pub(super) fn new(order: OrderId, request: &NewOrder) -> Self {
        Self {
            order,
            account: request.account,
            instrument: request.instrument,
            side: request.side,
            quantity: request.quantity,
            filled: Lots::ZERO,
            fee: FeeAccrual::ZERO,
        }
    }

    pub(super) fn replaced(order: &RestingOrder) -> Self {
        Self {
            order: order.order,
            account: order.account,
            instrument: order.instrument,
            side: order.side,
            quantity: order.quantity,
            filled: order.filled,
            fee: order.fee,
        }
    }

    pub(super) fn leaves(&self) -> Lots {
        Lots(self.quantity.0 - self.filled.0)
    }
}

impl Market {
    /// Trades `aggressor` with the best resting orders, at their prices, until it is filled or none is within
    /// `limit`. It must not be in the book itself. Trades of one command number no more than the resting orders.
    pub(super) fn trade<E: FnMut(&Event)>(
        &mut self,
        aggressor: &mut Aggressor,
        limit: Option<Ticks>,
        out: &mut Emitter<'_, E>,
    ) {
        let resting_side = aggressor.side.opposite();
        while aggressor.leaves() > Lots::ZERO {
            let instrument = self.instruments.known(aggressor.instrument);
            let Some(slot) = instrument.book.front(resting_side, limit) else {
                return;
            };
            let spec = &instrument.spec;
            let quantity = aggressor.leaves().min(self.orders[slot].terms.leaves());
            instrument.book.fill(&mut self.orders, slot, quantity);
            aggressor.filled.0 += quantity.0;

            let resting = &mut self.orders[slot].terms;
            let notional = spec.notional(resting.price, quantity);
            out.push(EventBody::Trade(Trade {
                instrument: aggressor.instrument,
                aggressor_side: aggressor.side,
                price: resting.price,
                quantity,
                aggressor: TradeSide {
                    order: aggressor.order,
                    account: aggressor.account,
                    leaves: aggressor.leaves(),
                    fee: aggressor.fee.charge(notional, spec.taker_fee),
                },
                resting: TradeSide {
                    order: resting.order,
                    account: resting.account,
                    leaves: resting.leaves(),
                    fee: resting.fee.charge(notional, spec.maker_fee),
                },
            }));
            if resting.leaves() == Lots::ZERO {
                instrument.book.remove(&mut self.orders, slot);
                self.close(slot);
            }
        }
    }
}
