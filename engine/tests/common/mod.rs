//! What the tests of this room share: an exchange to try things on, and checks that hold after every command.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use hoga_engine::{ENGINE_VERSION, Engine};
use hoga_protocol::*;
use proptest::test_runner::{Config as ProptestConfig, RngSeed};

pub const LIMITS: Limits = Limits {
    max_instruments: 4,
    max_accounts: 8,
    max_open_orders: 1_000,
    max_open_orders_per_account: 1_000,
    max_touched_orders: Limits::MAX_TOUCHED,
    client_ids_per_account: 100,
    client_ids_total: 1_000,
};

pub fn genesis(limits: Limits) -> Command {
    Command::Genesis(Genesis {
        engine_version: ENGINE_VERSION,
        exchange: ExchangeId(7),
        hash_key: [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908],
        limits,
    })
}

/// One tick times one lot is one quote unit, so a scenario's money can be reckoned in the head.
pub fn spec(symbol: &str, quantity: [u64; 2], min_notional: i128, fees: [i32; 2]) -> InstrumentSpec {
    let one = Scaled {
        mantissa: 1,
        scale: 0,
    };
    InstrumentSpec::new(
        Symbol::new(symbol).unwrap(),
        one,
        one,
        0,
        Lots(quantity[0]),
        Lots(quantity[1]),
        Notional(min_notional),
        FeeRate(fees[0]),
        FeeRate(fees[1]),
    )
    .unwrap()
}

pub fn open(number: u32, name: &str) -> Command {
    Command::OpenAccount(OpenAccount {
        account: AccountId(number),
        name: AccountName::new(name).unwrap(),
    })
}

/// The name of the account of this number.
pub fn account_name(number: u32) -> AccountName {
    AccountName::new(&format!("account-{number}")).unwrap()
}

/// The next account, which is this one.
pub fn open_next(number: u32) -> Command {
    Command::OpenAccount(OpenAccount {
        account: AccountId(number),
        name: account_name(number),
    })
}

/// A limit order that is good till cancel, of account 0 in instrument 0.
pub fn limit(side: Side, price: i64, quantity: u64) -> NewOrder {
    NewOrder {
        account: AccountId(0),
        instrument: InstrumentId(0),
        side,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Gtc,
        post_only: false,
        price: Ticks(price),
        quantity: Lots(quantity),
        client_order_id: ClientOrderId::EMPTY,
        valid_until: Nanos(0),
        signed_by: SigningKeyId::NONE,
    }
}

pub fn named(mut order: NewOrder, account: u32, client_order_id: &str) -> Command {
    order.account = AccountId(account);
    order.client_order_id = ClientOrderId::new(client_order_id).unwrap_or_default();
    Command::NewOrder(order)
}

/// A checkpoint that names the engine's own answer to the last one.
pub fn checkpoint(engine: &Engine) -> Command {
    Command::Checkpoint(Checkpoint {
        previous: engine.last_check(),
    })
}

pub fn raise(version: u32) -> Command {
    Command::EngineVersion(EngineVersion { version })
}

/// For the loss of a session, or for a deadline.
pub fn arm(account: u32, deadline: Option<u64>) -> Command {
    Command::Arm(Arm {
        account: AccountId(account),
        cause: deadline.map_or(ArmCause::Disconnect, |at| ArmCause::Deadline(Nanos(at))),
    })
}

pub fn disarm(account: u32, arming: u64) -> Command {
    Command::Disarm(Disarm {
        account: AccountId(account),
        arming: Sequence(arming),
    })
}

pub fn administer(action: AdminAction) -> Command {
    let by = OperatorName::new("ops").unwrap();
    Command::Administer(Administer::new(by, action))
}

pub fn set_status(instrument: u32, status: InstrumentStatus) -> AdminAction {
    AdminAction::SetInstrumentStatus(SetInstrumentStatus {
        instrument: InstrumentId(instrument),
        status,
    })
}

pub fn set_account(account: u32, status: AccountStatus) -> AdminAction {
    AdminAction::SetAccountStatus(SetAccountStatus {
        account: AccountId(account),
        status,
    })
}

pub fn limit_account(account: u32, max_open_orders: u32) -> AdminAction {
    AdminAction::SetAccountLimits(SetAccountLimits {
        account: AccountId(account),
        max_open_orders,
    })
}

pub fn cancel_instrument(instrument: u32) -> AdminAction {
    AdminAction::CancelInstrument(CancelInstrument {
        instrument: InstrumentId(instrument),
    })
}

pub fn accept_clock(to: u64) -> AdminAction {
    AdminAction::AcceptClock(AcceptClock { to: Nanos(to) })
}

/// An account's own cancel of all its orders.
pub fn cancel_all(account: u32) -> Command {
    Command::CancelAll(CancelAll {
        account: AccountId(account),
        instrument: None,
        before: None,
    })
}

pub fn cancel_client_order(account: u32, client_order_id: &str) -> Command {
    Command::CancelClientOrder(CancelClientOrder {
        account: AccountId(account),
        client_order_id: ClientOrderId::new(client_order_id).unwrap_or_default(),
    })
}

