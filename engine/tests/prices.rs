//! Prices far apart, markets that leap, and instruments that sleep: right, and in bounded memory.

mod common;

use allocation_counter::measure;
use common::{Exchange, LIMITS, limit, named, spec};
use hoga_engine::Engine;
use hoga_protocol::*;

/// With instrument `X` of any quantity that costs no fees, and accounts 0 to 2.
fn exchange(max_open_orders: u32) -> Exchange {
    let mut exchange = Exchange::new();
    exchange.send(&common::genesis(Limits {
        max_open_orders,
        max_open_orders_per_account: max_open_orders,
        max_instruments: 10_001,
        ..LIMITS
    }));
    exchange.send(&Command::DefineInstrument(spec("X", [1, Lots::MAX.0], 0, [0, 0])));
    for number in 0..3 {
        exchange.send(&common::open(number, &format!("account-{number}")));
    }
    exchange
}

/// As [`Exchange::send`] without a look at the whole book after it, for books that are large.
fn send(exchange: &mut Exchange, command: &Command) -> Vec<EventBody> {
    exchange.sequence = exchange.sequence.next();
    let mut said = Vec::new();
    let mut emit = |event: &Event| said.push(event.body);
    exchange
        .engine
        .apply(exchange.sequence, Nanos(0), command, &mut emit);
    said
}

fn trades(said: &[EventBody]) -> Vec<(i64, u64)> {
    let trade = |body: &EventBody| match body {
        EventBody::Trade(trade) => Some((trade.price.0, trade.quantity.0)),
        _ => None,
    };
    said.iter().filter_map(trade).collect()
}

fn prices(engine: &Engine, side: Side) -> Vec<i64> {
    let levels = engine.levels(InstrumentId(0), side);
    levels.map(|level| level.price.0).collect()
}

#[test]
fn orders_a_billion_ticks_apart_are_neighbours() {
    let mut exchange = exchange(1_000);
    let ladder: Vec<i64> = (0..=40).map(|power| 1 << power).collect();
    for &price in ladder.iter().rev() {
        exchange.send(&named(limit(Side::Sell, price, 1), 0, ""));
    }
    assert_eq!(prices(&exchange.engine, Side::Sell), ladder);
    let said = exchange.bodies(&named(limit(Side::Buy, 1 << 30, 31), 1, ""));
    let expected: Vec<(i64, u64)> = ladder[..=30].iter().map(|&price| (price, 1)).collect();
    assert_eq!(trades(&said), expected);
    assert_eq!(prices(&exchange.engine, Side::Sell), ladder[31..]);

    for &price in &ladder[..30] {
        exchange.send(&named(limit(Side::Buy, price, 1), 1, ""));
    }
    let said = exchange.bodies(&named(limit(Side::Sell, 1, 40), 2, ""));
    let expected: Vec<(i64, u64)> = ladder[..30].iter().rev().map(|&price| (price, 1)).collect();
    assert_eq!(trades(&said), expected);
    assert_eq!(prices(&exchange.engine, Side::Buy), [] as [i64; 0]);
    assert_eq!(
        exchange.engine.best(InstrumentId(0), Side::Sell),
        Some((Ticks(1), Lots(10), 1))
    );
}

#[test]
fn a_market_that_swings_over_all_prices_leaves_nothing_behind() {
    let mut exchange = exchange(1_000);
    let mut live = std::collections::VecDeque::new();
    let grown = measure(|| {
        for step in 0..60_000u64 {
            // Up to the highest price and down again, a few hundred times, in steps of ever another size.
            let wave = (step * (step % 977 + 1) * 9_001) % (2 << 40);
            let price = 1 + wave.min((2 << 40) - 1 - wave) as i64;
            let side = if step % 2 == 0 { Side::Buy } else { Side::Sell };
            let said = send(
                &mut exchange,
                &named(limit(side, price.min(Ticks::MAX.0), 3), (step % 3) as u32, ""),
            );
            assert!(matches!(said[0], EventBody::OrderAccepted(_)), "{said:?}");
            live.push_back(exchange.sequence.0);
            if live.len() > 300 {
                let order = OrderId(live.pop_front().unwrap());
                if let Some(resting) = exchange.engine.order(order) {
                    let account = resting.account;
                    send(
                        &mut exchange,
                        &Command::CancelOrder(CancelOrder { account, order }),
                    );
                }
            }
            if step % 500 == 0 {
                common::check_books(&exchange.engine);
            }
        }
    });
    assert!(
        grown.bytes_current < 100_000,
        "the book keeps {} bytes",
        grown.bytes_current
    );
    for account in (0..3).map(AccountId) {
        while send(
            &mut exchange,
            &Command::CancelAll(CancelAll {
                account,
                instrument: None,
                before: None,
            }),
        )
        .len()
            > 1
        {}
    }
    assert_eq!(exchange.engine.open_orders(), 0);
    assert_eq!(
        prices(&exchange.engine, Side::Buy).len() + prices(&exchange.engine, Side::Sell).len(),
        0
    );
}

#[test]
fn a_crash_through_ten_thousand_levels_fills_each_at_its_own_price() {
    let mut exchange = exchange(20_000);
    let at = |level: i64| 1_000_000 - level * level;
    for level in 0..1_000 {
        send(&mut exchange, &named(limit(Side::Buy, at(level), 1), 0, ""));
    }
    for level in 0..9_000 {
        send(
            &mut exchange,
            &named(limit(Side::Buy, 2_000_000 + level, 1), 0, ""),
        );
    }
    let mut crash = limit(Side::Sell, 0, 10_000);
    (crash.order_type, crash.time_in_force) = (OrderType::Market, TimeInForce::Fok);
    let said = send(&mut exchange, &named(crash, 1, ""));
    let upper = (0..9_000).rev().map(|level| (2_000_000 + level, 1));
    let expected: Vec<(i64, u64)> = upper.chain((0..1_000).map(|level| (at(level), 1))).collect();
    assert_eq!(trades(&said), expected);
    assert_eq!(exchange.engine.best(InstrumentId(0), Side::Buy), None);
}

/// An order costs its line in the slab and its share of the tables; an instrument that sleeps costs its settings and
/// what its few orders need.
#[test]
fn instruments_that_sleep_cost_next_to_nothing() {
    let mut exchange = exchange(50_000);
    let grown = measure(|| {
        for number in 1..=10_000u32 {
            let symbol = format!("S{number}");
            send(
                &mut exchange,
                &Command::DefineInstrument(spec(&symbol, [1, 9], 0, [0, 0])),
            );
        }
    });
    let each = grown.bytes_current / 10_000;
    assert!(each < 700, "an instrument without orders costs {each} bytes");
    let grown = measure(|| {
        for number in 1..=9_900u32 {
            for (side, price) in [(Side::Buy, 5_000), (Side::Sell, 900_000_000)] {
                let mut order = limit(side, price, 1);
                order.instrument = InstrumentId(number);
                send(&mut exchange, &named(order, number % 3, ""));
            }
        }
    });
    assert_eq!(exchange.engine.open_orders(), 19_800);
    // Two leaves and the node above them, in room that was set aside for the orders allowed; lanes of accounts.
    let each = grown.bytes_current / 9_900;
    assert!(
        each < 300,
        "an instrument with two orders a billion ticks apart costs {each} bytes more"
    );
    common::check_books(&exchange.engine);
}
