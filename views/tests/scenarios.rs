//! Commands in, books and orders out.

mod common;

use common::{MANY, Tape};
use hoga_protocol::{AccountId, AccountName, InstrumentId, Nanos, OrderId, Sequence, Side, Symbol};

/// Folds the commands and compares the books and all orders with `want`, line by line.
#[track_caller]
fn check(commands: &str, want: &str) {
    let mut tape = Tape::new(MANY);
    tape.play(commands);
    let lines = |text: &str| -> Vec<String> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.map(String::from).collect()
    };
    assert_eq!(lines(&tape.show()), lines(want));
    assert!(tape.views.is_complete());
    let live = tape.show().matches(" New ").count() + tape.show().matches(" PartiallyFilled ").count();
    assert_eq!(tape.views.orders().live(), live);
}

#[test]
fn orders_at_one_price_are_one_level_and_the_best_level_is_first() {
    check(
        "10: new a X buy gtc 5@100
         11: new b X buy gtc 3@101
         12: new b X buy gtc 4@100
         13: new c X sell gtc 7@103
         14: new c X sell gtc 1@102
         15: new c Y sell gtc 9@100",
        "X Buy 3@101 of 1
         X Buy 9@100 of 2
         X Sell 1@102 of 1
         X Sell 7@103 of 1
         Y Sell 9@100 of 1
         10 5@100 New filled 0 left 5 cost 0 fee 0 at 10
         12 4@100 New filled 0 left 4 cost 0 fee 0 at 12
         11 3@101 New filled 0 left 3 cost 0 fee 0 at 11
         15 9@100 New filled 0 left 9 cost 0 fee 0 at 15
         14 1@102 New filled 0 left 1 cost 0 fee 0 at 14
         13 7@103 New filled 0 left 7 cost 0 fee 0 at 13",
    );
}

#[test]
fn an_aggressor_rests_only_with_what_its_trades_left() {
    check(
        "10: new a X sell gtc 5@100
         11: new a X sell gtc 4@101
         12: new b X buy gtc 12@101; trade 12 10 5@100 left 7/0 fee 3/1; trade 12 11 4@101 left 3/0 fee 2/1",
        "X Buy 3@101 of 1
         11 4@101 Filled filled 4 left 0 cost 404 fee 1 at 12
         10 5@100 Filled filled 5 left 0 cost 500 fee 1 at 12
         12 12@101 PartiallyFilled filled 9 left 3 cost 904 fee 5 at 12",
    );
}

#[test]
fn a_trade_takes_only_its_quantity_off_the_resting_level() {
    check(
        "10: new a X buy gtc 5@100
         11: new a X buy gtc 5@100
         12: new b X sell gtc 7@100; trade 12 10 5@100 left 2/0 fee 2/1; trade 12 11 2@100 left 0/3 fee 1/0
         13: new b X sell gtc 3@100; trade 13 11 3@100 left 0/0 fee 1/-2",
        "11 5@100 Filled filled 5 left 0 cost 500 fee -2 at 13
         10 5@100 Filled filled 5 left 0 cost 500 fee 1 at 12
         13 3@100 Filled filled 3 left 0 cost 300 fee 1 at 13
         12 7@100 Filled filled 7 left 0 cost 700 fee 3 at 12",
    );
}

#[test]
fn residue_of_what_may_not_rest_does_not_rest() {
    check(
        "10: new a X sell gtc 2@100
         11: new b X buy ioc 5@100; trade 11 10 2@100 left 3/0 fee 1/1; cancel 11 ioc
         12: new b X buy fok 5@100; cancel 12 fok
         13: new b X buy market 5@0; cancel 13 dry",
        "10 2@100 Filled filled 2 left 0 cost 200 fee 1 at 11
         13 5@0 Canceled filled 0 left 0 cost 0 fee 0 at 13 NoLiquidity
         12 5@100 Canceled filled 0 left 0 cost 0 fee 0 at 12 FillOrKill
         11 5@100 Canceled filled 2 left 0 cost 200 fee 1 at 11 ImmediateOrCancel",
    );
}

#[test]
fn a_cancel_takes_what_remains_and_nothing_else() {
    check(
        "10: new a X buy gtc 5@100
         11: new b X buy gtc 6@100
         12: new c X sell ioc 2@100; trade 12 10 2@100 left 0/3 fee 0/0
         13: cancel 10 requested
         14: new b Y buy gtc 1@9
         15: cancel 11 mass; cancel 14 mass; mass",
        "10 5@100 Canceled filled 2 left 0 cost 200 fee 0 at 13 Requested
         14 1@9 Canceled filled 0 left 0 cost 0 fee 0 at 15 MassCancel
         11 6@100 Canceled filled 0 left 0 cost 0 fee 0 at 15 MassCancel
         12 2@100 Filled filled 2 left 0 cost 200 fee 0 at 12",
    );
}

#[test]
fn a_replaced_order_counts_once_and_with_its_new_terms() {
    check(
        "10: new a X buy gtc 5@100
         11: new b X buy gtc 6@100
         12: replace 10 3@100 left 3
         13: replace 11 8@99 left 8
         14: new c X sell ioc 1@100; trade 14 10 1@100 left 0/2 fee 0/0
         15: replace 10 9@101 left 8",
        "X Buy 8@101 of 1
         X Buy 8@99 of 1
         10 9@101 PartiallyFilled filled 1 left 8 cost 100 fee 0 at 15
         11 8@99 New filled 0 left 8 cost 0 fee 0 at 13
         14 1@100 Filled filled 1 left 0 cost 100 fee 0 at 14",
    );
}

