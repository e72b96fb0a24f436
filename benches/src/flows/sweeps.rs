//! Ten thousand levels of one order each, then one order that takes them all, on one side and then on the other.

use hoga_protocol::{InstrumentId, Side, TimeInForce};

use crate::Flow;
use crate::flow_builder::FlowBuilder;

const BOOK: InstrumentId = InstrumentId(0);
const LEVELS: i64 = 10_000;
const START: i64 = 50_000;

pub(super) fn flow(seed: u64, messages: usize) -> Flow {
    let mut maker = FlowBuilder::new(seed, &[START], LEVELS as usize + 1);
    maker.opened();
    let mut given = 0;
    for (turn, side) in [Side::Sell, Side::Buy].into_iter().cycle().enumerate() {
        let outwards = if side == Side::Sell { 1 } else { -1 };
        // Levels come in no order: 7,919 and their number have no common factor.
        for level in (0..LEVELS).map(|step| (step * 7_919 + turn as i64) % LEVELS) {
            if given == messages {
                return maker.finish();
            }
            let quantity = 1 + maker.random.below(100);
            maker.order(
                BOOK,
                side,
                START + outwards * (level + 1),
                quantity,
                TimeInForce::Gtc,
            );
            given += 1;
        }
        if given < messages {
            let last = START + outwards * LEVELS;
            maker.order(BOOK, side.opposite(), last, LEVELS as u64 * 100, TimeInForce::Ioc);
            given += 1;
        }
    }
    unreachable!("the turns have no end")
}
