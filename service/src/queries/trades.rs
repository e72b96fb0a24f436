//! Trades of an instrument, the oldest first.

use hoga_protocol::InstrumentId;
use hoga_views::Views;

use super::Walk;
use super::progress::Progress;
use crate::reject::{InvalidPlace, Reject};

/// Trades of an instrument.
#[derive(Clone, Copy, Debug)]
pub struct Trades {
    /// Which.
    pub instrument: InstrumentId,
    /// Which way.
    pub walk: Walk,
}

impl Trades {
    /// The aggressor's execution stands for the trade.
    pub(super) fn look(&self, progress: &mut Progress, views: &Views, most: usize) -> bool {
        progress.look_at_executions(
            views.executions(),
            self.instrument,
            self.walk,
            most,
            |execution| execution.number.is_multiple_of(2),
        )
    }
}

/// The number of the first execution behind trade `trade`, which a client has seen.
///
/// # Errors
/// [`InvalidPlace::UnknownTrade`], or [`InvalidPlace::TradeTooOld`] naming the earliest that can be named.
pub fn behind_trade(trade: u64, views: &Views) -> Result<u64, Reject> {
    let executions = views.executions();
    let next = trade.saturating_add(1).saturating_mul(2);
    if next > executions.next() {
        return Err(Reject::Place(InvalidPlace::UnknownTrade(trade)));
    }
    if next < executions.first() {
        return Err(Reject::Place(InvalidPlace::TradeTooOld {
            after: trade,
            earliest: executions.first() / 2 - 1,
        }));
    }
    Ok(next)
}
