//! Who asks, what they may do, and how much of the exchange they may take up.

mod identity;

mod key_id;

mod permissions;

mod origin;

mod quotas;

pub use identity::{ANONYMOUS, Identity};
pub use key_id::KeyId;
pub use origin::Origin;
pub use permissions::{Permission, Permissions};
pub use quotas::{Quota, Quotas, Refused, RequestKind, RequestRates};
