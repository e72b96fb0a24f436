//! What a dry run looks at.

use hoga_protocol::{Lots, NewOrder, OrderId, Side};

use super::*;

/// Asks of one lot each, `each` of them at every price from 1 on.
fn asks(levels: u32, each: u32) -> (Arena, OrderBook) {
    let mut arena = Arena::new(levels * each);
    let mut book = OrderBook::new(InstrumentId(0));
    let request = NewOrder {
        quantity: Lots(1),
        ..crate::market::tests::order(0, Side::Sell, 1, "")
    };
    for number in 0..levels * each {
        let id = OrderId(u64::from(number) + 1);
        let slot = arena.orders.insert(Order::new(id, &request, Lots(1)));
        book.push(&mut arena, slot, Ticks(i64::from(number / each) + 1));
    }
    (arena, book)
}

/// What lies beyond the bound is made to hold more than enough, so whoever looks there answers that it suffices.
#[test]
fn a_dry_run_does_not_look_beyond_its_bound() {
    // Levels, orders of each, and the bound.
    for (levels, each, most) in [
        (20_000, 1, 2_000),
        (20_000, 1, 1),
        (100, 7, 14),
        (100, 7, 15),
        (2, 10_000, 2_000),
    ] {
        let (mut arena, mut book) = asks(levels, each);
        let beyond = OrderId(u64::from(most) + 1);
        let slot = arena
            .orders
            .find(beyond)
            .expect("there are more orders than that");
        let plenty = 1_000_000_000;
        arena.orders[slot].leaves.0 += plenty;
        book.volumes[Side::Sell as usize].0 += plenty;
        let level = arena.orders[slot].level;
        if most % each == 0 {
            arena.levels[level].change(plenty, 0);
        }
        let ask = |wanted| book.could_fill(&arena, Side::Sell, Ticks::MAX, Lots(wanted), most);
        let bound = u64::from(most);
        assert_eq!(ask(bound), Supply::Enough, "{levels} levels of {each}");
        assert_eq!(ask(bound + 1), Supply::TooManyOrders, "{levels} levels of {each}");
        assert_eq!(ask(plenty), Supply::TooManyOrders, "{levels} levels of {each}");
    }
}

#[test]
fn what_a_whole_side_does_not_hold_is_refused_without_a_look_at_its_levels() {
    let (mut arena, book) = asks(20_000, 1);
    let first = book.first(&arena, Side::Sell).expect("an ask");
    let level = arena.orders[first].level;
    arena.levels[level].change(1_000_000, 0);
    arena.orders[first].leaves.0 += 1_000_000;
    let ask = |wanted| book.could_fill(&arena, Side::Sell, Ticks::MAX, Lots(wanted), 2_000);
    assert_eq!(ask(20_001), Supply::TooLittle);
    assert_eq!(ask(20_000), Supply::Enough, "the first level was falsified");
}
