//! HTTP/1.1 and HTTP/1.0 (RFC 9110, RFC 9112) without a socket: bytes in, requests out; values in, responses out.

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
