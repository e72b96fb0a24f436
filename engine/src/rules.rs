//! The version of the rules. A journal says under which one it begins and where a higher one takes over; every version
//! is kept, so that every journal gives its events again.
//!
//! | version | what it changed |
//! |---|---|
//! | 1 | the first |
//!
//! A version is a row here, a number in [`ENGINE_VERSION`], and a question that [`Rules`] answers for each thing that
//! it does otherwise. No other place compares versions.

/// The version of the rules in this crate: the highest that a journal may ask for.
pub const ENGINE_VERSION: u32 = 1;

/// The version in force.
#[derive(Clone, Copy)]
pub(crate) struct Rules(u32);

impl Rules {
    /// Those of a version that is not there yet.
    #[cfg(test)]
    pub(crate) const LATER: Rules = Rules(ENGINE_VERSION + 1);

    /// Those of a version that this crate knows.
    pub(crate) fn new(version: u32) -> Option<Self> {
        (1..=ENGINE_VERSION).contains(&version).then_some(Self(version))
    }

    /// Those of a higher version that this crate knows.
    pub(crate) fn raised(self, version: u32) -> Option<Self> {
        Self::new(version).filter(|_| version > self.0)
    }

    pub(crate) const fn version(self) -> u32 {
        self.0
    }
}
