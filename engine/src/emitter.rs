//! Numbers a command's events, and marks the last one.

use hoga_protocol::{Event, EventBody, Nanos, Sequence};

/// Passes events on as they happen. Who pushes an event knows whether it is the command's last, so none is held back
/// and none is copied.
pub(crate) struct Emitter<'a, E: FnMut(&Event)> {
    sequence: Sequence,
    timestamp: Nanos,
    index: u32,
    emit: &'a mut E,
}

impl<'a, E: FnMut(&Event)> Emitter<'a, E> {
    pub(crate) fn new(sequence: Sequence, timestamp: Nanos, emit: &'a mut E) -> Self {
        Self {
            sequence,
            timestamp,
            index: 0,
            emit,
        }
    }

    /// The exchange's time of the command.
    pub(crate) const fn timestamp(&self) -> Nanos {
        self.timestamp
    }

    /// The command's last event.
    #[inline]
    pub(crate) fn last(&mut self, body: EventBody) {
        self.emit(body, true);
    }

    /// An event that is the command's last where `last` says so.
    #[inline]
    pub(crate) fn emit(&mut self, body: EventBody, last: bool) {
        (self.emit)(&Event {
            sequence: self.sequence,
            timestamp: self.timestamp,
            index: self.index,
            last,
            body,
        });
        self.index += 1;
    }
}
