//! What the pipeline's threads count.

use std::ops::Deref;
use std::sync::atomic::AtomicU64;

/// Counts kept by the pipeline's threads, each written by one of them, and no two that different threads write on one
/// cache line.
#[derive(Debug, Default)]
#[repr(C, align(128))]
pub struct Counters {
    /// Commands put into the input ring.
    pub submitted: AtomicU64,
    /// Commands refused because the input ring was nearly full, or the journal's next segment late.
    pub refused_busy: AtomicU64,
    /// Commands refused because the journal had no room.
    pub refused_no_space: AtomicU64,
    /// The fullest the input ring has been when a command went in.
    pub input_high_water: AtomicU64,
    /// The fullest the output ring has been when the gateway came for events.
    pub output_high_water: AtomicU64,
    /// Events that the gateway has taken out of the output ring, whose slots may be used again.
    pub taken: AtomicU64,
    /// Commands that the matcher is through with. All above is the gateway's, this and what follows the matcher's.
    pub matched: Lane<AtomicU64>,
    /// Events put into the output ring.
    pub emitted: AtomicU64,
    /// How often the matcher found the output ring full in the middle of a command. Anything but zero is a fault: the
    /// matcher takes a command only while there is room for all its events.
    pub output_full_stalls: AtomicU64,
    /// How often the matcher waited before a command for room in the output ring.
    pub output_room_waits: AtomicU64,
}

/// Something that begins a cache line, and shares that line and the one fetched with it with nothing.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Lane<T>(T);

impl<T> Deref for Lane<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
