//! Which client order ids are still known: an account's own share, the pool of all, and what a `valid_until` adds.

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
fn no_closed_id_is_kept_beyond_the_shares_and_none_is_dropped_within() {
    let closings = "a1 b1 a2 c1 a3 b2";
    let cases = [
        // The floor of each account, the pool of all, and what is known in the end.
        (0, 0, ""),
        (0, 6, closings),
        (0, 5, "b1 a2 c1 a3 b2"),
        // Of two that have as many, the lower number loses one.
        (0, 4, "b1 c1 a3 b2"),
        (0, 3, "c1 a3 b2"),
        (0, 2, "c1 b2"),
        (0, 1, "c1"),
        (1, 0, "c1 a3 b2"),
        (1, 1, "b1 c1 a3 b2"),
        (1, 2, "b1 a2 c1 a3 b2"),
        (1, 3, closings),
        (2, 0, "b1 a2 c1 a3 b2"),
        (2, 1, closings),
        (3, 0, closings),
    ];
    for (client_ids_per_account, client_ids_total, expected) in cases {
        let mut exchange = Exchange::begun(Limits {
            client_ids_per_account,
            client_ids_total,
            ..LIMITS
        });
        let words = || closings.split_whitespace();
        words().for_each(|word| drop(exchange.send(&closed(word))));
        let again = common::restored(&common::image(&exchange.engine));
        for engine in [exchange.engine.clone(), again] {
            exchange.engine = engine;
            let known: Vec<&str> = words()
                .filter(|word| is_known(&exchange, &closed(word)))
                .collect();
            assert_eq!(
                known.join(" "),
                expected,
                "{client_ids_per_account} of each and {client_ids_total} of all"
            );
        }
    }
}

#[test]
fn an_account_that_floods_the_table_pushes_out_only_its_own_ids() {
    let mut exchange = Exchange::begun(Limits {
        client_ids_per_account: 2,
        client_ids_total: 10,
        ..LIMITS
    });
    let others = "b1 b2 b3 c1 c2 c3 c4";
    let words = || others.split_whitespace();
    words().for_each(|word| drop(exchange.send(&closed(word))));
    for n in 0..500 {
        exchange.send(&closed(&format!("a{n}")));
        assert!(
            words().all(|word| is_known(&exchange, &closed(word))),
            "after {n}"
        );
    }
    // Above their floors the others have one and two, so seven are left in the pool.
    let known = (0..500).filter(|n| is_known(&exchange, &closed(&format!("a{n}"))));
    assert_eq!(known.collect::<Vec<u32>>(), (491..500).collect::<Vec<u32>>());
}

/// However little is kept, and in whatever order things come: what carried a `valid_until` is not carried out again.
#[test]
fn no_request_is_carried_out_twice_before_its_valid_until() {
    for keep in 0..4 {
        let mut exchange = Exchange::begun(Limits {
            client_ids_per_account: keep,
            client_ids_total: keep,
            ..LIMITS
        });
        let order = |n: u64, until: Nanos| {
            let Command::NewOrder(mut order) = closed(&format!("a{n}")) else {
                unreachable!("an order is an order")
            };
            order.valid_until = until;
            Command::NewOrder(order)
        };
        let mut sent = Vec::new();
        for n in 0..60u64 {
            let until = Nanos(exchange.next_timestamp().0 + 1_000_000 * (n * 7 % 40 + 1));
            let command = order(n, until);
            let said = exchange.bodies(&command);
            if matches!(said[0], EventBody::OrderAccepted(_)) {
                sent.push(command);
            }
            for command in &sent {
                let said = exchange.clone().bodies(command);
                assert!(
                    !matches!(said[0], EventBody::OrderAccepted(_)),
                    "{command:?} is carried out twice"
                );
            }
        }
        // And one that is valid for longer than all that were forgotten is let in.
        let furthest = Nanos(exchange.next_timestamp().0 + NewOrder::MAX_VALIDITY.0);
        let said = exchange.bodies(&order(100, furthest));
        assert!(matches!(said[0], EventBody::OrderAccepted(_)), "{said:?}");
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
    exchange.send(&common::cancel_all(0));
    assert!(!live.iter().any(|order| is_known(&exchange, order)));
}

#[test]
fn ids_that_come_and_go_for_long_are_still_told_apart() {
    let keep = 20;
    let mut exchange = Exchange::begun(Limits {
        client_ids_per_account: keep,
        client_ids_total: 0,
        ..LIMITS
    });
    let order = |n: u32| closed(&format!("a{n}"));
    for n in 0..2_000 {
        exchange.send(&order(n));
        assert!(is_known(&exchange, &order(n.saturating_sub(keep - 1))));
        assert!(n < keep || !is_known(&exchange, &order(n - keep)));
    }
}
