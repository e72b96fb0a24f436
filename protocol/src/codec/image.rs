//! The state of a room as bytes: what a section of a snapshot holds.
//!
//! A room writes itself field by field into an [`ImageSink`] and reads itself back from an [`ImageSource`], neither of
//! which knows what the bytes mean. Integers are little endian; what the journal has a record for (an instrument, a
//! request) is written as that record behind its length, so that there is one form of it and not two.

use alloc::vec::Vec;
use core::fmt;

use super::{CodecError, MAX_RECORD, decode_command, encode_command};
use crate::command::Command;
use crate::text::AsciiText;
use crate::units::Nanos;

/// Takes the bytes of an image. Failures are the sink's own to keep and to tell.
pub trait ImageSink {
    /// Takes the next bytes.
    fn put(&mut self, bytes: &[u8]);

    /// One byte.
    fn put_u8(&mut self, value: u8) {
        self.put(&[value]);
    }

    /// One byte, 0 or 1.
    fn put_bool(&mut self, value: bool) {
        self.put(&[u8::from(value)]);
    }

    /// Four bytes.
    fn put_u32(&mut self, value: u32) {
        self.put(&value.to_le_bytes());
    }

    /// Eight bytes.
    fn put_u64(&mut self, value: u64) {
        self.put(&value.to_le_bytes());
    }

    /// Eight bytes, two's complement.
    fn put_i64(&mut self, value: i64) {
        self.put(&value.to_le_bytes());
    }

    /// Sixteen bytes, two's complement.
    fn put_i128(&mut self, value: i128) {
        self.put(&value.to_le_bytes());
    }

    /// A length byte and the text's own bytes.
    fn put_text<const N: usize, const KIND: u8>(&mut self, text: &AsciiText<N, KIND>)
    where
        Self: Sized,
    {
        self.put(&[text.as_bytes().len() as u8]);
        self.put(text.as_bytes());
    }

    /// A length byte and the command's record with the time 0.
    fn put_record(&mut self, command: &Command) {
        let mut bytes = [0; MAX_RECORD];
        let len = encode_command(Nanos(0), command, &mut bytes);
        self.put(&[len as u8]);
        self.put(&bytes[..len]);
    }
}

// The length of a record fits its byte.
const _: () = assert!(MAX_RECORD <= u8::MAX as usize);

/// Gives the bytes of an image back, in order.
pub trait ImageSource {
    /// Fills `into` with the next bytes.
    ///
    /// # Errors
    /// [`ImageError::Truncated`] when fewer are left.
    fn take(&mut self, into: &mut [u8]) -> Result<(), ImageError>;

    /// One byte.
    ///
    /// # Errors
    /// As [`take`](Self::take), like all that follow.
    fn take_u8(&mut self) -> Result<u8, ImageError> {
        Ok(self.take_array::<1>()?[0])
    }

    /// One byte that must be 0 or 1; `field` names it otherwise.
    fn take_bool(&mut self, field: &'static str) -> Result<bool, ImageError> {
        match self.take_u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(ImageError::BadValue(field)),
        }
    }

    /// Four bytes.
    fn take_u32(&mut self) -> Result<u32, ImageError> {
        Ok(u32::from_le_bytes(self.take_array()?))
    }

    /// Eight bytes.
    fn take_u64(&mut self) -> Result<u64, ImageError> {
        Ok(u64::from_le_bytes(self.take_array()?))
    }

    /// Eight bytes, two's complement.
    fn take_i64(&mut self) -> Result<i64, ImageError> {
        Ok(i64::from_le_bytes(self.take_array()?))
    }

    /// Sixteen bytes, two's complement.
    fn take_i128(&mut self) -> Result<i128, ImageError> {
        Ok(i128::from_le_bytes(self.take_array()?))
    }

    /// `N` bytes.
    fn take_array<const N: usize>(&mut self) -> Result<[u8; N], ImageError> {
        let mut bytes = [0; N];
        self.take(&mut bytes)?;
        Ok(bytes)
    }

    /// A text, which may be empty.
    fn take_text<const N: usize, const KIND: u8>(
        &mut self,
        field: &'static str,
    ) -> Result<AsciiText<N, KIND>, ImageError> {
        let len = usize::from(self.take_u8()?);
        if len == 0 {
            return Ok(AsciiText::EMPTY);
        }
        let mut bytes = [0; N];
        let bytes = bytes.get_mut(..len).ok_or(ImageError::BadValue(field))?;
        self.take(bytes)?;
        AsciiText::from_bytes(bytes).map_err(|_| ImageError::BadValue(field))
    }

    /// A command's record, whose time must be 0.
    fn take_record(&mut self) -> Result<Command, ImageError> {
        let mut bytes = [0; MAX_RECORD];
        let len = usize::from(self.take_u8()?);
        let bytes = bytes.get_mut(..len).ok_or(ImageError::BadValue("record"))?;
        self.take(bytes)?;
        match decode_command(bytes).map_err(ImageError::Record)? {
            (Nanos(0), command) => Ok(command),
            _ => Err(ImageError::BadValue("record")),
        }
    }
}

