//! Two cursors over bytes.

use super::CodecError;
use crate::text::AsciiText;

/// Appends fields to a buffer that is known to be large enough.
pub(super) struct Writer<'a> {
    out: &'a mut [u8],
    at: usize,
}

impl<'a> Writer<'a> {
    pub(super) fn new(out: &'a mut [u8]) -> Self {
        Self { out, at: 0 }
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.out[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }

    pub(super) fn u8(&mut self, value: u8) {
        self.bytes(&[value]);
    }

    pub(super) fn bool(&mut self, value: bool) {
        self.u8(u8::from(value));
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    pub(super) fn i32(&mut self, value: i32) {
        self.bytes(&value.to_le_bytes());
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }

    pub(super) fn i64(&mut self, value: i64) {
        self.bytes(&value.to_le_bytes());
    }

    pub(super) fn i128(&mut self, value: i128) {
        self.bytes(&value.to_le_bytes());
    }

    pub(super) fn text<const N: usize, const KIND: u8>(&mut self, text: &AsciiText<N, KIND>) {
        self.u8(text.as_bytes().len() as u8);
        self.bytes(text.as_bytes());
        let padding = N - text.as_bytes().len();
        self.out[self.at..self.at + padding].fill(0);
        self.at += padding;
    }

    pub(super) fn len(&self) -> usize {
        self.at
    }
}

/// Takes fields off a record, refusing what no writer writes.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn take<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(CodecError::Truncated)?;
        self.rest = rest;
        Ok(*head)
    }

    pub(super) fn u8(&mut self) -> Result<u8, CodecError> {
        Ok(self.take::<1>()?[0])
    }

    pub(super) fn bool(&mut self, field: &'static str) -> Result<bool, CodecError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(CodecError::BadValue(field)),
        }
    }

    pub(super) fn u32(&mut self) -> Result<u32, CodecError> {
        Ok(u32::from_le_bytes(self.take()?))
    }

    pub(super) fn i32(&mut self) -> Result<i32, CodecError> {
        Ok(i32::from_le_bytes(self.take()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64, CodecError> {
        Ok(u64::from_le_bytes(self.take()?))
    }

    pub(super) fn i64(&mut self) -> Result<i64, CodecError> {
        Ok(i64::from_le_bytes(self.take()?))
    }

    pub(super) fn i128(&mut self) -> Result<i128, CodecError> {
        Ok(i128::from_le_bytes(self.take()?))
    }

    /// A text that may be empty; the padding must be zeros.
    pub(super) fn text<const N: usize, const KIND: u8>(
        &mut self,
        field: &'static str,
    ) -> Result<AsciiText<N, KIND>, CodecError> {
        let len = usize::from(self.u8()?);
        let bytes = self.take::<N>()?;
        if len > N || bytes[len..].iter().any(|&byte| byte != 0) {
            return Err(CodecError::BadValue(field));
        }
        if len == 0 {
            return Ok(AsciiText::EMPTY);
        }
        AsciiText::from_bytes(&bytes[..len]).map_err(|_| CodecError::BadValue(field))
    }

    pub(super) fn finish(self) -> Result<(), CodecError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(CodecError::TrailingBytes)
        }
    }
}
