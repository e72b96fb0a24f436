//! The id table under ids of any spacing.

use hoga_protocol::{Lots, OrderId, Side};

use super::*;

#[test]
fn no_spacing_of_ids_makes_long_chains() {
    let capacity = 1 << 14;
    let powers = (0..=33).map(|power| 1 << power);
    for spacing in powers.chain([3, 7, 15, 17, 1_000, 1_023, 1_025, 999_983]) {
        let mut lengths = vec![0u32; capacity];
        let orders = Orders::with_capacity(capacity);
        for at in 0..capacity as u64 {
            lengths[orders.chain(OrderId(5_000_000 + at * spacing))] += 1;
        }
        let longest = lengths.iter().max().copied().unwrap_or(0);
        assert!(longest <= 24, "ids {spacing} apart make a chain of {longest}");
        let steps: u32 = lengths.iter().map(|length| length * (length + 1) / 2).sum();
        assert!(
            steps <= 5 * capacity as u32 / 2,
            "ids {spacing} apart are found in {steps} steps"
        );
    }
}

#[test]
fn an_id_leaves_nothing_behind_whatever_its_place_in_a_chain() {
    let mut orders = Orders::with_capacity(4);
    let request = crate::market::tests::order(0, Side::Buy, 1, "");
    let order = |id| Order::new(OrderId(id), &request, Lots(1));
    for turn in 0..24u64 {
        let ids: [u64; 4] = core::array::from_fn(|at| 1 + turn * 40 + at as u64 * 7);
        let slots = ids.map(|id| orders.insert(order(id)));
        for (id, slot) in ids.into_iter().zip(slots) {
            assert_eq!(orders.find(OrderId(id)), Some(slot));
        }
        let mut left = Vec::from(ids);
        while !left.is_empty() {
            let id = left.remove(turn as usize % left.len());
            let slot = orders.find(OrderId(id)).expect("still in");
            orders.remove(slot);
            assert_eq!(orders.find(OrderId(id)), None);
            assert!(left.iter().all(|&id| orders.find(OrderId(id)).is_some()));
        }
        assert_eq!(orders.len(), 0);
    }
}
