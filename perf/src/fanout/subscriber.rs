//! One subscriber of the founding stream, and what it has heard.

use crate::client::{Closing, Received, Socket};
use crate::failure::{Failure, Outcome};
use crate::message::{Uuid, parse_uuid};
use crate::tally::mix;

/// Executions heard, by number and by a digest of their ids in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tape {
    /// How many.
    pub count: u64,
    digest: u64,
}

impl Tape {
    /// Adds one.
    pub fn add(&mut self, execution: Uuid) {
        self.count += 1;
        self.digest = mix(mix(self.digest, (execution >> 64) as u64), execution as u64);
    }
}

/// A connection to `/ws/executions`.
pub struct Subscriber {
    socket: Socket,
    /// Whether it never reads.
    pub silent: bool,
    /// Whether the other side has been seen to hang up.
    pub hung_up: bool,
    /// What it has heard.
    pub tape: Tape,
    /// How it was ended, if it was.
    pub closed: Option<Closing>,
    last: Uuid,
    out_of_order: u64,
}

impl Subscriber {
    /// One that is to hear what follows `anchor`.
    pub fn new(socket: Socket, silent: bool, anchor: Uuid) -> Self {
        Self {
            socket,
            silent,
            hung_up: false,
            tape: Tape::default(),
            closed: None,
            last: anchor,
            out_of_order: 0,
        }
    }

    /// Whether it has heard less than `want`, and may still.
    pub fn lacks(&self, want: &Tape) -> bool {
        self.tape.count < want.count && self.closed.is_none()
    }

    /// Reads all that is there.
    ///
    /// # Errors
    /// When what comes is not the founding stream.
    pub fn read(&mut self) -> Outcome<()> {
        while self.closed.is_none() {
            match self.socket.read()? {
                Received::Nothing => break,
                Received::Closed(closing) => self.closed = Some(closing),
                Received::Text(text) => {
                    let execution = execution_id(&text).ok_or_else(|| {
                        Failure::new(format!("not a message of the founding stream: {text}"))
                    })?;
                    // Ids ascend, so one that does not is a repeat or out of place.
                    self.out_of_order += u64::from(execution <= self.last);
                    self.last = execution;
                    self.tape.add(execution);
                }
            }
        }
        Ok(())
    }

    /// What is wrong with what it heard.
    pub fn complaint(&self, want: &Tape) -> String {
        format!(
            "{} of {} executions, {} of them repeated or out of order, connection {}",
            self.tape.count,
            want.count,
            self.out_of_order,
            match self.closed {
                None => "open".to_owned(),
                Some(closing) => format!("ended: {closing:?}"),
            }
        )
    }
}

/// The id of an execution, which stands first in the object: the founding stream's bytes are fixed.
fn execution_id(text: &str) -> Option<Uuid> {
    let rest = text.strip_prefix("{\"exec_id\":\"")?;
    parse_uuid(rest.get(..36)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeat_a_gap_and_a_swap_each_change_the_tape() {
        let tape = |ids: &[Uuid]| {
            let mut tape = Tape::default();
            ids.iter().for_each(|&id| tape.add(id));
            tape
        };
        let want = tape(&[1, 2, 3]);
        assert_eq!(tape(&[1, 2, 3]), want);
        for wrong in [&[1, 2, 2, 3][..], &[1, 3], &[1, 3, 2], &[1, 2, 3 << 64]] {
            assert_ne!(tape(wrong), want, "{wrong:?}");
        }
    }

    #[test]
    fn an_id_that_does_not_stand_first_is_not_the_founding_stream() {
        let id = "00000000-000a-8000-8000-0000deadbeef";
        assert!(execution_id(&format!("{{\"exec_id\":\"{id}\",\"order_id\":\"x\"}}")).is_some());
        assert_eq!(execution_id(&format!("{{\"order_id\":\"{id}\"}}")), None);
        assert_eq!(execution_id("{\"exec_id\":\"short\"}"), None);
    }
}
