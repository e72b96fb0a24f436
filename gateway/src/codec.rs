//! The words on the wire: requests to commands, events and views to messages, ids and exact numbers; in JSON, MessagePack
//! and Protocol Buffers.
//!
//! Everything here is bytes in and values out; nothing reads a socket or a clock.

pub mod ids;

pub mod error;

mod reject;

pub mod codes;

pub mod format;

mod object;

pub mod request;

pub mod time;

pub mod number;

mod fields;

mod messages;

pub mod encode;

pub use codes::ErrorCode;
pub use error::ApiError;
pub use format::Format;
pub use request::{
    CancelAllAfterRequest, RequestId, WsRequest, parse, parse_cancel_all_after, parse_new_order,
    parse_replace, parse_ws,
};

pub(crate) use error::{excerpt, label};

#[cfg(test)]
pub(crate) mod tests;
