//! What the client hears from the output ring.

use hoga_benches::EventHash;
use hoga_engine::EventsDigest;
use hoga_protocol::{Event, EventBody, Sequence};

/// All events so far, counted and hashed, so that none can be left out unseen.
#[derive(Default)]
pub struct Heard {
    /// Events.
    pub events: u64,
    /// Commands whose last event was heard.
    pub commands: u64,
    /// Those of them that were checkpoints.
    pub checkpoints: u64,
    /// The sequence of the last one.
    pub last: Sequence,
    /// A cheap hash of every event.
    pub hash: EventHash,
    /// The digest that `hoga replay` prints, if asked for.
    pub digest: Option<EventsDigest>,
    /// Refused commands.
    pub rejected: u64,
    /// Whether a refusal is a fault.
    pub may_reject: bool,
    /// What was not as it must be first.
    pub wrong: Option<String>,
}

impl Heard {
    /// Nothing yet.
    pub fn new(with_digest: bool) -> Self {
        Self {
            digest: with_digest.then(EventsDigest::new),
            ..Self::default()
        }
    }

    /// Takes the next events.
    #[inline]
    pub fn fold_all(&mut self, events: &[&Event]) {
        events.iter().for_each(|event| self.fold(event));
    }

    /// Takes the next event.
    #[inline]
    pub fn fold(&mut self, event: &Event) {
        self.events += 1;
        self.hash.add(event);
        if let Some(digest) = &mut self.digest {
            digest.push(event);
        }
        if event.last {
            self.commands += 1;
            self.last = event.sequence;
        }
        if event.sequence.0 != self.commands + u64::from(!event.last) {
            self.blame(format!(
                "an event of sequence {} is out of its place",
                event.sequence.0
            ));
        }
        self.checkpoints += u64::from(matches!(event.body, EventBody::Checkpointed(_)));
        if let EventBody::Rejected(rejected) = &event.body {
            self.rejected += 1;
            if self.may_reject {
                return;
            }
            self.blame(format!(
                "the engine refuses command {} of the flow: {:?}",
                event.sequence.0, rejected.reason
            ));
        }
    }

    #[cold]
    fn blame(&mut self, what: String) {
        self.wrong.get_or_insert(what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hoga_protocol::{Nanos, OrderId};

    #[test]
    fn a_lost_or_doubled_event_does_not_pass() {
        let event = |sequence, last| Event {
            sequence: Sequence(sequence),
            timestamp: Nanos(0),
            index: 0,
            last,
            body: EventBody::DuplicateOrder { order: OrderId(1) },
        };
        let cases: [(&[(u64, bool)], bool); 5] = [
            (&[(1, true), (2, false), (2, true), (3, true)], true),
            (&[(1, true), (3, true)], false),
            (&[(1, true), (1, true)], false),
            (&[(1, false), (2, true)], false),
            (&[(2, false)], false),
        ];
        for (events, is_right) in cases {
            let mut heard = Heard::new(false);
            events
                .iter()
                .for_each(|&(sequence, last)| heard.fold(&event(sequence, last)));
            assert_eq!(heard.wrong.is_none(), is_right, "{events:?}: {:?}", heard.wrong);
        }
    }
}
