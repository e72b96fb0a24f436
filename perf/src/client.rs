//! The client's side of the wire: one short HTTP request, and WebSockets without blocking.

mod http;
mod socket;

pub use http::get;
pub use socket::{Closing, Received, Socket, connect_tcp};
