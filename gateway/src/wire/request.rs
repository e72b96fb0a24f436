//! Requests to commands, whatever format they came in.

mod place;

mod replace;

mod cancel_all_after;

mod admin;

mod socket;

pub use admin::{AdminOp, AdminPath, AdminRequest, LimitsChange, parse_admin};
pub use cancel_all_after::{CancelAllAfterRequest, parse_cancel_all_after};
pub use place::{PlaceRequest, parse_place};
pub use replace::{ReplaceRequest, parse_replace};
pub use socket::{IdValue, RequestId, WsOp, WsRequest, parse, parse_ws};

use std::borrow::Cow;
use std::fmt;

use hoga_protocol::{AccountName, AsciiText, InstrumentSpec, Lots, Ticks};

use super::codes;
use super::codes::ErrorCode;
use super::decimal::{self, DecimalError, MAX_DIGITS, parse_on_grid};
use super::error::{ApiError, excerpt};
use super::object::{Field, Object, Raw, invalid, unquote};

/// A number as it was sent: a plain non-negative decimal of at most [`MAX_DIGITS`] digits, on no grid yet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digits {
    bytes: [u8; MAX_DIGITS + 1],
    len: u8,
}

impl Digits {
    /// The number's text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }

    fn new(text: &str) -> Result<Self, DecimalError> {
        decimal::check(text)?;
        let mut bytes = [0; MAX_DIGITS + 1];
        bytes
            .get_mut(..text.len())
            .ok_or(DecimalError::TooLarge)?
            .copy_from_slice(text.as_bytes());
        Ok(Self {
            bytes,
            len: text.len() as u8,
        })
    }

    /// A number or a string of the object, with `code` for what is neither.
    fn of(object: &Object<'_>, field: Field, code: ErrorCode) -> Result<Option<Self>, ApiError> {
        let Some(raw) = object.raw(field) else {
            return Ok(None);
        };
        let wrong =
            |error: &dyn fmt::Display| ApiError::new(code, format!("{}: {raw} {error}", field.name()));
        let text: Cow<'_, str> = match raw {
            Raw::Json(text) if text.starts_with('"') => unquote(text, field)?,
            Raw::Json(text) if !text.starts_with(['{', '[', 't', 'f']) => text.into(),
            Raw::Text(text) => text.into(),
            Raw::Unsigned(number) => number.to_string().into(),
            Raw::Negative(number) => number.to_string().into(),
            Raw::Float => return Err(wrong(&"is not exact; send a string of digits, or an integer")),
            _ => return Err(wrong(&"is not a number; send a number or a string of digits")),
        };
        Self::new(&text).map(Some).map_err(|error| wrong(&error))
    }

    fn to_price(self, spec: &InstrumentSpec) -> Result<Ticks, ApiError> {
        let text = self.as_str();
        let step = spec.tick();
        let most = Ticks::MAX.0.unsigned_abs();
        match parse_on_grid(text, step) {
            Ok(0) => Err(ApiError::new(
                codes::INVALID_PRICE,
                "price: must be greater than zero",
            )),
            Ok(ticks) if ticks <= most => Ok(Ticks(ticks as i64)),
            Ok(_) | Err(DecimalError::TooLarge) => Err(ApiError::new(
                codes::INVALID_PRICE,
                format!(
                    "price: {text} is too large; the highest is {}",
                    decimal::text_of(most, step)
                ),
            )),
            Err(DecimalError::OffGrid { below }) => Err(ApiError::new(
                codes::OFF_TICK,
                format!(
                    "price: {text} is not a multiple of the tick {} of {}; {}",
                    decimal::text_of(1, step),
                    spec.symbol(),
                    decimal::Neighbours { below, most, step }
                ),
            )),
            Err(error) => Err(ApiError::new(
                codes::INVALID_PRICE,
                format!("price: {text} {error}"),
            )),
        }
    }

    fn to_quantity(self, spec: &InstrumentSpec) -> Result<Lots, ApiError> {
        let text = self.as_str();
        let step = spec.lot();
        let most = Lots::MAX.0;
        match parse_on_grid(text, step) {
            Ok(0) => Err(ApiError::new(
                codes::INVALID_QUANTITY,
                "quantity: must be greater than zero",
            )),
            Ok(lots) if lots <= most => Ok(Lots(lots)),
            Ok(_) | Err(DecimalError::TooLarge) => Err(ApiError::new(
                codes::INVALID_QUANTITY,
                format!(
                    "quantity: {text} is too large; the largest is {}",
                    decimal::text_of(most, step)
                ),
            )),
            Err(DecimalError::OffGrid { below }) => Err(ApiError::new(
                codes::OFF_LOT,
                format!(
                    "quantity: {text} is not a multiple of the lot {} of {}; {}",
                    decimal::text_of(1, step),
                    spec.symbol(),
                    decimal::Neighbours { below, most, step }
                ),
            )),
            Err(error) => Err(ApiError::new(
                codes::INVALID_QUANTITY,
                format!("quantity: {text} {error}"),
            )),
        }
    }
}

impl fmt::Debug for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
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
