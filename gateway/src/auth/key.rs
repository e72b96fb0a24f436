//! What names a key, what verifies with it, and what it makes.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::VerifyingKey;
use hoga_protocol::SigningKeyId;

use super::base64;

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

/// The public half of a key pair.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// From its 32 bytes (RFC 8032 §5.1.5).
    ///
    /// # Errors
    /// In words: the bytes are no point, another encoding of one, or a point under which signatures can be made without a
    /// private key.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, &'static str> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| "is no Ed25519 public key")?;
        if key.is_weak() {
            return Err("is a point of small order, under which anybody can sign; make another key");
        }
        if key.to_edwards().compress().as_bytes() != bytes {
            return Err("is not the canonical encoding of an Ed25519 public key");
        }
        Ok(Self(key))
    }

    /// Its text, base64.
    pub fn to_base64(&self) -> String {
        base64::encode(self.0.as_bytes())
    }

    /// Whether `signature` is one of `message`. Strict: no signature can be turned into another one of the same message
    /// by anybody but who holds the private key, so that remembering signatures is remembering requests.
    pub(super) fn verifies(&self, message: &[u8], signature: &Signature) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        self.0.verify_strict(message, &signature).is_ok()
    }
}

impl FromStr for PublicKey {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes =
            base64::decode(text).ok_or("must be an Ed25519 public key: 32 bytes in base64, 44 characters")?;
        Self::from_bytes(&bytes)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_base64())
    }
}

/// A signature as it was sent. Whoever has one can send its request again as long as it counts, so it is never shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 64]);

impl Signature {
    /// From its 64 bytes (RFC 8032 §5.1.6).
    pub const fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }

    /// Its text, base64.
    pub fn to_base64(&self) -> String {
        base64::encode(&self.0)
    }
}

impl FromStr for Signature {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes =
            base64::decode(text).ok_or("must be an Ed25519 signature: 64 bytes in base64, 88 characters")?;
        Ok(Self(bytes))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature(…)")
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
}
