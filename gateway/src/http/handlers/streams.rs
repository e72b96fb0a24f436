//! Where WebSockets begin.

use hoga_service::Identity;
use hoga_service::queries::{behind_trade, find_execution, find_instrument, first_update};

use crate::broadcast::log::Stream;
use crate::codec::{ApiError, ids};
use crate::http::parameters::Parameters;
use crate::http::query::nothing_at;
use crate::server::context::Context;
use crate::server::step::{OrderSession, Start, Subscription};

/// `/ws/executions`
pub(crate) fn executions(
    parameters: &Parameters,
    identity: Option<&Identity>,
    context: &Context<'_>,
) -> Result<Start, ApiError> {
    let views = context.views()?;
    let own = Identity::own_only(identity);
    let instrument = parameters.symbol.map(|symbol| find_instrument(&symbol, views));
    Ok(Start::Subscription(Subscription {
        stream: Stream::Executions,
        own,
        instrument: instrument.transpose()?,
        cursor: match &parameters.after_execution {
            Some(after) => {
                let seen = ids::parse_execution_id(after, ids::exchange(views));
                find_execution(seen, own.as_ref(), views)? + 1
            }
            None => views.executions().next(),
        },
    }))
}

/// `/ws/trades`
pub(crate) fn trades(
    parameters: &Parameters,
    _: Option<&Identity>,
    context: &Context<'_>,
) -> Result<Start, ApiError> {
    let views = context.views()?;
    let instrument = parameters.symbol.map(|symbol| find_instrument(&symbol, views));
    Ok(Start::Subscription(Subscription {
        stream: Stream::Trades,
        own: None,
        instrument: instrument.transpose()?,
        cursor: match parameters.after_trade {
            Some(after) => behind_trade(after, views)?,
            None => views.executions().next(),
        },
    }))
}

/// `/ws/orders`
pub(crate) fn orders(
    parameters: &Parameters,
    identity: Option<&Identity>,
    context: &Context<'_>,
) -> Result<Start, ApiError> {
    let views = context.views()?;
    let account = Identity::account_of(identity, parameters.account, false)?;
    let known = views.accounts().by_name(&account);
    let from = match (parameters.after_sequence, known) {
        (Some(after), Some(known)) => first_update(known, after, views)?,
        _ => views.updates().next(),
    };
    let seen = parameters.after_sequence.unwrap_or((views.sequence(), None));
    Ok(Start::Orders(OrderSession { account, from, seen }))
}

/// `/ws/echo`
pub(crate) fn echo(_: &Parameters, _: Option<&Identity>, context: &Context<'_>) -> Result<Start, ApiError> {
    match context.config.test_echo {
        true => Ok(Start::Echo),
        false => Err(nothing_at("/ws/echo")),
    }
}
