//! Flows of fixed mixes around a price that follows the latest trade, within a band: those that mostly move orders,
//! as exchange-core's test generator does, and those that add and cancel.

use hoga_protocol::{InstrumentId, Side, TimeInForce};

use crate::Flow;
use crate::flow_builder::FlowBuilder;
use crate::live::Resting;

const BOOK: InstrumentId = InstrumentId(0);
/// Where the price begins, in ticks.
const START: i64 = 30_000;
/// How far from the latest trade orders are placed, in ticks.
const WIDTH: u64 = 1_500;
/// The lowest and the highest price of an order, in ticks.
const BAND: (i64, i64) = (START - 5 * WIDTH as i64, START + 5 * WIDTH as i64);

/// Which orders are canceled and changed.
#[derive(Clone, Copy)]
pub(super) enum Targets {
    /// One of the oldest 512.
    Oldest,
    /// Any.
    Any,
}

/// 13 % GTC, 2 % IOC, 7 % cancel, 7 % reduce, 71 % move. The size of the immediate orders, and a few cancels that
/// become orders where the book is short, keep about `depth` orders resting.
pub(super) fn moves(seed: u64, depth: usize, targets: Targets, messages: usize) -> Flow {
    let mut maker = filled(seed, depth);
    for _ in 0..messages {
        let resting = maker.live.len();
        let is_short = resting + depth / 50 < depth;
        match maker.random.below(100) {
            _ if resting == 0 => place(&mut maker),
            0..13 => place(&mut maker),
            13..15 => {
                let excess = resting.saturating_sub(depth) as u64;
                let quantity = 1 + dice(&mut maker, 6) + excess.min(100) * 16;
                take(&mut maker, quantity);
            }
            15..20 if is_short => place(&mut maker),
            kind => {
                let target = match targets {
                    Targets::Oldest => maker.live.any_old(&mut maker.random),
                    Targets::Any => maker.live.any(&mut maker.random),
                };
                match kind {
                    15..22 => maker.cancel(target),
                    22..29 => maker.reduce(target),
                    _ => approach(&mut maker, target),
                }
            }
        }
    }
    maker.finish()
}

/// 5 % IOC, 2 % reduce, and of the rest orders while fewer than `depth` rest, else cancels, six to four either way.
pub(super) fn add_and_cancel(seed: u64, depth: usize, messages: usize) -> Flow {
    let mut maker = filled(seed, depth);
    for _ in 0..messages {
        let kind = maker.random.below(100);
        let adds = if maker.live.len() < depth { 60 } else { 40 };
        if kind < 5 {
            let quantity = 1 + dice(&mut maker, 6);
            take(&mut maker, quantity);
        } else if maker.live.len() == 0 || (kind >= 7 && maker.random.percent(adds)) {
            place(&mut maker);
        } else {
            let target = maker.live.any(&mut maker.random);
            match kind < 7 {
                true => maker.reduce(target),
                false => maker.cancel(target),
            }
        }
    }
    maker.finish()
}

fn filled(seed: u64, depth: usize) -> FlowBuilder {
    let mut maker = FlowBuilder::new(seed, &[START], depth + depth / 4 + 1_024);
    while maker.live.len() < depth {
        place(&mut maker);
    }
    maker.opened();
    maker
}

/// The product of three dice with faces from 0, so that most orders are small and some are large.
fn dice(maker: &mut FlowBuilder, faces: u64) -> u64 {
    (0..3).map(|_| maker.random.below(faces)).product()
}

/// The nearer to the latest trade the likelier, mostly on its own side of it; a tenth crosses by a little.
fn place(maker: &mut FlowBuilder) {
    let away = (maker.random.below(WIDTH) * maker.random.below(WIDTH) / WIDTH) as i64;
    let away = match maker.random.percent(10) {
        true => -away / 64,
        false => away,
    };
    let side = any_side(maker);
    let price = maker.last(BOOK) + if side == Side::Buy { -away } else { away };
    let quantity = 1 + dice(maker, 6);
    maker.order(
        BOOK,
        side,
        price.clamp(BAND.0, BAND.1),
        quantity,
        TimeInForce::Gtc,
    );
}

fn take(maker: &mut FlowBuilder, quantity: u64) {
    let side = any_side(maker);
    let limit = if side == Side::Buy { BAND.1 } else { BAND.0 };
    maker.order(BOOK, side, limit, quantity, TimeInForce::Ioc);
}

/// Goes a hundredth of the way to the latest trade, at least a tick; from that very price, a tick either way.
fn approach(maker: &mut FlowBuilder, target: Resting) {
    let way = maker.last(BOOK) - target.price;
    let step = match way.signum() {
        0 => maker.random.below(2) as i64 * 2 - 1,
        sign => sign * ((way.abs() + 99) / 100),
    };
    let price = (target.price + step).clamp(BAND.0, BAND.1);
    let price = if price == target.price {
        price - step
    } else {
        price
    };
    maker.shift(target, price);
}

pub(super) fn any_side(maker: &mut FlowBuilder) -> Side {
    match maker.random.below(2) {
        0 => Side::Buy,
        _ => Side::Sell,
    }
}
