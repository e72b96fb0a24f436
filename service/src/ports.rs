//! What the service asks of the rings.

use hoga_protocol::{Command, Event, Nanos, Sequence};

/// Why a command was not sequenced. Nothing of it is in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The input ring is too full for this class of command; it may be sent again.
    Busy,
    /// The journal has no room: only what takes risk off is accepted. [`CommandSink::reason`] says why.
    CancelOnly,
}

/// Where commands go: the input ring, of which the service is the only producer.
pub trait CommandSink {
    /// Sequences a command stamped with exchange time, or refuses it. Never blocks.
    ///
    /// The sequence returned is the one that the command's events will carry; sequences of successive calls rise.
    ///
    /// # Errors
    /// [`Refusal`] says whether trying again helps.
    fn submit(&mut self, timestamp: Nanos, command: &Command) -> Result<Sequence, Refusal>;

    /// Called once a turn, so that the sink can sequence what the exchange itself owes, stamped with `now`. What it
    /// sequences has events like any other command, and nobody waits for them.
    fn tick(&mut self, now: Nanos) {
        let _ = now;
    }

    /// Whether new orders are refused as [`Refusal::CancelOnly`] now; `/readyz` is 503 `journal_full` meanwhile.
    fn is_full(&self) -> bool;

    /// Why commands are refused as [`Refusal::CancelOnly`], in words for a person; empty when they are not.
    fn reason(&self) -> String;
}

/// Where events come from: the output ring.
pub trait EventSource {
    /// Hands at most `limit` events to `fold`, in order and some at a time, and returns how many. Never blocks.
    fn drain(&mut self, limit: usize, fold: &mut dyn FnMut(&[&Event])) -> usize;

    /// Announces that the caller is about to sleep; `false` when events are there already, and then the caller must
    /// not sleep. After `true`, whoever publishes an event wakes the caller.
    fn prepare_sleep(&mut self) -> bool;

    /// Takes the announcement back. Called after every [`prepare_sleep`](Self::prepare_sleep), whatever it returned.
    fn awake(&mut self);
}
