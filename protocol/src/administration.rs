//! What an exchange's operators may do while it runs. Each action stands in the journal with the name of who did it.

use core::fmt;

use crate::codec::{ADMINISTER_LEN, pack_administer, unpack_administer};
use crate::command::CancelAll;
use crate::ids::{AccountId, InstrumentId};
use crate::instrument::InstrumentSpec;
use crate::text::OperatorName;
use crate::units::FeeRate;

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
    /// [`u32::MAX`], which an account begins with, is no limit but the exchange's own.
    pub max_open_orders: u32,
}
