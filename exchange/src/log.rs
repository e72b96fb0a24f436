//! The log of a running exchange: events with named fields, one a line, on standard error.
//!
//! Whoever tells of an event formats its line and leaves it in a queue ([`lines`]); a thread of the log's own writes. So
//! nobody who trades waits for a reader, and lines beyond the queue are counted instead. The journaler and the matcher tell
//! of nothing: what they count is read by [`watch`](crate::watchdog) and `/metrics`. What the gateway notices comes through
//! [`incidents`], which bounds what clients can cause.
//!
//! A message is one of the program's own sentences. What comes from elsewhere stands in a field that is a `&str` or a
//! number, never `%` of something: those are written as literals, in which no line break survives.

pub mod incidents;

pub mod lines;

use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::sync::OnceLock;
use std::time::Duration;

use tracing::error;
use tracing::level_filters::LevelFilter;

use self::lines::Lines;
use crate::config::{LogFormat, LogLevel, LogSection};
use crate::cores::{self, CorePlan};

/// How long an end waits for lines that are not written yet; nobody may be reading.
const FLUSH_FOR: Duration = Duration::from_secs(1);

static LINES: OnceLock<&'static Lines> = OnceLock::new();

/// Begins the log of this process, which has one; its thread keeps off the agents' cores of `plan`. A panic is told there
/// too, and ends the process.
///
/// # Errors
/// In words: the system gives no thread or descriptor, or the log has begun already.
pub fn start(section: &LogSection, plan: CorePlan) -> Result<(), String> {
    let failed = |error: io::Error| format!("cannot start the log: {error}");
    // A descriptor of its own: whoever writes to `io::stderr` holds a lock, for ever where nobody reads.
    let stderr = io::stderr().as_fd().try_clone_to_owned().map_err(failed)?;
    let lines: &'static Lines = Box::leak(Box::new(
        lines::start(File::from(stderr), move || cores::keep_off(&plan)).map_err(failed)?,
    ));
    let level = match section.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
    };
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false)
        .with_ansi(false)
        .with_writer(move || lines);
    let begun = match section.format {
        LogFormat::Text => tracing::subscriber::set_global_default(subscriber.finish()),
        LogFormat::Json => {
            let json = subscriber.json().flatten_event(true);
            let bare = json.with_current_span(false).with_span_list(false);
            tracing::subscriber::set_global_default(bare.finish())
        }
    };
    begun.map_err(|error| format!("cannot start the log: {error}"))?;
    let _ = LINES.set(lines);
    std::panic::set_hook(Box::new(|panic| crate::notices::die(&panic.to_string())));
    Ok(())
}

/// Whether this process has a log.
pub fn is_on() -> bool {
    LINES.get().is_some()
}

/// How many lines found the queue full, and are lost.
pub fn lines_dropped() -> u64 {
    LINES.get().map_or(0, |lines| lines.dropped())
}

/// Waits until everything told so far is written, a second at most.
pub fn flush() {
    if let Some(lines) = LINES.get() {
        lines.flush(FLUSH_FOR);
    }
}

/// Tells why the process ends, and waits for that to be written.
pub fn tell_end(why: &str) {
    error!(event = "fatal", reason = why, "the exchange stops at once");
    flush();
}
