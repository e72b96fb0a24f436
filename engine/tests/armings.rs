//! The bounds on armings, and what the engine tells of them.

mod common;

use common::{Exchange, LIMITS, arm, disarm};
use hoga_protocol::*;

const FULL: EventBody = EventBody::Rejected(Rejected {
    reason: RejectReason::TooManyArmings,
    order: None,
});

/// An exchange with so many accounts, of which each arms itself as often as it may while `left` lasts.
fn armed(accounts: u32, mut left: u32) -> Exchange {
    let limits = Limits {
        max_accounts: accounts,
        ..LIMITS
    };
    let mut exchange = Exchange::new();
    exchange.send(&common::genesis(limits));
    for number in 0..accounts {
        exchange.send(&common::open(number, &format!("account-{number}")));
        for _ in 0..left.min(Arm::MAX_PER_ACCOUNT) {
            let said = exchange.bodies(&arm(number, None));
            assert!(matches!(said[..], [EventBody::Armed(_)]), "{said:?}");
            left -= 1;
        }
    }
    exchange
}

impl Exchange {
    /// Whether one more arming is let in. It looks at no book.
    fn arms(&mut self, account: u32) -> bool {
        self.sequence = self.sequence.next();
        let mut is_armed = false;
        let mut emit = |event: &Event| is_armed = matches!(event.body, EventBody::Armed(_));
        self.engine
            .apply(self.sequence, Nanos(0), &arm(account, None), &mut emit);
        is_armed
    }
}

#[test]
fn no_account_arms_itself_beyond_its_bound() {
    let mut exchange = armed(2, Arm::MAX_PER_ACCOUNT);
    let first = exchange.engine.armings().next().expect("armed").arming.0;
    assert_eq!(exchange.bodies(&arm(0, None)), [FULL]);
    assert_eq!(exchange.bodies(&arm(0, Some(9))), [FULL]);
    let other = exchange.bodies(&arm(1, None));
    assert!(matches!(other[..], [EventBody::Armed(_)]), "{other:?}");
    // One that goes makes room for a deadline, and a deadline for the one that takes its place.
    exchange.send(&disarm(0, first));
    let [EventBody::Armed(before)] = exchange.bodies(&arm(0, Some(9)))[..] else {
        panic!("a deadline has room")
    };
    assert_eq!(exchange.bodies(&arm(0, None)), [FULL]);
    let renewed = exchange.bodies(&arm(0, Some(9)));
    let [EventBody::Disarmed(gone), EventBody::Armed(_)] = renewed[..] else {
        panic!("{renewed:?}")
    };
    assert_eq!(gone.arming, before.arming);
    assert_eq!(exchange.engine.armings().count() as u32, Arm::MAX_PER_ACCOUNT + 1);
}

#[test]
fn no_account_is_without_its_own_armings_whatever_others_take() {
    // Whom the shared ones suffice for, and one account after them.
    let takers = Arm::MAX_SHARED.div_ceil(Arm::MAX_PER_ACCOUNT - Arm::PER_ACCOUNT);
    let mut exchange = armed(takers + 1, 0);
    let (last, mut taken) = (takers, 0);
    for account in 0..takers {
        while exchange.arms(account) {
            taken += 1;
        }
    }
    assert_eq!(taken, Arm::MAX_SHARED + takers * Arm::PER_ACCOUNT);
    for _ in 0..Arm::PER_ACCOUNT {
        assert!(exchange.arms(last), "an arming of its own");
    }
    assert!(!exchange.arms(last), "one that is shared");
    // A deadline takes its own place, also where there is no room.
    let names: Vec<u64> = exchange.engine.armings().map(|armed| armed.arming.0).collect();
    assert!(names.is_sorted(), "oldest first");
    exchange.send(&disarm(0, names[0]));
    assert!(exchange.arms(last), "the room that another leaves");
    assert!(!exchange.arms(last));
    assert!(
        exchange.engine.most_moved() <= 32,
        "{}",
        exchange.engine.most_moved()
    );
    // And an image carries them all.
    let image = common::image(&exchange.engine);
    let again = common::restored(&image);
    assert!(again.armings().eq(exchange.engine.armings()));
    assert_eq!(common::image(&again), image);
}

#[test]
fn a_leap_of_time_brings_no_deadline_nearer() {
    let mut exchange = armed(3, 0);
    let now = exchange.engine.now().0;
    exchange.send(&arm(0, Some(now + 500)));
    exchange.send(&arm(1, Some(u64::MAX - 1)));
    exchange.send(&arm(2, None));
    let leap = |exchange: &mut Exchange, by: u64| {
        let to = exchange.next_timestamp().0 + by;
        exchange.bodies(&common::administer(common::accept_clock(to)))
    };
    let mut leapt = 0;
    for by in [1, 1_000_000_000_000, 7] {
        let said = leap(&mut exchange, by);
        let [EventBody::ClockAccepted(accepted)] = said[..] else {
            panic!("{said:?}")
        };
        leapt += accepted.to.0 - accepted.from.0;
        let causes: Vec<ArmCause> = exchange.engine.armings().map(|armed| armed.cause).collect();
        assert_eq!(
            causes,
            [
                ArmCause::Deadline(Nanos(now + 500 + leapt)),
                ArmCause::Deadline(Nanos(u64::MAX)),
                ArmCause::Disconnect
            ]
        );
        exchange.engine = common::restored(&common::image(&exchange.engine));
    }
    // One that is made after a leap stands as it was asked for.
    exchange.send(&arm(2, Some(9)));
    let last = exchange.engine.armings().last().map(|armed| armed.cause);
    assert_eq!(last, Some(ArmCause::Deadline(Nanos(9))));
}
