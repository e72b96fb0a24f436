//! Going on where a client left off.

use hoga_protocol::{AccountId, Lots, Sequence, Side, Ticks};
use hoga_service::queries::{find_execution, first_update};
use hoga_views::{Role, ViewLimits, Views};

use super::fixture::{EXCHANGE, Exchange, limit};
use crate::codec::{ApiError, codes, ids};

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

/// The number of the execution that a text names.
fn number_of(id: &str, views: &Views) -> Result<u64, ApiError> {
    let execution = ids::parse_execution_id(id, EXCHANGE);
    Ok(find_execution(execution, None, views)?)
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
        assert_eq!(number_of(&id(number), &exchange.views), Ok(number));
    }
    // The very first trade was event 1 of command 7.
    let old = ids::execution_uuid(EXCHANGE, Sequence(7), 1, Role::Aggressor).to_string();
    let error = number_of(&old, &exchange.views).unwrap_err();
    assert!(
        error.is(codes::EXECUTION_TOO_OLD) && error.message.contains(&id(first)),
        "{error}"
    );
    let order = ids::order_uuid(EXCHANGE, hoga_protocol::OrderId(7)).to_string();
    for unknown in ["", "x", &order, "e1b724c2-5e61-4aba-8b8a-47d8a5a4f111"] {
        let error = number_of(unknown, &exchange.views).unwrap_err();
        assert!(error.is(codes::UNKNOWN_EXECUTION), "{unknown}: {error}");
    }
}

#[test]
fn order_updates_that_are_gone_are_not_passed_over_in_silence() {
    let exchange = exchange(8);
    let last = exchange.views.sequence();
    let number = |after| {
        let first = first_update(AccountId(0), after, &exchange.views);
        first.map_err(ApiError::from)
    };
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
