//! Connections from many addresses of this machine that send, and pass over what is answered.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use crate::client::connect_tcp_from;
use crate::failure::{Context, Failure, Outcome};
use crate::threads::Threads;

/// How often something is sent.
const TICK: Duration = Duration::from_millis(2);
/// Bytes that wait for the exchange to take them, above which a connection is left out.
const MOST_WAITING: usize = 256 << 10;
/// How long the exchange may take to answer all that was sent to fill it.
const PATIENCE: Duration = Duration::from_secs(60);
/// Requests that fill the venue, a second and address: less than the quotas allow.
const FILLING: u64 = 450;
/// What the answer to the last request of a connection contains.
const MARK: &str = "LAST-OF-ALL";

/// One request.
pub enum Request {
    /// A message of the order session, without the beginning that has its id.
    Order(String),
    /// A request of HTTP: method, target and body.
    Http(&'static str, String, String),
}

/// What came of sending.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sent {
    /// Requests that were sent.
    pub requests: u64,
    /// Connections that the exchange ended; each was made anew.
    pub ended: u64,
    /// Processor time of the thread that sent and read, in nanoseconds; none where the system does not tell.
    pub nanos: Option<u64>,
}

/// Whence, and for whom.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// The exchange.
    pub address: &'a str,
    /// Addresses, from `127.0.network.1` on.
    pub addresses: u8,
    pub network: u8,
    /// Order sessions are those of accounts `account-0` up to `accounts`, in turns.
    pub account: &'a str,
    pub accounts: u32,
    /// Whether every second connection of HTTP is never read.
    pub slow: bool,
}

/// An order session and a connection of HTTP from each of some addresses.
pub struct Crowd<'a> {
    source: Source<'a>,
    /// By address: the session, then HTTP.
    lines: Vec<[Line; 2]>,
    sent: Sent,
}

struct Line {
    stream: TcpStream,
    /// Bytes that the kernel is yet to take.
    waiting: Vec<u8>,
    reads: bool,
    /// The end of what was read, where the last answer is waited for.
    tail: Option<Vec<u8>>,
    /// Whether the last answer is there.
    is_through: bool,
}

impl<'a> Crowd<'a> {
    /// Connects.
    ///
    /// # Errors
    /// When the exchange refuses a connection.
    pub fn connect(source: Source<'a>) -> Outcome<Self> {
        let pair = |place| Ok([source.line(place, true)?, source.line(place, false)?]);
        Ok(Self {
            source,
            lines: (0..source.addresses).map(pair).collect::<Outcome<_>>()?,
            sent: Sent::default(),
        })
    }

    /// Sends request after request, `rate` a second in all, until `until`.
    pub fn press(mut self, rate: u32, until: Instant, request: &dyn Fn(u64) -> Request) -> Sent {
        let (begin, mut number) = (Instant::now(), 0);
        while Instant::now() < until {
            let due = begin.elapsed().as_micros() as u64 * u64::from(rate) / 1_000_000;
            while number < due {
                self.send(number, &request(number));
                number += 1;
            }
            self.exchange();
        }
        self.sent.nanos = Threads::read().ran("client");
        self.sent
    }

    /// Sends `count` requests, and waits until all are answered.
    ///
    /// # Errors
    /// When they are not.
    pub fn fill(mut self, count: u64, request: &dyn Fn(u64) -> Request) -> Outcome<()> {
        let (begin, mut number, all) = (Instant::now(), 0, self.lines.len() as u64);
        while number < count {
            let due = (begin.elapsed().as_micros() as u64 * FILLING * all / 1_000_000).min(count);
            while number < due && self.send(number, &request(number)) {
                number += 1;
            }
            self.exchange();
        }
        self.lines
            .iter_mut()
            .flatten()
            .for_each(|line| line.tail = Some(Vec::new()));
        for place in 0..all {
            // Refused by the name of its field.
            let cancel = format!("\"op\":\"cancel\",\"{MARK}\":0}}");
            self.send(place, &Request::Order(cancel));
            let look = format!("/api/v1/orderbook/{MARK}");
            self.send(place, &Request::Http("GET", look, String::new()));
        }
        let patience = Instant::now() + PATIENCE;
        while !self.lines.iter().flatten().all(|line| line.is_through) {
            if Instant::now() > patience {
                return Err(Failure::new(
                    "the exchange does not answer all that is to fill it",
                ));
            }
            self.exchange();
        }
        Ok(())
    }

