//! `pipeline`: ring → journal → matcher → ring, as an exchange starts them, in this process and without sockets. The
//! calling thread plays the gateway: it is the only one to put commands into the input ring, and drains the output ring.

mod folder;

mod flow;

mod rig;

mod heard;

mod threads;

mod frames;

mod throughput;

mod open_loop;

mod knee;

mod lone;

mod raw_disk;

use hoga::agent::IdleStrategy;
use hoga::checkpoints::CheckpointOptions;
use hoga::cores::{self, CorePlan, Pinning};
use hoga::pipeline::PipelineOptions;
use hoga_protocol::Nanos;
use serde::Serialize;

use crate::cli::{self, Durability, Idle, PipelineArgs, PipelineMode};
use crate::environment::Environment;
use crate::failure::{Context, Failure, Outcome};
use crate::progress::Stop;
use folder::Folder;

/// Everything that a run came to.
#[derive(Serialize)]
struct Report {
    environment: Environment,
    setup: Setup,
    #[serde(flatten)]
    result: ModeReport,
    /// Whether it ended by Ctrl-C: the figures are those of a part.
    stopped: bool,
}

/// What is told of each mode.
#[derive(Serialize)]
#[serde(tag = "mode", rename_all = "kebab-case")]
enum ModeReport {
    Throughput { runs: Vec<throughput::Measured> },
    OpenLoop { runs: Vec<open_loop::Loaded> },
    Lone { result: Option<Box<lone::Compared>> },
}

/// How the pipeline stands on this machine.
#[derive(Serialize)]
struct Setup {
    flow: &'static str,
    threads: String,
    idle: &'static str,
    input_ring: usize,
    output_ring: usize,
    folder: String,
    file_system: String,
}

/// What every mode needs.
struct Bench<'a> {
    args: &'a PipelineArgs,
    options: PipelineOptions,
    folder: Folder,
    stop: Stop,
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
    let (environment, setup) = (Environment::read(), bench.setup());
    bench.say(|| format!("{}{}", environment.text(), setup.text()));
    let result = bench.measure()?;
    let report = Report {
        environment,
        setup,
        result,
        stopped: bench.stop.is_set(),
    };
    if args.json {
        let json = serde_json::to_string(&report).context(|| "cannot write the report as JSON".to_owned())?;
        println!("{json}");
    }
    bench.say(|| match (report.stopped, args.keep) {
        (true, _) => "stopped before the end: the figures are those of a part\n".to_owned(),
        (false, true) => format!("the journals are kept in {}\n", bench.folder.path().display()),
        (false, false) => String::new(),
    });
    Ok(!report.stopped)
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
        })
    }

    fn measure(&self) -> Outcome<ModeReport> {
        Ok(match self.args.mode {
            PipelineMode::Throughput => ModeReport::Throughput {
                runs: throughput::run(self)?,
            },
            PipelineMode::OpenLoop => ModeReport::OpenLoop {
                runs: open_loop::run(self)?,
            },
            PipelineMode::Lone => ModeReport::Lone {
                result: lone::run(self)?.map(Box::new),
            },
        })
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

    fn setup(&self) -> Setup {
        let threads = self.options.cores.describe();
        let threads: Vec<String> = threads
            .iter()
            .map(|(name, _, core)| match core {
                Some(core) => format!("{name} on core {core}"),
                None => format!("{name} unpinned"),
            })
            .collect();
        Setup {
            flow: flow::name(self.args.flow),
            threads: threads.join(", "),
            idle: self.args.idle.name(),
            input_ring: self.options.input_ring,
            output_ring: self.options.output_ring,
            folder: self.folder.path().display().to_string(),
            file_system: self.folder.file_system(),
        }
    }

    /// Prints text for a person, unless JSON is asked for.
    fn say(&self, text: impl FnOnce() -> String) {
        if !self.args.json {
            print!("{}", text());
        }
    }
}

impl Setup {
    fn text(&self) -> String {
        format!(
            "threads  {} (the client)\nidle     {}; the client never sleeps\nrings    {} in, {} out\n\
             disk     {}, {}\nflow     {}\n",
            self.threads,
            self.idle,
            self.input_ring,
            self.output_ring,
            self.file_system,
            self.folder,
            self.flow
        )
    }
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

