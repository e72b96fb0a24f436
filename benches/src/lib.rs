//! A flow of orders for the benches: the same on every machine, with a book that stays about as deep as it began.
//!
//! Prices lie around a middle that does not move; limit orders are placed on their own side of it, the nearer the
//! likelier, and live orders are canceled, reduced and moved at random, so that queues have holes and levels come and
//! go. A few immediate orders trade.

use hoga_engine::{ENGINE_VERSION, Engine};
use hoga_protocol::{
    AccountId, AccountName, CancelOrder, ClientOrderId, Command, Event, EventBody, ExchangeId, FeeRate,
    Genesis, InstrumentId, InstrumentSpec, Limits, Lots, Nanos, NewOrder, Notional, OpenAccount, OrderId,
    OrderType, ReplaceOrder, Scaled, Sequence, Side, Symbol, Ticks, TimeInForce,
};

/// Where both sides meet, in ticks.
const MIDDLE: u64 = 50_000;
/// How far from it orders are placed, in ticks.
const WIDTH: u64 = 500;

/// Commands that build a book, and commands that follow.
pub struct Flow {
    /// The exchange's settings, and orders until the book is deep enough. Sequences count from 1.
    pub opening: Vec<Command>,
    /// What follows: places, cancels, replaces and immediate orders.
    pub steady: Vec<Command>,
    /// Trades in the steady part.
    pub trades: usize,
}

impl Flow {
    /// A flow around `depth` resting orders, with `steady` commands after the opening. Equal arguments, equal flows.
    ///
    /// # Panics
    /// If the engine refuses the settings or an order, which the flow never gives it cause to.
    pub fn new(seed: u64, depth: usize, steady: usize) -> Self {
        let mut maker = Maker::new(seed);
        for command in settings() {
            maker.give(command);
        }
        while maker.live.len() < depth {
            let order = maker.limit_order();
            maker.give(order);
        }
        let opening = std::mem::take(&mut maker.commands);
        maker.trades = 0;
        for _ in 0..steady {
            let command = maker.next(depth);
            maker.give(command);
        }
        Self {
            opening,
            steady: maker.commands,
            trades: maker.trades,
        }
    }

    /// An engine with the book built.
    pub fn engine(&self) -> Engine {
        let mut engine = Engine::new();
        let mut last = 0;
        apply(&mut engine, &mut last, &self.opening, &mut |_| {});
        engine
    }

    /// All events of the whole flow: of the opening, then of the rest.
    pub fn events(&self) -> (Vec<Event>, Vec<Event>) {
        let (mut engine, mut last) = (Engine::new(), 0);
        let (mut opening, mut steady) = (Vec::new(), Vec::new());
        apply(&mut engine, &mut last, &self.opening, &mut |event| {
            opening.push(*event)
        });
        apply(&mut engine, &mut last, &self.steady, &mut |event| {
            steady.push(*event)
        });
        (opening, steady)
    }
}

/// Applies commands one after another; `last` is the sequence of the last one applied.
pub fn apply(engine: &mut Engine, last: &mut u64, commands: &[Command], emit: &mut impl FnMut(&Event)) {
    for command in commands {
        *last += 1;
        engine.apply(Sequence(*last), Nanos(*last * 1_000), command, emit);
    }
}

/// A BTC-KRW, an account, and limits that suit a bench.
fn settings() -> [Command; 3] {
    let spec = InstrumentSpec::new(
        Symbol::new("BTC-KRW").expect("a symbol"),
        Scaled {
            mantissa: 1_000,
            scale: 0,
        },
        Scaled {
            mantissa: 1,
            scale: 8,
        },
        8,
        Lots(1),
        Lots::MAX,
        Notional(0),
        FeeRate(200),
        FeeRate(500),
    );
    let limits = Limits {
        max_open_orders: 100_000,
        ..Limits::default()
    };
    [
        Command::Genesis(Genesis {
            engine_version: ENGINE_VERSION,
            exchange: ExchangeId(1),
            hash_key: [1, 2],
            limits,
        }),
        Command::DefineInstrument(spec.expect("an instrument")),
        Command::OpenAccount(OpenAccount {
            account: AccountId(0),
            name: AccountName::new("bench").expect("a name"),
        }),
    ]
}

struct Maker {
    random: u64,
    engine: Engine,
    commands: Vec<Command>,
    last: u64,
    live: Vec<OrderId>,
    trades: usize,
}

