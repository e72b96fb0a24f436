//! What all subscribers together must have heard: one of them never leaves, and what each other heard must be a part of what that
//! one heard, without a gap, a repeat or anything out of its place.

use std::collections::VecDeque;

use crate::message::Uuid;

/// Executions that are kept to compare with; many more than come in the life of a subscriber.
const KEPT: usize = 500_000;

/// The newest executions, in order.
#[derive(Debug, Default)]
pub struct History(VecDeque<Uuid>);

/// What one subscriber heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The execution that it was to follow, if it named one.
    pub after: Option<Uuid>,
    /// The first one that it heard.
    pub first: Uuid,
    /// The last one.
    pub last: Uuid,
    /// How many, each greater than the one before.
    pub count: u64,
}

/// What there is to say about a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is one.
    Exact,
    /// It is not.
    Wrong,
    /// The one that never leaves has not come as far.
    NotYet,
    /// It is too old to be judged.
    Forgotten,
}

impl History {
    /// Adds the next execution.
    pub fn add(&mut self, execution: Uuid) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(execution);
    }

    /// The newest.
    pub fn last(&self) -> Option<Uuid> {
        self.0.back().copied()
    }

    /// The one so many before the newest.
    pub fn before_last(&self, back: usize) -> Option<Uuid> {
        let at = self.0.len().checked_sub(back + 1)?;
        self.0.get(at).copied()
    }

    /// Whether the part is what was to be heard.
    pub fn judge(&self, part: &Part) -> Verdict {
        let (Some(&oldest), Some(newest)) = (self.0.front(), self.last()) else {
            return Verdict::NotYet;
        };
        if part.last > newest {
            return Verdict::NotYet;
        }
        if part.after.unwrap_or(part.first) < oldest {
            return Verdict::Forgotten;
        }
        let place = |id| self.0.binary_search(&id).ok();
        let (Some(first), Some(last)) = (place(part.first), place(part.last)) else {
            return Verdict::Wrong;
        };
        let follows = part
            .after
            .is_none_or(|after| place(after) == first.checked_sub(1));
        match follows && part.count == (last - first + 1) as u64 {
            true => Verdict::Exact,
            false => Verdict::Wrong,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_in_what_a_subscriber_heard_is_seen() {
        let mut history = History::default();
        (1..=9).for_each(|number| history.add(number * 10));
        let part = |after, first, last, count| Part {
            after,
            first,
            last,
            count,
        };
        for (part, want) in [
            (part(None, 20, 50, 4), Verdict::Exact),
            (part(Some(10), 20, 50, 4), Verdict::Exact),
            (part(None, 20, 50, 3), Verdict::Wrong),
            (part(None, 20, 50, 5), Verdict::Wrong),
            (part(Some(10), 30, 50, 3), Verdict::Wrong),
            (part(Some(20), 20, 50, 4), Verdict::Wrong),
            (part(None, 25, 50, 3), Verdict::Wrong),
            (part(None, 80, 100, 3), Verdict::NotYet),
            (part(None, 5, 50, 6), Verdict::Forgotten),
        ] {
            assert_eq!(history.judge(&part), want, "{part:?}");
        }
        assert_eq!((history.last(), history.before_last(2)), (Some(90), Some(70)));
    }
}
