//! Armings: what an account wants canceled when its owner can no longer be heard.
//!
//! An arming stands in the journal, so that whoever recovers it knows of every session and every deadline that was to be
//! watched, and can cancel before it takes anybody in. The engine cancels nothing by itself: who watches sends a
//! [`CancelAll`](crate::CancelAll) for the account until nothing is left, and then the [`Disarm`]. Dying between the two
//! leaves an arming whose orders are gone, and the next one to watch does both again, which changes nothing more.

use crate::ids::{AccountId, Sequence};
use crate::units::Nanos;

/// When an armed account's orders are to be canceled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArmCause {
    /// When the session that armed is lost.
    Disconnect,
    /// At this time of the exchange, unless another deadline takes its place before.
    Deadline(Nanos),
}

/// Arms an account; the command's sequence names the arming. An account has at most one deadline: a new one takes the
/// place of the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arm {
    /// Whose orders.
    pub account: AccountId,
    /// When.
    pub cause: ArmCause,
}

impl Arm {
    /// The most armings of one account.
    pub const MAX_PER_ACCOUNT: u32 = 1_024;
    /// How many armings every account may have, whatever other accounts do: a deadline and a session.
    pub const PER_ACCOUNT: u32 = 2;
    /// How many more all accounts together may have. An arming is a promise to cancel, so none is given up for another:
    /// when there are as many, the next one is refused.
    pub const MAX_SHARED: u32 = 65_536;
}

/// Ends an arming: its session went in peace, or its account's orders have been canceled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disarm {
    /// Whose arming it must be.
    pub account: AccountId,
    /// Which: the sequence of its [`Arm`].
    pub arming: Sequence,
}
