//! Nothing is allocated once the books are warm, and what is set aside is bounded by the orders allowed.

mod common;

#[path = "campaign/weather.rs"]
mod weather;

use allocation_counter::measure;
use hoga_engine::Engine;
use hoga_protocol::*;

use weather::Weather;

const ACCOUNTS: u32 = 4;

fn begun(limits: Limits) -> Engine {
    let mut engine = Engine::new();
    let mut opening = vec![common::genesis(limits)];
    opening.extend(
        ["X", "Y", "Z"]
            .map(|symbol| Command::DefineInstrument(common::spec(symbol, [1, Lots::MAX.0], 0, [200, 500]))),
    );
    opening.extend((0..ACCOUNTS).map(common::open_next));
    for (command, sequence) in opening.iter().zip(1..) {
        engine.apply(Sequence(sequence), Nanos(0), command, &mut |_| {});
    }
    engine
}

#[test]
fn a_warm_engine_allocates_nothing() {
    let limits = Limits {
        max_open_orders: 500,
        max_open_orders_per_account: 500,
        max_touched_orders: 60,
        client_ids_per_account: 50,
        client_ids_total: 150,
        ..common::LIMITS
    };
    let mut engine = begun(limits);
    let mut weather = Weather::new(9);
    let (mut events, mut most) = (0u64, 0);
    let mut play = |engine: &mut Engine, commands: u64| {
        for _ in 0..commands {
            let sequence = engine.last_sequence().next();
            let command = match sequence.0 % 50 {
                0 => common::checkpoint(engine),
                _ => weather.command(sequence, Nanos(sequence.0)),
            };
            engine.apply(sequence, Nanos(sequence.0), &command, &mut |event| {
                weather.hear(&event.body);
                events += 1;
            });
            most = engine.open_orders().max(most);
        }
    };
    play(&mut engine, 300_000);
    let warm = measure(|| play(&mut engine, 300_000));
    assert_eq!(warm.count_total, 0, "{warm:?}");
    assert!(
        events > 700_000 && most > 100,
        "{events} events, {most} orders at most: a flow that tries nothing"
    );
}

#[test]
fn the_memory_of_all_orders_allowed_is_set_aside_at_genesis() {
    let limits = Limits {
        max_open_orders: 100_000,
        max_open_orders_per_account: 100_000,
        ..common::LIMITS
    };
    let mut engine = None;
    let begun = measure(|| engine = Some(begun(limits)));
    let mut engine = engine.expect("begun");
    let each = begun.bytes_current / 100_000;
    assert!((350..480).contains(&each), "{each} bytes an order are set aside");
    let touched = measure(|| engine.touch_memory());
    assert_eq!(touched.count_total, 0, "touching is not allocating: {touched:?}");
    let state = engine.state_digest();
    engine.touch_memory();
    let cancel = Command::CancelOrder(CancelOrder {
        account: AccountId(0),
        order: OrderId(1),
    });
    engine.prefetch(std::iter::repeat_n(&cancel, 2 * Engine::PREFETCHED));
    assert_eq!(engine.state_digest(), state);

    let filled = measure(|| {
        for at in 0..100_000 {
            let order = common::limit(Side::Buy, 1 + at % 5_000, 1);
            let sequence = engine.last_sequence().next();
            engine.apply(sequence, Nanos(0), &Command::NewOrder(order), &mut |_| {});
        }
    });
    assert_eq!(engine.open_orders(), 100_000);
    assert_eq!(filled.count_total, 0, "{filled:?}");
    let one_more = Command::NewOrder(common::limit(Side::Buy, 1, 1));
    let sequence = engine.last_sequence().next();
    let said = common::apply(&mut engine, sequence, Nanos(0), &one_more);
    let refused = Rejected {
        reason: RejectReason::Capacity,
        order: None,
    };
    assert_eq!(said[0].body, EventBody::Rejected(refused));
}

