//! A script through an engine in this very process: no socket, no journal, no thread.

use std::time::{Duration, Instant};

use hoga_engine::Engine;
use hoga_protocol::{
    AccountId, AccountName, CancelOrder, ClientOrderId, Command, Event, EventBody, ExchangeId, FeeRate,
    Genesis, InstrumentId, InstrumentSpec, Limits, Lots, Nanos, NewOrder, Notional, OpenAccount, OrderId,
    OrderType, RejectReason, ReplaceOrder, Sequence, Side, SigningKeyId, Ticks, TimeInForce,
};
use hoga_views::{ViewLimits, Views};

use crate::failure::{Context, Failure, Outcome};
use crate::grid::Grid;
use crate::progress::{Stop, bar};
use crate::script::{Action, Intent, OrderKey, Script, Totals};
use crate::tally::{BookTotals, Run, SideTotals, Summary, Trade, mix};

const ACCOUNT: AccountId = AccountId(0);
const INSTRUMENT: InstrumentId = InstrumentId(0);
/// Commands that are made ready and then timed together: the clock is too coarse for one.
const BLOCK: usize = 1_024;

/// Drives the whole script, or as much of it as Ctrl-C leaves, and reads the outcome off the events and the views.
///
/// # Errors
/// When the engine refuses something that a flow never has refused.
pub fn run(script: &Script, grid: &Grid, stop: &Stop) -> Outcome<Run> {
    let mut exchange = Watched::begin(script, grid)?;
    let mut totals = Totals::new(script.orders);
    let mut run = Run::default();
    let progress = bar(script.actions.len() as u64, "engine");
    for (index, &action) in script.actions.iter().enumerate() {
        if index % BLOCK == 0 {
            progress.set_position(index as u64);
            if stop.is_set() {
                break;
            }
        }
        if index == script.fill {
            run.fill_trades = run.trades.len();
        }
        exchange
            .act(totals.intent(action), &mut run)
            .context(|| format!("step {} of {}, {action:?}", index + 1, script.actions.len()))?;
        run.done = index + 1;
    }
    progress.finish_and_clear();
    if run.done <= script.fill {
        run.fill_trades = run.trades.len();
    }
    run.book = exchange.book(grid);
    Ok(run)
}

/// An engine, the views folded from it, and the way from its order ids to the file's and back.
struct Watched {
    engine: Engine,
    views: Views,
    events: Vec<Event>,
    last: u64,
    ids: Ids,
}

impl Watched {
    fn begin(script: &Script, grid: &Grid) -> Outcome<Self> {
        let mut this = Self {
            engine: Engine::new(),
            views: Views::new(ViewLimits::default()),
            events: Vec::new(),
            last: 0,
            ids: Ids::new(script),
        };
        for command in settings(grid)? {
            this.apply(&command);
            if let Some(reason) = this.refusal() {
                return Err(Failure::new(format!(
                    "the engine refuses its settings: {reason:?}"
                )));
            }
        }
        Ok(this)
    }

    fn apply(&mut self, command: &Command) {
        self.last += 1;
        self.events.clear();
        let events = &mut self.events;
        self.engine.apply(
            Sequence(self.last),
            Nanos(self.last * 1_000),
            command,
            &mut |event| {
                events.push(*event);
            },
        );
        self.events.iter().for_each(|event| self.views.fold(event));
    }

    fn refusal(&self) -> Option<RejectReason> {
        self.events.iter().find_map(|event| match event.body {
            EventBody::Rejected(rejected) => Some(rejected.reason),
            _ => None,
        })
    }

