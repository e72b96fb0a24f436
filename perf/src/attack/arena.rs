//! Two exchanges, one with authentication and one without, with limits and times so small that every one of them is met soon;
//! and the keys that are registered at the first.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use hoga::keys::edit::edit;
use hoga::keys::file::{Account, Base64Key, Entry, Moment, PermissionName, Text};
use hoga_gateway::auth::{PublicKey, Subject, signed_message};
use hoga_protocol::{AccountName, Nanos};
use hoga_service::{KeyId, Permission};

use super::socket::Socket;
use super::wire::Wire;
use crate::failure::{Context, Failure, Outcome};

/// Connections of one address.
pub const MOST_OF_ADDRESS: usize = 20;
/// Connections in all.
pub const MOST: usize = 200;

/// What both exchanges are set to, as the environment names it without `HOGA_`.
pub const SETTINGS: [(&str, &str); 18] = [
    ("GATEWAY__LIMIT_LOOPBACK", "true"),
    ("GATEWAY__MAX_CONNECTIONS", "200"),
    ("GATEWAY__MAX_CONNECTIONS_PER_ADDRESS", "20"),
    ("GATEWAY__HEADER_TIMEOUT_MS", "3000"),
    ("GATEWAY__BODY_TIMEOUT_MS", "3000"),
    ("GATEWAY__IDLE_TIMEOUT_MS", "4000"),
    ("GATEWAY__WRITE_STALL_MS", "2000"),
    ("GATEWAY__PING_AFTER_MS", "1000"),
    ("GATEWAY__CLOSE_AFTER_MS", "3000"),
    ("GATEWAY__SEND_BUFFER", "8192"),
    ("QUOTAS__QUERIES_PER_ADDRESS", "10000"),
    ("QUOTAS__ORDERS_PER_ACCOUNT", "1000"),
    ("QUOTAS__CANCELS_PER_ACCOUNT", "10000"),
    ("QUOTAS__QUERIES_PER_ACCOUNT", "10000"),
    ("QUOTAS__WEBSOCKETS_PER_ACCOUNT", "40"),
    ("VIEWS__EXECUTIONS", "65544"),
    ("VIEWS__ORDER_UPDATES", "65544"),
    ("FOLLOWER__ENABLED", "false"),
];

/// A name, a key and what it is good for.
pub struct Signer {
    /// The key's id.
    pub id: KeyId,
    secret: SigningKey,
    latest: AtomicU64,
}

/// What shows who sends a request.
#[derive(Clone)]
pub struct Signed {
    /// The key's id.
    pub key: String,
    /// When it was signed.
    pub timestamp: String,
    /// The signature.
    pub signature: [u8; 64],
}

impl Signed {
    /// The three headers.
    pub fn headers(&self) -> String {
        self.headers_with(&self.base64())
    }

    /// The three headers, with another text as the signature.
    pub fn headers_with(&self, signature: &str) -> String {
        let Self { key, timestamp, .. } = self;
        format!("Hoga-Key: {key}\r\nHoga-Timestamp: {timestamp}\r\nHoga-Signature: {signature}\r\n")
    }

    /// The signature's text.
    pub fn base64(&self) -> String {
        STANDARD.encode(self.signature)
    }

    /// The first message of a WebSocket.
    pub fn message(&self) -> String {
        let (key, timestamp, signature) = (&self.key, &self.timestamp, self.base64());
        format!(r#"{{"op":"auth","key":"{key}","timestamp":{timestamp},"signature":"{signature}"}}"#)
    }
}

impl Signer {
    /// A key pair made of `seed`, which is the same whenever it is.
    pub fn new(seed: u8) -> Self {
        Self {
            id: KeyId::from_random([seed; 10]),
            secret: SigningKey::from_bytes(&[seed; 32]),
            latest: AtomicU64::new(0),
        }
    }

    /// Signs now; no two signatures of a key have the same time.
    pub fn sign(&self, method: &str, target: &str, body: &[u8]) -> Signed {
        let now = now_ms();
        let earlier = |latest: u64| Some(now.max(latest + 1));
        let latest = self
            .latest
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, earlier);
        self.sign_at(now.max(latest.unwrap_or_default() + 1), method, target, body)
    }

    /// Signs with any time, in milliseconds since 1970.
    pub fn sign_at(&self, time: u64, method: &str, target: &str, body: &[u8]) -> Signed {
        let message = match Subject::new(method, target, body) {
            Some(subject) => signed_message(time, &subject),
            None => Vec::new(),
        };
        Signed {
            key: self.id.to_string(),
            timestamp: time.to_string(),
            signature: self.secret.sign(&message).to_bytes(),
        }
    }

