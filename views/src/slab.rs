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
    /// The live orders of an account by id, or closed ones of one kind in the order of closing.
    Standing = 1,
}

/// An order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    pub(crate) order: OrderState,
    /// Whether the book counts it.
    pub(crate) resting: bool,
    /// Whether its account's index of orders names it.
    pub(crate) marked: bool,
}

/// The places of an order in the lists, by [`Thread`].
type Links = [Link; 2];

#[derive(Clone, Copy, Debug)]
struct Link {
    older: Slot,
    newer: Slot,
}

const UNLINKED: Links = [Link {
    older: NIL,
    newer: NIL,
}; 2];

#[derive(Clone, Debug)]
pub(crate) struct Slab {
    nodes: Segments<Node>,
    /// By slot. They lie apart from the orders: who takes an order out of a list reads its neighbours' links, and those
    /// of many orders fit in a processor's cache.
    links: Segments<Links>,
    free: Slot,
}

/// A list through the slab from its oldest node to its newest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct List {
    oldest: Slot,
    newest: Slot,
}

impl Slab {
    pub(crate) const fn new() -> Self {
        Self {
            nodes: Segments::new(),
            links: Segments::new(),
            free: NIL,
        }
    }

    /// Finds memory for `slots` slots in all, and writes to it.
    pub(crate) fn touch(&mut self, slots: usize) {
        self.nodes.touch_zeroed(slots);
        self.links.touch(slots, UNLINKED);
    }

    pub(crate) fn node(&self, slot: Slot) -> &Node {
        &self.nodes[slot as usize]
    }

    pub(crate) fn node_mut(&mut self, slot: Slot) -> &mut Node {
        &mut self.nodes[slot as usize]
    }

    pub(crate) fn insert(&mut self, order: &OrderState) -> Slot {
        let node = Node {
            order: *order,
            resting: false,
            marked: false,
        };
        if self.free != NIL {
            let slot = self.free;
            self.free = self.link(Thread::Account, slot).newer;
            *self.node_mut(slot) = node;
            return slot;
        }
        let slot = Slot::try_from(self.nodes.len()).expect("the limits keep slots inside 32 bits");
        self.nodes.push(node);
        self.links.push(UNLINKED);
        slot
    }

    /// Frees a slot that no list runs through any more.
    pub(crate) fn remove(&mut self, slot: Slot) {
        self.link(Thread::Account, slot).newer = self.free;
        self.free = slot;
    }

    fn link(&mut self, thread: Thread, slot: Slot) -> &mut Link {
        &mut self.links[slot as usize][thread as usize]
    }

    /// The next older and the next newer node of a list.
    pub(crate) fn neighbours(&self, thread: Thread, slot: Slot) -> [Option<Slot>; 2] {
        let Link { older, newer } = self.links[slot as usize][thread as usize];
        [older, newer].map(|slot| (slot != NIL).then_some(slot))
    }

    fn walk(&self, from: Slot, next: impl Fn(&Links) -> Slot) -> impl Iterator<Item = Slot> {
        let mut slot = from;
        core::iter::from_fn(move || {
            if slot == NIL {
                return None;
            }
            let here = slot;
            slot = next(&self.links[here as usize]);
            Some(here)
        })
    }
}

impl List {
    pub(crate) const EMPTY: List = List {
        oldest: NIL,
        newest: NIL,
    };

    pub(crate) fn oldest(&self) -> Option<Slot> {
        (self.oldest != NIL).then_some(self.oldest)
    }

    pub(crate) fn newest(&self) -> Option<Slot> {
        (self.newest != NIL).then_some(self.newest)
    }

    /// Adds a node as the newest.
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

    /// The orders of the list, the newest first.
    pub(crate) fn newest_first(self, slab: &Slab, thread: Thread) -> impl Iterator<Item = &OrderState> {
        let slots = slab.walk(self.newest, move |links| links[thread as usize].older);
        slots.map(|slot| &slab.node(slot).order)
    }

    /// The slots of the list, the oldest first.
    pub(crate) fn oldest_first(self, slab: &Slab, thread: Thread) -> impl Iterator<Item = Slot> {
        slab.walk(self.oldest, move |links| links[thread as usize].newer)
    }
}
