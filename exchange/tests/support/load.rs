//! Load from order sessions and a subscriber who write down what they are told, and the comparison of that with what a
//! recovered exchange and its journal hold.

use std::collections::{HashMap, HashSet};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use serde_json::Value;
use tungstenite::{Message, WebSocket};

use super::{Http, Random, hoga, next_text, order_body, sequence_of, websocket};

const SESSIONS: u64 = 3;
/// Requests in flight of one session.
const WINDOW: usize = 32;

/// What clients were told.
#[derive(Default)]
pub struct Told {
    /// order_id and client_order_id of every acknowledged order.
    pub orders: Vec<(String, String)>,
    /// client_order_id of every order refused for want of room, of which nothing may stand anywhere.
    pub refused: Vec<String>,
    /// order_id of every acknowledged cancel.
    pub canceled: Vec<String>,
    /// The text of every execution shown, in the order shown.
    pub executions: Vec<String>,
}

/// Clients at work.
pub struct Load {
    subscriber: JoinHandle<Vec<String>>,
    sessions: Vec<JoinHandle<Told>>,
    failing: Arc<AtomicBool>,
}

impl Load {
    /// Starts trading and watching. `name` begins every client_order_id, and `seed` chooses the orders.
    pub fn start(address: SocketAddr, name: &str, seed: u64) -> Load {
        Self::try_start(address, name, seed).unwrap()
    }

    /// As [`start`](Self::start), of an exchange that may be gone before all clients have come.
    pub fn try_start(address: SocketAddr, name: &str, seed: u64) -> Result<Load, Box<tungstenite::Error>> {
        let failing = Arc::new(AtomicBool::new(false));
        let mut executions = websocket(address, "/ws/executions")?;
        let sockets = (0..SESSIONS).map(|n| websocket(address, &format!("/ws/orders?account=trader{n}")));
        let sockets = sockets.collect::<Result<Vec<_>, _>>()?;
        let sessions = sockets.into_iter().zip(0..).map(|(socket, n)| {
            let session = Session {
                socket,
                name: format!("{name}-{n}"),
                random: Random(seed << 8 | n),
                failing: Arc::clone(&failing),
                told: Told::default(),
                waiting: 0,
            };
            thread::spawn(move || session.trade())
        });
        Ok(Load {
            sessions: sessions.collect(),
            subscriber: thread::spawn(move || std::iter::from_fn(|| next_text(&mut executions)).collect()),
            failing,
        })
    }

    /// From now on the exchange may refuse what it is sent; until now any refusal but `busy` is a fault of the test.
    pub fn may_fail(&self) {
        self.failing.store(true, Ordering::SeqCst);
    }

    /// All that the clients were told until their connections broke, the last bytes before that included.
    pub fn told(self) -> Told {
        let mut told = Told {
            executions: self.subscriber.join().unwrap(),
            ..Told::default()
        };
        for session in self.sessions {
            let part = session.join().unwrap();
            told.orders.extend(part.orders);
            told.refused.extend(part.refused);
            told.canceled.extend(part.canceled);
        }
        told
    }
}

struct Session {
    socket: WebSocket<TcpStream>,
    name: String,
    random: Random,
    failing: Arc<AtomicBool>,
    told: Told,
    /// Requests that are not answered yet.
    waiting: usize,
}

impl Session {
    /// Places crossing orders and cancels some, `WINDOW` in flight, until the connection breaks.
    fn trade(mut self) -> Told {
        for sent in 0u64.. {
            let placed = self.place(sent);
            while placed && self.waiting >= WINDOW {
                if self.answer(sent).is_none() {
                    return self.told;
                }
            }
            if !placed {
                // What was acknowledged before the connection broke still stands in the socket.
                while self.answer(sent).is_some() {}
                break;
            }
        }
        self.told
    }

