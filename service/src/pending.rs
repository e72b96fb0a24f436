//! Requests that are sequenced and wait for their events.

use std::collections::VecDeque;

use hoga_protocol::{
    AdminAction, Administer, ArmCause, CancelAll, CancelInstrument, Command, Disarm, Event, EventBody, Nanos,
    OperatorName, OrderId, RejectReason, Rejected, Sequence,
};

/// A request's number, which whoever sends it chooses and by which the reply comes back. It means nothing here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Correlation(pub u64);

/// On whose behalf a command is sequenced.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Behalf {
    /// Of whoever waits for the reply.
    Client(Correlation),
    /// An arming's, whose session is lost or whose deadline has passed.
    Arming(Disarm),
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// A new order.
    Place,
    /// A change or a cancel of this order.
    Change(OrderId),
    /// A cancel of an order by the name that its client gave it.
    CancelByClientId,
    /// A cancel of many orders.
    CancelMany(CancelMany),
    /// An arming of a session, or its end.
    CancelOnDisconnect,
    /// A deadline, or its end.
    CancelAllAfter,
    /// The end of an arming whose orders are canceled.
    Disarm,
    /// What an operator does.
    Administer,
}

/// A cancel of many orders, by as many commands as it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CancelMany {
    /// Which orders.
    pub whose: Whose,
    /// How many the request's earlier commands canceled.
    pub canceled: u64,
}

/// Which orders are canceled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// An account's.
    Account {
        /// The command.
        command: CancelAll,
        /// The operator who cancels on the account's behalf, if one does.
        by: Option<OperatorName>,
    },
    /// An instrument's, whoever placed them.
    Instrument {
        /// The command.
        command: CancelInstrument,
        /// Who cancels.
        by: OperatorName,
        /// How many more commands there may be: what is placed meanwhile is canceled as well, so a busy instrument may
        /// never be empty.
        left: u32,
    },
}

impl CancelMany {
    /// One that has canceled nothing yet.
    pub const fn new(whose: Whose) -> Self {
        Self { whose, canceled: 0 }
    }

    /// The next command of it.
    pub fn command(&self) -> Command {
        match self.whose {
            Whose::Account { command, by: None } => Command::CancelAll(command),
            Whose::Account {
                command,
                by: Some(by),
            } => Command::Administer(Administer::new(by, AdminAction::CancelAll(command))),
            Whose::Instrument { command, by, .. } => {
                Command::Administer(Administer::new(by, AdminAction::CancelInstrument(command)))
            }
        }
    }

    /// What comes of it after an event of its command, if that decides anything.
    fn outcome(self, event: &Event) -> Option<Outcome> {
        match (self.whose, &event.body) {
            (Whose::Account { command, by }, EventBody::MassCancelDone(done)) => {
                let canceled = self.canceled + u64::from(done.canceled);
                if !done.more {
                    return Some(Outcome::Canceled(canceled));
                }
                // What was placed after the first command of the request is none of its business.
                let before = Some(command.before.unwrap_or(event.sequence));
                let command = CancelAll { before, ..command };
                let whose = Whose::Account { command, by };
                Some(Outcome::More(Self { whose, canceled }))
            }
            (Whose::Instrument { command, by, left }, EventBody::InstrumentCanceled(done)) => {
                let canceled = self.canceled + u64::from(done.canceled);
                Some(match left.checked_sub(1) {
                    Some(left) if done.more => {
                        let whose = Whose::Instrument { command, by, left };
                        Outcome::More(Self { whose, canceled })
                    }
                    _ => Outcome::InstrumentCanceled {
                        canceled,
                        more: done.more,
                    },
                })
            }
            _ => None,
        }
    }
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
    More(CancelMany),
    /// A cancel of an instrument's orders is through, or has had as many commands as it may.
    InstrumentCanceled {
        /// How many it canceled.
        canceled: u64,
        /// Whether there are others still.
        more: bool,
    },
    /// The session is armed, or is so no longer.
    CancelOnDisconnect(bool),
    /// The account's deadline; none when it has none.
    CancelAllAfter(Option<Nanos>),
    /// An arming is over.
    Disarmed,
    /// An operator's command was carried out under this sequence.
    Administered(Sequence),
    /// The engine refused it.
    Rejected(Rejected),
    /// No event told of it. The engine answers every command, so this means a defect.
    Lost,
}

