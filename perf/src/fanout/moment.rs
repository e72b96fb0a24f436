//! What exchange and readers stood at, and what a row cost from one moment to the next.

use super::bench::Subject;
use crate::crowd::Crowd;
use crate::results::Measured;
use crate::scrape::{Metrics, SLOW, STALLS, STREAM_BYTES, STREAM_WRITES};
use crate::threads::{READERS, Threads, write_calls};

const COMMANDS: &str = "hoga_commands_total";
const GATEWAY: &str = "hoga-gateway";
/// No exchange puts more messages into a write than this.
const MOST_A_WRITE: f64 = 1_024.0;
/// The matcher's thread, and the one that it shares with the journaler.
const MATCHERS: [&str; 2] = ["hoga-matcher", "hoga-core"];

/// A moment.
pub struct Moment {
    metrics: Metrics,
    exchange: Option<Threads>,
    own: Threads,
    /// Write calls of the gateway.
    calls: Option<u64>,
    at: std::time::Instant,
    messages: u64,
    bytes: u64,
}

impl Moment {
    /// Now.
    pub fn now(subject: Subject<'_>, crowd: Option<&Crowd>) -> Self {
        Self {
            metrics: Metrics::read(subject.address),
            exchange: subject.pid.map(Threads::of_process),
            own: Threads::read(),
            calls: subject.pid.and_then(|pid| write_calls(pid, GATEWAY)),
            at: std::time::Instant::now(),
            messages: crowd.map_or(0, Crowd::messages),
            bytes: crowd.map_or(0, Crowd::bytes),
        }
    }

    /// Messages that came since `before`.
    pub fn deliveries(&self, before: &Self) -> u64 {
        self.messages - before.messages
    }

    /// Bytes of a delivery since `before`; 0 when there was none.
    pub fn bytes_each(&self, before: &Self) -> f64 {
        (self.bytes - before.bytes) as f64 / self.deliveries(before).max(1) as f64
    }

    /// Where the number of writes comes from, if not from the exchange's own count; none if it does.
    pub fn source_of_writes(&self) -> Option<&'static str> {
        match (self.metrics.get(STREAM_WRITES), self.calls) {
            (Some(_), _) => None,
            (None, Some(_)) => Some(
                "the exchange does not tell hoga_gateway_stream_writes_total: messages_per_write is of all write calls of its \
                 gateway's thread, and missing where it sends by other calls",
            ),
            (None, None) => Some(
                "the exchange does not tell hoga_gateway_stream_writes_total, nor the system its gateway's write calls: each floor \
                 is at the burst's own number",
            ),
        }
    }

    fn writes(&self, before: &Self) -> Option<f64> {
        let told = self.metrics.since(&before.metrics, STREAM_WRITES);
        // Where it sends by other calls, far too few were counted.
        let calls = || Some((self.calls? - before.calls?) as f64);
        let least = self.deliveries(before) as f64 / MOST_A_WRITE;
        told.or_else(|| calls().filter(|&calls| calls >= least))
    }

    /// Puts what happened since `before` into `row`.
    pub fn tell(&self, before: &Self, row: &mut Measured) {
        let since = |name| self.metrics.since(&before.metrics, name);
        let deliveries = self.deliveries(before);
        if deliveries > 0 {
            row.figure("deliveries", deliveries as f64);
            row.figure("bytes_per_delivery", self.bytes_each(before));
            if let Some(nanos) = self.exchange_ran(before, &[GATEWAY]) {
                row.figure("gateway_cpu_ns_per_delivery", nanos / deliveries as f64);
            }
        }
        if let Some(writes) = self
            .writes(before)
            .filter(|&writes| deliveries > 0 && writes > 0.0)
        {
            row.figure("stream_writes", writes);
            row.figure("messages_per_write", deliveries as f64 / writes);
            if let Some(bytes) = since(STREAM_BYTES) {
                row.figure("bytes_per_write", bytes / writes);
            }
        }
        for (figure, name) in [("output_full_stalls", STALLS), ("slow_consumer_closes", SLOW)] {
            if let Some(count) = since(name) {
                row.figure(figure, count);
            }
        }
        if let (Some(then), Some(now)) = (before.own.ran(READERS), self.own.ran(READERS)) {
            let took = (self.at - before.at).as_nanos().max(1) as f64;
            row.figure("reader_busy_percent", (now - then) as f64 * 100.0 / took);
        }
    }

    /// What a command cost the thread of the matcher since `before`, by the thread's name; `sent` is how many there were, if
    /// the exchange does not tell.
    pub fn matcher(&self, before: &Self, sent: u64) -> Option<(&'static str, f64)> {
        let commands = self.metrics.since(&before.metrics, COMMANDS);
        let commands = commands.unwrap_or(sent as f64).max(1.0);
        MATCHERS
            .into_iter()
            .find_map(|thread| Some((thread, self.exchange_ran(before, &[thread])? / commands)))
    }

    fn exchange_ran(&self, before: &Self, names: &[&str]) -> Option<f64> {
        let (now, then) = (self.exchange.as_ref()?, before.exchange.as_ref()?);
        let ran = names
            .iter()
            .map(|name| Some((now.ran(name)? - then.ran(name)?) as f64));
        ran.sum()
    }
}
