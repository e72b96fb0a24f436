//! `/metrics`: every figure in the text formats of OpenMetrics and of Prometheus.

mod process;

mod sheet;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use hoga_gateway::auth::Keys as _;
use hoga_gateway::{GatewayStats, Metric};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, prometheus_text, text};
use prometheus_client::registry::Registry;

use self::sheet::Sheet;
use super::{AuthFigures, CoreFigures, FollowerFigures, Metrics};
use crate::clock::{ExchangeTime, is_followed};

/// The content type of [`openmetrics`].
pub const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The content type of [`prometheus`].
pub const PROMETHEUS: &str = prometheus_text::CONTENT_TYPE;

/// Bounds of the histograms of latencies, in nanoseconds: 1 µs to 10 s.
const LATENCIES: [u64; 22] = {
    let mut bounds = [
        1_000, 2_000, 5_000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];
    let mut at = 3;
    while at < bounds.len() {
        bounds[at] = bounds[at - 3] * 10;
        at += 1;
    }
    bounds
};

/// Bounds of the histogram of single commands, in nanoseconds: 50 ns to 1 ms.
const COMMANDS: [u64; 14] = [
    50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000,
];

/// Bounds of the histograms of counts: the powers of two up to what the default output ring holds.
const COUNTS: [u64; 17] = {
    let mut bounds = [1; 17];
    let mut at = 1;
    while at < bounds.len() {
        bounds[at] = bounds[at - 1] * 2;
        at += 1;
    }
    bounds
};

/// The page in OpenMetrics' text format.
pub fn openmetrics(metrics: &Arc<Metrics>) -> String {
    let mut page = String::new();
    // Writing to a String cannot fail.
    let _ = text::encode(&mut page, &registry(metrics));
    page
}

/// The page in Prometheus' text format.
pub fn prometheus(metrics: &Arc<Metrics>) -> String {
    let mut page = String::new();
    let _ = prometheus_text::encode(&mut page, &registry(metrics));
    page
}

fn registry(metrics: &Arc<Metrics>) -> Registry {
    let mut registry = Registry::with_prefix("hoga");
    registry.register_collector(Box::new(Everything(Arc::clone(metrics))));
    registry
}

#[derive(Debug)]
struct Everything(Arc<Metrics>);

impl Collector for Everything {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let metrics = &*self.0;
        let mut sheet = Sheet(encoder);
        process::process(metrics, &mut sheet)?;
        process::threads(&mut sheet)?;
        clock(&metrics.time, &mut sheet)?;
        gateway(metrics, &mut sheet)?;
        if let Some(figures) = &metrics.auth {
            auth(figures, &metrics.time, &mut sheet)?;
        }
        let Some(core) = metrics.core() else {
            return Ok(());
        };
        commands(core, &mut sheet)?;
        rings(core, &mut sheet)?;
        matching(core, &mut sheet)?;
        journal(core, &mut sheet)?;
        core.start
            .follower
            .as_ref()
            .map_or(Ok(()), |figures| follower(core, figures, &mut sheet))
    }
}

fn clock(time: &ExchangeTime, sheet: &mut Sheet<'_>) -> fmt::Result {
    let difference = time.difference();
    let help = "How far the system's clock is ahead of exchange time; negative where it is behind.";
    sheet.seconds("clock_difference", help, difference as f64 / 1e9)?;
    let help =
        "1 while the difference is above 10 s, so that exchange time does not follow the system's clock.";
    sheet.gauge("clock_not_followed", help, u64::from(!is_followed(difference)))
}

fn gateway(metrics: &Metrics, sheet: &mut Sheet<'_>) -> fmt::Result {
    let counts = metrics.gateway.stats().to_array();
    for (Metric { name, help, is_gauge }, count) in GatewayStats::METRICS.iter().zip(counts) {
        match is_gauge {
            true => sheet.gauge(name, help, count)?,
            false => sheet.counter(name, help, count)?,
        }
    }
    let help = "A turn of the gateway that did something, without its sleep.";
    sheet.times("gateway_turn", help, &metrics.gateway.turn, &LATENCIES)?;
    let help = "What a turn spent on encoding executions and on serving streams, where it did.";
    sheet.times("gateway_broadcast", help, &metrics.gateway.broadcast, &LATENCIES)
}

