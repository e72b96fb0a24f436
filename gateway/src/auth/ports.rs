//! What authentication asks of the rest of the exchange.

use std::sync::Arc;

use super::check::{Check, Verdict};
use super::table::KeyTable;
use crate::ports::Ticket;

/// Where the registered keys are. They change while the exchange runs.
pub trait Keys: Send {
    /// Rises whenever the table has become another one. Cheap enough to be asked at every turn.
    fn generation(&self) -> u64;

    /// The table of this moment. To be asked only when the generation has changed; never blocks for long.
    fn table(&self) -> Arc<KeyTable>;
}

/// Who verifies signatures, on another thread.
pub trait Verifier: Send {
    /// Asks for a verdict; it comes by [`done`](Self::done), and the gateway is woken by its
    /// [`GatewayWaker`](crate::GatewayWaker) then. `false` when as many checks wait as may: the request is to be answered 503
    /// `busy`. Never blocks.
    fn ask(&mut self, ticket: Ticket, check: Check) -> bool;

    /// The next verdict, in the order in which they were asked for. Every check that was taken has one.
    fn done(&mut self) -> Option<(Ticket, Verdict)>;
}
