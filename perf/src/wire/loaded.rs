//! Orders at fixed times, whatever became of those before: each is timed from when it was due, so that a stall counts for
//! every order that it kept waiting.

mod listener;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};

use super::session::Session;
use crate::cli::{Idle, StreamFormat, Via, WireArgs};
use crate::client::{Offer, Received, Socket};
use crate::crowd::Crowd;
use crate::failure::{Context, Failure, Outcome};
use crate::jitter::Meter;
use crate::message::{Reply, ReplyReader, Uuid, is_update};
use crate::orders::{TAKES, Trading};
use crate::progress::{Stop, bar};
use crate::recording::Recording;
use crate::results::Measured;
use crate::schedule::Schedule;
use crate::scrape::{Metrics, STALLS};
use listener::Listener;

/// How long the exchange may say nothing after the last order was due.
const PATIENCE: Duration = Duration::from_secs(10);
/// Orders sent before the sockets are looked at again.
const ORDERS_PER_TURN: usize = 16;
/// Resting orders ahead of those that take from them.
const RESTS_AHEAD: u64 = 4;
const STEP: u64 = 1 << 10;
/// The tokens of the maker and of the first session; below are those of the listeners.
const MAKER: Token = Token(2);
const FIRST_SESSION: usize = 3;

/// How much.
#[derive(Clone, Copy)]
pub struct Load {
    /// Orders a second.
    pub rate: u32,
    /// Subscribers.
    pub subscribers: u32,
}

struct Loaded<'a> {
    args: &'a WireArgs,
    trading: &'a Trading,
    schedule: Schedule,
    poll: Poll,
    events: Events,
    sessions: Vec<Session>,
    maker: Socket,
    /// The last one to connect, and before it, where there are two subscribers, the first.
    listeners: Vec<Listener>,
    reader: ReplyReader,
    rests: u64,
    sent: u64,
    replied: u64,
    busy: u64,
    /// Orders whose reply is there, and how many listeners have not heard of them.
    replies: HashMap<Uuid, (u64, usize)>,
    reply: Recording,
}

/// One load; the row is named `durability/loaded-RATE`, and after its subscribers where there are several numbers of them.
///
/// # Errors
/// When the exchange cannot be reached, refuses an order other than as busy, ends a subscriber, or is silent.
pub fn run(
    args: &WireArgs,
    address: &str,
    trading: &Trading,
    durability: &str,
    load: Load,
    stop: &Stop,
) -> Outcome<Measured> {
    let first = (load.subscribers > 1).then(|| Listener::connect(address, trading, args.seconds));
    let first = first.transpose()?;
    let offer = Offer {
        format: StreamFormat::Json,
        deflate: false,
    };
    let others = load.subscribers.saturating_sub(2);
    let audience = Crowd::subscribe(address, trading.symbol(), offer, others, 0)?;
    let last = Listener::connect(address, trading, args.seconds)?;
    let before = Metrics::read(address);
    let listeners = [last].into_iter().chain(first).collect();
    let mut loaded = Loaded::connect(args, address, trading, load.rate, listeners)?;
    let (took, jitter) = loaded.drive(stop)?;
    if audience.closed() > 0 {
        return Err(Failure::new(format!(
            "the exchange ended {} subscribers",
            audience.closed()
        )));
    }
    let bytes = audience.bytes();
    audience.end()?;
    let schedule = loaded.schedule;
    let via = match args.via {
        Via::Websocket => String::new(),
        Via::Http => "-http".to_owned(),
    };
    let heard = loaded.executed().saturating_sub(schedule.warm);
    let many = match args.subscribers.len() {
        1 => String::new(),
        _ => format!("-subscribers-{}", load.subscribers),
    };
    let mut listeners = loaded.listeners.into_iter();
    let name = format!("{durability}/loaded-{}{via}{many}", load.rate);
    let execution = listeners.next().map(|last| last.execution);
    let mut row = Measured::new(name, execution.unwrap_or_else(|| Recording::new(Duration::ZERO)));
    row.beside.extend(
        listeners
            .next()
            .map(|first| ("first-subscriber", first.execution)),
    );
    row.beside.push(("reply", loaded.reply));
    row.beside.push(("jitter", jitter));
    row.asked_per_s = Some(f64::from(load.rate));
    let counted = took.saturating_sub(Duration::from_nanos(schedule.due(schedule.warm)));
    row.reached_per_s = Some(heard as f64 / counted.as_secs_f64().max(1e-9));
    row.figure("busy", loaded.busy as f64);
    row.figure("sessions", f64::from(args.sessions));
    row.figure("subscribers", f64::from(load.subscribers));
    row.figure("audience_bytes", bytes as f64);
    if let Some(stalls) = Metrics::read(address).since(&before, STALLS) {
        row.figure("output_full_stalls", stalls);
    }
    Ok(row)
}