    #[test]
    fn no_command_is_lost_between_the_rings_and_the_journal_says_the_same() {
        check(
            "--commands 5000 --digest --durability fsync,page-cache,memory --input-ring 256 --output-ring 256",
            |bench| {
                let runs = throughput::run(bench).expect("three runs");
                assert_eq!(runs.len(), 3);
                for run in &runs {
                    assert_eq!(run.commands, 5_000, "{}", run.durability);
                    assert_eq!(run.events_digest, runs[0].events_digest);
                    assert_eq!(
                        (run.events, run.last_sequence),
                        (runs[0].events, runs[0].last_sequence)
                    );
                    let dir = bench.folder.of(run.durability);
                    let Some(journal) = &run.journal else {
                        assert_eq!((run.durability, dir.exists()), ("memory", false));
                        continue;
                    };
                    let replayed = hoga::replay::replay(
                        &dir,
                        &hoga::replay::Scope {
                            events: true,
                            ..Default::default()
                        },
                    );
                    let replayed = replayed.expect("a journal");
                    assert_eq!(replayed.events_digest, run.events_digest);
                    assert_eq!(replayed.last_sequence, run.last_sequence);
                    assert_eq!(journal.records, 5_000);
                    assert!(
                        f64::from(journal.largest_batch) >= journal.mean_batch
                            && journal.largest_batch <= 256
                    );
                    assert!(journal.bytes_per_command >= journal.record_bytes_per_command);
                    assert!(
                        run.threads.iter().any(|thread| thread.name == "client"),
                        "no client"
                    );
                }
                let again = throughput::run(bench)
                    .map(|_| ())
                    .expect_err("the journals stand");
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
        for (options, rows) in cases {
            check(options, |bench| {
                bench.stop.set();
                let got = match bench.args.mode {
                    PipelineMode::Lone => usize::from(lone::run(bench).expect("nothing").is_some()),
                    PipelineMode::OpenLoop => open_loop::run(bench).expect("a part").len(),
                    PipelineMode::Throughput => throughput::run(bench).expect("a part").len(),
                };
                assert_eq!(got, rows, "{options}");
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
                let runs = open_loop::run(bench).expect("a run");
                let run = &runs[0].trials[0];
                assert_eq!((run.latency.count, run.clock_alone.count), (2_000, 2_000));
                for row in [&run.latency, &run.clock_alone] {
                    let quantiles = [row.p50_ns, row.p90_ns, row.p99_ns, row.p999_ns, row.p9999_ns];
                    assert!(quantiles.is_sorted() && row.p9999_ns <= row.max_ns, "{row:?}");
                }
                assert!(run.reached > 0.0 && run.latency.p50_ns > 0);
            });
        }
    }

    #[test]
    fn a_lone_command_is_compared_with_a_write_of_as_many_bytes_as_its_frame() {
        check("--mode lone --blocks 3 --block 40", |bench| {
            let compared = lone::run(bench).expect("a run").expect("three blocks");
            assert_eq!(compared.rows.each_ref().map(|row| row.count), [120; 3]);
            assert_eq!((compared.blocks, compared.frame_bytes), (3, 512));
            let [least, median, most] = compared.ratio_of_blocks;
            assert!(least <= median && median <= most, "{least} {median} {most}");
        });
        check("--mode lone --idle spin", |bench| {
            let error = lone::run(bench)
                .map(|_| ())
                .expect_err("two pipelines would spin");
            assert!(error.to_string().contains("--idle"), "{error}");
        });
    }

    #[test]
    fn json_names_every_figure() {
        check("--commands 1000 --durability memory --json", |bench| {
            let report = Report {
                environment: Environment::read(),
                setup: bench.setup(),
                result: bench.measure().expect("a run"),
                stopped: false,
            };
            let json = serde_json::to_value(&report).expect("JSON");
            assert_eq!(
                (&json["mode"], &json["runs"][0]["commands"]),
                (&"throughput".into(), &1_000.into())
            );
            assert!(json["environment"]["cpu"].is_string() && json["setup"]["threads"].is_string());
        });
    }
}
