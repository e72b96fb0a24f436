//! What two replays of one journal compare: a digest of the state, and one of the events.
//!
//! Both are SipHash-2-4 with 128 bits of output (Aumasson and Bernstein, 2012) under the key of all zeros: they show
//! accidents, not forgeries.

use core::hash::Hasher;

use hoga_protocol::codec::{MAX_EVENT, MAX_RECORD, encode_command, encode_event};
use hoga_protocol::{Command, Event, Nanos};
use siphasher::sip128::{Hasher128, SipHasher24};

use crate::order_book::LevelTotals;

/// A digest of events in order, over the bytes that [`encode_event`] gives each.
#[derive(Clone, Debug)]
pub struct EventsDigest {
    hasher: SipHasher24,
}

impl EventsDigest {
    /// The digest of no events.
    pub fn new() -> Self {
        Self {
            hasher: SipHasher24::new(),
        }
    }

    /// Adds an event.
    pub fn push(&mut self, event: &Event) {
        let mut bytes = [0; MAX_EVENT];
        let len = encode_event(event, &mut bytes);
        self.hasher.write(&bytes[..len]);
    }

    /// The digest of what was added so far. Adding may go on.
    pub fn finish(&self) -> [u8; 16] {
        self.hasher.finish128().as_bytes()
    }
}

impl Default for EventsDigest {
    fn default() -> Self {
        Self::new()
    }
}

/// A digest of state, field by field. A list follows its length or ends with a zero that no item begins with, so no two
/// states give the same bytes.
pub(crate) struct StateDigest {
    hasher: SipHasher24,
    /// How many bytes it covers.
    #[cfg(test)]
    pub(crate) covered: usize,
}

impl StateDigest {
    pub(crate) fn new() -> Self {
        Self {
            hasher: SipHasher24::new(),
            #[cfg(test)]
            covered: 0,
        }
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.write(&value.to_le_bytes());
    }

    pub(crate) fn i64(&mut self, value: i64) {
        self.write(&value.to_le_bytes());
    }

    pub(crate) fn i128(&mut self, value: i128) {
        self.write(&value.to_le_bytes());
    }

    /// A text, after its length.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.u64(bytes.len() as u64);
        self.write(bytes);
    }

    /// A level's price and totals; its count, which is not 0, comes first.
    pub(crate) fn level(&mut self, level: &LevelTotals) {
        self.u64(u64::from(level.orders));
        self.i64(level.price.0);
        self.u64(level.volume.0);
    }

    /// A command's record stands for what the command brought in, whole.
    pub(crate) fn record(&mut self, command: &Command) {
        let mut bytes = [0; MAX_RECORD];
        let len = encode_command(Nanos(0), command, &mut bytes);
        self.write(&bytes[..len]);
    }

    fn write(&mut self, bytes: &[u8]) {
        self.hasher.write(bytes);
        #[cfg(test)]
        {
            self.covered += bytes.len();
        }
    }

    pub(crate) fn finish(&self) -> [u8; 16] {
        self.hasher.finish128().as_bytes()
    }
}
