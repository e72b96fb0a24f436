//! The armings in force, by the sequence that names each, and how many every account has.

use hoga_protocol::{AccountId, Arm, ArmCause, Armed, Disarm, Nanos, RejectReason, Sequence};
use hoga_tables::{HashIndex, Segments};

use crate::queue::{Chained, Links, Queue};
use crate::slab::{GrowingSlab, Slot};

/// All armings, oldest first.
const ALL: usize = 0;

/// Every account may have [`Arm::PER_ACCOUNT`] of them, and all accounts together [`Arm::MAX_SHARED`] more. The tables grow
/// by one chunk at a time.
#[derive(Clone)]
pub(crate) struct Armings {
    entries: GrowingSlab<Entry>,
    index: HashIndex,
    all: Queue<ALL>,
    len: u32,
    accounts: Segments<Own>,
    /// How many there are beyond those that every account may have.
    shared: u32,
    /// By how much the exchange's time has leapt so far.
    leapt: Nanos,
}

/// An arming that is in force.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) armed: Armed,
    /// By how much time had leapt when it was made: a deadline moves by what was added since.
    pub(crate) leapt: Nanos,
    links: [Links; 1],
}

/// What one account has.
#[derive(Clone, Copy, Default)]
struct Own {
    count: u32,
    deadline: Option<Sequence>,
}

impl Entry {
    const VACANT: Entry = Entry {
        armed: Armed {
            account: AccountId(0),
            arming: Sequence(0),
            cause: ArmCause::Disconnect,
        },
        leapt: Nanos(0),
        links: [Links::NONE],
    };
}

impl Armings {
    pub(crate) fn new(max_accounts: u32) -> Self {
        let accounts = max_accounts as usize;
        let most = accounts * Arm::PER_ACCOUNT as usize + Arm::MAX_SHARED as usize;
        Self {
            entries: GrowingSlab::new(Entry::VACANT, most),
            index: HashIndex::with_max(most),
            all: Queue::EMPTY,
            len: 0,
            accounts: Segments::with_max(accounts),
            shared: 0,
            leapt: Nanos(0),
        }
    }

    /// An account was opened: the next number.
    pub(crate) fn add_account(&mut self) {
        self.accounts.push(Own::default());
    }

    /// By how much the exchange's time has leapt so far.
    pub(crate) const fn leapt(&self) -> Nanos {
        self.leapt
    }

    /// The exchange's time leaps by so much, and all deadlines with it.
    pub(crate) fn leap(&mut self, by: Nanos) {
        self.leapt.0 += by.0;
    }

    /// Adds an arming, whose name is greater than any before. Returns the deadline whose place it takes.
    pub(crate) fn arm(&mut self, armed: &Armed) -> Result<Option<Disarm>, RejectReason> {
        self.take_in(armed, self.leapt)
    }

    /// As [`arm`](Self::arm), with the leaps that had been when it was made.
    pub(crate) fn take_in(&mut self, armed: &Armed, leapt: Nanos) -> Result<Option<Disarm>, RejectReason> {
        let own = self.accounts[armed.account.0 as usize];
        let is_deadline = matches!(armed.cause, ArmCause::Deadline(_));
        let replaced = own.deadline.filter(|_| is_deadline).map(|arming| Disarm {
            account: armed.account,
            arming,
        });
        let shares = own.count >= Arm::PER_ACCOUNT;
        let is_full = own.count >= Arm::MAX_PER_ACCOUNT || shares && self.shared >= Arm::MAX_SHARED;
        match &replaced {
            None if is_full => return Err(RejectReason::TooManyArmings),
            None => {}
            Some(before) => self.disarm(before)?,
        }
        let own = &mut self.accounts[armed.account.0 as usize];
        self.shared += u32::from(own.count >= Arm::PER_ACCOUNT);
        own.count += 1;
        if is_deadline {
            own.deadline = Some(armed.arming);
        }
        let slot = self.entries.insert(Entry {
            armed: *armed,
            leapt,
            links: [Links::NONE],
        });
        self.all.push_back(&mut self.entries, slot);
        self.index.insert(hash(armed.arming), slot.index() as u32);
        self.len += 1;
        Ok(replaced)
    }

    /// Ends an arming of this account.
    pub(crate) fn disarm(&mut self, disarm: &Disarm) -> Result<(), RejectReason> {
        let is_it = |slot: u32| self.entries[Slot::at(slot)].armed.arming == disarm.arming;
        let found = self.index.find(hash(disarm.arming), is_it).map(Slot::at);
        let slot = found.filter(|&slot| self.entries[slot].armed.account == disarm.account);
        let slot = slot.ok_or(RejectReason::UnknownArming)?;
        self.all.unlink(&mut self.entries, slot);
        self.index.remove(hash(disarm.arming), slot.index() as u32);
        self.entries.remove(slot);
        self.len -= 1;
        let own = &mut self.accounts[disarm.account.0 as usize];
        own.count -= 1;
        self.shared -= u32::from(own.count >= Arm::PER_ACCOUNT);
        own.deadline = own.deadline.filter(|&deadline| deadline != disarm.arming);
        Ok(())
    }

    pub(crate) const fn len(&self) -> u32 {
        self.len
    }

    /// How many armings an account has.
    pub(crate) fn count(&self, account: AccountId) -> u32 {
        self.accounts[account.0 as usize].count
    }

    /// Oldest first, as they were made.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.all.iter(&self.entries)
    }

    /// Oldest first, each deadline as the time is now.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Armed> {
        self.entries().map(|entry| Armed {
            cause: match entry.armed.cause {
                ArmCause::Disconnect => ArmCause::Disconnect,
                ArmCause::Deadline(at) => {
                    let moved = self.leapt.0 - entry.leapt.0;
                    ArmCause::Deadline(Nanos(at.0.saturating_add(moved)))
                }
            },
            ..entry.armed
        })
    }

    /// The most entries that one command has moved from one place of the index to another.
    pub(crate) fn most_moved(&self) -> usize {
        self.index.most_moved()
    }
}

impl Chained<1> for Entry {
    fn links(&self) -> &[Links; 1] {
        &self.links
    }

    fn links_mut(&mut self) -> &mut [Links; 1] {
        &mut self.links
    }
}

/// Fibonacci hashing (Knuth, volume 3, §6.4), its good bits below. No client chooses sequences.
fn hash(arming: Sequence) -> u64 {
    arming.0.wrapping_mul(0x9e37_79b9_7f4a_7c15).swap_bytes()
}
