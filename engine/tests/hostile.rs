//! Commands that no gateway would send: any number in any field, any sequence, any time. Nothing may panic, and every
//! command must still be answered in form.

mod common;

use common::{apply, limit};
use hoga_engine::Engine;
use hoga_protocol::codec::{MAX_RECORD, decode_command, encode_command};
use hoga_protocol::*;
use proptest::prelude::*;

/// Mostly small, so that commands meet; else at an edge, or anything.
fn number() -> impl Strategy<Value = u64> {
    let edges = [
        0,
        1,
        Ticks::MAX.0 as u64,
        Ticks::MAX.0 as u64 + 1,
        Lots::MAX.0,
        Lots::MAX.0 + 1,
        i64::MAX as u64,
        i64::MIN as u64,
        u64::MAX,
        u64::from(u32::MAX),
    ];
    prop_oneof![6 => 0u64..4, 2 => proptest::sample::select(edges.to_vec()), 1 => any::<u64>()]
}

/// Mostly the greatest of all, so that sums and products are as large as they can be.
fn large() -> impl Strategy<Value = u64> {
    prop_oneof![4 => Just(Lots::MAX.0), 1 => Just(Ticks::MAX.0 as u64), 2 => number()]
}

fn text() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec!["", "a", "b", "c", "d", "e"])
}

fn command() -> impl Strategy<Value = Command> {
    let numbers = (number(), number(), large(), large());
    let flags = (any::<bool>(), any::<bool>(), 0u8..3, any::<bool>());
    (0u8..22, numbers, flags, text()).prop_map(|(kind, numbers, flags, text)| {
        let (first, second, price, quantity) = numbers;
        let account = AccountId(first as u32);
        let (price, quantity) = (Ticks(price as i64), Lots(quantity));
        match kind {
            0 => genesis(first, second),
            1 => instrument(text, first, flags.0),
            2 => Command::OpenAccount(OpenAccount {
                account,
                name: AccountName::new(text).unwrap_or_default(),
            }),
            3 => Command::CancelOrder(CancelOrder {
                account,
                order: OrderId(second),
            }),
            4 => Command::CancelAll(CancelAll {
                account,
                instrument: flags.0.then_some(InstrumentId(second as u32)),
                before: flags.1.then_some(Sequence(second)),
            }),
            5..8 => Command::ReplaceOrder(ReplaceOrder {
                account,
                order: OrderId(second),
                price: flags.0.then_some(price),
                quantity: flags.1.then_some(quantity),
            }),
            8 => Command::Checkpoint(Checkpoint {
                previous: flags.0.then_some(StateCheck {
                    sequence: Sequence(first),
                    digest: [second as u8; 16],
                }),
            }),
            9 => common::raise(first as u32),
            10 => common::arm(first as u32, flags.0.then_some(second)),
            11 => common::disarm(first as u32, second),
            12 => common::administer(admin_action(first, second, flags)),
            13 => common::administer(of_the_exchange(first, second, price.0 as u64, flags)),
            14 => common::cancel_client_order(first as u32, text),
            _ => Command::NewOrder(NewOrder {
                account,
                instrument: InstrumentId(second as u32),
                side: if flags.0 { Side::Buy } else { Side::Sell },
                order_type: if flags.1 {
                    OrderType::Limit
                } else {
                    OrderType::Market
                },
                time_in_force: [TimeInForce::Gtc, TimeInForce::Ioc, TimeInForce::Fok][usize::from(flags.2)],
                post_only: flags.3,
                price: if flags.1 { price } else { Ticks(0) },
                quantity,
                client_order_id: ClientOrderId::new(text).unwrap_or_default(),
                valid_until: Nanos(if flags.3 { first } else { 0 }),
                signed_by: SigningKeyId([second as u8; 10]),
            }),
        }
    })
}

fn admin_action(first: u64, second: u64, flags: (bool, bool, u8, bool)) -> AdminAction {
    let (first, second) = (first as u32, second as u32);
    match (flags.2, flags.0) {
        (0, true) => common::set_fees(first, second as i32, i32::MIN),
        (0, false) => common::set_fees(first, -100_000, 100_000),
        (1, true) => common::set_status(
            first,
            match flags.1 {
                true => InstrumentStatus::Open,
                false => InstrumentStatus::CancelOnly,
            },
        ),
        (1, false) => common::set_account(
            first,
            match flags.1 {
                true => AccountStatus::Active,
                false => AccountStatus::Suspended,
            },
        ),
        (_, true) => common::limit_account(first, second),
        (_, false) => AdminAction::CancelAll(CancelAll {
            account: AccountId(first),
            instrument: flags.1.then_some(InstrumentId(second)),
            before: flags.3.then_some(Sequence(u64::from(second))),
        }),
    }
}

fn of_the_exchange(first: u64, second: u64, time: u64, flags: (bool, bool, u8, bool)) -> AdminAction {
    match flags.2 {
        0 => common::cancel_instrument(first as u32),
        1 => common::accept_clock(if flags.0 {
            time
        } else {
            AcceptClock::MAX.0 - second % 4
        }),
        _ => AdminAction::SetLimits(SetLimits {
            max_accounts: if flags.0 { first as u32 } else { 8 },
            max_open_orders_per_account: second as u32,
            client_ids_total: if flags.1 { time as u32 } else { 2 },
        }),
    }
}

fn genesis(one: u64, other: u64) -> Command {
    let limits = Limits {
        max_instruments: one as u32,
        max_accounts: other as u32,
        max_open_orders: one as u32,
        max_open_orders_per_account: one as u32,
        max_touched_orders: other as u32,
        client_ids_per_account: one as u32,
        client_ids_total: other as u32,
    };
    let Command::Genesis(genesis) = common::genesis(limits) else {
        unreachable!("genesis is a genesis")
    };
    Command::Genesis(Genesis {
        engine_version: one as u32,
        ..genesis
    })
}

