//! A MessagePack map whose keys are strings (<https://github.com/msgpack/msgpack/blob/master/spec.md>).
//!
//! Lengths are believed only as far as there are bytes, nothing is copied, and what lies deeper than the map's own
//! values is stepped over without recursion.

use std::fmt;

use rmp::Marker;

use super::{Field, Object, Raw, undecodable};
use crate::codec::error::{ApiError, label};

/// Reads one map, and nothing behind it.
pub(super) fn read<'a>(object: &mut Object<'a>, bytes: &'a [u8]) -> Result<(), ApiError> {
    let mut left = Left(bytes);
    if bytes.is_empty() {
        return Err(wrong(format_args!("it is empty; send a map")));
    }
    let entries = match left.marker()? {
        Marker::FixMap(entries) => u64::from(entries),
        Marker::Map16 => left.number(2)?,
        Marker::Map32 => left.number(4)?,
        _ => return Err(wrong(format_args!("it is not a map"))),
    };
    for _ in 0..entries {
        let key = left.key()?;
        let value = left.value()?;
        match Field::by_name(key) {
            Some(field) => object.put(field, value),
            None => {
                object.unknown.get_or_insert_with(|| label(key));
            }
        }
    }
    match left.0 {
        [] => Ok(()),
        rest => Err(wrong(format_args!("{} bytes follow the map", rest.len()))),
    }
}

fn wrong(why: fmt::Arguments<'_>) -> ApiError {
    undecodable("MessagePack", why)
}

/// What has not been read.
struct Left<'a>(&'a [u8]);

impl<'a> Left<'a> {
    fn marker(&mut self) -> Result<Marker, ApiError> {
        Ok(Marker::from_u8(self.take(1)?[0]))
    }

    fn take(&mut self, len: u64) -> Result<&'a [u8], ApiError> {
        let taken = usize::try_from(len)
            .ok()
            .and_then(|len| self.0.split_at_checked(len));
        let Some((taken, rest)) = taken else {
            return Err(wrong(format_args!(
                "{len} bytes should follow, and {} do",
                self.0.len()
            )));
        };
        self.0 = rest;
        Ok(taken)
    }

    /// An integer of `bytes` bytes, at most 8, the highest first.
    fn number(&mut self, bytes: u64) -> Result<u64, ApiError> {
        let bytes = self.take(bytes)?;
        Ok(bytes
            .iter()
            .fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    /// The same in two's complement.
    fn signed(&mut self, bytes: u64) -> Result<Raw<'a>, ApiError> {
        let unused = 64 - 8 * bytes as u32;
        let number = (self.number(bytes)? << unused).cast_signed() >> unused;
        Ok(u64::try_from(number).map_or(Raw::Negative(number), Raw::Unsigned))
    }

    fn text(&mut self, len: u64) -> Result<&'a str, ApiError> {
        std::str::from_utf8(self.take(len)?).map_err(|_| wrong(format_args!("a string in it is not UTF-8")))
    }

    fn key(&mut self) -> Result<&'a str, ApiError> {
        match self.value()? {
            Raw::Text(key) => Ok(key),
            other => Err(wrong(format_args!("a key of the map is {other}, not a string"))),
        }
    }

    fn value(&mut self) -> Result<Raw<'a>, ApiError> {
        Ok(match self.marker()? {
            Marker::Null => Raw::Null,
            Marker::False => Raw::Flag(false),
            Marker::True => Raw::Flag(true),
            Marker::FixPos(number) => Raw::Unsigned(number.into()),
            Marker::FixNeg(number) => Raw::Negative(number.into()),
            Marker::U8 => Raw::Unsigned(self.number(1)?),
            Marker::U16 => Raw::Unsigned(self.number(2)?),
            Marker::U32 => Raw::Unsigned(self.number(4)?),
            Marker::U64 => Raw::Unsigned(self.number(8)?),
            Marker::I8 => self.signed(1)?,
            Marker::I16 => self.signed(2)?,
            Marker::I32 => self.signed(4)?,
            Marker::I64 => self.signed(8)?,
            Marker::F32 => self.take(4).map(|_| Raw::Float)?,
            Marker::F64 => self.take(8).map(|_| Raw::Float)?,
            Marker::FixStr(len) => self.text(len.into()).map(Raw::Text)?,
            marker @ (Marker::Str8 | Marker::Str16 | Marker::Str32) => {
                let len = self.number(width(marker))?;
                self.text(len).map(Raw::Text)?
            }
            marker @ (Marker::Bin8 | Marker::Bin16 | Marker::Bin32) => {
                let len = self.number(width(marker))?;
                self.take(len).map(Raw::Bytes)?
            }
            Marker::FixExt1 => self.extension(1)?,
            Marker::FixExt2 => self.extension(2)?,
            Marker::FixExt4 => self.extension(4)?,
            Marker::FixExt8 => self.extension(8)?,
            Marker::FixExt16 => self.extension(16)?,
            marker @ (Marker::Ext8 | Marker::Ext16 | Marker::Ext32) => {
                let len = self.number(width(marker))?;
                self.extension(len)?
            }
            Marker::FixArray(len) => self.nested(len.into(), "an array")?,
            marker @ (Marker::Array16 | Marker::Array32) => {
                let len = self.number(width(marker))?;
                self.nested(len, "an array")?
            }
            Marker::FixMap(len) => self.nested(2 * u64::from(len), "a map")?,
            marker @ (Marker::Map16 | Marker::Map32) => {
                let len = self.number(width(marker))?;
                self.nested(2 * len, "a map")?
            }
            Marker::Reserved => return Err(wrong(format_args!("it has a byte 0xc1 where a value belongs"))),
        })
    }

    /// Steps over an extension value: its type and its bytes.
    fn extension(&mut self, len: u64) -> Result<Raw<'a>, ApiError> {
        self.take(1 + len).map(|_| Raw::Other("an extension value"))
    }

    /// Steps over the `values` of a container. No field is one, so only its end is of interest.
    fn nested(&mut self, values: u64, what: &'static str) -> Result<Raw<'a>, ApiError> {
        let mut values = values;
        while values > 0 {
            values -= 1;
            // Every value takes a byte at least.
            if values > self.0.len() as u64 {
                return Err(wrong(format_args!("{what} in it has fewer values than it says")));
            }
            values += self.contents()?;
        }
        Ok(Raw::Other(what))
    }

    /// Steps over a value that is no container, or over the beginning of one; returns how many values are in it.
    fn contents(&mut self) -> Result<u64, ApiError> {
        let before = self.0;
        Ok(match self.marker()? {
            Marker::FixArray(len) => len.into(),
            Marker::FixMap(len) => 2 * u64::from(len),
            marker @ (Marker::Array16 | Marker::Array32) => self.number(width(marker))?,
            marker @ (Marker::Map16 | Marker::Map32) => 2 * self.number(width(marker))?,
            _ => {
                self.0 = before;
                self.value()?;
                0
            }
        })
    }
}

/// The bytes of the length behind `marker`.
fn width(marker: Marker) -> u64 {
    match marker {
        Marker::Str8 | Marker::Bin8 | Marker::Ext8 => 1,
        Marker::Str16 | Marker::Bin16 | Marker::Ext16 | Marker::Array16 | Marker::Map16 => 2,
        _ => 4,
    }
}
