//! Commands at fixed times, whatever became of those before: each is timed from when it was due until its last event
//! was drained, so that a stall counts for every command that it kept waiting.

use std::time::{Duration, Instant};

use hoga_benches::Flow;
use indicatif::ProgressBar;

use super::heard::Heard;
use super::rig::Rig;
use super::{Bench, flow, knee};
use crate::cli::{Durability, MOST_COMMANDS};
use crate::failure::Outcome;
use crate::jitter::Meter;
use crate::progress::bar;
use crate::raw_disk::RawDisk;
use crate::recording::Recording;
use crate::results::{Measured, Quantiles, table};
use crate::schedule::Schedule;
use crate::threads::{self, Threads};

/// The most commands put in before the output ring is looked at.
const COMMANDS_PER_TURN: usize = 64;
/// Commands between two moves of the progress bar.
const STEP: u64 = 1 << 12;
/// A rate counts as reached from here on.
const REACHED: f64 = 0.99;
/// Raw writes before a trial that syncs, and as many after it.
const RAW_WRITES: u64 = 1_000;
/// What each of them writes: a batch of some dozens of commands.
const RAW_BYTES: u64 = 4_096;
/// At half the knee, p99.9 is meant to be at most so many times what jitter and disk come to together.
const CLAIM: f64 = 1.5;

/// Trials at chosen rates, over flows that are long enough.
struct Trials<'a> {
    bench: &'a Bench<'a>,
    flow: Option<Flow>,
    rows: &'a mut Vec<Measured>,
    notes: &'a mut Vec<String>,
}

