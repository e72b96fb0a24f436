//! A deep book of which single orders take a part, and others put it back.

use hoga_engine::Engine;
use hoga_protocol::{
    AccountId, ClientOrderId, Command, Event, InstrumentId, Lots, Nanos, NewOrder, OrderType, Sequence, Side,
    SigningKeyId, Ticks, TimeInForce,
};

use crate::flow_builder::settings;

/// Prices at which orders rest.
const LEVELS: u64 = 20_000;

/// An instrument in which orders of one lot rest at 20,000 prices, in the order of their arrival at each.
pub struct DeepBook {
    engine: Engine,
    sequence: u64,
    resting: u64,
    accounts: u32,
    placed: u64,
}

impl DeepBook {
    /// A book of `resting` orders of `accounts` accounts in turn.
    pub fn new(resting: u64, accounts: u32) -> Self {
        Self {
            engine: Engine::new(),
            sequence: 0,
            resting,
            accounts,
            placed: 0,
        }
    }

    /// The events by which the exchange begins and the book fills.
    pub fn opening(&mut self, emit: &mut impl FnMut(&Event)) {
        settings(self.resting as u32, 1).for_each(|command| self.give(&command, emit));
        for _ in 0..self.resting {
            self.rest(emit);
        }
    }

    /// The events of an order that takes so many of the best orders.
    pub fn take(&mut self, orders: u64, emit: &mut impl FnMut(&Event)) {
        let order = order(self.accounts, Side::Buy, Ticks(2 * LEVELS as i64), Lots(orders));
        self.give(&order, emit);
    }

    /// The events of `orders` new orders, at most as many as were taken.
    pub fn put_back(&mut self, orders: u64, emit: &mut impl FnMut(&Event)) {
        (0..orders).for_each(|_| self.rest(emit));
    }

    fn rest(&mut self, emit: &mut impl FnMut(&Event)) {
        let account = (self.placed % u64::from(self.accounts)) as u32;
        let price = Ticks((LEVELS + self.placed % LEVELS) as i64);
        self.placed += 1;
        self.give(&order(account, Side::Sell, price, Lots(1)), emit);
    }

    fn give(&mut self, command: &Command, emit: &mut impl FnMut(&Event)) {
        self.sequence += 1;
        let (sequence, timestamp) = (Sequence(self.sequence), Nanos(self.sequence * 1_000));
        self.engine.apply(sequence, timestamp, command, emit);
    }
}

fn order(account: u32, side: Side, price: Ticks, quantity: Lots) -> Command {
    Command::NewOrder(NewOrder {
        account: AccountId(account),
        instrument: InstrumentId(0),
        side,
        order_type: OrderType::Limit,
        time_in_force: match side {
            Side::Buy => TimeInForce::Ioc,
            Side::Sell => TimeInForce::Gtc,
        },
        post_only: false,
        price,
        quantity,
        client_order_id: ClientOrderId::EMPTY,
        valid_until: Nanos(0),
        signed_by: SigningKeyId::NONE,
    })
}
