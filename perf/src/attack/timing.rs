//! How long the exchange takes to refuse, which must tell nobody which keys there are.

use std::time::Instant;

use super::arena::{Arena, ORDER, ORDERS, Signer, alike, now_ms, request};
use super::table::{Attack, line};
use super::wire::Wire;
use crate::failure::Outcome;

/// Requests of each kind.
const ROUNDS: usize = 400;

/// The attacks.
pub const TABLE: &[Attack] = &[
    line(
        "a known key against an unknown one",
        "wrong signatures under either id, in turns; medians are told, and not judged",
        "401 bad_signature",
        |arena| {
            compare(
                arena,
                "a known key",
                &arena.keys.trader,
                "an unknown one",
                &arena.keys.unknown,
            )
        },
    ),
    line(
        "a revoked key against an unknown one",
        "wrong signatures under either id, in turns",
        "401 bad_signature",
        |arena| {
            compare(
                arena,
                "a revoked key",
                &arena.keys.revoked,
                "an unknown one",
                &arena.keys.unknown,
            )
        },
    ),
];

fn compare(arena: &Arena, name: &str, one: &Signer, other_name: &str, other: &Signer) -> Outcome<String> {
    let mut wire = arena.connect()?;
    let (mut times, mut answers) = ([Vec::new(), Vec::new()], Vec::new());
    for round in 0..ROUNDS {
        // Which of the two goes first changes, too.
        for turn in [round % 2, 1 - round % 2] {
            let (took, told) = refuse(&mut wire, [one, other][turn]);
            times[turn].push(took);
            answers.push(told);
        }
    }
    let [one, other] = times.map(median);
    arena.note(format!(
        "{name}: refused in {one} ns, {other_name}: in {other} ns, a difference of {} ns (medians of {ROUNDS})",
        one as i64 - other as i64
    ));
    Ok(alike(answers))
}

/// A wrong signature: how many nanoseconds the answer took, and what it was.
fn refuse(wire: &mut Wire, signer: &Signer) -> (u64, String) {
    let mut sign = signer.sign_at(now_ms(), "POST", ORDERS, ORDER.as_bytes());
    sign.signature[20] ^= 1;
    let bytes = request("POST", ORDERS, ORDER.as_bytes(), &sign.headers());
    let begin = Instant::now();
    wire.send(bytes);
    let answer = wire.answer();
    let took = begin.elapsed().as_nanos() as u64;
    (
        took,
        answer.map_or_else(|| "closed".to_owned(), |answer| answer.text()),
    )
}

fn median(mut times: Vec<u64>) -> u64 {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
