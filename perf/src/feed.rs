//! `feed`: a file of order flow through an engine or a running exchange, judged by what is known of the file.

mod engine;

mod exchange;

use std::path::Path;

use crate::cli::{FeedArgs, Format};
use crate::failure::{Context, Failure, Outcome};
use crate::grid::Grid;
use crate::progress::Stop;
use crate::report::{self, Report};
use crate::script::Script;
use crate::tally::Run;
use crate::{flow, lobster};

/// Runs the command; `Ok(false)` when a figure is not what it must be, or the run was cut short.
///
/// # Errors
/// When the file cannot be read, or the exchange cannot be driven.
pub fn run(args: &FeedArgs) -> Outcome<bool> {
    let stop = Stop::on_ctrl_c()?;
    let grid = Grid::new(args.format, args.symbol.as_deref())?;
    let (steps, run, mut report) = match args.format {
        Format::Flow => {
            let script = flow::read(&args.file)?;
            let want = report::flow_expectation(&args.file)?;
            let run = drive(args, &script, &grid, &stop)?;
            let mut report = report::flow(&run, want.as_ref());
            if want.is_none() {
                report.note("no .expect.txt beside the file: nothing to compare with");
            }
            if args.address.is_none() && run.done == script.actions.len() {
                time(args.passes, &script, &grid, &run, &mut report)?;
            }
            (script.actions.len(), run, report)
        }
        Format::Lobster => {
            let hour = lobster::read(&args.file)?;
            let run = drive(args, &hour.script, &grid, &stop)?;
            let report = report::lobster(&hour, &run, fingerprint(&args.file)?);
            (hour.script.actions.len(), run, report)
        }
    };
    if run.done < steps {
        report.compare_nothing();
    }
    run.notes.iter().for_each(|note| report.note(note));
    print!(
        "{}: {} of {steps} steps\n{}",
        args.file.display(),
        run.done,
        report.text()
    );
    Ok(verdict(&report, run.done == steps))
}

fn drive(args: &FeedArgs, script: &Script, grid: &Grid, stop: &Stop) -> Outcome<Run> {
    match &args.address {
        None => engine::run(script, grid, stop),
        Some(address) => exchange::run(script, grid, address, args, stop),
    }
}

fn time(passes: u32, script: &Script, grid: &Grid, run: &Run, report: &mut Report) -> Outcome<()> {
    let mut means = Vec::new();
    for _ in 0..passes {
        let timing = engine::time(script, grid)?;
        if timing.trades != run.summaries().1 {
            return Err(Failure::new(
                "the timed pass traded otherwise than the checked one",
            ));
        }
        means.push(timing.mean_ns);
    }
    means.sort_by(f64::total_cmp);
    if let (Some(least), Some(most)) = (means.first(), means.last()) {
        report.note(format!(
            "engine alone: {:.0} ns per command in the median of {passes} passes ({least:.0} to {most:.0}; indicative)",
            means[means.len() / 2],
        ));
    }
    Ok(())
}

fn fingerprint(file: &Path) -> Outcome<u64> {
    let bytes = std::fs::read(file).context(|| format!("cannot read {}", file.display()))?;
    Ok(report::fingerprint(&bytes))
}

