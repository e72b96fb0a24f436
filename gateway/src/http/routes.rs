//! Method and target to what is asked for.

mod query;

use hoga_protocol::{AccountName, ClientOrderId, Event, Sequence, Symbol};
use hoga_service::queries::StatusFilter;
use hoga_service::{Permission, RequestKind};
use hoga_views::OrderStatus;

use self::query::{Query, ascii, decode, digits, invalid};
use crate::codec::request::AdminPath;
use crate::codec::{ApiError, codes, excerpt};

/// The most that `limit` and `depth` may be.
pub const MAX_LIMIT: usize = 1_000;

/// What `limit` and `depth` are when they are not given, save for instruments, of which as many as may be are listed.
pub const DEFAULT_LIMIT: usize = 100;

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// `/`
    Page,
    /// `/ws/executions`
    WsExecutions {
        /// Only this instrument's.
        symbol: Option<Symbol>,
        /// The execution id to go on after.
        after: Option<String>,
    },
    /// `/ws/trades`
    WsTrades {
        /// Only this instrument's.
        symbol: Option<Symbol>,
        /// The trade to go on after.
        after: Option<u64>,
    },
    /// `/ws/orders`
    WsOrders {
        /// Whose orders, if it was said.
        account: Option<AccountName>,
        /// Everything up to this command, or up to this event of it, was seen.
        after: Option<(Sequence, Option<u32>)>,
    },
    /// `/ws/echo`
    WsEcho,
    /// `POST /api/v1/orders`
    PlaceOrder,
    /// `PATCH /api/v1/orders/{order_id}`
    ReplaceOrder {
        /// The order's id as it was sent.
        order_id: String,
    },
    /// `DELETE /api/v1/orders/{order_id}`
    CancelOrder {
        /// The order's id as it was sent.
        order_id: String,
        /// Whose order it must be, if it was said.
        account: Option<AccountName>,
    },
    /// `DELETE /api/v1/orders/by_client_id`
    CancelByClientId {
        /// The name that the client gave the order.
        client_order_id: ClientOrderId,
        /// Whose order it must be, if it was said.
        account: Option<AccountName>,
    },
    /// `GET /api/v1/orders/by_client_id`
    GetByClientId {
        /// The name that the client gave the order.
        client_order_id: ClientOrderId,
        /// Whose order it must be, if it was said.
        account: Option<AccountName>,
    },
    /// `DELETE /api/v1/orders`
    CancelAll {
        /// Whose orders, if it was said.
        account: Option<AccountName>,
        /// Only this instrument's.
        symbol: Option<Symbol>,
    },
    /// `POST /api/v1/orders/cancel_all_after`
    CancelAllAfter,
    /// `POST /api/v1/admin/…`
    Admin(AdminPath),
    /// `GET /api/v1/orders/{order_id}`
    GetOrder {
        /// The order's id as it was sent.
        order_id: String,
        /// Whose order it must be, if it was said.
        account: Option<AccountName>,
    },
    /// `GET /api/v1/orders`
    ListOrders {
        /// Whose orders, if it was said.
        account: Option<AccountName>,
        /// Only this instrument's.
        symbol: Option<Symbol>,
        /// Only these.
        status: Option<StatusFilter>,
        /// How many at most, 1 to 1,000.
        limit: usize,
        /// Where an earlier answer ended.
        cursor: Option<String>,
    },
    /// `GET /api/v1/executions/{symbol}`
    Executions {
        /// The instrument.
        symbol: Symbol,
        /// How many at most, 1 to 1,000.
        limit: usize,
        /// The execution id to go on after.
        after: Option<String>,
        /// Where an earlier answer ended.
        cursor: Option<String>,
    },
    /// `GET /api/v1/trades/{symbol}`
    Trades {
        /// The instrument.
        symbol: Symbol,
        /// How many at most, 1 to 1,000.
        limit: usize,
        /// The trade to go on after.
        after: Option<u64>,
        /// Where an earlier answer ended.
        cursor: Option<String>,
    },
    /// `GET /api/v1/orderbook/{symbol}`
    OrderBook {
        /// The instrument.
        symbol: Symbol,
        /// Levels a side, 1 to 1,000.
        depth: usize,
    },
    /// `GET /api/v1/instruments`
    Instruments {
        /// How many at most, 1 to 1,000.
        limit: usize,
        /// Where an earlier answer ended.
        cursor: Option<String>,
    },
    /// `GET /api/v1/time`
    Time,
    /// `GET /healthz`
    Healthz,
    /// `GET /readyz`
    Readyz,
    /// `GET /metrics`
    Metrics,
    /// `GET /metrics/latency`
    Latency,
}

