//! Executions and order updates: what a client that comes back is given.

mod common;

use common::{MANY, Tape, show_order};
use hoga_protocol::{AccountId, InstrumentId, Sequence, Side};
use hoga_views::{Execution, Found, OrderUpdate, Role, ViewLimits};

const X: InstrumentId = InstrumentId(0);
const Y: InstrumentId = InstrumentId(1);
const A: AccountId = AccountId(0);
const B: AccountId = AccountId(1);

/// Three trades on X (one command has two of them) and one on Y.
const TRADES: &str = "10: new a X sell gtc 5@100
    11: new a X sell gtc 4@101
    12: new a Y buy gtc 9@50
    13: new b X buy gtc 12@101; trade 13 10 5@100 left 7/0 fee 3/1; trade 13 11 4@101 left 3/0 fee 2/-1
    14: new b Y sell gtc 9@50; trade 14 12 9@50 left 0/0 fee 5/4
    15: new c X sell gtc 1@101; trade 15 13 1@101 left 0/2 fee 1/0";

fn tape(executions: usize, order_updates: usize) -> Tape {
    let mut tape = Tape::new(ViewLimits {
        executions,
        order_updates,
        ..MANY
    });
    tape.play(TRADES);
    tape
}

fn show_execution(tape: &Tape, number: u64) -> String {
    let Execution {
        number: own_number,
        sequence,
        index,
        role,
        instrument,
        order,
        account,
        side,
        price,
        quantity,
        fee,
        timestamp,
    } = tape.views.executions().get(number).unwrap();
    assert_eq!(own_number, number);
    assert_eq!(timestamp.0, sequence.0 * 1_000_000);
    let symbol = ["X", "Y"][instrument.0 as usize];
    let account = ["a", "b", "c"][account.0 as usize];
    format!(
        "{}.{index} {role:?} {account} {} {symbol} {side:?} {}@{} fee {}",
        sequence.0, order.0, quantity.0, price.0, fee.0
    )
}

#[test]
fn both_sides_of_a_trade_are_told_each_with_its_own_fee_the_aggressor_first() {
    let tape = tape(100, 100);
    let shown: Vec<String> = (0..tape.views.executions().next())
        .map(|number| show_execution(&tape, number))
        .collect();
    let want = [
        "13.1 Aggressor b 13 X Buy 5@100 fee 3",
        "13.1 Resting a 10 X Sell 5@100 fee 1",
        "13.2 Aggressor b 13 X Buy 4@101 fee 2",
        "13.2 Resting a 11 X Sell 4@101 fee -1",
        "14.1 Aggressor b 14 Y Sell 9@50 fee 5",
        "14.1 Resting a 12 Y Buy 9@50 fee 4",
        "15.1 Aggressor c 15 X Sell 1@101 fee 1",
        "15.1 Resting b 13 X Buy 1@101 fee 0",
    ];
    assert_eq!(shown, want);
}

#[test]
fn an_execution_is_found_or_known_to_be_gone_or_never_was() {
    use Found::{Held, TooOld, Unknown};
    let cases = [
        // Sides held, sequence, index, aggressor's, resting order's.
        (100, 13, 1, Held(0), Held(1)),
        (100, 13, 2, Held(2), Held(3)),
        (100, 15, 1, Held(6), Held(7)),
        (100, 13, 0, Unknown, Unknown),
        (100, 13, 3, Unknown, Unknown),
        (100, 1, 0, Unknown, Unknown),
        (100, 99, 0, Unknown, Unknown),
        (6, 13, 1, TooOld, TooOld),
        (6, 13, 2, Held(2), Held(3)),
        (6, 1, 0, TooOld, TooOld),
        (6, 14, 0, Unknown, Unknown),
        (2, 14, 1, TooOld, TooOld),
        (2, 15, 1, Held(6), Held(7)),
        (2, 15, 2, Unknown, Unknown),
    ];
    for (sides, sequence, index, aggressor, resting) in cases {
        let tape = tape(sides, 100);
        let executions = tape.views.executions();
        assert_eq!(executions.first(), 8 - (sides as u64).min(8));
        let find = |role| executions.find(Sequence(sequence), index, role);
        assert_eq!(find(Role::Aggressor), aggressor, "{sides} {sequence}.{index}");
        assert_eq!(find(Role::Resting), resting, "{sides} {sequence}.{index}");
    }
}

