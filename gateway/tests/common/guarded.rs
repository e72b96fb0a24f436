//! A gateway where authentication is on, and people with keys. Signatures are real; the thread that verifies them is the
//! test's own.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use hoga_gateway::auth::{
    ApiKey, AuthConfig, Check, KeyTable, Keys, PublicKey, Subject, Verdict, Verifier, signed_message,
};
use hoga_gateway::{GatewayConfig, Ticket};
use hoga_protocol::{AccountName, Nanos};
use hoga_service::{KeyId, Permission, Permissions};
use serde_json::Value;
use tungstenite::client::IntoClientRequest;

use super::http::{Client, Response, limit};
use super::ws::Ws;
use super::{PATIENCE, Setup, World};

/// Most checks that wait, unless told.
pub const ROOM: usize = 4;

/// The keys, as somebody else changes them.
#[derive(Clone, Default)]
pub struct KeyFile(pub Arc<Mutex<(u64, Vec<ApiKey>)>>);

impl Keys for KeyFile {
    fn generation(&self) -> u64 {
        self.0.lock().unwrap().0
    }

    fn table(&self) -> Arc<KeyTable> {
        Arc::new(KeyTable::new(self.0.lock().unwrap().1.clone()))
    }
}

/// A thread that verifies when it is let.
#[derive(Clone, Default)]
pub struct Bench(pub Arc<Mutex<Work>>);

/// What it has to do.
pub struct Work {
    /// Whether it rests.
    pub held: bool,
    /// Most checks that wait.
    pub room: usize,
    pub waiting: VecDeque<(Ticket, Check)>,
}

impl Default for Work {
    fn default() -> Self {
        Self {
            held: false,
            room: ROOM,
            waiting: VecDeque::new(),
        }
    }
}

impl Verifier for Bench {
    fn ask(&mut self, ticket: Ticket, check: Check) -> bool {
        let work = &mut *self.0.lock().unwrap();
        let has_room = work.waiting.len() < work.room;
        if has_room {
            work.waiting.push_back((ticket, check));
        }
        has_room
    }

    fn done(&mut self) -> Option<(Ticket, Verdict)> {
        let work = &mut *self.0.lock().unwrap();
        let (ticket, check) = if work.held { None } else { work.waiting.pop_front() }?;
        Some((ticket, check.verify()))
    }
}

/// Who holds a private key.
pub struct Holder {
    pub id: KeyId,
    pub key: SigningKey,
}

impl Holder {
    /// The three headers for a request made now, or as many milliseconds from now.
    pub fn headers(&self, world: &Guarded, method: &str, target: &str, body: &str, from_now: i64) -> String {
        let now = world.world.ask(|gateway| gateway.wall()).0 / 1_000_000;
        let timestamp = now.saturating_add_signed(from_now);
        let message = signed_message(timestamp, &Subject::new(method, target, body.as_bytes()).unwrap());
        let signature = STANDARD.encode(self.key.sign(&message).to_bytes());
        format!(
            "Hoga-Key: {}\r\nHoga-Timestamp: {timestamp}\r\nHoga-Signature: {signature}\r\n",
            self.id.as_str()
        )
    }
}

/// A world with authentication, in which alice and bob trade, carol reads, dave sees everything and is no trader.
pub struct Guarded {
    pub world: World,
    pub keys: KeyFile,
    pub bench: Bench,
    pub holders: Vec<Holder>,
}

pub const ALICE: usize = 0;
pub const BOB: usize = 1;
pub const CAROL: usize = 2;
pub const DAVE: usize = 3;

