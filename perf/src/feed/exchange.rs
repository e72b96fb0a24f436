//! A script through a running exchange: orders in over `/ws/orders`, trades out of `/ws/executions`.
//!
//! Requests are pipelined behind a bounded window. An order is known by the file's number here and by a UUID there;
//! executions may overtake the reply that tells the UUID, so they are kept as they come and resolved at the end.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};

use crate::cli::FeedArgs;
use crate::client::{Received, Socket};
use crate::failure::{Context, Failure, Outcome};
use crate::grid::Grid;
use crate::message::{Fill, Refusal, Reply, ReplyReader, Uuid, is_update, parse_fill, write_request};
use crate::progress::{Stop, bar};
use crate::script::{Intent, OrderKey, Script, Totals};
use crate::state;
use crate::tally::{BookTotals, Run, Trade};

/// How long the exchange may say nothing while an answer is due.
const SILENCE: Duration = Duration::from_secs(30);
/// How often in a row a refusal for want of room is met by another try, and how long each waits.
const BUSY_TRIES: u32 = 200;
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// Drives the whole script, or as much of it as Ctrl-C leaves.
///
/// # Errors
/// When the exchange cannot be reached, does not trade the instrument, has orders in its book already, refuses what a
/// flow never has refused, or falls silent.
pub fn run(script: &Script, grid: &Grid, address: &str, args: &FeedArgs, stop: &Stop) -> Outcome<Run> {
    state::check_instrument(address, grid)?;
    if state::book(address, grid)? != BookTotals::default() {
        return Err(Failure::new(format!(
            "the book of {} at {address} is not empty: start the exchange with a fresh --data-dir",
            grid.symbol
        )));
    }
    let mut session = Session::open(script, grid, address, args.window)?;
    let mut totals = Totals::new(script.orders);
    let mut boundary = None;
    let mut done = 0;
    let progress = bar(script.actions.len() as u64, "exchange");
    let begin = Instant::now();
    for (index, &action) in script.actions.iter().enumerate() {
        if index == script.fill {
            session.drain()?;
            boundary = state::last_execution(address, grid.symbol.as_str())?;
        }
        if index % 1_024 == 0 {
            progress.set_position(index as u64);
        }
        if stop.is_set() {
            break;
        }
        session
            .act(totals.intent(action))
            .context(|| format!("step {} of {}, {action:?}", index + 1, script.actions.len()))?;
        done = index + 1;
    }
    session.drain()?;
    let took = begin.elapsed();
    progress.finish_and_clear();
    if let Some(last) = state::last_execution(address, grid.symbol.as_str())? {
        session.hear_until(last)?;
    }
    if done <= script.fill {
        boundary = session.fills.last().map(|fill| fill.execution);
    }
    session.outcome(boundary, done, took, state::book(address, grid)?)
}

/// A request that waits for its reply, or has one that its elders still keep in line.
struct Pending {
    intent: Intent,
    answer: Answer,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Waiting,
    Done,
    Busy,
}

struct Session<'a> {
    grid: &'a Grid,
    poll: Poll,
    events: Events,
    orders: Socket,
    executions: Socket,
    reader: ReplyReader,
    request: String,
    /// Of each order of the file; zero until its reply is here.
    uuids: Vec<Uuid>,
    window: usize,
    in_flight: VecDeque<Pending>,
    /// The request id of the first one in flight.
    first: u64,
    waiting: usize,
    busy: bool,
    busy_tries: u32,
    too_late: bool,
    fills: Vec<Fill>,
    not_live: u64,
    updates: u64,
    heard: Instant,
}

impl<'a> Session<'a> {
    fn open(script: &Script, grid: &'a Grid, address: &str, window: usize) -> Outcome<Self> {
        let executions = format!("/ws/executions?symbol={}", grid.symbol);
        let mut executions = Socket::connect(address, &executions, 64 << 10)?;
        let mut orders = Socket::connect(address, "/ws/orders?account=feed", 64 << 10)?;
        let what = || "cannot watch the connections".to_owned();
        let poll = Poll::new().context(what)?;
        executions.register(poll.registry(), Token(0)).context(what)?;
        orders.register(poll.registry(), Token(1)).context(what)?;
        Ok(Self {
            grid,
            poll,
            events: Events::with_capacity(8),
            orders,
            executions,
            reader: ReplyReader::new(),
            request: String::new(),
            uuids: vec![0; script.orders as usize + 1],
            window,
            in_flight: VecDeque::new(),
            first: 0,
            waiting: 0,
            busy: false,
            busy_tries: 0,
            too_late: false,
            fills: Vec::new(),
            not_live: 0,
            updates: 0,
            heard: Instant::now(),
        })
    }