impl<'a> Loaded<'a> {
    fn connect(
        args: &'a WireArgs,
        address: &str,
        trading: &'a Trading,
        rate: u32,
        mut listeners: Vec<Listener>,
    ) -> Outcome<Self> {
        let what = || "cannot watch the connections".to_owned();
        let poll = Poll::new().context(what)?;
        for (number, listener) in listeners.iter_mut().enumerate() {
            listener
                .socket
                .register(poll.registry(), Token(number))
                .context(what)?;
        }
        let mut maker = Socket::connect(address, "/ws/orders?account=perf-maker", 64 << 10)?;
        maker.register(poll.registry(), MAKER).context(what)?;
        let sessions = (0..args.sessions)
            .map(|number| {
                let account = format!("perf-load-{number}");
                let token = Token(FIRST_SESSION + number as usize);
                Session::connect(address, args.via, &account, poll.registry(), token)
            })
            .collect::<Outcome<Vec<_>>>()?;
        let most = Duration::from_secs(u64::from(args.seconds));
        Ok(Self {
            args,
            trading,
            schedule: Schedule::new(rate, args.load_warm_up, args.seconds),
            poll,
            events: Events::with_capacity(1_024),
            sessions,
            maker,
            listeners,
            reader: ReplyReader::new(),
            rests: 0,
            sent: 0,
            replied: 0,
            busy: 0,
            replies: HashMap::with_capacity(1 << 16),
            reply: Recording::new(most),
        })
    }

    /// How long all took, and what the machine did to this thread meanwhile.
    fn drive(&mut self, stop: &Stop) -> Outcome<(Duration, Recording)> {
        let schedule = self.schedule;
        let mut meter = Meter::new(Duration::from_secs(u64::from(self.args.seconds)));
        self.rest_ahead()?;
        let progress = bar(schedule.total, "loaded");
        let (mut end, mut has_worked, mut shown) = (schedule.total, true, 0);
        let begin = Instant::now();
        loop {
            let now = nanos(begin);
            meter.look(now.saturating_sub(schedule.due(schedule.warm)), has_worked);
            let mut work = self.send_due(now, end)?;
            work += self.listen(begin)?;
            if stop.is_set() {
                end = self.sent;
            }
            if self.replied == end && self.executed() + self.busy == end {
                break;
            }
            if now > schedule.due(end) + PATIENCE.as_nanos() as u64 {
                return Err(Failure::new(format!(
                    "of {end} orders {} were answered and {} executed, and then the exchange was silent",
                    self.replied,
                    self.executed()
                )));
            }
            if self.executed() >= shown + STEP {
                shown = self.executed();
                progress.set_position(shown);
            }
            has_worked = work > 0;
            // Where cores are few, the exchange shall have this one while there is nothing to do.
            if !has_worked && self.args.client_idle != Idle::Spin {
                std::thread::yield_now();
            }
        }
        progress.finish_and_clear();
        Ok((begin.elapsed(), meter.into_recording()))
    }

    /// Sends what is due, round the sessions.
    fn send_due(&mut self, now: u64, end: u64) -> Outcome<usize> {
        let mut work = 0;
        while self.sent < end && work < ORDERS_PER_TURN && self.schedule.due(self.sent) <= now {
            let session = (self.sent % self.sessions.len() as u64) as usize;
            self.sessions[session].take(self.trading, self.sent)?;
            self.sent += 1;
            work += 1;
            self.rest_ahead()?;
        }
        Ok(work)
    }

    /// Keeps enough resting for those that are still to come.
    fn rest_ahead(&mut self) -> Outcome<()> {
        let ahead = u64::from(self.schedule.rate / TAKES) + RESTS_AHEAD;
        let first = self.rests == 0;
        while self.rests < self.sent / u64::from(TAKES) + ahead {
            self.rests += 1;
            self.maker.write(&self.trading.rest(self.rests))?;
            self.maker.flush()?;
        }
        // The first ones must stand before anything takes from them.
        let (mut standing, begin) = (0, Instant::now());
        while first && standing < self.rests {
            standing += self.hear_maker()?;
            if begin.elapsed() > PATIENCE {
                return Err(Failure::new("the exchange does not answer resting orders"));
            }
        }
        Ok(())
    }

