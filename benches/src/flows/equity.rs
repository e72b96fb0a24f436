//! Flows like those of a share: a middle price that walks, orders whose distance from it follows a power law, nearly
//! all of which are canceled, and cancels that come in again at another price.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use hoga_protocol::{InstrumentId, OrderId, Side, TimeInForce};

use super::mixed::any_side;
use crate::Flow;
use crate::flow_builder::FlowBuilder;
use crate::live::Resting;
use crate::random::Random;

const BOOK: InstrumentId = InstrumentId(0);
/// A share of a hundred dollars, in cents.
const START: i64 = 10_000;
/// Orders that come in before the flow proper begins.
const OPENING: usize = 1_500;
/// Per message; over two million messages the middle strays by about seven thousandths.
const VOLATILITY: f64 = 5e-6;
/// Swings from the first message to the last.
const SWINGS: f64 = 2.0;
/// Of new orders, so many percent are immediate.
const IMMEDIATE: u64 = 15;
/// Of orders whose time has come, so many percent are modified: canceled, and sent again at another price.
const MODIFIED: u64 = 20;
/// An order lives so many messages at least for each tick between it and the middle, and how much longer follows a
/// power law: whoever quotes near the market looks after his quote.
const LIFE: f64 = 20.0;
/// The longest life, in messages.
const LONGEST: f64 = 200_000.0;

/// What the middle price does besides its walk.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Weather {
    Normal,
    /// Not even the walk.
    Static,
    /// Up and down by this part of it.
    Swing(f64),
    /// Half-way it falls by four tenths within a hundredth of the messages, and mostly comes back within six more.
    FlashCrash,
}

pub(super) fn flow(seed: u64, weather: Weather, messages: usize) -> Flow {
    let mut trading = Trading {
        maker: FlowBuilder::new(seed, &[START], 1 << 18),
        middle: Middle {
            weather,
            walk: 1.0,
            falls: false,
        },
        due: BinaryHeap::new(),
        reenters: None,
    };
    for _ in 0..OPENING {
        trading.rest(0, START);
    }
    trading.maker.opened();
    for at in 0..messages {
        trading.message(at, messages);
    }
    trading.maker.finish()
}

struct Trading {
    maker: FlowBuilder,
    middle: Middle,
    /// When an order's time has come, in messages; whether it is then modified, else it is canceled.
    due: BinaryHeap<Reverse<(usize, u64, bool)>>,
    /// An order that has just been canceled to come in again.
    reenters: Option<Resting>,
}

impl Trading {
    fn message(&mut self, at: usize, messages: usize) {
        let middle = self
            .middle
            .at(at as f64 / messages as f64, &mut self.maker.random);
        if let Some(old) = self.reenters.take() {
            return self.enter(at, middle, old.side, old.leaves);
        }
        while let Some(&Reverse((time, order, modify))) = self.due.peek().filter(|due| due.0.0 <= at) {
            let _ = self.due.pop();
            debug_assert!(time <= at);
            if let Some(&target) = self.maker.live.get(OrderId(order)) {
                if modify {
                    self.maker.modifies();
                    self.reenters = Some(target);
                }
                return self.maker.cancel(target);
            }
        }
        let immediate = if self.middle.falls { 60 } else { IMMEDIATE };
        if self.maker.random.percent(immediate) {
            self.take(middle);
        } else {
            self.rest(at, middle);
        }
    }

    fn rest(&mut self, at: usize, middle: i64) {
        let side = any_side(&mut self.maker);
        let quantity = self.maker.random.power_law(10.0, 1_000.0);
        self.enter(at, middle, side, quantity);
    }

    /// Half of all orders lie within eight ticks of the middle, and a hundredth beyond 400.
    fn enter(&mut self, at: usize, middle: i64, side: Side, quantity: u64) {
        let ticks = self.maker.random.power_law(4.0, middle as f64 / 5.0) as i64;
        let price = middle + if side == Side::Buy { -ticks } else { ticks };
        let order = self
            .maker
            .order(BOOK, side, price.max(1), quantity, TimeInForce::Gtc);
        let random = &mut self.maker.random;
        let life = random.power_law(LIFE * ticks as f64, LONGEST) as usize;
        let modified = random.percent(MODIFIED);
        self.due.push(Reverse((at + life, order.0, modified)));
    }

    /// Ten ticks through the middle at most; while it falls, all sell and sell more.
    fn take(&mut self, middle: i64) {
        let (side, most) = match self.middle.falls {
            true => (Side::Sell, 2_000.0),
            false => (any_side(&mut self.maker), 300.0),
        };
        let limit = middle + if side == Side::Buy { 10 } else { -10 };
        let quantity = self.maker.random.power_law(most / 100.0, most);
        self.maker
            .order(BOOK, side, limit.max(1), quantity, TimeInForce::Ioc);
    }
}

struct Middle {
    weather: Weather,
    /// A geometric walk in steps that are as good as normal: Brownian in the limit.
    walk: f64,
    falls: bool,
}

impl Middle {
    /// In ticks; `time` runs from 0 to 1.
    fn at(&mut self, time: f64, random: &mut Random) -> i64 {
        if self.weather != Weather::Static {
            self.walk *= 1.0 + VOLATILITY * random.normal();
        }
        let factor = match self.weather {
            Weather::Normal | Weather::Static => 1.0,
            Weather::Swing(part) => 1.0 + part * wave(time * SWINGS),
            Weather::FlashCrash => crash(time),
        };
        self.falls = self.weather == Weather::FlashCrash && (0.50..0.51).contains(&time);
        (START as f64 * self.walk * factor) as i64
    }
}

/// From 0 to 1, back, to -1 and back with every whole turn: a sine made of two parabolas.
fn wave(turns: f64) -> f64 {
    let half = (turns * 2.0) % 2.0;
    match half < 1.0 {
        true => 4.0 * half * (1.0 - half),
        false => -4.0 * (half - 1.0) * (2.0 - half),
    }
}

fn crash(time: f64) -> f64 {
    match time {
        ..0.50 => 1.0,
        ..0.51 => 1.0 - 40.0 * (time - 0.50),
        ..0.52 => 0.6,
        ..0.58 => 0.6 + 0.35 / 0.06 * (time - 0.52),
        _ => 0.95,
    }
}
