//! Numbers that name things. They are dense and come from the journal's order, so they replay identically.

/// A command's place in the journal, from 1. Its first 48 bits are what an id on the wire carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Sequence(pub u64);

impl Sequence {
    /// The largest sequence: 48 bits, so that every id fits a UUID. At a million commands a second, nine years.
    pub const MAX: Sequence = Sequence((1 << 48) - 1);

    /// The sequence after this one.
    pub const fn next(self) -> Sequence {
        Sequence(self.0 + 1)
    }
}

/// An order, named by the sequence of the `NewOrder` that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct OrderId(pub u64);

/// An instrument, numbered from 0 in the order of definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct InstrumentId(pub u32);

/// An account, numbered from 0 in the order of opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct AccountId(pub u32);

/// A random number drawn when an exchange's journal is begun; it keeps ids of two exchanges apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ExchangeId(pub u32);

/// The id of the key that signed a request: 80 bits, shown as 16 characters of base32 (RFC 4648 §6, in lower case).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SigningKeyId(pub [u8; 10]);

impl SigningKeyId {
    /// No key.
    pub const NONE: SigningKeyId = SigningKeyId([0; 10]);
}

impl core::fmt::Display for SigningKeyId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
        let number = self
            .0
            .iter()
            .fold(0u128, |number, &byte| number << 8 | u128::from(byte));
        (0..16).try_for_each(|at| {
            let digit = DIGITS[(number >> (75 - 5 * at) & 31) as usize];
            core::fmt::Write::write_char(f, char::from(digit))
        })
    }
}

impl core::fmt::Debug for SigningKeyId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(self, f)
    }
}
