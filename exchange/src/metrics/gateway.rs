//! What the gateway counts and measures, out of its thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hoga_gateway::{GatewayStats, TurnTimes};

use crate::recorder::{NANOSECONDS, Recorded, Recorder};

/// How many counts a gateway has.
const COUNTS: usize = 21;

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
struct Counts([AtomicU64; COUNTS]);

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
        for (cell, count) in self.counts.0.iter().zip(flat(stats)) {
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
        whole(std::array::from_fn(|at| {
            self.counts.0[at].load(Ordering::Relaxed)
        }))
    }
}

fn flat(stats: &GatewayStats) -> [u64; COUNTS] {
    let GatewayStats {
        connections,
        subscribers,
        sessions,
        accepted,
        turned_away,
        executions,
        executions_streamed,
        stream_writes,
        stream_bytes,
        slow_consumer_closes,
        requests,
        address_limited,
        account_limited,
        account_turned_away,
        busy_refusals,
        backlog,
        events,
        query_refusals,
        query_rows,
        waiting_bytes,
        held_drains,
    } = *stats;
    [
        connections as u64,
        subscribers as u64,
        sessions as u64,
        accepted,
        turned_away,
        executions,
        executions_streamed,
        stream_writes,
        stream_bytes,
        slow_consumer_closes,
        requests,
        address_limited,
        account_limited,
        account_turned_away,
        busy_refusals,
        backlog as u64,
        events,
        query_refusals,
        query_rows,
        waiting_bytes as u64,
        held_drains,
    ]
}

fn whole(counts: [u64; COUNTS]) -> GatewayStats {
    let [
        connections,
        subscribers,
        sessions,
        accepted,
        turned_away,
        executions,
        executions_streamed,
        stream_writes,
        stream_bytes,
        slow_consumer_closes,
        requests,
        address_limited,
        account_limited,
        account_turned_away,
        busy_refusals,
        backlog,
        events,
        query_refusals,
        query_rows,
        waiting_bytes,
        held_drains,
    ] = counts;
    GatewayStats {
        connections: connections as usize,
        subscribers: subscribers as usize,
        sessions: sessions as usize,
        accepted,
        turned_away,
        executions,
        executions_streamed,
        stream_writes,
        stream_bytes,
        slow_consumer_closes,
        requests,
        address_limited,
        account_limited,
        account_turned_away,
        busy_refusals,
        backlog: backlog as usize,
        events,
        query_refusals,
        query_rows,
        waiting_bytes: waiting_bytes as usize,
        held_drains,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_counter_of_the_gateway_comes_out_as_another() {
        let stats = whole(std::array::from_fn(|at| at as u64 + 1));
        let (mut recorders, figures) = figures();
        let times = TurnTimes {
            whole: std::time::Duration::from_micros(3),
            broadcast: None,
        };
        recorders.turned(times, &stats);
        assert_eq!(figures.stats(), stats);
        assert_eq!(
            (stats.connections, stats.subscribers, stats.backlog, stats.events),
            (1, 2, 16, 17)
        );
        let lens = [&figures.turn, &figures.broadcast].map(|recorded| recorded.snapshot().len());
        assert_eq!(lens, [1, 0]);
    }
}
