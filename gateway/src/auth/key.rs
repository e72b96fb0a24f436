//! What verifies with a key, and what it makes.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::VerifyingKey;

use super::base64;

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
