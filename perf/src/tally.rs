//! What a run did, in numbers that two engines can compare.

use crate::script::OrderKey;

/// One trade, by the file's own order numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// The order that came in.
    pub aggressor: OrderKey,
    /// The order that was in the book.
    pub resting: OrderKey,
    /// In ticks.
    pub price: u64,
    /// In lots.
    pub quantity: u64,
}

/// Count, sums and order-sensitive hash of a run of trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// How many.
    pub trades: u64,
    /// Lots in all.
    pub quantity: u64,
    /// Ticks × lots in all.
    pub notional: u128,
    /// FNV-1a's constants over (aggressor, resting, price, quantity) of each trade, a whole u64 at a time.
    pub hash: u64,
}

impl Default for Summary {
    fn default() -> Self {
        Self {
            trades: 0,
            quantity: 0,
            notional: 0,
            hash: 0xcbf2_9ce4_8422_2325,
        }
    }
}

impl Summary {
    /// Adds a trade.
    pub fn add(&mut self, trade: &Trade) {
        self.trades += 1;
        self.quantity += trade.quantity;
        self.notional += u128::from(trade.price) * u128::from(trade.quantity);
        let ids = [u64::from(trade.aggressor), u64::from(trade.resting)];
        for value in [ids[0], ids[1], trade.price, trade.quantity] {
            self.hash = mix(self.hash, value);
        }
    }

    /// Of all these trades.
    pub fn of(trades: &[Trade]) -> Self {
        let mut summary = Self::default();
        trades.iter().for_each(|trade| summary.add(trade));
        summary
    }
}

/// One step of the hash.
pub const fn mix(hash: u64, value: u64) -> u64 {
    (hash ^ value).wrapping_mul(0x0100_0000_01b3)
}

/// What rests on one side of the book.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SideTotals {
    /// How many orders.
    pub orders: u64,
    /// How many lots in all.
    pub lots: u64,
    /// How many prices.
    pub levels: u64,
}

/// The book at the end of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BookTotals {
    /// Bids, then asks.
    pub sides: [SideTotals; 2],
    /// The best bid and the best ask as the wire writes them.
    pub best: [Option<String>; 2],
}

/// What driving a script through an exchange gave.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// Every trade in order.
    pub trades: Vec<Trade>,
    /// How many of them came while the book was being built.
    pub fill_trades: usize,
    /// Cancels and reductions of orders that no longer lived.
    pub not_live: u64,
    /// The book at the end.
    pub book: BookTotals,
    /// How many steps of the script were done; fewer than all when the run was stopped.
    pub done: usize,
    /// Remarks for the report: how fast, over what.
    pub notes: Vec<String>,
}

impl Run {
    /// The trades while the book was being built, and those after.
    pub fn summaries(&self) -> (Summary, Summary) {
        let (fill, rest) = self.trades.split_at(self.fill_trades);
        (Summary::of(fill), Summary::of(rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_takes_aggressor_resting_price_and_quantity_in_this_order() {
        let trade = |aggressor, resting, price, quantity| Trade {
            aggressor,
            resting,
            price,
            quantity,
        };
        let trades = [trade(3, 1, 100, 7), trade(3, 2, 101, 2)];
        let mut by_hand: u64 = 14_695_981_039_346_656_037;
        for value in [3u64, 1, 100, 7, 3, 2, 101, 2] {
            by_hand = (by_hand ^ value).wrapping_mul(1_099_511_628_211);
        }
        let want = Summary {
            trades: 2,
            quantity: 9,
            notional: 902,
            hash: by_hand,
        };
        assert_eq!(Summary::of(&trades), want);
        assert_eq!(by_hand, HAND);
        assert_ne!(Summary::of(&[trades[1], trades[0]]).hash, by_hand);
    }

    /// The same sum done with big integers outside this program.
    const HAND: u64 = 0x0593_fd23_1e16_04da;
}