    fn act(&mut self, intent: Intent, run: &mut Run) -> Outcome<()> {
        self.apply(&self.ids.command(intent, self.last + 1));
        match (self.refusal(), intent) {
            (None, Intent::Place(placing)) => self.ids.placed(placing.order, self.last),
            (None, _) => {}
            (Some(RejectReason::UnknownOrder), Intent::Cancel(_) | Intent::Resize { .. }) => {
                run.not_live += 1
            }
            (
                Some(RejectReason::TooLate),
                Intent::Resize {
                    order,
                    or_cancel: true,
                    ..
                },
            ) => {
                return self.act(Intent::Cancel(order), run);
            }
            (Some(reason), _) => return Err(Failure::new(format!("the engine refuses it: {reason:?}"))),
        }
        for event in &self.events {
            if let EventBody::Trade(trade) = event.body {
                run.trades.push(Trade {
                    aggressor: self.ids.key(trade.aggressor.order),
                    resting: self.ids.key(trade.resting.order),
                    price: trade.price.0 as u64,
                    quantity: trade.quantity.0,
                });
            }
        }
        Ok(())
    }

    fn book(&self, grid: &Grid) -> BookTotals {
        let mut totals = BookTotals::default();
        let Some(book) = self.views.book(INSTRUMENT) else {
            return totals;
        };
        for (index, side) in [Side::Buy, Side::Sell].into_iter().enumerate() {
            for level in book.levels(side) {
                let SideTotals { orders, lots, levels } = &mut totals.sides[index];
                *orders += u64::from(level.orders);
                *lots += level.quantity.0;
                *levels += 1;
                totals.best[index].get_or_insert_with(|| grid.price(level.price.0 as u64).to_string());
            }
        }
        totals
    }
}

/// The engine names an order by its command's sequence; the file by its own number.
#[derive(Clone)]
struct Ids {
    by_key: Vec<u64>,
    by_sequence: Vec<OrderKey>,
}

impl Ids {
    fn new(script: &Script) -> Self {
        Self {
            by_key: vec![0; script.orders as usize + 1],
            by_sequence: vec![0; script.actions.len() + SETTINGS + 1],
        }
    }

    fn placed(&mut self, key: OrderKey, sequence: u64) {
        self.by_key[key as usize] = sequence;
        let at = sequence as usize;
        if self.by_sequence.len() <= at {
            self.by_sequence.resize(at + 1, 0);
        }
        self.by_sequence[at] = key;
    }

    fn key(&self, order: OrderId) -> OrderKey {
        self.by_sequence[order.0 as usize]
    }

    /// The command of `intent`; a new order will have `next` for its id.
    fn command(&self, intent: Intent, next: u64) -> Command {
        let id = |key: OrderKey| OrderId(self.by_key[key as usize]);
        let replace = |order, price, quantity| {
            Command::ReplaceOrder(ReplaceOrder {
                account: ACCOUNT,
                order: id(order),
                price,
                quantity,
            })
        };
        match intent {
            Intent::Place(placing) => {
                debug_assert!(self.by_sequence.get(next as usize).is_none_or(|&key| key == 0));
                Command::NewOrder(NewOrder {
                    account: ACCOUNT,
                    instrument: INSTRUMENT,
                    side: placing.side,
                    order_type: OrderType::Limit,
                    time_in_force: if placing.immediate {
                        TimeInForce::Ioc
                    } else {
                        TimeInForce::Gtc
                    },
                    post_only: false,
                    price: Ticks(i64::from(placing.price)),
                    quantity: Lots(u64::from(placing.quantity)),
                    client_order_id: ClientOrderId::EMPTY,
                    valid_until: Nanos(0),
                    signed_by: SigningKeyId::NONE,
                })
            }
            Intent::Cancel(order) => Command::CancelOrder(CancelOrder {
                account: ACCOUNT,
                order: id(order),
            }),
            Intent::Resize { order, total, .. } => replace(order, None, Some(Lots(u64::from(total)))),
            Intent::Reprice { order, price } => replace(order, Some(Ticks(i64::from(price))), None),
        }
    }
}

const SETTINGS: usize = 3;

