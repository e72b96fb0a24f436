//! Leaps of the exchange's time, as operators accept them.

use hoga_engine::Engine;
use hoga_protocol::{
    AcceptClock, AccountId, AccountName, AdminAction, Administer, Arm, ArmCause, ClockAccepted, Command,
    Event, EventBody, ExchangeId, Genesis, Limits, Nanos, OpenAccount, OperatorName, RejectReason, Sequence,
};

/// An exchange with one account, whose time is 1,000 ns.
struct Exchange {
    engine: Engine,
    sequence: u64,
}

impl Exchange {
    fn new() -> Self {
        let mut exchange = Self {
            engine: Engine::new(),
            sequence: 0,
        };
        let genesis = Genesis {
            engine_version: 1,
            exchange: ExchangeId(1),
            hash_key: [1, 2],
            limits: Limits::default(),
        };
        exchange.apply(1_000, &Command::Genesis(genesis));
        exchange.apply(
            1_000,
            &Command::OpenAccount(OpenAccount {
                account: AccountId(0),
                name: AccountName::new("alice").unwrap(),
            }),
        );
        exchange
    }

    /// Carries out a command that was stamped `stamp`, and gives its last event.
    fn apply(&mut self, stamp: u64, command: &Command) -> Event {
        self.sequence += 1;
        let mut last = None;
        self.engine
            .apply(Sequence(self.sequence), Nanos(stamp), command, &mut |event| {
                last = Some(*event);
            });
        last.unwrap()
    }

    fn accept(&mut self, stamp: u64, to: u64) -> EventBody {
        let accept = AdminAction::AcceptClock(AcceptClock { to: Nanos(to) });
        let by = OperatorName::new("ann").unwrap();
        self.apply(stamp, &Command::Administer(Administer::new(by, accept)))
            .body
    }

    fn arm(&mut self, stamp: u64, deadline: u64) {
        let arm = Arm {
            account: AccountId(0),
            cause: ArmCause::Deadline(Nanos(deadline)),
        };
        let event = self.apply(stamp, &Command::Arm(arm));
        assert!(matches!(event.body, EventBody::Armed(_)), "{event:?}");
    }

    fn deadline(&self) -> u64 {
        match self.engine.armings().next().map(|armed| armed.cause) {
            Some(ArmCause::Deadline(at)) => at.0,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_leap_neither_lets_a_deadline_pass_nor_puts_it_off() {
    let mut exchange = Exchange::new();
    exchange.arm(1_500, 6_500);
    let digest = exchange.engine.state_digest();
    let by = OperatorName::new("ann").unwrap();
    let (from, to) = (Nanos(2_000), Nanos(1_000_000));
    assert_eq!(
        exchange.accept(2_000, 1_000_000),
        EventBody::ClockAccepted(ClockAccepted { by, from, to })
    );
    assert_eq!(exchange.engine.now(), to);
    assert_eq!(exchange.deadline(), 1_004_500);
    assert_ne!(exchange.engine.state_digest(), digest);
    // Stamped before the leap, and sequenced behind it: 5,000 ns ahead of its stamp, and of the exchange's time.
    exchange.arm(2_000, 7_000);
    assert_eq!(exchange.deadline(), 1_005_000);
    exchange.arm(1_000_500, 1_005_500);
    assert_eq!(exchange.deadline(), 1_005_500);
}

#[test]
fn a_leap_that_is_none_or_goes_too_far_moves_nothing() {
    let max = AcceptClock::MAX.0;
    for (to, is_taken) in [
        (0, false),
        (1_999, false),
        (2_000, false),
        (2_001, true),
        (max, true),
        (max + 1, false),
        (u64::MAX, false),
    ] {
        let mut exchange = Exchange::new();
        exchange.arm(1_500, 6_500);
        let event = exchange.accept(2_000, to);
        let refusal = match event {
            EventBody::Rejected(rejected) => Some(rejected.reason),
            _ => None,
        };
        let (refused, now, deadline) = match is_taken {
            true => (None, to, to + 4_500),
            false => (Some(RejectReason::InvalidSettings), 2_000, 6_500),
        };
        assert_eq!(refusal, refused, "{to}");
        assert_eq!(exchange.engine.now(), Nanos(now), "{to}");
        assert_eq!(exchange.deadline(), deadline, "{to}");
    }
}
