//! What a version of the rules changes, and that it changes nothing else.

mod common;

#[path = "campaign/weather.rs"]
mod weather;

use common::{Exchange, LIMITS};
use hoga_protocol::*;

use weather::Weather;

const ACCOUNTS: u32 = 3;

fn exchange(rules: u32) -> Exchange {
    let mut exchange = Exchange::new();
    exchange.send(&common::genesis_of(rules, LIMITS));
    for symbol in ["X", "Y", "Z"] {
        let spec = common::spec(symbol, [1, Lots::MAX.0], 0, [200, 500]);
        exchange.send(&Command::DefineInstrument(spec));
    }
    for number in 0..ACCOUNTS {
        exchange.send(&common::open(number, &format!("account-{number}")));
    }
    exchange
}

#[test]
fn orders_do_not_feel_the_rules_that_know_more_commands() {
    let seed = 20_261_125;
    println!("seed {seed}");
    let mut weather = Weather::new(seed);
    let [mut first, mut second, mut third, mut raised] = [1, 2, 3, 1].map(exchange);
    for at in 0..4_000 {
        // One command in place of another, so that sequences stay alike.
        if at == 2_000 {
            first.send(&common::raise(1));
            second.send(&common::raise(1));
            third.send(&common::raise(1));
            raised.send(&common::raise(3));
        }
        let command = weather.command(first.sequence.next());
        let said = first.send(&command);
        assert_eq!(said, second.send(&command), "command {at}");
        assert_eq!(said, third.send(&command), "command {at}");
        assert_eq!(said, raised.send(&command), "command {at}");
        said.iter().for_each(|event| weather.hear(&event.body));
    }
    let rules = [&first, &second, &third, &raised].map(|exchange| exchange.engine.rules());
    assert_eq!(rules, [1, 2, 3, 3]);
}

#[test]
fn a_command_that_the_rules_refuse_changes_nothing() {
    for (rules, command) in [
        (1, common::checkpoint(&Exchange::new().engine)),
        (1, common::raise(1)),
        (1, common::raise(4)),
        (2, common::raise(2)),
        (3, common::raise(3)),
        (3, common::raise(u32::MAX)),
        (2, common::arm(0, None)),
        (
            2,
            common::administer(AdminAction::DefineInstrument(common::spec(
                "W",
                [1, 9],
                0,
                [0, 0],
            ))),
        ),
    ] {
        let (mut tried, mut other) = (exchange(rules), exchange(rules));
        let said = tried.bodies(&command);
        assert!(matches!(said[..], [EventBody::Rejected(_)]), "{said:?}");
        // Refused for another reason, so that sequence and time are alike.
        other.send(&common::genesis(LIMITS));
        assert_eq!(tried.engine.state_digest(), other.engine.state_digest());
        assert_eq!((tried.engine.rules(), tried.engine.last_check()), (rules, None));
    }
}

#[test]
fn a_checkpoint_that_differs_is_told_and_changes_nothing_else() {
    let mut exchange = exchange(2);
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
        (checkpointed.agrees, exchange.engine.state_digest())
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
