//! What is tried, and what the exchange is to answer: each line of the table in `docs/attacks.md`, which a test holds equal to
//! these.

use super::arena::Arena;
use super::{
    administration, bodies, floods, frames, greetings, handshakes, headers, keys, lengths, pages, paths,
    rates, signatures, slowness, timing,
};
use crate::failure::Outcome;

/// One thing that a stranger may try.
pub struct Attack {
    /// Names it; no two are alike.
    pub name: &'static str,
    /// What is sent.
    pub sent: &'static str,
    /// What must come of it, in the words that [`Wire`](super::wire::Wire) and [`Socket`](super::socket::Socket) tell it by.
    pub answer: &'static str,
    /// Tries it, and tells what came of it.
    pub attempt: Attempt,
}

/// Tries something, and tells what came of it.
pub type Attempt = fn(&Arena) -> Outcome<String>;

/// Attacks of one kind.
pub struct Section {
    /// Its heading.
    pub name: &'static str,
    /// Whether its attacks disturb each other, and so are made one after the other.
    pub alone: bool,
    /// They.
    pub attacks: &'static [Attack],
}

/// All of them, in the order in which they are made.
pub const TABLE: [Section; 15] = [
    section("Signatures", false, signatures::TABLE),
    section("Keys and accounts", false, keys::TABLE),
    section("First messages", false, greetings::TABLE),
    section("Timing of keys", true, timing::TABLE),
    section("Lengths of bodies", false, lengths::TABLE),
    section("Heads", false, headers::TABLE),
    section("Bodies", false, bodies::TABLE),
    section("Paths", false, paths::TABLE),
    section("Handshakes", false, handshakes::TABLE),
    section("Frames", false, frames::TABLE),
    section("Web pages", false, pages::TABLE),
    section("Administration", false, administration::TABLE),
    section("Slowness", false, slowness::TABLE),
    section("Floods", true, floods::TABLE),
    section("Rates", true, rates::TABLE),
];

const fn section(name: &'static str, alone: bool, attacks: &'static [Attack]) -> Section {
    Section { name, alone, attacks }
}

/// A line of the table.
pub const fn line(name: &'static str, sent: &'static str, answer: &'static str, attempt: Attempt) -> Attack {
    Attack {
        name,
        sent,
        answer,
        attempt,
    }
}
