//! A signature to be verified, and what came of it.

use std::fmt;
use std::sync::{Arc, LazyLock};

use hoga_service::KeyId;

use super::credentials::Credentials;
use super::key::{PublicKey, Signature};
use super::message::{Subject, signed_message};
use super::table::ApiKey;

/// Verifies in place of a key that there is not, so that an unknown id takes as long as a known one. Nobody knows its
/// private half; and if somebody did, the verdict would be bad all the same.
static NO_KEY: LazyLock<PublicKey> = LazyLock::new(|| {
    let key = PublicKey::from_bytes(&NOBODY_BYTES);
    key.expect("the stand-in is a public key")
});

/// The point whose y coordinate is 5: too plain to have been made from a private key.
const NOBODY_BYTES: [u8; 32] = {
    let mut bytes = [0; 32];
    bytes[0] = 5;
    bytes
};

/// One signature to be verified: all that it takes, so that another thread can do it.
pub struct Check {
    key: Option<Arc<ApiKey>>,
    id: KeyId,
    timestamp: u64,
    message: Vec<u8>,
    signature: Signature,
}

impl Check {
    /// Of what was sent as `credentials` for `subject`; `key` is the key of their id, if there is one. Revoked and expired
    /// keys are verified like others: only who can sign with one is told what became of it.
    pub fn new(credentials: &Credentials, key: Option<Arc<ApiKey>>, subject: &Subject<'_>) -> Self {
        Self {
            key,
            id: credentials.key,
            timestamp: credentials.timestamp,
            message: signed_message(credentials.timestamp, subject),
            signature: credentials.signature,
        }
    }

    /// How many bytes its message has.
    pub fn bytes(&self) -> usize {
        self.message.len()
    }

    /// Verifies; this takes tens of microseconds, and some more for a long body.
    pub fn verify(self) -> Verdict {
        let public = self.key.as_ref().map_or(&*NO_KEY, |key| &key.public);
        let verifies = public.verifies(&self.message, &self.signature);
        Verdict {
            is_good: verifies && self.key.is_some(),
            id: self.id,
            timestamp: self.timestamp,
            signature: self.signature,
        }
    }
}

/// What a check came to. Only [`Check::verify`] makes one.
#[derive(Clone, Debug)]
pub struct Verdict {
    is_good: bool,
    pub(super) id: KeyId,
    pub(super) timestamp: u64,
    pub(super) signature: Signature,
}

impl Verdict {
    /// Whether the signature is one of this message by this key.
    pub const fn is_good(&self) -> bool {
        self.is_good
    }

    /// The key that was named; there may be none of that id.
    pub const fn key(&self) -> KeyId {
        self.id
    }
}

/// Neither the signature nor the request is shown.
impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check")
            .field("id", &self.id)
            .field("timestamp", &self.timestamp)
            .field("bytes", &self.message.len())
            .finish_non_exhaustive()
    }
}
