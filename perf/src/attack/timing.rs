//! How long the exchange takes to refuse, which must tell nobody which keys there are.

use std::time::Instant;

use super::arena::{Arena, ORDER, ORDERS, Signer, alike, now_ms, request};
use super::table::{Attack, line};
use super::wire::Wire;
use crate::failure::Outcome;

/// Requests of each kind.
const ROUNDS: usize = 2_000;

/// Rounds from one address.
const ROUNDS_OF_ADDRESS: usize = 400;

/// The attacks.
pub const TABLE: &[Attack] = &[
    line(
        "a known key against an unknown one",
        "wrong signatures under either id, in turns, 2,000 times; medians are told, and not judged",
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
    line(
        "an unknown key against another one",
        "the same of two unknown ids: what differs here is noise, and what the two above are held against",
        "401 bad_signature",
        |arena| {
            let other = Signer::new(10);
            compare(
                arena,
                "an unknown key",
                &arena.keys.unknown,
                "another one",
                &other,
            )
        },
    ),
];

fn compare(arena: &Arena, name: &str, one: &Signer, other_name: &str, other: &Signer) -> Outcome<String> {
    let mut wire = arena.connect()?;
    let (mut times, mut answers) = ([Vec::new(), Vec::new()], Vec::new());
    for round in 0..ROUNDS {
        // From another address before this one has sent as many as it may.
        if round % ROUNDS_OF_ADDRESS == ROUNDS_OF_ADDRESS - 1 {
            wire = arena.connect()?;
        }
        // Which of the two goes first changes, too.
        for turn in [round % 2, 1 - round % 2] {
            let (took, told) = refuse(&mut wire, [one, other][turn]);
            times[turn].push(took);
            answers.push(told);
        }
    }
    let [one, other] = times.map(|mut times| {
        times.sort_unstable();
        // The tenth part is what it takes where nothing sleeps; the median lies now among those and now among the others.
        [10, 2].map(|part| times.get(times.len() / part).copied().unwrap_or_default())
    });
    arena.note(format!(
        "{name}: a tenth refused within {} ns, half within {} ns; {other_name}: {} ns, {} ns; a difference of {} ns and {} ns",
        one[0],
        one[1],
        other[0],
        other[1],
        one[0] as i64 - other[0] as i64,
        one[1] as i64 - other[1] as i64
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
