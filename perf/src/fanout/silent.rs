//! Many subscribers of the founding stream, some of which never read. Every reader must get every execution exactly once and
//! in order, whatever the silent ones do; what the silent ones come to is told.

mod subscriber;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};

use crate::cli::FanoutArgs;
use crate::client::{Closing, Received, Socket};
use crate::crowd::Tape;
use crate::failure::{Context, Failure, Outcome};
use crate::message::{ReplyReader, Uuid, is_update};
use crate::orders::{TAKES, Trading};
use crate::progress::{Stop, bar};
use crate::state;
use subscriber::Subscriber;

/// How long readers may take for the last executions, and the exchange for an answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the silent ones may take, once they read at last, to come to the end of what they were sent.
const LAST_READ: Duration = Duration::from_secs(10);

/// Whether every reader got everything, and every silent subscriber was closed.
///
/// # Errors
/// When the exchange cannot be reached or refuses the orders.
pub fn run(args: &FanoutArgs, address: &str, subscribers: u32, rate: u32, stop: &Stop) -> Outcome<bool> {
    if args.silent >= subscribers {
        return Err(Failure::new(
            "--silent leaves nobody who reads: it must be less than --subscribers",
        ));
    }
    let trading = Trading::new(&args.symbol, &args.price, &args.quantity)?;
    let mut fanout = Fanout::connect(args, address, subscribers, trading)?;
    let begin = Instant::now();
    fanout.trade(args, rate, stop)?;
    let want = fanout.settle()?;
    let took = begin.elapsed();
    let closings = fanout.silent_closings(Duration::from_secs(u64::from(args.grace)), stop)?;
    Ok(fanout.report(&want, took, &closings))
}

struct Fanout<'a> {
    address: &'a str,
    poll: Poll,
    events: Events,
    orders: Socket,
    trading: Trading,
    reader: ReplyReader,
    subscribers: Vec<Subscriber>,
    /// The last execution before the subscriptions.
    anchor: Uuid,
    sent: u64,
    answered: u64,
    trades: u64,
}

impl<'a> Fanout<'a> {
    /// Makes one trade, so that there is an execution to count from, and subscribes everybody.
    fn connect(args: &FanoutArgs, address: &'a str, subscribers: u32, trading: Trading) -> Outcome<Self> {
        let what = || "cannot watch the connections".to_owned();
        let poll = Poll::new().context(what)?;
        let mut orders = Socket::connect(address, "/ws/orders?account=perf-fanout", 64 << 10)?;
        let token = Token(subscribers as usize);
        orders.register(poll.registry(), token).context(what)?;
        let mut this = Self {
            address,
            poll,
            events: Events::with_capacity(1_024),
            orders,
            trading,
            reader: ReplyReader::new(),
            subscribers: Vec::new(),
            anchor: 0,
            sent: 0,
            answered: 0,
            trades: 0,
        };
        this.take()?;
        let deadline = Instant::now() + PATIENCE;
        while this.answered < this.sent {
            this.turn(deadline)?;
        }
        let last = state::last_execution(address, this.trading.symbol())?;
        this.anchor =
            last.ok_or_else(|| Failure::new("the first order did not trade: is the price crossed?"))?;
        let path = format!("/ws/executions?symbol={}", this.trading.symbol());
        let progress = bar(u64::from(subscribers), "subscribe");
        for number in 0..subscribers {
            // Silent ones are spread among the readers rather than all first or last.
            let silent = u64::from(number + 1) * u64::from(args.silent) / u64::from(subscribers)
                > u64::from(number) * u64::from(args.silent) / u64::from(subscribers);
            let mut socket = Socket::connect(address, &path, 4 << 10)?;
            socket
                .register(this.poll.registry(), Token(number as usize))
                .context(what)?;
            this.subscribers
                .push(Subscriber::new(socket, silent, this.anchor));
            progress.inc(1);
        }
        progress.finish_and_clear();
        Ok(this)
    }

    /// Trades at the rate asked for, each trade due at its own time, and lets everybody read meanwhile.
    fn trade(&mut self, args: &FanoutArgs, rate: u32, stop: &Stop) -> Outcome<()> {
        let total = rate * args.seconds;
        let progress = bar(u64::from(total), "trade");
        let begin = Instant::now();
        for number in 0..total {
            let due = begin + Duration::from_secs(1) * number / rate;
            if stop.is_set() {
                break;
            }
            while Instant::now() < due {
                self.turn(due)?;
            }
            self.take()?;
            if number % 64 == 0 {
                progress.set_position(u64::from(number));
            }
        }
        progress.finish_and_clear();
        Ok(())
    }