#[test]
fn nothing_is_found_before_the_first_trade() {
    let tape = Tape::new(MANY);
    let executions = tape.views.executions();
    assert_eq!(executions.find(Sequence(1), 0, Role::Resting), Found::Unknown);
    assert_eq!((executions.first(), executions.next()), (0, 0));
    assert_eq!(executions.get(0), None);
    assert!(executions.newest(X, 5).is_empty());
    assert!(executions.after(InstrumentId(9), 0, 5).is_empty());
}

#[test]
fn lists_of_executions_split_a_trade_only_at_the_limit_and_skip_other_instruments() {
    let all = tape(100, 100);
    let few = tape(6, 100);
    let newest: [(&Tape, InstrumentId, usize, &[u64]); 7] = [
        (&all, X, 100, &[0, 1, 2, 3, 6, 7]),
        (&all, X, 3, &[3, 6, 7]),
        (&all, X, 1, &[7]),
        (&all, X, 0, &[]),
        (&all, Y, 5, &[4, 5]),
        (&few, X, 5, &[2, 3, 6, 7]),
        (&few, X, 3, &[3, 6, 7]),
    ];
    for (tape, instrument, limit, want) in newest {
        let got = tape.views.executions().newest(instrument, limit);
        assert_eq!(got, want, "newest {limit} of {instrument:?}");
    }
    let after: [(&Tape, InstrumentId, u64, usize, &[u64]); 9] = [
        (&all, X, 0, 100, &[1, 2, 3, 6, 7]),
        (&all, X, 1, 2, &[2, 3]),
        (&all, X, 3, 2, &[6, 7]),
        (&all, X, 4, 1, &[6]),
        (&all, X, 7, 5, &[]),
        (&all, X, u64::MAX, 5, &[]),
        (&all, Y, 0, 1, &[4]),
        (&all, Y, 4, 9, &[5]),
        (&few, X, 0, 9, &[2, 3, 6, 7]),
    ];
    for (tape, instrument, number, limit, want) in after {
        let got = tape.views.executions().after(instrument, number, limit);
        assert_eq!(got, want, "{limit} of {instrument:?} after {number}");
    }
}

/// `NUMBER COMMAND.UPDATE ORDER [fill]`
fn show_update(update: &OrderUpdate) -> String {
    let mut out = format!(
        "{} {}.{}: {}",
        update.number,
        update.sequence.0,
        update.index,
        show_order(&update.order)
    );
    if let Some(fill) = &update.fill {
        assert_eq!(fill.sequence, update.sequence);
        let fill = format!(
            " | {:?} {}@{} fee {}",
            fill.role, fill.quantity.0, fill.price.0, fill.fee.0
        );
        out.push_str(&fill);
    }
    out
}

fn updates(tape: &Tape, account: AccountId, mut from: u64) -> Vec<String> {
    let mut shown = Vec::new();
    while let Some(update) = tape.views.updates().next_of(account, from) {
        assert!(update.number >= from && update.order.account == account);
        shown.push(show_update(update));
        from = update.number + 1;
    }
    shown
}

#[test]
fn an_update_shows_the_order_right_after_its_event() {
    let tape = tape(100, 100);
    let want = [
        "3 13.0: 13 12@101 New filled 0 left 12 cost 0 fee 0 at 13",
        "4 13.1: 13 12@101 PartiallyFilled filled 5 left 7 cost 500 fee 3 at 13 | Aggressor 5@100 fee 3",
        "6 13.3: 13 12@101 PartiallyFilled filled 9 left 3 cost 904 fee 5 at 13 | Aggressor 4@101 fee 2",
        "8 14.0: 14 9@50 New filled 0 left 9 cost 0 fee 0 at 14",
        "9 14.1: 14 9@50 Filled filled 9 left 0 cost 450 fee 5 at 14 | Aggressor 9@50 fee 5",
        "13 15.2: 13 12@101 PartiallyFilled filled 10 left 2 cost 1005 fee 5 at 15 | Resting 1@101 fee 0",
    ];
    assert_eq!(updates(&tape, B, 0), want);
    assert_eq!(tape.views.updates().next(), 14);
    let of_a: Vec<String> = updates(&tape, A, 0);
    let numbers: Vec<&str> = of_a.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(numbers, ["0", "1", "2", "5", "7", "10"]);
}

