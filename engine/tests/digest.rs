//! The digests: their exact form, and that no field of any event is left out of the events'. What the state's covers is
//! judged where its fields can be changed, in `src/market/tests.rs`.

mod common;

#[path = "digest/tables.rs"]
mod tables;

use std::collections::BTreeMap;

use hoga_engine::{Engine, EventsDigest};
use hoga_protocol::*;

use common::LIMITS;
use tables::{Change, governing, trading};

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
        (&[duplicate], "c45777c9340570322092b76b4735ed00"),
        (&[duplicate, canceled], "88ba96233cb3d745635341ff73295a2d"),
    ] {
        assert_eq!(hex(digest(events).finish()), expected);
    }
    assert_eq!(
        hex(Engine::new().state_digest()),
        "f60ebca943aa1e86bdf75851dc9e2e24"
    );
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