fn auth(figures: &AuthFigures, time: &ExchangeTime, sheet: &mut Sheet<'_>) -> fmt::Result {
    let (keyring, verifier) = (&figures.keyring, &figures.verifier);
    let table = keyring.table();
    let help = "API keys that are registered, revoked and expired ones too.";
    sheet.gauge("auth_keys", help, table.len() as u64)?;
    let live = table.live(time.now()) as u64;
    sheet.gauge("auth_keys_live", "API keys neither revoked nor expired.", live)?;
    let help =
        "How often the key file had changed and could not be read; the keys before it went on to count.";
    sheet.counter("auth_key_reload_failures", help, keyring.failures())?;
    let verified = [
        ("good", verifier.good.load(Relaxed)),
        ("bad", verifier.bad.load(Relaxed)),
    ];
    let help = "Signatures that were verified.";
    sheet.counter_by("auth_verified", help, "verdict", verified.into_iter())
}

fn commands(core: &CoreFigures, sheet: &mut Sheet<'_>) -> fmt::Result {
    let counters = &core.counters;
    // Read in this order, so that no command seems matched before it was submitted.
    let matched = counters.matched.load(std::sync::atomic::Ordering::Acquire);
    let submitted = counters.submitted.load(Relaxed);
    let help = "Commands sequenced since the start, the exchange's own checkpoints included.";
    sheet.counter("commands_submitted", help, submitted)?;
    sheet.counter("commands", "Commands that the matcher is through with.", matched)?;
    sheet.gauge(
        "sequence",
        "The last command that the matcher is through with.",
        core.start.base + matched,
    )?;
    let refused = [
        ("busy", counters.refused_busy.load(Relaxed)),
        ("no_space", counters.refused_no_space.load(Relaxed)),
    ];
    let help = "Commands refused: busy when the input ring was nearly full or the journal's next segment late, no_space \
                when the journal had no room.";
    sheet.counter_by("commands_refused", help, "reason", refused.into_iter())?;
    let help = "Events that the matcher put into the output ring.";
    sheet.counter("events", help, counters.emitted.load(Relaxed))?;
    let waiting = submitted.saturating_sub(matched);
    sheet.gauge("input_ring_commands", "Commands in the input ring now.", waiting)
}

fn rings(core: &CoreFigures, sheet: &mut Sheet<'_>) -> fmt::Result {
    let counters = &core.counters;
    let [input, output] = core.start.rings.map(|slots| slots as u64);
    sheet.gauge("input_ring_slots", "What the input ring holds.", input)?;
    let help = "The fullest the input ring has been when a command came.";
    sheet.gauge(
        "input_ring_commands_max",
        help,
        counters.input_high_water.load(Relaxed),
    )?;
    sheet.gauge("output_ring_slots", "What the output ring holds.", output)?;
    let help = "The fullest the output ring has been when the gateway came for events.";
    sheet.gauge(
        "output_ring_events_max",
        help,
        counters.output_high_water.load(Relaxed),
    )?;
    let help = "How often the matcher found the output ring full in the middle of a command. Anything but 0 is a fault.";
    sheet.counter(
        "output_full_stalls",
        help,
        counters.output_full_stalls.load(Relaxed),
    )?;
    let help = "How long the matcher waited, before it took a command, until the output ring had room for all events that \
                the command may have; a command that did not wait is not counted.";
    sheet.times(
        "output_room_wait",
        help,
        &core.recordings.output_room_wait,
        &LATENCIES,
    )?;
    let help = "Events in the output ring, each time the gateway came and found some.";
    sheet.counts("output_ring_events", help, &core.recordings.output_ring, &COUNTS)?;
    let help = "From a command's submission until the gateway has taken its last event. Lone commands are all timed, of \
                a crowd one in sixteen, which counts for sixteen.";
    sheet.times("ring_to_ring", help, &core.recordings.ring_to_ring, &LATENCIES)
}

fn matching(core: &CoreFigures, sheet: &mut Sheet<'_>) -> fmt::Result {
    let recordings = &core.recordings;
    let help = "Commands that the matcher took in one duty cycle.";
    sheet.counts("matcher_batch_commands", help, &recordings.matcher_batch, &COUNTS)?;
    let help =
        "Matching one command and handing its events over: the mean of its batch of at most 64 commands.";
    sheet.times("matcher_command", help, &recordings.matcher_command, &COMMANDS)
}