#[test]
fn the_table_of_client_order_ids_does_not_grow_under_an_order_once_it_is_set_aside() {
    let mut engine = begun(common::LIMITS);
    let mut text = String::with_capacity(64);
    let mut enter = |engine: &mut Engine, ids: std::ops::Range<u32>| {
        for n in ids {
            text.clear();
            let _ = std::fmt::Write::write_fmt(&mut text, format_args!("id-{n}"));
            let order = NewOrder {
                client_order_id: ClientOrderId::new(&text).unwrap(),
                ..common::limit(Side::Buy, 1 + i64::from(n % 900), 1)
            };
            let sequence = engine.last_sequence().next();
            engine.apply(sequence, Nanos(0), &Command::NewOrder(order), &mut |_| {});
        }
    };
    enter(&mut engine, 0..300);
    let before = engine.state_digest();
    engine.set_aside_client_ids();
    assert_eq!(engine.state_digest(), before);
    let filled = measure(|| enter(&mut engine, 300..1_000));
    assert_eq!(engine.open_orders(), 1_000);
    assert_eq!(filled.count_total, 0, "{filled:?}");
    // The ids from before are still known.
    let again = Command::NewOrder(NewOrder {
        client_order_id: ClientOrderId::new("id-7").unwrap(),
        ..common::limit(Side::Buy, 8, 1)
    });
    let sequence = engine.last_sequence().next();
    let said = common::apply(&mut engine, sequence, Nanos(0), &again);
    assert!(
        matches!(said[0].body, EventBody::DuplicateOrder { .. }),
        "{said:?}"
    );
}

/// What one command may take from the system while tables grow, in bytes.
const CHUNK: u64 = 64 << 10;

/// Sends commands, and returns the most bytes and the most pieces of memory that one of them took.
fn most_taken(engine: &mut Engine, commands: impl Iterator<Item = Command>) -> (u64, u64) {
    let (mut bytes, mut pieces) = (0, 0);
    for command in commands {
        let sequence = engine.last_sequence().next();
        let mut is_refused = false;
        let taken = measure(|| {
            engine.apply(sequence, Nanos(0), &command, &mut |event| {
                is_refused |= matches!(event.body, EventBody::Rejected(_));
            });
        });
        assert!(!is_refused, "{command:?} is refused");
        (bytes, pieces) = (bytes.max(taken.bytes_total), pieces.max(taken.count_total));
    }
    (bytes, pieces)
}

#[test]
fn no_table_grows_by_more_than_a_chunk_under_one_command() {
    let limits = Limits {
        max_instruments: 5_000,
        max_accounts: 200_000,
        max_open_orders: 50_000,
        max_open_orders_per_account: 50_000,
        client_ids_per_account: 64,
        client_ids_total: 1_000_000,
        ..common::LIMITS
    };
    let mut engine = begun(limits);

    let ids = (0..200_000u32).map(|number| {
        Command::NewOrder(NewOrder {
            time_in_force: TimeInForce::Ioc,
            client_order_id: ClientOrderId::new(&format!("id-{number}")).unwrap(),
            ..common::limit(Side::Buy, 1, 1)
        })
    });
    let taken = most_taken(&mut engine, ids);
    assert!(
        taken.0 <= CHUNK && taken.1 <= 3,
        "{taken:?} for a client order id"
    );

    // An account has a place in seven tables, each of which grows by a chunk of its own.
    let taken = most_taken(&mut engine, (ACCOUNTS..100_000).map(common::open_next));
    assert!(taken.0 <= 3 * CHUNK && taken.1 <= 8, "{taken:?} for an account");

    let mut define = |number: u32| {
        let spec = common::spec(&format!("S{number}"), [1, 9], 0, [0, 0]);
        let sequence = engine.last_sequence().next();
        engine.apply(sequence, Nanos(0), &Command::DefineInstrument(spec), &mut |_| {});
    };
    (3..5_000).for_each(&mut define);
    // One account in 5,000 instruments, and then each of many in another two.
    let one = (0..5_000).map(|number| (0, number));
    let many = (0..20_000).flat_map(|account| [(account, 1), (account, 2)]);
    let orders = one.chain(many).map(|(account, instrument)| {
        Command::NewOrder(NewOrder {
            account: AccountId(account),
            instrument: InstrumentId(instrument),
            ..common::limit(Side::Buy, 1, 1)
        })
    });
    let taken = most_taken(&mut engine, orders);
    assert!(taken.0 <= CHUNK && taken.1 <= 3, "{taken:?} for a lane");

    let arms = (0..10_000).map(|account| common::arm(account, None));
    let taken = most_taken(&mut engine, arms);
    assert!(taken.0 <= CHUNK && taken.1 <= 3, "{taken:?} for an arming");
    let moved = engine.most_moved();
    assert!((1..=32).contains(&moved), "{moved} entries were moved");
}
