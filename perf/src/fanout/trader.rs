//! Who makes the executions: resting orders laid out ahead, and orders that take them, one at a time or many in flight.

use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};

use crate::client::{Posts, Received, Socket};
use crate::failure::{Context, Failure, Outcome};
use crate::message::{Refusal, ReplyReader, Uuid, is_update};
use crate::orders::{Kind, TAKES, Trading};
use crate::state;

const PATIENCE: Duration = Duration::from_secs(30);
const READ_BUFFER: usize = 64 << 10;
/// Requests of a session in flight at most, as the exchange allows.
const IN_FLIGHT: u64 = 256;
const MAKER: &str = "perf-maker";
const TAKER: &str = "perf-taker";

/// A trader. Its takes go in by POST, and its resting orders by a session that is gone before anything trades with them, so
/// that the exchange pushes no order updates beside the executions.
pub struct Trader<'a> {
    address: &'a str,
    trading: &'a Trading,
    poll: Poll,
    events: Events,
    posts: Posts,
    requests: u64,
    /// Takes that what rests still serves.
    takes: u32,
}

impl<'a> Trader<'a> {
    /// Connects.
    ///
    /// # Errors
    /// When the exchange cannot be reached.
    pub fn connect(address: &'a str, trading: &'a Trading) -> Outcome<Self> {
        let poll = Poll::new().context(|| "cannot watch the connections".to_owned())?;
        let posts = Posts::connect(address, poll.registry(), Token(0))?;
        Ok(Self {
            address,
            trading,
            poll,
            events: Events::with_capacity(8),
            posts,
            requests: 0,
            takes: 0,
        })
    }

    /// Makes one trade, so that there is an execution to count from; its id, that of the last one.
    ///
    /// # Errors
    /// When it does not trade.
    pub fn anchor(&mut self) -> Outcome<Uuid> {
        self.supply()?;
        self.order(Kind::Take(1))?;
        let last = state::last_execution(self.address, self.trading.symbol())?;
        last.ok_or_else(|| Failure::new("the first order did not trade: is the price crossed?"))
    }

    /// Lets `orders` orders rest, each good for `takes` takes.
    ///
    /// # Errors
    /// When the exchange refuses one or does not answer.
    pub fn rest(&mut self, orders: u64, takes: u32) -> Outcome<()> {
        let mut session = Session::connect(self.address, &format!("/ws/orders?account={MAKER}"))?;
        let mut sent = 0;
        while session.answered < orders {
            while sent < orders && sent - session.answered < IN_FLIGHT {
                sent += 1;
                session
                    .socket
                    .write(&self.trading.request(sent, Kind::Rest(takes)))?;
            }
            session.turn()?;
        }
        Ok(())
    }

    /// Cancels all that rests.
    ///
    /// # Errors
    /// As [`rest`](Self::rest).
    pub fn clear(&mut self) -> Outcome<()> {
        let mut session = Session::connect(self.address, &format!("/ws/orders?account={MAKER}"))?;
        session.socket.write("{\"id\":1,\"op\":\"cancel_all\"}")?;
        while session.answered == 0 {
            session.turn()?;
        }
        self.takes = 0;
        Ok(())
    }

    /// Makes sure that something rests for the next take of one.
    ///
    /// # Errors
    /// As [`rest`](Self::rest).
    pub fn supply(&mut self) -> Outcome<()> {
        if self.takes == 0 {
            self.rest(1, TAKES)?;
            self.takes = TAKES;
        }
        Ok(())
    }

    /// Sends one order and waits for its answer. A take of one is served by what [`supply`](Self::supply) let rest.
    ///
    /// # Errors
    /// When the exchange refuses it or does not answer.
    pub fn order(&mut self, kind: Kind) -> Outcome<()> {
        if kind == Kind::Take(1) {
            self.takes = self.takes.saturating_sub(1);
        }
        self.requests += 1;
        let body = self.trading.body(TAKER, kind);
        self.posts.send(self.requests, &body)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(reply) = self.posts.read()? {
                return reply.result.map(drop).map_err(|why| refused(&why));
            }
            if Instant::now() > deadline {
                return Err(Failure::new("the exchange does not answer an order"));
            }
            poll(&mut self.poll, &mut self.events)?;
            self.posts.flush()?;
        }
    }

    /// Takes as many as the exchange answers until `until`, `window` of them in flight, while `may` says that others are not
    /// too far behind so many takes. How many there were.
    ///
    /// # Errors
    /// When the exchange refuses one or does not answer.
    pub fn flood(
        &mut self,
        window: u32,
        mut goes_on: impl FnMut() -> bool,
        mut may: impl FnMut(u64) -> bool,
    ) -> Outcome<u64> {
        let mut session = Session::connect(self.address, &format!("/ws/orders?account={TAKER}"))?;
        let (mut takes, mut requests, mut takes_requested) = (0, 0, 0);
        self.supply()?;
        loop {
            let open = goes_on();
            while open && requests - session.answered < u64::from(window) && may(takes_requested) {
                if self.takes == 0 {
                    // In the same session, so that it is sequenced before what takes from it.
                    requests += 1;
                    session
                        .socket
                        .write(&self.trading.request(requests, Kind::Rest(TAKES)))?;
                    self.takes = TAKES;
                }
                requests += 1;
                takes_requested += 1;
                self.takes -= 1;
                session
                    .socket
                    .write(&self.trading.request(requests, Kind::Take(1)))?;
                takes += 1;
            }
            if !open && session.answered == requests {
                return Ok(takes);
            }
            session.turn()?;
        }
    }
}

/// An order socket of which only answers are looked at.
struct Session {
    poll: Poll,
    events: Events,
    socket: Socket,
    reader: ReplyReader,
    answered: u64,
    heard: Instant,
}

impl Session {
    fn connect(address: &str, path: &str) -> Outcome<Self> {
        let what = || "cannot watch a session".to_owned();
        let mut socket = Socket::connect(address, path, READ_BUFFER)?;
        let poll = Poll::new().context(what)?;
        socket.register(poll.registry(), Token(0)).context(what)?;
        Ok(Self {
            poll,
            events: Events::with_capacity(8),
            socket,
            reader: ReplyReader::new(),
            answered: 0,
            heard: Instant::now(),
        })
    }

    /// Sends what is queued, waits a moment, and reads what is there.
    fn turn(&mut self) -> Outcome<()> {
        self.socket.flush()?;
        poll(&mut self.poll, &mut self.events)?;
        loop {
            match self.socket.read()? {
                Received::Nothing => break,
                Received::Text(text) if is_update(&text) => {}
                Received::Text(text) if text.contains("\"canceled\":") => self.answered += 1,
                Received::Text(text) => {
                    self.answered += 1;
                    self.heard = Instant::now();
                    self.reader.read(&text)?.result.map_err(|why| refused(&why))?;
                }
                Received::Closed(closing) => {
                    return Err(Failure::new(format!(
                        "the exchange ended /ws/orders: {closing:?}"
                    )));
                }
            }
        }
        match self.heard.elapsed() > PATIENCE {
            true => Err(Failure::new("the exchange does not answer on /ws/orders")),
            false => Ok(()),
        }
    }
}

fn poll(poll: &mut Poll, events: &mut Events) -> Outcome<()> {
    match poll.poll(events, Some(Duration::from_millis(5))) {
        Err(error) if error.kind() == std::io::ErrorKind::Interrupted => Ok(()),
        polled => polled.context(|| "cannot wait for the exchange".to_owned()),
    }
}

fn refused(why: &Refusal) -> Failure {
    Failure::new(format!("the exchange refuses an order: {}", why.message))
}
