//! Keys and signed requests.

use ed25519_dalek::{Signer as _, SigningKey};
use hoga_protocol::{AccountName, Nanos};
use hoga_service::{Identity, KeyId, Permission};

use crate::auth::*;
use crate::codec::ApiError;

/// The server's time in tests: that of the document's example.
pub const NOW_MS: u64 = 1_682_858_110_123;

pub const TARGET: &str = "/api/v1/orders?account=desk";
pub const BODY: &[u8] = b"{\"quantity\":1}";

pub fn at(millis: u64) -> Nanos {
    Nanos(millis * 1_000_000)
}

pub fn subject() -> Subject<'static> {
    Subject::new("POST", TARGET, BODY).unwrap()
}

/// A client with a key of its own.
pub struct Client {
    pub id: KeyId,
    pub secret: SigningKey,
}

impl Client {
    pub fn new(seed: u8) -> Self {
        Self {
            id: KeyId::from_random([seed; 10]),
            secret: SigningKey::from_bytes(&[seed; 32]),
        }
    }

    pub fn registered(&self) -> ApiKey {
        ApiKey {
            id: self.id,
            account: AccountName::new("desk").unwrap(),
            permissions: [Permission::Read, Permission::Trade].into_iter().collect(),
            public: PublicKey::from_bytes(self.secret.verifying_key().as_bytes()).unwrap(),
            revoked: None,
            expires: None,
        }
    }

    pub fn sign(&self, timestamp: u64, subject: &Subject<'_>) -> Credentials {
        let signature = self.secret.sign(&signed_message(timestamp, subject));
        Credentials {
            key: self.id,
            timestamp,
            signature: Signature::from_bytes(signature.to_bytes()),
        }
    }
}

/// An exchange that began long enough ago for `NOW_MS` to count.
pub fn authenticator() -> Authenticator {
    Authenticator::new(AuthConfig::default(), at(NOW_MS - 60_000))
}

/// Both steps of an admission at one moment.
pub fn admit(
    authenticator: &mut Authenticator,
    keys: &KeyTable,
    now_ms: u64,
    credentials: &Credentials,
    subject: &Subject<'_>,
) -> Result<Identity, ApiError> {
    let check = authenticator.begin(keys, at(now_ms), credentials, subject)?;
    authenticator.finish(keys, at(now_ms), &check.verify())
}
