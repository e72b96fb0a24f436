//! Any bytes as an image of the views: refused, or views that are written as these very bytes again, that smaller
//! limits only cut, and whose live orders can all be taken off their books.
#![no_main]

use hoga_protocol::codec::ImageSink;
use hoga_protocol::*;
use hoga_views::{ViewLimits, Views};
use libfuzzer_sys::fuzz_target;

const WIDE: ViewLimits = ViewLimits {
    executions: 1000,
    closed_orders: 1000,
    order_updates: 1000,
    account_floor: 1000,
};

const NARROW: ViewLimits = ViewLimits {
    executions: 2,
    closed_orders: 1,
    order_updates: 1,
    account_floor: 1,
};

struct Bytes(Vec<u8>);

impl ImageSink for Bytes {
    fn put(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some(views) = read(WIDE, bytes) else { return };
    assert_eq!(image(&views), bytes, "two images of the same views");
    let cut = read(NARROW, bytes).expect("an image is read under any limits");
    let written = image(&cut);
    let again = read(NARROW, &written).expect("what was read can be written and read");
    assert_eq!(image(&again), written);
    ask(&views);
    ask(&cut);
    cancel_all(views);
    cancel_all(cut);
});

fn read(limits: ViewLimits, mut bytes: &[u8]) -> Option<Views> {
    let views = Views::read_image(limits, &mut bytes).ok()?;
    bytes.is_empty().then_some(views)
}

fn image(views: &Views) -> Vec<u8> {
    let mut bytes = Bytes(Vec::new());
    views.write_image(&mut bytes);
    bytes.0
}

/// What clients ask.
fn ask(views: &Views) {
    let (executions, updates) = (views.executions(), views.updates());
    for (instrument, spec) in views.instruments().iter() {
        for number in executions.newest(instrument, 100) {
            let execution = executions.get(number).expect("a listed execution is held");
            spec.price_text(execution.price);
            spec.money_text(execution.fee);
        }
    }
    for account in (0..views.accounts().len() as u32).map(AccountId) {
        let ids: Vec<OrderId> = views
            .orders()
            .of_account(account)
            .map(|order| order.order)
            .collect();
        assert!(ids.is_sorted_by(|newer, older| newer > older));
        for order in views.orders().of_account(account) {
            let id = &order.client_order_id;
            let named = views.orders().by_client_id(account, id);
            assert!(named.is_none_or(|named| named.order >= order.order), "{order:?}");
        }
        for execution in executions.newest_of(account) {
            assert_eq!(execution.account, account);
        }
        let from = updates.resume(account, views.sequence(), None);
        assert_eq!(from, Ok(updates.next()), "nothing came after the last event");
        let numbers = updates.of_account(account, 0).map(|update| update.number);
        assert!(numbers.is_sorted_by(|older, newer| older < newer));
    }
}

fn cancel_all(mut views: Views) {
    let accounts = (0..views.accounts().len() as u32).map(AccountId);
    let live: Vec<_> = accounts
        .flat_map(|account| views.orders().live_of_account(account))
        .copied()
        .collect();
    assert_eq!(live.len(), views.orders().live());
    for order in live {
        views.fold(&Event {
            sequence: views.sequence().next(),
            timestamp: views.timestamp(),
            index: 0,
            last: true,
            body: EventBody::OrderCanceled(OrderCanceled {
                order: order.order,
                account: order.account,
                instrument: order.instrument,
                canceled: order.leaves,
                was_resting: true,
                reason: CancelReason::Requested,
            }),
        });
    }
    for (instrument, _) in views.instruments().iter() {
        let book = views.book(instrument).expect("every instrument has a book");
        for side in [Side::Buy, Side::Sell] {
            assert_eq!(book.levels(side).count(), 0, "{instrument:?}");
        }
    }
}