#[test]
fn a_replaced_order_that_trades_is_not_in_the_book_meanwhile() {
    check(
        "10: new a X buy gtc 5@100
         11: new b X sell gtc 2@105
         12: new b X sell gtc 9@106
         13: replace 10 6@105 left 6; trade 10 11 2@105 left 4/0 fee 7/3
         14: replace 10 6@106 left 4; trade 10 12 4@106 left 0/5 fee 8/4",
        "X Sell 5@106 of 1
         10 6@106 Filled filled 6 left 0 cost 634 fee 15 at 14
         12 9@106 PartiallyFilled filled 4 left 5 cost 424 fee 4 at 14
         11 2@105 Filled filled 2 left 0 cost 210 fee 3 at 13",
    );
}

#[test]
fn what_was_refused_or_came_twice_changes_nothing_but_the_sequence() {
    let mut tape = Tape::new(MANY);
    tape.play("10: new a X buy gtc 5@100 mine");
    let before = tape.show();
    let updates = tape.views.updates().next();
    tape.play(
        "11: duplicate 10
         12: reject
         13: mass",
    );
    assert_eq!(tape.show(), before);
    assert_eq!(tape.views.updates().next(), updates);
    assert_eq!(tape.views.sequence(), Sequence(13));
    assert_eq!(tape.views.timestamp(), Nanos(13_000_000));
    let book = tape.views.book(InstrumentId(0)).unwrap();
    assert_eq!(
        (book.sequence(), book.timestamp()),
        (Sequence(10), Nanos(10_000_000))
    );
}

#[test]
fn a_book_tells_the_command_of_its_last_change() {
    let mut tape = Tape::new(MANY);
    let commands = [
        ("10: new a X buy gtc 5@100", 10),
        ("11: new a Y buy gtc 5@100", 10),
        (
            "12: new b X sell ioc 1@100; trade 12 10 1@100 left 0/4 fee 0/0",
            12,
        ),
        ("13: new b X buy ioc 1@100; cancel 13 ioc", 12),
        ("14: replace 10 4@100 left 3", 14),
        ("15: cancel 10 requested", 15),
        ("16: reject", 15),
    ];
    for (command, want) in commands {
        tape.play(command);
        let book = tape.views.book(InstrumentId(0)).unwrap();
        assert_eq!(book.sequence(), Sequence(want), "{command}");
    }
}

#[test]
fn views_are_incomplete_in_the_midst_of_a_command() {
    let mut tape = Tape::new(MANY);
    tape.play("10: new a X sell gtc 5@100");
    let events = tape.events("11: new b X buy gtc 9@100; trade 11 10 5@100 left 4/0 fee 0/0");
    let bids = |tape: &Tape| {
        let book = tape.views.book(InstrumentId(0)).unwrap();
        book.levels(Side::Buy).count()
    };
    tape.views.fold(&events[0]);
    assert!(!tape.views.is_complete());
    assert_eq!(bids(&tape), 0);
    tape.views.fold(&events[1]);
    assert!(tape.views.is_complete());
    assert_eq!(bids(&tape), 1);
}

#[test]
fn names_and_numbers_lead_to_each_other() {
    let tape = Tape::new(MANY);
    let views = &tape.views;
    let symbol = Symbol::new("Y").unwrap();
    assert_eq!(views.instruments().by_symbol(&symbol), Some(InstrumentId(1)));
    let spec = views.instruments().get(InstrumentId(1)).unwrap();
    assert_eq!(spec.symbol(), symbol);
    assert_eq!(
        views.instruments().iter().map(|(id, _)| id.0).collect::<Vec<_>>(),
        [0, 1]
    );
    assert_eq!(views.instruments().by_symbol(&Symbol::new("Z").unwrap()), None);
    let name = AccountName::new("c").unwrap();
    assert_eq!(views.accounts().by_name(&name), Some(AccountId(2)));
    assert_eq!(views.accounts().get(AccountId(2)), Some(&name));
    assert_eq!(views.accounts().get(AccountId(3)), None);
    assert_eq!((views.accounts().len(), views.instruments().len()), (3, 2));
    assert_eq!(views.genesis().unwrap().exchange.0, 7);
    assert!(views.book(InstrumentId(2)).is_none());
    assert!(views.orders().get(OrderId(10)).is_none());
    assert_eq!(views.orders().of_account(AccountId(9)).count(), 0);
}

#[test]
#[should_panic(expected = "does not come after")]
fn an_event_folded_twice_is_not_taken_for_a_new_one() {
    let mut tape = Tape::new(MANY);
    let events = tape.events("10: new a X buy gtc 5@100");
    tape.views.fold(&events[0]);
    tape.views.fold(&events[0]);
}

#[test]
#[should_panic(expected = "no live order 10")]
fn a_closed_order_is_not_closed_again() {
    let mut tape = Tape::new(MANY);
    tape.play(
        "10: new a X buy gtc 5@100
         11: cancel 10 requested
         12: cancel 10 requested",
    );
}
