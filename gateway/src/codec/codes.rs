//! Every error code of the wire, in one table; `docs/wire-protocol.md` carries the same rows, and a test compares them.

/// A stable code and the HTTP status that goes with it; [`ALL`] lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorCode {
    /// The HTTP status.
    pub status: u16,
    /// The code: lower case, words joined by underscores; never changes its meaning.
    pub code: &'static str,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $status:literal $code:literal;)*) => {
        $($(#[$doc])* pub const $name: ErrorCode = ErrorCode { status: $status, code: $code };)*
        /// All of them.
        pub const ALL: &[ErrorCode] = &[$($name),*];
    };
}

codes! {
    /// The bytes are not an HTTP request: request line, a line's end, a header, an obsolete line folding, two
    /// lengths, a `Host` that is none.
    BAD_HTTP = 400 "bad_http";
    /// An HTTP/1.1 request without `Host`.
    MISSING_HOST = 400 "missing_host";
    /// A body sent in chunks; only `Content-Length` is understood.
    LENGTH_REQUIRED = 411 "length_required";
    /// The body is longer than the limit.
    BODY_TOO_LARGE = 413 "body_too_large";
    /// The request line is longer than the limit.
    TARGET_TOO_LONG = 414 "target_too_long";
    /// An `Expect` other than `100-continue`.
    EXPECTATION_FAILED = 417 "expectation_failed";
    /// The headers are longer or more than the limit.
    HEADERS_TOO_LARGE = 431 "headers_too_large";
    /// A transfer coding other than chunked.
    UNSUPPORTED_TRANSFER_ENCODING = 501 "unsupported_transfer_encoding";
    /// A version other than HTTP/1.0 and HTTP/1.1.
    UNSUPPORTED_HTTP_VERSION = 505 "unsupported_http_version";
    /// The request was not complete in time.
    REQUEST_TIMEOUT = 408 "request_timeout";

    /// No such path.
    NOT_FOUND = 404 "not_found";
    /// The path is there, but not for this method.
    METHOD_NOT_ALLOWED = 405 "method_not_allowed";
    /// A query parameter that this path does not have.
    UNKNOWN_PARAMETER = 400 "unknown_parameter";
    /// A query parameter or path segment with a value it cannot have, or given twice.
    INVALID_PARAMETER = 400 "invalid_parameter";

    /// A WebSocket path asked for without an upgrade, or with another version than 13.
    UPGRADE_REQUIRED = 426 "upgrade_required";
    /// A WebSocket handshake with a field that is missing or malformed.
    BAD_HANDSHAKE = 400 "bad_handshake";
    /// A page of another origin tried a private path.
    FOREIGN_ORIGIN = 403 "foreign_origin";
    /// No credentials where they are needed, malformed ones, or a key that was revoked or has expired.
    UNAUTHENTICATED = 401 "unauthenticated";
    /// The signature is not one of this request by this key, or there is no such key.
    BAD_SIGNATURE = 401 "bad_signature";
    /// The request was signed too long ago, or with a time too far ahead.
    STALE_TIMESTAMP = 401 "stale_timestamp";
    /// The very same signature was accepted before.
    REPLAYED = 401 "replayed";
    /// The system's clock is not ahead of exchange time by more than is followed anyway.
    CLOCK_NOT_AHEAD = 409 "clock_not_ahead";
    /// The key has no permission for this.
    FORBIDDEN = 403 "forbidden";
    /// The `Host` is not one that this exchange answers to.
    UNKNOWN_HOST = 403 "unknown_host";

    /// The body or message is not JSON, not UTF-8, or not one object.
    INVALID_JSON = 400 "invalid_json";
    /// A binary message that cannot be read as MessagePack or Protocol Buffers.
    INVALID_MESSAGE = 400 "invalid_message";
    /// A field that the request does not have.
    UNKNOWN_FIELD = 400 "unknown_field";
    /// A field given twice.
    DUPLICATE_FIELD = 400 "duplicate_field";
    /// A field that must be there is not.
    MISSING_FIELD = 400 "missing_field";
    /// A field of the wrong type or with a value it cannot have.
    INVALID_FIELD = 400 "invalid_field";
    /// The price is not a plain decimal, zero, negative, too large, or given for a market order.
    INVALID_PRICE = 400 "invalid_price";
    /// The price is not a multiple of the tick.
    OFF_TICK = 400 "off_tick";
    /// The quantity is not a plain decimal, zero, negative or too large.
    INVALID_QUANTITY = 400 "invalid_quantity";
    /// The quantity is not a multiple of the lot.
    OFF_LOT = 400 "off_lot";

    /// No such instrument.
    UNKNOWN_SYMBOL = 404 "unknown_symbol";
    /// No such order of this account, or closed so long ago that it is forgotten.
    UNKNOWN_ORDER = 404 "unknown_order";
    /// `after` names no execution of this exchange.
    UNKNOWN_EXECUTION = 404 "unknown_execution";
    /// `after` names an execution that is no longer in memory.
    EXECUTION_TOO_OLD = 410 "execution_too_old";
    /// `after` names a sequence whose following order updates are no longer in memory.
    SEQUENCE_TOO_OLD = 410 "sequence_too_old";

    /// An instrument of this name is there already.
    ALREADY_EXISTS = 409 "already_exists";
    /// The client order id belongs to an order with another body.
    CLIENT_ORDER_ID_REUSED = 409 "client_order_id_reused";
    /// The order is filled, canceled or expired.
    ORDER_CLOSED = 409 "order_closed";
    /// The new quantity is at or below what is filled.
    TOO_LATE = 409 "too_late";

    /// The terms do not go together.
    INVALID_COMBINATION = 422 "invalid_combination";
    /// The engine refused the price.
    PRICE_OUT_OF_RANGE = 422 "price_out_of_range";
    /// The quantity is below the instrument's minimum.
    QUANTITY_TOO_SMALL = 422 "quantity_too_small";
    /// The quantity is above the instrument's maximum.
    QUANTITY_TOO_LARGE = 422 "quantity_too_large";
    /// Price × quantity is below the instrument's minimum.
    NOTIONAL_TOO_SMALL = 422 "notional_too_small";
    /// Post-only, and it would trade.
    POST_ONLY_WOULD_TRADE = 422 "post_only_would_trade";
    /// The exchange holds as many resting orders as it may.
    CAPACITY = 422 "capacity";
    /// The instrument takes cancels only.
    INSTRUMENT_CLOSED = 422 "instrument_closed";
    /// The account is suspended: it may cancel only.
    ACCOUNT_SUSPENDED = 403 "account_suspended";
    /// The account has as many resting orders as its own limit allows.
    ACCOUNT_LIMIT = 422 "account_limit";
    /// The account, or all accounts together, have as many armings as there may be.
    TOO_MANY_ARMINGS = 422 "too_many_armings";
    /// The account has no such arming.
    UNKNOWN_ARMING = 404 "unknown_arming";
    /// The exchange's time is past `valid_until`, or an id that was valid as long may have been forgotten.
    EXPIRED_REQUEST = 409 "expired_request";
    /// `valid_until` is too far ahead, or given without a client order id.
    INVALID_VALID_UNTIL = 422 "invalid_valid_until";
    /// The exchange has as many accounts as it may.
    ACCOUNTS_FULL = 422 "accounts_full";

    /// More requests than the exchange takes from this account or address in a second, or can remember.
    TOO_MANY_REQUESTS = 429 "too_many_requests";
    /// Too many connections of one address.
    TOO_MANY_FROM_ADDRESS = 429 "too_many_from_address";
    /// The address has opened as many accounts as it may.
    TOO_MANY_ACCOUNTS = 429 "too_many_accounts";
    /// Too many WebSockets of one account.
    TOO_MANY_OF_ACCOUNT = 429 "too_many_of_account";
    /// Too many connections.
    TOO_MANY_CONNECTIONS = 503 "too_many_connections";
    /// The input ring is nearly full; nothing was sequenced.
    BUSY = 503 "busy";
    /// The journal has no room; only what reduces risk is taken.
    JOURNAL_FULL = 503 "journal_full";
    /// The exchange is still recovering its journal.
    RECOVERING = 503 "recovering";
    /// The exchange is shutting down.
    SHUTTING_DOWN = 503 "shutting_down";
    /// The exchange met something it did not expect.
    INTERNAL = 500 "internal";
}
