//! One message of the order entry socket.

use std::borrow::Cow;

use hoga_protocol::Symbol;

use super::place::{self, PlaceRequest};
use super::replace::{self, ReplaceRequest};
use super::{ascii, word};
use crate::wire::encode::string;
use crate::wire::error::ApiError;
use crate::wire::format::Format;
use crate::wire::number::write_decimal;
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
    /// A cancel of all the account's orders.
    CancelAll {
        /// Only this instrument's.
        symbol: Option<Symbol>,
    },
}

/// The id that a client gave its request, kept in the form it was sent in, in which it is echoed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(Id);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Id {
    /// JSON text: a string with its quotes and escapes, or an integer.
    Json(Box<str>),
    Text(Box<str>),
    /// At most [`RequestId::MAX_INTEGER`] digits.
    Integer(i128),
}

/// What an id says, in whatever form it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdValue<'a> {
    /// A string of at most [`RequestId::MAX_TEXT`] bytes.
    Text(Cow<'a, str>),
    /// An integer of at most [`RequestId::MAX_INTEGER`] digits.
    Integer(i128),
}

impl RequestId {
    /// The most bytes of a string (in JSON: between its quotes, as it was sent).
    pub const MAX_TEXT: usize = 64;
    /// The most digits of an integer, its sign not counted.
    pub const MAX_INTEGER: usize = 20;

    /// What it says.
    pub fn value(&self) -> IdValue<'_> {
        match &self.0 {
            Id::Json(raw) => match raw.parse() {
                Ok(number) => IdValue::Integer(number),
                Err(_) => IdValue::Text(unquote(raw, Field::Id).unwrap_or_default()),
            },
            Id::Text(text) => IdValue::Text(Cow::Borrowed(text)),
            Id::Integer(number) => IdValue::Integer(*number),
        }
    }

    /// Appends it as JSON; what was sent as JSON is echoed to the byte.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        match &self.0 {
            Id::Json(raw) => out.extend_from_slice(raw.as_bytes()),
            Id::Text(text) => string(out, text),
            Id::Integer(number) => write_decimal(out, *number, 0),
        }
    }

    fn of(object: &Object<'_>) -> Result<Self, ApiError> {
        let raw = object.raw(Field::Id).ok_or_else(|| {
            missing(
                Field::Id,
                "a request needs it: a string or an integer, echoed in the reply",
            )
        })?;
        let id = match raw {
            Raw::Json(raw) if raw.starts_with('"') && raw.len() <= Self::MAX_TEXT + 2 => {
                // It is echoed as it was sent, so it must be text that the client can read back.
                unquote(raw, Field::Id)?;
                Id::Json(raw.into())
            }
            Raw::Json(raw) if is_integer(raw) => Id::Json(raw.into()),
            Raw::Text(text) if text.len() <= Self::MAX_TEXT => Id::Text(text.into()),
            Raw::Unsigned(number) => Id::Integer(number.into()),
            Raw::Negative(number) => Id::Integer(number.into()),
            _ => {
                return Err(invalid(
                    Field::Id,
                    format_args!(
                        "must be a string of at most {} bytes or an integer of at most {} digits",
                        Self::MAX_TEXT,
                        Self::MAX_INTEGER
                    ),
                ));
            }
        };
        Ok(Self(id))
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
}

const OPS: &[(&str, Op)] = &[
    ("place", Op::Place),
    ("replace", Op::Replace),
    ("cancel", Op::Cancel),
    ("cancel_all", Op::CancelAll),
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
    let object = Object::read(payload, format, "message").map_err(|error| (None, error))?;
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
            "a request needs it: \"place\", \"replace\", \"cancel\" or \"cancel_all\"",
        )
    })?;
    let (what, fields): (&str, &[Field]) = match op {
        Op::Place => ("place", place::FIELDS),
        Op::Replace => ("replace", replace::FIELDS),
        Op::Cancel => ("cancel", &[]),
        Op::CancelAll => ("cancel_all", &[Field::Symbol]),
    };
    if object.raw(Field::Account).is_some() {
        return Err(invalid(
            Field::Account,
            format_args!("is chosen when the socket connects, by ?account=; leave it out of messages"),
        ));
    }
    let named: &[Field] = match op {
        Op::Replace | Op::Cancel => &[Field::Id, Field::Op, Field::OrderId],
        Op::Place | Op::CancelAll => &[Field::Id, Field::Op],
    };
    object.check(&[named, fields].concat(), what)?;
    Ok(match op {
        Op::Place => WsOp::Place(place::read(object)?),
        Op::Replace => WsOp::Replace {
            order_id: order_id(object)?,
            request: replace::read(object)?,
        },
        Op::Cancel => WsOp::Cancel {
            order_id: order_id(object)?,
        },
        Op::CancelAll => WsOp::CancelAll {
            symbol: ascii(object, Field::Symbol)?,
        },
    })
}

fn order_id(object: &Object<'_>) -> Result<String, ApiError> {
    object
        .uuid(Field::OrderId)?
        .ok_or_else(|| missing(Field::OrderId, "this op needs the order's id"))
}
