//! HTTP requests to responses, commands or streams.

mod access;

mod query;

use hoga_protocol::AccountName;

use self::access::{account_of, last_seen, own_only, permit};
use self::query::query;
use crate::admin;
use crate::answer::{Answer, respond};
use crate::auth::{Credentials, Identity};
use crate::desk::{Sender, Taken, find_client_order, find_instrument};
use crate::frames::Stream;
use crate::handled::Handled;
use crate::http::{Agreed, Manner, Request, write_upgrade};
use crate::line::Line;
use crate::pending::Waiter;
use crate::ports::{CommandSink, Page};
use crate::route::{Route, nothing_at, route};
use crate::step::{Next, Opening, OrderSession, Start, Subscription};
use crate::turn::{Stage, Turn, recovering};
use crate::wire::{ApiError, WsOp, codes, encode, request, resume};

/// Answers a request for `route`, sequences its command, or accepts its handshake. `identity` is whose key signed it,
/// where authentication is on.
///
/// # Errors
/// What the client is told; nothing was sequenced then.
pub(crate) fn handle<S: CommandSink>(
    request: &Request,
    route: Route,
    identity: Option<Identity>,
    manner: &Manner,
    line: &mut Line,
    turn: &mut Turn<'_, S>,
) -> Result<Handled, ApiError> {
    let identity = identity.as_ref();
    if let Some(identity) = identity
        && !route.permissions().is_empty()
    {
        permit(identity, &route, turn)?;
    }
    if route.is_private() {
        turn.hosts.check(request)?;
    }
    let op = match route {
        Route::Healthz => {
            respond(line.egress.buffer(), 200, manner, |body| {
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
            return turn.pages.ask(turn.peer, page).map(|()| Handled::Waiting);
        }
        Route::Admin(path) => return admin::handle(path, request, identity, manner, line, turn),
        Route::WsEcho if !turn.config.test_echo => return Err(nothing_at("/ws/echo")),
        Route::WsExecutions { .. } | Route::WsTrades { .. } | Route::WsOrders { .. } | Route::WsEcho => {
            let (start, agreed) = upgrade(request, identity, route, line, turn)?;
            let identity = identity.copied();
            let opening = Opening {
                start,
                agreed,
                identity,
            };
            return Ok(Handled::Upgraded(Next::Open(Box::new(opening))));
        }
        Route::PlaceOrder => {
            let mut place = request::parse_place(&request.body)?;
            let account = place.account.take();
            Some((account, WsOp::Place(place)))
        }
        Route::ReplaceOrder { ref order_id } => {
            let mut replace = request::parse_replace(&request.body)?;
            let account = replace.account.take();
            let order_id = order_id.clone();
            Some((
                account,
                WsOp::Replace {
                    order_id,
                    request: replace,
                },
            ))
        }
        Route::CancelOrder {
            ref order_id,
            account,
        } => {
            let order_id = order_id.clone();
            Some((account, WsOp::Cancel { order_id }))
        }
        Route::CancelByClientId {
            client_order_id,
            account,
        } => Some((account, WsOp::CancelByClientId { client_order_id })),
        Route::GetByClientId {
            ref client_order_id,
            account,
        } => {
            let account = account_of(identity, account, true)?;
            turn.check_memory()?;
            let views = turn.views()?;
            let order = find_client_order(client_order_id, views.accounts().by_name(&account), views)?;
            respond(line.egress.buffer(), 200, manner, |body| {
                encode::order(body, order, views);
            });
            return Ok(Handled::Done);
        }
        Route::CancelAllAfter => {
            let after = request::parse_cancel_all_after(&request.body)?;
            let timeout_ms = after.timeout_ms;
            Some((after.account, WsOp::CancelAllAfter { timeout_ms }))
        }
        Route::CancelAll { account, symbol } => Some((account, WsOp::CancelAll { symbol })),
        _ => None,
    };
    match op {
        Some((account, op)) => command(identity, account, &op, manner, line, turn),
        None => query(identity, &route, manner, line, turn),
    }
}

/// Sequences a command on behalf of the account that is named, or the key's.
fn command<S: CommandSink>(
    identity: Option<&Identity>,
    account: Option<AccountName>,
    op: &WsOp,
    manner: &Manner,
    line: &mut Line,
    turn: &mut Turn<'_, S>,
) -> Result<Handled, ApiError> {
    let account = account_of(identity, account, false)?;
    let now = turn.wall();
    let sender = Sender::new(line, identity);
    let open = turn.open.as_mut().ok_or_else(recovering)?;
    match open.desk.take(now, &account, op, sender) {
        Ok(Taken::Sequenced { sequence, asked }) => {
            let peer = turn.peer;
            open.desk.wait(sequence, asked, Waiter { peer, id: None });
            Ok(Handled::Waiting)
        }
        Ok(Taken::Stands(outcome)) => {
            let views = &open.desk.views;
            Answer::of(outcome, views).write_http(line.egress.buffer(), views, manner);
            Ok(Handled::Done)
        }
        Err(error) => {
            turn.refused(line.origin, &error);
            Err(error)
        }
    }
}

/// Checks a WebSocket handshake and where the stream begins, and accepts it.
fn upgrade<S: CommandSink>(
    request: &Request,
    identity: Option<&Identity>,
    route: Route,
    line: &mut Line,
    turn: &mut Turn<'_, S>,
) -> Result<(Start, Agreed), ApiError> {
    let start = begin(identity, route, turn)?;
    let agreed = write_upgrade(request, turn.config.compression, line.egress.buffer())?;
    Ok((start, agreed))
}

/// Accepts the handshake of a client that will say in its first message who it is, if it asks for a stream and shows no
/// key; none otherwise.
///
/// # Errors
/// As of any other handshake.
pub(crate) fn greet<S: CommandSink>(
    request: &Request,
    route: &Route,
    line: &mut Line,
    turn: &mut Turn<'_, S>,
) -> Result<Option<Agreed>, ApiError> {
    let is_stream = matches!(route, Route::WsExecutions { .. } | Route::WsOrders { .. });
    if !is_stream || Credentials::from_request(request)?.is_some() {
        return Ok(None);
    }
    if route.is_private() {
        turn.hosts.check(request)?;
    }
    turn.views()?;
    if turn.stage >= Stage::Draining {
        return Err(crate::desk::shutting_down());
    }
    write_upgrade(request, turn.config.compression, line.egress.buffer()).map(Some)
}

/// Where the stream of a client begins that asked for `target`.
///
/// # Errors
/// 403 `forbidden`; what is wrong with the target.
pub(crate) fn start_of<S: CommandSink>(
    target: &str,
    identity: &Identity,
    turn: &mut Turn<'_, S>,
) -> Result<Start, ApiError> {
    let route = route("GET", target)?;
    permit(identity, &route, turn)?;
    begin(Some(identity), route, turn)
}

fn begin<S: CommandSink>(
    identity: Option<&Identity>,
    route: Route,
    turn: &mut Turn<'_, S>,
) -> Result<Start, ApiError> {
    if turn.stage >= Stage::Draining {
        return Err(crate::desk::shutting_down());
    }
    turn.check_websockets(identity)?;
    let views = turn.views()?;
    Ok(match route {
        Route::WsTrades { symbol, after } => Start::Subscription(Subscription {
            stream: Stream::Trades,
            own: None,
            instrument: symbol.map(|symbol| find_instrument(&symbol, views)).transpose()?,
            cursor: match after {
                Some(after) => resume::behind_trade(after, views)?,
                None => views.executions().next(),
            },
        }),
        Route::WsExecutions { symbol, after } => Start::Subscription(Subscription {
            stream: Stream::Executions,
            own: own_only(identity),
            instrument: symbol.map(|symbol| find_instrument(&symbol, views)).transpose()?,
            cursor: match after {
                Some(after) => last_seen(&after, own_only(identity).as_ref(), views)? + 1,
                None => views.executions().next(),
            },
        }),
        Route::WsOrders { account, after } => {
            let account = account_of(identity, account, false)?;
            let known = views.accounts().by_name(&account);
            let from = match (after, known) {
                (Some(after), Some(known)) => resume::update_number(known, after, views)?,
                _ => views.updates().next(),
            };
            let seen = after.unwrap_or((views.sequence(), None));
            Start::Orders(OrderSession { account, from, seen })
        }
        Route::WsEcho => Start::Echo,
        _ => return Err(ApiError::new(codes::NOT_FOUND, "there is no stream here")),
    })
}
