//! An engine that was read from an image goes on like the one that wrote it, and bytes that no engine wrote are refused.

mod common;

#[path = "campaign/weather.rs"]
mod weather;

#[path = "image/by_hand.rs"]
mod by_hand;

#[path = "campaign/govern.rs"]
mod govern;

use allocation_counter::measure;
use common::{Exchange, LIMITS, image, limit, named, restored};
use hoga_engine::{ENGINE_VERSION, Engine};
use hoga_protocol::codec::{ImageError, ImageSink};
use hoga_protocol::*;

use by_hand::ByHand;
use weather::{Random, Weather};

const ACCOUNTS: u32 = 4;
/// Whom the weather never touches.
const STRANGER: u32 = ACCOUNTS + 1;

/// With books so deep that a checkpoint covers a part of them, and a level longer than its share.
fn deep() -> Exchange {
    let mut exchange = Exchange::new();
    let limits = Limits {
        max_open_orders: 1_500,
        max_open_orders_per_account: 1_500,
        max_touched_orders: 40,
        client_ids_per_account: 30,
        client_ids_total: 60,
        ..LIMITS
    };
    exchange.send(&common::genesis(limits));
    for symbol in ["X", "Y", "Z"] {
        let spec = common::spec(symbol, [1, Lots::MAX.0], 0, [200, 500]);
        exchange.send(&Command::DefineInstrument(spec));
    }
    for number in 0..=STRANGER {
        exchange.send(&common::open_next(number));
    }
    for n in 0..900 {
        let mut order = limit(Side::Buy, 1 + i64::from(n % 3 == 0) * n, 1_000);
        order.instrument = InstrumentId(n as u32 % 3);
        send(&mut exchange, &named(order, STRANGER, ""));
    }
    exchange
}

/// As [`Exchange::send`] without a look at the whole book after it.
fn send(exchange: &mut Exchange, command: &Command) -> Vec<Event> {
    let timestamp = exchange.next_timestamp();
    exchange.sequence = exchange.sequence.next();
    let mut said = Vec::new();
    let mut emit = |event: &Event| said.push(*event);
    exchange
        .engine
        .apply(exchange.sequence, timestamp, command, &mut emit);
    said
}

/// Plays a random flow to an engine, and to another that is read from its image again at random moments.
fn play_twice(seed: u64, commands: u64) {
    println!("seed {seed}");
    let (mut weather, mut random) = (Weather::new(seed), Random(!seed));
    let mut exchange = deep();
    let mut other = exchange.clone();
    for at in 0..commands {
        if random.below(100) == 0 {
            let bytes = image(&exchange.engine);
            other.engine = restored(&bytes);
            common::check_books(&other.engine);
            assert!(image(&other.engine) == bytes, "command {at}: another image");
        }
        let command = match random.below(20) {
            0 => common::checkpoint(&exchange.engine),
            1 => govern::command(&exchange.engine, &mut |bound| random.below(bound)),
            _ => weather.command(exchange.sequence.next(), exchange.next_timestamp()),
        };
        let said = send(&mut exchange, &command);
        assert_eq!(said, send(&mut other, &command), "command {at}: {command:?}");
        said.iter().for_each(|event| weather.hear(&event.body));
        if at % 32 == 0 {
            assert_eq!(
                exchange.engine.state_digest(),
                other.engine.state_digest(),
                "command {at}"
            );
        }
    }
    assert!(image(&exchange.engine) == image(&other.engine));
}

#[test]
fn nothing_that_a_later_outcome_depends_on_is_missing_from_an_image() {
    let random = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.subsec_nanos().into());
    let given = std::env::var("IMAGE_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or(random);
    play_twice(seed, 8_000);
}

#[test]
fn an_exchange_that_has_not_begun_has_an_image_too() {
    for refused in 0..3 {
        let mut exchange = Exchange::new();
        (0..refused).for_each(|_| drop(exchange.send(&common::open(0, "a"))));
        let bytes = image(&exchange.engine);
        let mut other = Exchange {
            engine: restored(&bytes),
            ..exchange.clone()
        };
        assert_eq!(image(&other.engine), bytes);
        let begin = common::genesis(LIMITS);
        assert_eq!(exchange.send(&begin), other.send(&begin));
        assert_eq!(exchange.engine.state_digest(), other.engine.state_digest());
    }
}

/// A little of everything that an image may hold.
fn small() -> Exchange {
    let mut exchange = Exchange::begun(LIMITS);
    exchange.send(&named(limit(Side::Sell, 105, 9), 0, "rests"));
    exchange.send(&named(limit(Side::Buy, 105, 4), 1, "filled"));
    exchange.send(&named(limit(Side::Sell, 105, 2), 2, ""));
    let mut post_only = limit(Side::Buy, 100, 5);
    post_only.post_only = true;
    exchange.send(&named(post_only, 2, "x"));
    let mut gone = limit(Side::Buy, 1, 1);
    gone.time_in_force = TimeInForce::Ioc;
    exchange.send(&named(gone, 1, "gone"));
    for _ in 0..2 {
        let command = common::checkpoint(&exchange.engine);
        exchange.send(&command);
    }
    for command in [
        common::arm(0, None),
        common::arm(1, Some(1_000)),
        common::administer(common::accept_clock(90_000_000)),
        common::administer(common::set_status(1, InstrumentStatus::CancelOnly)),
        common::administer(common::limit_account(2, 9)),
    ] {
        exchange.send(&command);
    }
    exchange
}

