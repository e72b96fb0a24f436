//! Commands at fixed times, whatever became of those before: each is timed from when it was due until its last event
//! was drained, so that a stall counts for every command that it kept waiting.

use std::time::{Duration, Instant};

use hoga_benches::Flow;
use indicatif::ProgressBar;
use serde::Serialize;

use super::heard::Heard;
use super::rig::{Counts, Rig};
use super::threads::{self, Threads, Used};
use super::{Bench, flow, knee};
use crate::cli::{Durability, MOST_COMMANDS};
use crate::failure::Outcome;
use crate::latency::{self, Latencies, Row};
use crate::progress::bar;

/// The most commands put in before the output ring is looked at.
const COMMANDS_PER_TURN: usize = 64;
/// Commands between two moves of the progress bar.
const STEP: u64 = 1 << 12;
/// A rate counts as reached from here on.
const REACHED: f64 = 0.99;

/// One durability.
#[derive(Serialize)]
pub struct Loaded {
    /// Which.
    pub durability: &'static str,
    /// Each rate that was tried, in that order.
    pub trials: Vec<Trial>,
    /// The bound on p99.9 in microseconds, where a knee was looked for.
    pub bound_us: Option<u32>,
    /// The highest rate within it; `None` where none was.
    pub knee: Option<u32>,
}

/// One rate.
#[derive(Serialize)]
pub struct Trial {
    /// Commands per second that were due.
    pub asked: u32,
    /// Commands per second that came through, from when the first that counts was due to the last event.
    pub reached: f64,
    /// From due to drained.
    pub latency: Row,
    /// The same schedule just before, with nothing behind it: how late this thread saw each due time on the clock.
    pub clock_alone: Row,
    /// What the pipeline counted, warm-up included.
    #[serde(flatten)]
    pub counts: Counts,
    /// Processor time, warm-up included.
    pub threads: Vec<Used>,
}

/// When each command is due.
#[derive(Clone, Copy)]
struct Schedule {
    rate: u32,
    /// Commands before those that count.
    warm: u64,
    /// All commands.
    total: u64,
}

impl Schedule {
    fn new(rate: u32, warm_up: u32, seconds: u32) -> Self {
        let warm = u64::from(rate) * u64::from(warm_up);
        Self {
            rate,
            warm,
            total: warm + u64::from(rate) * u64::from(seconds),
        }
    }

    /// Nanoseconds from the begin. A count of [`MOST_COMMANDS`] does not overflow.
    fn due(self, number: u64) -> u64 {
        number * 1_000_000_000 / u64::from(self.rate)
    }
}

/// Each durability in turn, at each rate or up to its knee.
///
/// # Errors
/// When a pipeline cannot be started, or says what it must not.
pub fn run(bench: &Bench<'_>) -> Outcome<Vec<Loaded>> {
    let mut made = None;
    let mut runs = Vec::new();
    for durability in bench.durabilities() {
        let mut loaded = Loaded {
            durability: durability.name(),
            trials: Vec::new(),
            bound_us: bench.args.knee,
            knee: None,
        };
        match bench.args.knee {
            None => {
                for &rate in &bench.args.rate {
                    let number = loaded.trials.len();
                    loaded
                        .trials
                        .push(trial(bench, durability, rate, number, &mut made)?);
                    if bench.stop.is_set() {
                        break;
                    }
                }
            }
            Some(bound_us) => find_knee(bench, durability, bound_us, &mut made, &mut loaded)?,
        }
        runs.push(loaded);
        if bench.stop.is_set() {
            break;
        }
    }
    Ok(runs)
}

fn find_knee(
    bench: &Bench<'_>,
    durability: Durability,
    bound_us: u32,
    made: &mut Option<Flow>,
    loaded: &mut Loaded,
) -> Outcome<()> {
    let most = MOST_COMMANDS / (bench.args.warm_up + bench.args.seconds);
    let mut judge = |rate: u32| {
        let trial = trial(bench, durability, rate, loaded.trials.len(), made)?;
        let is_within = trial.latency.p999_ns <= u64::from(bound_us) * 1_000
            && trial.reached >= f64::from(rate) * REACHED;
        bench.say(|| {
            format!(
                "  {}\n",
                if is_within {
                    "within the bound"
                } else {
                    "beyond the bound"
                }
            )
        });
        loaded.trials.push(trial);
        Ok((!bench.stop.is_set()).then_some(is_within))
    };
    let first = bench.args.rate.first().copied().unwrap_or(most);
    let found = knee::search(first, most, &mut judge)?;
    bench.say(|| match found {
        Some(rate) if rate == most => {
            format!(
                "\n{}: no knee up to {most}/s, the most that can be made\n",
                loaded.durability
            )
        }
        Some(rate) => format!(
            "\n{}: the knee is at {rate}/s (p99.9 within {bound_us} µs)\n",
            loaded.durability
        ),
        None => format!(
            "\n{}: no rate was found within {bound_us} µs\n",
            loaded.durability
        ),
    });
    loaded.knee = found;
    Ok(())
}

