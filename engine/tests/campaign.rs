//! The engine and the plain book side by side for as long as one likes: millions of commands from one seed, in markets
//! that stand still, swing, crash, and lie a billion ticks apart.
//!
//!     CAMPAIGN_COMMANDS=100000000 CAMPAIGN_SEED=7 cargo test --release -p hoga-engine --test campaign -- --nocapture

mod common;

#[path = "reference/answers.rs"]
mod answers;

#[path = "reference/book.rs"]
mod book;

#[path = "campaign/govern.rs"]
mod govern;

#[path = "campaign/weather.rs"]
mod weather;

use std::collections::BTreeMap;

use hoga_engine::{Engine, EventsDigest};
use hoga_protocol::*;

use book::Reference;
use common::check_books;
use weather::{Random, Weather};

const LIMITS: Limits = Limits {
    max_open_orders: 24,
    max_open_orders_per_account: 10,
    max_touched_orders: 3,
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

/// A checkpoint follows every so many commands.
const CHECKPOINT_EVERY: u64 = 97;

/// Something of administration follows every so many commands.
const GOVERNED_EVERY: u64 = 23;

/// A twin is read from an image about every so many commands.
const TWIN_EVERY: u64 = 2_500;

/// The answers to so many commands are counted.
const COUNTED: u64 = 150_000;

/// The engine, the plain book that must say the same, and an engine read from an image that must go on alike.
struct Campaign {
    engine: Engine,
    reference: Reference,
    twin: Engine,
    weather: Weather,
    random: Random,
    sequence: Sequence,
    clock: u64,
    trades: u64,
    /// How often each answer came in the first commands.
    counts: BTreeMap<String, usize>,
    events: EventsDigest,
}

impl Campaign {
    fn begin(seed: u64) -> Self {
        let mut opening = vec![common::genesis(LIMITS)];
        opening.extend(specs().map(Command::DefineInstrument));
        opening.extend((0..ACCOUNTS).map(common::open_next));
        let mut engine = Engine::new();
        let mut events = EventsDigest::new();
        let mut sequence = Sequence(0);
        for command in &opening {
            sequence = sequence.next();
            let said = common::apply(&mut engine, sequence, Nanos(0), command);
            said.iter().for_each(|event| events.push(event));
        }
        let names = (0..ACCOUNTS).map(common::account_name).collect();
        Self {
            twin: engine.clone(),
            engine,
            reference: Reference::new(LIMITS, specs().to_vec(), names),
            weather: Weather::new(seed),
            random: Random(!seed),
            sequence,
            clock: 0,
            trades: 0,
            counts: BTreeMap::new(),
            events,
        }
    }

    /// Time goes on a little with most commands, stands still with others, leaps now and then, and is sometimes back.
    fn timestamp(&mut self) -> Nanos {
        match self.random.below(1_000) {
            0..600 => self.clock += 1,
            600..990 => {}
            990..999 => self.clock += 1 + self.random.below(300),
            _ => return Nanos(self.clock.saturating_sub(5)),
        }
        Nanos(self.clock)
    }

    fn command(&mut self, at: u64, now: Nanos) -> Command {
        if at.is_multiple_of(CHECKPOINT_EVERY) {
            let mut previous = self.engine.last_check();
            if let Some(check) = &mut previous
                && self.random.below(20) == 0
            {
                check.digest[3] ^= 1;
            }
            Command::Checkpoint(Checkpoint { previous })
        } else if at.is_multiple_of(GOVERNED_EVERY) {
            let random = &mut self.random;
            govern::command(&self.engine, &mut |bound| random.below(bound))
        } else {
            self.weather.command(self.sequence, now)
        }
    }

    /// Sends one command and hears what is said.
    fn step(&mut self, at: u64, said: &mut [Vec<Event>; 2]) {
        if self.random.below(TWIN_EVERY) == 0 {
            self.renew_twin();
        }
        self.sequence = self.sequence.next();
        let timestamp = self.timestamp();
        let command = self.command(at, self.engine.now().max(timestamp));
        self.engine.prefetch(std::iter::once(&command));
        for (engine, said) in [&mut self.engine, &mut self.twin].into_iter().zip(&mut *said) {
            said.clear();
            engine.apply(self.sequence, timestamp, &command, &mut |event| said.push(*event));
        }
        let expected = self
            .reference
            .apply(self.sequence, timestamp, &command, self.engine.last_check());
        let [said, by_twin] = said;
        let as_expected = said.iter().map(|event| &event.body).eq(&expected);
        assert!(as_expected, "command {at}: {command:?}\n{said:?}\n{expected:?}");
        assert!(
            said == by_twin,
            "command {at}: {command:?}\n{said:?}\nby the twin {by_twin:?}"
        );
        let now = self.reference.now();
        for (index, event) in said.iter().enumerate() {
            let is_numbered = event.index as usize == index && event.sequence == self.sequence;
            let is_last = event.last == (index + 1 == said.len());
            assert!(is_numbered && is_last && event.timestamp == now, "{event:?}");
            self.trades += u64::from(matches!(event.body, EventBody::Trade(_)));
            if at < COUNTED {
                *self.counts.entry(answers::word(&event.body)).or_default() += 1;
            }
            self.weather.hear(&event.body);
            self.events.push(event);
        }
    }

    /// The twin, which must have come to the same state, is read from an image again.
    fn renew_twin(&mut self) {
        let state = self.engine.state_digest();
        assert_eq!(state, self.twin.state_digest(), "the twin has another state");
        let image = common::image(&self.engine);
        assert!(image == common::image(&self.twin), "the twin has another image");
        self.twin = common::restored(&image);
        assert_eq!(state, self.twin.state_digest(), "an image of another state");
    }

    fn look_around(&self) {
        check_books(&self.engine);
        let armings = self.reference.armings().iter().copied();
        assert!(self.engine.armings().eq(armings), "other armings");
        assert_eq!(self.engine.events_digest(), self.events.finish());
    }
}

/// Sends `commands` commands to the engine, to its twin and to the plain book, which must say the same.
fn campaign(seed: u64, commands: u64) -> Outcome {
    let mut campaign = Campaign::begin(seed);
    let mut said = [const { Vec::new() }; 2];
    for at in 0..commands {
        campaign.step(at, &mut said);
        if at % 256 == 0 {
            campaign.look_around();
        }
    }
    campaign.renew_twin();
    campaign.look_around();
    if commands >= COUNTED {
        answers::must_have_come(&campaign.counts, 10);
    }
    Outcome {
        events: campaign.events.finish(),
        state: campaign.engine.state_digest(),
        trades: campaign.trades,
    }
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
    let commands = from_environment("CAMPAIGN_COMMANDS", COUNTED);
    println!("CAMPAIGN_SEED={seed} CAMPAIGN_COMMANDS={commands}");
    let started = std::time::Instant::now();
    let outcome = campaign(seed, commands);
    let second = started.elapsed().as_secs_f64();
    println!(
        "{:.0} commands per second, {outcome:02x?}",
        commands as f64 / second
    );
    assert!(
        outcome.trades > commands / 50,
        "{outcome:?}: hardly anybody traded"
    );
}

/// The digests were printed by this test, in a debug build: every build and every machine must come to the same.
#[test]
fn no_build_and_no_machine_plays_a_journal_otherwise() {
    let hex = |bytes: [u8; 16]| bytes.map(|byte| format!("{byte:02x}")).concat();
    let outcome = campaign(1, 20_000);
    assert_eq!(
        (hex(outcome.events), hex(outcome.state), outcome.trades),
        (
            "baca55dbcf0d0d77f77c231c136a6948".to_owned(),
            "d8b0b2017541a4836b4aa05ad7b0707f".to_owned(),
            3_146
        )
    );
}
