//! HTTP requests to responses, commands or streams.

use hoga_protocol::AccountName;
use hoga_views::Views;

use crate::answer::{respond, respond_page};
use crate::auth::{Credentials, Identity, Permission};
use crate::desk::{Taken, any_order, find_instrument, find_order, unknown_order};
use crate::http::{Agreed, Request, write_upgrade};
use crate::line::Line;
use crate::pending::Waiter;
use crate::ports::{CommandSink, Page};
use crate::route::{Route, nothing_at, route};
use crate::turn::{Stage, Turn, recovering};
use crate::wire::{ApiError, WsOp, codes, encode, request, resume};
use crate::{session, subscriber};

/// Among how many executions of an instrument those of one account are looked for.
const OWN_AMONG: usize = 10_000;

/// The account of whoever names none.
const ANONYMOUS: &str = "anonymous";

/// What became of a request.
#[derive(Debug)]
pub(crate) enum Handled {
    /// The response is in the egress.
    Done,
    /// A command is sequenced whose events bring the response, or a page is being made.
    Waiting,
    /// The handshake's response is in the egress, and the connection goes on as a stream.
    Upgrade(Upgrade, Agreed, Option<Identity>),
    /// The handshake's response is in the egress, and the first message must say who the client is.
    Greet(Agreed, Box<str>),
}

/// What a connection goes on as.
#[derive(Debug)]
pub(crate) enum Upgrade {
    /// `/ws/executions`.
    Executions(subscriber::Start),
    /// `/ws/orders`.
    Orders(session::Start),
    /// `/ws/echo`.
    Echo,
}

/// Whether a request must be signed, where authentication is on. What leads nowhere is refused without that.
pub(crate) fn needs_key(request: &Request) -> bool {
    route(&request.method, &request.target).is_ok_and(|route| !route.permissions().is_empty())
}

/// Whose orders a request is about: those of the key's account, or with `drop_copy`, if it only reads, of any. Without
/// authentication whoever is named.
///
/// # Errors
/// 403 `forbidden`.
fn account_of(
    identity: Option<&Identity>,
    named: Option<AccountName>,
    reads: bool,
) -> Result<AccountName, ApiError> {
    let Some(identity) = identity else {
        return Ok(named.unwrap_or_else(anonymous));
    };
    match named {
        // Left out, it is the key's own.
        None => Ok(identity.account),
        Some(name) if name == identity.account => Ok(name),
        Some(name) if reads && identity.permissions.has(Permission::DropCopy) => Ok(name),
        Some(name) => {
            let message = format!(
                "key {} is of account {}, not of {name}; leave `account` out",
                identity.key, identity.account
            );
            Err(ApiError::new(codes::FORBIDDEN, message))
        }
    }
}

/// Whether a key is good for `route`, by the keys there are now: they may have changed since its signature was verified.
///
/// # Errors
/// 401 `unauthenticated`, 403 `forbidden`.
fn permit<S>(identity: &Identity, route: &Route, turn: &Turn<'_, S>) -> Result<(), ApiError> {
    if turn
        .door
        .as_ref()
        .is_some_and(|door| !door.holds(identity, turn.wall()))
    {
        let message = format!(
            "key {} was revoked, has expired, or means something else now",
            identity.key
        );
        return Err(ApiError::new(codes::UNAUTHENTICATED, message));
    }
    identity.require_any(route.permissions())
}

/// The number of the execution that `after` names. Who sees only those of `own` is told of no other's.
fn last_seen(after: &str, own: Option<&AccountName>, views: &Views) -> Result<u64, ApiError> {
    let found = resume::execution_number(after, views);
    let Some(own) = own else { return found };
    let number = found.map_err(|error| match error.is(codes::EXECUTION_TOO_OLD) {
        true => {
            let message = "after: that execution is no longer in memory; leave it out to begin now";
            ApiError::new(codes::EXECUTION_TOO_OLD, message)
        }
        false => error,
    })?;
    let owner = views.executions().get(number).map(|execution| execution.account);
    match owner.is_some() && owner == views.accounts().by_name(own) {
        true => Ok(number),
        false => {
            let message = "after: this account has no execution of that id; leave it out to begin now";
            Err(ApiError::new(codes::UNKNOWN_EXECUTION, message))
        }
    }
}

