//! One message of known fields, read without turning a number into a float.
//!
//! Each value is kept as it was sent; duplicate and unknown names are noticed, never merged or skipped.

mod json;

mod message_pack;

mod protobuf;

pub(super) use json::unquote;

use std::borrow::Cow;
use std::fmt;

use hoga_protocol::Nanos;
use uuid::Uuid;

use super::codes;
use super::error::{ApiError, excerpt, excerpt_json};
use super::format::Format;
use super::time::parse_iso;

macro_rules! fields {
    ($($name:ident = $text:literal),* $(,)?) => {
        /// A field of any request.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Field { $($name),* }

        const NAMES: &[&str] = &[$($text),*];
        const FIELDS: &[Field] = &[$(Field::$name),*];
    };
}

fields! {
    Id = "id",
    Op = "op",
    OrderId = "order_id",
    Symbol = "symbol",
    Side = "side",
    Type = "type",
    Quantity = "quantity",
    Price = "price",
    TimeInForce = "time_in_force",
    PostOnly = "post_only",
    ClientOrderId = "client_order_id",
    Account = "account",
    On = "on",
    TimeoutMs = "timeout_ms",
    ValidUntil = "valid_until",
}

impl Field {
    /// The name on the wire.
    pub(super) fn name(self) -> &'static str {
        NAMES[self as usize]
    }

    fn by_name(name: &str) -> Option<Field> {
        NAMES.iter().position(|known| *known == name).map(|at| FIELDS[at])
    }
}

/// A value as it was sent. Nothing in it is a copy.
#[derive(Clone, Copy, Debug)]
pub(super) enum Raw<'a> {
    /// JSON text that is not `null`.
    Json(&'a str),
    /// No value, though the field was named.
    Null,
    /// A string.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
    /// An integer that is not negative.
    Unsigned(u64),
    /// A negative integer.
    Negative(i64),
    /// `true` or `false`.
    Flag(bool),
    /// A number of an enumeration that has no such number.
    Unnamed(u64),
    /// A binary floating point number.
    Float,
    /// Something that no field can be; this is what it is called.
    Other(&'static str),
}

impl<'a> Raw<'a> {
    /// The string that it is.
    #[inline]
    pub(super) fn text(self, field: Field) -> Result<Cow<'a, str>, ApiError> {
        match self {
            Raw::Json(raw) => unquote(raw, field),
            Raw::Text(text) => Ok(Cow::Borrowed(text)),
            raw => Err(wrong_type(field, "a string", raw)),
        }
    }
}

impl fmt::Display for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Raw::Json(raw) => f.write_str(&excerpt_json(raw)),
            Raw::Null => f.write_str("null"),
            Raw::Text(text) => f.write_str(&excerpt(text)),
            Raw::Bytes(bytes) => write!(f, "{} raw bytes", bytes.len()),
            Raw::Unsigned(number) | Raw::Unnamed(number) => number.fmt(f),
            Raw::Negative(number) => number.fmt(f),
            Raw::Flag(flag) => flag.fmt(f),
            Raw::Float => f.write_str("a float"),
            Raw::Other(what) => f.write_str(what),
        }
    }
}

/// The fields that a message has.
#[derive(Debug)]
pub(super) struct Object<'a> {
    values: [Option<Raw<'a>>; NAMES.len()],
    duplicate: Option<Field>,
    unknown: Option<String>,
}

impl<'a> Object<'a> {
    /// Reads the fields of one message, with nothing before or behind it (but white space, in JSON). `what` names the
    /// whole in messages.
    pub(super) fn read(&mut self, bytes: &'a [u8], format: Format, what: &str) -> Result<(), ApiError> {
        match format {
            Format::Json => json::read(self, bytes, what),
            Format::MessagePack => message_pack::read(self, bytes),
            Format::Protobuf => protobuf::read(self, bytes),
        }
    }

    /// No fields yet. (An object is large, so it is filled where it lies.)
    pub(super) fn empty() -> Self {
        Self {
            values: [None; NAMES.len()],
            duplicate: None,
            unknown: None,
        }
    }

    fn put(&mut self, field: Field, value: Raw<'a>) {
        let slot = &mut self.values[field as usize];
        if slot.is_some() {
            self.duplicate.get_or_insert(field);
        }
        *slot = Some(value);
    }

