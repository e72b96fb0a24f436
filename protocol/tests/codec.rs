//! The record form: what is written is read back, and nothing else is accepted.

use hoga_protocol::codec::{CodecError, MAX_EVENT, MAX_RECORD, decode_command, encode_command, encode_event};
use hoga_protocol::*;
use proptest::prelude::*;

fn text<const N: usize, const KIND: u8>() -> impl Strategy<Value = AsciiText<N, KIND>> {
    "[A-Za-z0-9._-]{0,16}".prop_map(|text| AsciiText::new(&text).unwrap_or_default())
}

fn new_order() -> impl Strategy<Value = NewOrder> {
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let order_type = prop_oneof![Just(OrderType::Limit), Just(OrderType::Market)];
    let tif = prop_oneof![
        Just(TimeInForce::Gtc),
        Just(TimeInForce::Ioc),
        Just(TimeInForce::Fok)
    ];
    let terms = (
        side,
        order_type,
        tif,
        any::<bool>(),
        any::<i64>(),
        any::<u64>(),
        text(),
        prop_oneof![Just((0, [0; 10])), any::<(u64, [u8; 10])>()],
    );
    (any::<u32>(), any::<u32>(), terms).prop_map(|(account, instrument, t)| NewOrder {
        account: AccountId(account),
        instrument: InstrumentId(instrument),
        side: t.0,
        order_type: t.1,
        time_in_force: t.2,
        post_only: t.3,
        price: Ticks(t.4),
        quantity: Lots(t.5),
        client_order_id: t.6,
        valid_until: Nanos(t.7.0),
        signed_by: SigningKeyId(t.7.1),
    })
}

fn spec() -> InstrumentSpec {
    let symbol = Symbol::new("ETH-KRW").unwrap();
    let (tick, lot) = (
        Scaled {
            mantissa: 500,
            scale: 0,
        },
        Scaled {
            mantissa: 1,
            scale: 8,
        },
    );
    InstrumentSpec::new(
        symbol,
        tick,
        lot,
        8,
        Lots(10),
        Lots::MAX,
        Notional(5),
        FeeRate(-100),
        FeeRate(500),
    )
    .unwrap()
}

fn genesis() -> Genesis {
    Genesis {
        engine_version: 1,
        exchange: ExchangeId(7),
        hash_key: [1, 2],
        limits: Limits::default(),
    }
}

fn action() -> impl Strategy<Value = AdminAction> {
    let numbers = (
        any::<u32>(),
        any::<u32>(),
        any::<Option<u32>>(),
        any::<Option<u64>>(),
    );
    (0u8..10, numbers, any::<bool>()).prop_map(|(kind, (first, second, number, before), flag)| {
        let (account, instrument) = (AccountId(first), InstrumentId(first));
        match kind {
            0 => AdminAction::DefineInstrument(spec()),
            1 => AdminAction::SetFees(SetFees {
                instrument,
                maker: FeeRate(second as i32),
                taker: FeeRate(first as i32),
            }),
            2 => AdminAction::SetInstrumentStatus(SetInstrumentStatus {
                instrument,
                status: match flag {
                    true => InstrumentStatus::CancelOnly,
                    false => InstrumentStatus::Open,
                },
            }),
            3 => AdminAction::SetAccountStatus(SetAccountStatus {
                account,
                status: match flag {
                    true => AccountStatus::Suspended,
                    false => AccountStatus::Active,
                },
            }),
            4 => AdminAction::SetAccountLimits(SetAccountLimits {
                account,
                max_open_orders: second,
            }),
            5 => AdminAction::CancelInstrument(CancelInstrument { instrument }),
            6 => AdminAction::SetLimits(SetLimits {
                max_accounts: first,
                max_open_orders_per_account: second,
                client_ids_total: first ^ second,
            }),
            7 => AdminAction::AcceptClock(AcceptClock {
                to: Nanos(before.unwrap_or_default()),
            }),
            _ => AdminAction::CancelAll(CancelAll {
                account,
                instrument: number.map(InstrumentId),
                before: before.map(Sequence),
            }),
        }
    })
}

