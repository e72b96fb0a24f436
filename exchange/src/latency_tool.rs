//! `hoga latency`: what a running exchange has measured of itself, as a table and as files for HdrHistogram's tools.

mod fetch;

mod table;

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use signal_hook::consts::{SIGINT, SIGTERM};

use self::fetch::{Reading, Span};
use crate::histograms::{IntervalLog, hgrm};
use crate::notices::warn;
use crate::output;
use crate::output::print;

/// How soon an interruption is seen.
const LOOK_UP: Duration = Duration::from_millis(50);

/// What to ask, and for how long.
#[derive(Clone, Debug)]
pub struct Options {
    /// The exchange, as `host:port`.
    pub address: String,
    /// How long to look; without it and `every`, all since the exchange began to serve is shown.
    pub lasting: Option<Duration>,
    /// How long one interval is; without it there is one.
    pub every: Option<Duration>,
    /// The folder for `.hlog` and `.hgrm` files.
    pub out: Option<PathBuf>,
    /// JSON lines in place of tables.
    pub json: bool,
}

/// Shows, and writes where asked to. An interruption ends the look early and loses nothing of it.
///
/// # Errors
/// In words: the exchange cannot be asked, or was restarted meanwhile; the folder cannot be written; standard output
/// cannot be. What was read before is shown and written all the same.
pub fn run(options: &Options) -> Result<(), String> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // The second one ends it at once: its own check comes before the first one's flag.
        signal_hook::flag::register_conditional_default(signal, Arc::clone(&stop))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop)))
            .map_err(|error| format!("cannot watch for signals: {error}"))?;
    }
    let first = fetch::reading(&options.address)?;
    let look = options.lasting.is_some() || options.every.is_some();
    let begin = if look { first.at } else { first.started };
    let mut log = Log::begin(options, begin)?;
    let (whole, ended) = if look {
        intervals(options, first, &stop, &mut log)?
    } else {
        let whole = first.since_start();
        log.add(&whole)?;
        (whole, Ok(()))
    };
    log.finish(&whole)?;
    print(&table::show(&whole, true, options.json))?;
    ended
}

/// Reads again and again until the time is up, and gives the difference between the first and the last reading, and
/// whether it ended as it should.
fn intervals(
    options: &Options,
    first: Reading,
    stop: &AtomicBool,
    log: &mut Log,
) -> Result<(Span, Result<(), String>), String> {
    let begin = Instant::now();
    let end = options.lasting.map(|lasting| begin + lasting);
    let bar = match options.lasting {
        Some(lasting) => output::seconds("looking", lasting),
        None => output::counter("looking; Ctrl-C ends it,", "intervals"),
    };
    let mut last = first.clone();
    let mut next = begin;
    let mut ended = Ok(());
    while !stop.load(Ordering::SeqCst) && end.is_none_or(|end| next < end) {
        next += options.every.or(options.lasting).unwrap_or(LOOK_UP);
        let until = end.map_or(next, |end| next.min(end));
        wait(until, stop, begin, &bar, options.lasting.is_some());
        let span = fetch::reading(&options.address).and_then(|reading| Ok((reading.since(&last)?, reading)));
        let (span, reading) = match span {
            Ok(found) => found,
            Err(why) => {
                ended = Err(why);
                break;
            }
        };
        log.add(&span)?;
        if options.every.is_some() {
            bar.suspend(|| print(&table::show(&span, false, options.json)))?;
        }
        if options.lasting.is_none() {
            bar.inc(1);
        }
        last = reading;
    }
    bar.finish_and_clear();
    Ok((last.since(&first)?, ended))
}

fn wait(until: Instant, stop: &AtomicBool, begin: Instant, bar: &ProgressBar, timed: bool) {
    while !stop.load(Ordering::SeqCst) {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        thread::sleep(left.min(LOOK_UP));
        if timed {
            bar.set_position(begin.elapsed().as_millis() as u64);
        }
    }
}

/// The files, where any are wanted.
struct Log(Option<Files>);

struct Files {
    dir: PathBuf,
    log: IntervalLog<BufWriter<File>>,
}

impl Log {
    fn begin(options: &Options, began: std::time::SystemTime) -> Result<Log, String> {
        let Some(dir) = &options.out else {
            return Ok(Log(None));
        };
        fs::create_dir_all(dir).map_err(|error| format!("cannot make {}: {error}", dir.display()))?;
        let path = dir.join("hoga.hlog");
        let comments = [
            &*format!(
                "hoga {}: what the exchange at {} measured of itself",
                env!("CARGO_PKG_VERSION"),
                options.address
            ),
            "names that end in _batch and _ring are counts, all others nanoseconds",
        ];
        let log = File::create(&path)
            .and_then(|file| IntervalLog::begin(BufWriter::new(file), began, &comments))
            .map_err(|error| unwritable(&path, &error))?;
        let dir = dir.clone();
        Ok(Log(Some(Files { dir, log })))
    }

    /// One interval; it is on its way to the disk when this returns.
    fn add(&mut self, span: &Span) -> Result<(), String> {
        let Some(Files { dir, log }) = &mut self.0 else {
            return Ok(());
        };
        let wrong = |error| unwritable(&dir.join("hoga.hlog"), &error);
        for part in &span.parts {
            log.add(&part.name, span.from, span.length(), &part.histogram)
                .map_err(wrong)?;
        }
        log.flush().map_err(wrong)
    }

    /// The distribution of the whole, a file for each recorder.
    fn finish(self, whole: &Span) -> Result<(), String> {
        let Some(Files { dir, .. }) = self.0 else {
            return Ok(());
        };
        for part in &whole.parts {
            let path = dir.join(format!("{}.hgrm", part.name));
            fs::write(&path, hgrm(&part.histogram, part.per_shown()))
                .map_err(|error| unwritable(&path, &error))?;
        }
        warn(&format!(
            "wrote hoga.hlog and {} .hgrm files (microseconds, or counts) to {}",
            whole.parts.len(),
            dir.display()
        ));
        Ok(())
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> String {
    format!("cannot write {}: {error}", path.display())
}
