//! Where a list goes on that one answer did not end: the `Next-Cursor` header, and `?cursor=`.

use std::fmt::Write as _;

use hoga_protocol::ExchangeId;

use crate::codec::{ApiError, codes};

/// Hexadecimal digits of a cursor: the place, and the mark of the query.
const DIGITS: usize = 32;

/// The query that a cursor belongs to, as a number: cursors of another query, and of another exchange, are refused.
///
/// It protects clients from mixing cursors up and nothing else. Whoever makes one up sees what he may see anyway: a query looks
/// through the rows of its own account or instrument, wherever it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Binding(u64);

impl Binding {
    /// The binding of a query of this kind and these parameters. `limit` is none of them, and may change from page to page.
    pub fn new(exchange: ExchangeId, kind: &str, parameters: &[Option<&str>]) -> Self {
        // FNV-1a (64 bits), over texts that each end in a byte that none of them has.
        const PRIME: u64 = 0x0100_0000_01b3;
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut add = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(PRIME);
        exchange.0.to_le_bytes().into_iter().for_each(&mut add);
        for text in [Some(kind)].iter().chain(parameters) {
            add(u8::from(text.is_some()));
            text.unwrap_or_default().bytes().for_each(&mut add);
            add(0xff);
        }
        Self(hash)
    }

    /// The cursor of a place in the list.
    pub fn seal(self, place: u64) -> String {
        let mut text = String::with_capacity(DIGITS);
        // Writing to a string cannot fail.
        let _ = write!(text, "{place:016x}{:016x}", self.mark(place));
        text
    }

    /// The place that a cursor names.
    ///
    /// # Errors
    /// 400 `invalid_parameter` for anything but a cursor that an answer to this very query had.
    pub fn open(self, text: &str) -> Result<u64, ApiError> {
        let digits = |text: &str| u64::from_str_radix(text, 16).ok();
        let place = (text.len() == DIGITS && text.is_ascii())
            .then(|| text.split_at(DIGITS / 2))
            .and_then(|(place, _)| digits(place));
        // Compared as a text, so that a place has one form only.
        place.filter(|&place| self.seal(place) == text).ok_or_else(|| {
            let message =
                "cursor: must be the Next-Cursor of an answer to the same query; leave it out to begin anew";
            ApiError::new(codes::INVALID_PARAMETER, message)
        })
    }

    fn mark(self, place: u64) -> u64 {
        // Finalizer of SplitMix64: every bit of the place changes the mark.
        let mut mark = self.0 ^ place.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mark = (mark ^ (mark >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mark = (mark ^ (mark >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mark ^ (mark >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_of_another_query_or_a_damaged_one_is_refused() {
        let exchange = ExchangeId(7);
        let of = |exchange, kind, parameters: &[Option<&str>]| Binding::new(exchange, kind, parameters);
        let ours = of(exchange, "orders", &[Some("alice"), None, Some("Open")]);
        let others = [
            of(ExchangeId(8), "orders", &[Some("alice"), None, Some("Open")]),
            of(exchange, "executions", &[Some("alice"), None, Some("Open")]),
            of(exchange, "orders", &[Some("bob"), None, Some("Open")]),
            of(exchange, "orders", &[Some("alice"), Some("Open"), None]),
            of(exchange, "orders", &[Some("alice"), Some(""), Some("Open")]),
            of(exchange, "orders", &[Some("aliceOpen"), None, None]),
        ];
        for place in [0, 1, 255, 1 << 40, u64::MAX] {
            let cursor = ours.seal(place);
            assert_eq!(ours.open(&cursor).unwrap(), place);
            for other in others {
                assert!(other.open(&cursor).is_err(), "{other:?}");
            }
            for at in 0..DIGITS {
                let mut damaged = cursor.clone().into_bytes();
                damaged[at] = if damaged[at] == b'0' { b'1' } else { b'0' };
                assert!(ours.open(std::str::from_utf8(&damaged).unwrap()).is_err());
            }
            for wrong in [
                &cursor[1..],
                &format!("{cursor}0"),
                &format!("+{}", &cursor[1..]),
                "",
                "é",
            ] {
                assert!(ours.open(wrong).is_err(), "{wrong}");
            }
        }
        assert!(
            ours.open(&ours.seal(u64::MAX).to_uppercase()).is_err(),
            "upper case"
        );
    }
}
