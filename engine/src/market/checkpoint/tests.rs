//! Slices of the walk: together they cover everything, each costs what it may, and nothing holds them up.

extern crate std;

use alloc::vec::Vec;

use hoga_protocol::{AccountName, Genesis, Limits, Nanos, NewOrder, OpenAccount, TimeInForce};

use super::*;
use crate::digest::EventsDigest;
use crate::engine::Engine;
use crate::market::tests::{changes, engine, kept, order, spec};

/// An item at its longest: an order and its client order id, or an instrument's record.
const LONGEST_ITEM: usize = 200;

struct Slice {
    digest: [u8; 16],
    covered: usize,
}

/// One checkpoint's walk, without the things that every checkpoint covers.
fn slice(market: &mut Market) -> Slice {
    let mut digest = StateDigest::new();
    market.checks.cursor = market.digest_slice(&mut digest);
    let covered = digest.covered;
    assert!(covered <= SLICE as usize * LONGEST_ITEM, "{covered} bytes");
    Slice {
        digest: digest.finish(),
        covered,
    }
}

/// All slices of a round that begins here.
fn round(market: &mut Market) -> Vec<Slice> {
    let mut slices = std::vec![slice(market)];
    while market.checks.cursor != Cursor::START {
        slices.push(slice(market));
        assert!(
            slices.len() < 100_000,
            "the walk stands still at {:?}",
            market.checks.cursor
        );
    }
    slices
}

fn digests(market: &mut Market) -> Vec<[u8; 16]> {
    round(market).into_iter().map(|slice| slice.digest).collect()
}

