//! A check that every copy of the engine that applies one journal agrees.
//!
//! Each checkpoint answers with a digest of three things:
//!
//! - the digest of all events so far: it shows that two histories are one, at the very next checkpoint;
//! - counts and settings;
//! - the next slice of what is stored, at most [`SLICE`] items: a scrub, which finds memory that changed by itself. It
//!   goes on where the last one stopped, round and round: of each instrument the bids from the best down, the asks from
//!   the best up, then its settings; then of each account its name, what it may hold, and its closed client order ids, oldest
//!   first. Armings count by their number only.
//!
//! A digest of everything would stop trading while it walks over every order. That is made where nothing waits: by the
//! follower and by a recovery, of each snapshot.
//!
//! Where a slice stopped is a price and an order, or an account and an id, never a slot: an engine that was read from an
//! image has its orders in other slots. Where that order or id has left meanwhile, the rest of its level or account waits
//! for the next round, so that a level which never stands still holds nothing up.

use hoga_protocol::{
    AccountId, Checkpoint, Checkpointed, Command, Event, EventBody, InstrumentId, OrderId, Sequence, Side,
    StateCheck, Ticks,
};

use super::{Answer, Market, digest_closed};
use crate::client_ids::Entry;
use crate::digest::StateDigest;
use crate::emitter::Emitter;
use crate::slab::Slot;

/// The most levels, orders, instruments, accounts and closed client order ids that one checkpoint covers.
const SLICE: u32 = 16;

// A level is begun only where its first order has room too, or the walk would stand still.
const _: () = assert!(SLICE >= 2);

/// What checkpoints keep from one to the next.
#[derive(Clone, Copy)]
pub(crate) struct Checks {
    pub(crate) cursor: Cursor,
    /// The newest digest, and the checkpoint that asked for it.
    pub(crate) last: Option<StateCheck>,
}

/// Where the next slice begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cursor {
    /// In a book.
    Book(BookCursor),
    /// In the accounts: at the beginning of this one, or behind its closed id of this hash.
    Account(AccountId, Option<u64>),
}

/// Behind this order, or behind this price where the order is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BookCursor {
    pub(crate) instrument: InstrumentId,
    pub(crate) side: Side,
    pub(crate) price: Ticks,
    pub(crate) order: OrderId,
}

impl Checks {
    /// Before the first checkpoint.
    pub(crate) const NONE: Checks = Checks {
        cursor: Cursor::START,
        last: None,
    };

    pub(super) fn digest(&self, digest: &mut StateDigest) {
        match self.cursor {
            Cursor::Book(at) => {
                digest.u64(0);
                digest.u64(u64::from(at.instrument.0));
                digest.u64(at.side as u64);
                digest.i64(at.price.0);
                digest.u64(at.order.0);
            }
            Cursor::Account(account, behind) => {
                digest.u64(1);
                digest.u64(u64::from(account.0));
                digest.u64(u64::from(behind.is_some()));
                digest.u64(behind.unwrap_or_default());
            }
        }
        digest.u64(u64::from(self.last.is_some()));
        if let Some(last) = &self.last {
            digest.u64(last.sequence.0);
            digest.bytes(&last.digest);
        }
    }
}

impl Cursor {
    /// Before everything.
    pub(crate) const START: Cursor = Cursor::Book(BookCursor::start(InstrumentId(0), Side::Buy));
}

impl BookCursor {
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

impl Market {
    #[inline(never)]
    pub(super) fn checkpoint<E: FnMut(&Event)>(
        &mut self,
        sequence: Sequence,
        checkpoint: &Checkpoint,
        out: &mut Emitter<'_, E>,
    ) -> Answer {
        let agrees = checkpoint.previous == self.checks.last;
        let mut digest = StateDigest::new();
        digest.u64(sequence.0);
        digest.u64(out.timestamp().0);
        digest.bytes(&out.digest());
        self.digest_always(&mut digest);
        self.checks.cursor = self.digest_slice(&mut digest);
        let digest = digest.finish();
        self.checks.last = Some(StateCheck { sequence, digest });
        out.last(EventBody::Checkpointed(Checkpointed { digest, agrees }));
        Ok(())
    }

