//! One message of the order entry socket.

use std::borrow::Cow;

use hoga_protocol::{ClientOrderId, Symbol};

use super::cancel_all_after;
use super::place::{self, PlaceRequest};
use super::replace::{self, ReplaceRequest};
use super::{ascii, word};
use crate::wire::encode::string;
use crate::wire::error::ApiError;
use crate::wire::format::Format;
use crate::wire::object::{Field, Object, Raw, invalid, missing, unquote};

/// One message of the order entry socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WsRequest {
    /// Echoed in the reply.
    pub id: RequestId,
    /// What is asked for.
    pub op: WsOp,
}

/// What an order entry message asks for. The account is the socket's own, so none of them names one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WsOp {
    /// A new order; its `account` is `None`.
    Place(PlaceRequest),
    /// A change of an order.
    Replace {
        /// The order's id as it was sent.
        order_id: String,
        /// The change; its `account` is `None`.
        request: ReplaceRequest,
    },
    /// A cancel.
    Cancel {
        /// The order's id as it was sent.
        order_id: String,
    },
    /// A cancel by the name that the client gave the order.
    CancelByClientId {
        /// The name; never empty.
        client_order_id: ClientOrderId,
    },
    /// A cancel of all the account's orders.
    CancelAll {
        /// Only this instrument's.
        symbol: Option<Symbol>,
    },
    /// All the account's orders are to be canceled when this socket ends, or no longer.
    CancelOnDisconnect {
        /// Which of the two.
        on: bool,
    },
    /// All the account's orders are to be canceled after a while, unless this is sent again before.
    CancelAllAfter {
        /// After how many milliseconds; 0 for never.
        timeout_ms: u64,
    },
}

/// The id that a client gave its request, echoed in the form it was sent in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(
    /// As JSON: what was sent as JSON to the byte, what came in another format as a string or integer like it.
    Box<str>,
);

/// What an id says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdValue<'a> {
    /// A string.
    Text(Cow<'a, str>),
    /// An integer of at most [`RequestId::MAX_INTEGER`] digits.
    Integer(i128),
}

impl RequestId {
    /// The most bytes of a string (in JSON: between its quotes, as it was sent).
    pub const MAX_TEXT: usize = 64;
    /// The most digits of an integer, its sign not counted.
    pub const MAX_INTEGER: usize = 20;

    /// The JSON to echo: a string with its quotes, or an integer.
    pub fn as_json(&self) -> &str {
        &self.0
    }

    /// What it says, for formats other than JSON.
    pub fn value(&self) -> IdValue<'_> {
        match self.0.parse() {
            Ok(number) => IdValue::Integer(number),
            Err(_) => IdValue::Text(unquote(&self.0, Field::Id).unwrap_or_default()),
        }
    }

    fn of(object: &Object<'_>) -> Result<Self, ApiError> {
        let raw = object.raw(Field::Id).ok_or_else(|| {
            missing(
                Field::Id,
                "a request needs it: a string or an integer, echoed in the reply",
            )
        })?;
        match raw {
            Raw::Json(raw) if raw.starts_with('"') && raw.len() <= Self::MAX_TEXT + 2 => {
                // It is echoed as it was sent, so it must be text that the client can read back.
                unquote(raw, Field::Id)?;
                Ok(Self(raw.into()))
            }
            Raw::Json(raw) if is_integer(raw) => Ok(Self(raw.into())),
            Raw::Text(text) if text.len() <= Self::MAX_TEXT => {
                let mut json = Vec::with_capacity(text.len() + 2);
                string(&mut json, text);
                let json = String::from_utf8(json).unwrap_or_default();
                Ok(Self(json.into()))
            }
            Raw::Unsigned(number) => Ok(Self(number.to_string().into())),
            Raw::Negative(number) => Ok(Self(number.to_string().into())),
            _ => Err(invalid(
                Field::Id,
                format_args!(
                    "must be a string of at most {} bytes or an integer of at most {} digits",
                    Self::MAX_TEXT,
                    Self::MAX_INTEGER
                ),
            )),
        }
    }
}

fn is_integer(json: &str) -> bool {
    let digits = json.strip_prefix('-').unwrap_or(json);
    digits.len() <= RequestId::MAX_INTEGER && digits.bytes().all(|byte| byte.is_ascii_digit())
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

/// Reads one message of the order entry socket, in JSON.
///
/// # Errors
/// As those of [`parse`].
pub fn parse_ws(text: &[u8]) -> Result<WsRequest, (Option<RequestId>, ApiError)> {
    parse(text, Format::Json)
}

/// Reads one message of the order entry socket.
///
/// # Errors
/// The request's id when it could be read, and what is wrong.
pub fn parse(payload: &[u8], format: Format) -> Result<WsRequest, (Option<RequestId>, ApiError)> {
    let mut object = Object::empty();
    object
        .read(payload, format, "message")
        .map_err(|error| (None, error))?;
    let id = RequestId::of(&object).map_err(|error| (None, error))?;
    match parse_op(&object) {
        Ok(op) => Ok(WsRequest { id, op }),
        Err(error) => Err((Some(id), error)),
    }
}

fn parse_op(object: &Object<'_>) -> Result<WsOp, ApiError> {
    let op = word(object, Field::Op, OPS)?.ok_or_else(|| {
        missing(
            Field::Op,
            "a request needs it: \"place\", \"replace\", \"cancel\", \"cancel_all\", \"cancel_on_disconnect\" or \
             \"cancel_all_after\"",
        )
    })?;
    let (what, fields): (&str, &[Field]) = match op {
        Op::Place => ("place", place::FIELDS),
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
        Op::Place => WsOp::Place(place::read(object)?),
        Op::Replace => WsOp::Replace {
            order_id: order_id(object)?,
            request: replace::read(object)?,
        },
        Op::Cancel => cancel(object)?,
        Op::CancelAll => WsOp::CancelAll {
            symbol: ascii(object, Field::Symbol)?,
        },
        Op::CancelOnDisconnect => WsOp::CancelOnDisconnect {
            on: object.flag(Field::On)?.ok_or_else(|| {
                missing(
                    Field::On,
                    "this op needs it: true to have all orders canceled when the socket ends",
                )
            })?,
        },
        Op::CancelAllAfter => WsOp::CancelAllAfter {
            timeout_ms: cancel_all_after::timeout(object)?,
        },
    })
}

/// A cancel by one of the two ids that an order can have.
fn cancel(object: &Object<'_>) -> Result<WsOp, ApiError> {
    match (object.uuid(Field::OrderId)?, ascii(object, Field::ClientOrderId)?) {
        (Some(order_id), None) => Ok(WsOp::Cancel { order_id }),
        (None, Some(client_order_id)) => Ok(WsOp::CancelByClientId { client_order_id }),
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

fn order_id(object: &Object<'_>) -> Result<String, ApiError> {
    object
        .uuid(Field::OrderId)?
        .ok_or_else(|| missing(Field::OrderId, "this op needs the order's id"))
}