    /// Queues a request where there is room for it; whether there was.
    fn send(&mut self, number: u64, request: &Request) -> bool {
        let place = (number % self.lines.len() as u64) as usize;
        let [session, http] = &mut self.lines[place];
        let line = match request {
            Request::Order(_) => session,
            Request::Http(..) => http,
        };
        if line.waiting.len() > MOST_WAITING {
            return false;
        }
        self.sent.requests += 1;
        match request {
            Request::Order(order) => frame(&format!("{{\"id\":{number},{order}"), &mut line.waiting),
            Request::Http(method, target, body) => {
                let (host, length) = (self.source.address, body.len());
                let text = format!(
                    "{method} {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n{body}"
                );
                line.waiting.extend_from_slice(text.as_bytes());
            }
        }
        true
    }

    /// Sends as far as the kernel takes it, reads all there is, and rests. What has ended is made anew.
    fn exchange(&mut self) {
        for (place, pair) in (0..).zip(&mut self.lines) {
            for (line, is_session) in pair.iter_mut().zip([true, false]) {
                if line.exchange() {
                    continue;
                }
                self.sent.ended += 1;
                if let Ok(anew) = self.source.line(place, is_session) {
                    *line = anew;
                }
            }
        }
        std::thread::sleep(TICK);
    }
}

impl Source<'_> {
    fn line(&self, place: u8, is_session: bool) -> Outcome<Line> {
        let from = Ipv4Addr::new(127, 0, self.network, place + 1);
        let stream = connect_tcp_from(from, self.address)?;
        stream
            .set_nonblocking(true)
            .context(|| "a connection".to_owned())?;
        let (host, account) = (
            self.address,
            format!("{}-{}", self.account, u32::from(place) % self.accounts),
        );
        let handshake = format!(
            "GET /ws/orders?account={account} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        Ok(Line {
            stream,
            waiting: if is_session {
                handshake.into_bytes()
            } else {
                Vec::new()
            },
            reads: is_session || !self.slow || place.is_multiple_of(2),
            tail: None,
            is_through: false,
        })
    }
}

impl Line {
    /// Whether it goes on.
    fn exchange(&mut self) -> bool {
        let goes_on = |error: &std::io::Error| error.kind() == ErrorKind::WouldBlock;
        while !self.waiting.is_empty() {
            match self.stream.write(&self.waiting) {
                Ok(written) => drop(self.waiting.drain(..written)),
                Err(error) if goes_on(&error) => break,
                Err(_) => return false,
            }
        }
        let mut bytes = [0; 64 << 10];
        while self.reads {
            match self.stream.read(&mut bytes) {
                Ok(0) => return false,
                Ok(read) => self.look(&bytes[..read]),
                Err(error) => return goes_on(&error),
            }
        }
        true
    }

    fn look(&mut self, bytes: &[u8]) {
        let Some(tail) = &mut self.tail else { return };
        tail.extend_from_slice(bytes);
        self.is_through |= tail.windows(MARK.len()).any(|part| part == MARK.as_bytes());
        tail.drain(..tail.len().saturating_sub(MARK.len()));
    }
}

/// Appends a masked frame of text, its mask zero.
fn frame(text: &str, out: &mut Vec<u8>) {
    match text.len() {
        length @ 0..126 => out.extend_from_slice(&[0x81, 0x80 | length as u8]),
        length => {
            out.extend_from_slice(&[0x81, 0x80 | 126]);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
    }
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(text.as_bytes());
}