fn journal(core: &CoreFigures, sheet: &mut Sheet<'_>) -> fmt::Result {
    let recordings = &core.recordings;
    let help = "Commands made safe by one commit.";
    sheet.counts("journal_batch_commands", help, &recordings.journal_batch, &COUNTS)?;
    let help = "One commit: encoding, the write, and the sync where the durability asks for one.";
    sheet.times("journal_commit", help, &recordings.journal_commit, &LATENCIES)?;
    let help = "The last command that is as safe as the durability promises.";
    sheet.gauge("journal_sequence", help, core.start.durable.sequence())?;
    let Some(space) = &core.start.space else {
        return Ok(());
    };
    let help = "Bytes of frames written to the journal.";
    sheet.counter("journal_written_bytes", help, space.written_bytes())?;
    sheet.gauge(
        "journal_segment",
        "The number of the segment being written.",
        space.segment(),
    )?;
    let help = "Bytes that surely fit into the present segment and the one made ahead.";
    sheet.gauge("journal_space_bytes", help, space.remaining_bytes())?;
    let help = "1 while the next segment cannot be made, which the log explains; else 0.";
    sheet.gauge("journal_out_of_room", help, u64::from(space.failure().is_some()))
}

fn follower(core: &CoreFigures, figures: &FollowerFigures, sheet: &mut Sheet<'_>) -> fmt::Result {
    let lag = &figures.lag;
    let applied = lag.applied.load(Relaxed);
    let running = u64::from(figures.running.load(Relaxed));
    sheet.gauge(
        "follower_running",
        "1 while the follower goes on, else 0.",
        running,
    )?;
    let help = "Durable commands that the follower has not applied yet.";
    sheet.gauge(
        "follower_lag_commands",
        help,
        core.start.durable.sequence().saturating_sub(applied),
    )?;
    for (name, help, value) in [
        (
            "follower_checkpoints",
            "Checkpoints compared, all alike.",
            &lag.checkpoints,
        ),
        ("follower_snapshots", "Snapshots made.", &lag.snapshots),
        (
            "follower_compressed_segments",
            "Journal segments compressed.",
            &lag.compressed,
        ),
    ] {
        sheet.counter(name, help, value.load(Relaxed))?;
    }
    let sequence = lag.snapshot.load(Relaxed);
    sheet.gauge(
        "snapshot_sequence",
        "The last command in the newest snapshot; 0 for none.",
        sequence,
    )?;
    let taken_at = lag.snapshot_at.load(Relaxed);
    if taken_at > 0 {
        let help = "When the newest snapshot was taken, since 1970.";
        sheet.seconds("snapshot_timestamp", help, taken_at as f64 / 1e9)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ExchangeClock;
    use crate::config::Config;
    use crate::cores::CorePlan;

    #[test]
    fn an_exchange_that_is_not_recovered_yet_tells_what_it_knows() {
        let plan = CorePlan::Shared {
            core: None,
            gateway: Some(1),
        };
        let (metrics, _recorders) =
            Metrics::new(&Config::default(), &plan, None, ExchangeClock::new().time());
        metrics.reached.store(65_536, Relaxed);
        let page = prometheus(&metrics);
        for line in [
            "hoga_ready 0",
            "hoga_recovered_sequence 65536",
            "hoga_gateway_connections 0",
            "hoga_gateway_turn_seconds_bucket{le=\"+Inf\"} 0",
        ] {
            assert!(page.lines().any(|got| got == line), "{line} is not in\n{page}");
        }
        assert!(
            page.contains("durability=\"fsync\",layout=\"shared\",cores=\"any,1\""),
            "{page}"
        );
        assert!(!page.contains("hoga_commands"), "{page}");
        assert!(openmetrics(&metrics).ends_with("# EOF\n"));
    }

    #[test]
    fn bounds_rise() {
        for bounds in [&LATENCIES[..], &COMMANDS, &COUNTS] {
            assert!(bounds.is_sorted_by(|one, next| one < next), "{bounds:?}");
        }
        assert_eq!((LATENCIES[0], LATENCIES[21]), (1_000, 10_000_000_000));
        assert_eq!(COUNTS[16], 65_536);
    }
}
