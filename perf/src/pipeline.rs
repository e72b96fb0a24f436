//! `pipeline`: ring → journal → matcher → ring, as an exchange starts them, in this process and without sockets. The
//! calling thread plays the gateway: it is the only one to put commands into the input ring, and drains the output ring.

mod flow;

mod rig;

mod heard;

mod frames;

mod throughput;

mod open_loop;

mod knee;

mod lone;

use std::cell::RefCell;

use hoga::agent::IdleStrategy;
use hoga::checkpoints::CheckpointOptions;
use hoga::cores::{self, CorePlan, Pinning};
use hoga::pipeline::PipelineOptions;
use hoga_protocol::Nanos;

use crate::cli::{self, Durability, Idle, PipelineArgs, PipelineMode};
use crate::environment::Environment;
use crate::failure::{Failure, Outcome};
use crate::folder::Folder;
use crate::placing;
use crate::progress::Stop;
use crate::results::{Measured, Results};

/// What every mode needs.
struct Bench<'a> {
    args: &'a PipelineArgs,
    options: PipelineOptions,
    folder: Folder,
    stop: Stop,
    /// Where the kernel lets the threads run, looked at while they ran.
    placed: RefCell<String>,
}

/// Runs the command; `Ok(false)` when it was cut short.
///
/// # Errors
/// When the folder cannot be used, or the pipeline says something that it must not.
pub fn run(args: &PipelineArgs) -> Outcome<bool> {
    let stop = Stop::on_ctrl_c()?;
    let bench = Bench::new(args, stop)?;
    if bench.writes() {
        bench.folder.must_be_a_disk()?;
    }
    cores::pin(bench.options.cores.gateway());
    let environment = Environment::read();
    bench.say(|| format!("{}{}", environment.text(), text(&bench.setup())));
    let (rows, notes) = bench.measure()?;
    let results = Results {
        bench: "pipeline",
        environment,
        setup: bench.setup(),
        rows,
        notes,
        stopped: bench.stop.is_set(),
    };
    let folder = results.write(args.out.as_deref())?;
    if args.json {
        println!("{}", results.summary_json());
    }
    bench.say(|| {
        let kept = match args.keep {
            true => format!("the journals are kept in {}\n", bench.folder.path().display()),
            false => String::new(),
        };
        format!("{}{kept}", results.farewell(&folder))
    });
    Ok(!results.stopped)
}

impl<'a> Bench<'a> {
    fn new(args: &'a PipelineArgs, stop: Stop) -> Outcome<Self> {
        let layout = match args.layout {
            cli::Layout::Auto => cores::Layout::Auto,
            cli::Layout::Shared => cores::Layout::Shared,
            cli::Layout::Split => cores::Layout::Split,
        };
        let plan = CorePlan::new(&cores::available(), layout, Pinning::Auto, &args.cores);
        Ok(Self {
            args,
            options: PipelineOptions {
                input_ring: args.input_ring,
                output_ring: args.output_ring,
                idle: match args.idle {
                    Idle::Park => IdleStrategy::Park,
                    Idle::Ladder => IdleStrategy::Ladder,
                    Idle::Yield => IdleStrategy::Yield,
                    Idle::Spin => IdleStrategy::Spin,
                },
                cores: plan.map_err(Failure::new)?,
                checkpoints: CheckpointOptions {
                    commands: args.checkpoints,
                    interval: Nanos(0),
                },
            },
            folder: Folder::new(args.dir.as_deref(), args.keep)?,
            stop,
            placed: RefCell::default(),
        })
    }

    /// The rows, and sentences about them.
    fn measure(&self) -> Outcome<(Vec<Measured>, Vec<String>)> {
        let (mut rows, mut notes) = (Vec::new(), Vec::new());
        match self.args.mode {
            PipelineMode::Throughput => throughput::run(self, &mut rows)?,
            PipelineMode::OpenLoop => open_loop::run(self, &mut rows, &mut notes)?,
            PipelineMode::Lone => lone::run(self, &mut rows, &mut notes)?,
        }
        Ok((rows, notes))
    }

