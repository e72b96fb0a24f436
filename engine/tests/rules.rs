//! What may be raised, and what a checkpoint tells.

mod common;

use common::{Exchange, LIMITS};
use hoga_engine::ENGINE_VERSION;
use hoga_protocol::*;

#[test]
fn a_version_that_the_rules_refuse_changes_nothing() {
    for version in [0, ENGINE_VERSION, ENGINE_VERSION + 1, u32::MAX] {
        let (mut tried, mut other) = (Exchange::begun(LIMITS), Exchange::begun(LIMITS));
        let refused = Rejected {
            reason: RejectReason::InvalidSettings,
            order: None,
        };
        let command = common::raise(version);
        assert_eq!(tried.bodies(&command), [EventBody::Rejected(refused)]);
        // Refused likewise, so that sequence, time and history are alike.
        other.send(&common::raise(0));
        assert_eq!(tried.engine.state_digest(), other.engine.state_digest());
        assert_eq!(tried.engine.rules(), ENGINE_VERSION);
    }
}

#[test]
fn a_checkpoint_that_differs_is_told_and_changes_nothing_else() {
    let mut exchange = Exchange::begun(LIMITS);
    exchange.send(&common::checkpoint(&exchange.engine.clone()));
    let good = exchange.engine.last_check().expect("checked");
    let agrees = |previous| {
        let mut exchange = exchange.clone();
        let said = exchange.bodies(&Command::Checkpoint(Checkpoint { previous }));
        let [EventBody::Checkpointed(checkpointed)] = said[..] else {
            panic!("{said:?}")
        };
        let newest = exchange.engine.last_check().map(|check| check.digest);
        assert_eq!(newest, Some(checkpointed.digest));
        (checkpointed.agrees, checkpointed.digest)
    };
    let (agreed, state) = agrees(Some(good));
    assert!(agreed);
    let mut digest = good.digest;
    digest[15] ^= 1;
    for wrong in [
        None,
        Some(StateCheck { digest, ..good }),
        Some(StateCheck {
            sequence: good.sequence.next(),
            ..good
        }),
    ] {
        assert_eq!(agrees(wrong), (false, state), "{wrong:?}");
    }
}
