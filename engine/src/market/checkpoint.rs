//! A check that all who apply one journal agree: a digest of the next share of the state, whose cost has a bound.
//!
//! A digest of everything would stop trading while it walks over every order. So a checkpoint covers at most [`SHARE`]
//! levels, orders and instruments, and the next one goes on where it stopped, round and round: of each instrument the
//! bids from the best down, the asks from the best up, then its settings. An instrument without orders is one item, so
//! ten thousand of them take forty checkpoints a round; no checkpoint goes round more than once.
//!
//! Where it stopped is an instrument, a side, a price and an order, never a slot: an engine that was read from an image
//! has its orders in other slots. Where that order has left meanwhile, the rest of its level waits for the next round,
//! so that a level which never stands still holds nothing up.
//!
//! Every digest covers some small things besides, among them the [`Tape`]: what has traded shows at the very next
//! checkpoint, wherever the walk is.

use hoga_protocol::{
    Checkpoint, Checkpointed, Command, Event, EventBody, InstrumentId, OpenAccount, OrderId, RejectReason,
    Sequence, Side, StateCheck, Ticks, Trade,
};

use super::{Answer, Market, refused};
use crate::digest::StateDigest;
use crate::emitter::Emitter;
use crate::slab::Slot;

/// The most levels, orders and instruments that one checkpoint covers.
const SHARE: u32 = 256;
/// How many closed client order ids, the oldest, every checkpoint covers.
const OLDEST_IDS: usize = 16;

// A level is begun only where its first order has room too, or the walk would stand still.
const _: () = assert!(SHARE >= 2);

/// What checkpoints keep from one to the next.
#[derive(Clone, Copy)]
pub(crate) struct Checks {
    pub(crate) cursor: Cursor,
    pub(crate) tape: Tape,
    /// The newest digest, and the checkpoint that asked for it.
    pub(crate) last: Option<StateCheck>,
}

/// Where the next share begins: behind this order, or behind this price where the order is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) instrument: InstrumentId,
    pub(crate) side: Side,
    pub(crate) price: Ticks,
    pub(crate) order: OrderId,
}

/// A running mix of all that has traded, and of the accounts opened, armed and administered. Equal additions keep two that differ apart for
/// ever, since each is a step that can be undone. It shows accidents, not forgeries.
#[derive(Clone, Copy)]
pub(crate) struct Tape(pub(crate) u64);

impl Checks {
    /// Before the first checkpoint.
    pub(crate) const NONE: Checks = Checks {
        cursor: Cursor::start(InstrumentId(0), Side::Buy),
        tape: Tape(0),
        last: None,
    };

    pub(super) fn digest(&self, digest: &mut StateDigest) {
        digest.u64(u64::from(self.cursor.instrument.0));
        digest.u64(self.cursor.side as u64);
        digest.i64(self.cursor.price.0);
        digest.u64(self.cursor.order.0);
        digest.u64(self.tape.0);
        digest.u64(u64::from(self.last.is_some()));
        if let Some(last) = &self.last {
            digest.u64(last.sequence.0);
            digest.bytes(&last.digest);
        }
    }
}

impl Cursor {
    /// Before the first level of a side, which is behind a price better than any.
    pub(crate) const fn start(instrument: InstrumentId, side: Side) -> Self {
        Self {
            instrument,
            side,
            price: match side {
                Side::Buy => Ticks(Ticks::MAX.0 + 1),
                Side::Sell => Ticks(0),
            },
            order: OrderId(0),
        }
    }
}

impl Tape {
    #[inline]
    pub(super) fn trade(&mut self, trade: &Trade) {
        let (aggressor, resting) = (&trade.aggressor, &trade.resting);
        let price = (trade.price.0 as u64).rotate_left(24);
        let quantity = trade.quantity.0.rotate_left(24);
        self.add(aggressor.order.0 ^ price ^ (aggressor.fee.0 as u64).rotate_left(44));
        self.add(resting.order.0 ^ quantity ^ (resting.fee.0 as u64).rotate_left(44));
    }

    pub(super) fn account(&mut self, open: &OpenAccount) {
        self.add(u64::from(open.account.0));
        open.name
            .as_bytes()
            .iter()
            .for_each(|&byte| self.add(u64::from(byte)));
    }

    pub(super) fn words(&mut self, words: &[u64]) {
        words.iter().for_each(|&word| self.add(word));
    }

