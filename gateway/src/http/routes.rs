//! The route table: every endpoint, what it takes, who may reach it, what it costs and what answers it.

use std::fmt;

use hoga_service::{Identity, Permission, RequestKind};

use crate::codec::request::AdminPath;
use crate::codec::{ApiError, codes, excerpt};
use crate::http::call::Call;
use crate::http::handlers::{admin, commands, pages, queries, streams};
use crate::http::outcome::Handled;
use crate::http::parameters::{DEFAULT_LIMIT, Parameter, Parameters};
use crate::http::query::{MAX_LIMIT, Query, decode, nothing_at};
use crate::server::context::Context;
use crate::server::step::Start;

/// What one method of a path is, and all that is decided by that.
pub struct Endpoint {
    /// `GET` is taken as `HEAD` as well, unless it is a WebSocket's.
    pub method: &'static str,
    /// The path, by segments. One in braces is a parameter.
    pub path: &'static [&'static str],
    /// The parameters of its query, in the order in which they are looked at.
    pub takes: &'static [Parameter],
    /// What a key must be good for, where authentication is on: one of these. What has none is public all the same.
    pub permissions: &'static [Permission],
    /// What a request is counted as.
    pub kind: RequestKind,
    /// Whether a web page of another origin, or under another name, is kept out.
    pub is_private: bool,
    /// What answers it.
    pub(crate) handler: Handler,
}

/// What answers a request.
#[derive(Clone, Copy)]
pub(crate) enum Handler {
    /// A response, now or later.
    Answer(fn(&mut Call<'_, '_>) -> Result<Handled, ApiError>),
    /// A WebSocket, which begins there.
    Stream(StartOf),
}

/// Where the stream of a client begins.
pub(crate) type StartOf = fn(&Parameters, Option<&Identity>, &Context<'_>) -> Result<Start, ApiError>;

const ORDERS: &[&str] = &["api", "v1", "orders"];
const BY_CLIENT_ID: &[&str] = &["api", "v1", "orders", "by_client_id"];
const ORDER: &[&str] = &["api", "v1", "orders", "{order_id}"];

const TRADE: &[Permission] = &[Permission::Trade];
const SEE_ORDERS: &[Permission] = &[Permission::Read, Permission::Trade, Permission::DropCopy];
const SEE_EXECUTIONS: &[Permission] = &[Permission::Read, Permission::DropCopy];

/// Every endpoint. Of a path that two patterns match the first is meant.
#[rustfmt::skip]
pub static ENDPOINTS: &[Endpoint] = {
    use Parameter::{Account, AfterExecution, AfterSequence, AfterTrade, ClientOrderId, Cursor, Depth, Limit, Status, Symbol};
    use RequestKind::{Cancels, Orders, Queries};
    &[
        public(&[""], &[], pages::start_page),

        private("GET", ORDERS, &[Account, Symbol, Status, Limit(DEFAULT_LIMIT), Cursor], SEE_ORDERS, Queries, queries::orders),
        private("POST", ORDERS, &[], TRADE, Orders, commands::place),
        private("DELETE", ORDERS, &[Account, Symbol], TRADE, Cancels, commands::cancel_all),
        private("POST", &["api", "v1", "orders", "cancel_all_after"], &[], TRADE, Cancels, commands::cancel_all_after),
        // The name is no segment of the path: it may be `..`, which clients and proxies take away.
        private("GET", BY_CLIENT_ID, &[ClientOrderId, Account], SEE_ORDERS, Queries, queries::order_by_client_id),
        private("DELETE", BY_CLIENT_ID, &[ClientOrderId, Account], TRADE, Cancels, commands::cancel_by_client_id),
        private("GET", ORDER, &[Account], SEE_ORDERS, Queries, queries::order),
        private("PATCH", ORDER, &[], TRADE, Orders, commands::replace),
        private("DELETE", ORDER, &[Account], TRADE, Cancels, commands::cancel),

        own(&["api", "v1", "executions", "{symbol}"], &[Limit(DEFAULT_LIMIT), AfterExecution, Cursor], queries::executions),
        public(&["api", "v1", "trades", "{symbol}"], &[Limit(DEFAULT_LIMIT), AfterTrade, Cursor], queries::trades),
        public(&["api", "v1", "orderbook", "{symbol}"], &[Depth], queries::order_book),
        public(&["api", "v1", "instruments"], &[Limit(MAX_LIMIT), Cursor], queries::instruments),
        public(&["api", "v1", "time"], &[], pages::time),

        stream(&["ws", "executions"], &[Symbol, AfterExecution], SEE_EXECUTIONS, false, streams::executions),
        stream(&["ws", "trades"], &[Symbol, AfterTrade], &[], false, streams::trades),
        stream(&["ws", "orders"], &[Account, AfterSequence], TRADE, true, streams::orders),
        stream(&["ws", "echo"], &[], &[], false, streams::echo),

        operator(&["api", "v1", "admin", "instruments"], |call| admin::handle(AdminPath::Instruments, call)),
        operator(&["api", "v1", "admin", "fees"], |call| admin::handle(AdminPath::Fees, call)),
        operator(&["api", "v1", "admin", "instrument_status"], |call| admin::handle(AdminPath::InstrumentStatus, call)),
        operator(&["api", "v1", "admin", "account_status"], |call| admin::handle(AdminPath::AccountStatus, call)),
        operator(&["api", "v1", "admin", "account_limits"], |call| admin::handle(AdminPath::AccountLimits, call)),
        operator(&["api", "v1", "admin", "cancel_all"], |call| admin::handle(AdminPath::CancelAll, call)),
        operator(&["api", "v1", "admin", "cancel_instrument"], |call| admin::handle(AdminPath::CancelInstrument, call)),
        operator(&["api", "v1", "admin", "limits"], |call| admin::handle(AdminPath::Limits, call)),
        operator(&["api", "v1", "admin", "clock"], |call| admin::handle(AdminPath::Clock, call)),

        public(&["healthz"], &[], pages::alive),
        public(&["readyz"], &[], pages::ready),
        public(&["metrics"], &[], pages::metrics),
        public(&["metrics", "latency"], &[], pages::latency),
    ]
};

type Answer = fn(&mut Call<'_, '_>) -> Result<Handled, ApiError>;

/// What everybody may see.
const fn public(path: &'static [&'static str], takes: &'static [Parameter], answer: Answer) -> Endpoint {
    Endpoint {
        method: "GET",
        path,
        takes,
        permissions: &[],
        kind: RequestKind::Queries,
        is_private: false,
        handler: Handler::Answer(answer),
    }
}

