//! Makes a flow: gives commands to an engine, keeps what the events tell, and counts.

use std::collections::HashMap;

use hoga_engine::{ENGINE_VERSION, Engine};
use hoga_protocol::{
    AccountId, AccountName, CancelOrder, ClientOrderId, Command, Event, EventBody, ExchangeId, FeeRate,
    Genesis, InstrumentId, InstrumentSpec, Limits, Lots, MAX_OPEN_ORDERS, Nanos, NewOrder, Notional,
    OpenAccount, OrderId, OrderType, ReplaceOrder, Scaled, Side, SigningKeyId, Symbol, Ticks, TimeInForce,
};

use crate::facts::Facts;
use crate::live::{Live, Resting};
use crate::random::Random;
use crate::{Flow, Timed};

/// How many accounts a flow's orders are of.
const ACCOUNTS: u32 = 1_000;
/// The exchange's time from one command to the next.
const STEP_NANOS: u64 = 1_000;

pub(crate) struct FlowBuilder {
    pub(crate) random: Random,
    pub(crate) live: Live,
    engine: Engine,
    opening: Vec<Timed>,
    commands: Vec<Timed>,
    facts: Facts,
    levels: HashMap<(InstrumentId, bool, i64), u32>,
    /// The price of the latest trade in each instrument, or where it began.
    last: Vec<i64>,
}

/// What the events of one command have told so far.
#[derive(Default)]
struct Answer {
    /// A new order that may come to rest.
    incoming: Option<Resting>,
    trades: u64,
}

impl FlowBuilder {
    /// Settings are given: `starts` holds the price around which each instrument begins, in ticks, and no more than
    /// `room` orders ever rest.
    pub(crate) fn new(seed: u64, starts: &[i64], room: usize) -> Self {
        let mut this = Self {
            random: Random::new(seed),
            live: Live::default(),
            engine: Engine::new(),
            opening: Vec::new(),
            commands: Vec::new(),
            facts: Facts::default(),
            levels: HashMap::new(),
            last: starts.to_vec(),
        };
        settings(room as u32, starts.len() as u32).for_each(|command| this.give(command));
        this
    }

    /// What was given so far only prepares; what follows is the flow proper.
    pub(crate) fn opened(&mut self) {
        self.opening = std::mem::take(&mut self.commands);
        self.facts = Facts {
            resting_max: self.facts.resting_max,
            levels_max: self.facts.levels_max,
            rested: self.facts.rested,
            ..Facts::default()
        };
    }

    /// The flow. Its exchange has room for as many orders as ever rested, and for no more.
    pub(crate) fn finish(mut self) -> Flow {
        self.facts.resting_end = self.live.len() as u64;
        self.facts.levels_end = self.levels.len() as u64;
        self.facts.accounts = ACCOUNTS;
        self.facts.instruments = self.last.len() as u32;
        let room = (self.facts.resting_max.max(1) as u32).next_multiple_of(1_024);
        self.opening[0].1 = genesis(room.min(MAX_OPEN_ORDERS), self.facts.instruments);
        Flow {
            opening: self.opening,
            steady: self.commands,
            facts: self.facts,
        }
    }

    /// The price of the latest trade, in ticks.
    pub(crate) fn last(&self, instrument: InstrumentId) -> i64 {
        self.last[instrument.0 as usize]
    }

    /// A new limit order of any account. Returns its id.
    pub(crate) fn order(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        price: i64,
        quantity: u64,
        time_in_force: TimeInForce,
    ) -> OrderId {
        let account = AccountId(self.random.below(u64::from(ACCOUNTS)) as u32);
        self.give(Command::NewOrder(NewOrder {
            account,
            instrument,
            side,
            order_type: OrderType::Limit,
            time_in_force,
            post_only: false,
            price: Ticks(price),
            quantity: Lots(quantity),
            client_order_id: ClientOrderId::EMPTY,
            valid_until: Nanos(0),
            signed_by: SigningKeyId::NONE,
        }));
        OrderId(self.engine.last_sequence().0)
    }

    pub(crate) fn cancel(&mut self, target: Resting) {
        self.give(Command::CancelOrder(CancelOrder {
            account: target.account,
            order: target.order,
        }));
    }

    /// Counts the cancel that follows as the first half of a modification.
    pub(crate) fn modifies(&mut self) {
        self.facts.modified += 1;
    }

    /// Takes 1 to all but one of its lots off; an order of one lot is canceled.
    pub(crate) fn reduce(&mut self, target: Resting) {
        if target.leaves < 2 {
            return self.cancel(target);
        }
        let less = 1 + self.random.below(target.leaves - 1);
        self.replace(target, None, Some(Lots(target.quantity - less)));
    }

    pub(crate) fn shift(&mut self, target: Resting, price: i64) {
        self.replace(target, Some(Ticks(price)), None);
    }

    fn replace(&mut self, target: Resting, price: Option<Ticks>, quantity: Option<Lots>) {
        self.give(Command::ReplaceOrder(ReplaceOrder {
            account: target.account,
            order: target.order,
            price,
            quantity,
        }));
    }

