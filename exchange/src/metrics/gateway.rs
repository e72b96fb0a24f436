//! What the gateway counts and measures, out of its thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hoga_gateway::{GatewayStats, TurnTimes};

use crate::recorder::{NANOSECONDS, Recorded, Recorder};

/// What other threads see of the gateway: its counters as they stood after its last turn that did something, and what
/// its turns took.
#[derive(Debug)]
pub struct GatewayFigures {
    counts: Arc<Counts>,
    /// Nanoseconds of a turn that did something, without its sleep.
    pub turn: Arc<Recorded>,
    /// Nanoseconds of those turns that went into streams, where any did.
    pub broadcast: Arc<Recorded>,
}

/// The gateway's own end.
#[derive(Debug)]
pub struct GatewayRecorders {
    counts: Arc<Counts>,
    turn: Recorder,
    broadcast: Recorder,
}

/// Only the gateway writes here, after each turn; the alignment keeps others' counters off its cache lines.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Counts([AtomicU64; GatewayStats::COUNT]);

/// Both ends.
pub fn figures() -> (GatewayRecorders, GatewayFigures) {
    let recorders = GatewayRecorders {
        counts: Arc::default(),
        turn: Recorder::new(NANOSECONDS),
        broadcast: Recorder::new(NANOSECONDS),
    };
    let figures = GatewayFigures {
        counts: Arc::clone(&recorders.counts),
        turn: recorders.turn.recorded(),
        broadcast: recorders.broadcast.recorded(),
    };
    (recorders, figures)
}

impl GatewayRecorders {
    /// A turn is over.
    pub fn turned(&mut self, times: TurnTimes, stats: &GatewayStats) {
        for (cell, count) in self.counts.0.iter().zip(stats.to_array()) {
            cell.store(count, Ordering::Relaxed);
        }
        self.turn.record(times.whole.as_nanos() as u64);
        if let Some(broadcast) = times.broadcast {
            self.broadcast.record(broadcast.as_nanos() as u64);
        }
    }
}

impl GatewayFigures {
    /// The counters. Each is right; two of them may be of neighbouring turns.
    pub fn stats(&self) -> GatewayStats {
        GatewayStats::from_array(std::array::from_fn(|at| {
            self.counts.0[at].load(Ordering::Relaxed)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_counter_of_the_gateway_comes_out_as_another() {
        let stats = GatewayStats::from_array(std::array::from_fn(|at| at as u64 + 1));
        let (mut recorders, figures) = figures();
        let times = TurnTimes {
            whole: std::time::Duration::from_micros(3),
            broadcast: None,
        };
        recorders.turned(times, &stats);
        assert_eq!(figures.stats(), stats);
        assert_eq!(
            (stats.connections, stats.subscribers, stats.backlog, stats.events),
            (1, 2, 4, 16)
        );
        let lens = [&figures.turn, &figures.broadcast].map(|recorded| recorded.snapshot().len());
        assert_eq!(lens, [1, 0]);
    }
}
