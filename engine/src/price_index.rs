//! Finds the level at a price, and the next one above or below, without stepping over a single empty price.
//!
//! A radix tree over the price's digits of six bits (Fredkin's trie, 1960, with the paths of single children left out
//! as in Morrison's PATRICIA, 1968). A node has one bit for each of its 64 children, so the next one is found by
//! counting zeros. A leaf covers 64 neighbouring prices and its children are levels.
//!
//! ```text
//!   29_583 = digits 7·14·15              node 7·x·x   ·█················█··
//!   30_031 = digits 7·21·15                            │                │
//!                                      leaf 7·14·x  █·██····    leaf 7·21·x  ···█···█
//! ```
//!
//! The tree is as high as its prices are apart and no node has fewer than two children, leaves apart: a market a few
//! thousand ticks wide is two nodes high, two orders a billion ticks apart cost two leaves and one node above them, and
//! nothing has to be moved when a market moves. A small table of recent leaves saves most walks from the root.

use alloc::boxed::Box;
use core::cmp::Ordering;

use hoga_protocol::{InstrumentId, Side, Ticks};

use crate::slab::{Slab, Slot};

/// Bits of a digit.
const DIGIT: u32 = 6;
/// How many recent leaves are remembered, over all instruments.
const RECENT: usize = 1 << 10;

/// One instrument's tree.
#[derive(Clone, Copy)]
pub(crate) struct PriceIndex {
    instrument: InstrumentId,
    /// [`Slot::NONE`] without a level.
    root: Slot,
}

/// The nodes of all trees.
#[derive(Clone)]
pub(crate) struct Nodes {
    slab: Slab<Node>,
    recent: Box<[Slot; RECENT]>,
}

/// Which prices a node covers, in which of its 64 parts there is a level, and the children there.
#[derive(Clone, Copy)]
struct Node {
    name: Name,
    occupied: u64,
    /// Nodes, or of a leaf levels; [`Slot::NONE`] exactly where nothing is occupied.
    children: [Slot; 64],
}

/// Instrument, height and leading digits of a node in one word, so no two nodes have the same.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Name(u64);

impl PriceIndex {
    pub(crate) const fn new(instrument: InstrumentId) -> Self {
        Self {
            instrument,
            root: Slot::NONE,
        }
    }
}

