//! The bytes that a client signs.

/// Stands before every message, so that a signature made for anything else is never one for a request to this exchange.
pub const DOMAIN: &str = "hoga1";

/// What a client asks for, as far as its signature covers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject<'a> {
    method: &'a str,
    target: &'a str,
    body: &'a [u8],
}

impl<'a> Subject<'a> {
    /// `method` and `target` as they stand in the request line (of an absolute target only path and query), and the body
    /// as it was sent. None when one of the two is empty or has white space, a control character or a line's end in it,
    /// which no request line can carry: that is what keeps two requests from being the same bytes.
    pub fn new(method: &'a str, target: &'a str, body: &'a [u8]) -> Option<Self> {
        let plain = |text: &str| !text.is_empty() && !text.bytes().any(|byte| byte <= b' ' || byte == 0x7f);
        (plain(method) && plain(target)).then_some(Self { method, target, body })
    }
}

/// The message: `hoga1`, the timestamp in decimal, the method and the target, each with a line feed behind it, and then
/// the body. No part but the last can hold a line feed, so the message tells its parts apart.
pub fn signed_message(timestamp: u64, subject: &Subject<'_>) -> Vec<u8> {
    let Subject { method, target, body } = *subject;
    let mut message = format!("{DOMAIN}\n{timestamp}\n{method}\n{target}\n").into_bytes();
    message.extend_from_slice(body);
    message
}
