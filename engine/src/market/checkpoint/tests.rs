//! Shares of the walk: together they cover everything, each costs what it may, and nothing holds them up.

extern crate std;

use alloc::vec::Vec;

use hoga_protocol::{AccountId, AccountName, Genesis, Limits, Lots, Nanos, NewOrder, Notional, TradeSide};

use super::*;
use crate::engine::Engine;
use crate::market::tests::{changes, engine, order, spec};

/// An item at its longest: an order, and what was sent under its client order id.
const LONGEST_ITEM: usize = 200;

struct Share {
    digest: [u8; 16],
    covered: usize,
}

/// One checkpoint's walk, without the things that every checkpoint covers.
fn share(market: &mut Market) -> Share {
    let mut digest = StateDigest::new();
    market.checks.cursor = market.digest_share(&mut digest);
    let covered = digest.covered;
    assert!(covered <= SHARE as usize * LONGEST_ITEM, "{covered} bytes");
    Share {
        digest: digest.finish(),
        covered,
    }
}

/// All shares of a round that begins here.
fn round(market: &mut Market) -> Vec<Share> {
    let mut shares = std::vec![share(market)];
    while market.checks.cursor != Checks::NONE.cursor {
        shares.push(share(market));
    }
    shares
}

fn digests(market: &mut Market) -> Vec<[u8; 16]> {
    round(market).into_iter().map(|share| share.digest).collect()
}

/// With so many instruments, two accounts, and these orders.
fn market(instruments: u32, orders: impl IntoIterator<Item = NewOrder>) -> Market {
    let settings = engine().market.expect("begun").settings;
    let genesis = Genesis {
        limits: Limits {
            max_open_orders: 200_000,
            ..settings.limits
        },
        ..settings
    };
    let mut engine = Engine::new();
    let mut commands = std::vec![Command::Genesis(genesis)];
    commands.extend((0..instruments).map(|number| {
        let symbol = std::format!("S{number}");
        Command::DefineInstrument(spec(&symbol))
    }));
    commands.extend((0..2).map(|number| {
        Command::OpenAccount(OpenAccount {
            account: AccountId(number),
            name: AccountName::new(["a", "b"][number as usize]).expect("a name"),
        })
    }));
    commands.extend(orders.into_iter().map(Command::NewOrder));
    for (command, sequence) in commands.iter().zip(1..) {
        engine.apply(Sequence(sequence), Nanos(0), command, &mut |event| {
            assert!(!matches!(event.body, EventBody::Rejected(_)), "{event:?}");
        });
    }
    engine.market.expect("begun")
}

/// Orders of every kind of place: levels of one and of few, one longer than a share, on both sides of two instruments.
fn crowd() -> Vec<NewOrder> {
    let mut orders = Vec::new();
    for instrument in [0, 2] {
        for (side, price, count) in [
            (Side::Buy, 100, 3),
            (Side::Buy, 50, 700),
            (Side::Buy, 2, 1),
            (Side::Sell, 101, 255),
            (Side::Sell, 1_000, 1),
            (Side::Sell, 2_000_000, 4),
        ] {
            let at = InstrumentId(instrument);
            orders.extend((0..count).map(|_| NewOrder {
                instrument: at,
                ..order(0, side, price, "")
            }));
        }
    }
    orders
}

#[test]
fn no_order_and_no_level_stands_outside_a_round() {
    let mut market = market(4, crowd());
    let before = digests(&mut market);
    assert!(before.len() > 7, "{} shares are no round", before.len());
    let mut last_level = Slot::NONE;
    for number in 0..market.arena.orders.len() as u64 {
        let slot = market.arena.orders.find(OrderId(8 + number));
        let slot = slot.expect("orders follow four instruments and two accounts");
        market.arena.orders[slot].post_only = true;
        assert_ne!(digests(&mut market), before, "order {number}");
        market.arena.orders[slot].post_only = false;
        let level = market.arena.orders[slot].level;
        if level != last_level {
            let good = market.arena.levels[level];
            market.arena.levels[level].change(1, 0);
            assert_ne!(digests(&mut market), before, "the level of order {number}");
            market.arena.levels[level] = good;
            last_level = level;
        }
    }
    for number in (0..4).map(InstrumentId) {
        let fee = market.instruments.known(number).spec.taker_fee;
        market.instruments.known(number).spec.taker_fee.0 += 1;
        assert_ne!(digests(&mut market), before, "{number:?}");
        market.instruments.known(number).spec.taker_fee = fee;
    }
    assert_eq!(digests(&mut market), before);
}

