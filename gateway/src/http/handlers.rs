//! HTTP requests to responses, commands or streams.

mod admin;

mod queries;

use hoga_protocol::{AccountName, ExchangeId};
use hoga_service::queries::{behind_trade, find_execution, find_instrument, first_update};
use hoga_service::{Caller, Identity, Reject, Request as ServiceRequest, Submitted};

use self::queries::query;
use crate::auth::Credentials;
use crate::broadcast::log::Stream;
use crate::codec::{ApiError, codes, encode, ids, request};
use crate::http::outcome::Handled;
use crate::http::reply::{respond, write_reply};
use crate::http::routes::{Route, nothing_at, route};
use crate::http::{Agreed, Manner, Request, write_upgrade};
use crate::ports::Page;
use crate::server::connection_buffer::ConnectionBuffer;
use crate::server::context::{Context, Stage};
use crate::server::peer::Waiter;
use crate::server::step::{Next, Opening, OrderSession, Start, Subscription};

/// Answers a request for `route`, sequences its command, or accepts its handshake. `identity` is whose key signed it,
/// where authentication is on.
///
/// # Errors
/// What the client is told; nothing was sequenced then.
pub(crate) fn handle(
    request: &Request,
    route: Route,
    identity: Option<Identity>,
    manner: &Manner,
    buffer: &mut ConnectionBuffer,
    context: &mut Context<'_>,
) -> Result<Handled, ApiError> {
    let identity = identity.as_ref();
    let exchange = context.views().map_or(ExchangeId::default(), ids::exchange);
    if let Some(identity) = identity
        && !route.permissions().is_empty()
    {
        permit(identity, &route, context)?;
    }
    if route.is_private() {
        context.hosts.check(request)?;
    }
    match route {
        Route::Healthz => {
            respond(buffer.egress.buffer(), 200, manner, |body| {
                encode::status(body, "ok");
            });
            return Ok(Handled::Done);
        }
        Route::Metrics | Route::Latency => {
            let page = match route {
                Route::Latency => Page::Latency,
                _ => Page::Metrics {
                    openmetrics: request.prefers("application/openmetrics-text", "text/plain"),
                },
            };
            return context
                .telemetry
                .ask(context.peer, page)
                .map(|()| Handled::Waiting);
        }
        Route::Admin(path) => return admin::handle(path, request, identity, manner, buffer, context),
        Route::WsEcho if !context.config.test_echo => return Err(nothing_at("/ws/echo")),
        Route::WsExecutions { .. } | Route::WsTrades { .. } | Route::WsOrders { .. } | Route::WsEcho => {
            let (start, agreed) = upgrade(request, identity, route, buffer, context)?;
            let identity = identity.copied();
            let opening = Opening {
                start,
                agreed,
                identity,
            };
            return Ok(Handled::Upgraded(Next::Open(Box::new(opening))));
        }
        _ => {}
    }
    match command_of(&route, request, exchange)? {
        Some((account, command)) => execute(identity, account, &command, manner, buffer, context),
        None => query(identity, &route, manner, buffer, context),
    }
}

/// The command that is asked for, if it is one, and the account that is named.
fn command_of(
    route: &Route,
    request: &Request,
    exchange: ExchangeId,
) -> Result<Option<(Option<AccountName>, ServiceRequest)>, ApiError> {
    Ok(Some(match route {
        Route::PlaceOrder => {
            let (account, order) = request::parse_new_order(&request.body)?;
            (account, ServiceRequest::NewOrder(order))
        }
        Route::ReplaceOrder { order_id } => {
            let (account, change) = request::parse_replace(&request.body)?;
            let order = ids::parse_order_id(order_id, exchange);
            (account, ServiceRequest::ReplaceOrder { order, change })
        }
        Route::CancelOrder { order_id, account } => {
            let order = ids::parse_order_id(order_id, exchange);
            (*account, ServiceRequest::CancelOrder { order })
        }
        Route::CancelByClientId {
            client_order_id,
            account,
        } => {
            let client_order_id = *client_order_id;
            (*account, ServiceRequest::CancelClientOrder { client_order_id })
        }
        Route::CancelAllAfter => {
            let after = request::parse_cancel_all_after(&request.body)?;
            let timeout_ms = after.timeout_ms;
            (after.account, ServiceRequest::CancelAllAfter { timeout_ms })
        }
        Route::CancelAll { account, symbol } => (*account, ServiceRequest::CancelAll { symbol: *symbol }),
        _ => return Ok(None),
    }))
}

