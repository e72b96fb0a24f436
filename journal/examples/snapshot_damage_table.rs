//! Prints what verifying and opening a snapshot come to after every bit of it was flipped, every length cut, and every
//! block zeroed, overwritten, swapped and made stale. Ends in exit code 1 if any of it was taken in silence.
//!
//! `cargo run --release -p hoga-journal --example snapshot_damage_table` takes some seconds; the same cases, over a
//! smaller snapshot, are among the tests.

use std::process::ExitCode;
use std::time::Instant;

use damage_table::{Tally, tally};
use harm::{Kind, Reference};

#[allow(dead_code, reason = "the tests use all of it")]
#[path = "../tests/journal/sim.rs"]
mod sim;

#[allow(dead_code, reason = "the tests use all of it")]
#[path = "../tests/journal/support.rs"]
mod support;

#[allow(dead_code, reason = "the tests use all of it")]
#[path = "../tests/snapshot/making.rs"]
mod making;

#[path = "../tests/snapshot/harm.rs"]
mod harm;

#[path = "../tests/snapshot/damage_table.rs"]
mod damage_table;

/// The lengths of the reference's sections, in bytes: one without bytes, and blocks that two sections share.
const LENGTHS: [usize; 5] = [9_000, 0, 300, 13_000, 2_111];

fn words(kind: Kind) -> &'static str {
    match kind {
        Kind::Flip => "one bit flipped",
        Kind::Truncate => "cut off, at every length",
        Kind::Extend => "bytes behind its end",
        Kind::Zero => "a block zeroed",
        Kind::Copy => "a block overwritten with another",
        Kind::Swap => "two blocks swapped",
        Kind::Stale => "a block of an earlier snapshot of the journal",
        Kind::Splice => "an earlier snapshot up to a block, or from it on",
    }
}

/// 1234567 as 1,234,567.
fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn main() -> ExitCode {
    let start = Instant::now();
    let reference = Reference::new(&LENGTHS);
    println!(
        "A snapshot of {} bytes, {} sections\n",
        grouped(reference.bytes.len()),
        LENGTHS.len()
    );
    println!("| damage | cases | refused | silently accepted |");
    println!("|---|---:|---:|---:|");
    let mut sum = Tally::default();
    for kind in Kind::ALL {
        let found = tally(&reference, kind);
        let cells = [found.refused + found.silent, found.refused, found.silent].map(grouped);
        println!("| {} | {} |", words(kind), cells.join(" | "));
        sum.refused += found.refused;
        sum.silent += found.silent;
    }
    println!(
        "\n{} damaged snapshots verified and opened in {} s; silently accepted: {}",
        grouped(sum.refused + sum.silent),
        start.elapsed().as_secs(),
        sum.silent
    );
    if sum.silent == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