    /// As it stands in the key file.
    fn entry(&self, account: &str, permission: Permission, ends: Ends) -> Outcome<Entry> {
        let failed = |why: &dyn std::fmt::Display| Failure::new(format!("a key of {account}: {why}"));
        let public =
            PublicKey::from_bytes(self.secret.verifying_key().as_bytes()).map_err(|why| failed(&why))?;
        let past = Text(Moment::of(Nanos((now_ms() - 60_000) * 1_000_000)));
        Ok(Entry {
            id: Text(self.id),
            account: Text(Account(
                AccountName::new(account).map_err(|_| failed(&"is no name"))?,
            )),
            permissions: vec![Text(PermissionName(permission))],
            public_key: Text(Base64Key(public)),
            created: past,
            expires: (ends == Ends::Expired).then_some(past),
            revoked: (ends == Ends::Revoked).then_some(past),
            note: None,
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    Never,
    Expired,
    Revoked,
}

/// Milliseconds since 1970.
pub fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_millis() as u64
}

/// The keys, each of an account of its own but for those that have ended.
pub struct Keys {
    /// May trade.
    pub trader: Signer,
    /// May trade for another account.
    pub other: Signer,
    /// May trade, and sends more than it may.
    pub greedy: Signer,
    /// Trades all the while, as it should.
    pub good: Signer,
    /// May only look.
    pub reader: Signer,
    /// May operate the exchange, and not trade.
    pub operator: Signer,
    /// Was revoked.
    pub revoked: Signer,
    /// Has expired.
    pub expired: Signer,
    /// Is registered nowhere.
    pub unknown: Signer,
}

impl Keys {
    /// All of them.
    pub fn new() -> Self {
        let [
            trader,
            other,
            greedy,
            good,
            reader,
            operator,
            revoked,
            expired,
            unknown,
        ] = [1, 2, 9, 3, 4, 5, 6, 7, 8].map(Signer::new);
        Self {
            trader,
            other,
            greedy,
            good,
            reader,
            operator,
            revoked,
            expired,
            unknown,
        }
    }

    /// Registers them, all but the one that is to be unknown, in the key file at `path`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn register(&self, path: &Path) -> Outcome<()> {
        use Permission::{Admin, Read, Trade};
        let entries = [
            (&self.trader, "desk", Trade, Ends::Never),
            (&self.other, "other", Trade, Ends::Never),
            (&self.greedy, "greedy", Trade, Ends::Never),
            (&self.good, "good", Trade, Ends::Never),
            (&self.reader, "reader", Read, Ends::Never),
            (&self.operator, "operator", Admin, Ends::Never),
            (&self.revoked, "desk", Trade, Ends::Revoked),
            (&self.expired, "desk", Trade, Ends::Expired),
        ];
        let entries =
            entries.map(|(signer, account, permission, ends)| signer.entry(account, permission, ends));
        let mut entries: Vec<Entry> = entries.into_iter().collect::<Outcome<_>>()?;
        edit(path, |keys| {
            keys.append(&mut entries);
            Ok(())
        })
        .context(|| "the key file".to_owned())
    }
}

/// Where attacks are made.
pub struct Arena {
    /// The exchange that asks for signatures.
    pub guarded: SocketAddrV4,
    /// The exchange that does not.
    pub trusting: SocketAddrV4,
    /// The keys of the first.
    pub keys: Keys,
    /// Sentences about what was measured.
    pub notes: Mutex<Vec<String>>,
    origins: AtomicU32,
}

impl Arena {
    /// Exchanges that are ready, at `guarded` with the keys of `keys`, and at `trusting`.
    pub fn new(guarded: SocketAddrV4, trusting: SocketAddrV4, keys: Keys) -> Self {
        Self {
            guarded,
            trusting,
            keys,
            notes: Mutex::new(Vec::new()),
            origins: AtomicU32::new(0),
        }
    }

    /// An address of this machine that nobody has come from yet (all of 127.0.0.0/8 is its own).
    pub fn origin(&self) -> Ipv4Addr {
        let number = self.origins.fetch_add(1, Ordering::Relaxed) % (1 << 16);
        let [.., high, low] = number.to_be_bytes();
        Ipv4Addr::new(127, 1, high, low)
    }

    /// A connection to the exchange that asks for signatures.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub fn connect(&self) -> Outcome<Wire> {
        Wire::connect(self.guarded, self.origin(), false)
    }

