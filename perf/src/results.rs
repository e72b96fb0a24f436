//! What a bench came to, and the folder that it is written to: for each row the standard files of HdrHistogram, and for all of
//! them `env.json`, `summary.json` and `report.html`.

mod chart;

mod html;

mod quantiles;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hoga::histograms::{self, IntervalLog};
use hoga_gateway::codec::time::write_iso;
use hoga_protocol::Nanos;
use serde::Serialize;
use serde_json::json;

use crate::environment::Environment;
use crate::failure::{Context, Outcome};
use crate::recording::Recording;
use crate::threads::Used;
pub use quantiles::{Quantiles, table};

/// Where reports go unless told.
const FOLDER: &str = "target/perf";
/// Values of `.hgrm` files are told in microseconds.
const NANOS_PER_MICRO: f64 = 1_000.0;

/// Everything that a bench came to.
pub struct Results {
    /// `matcher`, `pipeline` or `wire`.
    pub bench: &'static str,
    /// Where it was measured.
    pub environment: Environment,
    /// How the measured thing was set up, each fact under its name: threads and cores, idle strategy, disk, configuration.
    pub setup: Vec<(&'static str, String)>,
    /// What was measured, in that order.
    pub rows: Vec<Measured>,
    /// Sentences for whoever reads the figures.
    pub notes: Vec<String>,
    /// Whether it ended by Ctrl-C: the figures are those of a part.
    pub stopped: bool,
}

/// One row.
pub struct Measured {
    /// Its name, which no other row has: letters, digits, and `-./`.
    pub name: String,
    /// Things per second that were due, in open loop.
    pub asked_per_s: Option<f64>,
    /// Things per second that were done, where that was measured.
    pub reached_per_s: Option<f64>,
    /// How long each took; none where only a rate was measured.
    pub latency: Option<Recording>,
    /// What else was measured in the same run, each under its name: `jitter`, `disk`, `echo`.
    pub beside: Vec<(&'static str, Recording)>,
    /// Other figures; one that ends in `_ns` or `stalls` is better when lower, in `_per_s` when higher.
    pub figures: BTreeMap<String, f64>,
    /// What is not a number: hashes and digests.
    pub facts: BTreeMap<String, String>,
    /// Processor time of the threads.
    pub threads: Vec<Used>,
}

impl Measured {
    /// A row with nothing beside its latencies.
    pub fn new(name: impl Into<String>, latency: Recording) -> Self {
        Self {
            latency: Some(latency),
            ..Self::counted(name)
        }
    }

    /// A row without latencies.
    pub fn counted(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            asked_per_s: None,
            reached_per_s: None,
            latency: None,
            beside: Vec::new(),
            figures: BTreeMap::new(),
            facts: BTreeMap::new(),
            threads: Vec::new(),
        }
    }

    /// Adds a figure.
    pub fn figure(&mut self, name: &str, value: f64) {
        self.figures.insert(name.to_owned(), value);
    }

    /// The quantiles of its latencies; of nothing where there are none.
    pub fn quantiles(&self) -> Quantiles {
        let nothing = Recording::new(Duration::ZERO);
        Quantiles::of(self.latency.as_ref().unwrap_or(&nothing))
    }

    /// All figures of the row by name: those of its latencies, of what stood beside them, and the others.
    fn all_figures(&self) -> BTreeMap<String, f64> {
        let mut all = self.figures.clone();
        let mut add = |prefix: &str, recording: &Recording| {
            for (name, value) in Quantiles::of(recording).named() {
                all.insert(format!("{prefix}{name}"), value);
            }
        };
        if let Some(latency) = &self.latency {
            add("", latency);
        }
        for (name, recording) in &self.beside {
            add(&format!("{name}_"), recording);
        }
        let rates = [
            ("asked_per_s", self.asked_per_s),
            ("reached_per_s", self.reached_per_s),
        ];
        all.extend(
            rates
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?))),
        );
        all
    }

    /// Its latencies and what was beside them, each with the name of its files.
    fn recordings(&self) -> impl Iterator<Item = (String, &Recording)> {
        let stem = self.name.replace('/', "_");
        let beside = self.beside.iter();
        let own = self.latency.iter().map({
            let stem = stem.clone();
            move |latency| (stem.clone(), latency)
        });
        own.chain(beside.map(move |(name, recording)| (format!("{stem}.{name}"), recording)))
    }
}

/// A figure; whole ones stand without a fraction.
struct Number(f64);

impl Serialize for Number {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.fract() == 0.0 && self.0.abs() < 9e15 {
            true => serializer.serialize_i64(self.0 as i64),
            false => serializer.serialize_f64(self.0),
        }
    }
}

