//! The walk of an aggressor through the other side of the book.

use hoga_protocol::{
    AccountId, Event, EventBody, FeeAccrual, InstrumentId, Lots, NewOrder, OrderId, Side, Ticks, Trade,
    TradeSide,
};

use super::Market;
use crate::emitter::Emitter;
use crate::order_book::OrderBook;
use crate::slab::Slot;

/// An order on its way through the book: new, or replaced at a price that crosses.
pub(super) struct Aggressor {
    pub(super) order: OrderId,
    pub(super) account: AccountId,
    pub(super) instrument: InstrumentId,
    pub(super) side: Side,
    /// The worst price it takes.
    pub(super) worst: Ticks,
    /// Whether what does not trade rests.
    pub(super) may_rest: bool,
    pub(super) leaves: Lots,
    pub(super) fee: FeeAccrual,
}

impl Aggressor {
    pub(super) fn new(order: OrderId, request: &NewOrder, worst: Ticks, may_rest: bool) -> Self {
        Self {
            order,
            account: request.account,
            instrument: request.instrument,
            side: request.side,
            worst,
            may_rest,
            leaves: request.quantity,
            fee: FeeAccrual::ZERO,
        }
    }
}

impl Market {
    /// Trades `aggressor` with the best resting orders, at their prices, until it is filled or none is within its
    /// limit; `first` is the first of them. It must not be in the book itself. Trades of one command number no more
    /// than the resting orders.
    pub(super) fn trade<E: FnMut(&Event)>(
        &mut self,
        aggressor: &mut Aggressor,
        first: Option<Slot>,
        out: &mut Emitter<'_, E>,
    ) {
        let mut next = first;
        while let Some(slot) = next {
            let arena = &mut self.arena;
            let instrument = self.instruments.known(aggressor.instrument);
            let spec = &instrument.spec;
            let quantity = aggressor.leaves.min(arena.orders[slot].leaves);
            aggressor.leaves.0 -= quantity.0;
            OrderBook::fill(arena, slot, quantity);

            let resting = arena.orders[slot];
            let price = arena.levels[resting.level].price;
            let notional = spec.notional(price, quantity);
            let mut resting_fee = arena.orders.fee(slot);
            let trade = Trade {
                instrument: aggressor.instrument,
                aggressor_side: aggressor.side,
                price,
                quantity,
                aggressor: TradeSide {
                    order: aggressor.order,
                    account: aggressor.account,
                    leaves: aggressor.leaves,
                    fee: aggressor.fee.charge(notional, spec.taker_fee),
                },
                resting: TradeSide {
                    order: resting.id,
                    account: resting.account,
                    leaves: resting.leaves,
                    fee: resting_fee.charge(notional, spec.maker_fee),
                },
            };
            self.checks.tape.trade(&trade);
            if resting.leaves == Lots::ZERO {
                instrument.book.remove(arena, slot);
                self.close(slot, aggressor.instrument);
            } else {
                arena.orders.set_fee(slot, resting_fee);
            }
            let is_filled = aggressor.leaves == Lots::ZERO;
            next = match is_filled {
                true => None,
                false => self.against(aggressor.instrument, aggressor.side, aggressor.worst),
            };
            let last = next.is_none() && (is_filled || aggressor.may_rest);
            out.emit(EventBody::Trade(trade), last);
        }
    }

    fn against(&self, instrument: InstrumentId, side: Side, worst: Ticks) -> Option<Slot> {
        let book = &self.instruments.get(instrument)?.book;
        book.against(&self.arena, side, worst)
    }
}
