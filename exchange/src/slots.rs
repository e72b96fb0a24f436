//! What the two rings hold, and how much.

use hoga_protocol::{Command, Event, Nanos};

/// A slot of the input ring.
#[derive(Clone, Copy, Debug)]
pub struct InputSlot {
    /// When the gateway sequenced the command.
    pub timestamp: Nanos,
    /// The command.
    pub command: Command,
}

/// A slot of the output ring.
#[derive(Clone, Copy, Debug)]
pub struct OutputSlot {
    /// The event.
    pub event: Event,
}

const _: () = assert!(size_of::<InputSlot>() <= 192 && size_of::<OutputSlot>() <= 192);

/// The fewest and the most slots a ring may have.
pub const MIN_RING: usize = 64;
/// See [`MIN_RING`].
pub const MAX_RING: usize = 1 << 22;
