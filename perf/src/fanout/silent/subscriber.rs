//! One subscriber of the founding stream, and what it has heard.

use crate::cli::StreamFormat;
use crate::client::{Closing, Received, Socket};
use crate::crowd::{Tape, execution_id};
use crate::failure::{Failure, Outcome};
use crate::message::Uuid;

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
                    let execution = execution_id(StreamFormat::Json, text.as_bytes()).ok_or_else(|| {
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
