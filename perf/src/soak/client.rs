//! One client of a soak, of any kind: what it does each time it has its turn, until its time is over.

use std::io::{self, Read, Write};

use super::history::Part;
use super::random::Random;
use crate::cli::StreamFormat;
use crate::client::{Offer, Received, Socket, connect_tcp, subscribe};
use crate::crowd::{Checked, Member};
use crate::failure::{Context, Failure, Outcome};
use crate::message::{Uuid, is_update, write_uuid};

/// The instrument that is traded, and a price on its grid around which orders lie.
pub const SYMBOL: &str = "BTC-KRW";
const PRICE: u64 = 50_000_000;
const TICK: u64 = 1_000;
/// Accounts that trade.
const ACCOUNTS: u64 = 64;
/// Orders of one session that rest at once, about.
const RESTING: usize = 40;
/// Pings in one turn.
const PINGS: usize = 32;

/// The kinds, and how many of each there are at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Reads executions in a format, compressed or not, and checks them.
    Reader(StreamKind),
    /// Subscribes and never reads.
    Silent,
    /// Places and cancels orders.
    Trader,
    /// Asks for one thing after the other over HTTP.
    Poller,
    /// Subscribes, and sends pings without end.
    Pinger,
    /// Begins a handshake and does not end it.
    HalfOpen,
}

/// A format by its number, and whether compression is offered.
pub type StreamKind = (u8, bool);

/// All kinds with their numbers.
pub const KINDS: [(Kind, usize); 11] = [
    (Kind::Reader((0, false)), 24),
    (Kind::Reader((0, true)), 12),
    (Kind::Reader((1, false)), 12),
    (Kind::Reader((1, true)), 6),
    (Kind::Reader((2, false)), 12),
    (Kind::Reader((2, true)), 6),
    (Kind::Silent, 24),
    (Kind::Trader, 16),
    (Kind::Poller, 16),
    (Kind::Pinger, 8),
    (Kind::HalfOpen, 24),
];

/// A client.
pub enum Client {
    /// See [`Kind::Reader`]; with the execution that it was to follow.
    Reader(Box<Member>, Option<Uuid>),
    /// See [`Kind::Pinger`].
    Pinger(Box<Member>),
    /// See [`Kind::Trader`].
    Trader(Box<Trader>),
    /// See [`Kind::Poller`].
    Poller(mio::net::TcpStream),
    /// See [`Kind::Silent`] and [`Kind::HalfOpen`]: held, and dropped.
    Mute(#[allow(dead_code, reason = "it is open for as long as it is held")] mio::net::TcpStream),
}

/// An order session.
pub struct Trader {
    socket: Socket,
    resting: Vec<Uuid>,
    requests: u64,
    answered: u64,
}

/// How a reader ended.
pub enum Ended {
    /// By its own will, having heard this.
    Heard(Part),
    /// By its own will, without a message.
    HeardNothing,
    /// Otherwise: what is wrong.
    Wrong(String),
}

/// What an offer of the kind is.
pub fn offer((format, deflate): StreamKind) -> Offer {
    let format = [StreamFormat::Json, StreamFormat::Msgpack, StreamFormat::Protobuf][usize::from(format) % 3];
    Offer { format, deflate }
}

/// A subscriber that reads every message, from `after` on if that is named.
///
/// # Errors
/// When the exchange refuses it.
pub fn reader(address: &str, offer: Offer, after: Option<Uuid>) -> Outcome<Member> {
    let mut path = format!("/ws/executions?symbol={SYMBOL}");
    if let Some(after) = after {
        path.push_str("&after=");
        write_uuid(&mut path, after);
    }
    let one = subscribe(address, &path, offer)?;
    let checked = Checked::new(one.agreed, after.unwrap_or(0));
    Member::new(one.stream, &one.leftover, Some(checked))
}

impl Client {
    /// Connects; a reader may begin at `after`.
    ///
    /// # Errors
    /// When the exchange refuses it.
    pub fn connect(kind: Kind, address: &str, after: Option<Uuid>, random: &mut Random) -> Outcome<Self> {
        let json = offer((0, false));
        Ok(match kind {
            Kind::Reader(stream) => Client::Reader(Box::new(reader(address, offer(stream), after)?), after),
            Kind::Silent => Client::Mute(subscribe(address, "/ws/executions", json)?.stream),
            Kind::Pinger => Client::Pinger(Box::new(reader(address, json, None)?)),
            Kind::Trader => {
                let path = format!("/ws/orders?account=soak-{}", random.below(ACCOUNTS));
                Client::Trader(Box::new(Trader {
                    socket: Socket::connect(address, &path, 16 << 10)?,
                    resting: Vec::new(),
                    requests: 0,
                    answered: 0,
                }))
            }
            Kind::Poller => Client::Poller(plain(address)?),
            Kind::HalfOpen => {
                let mut stream = plain(address)?;
                let head =
                    format!("GET /ws/executions HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\n");
                let part = 1 + random.below(head.len() as u64 - 1) as usize;
                stream
                    .write_all(&head.as_bytes()[..part])
                    .context(|| "half a handshake".to_owned())?;
                Client::Mute(stream)
            }
        })
    }

