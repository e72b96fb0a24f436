//! Every error code of the wire, in one table, from which that of `docs/wire-protocol.md` is written.

/// A stable code and the HTTP status that goes with it; [`ALL`] lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorCode {
    /// The HTTP status.
    pub status: u16,
    /// The code: lower case, words joined by underscores; never changes its meaning.
    pub code: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

macro_rules! codes {
    ($($name:ident = $status:literal $code:literal $meaning:literal $remedy:literal;)*) => {
        $(
            #[doc = $meaning]
            pub const $name: ErrorCode = ErrorCode {
                status: $status,
                code: $code,
                meaning: $meaning,
                remedy: $remedy,
            };
        )*
        /// All of them, by status.
        pub const ALL: &[ErrorCode] = &[$($name),*];
    };
}

codes! {
    BAD_HTTP = 400 "bad_http"
        "The bytes are not a well-formed HTTP/1 request, or could be read in two ways"
        "Repair the client or proxy; the message says where";
    MISSING_HOST = 400 "missing_host"
        "An HTTP/1.1 request without `Host`"
        "Send it";
    INVALID_JSON = 400 "invalid_json"
        "The body or message is not UTF-8, not JSON, or not one object"
        "Send one JSON object; the message gives line and column";
    INVALID_MESSAGE = 400 "invalid_message"
        "A binary message that cannot be read as MessagePack or Protocol Buffers: cut short, too long, or not one map or `Request`"
        "Send one message of the agreed format; see [Binary formats](#binary-formats)";
    UNKNOWN_FIELD = 400 "unknown_field"
        "A field that this request does not have"
        "Remove or correct it; the message lists those there are";
    DUPLICATE_FIELD = 400 "duplicate_field"
        "A field given twice"
        "Send it once";
    MISSING_FIELD = 400 "missing_field"
        "A field that must be there is not"
        "Send it";
    INVALID_FIELD = 400 "invalid_field"
        "A field of the wrong type, or with a value it cannot have"
        "Send one of the values that the message names";
    INVALID_PRICE = 400 "invalid_price"
        "The price is not a plain decimal, is zero, negative or too large, or belongs to a market order"
        "Write all digits out, without exponent or sign";
    OFF_TICK = 400 "off_tick"
        "The price is not a multiple of the tick"
        "Use one of the two prices that the message names";
    INVALID_QUANTITY = 400 "invalid_quantity"
        "The quantity is not a plain decimal, is zero, negative or too large"
        "Write all digits out, without exponent or sign";
    OFF_LOT = 400 "off_lot"
        "The quantity is not a multiple of the lot"
        "Use one of the two quantities that the message names";
    UNKNOWN_PARAMETER = 400 "unknown_parameter"
        "A query parameter that this path does not have"
        "Remove or correct it; the message lists those there are";
    INVALID_PARAMETER = 400 "invalid_parameter"
        "A query parameter or path segment with a value it cannot have, or given twice"
        "Send what the message names";
    BAD_HANDSHAKE = 400 "bad_handshake"
        "A WebSocket handshake with a header that is missing or malformed"
        "Repair the client or proxy; the message names the header";
    UNAUTHENTICATED = 401 "unauthenticated"
        "No credentials where they are needed, malformed ones, or those of a key that was revoked or has expired"
        "See [Authentication](#authentication); the message names the part, or the time";
    BAD_SIGNATURE = 401 "bad_signature"
        "The signature is not one of this request by this key, or there is no such key"
        "Compare the bytes you sign with those of [Authentication](#authentication)";
    STALE_TIMESTAMP = 401 "stale_timestamp"
        "Signed too long ago, or with a time too far ahead"
        "Set your clock, or correct it by the header `Exchange-Time` or `GET /api/v1/time`; the message has exchange time, too";
    REPLAYED = 401 "replayed"
        "This very signature was accepted before"
        "Sign each request anew";
    FORBIDDEN = 403 "forbidden"
        "The key has no permission for this; or administration without a key from another machine, or through a proxy"
        "Ask the operator for a key that has; administer from the exchange's own machine";
    FOREIGN_ORIGIN = 403 "foreign_origin"
        "A web page of another origin tried to reach orders"
        "Add its origin to `allowed_origins`";
    ACCOUNT_SUSPENDED = 403 "account_suspended"
        "The account is suspended by the exchange"
        "Cancel, or reduce in place; ask the operator";
    UNKNOWN_HOST = 403 "unknown_host"
        "Orders were asked for under a host name that is not the exchange's"
        "Add the name to `allowed_hosts`";
    NOT_FOUND = 404 "not_found"
        "There is nothing at this path"
        "See this document";
    UNKNOWN_SYMBOL = 404 "unknown_symbol"
        "No such instrument"
        "See `GET /api/v1/instruments`";
    UNKNOWN_ORDER = 404 "unknown_order"
        "No such order of this account, or closed so long ago that it is forgotten"
        "Check the id and the account";
    UNKNOWN_ARMING = 404 "unknown_arming"
        "The account has no such arming; it may have been disarmed"
        "Nothing is left to disarm";
    UNKNOWN_EXECUTION = 404 "unknown_execution"
        "`after` is not the id of an execution of this exchange, or of a trade that it has had"
        "Connect without `after`";
    METHOD_NOT_ALLOWED = 405 "method_not_allowed"
        "The path does not take this method"
        "Use one of those in the `Allow` header";
    REQUEST_TIMEOUT = 408 "request_timeout"
        "The request was not complete in time"
        "Send it again, faster";
    CLOCK_NOT_AHEAD = 409 "clock_not_ahead"
        "The system's clock is behind exchange time, or followed already"
        "Nothing is to be accepted; see [Time](operations.md#time)";
    ALREADY_EXISTS = 409 "already_exists"
        "An instrument of this name is there already"
        "Change its fees or status, or choose another name";
    CLIENT_ORDER_ID_REUSED = 409 "client_order_id_reused"
        "The client order id belongs to an order with other terms"
        "Choose a new id";
    EXPIRED_REQUEST = 409 "expired_request"
        "The exchange's time has reached `valid_until`, or the order's id may have been forgotten since it was sent first"
        "Ask by the `client_order_id` whether the order is there before you send it anew";
    ORDER_CLOSED = 409 "order_closed"
        "The order is filled, canceled or expired"
        "Nothing is left to do";
    TOO_LATE = 409 "too_late"
        "The new quantity is at or below what is filled already"
        "Cancel instead";
    EXECUTION_TOO_OLD = 410 "execution_too_old"
        "The execution or trade named by `after` is no longer in memory"
        "Resume after the earliest, which the message names";
    SEQUENCE_TOO_OLD = 410 "sequence_too_old"
        "Order updates that follow `after` are no longer in memory"
        "Read `GET /api/v1/orders`, connect without `after`";
    LENGTH_REQUIRED = 411 "length_required"
        "A chunked body"
        "Send it whole, with `Content-Length`";
    BODY_TOO_LARGE = 413 "body_too_large"
        "The body is longer than 64 KiB, or what the operator has set"
        "Send less";
    TARGET_TOO_LONG = 414 "target_too_long"
        "The request line is too long"
        "Shorten it";
    EXPECTATION_FAILED = 417 "expectation_failed"
        "An `Expect` other than `100-continue`"
        "Leave it out";
    INVALID_COMBINATION = 422 "invalid_combination"
        "The terms do not go together: a Market order that is GTC; post-only with IOC, FOK or Market"
        "Change one of them";
    INVALID_VALID_UNTIL = 422 "invalid_valid_until"
        "`valid_until` is more than ten minutes ahead, or given without a `client_order_id`"
        "Correct your clock by `GET /api/v1/time`; give an id";
    PRICE_OUT_OF_RANGE = 422 "price_out_of_range"
        "The engine cannot take the price"
        "Choose another";
    QUANTITY_TOO_SMALL = 422 "quantity_too_small"
        "Below the instrument's `min_quantity`"
        "See `GET /api/v1/instruments`";
    QUANTITY_TOO_LARGE = 422 "quantity_too_large"
        "Above the instrument's `max_quantity`"
        "See `GET /api/v1/instruments`";
    NOTIONAL_TOO_SMALL = 422 "notional_too_small"
        "Price × quantity is below the instrument's `min_notional`"
        "See `GET /api/v1/instruments`";
    POST_ONLY_WOULD_TRADE = 422 "post_only_would_trade"
        "The order is post-only and would trade at once"
        "Move its price away from the other side";
    CAPACITY = 422 "capacity"
        "The exchange holds as many resting orders, or instruments, as it may"
        "Cancel some, or send IOC";
    INSTRUMENT_CLOSED = 422 "instrument_closed"
        "The instrument takes cancels only"
        "Cancel, or reduce in place; wait until it is open again";
    ACCOUNT_LIMIT = 422 "account_limit"
        "The account has as many resting orders as its own limit allows"
        "Cancel some, or send IOC";
    TOO_MANY_ARMINGS = 422 "too_many_armings"
        "The account has 1,024 armings, or all accounts together 65,536"
        "Disarm some";
    ACCOUNTS_FULL = 422 "accounts_full"
        "The exchange opens no more accounts for clients"
        "Trade under one that exists, or ask the operator to open one or to raise `max_accounts`";
    UPGRADE_REQUIRED = 426 "upgrade_required"
        "A WebSocket path asked for without a WebSocket handshake of version 13"
        "Connect with a WebSocket client";
    TOO_MANY_REQUESTS = 429 "too_many_requests"
        "More requests in a second than your account or address may send, or more than the exchange can remember signatures of"
        "Try again after `Retry-After`, and more slowly; see [how many requests](#how-many-requests)";
    TOO_MANY_ACCOUNTS = 429 "too_many_accounts"
        "Your address has opened as many accounts since the exchange started as it may"
        "Trade under one that is open, or ask the operator to open one or to raise `quotas.accounts_per_address`";
    TOO_MANY_OF_ACCOUNT = 429 "too_many_of_account"
        "Your account has as many WebSockets as it may"
        "Close one";
    TOO_MANY_FROM_ADDRESS = 429 "too_many_from_address"
        "Your address has as many connections as it may"
        "Close one; an operator may raise `max_connections_per_address`";
    HEADERS_TOO_LARGE = 431 "headers_too_large"
        "Headers too long or too many"
        "Send fewer";
    INTERNAL = 500 "internal"
        "The exchange met something it did not expect"
        "Look at the order's state before trying again, and report it";
    UNSUPPORTED_TRANSFER_ENCODING = 501 "unsupported_transfer_encoding"
        "A transfer coding other than chunked"
        "Send the body whole, with `Content-Length`";
    BUSY = 503 "busy"
        "More commands wait than the exchange takes; nothing was sequenced. Or, to a query: answers that clients have not read take up as much memory as they may"
        "Try again after `Retry-After`; cancels are taken longer than orders, and orders longer than queries";
    JOURNAL_FULL = 503 "journal_full"
        "The journal has no room; only cancels are taken"
        "Ask the operator; the message gives the reason";
    RECOVERING = 503 "recovering"
        "The exchange is reading its journal, or cancels orders of sessions that went down with it"
        "Wait for `/readyz` to be 200";
    SHUTTING_DOWN = 503 "shutting_down"
        "The exchange takes no more commands"
        "Reconnect with backoff";
    TOO_MANY_CONNECTIONS = 503 "too_many_connections"
        "As many connections as there may be"
        "Close some, or raise `max_connections`";
    UNSUPPORTED_HTTP_VERSION = 505 "unsupported_http_version"
        "Neither HTTP/1.1 nor HTTP/1.0"
        "Use HTTP/1.1, without TLS";
}
