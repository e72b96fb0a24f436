//! The digests: their exact form, and that nothing an outcome depends on is left out of the state's.

mod common;

use std::collections::BTreeMap;

use common::{Exchange, LIMITS, apply, genesis, limit, named, open, spec};
use hoga_engine::{Engine, EventsDigest};
use hoga_protocol::*;

/// Expected values come from a separate implementation of SipHash-2-4-128 with a key of zeros, over bytes laid out by
/// hand, so that another program can compare its own.
#[test]
fn the_form_of_a_digest_does_not_drift() {
    let hex = |bytes: [u8; 16]| bytes.map(|byte| format!("{byte:02x}")).concat();
    let event = Event {
        sequence: Sequence(7),
        timestamp: Nanos(9),
        index: 0,
        last: true,
        body: EventBody::DuplicateOrder { order: OrderId(3) },
    };
    let mut digest = EventsDigest::new();
    assert_eq!(hex(digest.finish()), "5049d74780a3e07d4202ab47d4cef2f4");
    digest.push(&event);
    assert_eq!(hex(digest.finish()), "24df9db8b88747e4fbd98d2d6afeca3f");
    digest.push(&event);
    assert_eq!(hex(digest.finish()), "d103777205fada286a8e6dd6a7da4b0a");
    assert_eq!(
        hex(Engine::new().state_digest()),
        "42f8d129b1137b764a0357c3ad578140"
    );
}

/// The order that is sent first in a script has this id.
const FIRST: u64 = 7;

fn replace(order: u64, price: i64, quantity: u64) -> Command {
    Command::ReplaceOrder(ReplaceOrder {
        account: AccountId(0),
        order: OrderId(order),
        price: Some(Ticks(price)),
        quantity: Some(Lots(quantity)),
    })
}

fn cancel(order: u64) -> Command {
    Command::CancelOrder(CancelOrder {
        account: AccountId(0),
        order: OrderId(order),
    })
}

/// Is refused, so that scripts end at one sequence and time.
fn nothing() -> Command {
    cancel(1)
}

fn buy(price: i64, quantity: u64, id: &str) -> Command {
    named(limit(Side::Buy, price, quantity), 0, id)
}

fn sell(price: i64, quantity: u64, account: u32) -> Command {
    named(limit(Side::Sell, price, quantity), account, "")
}

/// Scripts whose outcomes differ in one thing each, often one that no book shows.
fn scripts() -> Vec<(&'static str, Vec<Command>)> {
    let with = |change: fn(&mut NewOrder)| {
        let mut order = limit(Side::Buy, 100, 5);
        change(&mut order);
        vec![Command::NewOrder(order), nothing(), nothing(), nothing()]
    };
    let (a, b) = (FIRST, FIRST + 1);
    let two = |rest: [Command; 2]| {
        let [third, fourth] = rest;
        vec![buy(100, 5, "a"), buy(100, 5, "b"), third, fourth]
    };
    vec![
        ("no order", vec![nothing(), nothing(), nothing(), nothing()]),
        ("an order", with(|_| {})),
        ("its side", with(|order| order.side = Side::Sell)),
        ("its price", with(|order| order.price = Ticks(101))),
        ("its quantity", with(|order| order.quantity = Lots(6))),
        ("its account", with(|order| order.account = AccountId(1))),
        ("its instrument", with(|order| order.instrument = InstrumentId(1))),
        ("post-only", with(|order| order.post_only = true)),
        ("its client order id", {
            let id = |order: &mut NewOrder| order.client_order_id = ClientOrderId::new("a").unwrap();
            with(id)
        }),
        ("its id", vec![nothing(), buy(100, 5, ""), nothing(), nothing()]),
        (
            "another first body of the same terms",
            vec![buy(100, 6, "a"), replace(a, 100, 5), nothing(), nothing()],
        ),
        ("two in a queue", two([nothing(), nothing()])),
        (
            "the queue the other way round",
            two([replace(a, 101, 5), replace(a, 100, 5)]),
        ),
        ("two closed ids", two([cancel(a), cancel(b)])),
        ("closed the other way round", two([cancel(b), cancel(a)])),
        (
            "what is filled",
            vec![buy(100, 9, ""), sell(100, 4, 1), nothing(), nothing()],
        ),
        (
            "the fee of a maker",
            vec![nothing(), buy(100, 9, ""), sell(100, 4, 1), nothing()],
        ),
        (
            "the fee of a taker",
            vec![sell(100, 4, 1), buy(100, 9, ""), nothing(), nothing()],
        ),
        ("the first of two filled in part", filled(true)),
        ("the second of two filled in part", filled(false)),
    ]
}