    /// Sends what `intent` asks for, once the window has room and the order it names has been answered.
    fn act(&mut self, intent: Intent) -> Outcome<()> {
        let unanswered = |this: &Self| match intent {
            Intent::Place(_) => false,
            Intent::Cancel(order) | Intent::Resize { order, .. } | Intent::Reprice { order, .. } => {
                this.uuids[order as usize] == 0
            }
        };
        while self.in_flight.len() >= self.window || self.busy || unanswered(self) {
            self.pump()?;
        }
        self.send(intent)?;
        // Only the answer tells whether the order has so much left, and what follows it must find it settled.
        if let Intent::Resize {
            order,
            or_cancel: true,
            ..
        } = intent
        {
            self.drain()?;
            if std::mem::take(&mut self.too_late) {
                self.send(Intent::Cancel(order))?;
            }
        }
        Ok(())
    }

    fn send(&mut self, intent: Intent) -> Outcome<()> {
        let order = match intent {
            Intent::Place(placing) => placing.order,
            Intent::Cancel(order) | Intent::Resize { order, .. } | Intent::Reprice { order, .. } => order,
        };
        let id = self.first + self.in_flight.len() as u64;
        write_request(
            &mut self.request,
            id,
            intent,
            self.uuids[order as usize],
            self.grid,
        );
        self.orders.write(&self.request)?;
        self.in_flight.push_back(Pending {
            intent,
            answer: Answer::Waiting,
        });
        self.waiting += 1;
        Ok(())
    }

    /// Waits until nothing is in flight.
    fn drain(&mut self) -> Outcome<()> {
        while !self.in_flight.is_empty() {
            self.pump()?;
        }
        Ok(())
    }

    /// Waits until the stream has told the execution `last`.
    fn hear_until(&mut self, last: Uuid) -> Outcome<()> {
        self.heard = Instant::now();
        while self.fills.last().is_none_or(|fill| fill.execution < last) {
            self.pump()?;
        }
        Ok(())
    }

