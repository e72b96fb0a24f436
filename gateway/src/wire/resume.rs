//! Where a client that names the last execution or sequence it saw goes on.

use hoga_protocol::{AccountId, Sequence};
use hoga_views::{Found, Views};

use super::error::{ApiError, excerpt};
use super::{codes, ids};

/// The number of the execution that `exec_id` names; a client that has seen it goes on with the number after it.
///
/// # Errors
/// 404 `unknown_execution`, or 410 `execution_too_old` naming the earliest that is held.
pub fn execution_number(exec_id: &str, views: &Views) -> Result<u64, ApiError> {
    let executions = views.executions();
    let exchange = ids::exchange(views);
    let found = match ids::parse_execution_id(exec_id, exchange) {
        Some((sequence, index, role)) => executions.find(sequence, index, role),
        None => Found::Unknown,
    };
    match found {
        Found::Held(number) => Ok(number),
        Found::Unknown => Err(ApiError::new(
            codes::UNKNOWN_EXECUTION,
            format!(
                "after: this exchange has no execution {}; leave it out to begin now",
                excerpt(exec_id)
            ),
        )),
        Found::TooOld => {
            let earliest = executions.get(executions.first()).map_or_else(
                || "none is".to_owned(),
                |first| {
                    let id = ids::execution_id(&first, views);
                    format!("the earliest is {id}")
                },
            );
            Err(ApiError::new(
                codes::EXECUTION_TOO_OLD,
                format!("after: execution {exec_id} is no longer in memory; {earliest}"),
            ))
        }
    }
}

/// The number of the first execution behind trade `trade`, which a client has seen.
///
/// # Errors
/// 404 `unknown_execution`, or 410 `execution_too_old` naming the earliest trade that can be named.
pub fn behind_trade(trade: u64, views: &Views) -> Result<u64, ApiError> {
    let executions = views.executions();
    let next = trade.saturating_add(1).saturating_mul(2);
    if next > executions.next() {
        let message = format!("after: this exchange has had no trade {trade} yet; leave it out to begin now");
        return Err(ApiError::new(codes::UNKNOWN_EXECUTION, message));
    }
    if next < executions.first() {
        let earliest = executions.first() / 2 - 1;
        let message = format!(
            "after: trades behind {trade} are no longer in memory; the earliest to go on after is {earliest}"
        );
        return Err(ApiError::new(codes::EXECUTION_TOO_OLD, message));
    }
    Ok(next)
}

/// The number of the first order update to send to a client of `account` that has seen everything up to `after`: a
/// whole command, or one event of it.
///
/// # Errors
/// 400 `invalid_parameter` for a sequence that is yet to come, 410 `sequence_too_old` naming the earliest.
pub fn update_number(
    account: AccountId,
    after: (Sequence, Option<u32>),
    views: &Views,
) -> Result<u64, ApiError> {
    let (sequence, index) = after;
    if sequence > views.sequence() {
        return Err(ApiError::new(
            codes::INVALID_PARAMETER,
            format!(
                "after: sequence {} is yet to come, the last is {}; is this the exchange you were connected to?",
                sequence.0,
                views.sequence().0
            ),
        ));
    }
    views.updates().resume(account, sequence, index).map_err(|earliest| {
        ApiError::new(
            codes::SEQUENCE_TOO_OLD,
            format!(
                "after: updates that follow sequence {} are no longer in memory; the earliest to resume after is \
                 {}; read GET /api/v1/orders and connect without after",
                sequence.0, earliest.0
            ),
        )
    })
}