/// With so many instruments and accounts, and these orders.
fn market(instruments: u32, accounts: u32, orders: impl IntoIterator<Item = NewOrder>) -> Market {
    let settings = engine().market.expect("begun").settings;
    let genesis = Genesis {
        limits: Limits {
            max_open_orders: 200_000,
            max_open_orders_per_account: 200_000,
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
    commands.extend((0..accounts).map(|number| {
        Command::OpenAccount(OpenAccount {
            account: AccountId(number),
            name: AccountName::new(&std::format!("account-{number}")).expect("a name"),
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

/// Orders of every kind of place: levels of one and of few, one longer than a slice, on both sides of two instruments.
fn crowd() -> Vec<NewOrder> {
    let mut orders = Vec::new();
    for instrument in [0, 2] {
        for (side, price, count) in [
            (Side::Buy, 100, 3),
            (Side::Buy, 50, 50),
            (Side::Buy, 2, 1),
            (Side::Sell, 101, 15),
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

/// Closed ids of this account, so many.
fn closed(account: u32, count: u32) -> impl Iterator<Item = NewOrder> {
    (0..count).map(move |number| NewOrder {
        time_in_force: TimeInForce::Ioc,
        ..order(account, Side::Buy, 1, &std::format!("id-{number}"))
    })
}

#[test]
fn no_order_level_or_instrument_stands_outside_a_round() {
    let mut market = market(4, 2, crowd());
    let before = digests(&mut market);
    assert!(before.len() > 7, "{} slices are no round", before.len());
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
fn no_account_and_no_closed_id_stands_outside_a_round() {
    let orders = closed(0, 50)
        .chain(closed(1, 1))
        .chain(closed(3, 16))
        .chain(closed(4, 15));
    let mut market = market(1, 40, orders);
    let before = digests(&mut market);
    for account in (0..40).map(AccountId) {
        let good = market.accounts.standing(account);
        let changed = crate::accounts::Standing {
            max_open_orders: 7,
            ..good
        };
        market.accounts.set_standing(account, changed);
        assert_ne!(digests(&mut market), before, "{account:?}");
        market.accounts.set_standing(account, good);
        let ids: Vec<u64> = market.client_ids.closed(account).map(|entry| entry.id).collect();
        for id in ids {
            market.client_ids.change(account, id, |entry| entry.terms ^= 1);
            assert_ne!(digests(&mut market), before, "{account:?}, id {id}");
            market.client_ids.change(account, id, |entry| entry.terms ^= 1);
        }
    }
    assert_eq!(digests(&mut market), before);
}

#[test]
fn no_field_can_change_without_a_checkpoint_of_the_round() {
    let say = |mut market: Market| {
        let mut said = Vec::new();
        let mut history = EventsDigest::new();
        for at in 0..6 {
            let sequence = Sequence(100 + at);
            let previous = market.checks.last;
            let mut emit = |event: &Event| said.push(event.body);
            let mut out = Emitter::new(sequence, Nanos(7), &mut history, &mut emit);
            let checkpoint = Checkpoint { previous };
            market
                .checkpoint(sequence, &checkpoint, &mut out)
                .expect("carried out");
        }
        said
    };
    let market = engine().market.expect("begun");
    let before = say(market.clone());
    for (name, change) in changes().into_iter().chain(kept()) {
        let mut changed = market.clone();
        change(&mut changed);
        assert_ne!(say(changed), before, "{name}");
    }
}

#[test]
fn histories_that_differ_in_one_event_do_not_agree_at_the_next_checkpoint() {
    let say = |told: &[u64]| {
        let mut market = engine().market.expect("begun");
        let mut history = EventsDigest::new();
        let mut emit = |_: &Event| {};
        for &order in told {
            let mut out = Emitter::new(Sequence(50), Nanos(7), &mut history, &mut emit);
            out.last(EventBody::DuplicateOrder {
                order: OrderId(order),
            });
        }
        let mut out = Emitter::new(Sequence(100), Nanos(7), &mut history, &mut emit);
        let checkpoint = Checkpoint { previous: None };
        let answer = market.checkpoint(Sequence(100), &checkpoint, &mut out);
        answer.expect("carried out");
        market.checks.last
    };
    assert_eq!(say(&[1, 2]), say(&[1, 2]));
    assert_ne!(say(&[1, 2]), say(&[1, 3]));
    assert_ne!(say(&[1, 2]), say(&[2, 2]));
    assert_ne!(say(&[1, 2]), say(&[1]));
}

#[test]
fn much_of_one_kind_costs_a_checkpoint_no_more_than_its_slice() {
    let of_level = (0..100_000).map(|_| order(0, Side::Buy, 7, ""));
    for (what, mut market, items, each) in [
        // One item of each slice is the level again.
        ("one level", market(1, 1, of_level), 100_000, SLICE - 1),
        // The place of one item is left over in each.
        ("instruments", market(4_000, 1, []), 4_000, SLICE - 1),
        ("accounts", market(1, 4_000, []), 4_000, SLICE - 1),
        ("closed ids", market(1, 1, closed(0, 4_000)), 4_000, SLICE),
    ] {
        let slices = round(&mut market);
        let full = (items as usize).div_ceil(each as usize);
        assert!(
            (full..=full + 2).contains(&slices.len()),
            "{what}: {} slices instead of {full}",
            slices.len()
        );
        // And each is about as much as any other: the last items cost what the first ones do.
        let whole = &slices[1..full - 1];
        let most = whole.iter().map(|slice| slice.covered).max();
        let least = whole.iter().map(|slice| slice.covered).min();
        let spread = most.zip(least).map_or(0, |(most, least)| most - least);
        assert!(
            spread <= SLICE as usize * 4,
            "{what}: {least:?} to {most:?} bytes"
        );
    }
}

#[test]
fn a_level_whose_orders_keep_leaving_holds_nothing_up() {
    let orders = (0..2_000).map(|_| order(0, Side::Buy, 50, ""));
    let mut market = market(1, 1, orders.chain([order(0, Side::Buy, 40, "")]));
    slice(&mut market);
    for _ in 0..3 {
        let Cursor::Book(cursor) = market.checks.cursor else {
            break;
        };
        let Some(slot) = market.arena.orders.find(cursor.order) else {
            break;
        };
        assert_eq!(cursor.price, Ticks(50));
        let book = &mut market.instruments.known(InstrumentId(0)).book;
        book.remove(&mut market.arena, slot);
        market.close(slot, InstrumentId(0));
        slice(&mut market);
    }
    assert_eq!(
        market.checks.cursor,
        Cursor::START,
        "the rest of the level waits for the next round"
    );
}

#[test]
fn an_account_whose_ids_keep_being_forgotten_holds_nothing_up() {
    let mut market = market(1, 2, closed(0, 200));
    slice(&mut market);
    let Cursor::Account(AccountId(0), Some(id)) = market.checks.cursor else {
        panic!("{:?}", market.checks.cursor)
    };
    // The id was forgotten, and the account goes on trading under others.
    market
        .client_ids
        .change(AccountId(0), id, |entry| entry.account.0 = 1);
    slice(&mut market);
    assert_eq!(
        market.checks.cursor,
        Cursor::START,
        "the rest of the account waits for the next round"
    );
}

#[test]
fn an_order_that_moved_elsewhere_does_not_take_the_walk_along() {
    let orders = (0..600).map(|_| order(0, Side::Buy, 50, ""));
    let mut market = market(1, 1, orders.chain([order(0, Side::Buy, 60, "")]));
    slice(&mut market);
    let Cursor::Book(cursor) = market.checks.cursor else {
        panic!("{:?}", market.checks.cursor)
    };
    let slot = market.arena.orders.find(cursor.order);
    let slot = slot.expect("left off within the level");
    let book = &mut market.instruments.known(InstrumentId(0)).book;
    book.remove(&mut market.arena, slot);
    book.push(&mut market.arena, slot, Ticks(60));
    slice(&mut market);
    assert_eq!(market.checks.cursor, Cursor::START, "it goes on behind 50");
}
