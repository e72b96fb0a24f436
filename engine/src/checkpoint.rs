//! Checkpoints: a digest of a share of the state, in bounded work, share after share round the whole of it.
//!
//! A digest of all state would take the matcher tens of milliseconds with many orders. A share takes microseconds: its
//! walk visits at most [`SHARE`] instruments, levels and orders and the next share goes on behind them. Where it stands is
//! told by instrument, side and price, which mean the same in every replica, whatever slots its orders lie in.

use hoga_protocol::{
    Checkpoint, Checkpointed, Command, Event, EventBody, InstrumentId, Sequence, Side, StateCheck, Ticks,
    Trade,
};

use crate::digest::StateDigest;
use crate::emitter::Emitter;
use crate::market::Market;

/// The most instruments, levels and orders that one share visits.
pub(crate) const SHARE: u32 = 256;

/// The most closed client order ids of one share, the oldest.
const CLOSED_IDS: usize = 16;

/// What an engine keeps for its checkpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Checks {
    /// A running mix of everything that has traded.
    pub(crate) tape: u64,
    /// Where the next share begins.
    pub(crate) cursor: Cursor,
    /// The newest checkpoint and its digest.
    pub(crate) last: Option<StateCheck>,
}

/// A place between two levels of all books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) instrument: InstrumentId,
    pub(crate) side: Side,
    /// The level before it; none at the best of the side.
    pub(crate) behind: Option<Ticks>,
}

impl Cursor {
    pub(crate) const START: Cursor = Cursor {
        instrument: InstrumentId(0),
        side: Side::Buy,
        behind: None,
    };
}

impl Checks {
    pub(crate) const NONE: Checks = Checks {
        tape: 0,
        cursor: Cursor::START,
        last: None,
    };

    /// Mixes a trade in. Two trades in another order, or with any other field, give another mix with all likelihood.
    #[inline]
    pub(crate) fn trade(&mut self, trade: &Trade) {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        let amounts = (trade.price.0 as u64).rotate_left(32) ^ trade.quantity.0;
        let orders = trade.aggressor.order.0.rotate_left(40) ^ trade.resting.order.0;
        let fees = (trade.aggressor.fee.0 as u64).rotate_left(16) ^ trade.resting.fee.0 as u64;
        self.tape = (self.tape.rotate_left(5) ^ orders)
            .wrapping_mul(ODD)
            .wrapping_add(amounts ^ fees.rotate_left(48));
    }

    /// What a state digest covers of it.
    pub(crate) fn digest(&self, digest: &mut StateDigest) {
        digest.u64(self.tape);
        let Cursor {
            instrument,
            side,
            behind,
        } = self.cursor;
        digest.u64(u64::from(instrument.0));
        digest.u64(side as u64);
        digest.i64(behind.map_or(0, |price| price.0));
        let last = self.last.unwrap_or(StateCheck {
            sequence: Sequence(0),
            digest: [0; 16],
        });
        digest.u64(last.sequence.0);
        digest.bytes(&last.digest);
    }
}

impl Market {
    /// Carries out a checkpoint: compares what it says of the one before with what this engine found there, and digests
    /// the next share.
    pub(crate) fn checkpoint<E: FnMut(&Event)>(
        &mut self,
        sequence: Sequence,
        checkpoint: &Checkpoint,
        out: &mut Emitter<'_, E>,
    ) {
        let agrees = checkpoint.previous == self.checks.last;
        let mut digest = StateDigest::new();
        digest.u64(sequence.0);
        digest.u64(out.timestamp().0);
        digest.u64(u64::from(self.rules));
        self.checks.digest(&mut digest);
        digest.u64(self.accounts.len() as u64);
        digest.u64(self.instruments.iter().len() as u64);
        digest.u64(self.arena.orders.len() as u64);
        digest.u64(u64::from(self.client_ids.closed_count()));
        for entry in self.client_ids.closed().take(CLOSED_IDS) {
            digest.u64(entry.order.0);
            digest.record(&Command::NewOrder(entry.request));
        }
        self.checks.cursor = self.share(&mut digest);
        let digest = digest.finish();
        self.checks.last = Some(StateCheck { sequence, digest });
        out.last(EventBody::Checkpointed(Checkpointed { digest, agrees }));
    }

    /// Digests the next share, which ends with the last instrument at the latest, and returns where the one after it
    /// begins. Of a level longer than what is left of the share, the first orders are digested; its totals cover the
    /// rest.
    fn share(&self, digest: &mut StateDigest) -> Cursor {
        let mut at = self.checks.cursor;
        let mut left = SHARE;
        while left > 0 {
            let Some(instrument) = self.instruments.get(at.instrument) else {
                return Cursor::START;
            };
            if at.behind.is_none() && at.side == Side::Buy {
                digest.record(&Command::DefineInstrument(instrument.spec));
                left -= 1;
            }
            let Some(level) = instrument.book.level_behind(&self.arena, at.side, at.behind) else {
                at = Cursor {
                    instrument: InstrumentId(at.instrument.0 + (at.side == Side::Sell) as u32),
                    side: at.side.opposite(),
                    behind: None,
                };
                continue;
            };
            digest.u64(u64::from(level.orders()));
            digest.i64(level.price.0);
            digest.u64(level.volume().0);
            left = left.saturating_sub(1);
            for slot in level.slots(&self.arena).take(left as usize) {
                self.digest_order(slot, digest);
                left -= 1;
            }
            at.behind = Some(level.price);
        }
        at
    }
}
