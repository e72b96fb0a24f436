//! As many commands a second as the rings take.

use std::time::{Duration, Instant};

use hoga::hexadecimal::hex;
use hoga_benches::Flow;

use super::frames::Frames;
use super::heard::Heard;
use super::rig::{Counts, Rig};
use super::{Bench, flow};
use crate::cli::Durability;
use crate::failure::Outcome;
use crate::progress::bar;
use crate::results::Measured;
use crate::threads::{self, Threads, Used};

/// The most commands put in before the output ring is looked at.
const COMMANDS_PER_TURN: usize = 256;
/// Commands between two moves of the progress bar.
const STEP: u64 = 1 << 16;

/// One durability.
pub struct Through {
    /// Which.
    pub durability: &'static str,
    /// Commands that went through, all their events heard.
    pub commands: u64,
    /// Events, those of the opening too.
    pub events: u64,
    /// From the first command to the last event.
    pub seconds: f64,
    /// Over that time.
    pub commands_per_second: f64,
    /// What the journal holds of them; `None` in memory.
    pub journal: Option<Frames>,
    /// What the pipeline counted.
    pub counts: Counts,
    /// Processor time over that time.
    pub threads: Vec<Used>,
    /// Commands that the engine refused.
    pub rejected: u64,
    /// The last sequence, as `hoga replay` counts.
    pub last_sequence: u64,
    /// A cheap hash of every event, the same for every durability.
    pub events_hash: String,
    /// The digest of every event as `hoga replay` prints it, if it was asked for.
    pub events_digest: Option<String>,
}

/// Each durability in turn, on one flow.
///
/// # Errors
/// When a pipeline cannot be started, or says what it must not.
pub fn run(bench: &Bench<'_>, rows: &mut Vec<Measured>) -> Outcome<()> {
    let flow = flow::make(bench.args.flow, bench.args.commands.into())?;
    bench.say(|| format!("{}\n", flow.facts));
    for durability in bench.durabilities() {
        let through = measure(bench, durability, &flow)?;
        bench.say(|| through.text());
        rows.push(through.row());
        if bench.stop.is_set() {
            break;
        }
    }
    Ok(())
}

fn measure(bench: &Bench<'_>, durability: Durability, flow: &Flow) -> Outcome<Through> {
    let name = durability.name();
    let dir = bench.folder.of(name);
    let mut rig = Rig::start(
        &bench.options,
        bench.args.snapshots,
        durability,
        &dir,
        flow,
        Heard {
            may_reject: bench.args.repeat > 1,
            ..Heard::new(bench.args.digest)
        },
    )?;
    bench.note_placing();
    let before = Threads::read();
    let (commands, took) = drive(bench, &mut rig, flow, name)?;
    let threads = Threads::read().since(&before, commands, took);
    let (heard, counts) = rig.stop()?;
    let journal = match durability {
        Durability::Memory => None,
        _ => Some(Frames::read(&dir, flow.opening.len() as u64)?),
    };
    Ok(Through {
        durability: name,
        commands,
        events: heard.events,
        seconds: took.as_secs_f64(),
        commands_per_second: commands as f64 / took.as_secs_f64(),
        journal,
        counts,
        threads,
        rejected: heard.rejected,
        last_sequence: heard.last.0,
        events_hash: format!("{:016x}", heard.hash.value()),
        events_digest: heard.digest.map(|digest| hex(&digest.finish())),
    })
}

/// Puts all commands in and takes all events out; stopped, it still takes those of what is in.
fn drive(bench: &Bench<'_>, rig: &mut Rig, flow: &Flow, name: &'static str) -> Outcome<(u64, Duration)> {
    let length = flow.steady.len();
    let (mut sent, mut end, mut shown) = (0, length * bench.args.repeat as usize, 0);
    let progress = bar(end as u64, name);
    let begin = Instant::now();
    loop {
        let mut work = 0;
        while sent < end && work < COMMANDS_PER_TURN && rig.submit(&flow.steady[sent % length])? {
            sent += 1;
            work += 1;
            if sent.is_multiple_of(length) {
                rig.begin_again(sent as u64);
            }
        }
        work += rig.drain();
        if bench.stop.is_set() {
            end = sent;
        }
        if rig.done() == end as u64 {
            break;
        }
        if rig.done() >= shown + STEP {
            shown = rig.done();
            progress.set_position(shown);
        }
        rig.rest(work);
    }
    let took = begin.elapsed();
    progress.finish_and_clear();
    Ok((end as u64, took))
}

impl Through {
    /// As a row of the report.
    fn row(self) -> Measured {
        let mut row = Measured::counted(self.durability);
        row.reached_per_s = Some(self.commands_per_second);
        row.figure("commands", self.commands as f64);
        row.figure("events", self.events as f64);
        row.figure("seconds", self.seconds);
        row.figure("refused", self.rejected as f64);
        row.figure("last_sequence", self.last_sequence as f64);
        self.counts.add_to(&mut row);
        if let Some(journal) = &self.journal {
            row.figure("frames", journal.frames as f64);
            row.figure("journaled", journal.records as f64);
            row.figure("frame_commands_mean", journal.mean_batch);
            row.figure("frame_commands_max", f64::from(journal.largest_batch));
            row.figure("bytes_per_command", journal.bytes_per_command);
            row.figure("record_bytes_per_command", journal.record_bytes_per_command);
        }
        row.facts.insert("events_hash".to_owned(), self.events_hash);
        row.facts.extend(
            self.events_digest
                .map(|digest| ("events_digest".to_owned(), digest)),
        );
        for used in &self.threads {
            row.figure(&format!("{}_processor_ns", used.name), used.ns_per_command);
        }
        row.threads = self.threads;
        row
    }

    fn text(&self) -> String {
        let counts = &self.counts;
        let mut text = format!(
            "\n{}: {:.0} commands/s ({} commands, {} events, {:.2} s)\n",
            self.durability, self.commands_per_second, self.commands, self.events, self.seconds
        );
        if let Some(journal) = &self.journal {
            text += &format!(
                "  journal: {} frames of {:.1} commands, {} at most; {:.1} bytes a command, of which {:.1} are records\n",
                journal.frames,
                journal.mean_batch,
                journal.largest_batch,
                journal.bytes_per_command,
                journal.record_bytes_per_command
            );
        }
        text += &format!(
            "  output ring full {} times; refused busy {} times; input ring at most {} full; snapshots {}\n  \
             the client waited {:.0} ms for the input ring and {:.0} ms for the journal's next segment\n",
            counts.output_full_stalls,
            counts.refused_busy,
            counts.input_high_water,
            counts.snapshots,
            counts.ring_full_ms,
            counts.segment_late_ms,
        );
        text += &threads::text(&self.threads);
        text += &format!(
            "  last sequence {}, refused {}, events hash to {}",
            self.last_sequence, self.rejected, self.events_hash
        );
        if let Some(digest) = &self.events_digest {
            text += &format!(", digest {digest}");
        }
        text.push('\n');
        text
    }
}
