//! An error as the wire shows it: a status, a stable code, and a message for a person.

use std::borrow::Cow;

use hoga_protocol::Nanos;

use super::codes::{self, ErrorCode};

/// What a client is told when something is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// The stable code.
    pub code: &'static str,
    /// What is wrong, where, and what to do.
    pub message: String,
    /// A response header that the status calls for: `Allow`, `Retry-After`, `Sec-WebSocket-Version`, `WWW-Authenticate`.
    pub header: Option<(&'static str, Cow<'static, str>)>,
    /// Exchange time, where the client's time is what is wrong: shown in the header `Exchange-Time`.
    pub time: Option<Nanos>,
}

impl ApiError {
    /// An error of `code` that says `message`.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let header = match code {
            codes::BUSY
            | codes::RECOVERING
            | codes::TOO_MANY_REQUESTS
            | codes::TOO_MANY_FROM_ADDRESS
            | codes::TOO_MANY_OF_ACCOUNT => Some(("Retry-After", "1")),
            // RFC 9110 §15.5.2: a 401 names a way to authenticate.
            codes::UNAUTHENTICATED | codes::BAD_SIGNATURE | codes::STALE_TIMESTAMP | codes::REPLAYED => {
                Some(("WWW-Authenticate", "Hoga"))
            }
            codes::UPGRADE_REQUIRED => Some(("Sec-WebSocket-Version", "13")),
            _ => None,
        };
        Self {
            status: code.status,
            code: code.code,
            message: message.into(),
            header: header.map(|(name, value)| (name, Cow::Borrowed(value))),
            time: None,
        }
    }

    /// The same error, which shows exchange time so that the client can correct its own.
    pub(crate) fn with_time(mut self, time: Nanos) -> Self {
        self.time = Some(time);
        self
    }

    /// The same error with a response header that its status calls for.
    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.header = Some((name, value.into()));
        self
    }

    /// Whether the error is of `code`.
    pub fn is(&self, code: ErrorCode) -> bool {
        self.code == code.code
    }
}

/// The most characters that a message quotes.
const EXCERPT: usize = 64;

/// A name that a client sent, for the beginning of a message: as it is where it could be a name of ours, else quoted.
pub(crate) fn label(name: &str) -> String {
    const LONGEST: usize = 32;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    match !name.is_empty() && name.len() <= LONGEST && name.bytes().all(plain) {
        true => name.to_owned(),
        false => excerpt(name),
    }
}

/// At most 64 characters of what a client sent, quoted for a message.
pub(crate) fn excerpt(text: &str) -> String {
    match text.char_indices().nth(EXCERPT) {
        Some((at, _)) => format!("{:?}…", &text[..at]),
        None => format!("{text:?}"),
    }
}

/// At most 64 characters of a JSON value that a client sent, as it was sent.
pub(crate) fn excerpt_json(raw: &str) -> String {
    match raw.char_indices().nth(EXCERPT) {
        Some((at, _)) => format!("{}…", &raw[..at]),
        None => raw.to_owned(),
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}): {}", self.code, self.status, self.message)
    }
}

impl std::error::Error for ApiError {}
