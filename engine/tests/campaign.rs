//! The engine and the plain book side by side for as long as one likes: millions of commands from one seed, in markets
//! that stand still, swing, crash, and lie a billion ticks apart.
//!
//!     CAMPAIGN_COMMANDS=100000000 CAMPAIGN_SEED=7 cargo test --release -p hoga-engine --test campaign -- --nocapture

mod common;

#[path = "reference/book.rs"]
mod book;

#[path = "campaign/govern.rs"]
mod govern;

#[path = "campaign/weather.rs"]
mod weather;

use hoga_engine::{ENGINE_VERSION, Engine, EventsDigest};
use hoga_protocol::*;

use book::Reference;
use common::check_books;
use weather::{Random, Weather};

const LIMITS: Limits = Limits {
    max_open_orders: 40,
    max_open_orders_per_account: 40,
    max_touched_orders: Limits::MAX_TOUCHED,
    client_ids_per_account: 3,
    client_ids_total: 6,
    ..common::LIMITS
};
const ACCOUNTS: u32 = 4;

/// What a campaign leaves behind: equal wherever it is played.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    events: [u8; 16],
    state: [u8; 16],
    trades: u64,
}

fn specs() -> [InstrumentSpec; 3] {
    [
        common::spec("X", [1, 60], 0, [200, 500]),
        common::spec("Y", [2, 30], 250, [-333, 777]),
        common::spec("Z", [1, Lots::MAX.0], 0, [0, 0]),
    ]
}

/// Where the rules have checkpoints, one follows every so many commands.
const CHECKPOINT_EVERY: u64 = 97;

/// Where the rules have administration, something of it follows every so many commands.
const GOVERNED_EVERY: u64 = 41;

/// Sends `commands` commands to the engine and to the plain book, which must say the same.
fn campaign(rules: u32, seed: u64, commands: u64) -> Outcome {
    let mut engine = Engine::new();
    let mut sequence = Sequence(0);
    let mut opening = vec![common::genesis_of(rules, LIMITS)];
    opening.extend(specs().map(Command::DefineInstrument));
    opening.extend((0..ACCOUNTS).map(|number| common::open(number, &format!("account-{number}"))));
    for command in &opening {
        sequence = sequence.next();
        common::apply(&mut engine, sequence, Nanos(0), command);
    }
    let mut reference = Reference::new(rules, LIMITS, specs().to_vec(), ACCOUNTS);
    let mut weather = Weather::new(seed);
    let mut governed = Random(!seed);
    let mut outcome = Outcome {
        events: [0; 16],
        state: [0; 16],
        trades: 0,
    };
    let mut digest = EventsDigest::new();
    let mut said: Vec<Event> = Vec::new();
    for at in 0..commands {
        sequence = sequence.next();
        let command = match (rules, at % CHECKPOINT_EVERY) {
            (2.., 0) => common::checkpoint(&engine),
            (3.., _) if at % GOVERNED_EVERY == 0 => {
                govern::command(&engine, &mut |bound| governed.below(bound))
            }
            _ => weather.command(sequence),
        };
        said.clear();
        engine.foresee(std::iter::once(&command));
        engine.apply(sequence, Nanos(at), &command, &mut |event| said.push(*event));
        let expected = reference.apply(sequence, &command, engine.last_check());
        let as_expected = said.iter().map(|event| &event.body).eq(&expected);
        assert!(
            as_expected,
            "seed {seed}, command {at}: {command:?}\n{said:?}\n{expected:?}"
        );
        for (index, event) in said.iter().enumerate() {
            let is_numbered = event.index as usize == index && event.sequence == sequence;
            assert!(
                is_numbered && event.last == (index + 1 == said.len()),
                "{event:?}"
            );
            outcome.trades += u64::from(matches!(event.body, EventBody::Trade(_)));
            weather.hear(&event.body);
            digest.push(event);
        }
        if at % 256 == 0 {
            check_books(&engine);
        }
    }
    outcome.events = digest.finish();
    outcome.state = engine.state_digest();
    outcome
}

fn from_environment(name: &str, otherwise: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name} is not a number: {text}")),
        Err(_) => otherwise,
    }
}

#[test]
fn the_engine_and_the_plain_book_never_part() {
    let random = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.subsec_nanos().into());
    let seed = from_environment("CAMPAIGN_SEED", random);
    let commands = from_environment("CAMPAIGN_COMMANDS", 150_000);
    println!("CAMPAIGN_SEED={seed} CAMPAIGN_COMMANDS={commands}");
    let outcome = campaign(ENGINE_VERSION, seed, commands);
    println!("{outcome:02x?}");
    assert!(
        outcome.trades > commands / 50,
        "{outcome:?}: hardly anybody traded"
    );
}

/// The digests were printed by this test, in a debug build: every build and every machine must come to the same, under
/// each version of the rules for ever.
#[test]
fn no_build_and_no_machine_plays_a_journal_otherwise() {
    let hex = |bytes: [u8; 16]| bytes.map(|byte| format!("{byte:02x}")).concat();
    for (rules, events, state, trades) in [
        (
            1,
            "3fb5eae93aab772a5960cbd235198894",
            "3b1d2dc7096e7d8447d9f05fc60333a1",
            5_347,
        ),
        (
            2,
            "49465bccec02830e020be52bfb173747",
            "9c036649f79f747d2a051ce1228d325d",
            5_289,
        ),
        (
            3,
            "4aa21e23012629c933bc0e517404d491",
            "0f9eaf8364c0874c6ff0baba968e6df5",
            3_151,
        ),
    ] {
        let outcome = campaign(rules, 1, 20_000);
        let digests = (hex(outcome.events), hex(outcome.state), outcome.trades);
        assert_eq!(
            digests,
            (events.to_owned(), state.to_owned(), trades),
            "rules {rules}"
        );
    }
}