    /// The core that the journaler was given.
    fn journaler_core(&self) -> Option<usize> {
        match self.options.cores {
            CorePlan::Shared { core, .. } => core,
            CorePlan::Split { journaler, .. } => journaler,
        }
    }

    /// Looks where the threads of a pipeline that runs now, and this one, may run.
    fn note_placing(&self) {
        let mut placed = placing::threads(None, &["hoga-core", "hoga-journaler", "hoga-matcher"]);
        placed.extend(placing::own("client"));
        *self.placed.borrow_mut() = placing::text(&placed);
    }

    fn durabilities(&self) -> Vec<Durability> {
        if self.args.durability.is_empty() {
            return vec![Durability::Fsync, Durability::PageCache, Durability::Memory];
        }
        self.args.durability.clone()
    }

    /// Whether anything is written to the folder.
    fn writes(&self) -> bool {
        let all = self.durabilities();
        self.args.mode == PipelineMode::Lone || all.iter().any(|&one| one != Durability::Memory)
    }

    /// How the pipeline stands on this machine.
    fn setup(&self) -> Vec<(&'static str, String)> {
        let threads = self.options.cores.describe();
        let planned: Vec<String> = threads
            .iter()
            .map(|(name, _, core)| match core {
                Some(core) => format!("{name} on core {core}"),
                None => format!("{name} on any core"),
            })
            .collect();
        let planned = format!("{} (here the client)", planned.join(", "));
        let placed = self.placed.borrow().clone();
        let (input, output) = (self.options.input_ring, self.options.output_ring);
        vec![
            ("flow", flow::name(self.args.flow).to_owned()),
            ("threads", planned),
            (
                "pinning",
                if placed.is_empty() {
                    "not looked at yet".to_owned()
                } else {
                    placed
                },
            ),
            (
                "idle",
                format!("{}; the client never sleeps", self.args.idle.name()),
            ),
            ("rings", format!("{input} in, {output} out")),
            (
                "checkpoints",
                format!("one in {} commands", self.args.checkpoints),
            ),
            (
                "disk",
                format!("{}, {}", self.folder.file_system(), self.folder.path().display()),
            ),
        ]
    }

    /// Prints text for a person, unless JSON is asked for.
    fn say(&self, text: impl FnOnce() -> String) {
        if !self.args.json {
            print!("{}", text());
        }
    }
}