    fn take(&mut self) -> Outcome<()> {
        let mut send = |text: fn(&Trading, u64) -> String| {
            self.sent += 1;
            self.orders.write(&text(&self.trading, self.sent))
        };
        if self.trades.is_multiple_of(u64::from(TAKES)) {
            send(Trading::rest)?;
        }
        send(Trading::take)?;
        self.trades += 1;
        self.orders.flush()
    }

    /// Reads all that is there, waiting until `until` at most.
    fn turn(&mut self, until: Instant) -> Outcome<()> {
        self.orders.flush()?;
        let wait = until.saturating_duration_since(Instant::now());
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return Ok(()),
            polled => polled.context(|| "cannot wait for the exchange".to_owned())?,
        }
        for event in &self.events {
            match self.subscribers.get_mut(event.token().0) {
                Some(subscriber) if subscriber.silent => {
                    subscriber.hung_up |= event.is_read_closed() || event.is_error();
                }
                Some(subscriber) => subscriber.read()?,
                None => {}
            }
        }
        self.read_orders()
    }

    fn read_orders(&mut self) -> Outcome<()> {
        loop {
            match self.orders.read()? {
                Received::Nothing => return Ok(()),
                Received::Text(text) if is_update(&text) => {}
                Received::Text(text) => {
                    self.answered += 1;
                    if let Err(refusal) = self.reader.read(&text)?.result {
                        return Err(Failure::new(format!(
                            "the exchange refuses an order: {}",
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

    /// Waits for the last answers, asks for all executions there were, and gives the readers time to have them too.
    fn settle(&mut self) -> Outcome<Tape> {
        let deadline = Instant::now() + PATIENCE;
        while self.answered < self.sent && Instant::now() < deadline {
            self.turn(deadline)?;
        }
        let all = state::executions_after(self.address, self.trading.symbol(), self.anchor)?;
        let mut want = Tape::default();
        all.iter().for_each(|&execution| want.add(execution));
        let lacking = |subscriber: &Subscriber| !subscriber.silent && subscriber.lacks(&want);
        while self.subscribers.iter().any(lacking) && Instant::now() < deadline {
            self.turn(deadline.min(Instant::now() + Duration::from_millis(100)))?;
        }
        Ok(want)
    }

    /// Lets the silent ones be silent for `grace` more, or until all have been hung up on; then looks how each ended.
    fn silent_closings(&mut self, grace: Duration, stop: &Stop) -> Outcome<BTreeMap<String, u32>> {
        let deadline = Instant::now() + grace;
        let waits = |subscriber: &Subscriber| subscriber.silent && !subscriber.hung_up;
        while self.subscribers.iter().any(waits) && Instant::now() < deadline && !stop.is_set() {
            self.turn(deadline.min(Instant::now() + Duration::from_millis(100)))?;
        }
        let deadline = Instant::now() + LAST_READ;
        loop {
            let mut open = false;
            for subscriber in self.subscribers.iter_mut().filter(|subscriber| subscriber.silent) {
                subscriber.read()?;
                open |= subscriber.closed.is_none();
            }
            if !open || Instant::now() > deadline {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let mut closings = BTreeMap::new();
        for subscriber in self.subscribers.iter().filter(|subscriber| subscriber.silent) {
            let how = match subscriber.closed {
                Some(Closing::Code(code)) => format!("closed with code {code}"),
                Some(Closing::Abrupt) => "closed without a close frame".to_owned(),
                None => "STILL OPEN".to_owned(),
            };
            *closings.entry(how).or_default() += 1;
        }
        Ok(closings)
    }

    fn report(&self, want: &Tape, took: Duration, closings: &BTreeMap<String, u32>) -> bool {
        let readers = || self.subscribers.iter().filter(|subscriber| !subscriber.silent);
        let exact = readers()
            .filter(|reader| reader.tape == *want && reader.closed.is_none())
            .count();
        let deliveries: u64 = readers().map(|reader| reader.tape.count).sum();
        println!("  trades                         {:>12}", self.trades - 1);
        println!("  executions                     {:>12}", want.count);
        println!(
            "  readers that got exactly these {exact:>12} of {}",
            readers().count()
        );
        println!("  deliveries to readers          {deliveries:>12}");
        let rate = deliveries as f64 / took.as_secs_f64().max(f64::MIN_POSITIVE);
        println!("  deliveries per second          {rate:>12.0} (indicative)");
        for (how, count) in closings {
            println!("  silent subscribers, {how:<28} {count}");
        }
        for reader in readers()
            .filter(|reader| reader.tape != *want || reader.closed.is_some())
            .take(5)
        {
            println!("  a reader: {}", reader.complaint(want));
        }
        exact == readers().count() && !closings.contains_key("STILL OPEN")
    }
}
