//! Why a request is refused.

use std::time::Duration;

use hoga_protocol::{
    AccountName, ClientOrderId, ExchangeId, InstrumentSpec, Lots, Rejected, Scaled, Sequence, Symbol, Ticks,
};
use hoga_views::{Execution, OrderStatus, Views};

use crate::access::{Identity, Permission, RequestKind};
use crate::decimal::{Decimal, DecimalError, parse_on_grid};

/// Why a request is refused. Nothing of it was sequenced then, save the opening of an account where the exchange had room
/// for that and for no more; a [`Rejected`] alone is the engine's answer to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reject {
    /// The exchange is recovering.
    Recovering,
    /// The exchange is shutting down.
    ShuttingDown,
    /// The input ring has no room for a command of this class; it may be sent again.
    Busy,
    /// The journal has no room.
    JournalFull {
        /// Whether even cancels are refused.
        even_cancels: bool,
        /// Why, in words for a person.
        reason: String,
    },
    /// The key may not do that.
    Forbidden(Forbidden),
    /// More requests than may be.
    TooManyRequests {
        /// Of whom.
        of: Holder,
        /// Of which kind.
        kind: RequestKind,
        /// How many may come in a second.
        per_second: u32,
        /// After how long it may be sent again.
        wait: Duration,
    },
    /// The account has as many connections as it may.
    TooManyConnections {
        /// Which account.
        account: AccountName,
        /// How many that are.
        most: usize,
    },
    /// The account is not open, and the caller's address has opened as many as it may.
    TooManyAccounts {
        /// The account.
        account: AccountName,
        /// How many an address may open.
        most: usize,
    },
    /// The account is not open, and the exchange has as many as it may.
    AccountsFull {
        /// The account.
        account: AccountName,
        /// Whether even operators open no more.
        for_operator: bool,
    },
    /// There are as many instruments as there may be, which is this many.
    InstrumentsFull(u32),
    /// There is no such instrument.
    UnknownSymbol(Symbol),
    /// The account has no such order; or nobody has, where it was not said whose it is.
    UnknownOrder,
    /// The account has no order of this client order id.
    UnknownClientOrder(ClientOrderId),
    /// The order works no more.
    OrderClosed(OrderStatus),
    /// The terms do not go together.
    InvalidTerms(InvalidTerms),
    /// The price or the quantity is none of the instrument's.
    OffGrid(OffGrid),
    /// The engine refused the command.
    Engine {
        /// Its answer.
        rejected: Rejected,
        /// The exchange, whose ids name the order that the answer is about.
        exchange: ExchangeId,
    },
    /// No event told what became of the command. The engine answers every command, so this means a defect.
    Lost,
    /// A list or stream cannot begin where was asked for.
    Place(InvalidPlace),
    /// The fees are none that an instrument can have; why, in words for a person.
    InvalidFees(String),
    /// A limit of the exchange cannot be set to that.
    InvalidLimit(ChangedLimit),
    /// The system's clock is `difference` nanoseconds ahead of exchange time (behind it where that is negative), and not to be
    /// accepted: it is followed anyway, or behind.
    ClockNotAhead {
        /// How far, in nanoseconds.
        difference: i64,
    },
    /// The system's clock is being accepted already.
    ClockBeingAccepted,
}

/// What a key is not good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forbidden {
    /// It has none of the permissions that are needed.
    Permission {
        /// Whose key.
        identity: Identity,
        /// One of these is needed.
        needed: &'static [Permission],
    },
    /// It is of another account than the request names.
    Account {
        /// Whose key.
        identity: Identity,
        /// The account that the request names.
        named: AccountName,
    },
}

/// Of whom a quota is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Of an address.
    Address,
    /// Of an account.
    Account,
}

/// Which terms of a new order do not go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidTerms {
    /// Only an order with a client order id can have a `valid_until`.
    ValidUntilWithoutId,
    /// `valid_until` has passed.
    ValidUntilPassed,
    /// A limit order needs a price.
    LimitWithoutPrice,
    /// A market order has no price.
    MarketWithPrice,
    /// A market order never rests.
    MarketRests,
    /// Only a limit order that rests can be post-only.
    PostOnlyDoesNotRest,
}

