//! `hoga-perf`: drives Hoga with order flow, measures it, and says what came out.

mod cli;

mod feed;

mod wire;

mod fanout;

mod soak;

mod beside;

mod attack;

mod matcher;

mod pipeline;

mod compare;

mod gate;

mod flow;

mod lobster;

mod script;

mod grid;

mod tally;

mod report;

mod recording;

mod jitter;

mod schedule;

mod results;

mod orders;

mod message;

mod state;

mod client;

mod crowd;

mod host;

mod process;

mod scrape;

mod environment;

mod placing;

mod threads;

mod folder;

mod files;

mod raw_disk;

mod progress;

mod failure;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Mode};

fn main() -> ExitCode {
    let outcome = match Cli::parse().mode {
        Mode::Feed(args) => feed::run(&args),
        Mode::Wire(args) => wire::run(&args),
        Mode::Fanout(args) => fanout::run(&args),
        Mode::Floor(args) => fanout::run_floor(&args),
        Mode::Soak(args) => soak::run(&args),
        Mode::Beside(args) => beside::run(&args),
        Mode::Attack(args) => attack::run(&args),
        Mode::Matcher(args) => matcher::run(&args),
        Mode::Pipeline(args) => pipeline::run(&args),
        Mode::Compare(args) => compare::run(&args),
        Mode::Gate(args) => gate::run(&args),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("hoga-perf: {failure}");
            ExitCode::from(2)
        }
    }
}