/// `summary.json` of a row.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    figures: BTreeMap<String, Number>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    facts: &'a BTreeMap<String, String>,
    threads: &'a [Used],
}

impl Results {
    /// Writes all files into the folder `out`, or a new one under `target/perf`, and returns it.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, out: Option<&Path>) -> Outcome<PathBuf> {
        let folder = out.map_or_else(|| self.new_folder(), Path::to_path_buf);
        std::fs::create_dir_all(&folder)
            .context(|| format!("cannot make the folder {}: name one with --out", folder.display()))?;
        let write = |name: String, bytes: &[u8]| {
            let path = folder.join(name);
            std::fs::write(&path, bytes).context(|| format!("cannot write {}", path.display()))
        };
        for row in &self.rows {
            for (stem, recording) in row.recordings() {
                // Of an empty histogram the standard tools cannot draw anything.
                if recording.count() == 0 {
                    continue;
                }
                let scale = NANOS_PER_MICRO * f64::from(recording.per());
                let whole = recording.whole();
                write(format!("{stem}.hgrm"), histograms::hgrm(&whole, scale).as_bytes())?;
                write(format!("{stem}.hlog"), &self.log(&row.name, recording)?)?;
            }
        }
        let pretty = |value: &serde_json::Value| format!("{value:#}\n").into_bytes();
        write("env.json".to_owned(), &pretty(&self.environment_json()))?;
        write("summary.json".to_owned(), &pretty(&self.summary_json()))?;
        write("report.html".to_owned(), html::page(self).as_bytes())?;
        Ok(folder)
    }

    /// What is said last, to a person.
    pub fn farewell(&self, folder: &Path) -> String {
        let part = match self.stopped {
            true => "stopped before the end: the figures are those of a part\n",
            false => "",
        };
        format!("{part}the report is {}\n", folder.join("report.html").display())
    }

    /// What `summary.json` holds.
    pub fn summary_json(&self) -> serde_json::Value {
        let row = |row: &Measured| {
            json!(Row {
                name: &row.name,
                figures: row
                    .all_figures()
                    .into_iter()
                    .map(|(name, value)| (name, Number(value)))
                    .collect(),
                facts: &row.facts,
                threads: &row.threads,
            })
        };
        json!({
            "bench": self.bench,
            "stopped": self.stopped,
            "rows": self.rows.iter().map(row).collect::<Vec<_>>(),
            "notes": self.notes,
            "environment": self.environment_json(),
        })
    }

    fn environment_json(&self) -> serde_json::Value {
        let setup: BTreeMap<_, _> = self.setup.iter().cloned().collect();
        json!({ "machine": self.environment, "setup": setup })
    }

    /// The intervals in HdrHistogram's log format, version 1.3: nanoseconds, of a whole block where a value is a block's.
    fn log(&self, name: &str, recording: &Recording) -> Outcome<Vec<u8>> {
        let unit = match recording.per() {
            1 => "nanoseconds".to_owned(),
            per => format!("nanoseconds of {per} together"),
        };
        let what = format!("hoga-perf {}: {name}, {unit}", self.bench);
        let source = format!("commit and command: {}", self.environment.source());
        let context = || format!("the log of {name}");
        let (mut log, begin) = (Vec::new(), recording.begin());
        let mut lines = IntervalLog::begin(&mut log, begin, &[&what, &source]).context(context)?;
        for interval in recording.intervals() {
            lines
                .add(
                    self.bench,
                    begin + interval.from,
                    interval.length,
                    interval.histogram,
                )
                .context(context)?;
        }
        Ok(log)
    }

    /// A name that sorts by time.
    fn new_folder(&self) -> PathBuf {
        let mut time = Vec::new();
        let started = self.environment.started();
        write_iso(&mut time, Nanos(started.saturating_mul(1_000_000_000)));
        let time = String::from_utf8_lossy(&time)
            .replace([':', '-'], "")
            .replace('T', "-");
        let time = time.split('.').next().unwrap_or_default().to_owned();
        let name = format!("{}-{time}", self.bench);
        let taken = |number: &u32| Path::new(FOLDER).join(numbered(&name, *number)).exists();
        let number = (1..).find(|number| !taken(number)).unwrap_or(1);
        Path::new(FOLDER).join(numbered(&name, number))
    }
}

