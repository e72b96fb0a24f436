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

use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Ordering;

use hoga_protocol::{InstrumentId, Side, Ticks};

use crate::slab::{Slab, Slot, touch};

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

/// The nodes of all trees. A node's two parts have one slot: what a search reads of it is kept close together.
#[derive(Clone)]
pub(crate) struct Nodes {
    heads: Slab<Head>,
    /// Nodes, or of a leaf levels; only those whose bit is set mean anything.
    children: Vec<[Slot; 64]>,
    recent: Vec<Slot>,
}

/// Which prices a node covers, and in which of its 64 parts there is a level.
#[derive(Clone, Copy)]
struct Head {
    name: Name,
    occupied: u64,
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
            heads: Slab::with_capacity(capacity),
            children: Vec::with_capacity(capacity),
            recent: vec![Slot::NONE; RECENT],
        }
    }

    pub(crate) fn touch(&mut self) {
        self.heads.touch(Head::NOBODY);
        touch(&mut self.children, [Slot::NONE; 64]);
    }

    /// The level at `price`.
    pub(crate) fn get(&mut self, tree: &PriceIndex, price: Ticks) -> Option<Slot> {
        let leaf = self.leaf(tree, price)?;
        self.child(leaf, price)
    }

    /// Adds a level at `price`, where there is none.
    pub(crate) fn insert(&mut self, tree: &mut PriceIndex, price: Ticks, level: Slot) {
        match self.leaf(tree, price) {
            Some(leaf) => self.set_child(leaf, price, level),
            None => {
                let leaf = self.new_node(Name::new(tree.instrument, 0, price));
                self.set_child(leaf, price, level);
                self.attach(tree, price, leaf);
            }
        }
    }

    /// Takes out the level at `price`, where there is one.
    pub(crate) fn remove(&mut self, tree: &mut PriceIndex, price: Ticks) {
        let Some(leaf) = self.leaf(tree, price) else {
            return;
        };
        self.clear_child(leaf, price);
        if self.heads[leaf].occupied == 0 {
            self.detach(tree, price);
            self.free_node(leaf);
        }
    }

    /// The next level behind `price` as `side` sees it: below for bids, above for asks.
    pub(crate) fn behind(&self, tree: &PriceIndex, side: Side, price: Ticks) -> Option<Slot> {
        if let Some(leaf) = self.recent_leaf(Name::new(tree.instrument, 0, price))
            && let Some(digit) = self.heads[leaf].next(side, price)
        {
            return Some(self.children[leaf.index()][digit]);
        }
        // The deepest branch that leads behind the price is the nearest one.
        let mut branch = None;
        let mut node = tree.root;
        while let Some(at) = node.some() {
            let head = self.heads[at];
            let order = head.name.compare(price);
            if order != Ordering::Equal {
                let is_behind = (order == Ordering::Less) == (side == Side::Sell);
                branch = if is_behind { Some(at) } else { branch };
                return branch.map(|branch| self.front(branch, side));
            }
            if let Some(digit) = head.next(side, price) {
                let child = self.children[at.index()][digit];
                if head.name.height() == 0 {
                    return Some(child);
                }
                branch = Some(child);
            }
            node = match head.name.height() {
                0 => Slot::NONE,
                _ => self.child(at, price).unwrap_or(Slot::NONE),
            };
        }
        branch.map(|branch| self.front(branch, side))
    }

    /// The level that comes first of those under `node`.
    fn front(&self, mut node: Slot, side: Side) -> Slot {
        loop {
            let head = self.heads[node];
            let child = self.children[node.index()][head.first(side)];
            if head.name.height() == 0 {
                return child;
            }
            node = child;
        }
    }

    /// The leaf that covers `price`.
    fn leaf(&mut self, tree: &PriceIndex, price: Ticks) -> Option<Slot> {
        let name = Name::new(tree.instrument, 0, price);
        if let Some(leaf) = self.recent_leaf(name) {
            return Some(leaf);
        }
        let mut node = tree.root.some()?;
        loop {
            let found = self.heads[node].name;
            if found == name {
                self.recent[name.recent()] = node;
                return Some(node);
            }
            if found.height() == 0 || found.compare(price) != Ordering::Equal {
                return None;
            }
            node = self.child(node, price)?;
        }
    }

    /// The leaf of this name, if it is remembered.
    fn recent_leaf(&self, name: Name) -> Option<Slot> {
        let leaf = self.recent[name.recent()].some()?;
        (self.heads[leaf].name == name).then_some(leaf)
    }

    /// Hangs a leaf for `price` into the tree: under a node that covers it, or beside one that does not under a new
    /// node of just the height at which the two part.
    fn attach(&mut self, tree: &mut PriceIndex, price: Ticks, leaf: Slot) {
        let mut above = None;
        let mut node = tree.root;
        while let Some(at) = node.some() {
            let name = self.heads[at].name;
            if name.compare(price) != Ordering::Equal {
                let height = name.parting(price);
                let fork = self.new_node(Name::new(tree.instrument, height, price));
                self.set_child(fork, price, leaf);
                self.set_child(fork, name.first_price(), at);
                return self.link(tree, above, price, fork);
            }
            above = Some(at);
            node = self.child(at, price).unwrap_or(Slot::NONE);
        }
        self.link(tree, above, price, leaf);
    }

    /// Takes the leaf for `price` off the tree, and a node that has one child left then.
    fn detach(&mut self, tree: &mut PriceIndex, price: Ticks) {
        let (mut above, mut parent, mut node) = (None, None, tree.root);
        while let Some(at) = node.some()
            && self.heads[at].name.height() > 0
        {
            (above, parent) = (parent, Some(at));
            node = self.child(at, price).unwrap_or(Slot::NONE);
        }
        let Some(parent) = parent else {
            tree.root = Slot::NONE;
            return;
        };
        self.clear_child(parent, price);
        let head = self.heads[parent];
        if head.occupied.is_power_of_two() {
            let only = self.children[parent.index()][head.first(Side::Sell)];
            self.link(tree, above, price, only);
            self.free_node(parent);
        }
    }

    /// Makes `node` the child of `above` on the way to `price`, or the root.
    fn link(&mut self, tree: &mut PriceIndex, above: Option<Slot>, price: Ticks, node: Slot) {
        match above {
            Some(above) => self.set_child(above, price, node),
            None => tree.root = node,
        }
    }

    fn new_node(&mut self, name: Name) -> Slot {
        let node = self.heads.insert(Head { name, occupied: 0 });
        if node.index() == self.children.len() {
            self.children.push([Slot::NONE; 64]);
        }
        node
    }

    /// The name goes too, so that nobody takes the node for a recent leaf.
    fn free_node(&mut self, node: Slot) {
        self.heads[node] = Head::NOBODY;
        self.heads.remove(node);
    }

    fn child(&self, node: Slot, price: Ticks) -> Option<Slot> {
        let head = self.heads[node];
        let digit = head.name.digit(price);
        let is_there = head.occupied >> digit & 1 == 1;
        is_there.then(|| self.children[node.index()][digit])
    }

    fn set_child(&mut self, node: Slot, price: Ticks, child: Slot) {
        let head = &mut self.heads[node];
        let digit = head.name.digit(price);
        head.occupied |= 1 << digit;
        self.children[node.index()][digit] = child;
    }

    fn clear_child(&mut self, node: Slot, price: Ticks) {
        let head = &mut self.heads[node];
        head.occupied &= !(1 << head.name.digit(price));
    }
}

impl Head {
    /// Of no node.
    const NOBODY: Head = Head {
        name: Name(u64::MAX),
        occupied: 0,
    };

    /// The part that comes first on `side`; there is one.
    fn first(&self, side: Side) -> usize {
        nearest(self.occupied, side)
    }

    /// The first part behind the one in which `price` lies.
    fn next(&self, side: Side, price: Ticks) -> Option<usize> {
        let here = 1 << self.name.digit(price);
        let behind = match side {
            Side::Buy => self.occupied & (here - 1),
            Side::Sell => self.occupied & !(here | (here - 1)),
        };
        (behind != 0).then(|| nearest(behind, side))
    }
}

/// Bids count down and asks up.
fn nearest(bits: u64, side: Side) -> usize {
    match side {
        Side::Buy => 63 - bits.leading_zeros() as usize,
        Side::Sell => bits.trailing_zeros() as usize,
    }
}

const PREFIX_BITS: u32 = 36;
const HEIGHT_BITS: u32 = 4;
const _: () = assert!(Ticks::MAX.0 >> DIGIT < 1 << PREFIX_BITS && Ticks::MAX.0 < 1 << (DIGIT * 7));

impl Name {
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