    /// The multiplier is 2^64 over the golden ratio, and odd.
    #[inline]
    fn add(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Market {
    #[inline(never)]
    pub(super) fn checkpoint<E: FnMut(&Event)>(
        &mut self,
        sequence: Sequence,
        checkpoint: &Checkpoint,
        out: &mut Emitter<'_, E>,
    ) -> Answer {
        if !self.rules.have_checkpoints() {
            return Err(refused(RejectReason::OutOfPlace));
        }
        let agrees = checkpoint.previous == self.checks.last;
        let mut digest = StateDigest::new();
        digest.u64(sequence.0);
        digest.u64(out.timestamp().0);
        self.digest_always(&mut digest);
        self.checks.cursor = self.digest_share(&mut digest);
        let digest = digest.finish();
        self.checks.last = Some(StateCheck { sequence, digest });
        out.last(EventBody::Checkpointed(Checkpointed { digest, agrees }));
        Ok(())
    }

    /// The small things that every checkpoint covers.
    fn digest_always(&self, digest: &mut StateDigest) {
        digest.record(&Command::Genesis(self.settings));
        digest.u64(u64::from(self.rules.version()));
        self.checks.digest(digest);
        digest.u64(self.accounts.len() as u64);
        digest.u64(self.instruments.len() as u64);
        digest.u64(self.arena.orders.len() as u64);
        digest.u64(u64::from(self.client_ids.closed_count()));
        if self.rules.have_administration() {
            digest.u64(self.accounts.restricted().len() as u64);
            digest.u64(self.armings.len() as u64);
        }
        for entry in self.client_ids.closed().take(OLDEST_IDS) {
            digest.u64(entry.order.0);
            digest.record(&Command::NewOrder(entry.request));
        }
    }

    /// The next share. Returns where the one after it begins.
    fn digest_share(&self, digest: &mut StateDigest) -> Cursor {
        let mut at = self.checks.cursor;
        let mut left = SHARE;
        // Without an instrument there is nothing to walk over.
        while left > 1
            && let Some(instrument) = self.instruments.get(at.instrument)
        {
            let left_off = self.left_off(&at);
            let level = match left_off {
                Some(slot) => Some(&self.arena.levels[self.arena.orders[slot].level]),
                None => instrument.book.behind(&self.arena, at.side, at.price),
            };
            if let Some(level) = level {
                digest.level(&level.totals());
                left -= 1;
                let next = match left_off {
                    Some(slot) => self.behind(slot),
                    None => level.front(),
                };
                at.price = level.price;
                at.order = self.digest_queue(next, &mut left, digest);
                continue;
            }
            digest.u64(0);
            if at.side == Side::Buy {
                at = Cursor::start(at.instrument, Side::Sell);
                continue;
            }
            digest.record(&Command::DefineInstrument(instrument.spec));
            if self.rules.have_administration() {
                digest.u64(instrument.status as u64);
            }
            left -= 1;
            let next = InstrumentId(at.instrument.0 + 1);
            if self.instruments.get(next).is_none() {
                return Checks::NONE.cursor;
            }
            at = Cursor::start(next, Side::Buy);
        }
        at
    }

    /// The order behind which the cursor stands, if it is still there.
    fn left_off(&self, at: &Cursor) -> Option<Slot> {
        let slot = self.arena.orders.find(at.order)?;
        let order = &self.arena.orders[slot];
        let level = &self.arena.levels[order.level];
        let is_there = (level.instrument, order.side, level.price) == (at.instrument, at.side, at.price);
        is_there.then_some(slot)
    }

    fn behind(&self, slot: Slot) -> Option<Slot> {
        let [_, behind] = self.arena.orders[slot].neighbours();
        behind.some()
    }

    /// As many orders of a queue as there is room `left` for, from this one on. Returns the last of them where others
    /// are behind it, otherwise 0.
    fn digest_queue(&self, first: Option<Slot>, left: &mut u32, digest: &mut StateDigest) -> OrderId {
        let (mut next, mut last) = (first, OrderId(0));
        while let Some(slot) = next {
            if *left == 0 {
                return last;
            }
            self.digest_order(slot, digest);
            *left -= 1;
            last = self.arena.orders[slot].id;
            next = self.behind(slot);
        }
        OrderId(0)
    }
}

#[cfg(test)]
mod tests;