    fn place(&mut self, sent: u64) -> bool {
        let side = if self.random.below(2) == 0 { "Buy" } else { "Sell" };
        let price = 50_000_000 + self.random.below(4) * 1000;
        let body = order_body(side, price, "0.01", &format!("{}-{sent}", self.name));
        self.send(format!(r#"{{"id":{sent},"op":"place",{}"#, &body[1..]))
    }

    fn send(&mut self, request: String) -> bool {
        self.waiting += 1;
        self.socket.send(Message::text(request)).is_ok()
    }

    /// Reads one message; `None` once the connection is gone. Now and then a new order is canceled; the answer to a
    /// cancel is told apart by its id being text.
    fn answer(&mut self, sent: u64) -> Option<()> {
        let message: Value = serde_json::from_str(&next_text(&mut self.socket)?).unwrap();
        let Some(request) = message.get("id") else {
            return Some(());
        };
        let (order, is_cancel) = (&message["order"], request.is_string());
        self.waiting -= 1;
        let Some(id) = order["order_id"].as_str() else {
            // An order that traded meanwhile cannot be canceled; and small segments may fill before the next is made.
            let busy = message["error"]["code"] == "busy";
            let fair = is_cancel || busy || self.failing.load(Ordering::SeqCst);
            assert!(fair, "refused: {message}");
            if !is_cancel {
                self.told.refused.push(format!("{}-{request}", self.name));
            }
            return Some(());
        };
        if is_cancel {
            assert_eq!(order["status"], "Canceled", "{message}");
            self.told.canceled.push(id.to_owned());
            return Some(());
        }
        let client_order_id = order["client_order_id"].as_str().unwrap().to_owned();
        self.told.orders.push((id.to_owned(), client_order_id));
        if order["status"] == "New" && self.random.below(4) == 0 {
            let request = format!(r#"{{"id":"c{sent}","op":"cancel","order_id":"{id}"}}"#);
            self.send(request);
        }
        Some(())
    }
}

/// What a recovered exchange lacks of what was told: every acknowledged order must be there under its own name, every
/// acknowledged cancel must hold, and the executions stream, resumed from the first one shown, must repeat each byte for
/// byte.
pub fn missing(address: SocketAddr, told: &Told) -> Vec<String> {
    let mut faults = Vec::new();
    let mut http = Http::connect(address).unwrap();
    let mut order_now = |id: &str| http.json("GET", &format!("/api/v1/orders/{id}"), "");
    for (id, client_order_id) in &told.orders {
        let (status, order) = order_now(id);
        if (status, order["client_order_id"].as_str()) != (200, Some(client_order_id)) {
            faults.push(format!(
                "acknowledged order {id} ({client_order_id}) is lost: {order}"
            ));
        }
    }
    for id in &told.canceled {
        let (_, order) = order_now(id);
        if order["status"] != "Canceled" {
            faults.push(format!("the acknowledged cancel of {id} is undone: {order}"));
        }
    }
    let Some(first) = told.executions.first() else {
        return faults;
    };
    let unique: HashSet<&String> = told.executions.iter().collect();
    if unique.len() < told.executions.len() {
        faults.push("an execution was shown twice".to_owned());
    }
    let id = first.split('"').nth(3).unwrap();
    let mut resumed = match websocket(address, &format!("/ws/executions?after={id}")) {
        Ok(resumed) => resumed,
        Err(error) => {
            faults.push(format!("shown execution {id} is unknown: {error}"));
            return faults;
        }
    };
    for shown in &told.executions[1..] {
        // What is known comes at once; a ping would mean a long silence.
        let now = match resumed.read() {
            Ok(Message::Text(text)) => text.to_string(),
            other => format!("{other:?}"),
        };
        if now != *shown {
            faults.push(format!(
                "the stream goes on with {now} where {shown} had been shown"
            ));
            break;
        }
    }
    faults
}

/// What the journal itself lacks of all that was told since it began, and what stands there twice. No client sends an
/// order twice, so two records of one client_order_id are a doubled order.
pub fn unjournaled(data_dir: &Path, told: &[Told]) -> Vec<String> {
    let (ok, dump, said) = hoga(&["journal", "dump", data_dir.to_str().unwrap(), "--json"]);
    assert!(ok, "{said}");
    let mut faults = Vec::new();
    let (mut placed, mut canceled) = (HashMap::new(), HashSet::new());
    for line in dump.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        match record["command"].as_str() {
            Some("NewOrder") => {
                let name = record["client_order_id"].as_str().unwrap().to_owned();
                if let Some(earlier) = placed.insert(name, record["sequence"].as_u64()) {
                    faults.push(format!("{line} stands at {earlier:?} too"));
                }
            }
            Some("CancelOrder") => {
                canceled.insert(record["order"].as_u64());
            }
            _ => {}
        }
    }
    for (id, name) in told.iter().flat_map(|told| &told.orders) {
        if placed.get(name).copied().flatten() != Some(sequence_of(id)) {
            faults.push(format!("acknowledged order {id} ({name}) is not in the journal"));
        }
    }
    for name in told.iter().flat_map(|told| &told.refused) {
        if placed.contains_key(name) {
            faults.push(format!("refused order {name} is in the journal"));
        }
    }
    for id in told.iter().flat_map(|told| &told.canceled) {
        if !canceled.contains(&Some(sequence_of(id))) {
            faults.push(format!("the acknowledged cancel of {id} is not in the journal"));
        }
    }
    faults
}
