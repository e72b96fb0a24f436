//! Base64 (RFC 4648 §4) of a fixed number of bytes, in its one canonical form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Exactly `N` bytes. None for another length, a missing or surplus padding, white space, another alphabet, or bits behind
/// the last byte that are not zero.
pub(super) fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != N.div_ceil(3) * 4 {
        return None;
    }
    STANDARD.decode(text).ok()?.try_into().ok()
}

pub(super) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}
