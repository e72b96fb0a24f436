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
fn all_accounts_together_do_not_arm_themselves_beyond_their_bound() {
    let mut exchange = armed(Arm::MAX_TOTAL / Arm::MAX_PER_ACCOUNT + 1, Arm::MAX_TOTAL);
    let last = exchange.engine.accounts() as u32 - 1;
    assert_eq!(exchange.bodies(&arm(last, None)), [FULL]);
    let names: Vec<u64> = exchange.engine.armings().map(|armed| armed.arming.0).collect();
    assert!(names.is_sorted(), "oldest first");
    assert_eq!(names.len() as u32, Arm::MAX_TOTAL);
    exchange.send(&disarm(0, names[0]));
    let said = exchange.bodies(&arm(last, None));
    assert!(matches!(said[..], [EventBody::Armed(_)]), "{said:?}");
    // And an image carries them all.
    let image = common::image(&exchange.engine);
    let again = common::restored(&image);
    assert!(again.armings().eq(exchange.engine.armings()));
    assert_eq!(common::image(&again), image);
}