/// Two orders of one total in one queue, and one of them filled in part, where fills cost nothing: nothing but
/// `filled` tells which.
fn filled(first: bool) -> Vec<Command> {
    let free = |command: Command| match command {
        Command::NewOrder(mut order) => {
            order.instrument = InstrumentId(2);
            Command::NewOrder(order)
        }
        other => other,
    };
    let to_the_back = |order| [replace(order, 101, 9), replace(order, 100, 9)];
    let (a, b) = (FIRST + 1, FIRST + 2);
    let mut script = vec![
        Command::DefineInstrument(spec("free", [1, 9], 0, [0, 0])),
        buy(100, 9, ""),
        buy(100, 9, ""),
    ];
    if first {
        script.extend([sell(100, 4, 1), nothing(), nothing(), nothing(), nothing()]);
    } else {
        script.extend(to_the_back(a));
        script.push(sell(100, 4, 1));
        script.extend(to_the_back(b));
    }
    script.into_iter().map(free).collect()
}

/// What a checkpoint would answer now; all that the scripts bring about is less than its share.
fn checked(engine: &Engine) -> Option<[u8; 16]> {
    let (mut engine, command) = (engine.clone(), common::checkpoint(engine));
    let (sequence, now) = (engine.last_sequence().next(), engine.now());
    match apply(&mut engine, sequence, now, &command)[0].body {
        EventBody::Checkpointed(checkpointed) => Some(checkpointed.digest),
        _ => None,
    }
}

#[test]
fn no_part_of_the_state_is_left_out_of_its_digests() {
    let mut seen: BTreeMap<[u8; 16], &str> = BTreeMap::new();
    let mut seen_checked: BTreeMap<[u8; 16], &str> = BTreeMap::new();
    let mut add = |name, engine: &Engine| {
        if let Some(other) = seen.insert(engine.state_digest(), name) {
            panic!("the digest does not tell {name:?} from {other:?}");
        }
        let checked = checked(engine);
        assert_eq!(checked.is_none(), name == "before genesis");
        if let Some(other) = checked.and_then(|digest| seen_checked.insert(digest, name)) {
            panic!("the next checkpoint does not tell {name:?} from {other:?}");
        }
    };
    for (name, script) in scripts() {
        let mut exchange = Exchange::begun(LIMITS);
        assert_eq!(exchange.sequence.next(), Sequence(FIRST));
        script.iter().for_each(|command| drop(exchange.send(command)));
        add(name, &exchange.engine);
    }
    let settings = |change: fn(&mut Genesis)| {
        let Command::Genesis(mut settings) = genesis(LIMITS) else {
            unreachable!("genesis is a genesis")
        };
        change(&mut settings);
        Command::Genesis(settings)
    };
    for (name, command) in [
        ("genesis", settings(|_| {})),
        ("the exchange id", settings(|genesis| genesis.exchange.0 += 1)),
        ("the hash key", settings(|genesis| genesis.hash_key[1] += 1)),
        (
            "max_instruments",
            settings(|genesis| genesis.limits.max_instruments += 1),
        ),
        (
            "max_accounts",
            settings(|genesis| genesis.limits.max_accounts += 1),
        ),
        (
            "max_open_orders",
            settings(|genesis| genesis.limits.max_open_orders += 1),
        ),
        (
            "client_ids_per_account",
            settings(|genesis| genesis.limits.client_ids_per_account += 1),
        ),
        (
            "client_ids_total",
            settings(|genesis| genesis.limits.client_ids_total += 1),
        ),
        ("before genesis", nothing()),
    ] {
        let mut exchange = Exchange::new();
        exchange.send(&command);
        add(name, &exchange.engine);
    }
    let defined =
        |symbol, quantity, notional, fees| Command::DefineInstrument(spec(symbol, quantity, notional, fees));
    for (name, command) in [
        ("an instrument", defined("X", [1, 9], 0, [1, 2])),
        ("its symbol", defined("Y", [1, 9], 0, [1, 2])),
        ("its minimum", defined("X", [2, 9], 0, [1, 2])),
        ("its maximum", defined("X", [1, 8], 0, [1, 2])),
        ("its notional", defined("X", [1, 9], 1, [1, 2])),
        ("its maker fee", defined("X", [1, 9], 0, [2, 2])),
        ("its taker fee", defined("X", [1, 9], 0, [1, 3])),
        ("an account", open(0, "a")),
        ("its name", open(0, "b")),
    ] {
        let mut exchange = Exchange::new();
        exchange.send(&genesis(LIMITS));
        exchange.send(&command);
        add(name, &exchange.engine);
    }
    for (name, sequence, timestamp) in [("a time", 1, 5), ("another time", 1, 6), ("a sequence", 2, 5)] {
        let mut engine = Engine::new();
        apply(
            &mut engine,
            Sequence(sequence),
            Nanos(timestamp),
            &genesis(LIMITS),
        );
        add(name, &engine);
    }
}

