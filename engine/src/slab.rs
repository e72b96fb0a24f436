//! Items at fixed places that are used again: no item moves, and none is allocated by itself.

use alloc::vec::Vec;
use core::ops::{Index, IndexMut};

use hoga_tables::Segments;

/// An item's place in its [`Slab`]. It means nothing outside the engine, and nothing once the item has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot(u32);

impl Slot {
    /// The place of nobody, who is in every slab. What is written there means nothing, so a chain's ends need no
    /// branch that a processor cannot predict.
    pub(crate) const NONE: Slot = Slot(0);

    /// The place, unless it is [`Slot::NONE`].
    pub(crate) fn some(self) -> Option<Slot> {
        (self != Slot::NONE).then_some(self)
    }

    /// The place of this index.
    pub(crate) const fn at(index: u32) -> Slot {
        Slot(index)
    }

    /// The place as an index, for tables that lie beside a slab.
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Fewer than `u32::MAX` items, and nobody at the first place; the place left last is taken first, since it is still in the cache.
#[derive(Clone)]
pub(crate) struct Slab<T> {
    items: Vec<T>,
    free: Vec<Slot>,
}

impl<T: Copy> Slab<T> {
    /// With room for `capacity` items, set aside once.
    pub(crate) fn with_capacity(nobody: T, capacity: usize) -> Self {
        let mut items = Vec::with_capacity(capacity + 1);
        items.push(nobody);
        Self {
            items,
            free: Vec::with_capacity(capacity),
        }
    }

    /// How many items there are.
    pub(crate) fn len(&self) -> usize {
        self.items.len() - 1 - self.free.len()
    }

    pub(crate) fn insert(&mut self, item: T) -> Slot {
        if let Some(slot) = self.free.pop() {
            self[slot] = item;
            return slot;
        }
        let slot = Slot(self.items.len() as u32);
        self.items.push(item);
        slot
    }

    /// Takes out the item at `slot`, which must hold one.
    pub(crate) fn remove(&mut self, slot: Slot) -> T {
        self.free.push(slot);
        self[slot]
    }

    /// Writes to all room set aside, so that the system gives the memory now and not under an order.
    pub(crate) fn touch(&mut self) {
        let nobody = self.items[0];
        touch(&mut self.items, nobody);
        touch(&mut self.free, Slot::NONE);
    }
}

/// As [`Slab`], and it grows by one chunk at a time, without moving what it holds: for what may become much more than a
/// day brings. To find an item costs one load more.
#[derive(Clone)]
pub(crate) struct GrowingSlab<T> {
    items: Segments<T>,
    free: Segments<Slot>,
}

impl<T: Copy> GrowingSlab<T> {
    /// No item; at most `max`, for which the list of chunks is set aside.
    pub(crate) fn new(nobody: T, max: usize) -> Self {
        let mut items = Segments::with_max(max + 1);
        items.push(nobody);
        Self {
            items,
            free: Segments::with_max(max),
        }
    }

    pub(crate) fn insert(&mut self, item: T) -> Slot {
        if let Some(slot) = self.free.pop() {
            self[slot] = item;
            return slot;
        }
        let slot = Slot(self.items.len() as u32);
        self.items.push(item);
        slot
    }

    /// Takes out the item at `slot`, which must hold one.
    pub(crate) fn remove(&mut self, slot: Slot) -> T {
        self.free.push(slot);
        self[slot]
    }

    /// Takes memory for `capacity` items in all, and writes to it.
    pub(crate) fn touch(&mut self, capacity: usize) {
        let nobody = self.items[0];
        self.items.touch(capacity + 1, nobody);
        self.free.touch(capacity, Slot::NONE);
    }
}

impl<T> Index<Slot> for GrowingSlab<T> {
    type Output = T;

    fn index(&self, slot: Slot) -> &T {
        &self.items[slot.index()]
    }
}

impl<T> IndexMut<Slot> for GrowingSlab<T> {
    fn index_mut(&mut self, slot: Slot) -> &mut T {
        &mut self.items[slot.index()]
    }
}

/// Writes to the room of a list that it does not use yet.
pub(crate) fn touch<T: Copy>(list: &mut Vec<T>, item: T) {
    let used = list.len();
    list.resize(list.capacity(), item);
    list.truncate(used);
}

impl<T> Index<Slot> for Slab<T> {
    type Output = T;

    fn index(&self, slot: Slot) -> &T {
        &self.items[slot.index()]
    }
}

impl<T> IndexMut<Slot> for Slab<T> {
    fn index_mut(&mut self, slot: Slot) -> &mut T {
        &mut self.items[slot.index()]
    }
}
