//! The id that a client gives its request.

use std::borrow::Cow;

use crate::codec::encode::string;
use crate::codec::error::ApiError;
use crate::codec::object::{Field, Object, Raw, invalid, missing, unquote};

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

    pub(super) fn of(object: &Object<'_>) -> Result<Self, ApiError> {
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
