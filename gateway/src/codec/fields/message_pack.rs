//! Fields as a MessagePack map (<https://github.com/msgpack/msgpack/blob/master/spec.md>).

use hoga_protocol::Nanos;
use rmp::encode;
use uuid::Uuid;

use super::{Fields, Message, Name, Quotient, Word};
use crate::codec::number::{write_decimal, write_quotient};
use crate::codec::request::{IdValue, RequestId};

/// The first byte of a string of at most [`FIXSTR_MOST`] bytes, its length in the low bits.
const FIXSTR: u8 = 0xa0;
const FIXSTR_MOST: usize = 31;
const STR8: u8 = 0xd9;

pub(super) struct MessagePack<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> MessagePack<'a> {
    /// Appends a map.
    #[inline]
    pub(super) fn map(out: &'a mut Vec<u8>, message: &impl Message) {
        sure(encode::write_map_len(out, u32::from(message.len())));
        message.write(&mut Self { out });
    }

    #[inline]
    fn name(&mut self, name: Name) {
        self.string(name.text());
    }

    #[inline]
    fn string(&mut self, text: &str) {
        sure(encode::write_str(self.out, text));
    }

    /// A string of at most 255 bytes, whose length is known only when it is written.
    #[inline]
    fn short(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.out.len();
        self.out.push(FIXSTR);
        write(self.out);
        let len = self.out.len() - start - 1;
        if len <= FIXSTR_MOST {
            self.out[start] = FIXSTR | len as u8;
        } else {
            self.out[start] = STR8;
            self.out.insert(start + 1, len as u8);
        }
    }
}

/// A vector takes whatever is written, so there is no error to speak of.
#[inline]
fn sure<T, E>(written: Result<T, E>) {
    debug_assert!(written.is_ok());
}

impl Fields for MessagePack<'_> {
    #[inline]
    fn uuid(&mut self, name: Name, id: Uuid) {
        self.name(name);
        sure(encode::write_bin(self.out, id.as_bytes()));
    }

    #[inline]
    fn text(&mut self, name: Name, text: &str) {
        self.name(name);
        self.string(text);
    }

    #[inline]
    fn plain(&mut self, name: Name, text: &str) {
        self.text(name, text);
    }

    #[inline]
    fn word(&mut self, name: Name, word: Word) {
        self.text(name, word.text());
    }

    #[inline]
    fn decimal(&mut self, name: Name, units: i128, scale: u8) {
        self.name(name);
        self.short(|out| write_decimal(out, units, scale));
    }

    #[inline]
    fn quotient(&mut self, name: Name, quotient: Quotient) {
        self.name(name);
        let Quotient {
            numerator,
            denominator,
            step,
            scale,
        } = quotient;
        self.short(|out| write_quotient(out, numerator, denominator, step, scale));
    }

    #[inline]
    fn time(&mut self, name: Name, time: Nanos) {
        self.name(name);
        sure(encode::write_u64(self.out, time.millis()));
    }

    #[inline]
    fn flag(&mut self, name: Name, flag: bool) {
        self.name(name);
        sure(encode::write_bool(self.out, flag));
    }

    #[inline]
    fn integer(&mut self, name: Name, value: u64) {
        self.name(name);
        sure(encode::write_uint(self.out, value));
    }

    #[inline]
    fn null(&mut self, name: Name) {
        self.name(name);
        sure(encode::write_nil(self.out));
    }

    #[inline]
    fn request_id(&mut self, id: Option<&RequestId>) {
        self.string("id");
        match id.map(RequestId::value) {
            None => sure(encode::write_nil(self.out)),
            Some(IdValue::Text(text)) => self.string(&text),
            Some(IdValue::Integer(value)) => {
                if let Ok(value) = u64::try_from(value) {
                    sure(encode::write_uint(self.out, value));
                } else if let Ok(value) = i64::try_from(value) {
                    sure(encode::write_sint(self.out, value));
                } else {
                    self.string(&value.to_string());
                }
            }
        }
    }

    #[inline]
    fn kind(&mut self, kind: &'static str) {
        self.string("type");
        self.string(kind);
    }

    #[inline]
    fn message(&mut self, name: Name, message: &impl Message) {
        self.name(name);
        MessagePack::map(self.out, message);
    }
}
