//! Numbers a command's events, and marks the last one.

use hoga_protocol::{Event, EventBody, Nanos, Sequence};

/// Passes events on, one behind: which event is the last is known only when the command is done.
pub(crate) struct Emitter<'a, E: FnMut(&Event)> {
    sequence: Sequence,
    timestamp: Nanos,
    held: Option<Event>,
    emit: &'a mut E,
}

impl<'a, E: FnMut(&Event)> Emitter<'a, E> {
    pub(crate) fn new(sequence: Sequence, timestamp: Nanos, emit: &'a mut E) -> Self {
        Self {
            sequence,
            timestamp,
            held: None,
            emit,
        }
    }

    pub(crate) fn push(&mut self, body: EventBody) {
        let index = match &self.held {
            Some(held) => {
                (self.emit)(held);
                held.index + 1
            }
            None => 0,
        };
        self.held = Some(Event {
            sequence: self.sequence,
            timestamp: self.timestamp,
            index,
            last: false,
            body,
        });
    }

    /// The command is done: the event held back is its last.
    pub(crate) fn finish(self) {
        debug_assert!(self.held.is_some(), "every command is answered");
        if let Some(mut last) = self.held {
            last.last = true;
            (self.emit)(&last);
        }
    }
}
