use std::collections::HashMap;

use proptest::prelude::*;

use crate::auth::replay::AHEAD_MS;
use crate::auth::{Acceptance, ReplayGuard, Signature};

const START: u64 = 1_000_000;
const WINDOW: u64 = 50;

/// What the guard promises, by the plainest means: everything that was ever accepted, and the latest time.
struct Model {
    accepted: HashMap<u8, u64>,
    latest: u64,
}

impl Model {
    fn accept(&mut self, signature: u8, timestamp: u64, now: u64) -> Acceptance {
        self.latest = self.latest.max(now);
        let earliest = (self.latest - WINDOW).max(START + AHEAD_MS + 1);
        if timestamp < earliest || timestamp > now + AHEAD_MS {
            return Acceptance::Stale;
        }
        if self.accepted.contains_key(&signature) {
            return Acceptance::Replayed;
        }
        self.accepted.insert(signature, timestamp);
        Acceptance::Accepted
    }
}

fn signature(number: u8) -> Signature {
    let mut bytes = [7; 64];
    bytes[40] = number;
    Signature::from_bytes(bytes)
}

/// A signature's number, how the clock moves, and how far its timestamp is from the clock. A signature is always sent with
/// the timestamp that it was first sent with, since that is signed.
fn step() -> impl Strategy<Value = (u8, i64, i64)> {
    let moved = prop_oneof![8 => 0i64..12, 1 => -80i64..0, 1 => 40i64..2_000];
    let apart = prop_oneof![6 => -60i64..10, 1 => 990i64..1_010];
    (any::<u8>(), moved, apart)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn no_signature_is_accepted_twice_or_refused_without_need(steps in prop::collection::vec(step(), 1..300)) {
        let mut guard = ReplayGuard::new(WINDOW, 256, START);
        let mut model = Model { accepted: HashMap::new(), latest: START };
        let mut timestamps = HashMap::new();
        let mut now = START + AHEAD_MS;
        for (number, moved, apart) in steps {
            now = now.saturating_add_signed(moved);
            let timestamp = *timestamps.entry(number).or_insert(now.saturating_add_signed(apart));
            let (got, want) = (guard.accept(&signature(number), timestamp, now), model.accept(number, timestamp, now));
            prop_assert_eq!(got, want, "signature {} of {} at {}", number, timestamp, now);
        }
    }

    #[test]
    fn a_full_guard_does_not_forget_and_does_not_stay_full(
        capacity in 1usize..40,
        steps in prop::collection::vec(step(), 1..300),
    ) {
        let mut guard = ReplayGuard::new(WINDOW, capacity, START);
        let mut accepted = HashMap::new();
        let mut now = START + AHEAD_MS + 1;
        for (number, moved, apart) in steps {
            now = now.saturating_add_signed(moved);
            let timestamp = *accepted.get(&number).unwrap_or(&now.saturating_add_signed(apart));
            let counts = accepted.contains_key(&number);
            match guard.accept(&signature(number), timestamp, now) {
                Acceptance::Accepted => prop_assert!(accepted.insert(number, timestamp).is_none()),
                Acceptance::Replayed => prop_assert!(counts),
                Acceptance::Full => prop_assert!(guard.len() == capacity),
                Acceptance::Stale => {}
            }
            prop_assert!(guard.len() <= capacity);
        }
        // Each call forgets some of what is over, so as many calls as it holds are room for one.
        now = now.max(START) + 10_000;
        let tries: Vec<Acceptance> = (0..=capacity as u64 + 1)
            .map(|at| guard.accept(&Signature::from_bytes([at as u8; 64]), now + at, now + at))
            .collect();
        prop_assert!(tries.contains(&Acceptance::Accepted), "{:?}", tries);
    }
}

#[test]
fn a_crowd_that_is_over_is_forgotten_bit_by_bit() {
    let mut guard = ReplayGuard::new(WINDOW, 256, START);
    let begin = START + AHEAD_MS + 1;
    for number in 0..=255 {
        assert_eq!(
            guard.accept(&signature(number), begin, begin),
            Acceptance::Accepted
        );
    }
    let mut other = [9; 64];
    let mut before = guard.len();
    for at in 0..60 {
        other[32] = at;
        let now = begin + WINDOW + 1;
        assert_eq!(
            guard.accept(&Signature::from_bytes(other), now, now),
            Acceptance::Accepted
        );
        let forgotten = before + 1 - guard.len();
        assert!(forgotten <= 8, "one call forgot {forgotten}");
        before = guard.len();
    }
    assert_eq!(guard.len(), 60);
    assert!(!guard.is_empty());
}

#[test]
fn what_was_accepted_before_a_restart_does_not_count_again_under_a_clock_that_was_set_back() {
    let begun = START - 100;
    let mut guard = ReplayGuard::new(WINDOW, 256, begun);
    guard.go_on(START);
    let last = START + AHEAD_MS;
    assert_eq!(guard.accept(&signature(1), last, START), Acceptance::Stale);
    assert_eq!(guard.accept(&signature(2), last + 1, last), Acceptance::Accepted);
}
