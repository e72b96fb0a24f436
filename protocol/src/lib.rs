//! The words that cross a ring: units, ids, [`Command`], [`Event`] and their fixed binary codec.
//!
//! Everything here is plain data. Prices are whole ticks, quantities whole lots, money whole quote units; a float
//! never appears. A `Command` goes gateway → journal → engine; an `Event` goes engine → views and gateway.
#![no_std]

extern crate alloc;

mod units;

mod ids;

mod text;

mod decimal;

mod instrument;

mod order;

mod arming;

mod administration;

mod cancel;

mod command;

mod reason;

mod event;

mod terms;

pub mod codec;

pub use administration::{
    AcceptClock, AccountStatus, AdminAction, Administer, InstrumentStatus, SetAccountLimits,
    SetAccountStatus, SetFees, SetInstrumentStatus, SetLimits,
};
pub use arming::{Arm, ArmCause, Disarm};
pub use cancel::{CancelAll, CancelClientOrder, CancelInstrument, CancelOrder};
pub use command::{
    Checkpoint, Command, CommandClass, EngineVersion, Genesis, Limits, OpenAccount, ReplaceOrder, StateCheck,
};
pub use decimal::{DecimalText, Scaled};
pub use event::{
    AccountLimitsSet, AccountOpened, AccountStatusSet, Armed, Checkpointed, ClockAccepted, Event, EventBody,
    FeesSet, InstrumentCanceled, InstrumentDefined, InstrumentStatusSet, LimitsSet, MassCancelDone,
    OrderAccepted, OrderCanceled, OrderReplaced, Rejected, Trade, TradeSide,
};
pub use ids::{AccountId, ExchangeId, InstrumentId, OrderId, Sequence, SigningKeyId};
pub use instrument::{InstrumentError, InstrumentSpec};
pub use order::{NewOrder, OrderType, Side, TimeInForce};
pub use reason::{CancelReason, RejectReason};
pub use terms::{check_notional, check_price, check_quantity};
pub use text::{AccountName, AsciiText, ClientOrderId, OperatorName, Symbol, TextError};
pub use units::{Fee, FeeAccrual, FeeRate, Lots, MAX_OPEN_ORDERS, Nanos, Notional, Ticks};
