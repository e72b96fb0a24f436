//! The memory that all books share, set aside once for as many orders as may be open.

use crate::order::RestingOrder;
use crate::order_book::Level;
use crate::orders::Orders;
use crate::price_index::Nodes;
use crate::slab::{Slab, Slot};

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
            levels: Slab::with_capacity(Level::NOBODY, capacity),
            nodes: Nodes::with_capacity(capacity),
        }
    }

    /// Writes to all of it, so that no order waits for the system to find memory.
    pub(crate) fn touch(&mut self) {
        self.orders.touch();
        self.levels.touch();
        self.nodes.touch();
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