/// Has a command carried out on behalf of the account that is named, or the key's.
fn execute(
    identity: Option<&Identity>,
    account: Option<AccountName>,
    command: &ServiceRequest,
    manner: &Manner,
    buffer: &mut ConnectionBuffer,
    context: &mut Context<'_>,
) -> Result<Handled, ApiError> {
    let account = Identity::account_of(identity, account, false)?;
    let now = context.wall();
    let caller = Caller::new(buffer.origin, identity);
    let open = context.open.as_mut().ok_or(Reject::Recovering)?;
    let correlation = open.waiters.next();
    let submitted = open.service.execute(now, &account, command, caller, correlation);
    match submitted {
        Ok(Submitted::Sequenced(_)) => {
            let peer = context.peer;
            open.waiters.add(Waiter { peer, id: None });
            Ok(Handled::Waiting)
        }
        Ok(Submitted::Replied(reply, views)) => {
            write_reply(buffer.egress.buffer(), &reply, views, manner);
            Ok(Handled::Done)
        }
        Err(reject) => Err(context.refused(buffer.origin, &reject)),
    }
}

/// Checks a WebSocket handshake and where the stream begins, and accepts it.
fn upgrade(
    request: &Request,
    identity: Option<&Identity>,
    route: Route,
    buffer: &mut ConnectionBuffer,
    context: &mut Context<'_>,
) -> Result<(Start, Agreed), ApiError> {
    let start = begin(identity, route, context)?;
    let agreed = write_upgrade(request, context.config.compression, buffer.egress.buffer())?;
    Ok((start, agreed))
}

/// Whether a key is good for `route`, by the keys there are now: they may have changed since its signature was verified.
///
/// # Errors
/// 401 `unauthenticated`, 403 `forbidden`.
fn permit(identity: &Identity, route: &Route, context: &Context<'_>) -> Result<(), ApiError> {
    let now = context.wall();
    if context
        .authentication
        .as_ref()
        .is_some_and(|authentication| !authentication.holds(identity, now))
    {
        let message = format!(
            "key {} was revoked, has expired, or means something else now",
            identity.key
        );
        return Err(ApiError::new(codes::UNAUTHENTICATED, message));
    }
    Ok(identity.require_any(route.permissions())?)
}

/// Accepts the handshake of a client that will say in its first message who it is, if it asks for a stream and shows no
/// key; none otherwise.
///
/// # Errors
/// As of any other handshake.
pub(crate) fn greet(
    request: &Request,
    route: &Route,
    buffer: &mut ConnectionBuffer,
    context: &mut Context<'_>,
) -> Result<Option<Agreed>, ApiError> {
    let is_stream = matches!(route, Route::WsExecutions { .. } | Route::WsOrders { .. });
    if !is_stream || Credentials::from_request(request)?.is_some() {
        return Ok(None);
    }
    if route.is_private() {
        context.hosts.check(request)?;
    }
    context.views()?;
    if context.stage >= Stage::Draining {
        return Err(Reject::ShuttingDown.into());
    }
    write_upgrade(request, context.config.compression, buffer.egress.buffer()).map(Some)
}

/// Where the stream of a client begins that asked for `target`.
///
/// # Errors
/// 403 `forbidden`; what is wrong with the target.
pub(crate) fn start_of(
    target: &str,
    identity: &Identity,
    context: &mut Context<'_>,
) -> Result<Start, ApiError> {
    let route = route("GET", target)?;
    permit(identity, &route, context)?;
    begin(Some(identity), route, context)
}

fn begin(identity: Option<&Identity>, route: Route, context: &mut Context<'_>) -> Result<Start, ApiError> {
    if context.stage >= Stage::Draining {
        return Err(Reject::ShuttingDown.into());
    }
    context.check_websockets(identity)?;
    let views = context.views()?;
    Ok(match route {
        Route::WsTrades { symbol, after } => Start::Subscription(Subscription {
            stream: Stream::Trades,
            own: None,
            instrument: symbol.map(|symbol| find_instrument(&symbol, views)).transpose()?,
            cursor: match after {
                Some(after) => behind_trade(after, views)?,
                None => views.executions().next(),
            },
        }),
        Route::WsExecutions { symbol, after } => Start::Subscription(Subscription {
            stream: Stream::Executions,
            own: Identity::own_only(identity),
            instrument: symbol.map(|symbol| find_instrument(&symbol, views)).transpose()?,
            cursor: match after {
                Some(after) => {
                    let seen = ids::parse_execution_id(&after, ids::exchange(views));
                    find_execution(seen, Identity::own_only(identity).as_ref(), views)? + 1
                }
                None => views.executions().next(),
            },
        }),
        Route::WsOrders { account, after } => {
            let account = Identity::account_of(identity, account, false)?;
            let known = views.accounts().by_name(&account);
            let from = match (after, known) {
                (Some(after), Some(known)) => first_update(known, after, views)?,
                _ => views.updates().next(),
            };
            let seen = after.unwrap_or((views.sequence(), None));
            Start::Orders(OrderSession { account, from, seen })
        }
        Route::WsEcho => Start::Echo,
        _ => return Err(ApiError::new(codes::NOT_FOUND, "there is no stream here")),
    })
}