    /// Answers to the maker; its updates are passed over.
    fn hear_maker(&mut self) -> Outcome<u64> {
        let mut heard = 0;
        loop {
            match self.maker.read()? {
                Received::Nothing => return Ok(heard),
                Received::Text(text) if is_update(&text) => {}
                Received::Text(text) => {
                    heard += 1;
                    if let Err(refusal) = self.reader.read(&text)?.result {
                        return Err(Failure::new(format!(
                            "the exchange refuses a resting order: {}",
                            refusal.message
                        )));
                    }
                }
                Received::Closed(closing) => {
                    return Err(Failure::new(format!(
                        "the exchange ended /ws/orders: {closing:?}"
                    )));
                }
            }
        }
    }

    /// Reads whatever has come; returns how many connections had something.
    fn listen(&mut self, begin: Instant) -> Outcome<usize> {
        match self.poll.poll(&mut self.events, Some(Duration::ZERO)) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return Ok(0),
            polled => polled.context(|| "cannot wait for the exchange".to_owned())?,
        }
        let ready: Vec<usize> = self.events.iter().map(|event| event.token().0).collect();
        for &token in &ready {
            match token {
                token if Token(token) == MAKER => {
                    self.maker.flush()?;
                    self.hear_maker()?;
                }
                token if token >= FIRST_SESSION => self.hear_session(token - FIRST_SESSION, begin)?,
                listener => self.hear_executions(listener, begin)?,
            }
        }
        Ok(ready.len())
    }

    fn hear_executions(&mut self, listener: usize, begin: Instant) -> Outcome<()> {
        while let Some(order) = self.listeners[listener].hear()? {
            let now = nanos(begin);
            match self.replies.get_mut(&order) {
                Some((number, lacking)) => {
                    let number = *number;
                    *lacking -= 1;
                    if *lacking == 0 {
                        self.replies.remove(&order);
                    }
                    self.executed_at(listener, number, now);
                }
                None => drop(self.listeners[listener].early.insert(order, now)),
            }
        }
        Ok(())
    }

    fn hear_session(&mut self, session: usize, begin: Instant) -> Outcome<()> {
        self.sessions[session].flush()?;
        while let Some(Reply { id, result }) = self.sessions[session].read(&mut self.reader)? {
            let now = nanos(begin);
            self.replied += 1;
            let due = self.schedule.due(id);
            if id >= self.schedule.warm {
                self.reply
                    .add(self.at(now), Duration::from_nanos(now.saturating_sub(due)));
            }
            match result {
                Ok(order) => {
                    let mut lacking = 0;
                    for listener in 0..self.listeners.len() {
                        match self.listeners[listener].early.remove(&order) {
                            Some(then) => self.executed_at(listener, id, then),
                            None => lacking += 1,
                        }
                    }
                    if lacking > 0 {
                        self.replies.insert(order, (id, lacking));
                    }
                }
                Err(refusal) if refusal.code == "busy" => self.busy += 1,
                Err(refusal) => {
                    return Err(Failure::new(format!(
                        "the exchange refuses an order: {}",
                        refusal.message
                    )));
                }
            }
        }
        Ok(())
    }

    fn executed_at(&mut self, listener: usize, number: u64, now: u64) {
        let at = self.at(now);
        let listener = &mut self.listeners[listener];
        listener.executed += 1;
        if number >= self.schedule.warm {
            let took = now.saturating_sub(self.schedule.due(number));
            listener.execution.add(at, Duration::from_nanos(took));
        }
    }

    /// Orders that every listener has heard of.
    fn executed(&self) -> u64 {
        let executed = self.listeners.iter().map(|listener| listener.executed);
        executed.min().unwrap_or(0)
    }

    /// The time since what counts began.
    fn at(&self, now: u64) -> Duration {
        Duration::from_nanos(now.saturating_sub(self.schedule.due(self.schedule.warm)))
    }
}

fn nanos(begin: Instant) -> u64 {
    begin.elapsed().as_nanos() as u64
}

#[cfg(test)]
mod tests;
