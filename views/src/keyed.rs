//! Hashes whose key nobody outside knows, so that no client can aim many orders at one bucket of a table
//! (SipHash-1-3 for what clients name: Aumasson and Bernstein, 2012).

use core::fmt;
use core::hash::Hasher;

use hoga_protocol::{AccountId, ClientOrderId, OrderId};
use siphasher::sip::SipHasher13;

/// The key of this exchange's tables, drawn at genesis.
#[derive(Clone, Copy, Default)]
pub(crate) struct HashKey(pub(crate) [u64; 2]);

/// Without the key.
impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey")
    }
}

impl HashKey {
    /// The finish of SplitMix64 (Steele, Lea and Flood, 2014), keyed: ids are sequences, of which a client can only choose
    /// which it keeps.
    pub(crate) const fn of_order(self, order: OrderId) -> u64 {
        let word = order.0 ^ self.0[0];
        let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    pub(crate) fn of_client_id(self, account: AccountId, id: &ClientOrderId) -> u64 {
        let mut hasher = self.hasher();
        hasher.write(&account.0.to_le_bytes());
        hasher.write(id.as_bytes());
        hasher.finish()
    }

    fn hasher(self) -> SipHasher13 {
        SipHasher13::new_with_keys(self.0[0], self.0[1])
    }
}