impl Nodes {
    /// No node, and room for `capacity`.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            slab: Slab::with_capacity(Node::new(Name::VACANT), capacity),
            recent: Box::new([Slot::NONE; RECENT]),
        }
    }

    pub(crate) fn touch(&mut self) {
        self.slab.touch();
    }

    /// The place of the level at `price`, made where there is none; it must then be filled.
    pub(crate) fn place(&mut self, tree: &mut PriceIndex, price: Ticks) -> &mut Slot {
        let leaf = match self.leaf(tree, price) {
            Some(leaf) => leaf,
            None => self.new_leaf(tree, price),
        };
        let leaf = &mut self.slab[leaf];
        let digit = price.0 as usize % 64;
        leaf.occupied |= 1 << digit;
        &mut leaf.children[digit]
    }

    /// Takes out the level at `price`, where there is one.
    pub(crate) fn remove(&mut self, tree: &mut PriceIndex, price: Ticks) {
        let Some(leaf) = self.leaf(tree, price) else {
            return;
        };
        let node = &mut self.slab[leaf];
        node.clear_child(price);
        if node.occupied == 0 {
            self.detach(tree, price);
            self.free_node(leaf);
        }
    }

    /// The next level behind `price` as `side` sees it: below for bids, above for asks.
    pub(crate) fn behind(&self, tree: &PriceIndex, side: Side, price: Ticks) -> Option<Slot> {
        if let Some(leaf) = self.recent_leaf(Name::new(tree.instrument, 0, price))
            && let Some(level) = self.slab[leaf].next(side, price)
        {
            return Some(level);
        }
        // The deepest branch that leads behind the price is the nearest one.
        let mut branch = Slot::NONE;
        let mut at = tree.root;
        while let Some(found) = at.some() {
            let node = &self.slab[found];
            let order = node.name.compare(price);
            if order != Ordering::Equal {
                let is_behind = (order == Ordering::Less) == (side == Side::Sell);
                branch = if is_behind { found } else { branch };
                break;
            }
            let next = node.next(side, price);
            if node.name.height() == 0 {
                if next.is_some() {
                    return next;
                }
                break;
            }
            branch = next.unwrap_or(branch);
            at = node.child(price);
        }
        branch.some().map(|branch| self.front(branch, side))
    }

    /// The level that comes first of those under the node at `at`.
    fn front(&self, mut at: Slot, side: Side) -> Slot {
        loop {
            let node = &self.slab[at];
            at = node.first(side);
            if node.name.height() == 0 {
                return at;
            }
        }
    }

    /// The leaf that covers `price`.
    #[inline]
    fn leaf(&mut self, tree: &PriceIndex, price: Ticks) -> Option<Slot> {
        let name = Name::new(tree.instrument, 0, price);
        self.recent_leaf(name).or_else(|| self.search(tree, price, name))
    }

    /// The leaf of this name, if it is remembered.
    #[inline]
    fn recent_leaf(&self, name: Name) -> Option<Slot> {
        let leaf = self.recent[name.recent()];
        (self.slab[leaf].name == name).then_some(leaf)
    }

    /// The leaf of this name, which covers `price`, found from the root and remembered.
    #[inline(never)]
    fn search(&mut self, tree: &PriceIndex, price: Ticks, name: Name) -> Option<Slot> {
        let mut at = tree.root;
        loop {
            let node = &self.slab[at.some()?];
            if node.name == name {
                self.recent[name.recent()] = at;
                return Some(at);
            }
            if node.name.height() == 0 || node.name.compare(price) != Ordering::Equal {
                return None;
            }
            at = node.child(price);
        }
    }

    /// Hangs a leaf for `price` into the tree: under a node that covers it, or beside one that does not under a new
    /// node of just the height at which the two part.
    fn new_leaf(&mut self, tree: &mut PriceIndex, price: Ticks) -> Slot {
        let name = Name::new(tree.instrument, 0, price);
        let leaf = self.slab.insert(Node::new(name));
        let mut above = Slot::NONE;
        let mut at = tree.root;
        while let Some(found) = at.some() {
            let node = &self.slab[found];
            if node.name.compare(price) != Ordering::Equal {
                let height = node.name.parting(price);
                let mut fork = Node::new(Name::new(tree.instrument, height, price));
                fork.set_child(price, leaf);
                fork.set_child(node.name.first_price(), found);
                at = self.slab.insert(fork);
                self.link(tree, above, price, at);
                return leaf;
            }
            above = found;
            at = node.child(price);
        }
        self.link(tree, above, price, leaf);
        leaf
    }

    /// Takes the leaf for `price` off the tree, and a node that has one child left then.
    fn detach(&mut self, tree: &mut PriceIndex, price: Ticks) {
        let (mut above, mut parent, mut at) = (Slot::NONE, Slot::NONE, tree.root);
        while self.slab[at].name.height() > 0 {
            (above, parent) = (parent, at);
            at = self.slab[at].child(price);
        }
        if parent == Slot::NONE {
            tree.root = Slot::NONE;
            return;
        }
        let node = &mut self.slab[parent];
        node.clear_child(price);
        if node.occupied.is_power_of_two() {
            let only = node.first(Side::Sell);
            self.link(tree, above, price, only);
            self.free_node(parent);
        }
    }

    /// Makes `child` the child of `above` on the way to `price`, or the root.
    fn link(&mut self, tree: &mut PriceIndex, above: Slot, price: Ticks, child: Slot) {
        match above.some() {
            Some(above) => self.slab[above].set_child(price, child),
            None => tree.root = child,
        }
    }

    /// The name goes too, so that nobody takes the node for a recent leaf.
    fn free_node(&mut self, at: Slot) {
        self.slab[at].name = Name::VACANT;
        self.slab.remove(at);
    }
}

