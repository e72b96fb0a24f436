//! Fields as Protocol Buffers (<https://protobuf.dev/programming-guides/encoding/>) of `gateway/proto/hoga.proto`.
//!
//! Every field that has a value is written, also where the value is its type's default: a reader need not know which
//! fields have presence.

use hoga_protocol::Nanos;
use prost::encoding::{WireType, encode_key, encode_varint};
use uuid::Uuid;

use super::{Fields, Message, Name, Quotient, Word};
use crate::codec::number::{write_decimal, write_quotient};
use crate::codec::request::{IdValue, RequestId};

/// `Reply.text_id` and `Reply.integer_id`.
const TEXT_ID: u32 = 1;
const INTEGER_ID: u32 = 2;

/// The greatest length that takes one byte.
const ONE_BYTE: usize = 127;

/// The most bytes of the length of what is shorter than 2^28 bytes.
const LENGTH_BYTES: usize = 4;

pub(super) struct Protobuf<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Protobuf<'a> {
    #[inline]
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    #[inline]
    fn varint(&mut self, number: u32, value: u64) {
        encode_key(number, WireType::Varint, self.out);
        encode_varint(value, self.out);
    }

    #[inline]
    fn bytes(&mut self, number: u32, bytes: &[u8]) {
        encode_key(number, WireType::LengthDelimited, self.out);
        encode_varint(bytes.len() as u64, self.out);
        self.out.extend_from_slice(bytes);
    }

    /// A field whose length is known only when it is written.
    #[inline]
    fn delimited(&mut self, number: u32, write: impl FnOnce(&mut Vec<u8>)) {
        encode_key(number, WireType::LengthDelimited, self.out);
        let start = self.out.len();
        self.out.push(0);
        write(self.out);
        let len = self.out.len() - start - 1;
        if len <= ONE_BYTE {
            self.out[start] = len as u8;
            return;
        }
        let mut prefix = [0; LENGTH_BYTES];
        let mut left = &mut prefix[..];
        encode_varint(len as u64, &mut left);
        let unused = left.len();
        self.out
            .splice(start..=start, prefix[..LENGTH_BYTES - unused].iter().copied());
    }
}

impl Fields for Protobuf<'_> {
    #[inline]
    fn uuid(&mut self, name: Name, id: Uuid) {
        self.bytes(name.number, id.as_bytes());
    }

    #[inline]
    fn text(&mut self, name: Name, text: &str) {
        self.bytes(name.number, text.as_bytes());
    }

    #[inline]
    fn plain(&mut self, name: Name, text: &str) {
        self.text(name, text);
    }

    #[inline]
    fn word(&mut self, name: Name, word: Word) {
        self.varint(name.number, u64::from(word.number));
    }

    #[inline]
    fn decimal(&mut self, name: Name, units: i128, scale: u8) {
        self.delimited(name.number, |out| write_decimal(out, units, scale));
    }

    #[inline]
    fn quotient(&mut self, name: Name, quotient: Quotient) {
        let Quotient {
            numerator,
            denominator,
            step,
            scale,
        } = quotient;
        self.delimited(name.number, |out| {
            write_quotient(out, numerator, denominator, step, scale)
        });
    }

    #[inline]
    fn time(&mut self, name: Name, time: Nanos) {
        self.varint(name.number, time.millis());
    }

    #[inline]
    fn flag(&mut self, name: Name, flag: bool) {
        self.varint(name.number, u64::from(flag));
    }

    #[inline]
    fn integer(&mut self, name: Name, value: u64) {
        self.varint(name.number, value);
    }

    #[inline]
    fn null(&mut self, _: Name) {}

    #[inline]
    fn request_id(&mut self, id: Option<&RequestId>) {
        match id.map(RequestId::value) {
            None => {}
            Some(IdValue::Text(text)) => self.bytes(TEXT_ID, text.as_bytes()),
            Some(IdValue::Integer(value)) => match i64::try_from(value) {
                // An int64 is written as the 64 bits of its two's complement.
                Ok(value) => self.varint(INTEGER_ID, value.cast_unsigned()),
                Err(_) => self.bytes(TEXT_ID, value.to_string().as_bytes()),
            },
        }
    }

    #[inline]
    fn kind(&mut self, _: &'static str) {}

    #[inline]
    fn message(&mut self, name: Name, message: &impl Message) {
        self.delimited(name.number, |out| message.write(&mut Protobuf { out }));
    }
}
