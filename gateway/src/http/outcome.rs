//! What became of an HTTP request.

use crate::http::paging::Listing;
use crate::server::step::Next;

/// What became of a request.
#[derive(Debug)]
pub(crate) enum Handled {
    /// The response is in the egress.
    Done,
    /// The signature is being verified.
    Checking,
    /// A command is sequenced whose events bring the response, or a page is being made.
    Waiting,
    /// The response is made in portions, and none of it is in the egress yet.
    Listing(Box<Listing>),
    /// The handshake's response is in the egress, and the connection goes on as a WebSocket.
    Upgraded(Next),
}
