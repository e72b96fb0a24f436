//! Refusals of the service as errors: each one's code, and what a person is told.

use std::time::Duration;

use hoga_protocol::{AccountName, ExchangeId, Limits, OrderId, RejectReason, Rejected, Symbol};
use hoga_service::clock::{describe, is_followed};
use hoga_service::decimal::{self, DecimalError};
use hoga_service::{
    ChangedLimit, Forbidden, Holder, InvalidPlace, InvalidTerms, OffGrid, Reject, RequestKind, Term,
};

use super::codes::{self, ErrorCode};
use super::error::ApiError;
use super::ids;

impl From<Reject> for ApiError {
    fn from(reject: Reject) -> Self {
        Self::from(&reject)
    }
}

impl From<&Reject> for ApiError {
    /// What a client is told of a refusal.
    fn from(reject: &Reject) -> Self {
        let (code, message) = match reject {
            Reject::Engine { rejected, exchange } => of_engine(rejected, *exchange),
            Reject::InvalidTerms(terms) => of_terms(*terms),
            Reject::OffGrid(off) => of_grid(off),
            Reject::Place(place) => of_place(place),
            Reject::TooManyRequests {
                of,
                kind,
                per_second,
                wait,
            } => return of_quota(*of, *kind, *per_second, *wait),
            Reject::Recovering => text(codes::RECOVERING, "the exchange is recovering; try again shortly"),
            Reject::ShuttingDown => text(
                codes::SHUTTING_DOWN,
                "the exchange is shutting down and takes no more commands",
            ),
            Reject::Busy => text(
                codes::BUSY,
                "the exchange has more commands waiting than it takes; nothing was sequenced, try again shortly",
            ),
            Reject::JournalFull { even_cancels, reason } => {
                let taken = match even_cancels {
                    false => "only cancels are taken",
                    true => "nothing is taken, not even cancels",
                };
                (codes::JOURNAL_FULL, format!("{taken}: {reason}"))
            }
            Reject::Forbidden(forbidden) => (codes::FORBIDDEN, of_forbidden(forbidden)),
            Reject::TooManyConnections { account, most } => (
                codes::TOO_MANY_OF_ACCOUNT,
                format!("account {account} has {most} WebSockets, and may have no more; close one"),
            ),
            Reject::TooManyAccounts { account, most } => {
                (codes::TOO_MANY_ACCOUNTS, of_opened_accounts(account, *most))
            }
            Reject::AccountsFull {
                account,
                for_operator,
            } => (codes::ACCOUNTS_FULL, of_all_accounts(account, *for_operator)),
            Reject::InstrumentsFull(most) => (
                codes::CAPACITY,
                format!("the exchange has {most} instruments, as many as it may"),
            ),
            Reject::UnknownSymbol(symbol) => (codes::UNKNOWN_SYMBOL, of_symbol(symbol)),
            Reject::UnknownOrder => text(codes::UNKNOWN_ORDER, UNKNOWN_ORDER),
            Reject::UnknownClientOrder(id) => (
                codes::UNKNOWN_ORDER,
                format!("this account has no order whose client_order_id is {id}"),
            ),
            Reject::OrderClosed(status) => (
                codes::ORDER_CLOSED,
                format!("the order is {status:?} and cannot be changed any more"),
            ),
            Reject::Lost => text(
                codes::INTERNAL,
                "the command left no trace; ask for the order's state before trying again",
            ),
            Reject::InvalidFees(why) => (codes::INVALID_FIELD, why.clone()),
            Reject::InvalidLimit(limit) => (codes::INVALID_FIELD, of_limit(limit)),
            Reject::ClockNotAhead { difference } => (codes::CLOCK_NOT_AHEAD, of_clock(*difference)),
            Reject::ClockBeingAccepted => text(
                codes::CLOCK_NOT_AHEAD,
                "the system's clock is being accepted already",
            ),
        };
        Self::new(code, message)
    }
}

/// Of an order that cannot be found, where its id is not known.
const UNKNOWN_ORDER: &str =
    "order_id: this account has no order of that id; it may be another account's, or closed long ago";

/// A code, and what a person is told.
type Told = (ErrorCode, String);

fn text(code: ErrorCode, message: &str) -> Told {
    (code, message.to_owned())
}

/// Of a symbol that no instrument has.
fn of_symbol(symbol: &Symbol) -> String {
    format!("symbol: there is no instrument {symbol}; GET /api/v1/instruments lists those there are")
}

