//! Walks through an account's orders that go on from any id.

use alloc::vec::Vec;

use super::*;
use crate::order::OrderStatus;
use hoga_protocol::{
    ClientOrderId, InstrumentId, Lots, Nanos, Notional, OrderType, Sequence, Side, Ticks, TimeInForce,
};

fn order(id: u64, account: u32) -> OrderState {
    OrderState {
        order: OrderId(id),
        account: AccountId(account),
        instrument: InstrumentId(0),
        client_order_id: ClientOrderId::EMPTY,
        side: Side::Buy,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Gtc,
        post_only: false,
        price: Ticks(1),
        quantity: Lots(1),
        filled: Lots(0),
        leaves: Lots(1),
        notional: Notional(0),
        fee: Notional(0),
        status: OrderStatus::New,
        reason: None,
        sequence: Sequence(id),
        created_at: Nanos(0),
        updated_at: Nanos(0),
    }
}

/// Of each account no more than [`MARK_EVERY`] orders lie between two marks, or behind the last.
fn check_marks(orders: &Orders) {
    for account in orders.accounts.iter() {
        let (mut unmarked, mut marks) = (0, 0);
        for slot in account.all.oldest_first(&orders.slab, Thread::Account) {
            let order = orders.slab.order(slot);
            let marked = orders.slab.marked(slot);
            assert_eq!(account.marks.get(&order.order.0), marked.then_some(&slot));
            (unmarked, marks) = if marked {
                (0, marks + 1)
            } else {
                (unmarked + 1, marks)
            };
            assert!(unmarked < MARK_EVERY, "{unmarked} orders without a mark");
        }
        assert_eq!(marks, account.marks.len(), "marks of orders that are gone");
    }
}

/// From wherever a walk goes on, it finds what is left of the list.
fn check_walks(orders: &Orders, before: u64, account: AccountId) {
    let all: Vec<u64> = orders.of_account(account).map(|order| order.order.0).collect();
    let want: Vec<u64> = all.iter().copied().filter(|&id| id < before).collect();
    let walked = |live_only| orders.of_account_before(account, OrderId(before), live_only);
    assert!(
        walked(false).map(|order| order.order.0).eq(want),
        "before {before}"
    );
    let live = orders.live_of_account(account).map(|order| order.order.0);
    let found = walked(true).filter(|order| !order.status.closed());
    let found = found.map(|order| order.order.0);
    assert!(
        found.eq(live.filter(|&id| id < before)),
        "live ones before {before}"
    );
}

#[test]
fn a_walk_goes_on_in_a_bounded_number_of_steps_from_an_order_that_is_forgotten() {
    for seed in 1..=6_u64 {
        let mut random = seed;
        let mut below = |most: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 33) % most
        };
        let mut orders = Orders::new(300 * seed as usize, 1);
        (0..2).for_each(|_| orders.add_account());
        let mut live: Vec<Slot> = Vec::new();
        for id in 1..=4_000 {
            live.push(orders.insert(&order(id, below(2) as u32)));
            // Now and then the newest closes first, as an order does that never rests.
            while live.len() as u64 > 100 * seed {
                let at = if below(3) == 0 {
                    live.len() - 1
                } else {
                    below(live.len() as u64) as usize
                };
                let slot = live.swap_remove(at);
                let order = orders.order_mut(slot);
                (order.status, order.leaves) = (OrderStatus::Canceled, Lots(0));
                orders.close(slot);
            }
            if id % 50 == 0 {
                check_marks(&orders);
                for before in [0, 1, below(id + 1), below(id + 1), id, id + 1, u64::MAX] {
                    check_walks(&orders, before, AccountId(below(2) as u32));
                }
            }
        }
    }
}