    /// Sends what is queued, takes in all that is there, and sleeps when there was nothing.
    fn pump(&mut self) -> Outcome<()> {
        self.orders.flush()?;
        let heard = self.read_orders()? + self.read_executions()?;
        if self.busy && self.waiting == 0 {
            return self.try_again();
        }
        if heard > 0 {
            self.heard = Instant::now();
            return Ok(());
        }
        if self.heard.elapsed() > SILENCE {
            return Err(Failure::new(format!(
                "the exchange has been silent for {} seconds with {} requests in flight",
                SILENCE.as_secs(),
                self.in_flight.len()
            )));
        }
        match self.poll.poll(&mut self.events, Some(Duration::from_millis(100))) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => Ok(()),
            polled => polled.context(|| "cannot wait for the exchange".to_owned()),
        }
    }

    fn read_orders(&mut self) -> Outcome<usize> {
        let mut heard = 0;
        loop {
            match self.orders.read()? {
                Received::Nothing => return Ok(heard),
                Received::Text(text) if is_update(&text) => self.updates += 1,
                Received::Text(text) => {
                    let reply = self.reader.read(&text)?;
                    self.answered(reply)?;
                }
                Received::Closed(closing) => return Err(ended("/ws/orders", closing)),
            }
            heard += 1;
        }
    }

    fn read_executions(&mut self) -> Outcome<usize> {
        let mut heard = 0;
        loop {
            match self.executions.read()? {
                Received::Nothing => return Ok(heard),
                Received::Text(text) => self.fills.push(parse_fill(&text, self.grid)?),
                Received::Closed(closing) => return Err(ended("/ws/executions", closing)),
            }
            heard += 1;
        }
    }

    fn answered(&mut self, Reply { id, result }: Reply) -> Outcome<()> {
        let at = id.checked_sub(self.first).map(|at| at as usize);
        let pending = at.and_then(|at| self.in_flight.get_mut(at));
        let pending = pending.filter(|pending| pending.answer == Answer::Waiting);
        let pending =
            pending.ok_or_else(|| Failure::new(format!("a reply to request {id}, which waits for none")))?;
        pending.answer = Answer::Done;
        match (result, pending.intent) {
            (Ok(uuid), Intent::Place(placing)) => self.uuids[placing.order as usize] = uuid,
            (Ok(_), _) => {}
            (Err(refusal), intent) => match (refusal.code.as_str(), intent) {
                ("busy" | "journal_full" | "too_many_in_flight", _) => {
                    pending.answer = Answer::Busy;
                    self.busy = true;
                }
                ("unknown_order" | "order_closed", Intent::Cancel(_) | Intent::Resize { .. }) => {
                    self.not_live += 1
                }
                ("too_late", Intent::Resize { or_cancel: true, .. }) => self.too_late = true,
                _ => return Err(refused(intent, &refusal)),
            },
        }
        self.waiting -= 1;
        while self
            .in_flight
            .front()
            .is_some_and(|pending| pending.answer == Answer::Done)
        {
            self.in_flight.pop_front();
            self.first += 1;
            self.busy_tries = 0;
        }
        Ok(())
    }

    /// Sends again what was refused for want of room, unless a later request got through: then the order is broken.
    fn try_again(&mut self) -> Outcome<()> {
        if self
            .in_flight
            .iter()
            .any(|pending| pending.answer == Answer::Done)
        {
            return Err(Failure::new(
                "the exchange had no room for one request and took a later one, which breaks the order of the flow: \
                 try again with a smaller --window and a larger journal.segment_mib",
            ));
        }
        self.busy_tries += 1;
        if self.busy_tries > BUSY_TRIES {
            return Err(Failure::new(format!(
                "the exchange had no room {BUSY_TRIES} times in a row"
            )));
        }
        std::thread::sleep(BUSY_PAUSE);
        self.busy = false;
        self.first += self.in_flight.len() as u64;
        for pending in std::mem::take(&mut self.in_flight) {
            self.send(pending.intent)?;
        }
        Ok(())
    }

    fn outcome(self, boundary: Option<Uuid>, done: usize, took: Duration, book: BookTotals) -> Outcome<Run> {
        let keys: HashMap<Uuid, OrderKey> = self.uuids.iter().copied().zip(0..).skip(1).collect();
        let key = |fill: &Fill| {
            let key = keys.get(&fill.order).copied();
            key.ok_or_else(|| {
                Failure::new(format!(
                    "someone else trades {} at the same time",
                    self.grid.symbol
                ))
            })
        };
        let mut run = Run {
            not_live: self.not_live,
            book,
            done,
            ..Run::default()
        };
        let (pairs, odd) = self.fills.as_chunks::<2>();
        for [aggressor, resting] in pairs {
            if (aggressor.price, aggressor.quantity) != (resting.price, resting.quantity) || !odd.is_empty() {
                return Err(Failure::new(
                    "two executions in a row are not the two sides of one trade",
                ));
            }
            run.trades.push(Trade {
                aggressor: key(aggressor)?,
                resting: key(resting)?,
                price: aggressor.price,
                quantity: aggressor.quantity,
            });
            run.fill_trades += usize::from(boundary.is_some_and(|boundary| aggressor.execution <= boundary));
        }
        run.notes.push(format!(
            "over WebSocket with {} requests in flight at most: {:.1} s, {:.0} commands per second (indicative); \
             {} order updates and {} executions read",
            self.window,
            took.as_secs_f64(),
            done as f64 / took.as_secs_f64().max(f64::MIN_POSITIVE),
            self.updates,
            self.fills.len(),
        ));
        Ok(run)
    }
}

fn ended(path: &str, closing: crate::client::Closing) -> Failure {
    Failure::new(format!("the exchange ended {path}: {closing:?}"))
}

fn refused(intent: Intent, refusal: &Refusal) -> Failure {
    Failure::new(format!(
        "the exchange refuses {intent:?}: {}: {}",
        refusal.code, refusal.message
    ))
}