    fn give(&mut self, command: Command) {
        let sequence = self.engine.last_sequence().next();
        let timestamp = Nanos(sequence.0 * STEP_NANOS);
        let mut events = Vec::new();
        self.engine
            .apply(sequence, timestamp, &command, &mut |event| events.push(*event));
        self.commands.push((timestamp, command));
        self.facts.messages += 1;
        match command {
            Command::NewOrder(order) if order.time_in_force == TimeInForce::Gtc => self.facts.gtc += 1,
            Command::NewOrder(_) => self.facts.ioc += 1,
            Command::CancelOrder(_) => self.facts.cancels += 1,
            _ => {}
        }
        let mut answer = Answer::default();
        events.iter().for_each(|event| self.fold(event, &mut answer));
        if let Some(resting) = answer.incoming.filter(|resting| resting.leaves > 0) {
            self.rests(resting);
        } else if answer.incoming.is_some() {
            self.facts.filled += 1;
        }
        self.facts.trades += answer.trades;
        self.facts.trades_max = self.facts.trades_max.max(answer.trades);
        self.facts.trading += u64::from(answer.trades > 0);
        self.facts.resting_max = self.facts.resting_max.max(self.live.len() as u64);
        self.facts.levels_max = self.facts.levels_max.max(self.levels.len() as u64);
    }

    fn fold(&mut self, event: &Event, answer: &mut Answer) {
        self.facts.events += 1;
        match &event.body {
            EventBody::OrderAccepted(accepted) if accepted.request.time_in_force == TimeInForce::Gtc => {
                let request = &accepted.request;
                answer.incoming = Some(Resting {
                    order: accepted.order,
                    account: request.account,
                    instrument: request.instrument,
                    side: request.side,
                    price: request.price.0,
                    quantity: request.quantity.0,
                    leaves: request.quantity.0,
                });
            }
            EventBody::Trade(trade) => {
                answer.trades += 1;
                self.last[trade.instrument.0 as usize] = trade.price.0;
                widen(&mut self.facts.traded, trade.price);
                self.filled(trade.resting.order, trade.resting.leaves.0);
                match &mut answer.incoming {
                    Some(incoming) if incoming.order == trade.aggressor.order => {
                        incoming.leaves = trade.aggressor.leaves.0;
                    }
                    _ => self.filled(trade.aggressor.order, trade.aggressor.leaves.0),
                }
            }
            EventBody::OrderCanceled(canceled) if canceled.was_resting => {
                self.facts.canceled += 1;
                let gone = self.live.remove(canceled.order).expect("what rested is known");
                self.leaves_level(&gone);
            }
            EventBody::OrderReplaced(replaced) => {
                let resting = self.live.get_mut(replaced.order).expect("what rests is known");
                let old = *resting;
                resting.price = replaced.price.0;
                resting.quantity = replaced.quantity.0;
                resting.leaves = replaced.leaves.0;
                let new = *resting;
                self.leaves_level(&old);
                self.joins_level(&new);
                match replaced.priority_kept {
                    true => self.facts.reduces += 1,
                    false => self.facts.moves += 1,
                }
            }
            EventBody::Rejected(rejected) => panic!("the flow is refused: {rejected:?}"),
            _ => {}
        }
    }

    /// An order has `leaves` left; one that is immediate never rested and is not known.
    fn filled(&mut self, order: OrderId, leaves: u64) {
        if let Some(resting) = self.live.get_mut(order) {
            resting.leaves = leaves;
        }
        if leaves == 0
            && let Some(gone) = self.live.remove(order)
        {
            self.facts.filled += 1;
            self.leaves_level(&gone);
        }
    }

    fn rests(&mut self, resting: Resting) {
        self.joins_level(&resting);
        self.live.insert(resting);
    }

    fn joins_level(&mut self, resting: &Resting) {
        widen(&mut self.facts.rested, Ticks(resting.price));
        *self.levels.entry(level(resting)).or_insert(0) += 1;
    }

    fn leaves_level(&mut self, resting: &Resting) {
        let orders = self.levels.get_mut(&level(resting)).expect("a level of its own");
        *orders -= 1;
        if *orders == 0 {
            self.levels.remove(&level(resting));
        }
    }
}

fn level(resting: &Resting) -> (InstrumentId, bool, i64) {
    (resting.instrument, resting.side == Side::Buy, resting.price)
}

fn widen(range: &mut Option<(Ticks, Ticks)>, price: Ticks) {
    let (low, high) = range.unwrap_or((price, price));
    *range = Some((low.min(price), high.max(price)));
}

/// An exchange with so many instruments and all accounts.
pub(crate) fn settings(max_open_orders: u32, instruments: u32) -> impl Iterator<Item = Command> {
    let instruments_defined =
        (0..instruments as usize).map(|number| Command::DefineInstrument(instrument(number)));
    let accounts_opened = (0..ACCOUNTS).map(|number| {
        Command::OpenAccount(OpenAccount {
            account: AccountId(number),
            name: AccountName::new(&format!("account-{number}")).expect("a name"),
        })
    });
    let genesis = std::iter::once(genesis(max_open_orders, instruments));
    genesis.chain(instruments_defined).chain(accounts_opened)
}

fn genesis(max_open_orders: u32, instruments: u32) -> Command {
    Command::Genesis(Genesis {
        engine_version: ENGINE_VERSION,
        exchange: ExchangeId(1),
        hash_key: [1, 2],
        limits: Limits {
            max_instruments: instruments,
            max_accounts: ACCOUNTS,
            max_open_orders,
            max_open_orders_per_account: max_open_orders,
            max_touched_orders: Limits::MAX_TOUCHED,
            client_ids_per_account: 0,
            client_ids_total: 0,
        },
    })
}

/// Prices in hundredths, quantities in whole shares, fees of 200 and 500 millionths.
fn instrument(number: usize) -> InstrumentSpec {
    InstrumentSpec::new(
        Symbol::new(&format!("S{number}-USD")).expect("a symbol"),
        Scaled {
            mantissa: 1,
            scale: 2,
        },
        Scaled {
            mantissa: 1,
            scale: 0,
        },
        4,
        Lots(1),
        Lots::MAX,
        Notional(0),
        FeeRate(200),
        FeeRate(500),
    )
    .expect("an instrument")
}
