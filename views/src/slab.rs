//! Where orders are kept: slots that stay put, threaded by linked lists.

use hoga_tables::Segments;

use crate::order::OrderState;

/// A place in the slab.
pub(crate) type Slot = u32;

/// No place.
const NIL: Slot = Slot::MAX;

/// Which list of those that run through a node.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Thread {
    /// All orders of an account, by id; and, among free slots, the next free one.
    Account = 0,
    /// The live orders of an account, by id.
    Live = 1,
}

/// Where an order stands.
#[derive(Clone, Copy, Debug)]
struct Place {
    links: [Link; 2],
    /// Whether the book counts the order.
    resting: bool,
    /// Whether its account's index of orders names it.
    marked: bool,
    /// Whether it is shown to nobody any more.
    forgotten: bool,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    older: Slot,
    newer: Slot,
}

const NOWHERE: Place = Place {
    links: [Link {
        older: NIL,
        newer: NIL,
    }; 2],
    resting: false,
    marked: false,
    forgotten: false,
};

#[derive(Clone, Debug)]
pub(crate) struct Slab {
    orders: Segments<OrderState>,
    /// By slot. They lie apart from the orders: who takes an order out of a list writes to its neighbours, and the places
    /// of many orders fit in a processor's cache.
    places: Segments<Place>,
    free: Slot,
}

/// A list through the slab from its oldest node to its newest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct List {
    oldest: Slot,
    newest: Slot,
}

impl Slab {
    /// What an order takes.
    pub(crate) const BYTES: usize = size_of::<OrderState>() + size_of::<Place>();

    pub(crate) const fn new() -> Self {
        Self {
            orders: Segments::new(),
            places: Segments::new(),
            free: NIL,
        }
    }

    /// Finds memory for `slots` slots in all, and writes to it.
    pub(crate) fn touch(&mut self, slots: usize) {
        self.orders.touch_zeroed(slots);
        self.places.touch(slots, NOWHERE);
    }

    pub(crate) fn order(&self, slot: Slot) -> &OrderState {
        &self.orders[slot as usize]
    }

    pub(crate) fn order_mut(&mut self, slot: Slot) -> &mut OrderState {
        &mut self.orders[slot as usize]
    }

    /// Reads fields of an order that lie far from each other, and its place.
    pub(crate) fn touch_order(&self, slot: Slot) -> u64 {
        let order = self.order(slot);
        let [first, middle, last] = [order.notional.0 as u64, order.updated_at.0, order.status as u64];
        first ^ middle ^ last ^ u64::from(self.places[slot as usize].marked)
    }

    /// Reads the places of the order's neighbours in a list.
    pub(crate) fn touch_beside(&self, thread: Thread, slot: Slot) -> u64 {
        let beside = self.neighbours(thread, slot).into_iter().flatten();
        beside.fold(0, |sum, slot| sum ^ u64::from(self.places[slot as usize].marked))
    }

    /// Whether the book counts the order.
    pub(crate) fn resting(&self, slot: Slot) -> bool {
        self.places[slot as usize].resting
    }

    /// Says whether the book counts the order, and returns whether it did.
    pub(crate) fn set_resting(&mut self, slot: Slot, resting: bool) -> bool {
        core::mem::replace(&mut self.places[slot as usize].resting, resting)
    }

    /// Whether the index of the account's orders names the order.
    pub(crate) fn marked(&self, slot: Slot) -> bool {
        self.places[slot as usize].marked
    }

    pub(crate) fn mark(&mut self, slot: Slot) {
        self.places[slot as usize].marked = true;
    }

    /// Whether the order is shown to nobody any more.
    pub(crate) fn forgotten(&self, slot: Slot) -> bool {
        self.places[slot as usize].forgotten
    }

    pub(crate) fn forget(&mut self, slot: Slot) {
        self.places[slot as usize].forgotten = true;
    }

    /// Adds an order that is in no list.
    pub(crate) fn insert(&mut self, order: &OrderState) -> Slot {
        if self.free != NIL {
            let slot = self.free;
            let place = &mut self.places[slot as usize];
            self.free = place.links[Thread::Account as usize].newer;
            *place = NOWHERE;
            *self.order_mut(slot) = *order;
            return slot;
        }
        let slot = Slot::try_from(self.orders.len()).expect("the limits keep slots inside 32 bits");
        self.orders.push_copy(order);
        self.places.push(NOWHERE);
        slot
    }

    /// Frees a slot that no list runs through any more.
    pub(crate) fn remove(&mut self, slot: Slot) {
        self.link(Thread::Account, slot).newer = self.free;
        self.free = slot;
    }

    fn link(&mut self, thread: Thread, slot: Slot) -> &mut Link {
        &mut self.places[slot as usize].links[thread as usize]
    }

    /// The next older and the next newer node of a list.
    pub(crate) fn neighbours(&self, thread: Thread, slot: Slot) -> [Option<Slot>; 2] {
        let Link { older, newer } = self.places[slot as usize].links[thread as usize];
        [older, newer].map(|slot| (slot != NIL).then_some(slot))
    }

    fn walk(&self, thread: Thread, from: Slot, next: impl Fn(Link) -> Slot) -> impl Iterator<Item = Slot> {
        let mut slot = from;
        core::iter::from_fn(move || {
            if slot == NIL {
                return None;
            }
            let here = slot;
            slot = next(self.places[here as usize].links[thread as usize]);
            Some(here)
        })
    }
}

impl List {
    pub(crate) const EMPTY: List = List {
        oldest: NIL,
        newest: NIL,
    };

    pub(crate) fn newest(&self) -> Option<Slot> {
        (self.newest != NIL).then_some(self.newest)
    }

    /// Adds a node as the newest.
    #[inline]
    pub(crate) fn push(&mut self, slab: &mut Slab, thread: Thread, slot: Slot) {
        *slab.link(thread, slot) = Link {
            older: self.newest,
            newer: NIL,
        };
        match self.newest {
            NIL => self.oldest = slot,
            newest => slab.link(thread, newest).newer = slot,
        }
        self.newest = slot;
    }

    /// Takes a node out, wherever it stands.
    pub(crate) fn unlink(&mut self, slab: &mut Slab, thread: Thread, slot: Slot) {
        let Link { older, newer } = *slab.link(thread, slot);
        match older {
            NIL => self.oldest = newer,
            older => slab.link(thread, older).newer = newer,
        }
        match newer {
            NIL => self.newest = older,
            newer => slab.link(thread, newer).older = older,
        }
    }

    /// The slots of the list, the newest first.
    pub(crate) fn newest_first(self, slab: &Slab, thread: Thread) -> impl Iterator<Item = Slot> {
        slab.walk(thread, self.newest, |link| link.older)
    }

    /// The slots of the list, the oldest first.
    pub(crate) fn oldest_first(self, slab: &Slab, thread: Thread) -> impl Iterator<Item = Slot> {
        slab.walk(thread, self.oldest, |link| link.newer)
    }
}
