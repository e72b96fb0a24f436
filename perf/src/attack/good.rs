//! A well-behaved client, which all the while places orders and cancels them, and is to be answered whole.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::arena::{Arena, ORDER, ORDERS, SESSION, handshake, signed};
use super::socket::{FIN, Socket, TEXT};
use super::wire::Wire;
use crate::failure::{Failure, Outcome};

/// Between two of its requests.
const PACE: Duration = Duration::from_millis(20);

/// One order session and one connection for HTTP, kept from the first to the last.
pub struct Good<'a> {
    arena: &'a Arena,
    socket: Socket,
    wire: Wire,
    /// Requests, each of which was answered as it should be.
    pub answered: u64,
}

impl<'a> Good<'a> {
    /// Connects. Right after a start no signature counts, so that is tried again.
    ///
    /// # Errors
    /// When it is not let in.
    pub fn new(arena: &'a Arena) -> Outcome<Self> {
        let origin = arena.origin();
        let mut told = String::new();
        for _ in 0..100 {
            let own = arena.keys.good.sign("GET", SESSION, b"").headers();
            let wire = Wire::connect(arena.guarded, origin, false)?;
            match Socket::open(wire, &handshake(SESSION, &own)) {
                Ok(socket) => {
                    return Ok(Self {
                        arena,
                        socket,
                        wire: Wire::connect(arena.guarded, origin, false)?,
                        answered: 0,
                    });
                }
                Err(other) => told = other,
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Err(Failure::new(format!(
            "a well-behaved client is not let in: {told}"
        )))
    }

    /// Goes on until `stop`.
    ///
    /// # Errors
    /// At the first answer that is not there, or not what it should be.
    pub fn run(&mut self, stop: &AtomicBool) -> Outcome<()> {
        while !stop.load(Ordering::Relaxed) {
            self.round()?;
            std::thread::sleep(PACE);
        }
        Ok(())
    }

    /// Places an order, sees it over HTTP, and cancels it.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn round(&mut self) -> Outcome<()> {
        let id = self.answered;
        let reply = self.ask(&format!(r#"{{"id":{id},"op":"place",{}"#, &ORDER[1..]), id)?;
        let order = reply["order"]["order_id"].as_str().unwrap_or_default().to_owned();
        self.expect(reply["order"]["status"] == "New", "a place", &reply)?;
        let target = format!("{ORDERS}/{order}");
        self.wire
            .send(signed(&self.arena.keys.good, "GET", &target, b"", ""));
        let answer = self.wire.answer();
        let shown: Value = answer
            .as_ref()
            .and_then(|answer| serde_json::from_slice(&answer.body).ok())
            .unwrap_or_default();
        self.expect(shown["order_id"] == order.as_str(), "a look", &shown)?;
        let id = self.answered;
        let reply = self.ask(
            &format!(r#"{{"id":{id},"op":"cancel","order_id":"{order}"}}"#),
            id,
        )?;
        self.expect(reply["order"]["status"] == "Canceled", "a cancel", &reply)
    }

    fn expect(&mut self, is_good: bool, what: &str, got: &Value) -> Outcome<()> {
        if !is_good {
            return Err(Failure::new(format!(
                "{what} was answered {got}, behind {} good answers",
                self.answered
            )));
        }
        self.answered += 1;
        Ok(())
    }

    /// The reply to a request; pushes are passed over.
    fn ask(&mut self, text: &str, id: u64) -> Outcome<Value> {
        self.socket.say(text);
        while let Some(frame) = self.socket.next() {
            if frame.first != FIN | TEXT {
                return Err(Failure::new(format!(
                    "the session got a frame of first byte {:#x}: {}",
                    frame.first,
                    String::from_utf8_lossy(&frame.payload)
                )));
            }
            let message: Value = serde_json::from_slice(&frame.payload).unwrap_or_default();
            if message["id"] == id {
                return Ok(message);
            }
        }
        Err(Failure::new(format!(
            "the session ended behind {} good answers",
            self.answered
        )))
    }
}
