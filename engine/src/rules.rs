//! The versions of the rules. A journal says under which one it begins and where a higher one takes over; every
//! version is kept, so that every journal gives its events again.
//!
//! | version | what it changed |
//! |---|---|
//! | 1 | the first |
//! | 2 | a `Checkpoint` is carried out, where version 1 refuses it as out of place; the state digest covers the version in force and what checkpoints keep |
//! | 3 | armings and administration are carried out, where the versions before refuse them as out of place; the state digest, checkpoints and images cover them |
//!
//! A version is a row here, a number in [`ENGINE_VERSION`], and a question that [`Rules`] answers for each thing that
//! it does otherwise. No other place compares versions.

/// The version of the rules in this crate: the highest that a journal may ask for.
pub const ENGINE_VERSION: u32 = 3;

/// The version in force.
#[derive(Clone, Copy)]
pub(crate) struct Rules(u32);

impl Rules {
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

    /// Whether checkpoints are carried out, and what they keep is state.
    pub(crate) const fn have_checkpoints(self) -> bool {
        self.0 >= 2
    }

    /// Whether armings and administration are carried out, and what they leave behind is state.
    pub(crate) const fn have_administration(self) -> bool {
        self.0 >= 3
    }
}