#[test]
fn a_cut_image_is_not_believed() {
    let bytes = image(&small().engine);
    restored(&bytes);
    for len in 0..bytes.len() {
        let read = Engine::read_image(&mut &bytes[..len]).err();
        assert_eq!(read, Some(ImageError::Truncated), "cut at {len}");
    }
}

#[test]
fn a_flipped_bit_is_refused_or_is_another_state_and_nothing_panics() {
    let bytes = image(&small().engine);
    let (mut refused, mut read) = (0, 0);
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let mut rest = &flipped[..];
        let Ok(mut engine) = Engine::read_image(&mut rest) else {
            refused += 1;
            continue;
        };
        read += 1;
        let used = flipped.len() - rest.len();
        assert!(image(&engine) == flipped[..used], "bit {bit} is not read");
        go_on(&mut engine);
    }
    println!("{refused} refused, {read} read");
    assert!(refused > 1_000 && read > 1_000);
}

/// Trades with every order there is, and cancels what is left.
fn go_on(engine: &mut Engine) {
    let mut commands = vec![common::checkpoint(engine)];
    for (side, price) in [(Side::Buy, Ticks::MAX.0), (Side::Sell, 1)] {
        commands.push(named(limit(side, price, 500), 1, "rests"));
    }
    commands.extend((0..3).map(|number| {
        Command::CancelAll(CancelAll {
            account: AccountId(number),
            instrument: None,
            before: None,
        })
    }));
    for command in &commands {
        let sequence = engine.last_sequence().next();
        if sequence <= Sequence::MAX {
            common::apply(engine, sequence, Nanos(0), command);
        }
    }
    assert_eq!(engine.open_orders(), 0);
}

type Change = fn(&mut ByHand);

