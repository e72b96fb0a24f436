//! `matcher`: generated flows through an engine in this process, without socket, journal or view; and with every
//! event handed to another core.

mod alone;

mod handoff;

mod table;

use std::time::Duration;

use hoga_benches::{Flow, FlowKind};

use crate::cli::{Flows, MatcherArgs};
use crate::environment::Environment;
use crate::failure::{Failure, Outcome};
use crate::progress::{Stop, bar};
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
    print!("{}", Environment::read().text());
    // The first core takes the interrupts of most machines, so the engine is put on the last.
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    let (engine, consumer) = (cores.last().copied(), cores.first().copied());
    let pinned = engine.is_some_and(core_affinity::set_for_current);
    println!(
        "pinned   {}",
        match (pinned, args.handoff && cores.len() > 1) {
            (false, _) => "no: the system does not let us",
            (true, false) => "the engine",
            (true, true) => "the engine and the consumer, a core each",
        }
    );
    let mut rows = Vec::new();
    for kind in chosen(&args.flow) {
        if stop.is_set() {
            break;
        }
        eprintln!("making flow {}", kind.name());
        let flow = kind.make(args.messages as usize);
        println!("\n{}: {}\n{}", kind.name(), kind.about(), flow.facts);
        let row = measure(args, kind, &flow, consumer, &stop)?;
        println!("{}", row.text());
        rows.push(row);
    }
    print!("\n{}", table::table(&rows));
    if stop.is_set() {
        println!("stopped before the end: the figures are those of a part");
    }
    Ok(!stop.is_set())
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
) -> Outcome<Row> {
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
    Ok(Row::new(kind, flow, &alone, &handed))
}