fn trial(
    bench: &Bench<'_>,
    durability: Durability,
    rate: u32,
    number: usize,
    made: &mut Option<Flow>,
) -> Outcome<Trial> {
    let schedule = Schedule::new(rate, bench.args.warm_up, bench.args.seconds);
    let flow = match made.take() {
        Some(flow) if flow.steady.len() as u64 >= schedule.total => made.insert(flow),
        _ => made.insert(flow::make(bench.args.flow, schedule.total)?),
    };
    let clock_alone = clock_alone(bench, Schedule::new(rate, 0, bench.args.seconds));
    let dir = bench.folder.of(&format!("{}-{number}", durability.name()));
    let mut rig = Rig::start(
        &bench.options,
        bench.args.snapshots,
        durability,
        &dir,
        flow,
        Heard::new(false),
    )?;
    let progress = ticking(schedule.total, durability.name());
    let before = Threads::read();
    let (latencies, all, reached, took) = drive(bench, &mut rig, flow, schedule, &progress)?;
    let threads = Threads::read().since(&before, all, took);
    progress.finish_and_clear();
    let (_, counts) = rig.stop()?;
    let trial = Trial {
        asked: rate,
        reached,
        latency: latencies.row("due to last event drained"),
        clock_alone: clock_alone.row("the clock alone, just before"),
        counts,
        threads,
    };
    bench.say(|| trial.text(durability.name()));
    Ok(trial)
}

/// A bar that another thread draws, so that drawing holds up nothing that is timed.
fn ticking(length: u64, what: &'static str) -> ProgressBar {
    let progress = bar(length, what);
    if !progress.is_hidden() {
        progress.enable_steady_tick(Duration::from_millis(500));
    }
    progress
}

/// What this machine alone does to the schedule: a thread that only reads the clock is late when it is not running.
fn clock_alone(bench: &Bench<'_>, schedule: Schedule) -> Latencies {
    let mut latencies = Latencies::new();
    let mut number = 0;
    let begin = Instant::now();
    while number < schedule.total && !bench.stop.is_set() {
        let now = nanos(begin);
        while number < schedule.total && schedule.due(number) <= now {
            latencies.add(Duration::from_nanos(now - schedule.due(number)));
            number += 1;
        }
    }
    latencies
}

/// The latencies that count, all commands, the rate reached, and the time that all took.
fn drive(
    bench: &Bench<'_>,
    rig: &mut Rig,
    flow: &Flow,
    schedule: Schedule,
    progress: &ProgressBar,
) -> Outcome<(Latencies, u64, f64, Duration)> {
    let mut latencies = Latencies::new();
    let (mut sent, mut heard, mut end) = (0, 0, schedule.total);
    let mut now;
    let begin = Instant::now();
    loop {
        now = nanos(begin);
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
            while heard < rig.done() {
                if heard >= schedule.warm {
                    latencies.add(Duration::from_nanos(now.saturating_sub(schedule.due(heard))));
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
        if heard == end {
            break;
        }
        rig.rest(work + drained);
    }
    let counted = Duration::from_nanos(now.saturating_sub(schedule.due(schedule.warm)));
    let reached = heard.saturating_sub(schedule.warm) as f64 / counted.as_secs_f64().max(1e-9);
    Ok((latencies, heard, reached, Duration::from_nanos(now)))
}

fn nanos(begin: Instant) -> u64 {
    begin.elapsed().as_nanos() as u64
}

impl Trial {
    fn text(&self, durability: &str) -> String {
        let counts = &self.counts;
        format!(
            "\n{durability}: {}/s asked, {:.0}/s reached\n{}  output ring full {} times; refused busy {} times; the \
             client waited {:.0} ms for the input ring and {:.0} ms for the journal's next segment\n{}",
            self.asked,
            self.reached,
            latency::text(&[&self.latency, &self.clock_alone]),
            counts.output_full_stalls,
            counts.refused_busy,
            counts.ring_full_ms,
            counts.segment_late_ms,
            threads::text(&self.threads),
        )
    }
}
