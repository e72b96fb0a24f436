//! The work of every operation on a full venue: counted, printed beside its bound, and never above it.
//!
//! As a test the venue is about a hundredth of what the default limits allow; `BOUNDS=full`, which scripts/bounds.sh sets,
//! fills it to all of them. Times are printed and not judged.

#[path = "../common/mod.rs"]
mod common;

mod venue;

mod table;

mod commands;

mod requests;

#[test]
fn no_command_on_a_full_venue_does_more_work_than_its_bound() {
    commands::check(&venue::Size::chosen());
}

#[test]
fn no_request_to_a_full_venue_does_more_work_than_its_bound() {
    requests::check(&venue::Size::chosen());
}