fn text(setup: &[(&'static str, String)]) -> String {
    let line = |(name, value): &(&str, String)| format!("{name:<10} {value}\n");
    let known = setup.iter().filter(|(name, _)| *name != "pinning");
    known.map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Mode};
    use clap::Parser;

    /// Parses `pipeline` and its options, and lets `look` measure with the journals in a folder of their own.
    fn check<T>(options: &str, look: impl FnOnce(&Bench<'_>) -> T) -> T {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path().join("journals").display().to_string();
        let words = ["hoga-perf", "pipeline", "--dir", &dir];
        let cli = Cli::parse_from(words.into_iter().chain(options.split(' ')));
        let Mode::Pipeline(args) = cli.mode else {
            unreachable!("the mode is named above")
        };
        let bench = Bench::new(&args, Stop::default()).expect("a bench");
        look(&bench)
    }

    /// The rows and notes of a run of `options`.
    fn rows(bench: &Bench<'_>) -> (Vec<Measured>, Vec<String>) {
        bench.measure().expect("a run")
    }

    #[test]
    fn no_command_is_lost_between_the_rings_and_the_journal_says_the_same() {
        check(
            "--commands 5000 --digest --durability fsync,page-cache,memory --input-ring 256 --output-ring 256",
            |bench| {
                let (rows, _) = rows(bench);
                let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
                assert_eq!(names, ["fsync", "page-cache", "memory"]);
                for row in &rows {
                    let same = ["events", "last_sequence", "commands"];
                    for name in same {
                        assert_eq!(row.figures[name], rows[0].figures[name], "{}: {name}", row.name);
                    }
                    assert_eq!((row.figures["commands"], &row.facts), (5_000.0, &rows[0].facts));
                    assert!(
                        row.threads.iter().any(|thread| thread.name == "client"),
                        "no client"
                    );
                    let dir = bench.folder.of(&row.name);
                    let Some(&journaled) = row.figures.get("journaled") else {
                        assert_eq!((row.name.as_str(), dir.exists()), ("memory", false));
                        continue;
                    };
                    let scope = hoga::replay::Scope {
                        events: true,
                        ..Default::default()
                    };
                    let replayed = hoga::replay::replay(&dir, &scope).expect("a journal");
                    assert_eq!(replayed.events_digest.as_ref(), row.facts.get("events_digest"));
                    assert_eq!(replayed.last_sequence as f64, row.figures["last_sequence"]);
                    assert_eq!(journaled, 5_000.0);
                    let largest = row.figures["frame_commands_max"];
                    assert!(largest >= row.figures["frame_commands_mean"] && largest <= 256.0);
                    assert!(row.figures["bytes_per_command"] >= row.figures["record_bytes_per_command"]);
                }
                let again = bench.measure().map(|_| ()).expect_err("the journals stand");
                assert!(again.to_string().contains("already holds a journal"), "{again}");
            },
        );
    }

    #[test]
    fn a_stopped_run_tells_what_there_is() {
        let cases = [
            ("--commands 1000 --durability memory", 1),
            ("--mode open-loop --rate 1000 --durability memory", 1),
            ("--mode lone", 0),
        ];
        for (options, want) in cases {
            check(options, |bench| {
                bench.stop.set();
                assert_eq!(rows(bench).0.len(), want, "{options}");
            });
        }
    }

    #[test]
    fn every_command_that_counts_is_timed_from_when_it_was_due() {
        for options in [
            "--durability memory --warm-up 1",
            "--durability fsync --warm-up 0",
        ] {
            let options = format!("--mode open-loop --flow lone --rate 2000 --seconds 1 {options}");
            check(&options, |bench| {
                let (rows, _) = rows(bench);
                let quantiles = rows[0].quantiles();
                assert_eq!(quantiles.count, 2_000);
                assert!(quantiles.nanos.is_sorted(), "{quantiles:?}");
                assert!(rows[0].reached_per_s > Some(0.0) && quantiles.p50() > 0.0);
                let beside: Vec<&str> = rows[0].beside.iter().map(|(name, _)| *name).collect();
                let with_disk = rows[0].name.starts_with("fsync");
                assert_eq!(
                    beside,
                    if with_disk {
                        vec!["jitter", "disk"]
                    } else {
                        vec!["jitter"]
                    }
                );
                assert!(rows[0].beside.iter().all(|(_, recording)| recording.count() > 0));
            });
        }
    }

    #[test]
    fn a_knee_is_followed_by_what_half_of_it_looks_like() {
        check(
            "--mode open-loop --flow lone --rate 1000 --seconds 1 --warm-up 0 --durability memory --knee 60000000 \
             --checkpoints 0",
            |bench| {
                let mut judged = Vec::new();
                let (mut rows, mut notes) = (Vec::new(), Vec::new());
                open_loop::knee_of(bench, &mut rows, &mut notes, 2_000).expect("a search");
                judged.extend(rows.iter().map(|row| row.name.as_str()));
                assert_eq!(judged, ["memory/1000", "memory/2000", "memory/half-knee"]);
                assert!(
                    notes[0].contains("no knee up to 2000/s") && notes[1].contains("p99.9"),
                    "{notes:?}"
                );
            },
        );
    }

    #[test]
    fn a_lone_command_is_compared_with_a_write_of_as_many_bytes_as_its_frame() {
        check("--mode lone --blocks 3 --block 40", |bench| {
            let (rows, notes) = rows(bench);
            let counts: Vec<u64> = rows.iter().map(|row| row.quantiles().count).collect();
            assert_eq!((counts, rows[1].figures["frame_bytes"]), (vec![120; 3], 512.0));
            assert!(notes[0].starts_with("3 blocks of 40 commands"), "{notes:?}");
        });
        check("--mode lone --idle spin", |bench| {
            let error = bench.measure().map(|_| ()).expect_err("two pipelines would spin");
            assert!(error.to_string().contains("--idle"), "{error}");
        });
    }
}
