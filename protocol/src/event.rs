//! What the engine says: every command is answered by at least one event.

use crate::administration::{AccountStatus, InstrumentStatus};
use crate::arming::{ArmCause, Disarm};
use crate::command::{EngineVersion, Genesis, Limits};
use crate::ids::{AccountId, InstrumentId, OrderId, Sequence};
use crate::instrument::InstrumentSpec;
use crate::order::{NewOrder, Side};
use crate::reason::{CancelReason, RejectReason};
use crate::text::{AccountName, OperatorName};
use crate::units::{Fee, FeeRate, Lots, Nanos, Ticks};

/// One thing that a command did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// The command's sequence.
    pub sequence: Sequence,
    /// The exchange's time of the command; never less than an earlier command's.
    pub timestamp: Nanos,
    /// This event's place among the command's events, from 0.
    pub index: u32,
    /// Whether it is the command's last; only then is the command's outcome complete.
    pub last: bool,
    /// What happened.
    pub body: EventBody,
}

impl Event {
    /// The most events one command may have: an id on the wire gives the index 24 bits.
    pub const MAX_INDEX: u32 = (1 << 24) - 1;
}

// Every resting order can trade once against one command, and be told of.
const _: () = assert!(crate::units::MAX_OPEN_ORDERS < Event::MAX_INDEX - 2);

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventBody {
    /// The exchange began.
    Started(Genesis),
    /// An instrument was added.
    InstrumentDefined(InstrumentDefined),
    /// An account was added.
    AccountOpened(AccountOpened),
    /// A new order was accepted (FIX ExecType New). Its trades, its cancel or its rest follow.
    OrderAccepted(OrderAccepted),
    /// Two orders traded.
    Trade(Trade),
    /// An order left without filling: by request, or because it may not rest.
    OrderCanceled(OrderCanceled),
    /// A resting order changed.
    OrderReplaced(OrderReplaced),
    /// A `CancelAll` is through with its share.
    MassCancelDone(MassCancelDone),
    /// A new order carried a client order id that is known with the very same body: nothing was done.
    DuplicateOrder {
        /// The first order.
        order: OrderId,
    },
    /// The command was refused and changed nothing.
    Rejected(Rejected),
    /// A checkpoint's digest.
    Checkpointed(Checkpointed),
    /// The rules are of this version from here on.
    EngineVersionRaised(EngineVersion),
    /// An account is armed.
    Armed(Armed),
    /// An arming is over: by a `Disarm`, or because a later deadline takes its place.
    Disarmed(Disarm),
    /// An instrument's fees changed.
    FeesSet(FeesSet),
    /// An instrument was opened or closed.
    InstrumentStatusSet(InstrumentStatusSet),
    /// An account was suspended, or is so no longer.
    AccountStatusSet(AccountStatusSet),
    /// An account's limits changed.
    AccountLimitsSet(AccountLimitsSet),
    /// Orders of one instrument were canceled.
    InstrumentCanceled(InstrumentCanceled),
    /// Limits of the whole exchange changed.
    LimitsSet(LimitsSet),
    /// The exchange's time leapt forward.
    ClockAccepted(ClockAccepted),
}

/// An instrument and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstrumentDefined {
    /// Its number.
    pub instrument: InstrumentId,
    /// What it is.
    pub spec: InstrumentSpec,
}

/// An account and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountOpened {
    /// Its number.
    pub account: AccountId,
    /// Its name.
    pub name: AccountName,
}

/// An accepted order; its id is the event's sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderAccepted {
    /// The order's id, equal to the event's sequence.
    pub order: OrderId,
    /// As it was asked for.
    pub request: NewOrder,
}

/// One side of a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TradeSide {
    /// The order that traded.
    pub order: OrderId,
    /// Its account.
    pub account: AccountId,
    /// What remains of it after this trade, in lots; zero means filled.
    pub leaves: Lots,
    /// What this fill is charged, in quote units.
    pub fee: Fee,
}