/// A price or quantity that an instrument does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffGrid {
    /// Which of the two.
    pub term: Term,
    /// What was asked for.
    pub value: Decimal,
    /// The instrument.
    pub symbol: Symbol,
    /// Its tick or lot.
    pub step: Scaled,
    /// The most steps there may be.
    pub most: u64,
    /// What is wrong; none when it is zero.
    pub error: Option<DecimalError>,
}

/// A price or a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// In ticks.
    Price,
    /// In lots.
    Quantity,
}

/// A place at which no list or stream can begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidPlace {
    /// There is no such execution, or none that the caller may see.
    UnknownExecution {
        /// Whether the caller sees those of its own account only.
        own: bool,
    },
    /// The execution is in memory no longer.
    ExecutionTooOld {
        /// The earliest that is, and its exchange, if the caller may be told of it.
        earliest: Option<Box<(Execution, ExchangeId)>>,
    },
    /// There has been no such trade yet.
    UnknownTrade(u64),
    /// What follows the trade is in memory no longer.
    TradeTooOld {
        /// The trade.
        after: u64,
        /// The earliest that can be gone on after.
        earliest: u64,
    },
    /// What follows the end of an earlier answer is in memory no longer.
    CursorTooOld,
    /// This sequence is yet to come.
    SequenceToCome {
        /// The sequence.
        after: Sequence,
        /// The exchange's last.
        last: Sequence,
    },
    /// The order updates that follow the sequence are in memory no longer.
    SequenceTooOld {
        /// The sequence.
        after: Sequence,
        /// The earliest that can be gone on after.
        earliest: Sequence,
    },
}

/// A limit of the exchange that cannot be set to what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangedLimit {
    /// It may only be raised.
    NotRaised {
        /// Its name.
        name: &'static str,
        /// What it is.
        now: u32,
        /// The most that it may be.
        most: u32,
        /// What was asked for.
        value: u32,
    },
    /// `max_open_orders_per_account` is from 1 to a twentieth of `max_open_orders`.
    OpenOrders {
        /// That twentieth.
        most: u32,
        /// What was asked for.
        value: u32,
    },
    /// There would be so many client order ids.
    ClientIds(u64),
}

impl Reject {
    /// The engine's answer, or what it would be.
    pub(crate) fn engine(rejected: Rejected, views: &Views) -> Self {
        let exchange = exchange(views);
        Self::Engine { rejected, exchange }
    }
}

/// The exchange that the views are of.
pub(crate) fn exchange(views: &Views) -> ExchangeId {
    let genesis = views.genesis();
    genesis.map(|genesis| genesis.exchange).unwrap_or_default()
}

impl OffGrid {
    /// The ticks of a price.
    ///
    /// # Errors
    /// [`Reject::OffGrid`] when it is zero, too large or no multiple of the tick.
    pub fn ticks(price: &Decimal, spec: &InstrumentSpec) -> Result<Ticks, Reject> {
        let most = Ticks::MAX.0.unsigned_abs();
        Self::steps(Term::Price, price, spec, spec.tick(), most).map(|steps| Ticks(steps as i64))
    }

    /// The lots of a quantity.
    ///
    /// # Errors
    /// [`Reject::OffGrid`] when it is zero, too large or no multiple of the lot.
    pub fn lots(quantity: &Decimal, spec: &InstrumentSpec) -> Result<Lots, Reject> {
        Self::steps(Term::Quantity, quantity, spec, spec.lot(), Lots::MAX.0).map(Lots)
    }

    fn steps(
        term: Term,
        value: &Decimal,
        spec: &InstrumentSpec,
        step: Scaled,
        most: u64,
    ) -> Result<u64, Reject> {
        let error = match parse_on_grid(value.as_str(), step) {
            Ok(0) => None,
            Ok(steps) if steps <= most => return Ok(steps),
            Ok(_) => Some(DecimalError::TooLarge),
            Err(error) => Some(error),
        };
        Err(Reject::OffGrid(Self {
            term,
            value: *value,
            symbol: spec.symbol(),
            step,
            most,
            error,
        }))
    }
}