/// Each durability in turn, at each rate or up to its knee.
///
/// # Errors
/// When a pipeline cannot be started, or says what it must not.
pub fn run(bench: &Bench<'_>, rows: &mut Vec<Measured>, notes: &mut Vec<String>) -> Outcome<()> {
    if bench.args.knee.is_some() {
        return knee_of(
            bench,
            rows,
            notes,
            MOST_COMMANDS / (bench.args.warm_up + bench.args.seconds),
        );
    }
    let mut trials = Trials {
        bench,
        flow: None,
        rows,
        notes,
    };
    for durability in bench.durabilities() {
        for &rate in &bench.args.rate {
            trials.run(durability, rate, &rate.to_string())?;
            if bench.stop.is_set() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The knee of each durability up to `most` commands per second.
///
/// # Errors
/// As [`run`].
pub fn knee_of(
    bench: &Bench<'_>,
    rows: &mut Vec<Measured>,
    notes: &mut Vec<String>,
    most: u32,
) -> Outcome<()> {
    let mut trials = Trials {
        bench,
        flow: None,
        rows,
        notes,
    };
    for durability in bench.durabilities() {
        trials.find_knee(durability, bench.args.knee.unwrap_or_default(), most)?;
        if bench.stop.is_set() {
            break;
        }
    }
    Ok(())
}

impl Trials<'_> {
    /// The highest rate within the bound, and then what half of it looks like.
    fn find_knee(&mut self, durability: Durability, bound_us: u32, most: u32) -> Outcome<()> {
        let bench = self.bench;
        let first = bench.args.rate.first().copied().unwrap_or(most);
        let found = knee::search(first, most, &mut |rate| {
            let (quantiles, reached) = self.run(durability, rate, &rate.to_string())?;
            let is_within =
                quantiles.p999() <= f64::from(bound_us) * 1_000.0 && reached >= f64::from(rate) * REACHED;
            let side = if is_within { "within" } else { "beyond" };
            bench.say(|| format!("  {side} the bound\n"));
            Ok((!bench.stop.is_set()).then_some(is_within))
        })?;
        let name = durability.name();
        let Some(knee) = found else {
            self.note(format!("{name}: no rate was found within {bound_us} µs"));
            return Ok(());
        };
        self.note(match knee == most {
            true => format!("{name}: no knee up to {most}/s, the most that can be made"),
            false => format!("{name}: the knee is at {knee}/s (p99.9 within {bound_us} µs)"),
        });
        if bench.stop.is_set() {
            return Ok(());
        }
        self.run(durability, knee / 2, "half-knee")?;
        if let Some(row) = self.rows.last().filter(|_| !bench.stop.is_set()) {
            let verdict = at_half_the_knee(row);
            self.note(format!("{name}: {verdict}"));
        }
        Ok(())
    }

    fn note(&mut self, text: String) {
        self.bench.say(|| format!("\n{text}\n"));
        self.notes.push(text);
    }

    /// One rate, whose row is named `durability/label`; its quantiles, and the commands a second that were reached.
    fn run(&mut self, durability: Durability, rate: u32, label: &str) -> Outcome<(Quantiles, f64)> {
        let bench = self.bench;
        let schedule = Schedule::new(rate, bench.args.warm_up, bench.args.seconds);
        let flow = match self.flow.take() {
            Some(flow) if flow.steady.len() as u64 >= schedule.total => self.flow.insert(flow),
            _ => self.flow.insert(flow::make(bench.args.flow, schedule.total)?),
        };
        let dir = bench
            .folder
            .of(&format!("{}-{}", durability.name(), self.rows.len()));
        let mut rig = Rig::start(
            &bench.options,
            bench.args.snapshots,
            durability,
            &dir,
            flow,
            Heard::new(false),
        )?;
        let mut disk = match durability {
            Durability::Fsync => Some(Disk::new(bench, &dir)?),
            _ => None,
        };
        if let Some(disk) = &mut disk {
            disk.measure(bench)?;
        }
        bench.note_placing();
        let progress = ticking(schedule.total, durability.name());
        let before = Threads::read();
        let driven = drive(bench, &mut rig, flow, schedule, &progress)?;
        let threads = Threads::read().since(&before, driven.commands, driven.took);
        progress.finish_and_clear();
        if let Some(disk) = &mut disk {
            disk.measure(bench)?;
        }
        let (_, counts) = rig.stop()?;
        let mut row = Measured::new(format!("{}/{label}", durability.name()), driven.latency);
        row.asked_per_s = Some(f64::from(rate));
        row.reached_per_s = Some(driven.reached);
        row.beside.push(("jitter", driven.jitter));
        row.beside.extend(disk.map(|disk| ("disk", disk.recording)));
        row.threads = threads;
        counts.add_to(&mut row);
        bench.say(|| text(&row));
        let quantiles = row.quantiles();
        self.rows.push(row);
        Ok((quantiles, driven.reached))
    }
}

/// The disk's own figure, before and after a trial.
struct Disk {
    raw: RawDisk,
    recording: Recording,
    begin: Instant,
}

impl Disk {
    fn new(bench: &Bench<'_>, dir: &std::path::Path) -> Outcome<Self> {
        let most = Duration::from_secs(u64::from(bench.args.warm_up + bench.args.seconds) + 2);
        Ok(Self {
            raw: RawDisk::make(dir, RAW_BYTES, 2 * RAW_WRITES)?,
            recording: Recording::new(most),
            begin: Instant::now(),
        })
    }

    fn measure(&mut self, bench: &Bench<'_>) -> Outcome<()> {
        if bench.stop.is_set() {
            return Ok(());
        }
        for took in self.raw.writes_on(bench.journaler_core(), RAW_WRITES)? {
            self.recording.add(self.begin.elapsed(), took);
        }
        Ok(())
    }
}

/// A bar that another thread draws, so that drawing holds up nothing that is timed.
fn ticking(length: u64, what: &'static str) -> ProgressBar {
    let progress = bar(length, what);
    if !progress.is_hidden() {
        progress.enable_steady_tick(Duration::from_millis(500));
    }
    progress
}

/// What a trial came to.
struct Driven {
    /// Of the commands that count, from due to drained.
    latency: Recording,
    jitter: Recording,
    /// All commands, and how long they took.
    commands: u64,
    took: Duration,
    /// Commands per second from when the first that counts was due to the last event.
    reached: f64,
}

fn drive(
    bench: &Bench<'_>,
    rig: &mut Rig,
    flow: &Flow,
    schedule: Schedule,
    progress: &ProgressBar,
) -> Outcome<Driven> {
    let most = Duration::from_secs(u64::from(bench.args.seconds));
    let warm = Duration::from_nanos(schedule.due(schedule.warm));
    let mut latency = Recording::new(most);
    let mut meter = Meter::new(most);
    let (mut sent, mut heard, mut end) = (0, 0, schedule.total);
    let (mut now, mut has_worked) = (0, true);
    let begin = Instant::now();
    while heard < end {
        now = nanos(begin);
        meter.look(now.saturating_sub(schedule.due(schedule.warm)), has_worked);
        let mut work = 0;
        while sent < end
            && work < COMMANDS_PER_TURN
            && schedule.due(sent) <= now
            && rig.submit(&flow.steady[sent as usize])?
        {
            sent += 1;
            work += 1;
        }
        let drained = rig.drain();
        if drained > 0 {
            // Read after the drain: a command is through when the gateway has its last event in hand.
            now = nanos(begin);
            let at = Duration::from_nanos(now).saturating_sub(warm);
            while heard < rig.done() {
                if heard >= schedule.warm {
                    latency.add(at, Duration::from_nanos(now.saturating_sub(schedule.due(heard))));
                }
                heard += 1;
                if heard.is_multiple_of(STEP) {
                    progress.set_position(heard);
                }
            }
        }
        if bench.stop.is_set() {
            end = sent;
        }
        has_worked = work + drained > 0;
        rig.rest(work + drained);
    }
    let counted = Duration::from_nanos(now).saturating_sub(warm);
    Ok(Driven {
        latency,
        jitter: meter.into_recording(),
        commands: heard,
        took: Duration::from_nanos(now),
        reached: heard.saturating_sub(schedule.warm) as f64 / counted.as_secs_f64().max(1e-9),
    })
}

fn nanos(begin: Instant) -> u64 {
    begin.elapsed().as_nanos() as u64
}

/// Holds p99.9 against what the machine itself does.
fn at_half_the_knee(row: &Measured) -> String {
    let of = |name: &str| {
        let found = row.beside.iter().find(|(beside, _)| *beside == name);
        found.map(|(_, recording)| Quantiles::of(recording).p999() / 1_000.0)
    };
    let p999 = row.quantiles().p999() / 1_000.0;
    let (jitter, disk) = (of("jitter").unwrap_or_default(), of("disk"));
    let bound = CLAIM * (jitter + disk.unwrap_or_default());
    let with_disk = disk.map_or(String::new(), |disk| format!(" and of the disk's {disk:.1} µs"));
    let verdict = if p999 <= bound {
        "it holds"
    } else {
        "it does NOT hold"
    };
    format!(
        "at half the knee p99.9 is {p999:.1} µs; meant to be at most {CLAIM} times the sum of the jitter's \
         {jitter:.1} µs{with_disk}, {bound:.1} µs: {verdict}"
    )
}

fn text(row: &Measured) -> String {
    let mut rows = vec![("due to last event drained".to_owned(), row.quantiles())];
    for (name, recording) in &row.beside {
        rows.push(((*name).to_owned(), Quantiles::of(recording)));
    }
    let figure = |name: &str| row.figures.get(name).copied().unwrap_or_default();
    format!(
        "\n{}: {:.0}/s asked, {:.0}/s reached\n{}  output ring full {} times; refused busy {} times; the client waited \
         {:.0} ms for the input ring and {:.0} ms for the journal's next segment\n{}",
        row.name,
        row.asked_per_s.unwrap_or_default(),
        row.reached_per_s.unwrap_or_default(),
        table(&rows),
        figure("output_full_stalls"),
        figure("refused_busy"),
        figure("ring_full_ms"),
        figure("segment_late_ms"),
        threads::text(&row.threads),
    )
}
