//! Answers from the views: at once what takes one look-up, in portions what lists.

use hoga_protocol::{InstrumentId, Symbol};
use hoga_service::queries::{
    BookSnapshot, Executions, Orders, Rows, Search, Trades, Walk, behind_trade, find_client_order,
    find_execution, find_instrument, visible_order,
};
use hoga_service::{Identity, InvalidPlace, Reject};
use hoga_views::{OrderState, Views};

use crate::codec::{ApiError, encode, ids};
use crate::http::call::Call;
use crate::http::cursor::Binding;
use crate::http::outcome::Handled;
use crate::http::paging::Listing;
use crate::http::parameters::Parameters;
use crate::http::reply::respond;
use crate::server::context::Context;

/// `GET /api/v1/orders/{order_id}`
pub(crate) fn order(call: &mut Call<'_, '_>) -> Result<Handled, ApiError> {
    show_order(call, |call, views| {
        let id = ids::parse_order_id(call.parameters.order_id(), ids::exchange(views));
        visible_order(call.identity, id, call.parameters.account, views)
    })
}

/// `GET /api/v1/orders/by_client_id`
pub(crate) fn order_by_client_id(call: &mut Call<'_, '_>) -> Result<Handled, ApiError> {
    show_order(call, |call, views| {
        let account = Identity::account_of(call.identity, call.parameters.account, true)?;
        let account = views.accounts().by_name(&account);
        find_client_order(&call.parameters.client_order_id, account, views)
    })
}

/// `GET /api/v1/orders`
pub(crate) fn orders(call: &mut Call<'_, '_>) -> Result<Handled, ApiError> {
    let (parameters, views) = (call.parameters, begin(call.context)?);
    let instrument = parameters.symbol.map(|symbol| find_instrument(&symbol, views));
    let instrument = instrument.transpose()?;
    let account = Identity::account_of(call.identity, parameters.account, true)?;
    let status = parameters.status.map(|status| format!("{status:?}"));
    let names = [
        Some(account.as_str()),
        parameters.symbol.as_ref().map(Symbol::as_str),
        status.as_deref(),
    ];
    let binding = Binding::new(ids::exchange(views), "orders", &names);
    let place = open(parameters, binding)?.unwrap_or(u64::MAX);
    let rows = Rows::Orders(Orders {
        account: views.accounts().by_name(&account),
        instrument,
        status: parameters.status,
    });
    Ok(list(rows, parameters, place, binding))
}

/// `GET /api/v1/instruments`
pub(crate) fn instruments(call: &mut Call<'_, '_>) -> Result<Handled, ApiError> {
    let (parameters, views) = (call.parameters, begin(call.context)?);
    let binding = Binding::new(ids::exchange(views), "instruments", &[]);
    let place = open(parameters, binding)?.unwrap_or(0);
    Ok(list(Rows::Instruments, parameters, place, binding))
}

/// `GET /api/v1/orderbook/{symbol}`
pub(crate) fn order_book(call: &mut Call<'_, '_>) -> Result<Handled, ApiError> {
    let (parameters, views) = (call.parameters, begin(call.context)?);
    let (depth, (_, instrument)) = (parameters.limit, instrument_of(parameters, views)?);
    let book = Rows::Book(BookSnapshot::of(instrument, depth, views));
    let listing = Listing::rows(Search::new(book, 2 * depth, 0), None);
    Ok(Handled::Listing(Box::new(listing)))
}

/// `GET /api/v1/executions/{symbol}`
pub(crate) fn executions(call: &mut Call<'_, '_>) -> Result<Handled, ApiError> {
    let (parameters, views) = (call.parameters, begin(call.context)?);
    let (symbol, instrument) = instrument_of(parameters, views)?;
    let own = Identity::own_only(call.identity);
    let after = parameters.after_execution.as_deref();
    let names = [Some(symbol.as_str()), own.as_ref().map(|own| own.as_str()), after];
    let exchange = ids::exchange(views);
    let binding = Binding::new(exchange, "executions", &names);
    let place = match (open(parameters, binding)?, after) {
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
    Ok(list(rows, parameters, place, binding))
}

/// `GET /api/v1/trades/{symbol}`
pub(crate) fn trades(call: &mut Call<'_, '_>) -> Result<Handled, ApiError> {
    let (parameters, views) = (call.parameters, begin(call.context)?);
    let (symbol, instrument) = instrument_of(parameters, views)?;
    let after = parameters.after_trade;
    let named = after.map(|after| after.to_string());
    let names = [Some(symbol.as_str()), named.as_deref()];
    let binding = Binding::new(ids::exchange(views), "trades", &names);
    let place = match (open(parameters, binding)?, after) {
        (Some(place), after) => still_held(place, after.is_some(), views)?,
        // The resting side of the trade that was seen.
        (None, Some(after)) => behind_trade(after, views)? - 1,
        (None, None) => u64::MAX,
    };
    let walk = Walk::of(after.is_some());
    let rows = Rows::Trades(Trades { instrument, walk });
    Ok(list(rows, parameters, place, binding))
}

/// The views, unless the answers that wait take up too much memory.
fn begin<'c>(context: &'c mut Context<'_>) -> Result<&'c Views, ApiError> {
    context.check_memory()?;
    Ok(context.views()?)
}

/// Answers with the order that `find` finds.
fn show_order(
    call: &mut Call<'_, '_>,
    find: for<'v> fn(&Call<'_, '_>, &'v Views) -> Result<&'v OrderState, Reject>,
) -> Result<Handled, ApiError> {
    call.context.check_memory()?;
    let views = call.context.views()?;
    let order = find(call, views)?;
    respond(call.buffer.egress.out(), 200, call.manner, |body| {
        encode::order(body, order, views);
    });
    Ok(Handled::Done)
}

fn list(rows: Rows, parameters: &Parameters, place: u64, binding: Binding) -> Handled {
    let search = Search::new(rows, parameters.limit, place);
    Handled::Listing(Box::new(Listing::rows(search, Some(binding))))
}

/// The instrument that the path names.
fn instrument_of(parameters: &Parameters, views: &Views) -> Result<(Symbol, InstrumentId), Reject> {
    let symbol = parameters.symbol.unwrap_or_default();
    Ok((symbol, find_instrument(&symbol, views)?))
}

/// The place that a cursor names, if there is one.
fn open(parameters: &Parameters, binding: Binding) -> Result<Option<u64>, ApiError> {
    let cursor = parameters.cursor.as_deref();
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