/// What is wrong, how it comes about, and the field that is named.
const HOSTILE: [(&str, Change, &str); 57] = [
    ("no command yet", |it| it.last_sequence = 0, "last_sequence"),
    (
        "a sequence of 49 bits",
        |it| it.last_sequence = 1 << 48,
        "last_sequence",
    ),
    (
        "a version of later",
        |it| it.genesis.engine_version = 2,
        "genesis",
    ),
    (
        "no room at all",
        |it| it.genesis.limits.max_open_orders = 0,
        "genesis",
    ),
    ("rules of later", |it| it.rules = 2, "rules"),
    ("rules below the genesis's", |it| it.rules = 0, "rules"),
    ("fewer accounts than before", |it| it.limits[0] = 7, "limits"),
    ("no order of an account", |it| it.limits[1] = 0, "limits"),
    (
        "an account with more than all",
        |it| it.limits[1] = 1_001,
        "limits",
    ),
    ("fewer ids than before", |it| it.limits[2] = 999, "limits"),
    ("more ids than can be", |it| it.limits[2] = 1 << 28, "limits"),
    ("a symbol twice", |it| it.symbols[1] = "X", "instrument"),
    (
        "too many instruments",
        |it| it.genesis.limits.max_instruments = 1,
        "instrument",
    ),
    ("a name twice", |it| it.names[1] = "a", "account"),
    ("no name", |it| it.names[1] = "", "account"),
    (
        "too many accounts",
        |it| (it.genesis.limits.max_accounts, it.limits[0]) = (1, 1),
        "account",
    ),
    ("a cursor in no instrument", |it| it.cursor.0 = 3, "cursor"),
    (
        "a cursor at no price",
        |it| it.cursor.1 = Ticks::MAX.0 + 2,
        "cursor",
    ),
    ("a cursor at an order of later", |it| it.cursor.2 = 21, "cursor"),
    (
        "a cursor in nobody's ids",
        |it| it.account_cursor = Some((2, false, 0)),
        "cursor",
    ),
    (
        "a cursor behind no id",
        |it| it.account_cursor = Some((1, false, 72)),
        "cursor",
    ),
    ("a check of later", |it| it.check = 21, "check"),
    ("a status of later", |it| it.statuses[0] = 2, "instrument status"),
    (
        "another status of later",
        |it| it.restricted[1].1 = 2,
        "account status",
    ),
    (
        "nobody restricted",
        |it| it.restricted[1].0 = 2,
        "restricted account",
    ),
    (
        "one restricted twice",
        |it| it.restricted[1].0 = 0,
        "restricted account",
    ),
    (
        "one restricted to all",
        |it| it.restricted[0].2 = u32::MAX,
        "restricted account",
    ),
    ("leaps beyond all time", |it| it.leapt = u64::MAX, "leaps"),
    ("a leap of later", |it| it.armings[1].1 = 41, "arming"),
    ("an arming of later", |it| it.armings[2].0 = 21, "arming"),
    ("armings out of order", |it| it.armings[1].0 = 8, "arming"),
    (
        "nobody's arming",
        |it| it.armings[0].2 = common::arm(2, None),
        "arming",
    ),
    (
        "an arming that asked for something else",
        |it| it.armings[0].2 = common::raise(3),
        "arming",
    ),
    (
        "two deadlines of an account",
        |it| it.armings[0].2 = common::arm(0, Some(5)),
        "arming",
    ),
    ("an order of later", |it| it.bids[0].1[0].id = 21, "order"),
    ("an order without an id", |it| it.bids[0].1[0].id = 0, "order"),
    (
        "an order twice",
        |it| it.asks[0].1[0].id = it.bids[0].1[0].id,
        "order",
    ),
    ("nobody's order", |it| it.bids[0].1[0].account = 2, "account"),
    ("a crossed book", |it| it.asks[0].0 = it.bids[0].0, "price"),
    ("bids out of order", |it| it.bids[1].0 = it.bids[0].0, "price"),
    (
        "a price beyond all",
        |it| it.bids[0].0 = Ticks::MAX.0 + 1,
        "price",
    ),
    ("a price below all", |it| it.bids[1].0 = -1, "terms"),
    ("a level of nobody", |it| it.bids[1].1.clear(), "orders"),
    (
        "more orders than may be",
        |it| {
            let limits = &mut it.genesis.limits;
            (limits.max_open_orders, limits.max_open_orders_per_account) = (2, 2);
            it.limits[1] = 2;
        },
        "orders",
    ),
    (
        "a quantity beyond all",
        |it| it.bids[0].1[0].quantity = 1_001,
        "terms",
    ),
    ("a filled order", |it| it.bids[0].1[0].leaves = 0, "leaves"),
    (
        "less than nothing filled",
        |it| it.bids[0].1[0].leaves = 11,
        "leaves",
    ),
    ("fees of no fill", |it| it.bids[0].1[0].fee = 1, "fee"),
    ("fees beyond all", |it| it.asks[0].1[0].fee = i128::MAX, "fee"),
    (
        "a live order's id that is another's",
        |it| ask_id(it).order = 16,
        "client_order_id",
    ),
    (
        "a live order's id of later",
        |it| ask_id(it).order = 21,
        "client_order_id",
    ),
    (
        "a live order's id that is closed",
        |it| ask_id(it).id = 73,
        "client_order_id",
    ),
    (
        "a client order id twice",
        |it| it.closed[1].1[1].id = 72,
        "client_order_id",
    ),
    (
        "a closed order of later",
        |it| it.closed[0].1[0].order = 21,
        "client_order_id",
    ),
    (
        "a closed order that rests",
        |it| it.closed[1].1[0].order = 15,
        "closed order",
    ),
    (
        "a closed order twice",
        |it| it.closed[1].1[0].order = 9,
        "closed order",
    ),
    (
        "more closed ids than are kept",
        |it| {
            (it.genesis.limits.client_ids_per_account, it.limits[2]) = (1, 0);
            it.genesis.limits.client_ids_total = 0;
        },
        "closed client order ids",
    ),
];

#[test]
fn an_image_that_no_engine_writes_is_refused_by_the_name_of_its_field() {
    let good = ByHand::new();
    let bytes = good.bytes();
    assert_eq!(
        image(&restored(&bytes)),
        bytes,
        "the hand writes as the engine does"
    );
    for (what, change, field) in HOSTILE {
        let mut hostile = ByHand::new();
        change(&mut hostile);
        let read = Engine::read_image(&mut &hostile.bytes()[..]).err();
        assert_eq!(read, Some(ImageError::BadValue(field)), "{what}");
    }
}

fn ask_id(image: &mut ByHand) -> &mut by_hand::Id {
    let id = image.asks[0].1[0].id_of_client.as_mut();
    id.expect("the ask has a client order id")
}

#[test]
fn an_image_of_an_unknown_form_is_not_guessed_at() {
    let mut bytes = ByHand::new().bytes();
    bytes[0] = 2;
    let read = Engine::read_image(&mut &bytes[..]).err();
    assert_eq!(read, Some(ImageError::UnknownVersion(2)));
}

#[test]
fn a_count_alone_takes_no_memory() {
    let mut bytes = Vec::new();
    bytes.put_u32(1);
    bytes.put_u64(20);
    bytes.put_u64(20);
    bytes.put(&[0; 16]);
    bytes.put_bool(true);
    bytes.put_record(&common::genesis(LIMITS));
    bytes.put_u32(ENGINE_VERSION);
    for limit in [
        LIMITS.max_accounts,
        LIMITS.max_open_orders_per_account,
        LIMITS.client_ids_total,
    ] {
        bytes.put_u32(limit);
    }
    let mut read = None;
    let before = measure(|| read = Engine::read_image(&mut &bytes[..]).err());
    bytes.put_u32(u32::MAX);
    let counted = measure(|| read = Engine::read_image(&mut &bytes[..]).err());
    assert_eq!(read, Some(ImageError::Truncated));
    assert_eq!(counted.bytes_total, before.bytes_total);
}