/// Of an account that is not open, where the address has opened as many as it may.
fn of_opened_accounts(account: &AccountName, most: usize) -> String {
    format!(
        "the account {account} is not open, and your address has opened {most} since the exchange started, as many as it \
         may: trade under one that is open, or ask the operator to open it (hoga admin account-status {account} Active) or \
         to raise quotas.accounts_per_address"
    )
}

/// Of an account that is not open, where the exchange has as many as it may.
fn of_all_accounts(account: &AccountName, for_operator: bool) -> String {
    match for_operator {
        false => format!(
            "the account {account} is not open, and the exchange opens no more for clients: trade under one that is open, or \
             ask the operator to open it (hoga admin account-status {account} Active) or to raise max_accounts (hoga admin \
             limits)"
        ),
        true => format!(
            "the account {account} is not open, and the exchange has as many accounts as it may; raise max_accounts (hoga \
             admin limits)"
        ),
    }
}

fn of_place(place: &InvalidPlace) -> Told {
    match place {
        InvalidPlace::UnknownExecution { own } => (
            codes::UNKNOWN_EXECUTION,
            format!(
                "after: this {} has no execution of that id; leave it out to begin now",
                if *own { "account" } else { "exchange" }
            ),
        ),
        InvalidPlace::ExecutionTooOld { earliest } => {
            let instead = match earliest.as_deref() {
                Some((execution, exchange)) => {
                    let (sequence, index) = (execution.sequence, execution.index);
                    let id = ids::execution_uuid(*exchange, sequence, index, execution.role);
                    format!("the earliest is {id}")
                }
                None => "leave it out to begin now".to_owned(),
            };
            let message = format!("after: that execution is no longer in memory; {instead}");
            (codes::EXECUTION_TOO_OLD, message)
        }
        InvalidPlace::UnknownTrade(trade) => (
            codes::UNKNOWN_EXECUTION,
            format!("after: this exchange has had no trade {trade} yet; leave it out to begin now"),
        ),
        InvalidPlace::TradeTooOld { after, earliest } => (
            codes::EXECUTION_TOO_OLD,
            format!(
                "after: trades behind {after} are no longer in memory; the earliest to go on after is {earliest}"
            ),
        ),
        InvalidPlace::CursorTooOld => text(
            codes::EXECUTION_TOO_OLD,
            "cursor: what follows it is no longer in memory; leave it out to begin anew",
        ),
        InvalidPlace::SequenceToCome { after, last } => (
            codes::INVALID_PARAMETER,
            format!(
                "after: sequence {} is yet to come, the last is {}; is this the exchange you were connected to?",
                after.0, last.0
            ),
        ),
        InvalidPlace::SequenceTooOld { after, earliest } => (
            codes::SEQUENCE_TOO_OLD,
            format!(
                "after: updates that follow sequence {} are no longer in memory; the earliest to resume after is \
                 {}; read GET /api/v1/orders and connect without after",
                after.0, earliest.0
            ),
        ),
    }
}

fn of_forbidden(forbidden: &Forbidden) -> String {
    match forbidden {
        Forbidden::Permission { identity, needed } => {
            let names: Vec<&str> = needed.iter().map(|permission| permission.name()).collect();
            format!(
                "key {} has no permission {}, only {}; ask the operator for a key that has",
                identity.key,
                names.join(" or "),
                identity.permissions
            )
        }
        Forbidden::Account { identity, named } => format!(
            "key {} is of account {}, not of {named}; leave `account` out",
            identity.key, identity.account
        ),
    }
}

fn of_quota(of: Holder, kind: RequestKind, per_second: u32, wait: Duration) -> ApiError {
    let of = match of {
        Holder::Address => "address",
        Holder::Account => "account",
    };
    let kind = match kind {
        RequestKind::Orders => "orders and replaces",
        RequestKind::Cancels => "cancels",
        RequestKind::Queries => "queries",
    };
    let wait = wait.as_millis() + 1;
    let message =
        format!("your {of} may send {per_second} {kind} a second; nothing was done, try again in {wait} ms");
    let error = ApiError::new(codes::TOO_MANY_REQUESTS, message);
    // In whole seconds; only expensive queries lead to more than one.
    match wait {
        0..=1_000 => error,
        1_001..=5_000 => error.with_header("Retry-After", "5"),
        5_001..=20_000 => error.with_header("Retry-After", "20"),
        _ => error.with_header("Retry-After", "60"),
    }
}

