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
const FILLING: u32 = 450;
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

/// An order session and a connection of HTTP from each of some addresses.
pub struct Crowd {
    address: String,
    account: &'static str,
    accounts: u32,
    network: u8,
    /// By address.
    sessions: Vec<Line>,
    /// By address.
    http: Vec<Line>,
    sent: Sent,
}

impl Crowd {
    /// Connects from `127.0.network.1` on. The sessions are those of accounts `account-0` up to `accounts`, in turns; of
    /// those of HTTP every second one never reads where `slow`.
    ///
    /// # Errors
    /// When the exchange refuses a connection.
    pub fn connect(
        address: &str,
        network: u8,
        addresses: u8,
        account: &'static str,
        accounts: u32,
        slow: bool,
    ) -> Outcome<Self> {
        let mut crowd = Self {
            address: address.to_owned(),
            account,
            accounts,
            network,
            sessions: Vec::new(),
            http: Vec::new(),
            sent: Sent::default(),
        };
        for number in 0..usize::from(addresses) {
            let session = crowd.session(number)?;
            crowd.sessions.push(session);
            let mut http = crowd.line(number)?;
            http.reads = !slow || number % 2 == 0;
            crowd.http.push(http);
        }
        Ok(crowd)
    }

    /// Sends request after request, `rate` a second in all, until `until`.
    pub fn press(mut self, rate: u32, until: Instant, request: &dyn Fn(u64) -> Request) -> Sent {
        let begin = Instant::now();
        let mut number = 0;
        while Instant::now() < until {
            let due = begin.elapsed().as_micros() as u64 * u64::from(rate) / 1_000_000;
            while number < due {
                self.send(number, &request(number));
                number += 1;
            }
            self.exchange();
            std::thread::sleep(TICK);
        }
        self.sent.nanos = Threads::read().ran("client");
        self.sent
    }

    /// Sends `count` requests, and waits until all are answered.
    ///
    /// # Errors
    /// When they are not.
    pub fn fill(mut self, count: u64, request: &dyn Fn(u64) -> Request) -> Outcome<()> {
        let (begin, mut number) = (Instant::now(), 0);
        let rate = u64::from(FILLING) * self.sessions.len() as u64;
        while number < count {
            let due = (begin.elapsed().as_micros() as u64 * rate / 1_000_000).min(count);
            while number < due && self.has_room(number) {
                self.send(number, &request(number));
                number += 1;
            }
            self.exchange();
            std::thread::sleep(TICK);
        }
        for line in self.sessions.iter_mut().chain(&mut self.http) {
            line.tail = Some(Vec::new());
        }
        for line in 0..self.sessions.len() as u64 {
            let cancel = format!("\"op\":\"cancel\",\"order_id\":\"{MARK}\"}}");
            self.send(line, &Request::Order(cancel));
            let look = format!("/api/v1/orderbook/{MARK}");
            self.send(line, &Request::Http("GET", look, String::new()));
        }
        let patience = Instant::now() + PATIENCE;
        while !self.sessions.iter().chain(&self.http).all(|line| line.is_through) {
            if Instant::now() > patience || self.sent.ended > 0 {
                return Err(Failure::new(
                    "the exchange does not answer all that is to fill it",
                ));
            }
            self.exchange();
            std::thread::sleep(TICK);
        }
        Ok(())
    }

    fn place(&self, number: u64) -> usize {
        (number % self.sessions.len() as u64) as usize
    }

    fn has_room(&self, number: u64) -> bool {
        let place = self.place(number);
        self.sessions[place]
            .waiting
            .len()
            .max(self.http[place].waiting.len())
            < MOST_WAITING
    }

    /// Queues a request where there is room for it.
    fn send(&mut self, number: u64, request: &Request) {
        if !self.has_room(number) {
            return;
        }
        let place = self.place(number);
        self.sent.requests += 1;
        match request {
            Request::Order(order) => {
                let text = format!("{{\"id\":{number},{order}");
                frame(&text, &mut self.sessions[place].waiting);
            }
            Request::Http(method, target, body) => {
                let (host, length) = (&self.address, body.len());
                let head = format!(
                    "{method} {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n{body}"
                );
                self.http[place].waiting.extend_from_slice(head.as_bytes());
            }
        }
    }

    /// Sends as far as the kernel takes it, and reads all there is. What has ended is made anew.
    fn exchange(&mut self) {
        for place in 0..self.sessions.len() {
            if !self.sessions[place].exchange() {
                self.sent.ended += 1;
                if let Ok(line) = self.session(place) {
                    self.sessions[place] = line;
                }
            }
            let reads = self.http[place].reads;
            if !self.http[place].exchange() {
                self.sent.ended += 1;
                if let Ok(line) = self.line(place) {
                    self.http[place] = Line { reads, ..line };
                }
            }
        }
    }

    fn line(&self, place: usize) -> Outcome<Line> {
        let source = Ipv4Addr::new(127, 0, self.network, place as u8 + 1);
        let stream = connect_tcp_from(source, &self.address)?;
        stream
            .set_nonblocking(true)
            .context(|| "a connection".to_owned())?;
        Ok(Line {
            stream,
            waiting: Vec::new(),
            reads: true,
            tail: None,
            is_through: false,
        })
    }

    fn session(&self, place: usize) -> Outcome<Line> {
        let mut line = self.line(place)?;
        let (host, account) = (&self.address, self.account(place as u64));
        let handshake = format!(
            "GET /ws/orders?account={account} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        line.waiting.extend_from_slice(handshake.as_bytes());
        Ok(line)
    }

    /// The account of the session that sends this request.
    fn account(&self, number: u64) -> String {
        format!("{}-{}", self.account, number % u64::from(self.accounts))
    }
}

impl Line {
    /// Whether it goes on.
    fn exchange(&mut self) -> bool {
        let would_block = |error: &std::io::Error| error.kind() == ErrorKind::WouldBlock;
        while !self.waiting.is_empty() {
            match self.stream.write(&self.waiting) {
                Ok(written) => drop(self.waiting.drain(..written)),
                Err(error) if would_block(&error) => break,
                Err(_) => return false,
            }
        }
        let mut bytes = [0; 64 << 10];
        while self.reads {
            match self.stream.read(&mut bytes) {
                Ok(0) => return false,
                Ok(read) => self.look(&bytes[..read]),
                Err(error) if would_block(&error) => break,
                Err(_) => return false,
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
    out.push(0x81);
    match text.len() {
        length @ 0..126 => out.push(0x80 | length as u8),
        length => {
            out.push(0x80 | 126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
    }
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(text.as_bytes());
}
