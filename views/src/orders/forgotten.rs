//! Orders that are forgotten: shown to nobody any more, and taken out later, many together.
//!
//! To take an order out is to touch some ten places of memory that are in no cache, since nobody has looked at it for
//! long. Where a command closes a thousand orders and as many are forgotten, that would be most of what it takes.

use core::hint::black_box;

use super::Orders;
use crate::order::OrderState;
use crate::slab::{Slot, Thread};

/// The most forgotten orders that wait to be taken out.
const MOST_FORGOTTEN: usize = 4_096;

/// How many are taken out together, side by side: the answers of the memory do not wait for each other.
const TOGETHER: usize = 32;

impl Orders {
    /// How many closed orders are shown no longer and still take up memory: 4,096 at most.
    pub fn forgotten(&self) -> usize {
        self.forgotten.len()
    }

    /// From now on nobody sees the closed order, which is among the closed ones no longer.
    pub(super) fn forget(&mut self, slot: Slot) {
        self.slab.forget(slot);
        self.slots.push(&mut self.forgotten, slot);
        if self.forgotten.len() > MOST_FORGOTTEN {
            self.take_out_forgotten();
        }
    }

    /// Takes out forgotten orders, 32 at most. Returns how many.
    pub(crate) fn take_out_forgotten(&mut self) -> usize {
        let mut slots = [0; TOGETHER];
        let mut count = 0;
        for (place, &slot) in slots.iter_mut().zip(self.slots.from(&self.forgotten, 0)) {
            *place = slot;
            count += 1;
        }
        let slots = &slots[..count];
        self.touch_forgotten(slots);
        for &slot in slots {
            self.slots.drop_first(&mut self.forgotten);
            let account = self.slab.order(slot).account;
            self.accounts[account.0 as usize].unlink(&mut self.slab, slot);
            self.take_out(slot);
        }
        count
    }

    /// Lets go of an order that is in no list.
    pub(super) fn take_out(&mut self, slot: Slot) {
        let OrderState {
            order,
            account,
            client_order_id,
            ..
        } = *self.slab.order(slot);
        self.by_id.remove(self.key.of_order(order), slot);
        if !client_order_id.is_empty() {
            // Another order has the id where the id was used again.
            let hash = self.key.of_client_id(account, &client_order_id);
            self.by_client_id.remove(hash, slot);
        }
        self.slab.remove(slot);
    }

    /// Reads what taking them out reads.
    fn touch_forgotten(&self, slots: &[Slot]) {
        let touch =
            |read: &dyn Fn(Slot) -> u64| black_box(slots.iter().fold(0, |sum, &slot| sum ^ read(slot)));
        touch(&|slot| self.slab.touch_order(slot));
        touch(&|slot| {
            let order = self.slab.order(slot);
            let found = self
                .by_id
                .find(self.key.of_order(order.order), |held| held == slot);
            self.slab.touch_beside(Thread::Account, slot) ^ u64::from(found.unwrap_or_default())
        });
    }
}
