//! When a checkpoint is sequenced, and what it says of the one before.
//!
//! The gateway's thread sequences checkpoints between the clients' commands, and the matcher answers each with a digest
//! of a share of its state. The answer comes back over the output ring and goes into the journal with the next
//! checkpoint. So whoever applies the journal again can tell whether its state and the live one were the same.

use std::sync::{Arc, Mutex, PoisonError};

use hoga_protocol::{Checkpoint, Checkpointed, Command, Event, EventBody, Nanos, Sequence, StateCheck};

use crate::notices;

/// How often checkpoints are sequenced, while anything else is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckpointOptions {
    /// After so many commands; 0 for never.
    pub commands: u64,
    /// After so long by the wall clock; zero for never.
    pub interval: Nanos,
}

impl CheckpointOptions {
    /// No checkpoints.
    pub const NEVER: CheckpointOptions = CheckpointOptions {
        commands: 0,
        interval: Nanos(0),
    };
}

/// The matcher's newest answer, on its way from the output ring to the input ring.
#[derive(Clone, Debug)]
pub struct Answers(Arc<Mutex<Option<StateCheck>>>);

impl Answers {
    /// `newest` is the answer that recovery ended with.
    pub fn new(newest: Option<StateCheck>) -> Answers {
        Answers(Arc::new(Mutex::new(newest)))
    }

    /// Notes the answer if `event` is one. Ends the process if the matcher disagrees with what it said itself.
    #[inline]
    pub fn note(&self, event: &Event) {
        if let EventBody::Checkpointed(checkpointed) = &event.body {
            self.keep(event, checkpointed);
        }
    }

    #[cold]
    fn keep(&self, event: &Event, checkpointed: &Checkpointed) {
        if !checkpointed.agrees {
            notices::die(&format!(
                "at checkpoint {} the matcher does not know the digest that it gave before: its memory cannot be \
                 believed. Every acknowledged order is in the journal. Check the machine's memory, then start again",
                event.sequence.0
            ));
        }
        *self.lock() = Some(StateCheck {
            sequence: event.sequence,
            digest: checkpointed.digest,
        });
    }

    fn newest(&self) -> Option<StateCheck> {
        *self.lock()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<StateCheck>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells when the next checkpoint is due.
#[derive(Debug)]
pub struct Checkpoints {
    options: CheckpointOptions,
    answers: Answers,
    /// The checkpoint that was sequenced last, whose answer the next one must carry.
    last: Option<Sequence>,
    /// How many commands had been sequenced then.
    commands: u64,
    /// When that was, or when the first look was.
    at: Option<Nanos>,
}

impl Checkpoints {
    /// Goes on from the newest of `answers`.
    pub fn new(options: CheckpointOptions, answers: Answers) -> Checkpoints {
        Checkpoints {
            options,
            last: answers.newest().map(|check| check.sequence),
            answers,
            commands: 0,
            at: None,
        }
    }

    /// The checkpoint to sequence, if one is due at `now` with `commands` sequenced since the start.
    pub fn due(&mut self, now: Nanos, commands: u64) -> Option<Command> {
        let CheckpointOptions {
            commands: every,
            interval,
        } = self.options;
        let news = commands - self.commands;
        let by_count = every > 0 && news >= every;
        let by_time = interval > Nanos(0) && now.0.saturating_sub(self.at.get_or_insert(now).0) >= interval.0;
        if news == 0 || !(by_count || by_time) {
            return None;
        }
        let previous = self.answers.newest();
        // While the last one is not answered, there is nothing to carry.
        (previous.map(|check| check.sequence) == self.last)
            .then_some(Command::Checkpoint(Checkpoint { previous }))
    }

    /// The checkpoint that was [`due`](Self::due) has this sequence; it is the last of `commands`.
    pub fn sequenced(&mut self, sequence: Sequence, now: Nanos, commands: u64) {
        self.last = Some(sequence);
        self.at = Some(now);
        self.commands = commands;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(sequence: u64) -> Event {
        Event {
            sequence: Sequence(sequence),
            timestamp: Nanos(0),
            index: 0,
            last: true,
            body: EventBody::Checkpointed(Checkpointed {
                digest: [sequence as u8; 16],
                agrees: true,
            }),
        }
    }

    fn previous(command: Option<Command>) -> Option<Option<u64>> {
        match command {
            Some(Command::Checkpoint(checkpoint)) => Some(checkpoint.previous.map(|check| check.sequence.0)),
            Some(other) => panic!("{other:?}"),
            None => None,
        }
    }

    #[test]
    fn no_checkpoint_is_sequenced_before_the_last_one_is_answered() {
        let options = CheckpointOptions {
            commands: 10,
            interval: Nanos(1_000),
        };
        let answers = Answers::new(None);
        let mut checkpoints = Checkpoints::new(options, answers.clone());
        assert_eq!(previous(checkpoints.due(Nanos(0), 9)), None, "too early");
        assert_eq!(previous(checkpoints.due(Nanos(500), 10)), Some(None), "by count");
        assert_eq!(previous(checkpoints.due(Nanos(1_000), 1)), Some(None), "by time");
        checkpoints.sequenced(Sequence(11), Nanos(500), 11);
        assert_eq!(previous(checkpoints.due(Nanos(9_000), 99)), None, "not answered");
        answers.note(&answered(11));
        assert_eq!(previous(checkpoints.due(Nanos(9_000), 99)), Some(Some(11)));
        assert_eq!(
            previous(checkpoints.due(Nanos(9_000), 11)),
            None,
            "nothing happened since"
        );
    }
}
