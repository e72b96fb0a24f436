//! Fields as JSON (RFC 8259), without white space.

use hoga_protocol::Nanos;
use uuid::Uuid;

use super::{Fields, Message, Name, Quotient, Word};
use crate::codec::encode::{put, string};
use crate::codec::number::{write_decimal, write_quotient, write_u64};
use crate::codec::request::RequestId;
use crate::codec::{ids, time as clock};

/// Its methods are inlined wherever they are called: a name is copied by a few moves only where its length is known.
pub(super) struct Json<'a> {
    out: &'a mut Vec<u8>,
}

impl Json<'_> {
    /// Appends an object.
    #[inline]
    pub(super) fn object(out: &mut Vec<u8>, message: &impl Message) {
        let start = out.len();
        message.write(&mut Json { out });
        // Every name brings a comma; that of the first stands where the brace belongs.
        if let Some(comma) = out.get_mut(start) {
            *comma = b'{';
        }
        out.push(b'}');
    }
}

impl Fields for Json<'_> {
    #[inline(always)]
    fn uuid(&mut self, name: Name, id: Uuid) {
        put(self.out, name.json);
        ids::write_quoted(self.out, id);
    }

    #[inline(always)]
    fn text(&mut self, name: Name, text: &str) {
        put(self.out, name.json);
        string(self.out, text);
    }

    #[inline(always)]
    fn plain(&mut self, name: Name, text: &str) {
        put(self.out, name.json);
        self.out.push(b'"');
        put(self.out, text);
        self.out.push(b'"');
    }

    #[inline(always)]
    fn word(&mut self, name: Name, word: Word) {
        put(self.out, name.json);
        put(self.out, word.json);
    }

    #[inline(always)]
    fn decimal(&mut self, name: Name, units: i128, scale: u8) {
        put(self.out, name.json);
        write_decimal(self.out, units, scale);
    }

    #[inline(always)]
    fn quotient(&mut self, name: Name, quotient: Quotient) {
        put(self.out, name.json);
        let Quotient {
            numerator,
            denominator,
            step,
            scale,
        } = quotient;
        write_quotient(self.out, numerator, denominator, step, scale);
    }

    #[inline(always)]
    fn time(&mut self, name: Name, time: Nanos) {
        put(self.out, name.json);
        clock::write_quoted(self.out, time);
    }

    #[inline(always)]
    fn flag(&mut self, name: Name, flag: bool) {
        put(self.out, name.json);
        put(self.out, if flag { "true" } else { "false" });
    }

    #[inline(always)]
    fn integer(&mut self, name: Name, value: u64) {
        put(self.out, name.json);
        write_u64(self.out, value);
    }

    #[inline(always)]
    fn null(&mut self, name: Name) {
        put(self.out, name.json);
        put(self.out, "null");
    }

    #[inline(always)]
    fn request_id(&mut self, id: Option<&RequestId>) {
        put(self.out, ",\"id\":");
        match id {
            Some(id) => put(self.out, id.as_json()),
            None => put(self.out, "null"),
        }
    }

    #[inline(always)]
    fn kind(&mut self, kind: &'static str) {
        put(self.out, ",\"type\":\"");
        put(self.out, kind);
        self.out.push(b'"');
    }

    #[inline(always)]
    fn message(&mut self, name: Name, message: &impl Message) {
        put(self.out, name.json);
        Json::object(self.out, message);
    }
}
