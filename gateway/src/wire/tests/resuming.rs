//! Going on where a client left off.

use hoga_protocol::{AccountId, Lots, Sequence, Side, Ticks};
use hoga_views::{Role, ViewLimits};

use super::fixture::{EXCHANGE, Exchange, limit};
use crate::wire::{codes, ids, resume};

fn exchange(held: usize) -> Exchange {
    let mut exchange = Exchange::new(ViewLimits {
        executions: held,
        order_updates: held,
        account_floor: 1,
        ..ViewLimits::default()
    });
    for _ in 0..10 {
        let ask = exchange.rest(limit(1, Side::Sell, 50_000, 100));
        exchange.take(
            limit(0, Side::Buy, 50_000, 100),
            &[(ask, Ticks(50_000), Lots(100))],
        );
    }
    exchange
}

#[test]
fn an_execution_is_found_held_forgotten_or_unknown() {
    let exchange = exchange(8);
    let executions = exchange.views.executions();
    let (first, next) = (executions.first(), executions.next());
    assert_eq!(next, 20);
    let id = |number| {
        let at = executions.get(number).unwrap();
        ids::execution_uuid(EXCHANGE, at.sequence, at.index, at.role).to_string()
    };
    for number in first..next {
        assert_eq!(resume::execution_number(&id(number), &exchange.views), Ok(number));
    }
    // The very first trade was event 1 of command 7.
    let old = ids::execution_uuid(EXCHANGE, Sequence(7), 1, Role::Aggressor).to_string();
    let error = resume::execution_number(&old, &exchange.views).unwrap_err();
    assert!(
        error.is(codes::EXECUTION_TOO_OLD) && error.message.contains(&id(first)),
        "{error}"
    );
    let order = ids::order_uuid(EXCHANGE, hoga_protocol::OrderId(7)).to_string();
    for unknown in ["", "x", &order, "e1b724c2-5e61-4aba-8b8a-47d8a5a4f111"] {
        let error = resume::execution_number(unknown, &exchange.views).unwrap_err();
        assert!(error.is(codes::UNKNOWN_EXECUTION), "{unknown}: {error}");
    }
}

#[test]
fn order_updates_that_are_gone_are_not_passed_over_in_silence() {
    let exchange = exchange(8);
    let last = exchange.views.sequence();
    let number = |after| resume::update_number(AccountId(0), after, &exchange.views);
    assert_eq!(number((last, None)), Ok(exchange.views.updates().next()));
    let filled = number((last, Some(0))).unwrap();
    let update = exchange
        .views
        .updates()
        .of_account(AccountId(0), filled)
        .next()
        .unwrap();
    assert_eq!((update.sequence, update.index), (last, 1));
    let error = number((Sequence(6), None)).unwrap_err();
    assert!(
        error.is(codes::SEQUENCE_TOO_OLD) && error.message.contains("/api/v1/orders"),
        "{error}"
    );
    let error = number((last.next(), None)).unwrap_err();
    assert!(
        error.is(codes::INVALID_PARAMETER) && error.message.contains("yet to come"),
        "{error}"
    );
}
