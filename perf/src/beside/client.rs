//! A client that behaves: it places and cancels orders and looks at the book, less often than it may.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};

use super::SYMBOL;
use crate::client::{Received, Socket, connect_tcp};
use crate::failure::{Context, Failure, Outcome};
use crate::message::is_update;
use crate::recording::Recording;

/// An order, its cancel and a look at the book each take this long.
const EVERY: Duration = Duration::from_millis(10);
/// How long an answer may take before it counts as missing.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a client saw.
pub struct Seen {
    /// From when an order was due to its reply.
    pub orders: Recording,
    /// From when its cancel was sent to its reply.
    pub cancels: Recording,
    /// Requests.
    pub asked: u64,
    /// Those that were answered as they should be.
    pub right: u64,
    /// The first answer that was not.
    pub wrong: Option<String>,
}

struct Client {
    session: Socket,
    queries: mio::net::TcpStream,
    query: String,
    read: Vec<u8>,
    /// When each request was due, by its id; of a cancel, when it was sent.
    pending: HashMap<u64, Instant>,
    queries_pending: u64,
    begin: Instant,
    seen: Seen,
}

/// Trades for `length`.
///
/// # Errors
/// When the exchange cannot be reached, or ends a connection.
pub fn run(address: &str, length: Duration) -> Outcome<Seen> {
    let what = || "a client that behaves".to_owned();
    let mut poll = Poll::new().context(what)?;
    let mut session = Socket::connect(address, "/ws/orders?account=good", 64 << 10)?;
    session.register(poll.registry(), Token(0)).context(what)?;
    let queries = connect_tcp(address)?;
    queries.set_nonblocking(true).context(what)?;
    let mut queries = mio::net::TcpStream::from_std(queries);
    let interest = Interest::READABLE | Interest::WRITABLE;
    poll.registry()
        .register(&mut queries, Token(1), interest)
        .context(what)?;
    let mut client = Client {
        session,
        queries,
        query: format!("GET /api/v1/orderbook/{SYMBOL}?depth=5 HTTP/1.1\r\nHost: {address}\r\n\r\n"),
        read: Vec::new(),
        pending: HashMap::new(),
        queries_pending: 0,
        begin: Instant::now(),
        seen: Seen {
            orders: Recording::new(length),
            cancels: Recording::new(length),
            asked: 0,
            right: 0,
            wrong: None,
        },
    };
    let mut events = Events::with_capacity(8);
    let (mut number, end) = (0u32, client.begin + length);
    loop {
        let now = Instant::now();
        let due = client.begin + EVERY * number;
        if now >= due && now < end {
            client.ask(u64::from(number), due)?;
            number += 1;
            continue;
        }
        if now >= end && (client.is_answered() || now >= end + PATIENCE) {
            return Ok(client.seen);
        }
        let next = if now < end { due } else { now + EVERY };
        poll.poll(&mut events, Some(next.saturating_duration_since(now)))
            .context(what)?;
        client.listen()?;
    }
}

impl Client {
    fn is_answered(&self) -> bool {
        self.pending.is_empty() && self.queries_pending == 0
    }

    fn ask(&mut self, number: u64, due: Instant) -> Outcome<()> {
        let id = 2 * number;
        self.send(
            id,
            due,
            &format!(
                "{{\"id\":{id},\"op\":\"place\",\"symbol\":\"{SYMBOL}\",\"side\":\"Sell\",\"type\":\"Limit\",\
                 \"price\":90000000,\"quantity\":0.001}}"
            ),
        )?;
        let written = self.queries.write(self.query.as_bytes());
        if written.ok() != Some(self.query.len()) {
            return Err(Failure::new(
                "the exchange takes no query of the client that behaves",
            ));
        }
        self.queries_pending += 1;
        self.seen.asked += 1;
        Ok(())
    }

    fn send(&mut self, id: u64, due: Instant, request: &str) -> Outcome<()> {
        self.pending.insert(id, due);
        self.seen.asked += 1;
        self.session.write(request)?;
        self.session.flush()
    }

    fn listen(&mut self) -> Outcome<()> {
        loop {
            match self.session.read()? {
                Received::Nothing => break,
                Received::Closed(closing) => {
                    return Err(Failure::new(format!(
                        "the client that behaves was ended: {closing:?}"
                    )));
                }
                Received::Text(text) if is_update(&text) || !text.starts_with("{\"id\":") => {}
                Received::Text(text) => self.hear(&text)?,
            }
        }
        let mut bytes = [0; 16 << 10];
        loop {
            match self.queries.read(&mut bytes) {
                Ok(0) => return Err(Failure::new("the queries of the client that behaves were ended")),
                Ok(read) => self.read.extend_from_slice(&bytes[..read]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => {
                    return Err(Failure::new(format!(
                        "the queries of the client that behaves: {error}"
                    )));
                }
            }
        }
        self.hear_queries();
        Ok(())
    }

    /// A reply of the order session: an order's is followed by its cancel.
    fn hear(&mut self, text: &str) -> Outcome<()> {
        let digits: String = text[6..].chars().take_while(char::is_ascii_digit).collect();
        let id: u64 = digits.parse().unwrap_or(u64::MAX);
        let Some(since) = self.pending.remove(&id) else {
            self.wrong(text);
            return Ok(());
        };
        let is_order = id.is_multiple_of(2);
        let (at, took) = (self.begin.elapsed(), since.elapsed());
        let status = if is_order {
            "\"status\":\"New\""
        } else {
            "\"status\":\"Canceled\""
        };
        match is_order {
            true => self.seen.orders.add(at, took),
            false => self.seen.cancels.add(at, took),
        }
        if !text.contains(status) {
            self.wrong(text);
            return Ok(());
        }
        self.seen.right += 1;
        let order = text
            .split_once("\"order_id\":\"")
            .and_then(|(_, rest)| rest.get(..36));
        if let (true, Some(order)) = (is_order, order) {
            let cancel = format!("{{\"id\":{},\"op\":\"cancel\",\"order_id\":\"{order}\"}}", id + 1);
            self.send(id + 1, Instant::now(), &cancel)?;
        }
        Ok(())
    }

    /// The responses that are whole: a book each.
    fn hear_queries(&mut self) {
        while let Some(head) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&self.read[..head]).into_owned();
            let length = text
                .lines()
                .find_map(|line| line.strip_prefix("Content-Length: "))
                .and_then(|length| length.parse::<usize>().ok());
            let end = head + 4 + length.unwrap_or(0);
            if self.read.len() < end {
                return;
            }
            self.read.drain(..end);
            self.queries_pending = self.queries_pending.saturating_sub(1);
            match text.starts_with("HTTP/1.1 200 ") {
                true => self.seen.right += 1,
                false => self.wrong(&text),
            }
        }
    }

    fn wrong(&mut self, text: &str) {
        self.seen.wrong.get_or_insert_with(|| text.to_owned());
    }
}
