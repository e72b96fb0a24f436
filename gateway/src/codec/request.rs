//! Bytes to requests, whatever format they came in.

mod new_order;

mod replace;

mod cancel_all_after;

mod admin;

mod request_id;

mod socket;

pub use admin::{AdminPath, parse_admin};
pub use cancel_all_after::{CancelAllAfterRequest, parse_cancel_all_after};
pub use new_order::parse_new_order;
pub use replace::parse_replace;
pub use request_id::{IdValue, RequestId};
pub use socket::{WsRequest, parse, parse_ws};

use std::borrow::Cow;
use std::fmt;

use hoga_protocol::{AccountName, AsciiText};
use hoga_service::Decimal;

use super::codes::ErrorCode;
use super::error::{ApiError, excerpt};
use super::object::{Field, Object, Raw, invalid, unquote};

/// A number or a string of the object as a plain decimal, with `code` for what is neither.
fn decimal(object: &Object<'_>, field: Field, code: ErrorCode) -> Result<Option<Decimal>, ApiError> {
    let Some(raw) = object.raw(field) else {
        return Ok(None);
    };
    let wrong = |error: &dyn fmt::Display| ApiError::new(code, format!("{}: {raw} {error}", field.name()));
    let text: Cow<'_, str> = match raw {
        Raw::Json(text) if text.starts_with('"') => unquote(text, field)?,
        Raw::Json(text) if !text.starts_with(['{', '[', 't', 'f']) => text.into(),
        Raw::Text(text) => text.into(),
        Raw::Unsigned(number) => number.to_string().into(),
        Raw::Negative(number) => number.to_string().into(),
        Raw::Float => return Err(wrong(&"is not exact; send a string of digits, or an integer")),
        _ => return Err(wrong(&"is not a number; send a number or a string of digits")),
    };
    Decimal::new(&text).map(Some).map_err(|error| wrong(&error))
}

/// A short text of its kind's alphabet.
fn ascii<const N: usize, const KIND: u8>(
    object: &Object<'_>,
    field: Field,
) -> Result<Option<AsciiText<N, KIND>>, ApiError> {
    let Some(text) = object.text(field)? else {
        return Ok(None);
    };
    AsciiText::new(&text)
        .map(Some)
        .map_err(|error| invalid(field, format_args!("{} {error}", excerpt(&text))))
}

fn account(object: &Object<'_>) -> Result<Option<AccountName>, ApiError> {
    ascii(object, Field::Account)
}

/// One of a few words.
fn word<T: Copy>(object: &Object<'_>, field: Field, words: &[(&str, T)]) -> Result<Option<T>, ApiError> {
    let Some(raw) = object.raw(field) else {
        return Ok(None);
    };
    let unknown = |shown: &dyn fmt::Display| {
        let known: Vec<String> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
        invalid(
            field,
            format_args!("must be one of {}, not {shown}", known.join(", ")),
        )
    };
    if let Raw::Unnamed(_) = raw {
        return Err(unknown(&raw));
    }
    let text = raw.text(field)?;
    match words.iter().find(|(word, _)| *word == text) {
        Some((_, value)) => Ok(Some(*value)),
        None => Err(unknown(&excerpt(&text))),
    }
}
