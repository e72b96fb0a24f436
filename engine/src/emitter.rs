//! Numbers a command's events, marks the last one, and adds each to the digest of all.

use hoga_protocol::{Event, EventBody, Nanos, Sequence};

use crate::digest::EventsDigest;

/// Passes events on as they happen. Who pushes an event knows whether it is the command's last, so none is held back
/// and none is copied.
pub(crate) struct Emitter<'a, E: FnMut(&Event)> {
    sequence: Sequence,
    timestamp: Nanos,
    behind: Nanos,
    index: u32,
    digest: &'a mut EventsDigest,
    emit: &'a mut E,
}

impl<'a, E: FnMut(&Event)> Emitter<'a, E> {
    pub(crate) fn new(
        sequence: Sequence,
        timestamp: Nanos,
        digest: &'a mut EventsDigest,
        emit: &'a mut E,
    ) -> Self {
        Self {
            sequence,
            timestamp,
            behind: Nanos(0),
            index: 0,
            digest,
            emit,
        }
    }

    /// The exchange's time of the command.
    pub(crate) const fn timestamp(&self) -> Nanos {
        self.timestamp
    }

    /// The same, for a command whose stamp is `stamp`.
    pub(crate) fn of_stamp(mut self, stamp: Nanos) -> Self {
        self.behind = Nanos(self.timestamp.0.saturating_sub(stamp.0));
        self
    }

    /// How far the command's stamp was behind that: it was stamped before time leapt, and sequenced after.
    pub(crate) const fn behind(&self) -> Nanos {
        self.behind
    }

    /// The exchange's time leaps; the events from here on carry the new one.
    pub(crate) fn leap(&mut self, to: Nanos) {
        self.timestamp = to;
    }

    /// The digest of all events so far.
    pub(crate) fn digest(&self) -> [u8; 16] {
        self.digest.finish()
    }

    /// The command's last event.
    #[inline(always)]
    pub(crate) fn last(&mut self, body: EventBody) {
        self.emit(body, true);
    }

    /// An event that is the command's last where `last` says so.
    #[inline(always)]
    pub(crate) fn emit(&mut self, body: EventBody, last: bool) {
        let event = Event {
            sequence: self.sequence,
            timestamp: self.timestamp,
            index: self.index,
            last,
            body,
        };
        self.digest.push(&event);
        (self.emit)(&event);
        self.index += 1;
    }
}
