//! Connections by name, and those that wait for replies.

use hoga_service::Correlation;
use slab::Slab;

use crate::codec::RequestId;

/// One connection, named so that another one on the same place of the table is not mistaken for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Peer {
    /// Its place in the table.
    pub key: u32,
    /// How many connections the table had seen before it, in 31 bits.
    pub generation: u32,
}

/// Who waits for a reply.
#[derive(Debug)]
pub(crate) struct Waiter {
    /// The connection; it may have gone.
    pub peer: Peer,
    /// The id to echo on an order session; none for an HTTP request.
    pub id: Option<RequestId>,
}

/// Everyone who waits for the reply to a request that was sequenced. What the rings hold bounds them.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    waiting: Slab<Waiter>,
}

impl Waiters {
    /// The number by which the next one's reply will come.
    pub fn next(&self) -> Correlation {
        Correlation(self.waiting.vacant_key() as u64)
    }

    /// Adds one, by the number that was [`next`](Self::next).
    pub fn add(&mut self, waiter: Waiter) {
        self.waiting.insert(waiter);
    }

    /// Takes out whoever waits for this reply.
    pub fn take(&mut self, correlation: Correlation) -> Option<Waiter> {
        self.waiting.try_remove(correlation.0 as usize)
    }
}