fn of_limit(limit: &ChangedLimit) -> String {
    match limit {
        ChangedLimit::NotRaised {
            name,
            now,
            most,
            value,
        } => format!("{name}: it is {now} and may only be raised, to at most {most}, not set to {value}"),
        ChangedLimit::OpenOrders { most, value } => format!(
            "max_open_orders_per_account: must be from 1 to {most}, a twentieth of max_open_orders, not {value}; \
             account_limits gives a single account more"
        ),
        ChangedLimit::ClientIds(would_be) => format!(
            "client_ids_total: max_accounts × client_ids_per_account + client_ids_total + max_open_orders would be \
             {would_be}, and may be at most {}",
            Limits::MAX_CLIENT_IDS
        ),
    }
}

/// Of a system clock that is not accepted, since it is followed anyway, or behind.
fn of_clock(difference: i64) -> String {
    let apart = describe(difference);
    match is_followed(difference) {
        true => format!(
            "the system's clock is {apart} exchange time, and is followed already: there is nothing to accept"
        ),
        false => format!(
            "the system's clock is {apart} exchange time, which never runs backwards: set the clock right, or wait until it \
             has come so far"
        ),
    }
}

fn of_terms(terms: InvalidTerms) -> Told {
    let (code, message) = match terms {
        InvalidTerms::ValidUntilWithoutId => (
            codes::INVALID_VALID_UNTIL,
            "valid_until: only an order with a client_order_id can have it",
        ),
        InvalidTerms::ValidUntilPassed => (codes::EXPIRED_REQUEST, "valid_until: it has passed"),
        InvalidTerms::LimitWithoutPrice => (codes::MISSING_FIELD, "price: a Limit order needs it"),
        InvalidTerms::MarketWithPrice => (
            codes::INVALID_PRICE,
            "price: a Market order has none; leave it out, or send a Limit order with time_in_force IOC",
        ),
        InvalidTerms::MarketRests => (
            codes::INVALID_COMBINATION,
            "time_in_force: a Market order never rests, so it cannot be GTC; send IOC or FOK",
        ),
        InvalidTerms::PostOnlyDoesNotRest => (
            codes::INVALID_COMBINATION,
            "post_only: only a Limit order that is GTC can be post_only",
        ),
    };
    text(code, message)
}

fn of_grid(off: &OffGrid) -> Told {
    let OffGrid {
        value,
        symbol,
        step,
        most,
        ..
    } = *off;
    let (name, unit, highest, invalid, off_grid) = match off.term {
        Term::Price => ("price", "tick", "highest", codes::INVALID_PRICE, codes::OFF_TICK),
        Term::Quantity => (
            "quantity",
            "lot",
            "largest",
            codes::INVALID_QUANTITY,
            codes::OFF_LOT,
        ),
    };
    let text = value.as_str();
    let shown = |steps| decimal::text_of(steps, step);
    match off.error {
        None => (invalid, format!("{name}: must be greater than zero")),
        Some(DecimalError::OffGrid { below }) => {
            let nearest = match below {
                0 => format!("the lowest is {}", shown(1)),
                below if below >= most => format!("the highest is {}", shown(most)),
                below => format!("the nearest are {} and {}", shown(below), shown(below + 1)),
            };
            let message = format!(
                "{name}: {text} is not a multiple of the {unit} {} of {symbol}; {nearest}",
                shown(1)
            );
            (off_grid, message)
        }
        Some(DecimalError::TooLarge) => {
            let message = format!("{name}: {text} is too large; the {highest} is {}", shown(most));
            (invalid, message)
        }
        Some(error) => (invalid, format!("{name}: {text} {error}")),
    }
}

/// What a client is told when the engine refuses its command.
fn of_engine(rejected: &Rejected, exchange: ExchangeId) -> Told {
    let shown = |order: OrderId| ids::order_uuid(exchange, order).to_string();
    let order = rejected.order.map_or("unknown".to_owned(), shown);
    match rejected.reason {
        RejectReason::UnknownOrder => (
            codes::UNKNOWN_ORDER,
            format!(
                "order_id: this account has no order {order}; it may be another account's, or closed long ago"
            ),
        ),
        RejectReason::TooLate => (
            codes::TOO_LATE,
            format!(
                "quantity: order {order} has filled that much already; its total must be greater than its \
                 filled_quantity, or cancel what remains"
            ),
        ),
        RejectReason::ClientOrderIdReused => (
            codes::CLIENT_ORDER_ID_REUSED,
            format!(
                "client_order_id: it belongs to order {order}, whose terms differ; repeat an order with exactly the same \
                 fields, or choose a new id"
            ),
        ),
        reason => of_reason(reason),
    }
}

