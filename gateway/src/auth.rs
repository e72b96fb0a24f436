//! Who asks: Ed25519 (RFC 8032) signatures by keys that the operator registered.
//!
//! Everything here is values in and values out; nothing reads a socket, a file or a clock. A request walks through it
//! in two steps, because a verification takes tens of microseconds and must not run on the gateway's thread:
//! [`Authenticator::begin`] makes a [`Check`] of what was sent, which a [`Verifier`] turns into a [`Verdict`] on a thread
//! of its own, and [`Authenticator::finish`] makes an [`Identity`](hoga_service::Identity) of that.
//!
//! The server holds no secret: of each key it knows the public half.

pub mod message;

pub mod credentials;

mod base64;

pub mod key;

pub mod table;

pub mod check;

pub mod replay;

pub mod authenticator;

pub(crate) mod authentication;

pub mod ports;

pub use authenticator::{AuthConfig, Authenticator};
pub use check::{Check, Verdict};
pub use credentials::{AuthMessage, Credentials, parse_auth};
pub use key::{PublicKey, Signature};
pub use message::{Subject, signed_message};
pub use ports::{Keys, Verifier};
pub use replay::{Acceptance, ReplayGuard};
pub use table::{ApiKey, KeyTable};

#[cfg(test)]
mod tests;
