//! HTTP/1.1 and HTTP/1.0 (RFC 9110, RFC 9112).
//!
//! A connection reads requests, one at a time; [`routes`] says what is asked for, and a handler has the service do it. How bytes are
//! parsed and responses written knows no socket: bytes in, requests out; values in, responses out.

pub mod routes;

pub mod parameters;

mod query;

pub(crate) mod call;

pub(crate) mod dispatch;

pub(crate) mod connection;

pub(crate) mod handlers;

pub(crate) mod outcome;

pub(crate) mod reply;

pub(crate) mod cursor;

pub(crate) mod paging;

pub(crate) mod origins;

mod accept;

mod authority;

mod parse;

mod request;

mod response;

mod extensions;

mod upgrade;

pub(crate) use authority::Authority;
pub use parse::{HttpLimits, Parse, parse};
pub use request::Request;
pub(crate) use response::{Framing, Manner, write_chunk, write_head, write_last_chunk, write_response};
pub use upgrade::{Agreed, write_upgrade};

#[cfg(test)]
mod tests;
