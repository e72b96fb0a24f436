//! Every kind of event, and every change of one that its digest must show.

use hoga_protocol::*;

use crate::common::{self, LIMITS};

/// One field changed, or two that a digest must not take for each other.
pub type Change = fn(&mut Event);

/// Changes of an event of this kind, each named by its text.
macro_rules! changes {
    ($kind:ident($body:ty), $($change:expr),+ $(,)?) => {
        vec![$((
            concat!(stringify!($kind), " ", stringify!($change)),
            (|event: &mut Event| match &mut event.body {
                EventBody::$kind(it) => {
                    let change: fn(&mut $body) = $change;
                    change(it);
                }
                other => unreachable!("{other:?}"),
            }) as Change,
        )),+]
    };
}

/// An event, and what is changed in it.
pub type Row = (EventBody, Vec<(&'static str, Change)>);

fn client_order_id(text: &str) -> ClientOrderId {
    ClientOrderId::new(text).unwrap_or_default()
}

fn operator(text: &str) -> OperatorName {
    OperatorName::new(text).unwrap()
}

/// What most events say.
pub fn trading() -> Vec<Row> {
    let side = |number: u64, fee| TradeSide {
        order: OrderId(number),
        account: AccountId(number as u32 + 1),
        leaves: Lots(number + 2),
        fee: Notional(fee),
    };
    let request = NewOrder {
        account: AccountId(1),
        instrument: InstrumentId(2),
        client_order_id: client_order_id("0123456789abcdef"),
        signed_by: SigningKeyId([7; 10]),
        valid_until: Nanos(5),
        ..common::limit(Side::Buy, 100, 6)
    };
    vec![
        (
            EventBody::OrderAccepted(OrderAccepted {
                order: OrderId(7),
                request,
            }),
            changes![
                OrderAccepted(OrderAccepted),
                |it| it.order.0 += 1,
                |it| it.request.account.0 += 1,
                |it| it.request.instrument.0 += 1,
                |it| std::mem::swap(&mut it.request.account.0, &mut it.request.instrument.0),
                |it| it.request.side = Side::Sell,
                |it| it.request.order_type = OrderType::Market,
                |it| it.request.time_in_force = TimeInForce::Ioc,
                |it| it.request.time_in_force = TimeInForce::Fok,
                |it| it.request.post_only = true,
                |it| it.request.price.0 = -100,
                |it| it.request.quantity.0 += 1,
                |it| it.request.valid_until.0 += 1,
                |it| it.request.client_order_id = ClientOrderId::EMPTY,
                |it| it.request.client_order_id = client_order_id("0123456789abcdeg"),
                |it| it.request.client_order_id = client_order_id("0123456789abcde"),
                |it| it.request.client_order_id = client_order_id("0123456789abcdef0"),
                |it| it.request.client_order_id = client_order_id("1023456789abcdef"),
                |it| it.request.signed_by = SigningKeyId::NONE,
                |it| it.request.signed_by.0[9] ^= 1,
            ],
        ),
        (
            EventBody::Trade(Trade {
                instrument: InstrumentId(1),
                aggressor_side: Side::Buy,
                price: Ticks(100),
                quantity: Lots(5),
                aggressor: side(9, 3),
                resting: side(4, -2),
            }),
            changes![
                Trade(Trade),
                |it| it.instrument.0 += 1,
                |it| it.aggressor_side = Side::Sell,
                |it| it.price.0 += 1,
                |it| it.quantity.0 += 1,
                |it| it.aggressor.order.0 += 1,
                |it| it.aggressor.account.0 += 1,
                |it| it.aggressor.leaves.0 += 1,
                |it| it.aggressor.fee.0 += 1,
                |it| it.aggressor.fee.0 += 1 << 100,
                |it| it.aggressor.fee.0 = -it.aggressor.fee.0,
                |it| it.resting.order.0 += 1,
                |it| it.resting.account.0 += 1,
                |it| it.resting.leaves.0 += 1,
                |it| it.resting.fee.0 += 1,
                |it| it.resting.fee.0 -= 1 << 100,
                |it| it.resting.fee.0 = -it.resting.fee.0,
                |it| std::mem::swap(&mut it.aggressor, &mut it.resting),
                |it| std::mem::swap(&mut it.aggressor.fee, &mut it.resting.fee),
            ],
        ),
        (
            EventBody::OrderCanceled(OrderCanceled {
                order: OrderId(3),
                account: AccountId(4),
                instrument: InstrumentId(5),
                canceled: Lots(6),
                was_resting: false,
                reason: CancelReason::MassCancel,
            }),
            changes![
                OrderCanceled(OrderCanceled),
                |it| it.order.0 += 1,
                |it| it.account.0 += 1,
                |it| it.instrument.0 += 1,
                |it| it.canceled.0 += 1,
                |it| it.was_resting = true,
                |it| it.reason = CancelReason::Capacity,
                |it| it.reason = CancelReason::FillOrKillTouchLimit,
            ],
        ),
        (
            EventBody::OrderReplaced(OrderReplaced {
                order: OrderId(3),
                account: AccountId(4),
                instrument: InstrumentId(5),
                price: Ticks(100),
                quantity: Lots(6),
                leaves: Lots(4),
                priority_kept: false,
            }),
            changes![
                OrderReplaced(OrderReplaced),
                |it| it.order.0 += 1,
                |it| it.account.0 += 1,
                |it| it.instrument.0 += 1,
                |it| it.price.0 += 1,
                |it| it.quantity.0 += 1,
                |it| it.leaves.0 += 1,
                |it| it.priority_kept = true,
            ],
        ),
        (
            EventBody::MassCancelDone(MassCancelDone {
                account: AccountId(1),
                canceled: 2,
                more: false,
            }),
            changes![
                MassCancelDone(MassCancelDone),
                |it| it.account.0 += 1,
                |it| it.canceled += 1,
                |it| it.more = true,
            ],
        ),
        (
            EventBody::DuplicateOrder { order: OrderId(3) },
            vec![("DuplicateOrder order", |event| {
                event.body = EventBody::DuplicateOrder { order: OrderId(4) };
            })],
        ),
        (
            EventBody::Rejected(Rejected {
                reason: RejectReason::Capacity,
                order: Some(OrderId(0)),
            }),
            changes![
                Rejected(Rejected),
                |it| it.reason = RejectReason::AccountLimit,
                |it| it.order = Some(OrderId(1)),
                |it| it.order = None,
            ],
        ),
        (
            EventBody::Armed(Armed {
                account: AccountId(1),
                arming: Sequence(2),
                cause: ArmCause::Deadline(Nanos(0)),
            }),
            changes![
                Armed(Armed),
                |it| it.account.0 += 1,
                |it| it.arming.0 += 1,
                |it| it.cause = ArmCause::Deadline(Nanos(1)),
                |it| it.cause = ArmCause::Disconnect,
            ],
        ),
        (
            EventBody::Disarmed(Disarm {
                account: AccountId(1),
                arming: Sequence(2),
            }),
            changes![Disarmed(Disarm), |it| it.account.0 += 1, |it| it.arming.0 += 1],
        ),
    ]
}

/// What is said of the exchange as a whole.
pub fn governing() -> Vec<Row> {
    let Command::Genesis(genesis) = common::genesis(LIMITS) else {
        unreachable!("genesis is a genesis")
    };
    let by = operator("ops");
    vec![
        (
            EventBody::Started(genesis),
            changes![
                Started(Genesis),
                |it| it.engine_version += 1,
                |it| it.exchange.0 += 1,
                |it| it.hash_key[0] += 1,
                |it| it.hash_key[1] += 1,
                |it| it.limits.max_instruments += 1,
                |it| it.limits.max_accounts += 1,
                |it| it.limits.max_open_orders += 1,
                |it| it.limits.max_open_orders_per_account += 1,
                |it| it.limits.max_touched_orders += 1,
                |it| it.limits.client_ids_per_account += 1,
                |it| it.limits.client_ids_total += 1,
            ],
        ),
        (
            EventBody::InstrumentDefined(InstrumentDefined {
                instrument: InstrumentId(1),
                spec: common::spec("X", [1, 9], 0, [1, 2]),
            }),
            changes![
                InstrumentDefined(InstrumentDefined),
                |it| it.instrument.0 += 1,
                |it| it.spec = common::spec("Y", [1, 9], 0, [1, 2]),
                |it| it.spec = common::spec("X", [2, 9], 0, [1, 2]),
                |it| it.spec = common::spec("X", [1, 8], 0, [1, 2]),
                |it| it.spec = common::spec("X", [1, 9], 1, [1, 2]),
                |it| it.spec = common::spec("X", [1, 9], 0, [2, 2]),
                |it| it.spec = common::spec("X", [1, 9], 0, [1, 3]),
            ],
        ),
        (
            EventBody::AccountOpened(AccountOpened {
                account: AccountId(1),
                name: common::account_name(1),
            }),
            changes![AccountOpened(AccountOpened), |it| it.account.0 += 1, |it| it
                .name =
                common::account_name(2),],
        ),
        (
            EventBody::Checkpointed(Checkpointed {
                digest: [3; 16],
                agrees: true,
            }),
            changes![
                Checkpointed(Checkpointed),
                |it| it.digest[0] ^= 1,
                |it| it.digest[15] ^= 128,
                |it| it.agrees = false,
            ],
        ),
        (
            EventBody::EngineVersionRaised(EngineVersion { version: 2 }),
            changes![EngineVersionRaised(EngineVersion), |it| it.version += 1],
        ),
        (
            EventBody::FeesSet(FeesSet {
                by,
                instrument: InstrumentId(1),
                maker: FeeRate(2),
                taker: FeeRate(3),
            }),
            changes![
                FeesSet(FeesSet),
                |it| it.by = operator("oops"),
                |it| it.instrument.0 += 1,
                |it| it.maker.0 = -2,
                |it| it.taker.0 += 1,
            ],
        ),
        (
            EventBody::InstrumentStatusSet(InstrumentStatusSet {
                by,
                instrument: InstrumentId(1),
                status: InstrumentStatus::Open,
            }),
            changes![
                InstrumentStatusSet(InstrumentStatusSet),
                |it| it.by = operator("oops"),
                |it| it.instrument.0 += 1,
                |it| it.status = InstrumentStatus::CancelOnly,
            ],
        ),
        (
            EventBody::AccountStatusSet(AccountStatusSet {
                by,
                account: AccountId(1),
                status: AccountStatus::Active,
            }),
            changes![
                AccountStatusSet(AccountStatusSet),
                |it| it.by = operator("oops"),
                |it| it.account.0 += 1,
                |it| it.status = AccountStatus::Suspended,
            ],
        ),
        (
            EventBody::AccountLimitsSet(AccountLimitsSet {
                by,
                account: AccountId(1),
                max_open_orders: 2,
            }),
            changes![
                AccountLimitsSet(AccountLimitsSet),
                |it| it.by = operator("oops"),
                |it| it.account.0 += 1,
                |it| it.max_open_orders += 1,
            ],
        ),
        (
            EventBody::InstrumentCanceled(InstrumentCanceled {
                by,
                instrument: InstrumentId(1),
                canceled: 2,
                more: false,
            }),
            changes![
                InstrumentCanceled(InstrumentCanceled),
                |it| it.by = operator("oops"),
                |it| it.instrument.0 += 1,
                |it| it.canceled += 1,
                |it| it.more = true,
            ],
        ),
        (
            EventBody::LimitsSet(LimitsSet { by, limits: LIMITS }),
            changes![
                LimitsSet(LimitsSet),
                |it| it.by = operator("oops"),
                |it| it.limits.max_accounts += 1,
                |it| it.limits.max_open_orders_per_account -= 1,
                |it| it.limits.client_ids_total += 1,
            ],
        ),
        (
            EventBody::ClockAccepted(ClockAccepted {
                by,
                from: Nanos(1),
                to: Nanos(2),
            }),
            changes![
                ClockAccepted(ClockAccepted),
                |it| it.by = operator("oops"),
                |it| it.from.0 -= 1,
                |it| it.to.0 += 1,
            ],
        ),
    ]
}