#[test]
fn no_field_can_change_without_a_checkpoint_of_the_round() {
    let say = |mut market: Market| {
        let mut said = Vec::new();
        for at in 0..3 {
            let sequence = Sequence(100 + at);
            let previous = market.checks.last;
            let mut emit = |event: &Event| said.push(event.body);
            let mut out = Emitter::new(sequence, Nanos(7), &mut emit);
            let checkpoint = Checkpoint { previous };
            market
                .checkpoint(sequence, &checkpoint, &mut out)
                .expect("carried out");
        }
        said
    };
    let market = engine().market.expect("begun");
    let before = say(market.clone());
    for (name, change) in changes() {
        let mut changed = market.clone();
        change(&mut changed);
        assert_ne!(say(changed), before, "{name}");
    }
}

#[test]
fn a_hundred_thousand_orders_at_one_price_cost_a_checkpoint_no_more_than_its_share() {
    let count = 100_000usize;
    let mut market = market(1, (0..count).map(|_| order(0, Side::Buy, 7, "")));
    let shares = round(&mut market);
    let full = count.div_ceil(SHARE as usize - 1);
    assert_eq!(shares.len(), full, "shares of {} orders", SHARE - 1);
    // And each is about as much as any other: the last orders of the queue cost what the first ones do.
    let most = shares.iter().map(|share| share.covered).max();
    let least = shares[..full - 1].iter().map(|share| share.covered).min();
    assert_eq!(most, least);
}

#[test]
fn instruments_without_orders_cost_a_checkpoint_no_more_than_its_share() {
    let mut market = market(4_000, []);
    let shares = round(&mut market);
    // The place of one order is left over in each.
    assert_eq!(shares.len(), 4_000usize.div_ceil(SHARE as usize - 1));
}

#[test]
fn a_level_whose_orders_keep_leaving_holds_nothing_up() {
    let orders = (0..2_000).map(|_| order(0, Side::Buy, 50, ""));
    let mut market = market(1, orders.chain([order(0, Side::Buy, 40, "")]));
    let mut shares = 0;
    loop {
        share(&mut market);
        shares += 1;
        let cursor = market.checks.cursor;
        let Some(slot) = market.arena.orders.find(cursor.order) else {
            break;
        };
        assert_eq!(cursor.price, Ticks(50));
        let book = &mut market.instruments.known(InstrumentId(0)).book;
        book.remove(&mut market.arena, slot);
        market.close(slot, InstrumentId(0));
    }
    assert_eq!(shares, 2, "the rest of the level waits for the next round");
    assert_eq!(market.checks.cursor, Checks::NONE.cursor);
}

#[test]
fn an_order_that_moved_elsewhere_does_not_take_the_walk_along() {
    let orders = (0..600).map(|_| order(0, Side::Buy, 50, ""));
    let mut market = market(1, orders.chain([order(0, Side::Buy, 60, "")]));
    share(&mut market);
    let cursor = market.checks.cursor;
    let slot = market
        .arena
        .orders
        .find(cursor.order)
        .expect("left off within the level");
    let book = &mut market.instruments.known(InstrumentId(0)).book;
    book.remove(&mut market.arena, slot);
    book.push(&mut market.arena, slot, Ticks(60));
    share(&mut market);
    assert_eq!(market.checks.cursor, Checks::NONE.cursor, "it goes on behind 50");
}

#[test]
fn a_difference_of_one_trade_is_never_lost_from_the_tape() {
    let side = |order, fee| TradeSide {
        order: OrderId(order),
        account: AccountId(0),
        leaves: Lots(0),
        fee: Notional(fee),
    };
    let trade = Trade {
        instrument: InstrumentId(0),
        aggressor_side: Side::Buy,
        price: Ticks(100),
        quantity: Lots(5),
        aggressor: side(9, 3),
        resting: side(8, -2),
    };
    let changed: [fn(&mut Trade); 6] = [
        |trade| trade.aggressor.order.0 += 1,
        |trade| trade.resting.order.0 += 1,
        |trade| trade.price.0 += 1,
        |trade| trade.quantity.0 += 1,
        |trade| trade.aggressor.fee.0 += 1,
        |trade| trade.resting.fee.0 += 1,
    ];
    let mut tapes = std::vec![Tape(0); changed.len() + 1];
    tapes[0].trade(&trade);
    for (tape, change) in tapes[1..].iter_mut().zip(changed) {
        let mut other = trade;
        change(&mut other);
        tape.trade(&other);
    }
    for _ in 0..1_000 {
        let mut values: Vec<u64> = tapes.iter().map(|tape| tape.0).collect();
        values.sort_unstable();
        assert!(values.is_sorted_by(|one, other| one < other), "{values:?}");
        tapes.iter_mut().for_each(|tape| tape.trade(&trade));
    }
}