#[test]
fn cancels_and_replaces_are_updates_without_a_fill() {
    let mut tape = Tape::new(MANY);
    tape.play(
        "10: new a X buy gtc 5@100
         11: replace 10 3@99 left 3
         12: cancel 10 requested
         13: new a X buy fok 5@100; cancel 13 fok",
    );
    let want = [
        "0 10.0: 10 5@100 New filled 0 left 5 cost 0 fee 0 at 10",
        "1 11.0: 10 3@99 New filled 0 left 3 cost 0 fee 0 at 11",
        "2 12.0: 10 3@99 Canceled filled 0 left 0 cost 0 fee 0 at 12 Requested",
        "3 13.0: 13 5@100 New filled 0 left 5 cost 0 fee 0 at 13",
        "4 13.1: 13 5@100 Canceled filled 0 left 0 cost 0 fee 0 at 13 FillOrKill",
    ];
    assert_eq!(updates(&tape, A, 0), want);
}

#[test]
fn a_resumed_client_misses_no_update_and_sees_none_twice() {
    // Updates held, sequence, index, the number to go on from or the earliest sequence that can be resumed after.
    let cases = [
        (100, 0, None, Ok(3)),
        (100, 12, None, Ok(3)),
        (100, 13, Some(0), Ok(4)),
        (100, 13, Some(1), Ok(6)),
        (100, 13, Some(2), Ok(6)),
        (100, 13, Some(3), Ok(8)),
        (100, 13, None, Ok(8)),
        (100, 14, Some(0), Ok(9)),
        (100, 15, None, Ok(14)),
        (100, 99, Some(7), Ok(14)),
        // The last seven are held: numbers 7 to 13; the last dropped one of the account is number 6, update 13.3.
        (7, 13, None, Ok(8)),
        (7, 13, Some(3), Ok(8)),
        (7, 13, Some(2), Err(13)),
        (7, 12, None, Err(13)),
        // The last one is held: number 13; the last dropped one of the account is number 9, update 14.1.
        (1, 14, Some(0), Err(14)),
        (1, 14, None, Ok(13)),
    ];
    for (held, sequence, index, want) in cases {
        let tape = tape(100, held);
        let got = tape.views.updates().resume(B, Sequence(sequence), index);
        assert_eq!(
            got,
            want.map_err(Sequence),
            "{held} held, after {sequence} {index:?}"
        );
    }
}

#[test]
fn what_another_account_lost_does_not_keep_an_account_from_resuming() {
    let tape = tape(100, 1);
    let quiet = AccountId(2);
    // Both of its updates, events 15.0 and 15.1, were dropped.
    assert_eq!(
        tape.views.updates().resume(quiet, Sequence(15), Some(0)),
        Err(Sequence(15))
    );
    assert_eq!(tape.views.updates().resume(quiet, Sequence(15), None), Ok(14));
    let mut fresh = Tape::new(ViewLimits {
        order_updates: 2,
        ..MANY
    });
    fresh.play(
        "10: new a X buy gtc 5@100
         11: new a X buy gtc 5@100
         12: new a X buy gtc 5@100
         13: new b X buy gtc 5@100",
    );
    assert_eq!(fresh.views.updates().resume(B, Sequence(0), None), Ok(3));
    assert_eq!(fresh.views.updates().resume(quiet, Sequence(0), None), Ok(4));
    assert_eq!(
        fresh.views.updates().resume(AccountId(50), Sequence(0), None),
        Ok(4)
    );
    assert_eq!(
        fresh.views.updates().resume(A, Sequence(10), None),
        Err(Sequence(11))
    );
    assert_eq!(fresh.views.updates().resume(A, Sequence(11), None), Ok(2));
}

#[test]
fn a_client_cut_off_between_the_two_sides_of_its_own_trade_misses_neither() {
    let mut tape = Tape::new(ViewLimits {
        order_updates: 1,
        ..MANY
    });
    tape.play(
        "10: new a X buy gtc 5@100
         11: new a X sell gtc 5@100; trade 11 10 5@100 left 0/0 fee 0/0",
    );
    let updates = tape.views.updates();
    assert_eq!(updates.first(), 3);
    assert_eq!(updates.resume(A, Sequence(11), Some(0)), Err(Sequence(11)));
    assert_eq!(updates.resume(A, Sequence(11), Some(1)), Ok(3));
    assert_eq!(updates.resume(A, Sequence(11), Some(2)), Ok(4));
    let resting = updates.next_of(A, 0).unwrap();
    assert_eq!((resting.number, resting.order.side), (3, Side::Buy));
}
