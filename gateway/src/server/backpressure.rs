//! When events stay in the output ring because readers have yet to be handed what folding them would evict.
//!
//! Sessions read order updates, and subscribers executions, out of rings in the views, which hold a limited number of each. A
//! reader that was up to date once and whose socket takes data is handed everything: before a command is folded, no such reader
//! is further behind than [`FAR`] and [`LOOK`] together, so what one command adds evicts nothing of theirs as long as it
//! is at most half of what is held. A reader whose socket is full is waited for, too, but only for a moment and for a small share
//! of the time, so that no slow reader holds the others up.

use std::time::Duration;

use hoga_protocol::Limits;
use hoga_views::Views;

use crate::server::connections::Connections;
use crate::server::peer::Peer;
use crate::server::step::Queue;

/// A reader is far behind when this share of what is held (a quarter) lies before it.
const FAR: u64 = 4;

/// All readers are looked at anew whenever this share of what is held (an eighth) has been added.
const LOOK: u64 = 8;

/// The most rows that one event adds to either ring: a trade has two sides.
const ROWS_OF_EVENT: u64 = 2;

/// The longest that readers whose sockets are full are waited for at once.
const AT_ONCE: Duration = Duration::from_micros(WAIT_MICROS);

/// As [`AT_ONCE`], in microseconds.
pub(crate) const WAIT_MICROS: u64 = 500;

/// The share of all time that they are waited for: an eighth.
const WAITED: u32 = 8;

// A command may add half of what is held before the earliest row of a reader is reached.
const _: () = assert!(LOOK / FAR + 1 + LOOK / 2 < LOOK);

/// The fewest order updates, and executions, that an exchange may be configured to hold: what one command adds is at most half of
/// them, whatever the journal's limits are. A command has an event for each order that it touches and two more.
pub const LEAST_HELD: usize = 2 * ROWS_OF_EVENT as usize * (Limits::MAX_TOUCHED as usize + 2);

/// Who is waited for.
#[derive(Debug)]
pub(crate) struct Backpressure {
    /// The readers that were far behind when all were looked at.
    laggards: Vec<Peer>,
    /// The numbers that the next order update and the next execution had then.
    looked: Option<[u64; 2]>,
    /// For how long readers whose sockets are full may still be waited for.
    credit: Duration,
    /// When that was counted last.
    counted: Duration,
    /// Whether none but such readers are waited for.
    is_waiting: bool,
}

impl Default for Backpressure {
    fn default() -> Self {
        Self {
            laggards: Vec::new(),
            looked: None,
            credit: AT_ONCE,
            counted: Duration::ZERO,
            is_waiting: false,
        }
    }
}

impl Backpressure {
    /// How many events may be folded before this is asked again; 0 while readers are waited for. Within a command it is
    /// at least 1: what is folded in part is shown to nobody, and so nobody could be handed anything.
    pub fn room(
        &mut self,
        connections: &mut Connections,
        views: &Views,
        most: usize,
        now: Duration,
    ) -> usize {
        let left = usize::try_from(self.until_look(views) / ROWS_OF_EVENT).unwrap_or(usize::MAX);
        let most = most.min(left).max(1);
        if !views.is_complete() {
            return most;
        }
        if left == 0 {
            self.look(connections, views);
        }
        match self.must_wait(connections, views, now) {
            true => 0,
            false => most,
        }
    }

    /// How many rows may be added to the fuller of the rings until all readers are looked at.
    fn until_look(&self, views: &Views) -> u64 {
        let Some(looked) = self.looked else { return 0 };
        let shares = [views.updates().capacity(), views.executions().capacity()].map(|held| held / LOOK);
        let added = [
            views.updates().next() - looked[0],
            views.executions().next() - looked[1],
        ];
        let left = shares
            .iter()
            .zip(added)
            .map(|(share, added)| share.saturating_sub(added));
        left.min().unwrap_or(0)
    }

    fn look(&mut self, connections: &Connections, views: &Views) {
        self.looked = Some([views.updates().next(), views.executions().next()]);
        self.laggards.clear();
        let far = connections
            .all()
            .filter(|(_, connection)| connection.state.is_behind(FAR, views));
        self.laggards.extend(far.map(|(peer, _)| peer));
    }

    /// Whether there are readers to be handed something first.
    fn must_wait(&mut self, connections: &mut Connections, views: &Views, now: Duration) -> bool {
        let elapsed = now.saturating_sub(self.counted);
        self.counted = now;
        self.credit = match self.is_waiting {
            true => self.credit.saturating_sub(elapsed),
            false => AT_ONCE.min(self.credit + elapsed / WAITED),
        };
        let mut takes_data = false;
        self.laggards.retain(|&peer| {
            let Some(connection) = connections.find(peer) else {
                return false;
            };
            if !connection.state.is_behind(FAR, views) {
                return false;
            }
            let stopped = |since| now >= since + AT_ONCE;
            if connection.buffer.writable {
                takes_data = true;
                connections.enqueue(peer.key, Queue::Streams);
            } else if connection.buffer.blocked.is_some_and(stopped) {
                return false;
            }
            true
        });
        if !takes_data && self.credit.is_zero() {
            self.laggards.clear();
        }
        self.is_waiting = !takes_data && !self.laggards.is_empty();
        !self.laggards.is_empty()
    }
}
