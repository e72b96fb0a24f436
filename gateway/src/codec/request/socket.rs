//! One message of the order entry socket.

use hoga_protocol::{ExchangeId, OrderId};
use hoga_service::Request;

use super::request_id::RequestId;
use super::{ascii, cancel_all_after, new_order, replace, word};
use crate::codec::error::ApiError;
use crate::codec::format::Format;
use crate::codec::ids;
use crate::codec::object::{Field, Object, invalid, missing};

/// One message of the order entry socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WsRequest {
    /// Echoed in the reply.
    pub id: RequestId,
    /// What is asked for. The account is the socket's own, so no message names one.
    pub request: Request,
}

#[derive(Clone, Copy)]
enum Op {
    Place,
    Replace,
    Cancel,
    CancelAll,
    CancelOnDisconnect,
    CancelAllAfter,
}

const OPS: &[(&str, Op)] = &[
    ("place", Op::Place),
    ("replace", Op::Replace),
    ("cancel", Op::Cancel),
    ("cancel_all", Op::CancelAll),
    ("cancel_on_disconnect", Op::CancelOnDisconnect),
    ("cancel_all_after", Op::CancelAllAfter),
];

/// Reads one message of the order entry socket of `exchange`, in JSON.
///
/// # Errors
/// As those of [`parse`].
pub fn parse_ws(text: &[u8], exchange: ExchangeId) -> Result<WsRequest, (Option<RequestId>, ApiError)> {
    parse(text, Format::Json, exchange)
}

/// Reads one message of the order entry socket of `exchange`.
///
/// # Errors
/// The request's id when it could be read, and what is wrong.
pub fn parse(
    payload: &[u8],
    format: Format,
    exchange: ExchangeId,
) -> Result<WsRequest, (Option<RequestId>, ApiError)> {
    let mut object = Object::empty();
    object
        .read(payload, format, "message")
        .map_err(|error| (None, error))?;
    let id = RequestId::of(&object).map_err(|error| (None, error))?;
    match parse_op(&object, exchange) {
        Ok(request) => Ok(WsRequest { id, request }),
        Err(error) => Err((Some(id), error)),
    }
}

fn parse_op(object: &Object<'_>, exchange: ExchangeId) -> Result<Request, ApiError> {
    let op = word(object, Field::Op, OPS)?.ok_or_else(|| {
        missing(
            Field::Op,
            "a request needs it: \"place\", \"replace\", \"cancel\", \"cancel_all\", \"cancel_on_disconnect\" or \
             \"cancel_all_after\"",
        )
    })?;
    let (what, fields): (&str, &[Field]) = match op {
        Op::Place => ("place", new_order::FIELDS),
        Op::Replace => ("replace", replace::FIELDS),
        Op::Cancel => ("cancel", &[]),
        Op::CancelAll => ("cancel_all", &[Field::Symbol]),
        Op::CancelOnDisconnect => ("cancel_on_disconnect", &[Field::On]),
        Op::CancelAllAfter => ("cancel_all_after", &[Field::TimeoutMs]),
    };
    if object.raw(Field::Account).is_some() {
        return Err(invalid(
            Field::Account,
            format_args!("is chosen when the socket connects, by ?account=; leave it out of messages"),
        ));
    }
    let named: &[Field] = match op {
        Op::Replace => &[Field::Id, Field::Op, Field::OrderId],
        Op::Cancel => &[Field::Id, Field::Op, Field::OrderId, Field::ClientOrderId],
        Op::Place | Op::CancelAll | Op::CancelOnDisconnect | Op::CancelAllAfter => &[Field::Id, Field::Op],
    };
    object.check(&[named, fields].concat(), what)?;
    Ok(match op {
        Op::Place => Request::NewOrder(new_order::read(object)?),
        Op::Replace => Request::ReplaceOrder {
            order: order(object, exchange)?,
            change: replace::read(object)?,
        },
        Op::Cancel => cancel(object, exchange)?,
        Op::CancelAll => Request::CancelAll {
            symbol: ascii(object, Field::Symbol)?,
        },
        Op::CancelOnDisconnect => Request::CancelOnDisconnect {
            armed: None,
            on: object.flag(Field::On)?.ok_or_else(|| {
                missing(
                    Field::On,
                    "this op needs it: true to have all orders canceled when the socket ends",
                )
            })?,
        },
        Op::CancelAllAfter => Request::CancelAllAfter {
            timeout_ms: cancel_all_after::timeout(object)?,
        },
    })
}

/// A cancel by one of the two ids that an order can have.
fn cancel(object: &Object<'_>, exchange: ExchangeId) -> Result<Request, ApiError> {
    match (object.uuid(Field::OrderId)?, ascii(object, Field::ClientOrderId)?) {
        (Some(id), None) => Ok(Request::CancelOrder {
            order: ids::parse_order_id(&id, exchange),
        }),
        (None, Some(client_order_id)) => Ok(Request::CancelClientOrder { client_order_id }),
        (None, None) => Err(missing(
            Field::OrderId,
            "this op needs the order's id, or its client_order_id",
        )),
        (Some(_), Some(_)) => Err(invalid(
            Field::OrderId,
            format_args!("given with client_order_id; send one of the two"),
        )),
    }
}

/// The order that is meant; none where the id is no order's.
fn order(object: &Object<'_>, exchange: ExchangeId) -> Result<Option<OrderId>, ApiError> {
    let id = object.uuid(Field::OrderId)?;
    let id = id.ok_or_else(|| missing(Field::OrderId, "this op needs the order's id"))?;
    Ok(ids::parse_order_id(&id, exchange))
}
