//! Answers from the views.

use hoga_protocol::{AccountName, ExchangeId};
use hoga_views::{OrderState, Views};

use super::access::{account_of, last_seen, own_only};
use crate::answer::{PAGE, PAGE_HEADERS, respond};
use crate::auth::{Identity, Permission};
use crate::cursor::Binding;
use crate::desk::{any_order, find_instrument, find_order, shutting_down, unknown_order};
use crate::handled::Handled;
use crate::http::Manner;
use crate::line::Line;
use crate::listing::{Listing, Rows, Walk, book};
use crate::ports::CommandSink;
use crate::route::Route;
use crate::turn::{Stage, Turn, recovering};
use crate::wire::{ApiError, codes, encode, resume};

/// Whether clients should be sent here: orders are taken, and will be for a while.
///
/// # Errors
/// 503 `recovering`, `shutting_down` or `journal_full`.
fn must_be_ready<S: CommandSink>(turn: &Turn<'_, S>) -> Result<(), ApiError> {
    let open = turn.open.as_ref().ok_or_else(recovering)?;
    if turn.stage >= Stage::Leaving {
        return Err(shutting_down());
    }
    if open.desk.sink.is_full() {
        let message = format!("only cancels are taken: {}", open.desk.sink.reason());
        return Err(ApiError::new(codes::JOURNAL_FULL, message));
    }
    Ok(())
}

/// Answers from the views: at once what takes one look-up, in portions what lists.
pub(super) fn query<S: CommandSink>(
    identity: Option<&Identity>,
    route: &Route,
    manner: &Manner,
    line: &mut Line,
    turn: &mut Turn<'_, S>,
) -> Result<Handled, ApiError> {
    match route {
        Route::Readyz => {
            turn.views()?;
            must_be_ready(turn)?;
            respond(line.egress.buffer(), 200, manner, |body| {
                encode::status(body, "ready");
            });
            return Ok(Handled::Done);
        }
        Route::Time => {
            turn.views()?;
            let now = turn.wall();
            respond(line.egress.buffer(), 200, manner, |body| encode::time(body, now));
            return Ok(Handled::Done);
        }
        _ => {}
    }
    turn.check_memory()?;
    let views = turn.views()?;
    let exchange = views
        .genesis()
        .map(|genesis| genesis.exchange)
        .unwrap_or_default();
    let listing = match route {
        Route::Page => Listing::text("text/html; charset=utf-8", PAGE_HEADERS, PAGE.as_bytes()),
        Route::GetOrder { order_id, account } => {
            let order = one_order(identity, order_id, *account, views)?;
            respond(line.egress.buffer(), 200, manner, |body| {
                encode::order(body, order, views)
            });
            return Ok(Handled::Done);
        }
        Route::Instruments { limit, cursor } => {
            let binding = Binding::new(exchange, "instruments", &[]);
            let place = open(cursor.as_deref(), binding)?.unwrap_or(0);
            Listing::new(Rows::Instruments, Some(binding), *limit, place)
        }
        Route::OrderBook { symbol, depth } => {
            let instrument = find_instrument(symbol, views)?;
            Listing::new(book(instrument, *depth, views), None, 2 * *depth, 0)
        }
        Route::Executions {
            symbol,
            limit,
            after,
            cursor,
        } => {
            let instrument = find_instrument(symbol, views)?;
            let own = own_only(identity);
            let names = [
                Some(symbol.as_str()),
                own.as_ref().map(|own| own.as_str()),
                after.as_deref(),
            ];
            let binding = Binding::new(exchange, "executions", &names);
            let place = match (open(cursor.as_deref(), binding)?, after) {
                (Some(place), after) => still_held(place, after.is_some(), views)?,
                (None, Some(after)) => last_seen(after, own.as_ref(), views)?,
                (None, None) => u64::MAX,
            };
            let rows = Rows::Executions {
                instrument,
                own: own.map(|name| views.accounts().by_name(&name)),
                walk: walk(after.is_some()),
            };
            Listing::new(rows, Some(binding), *limit, place)
        }
        Route::Trades {
            symbol,
            limit,
            after,
            cursor,
        } => {
            let instrument = find_instrument(symbol, views)?;
            let named = after.map(|after| after.to_string());
            let binding = Binding::new(exchange, "trades", &[Some(symbol.as_str()), named.as_deref()]);
            let place = match (open(cursor.as_deref(), binding)?, after) {
                (Some(place), after) => still_held(place, after.is_some(), views)?,
                // The resting side of the trade that was seen.
                (None, Some(after)) => resume::behind_trade(*after, views)? - 1,
                (None, None) => u64::MAX,
            };
            let walk = walk(after.is_some());
            Listing::new(Rows::Trades { instrument, walk }, Some(binding), *limit, place)
        }
        Route::ListOrders { .. } => orders(identity, route, exchange, views)?,
        _ => return Err(ApiError::new(codes::NOT_FOUND, "there is nothing here")),
    };
    Ok(Handled::Listing(Box::new(listing)))
}

/// The place that a cursor names, if there is one.
fn open(cursor: Option<&str>, binding: Binding) -> Result<Option<u64>, ApiError> {
    cursor.map(|cursor| binding.open(cursor)).transpose()
}

/// Whether the list is looked through upwards.
fn walk(is_after: bool) -> Walk {
    if is_after { Walk::After } else { Walk::Before }
}

/// The place of a cursor, unless executions that follow it upwards are gone.
///
/// # Errors
/// 410 `execution_too_old`.
fn still_held(place: u64, is_after: bool, views: &Views) -> Result<u64, ApiError> {
    if is_after && place.saturating_add(1) < views.executions().first() {
        let message = "cursor: what follows it is no longer in memory; leave it out to begin anew";
        return Err(ApiError::new(codes::EXECUTION_TOO_OLD, message));
    }
    Ok(place)
}

fn one_order<'v>(
    identity: Option<&Identity>,
    order_id: &str,
    account: Option<AccountName>,
    views: &'v Views,
) -> Result<&'v OrderState, ApiError> {
    let named = match (identity, account) {
        (None, account) => account,
        (Some(identity), None) if identity.permissions.has(Permission::DropCopy) => None,
        (identity, account) => Some(account_of(identity, account, true)?),
    };
    match &named {
        Some(name) => find_order(order_id, views.accounts().by_name(name), views),
        None => any_order(order_id, views).ok_or_else(|| unknown_order(order_id)),
    }
}

fn orders(
    identity: Option<&Identity>,
    route: &Route,
    exchange: ExchangeId,
    views: &Views,
) -> Result<Listing, ApiError> {
    let Route::ListOrders {
        account,
        symbol,
        status,
        limit,
        cursor,
    } = route
    else {
        return Err(ApiError::new(codes::NOT_FOUND, "there is nothing here"));
    };
    let instrument = symbol
        .as_ref()
        .map(|symbol| find_instrument(symbol, views))
        .transpose()?;
    let account = account_of(identity, *account, true)?;
    let named = status.map(|status| format!("{status:?}"));
    let names = [
        Some(account.as_str()),
        symbol.as_ref().map(|symbol| symbol.as_str()),
        named.as_deref(),
    ];
    let binding = Binding::new(exchange, "orders", &names);
    let place = open(cursor.as_deref(), binding)?.unwrap_or(u64::MAX);
    let rows = Rows::Orders {
        account: views.accounts().by_name(&account),
        instrument,
        status: *status,
    };
    Ok(Listing::new(rows, Some(binding), *limit, place))
}
