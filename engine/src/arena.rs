//! The memory that all books share, set aside once for as many orders as may be open.

use core::hint::black_box;
use core::ops::BitXor;

use hoga_protocol::Command;

use crate::level::Level;
use crate::order::RestingOrder;
use crate::orders::Orders;
use crate::price_index::Nodes;
use crate::slab::{Slab, Slot};

/// How many commands [`Arena::prefetch`] looks at; it leaves the rest.
pub(crate) const PREFETCHED: usize = 64;

/// Orders, levels, and the nodes that find levels. A level has an order and a leaf has a level, so none of them can
/// outgrow the bound on orders by more than the nodes above the leaves.
#[derive(Clone)]
pub(crate) struct Arena {
    pub(crate) orders: Orders,
    pub(crate) levels: Slab<Level>,
    pub(crate) nodes: Nodes,
}

impl Arena {
    pub(crate) fn new(max_open_orders: u32) -> Self {
        let capacity = max_open_orders as usize;
        Self {
            orders: Orders::with_capacity(capacity),
            levels: Slab::with_capacity(Level::VACANT, capacity),
            nodes: Nodes::with_capacity(capacity),
        }
    }

    /// Writes to all of it, so that no order waits for the system to find memory.
    pub(crate) fn touch(&mut self) {
        self.orders.touch();
        self.levels.touch();
        self.nodes.touch();
    }

    /// Touches the orders that cancels and replaces name, and then their levels and neighbours. The loads of one round
    /// do not wait for each other, those of the next round find the lines of the last one in the cache.
    pub(crate) fn prefetch<'a>(&self, commands: impl Iterator<Item = &'a Command>) {
        let mut slots = [Slot::NONE; PREFETCHED];
        let mut count = 0;
        for command in commands.take(PREFETCHED) {
            let order = match command {
                Command::CancelOrder(cancel) => cancel.order,
                Command::ReplaceOrder(replace) => replace.order,
                _ => continue,
            };
            slots[count] = self.orders.likely(order);
            count += 1;
        }
        let slots = &slots[..count];
        let levels = slots.iter().map(|&slot| self.orders[slot].level.index());
        black_box(levels.fold(0, BitXor::bitxor));
        let beside = slots.iter().map(|&slot| {
            let [one, other] = self.orders[slot].neighbours().map(|slot| self.orders[slot].id.0);
            let level = &self.levels[self.orders[slot].level];
            one ^ other ^ level.volume().0
        });
        black_box(beside.fold(0, BitXor::bitxor));
    }

    /// The order at `slot`, which is in the book, as a reader sees it.
    pub(crate) fn terms(&self, slot: Slot) -> RestingOrder {
        let order = &self.orders[slot];
        let level = &self.levels[order.level];
        RestingOrder {
            order: order.id,
            account: order.account,
            instrument: level.instrument,
            side: order.side,
            post_only: order.post_only,
            price: level.price,
            quantity: order.quantity,
            filled: order.filled(),
            fee: self.orders.fee(slot),
        }
    }
}
