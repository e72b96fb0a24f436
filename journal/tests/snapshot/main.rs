//! Snapshots from outside: what is believed, what is refused, and what stands after a failure or a crash.

#[allow(dead_code, reason = "the journal's tests use all of it")]
#[path = "../journal/sim.rs"]
mod sim;

#[allow(dead_code, reason = "the journal's tests use all of it")]
#[path = "../journal/support.rs"]
mod support;

mod making;
mod reads;

mod disk;
mod sections;
mod writing;

mod crashes;
mod faults;
mod standing;

mod prune;

mod damage_table;
mod forged;
mod harm;
