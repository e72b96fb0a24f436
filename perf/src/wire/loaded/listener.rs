//! A subscriber that is timed.

use std::collections::HashMap;
use std::time::Duration;

use crate::client::{Received, Socket};
use crate::failure::{Failure, Outcome};
use crate::message::{Uuid, parse_uuid};
use crate::orders::Trading;
use crate::recording::Recording;

/// A subscriber that is timed.
pub struct Listener {
    /// Its connection.
    pub socket: Socket,
    /// When it heard of orders whose reply is not there yet.
    pub early: HashMap<Uuid, u64>,
    /// Orders that it heard of.
    pub executed: u64,
    /// How long each of these took.
    pub execution: Recording,
}

impl Listener {
    /// Subscribes, and gets ready for `seconds` that count.
    ///
    /// # Errors
    /// When the exchange cannot be reached or refuses.
    pub fn connect(address: &str, trading: &Trading, seconds: u32) -> Outcome<Self> {
        let path = format!("/ws/executions?symbol={}", trading.symbol());
        Ok(Self {
            socket: Socket::connect(address, &path, 64 << 10)?,
            early: HashMap::with_capacity(1 << 16),
            executed: 0,
            execution: Recording::new(Duration::from_secs(u64::from(seconds))),
        })
    }

    /// The next order that bought, if it was heard of.
    ///
    /// # Errors
    /// When the exchange has ended the stream, or what came is no execution.
    pub fn hear(&mut self) -> Outcome<Option<Uuid>> {
        loop {
            let text = match self.socket.read()? {
                Received::Text(text) => text,
                Received::Nothing => return Ok(None),
                Received::Closed(closing) => {
                    return Err(Failure::new(format!(
                        "the exchange ended /ws/executions: {closing:?}"
                    )));
                }
            };
            if !text.contains("\"side\":\"Buy\"") {
                continue;
            }
            let order = text
                .split_once("\"order_id\":\"")
                .and_then(|(_, rest)| parse_uuid(rest.get(..36)?));
            return match order {
                Some(order) => Ok(Some(order)),
                None => Err(Failure::new(format!("not an execution: {text}"))),
            };
        }
    }
}
