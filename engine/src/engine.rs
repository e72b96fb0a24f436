//! One command with its sequence and its time goes in, its events come out.

use hoga_protocol::{
    Armed, Command, Event, EventBody, Genesis, InstrumentId, InstrumentSpec, Limits, Lots, Nanos, OrderId,
    RejectReason, Rejected, Sequence, Side, StateCheck, Ticks,
};

use crate::arena::PREFETCHED;
use crate::digest::{EventsDigest, StateDigest};
use crate::emitter::Emitter;
use crate::level::LevelTotals;
use crate::market::{Market, refused};
use crate::order::RestingOrder;

/// The state of one exchange, a function of its journal.
#[derive(Clone)]
pub struct Engine {
    pub(crate) last_sequence: Sequence,
    pub(crate) now: Nanos,
    /// Of all events so far.
    pub(crate) history: EventsDigest,
    /// None before genesis.
    pub(crate) market: Option<Market>,
}

impl Engine {
    /// An exchange that has not begun: its first command must be [`Command::Genesis`].
    pub fn new() -> Self {
        Self {
            last_sequence: Sequence(0),
            now: Nanos(0),
            history: EventsDigest::new(),
            market: None,
        }
    }

    /// Carries out `command` and passes its events to `emit`: one or more, numbered from 0, the last one marked.
    ///
    /// The exchange's time becomes `timestamp`, or stays where it is later. Sequences must ascend, and lie in
    /// `1..=Sequence::MAX`: a command whose sequence does not is refused as `OutOfPlace`, and not even time moves, nor the
    /// digest of events.
    /// No command panics, whatever its fields hold.
    pub fn apply(
        &mut self,
        sequence: Sequence,
        timestamp: Nanos,
        command: &Command,
        emit: &mut impl FnMut(&Event),
    ) {
        if sequence <= self.last_sequence || sequence > Sequence::MAX {
            return refuse_out_of_place(self, sequence, emit);
        }
        self.last_sequence = sequence;
        self.now = self.now.max(timestamp);
        let mut out = Emitter::new(sequence, self.now, &mut self.history, emit).of_stamp(timestamp);
        let answer = match (&mut self.market, command) {
            (Some(market), command) => market.apply(sequence, command, &mut out),
            (market, Command::Genesis(genesis)) => begin(market, genesis, &mut out),
            (None, _) => Err(refused(RejectReason::OutOfPlace)),
        };
        if let Err(rejected) = answer {
            out.last(EventBody::Rejected(rejected));
        }
        self.now = out.timestamp();
    }

    /// Writes to all memory that the orders allowed by [`Limits::max_open_orders`](hoga_protocol::Limits) may need, so
    /// that none of them waits for the system to find it: about 420 bytes an order. Does nothing before genesis.
    pub fn touch_memory(&mut self) {
        if let Some(market) = &mut self.market {
            market.arena.touch();
        }
    }

    /// Sets memory aside, and writes to it, for the client order ids of all orders allowed and of up to a million closed
    /// ones, as [`Limits::client_ids_total`](hoga_protocol::Limits) bounds them: some 70 bytes each. Without, their
    /// table takes a chunk of at most 48 KiB from the system now and then. Does nothing before genesis.
    pub fn set_aside_client_ids(&mut self) {
        if let Some(market) = &mut self.market {
            let live = market.limits.max_open_orders as usize;
            market.client_ids.set_aside(live);
        }
    }

    /// The most events that one command may have, as the limits in force bound them.
    pub fn most_events(&self) -> u64 {
        // An acceptance, a trade with each order touched, and a cancel of what is left.
        let touched = self.limits().map_or(0, |limits| limits.max_touched_orders);
        u64::from(touched) + 2
    }

