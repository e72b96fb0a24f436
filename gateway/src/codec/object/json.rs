//! A JSON object (RFC 8259): each value stays the text it was sent as.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Field, Object, Raw, invalid, wrong_type};
use crate::codec::codes;
use crate::codec::error::{ApiError, excerpt_json, label};

/// Reads one object, and nothing before or behind it but white space.
pub(super) fn read<'a>(object: &mut Object<'a>, bytes: &'a [u8], what: &str) -> Result<(), ApiError> {
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
    let json = text.trim_ascii();
    if !json.starts_with('{') {
        // The library would repeat all of it.
        let begins = excerpt_json(json);
        return Err(wrong(format_args!(
            "is not a JSON object: send one in braces, not {begins}"
        )));
    }
    let mut json = serde_json::Deserializer::from_str(text);
    json.deserialize_map(ObjectVisitor(object))
        .and_then(|()| json.end())
        .map_err(|error| wrong(format_args!("is not a JSON object: {error}")))
}

/// The text of a JSON string.
pub(in crate::codec) fn unquote(raw: &str, field: Field) -> Result<Cow<'_, str>, ApiError> {
    let inner = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match inner {
        None => Err(wrong_type(field, "a string", Raw::Json(raw))),
        Some(inner) if !inner.contains('\\') => Ok(Cow::Borrowed(inner)),
        // Reading a value keeps an escape of half a character; only reading its text refuses it.
        Some(_) => serde_json::from_str(raw)
            .map(Cow::Owned)
            .map_err(|error| invalid(field, format_args!("is not a well-formed string: {error}"))),
    }
}

struct ObjectVisitor<'o, 'de>(&'o mut Object<'de>);

impl<'de> Visitor<'de> for ObjectVisitor<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object in braces")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Self(object) = self;
        while let Some(Key(key)) = map.next_key()? {
            match key {
                Ok(field) => {
                    let value: &'de RawValue = map.next_value()?;
                    let raw = match value.get() {
                        "null" => Raw::Null,
                        text => Raw::Json(text),
                    };
                    object.put(field, raw);
                }
                Err(name) => {
                    map.next_value::<IgnoredAny>()?;
                    object.unknown.get_or_insert(name);
                }
            }
        }
        Ok(())
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
