//! `hoga replay`: a journal through the engine again, for its digests.

use std::io::IsTerminal;
use std::path::Path;
use std::time::{Duration, Instant};

use hoga_engine::{Engine, EventsDigest};
use hoga_journal::Reader;
use hoga_protocol::Sequence;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::print;
use crate::journal_tools::locate;
use crate::recovery::decode;

/// What a replay came to.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Outcome {
    /// Commands applied.
    pub records: u64,
    /// The last one's sequence.
    pub last_sequence: u64,
    /// Events emitted.
    pub events: u64,
    /// Orders that rest.
    pub open_orders: usize,
    /// Digest of the engine's state, 32 hexadecimal digits.
    pub state_digest: String,
    /// Digest of every event in order, 32 hexadecimal digits.
    pub events_digest: String,
    /// How fast it went; the only figure here that differs between two runs.
    pub records_per_second: u64,
}

/// Replays the journal in `data_dir`, up to and including `until` if given, and prints the outcome.
///
/// # Errors
/// In words: there is no journal, it is damaged, or it is newer than this program.
pub fn run(data_dir: &Path, until: Option<u64>, json: bool) -> Result<(), String> {
    let outcome = replay(&locate(data_dir)?, until)?;
    if let Some(until) = until.filter(|until| *until > outcome.last_sequence) {
        eprintln!(
            "hoga: the journal ends at sequence {}, before {until}: all of it was replayed",
            outcome.last_sequence
        );
    }
    if json {
        return print(&serde_json::to_string(&outcome).map_err(|error| error.to_string())?);
    }
    print(&format!(
        "records            {}\nlast_sequence      {}\nevents             {}\nopen_orders        {}\n\
         state_digest       {}\nevents_digest      {}\nrecords_per_second {}",
        outcome.records,
        outcome.last_sequence,
        outcome.events,
        outcome.open_orders,
        outcome.state_digest,
        outcome.events_digest,
        outcome.records_per_second
    ))
}

/// Replays the journal in `dir` up to and including `until`.
///
/// # Errors
/// As [`run`].
pub fn replay(dir: &Path, until: Option<u64>) -> Result<Outcome, String> {
    let start = Instant::now();
    let bar = bytes_bar("replaying");
    let shown = bar.clone();
    let mut reader = Reader::open(dir)
        .map_err(|error| error.to_string())?
        .with_progress(move |done, total| {
            shown.set_length(total);
            shown.set_position(done);
        });
    let mut engine = Engine::new();
    let mut digest = EventsDigest::new();
    let (mut records, mut events) = (0, 0);
    while let Some(record) = reader.next_record().map_err(|error| error.to_string())? {
        if until.is_some_and(|until| record.sequence > until) {
            break;
        }
        let (timestamp, command) = decode(record.sequence, record.bytes)?;
        engine.apply(Sequence(record.sequence), timestamp, &command, &mut |event| {
            events += 1;
            digest.push(event);
        });
        records += 1;
    }
    bar.finish_and_clear();
    Ok(Outcome {
        records,
        last_sequence: engine.last_sequence().0,
        events,
        open_orders: engine.open_orders(),
        state_digest: hex(&engine.state_digest()),
        events_digest: hex(&digest.finish()),
        records_per_second: (records as f64 / start.elapsed().as_secs_f64().max(1e-9)) as u64,
    })
}

/// A bar over bytes; it shows on a terminal only.
pub fn bytes_bar(what: &'static str) -> ProgressBar {
    styled(
        ProgressBar::no_length(),
        what,
        "{msg} [{bar:40}] {bytes}/{total_bytes} {eta}",
    )
}

/// A count without a known end; it shows on a terminal only.
pub fn counter(what: &'static str, of: &'static str) -> ProgressBar {
    styled(
        ProgressBar::new_spinner(),
        what,
        &format!("{{msg}} {{spinner}} {{human_pos}} {of}"),
    )
}

fn styled(bar: ProgressBar, what: &'static str, template: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(what);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
