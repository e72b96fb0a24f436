//! `matcher`: generated flows through an engine in this process, without socket, journal or view; and with every
//! event handed to another core.

mod alone;

mod handoff;

mod table;

use std::time::Duration;

use hoga::cores;
use hoga_benches::{Flow, FlowKind};

use crate::cli::{Flows, MatcherArgs};
use crate::environment::Environment;
use crate::failure::{Failure, Outcome};
use crate::placing;
use crate::progress::{Stop, bar};
use crate::recording::Recording;
use crate::results::Results;
use alone::Alone;
use table::Row;

/// How many commands are timed together: the clock resolves tens of nanoseconds, one command takes about as many. The
/// exchange's matcher takes as many between two looks at its consumer.
const BLOCK: usize = 64;

/// Runs the command; `Ok(false)` when it was cut short.
///
/// # Errors
/// When a pass came to another hash than the one before it, or a thread cannot be started.
pub fn run(args: &MatcherArgs) -> Outcome<bool> {
    let stop = Stop::on_ctrl_c()?;
    let environment = Environment::read();
    print!("{}", environment.text());
    // The first core takes the interrupts of most machines, so the engine is put on the last.
    let all = core_affinity::get_core_ids().unwrap_or_default();
    let (engine, consumer) = (all.last().copied(), all.first().copied());
    cores::pin(engine.map(|core| core.id));
    let placed = placing::text(&placing::own("engine").into_iter().collect::<Vec<_>>());
    println!("pinning    {placed}");
    let (mut rows, mut measured) = (Vec::new(), Vec::new());
    for kind in chosen(&args.flow) {
        if stop.is_set() {
            break;
        }
        eprintln!("making flow {}", kind.name());
        let flow = kind.make(args.messages as usize);
        println!("\n{}: {}\n{}", kind.name(), kind.about(), flow.facts);
        let (row, blocks) = measure(args, kind, &flow, consumer, &stop)?;
        println!("{}", row.text());
        measured.push(row.measured(blocks));
        rows.push(row);
    }
    print!("\n{}", table::table(&rows));
    let handoff = if args.handoff {
        "to a thread on another core"
    } else {
        "to a hash on the same core"
    };
    let results = Results {
        bench: "matcher",
        environment,
        setup: vec![
            ("pinning", placed),
            (
                "commands",
                format!("in blocks of {BLOCK}, each block under the clock"),
            ),
            ("events", handoff.to_owned()),
        ],
        rows: measured,
        notes: vec![format!(
            "Each value is the time of {BLOCK} commands together, told per command; the clock is read once a block."
        )],
        stopped: stop.is_set(),
    };
    let folder = results.write(args.out.as_deref())?;
    print!("{}", results.farewell(&folder));
    Ok(!results.stopped)
}

/// Each flow once, in the order of the table.
fn chosen(flows: &[Flows]) -> impl Iterator<Item = FlowKind> {
    FlowKind::ALL
        .into_iter()
        .filter(move |&kind| flows.contains(&Flows::All) || flows.contains(&Flows::One(kind)))
}

fn measure(
    args: &MatcherArgs,
    kind: FlowKind,
    flow: &Flow,
    consumer: Option<core_affinity::CoreId>,
    stop: &Stop,
) -> Outcome<(Row, Recording)> {
    let progress = bar(
        u64::from(args.passes) * (1 + u64::from(args.handoff)),
        kind.name(),
    );
    let mut alone = Alone::new(flow);
    let mut handed: Vec<Duration> = Vec::new();
    for _ in 0..args.passes {
        alone.pass(flow, stop)?;
        progress.inc(1);
        if args.handoff && !stop.is_set() {
            let (spent, hash) = handoff::pass(flow, consumer, stop)?;
            if !stop.is_set() {
                if hash != alone.hash {
                    return Err(Failure::new(format!(
                        "flow {}: what the consumer hashed is not what the engine said",
                        kind.name()
                    )));
                }
                handed.push(spent);
            }
            progress.inc(1);
        }
        if stop.is_set() {
            break;
        }
    }
    progress.finish_and_clear();
    Ok((Row::new(kind, flow, &alone, &handed), alone.blocks))
}
