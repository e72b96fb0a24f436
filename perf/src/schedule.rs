//! Open loop: when each command is due, whatever became of those before.

/// A rate, and how many commands there are.
#[derive(Clone, Copy)]
pub struct Schedule {
    /// Commands per second.
    pub rate: u32,
    /// Commands before those that count.
    pub warm: u64,
    /// All commands.
    pub total: u64,
}

impl Schedule {
    /// `warm_up` seconds that do not count, and `seconds` that do.
    pub fn new(rate: u32, warm_up: u32, seconds: u32) -> Self {
        let warm = u64::from(rate) * u64::from(warm_up);
        Self {
            rate,
            warm,
            total: warm + u64::from(rate) * u64::from(seconds),
        }
    }

    /// When a command is due: nanoseconds from the beginning. It overflows only after 18 thousand million commands.
    pub fn due(self, number: u64) -> u64 {
        number * 1_000_000_000 / u64::from(self.rate)
    }
}
