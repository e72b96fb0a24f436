//! One order in flight at a time, timed from its sending to its own execution and to its reply.

use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};

use super::echo::wait;
use crate::cli::Idle;
use crate::client::{Received, Socket};
use crate::failure::{Context, Failure, Outcome};
use crate::message::{ReplyReader, is_update, parse_uuid};
use crate::orders::{TAKES, Trading};

const PATIENCE: Duration = Duration::from_secs(10);
const READ_BUFFER: usize = 4 << 10;

/// What one order took.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// Until its own execution stood on the founding stream.
    pub execution: Duration,
    /// Until its reply.
    pub reply: Duration,
}

/// The connections of a lone trader.
pub struct LoneTrader {
    poll: Poll,
    events: Events,
    executions: Socket,
    orders: Socket,
    maker: Socket,
    trading: Trading,
    reader: ReplyReader,
    requests: u64,
    takes: u32,
    idle: Idle,
}

impl LoneTrader {
    /// Connects to the exchange; `idle` is how this thread waits for answers. The taker and the maker are two accounts, so that the taker hears only of itself.
    ///
    /// # Errors
    /// When the exchange cannot be reached.
    pub fn connect(address: &str, trading: Trading, idle: Idle) -> Outcome<Self> {
        let stream = format!("/ws/executions?symbol={}", trading.symbol());
        let connect = |path: &str| Socket::connect(address, path, READ_BUFFER);
        let mut executions = connect(&stream)?;
        let mut orders = connect("/ws/orders?account=perf-taker")?;
        let mut maker = connect("/ws/orders?account=perf-maker")?;
        let what = || "cannot watch the connections".to_owned();
        let poll = Poll::new().context(what)?;
        for (number, socket) in [&mut executions, &mut orders, &mut maker].into_iter().enumerate() {
            socket.register(poll.registry(), Token(number)).context(what)?;
        }
        Ok(Self {
            poll,
            events: Events::with_capacity(8),
            executions,
            orders,
            maker,
            trading,
            reader: ReplyReader::new(),
            requests: 0,
            takes: 0,
            idle,
        })
    }

    /// Sends one order that trades at once, and waits until all that it causes has been heard.
    ///
    /// # Errors
    /// When the exchange refuses it, answers out of place, or is silent.
    pub fn trade(&mut self) -> Outcome<Times> {
        if self.takes == 0 {
            self.refill()?;
        }
        self.takes -= 1;
        self.requests += 1;
        self.orders.write(&self.trading.take(self.requests))?;
        let begin = Instant::now();
        self.orders.flush()?;
        let (mut own, mut reply, mut resting) = (None, None, false);
        while own.is_none() || reply.is_none() || !resting {
            let mut heard = false;
            while let Some(text) = text(self.executions.read()?, "/ws/executions")? {
                heard = true;
                if text.contains("\"side\":\"Buy\"") {
                    own.get_or_insert_with(|| (begin.elapsed(), text));
                } else {
                    resting = true;
                }
            }
            while let Some(text) = text(self.orders.read()?, "/ws/orders")? {
                heard = true;
                if !is_update(&text) {
                    reply.get_or_insert_with(|| (begin.elapsed(), text));
                }
            }
            if !heard {
                self.sleep(begin)?;
            }
        }
        // Nothing of the maker's is timed, but its updates must not pile up.
        while text(self.maker.read()?, "/ws/orders")?.is_some() {}
        let (Some((execution, own)), Some((reply, answer))) = (own, reply) else {
            return Err(Failure::new("an order without an answer"));
        };
        self.check(&own, &answer)?;
        Ok(Times { execution, reply })
    }

    fn check(&mut self, own: &str, answer: &str) -> Outcome<()> {
        let answer = self.reader.read(answer)?;
        let order = answer.result.map_err(|refusal| {
            Failure::new(format!("the exchange refuses the order: {}", refusal.message))
        })?;
        let named = own
            .split("\"order_id\":\"")
            .nth(1)
            .and_then(|rest| parse_uuid(rest.get(..36)?));
        if answer.id != self.requests || named != Some(order) {
            return Err(Failure::new(
                "the execution heard is not that of the order sent: someone else trades",
            ));
        }
        Ok(())
    }

    fn refill(&mut self) -> Outcome<()> {
        self.requests += 1;
        self.maker.write(&self.trading.rest(self.requests))?;
        self.maker.flush()?;
        let begin = Instant::now();
        loop {
            while let Some(text) = text(self.maker.read()?, "/ws/orders")? {
                if is_update(&text) {
                    continue;
                }
                let reply = self.reader.read(&text)?;
                self.takes = TAKES;
                return match reply.result {
                    Ok(_) => Ok(()),
                    Err(refusal) => Err(Failure::new(format!(
                        "the exchange refuses the resting order: {}",
                        refusal.message
                    ))),
                };
            }
            self.sleep(begin)?;
        }
    }

    fn sleep(&mut self, begin: Instant) -> Outcome<()> {
        if begin.elapsed() > PATIENCE {
            return Err(Failure::new(format!(
                "the exchange is silent for {} seconds",
                PATIENCE.as_secs()
            )));
        }
        wait(
            &mut self.poll,
            &mut self.events,
            self.idle,
            Duration::from_millis(100),
        )
        .context(|| "cannot wait for the exchange".to_owned())
    }
}

fn text(received: Received, path: &str) -> Outcome<Option<tungstenite::Utf8Bytes>> {
    match received {
        Received::Text(text) => Ok(Some(text)),
        Received::Nothing => Ok(None),
        Received::Closed(closing) => Err(Failure::new(format!("the exchange ended {path}: {closing:?}"))),
    }
}
