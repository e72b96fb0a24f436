//! The client's side of the wire: one short HTTP request, POSTs in a row, WebSockets without blocking, and bare subscriptions.

mod http;
mod posts;
mod socket;
mod subscription;

pub use http::{get, send};
pub use posts::Posts;
pub use socket::{Closing, Received, Socket, connect_tcp, connect_tcp_from};
pub use subscription::{Agreed, Offer, subscribe};