/// With the dearest money there is: 65,536 quote units for one tick of one lot, and the highest fees.
fn instrument(symbol: &str, kind: u64, rebate: bool) -> Command {
    let most = Scaled {
        mantissa: 256,
        scale: 0,
    };
    let maker = FeeRate(if rebate { -FeeRate::MAX.0 } else { FeeRate::MAX.0 });
    let least = Lots(if kind == 0 { 1 } else { Lots::MAX.0 });
    let spec = InstrumentSpec::new(
        Symbol::new(symbol).unwrap_or(Symbol::new("Z").unwrap()),
        most,
        most,
        0,
        least,
        Lots::MAX,
        Notional(0),
        maker,
        FeeRate::MAX,
    );
    Command::DefineInstrument(spec.unwrap())
}

/// An exchange that has begun, so that most commands get past the first checks.
fn begun() -> Vec<Command> {
    let limits = Limits {
        max_open_orders: 20,
        max_open_orders_per_account: 20,
        max_touched_orders: 3,
        client_ids_per_account: 1,
        client_ids_total: 2,
        ..common::LIMITS
    };
    let mut commands = vec![common::genesis(limits)];
    commands.extend(["X", "Y"].map(|symbol| instrument(symbol, 0, true)));
    commands.extend([(0, "x"), (1, "y"), (2, "z")].map(|(number, name)| common::open(number, name)));
    commands
}

proptest! {
    #![proptest_config(common::config(300))]

    #[test]
    fn no_command_panics_whatever_it_holds(
        begin in any::<bool>(),
        commands in proptest::collection::vec((command(), number()), 1..80),
    ) {
        let mut engine = Engine::new();
        let prologue = begun().into_iter().filter(|_| begin).map(|command| (command, 0));
        for (at, (command, timestamp)) in (1..).zip(prologue.chain(commands)) {
            apply(&mut engine, Sequence(at), Nanos(timestamp), &command);
        }
    }

    #[test]
    fn no_record_that_decodes_panics(
        records in proptest::collection::vec((command(), any::<[(usize, u8); 2]>()), 1..60),
    ) {
        let mut engine = Engine::new();
        for (at, command) in (1..).zip(begun()) {
            apply(&mut engine, Sequence(at), Nanos(0), &command);
        }
        for (command, flips) in records {
            let mut record = [0; MAX_RECORD];
            let len = encode_command(Nanos(0), &command, &mut record);
            for (at, flip) in flips {
                record[at % len] ^= flip;
            }
            if let Ok((timestamp, command)) = decode_command(&record[..len]) {
                let next = engine.last_sequence().next();
                apply(&mut engine, next, timestamp, &command);
            }
        }
    }

    #[test]
    fn a_sequence_that_does_not_ascend_changes_nothing(
        sequences in proptest::collection::vec(prop_oneof![9 => 0u64..12, 1 => any::<u64>()], 1..30),
    ) {
        let mut engine = Engine::new();
        for (at, command) in (1..).zip(begun()) {
            apply(&mut engine, Sequence(at), Nanos(0), &command);
        }
        for sequence in sequences {
            let (before, last) = (engine.state_digest(), engine.last_sequence());
            let command = Command::NewOrder(limit(Side::Buy, 1, 1));
            let events = apply(&mut engine, Sequence(sequence), Nanos(sequence), &command);
            let body = events[0].body;
            if sequence > last.0 && sequence <= Sequence::MAX.0 {
                prop_assert_eq!(engine.last_sequence(), Sequence(sequence));
            } else {
                let refused = Rejected { reason: RejectReason::OutOfPlace, order: None };
                prop_assert_eq!(body, EventBody::Rejected(refused));
                prop_assert_eq!(engine.state_digest(), before);
            }
        }
    }
}

#[test]
fn the_dearest_book_there_is_overflows_nothing() {
    let mut engine = Engine::new();
    let mut sequence = Sequence(0);
    let mut send = |command: &Command| {
        sequence = sequence.next();
        apply(&mut engine, sequence, Nanos(0), command)
    };
    for command in begun() {
        send(&command);
    }
    for _ in 0..20 {
        let answer = send(&Command::NewOrder(limit(Side::Sell, Ticks::MAX.0, Lots::MAX.0)));
        assert!(matches!(answer[0].body, EventBody::OrderAccepted(_)));
    }
    let fee = i128::from(Ticks::MAX.0) * i128::from(Lots::MAX.0) * 65_536 / 10;
    let mut buy = limit(Side::Buy, Ticks::MAX.0, Lots::MAX.0);
    buy.time_in_force = TimeInForce::Fok;
    for _ in 0..20 {
        let answer = send(&Command::NewOrder(buy));
        let EventBody::Trade(trade) = answer[1].body else {
            panic!("{answer:?}")
        };
        // The fee is no whole number, nor is the rebate: both are rounded up.
        assert_eq!((trade.aggressor.fee.0, trade.resting.fee.0), (fee + 1, -fee));
    }
}

#[test]
fn time_never_runs_back() {
    let mut engine = Engine::new();
    let mut told = Vec::new();
    for (at, stamp) in (1..).zip([5, 3, 9, 0, 9, u64::MAX, 1]) {
        let events = apply(
            &mut engine,
            Sequence(at),
            Nanos(stamp),
            &common::genesis(common::LIMITS),
        );
        told.push(events[0].timestamp.0);
    }
    assert_eq!(told, [5, 5, 9, 9, 9, u64::MAX, u64::MAX]);
}
