//! How much of the past is held, and what is forgotten first.

mod common;

use common::{MANY, Tape, image};
use hoga_protocol::{AccountId, Limits, OrderId};
use hoga_views::ViewLimits;

/// One order that comes and goes; `id` names it.
fn come_and_go(sequence: u64, account: &str, id: &str) -> String {
    format!("{sequence}: new {account} X buy ioc 1@100 {id}; cancel {sequence} ioc\n")
}

fn held(tape: &Tape) -> Vec<u64> {
    let mut held: Vec<u64> = (0..3)
        .flat_map(|account| tape.views.orders().of_account(AccountId(account)))
        .map(|order| order.order.0)
        .collect();
    held.sort_unstable();
    for order in &held {
        assert!(tape.views.orders().get(OrderId(*order)).is_some(), "{order}");
    }
    let orders = tape.views.orders();
    assert_eq!(orders.live() + orders.closed(), held.len());
    held
}

fn tape(closed_orders: usize, per_account: u32, total: u32) -> Tape {
    let limits = Limits {
        client_ids_per_account: per_account,
        client_ids_total: total,
        ..Limits::default()
    };
    Tape::with_limits(
        ViewLimits {
            closed_orders,
            ..MANY
        },
        limits,
    )
}

#[test]
fn closed_orders_are_forgotten_by_age_of_closing_and_live_ones_never() {
    let mut tape = tape(2, 9, 9);
    tape.play(
        "10: new a X buy gtc 1@100
         11: new a X buy gtc 1@100
         12: new b X buy gtc 1@100
         13: new a X buy gtc 1@100",
    );
    let steps: [(&str, &[u64]); 4] = [
        ("20: cancel 12 requested", &[10, 11, 12, 13]),
        ("21: cancel 10 requested", &[10, 11, 12, 13]),
        ("22: cancel 11 requested", &[10, 11, 13]),
        ("23: new b Y buy ioc 1@1; cancel 23 ioc", &[11, 13, 23]),
    ];
    for (command, want) in steps {
        tape.play(command);
        assert_eq!(held(&tape), want, "{command}");
    }
    let newest_first: Vec<u64> = tape
        .views
        .orders()
        .of_account(AccountId(0))
        .map(|order| order.order.0)
        .collect();
    assert_eq!(newest_first, [13, 11]);
    let live: Vec<u64> = tape
        .views
        .orders()
        .live_of_account(AccountId(0))
        .map(|order| order.order.0)
        .collect();
    assert_eq!(live, [13]);
}

#[test]
fn an_order_with_a_client_id_outlives_those_without() {
    let mut tape = tape(1, 9, 9);
    tape.play(&come_and_go(10, "a", "mine"));
    for sequence in 11..20 {
        tape.play(&come_and_go(sequence, "a", ""));
    }
    assert_eq!(held(&tape), [10, 19]);
}

#[test]
fn one_account_does_not_push_out_the_ids_of_another() {
    let mut tape = tape(9, 2, 9);
    tape.play(&come_and_go(10, "b", "x"));
    for sequence in 11..20 {
        tape.play(&come_and_go(sequence, "a", &format!("id-{sequence}")));
    }
    assert_eq!(held(&tape), [10, 18, 19]);
}

#[test]
fn of_all_ids_the_oldest_goes_first() {
    let mut tape = tape(9, 3, 4);
    for (sequence, account) in (10..).zip(["a", "b", "a", "c", "b", "c"]) {
        tape.play(&come_and_go(sequence, account, &format!("id-{sequence}")));
    }
    assert_eq!(held(&tape), [12, 13, 14, 15]);
}

#[test]
fn when_both_close_in_one_trade_the_resting_order_is_the_older() {
    let mut tape = tape(9, 1, 9);
    tape.play(
        "10: new a X sell gtc 1@100 one
         11: new a X buy gtc 1@100 two; trade 11 10 1@100 left 0/0 fee 0/0",
    );
    assert_eq!(held(&tape), [11]);
}

#[test]
fn an_order_can_be_shown_right_after_it_closed_whatever_the_limits() {
    let mut tape = tape(0, 0, 0);
    tape.play(&come_and_go(10, "a", "mine"));
    assert_eq!(held(&tape), [10]);
    tape.play(&come_and_go(11, "b", ""));
    assert_eq!(held(&tape), [11]);
}

#[test]
fn a_slot_used_again_belongs_to_its_new_order_only() {
    let mut tape = tape(1, 0, 0);
    for sequence in (10..130).step_by(4) {
        let account = ["a", "b", "c"][sequence as usize % 3];
        tape.play(&come_and_go(sequence, account, ""));
        let second = sequence + 1;
        tape.play(&format!("{second}: new {account} X buy gtc 2@7"));
        assert_eq!(held(&tape), [sequence, second]);
        tape.play(&format!("{}: cancel {second} requested", sequence + 2));
        assert_eq!(held(&tape), [second]);
    }
}

#[test]
fn memory_that_is_found_beforehand_changes_nothing_that_is_held() {
    let limits = ViewLimits {
        executions: 50,
        closed_orders: 700,
        order_updates: 90,
    };
    let mut tapes = [(); 2].map(|()| Tape::with_limits(limits, Limits::default()));
    for round in 0..4 {
        tapes[0].views.touch_memory();
        for tape in &mut tapes {
            for n in 0..600 {
                let sequence = 10 + round * 1_000 + n;
                let rests = format!("{sequence}: new a X buy gtc 1@100 ");
                let goes = come_and_go(sequence, "b", "");
                tape.play(if n % 3 == 0 { &rests } else { &goes });
            }
        }
        assert!(image(&tapes[0].views) == image(&tapes[1].views), "round {round}");
    }
}