fn settings(grid: &Grid) -> Outcome<[Command; SETTINGS]> {
    let spec = InstrumentSpec::new(
        grid.symbol,
        grid.tick,
        grid.lot,
        grid.tick.scale + grid.lot.scale,
        Lots(1),
        Lots::MAX,
        Notional(0),
        FeeRate(200),
        FeeRate(500),
    )
    .context(|| format!("the instrument {}", grid.symbol))?;
    let name = AccountName::new("feed").context(|| "the account's name".to_owned())?;
    Ok([
        Command::Genesis(Genesis {
            engine_version: hoga_engine::ENGINE_VERSION,
            exchange: ExchangeId(1),
            hash_key: [1, 2],
            limits: Limits::default(),
        }),
        Command::DefineInstrument(spec),
        Command::OpenAccount(OpenAccount {
            account: ACCOUNT,
            name,
        }),
    ])
}

/// How long the matching of the part after the fill took, and the hash it came to.
pub struct Timing {
    /// Mean nanoseconds per command.
    pub mean_ns: f64,
    /// The trades' hash, which must be that of the checked run.
    pub trades: Summary,
}

/// Drives a script that tells what remains of each order through a fresh engine, and times the engine alone.
///
/// Commands are made ready in blocks outside the clock. Inside it every event goes into a hash, so that nothing of
/// the engine's work can be optimised away.
///
/// # Errors
/// When the engine refuses its settings.
pub fn time(script: &Script, grid: &Grid) -> Outcome<Timing> {
    let mut exchange = Watched::begin(script, grid)?;
    let (mut totals, mut ids) = (Totals::new(script.orders), exchange.ids.clone());
    let (mut trades, mut hash, mut spent) = (Summary::default(), 0, Duration::ZERO);
    let mut next = exchange.last + 1;
    let (fill, rest) = script.actions.split_at(script.fill);
    let mut block = Vec::with_capacity(BLOCK);
    for (timed, actions) in [(false, fill), (true, rest)] {
        for actions in actions.chunks(BLOCK) {
            prepare(actions, &mut totals, &mut ids, next, &mut block);
            let begin = Instant::now();
            for command in &block {
                exchange
                    .engine
                    .apply(Sequence(next), Nanos(next * 1_000), command, &mut |event| {
                        hash = digest(hash, event);
                        if let EventBody::Trade(trade) = &event.body {
                            trades.add(&Trade {
                                aggressor: ids.key(trade.aggressor.order),
                                resting: ids.key(trade.resting.order),
                                price: trade.price.0 as u64,
                                quantity: trade.quantity.0,
                            });
                        }
                    });
                next += 1;
            }
            spent += begin.elapsed() * u32::from(timed);
        }
        if !timed {
            trades = Summary::default();
        }
    }
    std::hint::black_box(hash);
    Ok(Timing {
        mean_ns: spent.as_nanos() as f64 / rest.len().max(1) as f64,
        trades,
    })
}

fn prepare(actions: &[Action], totals: &mut Totals, ids: &mut Ids, next: u64, block: &mut Vec<Command>) {
    block.clear();
    for (sequence, &action) in (next..).zip(actions) {
        let intent = totals.intent(action);
        block.push(ids.command(intent, sequence));
        if let Intent::Place(placing) = intent {
            ids.placed(placing.order, sequence);
        }
    }
}

fn digest(hash: u64, event: &Event) -> u64 {
    let (kind, order, amount) = match &event.body {
        EventBody::OrderAccepted(accepted) => (1, accepted.order.0, accepted.request.quantity.0),
        EventBody::Trade(trade) => (2, trade.resting.order.0, trade.quantity.0),
        EventBody::OrderCanceled(canceled) => (3, canceled.order.0, canceled.canceled.0),
        EventBody::OrderReplaced(replaced) => (4, replaced.order.0, replaced.leaves.0),
        EventBody::Rejected(rejected) => (5, rejected.reason as u64, 0),
        _ => (6, 0, 0),
    };
    [event.sequence.0, kind, order, amount]
        .into_iter()
        .fold(hash, mix)
}
