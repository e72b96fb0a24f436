//! Order flow for benches and measurements: generated, the same on every machine, made before the clock starts.
//!
//! | file | noun |
//! |---|---|
//! | `flows` | what kinds of flow there are, and how each is made |
//! | `maker`, `live` | commands given to an engine, and the orders that its events say rest |
//! | `deep` | a deep book of which single orders take a part |
//! | `facts` | what a flow turned out to be, counted from its events |
//! | `hash`, `random` | a cheap hash of events; seeded random numbers |

mod flows;

mod flow_builder;

mod live;

mod deep;

mod facts;

mod hash;

mod random;

use hoga_engine::Engine;
use hoga_protocol::codec::{MAX_RECORD, encode_command};
use hoga_protocol::{Command, Event, Nanos};

pub use deep::DeepBook;
pub use facts::Facts;
pub use flows::FlowKind;
pub use hash::EventHash;

/// A command and the exchange's time of it.
pub type Timed = (Nanos, Command);

/// Commands that build an exchange and its books, and commands that follow.
pub struct Flow {
    /// The exchange's settings, and orders until the book is deep enough. Sequences count from 1.
    pub opening: Vec<Timed>,
    /// What follows.
    pub steady: Vec<Timed>,
    /// What the flow is.
    pub facts: Facts,
}

impl Flow {
    /// An engine with the books built.
    pub fn engine(&self) -> Engine {
        let mut engine = Engine::new();
        apply(&mut engine, &self.opening, &mut |_| {});
        engine
    }

    /// What follows, as the journal's records.
    pub fn records(&self) -> Vec<Vec<u8>> {
        let mut record = [0; MAX_RECORD];
        let records = self.steady.iter().map(|(timestamp, command)| {
            let length = encode_command(*timestamp, command, &mut record);
            record[..length].to_vec()
        });
        records.collect()
    }

    /// All events of the whole flow: of the opening, then of the rest.
    pub fn events(&self) -> (Vec<Event>, Vec<Event>) {
        let (mut opening, mut steady) = (Vec::new(), Vec::new());
        let mut engine = Engine::new();
        apply(&mut engine, &self.opening, &mut |event| opening.push(*event));
        apply(&mut engine, &self.steady, &mut |event| steady.push(*event));
        (opening, steady)
    }
}

/// Applies commands one after another.
#[inline]
pub fn apply(engine: &mut Engine, commands: &[Timed], emit: &mut impl FnMut(&Event)) {
    let mut sequence = engine.last_sequence();
    for (timestamp, command) in commands {
        sequence = sequence.next();
        engine.apply(sequence, *timestamp, command, emit);
    }
}