impl Route {
    /// What a key must be good for, where authentication is on: one of these. What has none is public all the same.
    pub fn permissions(&self) -> &'static [Permission] {
        match self {
            Route::WsOrders { .. }
            | Route::PlaceOrder
            | Route::ReplaceOrder { .. }
            | Route::CancelOrder { .. }
            | Route::CancelByClientId { .. }
            | Route::CancelAll { .. }
            | Route::CancelAllAfter => &[Permission::Trade],
            Route::Admin(_) => &[Permission::Admin],
            Route::GetOrder { .. } | Route::GetByClientId { .. } | Route::ListOrders { .. } => {
                &[Permission::Read, Permission::Trade, Permission::DropCopy]
            }
            Route::WsExecutions { .. } | Route::Executions { .. } => {
                &[Permission::Read, Permission::DropCopy]
            }
            Route::Page
            | Route::WsEcho
            | Route::WsTrades { .. }
            | Route::Trades { .. }
            | Route::OrderBook { .. }
            | Route::Instruments { .. }
            | Route::Time
            | Route::Healthz
            | Route::Readyz
            | Route::Metrics
            | Route::Latency => &[],
        }
    }

    /// What a request for it is counted as.
    pub fn kind(&self) -> RequestKind {
        match self {
            Route::PlaceOrder | Route::ReplaceOrder { .. } => RequestKind::Orders,
            Route::CancelOrder { .. }
            | Route::CancelByClientId { .. }
            | Route::CancelAll { .. }
            | Route::CancelAllAfter => RequestKind::Cancels,
            _ => RequestKind::Queries,
        }
    }

    /// Whether a web page of another origin, or under another name, is kept out.
    pub fn is_private(&self) -> bool {
        matches!(
            self,
            Route::WsOrders { .. }
                | Route::PlaceOrder
                | Route::ReplaceOrder { .. }
                | Route::CancelOrder { .. }
                | Route::CancelByClientId { .. }
                | Route::GetByClientId { .. }
                | Route::CancelAll { .. }
                | Route::CancelAllAfter
                | Route::Admin(_)
                | Route::GetOrder { .. }
                | Route::ListOrders { .. }
        )
    }
}

/// What `method` on `target` (path and query, beginning with `/`) asks for.
///
/// # Errors
/// 404 for an unknown path, 405 with `Allow` for a method that does not fit, 400 for a query parameter or a path
/// segment that is unknown, given twice, or has a value it cannot have.
pub fn route(method: &str, target: &str) -> Result<Route, ApiError> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let endpoint = Endpoint::of(path)?;
    let allow = endpoint.allow();
    if !allow.split(", ").any(|allowed| allowed == method) {
        let message = format!("{path} does not take {}; it takes {allow}", excerpt(method));
        let error = ApiError::new(codes::METHOD_NOT_ALLOWED, message);
        return Err(error.with_header("Allow", allow));
    }
    let mut query = Query::parse(query)?;
    let route = endpoint.route(method, &mut query)?;
    query.finish()?;
    Ok(route)
}

/// What a client is told of a path that is not there.
pub(crate) fn nothing_at(path: &str) -> ApiError {
    let message = format!(
        "there is nothing at {}; docs/wire-protocol.md lists every path, /api/v1/orders among them",
        excerpt(path)
    );
    ApiError::new(codes::NOT_FOUND, message)
}

/// A path, before its method and query are looked at.
enum Endpoint {
    Page,
    WsExecutions,
    WsTrades,
    WsOrders,
    WsEcho,
    Orders,
    CancelAllAfter,
    ByClientId,
    Admin(AdminPath),
    Order(String),
    Executions(String),
    Trades(String),
    OrderBook(String),
    Instruments,
    Time,
    Healthz,
    Readyz,
    Metrics,
    Latency,
}

