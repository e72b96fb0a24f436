//! Any bytes as a flow of orders, played to the engine and to the tests' plain reference book, which must answer
//! alike; and what must hold whatever the rules, among it that the engine reads its own image.
#![no_main]

#[path = "../../engine/tests/reference/book.rs"]
#[allow(dead_code, reason = "the engine's tests use more of it")]
mod book;

#[path = "../program.rs"]
mod program;

use hoga_engine::{ENGINE_VERSION, Engine, EventsDigest};
use hoga_protocol::*;
use libfuzzer_sys::fuzz_target;

use book::Reference;
use program::{Program, Step};

const LIMITS: Limits = Limits {
    max_instruments: 4,
    max_accounts: 4,
    max_open_orders: 48,
    max_open_orders_per_account: 48,
    max_touched_orders: 6,
    client_ids_per_account: 3,
    client_ids_total: 6,
};
const ACCOUNTS: u32 = 3;
/// Commands of one program at most: the reference book is slow.
const MOST: usize = 400;

fuzz_target!(|bytes: &[u8]| {
    let mut reference = Reference::new(LIMITS, specs().to_vec(), names().collect());
    let mut engine = begun();
    let mut journal: Vec<(Sequence, Command)> = Vec::new();
    let mut digest = EventsDigest::new();
    let mut program = Program::new(bytes);
    while journal.len() < MOST
        && let Some(step) = program.next(engine.last_sequence().next())
    {
        let command = match step {
            Step::Send(command) => command,
            Step::OutOfPlace(command) => {
                refuses_out_of_place(&mut engine, &command);
                continue;
            }
        };
        let sequence = engine.last_sequence().next();
        let said = apply(&mut engine, sequence, &command);
        let bodies: Vec<EventBody> = said.iter().map(|event| event.body).collect();
        assert_eq!(
            bodies,
            reference.apply(sequence, time(sequence), &command, engine.last_check()),
            "{command:?}"
        );
        for event in &said {
            digest.push(event);
            program.hear(event);
        }
        check(&engine);
        journal.push((sequence, command));
    }
    reads_its_own_image(&engine);
    let mut again = begun();
    let mut digest_again = EventsDigest::new();
    for (sequence, command) in &journal {
        let said = apply(&mut again, *sequence, command);
        said.iter().for_each(|event| digest_again.push(event));
    }
    assert_eq!(digest.finish(), digest_again.finish());
    assert_eq!(engine.state_digest(), again.state_digest());
});

fn time(sequence: Sequence) -> Nanos {
    Nanos(sequence.0)
}

fn names() -> impl Iterator<Item = AccountName> {
    (0..ACCOUNTS).map(|number| AccountName::new(&format!("account-{number}")).expect("a name"))
}

fn apply(engine: &mut Engine, sequence: Sequence, command: &Command) -> Vec<Event> {
    let mut said = Vec::new();
    engine.apply(sequence, time(sequence), command, &mut |event| {
        said.push(*event)
    });
    for (index, event) in said.iter().enumerate() {
        assert_eq!((event.sequence, event.index as usize), (sequence, index));
        assert_eq!(event.last, index + 1 == said.len());
    }
    said
}

fn reads_its_own_image(engine: &Engine) {
    let mut image = Vec::new();
    engine.write_image(&mut image);
    let again = Engine::read_image(&mut &image[..]).expect("an engine wrote it");
    assert_eq!(engine.state_digest(), again.state_digest());
    let mut image_again = Vec::new();
    again.write_image(&mut image_again);
    assert!(image == image_again, "one state has two images");
}

/// Under the last command's sequence once more, a command is refused and changes nothing.
fn refuses_out_of_place(engine: &mut Engine, command: &Command) {
    let before = engine.state_digest();
    let said = apply(engine, engine.last_sequence(), command);
    let refused = EventBody::Rejected(Rejected {
        reason: RejectReason::OutOfPlace,
        order: None,
    });
    assert_eq!(said.iter().map(|event| event.body).collect::<Vec<_>>(), [refused]);
    assert_eq!(before, engine.state_digest());
}

fn check(engine: &Engine) {
    let mut resting = 0;
    for instrument in (0..engine.instruments().count() as u32).map(InstrumentId) {
        let best = |side| engine.best(instrument, side).map(|best| best.0);
        if let (Some(bid), Some(ask)) = (best(Side::Buy), best(Side::Sell)) {
            assert!(bid < ask, "crossed: {bid:?} {ask:?}");
        }
        for side in [Side::Buy, Side::Sell] {
            let mut orders = engine.orders(instrument, side);
            let mut last = None;
            for level in engine.levels(instrument, side) {
                let better = |last: Ticks| match side {
                    Side::Buy => level.price < last,
                    Side::Sell => level.price > last,
                };
                assert!(last.is_none_or(better), "levels out of order");
                last = Some(level.price);
                let mut volume = 0;
                for order in orders.by_ref().take(level.orders as usize) {
                    assert_eq!(order.price, level.price);
                    assert!(order.leaves() > Lots::ZERO, "an order of nothing rests");
                    volume += order.leaves().0;
                    resting += 1;
                }
                assert_eq!(volume, level.volume.0);
            }
            assert!(orders.next().is_none(), "an order without a level");
        }
    }
    assert_eq!(resting, engine.open_orders());
    assert!(resting <= LIMITS.max_open_orders as usize);
}

fn begun() -> Engine {
    let mut engine = Engine::new();
    let mut opening = vec![Command::Genesis(Genesis {
        engine_version: ENGINE_VERSION,
        exchange: ExchangeId(1),
        hash_key: [1, 2],
        limits: LIMITS,
    })];
    opening.extend(specs().map(Command::DefineInstrument));
    let accounts = (0..).map(AccountId).zip(names());
    opening.extend(accounts.map(|(account, name)| Command::OpenAccount(OpenAccount { account, name })));
    for command in &opening {
        let sequence = engine.last_sequence().next();
        apply(&mut engine, sequence, command);
    }
    engine
}

/// One with small bounds, one with a rebate, one in which everything may be as large as it gets.
fn specs() -> [InstrumentSpec; 3] {
    let spec = |symbol, min, max, min_notional, maker, taker| {
        let one = Scaled {
            mantissa: 1,
            scale: 0,
        };
        InstrumentSpec::new(
            Symbol::new(symbol).expect("a symbol"),
            one,
            one,
            0,
            Lots(min),
            Lots(max),
            Notional(min_notional),
            FeeRate(maker),
            FeeRate(taker),
        )
        .expect("an instrument")
    };
    [
        spec("X", 1, 60, 0, 200, 500),
        spec("Y", 2, 30, 250, -333, 777),
        spec("Z", 1, Lots::MAX.0, 0, 0, FeeRate::MAX.0),
    ]
}
