//! Answers from the views.

use hoga_views::Views;

use super::access::{account_of, last_seen, own_only};
use crate::answer::{respond, respond_page};
use crate::auth::{Identity, Permission};
use crate::desk::{any_order, find_instrument, find_order, shutting_down, unknown_order};
use crate::http::Manner;
use crate::line::Line;
use crate::ports::CommandSink;
use crate::route::Route;
use crate::turn::{Stage, Turn, recovering};
use crate::wire::{ApiError, codes, encode, resume};

/// Among how many executions of an instrument those of one account are looked for.
const OWN_AMONG: usize = 4_096;

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

/// Answers from the views.
pub(super) fn query<S: CommandSink>(
    identity: Option<&Identity>,
    route: &Route,
    manner: &Manner,
    line: &mut Line,
    turn: &mut Turn<'_, S>,
) -> Result<(), ApiError> {
    let views = turn.views()?;
    let out = line.egress.buffer();
    let body = |out: &mut Vec<u8>, write: &mut dyn FnMut(&mut Vec<u8>)| {
        respond(out, 200, manner, |body| write(body));
    };
    match route {
        Route::Page => respond_page(out, manner),
        Route::Readyz => {
            must_be_ready(turn)?;
            body(out, &mut |body| encode::status(body, "ready"));
        }
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
        Route::Trades { symbol, limit, after } => {
            let instrument = find_instrument(symbol, views)?;
            let executions = views.executions();
            let numbers = match after {
                // Behind the resting side of the trade that was seen.
                Some(after) => {
                    let seen = resume::behind_trade(*after, views)? - 1;
                    executions.after(instrument, seen, 2 * limit)
                }
                None => executions.newest(instrument, 2 * limit),
            };
            let aggressors = numbers.iter().filter(|number| number.is_multiple_of(2));
            body(out, &mut |body| {
                let aggressors = aggressors.clone().filter_map(|&number| executions.get(number));
                encode::trades(body, aggressors, views);
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
