//! Where orders are kept: slots that stay put, threaded by linked lists.

use alloc::vec::Vec;

use crate::order::OrderState;
use crate::ring::touch;

/// A place in the slab.
pub(crate) type Slot = u32;

/// No place.
const NIL: Slot = Slot::MAX;

/// Slots come by the chunk, so that growing never moves an order.
const CHUNK_BITS: u32 = 10;
const CHUNK: usize = 1 << CHUNK_BITS;

/// Which list of those that run through a node.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Thread {
    /// All orders of an account, by id; and, among free slots, the next free one.
    Account = 0,
    /// The live orders of an account by id, or closed orders in the order of closing.
    Standing = 1,
    /// The closed orders of an account that have a client order id, in the order of closing.
    ClientId = 2,
}

/// An order and its place in the lists.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    pub(crate) order: OrderState,
    /// Whether the book counts it.
    pub(crate) resting: bool,
    /// Whether its account's index of orders names it.
    pub(crate) marked: bool,
    links: [Link; 3],
}

#[derive(Clone, Copy, Debug)]
struct Link {
    older: Slot,
    newer: Slot,
}

const UNLINKED: Link = Link {
    older: NIL,
    newer: NIL,
};

#[derive(Debug)]
pub(crate) struct Slab {
    chunks: Vec<Vec<Node>>,
    free: Slot,
    /// Chunks for later, their memory touched.
    spare: Vec<Vec<Node>>,
}

/// A list through the slab from its oldest node to its newest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct List {
    oldest: Slot,
    newest: Slot,
    len: u32,
}

impl Slab {
    pub(crate) const fn new() -> Self {
        Self {
            chunks: Vec::new(),
            free: NIL,
            spare: Vec::new(),
        }
    }

    /// Sets memory aside, and touches it, for as many slots in all.
    pub(crate) fn touch(&mut self, slots: usize) {
        let wanted = slots.div_ceil(CHUNK).saturating_sub(self.chunks.len());
        while self.spare.len() < wanted {
            let mut chunk = Vec::with_capacity(CHUNK);
            touch(&mut chunk);
            self.spare.push(chunk);
        }
    }

    pub(crate) fn node(&self, slot: Slot) -> &Node {
        &self.chunks[(slot >> CHUNK_BITS) as usize][slot as usize % CHUNK]
    }

    pub(crate) fn node_mut(&mut self, slot: Slot) -> &mut Node {
        &mut self.chunks[(slot >> CHUNK_BITS) as usize][slot as usize % CHUNK]
    }

    pub(crate) fn insert(&mut self, order: OrderState) -> Slot {
        let node = Node {
            order,
            resting: false,
            marked: false,
            links: [UNLINKED; 3],
        };
        if self.free != NIL {
            let slot = self.free;
            self.free = self.node(slot).links[Thread::Account as usize].newer;
            *self.node_mut(slot) = node;
            return slot;
        }
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            let chunk = self.spare.pop().unwrap_or_else(|| Vec::with_capacity(CHUNK));
            self.chunks.push(chunk);
        }
        let number = self.chunks.len() - 1;
        let chunk = &mut self.chunks[number];
        chunk.push(node);
        Slot::try_from(number * CHUNK + chunk.len() - 1).expect("the limits keep slots inside 32 bits")
    }

    /// Frees a slot that no list runs through any more.
    pub(crate) fn remove(&mut self, slot: Slot) {
        self.node_mut(slot).links[Thread::Account as usize].newer = self.free;
        self.free = slot;
    }

    fn link(&mut self, thread: Thread, slot: Slot) -> &mut Link {
        &mut self.node_mut(slot).links[thread as usize]
    }

    /// The next older and the next newer node of a list.
    pub(crate) fn neighbours(&self, thread: Thread, slot: Slot) -> [Option<Slot>; 2] {
        let Link { older, newer } = self.node(slot).links[thread as usize];
        [older, newer].map(|slot| (slot != NIL).then_some(slot))
    }

    fn walk(&self, from: Slot, next: impl Fn(&Node) -> Slot) -> impl Iterator<Item = &OrderState> {
        let mut slot = from;
        core::iter::from_fn(move || {
            if slot == NIL {
                return None;
            }
            let node = self.node(slot);
            slot = next(node);
            Some(&node.order)
        })
    }
}

impl Clone for Slab {
    /// With whole chunks, which a vector's own clone would not keep.
    fn clone(&self) -> Self {
        let chunk = |nodes: &Vec<Node>| {
            let mut chunk = Vec::with_capacity(CHUNK);
            chunk.extend_from_slice(nodes);
            chunk
        };
        Self {
            chunks: self.chunks.iter().map(chunk).collect(),
            free: self.free,
            spare: Vec::new(),
        }
    }
}

impl List {
    pub(crate) const EMPTY: List = List {
        oldest: NIL,
        newest: NIL,
        len: 0,
    };

    pub(crate) fn len(&self) -> usize {
        self.len as usize
    }

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
        self.len += 1;
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
        self.len -= 1;
    }

    /// The orders of the list, the newest first.
    pub(crate) fn iter(self, slab: &Slab, thread: Thread) -> impl Iterator<Item = &OrderState> {
        slab.walk(self.newest, move |node| node.links[thread as usize].older)
    }

    /// The orders of the list, the oldest first.
    pub(crate) fn oldest_first(self, slab: &Slab, thread: Thread) -> impl Iterator<Item = &OrderState> {
        slab.walk(self.oldest, move |node| node.links[thread as usize].newer)
    }
}
