//! The trees against a sorted map, and their shape.

extern crate std;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use std::println;

use proptest::prelude::*;

use super::*;

/// Levels by instrument and price, in trees and in a map.
struct Both {
    nodes: Nodes,
    trees: [PriceIndex; 2],
    map: [BTreeMap<i64, Slot>; 2],
    levels: Slab<()>,
}

impl Both {
    fn new() -> Self {
        Self {
            nodes: Nodes::with_capacity(0),
            trees: [0, 1_000].map(|number| PriceIndex::new(InstrumentId(number))),
            map: [BTreeMap::new(), BTreeMap::new()],
            levels: Slab::with_capacity((), 0),
        }
    }

    /// Adds a level, or takes it out where there is one.
    fn turn(&mut self, which: usize, price: i64) {
        let tree = &mut self.trees[which];
        let place = self.nodes.place(tree, Ticks(price));
        if *place == Slot::NONE {
            let level = self.levels.insert(());
            *place = level;
            assert_eq!(self.map[which].insert(price, level), None);
        } else {
            assert_eq!(self.map[which].remove(&price), Some(*place));
            self.nodes.remove(tree, Ticks(price));
        }
    }

    fn check(&self, which: usize, price: i64) {
        let (tree, map) = (&self.trees[which], &self.map[which]);
        let above = map.range(price + 1..).next().map(|(_, level)| *level);
        let below = map.range(..price).next_back().map(|(_, level)| *level);
        assert_eq!(
            self.nodes.behind(tree, Side::Sell, Ticks(price)),
            above,
            "above {price}"
        );
        assert_eq!(
            self.nodes.behind(tree, Side::Buy, Ticks(price)),
            below,
            "below {price}"
        );
    }

    /// Each leaf has a level and each other node two children, so there are fewer than two nodes for a level.
    fn check_size(&self) {
        let levels: usize = self.map.iter().map(BTreeMap::len).sum();
        let nodes = self.nodes.slab.len();
        assert!(nodes < 2 * levels.max(1), "{nodes} nodes for {levels} levels");
    }
}

/// Near each other, at the edges of nodes of any height, or anywhere.
fn price() -> impl Strategy<Value = i64> {
    let edge = (0u32..=40, -1i64..=1).prop_map(|(power, by)| ((1 << power) + by).clamp(1, 1 << 40));
    prop_oneof![4 => 30_000i64..30_300, 2 => edge, 1 => 1i64..=1 << 40, 1 => (1i64..200).prop_map(|step| step * 4_096)]
}

#[test]
fn no_level_is_lost_and_none_is_passed_over() {
    let seed: u64 = std::env::var("PROPTEST_RNG_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(20_260_101);
    println!("PROPTEST_RNG_SEED={seed}");
    let config = ProptestConfig {
        cases: 200,
        rng_seed: proptest::test_runner::RngSeed::Fixed(seed),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let turns = proptest::collection::vec((0usize..2, price(), price()), 1..400);
    proptest!(config, |(turns in turns)| {
        let mut both = Both::new();
        for &(which, price, other) in &turns {
            both.turn(which, price);
            for price in [price, other] {
                both.check(0, price);
                both.check(1, price);
            }
            both.check_size();
        }
        let left: Vec<(usize, i64)> = (0..2)
            .flat_map(|which| both.map[which].keys().map(move |&price| (which, price)).collect::<Vec<_>>())
            .collect();
        for (which, price) in left {
            both.turn(which, price);
            both.check_size();
        }
        prop_assert_eq!(both.nodes.slab.len(), 0);
        prop_assert!(both.trees.iter().all(|tree| tree.root == Slot::NONE));
    });
}

#[test]
fn a_node_that_was_freed_is_not_taken_for_a_recent_leaf() {
    let mut both = Both::new();
    both.turn(0, 100);
    both.turn(0, 100);
    // The same node, now of another instrument and price.
    both.turn(1, 7_000_000);
    both.check(0, 99);
    both.check(0, 6_999_999);
    both.turn(0, 101);
    both.check(0, 100);
    both.check(1, 1);
}
