//! What one command does at most, however full the books are: counted by its events.

mod common;

use common::{limit, named};
use hoga_engine::Engine;
use hoga_protocol::*;

const ORDERS: u32 = 200_000;
const LEVELS_OF_A_SIDE: u32 = 10_000;
const TOUCHED: u32 = 1_000;
/// The first ask; bids are below it.
const MIDDLE: i64 = 20_000;
/// Who has all orders.
const HOLDER: u32 = 0;

/// An exchange whose books are full: ten orders of one lot at each of 20,000 prices, all of one account, whose limit was
/// raised.
fn full() -> Engine {
    let mut engine = Engine::new();
    let limits = Limits {
        max_accounts: 10,
        max_open_orders: ORDERS,
        max_open_orders_per_account: 10,
        max_touched_orders: TOUCHED,
        ..Limits::default()
    };
    let mut opening = vec![
        common::genesis(limits),
        Command::DefineInstrument(common::spec("X", [1, Lots::MAX.0], 0, [200, 500])),
    ];
    opening.extend((0..2).map(common::open_next));
    opening.push(common::administer(common::limit_account(HOLDER, ORDERS)));
    opening.extend((0..ORDERS).map(|number| {
        let place = i64::from(number / 2 % LEVELS_OF_A_SIDE);
        let (side, price) = match number % 2 {
            0 => (Side::Buy, MIDDLE - 1 - place),
            _ => (Side::Sell, MIDDLE + place),
        };
        named(limit(side, price, 1), HOLDER, "")
    }));
    for command in &opening {
        let said = said(&mut engine, command);
        assert!(!matches!(said[..], [EventBody::Rejected(_)]), "{said:?}");
    }
    assert_eq!(engine.open_orders(), ORDERS as usize);
    for side in [Side::Buy, Side::Sell] {
        let levels = engine.levels(InstrumentId(0), side);
        assert_eq!(levels.count(), LEVELS_OF_A_SIDE as usize);
    }
    engine
}

fn said(engine: &mut Engine, command: &Command) -> Vec<EventBody> {
    let mut said = Vec::new();
    let sequence = engine.last_sequence().next();
    engine.apply(sequence, Nanos(0), command, &mut |event| said.push(event.body));
    said
}

/// Whoever takes `quantity`, at any price.
fn taker(side: Side, quantity: u64, time_in_force: TimeInForce, at_market: bool) -> Command {
    let price = if side == Side::Buy { Ticks::MAX.0 } else { 1 };
    let mut order = limit(side, price, quantity);
    order.time_in_force = time_in_force;
    if at_market {
        (order.order_type, order.price) = (OrderType::Market, Ticks(0));
    }
    named(order, 1, "")
}

/// Every kind of command at its most, and how many orders it touches then. They are sent one after another.
fn commands(engine: &Engine) -> Vec<(&'static str, Command, u32)> {
    use TimeInForce::{Fok, Gtc, Ioc};
    let (most, more) = (u64::from(TOUCHED), u64::from(TOUCHED) + 1);
    let replaced = engine.orders(InstrumentId(0), Side::Buy).last();
    let replace = Command::ReplaceOrder(ReplaceOrder {
        account: AccountId(HOLDER),
        order: replaced.expect("a bid").order,
        price: Some(Ticks::MAX),
        quantity: Some(Lots(1_000_000)),
    });
    let mass = CancelAll::MAX_ORDERS;
    vec![
        (
            "a FOK that all cannot fill",
            taker(Side::Buy, 10_000_000, Fok, false),
            0,
        ),
        (
            "a FOK that needs nearly all",
            taker(Side::Buy, 99_000, Fok, false),
            0,
        ),
        (
            "a FOK one beyond the bound",
            taker(Side::Buy, more, Fok, false),
            0,
        ),
        ("a FOK at the bound", taker(Side::Buy, most, Fok, false), TOUCHED),
        (
            "a market FOK beyond the bound",
            taker(Side::Sell, more, Fok, true),
            0,
        ),
        ("a market order", taker(Side::Sell, 50_000, Ioc, true), TOUCHED),
        ("an IOC", taker(Side::Buy, 50_000, Ioc, false), TOUCHED),
        ("a limit order", taker(Side::Sell, 50_000, Gtc, false), TOUCHED),
        ("a replace", replace, TOUCHED),
        ("a cancel of many", common::cancel_all(HOLDER), mass),
        (
            "a cancel of an instrument",
            common::administer(common::cancel_instrument(0)),
            mass,
        ),
        ("a checkpoint", common::checkpoint(engine), 0),
        (
            "a change of limits",
            common::administer(common::limit_account(HOLDER, 1)),
            0,
        ),
        (
            "a leap of time",
            common::administer(common::accept_clock(1 << 60)),
            0,
        ),
        ("an account", common::open_next(2), 0),
    ]
}

#[test]
fn no_command_touches_more_orders_than_it_may() {
    let mut engine = full();
    for (what, command, touched) in commands(&engine) {
        let before = engine.open_orders();
        let said = said(&mut engine, &command);
        assert_eq!(engine.most_events(), u64::from(TOUCHED) + 2);
        assert!(
            said.len() as u64 <= engine.most_events(),
            "{what}: {} events",
            said.len()
        );
        let count = |is_it: fn(&EventBody) -> bool| said.iter().filter(|body| is_it(body)).count();
        let trades = count(|body| matches!(body, EventBody::Trade(_)));
        let canceled =
            count(|body| matches!(body, EventBody::OrderCanceled(canceled) if canceled.was_resting));
        assert_eq!(trades + canceled, touched as usize, "{what}: {:?}", said.last());
        // The order of a replace has left too.
        let left = before - engine.open_orders();
        assert!(
            left.abs_diff(touched as usize) <= 1,
            "{what}: {left} orders left the books"
        );
        if touched == TOUCHED && what != "a FOK at the bound" {
            let last = said.last();
            let at_the_bound = matches!(
                last,
                Some(EventBody::OrderCanceled(OrderCanceled {
                    was_resting: false,
                    reason: CancelReason::TouchLimit,
                    ..
                }))
            );
            assert!(at_the_bound, "{what}: {last:?}");
        }
    }
    assert!(
        engine.most_moved() <= 32,
        "{} entries were moved",
        engine.most_moved()
    );
}
