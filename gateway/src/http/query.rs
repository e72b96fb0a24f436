//! A target's query and the texts in it.

use std::fmt;

use hoga_protocol::AsciiText;

use crate::codec::{ApiError, codes, excerpt, label};

/// The most that `limit` and `depth` may be.
pub const MAX_LIMIT: usize = 1_000;

/// The parameters of a query that have not been asked for yet.
pub(crate) struct Query {
    left: Vec<(String, String)>,
    asked: Vec<&'static str>,
}

impl Query {
    /// Splits and decodes; refuses a name given twice.
    pub fn parse(query: &str) -> Result<Self, ApiError> {
        let mut left: Vec<(String, String)> = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name, "the query")?;
            let value = decode(value, &label(&name))?;
            if left.iter().any(|(known, _)| *known == name) {
                let message = format!("{}: given more than once; send it once", label(&name));
                return Err(ApiError::new(codes::INVALID_PARAMETER, message));
            }
            // Paths have four parameters at most; refusing here keeps the search for repeats short.
            if left.len() == MAX_PARAMETERS {
                let message = format!("the query has more than {MAX_PARAMETERS} parameters");
                return Err(ApiError::new(codes::INVALID_PARAMETER, message));
            }
            left.push((name, value));
        }
        Ok(Self {
            left,
            asked: Vec::new(),
        })
    }

    /// The parameter `name`, if it is there.
    pub fn take(&mut self, name: &'static str) -> Option<String> {
        self.asked.push(name);
        let at = self.left.iter().position(|(known, _)| known == name)?;
        Some(self.left.swap_remove(at).1)
    }

    /// The parameter `name` as a text of its kind's alphabet.
    pub fn ascii<const N: usize, const KIND: u8>(
        &mut self,
        name: &'static str,
    ) -> Result<Option<AsciiText<N, KIND>>, ApiError> {
        self.take(name).map(|text| ascii(name, &text)).transpose()
    }

    /// The parameter `name` as a number from 1 to [`MAX_LIMIT`]; `default` when it is not there.
    pub fn count(&mut self, name: &'static str, default: usize) -> Result<usize, ApiError> {
        let Some(text) = self.take(name) else {
            return Ok(default);
        };
        digits(&text)
            .and_then(|count| usize::try_from(count).ok())
            .filter(|count| (1..=MAX_LIMIT).contains(count))
            .ok_or_else(|| {
                invalid(
                    name,
                    format_args!(
                        "must be a whole number from 1 to {MAX_LIMIT}, not {}",
                        excerpt(&text)
                    ),
                )
            })
    }

    /// Refuses what nobody asked for.
    pub fn finish(self) -> Result<(), ApiError> {
        let Some((name, _)) = self.left.first() else {
            return Ok(());
        };
        let known = match self.asked.is_empty() {
            true => "none".to_owned(),
            false => self.asked.join(", "),
        };
        let message = format!(
            "{}: there is no such query parameter here; there is {known}",
            label(name)
        );
        Err(ApiError::new(codes::UNKNOWN_PARAMETER, message))
    }
}

const MAX_PARAMETERS: usize = 16;

/// A parameter that cannot have its value.
pub(crate) fn invalid(name: &str, why: fmt::Arguments<'_>) -> ApiError {
    ApiError::new(codes::INVALID_PARAMETER, format!("{name}: {why}"))
}

/// A text of its kind's alphabet.
pub(crate) fn ascii<const N: usize, const KIND: u8>(
    name: &str,
    text: &str,
) -> Result<AsciiText<N, KIND>, ApiError> {
    AsciiText::new(text).map_err(|error| invalid(name, format_args!("{} {error}", excerpt(text))))
}

/// A whole number in plain digits: no sign, no space.
pub(crate) fn digits(text: &str) -> Option<u64> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
}

/// Undoes percent-encoding (RFC 3986 §2.1); `what` names the text in messages, as it stands.
pub(crate) fn decode(text: &str, what: &str) -> Result<String, ApiError> {
    let wrong = || {
        let message = format!(
            "{what}: {} is not well-formed percent-encoded UTF-8",
            excerpt(text)
        );
        ApiError::new(codes::INVALID_PARAMETER, message)
    };
    let nibble = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let (&[high, low], tail) = rest.split_first_chunk().ok_or_else(wrong)?;
        let (Some(high), Some(low)) = (nibble(high), nibble(low)) else {
            return Err(wrong());
        };
        bytes.push(high << 4 | low);
        rest = tail;
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

/// What a client is told of a path that is not there.
pub(crate) fn nothing_at(path: &str) -> ApiError {
    let message = format!(
        "there is nothing at {}; docs/wire-protocol.md lists every path, /api/v1/orders among them",
        excerpt(path)
    );
    ApiError::new(codes::NOT_FOUND, message)
}
