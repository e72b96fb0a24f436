//! A journal, an engine and views, and nothing between: what recovery, replay and the follower of a running exchange
//! have in common.
//!
//! A [`Replica`] is the state that a journal comes to. [`Recovery`] finds one for a journal, from the newest snapshot
//! that can be believed and the records behind it. A [`Follower`] keeps one beside a running exchange, so that what
//! takes time (snapshots, checks, compression) never touches a ring:
//!
//! ```text
//!   journal files ──► Follow ──► Replica (engine.apply, views.fold) ──► checkpoints compared
//!                                        │
//!                                        └──► snapshots/…​.snapshot   (engine, views; verified, the newest kept)
//! ```
//!
//! Everything here reads the journal alone. There is no socket, no ring and no clock: time comes as an argument.

mod replica;

mod spread;

mod image;

mod recovery;

mod follower;

pub use follower::{Compression, FollowError, Follower, FollowerOptions, Lag, Progress};
pub use image::{SNAPSHOT_ENGINE, SNAPSHOT_VIEWS, restore, take};
pub use recovery::{Base, Recovery};
pub use replica::{ApplyError, Replica, decode};
pub use spread::{Spread, spread};