fn numbered(name: &str, number: u32) -> String {
    match number {
        1 => name.to_owned(),
        number => format!("{name}-{number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(stopped: bool) -> Results {
        let recording = |micros: u64, per: u32| {
            let mut recording = Recording::of_blocks(Duration::from_secs(3), per);
            for number in 0..1_000 {
                recording.add(
                    Duration::from_millis(number * 3),
                    Duration::from_micros(micros + number % 9),
                );
            }
            recording
        };
        let mut row = Measured::new("fsync/1000", recording(100, 1));
        row.asked_per_s = Some(1_000.0);
        row.reached_per_s = Some(500.25);
        row.beside.push(("jitter", recording(1, 1)));
        row.beside.push(("nothing", Recording::new(Duration::ZERO)));
        row.figure("output_full_stalls", 0.0);
        let mut counted = Measured::counted("memory");
        counted.reached_per_s = Some(9e6);
        counted
            .facts
            .insert("events_hash".to_owned(), "<0123>".to_owned());
        Results {
            bench: "pipeline",
            environment: Environment::read(),
            setup: vec![("idle", "park & <spin>".to_owned())],
            rows: vec![row, counted],
            notes: vec!["a note".to_owned()],
            stopped,
        }
    }

    fn written(results: &Results) -> impl Fn(&str) -> Vec<u8> + use<> {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("deep/report");
        assert_eq!(results.write(Some(&out)).expect("files"), out);
        move |name| {
            let _ = &folder;
            std::fs::read(out.join(name)).unwrap_or_default()
        }
    }

    #[test]
    fn a_program_finds_every_figure_by_its_name() {
        let read = written(&results(true));
        let summary: serde_json::Value = serde_json::from_slice(&read("summary.json")).expect("JSON");
        let figures = &summary["rows"][0]["figures"];
        assert_eq!(
            (&summary["bench"], &summary["stopped"]),
            (&json!("pipeline"), &json!(true))
        );
        for (name, want) in [
            ("count", 1_000.0),
            ("asked_per_s", 1_000.0),
            ("reached_per_s", 500.25),
        ] {
            assert_eq!(figures[name].as_f64(), Some(want), "{name}");
        }
        for name in ["p50_ns", "p90_ns", "p99_ns", "p999_ns", "p9999_ns", "max_ns"] {
            let value = figures[name].as_f64().expect(name);
            assert!((99_000.0..110_000.0).contains(&value), "{name} {value}");
            assert!(
                figures[format!("jitter_{name}")]
                    .as_f64()
                    .is_some_and(|jitter| jitter < 12_000.0)
            );
        }
        assert_eq!(figures["output_full_stalls"], json!(0));
        assert_eq!(summary["rows"][1]["facts"]["events_hash"], json!("<0123>"));
        let environment: serde_json::Value = serde_json::from_slice(&read("env.json")).expect("JSON");
        assert!(environment["machine"]["cpu"].is_string() && environment["setup"]["idle"].is_string());
    }

    #[test]
    fn the_page_is_whole_without_anything_from_elsewhere() {
        let page = String::from_utf8(written(&results(true))("report.html")).expect("text");
        for needed in [
            "Stopped before",
            "park &amp; &lt;spin&gt;",
            "fsync/1000",
            "jitter",
            "500",
            "a note",
            "</html>",
        ] {
            assert!(page.contains(needed), "{needed}");
        }
        for foreign in ["<script", "src=", "href=", "url(", "@import", "<0123>", "NaN"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
        let whole = String::from_utf8(written(&results(false))("report.html")).expect("text");
        assert!(!whole.contains("Stopped before"));
    }

    #[test]
    fn hdrhistogram_reads_back_what_was_recorded_and_when() {
        use base64::Engine as _;
        use hdrhistogram::serialization::Deserializer;
        use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
        let read = written(&results(false));
        let log = read("fsync_1000.hlog");
        let (mut count, mut intervals) = (0, Vec::new());
        for entry in IntervalLogIterator::new(&log) {
            if let LogEntry::Interval(interval) = entry.expect("an entry") {
                let bytes = base64::engine::general_purpose::STANDARD
                    .decode(interval.encoded_histogram())
                    .expect("base64");
                let histogram: hdrhistogram::Histogram<u64> = Deserializer::new()
                    .deserialize(&mut bytes.as_slice())
                    .expect("a histogram");
                count += histogram.len();
                intervals.push(interval.start_timestamp());
            }
        }
        assert_eq!((count, intervals.len()), (1_000, 30));
        assert!(intervals.is_sorted());
        let percentiles = String::from_utf8(read("fsync_1000.hgrm")).expect("text");
        assert!(
            percentiles.contains("Percentile") && percentiles.contains("#[Max"),
            "{percentiles}"
        );
        assert!(read("fsync_1000.nothing.hgrm").is_empty() && !read("fsync_1000.jitter.hlog").is_empty());
    }
}