    /// Refuses names that were given twice, and names other than `allowed`.
    pub(super) fn check(&self, allowed: &[Field], what: &str) -> Result<(), ApiError> {
        if let Some(field) = self.duplicate {
            let name = field.name();
            return Err(ApiError::new(
                codes::DUPLICATE_FIELD,
                format!("{name}: given more than once; send it once"),
            ));
        }
        let extra = FIELDS
            .iter()
            .find(|field| self.values[**field as usize].is_some() && !allowed.contains(field));
        let extra = self
            .unknown
            .clone()
            .or(extra.map(|field| field.name().to_owned()));
        let Some(name) = extra else {
            return Ok(());
        };
        let known: Vec<&str> = allowed.iter().map(|field| field.name()).collect();
        Err(ApiError::new(
            codes::UNKNOWN_FIELD,
            format!("{name}: {what} has no such field; it has {}", known.join(", ")),
        ))
    }

    /// The value as it was sent; `None` when it is missing or null.
    pub(super) fn raw(&self, field: Field) -> Option<Raw<'a>> {
        self.values[field as usize].filter(|raw| !matches!(raw, Raw::Null))
    }

    /// A string.
    pub(super) fn text(&self, field: Field) -> Result<Option<Cow<'a, str>>, ApiError> {
        self.raw(field).map(|raw| raw.text(field)).transpose()
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, field: Field) -> Result<Option<bool>, ApiError> {
        match self.raw(field) {
            None => Ok(None),
            Some(Raw::Json("true") | Raw::Flag(true)) => Ok(Some(true)),
            Some(Raw::Json("false") | Raw::Flag(false)) => Ok(Some(false)),
            Some(raw) => Err(wrong_type(field, "true or false", raw)),
        }
    }

    /// A whole number.
    pub(super) fn integer(&self, field: Field) -> Result<Option<u64>, ApiError> {
        let Some(raw) = self.raw(field) else {
            return Ok(None);
        };
        let number = match raw {
            Raw::Json(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
            Raw::Unsigned(number) => Some(number),
            _ => None,
        };
        match number {
            Some(number) => Ok(Some(number)),
            None => Err(wrong_type(field, "a whole number", raw)),
        }
    }

    /// A time: ISO 8601 in JSON, milliseconds since 1970 in the other formats. One before 1970 is 0, one beyond what a
    /// `Nanos` holds is the latest.
    pub(super) fn time(&self, field: Field) -> Result<Option<Nanos>, ApiError> {
        const NANOS_PER_MILLI: u64 = 1_000_000;
        let Some(raw) = self.raw(field) else {
            return Ok(None);
        };
        let wrong = || wrong_type(field, "a time in UTC such as \"2023-04-30T12:35:10.123Z\"", raw);
        match raw {
            Raw::Json(text) if text.starts_with('"') => {
                parse_iso(&unquote(text, field)?).map(Some).ok_or_else(wrong)
            }
            Raw::Json(_) => Err(wrong()),
            Raw::Unsigned(millis) => Ok(Some(Nanos(millis.saturating_mul(NANOS_PER_MILLI)))),
            Raw::Negative(_) => Ok(Some(Nanos(0))),
            raw => Err(wrong_type(field, "milliseconds since 1970", raw)),
        }
    }

    /// An id: its text as it was sent, or the text of its 16 bytes.
    pub(super) fn uuid(&self, field: Field) -> Result<Option<String>, ApiError> {
        match self.raw(field) {
            Some(raw @ Raw::Bytes(bytes)) => Uuid::from_slice(bytes)
                .map(|id| Some(id.hyphenated().to_string()))
                .map_err(|_| wrong_type(field, "16 bytes or a string", raw)),
            _ => Ok(self.text(field)?.map(Cow::into_owned)),
        }
    }
}

/// A field that must be there is not.
pub(super) fn missing(field: Field, why: &str) -> ApiError {
    ApiError::new(codes::MISSING_FIELD, format!("{}: {why}", field.name()))
}

/// A value that its field cannot have.
pub(super) fn invalid(field: Field, why: fmt::Arguments<'_>) -> ApiError {
    ApiError::new(codes::INVALID_FIELD, format!("{}: {why}", field.name()))
}

fn wrong_type(field: Field, wanted: &str, raw: Raw<'_>) -> ApiError {
    invalid(field, format_args!("must be {wanted}, not {raw}"))
}

/// What a binary message is refused with that cannot be read at all.
fn undecodable(format: &str, why: fmt::Arguments<'_>) -> ApiError {
    ApiError::new(
        codes::INVALID_MESSAGE,
        format!("the message is not {format} as the exchange reads it: {why}"),
    )
}
