//! Short ASCII texts kept inline, so that a command stays plain data.

use core::fmt;

/// At most `N` ASCII bytes, kept inline and padded with zeros. `N` is at most 255.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AsciiText<const N: usize, const KIND: u8> {
    bytes: [u8; N],
    len: u8,
}

/// An instrument's name: 1 to 16 of `A–Z a–z 0–9 . _ / -`.
pub type Symbol = AsciiText<16, SYMBOL>;
/// An account's name: 1 to 32 of `A–Z a–z 0–9 . _ - @ :`.
pub type AccountName = AsciiText<32, ACCOUNT>;
/// Who administers an exchange: 1 to 32 of `A–Z a–z 0–9 . _ - @ :`.
pub type OperatorName = AsciiText<32, OPERATOR>;
/// The name a client gives its own order: at most 36 printable ASCII bytes; empty means none was given.
pub type ClientOrderId = AsciiText<36, CLIENT_ORDER>;

const SYMBOL: u8 = 0;
const ACCOUNT: u8 = 1;
const CLIENT_ORDER: u8 = 2;
const OPERATOR: u8 = 3;

/// Why a text was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextError {
    /// It is empty and may not be.
    Empty,
    /// It has more bytes than the bound given here.
    TooLong(usize),
    /// It holds a byte outside its alphabet.
    BadByte(u8),
}

impl<const N: usize, const KIND: u8> AsciiText<N, KIND> {
    /// The most bytes the text may have.
    pub const MAX_LEN: usize = N;
    /// The empty text, which stands for "none".
    pub const EMPTY: Self = Self {
        bytes: [0; N],
        len: 0,
    };

    /// Checks and copies `text`.
    ///
    /// # Errors
    /// [`TextError`] when it is empty (a client order id given must not be), too long, or has a byte outside the
    /// alphabet of its kind.
    pub fn new(text: &str) -> Result<Self, TextError> {
        Self::from_bytes(text.as_bytes())
    }

    /// As [`new`](Self::new), from bytes that need not be UTF-8.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn from_bytes(text: &[u8]) -> Result<Self, TextError> {
        if text.is_empty() {
            return Err(TextError::Empty);
        }
        if text.len() > N {
            return Err(TextError::TooLong(N));
        }
        if let Some(&bad) = text.iter().find(|&&byte| !allowed(KIND, byte)) {
            return Err(TextError::BadByte(bad));
        }
        let mut bytes = [0; N];
        bytes[..text.len()].copy_from_slice(text);
        Ok(Self {
            bytes,
            len: text.len() as u8,
        })
    }

    /// The text's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// Whether there is no text.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

fn allowed(kind: u8, byte: u8) -> bool {
    match kind {
        SYMBOL => byte.is_ascii_alphanumeric() || b"._/-".contains(&byte),
        ACCOUNT | OPERATOR => byte.is_ascii_alphanumeric() || b"._-@:".contains(&byte),
        _ => (0x20..0x7f).contains(&byte),
    }
}

impl<const N: usize, const KIND: u8> Default for AsciiText<N, KIND> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<const N: usize, const KIND: u8> fmt::Debug for AsciiText<N, KIND> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl<const N: usize, const KIND: u8> fmt::Display for AsciiText<N, KIND> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TextError::Empty => f.write_str("is empty"),
            TextError::TooLong(most) => write!(f, "is longer than {most} bytes"),
            TextError::BadByte(byte) => write!(f, "has the byte 0x{byte:02x}, which is not allowed here"),
        }
    }
}

impl core::error::Error for TextError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_outside_its_alphabet_or_length_is_refused() {
        assert_eq!(Symbol::new("BTC-KRW").unwrap().as_str(), "BTC-KRW");
        assert_eq!(Symbol::new("BTC KRW"), Err(TextError::BadByte(b' ')));
        assert_eq!(Symbol::new(""), Err(TextError::Empty));
        assert_eq!(Symbol::new("12345678901234567"), Err(TextError::TooLong(16)));
        assert_eq!(AccountName::new("é"), Err(TextError::BadByte(0xc3)));
        assert!(ClientOrderId::new("any printable, 36 bytes at the most!").is_ok());
        assert_eq!(ClientOrderId::new("tab\there"), Err(TextError::BadByte(b'\t')));
    }
}