/// A trade, at the resting order's price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// The instrument.
    pub instrument: InstrumentId,
    /// The aggressor's side; the resting order has the other one.
    pub aggressor_side: Side,
    /// The resting order's price, in ticks.
    pub price: Ticks,
    /// How much, in lots; never zero.
    pub quantity: Lots,
    /// The order that came in. Pays the taker fee.
    pub aggressor: TradeSide,
    /// The order that was in the book. Pays the maker fee.
    pub resting: TradeSide,
}

/// An order that left without filling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderCanceled {
    /// The order.
    pub order: OrderId,
    /// Its account.
    pub account: AccountId,
    /// Its instrument.
    pub instrument: InstrumentId,
    /// What was canceled, in lots.
    pub canceled: Lots,
    /// Whether it rested in the book until now.
    pub was_resting: bool,
    /// Why.
    pub reason: CancelReason,
}

/// A resting order's new terms. If it now trades, its trades follow, with it as the aggressor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderReplaced {
    /// The order, under its old id.
    pub order: OrderId,
    /// Its account.
    pub account: AccountId,
    /// Its instrument.
    pub instrument: InstrumentId,
    /// Its limit now, in ticks.
    pub price: Ticks,
    /// Its total now, in lots.
    pub quantity: Lots,
    /// What remains of it now, in lots, before any trade that follows.
    pub leaves: Lots,
    /// Whether it kept its place in the queue.
    pub priority_kept: bool,
}

/// The end of one `CancelAll`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MassCancelDone {
    /// Whose orders.
    pub account: AccountId,
    /// How many this command canceled.
    pub canceled: u32,
    /// Whether some are left that another command must cancel.
    pub more: bool,
}

/// What a [`Checkpoint`](crate::Checkpoint) came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpointed {
    /// The digest of this share of the state.
    pub digest: [u8; 16],
    /// Whether the command named this engine's own answer to the checkpoint before. If not, the state of this engine
    /// and that of the live matcher were not the same, and neither may be believed.
    pub agrees: bool,
}

/// An arming that is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Armed {
    /// Whose orders are to be canceled.
    pub account: AccountId,
    /// The sequence of the [`Arm`](crate::Arm) that made it.
    pub arming: Sequence,
    /// When.
    pub cause: ArmCause,
}

/// An instrument's new fees, in force from the next command on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeesSet {
    /// Who set them.
    pub by: OperatorName,
    /// Of which instrument.
    pub instrument: InstrumentId,
    /// What the resting side pays.
    pub maker: FeeRate,
    /// What the aggressor pays.
    pub taker: FeeRate,
}

/// An instrument's status, which may be the one it had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstrumentStatusSet {
    /// Who set it.
    pub by: OperatorName,
    /// Of which instrument.
    pub instrument: InstrumentId,
    /// The status now.
    pub status: InstrumentStatus,
}

/// An account's status, which may be the one it had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountStatusSet {
    /// Who set it.
    pub by: OperatorName,
    /// Of which account.
    pub account: AccountId,
    /// The status now.
    pub status: AccountStatus,
}

/// An account's limits, which may be those it had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountLimitsSet {
    /// Who set them.
    pub by: OperatorName,
    /// Of which account.
    pub account: AccountId,
    /// The most orders it may have in the books.
    pub max_open_orders: u32,
}

/// The end of one [`CancelInstrument`](crate::CancelInstrument).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstrumentCanceled {
    /// Who asked for it.
    pub by: OperatorName,
    /// Of which instrument.
    pub instrument: InstrumentId,
    /// How many orders this command canceled.
    pub canceled: u32,
    /// Whether some are left that another command must cancel.
    pub more: bool,
}

/// The limits that an operator set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitsSet {
    /// Who set them.
    pub by: OperatorName,
    /// All limits, as they are from here on.
    pub limits: Limits,
}

/// A leap of the exchange's time. The event's own timestamp is the new time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockAccepted {
    /// Who asked for it.
    pub by: OperatorName,
    /// The time before.
    pub from: Nanos,
    /// The time now.
    pub to: Nanos,
}

/// A refused command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Why.
    pub reason: RejectReason,
    /// The order that the refusal is about: the one named by the command, or the one that has the client order id.
    pub order: Option<OrderId>,
}

// A ring slot holds an event in three cache lines.
const _: () = assert!(core::mem::size_of::<Event>() <= 192);