/// Refusals of the engine whose message names no order.
fn of_reason(reason: RejectReason) -> Told {
    let (code, message) = match reason {
        RejectReason::UnknownInstrument => (
            codes::UNKNOWN_SYMBOL,
            "symbol: no such instrument; GET /api/v1/instruments lists those there are",
        ),
        RejectReason::UnknownOrder => (codes::UNKNOWN_ORDER, UNKNOWN_ORDER),
        RejectReason::TableFull => (
            codes::ACCOUNTS_FULL,
            "account: the exchange has as many accounts as it may; trade under one that exists",
        ),
        RejectReason::Capacity => (
            codes::CAPACITY,
            "the exchange holds as many resting orders as it may; cancel some, or send orders that do not rest",
        ),
        RejectReason::InvalidPrice => (
            codes::PRICE_OUT_OF_RANGE,
            "price: the engine cannot take this price",
        ),
        RejectReason::QuantityTooSmall => (
            codes::QUANTITY_TOO_SMALL,
            "quantity: below the instrument's min_quantity, see GET /api/v1/instruments",
        ),
        RejectReason::QuantityTooLarge => (
            codes::QUANTITY_TOO_LARGE,
            "quantity: above the instrument's max_quantity, see GET /api/v1/instruments",
        ),
        RejectReason::NotionalTooSmall => (
            codes::NOTIONAL_TOO_SMALL,
            "price × quantity is below the instrument's min_notional, see GET /api/v1/instruments",
        ),
        RejectReason::InvalidCombination => (
            codes::INVALID_COMBINATION,
            "the terms do not go together: a Market order cannot be GTC, and post_only needs a Limit order that is GTC",
        ),
        RejectReason::PostOnlyWouldTrade => (
            codes::POST_ONLY_WOULD_TRADE,
            "post_only: at this price the order would trade at once; move the price away from the other side",
        ),
        RejectReason::ClientOrderIdReused => (
            codes::CLIENT_ORDER_ID_REUSED,
            "client_order_id: it belongs to another order; choose a new id",
        ),
        RejectReason::TooLate => (codes::TOO_LATE, "quantity: at or below what is filled already"),
        RejectReason::InstrumentClosed => (
            codes::INSTRUMENT_CLOSED,
            "symbol: the instrument takes cancels only; orders can be canceled, or reduced in place",
        ),
        RejectReason::AccountSuspended => (
            codes::ACCOUNT_SUSPENDED,
            "account: it is suspended; its orders can be canceled, or reduced in place",
        ),
        RejectReason::AccountLimit => (
            codes::ACCOUNT_LIMIT,
            "account: it has as many resting orders as its limit allows; cancel some, or send orders that do not rest",
        ),
        RejectReason::TooManyArmings => (
            codes::TOO_MANY_ARMINGS,
            "there are as many armings as there may be; disarm some that are no longer needed",
        ),
        RejectReason::UnknownArming => (codes::UNKNOWN_ARMING, "this account has no such arming"),
        // Of accounts nobody waits for the opening, so it is an instrument.
        RejectReason::AlreadyExists => (
            codes::ALREADY_EXISTS,
            "symbol: an instrument of this name is there already; see GET /api/v1/instruments",
        ),
        RejectReason::ExpiredRequest => (
            codes::EXPIRED_REQUEST,
            "valid_until: it has passed, or an id that was valid as long may have been forgotten; look for the order by \
             its client_order_id before you send it again",
        ),
        RejectReason::InvalidValidUntil => (
            codes::INVALID_VALID_UNTIL,
            "valid_until: at most 10 minutes ahead of the exchange's time (GET /api/v1/time), and only with a \
             client_order_id",
        ),
        // An account is opened before anything is sequenced on its behalf.
        RejectReason::OutOfPlace | RejectReason::UnknownAccount | RejectReason::InvalidSettings => (
            codes::INTERNAL,
            "the engine refused a command that the exchange should not have made; nothing was changed",
        ),
    };
    text(code, message)
}
