//! Random flow through the engine and through a book so plain that it is right by inspection, event against event;
//! and what must hold of any flow, whatever the rules.

mod common;

#[path = "reference/answers.rs"]
mod answers;

#[path = "reference/book.rs"]
mod book;

#[path = "campaign/govern.rs"]
mod govern;

#[path = "reference/flow.rs"]
mod flow;

use std::collections::BTreeMap;

use hoga_engine::EventsDigest;
use hoga_protocol::*;
use proptest::prelude::*;

use book::Reference;
use common::Exchange;
use flow::{ACCOUNTS, Step};

fn exchange() -> Exchange {
    let mut exchange = Exchange::new();
    exchange.send(&common::genesis(flow::limits()));
    for spec in flow::specs() {
        exchange.send(&Command::DefineInstrument(spec));
    }
    for number in 0..flow::ACCOUNTS {
        exchange.send(&common::open_next(number));
    }
    exchange
}

/// Plays a flow and hands each command, the exchange before and after it, and its events to `look`.
fn play(steps: &[Step], mut look: impl FnMut(&Command, [&Exchange; 2], &[EventBody])) -> Exchange {
    let mut exchange = exchange();
    let mut sent = Vec::new();
    for step in steps {
        let command = flow::command_of(step, &exchange, &sent);
        let before = exchange.clone();
        let bodies = exchange.bodies(&command);
        look(&command, [&before, &exchange], &bodies);
        sent.push(command);
    }
    exchange
}

/// What the events alone tell of an order.
struct Told {
    side: Side,
    total: u64,
    filled: u64,
    canceled: u64,
    charged: i128,
}

proptest! {
    #![proptest_config(common::config(300))]

    #[test]
    fn the_engine_says_what_the_plain_book_says(steps in flow::flow(160)) {
        let names = (0..ACCOUNTS).map(common::account_name).collect();
        let mut reference = Reference::new(flow::limits(), flow::specs(), names);
        play(&steps, |command, [before, after], bodies| {
            let (timestamp, check) = (before.next_timestamp(), after.engine.last_check());
            let expected = reference.apply(after.sequence, timestamp, command, check);
            assert_eq!(bodies, expected, "{command:?}");
            assert_eq!(after.engine.now(), reference.now());
            assert!(after.engine.armings().eq(reference.armings().iter().copied()));
        });
    }

    #[test]
    fn nobody_is_filled_before_those_ahead_of_him(steps in flow::flow(100)) {
        play(&steps, |_, [before, _], bodies| {
            let trades: Vec<&Trade> = bodies.iter().filter_map(trade).collect();
            let Some(first) = trades.first() else { return };
            let queue = before.engine.orders(first.instrument, first.aggressor_side.opposite());
            // An order that takes nothing of the one ahead leaves it in the book, so only the last may be in part.
            for (at, (trade, ahead)) in trades.iter().zip(queue).enumerate() {
                assert_eq!((trade.resting.order, trade.price), (ahead.order, ahead.price));
                let filled = trade.resting.leaves == Lots::ZERO;
                assert!(filled || at + 1 == trades.len(), "an order was passed over");
                assert_eq!(trade.quantity.0 + trade.resting.leaves.0, ahead.leaves().0);
            }
        });
    }

    #[test]
    fn no_lot_and_no_fee_is_lost_or_made(steps in flow::flow(160)) {
        let mut told: BTreeMap<OrderId, Told> = BTreeMap::new();
        let end = play(&steps, |_, _, bodies| {
            for body in bodies {
                tell(&mut told, body);
            }
        });
        let sum = |side| told.values().filter(|order| order.side == side).map(|order| order.filled).sum::<u64>();
        assert_eq!(sum(Side::Buy), sum(Side::Sell), "what was bought was not what was sold");
        for (id, order) in &told {
            let resting = end.engine.order(*id);
            let leaves = resting.map_or(0, |resting| resting.leaves().0);
            assert_eq!(order.total, order.filled + order.canceled + leaves, "{id:?}");
            if let Some(resting) = resting {
                assert_eq!(resting.fee.total(), Notional(order.charged));
                assert_eq!((resting.filled.0, resting.quantity.0), (order.filled, order.total));
            }
        }
        assert!(end.engine.open_orders() <= flow::limits().max_open_orders as usize);
    }

    #[test]
    fn the_same_journal_gives_the_same_digests(steps in flow::flow(100)) {
        let mut sent = Vec::new();
        play(&steps, |command, _, _| sent.push(*command));
        let run = || {
            let mut events = EventsDigest::new();
            let mut states = Vec::new();
            let mut exchange = exchange();
            for command in &sent {
                for event in exchange.send(command) {
                    events.push(&event);
                }
                states.push(exchange.engine.state_digest());
            }
            (events.finish(), states)
        };
        assert_eq!(run(), run());
    }
}

fn trade(body: &EventBody) -> Option<&Trade> {
    match body {
        EventBody::Trade(trade) => Some(trade),
        _ => None,
    }
}

fn tell(told: &mut BTreeMap<OrderId, Told>, body: &EventBody) {
    let known = "an order speaks before it is accepted";
    match body {
        EventBody::OrderAccepted(accepted) => {
            let order = Told {
                side: accepted.request.side,
                total: accepted.request.quantity.0,
                filled: 0,
                canceled: 0,
                charged: 0,
            };
            assert!(told.insert(accepted.order, order).is_none(), "an id came twice");
        }
        EventBody::Trade(trade) => {
            assert!(trade.quantity > Lots::ZERO, "a fill of nothing");
            for side in [&trade.aggressor, &trade.resting] {
                let order = told.get_mut(&side.order).expect(known);
                order.filled += trade.quantity.0;
                order.charged += side.fee.0;
                assert_eq!(side.leaves.0, order.total - order.filled);
            }
        }
        EventBody::OrderCanceled(canceled) => {
            let order = told.get_mut(&canceled.order).expect(known);
            order.canceled += canceled.canceled.0;
        }
        EventBody::OrderReplaced(replaced) => {
            let order = told.get_mut(&replaced.order).expect(known);
            order.total = replaced.quantity.0;
            assert_eq!(replaced.leaves.0, order.total - order.filled);
        }
        _ => {}
    }
}

/// A flow that never reached some answer would judge nothing there.
#[test]
fn the_random_flow_reaches_every_answer() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..150 {
        let steps = flow::flow(160).new_tree(&mut runner).unwrap().current();
        play(&steps, |_, _, bodies| {
            for body in bodies {
                *counts.entry(answers::word(body)).or_default() += 1;
            }
        });
    }
    answers::must_have_come(&counts, 10);
}