/// What is an account's.
const fn private(
    method: &'static str,
    path: &'static [&'static str],
    takes: &'static [Parameter],
    permissions: &'static [Permission],
    kind: RequestKind,
    answer: Answer,
) -> Endpoint {
    Endpoint {
        method,
        path,
        takes,
        permissions,
        kind,
        is_private: true,
        handler: Handler::Answer(answer),
    }
}

/// Executions of an account, where authentication is on; everybody's where it is off.
const fn own(path: &'static [&'static str], takes: &'static [Parameter], answer: Answer) -> Endpoint {
    Endpoint {
        permissions: SEE_EXECUTIONS,
        ..public(path, takes, answer)
    }
}

/// A WebSocket.
const fn stream(
    path: &'static [&'static str],
    takes: &'static [Parameter],
    permissions: &'static [Permission],
    is_private: bool,
    start: StartOf,
) -> Endpoint {
    Endpoint {
        method: "GET",
        path,
        takes,
        permissions,
        kind: RequestKind::Queries,
        is_private,
        handler: Handler::Stream(start),
    }
}

/// What only operators do.
const fn operator(path: &'static [&'static str], answer: Answer) -> Endpoint {
    private(
        "POST",
        path,
        &[],
        &[Permission::Admin],
        RequestKind::Queries,
        answer,
    )
}

/// What `method` on `target` (path and query, beginning with `/`) asks for.
///
/// # Errors
/// 404 for an unknown path, 405 with `Allow` for a method that does not fit, 400 for a query parameter or a path
/// segment that is unknown, given twice, or has a value it cannot have.
pub fn route(method: &str, target: &str) -> Result<(&'static Endpoint, Parameters), ApiError> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    // A segment is decoded after the path is split, so that an encoded slash is part of a name.
    let mut segments = [""; MOST_SEGMENTS];
    let mut count = 0;
    for (place, segment) in segments.iter_mut().zip(path.split('/').skip(1)) {
        *place = segment;
        count += 1;
    }
    let segments = &segments[..count];
    let first = ENDPOINTS.iter().find(|endpoint| endpoint.is_at(segments));
    let first = first.ok_or_else(|| nothing_at(path))?;
    let mut parameters = Parameters::default();
    let named = first.path.iter().zip(segments).find_map(|(name, segment)| {
        let name = name.strip_prefix('{')?.strip_suffix('}')?;
        Some((name, *segment))
    });
    let named = match named {
        Some((name, segment)) => Some((name, decode(segment, "the path")?)),
        None => None,
    };
    let endpoint = ENDPOINTS
        .iter()
        .find(|endpoint| endpoint.path == first.path && endpoint.takes_method(method));
    let endpoint = endpoint.ok_or_else(|| not_allowed(path, method, first.path))?;
    let mut query = Query::parse(query)?;
    if let Some((name, text)) = named {
        parameters.read_path(name, text)?;
    }
    for parameter in endpoint.takes {
        parameter.read(&mut query, &mut parameters)?;
    }
    query.finish()?;
    Ok((endpoint, parameters))
}

/// More segments than any path has, so that a longer one is none of them.
const MOST_SEGMENTS: usize = 5;

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} /{}", self.method, self.path.join("/"))
    }
}

impl Endpoint {
    fn is_at(&self, segments: &[&str]) -> bool {
        let fits = |(name, segment): (&&str, &&str)| match name.starts_with('{') {
            true => !segment.is_empty(),
            false => name == segment,
        };
        self.path.len() == segments.len() && self.path.iter().zip(segments).all(fits)
    }

    fn takes_method(&self, method: &str) -> bool {
        let is_head = method == "HEAD" && self.method == "GET";
        method == self.method || (is_head && !matches!(self.handler, Handler::Stream(_)))
    }
}

fn not_allowed(path: &str, method: &str, pattern: &[&str]) -> ApiError {
    let endpoints = ENDPOINTS.iter().filter(|endpoint| endpoint.path == pattern);
    let methods = endpoints.flat_map(|endpoint| {
        let head = endpoint.takes_method("HEAD").then_some("HEAD");
        [Some(endpoint.method), head].into_iter().flatten()
    });
    let allow = methods.collect::<Vec<_>>().join(", ");
    let message = format!("{path} does not take {}; it takes {allow}", excerpt(method));
    ApiError::new(codes::METHOD_NOT_ALLOWED, message).with_header("Allow", allow)
}

#[cfg(test)]
mod tests;
