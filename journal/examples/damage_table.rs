//! Prints what opening a journal comes to after every bit of it was flipped, every length cut, every block zeroed,
//! overwritten, swapped and made stale. Ends in exit code 1 if any of it was taken in silence.
//!
//! `cargo run --release -p hoga-journal --example damage_table` takes some minutes; the same cases, sampled, are among the
//! tests.

use std::process::ExitCode;
use std::time::Instant;

use damage_table::{Tally, Verdict, tally};
use harm::{Kind, Reference};

#[allow(dead_code, reason = "the tests use all of it")]
#[path = "../tests/journal/sim.rs"]
mod sim;

#[allow(dead_code, reason = "the tests use all of it")]
#[path = "../tests/journal/support.rs"]
mod support;

#[path = "../tests/journal/harm.rs"]
mod harm;

#[path = "../tests/journal/damage_table.rs"]
mod damage_table;

fn words(kind: Kind) -> &'static str {
    match kind {
        Kind::Flip => "one bit flipped",
        Kind::Truncate => "a file cut off, at every length",
        Kind::Zero => "a block zeroed",
        Kind::Copy => "a block overwritten with another",
        Kind::Swap => "two blocks swapped",
        Kind::Stale => "a block as it was before",
        Kind::Lose => "a file gone",
    }
}

fn heading(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Refused => "refused",
        Verdict::CutLastFrame => "cut as torn: the last frame",
        Verdict::SpareRemoved => "spare removed",
        Verdict::NoEffect => "no effect",
        Verdict::TheRecentPast => "an earlier moment",
        Verdict::Silent => "silently accepted",
    }
}

fn row(label: &str, cells: impl Iterator<Item = String>) -> String {
    let cells: String = cells.map(|cell| format!(" {cell} |")).collect();
    format!("| {label} |{cells}")
}

/// 1234567 as 1,234,567.
fn grouped(count: u64) -> String {
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

fn print_row(label: &str, found: &Tally) {
    let all = std::iter::once(found.iter().sum()).chain(found.iter().copied());
    println!("{}", row(label, all.map(grouped)));
}

fn main() -> ExitCode {
    let start = Instant::now();
    let mut sum = Tally::default();
    for reference in [
        Reference::at_rest(),
        Reference::without_spare(),
        Reference::compressed(),
    ] {
        println!(
            "\n{}: {} files, {} frames, {} records\n",
            reference.name,
            reference.files.len(),
            reference.frames.len(),
            reference.records.len()
        );
        let headings = Verdict::ALL
            .into_iter()
            .map(|verdict| heading(verdict).to_owned());
        println!(
            "{}",
            row("damage", std::iter::once("cases".to_owned()).chain(headings))
        );
        println!("|---|{}", "---:|".repeat(Verdict::ALL.len() + 1));
        for kind in Kind::ALL {
            eprintln!("{}: {} s so far", words(kind), start.elapsed().as_secs());
            let (found, silent) = tally(&reference, kind, &|number| number, reference.cases(kind));
            print_row(words(kind), &found);
            for number in silent {
                eprintln!("silently accepted: {kind:?}, case {number}");
            }
            for (sum, part) in sum.iter_mut().zip(found) {
                *sum += part;
            }
        }
    }
    let silent = sum[Verdict::Silent as usize];
    println!(
        "\n{} damaged journals opened in {} s; silently accepted: {silent}",
        grouped(sum.iter().sum()),
        start.elapsed().as_secs()
    );
    if silent == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
