//! The newest changes of orders, for the owners of the orders to follow.

use alloc::vec::Vec;

use hoga_protocol::{AccountId, Event, Fee, Lots, Sequence, Ticks};

use crate::executions::Role;
use crate::numbers::Numbers;
use crate::order::OrderState;
use crate::ring::Ring;

/// One fill of one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// The command that traded.
    pub sequence: Sequence,
    /// The trade's place among the command's events.
    pub index: u32,
    /// Which side of the trade the order was.
    pub role: Role,
    /// The resting order's price, in ticks.
    pub price: Ticks,
    /// How much, in lots.
    pub quantity: Lots,
    /// What the order was charged for it, in quote units.
    pub fee: Fee,
}

/// One change of one order. A trade changes two orders: the aggressor's update comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderUpdate {
    /// Its place among all updates since genesis, from 0.
    pub number: u64,
    /// The command that changed the order.
    pub sequence: Sequence,
    /// Its place among all updates of that command, from 0. With the sequence it names one update, also where an
    /// account trades with itself.
    pub index: u32,
    /// The order right after the event that changed it.
    pub order: OrderState,
    /// The fill, when the event was a trade.
    pub fill: Option<Fill>,
}

/// The newest updates of all orders.
#[derive(Debug)]
pub struct OrderUpdates {
    updates: Ring<OrderUpdate>,
    of_account: Vec<AccountUpdates>,
}

#[derive(Debug, Default)]
struct AccountUpdates {
    held: Numbers,
    /// The account's newest update that was dropped.
    dropped: Option<(Sequence, u32)>,
}

impl OrderUpdates {
    /// Holds `limit` updates, at least one.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            updates: Ring::new(limit),
            of_account: Vec::new(),
        }
    }

    /// The number of the earliest update held; [`next`](Self::next) when none is.
    pub fn first(&self) -> u64 {
        self.updates.first()
    }

    /// The number that the next update will get.
    pub fn next(&self) -> u64 {
        self.updates.next()
    }

    /// The account's first held update whose number is `from` or greater.
    pub fn next_of(&self, account: AccountId, from: u64) -> Option<&OrderUpdate> {
        let held = &self.of_account.get(account.0 as usize)?.held;
        let number = held.from(held.partition_point(|number| number < from)).next()?;
        self.updates.get(number)
    }

    /// Where the account's updates go on after a point: give the number to [`next_of`](Self::next_of).
    ///
    /// The point is the whole command `sequence`, or its update `index` if one is given. A point that lies ahead of all
    /// updates goes on with the next one.
    ///
    /// # Errors
    /// When an update of this account after the point is no longer held: the earliest command after which the account
    /// can still resume.
    pub fn resume(
        &self,
        account: AccountId,
        sequence: Sequence,
        index: Option<u32>,
    ) -> Result<u64, Sequence> {
        let point = (sequence, index.unwrap_or(u32::MAX));
        let Some(of_account) = self.of_account.get(account.0 as usize) else {
            return Ok(self.next());
        };
        if let Some(dropped) = of_account.dropped
            && dropped > point
        {
            return Err(dropped.0);
        }
        let held = &of_account.held;
        let seen = held.partition_point(|number| {
            self.updates
                .get(number)
                .is_some_and(|update| (update.sequence, update.index) <= point)
        });
        Ok(held.from(seen).next().unwrap_or(self.next()))
    }

    pub(crate) fn add_account(&mut self) {
        self.of_account.push(AccountUpdates::default());
    }

    pub(crate) fn push(&mut self, event: &Event, order: &OrderState, fill: Option<Fill>) {
        if let Some(leaving) = self.updates.leaving() {
            let owner = &mut self.of_account[leaving.order.account.0 as usize];
            owner.held.drop_first();
            owner.dropped = Some((leaving.sequence, leaving.index));
        }
        let number = self.updates.next();
        let index = match number.checked_sub(1).and_then(|last| self.updates.get(last)) {
            Some(last) if last.sequence == event.sequence => last.index + 1,
            _ => 0,
        };
        self.of_account[order.account.0 as usize].held.push(number);
        self.updates.push(OrderUpdate {
            number,
            sequence: event.sequence,
            index,
            order: *order,
            fill,
        });
    }
}
