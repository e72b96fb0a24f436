//! The digests: their exact form, and that no field of any event is left out of the events'. What the state's covers is
//! judged where its fields can be changed, in `src/market/tests.rs`.

mod common;

use std::collections::BTreeMap;

use common::LIMITS;
use hoga_engine::{Engine, EventsDigest};
use hoga_protocol::*;

fn hex(bytes: [u8; 16]) -> String {
    bytes.map(|byte| format!("{byte:02x}")).concat()
}

fn event(body: EventBody) -> Event {
    Event {
        sequence: Sequence(7),
        timestamp: Nanos(9),
        index: 2,
        last: true,
        body,
    }
}

fn digest(events: &[Event]) -> EventsDigest {
    let mut digest = EventsDigest::new();
    events.iter().for_each(|event| digest.push(event));
    digest
}

/// Expected values come from a separate implementation, in which the words of each event are written out by hand, and of
/// SipHash-2-4-128 with a key of zeros: so that another program can compare its own.
#[test]
fn the_form_of_a_digest_does_not_drift() {
    let mut duplicate = event(EventBody::DuplicateOrder { order: OrderId(3) });
    duplicate.index = 0;
    let canceled = event(EventBody::OrderCanceled(OrderCanceled {
        order: OrderId(3),
        account: AccountId(4),
        instrument: InstrumentId(5),
        canceled: Lots(6),
        was_resting: true,
        reason: CancelReason::MassCancel,
    }));
    for (events, expected) in [
        (&[][..], "00000000000000000000000000000000"),
        (&[duplicate], "f84c80ce9ec6f3e07a0effc28fb4b9cd"),
        (&[duplicate, canceled], "c87072c44823604526d26f79c0200336"),
    ] {
        assert_eq!(hex(digest(events).finish()), expected);
    }
    assert_eq!(
        hex(Engine::new().state_digest()),
        "f60ebca943aa1e86bdf75851dc9e2e24"
    );
}

/// One field changed, or two that a digest must not take for each other.
type Change = fn(&mut Event);

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
type Row = (EventBody, Vec<(&'static str, Change)>);

fn client_order_id(text: &str) -> ClientOrderId {
    ClientOrderId::new(text).unwrap_or_default()
}

fn operator(text: &str) -> OperatorName {
    OperatorName::new(text).unwrap()
}

/// What most events say.
fn trading() -> Vec<Row> {
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
fn governing() -> Vec<Row> {
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

/// A kind that is not here does not compile: put it into a table above.
const fn is_in_a_table(body: &EventBody) -> bool {
    match body {
        EventBody::OrderAccepted(_)
        | EventBody::Trade(_)
        | EventBody::OrderCanceled(_)
        | EventBody::OrderReplaced(_)
        | EventBody::MassCancelDone(_)
        | EventBody::DuplicateOrder { .. }
        | EventBody::Rejected(_)
        | EventBody::Armed(_)
        | EventBody::Disarmed(_)
        | EventBody::Started(_)
        | EventBody::InstrumentDefined(_)
        | EventBody::AccountOpened(_)
        | EventBody::Checkpointed(_)
        | EventBody::EngineVersionRaised(_)
        | EventBody::FeesSet(_)
        | EventBody::InstrumentStatusSet(_)
        | EventBody::AccountStatusSet(_)
        | EventBody::AccountLimitsSet(_)
        | EventBody::InstrumentCanceled(_)
        | EventBody::LimitsSet(_)
        | EventBody::ClockAccepted(_) => true,
    }
}

/// Where each event stands, whatever it says.
fn places() -> Vec<(&'static str, Change)> {
    vec![
        ("the sequence", |event| event.sequence.0 += 1),
        ("the time", |event| event.timestamp.0 += 1),
        ("the index", |event| event.index += 1),
        ("a high index", |event| event.index += 1 << 20),
        ("the last", |event| event.last = false),
    ]
}

/// Every event that the tables tell of.
fn histories() -> Vec<(String, Event)> {
    let mut all = Vec::new();
    for (body, changes) in trading().into_iter().chain(governing()) {
        assert!(is_in_a_table(&body));
        all.push((format!("{body:?}"), event(body)));
        for (name, change) in changes.into_iter().chain(places()) {
            let mut changed = event(body);
            change(&mut changed);
            assert_ne!(changed, event(body), "{name} changes nothing");
            all.push((format!("{name} in {body:?}"), changed));
        }
    }
    all
}

#[test]
fn no_field_of_any_event_is_left_out_of_the_digest_and_no_difference_disappears() {
    let mut all: Vec<(String, EventsDigest)> = histories()
        .into_iter()
        .map(|(name, event)| (name, digest(&[event])))
        .collect();
    let kinds: Vec<EventBody> = trading()
        .into_iter()
        .chain(governing())
        .map(|row| row.0)
        .collect();
    assert_eq!(kinds.len(), 21, "every kind there is");
    for round in 0..300 {
        let mut seen = BTreeMap::new();
        for (name, digest) in &all {
            if let Some(other) = seen.insert(digest.finish(), name) {
                panic!("after {round} more events {name:?} is not told from {other:?}");
            }
        }
        let next = event(kinds[round % kinds.len()]);
        all.iter_mut().for_each(|(_, digest)| digest.push(&next));
    }
}

#[test]
fn events_in_another_order_are_not_taken_for_the_same() {
    let all: Vec<Event> = histories().into_iter().map(|(_, event)| event).collect();
    let whole = digest(&all);
    for at in 1..all.len() {
        let mut swapped = all.clone();
        swapped.swap(at - 1, at);
        assert_ne!(digest(&swapped), whole, "{:?}", all[at]);
        let mut left_out = all.clone();
        left_out.remove(at);
        assert_ne!(digest(&left_out), whole, "{:?}", all[at]);
    }
}

#[test]
fn an_engine_tells_the_digest_of_what_it_said() {
    let mut exchange = common::Exchange::new();
    let mut events = EventsDigest::new();
    for command in [
        common::genesis(LIMITS),
        common::genesis(LIMITS),
        Command::DefineInstrument(common::spec("X", [1, 9], 0, [1, 2])),
        common::open(0, "a"),
        common::named(common::limit(Side::Buy, 100, 5), 0, "a"),
        common::named(common::limit(Side::Sell, 100, 5), 0, ""),
    ] {
        exchange
            .send(&command)
            .iter()
            .for_each(|event| events.push(event));
        assert_eq!(exchange.engine.events_digest(), events.finish());
        exchange.engine = common::restored(&common::image(&exchange.engine));
        assert_eq!(exchange.engine.events_digest(), events.finish());
    }
}
