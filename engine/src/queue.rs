//! First-in-first-out chains threaded through the items of a slab, so that an item leaves from anywhere at once.
//! Beyond its ends a chain's neighbour is nobody, whose links are written to like anybody's and never followed.

use core::hint::select_unpredictable;
use core::ops::{Index, IndexMut};

use crate::slab::Slot;

/// An item's neighbours in one chain.
#[derive(Clone, Copy)]
pub(crate) struct Links {
    prev: Slot,
    next: Slot,
}

impl Links {
    /// In no chain.
    pub(crate) const NONE: Links = Links {
        prev: Slot::NONE,
        next: Slot::NONE,
    };

    /// The neighbour before and the one behind.
    pub(crate) const fn both(self) -> [Slot; 2] {
        [self.prev, self.next]
    }
}

/// An item that can be in `CHAINS` chains at once, one of each kind.
pub(crate) trait Chained<const CHAINS: usize>: Copy {
    fn links(&self) -> &[Links; CHAINS];
    fn links_mut(&mut self) -> &mut [Links; CHAINS];
}

/// The two ends of a chain of kind `CHAIN`.
#[derive(Clone, Copy)]
pub(crate) struct Queue<const CHAIN: usize> {
    head: Slot,
    tail: Slot,
}

impl<const CHAIN: usize> Queue<CHAIN> {
    pub(crate) const EMPTY: Self = Self {
        head: Slot::NONE,
        tail: Slot::NONE,
    };

    /// The item that has waited longest.
    pub(crate) fn front(&self) -> Option<Slot> {
        self.head.some()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.head == Slot::NONE
    }

    /// Puts the item at `slot`, which is in no chain of this kind, behind all others.
    pub(crate) fn push_back<const CHAINS: usize, T>(
        &mut self,
        slab: &mut impl IndexMut<Slot, Output = T>,
        slot: Slot,
    ) where
        T: Chained<CHAINS>,
    {
        slab[slot].links_mut()[CHAIN] = Links {
            prev: self.tail,
            next: Slot::NONE,
        };
        slab[self.tail].links_mut()[CHAIN].next = slot;
        self.head = select_unpredictable(self.tail == Slot::NONE, slot, self.head);
        self.tail = slot;
    }

    /// Takes the item at `slot`, which is in this very chain, out of it.
    pub(crate) fn unlink<const CHAINS: usize, T>(
        &mut self,
        slab: &mut impl IndexMut<Slot, Output = T>,
        slot: Slot,
    ) where
        T: Chained<CHAINS>,
    {
        let Links { prev, next } = slab[slot].links()[CHAIN];
        slab[prev].links_mut()[CHAIN].next = next;
        slab[next].links_mut()[CHAIN].prev = prev;
        self.head = select_unpredictable(prev == Slot::NONE, next, self.head);
        self.tail = select_unpredictable(next == Slot::NONE, prev, self.tail);
    }

    /// The items, the one that has waited longest first.
    pub(crate) fn iter<'a, const CHAINS: usize, T, S>(&self, slab: &'a S) -> impl Iterator<Item = &'a T>
    where
        T: Chained<CHAINS> + 'a,
        S: Index<Slot, Output = T>,
    {
        self.slots(slab).map(move |slot| &slab[slot])
    }

    /// Their slots, the one that has waited longest first.
    pub(crate) fn slots<'a, const CHAINS: usize, T, S>(
        &self,
        slab: &'a S,
    ) -> impl Iterator<Item = Slot> + use<'a, CHAIN, CHAINS, T, S>
    where
        T: Chained<CHAINS> + 'a,
        S: Index<Slot, Output = T>,
    {
        slots_from::<CHAIN, CHAINS, T, S>(slab, self.head)
    }
}

/// The slots of a chain of kind `CHAIN` from `first` on, which may be [`Slot::NONE`].
pub(crate) fn slots_from<'a, const CHAIN: usize, const CHAINS: usize, T, S>(
    slab: &'a S,
    first: Slot,
) -> impl Iterator<Item = Slot> + use<'a, CHAIN, CHAINS, T, S>
where
    T: Chained<CHAINS> + 'a,
    S: Index<Slot, Output = T>,
{
    let mut next = first;
    core::iter::from_fn(move || {
        let slot = next.some()?;
        next = slab[slot].links()[CHAIN].next;
        Some(slot)
    })
}
