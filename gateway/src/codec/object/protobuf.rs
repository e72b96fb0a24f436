//! A `Request` of `gateway/proto/hoga.proto` (<https://protobuf.dev/programming-guides/encoding/>).
//!
//! Lengths are believed only as far as there are bytes, nothing is copied, and there are two levels and no more. What a
//! lenient reader would let pass or merge is noticed here: fields that are not in the file, and fields given twice.

use std::fmt;

use prost::encoding::{WireType, decode_key, decode_varint};

use super::{Field, Object, Raw, undecodable};
use crate::codec::error::ApiError;

/// The type that a field is declared with.
#[derive(Clone, Copy)]
enum Type {
    Text,
    /// An id: 16 bytes, or its text.
    Id,
    Flag,
    /// `int64`.
    Integer,
    /// The names of the numbers from 1.
    Enum(&'static [&'static str]),
    /// The fields of an op.
    Op(&'static str, &'static [Declared]),
}

/// A field's number, what it is, and its type.
type Declared = (u32, Field, Type);

const REQUEST: &[Declared] = &[
    (1, Field::Id, Type::Text),
    (2, Field::Id, Type::Integer),
    (3, Field::Op, Type::Op("place", PLACE)),
    (4, Field::Op, Type::Op("replace", REPLACE)),
    (5, Field::Op, Type::Op("cancel", CANCEL)),
    (6, Field::Op, Type::Op("cancel_all", CANCEL_ALL)),
    (
        7,
        Field::Op,
        Type::Op("cancel_on_disconnect", CANCEL_ON_DISCONNECT),
    ),
    (8, Field::Op, Type::Op("cancel_all_after", CANCEL_ALL_AFTER)),
];

const PLACE: &[Declared] = &[
    (1, Field::Symbol, Type::Text),
    (2, Field::Side, Type::Enum(&["Buy", "Sell"])),
    (3, Field::Type, Type::Enum(&["Limit", "Market"])),
    (4, Field::Quantity, Type::Text),
    (5, Field::Price, Type::Text),
    (6, Field::TimeInForce, Type::Enum(&["GTC", "IOC", "FOK"])),
    (7, Field::PostOnly, Type::Flag),
    (8, Field::ClientOrderId, Type::Text),
    (9, Field::ValidUntil, Type::Integer),
];

const REPLACE: &[Declared] = &[
    (1, Field::OrderId, Type::Id),
    (2, Field::Price, Type::Text),
    (3, Field::Quantity, Type::Text),
];

const CANCEL: &[Declared] = &[
    (1, Field::OrderId, Type::Id),
    (2, Field::ClientOrderId, Type::Text),
];

const CANCEL_ALL: &[Declared] = &[(1, Field::Symbol, Type::Text)];

const CANCEL_ON_DISCONNECT: &[Declared] = &[(1, Field::On, Type::Flag)];

const CANCEL_ALL_AFTER: &[Declared] = &[(1, Field::TimeoutMs, Type::Integer)];

/// Reads one message.
pub(super) fn read<'a>(object: &mut Object<'a>, bytes: &'a [u8]) -> Result<(), ApiError> {
    fill(object, REQUEST, bytes)
}

fn fill<'a>(object: &mut Object<'a>, declared: &[Declared], bytes: &'a [u8]) -> Result<(), ApiError> {
    let mut left = bytes;
    while !left.is_empty() {
        let (number, wire_type) = decode_key(&mut left).map_err(|error| wrong(format_args!("{error}")))?;
        let value = Value::read(&mut left, wire_type, number)?;
        let Some((_, field, declared)) = declared.iter().find(|(known, ..)| *known == number) else {
            object.unknown.get_or_insert_with(|| format!("field {number}"));
            continue;
        };
        match (*declared, value) {
            (Type::Op(op, fields), Value::Bytes(inner)) => {
                object.put(*field, Raw::Text(op));
                fill(object, fields, inner)?;
            }
            (declared, value) => object.put(*field, value.declared(declared, number)?),
        }
    }
    Ok(())
}

fn wrong(why: fmt::Arguments<'_>) -> ApiError {
    undecodable("Protocol Buffers", why)
}

/// A value as it lies on the wire.
#[derive(Clone, Copy)]
enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    Fixed,
}

impl<'a> Value<'a> {
    fn read(left: &mut &'a [u8], wire_type: WireType, number: u32) -> Result<Self, ApiError> {
        let mut varint = || {
            decode_varint(left).map_err(|_| {
                wrong(format_args!(
                    "a number in field {number} is cut short or too long"
                ))
            })
        };
        let len = match wire_type {
            WireType::Varint => return varint().map(Value::Varint),
            WireType::LengthDelimited => varint()?,
            WireType::ThirtyTwoBit => 4,
            WireType::SixtyFourBit => 8,
            WireType::StartGroup | WireType::EndGroup => {
                return Err(wrong(format_args!("field {number} is a group")));
            }
        };
        let taken = usize::try_from(len)
            .ok()
            .and_then(|len| left.split_at_checked(len));
        let Some((bytes, rest)) = taken else {
            return Err(wrong(format_args!(
                "field {number} should have {len} bytes, and {} are left",
                left.len()
            )));
        };
        *left = rest;
        Ok(match wire_type {
            WireType::LengthDelimited => Value::Bytes(bytes),
            _ => Value::Fixed,
        })
    }

    /// The value of a field that is declared with this type.
    fn declared(self, declared: Type, number: u32) -> Result<Raw<'a>, ApiError> {
        let text = |bytes| {
            std::str::from_utf8(bytes)
                .map(Raw::Text)
                .map_err(|_| wrong(format_args!("the string in field {number} is not UTF-8")))
        };
        Ok(match (declared, self) {
            (Type::Text, Value::Bytes(bytes)) => text(bytes)?,
            // The 36 characters of an id's text are taken for what they are; any other length is said to be wrong.
            (Type::Id, Value::Bytes(bytes)) if bytes.len() == crate::codec::ids::TEXT_LEN => text(bytes)?,
            (Type::Id, Value::Bytes([])) => Raw::Null,
            (Type::Id, Value::Bytes(bytes)) => Raw::Bytes(bytes),
            (Type::Flag, Value::Varint(flag)) => Raw::Flag(flag != 0),
            (Type::Integer, Value::Varint(number)) => match number.cast_signed() {
                negative @ ..0 => Raw::Negative(negative),
                _ => Raw::Unsigned(number),
            },
            // Zero stands for a value that was not given.
            (Type::Enum(_), Value::Varint(0)) => Raw::Null,
            (Type::Enum(names), Value::Varint(value)) => usize::try_from(value - 1)
                .ok()
                .and_then(|at| names.get(at))
                .map_or(Raw::Unnamed(value), |name| Raw::Text(name)),
            (_, Value::Varint(_)) => Raw::Other("a varint"),
            (_, Value::Bytes(_)) => Raw::Other("a string or message"),
            (_, Value::Fixed) => Raw::Other("a fixed-width number"),
        })
    }
}