/// The requests that wait, in the order of their sequences. What the rings hold bounds them.
#[derive(Debug, Default)]
pub(crate) struct PendingRequests {
    queue: VecDeque<Entry>,
}

#[derive(Debug)]
struct Entry {
    sequence: Sequence,
    asked: Asked,
    behalf: Behalf,
    outcome: Outcome,
}

impl PendingRequests {
    /// Adds a request that was sequenced as `sequence`, greater than any before.
    pub fn push(&mut self, sequence: Sequence, asked: Asked, behalf: Behalf) {
        debug_assert!(self.queue.back().is_none_or(|last| last.sequence < sequence));
        self.queue.push_back(Entry {
            sequence,
            asked,
            behalf,
            outcome: Outcome::Lost,
        });
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Takes the first request whose command lies before `sequence`: its events have passed and answered nothing.
    pub fn overdue(&mut self, sequence: Sequence) -> Option<Behalf> {
        self.queue
            .pop_front_if(|entry| entry.sequence < sequence)
            .map(|entry| entry.behalf)
    }

    /// Takes note of an event; at the last event of a request's command gives on whose behalf it was, and what became of it.
    pub fn fold(&mut self, event: &Event) -> Option<(Behalf, Outcome)> {
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
        self.queue.pop_front().map(|entry| (entry.behalf, entry.outcome))
    }
}

/// What an event says about the request, if it decides it: a trade, say, decides nothing.
fn outcome(asked: Asked, event: &Event) -> Option<Outcome> {
    match (asked, &event.body) {
        // What was to end has ended already: the cancel that was asked for, or that was due, came before.
        (Asked::CancelOnDisconnect, EventBody::Rejected(rejected))
            if rejected.reason == RejectReason::UnknownArming =>
        {
            Some(Outcome::CancelOnDisconnect(false))
        }
        (Asked::CancelAllAfter, EventBody::Rejected(rejected))
            if rejected.reason == RejectReason::UnknownArming =>
        {
            Some(Outcome::CancelAllAfter(None))
        }
        (_, EventBody::Rejected(rejected)) => Some(Outcome::Rejected(*rejected)),
        (Asked::Place, EventBody::OrderAccepted(accepted)) => Some(Outcome::Placed(accepted.order)),
        (Asked::Place, EventBody::DuplicateOrder { order }) => Some(Outcome::Duplicate(*order)),
        (Asked::Change(order), EventBody::OrderReplaced(_) | EventBody::OrderCanceled(_)) => {
            Some(Outcome::Changed(order))
        }
        (Asked::CancelByClientId, EventBody::OrderCanceled(canceled)) => {
            Some(Outcome::Changed(canceled.order))
        }
        (Asked::CancelMany(cancel), _) => cancel.outcome(event),
        (Asked::CancelOnDisconnect, EventBody::Armed(_)) => Some(Outcome::CancelOnDisconnect(true)),
        (Asked::CancelOnDisconnect, EventBody::Disarmed(_)) => Some(Outcome::CancelOnDisconnect(false)),
        (Asked::CancelAllAfter, EventBody::Armed(armed)) => {
            Some(Outcome::CancelAllAfter(match armed.cause {
                ArmCause::Deadline(at) => Some(at),
                ArmCause::Disconnect => None,
            }))
        }
        (Asked::CancelAllAfter, EventBody::Disarmed(_)) => Some(Outcome::CancelAllAfter(None)),
        (Asked::Disarm, EventBody::Disarmed(_)) => Some(Outcome::Disarmed),
        (Asked::Administer, _) => Some(Outcome::Administered(event.sequence)),
        _ => None,
    }
}
