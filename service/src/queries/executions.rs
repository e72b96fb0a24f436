//! Executions of an instrument, the oldest first.

use hoga_protocol::{AccountId, AccountName, InstrumentId, Sequence};
use hoga_views::{Execution, Found, Role, Views};

use super::Walk;
use super::progress::Progress;
use crate::reject::{InvalidPlace, Reject, exchange};

/// An execution by what made it: its command, the event's index, and the side of the trade.
pub type ExecutionRef = (Sequence, u32, Role);

/// Executions of an instrument.
#[derive(Clone, Copy, Debug)]
pub struct Executions {
    /// Which.
    pub instrument: InstrumentId,
    /// Only those of one account, which may not be open yet.
    pub own: Option<Option<AccountId>>,
    /// Which way.
    pub walk: Walk,
}

impl Executions {
    pub(super) fn look(&self, progress: &mut Progress, views: &Views, most: usize) -> bool {
        let executions = views.executions();
        match (self.own, self.walk) {
            (None, walk) => progress.look_at_executions(executions, self.instrument, walk, most, |_| true),
            // An account that is not open yet has none.
            (Some(None), _) => true,
            (Some(Some(account)), Walk::Before) => {
                let rows = executions.before_of(account, progress.place);
                self.look_at_own(progress, rows, most)
            }
            (Some(Some(account)), Walk::After) => {
                let rows = executions.after_of(account, progress.place);
                self.look_at_own(progress, rows, most)
            }
        }
    }

    /// Looks at executions of one account, of which those of the instrument are shown.
    fn look_at_own(
        &self,
        progress: &mut Progress,
        mut rows: impl Iterator<Item = Execution>,
        most: usize,
    ) -> bool {
        for _ in 0..most {
            if progress.found.len() >= progress.limit {
                break;
            }
            let Some(execution) = rows.next() else { return true };
            progress.looked_at += 1;
            progress.place = execution.number;
            if execution.instrument == self.instrument {
                progress.found.push(execution.number);
            }
        }
        rows.next().is_none()
    }
}

/// The number of an execution, none where what was sent can be no execution's id. A client that has seen it goes on with the number
/// after it. Who sees only those of `own` is told of no other's.
///
/// # Errors
/// [`InvalidPlace::UnknownExecution`], or [`InvalidPlace::ExecutionTooOld`] naming the earliest that is held.
pub fn find_execution(
    execution: Option<ExecutionRef>,
    own: Option<&AccountName>,
    views: &Views,
) -> Result<u64, Reject> {
    let executions = views.executions();
    let unknown = || Reject::Place(InvalidPlace::UnknownExecution { own: own.is_some() });
    let found = execution.map_or(Found::Unknown, |(sequence, index, role)| {
        executions.find(sequence, index, role)
    });
    let number = match (found, own) {
        (Found::Held(number), _) => number,
        (Found::Unknown, _) => return Err(unknown()),
        (Found::TooOld, own) => {
            let earliest = executions.get(executions.first()).filter(|_| own.is_none());
            let earliest = earliest.map(|earliest| Box::new((earliest, exchange(views))));
            return Err(Reject::Place(InvalidPlace::ExecutionTooOld { earliest }));
        }
    };
    let Some(own) = own else { return Ok(number) };
    let owner = executions.get(number).map(|execution| execution.account);
    match owner.is_some() && owner == views.accounts().by_name(own) {
        true => Ok(number),
        false => Err(unknown()),
    }
}
