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

fn updates(tape: &Tape, account: AccountId, from: u64) -> Vec<String> {
    let mut shown = Vec::new();
    for update in tape.views.updates().of_account(account, from) {
        assert!(update.number >= from && update.order.account == account);
        shown.push(show_update(update));
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
        // Of each account one and four above that: of a and b three, numbers 8, 9 and 13 of b; the last dropped one of b
        // is number 6, update 13.3.
        (4, 13, None, Ok(8)),
        (4, 13, Some(3), Ok(8)),
        (4, 13, Some(2), Err(13)),
        (4, 12, None, Err(13)),
        // Of each account the last one is held: number 13; the last dropped one of b is number 9, update 14.1.
        (0, 14, Some(0), Err(14)),
        (0, 14, None, Ok(13)),
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
    // Updates above the floor of one, what came after `script`, account, sequence, the number or the earliest.
    let cases = [
        (0, B, 0, Ok(5)),
        (0, AccountId(2), 0, Ok(6)),
        (0, AccountId(50), 0, Ok(6)),
        (0, A, 13, Ok(4)),
        (0, A, 12, Err(Sequence(13))),
        (2, A, 12, Ok(3)),
        (2, A, 11, Ok(2)),
        (2, A, 10, Err(Sequence(11))),
        (3, A, 9, Err(Sequence(10))),
        (4, A, 10, Ok(1)),
        (4, B, 10, Ok(5)),
    ];
    for (order_updates, account, after, want) in cases {
        let mut tape = Tape::new(ViewLimits {
            order_updates,
            ..MANY
        });
        for sequence in 10..15 {
            tape.play(&format!("{sequence}: new a X buy gtc 5@100"));
        }
        tape.play("15: new b X buy gtc 5@100");
        let updates = tape.views.updates();
        assert_eq!(
            (updates.next(), updates.held()),
            (6, (order_updates as u64 + 2).min(6))
        );
        let got = updates.resume(account, Sequence(after), None);
        assert_eq!(got, want, "{order_updates} of {account:?} after {after}");
        let from = after.saturating_sub(9);
        assert_eq!(updates.is_dropped(account, from), want.is_err(), "from {from}");
    }
}

#[test]
fn a_client_cut_off_between_the_two_sides_of_its_own_trade_misses_neither() {
    let mut tape = Tape::new(ViewLimits {
        order_updates: 0,
        ..MANY
    });
    tape.play(
        "10: new a X buy gtc 5@100
         11: new a X sell gtc 5@100; trade 11 10 5@100 left 0/0 fee 0/0",
    );
    let updates = tape.views.updates();
    assert_eq!((updates.held(), updates.next()), (1, 4));
    assert_eq!(updates.resume(A, Sequence(11), Some(0)), Err(Sequence(11)));
    assert_eq!(updates.resume(A, Sequence(11), Some(1)), Ok(3));
    assert_eq!(updates.resume(A, Sequence(11), Some(2)), Ok(4));
    let resting = updates.of_account(A, 0).next().unwrap();
    assert_eq!((resting.number, resting.order.side), (3, Side::Buy));
}

#[test]
fn an_account_whose_fills_others_push_out_can_still_read_its_own() {
    // Executions of everybody, floor, account, those that are found, those that are too old.
    let cases: [(usize, usize, AccountId, &[u64], &[u64]); 7] = [
        (100, 1, A, &[1, 3, 5], &[]),
        (100, 1, B, &[0, 2, 4, 7], &[]),
        (2, 1, A, &[5], &[1, 3]),
        (2, 2, A, &[3, 5], &[1]),
        (2, 9, A, &[1, 3, 5], &[]),
        (2, 2, B, &[4, 7], &[0, 2]),
        (4, 3, B, &[2, 4, 7], &[0]),
    ];
    for (executions, account_floor, account, held, too_old) in cases {
        let mut tape = Tape::new(ViewLimits {
            executions,
            account_floor,
            ..MANY
        });
        tape.play(TRADES);
        let whole = Tape::new(MANY).play(TRADES).views.executions().clone();
        let name = format!("{executions} {account_floor} {account:?}");
        let again = common::read(
            ViewLimits {
                executions,
                account_floor,
                ..MANY
            },
            &common::image(&tape.views),
        );
        for views in [&tape.views, &again.unwrap()] {
            let executions = views.executions();
            let newest: Vec<Execution> = executions.newest_of(account).collect();
            let want = held.iter().rev().map(|&number| whole.get(number).unwrap());
            assert!(want.eq(newest), "{name}");
            for after in 0..9 {
                let got = executions.after_of(account, after).map(|found| found.number);
                let want = held.iter().copied().filter(|&number| number > after);
                assert!(want.eq(got), "{name} after {after}");
            }
            for number in 0..8 {
                let Execution {
                    sequence,
                    index,
                    role,
                    account: whose,
                    ..
                } = whole.get(number).unwrap();
                let found = executions.find_of(account, sequence, index, role);
                let is_held = found == Found::Held(number);
                assert_eq!(is_held, held.contains(&number), "{name}: {number} {found:?}");
                if whose == account && !is_held {
                    assert!(
                        too_old.contains(&number) && found == Found::TooOld,
                        "{name}: {number}"
                    );
                }
            }
            assert_eq!(executions.newest_of(AccountId(50)).count(), 0);
            assert_eq!(executions.after_of(AccountId(50), 0).count(), 0);
        }
    }
}
