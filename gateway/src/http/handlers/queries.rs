//! Answers from the views.

use hoga_protocol::ExchangeId;
use hoga_service::queries::{
    BookSnapshot, Executions, Orders, Rows, Search, Trades, Walk, behind_trade, find_client_order,
    find_execution, find_instrument, visible_order,
};
use hoga_service::{Identity, InvalidPlace, Reject};
use hoga_views::Views;

use crate::codec::{ApiError, codes, encode, ids};
use crate::http::Manner;
use crate::http::cursor::Binding;
use crate::http::outcome::Handled;
use crate::http::paging::Listing;
use crate::http::reply::{PAGE, PAGE_HEADERS, respond};
use crate::http::routes::Route;
use crate::server::connection_buffer::ConnectionBuffer;
use crate::server::context::{Context, Stage};

/// Whether clients should be sent here: orders are taken, and will be for a while.
///
/// # Errors
/// [`Reject::Recovering`], [`Reject::ShuttingDown`] or [`Reject::JournalFull`].
fn must_be_ready(context: &Context<'_>) -> Result<(), Reject> {
    let open = context.open.as_ref().ok_or(Reject::Recovering)?;
    if context.stage >= Stage::Leaving {
        return Err(Reject::ShuttingDown);
    }
    open.service.must_take_orders()
}

/// Answers from the views: at once what takes one look-up, in portions what lists.
pub(super) fn query(
    identity: Option<&Identity>,
    route: &Route,
    manner: &Manner,
    buffer: &mut ConnectionBuffer,
    context: &mut Context<'_>,
) -> Result<Handled, ApiError> {
    match route {
        Route::Readyz => {
            context.views()?;
            must_be_ready(context)?;
            respond(buffer.egress.buffer(), 200, manner, |body| {
                encode::status(body, "ready");
            });
            return Ok(Handled::Done);
        }
        Route::Time => {
            context.views()?;
            let now = context.wall();
            respond(buffer.egress.buffer(), 200, manner, |body| {
                encode::time(body, now)
            });
            return Ok(Handled::Done);
        }
        _ => {}
    }
    context.check_memory()?;
    let views = context.views()?;
    let exchange = ids::exchange(views);
    let listing = match route {
        Route::Page => Listing::text("text/html; charset=utf-8", PAGE_HEADERS, PAGE.as_bytes()),
        Route::GetOrder { order_id, account } => {
            let id = ids::parse_order_id(order_id, exchange);
            let order = visible_order(identity, id, *account, views)?;
            respond(buffer.egress.buffer(), 200, manner, |body| {
                encode::order(body, order, views)
            });
            return Ok(Handled::Done);
        }
        Route::GetByClientId {
            client_order_id,
            account,
        } => {
            let account = Identity::account_of(identity, *account, true)?;
            let order = find_client_order(client_order_id, views.accounts().by_name(&account), views)?;
            respond(buffer.egress.buffer(), 200, manner, |body| {
                encode::order(body, order, views);
            });
            return Ok(Handled::Done);
        }
        Route::Instruments { limit, cursor } => {
            let binding = Binding::new(exchange, "instruments", &[]);
            let place = open(cursor.as_deref(), binding)?.unwrap_or(0);
            Listing::rows(Search::new(Rows::Instruments, *limit, place), Some(binding))
        }
        Route::OrderBook { symbol, depth } => {
            let instrument = find_instrument(symbol, views)?;
            let book = Rows::Book(BookSnapshot::of(instrument, *depth, views));
            Listing::rows(Search::new(book, 2 * *depth, 0), None)
        }
        Route::Executions {
            symbol,
            limit,
            after,
            cursor,
        } => {
            let instrument = find_instrument(symbol, views)?;
            let own = Identity::own_only(identity);
            let names = [
                Some(symbol.as_str()),
                own.as_ref().map(|own| own.as_str()),
                after.as_deref(),
            ];
            let binding = Binding::new(exchange, "executions", &names);
            let place = match (open(cursor.as_deref(), binding)?, after) {
                (Some(place), after) => still_held(place, after.is_some(), views)?,
                (None, Some(after)) => {
                    let seen = ids::parse_execution_id(after, exchange);
                    find_execution(seen, own.as_ref(), views)?
                }
                (None, None) => u64::MAX,
            };
            let rows = Rows::Executions(Executions {
                instrument,
                own: own.map(|name| views.accounts().by_name(&name)),
                walk: Walk::of(after.is_some()),
            });
            Listing::rows(Search::new(rows, *limit, place), Some(binding))
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
                (None, Some(after)) => behind_trade(*after, views)? - 1,
                (None, None) => u64::MAX,
            };
            let walk = Walk::of(after.is_some());
            let rows = Rows::Trades(Trades { instrument, walk });
            Listing::rows(Search::new(rows, *limit, place), Some(binding))
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

/// The place of a cursor, unless executions that follow it upwards are gone.
///
/// # Errors
/// [`InvalidPlace::CursorTooOld`].
fn still_held(place: u64, is_after: bool, views: &Views) -> Result<u64, Reject> {
    match is_after && place.saturating_add(1) < views.executions().first() {
        true => Err(Reject::Place(InvalidPlace::CursorTooOld)),
        false => Ok(place),
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
    let account = Identity::account_of(identity, *account, true)?;
    let named = status.map(|status| format!("{status:?}"));
    let names = [
        Some(account.as_str()),
        symbol.as_ref().map(|symbol| symbol.as_str()),
        named.as_deref(),
    ];
    let binding = Binding::new(exchange, "orders", &names);
    let place = open(cursor.as_deref(), binding)?.unwrap_or(u64::MAX);
    let rows = Rows::Orders(Orders {
        account: views.accounts().by_name(&account),
        instrument,
        status: *status,
    });
    Ok(Listing::rows(Search::new(rows, *limit, place), Some(binding)))
}