impl Endpoint {
    fn of(path: &str) -> Result<Endpoint, ApiError> {
        let last = |encoded: &str| decode(encoded, "the path");
        // A segment is decoded after the path is split, so that an encoded slash is part of a name.
        let segments: Vec<&str> = path.split('/').skip(1).take(5).collect();
        Ok(match segments[..] {
            [""] => Endpoint::Page,
            ["ws", "executions"] => Endpoint::WsExecutions,
            ["ws", "trades"] => Endpoint::WsTrades,
            ["ws", "orders"] => Endpoint::WsOrders,
            ["ws", "echo"] => Endpoint::WsEcho,
            ["api", "v1", "orders"] => Endpoint::Orders,
            ["api", "v1", "orders", "cancel_all_after"] => Endpoint::CancelAllAfter,
            // The name is no segment of the path: it may be `..`, which clients and proxies take away.
            ["api", "v1", "orders", "by_client_id"] => Endpoint::ByClientId,
            ["api", "v1", "admin", name] => {
                Endpoint::Admin(AdminPath::of(name).ok_or_else(|| nothing_at(path))?)
            }
            ["api", "v1", "orders", id] if !id.is_empty() => Endpoint::Order(last(id)?),
            ["api", "v1", "executions", symbol] if !symbol.is_empty() => Endpoint::Executions(last(symbol)?),
            ["api", "v1", "trades", symbol] if !symbol.is_empty() => Endpoint::Trades(last(symbol)?),
            ["api", "v1", "orderbook", symbol] if !symbol.is_empty() => Endpoint::OrderBook(last(symbol)?),
            ["api", "v1", "instruments"] => Endpoint::Instruments,
            ["api", "v1", "time"] => Endpoint::Time,
            ["healthz"] => Endpoint::Healthz,
            ["readyz"] => Endpoint::Readyz,
            ["metrics"] => Endpoint::Metrics,
            ["metrics", "latency"] => Endpoint::Latency,
            _ => return Err(nothing_at(path)),
        })
    }

    fn allow(&self) -> &'static str {
        match self {
            Endpoint::WsExecutions | Endpoint::WsTrades | Endpoint::WsOrders | Endpoint::WsEcho => "GET",
            Endpoint::CancelAllAfter | Endpoint::Admin(_) => "POST",
            Endpoint::Orders => "GET, HEAD, POST, DELETE",
            Endpoint::Order(_) => "GET, HEAD, PATCH, DELETE",
            Endpoint::ByClientId => "GET, HEAD, DELETE",
            _ => "GET, HEAD",
        }
    }

    fn route(self, method: &str, query: &mut Query) -> Result<Route, ApiError> {
        Ok(match (self, method) {
            (Endpoint::Page, _) => Route::Page,
            (Endpoint::WsExecutions, _) => Route::WsExecutions {
                symbol: query.ascii("symbol")?,
                after: query.take("after"),
            },
            (Endpoint::WsTrades, _) => Route::WsTrades {
                symbol: query.ascii("symbol")?,
                after: trade(query)?,
            },
            (Endpoint::WsOrders, _) => Route::WsOrders {
                account: query.ascii("account")?,
                after: sequence(query)?,
            },
            (Endpoint::WsEcho, _) => Route::WsEcho,
            (Endpoint::Orders, "POST") => Route::PlaceOrder,
            (Endpoint::Orders, "DELETE") => Route::CancelAll {
                account: query.ascii("account")?,
                symbol: query.ascii("symbol")?,
            },
            (Endpoint::Orders, _) => Route::ListOrders {
                account: query.ascii("account")?,
                symbol: query.ascii("symbol")?,
                status: status(query)?,
                limit: query.count("limit", DEFAULT_LIMIT)?,
                cursor: query.take("cursor"),
            },
            (Endpoint::CancelAllAfter, _) => Route::CancelAllAfter,
            (Endpoint::ByClientId, method) => {
                let client_order_id = query.ascii("client_order_id")?.ok_or_else(|| {
                    invalid(
                        "client_order_id",
                        format_args!("is needed here, to say which order is meant"),
                    )
                })?;
                let account = query.ascii("account")?;
                match method {
                    "DELETE" => Route::CancelByClientId {
                        client_order_id,
                        account,
                    },
                    _ => Route::GetByClientId {
                        client_order_id,
                        account,
                    },
                }
            }
            (Endpoint::Admin(path), _) => Route::Admin(path),
            (Endpoint::Order(order_id), "PATCH") => Route::ReplaceOrder { order_id },
            (Endpoint::Order(order_id), "DELETE") => Route::CancelOrder {
                order_id,
                account: query.ascii("account")?,
            },
            (Endpoint::Order(order_id), _) => Route::GetOrder {
                order_id,
                account: query.ascii("account")?,
            },
            (Endpoint::Executions(symbol), _) => Route::Executions {
                symbol: ascii("symbol", &symbol)?,
                limit: query.count("limit", DEFAULT_LIMIT)?,
                after: query.take("after"),
                cursor: query.take("cursor"),
            },
            (Endpoint::Trades(symbol), _) => Route::Trades {
                symbol: ascii("symbol", &symbol)?,
                limit: query.count("limit", DEFAULT_LIMIT)?,
                after: trade(query)?,
                cursor: query.take("cursor"),
            },
            (Endpoint::OrderBook(symbol), _) => Route::OrderBook {
                symbol: ascii("symbol", &symbol)?,
                depth: query.count("depth", DEFAULT_LIMIT)?,
            },
            (Endpoint::Instruments, _) => Route::Instruments {
                limit: query.count("limit", MAX_LIMIT)?,
                cursor: query.take("cursor"),
            },
            (Endpoint::Time, _) => Route::Time,
            (Endpoint::Healthz, _) => Route::Healthz,
            (Endpoint::Readyz, _) => Route::Readyz,
            (Endpoint::Metrics, _) => Route::Metrics,
            (Endpoint::Latency, _) => Route::Latency,
        })
    }
}

