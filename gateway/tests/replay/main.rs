//! The wire, byte for byte: recorded sessions are played to a gateway whose clock stands still until a session moves it, and every
//! byte that comes back is compared with a recording.
//!
//! `sessions/` has what is sent, in the lines that `script.rs` explains; `recorded/` has what came back, step by step. A change of
//! the wire that is meant shows as a change of the recordings: `REPLAY_RECORD=1 cargo test -p hoga-gateway --test replay` writes them
//! anew, and a second run without it also judges their coverage.

#[path = "../common/mod.rs"]
mod common;

mod binary;

mod connection;

mod coverage;

mod player;

mod recording;

mod script;

mod settings;

mod stage;

/// A test for each session, so that one difference does not hide the next.
macro_rules! sessions {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            recording::check(stringify!($name), include_str!(concat!("sessions/", stringify!($name), ".txt")));
        })*
        /// Their names.
        const SESSIONS: &[&str] = &[$(stringify!($name)),*];
    };
}

sessions! {
    administration
    authentication
    cancels
    entry_over_http
    entry_over_websocket
    formats
    frames
    http_rules
    lifecycle
    limits
    market_data
    queries
    rejections
    streams
}

#[test]
fn every_error_code_and_reason_is_recorded_or_known_to_be_out_of_reach() {
    coverage::check(SESSIONS);
}