impl Guarded {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// A world whose settings are these.
    pub fn with(change: impl FnOnce(&mut GatewayConfig)) -> Self {
        use Permission::{DropCopy, Read, Trade};
        let who: [(&str, &[Permission]); 4] = [
            ("alice", &[Read, Trade]),
            ("bob", &[Read, Trade]),
            ("carol", &[Read]),
            ("dave", &[DropCopy]),
        ];
        let mut setup = Setup {
            by_hand: true,
            ..Setup::default()
        };
        change(&mut setup.config);
        let world = World::with(setup);
        let (keys, bench) = (KeyFile::default(), Bench::default());
        let mut holders = Vec::new();
        for (number, (account, permissions)) in who.into_iter().enumerate() {
            let key = SigningKey::from_bytes(&[number as u8 + 1; 32]);
            let id = KeyId::from_random([number as u8; 10]);
            keys.0.lock().unwrap().1.push(ApiKey {
                id,
                account: AccountName::new(account).unwrap(),
                permissions: permissions.iter().copied().collect::<Permissions>(),
                public: PublicKey::from_bytes(&key.verifying_key().to_bytes()).unwrap(),
                revoked: None,
                expires: None,
            });
            holders.push(Holder { id, key });
        }
        let (theirs, thread) = (Box::new(keys.clone()), Box::new(bench.clone()));
        world.ask(move |gateway| gateway.authenticate(theirs, thread, AuthConfig::default()));
        // What was signed in the first second might have been accepted before.
        world.advance(Duration::from_secs(2));
        Self {
            world,
            keys,
            bench,
            holders,
        }
    }

    pub fn ask(&self, who: usize, method: &str, target: &str, body: &str) -> Response {
        // No two signatures of one millisecond are alike.
        self.world.advance(Duration::from_millis(1));
        let headers = self.holders[who].headers(self, method, target, body, 0);
        self.send(method, target, body, &headers)
    }

    pub fn send(&self, method: &str, target: &str, body: &str, headers: &str) -> Response {
        let mut client = Client::connect(&self.world);
        let request = client.request(method, target, body);
        client.send(request.replacen("\r\n", &format!("\r\n{headers}"), 1));
        client.response()
    }

    pub fn place(&self, who: usize, side: &str) -> Response {
        let order = limit("", side, 50_000_000, "0.5").replace("\"account\":\"\",", "");
        self.ask(who, "POST", "/api/v1/orders", &order)
    }

    /// The first message of a WebSocket on `path`.
    pub fn auth_message(&self, who: usize, path: &str) -> String {
        self.world.advance(Duration::from_millis(1));
        let headers = self.holders[who].headers(self, "GET", path, "", 0);
        let value = |name: &str| {
            let line = headers.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim_start_matches(": ").to_owned()
        };
        format!(
            r#"{{"op":"auth","key":"{}","timestamp":{},"signature":"{}"}}"#,
            value("Hoga-Key"),
            value("Hoga-Timestamp"),
            value("Hoga-Signature")
        )
    }

    /// A WebSocket of somebody's, or the status and code of its refusal.
    pub fn connect(&self, who: Option<usize>, path: &str) -> Result<Ws, (u16, String)> {
        self.world.advance(Duration::from_millis(1));
        let mut request = format!("ws://{}{path}", self.world.address)
            .into_client_request()
            .unwrap();
        if let Some(who) = who {
            for line in self.holders[who].headers(self, "GET", path, "", 0).lines() {
                let (name, value) = line.split_once(": ").unwrap();
                let name: tungstenite::http::HeaderName = name.parse().unwrap();
                request.headers_mut().insert(name, value.parse().unwrap());
            }
        }
        let stream = std::net::TcpStream::connect(self.world.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        match tungstenite::client(request, stream) {
            Ok((socket, _)) => Ok(Ws { socket }),
            Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(response))) => {
                let body: Value =
                    serde_json::from_slice(response.body().as_deref().unwrap_or(b"{}")).unwrap_or_default();
                let code = body["error"]["code"].as_str().unwrap_or_default().to_owned();
                Err((response.status().as_u16(), code))
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// One more key; the number of its holder.
    pub fn register(&mut self, account: &str, permissions: &[Permission], expires: Option<Nanos>) -> usize {
        let number = self.holders.len() as u8;
        let key = SigningKey::from_bytes(&[number + 1; 32]);
        let id = KeyId::from_random([number; 10]);
        let (generation, keys) = &mut *self.keys.0.lock().unwrap();
        *generation += 1;
        keys.push(ApiKey {
            id,
            account: AccountName::new(account).unwrap(),
            permissions: permissions.iter().copied().collect::<Permissions>(),
            public: PublicKey::from_bytes(&key.verifying_key().to_bytes()).unwrap(),
            revoked: None,
            expires,
        });
        self.holders.push(Holder { id, key });
        number as usize
    }
}
