//! Commands that no request brings, and how much of them may be under way at once.

use std::collections::VecDeque;

use hoga_protocol::{AccountId, AdminAction, CancelAll, Command, Event, Sequence};
use hoga_views::Views;

use crate::pending::{Asked, Behalf};

/// How many orders the owed commands that are under way may cancel in all. A command that somebody sends meanwhile waits
/// for the events of no more than that.
const ORDERS_UNDER_WAY: u32 = 256;

/// A command that no request brings: the next one of a cancel that one command could not finish, or one on behalf of an
/// arming. There is at most one for each request that waits and for each arming that is being carried out, so what bounds
/// those bounds these.
#[derive(Debug)]
pub(crate) struct Owed {
    pub asked: Asked,
    pub command: Command,
    pub behalf: Behalf,
}

/// The owed commands, in the order in which they became so: a cancel that goes on has its next turn behind the others.
#[derive(Debug, Default)]
pub(crate) struct OwedCommands {
    waiting: VecDeque<(Owed, u32)>,
    /// What was sequenced and cancels orders, with how many at most.
    under_way: VecDeque<(Sequence, u32)>,
    orders: u32,
}

impl OwedCommands {
    /// How many wait to be sequenced.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Adds one behind the others.
    pub fn push(&mut self, owed: Owed, views: &Views) {
        let orders = most_canceled(&owed.command, views);
        self.waiting.push_back((owed, orders));
    }

    /// The next command to sequence; none when enough is under way.
    pub fn next(&self) -> Option<&Command> {
        let (owed, orders) = self.waiting.front()?;
        let fits = self.orders == 0 || self.orders + orders <= ORDERS_UNDER_WAY;
        fits.then_some(&owed.command)
    }

    /// The next command was sequenced.
    pub fn sent(&mut self, sequence: Sequence) -> Option<Owed> {
        let (owed, orders) = self.waiting.pop_front()?;
        if orders > 0 {
            self.under_way.push_back((sequence, orders));
            self.orders += orders;
        }
        Some(owed)
    }

    /// The command of an event is through if the event is its last.
    pub fn fold(&mut self, event: &Event) {
        while let Some(&(sequence, orders)) = self.under_way.front()
            && (sequence < event.sequence || (sequence == event.sequence && event.last))
        {
            self.under_way.pop_front();
            self.orders -= orders;
        }
    }
}

/// How many orders a command cancels at most. Of an account whose few orders the views know that are those.
fn most_canceled(command: &Command, views: &Views) -> u32 {
    match command {
        Command::CancelAll(cancel) => live_orders(cancel.account, views),
        Command::Administer(administer) => match administer.action() {
            AdminAction::CancelAll(cancel) => live_orders(cancel.account, views),
            AdminAction::CancelInstrument(_) => CancelAll::MAX_ORDERS,
            _ => 0,
        },
        _ => 0,
    }
}

fn live_orders(account: AccountId, views: &Views) -> u32 {
    let live = views.orders().live_of_account(account);
    live.take(CancelAll::MAX_ORDERS as usize).count() as u32
}
