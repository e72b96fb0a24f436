//! What was counted, beside its bounds.

use std::fmt::Write as _;
use std::time::Duration;

/// One count: of what, how many, and how many there may be.
pub type Count = (&'static str, u64, u64);

/// Rows that are printed as they come, without the counts that are zero.
pub struct Table {
    faults: Vec<String>,
}

impl Table {
    pub fn begin(title: &str) -> Self {
        println!("\n{title}\n{:<48}{:>20}  counted ≤ bound", "operation", "µs");
        Self { faults: Vec::new() }
    }

    /// `times` are of one part of the work after the other.
    pub fn row(&mut self, name: &str, times: &[Duration], counts: &[Count]) {
        let times: Vec<String> = times
            .iter()
            .map(|time| format!("{:.1}", time.as_nanos() as f64 / 1e3))
            .collect();
        let mut text = format!("{name:<48}{:>20}  ", times.join(" + "));
        for (what, count, bound) in counts {
            if *count > 0 {
                let _ = write!(text, "{what} {count} ≤ {bound}; ");
            }
            if count > bound {
                self.faults.push(format!("{name}: {count} {what}, bound {bound}"));
            }
        }
        println!("{text}");
    }

    /// Panics where a bound was passed.
    pub fn end(self) {
        assert!(self.faults.is_empty(), "beyond its bound: {:#?}", self.faults);
    }
}
