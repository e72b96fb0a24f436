//! Every live order, by its slot and by its id.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::{Index, IndexMut};

use hoga_protocol::{FeeAccrual, OrderId};

use crate::order::{Order, RareFields};
use crate::slab::{Slab, Slot, touch};

/// The orders, and a hash table whose chains run through them: to find an order costs its own cache line and one
/// more, the table is as large as it will ever be from the start, and an id leaves nothing behind in it.
#[derive(Clone)]
pub(crate) struct Orders {
    pub(crate) slab: Slab<Order>,
    rare: Vec<RareFields>,
    /// Where each chain begins. A power of two of them, at least as many as orders.
    chains: Vec<Slot>,
}

/// Ids of one block lie in one page of memory of the table, so that young orders are near each other.
const BLOCK: u64 = 1 << 10;

impl Orders {
    /// No order, and room for `capacity`.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        let chains = capacity.next_power_of_two();
        Self {
            slab: Slab::with_capacity(Order::VACANT, capacity),
            rare: Vec::with_capacity(capacity + 1),
            chains: vec![Slot::NONE; chains],
        }
    }

    pub(crate) fn touch(&mut self) {
        self.slab.touch();
        touch(&mut self.rare, RareFields::NOTHING);
    }

    /// How many orders there are.
    pub(crate) fn len(&self) -> usize {
        self.slab.len()
    }

    /// The live order with this id. An id that is not here is unknown or closed, whoever holds its slot by now.
    pub(crate) fn find(&self, id: OrderId) -> Option<Slot> {
        let mut slot = self.chains[self.chain(id)];
        while let Some(found) = slot.some() {
            if self[found].id == id {
                return Some(found);
            }
            slot = self[found].next_id;
        }
        None
    }

    /// The order that has this id if any does, unless chains are long: a guess at what `find` will read.
    pub(crate) fn likely(&self, id: OrderId) -> Slot {
        self.chains[self.chain(id)]
    }

    /// Lets an order in whose id no other has.
    #[inline]
    pub(crate) fn insert(&mut self, mut order: Order) -> Slot {
        let chain = self.chain(order.id);
        order.next_id = self.chains[chain];
        let slot = self.slab.insert(order);
        self.chains[chain] = slot;
        if slot.index() >= self.rare.len() {
            self.rare.resize(slot.index() + 1, RareFields::NOTHING);
        }
        slot
    }

    /// Takes out the order at `slot`, which is in no queue any more. Returns its entry in the client order ids.
    pub(crate) fn remove(&mut self, slot: Slot) -> Slot {
        let Order {
            id, next_id, named, ..
        } = self[slot];
        let chain = self.chain(id);
        if self.chains[chain] == slot {
            self.chains[chain] = next_id;
        } else {
            let mut before = self.chains[chain];
            while self[before].next_id != slot {
                before = self[before].next_id;
            }
            self[before].next_id = next_id;
        }
        let client_id = if named {
            self.rare[slot.index()].client_id
        } else {
            Slot::NONE
        };
        self.slab.remove(slot);
        client_id
    }

    /// The fees of the order at `slot` so far.
    pub(crate) fn fee(&self, slot: Slot) -> FeeAccrual {
        match self[slot].charged {
            true => self.rare[slot.index()].fee,
            false => FeeAccrual::ZERO,
        }
    }

    pub(crate) fn set_fee(&mut self, slot: Slot, fee: FeeAccrual) {
        self[slot].charged = true;
        self.rare[slot.index()].fee = fee;
    }

    /// The order's entry in the client order ids, [`Slot::NONE`] if it has none.
    pub(crate) fn client_id(&self, slot: Slot) -> Slot {
        match self[slot].named {
            true => self.rare[slot.index()].client_id,
            false => Slot::NONE,
        }
    }

    pub(crate) fn set_client_id(&mut self, slot: Slot, client_id: Slot) {
        self[slot].named = true;
        self.rare[slot.index()].client_id = client_id;
    }

    /// Blocks of neighbouring ids are scattered by Fibonacci hashing (Knuth, volume 3, §6.4), and within a block its
    /// ids are put in an order of the block's own, so that no even spacing of ids fills one part of the table only.
    /// Ids are sequences, which no client chooses, so no key is needed.
    fn chain(&self, id: OrderId) -> usize {
        let product = (id.0 / BLOCK).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let (page, turn) = (product >> 32, product >> 22);
        let place = page * BLOCK + ((id.0 ^ turn) % BLOCK);
        place as usize & (self.chains.len() - 1)
    }
}

impl Index<Slot> for Orders {
    type Output = Order;

    fn index(&self, slot: Slot) -> &Order {
        &self.slab[slot]
    }
}

impl IndexMut<Slot> for Orders {
    fn index_mut(&mut self, slot: Slot) -> &mut Order {
        &mut self.slab[slot]
    }
}

#[cfg(test)]
mod tests;
