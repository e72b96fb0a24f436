//! One JSON object of known fields, read without turning a number into a float.
//!
//! Each value is kept as the text it was sent as; duplicate and unknown names are noticed, never merged or skipped.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::codes;
use super::error::{ApiError, excerpt_json, label};

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

/// The fields that an object has.
#[derive(Debug)]
pub(super) struct Object<'a> {
    values: [Option<&'a str>; NAMES.len()],
    duplicate: Option<Field>,
    unknown: Option<String>,
}

impl<'a> Object<'a> {
    /// Reads one object, and nothing before or behind it but white space. `what` names the whole in messages.
    pub(super) fn read(bytes: &'a [u8], what: &str) -> Result<Self, ApiError> {
        let wrong = |why: fmt::Arguments<'_>| ApiError::new(codes::INVALID_JSON, format!("the {what} {why}"));
        let text = std::str::from_utf8(bytes).map_err(|error| {
            wrong(format_args!(
                "is not UTF-8: the byte at offset {} is wrong",
                error.valid_up_to()
            ))
        })?;
        if text.trim_ascii().is_empty() {
            return Err(wrong(format_args!("is empty; send a JSON object")));
        }
        let mut json = serde_json::Deserializer::from_str(text);
        let object = json
            .deserialize_map(ObjectVisitor)
            .and_then(|object| json.end().map(|()| object))
            .map_err(|error| wrong(format_args!("is not a JSON object: {error}")))?;
        Ok(object)
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
    pub(super) fn raw(&self, field: Field) -> Option<&'a str> {
        self.values[field as usize].filter(|raw| *raw != "null")
    }

    /// A string.
    pub(super) fn text(&self, field: Field) -> Result<Option<Cow<'a, str>>, ApiError> {
        self.raw(field).map(|raw| unquote(raw, field)).transpose()
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, field: Field) -> Result<Option<bool>, ApiError> {
        match self.raw(field) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(raw) => Err(wrong_type(field, "true or false", raw)),
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

fn wrong_type(field: Field, wanted: &str, raw: &str) -> ApiError {
    invalid(field, format_args!("must be {wanted}, not {}", excerpt_json(raw)))
}

/// The text of a JSON string.
pub(super) fn unquote(raw: &str, field: Field) -> Result<Cow<'_, str>, ApiError> {
    let inner = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match inner {
        None => Err(wrong_type(field, "a string", raw)),
        Some(inner) if !inner.contains('\\') => Ok(Cow::Borrowed(inner)),
        // Reading a value keeps an escape of half a character; only reading its text refuses it.
        Some(_) => serde_json::from_str(raw)
            .map(Cow::Owned)
            .map_err(|error| invalid(field, format_args!("is not a well-formed string: {error}"))),
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object in braces")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut object = Object {
            values: [None; NAMES.len()],
            duplicate: None,
            unknown: None,
        };
        while let Some(Key(key)) = map.next_key()? {
            match key {
                Ok(field) => {
                    let value: &'de RawValue = map.next_value()?;
                    if object.values[field as usize].replace(value.get()).is_some() {
                        object.duplicate.get_or_insert(field);
                    }
                }
                Err(name) => {
                    map.next_value::<IgnoredAny>()?;
                    object.unknown.get_or_insert(name);
                }
            }
        }
        Ok(object)
    }
}

/// A known field, or the label of an unknown name.
struct Key(Result<Field, String>);

impl<'de> serde::Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;

        impl Visitor<'_> for KeyVisitor {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_str<E>(self, name: &str) -> Result<Key, E> {
                Ok(Key(Field::by_name(name).ok_or_else(|| label(name))))
            }
        }

        deserializer.deserialize_str(KeyVisitor)
    }
}
