//! A market maker and whoever takes from it: every fill must be told on its order session, on the stream and by a query, and
//! all three must come to the same.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use hoga_protocol::Scaled;

use super::SYMBOL;
use crate::client::{Received, Socket, connect_tcp_from, get};
use crate::failure::{Failure, Outcome};
use crate::message::{Uuid, parse_uuid, units, write_uuid};

/// The best price on the side that attacks take from, and nobody else's.
const PRICE: u64 = 49_000_000;
/// Orders that rest at once.
const RESTING: usize = 20;
/// How often an order is placed, and one is taken.
const PLACES: Duration = Duration::from_millis(20);
const TAKES: Duration = Duration::from_millis(50);
/// How long what is under way may take to come.
const PATIENCE: Duration = Duration::from_secs(10);
/// Orders that are looked at in the end.
const LOOKED_AT: usize = 10;
const LOT: Scaled = Scaled {
    mantissa: 1,
    scale: 8,
};

/// What of an order was filled, in lots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Filled {
    /// The sum of its updates.
    updates: u64,
    /// The sum of its executions on the stream.
    stream: u64,
}

struct Maker<'a> {
    address: &'a str,
    orders: Socket,
    stream: Socket,
    taker: Socket,
    filled: BTreeMap<Uuid, Filled>,
    resting: usize,
    requests: u64,
}

/// Makes a market until `until`; how many of its orders were filled, in whole or in part.
///
/// # Errors
/// When a connection was ended, or a fill was lost or told twice.
pub fn run(address: &str, until: Instant) -> Outcome<usize> {
    let connect = |host: u8, path: &str| {
        let stream = connect_tcp_from(Ipv4Addr::new(127, 0, 0, host), address)?;
        Socket::over(stream, address, path, 64 << 10)
    };
    let mut maker = Maker {
        address,
        stream: connect(200, &format!("/ws/executions?symbol={SYMBOL}"))?,
        orders: connect(200, "/ws/orders?account=maker")?,
        taker: connect(201, "/ws/orders?account=taker")?,
        filled: BTreeMap::new(),
        resting: 0,
        requests: 0,
    };
    let (mut placed, mut taken) = (Instant::now(), Instant::now());
    while Instant::now() < until {
        if placed.elapsed() >= PLACES && maker.resting < RESTING {
            placed = Instant::now();
            maker.place(false)?;
        }
        if taken.elapsed() >= TAKES {
            taken = Instant::now();
            maker.place(true)?;
        }
        maker.read()?;
        std::thread::sleep(Duration::from_millis(1));
    }
    maker.settle()
}

impl Maker<'_> {
    fn place(&mut self, takes: bool) -> Outcome<()> {
        self.requests += 1;
        let (socket, side, more) = match takes {
            true => (&mut self.taker, "Buy", ",\"time_in_force\":\"IOC\""),
            false => (&mut self.orders, "Sell", ""),
        };
        socket.write(&format!(
            "{{\"id\":{},\"op\":\"place\",\"symbol\":\"{SYMBOL}\",\"side\":\"{side}\",\"type\":\"Limit\",\"price\":{PRICE},\
             \"quantity\":0.001{more}}}",
            self.requests
        ))?;
        socket.flush()
    }

    /// Reads everything that has come.
    fn read(&mut self) -> Outcome<()> {
        while let Some(text) = next(&mut self.orders, "order session")? {
            if text.starts_with("{\"type\":\"order\"") {
                self.updated(&text)?;
            }
        }
        let mine = format!("\"side\":\"Sell\",\"price\":{PRICE},");
        while let Some(text) = next(&mut self.stream, "stream of executions")? {
            if text.contains(&mine) {
                let order = order_id(&text)?;
                self.filled.entry(order).or_default().stream += lots(&text, "quantity")?;
            }
        }
        while next(&mut self.taker, "taker's session")?.is_some() {}
        Ok(())
    }

    /// An update says what was filled in all, so one that was lost shows at the next.
    fn updated(&mut self, text: &str) -> Outcome<()> {
        let filled = self.filled.entry(order_id(text)?).or_default();
        match text.split_once("\"fill\":{") {
            Some((_, fill)) => filled.updates += lots(fill, "quantity")?,
            None if text.contains("\"status\":\"New\"") => self.resting += 1,
            None => {}
        }
        if filled.updates != lots(text, "filled_quantity")? {
            return Err(Failure::new(format!("an update is missing before {text}")));
        }
        if text.contains("\"status\":\"Filled\"") || text.contains("\"status\":\"Canceled\"") {
            self.resting = self.resting.saturating_sub(1);
        }
        Ok(())
    }

    /// Cancels what rests, waits for what is under way, and compares.
    fn settle(mut self) -> Outcome<usize> {
        self.orders.write("{\"id\":0,\"op\":\"cancel_all\"}")?;
        self.orders.flush()?;
        let patience = Instant::now() + PATIENCE;
        while self.resting > 0 || self.filled.values().any(|one| one.updates != one.stream) {
            if Instant::now() > patience {
                let apart = self.filled.iter().find(|(_, one)| one.updates != one.stream);
                return Err(Failure::new(format!(
                    "the market maker's updates and executions do not come to the same: {apart:x?}, {} orders rest",
                    self.resting
                )));
            }
            self.read()?;
            std::thread::sleep(Duration::from_millis(1));
        }
        for (order, one) in self.filled.iter().rev().take(LOOKED_AT) {
            let mut target = "/api/v1/orders/".to_owned();
            write_uuid(&mut target, *order);
            let text = get(self.address, &format!("{target}?account=maker"))?;
            if lots(&text, "filled_quantity")? != one.updates {
                return Err(Failure::new(format!("filled as told: {one:?}, as asked: {text}")));
            }
        }
        Ok(self.filled.values().filter(|one| one.updates > 0).count())
    }
}

/// The next message.
fn next(socket: &mut Socket, what: &str) -> Outcome<Option<String>> {
    match socket.read()? {
        Received::Nothing => Ok(None),
        Received::Text(text) => Ok(Some(text.to_string())),
        Received::Closed(closing) => Err(Failure::new(format!(
            "the market maker's {what} was ended: {closing:?}"
        ))),
    }
}

fn order_id(text: &str) -> Outcome<Uuid> {
    let id = text
        .split_once("\"order_id\":\"")
        .and_then(|(_, rest)| parse_uuid(rest.get(..36)?));
    id.ok_or_else(|| Failure::new(format!("no order's id is in {text}")))
}

/// The first number of that name, in lots.
fn lots(text: &str, name: &str) -> Outcome<u64> {
    let digits = |rest: &str| {
        let end = rest.find(|byte: char| !byte.is_ascii_digit() && byte != '.');
        units(&rest[..end.unwrap_or(rest.len())], LOT)
    };
    let found = text
        .split_once(&format!("\"{name}\":"))
        .and_then(|(_, rest)| digits(rest));
    found.ok_or_else(|| Failure::new(format!("no {name} is in {text}")))
}
