//! What the journal holds: every input that can change an outcome.

use crate::administration::Administer;
use crate::arming::{Arm, Disarm};
use crate::cancel::{CancelAll, CancelClientOrder, CancelOrder};
use crate::ids::{AccountId, ExchangeId, OrderId, Sequence};
use crate::instrument::InstrumentSpec;
use crate::order::NewOrder;
use crate::text::AccountName;
use crate::units::{Lots, MAX_OPEN_ORDERS, Ticks};

/// The first command of every journal: who this exchange is and how much it may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// The rules of matching that this journal was begun with.
    pub engine_version: u32,
    /// Random; part of every id.
    pub exchange: ExchangeId,
    /// Random; keys the hash tables whose keys clients choose.
    pub hash_key: [u64; 2],
    /// Bounds on state.
    pub limits: Limits,
}

/// Bounds on the engine's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most instruments.
    pub max_instruments: u32,
    /// Most accounts.
    pub max_accounts: u32,
    /// Most resting orders, at most [`MAX_OPEN_ORDERS`].
    pub max_open_orders: u32,
    /// Most resting orders of one account whose own limit no operator has set, at most `max_open_orders`.
    pub max_open_orders_per_account: u32,
    /// Most resting orders that one command trades with or cancels, besides the one that it changes, from
    /// [`Limits::MIN_TOUCHED`] to [`Limits::MAX_TOUCHED`]. What is left of an order at this bound is canceled.
    pub max_touched_orders: u32,
    /// How many client order ids of closed orders each account is sure to keep, whatever other accounts do.
    pub client_ids_per_account: u32,
    /// How many more are kept of all accounts together. When there are more, the account that keeps most loses its
    /// oldest one.
    pub client_ids_total: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_instruments: 10_000,
            max_accounts: 100_000,
            max_open_orders: 200_000,
            max_open_orders_per_account: 10_000,
            max_touched_orders: 1_000,
            client_ids_per_account: 32,
            client_ids_total: 1_000_000,
        }
    }
}

impl Limits {
    /// The least that [`max_touched_orders`](Self::max_touched_orders) may be.
    pub const MIN_TOUCHED: u32 = 1;
    /// The most that it may be: the output ring must have room for an event of each.
    pub const MAX_TOUCHED: u32 = 1 << 14;
    /// The most that [`max_accounts`](Self::max_accounts) may be.
    pub const MOST_ACCOUNTS: u32 = 1 << 24;
    /// The most client order ids that all limits together may ask for.
    pub const MAX_CLIENT_IDS: u64 = 1 << 28;

    /// The most resting orders that every account may be allowed: a twentieth of all, so that no few accounts fill the
    /// books. Operators can give a single account more.
    pub const fn most_per_account(max_open_orders: u32) -> u32 {
        match max_open_orders / 20 {
            0 => 1,
            most => most,
        }
    }

    /// How many client order ids may have to be kept at once: those of closed orders and of live ones.
    pub const fn most_client_ids(&self) -> u64 {
        self.max_accounts as u64 * self.client_ids_per_account as u64
            + self.client_ids_total as u64
            + self.max_open_orders as u64
    }

    /// Whether every bound is one that the engine can keep.
    pub const fn is_valid(&self) -> bool {
        self.max_open_orders >= 1
            && self.max_open_orders <= MAX_OPEN_ORDERS
            && self.max_instruments >= 1
            && self.max_instruments <= 1 << 20
            && self.max_accounts >= 1
            && self.max_accounts <= Self::MOST_ACCOUNTS
            && self.max_open_orders_per_account >= 1
            && self.max_open_orders_per_account <= self.max_open_orders
            && self.max_touched_orders >= Self::MIN_TOUCHED
            && self.max_touched_orders <= Self::MAX_TOUCHED
            && self.most_client_ids() <= Self::MAX_CLIENT_IDS
    }
}

/// Maps a name to the next account number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenAccount {
    /// The number, which must be the count of accounts so far.
    pub account: AccountId,
    /// The name, not yet taken.
    pub name: AccountName,
}

/// Changes a resting order in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplaceOrder {
    /// Whose order it must be.
    pub account: AccountId,
    /// Which order.
    pub order: OrderId,
    /// The new limit in ticks; `None` keeps it.
    pub price: Option<Ticks>,
    /// The new total in lots, filled part included; `None` keeps it.
    pub quantity: Option<Lots>,
}

/// A digest of a share of the engine's state, and the command after which it was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateCheck {
    /// The [`Checkpoint`] that asked for it.
    pub sequence: Sequence,
    /// The digest.
    pub digest: [u8; 16],
}

/// Asks for a digest of the next share of the engine's state, and tells what came of the last one.
///
/// The digest that the live matcher answers is journaled with the next checkpoint, so whoever applies the journal
/// again (a follower, a recovery, a replay on another machine) finds out at that place whether its own state was the
/// same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The answer of the live matcher to the checkpoint before this one; none if there was none.
    pub previous: Option<StateCheck>,
}

/// Raises the version of the engine's rules: every command after this one is carried out by the new ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineVersion {
    /// The new version, higher than the one in force.
    pub version: u32,
}

/// One journaled input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Begins an exchange.
    Genesis(Genesis),
    /// Adds an instrument under the next number.
    DefineInstrument(InstrumentSpec),
    /// Adds an account.
    OpenAccount(OpenAccount),
    /// A new order.
    NewOrder(NewOrder),
    /// A change of a resting order.
    ReplaceOrder(ReplaceOrder),
    /// A cancel.
    CancelOrder(CancelOrder),
    /// A cancel by client order id.
    CancelClientOrder(CancelClientOrder),
    /// A cancel of many.
    CancelAll(CancelAll),
    /// A check that every copy of the engine that applies this journal comes to the same state.
    Checkpoint(Checkpoint),
    /// A change of the rules.
    EngineVersion(EngineVersion),
    /// An account's orders are to be canceled when its session is lost, or at a deadline.
    Arm(Arm),
    /// The end of an arming.
    Disarm(Disarm),
    /// An operator's action.
    Administer(Administer),
}

/// Whether a command may add risk. What only takes risk off is let through for longer when room runs short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandClass {
    /// New orders, replaces and accounts: refused first.
    Adding,
    /// Cancels, armings, and the commands of the exchange and its operators: refused last.
    Reducing,
}

impl Command {
    /// Which class the command belongs to.
    pub const fn class(&self) -> CommandClass {
        match self {
            Command::OpenAccount(_) | Command::NewOrder(_) | Command::ReplaceOrder(_) => CommandClass::Adding,
            _ => CommandClass::Reducing,
        }
    }
}

// Every order is carried as a command, so what is seldom sent may not make them larger.
const _: () = assert!(core::mem::size_of::<Command>() <= 112);
