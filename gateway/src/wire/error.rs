//! An error as the wire shows it: a status, a stable code, and a message for a person.

use hoga_protocol::{Nanos, RejectReason, Rejected, Symbol};
use hoga_views::Views;

use super::codes::{self, ErrorCode};
use super::ids;

/// What a client is told when something is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// The stable code.
    pub code: &'static str,
    /// What is wrong, where, and what to do.
    pub message: String,
    /// A response header that the status calls for: `Allow`, `Retry-After`, `Sec-WebSocket-Version`, `WWW-Authenticate`.
    pub header: Option<(&'static str, &'static str)>,
    /// Exchange time, where the client's time is what is wrong: shown in the header `Exchange-Time`.
    pub time: Option<Nanos>,
}

impl ApiError {
    /// An error of `code` that says `message`.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let header = match code {
            codes::BUSY
            | codes::RECOVERING
            | codes::TOO_MANY_REQUESTS
            | codes::TOO_MANY_FROM_ADDRESS
            | codes::TOO_MANY_OF_ACCOUNT => Some(("Retry-After", "1")),
            // RFC 9110 §15.5.2: a 401 names a way to authenticate.
            codes::UNAUTHENTICATED | codes::BAD_SIGNATURE | codes::STALE_TIMESTAMP | codes::REPLAYED => {
                Some(("WWW-Authenticate", "Hoga"))
            }
            codes::UPGRADE_REQUIRED => Some(("Sec-WebSocket-Version", "13")),
            _ => None,
        };
        Self {
            status: code.status,
            code: code.code,
            message: message.into(),
            header,
            time: None,
        }
    }

    /// The same error, which shows exchange time so that the client can correct its own.
    pub(crate) fn with_time(mut self, time: Nanos) -> Self {
        self.time = Some(time);
        self
    }

    /// The same error with a response header that its status calls for.
    pub(crate) fn with_header(mut self, name: &'static str, value: &'static str) -> Self {
        self.header = Some((name, value));
        self
    }

    /// Whether the error is of `code`.
    pub fn is(&self, code: ErrorCode) -> bool {
        self.code == code.code
    }

    /// No instrument has this name.
    pub fn unknown_symbol(symbol: &Symbol) -> Self {
        let message =
            format!("symbol: there is no instrument {symbol}; GET /api/v1/instruments lists those there are");
        Self::new(codes::UNKNOWN_SYMBOL, message)
    }

    /// The account has no order of this id, or had one so long ago that it is forgotten.
    pub fn unknown_order(order_id: &str) -> Self {
        let message = format!(
            "order_id: this account has no order {}; it may be another account's, or closed long ago",
            excerpt(order_id)
        );
        Self::new(codes::UNKNOWN_ORDER, message)
    }

    /// What a client is told when the engine refuses its command. `views` are those after the refusal's event.
    pub fn from_reject(rejected: &Rejected, views: &Views) -> Self {
        let id = rejected
            .order
            .map(|order| ids::order_uuid(ids::exchange(views), order).to_string());
        let order = id.as_deref().unwrap_or("unknown");
        match rejected.reason {
            RejectReason::UnknownOrder => Self::unknown_order(order),
            RejectReason::TooLate => Self::new(
                codes::TOO_LATE,
                format!(
                    "quantity: order {order} has filled that much already; its total must be greater than \
                     its filled_quantity, or cancel what remains"
                ),
            ),
            RejectReason::ClientOrderIdReused => Self::new(
                codes::CLIENT_ORDER_ID_REUSED,
                format!(
                    "client_order_id: it belongs to order {order}, whose terms differ; repeat an order with \
                     exactly the same fields, or choose a new id"
                ),
            ),
            reason => {
                let (code, message) = plain(reason);
                Self::new(code, message)
            }
        }
    }
}

/// Refusals whose message names no order.
fn plain(reason: RejectReason) -> (ErrorCode, &'static str) {
    match reason {
        RejectReason::UnknownInstrument => (
            codes::UNKNOWN_SYMBOL,
            "symbol: no such instrument; GET /api/v1/instruments lists those there are",
        ),
        RejectReason::UnknownOrder => (
            codes::UNKNOWN_ORDER,
            "this account has no such order that still works",
        ),
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
    }
}

/// The most characters that a message quotes.
const EXCERPT: usize = 64;

/// A name that a client sent, for the beginning of a message: as it is where it could be a name of ours, else quoted.
pub(crate) fn label(name: &str) -> String {
    const LONGEST: usize = 32;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    match !name.is_empty() && name.len() <= LONGEST && name.bytes().all(plain) {
        true => name.to_owned(),
        false => excerpt(name),
    }
}

/// At most 64 characters of what a client sent, quoted for a message.
pub(crate) fn excerpt(text: &str) -> String {
    match text.char_indices().nth(EXCERPT) {
        Some((at, _)) => format!("{:?}…", &text[..at]),
        None => format!("{text:?}"),
    }
}

/// At most 64 characters of a JSON value that a client sent, as it was sent.
pub(crate) fn excerpt_json(raw: &str) -> String {
    match raw.char_indices().nth(EXCERPT) {
        Some((at, _)) => format!("{}…", &raw[..at]),
        None => raw.to_owned(),
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}): {}", self.code, self.status, self.message)
    }
}

impl std::error::Error for ApiError {}