fn command() -> impl Strategy<Value = Command> {
    let id = (0..=Sequence::MAX.0).prop_map(OrderId);
    let account = any::<u32>().prop_map(AccountId);
    prop_oneof![
        Just(Command::Genesis(genesis())),
        Just(Command::DefineInstrument(spec())),
        any::<Option<(u64, [u8; 16])>>().prop_map(|previous| {
            let previous = previous.map(|(sequence, digest)| StateCheck {
                sequence: Sequence(sequence),
                digest,
            });
            Command::Checkpoint(Checkpoint { previous })
        }),
        (account.clone(), any::<Option<u64>>()).prop_map(|(account, deadline)| {
            let cause = deadline.map_or(ArmCause::Disconnect, |at| ArmCause::Deadline(Nanos(at)));
            Command::Arm(Arm { account, cause })
        }),
        (account.clone(), any::<u64>()).prop_map(|(account, arming)| {
            let arming = Sequence(arming);
            Command::Disarm(Disarm { account, arming })
        }),
        (
            text().prop_filter("an operator has a name", |name| !name.is_empty()),
            action()
        )
            .prop_map(|(by, action)| Command::Administer(Administer::new(by, action))),
        any::<u32>().prop_map(|version| Command::EngineVersion(EngineVersion { version })),
        (
            account.clone(),
            text().prop_filter("an account has a name", |name| !name.is_empty())
        )
            .prop_map(|(account, name)| Command::OpenAccount(OpenAccount { account, name })),
        new_order().prop_map(Command::NewOrder),
        (
            account.clone(),
            id.clone(),
            any::<Option<i64>>(),
            any::<Option<u64>>()
        )
            .prop_map(|(account, order, p, q)| {
                Command::ReplaceOrder(ReplaceOrder {
                    account,
                    order,
                    price: p.map(Ticks),
                    quantity: q.map(Lots),
                })
            }),
        (account.clone(), id)
            .prop_map(|(account, order)| Command::CancelOrder(CancelOrder { account, order })),
        (
            account.clone(),
            text().prop_filter("an id is not empty", |id| !id.is_empty())
        )
            .prop_map(
                |(account, client_order_id)| Command::CancelClientOrder(CancelClientOrder {
                    account,
                    client_order_id
                })
            ),
        (account, any::<Option<u32>>(), any::<Option<u64>>()).prop_map(|(account, instrument, before)| {
            Command::CancelAll(CancelAll {
                account,
                instrument: instrument.map(InstrumentId),
                before: before.map(Sequence),
            })
        }),
    ]
}

proptest! {
    #[test]
    fn a_command_is_not_changed_by_the_journal(timestamp: u64, command in command()) {
        let mut record = [0xAA; MAX_RECORD];
        let len = encode_command(Nanos(timestamp), &command, &mut record);
        prop_assert_eq!(decode_command(&record[..len]), Ok((Nanos(timestamp), command)));
        for cut in 0..len {
            prop_assert_eq!(decode_command(&record[..cut]), Err(CodecError::Truncated));
        }
        let mut longer = record[..len].to_vec();
        longer.push(0);
        prop_assert_eq!(decode_command(&longer), Err(CodecError::TrailingBytes));
    }

    #[test]
    fn two_encodings_of_one_command_cannot_exist(bytes in proptest::collection::vec(any::<u8>(), 0..MAX_RECORD), kind in 0u8..16) {
        let mut bytes = bytes;
        if let Some(byte) = bytes.get_mut(8) {
            *byte = kind;
        }
        if let Ok((timestamp, command)) = decode_command(&bytes) {
            let mut record = [0; MAX_RECORD];
            let len = encode_command(timestamp, &command, &mut record);
            prop_assert_eq!(&record[..len], &bytes[..]);
        }
    }
}

#[test]
fn no_event_outgrows_its_buffer() {
    let side = TradeSide {
        order: OrderId(1),
        account: AccountId(2),
        leaves: Lots(3),
        fee: Notional(4),
    };
    let trade = Trade {
        instrument: InstrumentId(0),
        aggressor_side: Side::Sell,
        price: Ticks(5),
        quantity: Lots(6),
        aggressor: side,
        resting: side,
    };
    let bodies = [
        EventBody::Trade(trade),
        EventBody::OrderAccepted(OrderAccepted {
            order: OrderId(1),
            request: NewOrder {
                account: AccountId(1),
                instrument: InstrumentId(2),
                side: Side::Buy,
                order_type: OrderType::Limit,
                time_in_force: TimeInForce::Gtc,
                post_only: false,
                price: Ticks(3),
                quantity: Lots(4),
                client_order_id: ClientOrderId::EMPTY,
                valid_until: Nanos(5),
                signed_by: SigningKeyId([6; 10]),
            },
        }),
        EventBody::LimitsSet(LimitsSet {
            by: OperatorName::new("ops").unwrap(),
            limits: Limits::default(),
        }),
        EventBody::Started(genesis()),
        EventBody::InstrumentDefined(InstrumentDefined {
            instrument: InstrumentId(1),
            spec: spec(),
        }),
    ];
    for body in bodies {
        let event = Event {
            sequence: Sequence(1),
            timestamp: Nanos(2),
            index: 0,
            last: true,
            body,
        };
        assert!(encode_event(&event, &mut [0; MAX_EVENT]) <= MAX_EVENT);
    }
}
