//! The fixed binary form of a command (what a journal record holds) and of an event (what a digest covers).
//!
//! Little endian, fields in the order written here, no padding. A record is
//!
//! | bytes | field |
//! |---|---|
//! | 8 | timestamp, nanoseconds since the epoch |
//! | 1 | kind of command |
//! | … | the command's fields |
//!
//! Options are a byte 0 or 1 and then always the value, zeros when absent; texts are a length byte and then all bytes
//! of their bound, zero padded. So each kind has one length, and one value has one encoding: decoding refuses
//! everything else. A kind, once released, keeps its number and layout.

mod bytes;
mod command;
mod event;
mod image;

use core::fmt;

pub(crate) use command::{ADMINISTER_LEN, pack_administer, unpack_administer};
pub use command::{MAX_RECORD, decode_command, encode_command};
pub use event::{MAX_EVENT, encode_event};
pub use image::{ImageError, ImageSink, ImageSource};

/// Why bytes are not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodecError {
    /// It ends before its last field.
    Truncated,
    /// Bytes follow its last field.
    TrailingBytes,
    /// The kind is not one that this version knows.
    UnknownKind(u8),
    /// A field holds a value it cannot have; the name of the field follows.
    BadValue(&'static str),
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CodecError::Truncated => f.write_str("the record ends before its last field"),
            CodecError::TrailingBytes => f.write_str("the record is longer than its kind allows"),
            CodecError::UnknownKind(kind) => {
                write!(f, "command kind {kind} is unknown: written by a newer version?")
            }
            CodecError::BadValue(field) => write!(f, "the field {field} holds a value it cannot have"),
        }
    }
}

impl core::error::Error for CodecError {}
