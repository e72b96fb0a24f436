//! How far a search has come.

use hoga_protocol::InstrumentId;
use hoga_views::{Execution, Executions};

use super::Walk;

/// How far a search has come.
#[derive(Debug)]
pub(super) struct Progress {
    pub limit: usize,
    /// Where looking goes on: the id or number of the last row that was looked at.
    pub place: u64,
    /// The rows to be shown, by id or number, in the order in which they are shown once all are found.
    pub found: Vec<u64>,
    pub looked_at: usize,
    /// Whether the end of the list was seen.
    pub is_end: bool,
}

impl Progress {
    /// Looks at `most` executions of an instrument, whosever they are. Whether that was the end of the list.
    pub fn look_at_executions(
        &mut self,
        executions: &Executions,
        instrument: InstrumentId,
        walk: Walk,
        most: usize,
        admits: impl Fn(&Execution) -> bool,
    ) -> bool {
        // One more tells whether this is the end.
        let numbers = match walk {
            Walk::Before => {
                let mut numbers = executions.before(instrument, self.place, most + 1);
                numbers.reverse();
                numbers
            }
            // What was dropped behind the place is not passed over in silence: the next query is told so.
            Walk::After if self.place.saturating_add(1) < executions.first() => return self.stop_short(),
            Walk::After => executions.after(instrument, self.place, most + 1),
        };
        for (at, &number) in numbers.iter().enumerate() {
            if at == most || self.found.len() >= self.limit {
                return false;
            }
            self.looked_at += 1;
            self.place = number;
            if executions.get(number).is_some_and(|execution| admits(&execution)) {
                self.found.push(number);
            }
        }
        true
    }

    /// Ends the page here, and not the list.
    fn stop_short(&mut self) -> bool {
        self.limit = self.found.len();
        false
    }
}
