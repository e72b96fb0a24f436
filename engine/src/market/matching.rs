//! The walk of an aggressor through the other side of the book.

use hoga_protocol::{
    AccountId, Event, EventBody, FeeAccrual, InstrumentId, Lots, NewOrder, OrderId, Side, Ticks, Trade,
    TradeSide,
};

use super::Market;
use crate::emitter::Emitter;
use crate::slab::Slot;

/// An order on its way through the book: new, or replaced at a price that crosses.
pub(super) struct Aggressor {
    pub(super) order: OrderId,
    pub(super) account: AccountId,
    pub(super) instrument: InstrumentId,
    pub(super) side: Side,
    /// The worst price it takes.
    pub(super) worst: Ticks,
    pub(super) residue: Residue,
    /// How many orders it has traded with.
    pub(super) touched: u32,
    pub(super) leaves: Lots,
    pub(super) fee: FeeAccrual,
}

/// What becomes of what does not trade.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Residue {
    Canceled,
    /// It rests where there is room for it.
    Rests,
    /// It rests in the room that it had before it was replaced.
    Returns,
}

impl Aggressor {
    pub(super) fn new(order: OrderId, request: &NewOrder, worst: Ticks, residue: Residue) -> Self {
        Self {
            order,
            account: request.account,
            instrument: request.instrument,
            side: request.side,
            worst,
            residue,
            touched: 0,
            leaves: request.quantity,
            fee: FeeAccrual::ZERO,
        }
    }
}

impl Market {
    /// Trades `aggressor` with the best resting orders, at their prices, until it is filled, none is within its limit, or
    /// it has traded with as many as one command may touch; `first` is the first of them. It must not be in the book
    /// itself.
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
            instrument.book.fill(arena, slot, quantity);
            aggressor.touched += 1;

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
            if resting.leaves == Lots::ZERO {
                instrument.book.remove(arena, slot);
                self.close(slot, aggressor.instrument);
            } else {
                arena.orders.set_fee(slot, resting_fee);
            }
            let is_filled = aggressor.leaves == Lots::ZERO;
            next = match is_filled || aggressor.touched >= self.limits.max_touched_orders {
                true => None,
                false => self.against(aggressor.instrument, aggressor.side, aggressor.worst),
            };
            let last = next.is_none() && (is_filled || self.rests(aggressor));
            out.emit(EventBody::Trade(trade), last);
        }
    }

    /// Whether what is left of an order that has traded rests.
    pub(super) fn rests(&self, aggressor: &Aggressor) -> bool {
        aggressor.leaves > Lots::ZERO
            && aggressor.touched < self.limits.max_touched_orders
            && match aggressor.residue {
                Residue::Canceled => false,
                Residue::Rests => self.has_room(aggressor.account),
                Residue::Returns => true,
            }
    }

    fn against(&self, instrument: InstrumentId, side: Side, worst: Ticks) -> Option<Slot> {
        let book = &self.instruments.get(instrument)?.book;
        book.against(&self.arena, side, worst)
    }
}
