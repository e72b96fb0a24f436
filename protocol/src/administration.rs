//! What an exchange's operators may do while it runs. Each action stands in the journal with the name of who did it.

use core::fmt;

use crate::cancel::{CancelAll, CancelInstrument};
use crate::codec::{ADMINISTER_LEN, pack_administer, unpack_administer};
use crate::ids::{AccountId, InstrumentId};
use crate::instrument::InstrumentSpec;
use crate::text::OperatorName;
use crate::units::{FeeRate, Nanos};

/// Which orders an instrument takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum InstrumentStatus {
    /// All.
    #[default]
    Open = 0,
    /// None: orders are canceled, or changed so that they keep their place. None trades.
    CancelOnly = 1,
}

/// Which orders an account may send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum AccountStatus {
    /// All.
    #[default]
    Active = 0,
    /// None: its orders are canceled, or changed so that they keep their place. Those that rest may still trade.
    Suspended = 1,
}

/// An operator's doing, kept as the bytes that its record has: a name beside an instrument would make every command half as
/// large again, and every order is carried in one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Administer {
    bytes: [u8; ADMINISTER_LEN],
}

impl Administer {
    /// What `by` did.
    pub fn new(by: OperatorName, action: AdminAction) -> Self {
        Self {
            bytes: pack_administer(&by, &action),
        }
    }

    /// Who did it.
    pub fn by(&self) -> OperatorName {
        self.unpack().0
    }

    /// What.
    pub fn action(&self) -> AdminAction {
        self.unpack().1
    }

    fn unpack(&self) -> (OperatorName, AdminAction) {
        unpack_administer(&self.bytes).expect("the bytes were put together from a name and an action")
    }
}

impl fmt::Debug for Administer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (by, action) = self.unpack();
        let mut shown = f.debug_struct("Administer");
        shown.field("by", &by).field("action", &action).finish()
    }
}

/// What an operator can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdminAction {
    /// Adds an instrument under the next number.
    DefineInstrument(InstrumentSpec),
    /// Changes an instrument's fees. Fills from here on are charged the new rates, also those of orders that rest.
    SetFees(SetFees),
    /// Opens an instrument, or closes it to all but cancels.
    SetInstrumentStatus(SetInstrumentStatus),
    /// Suspends an account, or ends its suspension.
    SetAccountStatus(SetAccountStatus),
    /// Changes what an account may hold.
    SetAccountLimits(SetAccountLimits),
    /// Cancels orders on an account's behalf, as the account itself could.
    CancelAll(CancelAll),
    /// Cancels an instrument's orders, of all accounts.
    CancelInstrument(CancelInstrument),
    /// Changes limits of the whole exchange.
    SetLimits(SetLimits),
    /// Moves the exchange's time forward.
    AcceptClock(AcceptClock),
}

/// New limits of the whole exchange, all of them: a limit that is to stay is given as it is. Only the limit of an
/// account's open orders may be lowered: orders beyond it stay, and no other comes to rest before they have left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetLimits {
    /// As [`Limits::max_accounts`](crate::Limits::max_accounts), at most sixteen times what the exchange began with.
    pub max_accounts: u32,
    /// As [`Limits::max_open_orders_per_account`](crate::Limits::max_open_orders_per_account).
    pub max_open_orders_per_account: u32,
    /// As [`Limits::client_ids_total`](crate::Limits::client_ids_total).
    pub client_ids_total: u32,
}

/// A time that the exchange's time leaps to. Deadlines keep what remains of them: they move by as much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcceptClock {
    /// The new time, ahead of the exchange's and at most [`AcceptClock::MAX`].
    pub to: Nanos,
}

impl AcceptClock {
    /// The latest time that is taken: the end of the year 2261, so that nanoseconds since 1970 fit 63 bits.
    pub const MAX: Nanos = Nanos(9_214_646_400_000_000_000);
}

/// New fee rates of an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetFees {
    /// Of which instrument.
    pub instrument: InstrumentId,
    /// What the resting side pays, as in [`InstrumentSpec::maker_fee`].
    pub maker: FeeRate,
    /// What the aggressor pays, as in [`InstrumentSpec::taker_fee`].
    pub taker: FeeRate,
}

/// A new status of an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetInstrumentStatus {
    /// Of which instrument.
    pub instrument: InstrumentId,
    /// The status from here on.
    pub status: InstrumentStatus,
}

/// A new status of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetAccountStatus {
    /// Of which account.
    pub account: AccountId,
    /// The status from here on.
    pub status: AccountStatus,
}

/// New limits of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetAccountLimits {
    /// Of which account.
    pub account: AccountId,
    /// The most orders it may have in the books; orders beyond it stay, and no other comes to rest before they have left.
    /// [`u32::MAX`], which an account begins with, stands for the limit that the exchange gives every account.
    pub max_open_orders: u32,
}
