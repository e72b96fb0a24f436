//! A thousand instruments, of which the n-th is 1/n as busy as the first (Zipf): 45 % orders, 40 % cancels,
//! 10 % moves, 5 % immediate, with 100,000 orders resting in all.

use hoga_protocol::{InstrumentId, Side, TimeInForce};

use super::mixed::any_side;
use crate::Flow;
use crate::flow_builder::FlowBuilder;
use crate::random::Random;

const INSTRUMENTS: u64 = 1_000;
const RESTING: usize = 100_000;

pub(super) fn flow(seed: u64, messages: usize) -> Flow {
    let mut random = Random::new(!seed);
    let starts: Vec<i64> = (0..INSTRUMENTS)
        .map(|_| random.power_law(1_000.0, 1_000_000.0) as i64)
        .collect();
    let busy = Busy::new();
    let mut maker = FlowBuilder::new(seed, &starts, RESTING + RESTING / 4);
    while maker.live.len() < RESTING {
        let instrument = busy.draw(&mut maker.random);
        place(&mut maker, instrument, &starts);
    }
    maker.opened();
    for _ in 0..messages {
        let short = maker.live.len() < RESTING;
        let (orders, cancels) = if short { (50, 85) } else { (40, 85) };
        let kind = maker.random.below(100);
        if kind < orders {
            let instrument = busy.draw(&mut maker.random);
            place(&mut maker, instrument, &starts);
        } else if kind < 95 {
            let target = maker.live.any(&mut maker.random);
            if kind < cancels {
                maker.cancel(target);
            } else {
                let step = 1 + maker.random.below(3) as i64;
                let outwards = if target.side == Side::Buy { -step } else { step };
                maker.shift(target, (target.price + outwards).max(1 + step));
            }
        } else {
            let instrument = busy.draw(&mut maker.random);
            let (side, quantity) = (any_side(&mut maker), 1 + maker.random.below(100));
            let last = maker.last(instrument);
            let limit = if side == Side::Buy {
                last + 50
            } else {
                (last - 50).max(1)
            };
            maker.order(instrument, side, limit, quantity, TimeInForce::Ioc);
        }
    }
    maker.finish()
}

/// Around the latest trade, which is kept within a tenth of where the instrument began.
fn place(maker: &mut FlowBuilder, instrument: InstrumentId, starts: &[i64]) {
    let start = starts[instrument.0 as usize];
    let middle = maker
        .last(instrument)
        .clamp(start - start / 10, start + start / 10);
    let away = maker.random.power_law(1.0, start as f64 / 20.0) as i64;
    let side = any_side(maker);
    let price = middle + if side == Side::Buy { -away } else { away };
    let quantity = 1 + maker.random.below(100);
    maker.order(instrument, side, price.max(1), quantity, TimeInForce::Gtc);
}

/// Draws an instrument by how busy it is. The busiest have numbers spread over the table.
struct Busy {
    /// Running sums of the weights.
    sums: Vec<u64>,
}

impl Busy {
    fn new() -> Self {
        let weights = (1..=INSTRUMENTS).map(|rank| (1 << 32) / rank);
        let sums = weights.scan(0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        });
        Self { sums: sums.collect() }
    }

    fn draw(&self, random: &mut Random) -> InstrumentId {
        let at = random.below(self.sums[self.sums.len() - 1]);
        let rank = self.sums.partition_point(|&sum| sum <= at) as u64;
        // 7 and the number of instruments have no common factor, so each rank has a number of its own.
        InstrumentId((rank * 7 % INSTRUMENTS) as u32)
    }
}
