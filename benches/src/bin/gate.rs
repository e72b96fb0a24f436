//! The instruction gate's driver: `gate FLOW MESSAGES` applies a small generated flow and prints what the applying
//! allocated. `scripts/gate.sh` runs it under callgrind, which counts the instructions of [`measured`] alone.

use std::hint::black_box;
use std::process::ExitCode;

use hoga_benches::FlowKind;
use hoga_engine::Engine;
use hoga_protocol::{Command, Nanos, Sequence};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let flow = arguments.next().map(|name| name.parse::<FlowKind>());
    let messages = arguments.next().map(|count| count.parse::<usize>());
    let (Some(Ok(kind)), Some(Ok(messages))) = (flow, messages) else {
        let names = FlowKind::ALL.map(FlowKind::name).join("|");
        eprintln!("usage: gate {names} MESSAGES");
        return ExitCode::from(2);
    };
    let flow = kind.make(messages);
    let mut engine = flow.engine();
    let heap = allocation_counter::measure(|| {
        for (timestamp, command) in &flow.steady {
            let sequence = engine.last_sequence().next();
            measured(&mut engine, sequence, *timestamp, command);
        }
    });
    println!(
        "{} {} messages {} allocations",
        kind.name(),
        flow.steady.len(),
        heap.count_total
    );
    ExitCode::SUCCESS
}

/// What callgrind counts: one command, its events handed to somebody who does nothing with them.
#[inline(never)]
fn measured(engine: &mut Engine, sequence: Sequence, timestamp: Nanos, command: &Command) {
    engine.apply(sequence, timestamp, command, &mut |event| {
        black_box(event);
    });
}
