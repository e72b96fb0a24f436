//! One cancel of many does a bounded share, and says whether another is needed.

mod common;

use common::{Exchange, LIMITS, limit, named};
use hoga_protocol::*;

fn ids(bodies: &[EventBody]) -> Vec<u64> {
    let canceled = |body: &EventBody| match body {
        EventBody::OrderCanceled(canceled) => Some(canceled.order.0),
        _ => None,
    };
    bodies.iter().filter_map(canceled).collect()
}

#[test]
fn a_cancel_of_many_neither_does_more_than_its_share_nor_forgets_the_rest() {
    let most = u64::from(CancelAll::MAX_ORDERS);
    for (orders, shares) in [
        (most - 1, vec![most - 1]),
        (most, vec![most]),
        (most + 1, vec![most, 1]),
        (2 * most + 3, vec![most, most, 3]),
    ] {
        let mut exchange = Exchange::begun(LIMITS);
        let first = exchange.sequence.next().0;
        // Every order of the account that is canceled stands between two that are not.
        for n in 0..orders {
            let price = 1 + i64::try_from(n % 7).unwrap();
            exchange.send(&named(limit(Side::Buy, price, 1), 0, ""));
            if n < 10 {
                exchange.send(&named(limit(Side::Buy, price, 1), 1, ""));
                let mut other = limit(Side::Sell, 50, 1);
                other.instrument = InstrumentId(1);
                exchange.send(&named(other, 0, ""));
            }
        }
        let all = exchange.engine.open_orders();
        let mut canceled = Vec::new();
        for (at, share) in shares.iter().enumerate() {
            let bodies = exchange.bodies(&Command::CancelAll(CancelAll {
                account: AccountId(0),
                instrument: Some(InstrumentId(0)),
                before: None,
            }));
            canceled.extend(ids(&bodies));
            let done = EventBody::MassCancelDone(MassCancelDone {
                account: AccountId(0),
                canceled: u32::try_from(*share).unwrap(),
                more: at + 1 < shares.len(),
            });
            assert_eq!(bodies.last(), Some(&done), "{orders} orders");
        }
        assert_eq!(canceled.len() as u64, orders);
        assert_eq!(canceled[0], first);
        assert!(canceled.is_sorted(), "the oldest go first");
        assert_eq!(exchange.engine.open_orders(), all - canceled.len());
    }
}

#[test]
fn a_share_that_goes_on_spares_what_was_placed_meanwhile() {
    let mut exchange = Exchange::begun(LIMITS);
    let old = exchange.sequence.next().0;
    exchange.send(&named(limit(Side::Buy, 5, 1), 0, ""));
    let before = exchange.sequence.next();
    exchange.send(&named(limit(Side::Buy, 5, 1), 0, ""));
    let bodies = exchange.bodies(&Command::CancelAll(CancelAll {
        account: AccountId(0),
        instrument: None,
        before: Some(before),
    }));
    assert_eq!(ids(&bodies), [old]);
    let done = EventBody::MassCancelDone(MassCancelDone {
        account: AccountId(0),
        canceled: 1,
        more: false,
    });
    assert_eq!(bodies.last(), Some(&done));
}