fn verdict(report: &Report, whole: bool) -> bool {
    let (compared, differences) = (report.compared(), report.differences());
    match (whole, compared, differences) {
        (false, ..) => println!("stopped before the end: the figures are those of a part"),
        (true, 0, _) => println!("done"),
        (true, _, 0) => println!("done: all {compared} figures that are known agree"),
        (true, ..) => println!("WRONG: {differences} of {compared} known figures differ"),
    }
    whole && differences == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Mode};
    use crate::flow::tests::{Row, script};
    use crate::script::{Action, Placing};
    use crate::tally::{Summary, Trade};
    use clap::Parser;
    use hoga_protocol::Side;

    fn check(fill: u64, rows: &[Row], trades: &[(u32, u32, u64, u64)], fill_trades: usize) -> Run {
        let script = script(fill, rows);
        let grid = Grid::new(Format::Flow, None).expect("a grid");
        let run = engine::run(&script, &grid, &Stop::default()).expect("a run");
        let want: Vec<Trade> = trades
            .iter()
            .map(|&(aggressor, resting, price, quantity)| Trade {
                aggressor,
                resting,
                price,
                quantity,
            })
            .collect();
        assert_eq!(run.trades, want);
        assert_eq!(run.fill_trades, fill_trades);
        let timing = engine::time(&script, &grid).expect("a timed run");
        assert_eq!(timing.trades, Summary::of(&want[fill_trades..]));
        run
    }

    #[test]
    fn a_reduction_keeps_the_place_and_a_move_loses_it() {
        let rows = [
            (1, 1, 5, 1, 100, 0),
            (1, 1, 5, 2, 100, 0),
            (4, 1, 2, 1, 100, 5),
            (2, 0, 1, 3, 200, 0),
            (5, 1, 2, 1, 101, 2),
            (5, 1, 2, 1, 100, 2),
            (2, 0, 6, 4, 200, 0),
        ];
        let trades = [(3, 1, 100, 1), (4, 2, 100, 5), (4, 1, 100, 1)];
        let run = check(2, &rows, &trades, 0);
        assert_eq!((run.book.sides[1].orders, run.book.sides[1].lots), (1, 1));
    }

    #[test]
    fn a_trade_of_the_fill_does_not_count_after_it() {
        let rows = [
            (1, 0, 3, 1, 100, 0),
            (1, 1, 1, 2, 100, 0),
            (1, 1, 1, 3, 100, 0),
            (4, 0, 1, 1, 100, 1),
            (1, 0, 4, 4, 99, 0),
            (1, 1, 2, 5, 105, 0),
            (5, 1, 2, 5, 99, 2),
        ];
        let run = check(2, &rows, &[(2, 1, 100, 1), (3, 1, 100, 1), (5, 4, 99, 2)], 1);
        assert_eq!(run.not_live, 0);
        assert_eq!(run.book.best, [Some("99".to_owned()), None]);
        assert_eq!((run.book.sides[0].lots, run.book.sides[0].levels), (2, 1));
    }

    /// Places, immediate orders, moves, and cancels and reductions of any order, dead ones too.
    fn random_script(seed: u64, steps: usize) -> Script {
        let mut state = seed;
        let mut below = |bound: u32| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            ((state >> 33) as u32) % bound
        };
        let mut script = Script {
            fill: steps / 4,
            ..Script::default()
        };
        while script.actions.len() < steps {
            let any = 1 + below(script.orders.max(1));
            let action = match below(10) {
                0 | 1 if script.orders > 0 => Action::Cancel(any),
                2 | 3 if script.orders > 0 => Action::Reduce {
                    order: any,
                    by: 1 + below(5),
                    remaining: None,
                },
                kind => {
                    script.orders += 1;
                    Action::Place(Placing {
                        order: script.orders,
                        side: if below(2) == 0 { Side::Buy } else { Side::Sell },
                        price: 95 + below(11),
                        quantity: 1 + below(9),
                        immediate: kind == 4,
                    })
                }
            };
            script.actions.push(action);
            if below(20) == 0 {
                // Far below the market it certainly lives, so it may be moved, and in the end into the market.
                script.orders += 1;
                let order = script.orders;
                let placing = Placing {
                    order,
                    side: Side::Buy,
                    price: 10,
                    quantity: 3,
                    immediate: false,
                };
                script.actions.push(Action::Place(placing));
                script
                    .actions
                    .extend([11, 12, 100].map(|price| Action::Move { order, price }));
            }
        }
        script
    }

    #[test]
    fn a_running_exchange_does_not_trade_otherwise_than_the_engine_alone() {
        let seed = std::env::var("HOGA_SEED")
            .ok()
            .and_then(|seed| seed.parse().ok())
            .unwrap_or(20_120_621);
        println!("HOGA_SEED={seed}");
        let folder = tempfile::tempdir().expect("a folder");
        let file = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/feed.toml"));
        let flags = "listen = \"127.0.0.1:0\"\ndurability = \"memory\"\n[threads]\nidle = \"park\"";
        let config = hoga::config::Config::load(Some(file), [], flags.parse().expect("flags"));
        let config = config.expect("perf/feed.toml is a configuration");
        let stores = hoga::recovery::Stores::new(folder.path());
        let exchange = hoga::serve::Exchange::start(&config, &stores, &mut |_| {}).expect("an exchange");

        let cli = |format| match Cli::parse_from(["hoga-perf", "feed", format, "unused"]).mode {
            Mode::Feed(args) => args,
            _ => unreachable!("the mode is named above"),
        };
        let address = exchange.address.to_string();
        for (format, name) in [(Format::Flow, "flow"), (Format::Lobster, "lobster")] {
            let grid = Grid::new(format, None).expect("a grid");
            let script = random_script(seed, 3_000);
            let want = engine::run(&script, &grid, &Stop::default()).expect("a run");
            let args = cli(name);
            let got = exchange::run(&script, &grid, &address, &args, &Stop::default()).expect("a run");
            assert!(want.trades.len() > 300 && want.not_live > 100 && want.fill_trades > 50);
            assert_eq!(
                (got.done, got.not_live, got.fill_trades),
                (want.done, want.not_live, want.fill_trades)
            );
            assert_eq!(got.trades, want.trades);
            assert_eq!(got.book, want.book);
            let again = exchange::run(&script, &grid, &address, &args, &Stop::default());
            let error = again.expect_err("the book is not empty").to_string();
            assert!(error.contains("is not empty"), "{error}");
        }
        exchange.stop();
    }

    #[test]
    fn the_lobster_hour_does_not_differ_from_what_is_known_of_it() {
        let file = Path::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../shared/data/lobster/AAPL_2012-06-21_34200000_37800000_message_50.csv"
        ));
        if !file.exists() {
            println!("skipped: LOBSTER's sample hour is not beside this checkout");
            return;
        }
        let hour = lobster::read(file).expect("a message file");
        let grid = Grid::new(Format::Lobster, None).expect("a grid");
        let run = engine::run(&hour.script, &grid, &Stop::default()).expect("a run");
        let report = report::lobster(&hour, &run, fingerprint(file).expect("a file"));
        assert_eq!(
            (report.compared(), report.differences()),
            (14, 0),
            "\n{}",
            report.text()
        );
    }

    #[test]
    fn a_generated_flow_does_not_differ_from_its_sidecar() {
        let Some(files) = std::env::var_os("FLOW_FILES") else {
            println!("skipped: FLOW_FILES names no generated flow (FILE:FILE, each with its .expect.txt)");
            return;
        };
        for file in std::env::split_paths(&files) {
            let script = flow::read(&file).expect("a flow file");
            let want = report::flow_expectation(&file).expect("a sidecar");
            let want = want.expect("a generated flow has a sidecar");
            let grid = Grid::new(Format::Flow, None).expect("a grid");
            let run = engine::run(&script, &grid, &Stop::default()).expect("a run");
            let report = report::flow(&run, Some(&want));
            assert_eq!(
                (report.compared(), report.differences()),
                (14, 0),
                "\n{}",
                report.text()
            );
        }
    }
}
