//! One address that sends more than it may, by all ways in.

use std::io::{self, Read, Write};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use super::{QUOTA, SYMBOL};
use crate::client::{Received, Socket, connect_tcp_from};
use crate::failure::{Context, Failure, Outcome};

/// How often something is sent.
const TICK: Duration = Duration::from_millis(5);
/// Most bytes that wait for the exchange to take them, before the flood waits, too.
const MOST_WAITING: usize = 256 << 10;
/// The code of a refusal.
const REFUSED: &str = "too_many_requests";
/// What a response of HTTP begins with.
const RESPONSE: &[u8] = b"HTTP/1.1 ";

/// What came of a flood.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flooded {
    /// Requests sent.
    pub sent: u64,
    /// Those that were answered.
    pub answered: u64,
    /// Of these, those that were refused for being too many.
    pub refused: u64,
}

/// An order session and a connection for queries, of one address.
pub struct Flooder {
    session: Socket,
    queries: std::net::TcpStream,
    query: String,
    waiting: Vec<u8>,
    /// The end of what was read last, in which a response may begin.
    tail: Vec<u8>,
    id: u64,
    /// Of the session.
    flooded: Flooded,
    /// Of the queries; what was refused is found out by its status.
    asked: Flooded,
}

impl Flooder {
    /// From `source`.
    ///
    /// # Errors
    /// When the exchange cannot be reached from there, or refuses.
    pub fn connect(source: Ipv4Addr, address: &str) -> Outcome<Self> {
        let path = format!("/ws/orders?account=flood-{}", source.octets()[3]);
        let session = Socket::over(connect_tcp_from(source, address)?, address, &path, 64 << 10)?;
        let queries = connect_tcp_from(source, address)?;
        queries
            .set_nonblocking(true)
            .context(|| "a connection".to_owned())?;
        Ok(Self {
            session,
            queries,
            query: format!("GET /api/v1/time HTTP/1.1\r\nHost: {address}\r\n\r\n"),
            waiting: Vec::new(),
            tail: Vec::new(),
            id: 0,
            flooded: Flooded::default(),
            asked: Flooded::default(),
        })
    }

    /// Sends `times` what may be sent until `until`, and reads what is answered.
    ///
    /// # Errors
    /// When the exchange ends a connection.
    pub fn run(mut self, times: u32, until: Instant) -> Outcome<Flooded> {
        let begin = Instant::now();
        let due = |elapsed: Duration| elapsed.as_micros() as u64 * u64::from(QUOTA * times) / 1_000_000;
        while Instant::now() < until {
            let due = due(begin.elapsed());
            while self.flooded.sent < 2 * due {
                self.id += 1;
                let request = match self.id % 2 {
                    0 => format!("{{\"id\":{},\"op\":\"cancel_all\"}}", self.id),
                    _ => order(self.id),
                };
                self.session.write(&request)?;
                self.flooded.sent += 1;
            }
            self.session.flush()?;
            while self.asked.sent < due && self.waiting.len() < MOST_WAITING {
                self.waiting.extend_from_slice(self.query.as_bytes());
                self.asked.sent += 1;
            }
            self.exchange()?;
            std::thread::sleep(TICK);
        }
        let patience = Instant::now() + Duration::from_secs(20);
        while self.flooded.answered < self.flooded.sent || self.asked.answered < self.asked.sent {
            if Instant::now() > patience {
                return Err(Failure::new("a flood was not answered to its end"));
            }
            self.session.flush()?;
            self.exchange()?;
            std::thread::sleep(TICK);
        }
        Ok(Flooded {
            sent: self.flooded.sent + self.asked.sent,
            answered: self.flooded.answered + self.asked.answered,
            refused: self.flooded.refused + self.asked.refused,
        })
    }

    /// Sends queries as far as the kernel takes them, and reads all answers there are.
    fn exchange(&mut self) -> Outcome<()> {
        loop {
            match self.session.read()? {
                Received::Nothing => break,
                Received::Closed(closing) => {
                    return Err(Failure::new(format!("a flood was ended: {closing:?}")));
                }
                Received::Text(text) if text.contains("\"id\":") => {
                    self.flooded.answered += 1;
                    self.flooded.refused += u64::from(text.contains(REFUSED));
                }
                Received::Text(_) => {}
            }
        }
        let would_block = |error: &io::Error| error.kind() == io::ErrorKind::WouldBlock;
        match (&self.queries).write(&self.waiting) {
            Ok(written) => drop(self.waiting.drain(..written)),
            Err(error) if would_block(&error) => {}
            Err(error) => return Err(Failure::new(format!("a flood of queries was ended: {error}"))),
        }
        let mut bytes = [0; 64 << 10];
        loop {
            match (&self.queries).read(&mut bytes) {
                Ok(0) => return Err(Failure::new("a flood of queries was ended")),
                Ok(read) => self.count(&bytes[..read]),
                Err(error) if would_block(&error) => return Ok(()),
                Err(error) => return Err(Failure::new(format!("a flood of queries was ended: {error}"))),
            }
        }
    }

    /// Counts the responses that begin in `bytes`, behind what was read before.
    fn count(&mut self, bytes: &[u8]) {
        const STATUS: usize = RESPONSE.len() + 3;
        self.tail.extend_from_slice(bytes);
        for window in self.tail.windows(STATUS) {
            if let Some(status) = window.strip_prefix(RESPONSE) {
                self.asked.answered += 1;
                self.asked.refused += u64::from(status == b"429");
            }
        }
        let keep = self.tail.len().saturating_sub(STATUS - 1);
        self.tail.drain(..keep);
    }
}

/// An order that finds nobody and is canceled at once.
fn order(id: u64) -> String {
    format!(
        "{{\"id\":{id},\"op\":\"place\",\"symbol\":\"{SYMBOL}\",\"side\":\"Buy\",\"type\":\"Limit\",\"price\":1000000,\
         \"quantity\":0.001,\"time_in_force\":\"IOC\"}}"
    )
}