    /// The small things that every checkpoint covers.
    fn digest_always(&self, digest: &mut StateDigest) {
        digest.record(&Command::Genesis(self.settings));
        digest.limits(&self.limits);
        digest.u64(u64::from(self.rules.version()));
        self.checks.digest(digest);
        digest.u64(self.accounts.len() as u64);
        digest.u64(self.instruments.len() as u64);
        digest.u64(self.arena.orders.len() as u64);
        digest.u64(self.client_ids.closed_total());
        digest.u64(u64::from(self.armings.len()));
        digest.u64(self.armings.leapt().0);
    }

    /// The next slice. Returns where the one after it begins.
    fn digest_slice(&self, digest: &mut StateDigest) -> Cursor {
        let mut left = SLICE;
        let mut at = self.checks.cursor;
        loop {
            let next = match at {
                Cursor::Book(book) => self.digest_books(book, &mut left, digest),
                Cursor::Account(account, behind) => {
                    // One round is enough for any slice.
                    return self.digest_accounts(account, behind, &mut left, digest);
                }
            };
            match next {
                Some(book) => return Cursor::Book(book),
                None => at = Cursor::Account(AccountId(0), None),
            }
        }
    }

    /// Levels, orders and instruments, as many as there is room `left` for. `None` when the last instrument is through.
    fn digest_books(&self, from: BookCursor, left: &mut u32, digest: &mut StateDigest) -> Option<BookCursor> {
        let mut at = from;
        while *left > 1 {
            let instrument = self.instruments.get(at.instrument)?;
            let left_off = self.left_off(&at);
            let level = match left_off {
                Some(slot) => Some(&self.arena.levels[self.arena.orders[slot].level]),
                None => instrument.book.behind(&self.arena, at.side, at.price),
            };
            if let Some(level) = level {
                digest.level(&level.totals());
                *left -= 1;
                let next = match left_off {
                    Some(slot) => self.behind(slot),
                    None => level.front(),
                };
                at.price = level.price;
                at.order = self.digest_queue(next, left, digest);
                continue;
            }
            digest.u64(0);
            if at.side == Side::Buy {
                at = BookCursor::start(at.instrument, Side::Sell);
                continue;
            }
            digest.record(&Command::DefineInstrument(instrument.spec));
            digest.u64(instrument.status as u64);
            *left -= 1;
            at = BookCursor::start(InstrumentId(at.instrument.0 + 1), Side::Buy);
        }
        Some(at)
    }

    /// Accounts and their closed ids, as many as there is room `left` for.
    fn digest_accounts(
        &self,
        from: AccountId,
        behind: Option<u64>,
        left: &mut u32,
        digest: &mut StateDigest,
    ) -> Cursor {
        let (mut account, mut behind) = (from, behind);
        while *left > 1 && self.accounts.contains(account) {
            behind = match behind {
                None => {
                    self.digest_account(account, digest);
                    *left -= 1;
                    let ids = self.client_ids.closed(account).take(*left as usize);
                    Self::digest_ids(ids, left, digest)
                }
                Some(id) => Self::digest_ids(self.client_ids.closed_behind(account, id), left, digest),
            };
            if behind.is_none() {
                account.0 += 1;
            }
        }
        match self.accounts.contains(account) {
            true => Cursor::Account(account, behind),
            false => Cursor::START,
        }
    }

    fn digest_account(&self, account: AccountId, digest: &mut StateDigest) {
        digest.bytes(self.accounts.name(account).as_bytes());
        let standing = self.accounts.standing(account);
        digest.u64(standing.status as u64);
        digest.u64(u64::from(standing.max_open_orders));
        digest.u64(u64::from(self.accounts.open_orders(account)));
        digest.u64(u64::from(self.armings.count(account)));
        digest.u64(u64::from(self.client_ids.closed_count(account)));
        digest.u64(self.client_ids.forgotten_until(account).0);
    }

    /// As many closed ids as there is room `left` for. Returns the hash of the last of them where others may be behind it.
    fn digest_ids<'a>(
        ids: impl Iterator<Item = &'a Entry>,
        left: &mut u32,
        digest: &mut StateDigest,
    ) -> Option<u64> {
        for entry in ids {
            digest_closed(entry, digest);
            *left -= 1;
            if *left == 0 {
                return Some(entry.id);
            }
        }
        None
    }

    /// The order behind which the cursor stands, if it is still there.
    fn left_off(&self, at: &BookCursor) -> Option<Slot> {
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