    /// One turn. `Ok(false)` when the other side has ended it, which a poller and a mute one may be.
    ///
    /// # Errors
    /// When what came is not what may come.
    pub fn turn(&mut self, address: &str, buffer: &mut [u8], random: &mut Random) -> Outcome<bool> {
        match self {
            Client::Reader(member, _) => {
                member.read(buffer)?;
                Ok(member.closed.is_none())
            }
            Client::Pinger(member) => {
                for _ in 0..PINGS {
                    if member.stream().write(&ping()).is_err() {
                        break;
                    }
                }
                member.read(buffer)?;
                Ok(member.closed.is_none())
            }
            Client::Trader(trader) => trader.turn(random),
            Client::Poller(stream) => {
                let _ = stream.write(request(address, random).as_bytes());
                loop {
                    match stream.read(buffer) {
                        Ok(0) => return Ok(false),
                        Ok(_) => {}
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                        Err(_) => return Ok(false),
                    }
                }
            }
            Client::Mute(_) => Ok(true),
        }
    }

    /// Leaves: what a reader has heard.
    pub fn end(self) -> Option<Ended> {
        match self {
            Client::Reader(member, after) => Some(heard(&member, after)),
            Client::Trader(mut trader) => {
                // What it leaves would fill the book. That the exchange hears it before the end is not certain, and need not be.
                let _ = trader.socket.write("{\"id\":0,\"op\":\"cancel_all\"}");
                let _ = trader.socket.flush();
                None
            }
            _ => None,
        }
    }
}

/// What a reader has heard.
pub fn heard(member: &Member, after: Option<Uuid>) -> Ended {
    let Some(checked) = member.checked.as_deref() else {
        return Ended::Wrong("a reader that was not looked at".to_owned());
    };
    if let Some(closing) = member.closed {
        return Ended::Wrong(format!("a reader was ended by the exchange: {closing:?}"));
    }
    if checked.out_of_order + checked.unread > 0 {
        return Ended::Wrong(format!(
            "a reader got {} messages out of order and {} that are none",
            checked.out_of_order, checked.unread
        ));
    }
    match checked.first {
        None => Ended::HeardNothing,
        Some(first) => Ended::Heard(Part {
            after,
            first,
            last: checked.last,
            count: checked.tape.count,
        }),
    }
}

impl Trader {
    fn turn(&mut self, random: &mut Random) -> Outcome<bool> {
        if self.requests - self.answered < 32 {
            self.requests += 1;
            let request = self.request(random);
            self.socket.write(&request)?;
        }
        self.socket.flush()?;
        loop {
            match self.socket.read()? {
                Received::Nothing => return Ok(true),
                Received::Closed(closing) => {
                    return Err(Failure::new(format!("an order session was ended: {closing:?}")));
                }
                Received::Text(text) if is_update(&text) => {}
                Received::Text(text) => {
                    self.answered += 1;
                    let order = text
                        .split_once("\"order_id\":\"")
                        .and_then(|(_, rest)| crate::message::parse_uuid(rest.get(..36)?));
                    if let Some(order) = order.filter(|_| text.contains("\"status\":\"New\"")) {
                        self.resting.push(order);
                    }
                }
            }
        }
    }

    /// Rests, takes or cancels; the more rests, the more is canceled.
    fn request(&mut self, random: &mut Random) -> String {
        let id = self.requests;
        let choice = random.below(10);
        if self.resting.len() > RESTING || (choice < 2 && !self.resting.is_empty()) {
            let order = self
                .resting
                .swap_remove(random.below(self.resting.len() as u64) as usize);
            let mut text = format!("{{\"id\":{id},\"op\":\"cancel\",\"order_id\":\"");
            write_uuid(&mut text, order);
            text.push_str("\"}");
            return text;
        }
        let is_buy = random.below(2) == 0;
        let (side, away) = match is_buy {
            true => ("Buy", -1),
            false => ("Sell", 1),
        };
        // Half of the orders cross the middle, and trade where something rests there.
        let ticks = random.below(20) as i64 * away * if choice < 6 { -1 } else { 1 };
        let price = PRICE.saturating_add_signed(ticks * TICK as i64);
        let named = match random.below(2) {
            0 => format!(",\"client_order_id\":\"{:016x}\"", random.next()),
            _ => String::new(),
        };
        format!(
            "{{\"id\":{id},\"op\":\"place\",\"symbol\":\"{SYMBOL}\",\"side\":\"{side}\",\"type\":\"Limit\",\"price\":{price},\
             \"quantity\":0.00{},\"time_in_force\":\"{}\"{named}}}",
            1 + random.below(9),
            if choice < 6 { "IOC" } else { "GTC" },
        )
    }
}

fn plain(address: &str) -> Outcome<mio::net::TcpStream> {
    let stream = connect_tcp(address)?;
    stream
        .set_nonblocking(true)
        .context(|| "a connection".to_owned())?;
    Ok(mio::net::TcpStream::from_std(stream))
}

fn request(address: &str, random: &mut Random) -> String {
    let account = random.below(ACCOUNTS);
    // Of those pages that take long to make, the exchange makes eight at a time and answers 503 beyond that.
    let target = match random.below(60) {
        0 => "/metrics".to_owned(),
        1 => "/no-such-page".to_owned(),
        2..=20 => format!("/api/v1/orderbook/{SYMBOL}?depth=20"),
        21..=30 => format!("/api/v1/executions/{SYMBOL}?limit=100"),
        31..=40 => "/api/v1/instruments".to_owned(),
        41..=50 => format!("/api/v1/orders?account=soak-{account}&status=Open"),
        _ => "/readyz".to_owned(),
    };
    format!("GET {target} HTTP/1.1\r\nHost: {address}\r\n\r\n")
}

/// A masked ping of the longest payload (RFC 6455 §5.5), its mask zero.
fn ping() -> [u8; 131] {
    let mut frame = [b'p'; 131];
    frame[..6].copy_from_slice(&[0x89, 0x80 | 125, 0, 0, 0, 0]);
    frame
}
