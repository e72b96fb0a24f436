//! What an image has told so far, and what the rest of it must keep to.

use hoga_protocol::codec::ImageError;
use hoga_protocol::{AccountId, Event, InstrumentId, InstrumentSpec, Nanos, Sequence};

use crate::image::must;
use crate::registry::{Accounts, Instruments};

/// What an image has told before its orders and trades, and what these must keep to.
pub(crate) struct Known<'a> {
    pub(crate) instruments: &'a Instruments,
    pub(crate) accounts: &'a Accounts,
    /// The last event.
    pub(crate) sequence: Sequence,
    pub(crate) index: u32,
    pub(crate) timestamp: Nanos,
}

impl Known<'_> {
    pub(crate) fn instrument(&self, id: InstrumentId) -> Result<&InstrumentSpec, ImageError> {
        self.instruments.get(id).ok_or(ImageError::BadValue("instrument"))
    }

    pub(crate) fn account(&self, id: AccountId) -> Result<(), ImageError> {
        must(self.accounts.get(id).is_some(), "account")
    }

    /// Whether there was such an event.
    pub(crate) fn event(&self, sequence: Sequence, index: u32) -> Result<(), ImageError> {
        must(sequence.0 >= 1, "sequence")?;
        must((sequence, index) <= (self.sequence, self.index), "sequence")?;
        must(index <= Event::MAX_INDEX, "index")
    }

    pub(crate) fn time(&self, timestamp: Nanos) -> Result<(), ImageError> {
        must(timestamp <= self.timestamp, "timestamp")
    }
}