pub fn set_fees(instrument: u32, maker: i32, taker: i32) -> AdminAction {
    AdminAction::SetFees(SetFees {
        instrument: InstrumentId(instrument),
        maker: FeeRate(maker),
        taker: FeeRate(taker),
    })
}

pub fn image(engine: &Engine) -> Vec<u8> {
    let mut image = Vec::new();
    engine.write_image(&mut image);
    image
}

/// The engine of an image, which must end where the bytes do.
pub fn restored(image: &[u8]) -> Engine {
    let mut rest = image;
    let engine = Engine::read_image(&mut rest).expect("an engine wrote it");
    assert!(rest.is_empty(), "bytes are left over");
    engine
}

/// The configuration of a randomised test. Its seed is printed, and set by the environment to play it again.
pub fn config(cases: u32) -> ProptestConfig {
    let name = "PROPTEST_RNG_SEED";
    let given = std::env::var(name).ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = given.unwrap_or_else(|| RandomState::new().build_hasher().finish());
    println!("{name}={seed}");
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// An engine, and the sequence of its last command.
#[derive(Clone)]
pub struct Exchange {
    pub engine: Engine,
    pub sequence: Sequence,
}

impl Exchange {
    /// Not begun.
    pub fn new() -> Self {
        Self {
            engine: Engine::new(),
            sequence: Sequence(0),
        }
    }

    /// Begun, with instruments `X` and `Y` (1 to 1,000 lots, maker 200 ppm, taker 500 ppm), accounts `a`, `b` and `c`.
    pub fn begun(limits: Limits) -> Self {
        let mut exchange = Self::new();
        exchange.send(&genesis(limits));
        for symbol in ["X", "Y"] {
            exchange.send(&Command::DefineInstrument(spec(
                symbol,
                [1, 1_000],
                0,
                [200, 500],
            )));
        }
        for (number, name) in ["a", "b", "c"].into_iter().enumerate() {
            exchange.send(&open(number as u32, name));
        }
        assert_eq!(
            (exchange.engine.instruments().count(), exchange.engine.accounts()),
            (2, 3)
        );
        exchange
    }

    /// The exchange's time of the next command: a millisecond after the last, unless an operator has put it forward.
    pub fn next_timestamp(&self) -> Nanos {
        self.engine.now().max(Nanos(self.sequence.next().0 * 1_000_000))
    }

    /// The next command.
    pub fn send(&mut self, command: &Command) -> Vec<Event> {
        let timestamp = self.next_timestamp();
        self.sequence = self.sequence.next();
        apply(&mut self.engine, self.sequence, timestamp, command)
    }

    /// The next command, and what its events say.
    pub fn bodies(&mut self, command: &Command) -> Vec<EventBody> {
        self.send(command).into_iter().map(|event| event.body).collect()
    }
}

/// Applies a command and checks all that holds for any command whatever.
pub fn apply(engine: &mut Engine, sequence: Sequence, timestamp: Nanos, command: &Command) -> Vec<Event> {
    let before = engine.now();
    engine.prefetch(std::iter::once(command));
    let mut events = Vec::new();
    engine.apply(sequence, timestamp, command, &mut |event| events.push(*event));
    assert!(!events.is_empty(), "{command:?} is not answered");
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event.sequence, sequence);
        assert_eq!(event.timestamp, engine.now());
        assert_eq!(event.index as usize, index);
        assert_eq!(
            event.last,
            index + 1 == events.len(),
            "`last` belongs on the last event only"
        );
    }
    assert!(engine.now() >= before, "time runs back");
    check_books(engine);
    events
}

/// Every level says what its orders say, in strict order of price; no book is crossed; every order is found by its id.
pub fn check_books(engine: &Engine) {
    let mut live = 0;
    for number in 0..engine.instruments().count() {
        let instrument = InstrumentId(number as u32);
        for side in [Side::Buy, Side::Sell] {
            let mut orders = engine.orders(instrument, side);
            let mut last: Option<Ticks> = None;
            for level in engine.levels(instrument, side) {
                let better = |last: Ticks| match side {
                    Side::Buy => level.price < last,
                    Side::Sell => level.price > last,
                };
                assert!(last.is_none_or(better), "levels are out of order");
                last = Some(level.price);
                let mut volume = 0;
                for _ in 0..level.orders {
                    let order = orders.next().expect("a level counts orders that are not there");
                    assert_eq!(
                        (order.price, order.side, order.instrument),
                        (level.price, side, instrument)
                    );
                    assert!(order.leaves() > Lots::ZERO, "a filled order rests");
                    assert_eq!(engine.order(order.order), Some(order));
                    volume += order.leaves().0;
                    live += 1;
                }
                assert!(level.orders > 0, "an empty level stays");
                assert_eq!(level.volume.0, volume, "a level's volume is not its orders'");
            }
            assert!(orders.next().is_none(), "an order is in no level");
        }
        let (bid, ask) = (
            engine.best(instrument, Side::Buy),
            engine.best(instrument, Side::Sell),
        );
        if let (Some(bid), Some(ask)) = (bid, ask) {
            assert!(bid.0 < ask.0, "the book is crossed: {bid:?} {ask:?}");
        }
    }
    assert_eq!(engine.open_orders(), live);
}
