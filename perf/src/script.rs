//! What a file of order flow asks for, freed of its format, and how that becomes commands of the exchange.

use hoga_protocol::Side;

/// An order's number within its file: from 1, without gaps, in the order of submission.
pub type OrderKey = u32;

/// One step of a flow, in ticks and lots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A new limit order.
    Place(Placing),
    /// A cancel.
    Cancel(OrderKey),
    /// Takes `by` lots off an order, which keeps its place.
    Reduce {
        /// Which order.
        order: OrderKey,
        /// How many lots go.
        by: u32,
        /// What the file says remains of it before, if it says.
        remaining: Option<u32>,
    },
    /// A new limit for what remains of an order.
    Move {
        /// Which order.
        order: OrderKey,
        /// The new limit in ticks.
        price: u32,
    },
}

/// A new limit order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placing {
    /// The number it gets.
    pub order: OrderKey,
    /// Which way.
    pub side: Side,
    /// Its limit in ticks.
    pub price: u32,
    /// Its total in lots.
    pub quantity: u32,
    /// Whether what does not trade at once is dropped.
    pub immediate: bool,
}

/// A whole file.
#[derive(Debug, Default)]
pub struct Script {
    /// The steps in order.
    pub actions: Vec<Action>,
    /// How many of the first steps only build the book.
    pub fill: usize,
    /// The highest order number.
    pub orders: OrderKey,
}

/// A command of the exchange about an order of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Place it.
    Place(Placing),
    /// Cancel it.
    Cancel(OrderKey),
    /// Replace its total.
    Resize {
        /// Which order.
        order: OrderKey,
        /// Its new total in lots, what has filled included.
        total: u32,
        /// Refused as too late, it means that all that remained was to go: cancel it then.
        or_cancel: bool,
    },
    /// Replace its limit.
    Reprice {
        /// Which order.
        order: OrderKey,
        /// The new limit in ticks.
        price: u32,
    },
}

/// The totals a client keeps, which turn "take off so much" into "replace by this total".
pub struct Totals(Vec<u32>);

impl Totals {
    /// For orders up to number `orders`.
    pub fn new(orders: OrderKey) -> Self {
        Self(vec![0; orders as usize + 1])
    }

    /// The command that does `action`.
    pub fn intent(&mut self, action: Action) -> Intent {
        match action {
            Action::Place(placing) => {
                self.0[placing.order as usize] = placing.quantity;
                Intent::Place(placing)
            }
            Action::Cancel(order) => Intent::Cancel(order),
            Action::Move { order, price } => Intent::Reprice { order, price },
            Action::Reduce { order, by, remaining } => self.reduce(order, by, remaining),
        }
    }

    fn reduce(&mut self, order: OrderKey, by: u32, remaining: Option<u32>) -> Intent {
        let total = &mut self.0[order as usize];
        if by >= remaining.unwrap_or(*total) || by >= *total {
            return Intent::Cancel(order);
        }
        *total -= by;
        Intent::Resize {
            order,
            total: *total,
            or_cancel: remaining.is_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reduction_is_taken_off_the_total_and_not_off_what_remains() {
        let mut totals = Totals::new(1);
        totals.intent(Action::Place(Placing {
            order: 1,
            side: Side::Buy,
            price: 10,
            quantity: 20,
            immediate: false,
        }));
        let reduce = |by, remaining| Action::Reduce {
            order: 1,
            by,
            remaining,
        };
        let resize = |total, or_cancel| Intent::Resize {
            order: 1,
            total,
            or_cancel,
        };
        assert_eq!(totals.intent(reduce(5, Some(12))), resize(15, false));
        assert_eq!(totals.intent(reduce(3, None)), resize(12, true));
        assert_eq!(totals.intent(reduce(4, Some(4))), Intent::Cancel(1));
        assert_eq!(totals.intent(reduce(12, None)), Intent::Cancel(1));
    }
}
