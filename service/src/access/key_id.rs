//! What names a key.

use std::fmt;
use std::str::FromStr;

use hoga_protocol::SigningKeyId;

/// Names a key: 16 of `a–z 2–7`, which is 80 bits in base32 (RFC 4648 §6, in lower case). It is no secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; KeyId::LEN]);

impl KeyId {
    /// Its characters.
    pub const LEN: usize = 16;

    /// The id of ten random bytes.
    pub fn from_random(random: [u8; 10]) -> Self {
        const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
        let number = random
            .iter()
            .fold(0u128, |number, byte| number << 8 | u128::from(*byte));
        Self(std::array::from_fn(|at| {
            DIGITS[(number >> (75 - 5 * at) & 31) as usize]
        }))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl From<KeyId> for SigningKeyId {
    /// The 80 bits that its characters stand for.
    fn from(id: KeyId) -> Self {
        let number = id.0.iter().fold(0u128, |number, digit| {
            let value = match digit {
                b'a'..=b'z' => digit - b'a',
                // An id has no other characters than the digits 2 to 7 beside letters.
                _ => digit.wrapping_sub(b'2').wrapping_add(26),
            };
            number << 5 | u128::from(value & 31)
        });
        let [_, _, _, _, _, _, bits @ ..] = number.to_be_bytes();
        Self(bits)
    }
}

impl FromStr for KeyId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digit = |byte: &u8| byte.is_ascii_lowercase() || (b'2'..=b'7').contains(byte);
        match <[u8; Self::LEN]>::try_from(text.as_bytes()) {
            Ok(bytes) if bytes.iter().all(digit) => Ok(Self(bytes)),
            _ => Err("must be the id of a key: 16 of the characters a-z and 2-7"),
        }
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journal_names_a_key_as_its_holder_does() {
        for bits in [
            [0; 10],
            [0xff; 10],
            [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
            [0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        ] {
            let id = KeyId::from_random(bits);
            let journaled = SigningKeyId::from(id);
            assert_eq!((journaled.0, journaled.to_string()), (bits, id.to_string()));
        }
        let id: KeyId = "mzxw6ytboi2gc3tt".parse().unwrap();
        assert_eq!(SigningKeyId::from(id).to_string(), "mzxw6ytboi2gc3tt");
    }

    #[test]
    fn an_id_of_a_key_is_not_drawn_outside_of_its_alphabet() {
        let id = |random| KeyId::from_random(random);
        // RFC 4648 §10: "fooba" is MZXW6YTB.
        assert_eq!(id(*b"foobafooba").as_str(), "mzxw6ytbmzxw6ytb");
        assert_eq!(id([0; 10]).as_str(), "aaaaaaaaaaaaaaaa");
        assert_eq!(id([255; 10]).as_str(), "7777777777777777");
        for seed in 0..=255u8 {
            let id = id(std::array::from_fn(|at| {
                seed.wrapping_mul(31).wrapping_add(at as u8)
            }));
            assert_eq!(id.as_str().parse(), Ok(id));
        }
    }
}