    /// What the exchange that asks for signatures answers to these bytes.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub fn ask(&self, bytes: impl AsRef<[u8]>) -> Outcome<String> {
        let mut wire = self.connect()?;
        wire.send(bytes);
        Ok(wire.told())
    }

    /// What it answers to each of these: one text if they are all alike.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub fn each<T: AsRef<[u8]>>(&self, all: impl IntoIterator<Item = T>) -> Outcome<String> {
        let answers: Outcome<Vec<String>> = all.into_iter().map(|bytes| self.ask(bytes)).collect();
        Ok(alike(answers?))
    }

    /// What the exchange that asks for no signatures answers to each of these: one text if they are all alike.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub fn open<T: AsRef<[u8]>>(&self, all: impl IntoIterator<Item = T>) -> Outcome<String> {
        let mut told = Vec::new();
        for bytes in all {
            let mut wire = Wire::connect(self.trusting, self.origin(), false)?;
            wire.send(bytes);
            told.push(wire.told());
        }
        Ok(alike(told))
    }

    /// What the exchange that asks for signatures answers to an order of the trader's with this body, signed as it should be.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub fn order(&self, body: impl AsRef<[u8]>) -> Outcome<String> {
        self.ask(signed(&self.keys.trader, "POST", ORDERS, body.as_ref(), ""))
    }

    /// As [`order`](Self::order), of each of these bodies: one text if all answers are alike.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub fn orders<T: AsRef<[u8]>>(&self, all: impl IntoIterator<Item = T>) -> Outcome<String> {
        let answers: Outcome<Vec<String>> = all.into_iter().map(|body| self.order(body)).collect();
        Ok(alike(answers?))
    }

    /// A WebSocket to `target` with headers as given; else what was answered to the handshake.
    ///
    /// # Errors
    /// When the exchange cannot be reached.
    pub fn socket(&self, target: &str, headers: &str) -> Outcome<Result<Socket, String>> {
        Ok(Socket::open(self.connect()?, &handshake(target, headers)))
    }

    /// A WebSocket of the trader's for order entry, signed as it should be, on which something is done.
    ///
    /// # Errors
    /// When the exchange cannot be reached, or does not let it in.
    pub fn session(&self, headers: &str) -> Outcome<Socket> {
        let signed = self.keys.trader.sign("GET", SESSION, b"").headers();
        self.socket(SESSION, &format!("{signed}{headers}"))?
            .map_err(|told| Failure::new(format!("a signed handshake was answered {told}")))
    }

    /// What each of these byte strings leads to on a session of its own.
    ///
    /// # Errors
    /// As [`session`](Self::session).
    pub fn sessions<T: AsRef<[u8]>>(
        &self,
        headers: &str,
        all: impl IntoIterator<Item = T>,
    ) -> Outcome<String> {
        let mut answers = Vec::new();
        for bytes in all {
            let mut socket = self.session(headers)?;
            socket.wire.send(bytes);
            answers.push(socket.told());
        }
        Ok(alike(answers))
    }

    /// Remembers a sentence about what was measured.
    pub fn note(&self, note: String) {
        if let Ok(mut notes) = self.notes.lock() {
            notes.push(note);
        }
    }
}

/// The path of orders.
pub const ORDERS: &str = "/api/v1/orders";
/// The path of order entry over WebSocket.
pub const SESSION: &str = "/ws/orders";
/// An order that rests, far from any other.
pub const ORDER: &str =
    r#"{"symbol":"BTC-KRW","side":"Buy","type":"Limit","price":1000000,"quantity":0.001}"#;

/// A request on a session that is always carried out.
pub const CANCEL_ALL: &str = r#"{"id":1,"op":"cancel_all"}"#;

/// One text if all are alike, else each that there is.
pub fn alike(mut answers: Vec<String>) -> String {
    answers.dedup();
    answers.join("; ")
}

/// A request with `headers`, each with its line's end.
pub fn request(method: &str, target: &str, body: &[u8], headers: &str) -> Vec<u8> {
    let length = match (method, body) {
        ("GET", []) => String::new(),
        _ => format!("Content-Length: {}\r\n", body.len()),
    };
    let mut bytes =
        format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n{headers}{length}\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// A request that `signer` has signed.
pub fn signed(signer: &Signer, method: &str, target: &str, body: &[u8], headers: &str) -> Vec<u8> {
    let own = signer.sign(method, target, body).headers();
    request(method, target, body, &format!("{own}{headers}"))
}

/// An order that `signer` has signed.
pub fn order_of(signer: &Signer) -> Vec<u8> {
    signed(signer, "POST", ORDERS, ORDER.as_bytes(), "")
}

/// A WebSocket's handshake.
pub fn handshake(target: &str, headers: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n"
    )
}