impl Node {
    const fn new(name: Name) -> Self {
        Self {
            name,
            occupied: 0,
            children: [Slot::NONE; 64],
        }
    }

    fn child(&self, price: Ticks) -> Slot {
        self.children[self.name.digit(price)]
    }

    fn set_child(&mut self, price: Ticks, child: Slot) {
        let digit = self.name.digit(price);
        self.occupied |= 1 << digit;
        self.children[digit] = child;
    }

    fn clear_child(&mut self, price: Ticks) {
        let digit = self.name.digit(price);
        self.occupied &= !(1 << digit);
        self.children[digit] = Slot::NONE;
    }

    /// The child that comes first on `side`; there is one.
    fn first(&self, side: Side) -> Slot {
        self.children[nearest(self.occupied, side)]
    }

    /// The first child behind the part in which `price` lies.
    fn next(&self, side: Side, price: Ticks) -> Option<Slot> {
        let here = 1 << self.name.digit(price);
        let behind = match side {
            Side::Buy => self.occupied & (here - 1),
            Side::Sell => self.occupied & !(here | (here - 1)),
        };
        (behind != 0).then(|| self.children[nearest(behind, side)])
    }
}

/// The nearest of the set bits: bids count down and asks up.
fn nearest(bits: u64, side: Side) -> usize {
    let at = match side {
        Side::Buy => 63 - bits.leading_zeros(),
        Side::Sell => bits.trailing_zeros(),
    };
    at as usize % 64
}

const PREFIX_BITS: u32 = 36;
const HEIGHT_BITS: u32 = 4;
const _: () = assert!(Ticks::MAX.0 >> DIGIT < 1 << PREFIX_BITS && Ticks::MAX.0 < 1 << (DIGIT * 7));

impl Name {
    /// Of no node.
    const VACANT: Name = Name(u64::MAX);

    const fn new(instrument: InstrumentId, height: u32, price: Ticks) -> Self {
        let prefix = price.0 as u64 >> (DIGIT * (height + 1));
        let place = (instrument.0 as u64) << HEIGHT_BITS | height as u64;
        Name(place << PREFIX_BITS | prefix)
    }

    /// How many digits below the prefix are the children's: 0 for a leaf.
    const fn height(self) -> u32 {
        (self.0 >> PREFIX_BITS) as u32 & ((1 << HEIGHT_BITS) - 1)
    }

    const fn prefix(self) -> u64 {
        self.0 & ((1 << PREFIX_BITS) - 1)
    }

    /// The lowest price that the node covers.
    const fn first_price(self) -> Ticks {
        Ticks((self.prefix() << (DIGIT * (self.height() + 1))) as i64)
    }

    /// Which part of the node a price lies in.
    const fn digit(self, price: Ticks) -> usize {
        (price.0 as u64 >> (DIGIT * self.height())) as usize % 64
    }

    /// Whether a price lies below (`Less`), within or above what the node covers.
    fn compare(self, price: Ticks) -> Ordering {
        (price.0 as u64 >> (DIGIT * (self.height() + 1))).cmp(&self.prefix())
    }

    /// The height of the lowest node that covers both this one and a price outside it.
    const fn parting(self, price: Ticks) -> u32 {
        (self.first_price().0 ^ price.0).ilog2() / DIGIT
    }

    /// Its place in the table of recent leaves: neighbours side by side, each instrument starting elsewhere.
    const fn recent(self) -> usize {
        let instrument = self.0 >> (PREFIX_BITS + HEIGHT_BITS);
        self.0.wrapping_add(instrument.wrapping_mul(0x9e35)) as usize % RECENT
    }
}

#[cfg(test)]
mod tests;