    /// Reads what the next commands will need of the book, so that the memory's answers come side by side instead of
    /// one after another. It changes nothing and promises nothing: call it with a batch of up to
    /// [`PREFETCHED`](Self::PREFETCHED) commands before applying them, where the book is larger than the cache.
    pub fn prefetch<'a>(&self, commands: impl Iterator<Item = &'a Command>) {
        if let Some(market) = &self.market {
            market.arena.prefetch(commands);
        }
    }

    /// How many commands [`prefetch`](Self::prefetch) looks at; it leaves the rest.
    pub const PREFETCHED: usize = PREFETCHED;

    /// A digest of all state that a later outcome can depend on: settings and limits, instruments, every live order in
    /// the order of its queue, accounts, closed client order ids by age, the rules in force, what checkpoints keep, what
    /// operators have set, armings, last sequence and time, and the digest of all events. It takes time in proportion to
    /// all of them; a [checkpoint](hoga_protocol::Checkpoint) covers a share of them in bounded time.
    pub fn state_digest(&self) -> [u8; 16] {
        let mut digest = StateDigest::new();
        digest.u64(self.last_sequence.0);
        digest.u64(self.now.0);
        digest.bytes(&self.history.finish());
        if let Some(market) = &self.market {
            market.digest(&mut digest);
        }
        digest.finish()
    }

    /// The digest of all events since the beginning, but those that refuse a sequence out of order: two engines with one
    /// digest have said the same.
    pub fn events_digest(&self) -> [u8; 16] {
        self.history.finish()
    }

    /// The sequence of the last command, 0 before the first.
    pub const fn last_sequence(&self) -> Sequence {
        self.last_sequence
    }

    /// The exchange's time: the latest timestamp so far.
    pub const fn now(&self) -> Nanos {
        self.now
    }

    /// What the exchange began with; `None` before genesis.
    pub fn genesis(&self) -> Option<&Genesis> {
        self.market.as_ref().map(|market| &market.settings)
    }

    /// The version of the rules in force, 0 before genesis: at first the genesis's, then the one that the last
    /// accepted [`EngineVersion`](hoga_protocol::EngineVersion) named.
    pub fn rules(&self) -> u32 {
        self.market.as_ref().map_or(0, |market| market.rules.version())
    }

    /// The answer to the last checkpoint, which the next one must name to agree; `None` before the first.
    pub fn last_check(&self) -> Option<StateCheck> {
        self.market.as_ref()?.checks.last
    }

    /// How many orders rest, over all instruments.
    pub fn open_orders(&self) -> usize {
        self.market.as_ref().map_or(0, |market| market.arena.orders.len())
    }

    /// The limits in force: the genesis's, as operators have changed them.
    pub fn limits(&self) -> Option<&Limits> {
        self.market.as_ref().map(|market| &market.limits)
    }

    /// The armings in force, oldest first, each deadline as the time is now.
    pub fn armings(&self) -> impl Iterator<Item = Armed> {
        self.market.iter().flat_map(|market| market.armings.iter())
    }

    /// The most entries that one command so far has moved within a table that grows.
    pub fn most_moved(&self) -> usize {
        self.market.as_ref().map_or(0, Market::most_moved)
    }

    /// How many accounts there are.
    pub fn accounts(&self) -> usize {
        self.market.as_ref().map_or(0, |market| market.accounts.len())
    }

    /// The instruments, in the order of their numbers.
    pub fn instruments(&self) -> impl Iterator<Item = &InstrumentSpec> {
        let market = self.market.iter();
        market.flat_map(|market| market.instruments.iter().map(|instrument| &instrument.spec))
    }

    /// The best level of one side: its price, all that its orders leave, and how many they are.
    pub fn best(&self, instrument: InstrumentId, side: Side) -> Option<(Ticks, Lots, u32)> {
        let level = self.levels(instrument, side).next()?;
        Some((level.price, level.volume, level.orders))
    }

    /// The levels of one side, best first; none where there is no such instrument.
    pub fn levels(&self, instrument: InstrumentId, side: Side) -> impl Iterator<Item = LevelTotals> {
        let market = self.market.as_ref();
        let found = market.and_then(|market| Some((&market.arena, market.instruments.get(instrument)?)));
        found
            .into_iter()
            .flat_map(move |(arena, instrument)| instrument.book.levels(arena, side))
    }

    /// The orders of one side, best level first, each level in the order of its queue.
    pub fn orders(&self, instrument: InstrumentId, side: Side) -> impl Iterator<Item = RestingOrder> {
        let market = self.market.as_ref();
        let found = market.and_then(|market| Some((market, market.instruments.get(instrument)?)));
        found.into_iter().flat_map(move |(market, instrument)| {
            let orders = instrument.book.orders(&market.arena, side);
            orders.map(|slot| market.arena.terms(slot))
        })
    }

    /// A live order by its id.
    pub fn order(&self, order: OrderId) -> Option<RestingOrder> {
        let arena = &self.market.as_ref()?.arena;
        let slot = arena.orders.find(order)?;
        Some(arena.terms(slot))
    }
}

/// The event is none of the exchange's history, which is what commands in their order have made.
#[cold]
fn refuse_out_of_place(engine: &Engine, sequence: Sequence, emit: &mut impl FnMut(&Event)) {
    let mut history = engine.history;
    let mut out = Emitter::new(sequence, engine.now, &mut history, emit);
    out.last(EventBody::Rejected(refused(RejectReason::OutOfPlace)));
}

fn begin<E: FnMut(&Event)>(
    market: &mut Option<Market>,
    genesis: &Genesis,
    out: &mut Emitter<'_, E>,
) -> Result<(), Rejected> {
    let begun = Market::new(genesis).ok_or(refused(RejectReason::InvalidSettings))?;
    *market = Some(begun);
    out.last(EventBody::Started(*genesis));
    Ok(())
}

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}
