//! The process and its threads.

use std::fmt;
use std::sync::atomic::Ordering::Relaxed;
use std::time::UNIX_EPOCH;

use hoga_engine::ENGINE_VERSION;

use super::sheet::Sheet;
use crate::metrics::Metrics;
use crate::metrics::threads::{Used, resident_bytes, used};

/// What is known of the process, from its beginning on.
pub(super) fn process(metrics: &Metrics, sheet: &mut Sheet<'_>) -> fmt::Result {
    let known = ENGINE_VERSION.to_string();
    let version = [("version", env!("CARGO_PKG_VERSION")), ("engine_version", &known)];
    sheet.info(
        "build",
        "The program, and the newest rules of matching it knows.",
        &version,
    )?;
    let facts: Vec<(&str, &str)> = metrics
        .facts
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    sheet.info(
        "config",
        "What is configured and changes how the figures read.",
        &facts,
    )?;
    let started = metrics
        .started
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64();
    sheet.seconds(
        "start_time",
        "When the process began to serve, since 1970.",
        started,
    )?;
    if let Some(bytes) = resident_bytes() {
        sheet.gauge(
            "resident_memory_bytes",
            "Memory of the process that is present.",
            bytes,
        )?;
    }
    sheet.gauge(
        "ready",
        "1 once recovery is over, else 0.",
        u64::from(metrics.core().is_some()),
    )?;
    let help = "Lines of the log that were lost because nobody read it fast enough.";
    sheet.counter("log_lines_dropped", help, crate::log::lines_dropped())?;
    let recovered = metrics.reached.load(Relaxed);
    let help = "The last command that recovery has applied; it is told every 65,536 commands.";
    sheet.gauge("recovered_sequence", help, recovered)?;
    if let Some(core) = metrics.core() {
        let help = "How long the start took until everything was recovered.";
        sheet.seconds("recovery_duration", help, core.start.recovery.as_secs_f64())?;
        let help = "The version of the rules of matching that the start found in force.";
        sheet.gauge("rules_version", help, u64::from(core.start.rules))?;
    }
    Ok(())
}

/// What its threads have used.
pub(super) fn threads(sheet: &mut Sheet<'_>) -> fmt::Result {
    let all = used();
    let seconds = |nanos: u64| nanos as f64 / 1e9;
    let each = |of: fn(&Used) -> u64| {
        let value = move |(name, used)| (name, of(used));
        all.iter().map(value)
    };
    let help = "Processor time of the threads of this name.";
    let cpu = each(|used| used.ran).map(|(name, nanos)| (name.as_str(), seconds(nanos)));
    sheet.seconds_by("thread_cpu", help, "thread", cpu)?;
    let help = "Time in which the threads of this name could have run and others had their cores.";
    let delay = each(|used| used.waited).map(|(name, nanos)| (name.as_str(), seconds(nanos)));
    sheet.seconds_by("thread_run_delay", help, "thread", delay)?;
    let help = "How often the system took a core away from a thread of this name.";
    let taken = each(|used| used.preempted).map(|(name, count)| (name.as_str(), count));
    sheet.counter_by("thread_involuntary_switches", help, "thread", taken)
}