impl Maker {
    fn new(seed: u64) -> Self {
        Self {
            random: seed,
            engine: Engine::new(),
            commands: Vec::new(),
            last: 0,
            live: Vec::new(),
            trades: 0,
        }
    }

    /// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), below `bound`.
    fn below(&mut self, bound: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((u128::from(z ^ (z >> 31)) * u128::from(bound)) >> 64) as u64
    }

    fn give(&mut self, command: Command) {
        self.last += 1;
        let (engine, live, trades) = (&mut self.engine, &mut self.live, &mut self.trades);
        engine.apply(
            Sequence(self.last),
            Nanos(self.last * 1_000),
            &command,
            &mut |event| match &event.body {
                EventBody::OrderAccepted(accepted) if accepted.request.time_in_force == TimeInForce::Gtc => {
                    live.push(accepted.order);
                }
                EventBody::Trade(trade) => {
                    *trades += 1;
                    for side in [&trade.aggressor, &trade.resting] {
                        if side.leaves == Lots::ZERO {
                            live.retain(|order| *order != side.order);
                        }
                    }
                }
                EventBody::OrderCanceled(canceled) => live.retain(|order| *order != canceled.order),
                EventBody::Rejected(rejected) => panic!("the flow is refused: {rejected:?}"),
                _ => {}
            },
        );
        self.commands.push(command);
    }

    fn next(&mut self, depth: usize) -> Command {
        let (kind, places) = (self.below(100), if self.live.len() < depth { 50 } else { 40 });
        if kind < places || self.live.is_empty() {
            return self.limit_order();
        }
        let place = self.below(self.live.len() as u64) as usize;
        let order = self.live[place];
        match kind {
            90.. => self.immediate_order(),
            80.. => self.replace(order),
            _ => Command::CancelOrder(CancelOrder {
                account: AccountId(0),
                order,
            }),
        }
    }

    /// On its own side of the middle; the square of a uniform number puts more of them near it.
    fn limit_order(&mut self) -> Command {
        let far = self.below(WIDTH) * self.below(WIDTH) / WIDTH + 1;
        let (side, price) = match self.below(2) {
            0 => (Side::Buy, MIDDLE - far),
            _ => (Side::Sell, MIDDLE + far),
        };
        let quantity = 1 + self.below(100);
        order(side, price, quantity, TimeInForce::Gtc)
    }

    fn immediate_order(&mut self) -> Command {
        let quantity = 1 + self.below(60);
        match self.below(2) {
            0 => order(Side::Buy, MIDDLE + WIDTH, quantity, TimeInForce::Ioc),
            _ => order(Side::Sell, MIDDLE - WIDTH, quantity, TimeInForce::Ioc),
        }
    }

    /// Half of them keep the price and take a lot off where that leaves something, half move by a tick outwards.
    fn replace(&mut self, id: OrderId) -> Command {
        let reduces = self.below(2) == 0;
        let resting = self.engine.order(id).expect("what is live rests");
        let outwards = match resting.side {
            Side::Buy => Ticks(resting.price.0 - 1),
            Side::Sell => Ticks(resting.price.0 + 1),
        };
        let reducible = reduces && resting.leaves() > Lots(1);
        let total = Lots(resting.quantity.0 - 1);
        Command::ReplaceOrder(ReplaceOrder {
            account: AccountId(0),
            order: id,
            price: (!reducible).then_some(outwards),
            quantity: reducible.then_some(total),
        })
    }
}

fn order(side: Side, price: u64, quantity: u64, time_in_force: TimeInForce) -> Command {
    Command::NewOrder(NewOrder {
        account: AccountId(0),
        instrument: InstrumentId(0),
        side,
        order_type: OrderType::Limit,
        time_in_force,
        post_only: false,
        price: Ticks(price as i64),
        quantity: Lots(quantity),
        client_order_id: ClientOrderId::EMPTY,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flow_is_the_same_each_time_and_its_book_stays_deep() {
        let (one, two) = (Flow::new(7, 500, 5_000), Flow::new(7, 500, 5_000));
        assert_eq!(one.steady, two.steady);
        assert_ne!(one.steady, Flow::new(8, 500, 5_000).steady);
        assert!(one.trades > 100, "{} trades", one.trades);
        let mut engine = one.engine();
        let mut last = one.opening.len() as u64;
        apply(&mut engine, &mut last, &one.steady, &mut |_| {});
        assert!(
            (250..=750).contains(&engine.open_orders()),
            "{} orders",
            engine.open_orders()
        );
    }
}