fn status(query: &mut Query) -> Result<Option<StatusFilter>, ApiError> {
    let Some(text) = query.take("status") else {
        return Ok(None);
    };
    let filter = match text.as_str() {
        "Open" => StatusFilter::Open,
        "Closed" => StatusFilter::Closed,
        "New" => StatusFilter::Is(OrderStatus::New),
        "PartiallyFilled" => StatusFilter::Is(OrderStatus::PartiallyFilled),
        "Filled" => StatusFilter::Is(OrderStatus::Filled),
        "Canceled" => StatusFilter::Is(OrderStatus::Canceled),
        "Expired" => StatusFilter::Is(OrderStatus::Expired),
        _ => {
            let known = "New, PartiallyFilled, Filled, Canceled, Expired, Open or Closed";
            return Err(invalid(
                "status",
                format_args!("must be {known}, not {}", excerpt(&text)),
            ));
        }
    };
    Ok(Some(filter))
}

/// `after=<trade_id>`.
fn trade(query: &mut Query) -> Result<Option<u64>, ApiError> {
    let Some(text) = query.take("after") else {
        return Ok(None);
    };
    let refusal = || {
        let wanted = "must be the trade_id of the last trade seen";
        invalid("after", format_args!("{wanted}, not {}", excerpt(&text)))
    };
    digits(&text).map(Some).ok_or_else(refusal)
}

/// `after=<sequence>` or `after=<sequence>.<index>`.
fn sequence(query: &mut Query) -> Result<Option<(Sequence, Option<u32>)>, ApiError> {
    let Some(text) = query.take("after") else {
        return Ok(None);
    };
    let (sequence, index) = match text.split_once('.') {
        Some((sequence, index)) => (sequence, Some(index)),
        None => (text.as_str(), None),
    };
    let sequence = digits(sequence).filter(|sequence| *sequence <= Sequence::MAX.0);
    let index = index.map(|index| digits(index).filter(|index| *index <= u64::from(Event::MAX_INDEX)));
    match (sequence, index) {
        (Some(sequence), None) => Ok(Some((Sequence(sequence), None))),
        (Some(sequence), Some(Some(index))) => Ok(Some((Sequence(sequence), Some(index as u32)))),
        _ => {
            let wanted = "must be <sequence> or <sequence>.<index> of the last update seen";
            Err(invalid("after", format_args!("{wanted}, not {}", excerpt(&text))))
        }
    }
}

#[cfg(test)]
mod tests;