#[test]
fn the_slot_of_an_order_does_not_show_in_a_digest_or_an_image() {
    let state = |script: [Command; 5]| {
        let mut exchange = Exchange::begun(LIMITS);
        script.iter().for_each(|command| drop(exchange.send(command)));
        let engine = &exchange.engine;
        (engine.state_digest(), checked(engine), common::image(engine))
    };
    let [one, other] = [buy(100, 5, ""), buy(100, 6, "a")];
    // Here the fourth command's order takes the slot that the first one left; there it gets a new one.
    let reused = [buy(1, 1, ""), buy(1, 1, ""), cancel(FIRST), one, other];
    let fresh = [nothing(), buy(1, 1, ""), nothing(), one, other];
    assert_eq!(state(reused), state(fresh));
}

#[test]
fn a_trade_that_leaves_nothing_behind_shows_at_the_next_checkpoint() {
    let after = |script: [Command; 2]| {
        let mut exchange = Exchange::begun(LIMITS);
        script.iter().for_each(|command| drop(exchange.send(command)));
        assert_eq!(exchange.engine.open_orders(), 0);
        exchange.engine
    };
    let traded = after([sell(100, 4, 1), buy(100, 4, "")]);
    let quiet = after([nothing(), nothing()]);
    assert_ne!(checked(&traded), checked(&quiet));
}

#[test]
fn what_operators_set_and_accounts_arm_shows_in_the_digest_and_at_the_next_checkpoint() {
    let mut seen: BTreeMap<[u8; 16], &str> = BTreeMap::new();
    let administer = common::administer;
    for (name, command) in [
        ("nothing", nothing()),
        ("an arming", common::arm(0, None)),
        ("another account's", common::arm(1, None)),
        ("a deadline", common::arm(0, Some(5))),
        ("another", common::arm(0, Some(6))),
        ("fees", administer(common::set_fees(0, 1, 2))),
        (
            "an instrument",
            administer(common::set_status(0, InstrumentStatus::CancelOnly)),
        ),
        (
            "another instrument",
            administer(common::set_status(1, InstrumentStatus::CancelOnly)),
        ),
        (
            "an account",
            administer(common::set_account(0, AccountStatus::Suspended)),
        ),
        (
            "another account",
            administer(common::set_account(1, AccountStatus::Suspended)),
        ),
        ("a limit", administer(common::limit_account(0, 5))),
        ("another limit", administer(common::limit_account(0, 6))),
    ] {
        let mut exchange = Exchange::begun(LIMITS);
        exchange.send(&command);
        for digest in [Some(exchange.engine.state_digest()), checked(&exchange.engine)] {
            if let Some(other) = seen.insert(digest.expect("begun"), name) {
                panic!("the digest does not tell {name:?} from {other:?}");
            }
        }
    }
}
