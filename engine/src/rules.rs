//! What each version of the rules changed.
//!
//! A journal carries the version of its rules: the genesis names the first, and an
//! [`EngineVersion`](hoga_protocol::EngineVersion) command raises it. Behaviour changes nowhere else, so an old journal
//! comes to what it came to when it was written.
//!
//! | version | what it changed |
//! |---:|---|
//! | 1 | the first rules |
//! | 2 | [`Checkpoint`](hoga_protocol::Checkpoint) is carried out, and the state digest covers what it keeps; before, it is refused as `OutOfPlace` |

/// The version of the rules in this crate: the highest that a journal may ask for.
pub const ENGINE_VERSION: u32 = 2;

/// From this version on there are checkpoints.
pub(crate) const CHECKPOINTS: u32 = 2;
