//! Requests that are sequenced and wait for their events.

use std::collections::VecDeque;

use hoga_protocol::{CancelAll, Event, EventBody, OrderId, Rejected, Sequence};

use crate::wire::RequestId;

/// One connection, named so that another one on the same place of the table is not mistaken for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Peer {
    /// Its place in the table.
    pub key: u32,
    /// How many connections the table had seen before it, in 31 bits.
    pub generation: u32,
}

/// Who waits for an answer.
#[derive(Debug)]
pub(crate) struct Waiter {
    /// The connection; it may have gone.
    pub peer: Peer,
    /// The id to echo on an order session; none for an HTTP request.
    pub id: Option<RequestId>,
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// A new order.
    Place,
    /// A change or a cancel of this order.
    Change(OrderId),
    /// A cancel of all orders of an account.
    CancelAll {
        /// The command that was sequenced.
        command: CancelAll,
        /// How many earlier commands of the same request canceled.
        canceled: u64,
    },
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A new order.
    Placed(OrderId),
    /// The very same order had been placed before.
    Duplicate(OrderId),
    /// The order was changed or canceled.
    Changed(OrderId),
    /// A cancel of many is through.
    Canceled(u64),
    /// A cancel of many has to go on.
    More {
        /// By this command.
        command: CancelAll,
        /// How many so far.
        canceled: u64,
    },
    /// The engine refused it.
    Rejected(Rejected),
    /// No event told of it. The engine answers every command, so this means a defect.
    Lost,
}

/// The requests that wait, in the order of their sequences. What the input ring and the output ring hold bounds them.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    queue: VecDeque<Entry>,
}

#[derive(Debug)]
struct Entry {
    sequence: Sequence,
    asked: Asked,
    waiter: Waiter,
    outcome: Outcome,
}

impl Pending {
    /// Adds a request that was sequenced as `sequence`, greater than any before.
    pub fn push(&mut self, sequence: Sequence, asked: Asked, waiter: Waiter) {
        debug_assert!(self.queue.back().is_none_or(|last| last.sequence < sequence));
        self.queue.push_back(Entry {
            sequence,
            asked,
            waiter,
            outcome: Outcome::Lost,
        });
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Takes the first request whose command lies before `sequence`: its events have passed and answered nothing.
    pub fn overdue(&mut self, sequence: Sequence) -> Option<Waiter> {
        self.queue
            .pop_front_if(|entry| entry.sequence < sequence)
            .map(|entry| entry.waiter)
    }

    /// Notes an event; at the last event of a request's command gives who waits for it, and what became of it.
    pub fn note(&mut self, event: &Event) -> Option<(Waiter, Outcome)> {
        let front = self.queue.front_mut()?;
        if front.sequence != event.sequence {
            return None;
        }
        if let Some(outcome) = outcome(front.asked, event) {
            front.outcome = outcome;
        }
        if !event.last {
            return None;
        }
        self.queue.pop_front().map(|entry| (entry.waiter, entry.outcome))
    }
}

/// What an event says about the request, if it decides it: a trade, say, decides nothing.
fn outcome(asked: Asked, event: &Event) -> Option<Outcome> {
    match (asked, &event.body) {
        (_, EventBody::Rejected(rejected)) => Some(Outcome::Rejected(*rejected)),
        (Asked::Place, EventBody::OrderAccepted(accepted)) => Some(Outcome::Placed(accepted.order)),
        (Asked::Place, EventBody::DuplicateOrder { order }) => Some(Outcome::Duplicate(*order)),
        (Asked::Change(order), EventBody::OrderReplaced(_) | EventBody::OrderCanceled(_)) => {
            Some(Outcome::Changed(order))
        }
        (Asked::CancelAll { command, canceled }, EventBody::MassCancelDone(done)) => {
            let canceled = canceled + u64::from(done.canceled);
            if !done.more {
                return Some(Outcome::Canceled(canceled));
            }
            // What was placed after the first command of the request is none of its business.
            let before = Some(command.before.unwrap_or(event.sequence));
            let command = CancelAll { before, ..command };
            Some(Outcome::More { command, canceled })
        }
        _ => None,
    }
}