/// Whose executions alone may be seen; none means everybody's.
fn own_only(identity: Option<&Identity>) -> Option<AccountName> {
    identity
        .filter(|identity| !identity.permissions.has(Permission::DropCopy))
        .map(|identity| identity.account)
}

/// Answers a request, sequences its command, or accepts its handshake. `identity` is whose key signed it, where
/// authentication is on.
///
/// # Errors
/// What the client is told; nothing was sequenced then.
pub(crate) fn handle<S: CommandSink>(
    request: &Request,
    identity: Option<Identity>,
    keep_alive: bool,
    line: &mut Line,
    turn: &mut Turn<'_, S>,
) -> Result<Handled, ApiError> {
    let route = route(&request.method, &request.target)?;
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
            respond(line.egress.buffer(), 200, keep_alive, request.is_head(), |body| {
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
        Route::WsEcho if !turn.config.test_echo => return Err(nothing_at("/ws/echo")),
        Route::WsExecutions { .. } | Route::WsOrders { .. } | Route::WsEcho => {
            return upgrade(request, identity, route, line, turn)
                .map(|(upgrade, agreed)| Handled::Upgrade(upgrade, agreed, identity.copied()));
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
        Route::CancelAll { account, symbol } => Some((account, WsOp::CancelAll { symbol })),
        _ => None,
    };
    match op {
        Some((account, op)) => command(account_of(identity, account, false)?, &op, keep_alive, line, turn),
        None => query(request, identity, &route, keep_alive, line, turn).map(|()| Handled::Done),
    }
}

/// Sequences a command on behalf of `account`.
fn command<S: CommandSink>(
    account: AccountName,
    op: &WsOp,
    keep_alive: bool,
    line: &mut Line,
    turn: &mut Turn<'_, S>,
) -> Result<Handled, ApiError> {
    let now = turn.wall();
    let open = turn.open.as_mut().ok_or_else(recovering)?;
    match open.desk.take(now, &account, op) {
        Ok(Taken::Sequenced { sequence, asked }) => {
            let peer = turn.peer;
            open.desk.wait(sequence, asked, Waiter { peer, id: None });
            Ok(Handled::Waiting)
        }
        Ok(Taken::NothingToCancel) => {
            respond(line.egress.buffer(), 200, keep_alive, false, |body| {
                encode::canceled(body, 0)
            });
            Ok(Handled::Done)
        }
        Err(error) => {
            turn.stats.busy_refusals += u64::from(error.is(codes::BUSY) || error.is(codes::JOURNAL_FULL));
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
) -> Result<(Upgrade, Agreed), ApiError> {
    let upgrade = begin(identity, route, turn)?;
    let agreed = write_upgrade(request, turn.config.compression, line.egress.buffer())?;
    Ok((upgrade, agreed))
}

/// Accepts the handshake of a client that will say in its first message who it is, if it asks for a stream and shows no
/// key; none otherwise.
///
/// # Errors
/// As of any other handshake.
pub(crate) fn greet<S: CommandSink>(
    request: &Request,
    line: &mut Line,
    turn: &mut Turn<'_, S>,
) -> Result<Option<Agreed>, ApiError> {
    let route = route(&request.method, &request.target)?;
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
    turn: &Turn<'_, S>,
) -> Result<Upgrade, ApiError> {
    let route = route("GET", target)?;
    permit(identity, &route, turn)?;
    begin(Some(identity), route, turn)
}

fn begin<S: CommandSink>(
    identity: Option<&Identity>,
    route: Route,
    turn: &Turn<'_, S>,
) -> Result<Upgrade, ApiError> {
    let views = turn.views()?;
    if turn.stage >= Stage::Draining {
        return Err(crate::desk::shutting_down());
    }
    Ok(match route {
        Route::WsExecutions { symbol, after } => Upgrade::Executions(subscriber::Start {
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
            Upgrade::Orders(session::Start { account, from, seen })
        }
        Route::WsEcho => Upgrade::Echo,
        _ => return Err(ApiError::new(codes::NOT_FOUND, "there is no stream here")),
    })
}

/// Answers from the views.
fn query<S: CommandSink>(
    request: &Request,
    identity: Option<&Identity>,
    route: &Route,
    keep_alive: bool,
    line: &mut Line,
    turn: &mut Turn<'_, S>,
) -> Result<(), ApiError> {
    let views = turn.views()?;
    let head_only = request.is_head();
    let out = line.egress.buffer();
    let body = |out: &mut Vec<u8>, write: &mut dyn FnMut(&mut Vec<u8>)| {
        respond(out, 200, keep_alive, head_only, |body| write(body));
    };
    match route {
        Route::Page => respond_page(out, keep_alive, head_only),
        Route::Readyz if turn.stage >= Stage::Draining => return Err(crate::desk::shutting_down()),
        Route::Readyz => body(out, &mut |body| encode::status(body, "ready")),
        Route::Time => {
            let now = turn.wall();
            body(out, &mut |body| encode::time(body, now));
        }
        Route::Instruments => body(out, &mut |body| encode::instruments(body, views)),
        Route::OrderBook { symbol, depth } => {
            let instrument = find_instrument(symbol, views)?;
            if let (Some(book), Some(spec)) = (views.book(instrument), views.instruments().get(instrument)) {
                body(out, &mut |body| encode::book(body, book, spec, *depth));
            }
        }
        Route::Executions { symbol, limit, after } => {
            let instrument = find_instrument(symbol, views)?;
            let executions = views.executions();
            let own = own_only(identity);
            // Those of one account are looked for among many.
            let looked_at = if own.is_some() { OWN_AMONG } else { *limit };
            let numbers = match after {
                Some(after) => {
                    executions.after(instrument, last_seen(after, own.as_ref(), views)?, looked_at)
                }
                None => executions.newest(instrument, looked_at),
            };
            let own = own.map(|name| views.accounts().by_name(&name));
            let mut found: Vec<_> = numbers
                .iter()
                .filter_map(|&number| executions.get(number))
                .filter(|execution| own.is_none_or(|own| own == Some(execution.account)))
                .collect();
            let surplus = found.len().saturating_sub(*limit);
            if after.is_some() {
                found.truncate(*limit);
            } else {
                found.drain(..surplus);
            }
            body(out, &mut |body| {
                encode::executions(body, found.iter().copied(), views)
            });
        }
        Route::GetOrder { order_id, account } => {
            let named = match (identity, account) {
                (None, account) => *account,
                (Some(identity), None) if identity.permissions.has(Permission::DropCopy) => None,
                (identity, account) => Some(account_of(identity, *account, true)?),
            };
            let order = match &named {
                Some(name) => find_order(order_id, views.accounts().by_name(name), views)?,
                None => any_order(order_id, views).ok_or_else(|| unknown_order(order_id))?,
            };
            body(out, &mut |body| encode::order(body, order, views));
        }
        Route::ListOrders { .. } => list_orders(identity, route, views, &mut |write| body(out, write))?,
        _ => return Err(ApiError::new(codes::NOT_FOUND, "there is nothing here")),
    }
    Ok(())
}

type Write<'w> = &'w mut dyn FnMut(&mut Vec<u8>);

fn list_orders(
    identity: Option<&Identity>,
    route: &Route,
    views: &Views,
    respond: &mut dyn FnMut(Write<'_>),
) -> Result<(), ApiError> {
    let Route::ListOrders {
        account,
        symbol,
        status,
        limit,
    } = route
    else {
        return Ok(());
    };
    let instrument = symbol
        .as_ref()
        .map(|symbol| find_instrument(symbol, views))
        .transpose()?;
    let account = account_of(identity, *account, true)?;
    let orders = || {
        let account = views.accounts().by_name(&account);
        account
            .into_iter()
            .flat_map(|account| views.orders().of_account(account))
            .filter(|order| instrument.is_none_or(|instrument| order.instrument == instrument))
            .filter(|order| status.is_none_or(|status| status.admits(order.status)))
            .take(*limit)
    };
    respond(&mut |body| encode::orders(body, orders(), views));
    Ok(())
}

fn anonymous() -> AccountName {
    AccountName::new(ANONYMOUS).unwrap_or_default()
}