/// Why bytes are not the image of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageError {
    /// It ends before its last field.
    Truncated,
    /// Bytes follow its last field.
    TrailingBytes,
    /// It was written in a form that this version does not know.
    UnknownVersion(u32),
    /// A record in it is none.
    Record(CodecError),
    /// A field holds a value it cannot have; the name of the field follows.
    BadValue(&'static str),
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ImageError::Truncated => f.write_str("the image ends before its last field"),
            ImageError::TrailingBytes => f.write_str("bytes follow the image's last field"),
            ImageError::UnknownVersion(version) => {
                write!(
                    f,
                    "the image has form {version}, which this version does not know"
                )
            }
            ImageError::Record(error) => write!(f, "a record of the image cannot be read: {error}"),
            ImageError::BadValue(field) => {
                write!(f, "the image's field {field} holds a value it cannot have")
            }
        }
    }
}

impl core::error::Error for ImageError {}

/// A sink into memory.
impl ImageSink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// A source over bytes in memory.
impl ImageSource for &[u8] {
    fn take(&mut self, into: &mut [u8]) -> Result<(), ImageError> {
        let (head, rest) = self.split_at_checked(into.len()).ok_or(ImageError::Truncated)?;
        into.copy_from_slice(head);
        *self = rest;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::AccountName;
    use crate::{AccountId, EngineVersion, OpenAccount};

    #[test]
    fn what_is_put_is_taken_and_no_byte_less() {
        let name = AccountName::new("desk").unwrap();
        let open = Command::OpenAccount(OpenAccount {
            account: AccountId(3),
            name,
        });
        let mut image = Vec::new();
        image.put_u8(1);
        image.put_bool(true);
        image.put_u32(2);
        image.put_u64(u64::MAX);
        image.put_i64(-4);
        image.put_i128(i128::MIN);
        image.put_text(&name);
        image.put_record(&open);
        let read = |mut image: &[u8]| -> Result<(), ImageError> {
            assert_eq!(image.take_u8()?, 1);
            assert!(image.take_bool("yes")?);
            assert_eq!(image.take_u32()?, 2);
            assert_eq!(image.take_u64()?, u64::MAX);
            assert_eq!(image.take_i64()?, -4);
            assert_eq!(image.take_i128()?, i128::MIN);
            assert_eq!(image.take_text::<32, _>("name")?, name);
            assert_eq!(image.take_record()?, open);
            Ok(())
        };
        assert_eq!(read(&image), Ok(()));
        for len in 0..image.len() {
            assert!(read(&image[..len]).is_err(), "cut at {len}");
        }
    }

    #[test]
    fn a_value_that_no_room_writes_is_refused() {
        assert_eq!((&[2u8][..]).take_bool("flag"), Err(ImageError::BadValue("flag")));
        let too_long: &[u8] = &[200; 201];
        assert_eq!(
            (&too_long[..]).take_text::<32, 0>("name"),
            Err(ImageError::BadValue("name"))
        );
        assert_eq!((&too_long[..]).take_record(), Err(ImageError::BadValue("record")));
        let mut timed = Vec::new();
        timed.put_record(&Command::EngineVersion(EngineVersion { version: 2 }));
        timed[1] = 1;
        assert_eq!((&timed[..]).take_record(), Err(ImageError::BadValue("record")));
    }
}
