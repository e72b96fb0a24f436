//! Which client order ids are still known, under each of the two bounds and under both.

mod common;

use common::{Exchange, LIMITS, limit, named};
use hoga_protocol::*;

/// An IOC of this client, closed as soon as it came: `b2` is account 1's order named "2".
fn closed(word: &str) -> Command {
    let account = u32::from(word.as_bytes()[0] - b'a');
    let mut order = limit(Side::Buy, 100, 1);
    order.time_in_force = TimeInForce::Ioc;
    named(order, account, &word[1..])
}

fn is_known(exchange: &Exchange, command: &Command) -> bool {
    let said = exchange.clone().bodies(command);
    matches!(said[..], [EventBody::DuplicateOrder { .. }])
}

#[test]
fn no_closed_id_is_kept_beyond_a_bound_and_none_is_dropped_within() {
    let closings = "a1 b1 a2 c1 a3 b2";
    let cases = [
        (0, 0, ""),
        (0, 5, ""),
        (1, 6, "c1 a3 b2"),
        (1, 2, "a3 b2"),
        (1, 1, "b2"),
        (2, 6, "b1 a2 c1 a3 b2"),
        (2, 4, "a2 c1 a3 b2"),
        (3, 3, "c1 a3 b2"),
        (6, 6, closings),
    ];
    for (client_ids_per_account, client_ids_total, expected) in cases {
        let mut exchange = Exchange::begun(Limits {
            client_ids_per_account,
            client_ids_total,
            ..LIMITS
        });
        let words = || closings.split_whitespace();
        words().for_each(|word| drop(exchange.send(&closed(word))));
        let known: Vec<&str> = words()
            .filter(|word| is_known(&exchange, &closed(word)))
            .collect();
        assert_eq!(
            known.join(" "),
            expected,
            "{client_ids_per_account} of each, {client_ids_total} in all"
        );
    }
}

#[test]
fn a_live_id_is_not_dropped_even_where_no_closed_one_is_kept() {
    let mut exchange = Exchange::begun(Limits {
        client_ids_per_account: 0,
        client_ids_total: 0,
        ..LIMITS
    });
    let live: Vec<Command> = (0..50)
        .map(|n| named(limit(Side::Buy, 10, 1), 0, &n.to_string()))
        .collect();
    live.iter().for_each(|order| drop(exchange.send(order)));
    assert!(live.iter().all(|order| is_known(&exchange, order)));
    exchange.send(&Command::CancelAll(CancelAll {
        account: AccountId(0),
        instrument: None,
        before: None,
    }));
    assert!(!live.iter().any(|order| is_known(&exchange, order)));
}

#[test]
fn ids_that_come_and_go_for_long_are_still_told_apart() {
    let keep = 20;
    let mut exchange = Exchange::begun(Limits {
        client_ids_per_account: keep,
        client_ids_total: keep,
        ..LIMITS
    });
    let order = |n: u32| closed(&format!("a{n}"));
    for n in 0..2_000 {
        exchange.send(&order(n));
        assert!(is_known(&exchange, &order(n.saturating_sub(keep - 1))));
        assert!(n < keep || !is_known(&exchange, &order(n - keep)));
    }
}
