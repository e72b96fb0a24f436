//! Instruments in the order of their definition.

use hoga_protocol::{InstrumentId, Symbol};
use hoga_views::Views;

use super::progress::Progress;
use crate::reject::Reject;

/// The instrument of that symbol.
///
/// # Errors
/// [`Reject::UnknownSymbol`].
pub fn find_instrument(symbol: &Symbol, views: &Views) -> Result<InstrumentId, Reject> {
    let found = views.instruments().by_symbol(symbol);
    found.ok_or(Reject::UnknownSymbol(*symbol))
}

pub(super) fn look(progress: &mut Progress, views: &Views, most: usize) -> bool {
    let all = views.instruments().len() as u64;
    let from = progress.place.min(all);
    let wanted = most.min(progress.limit - progress.found.len());
    let end = all.min(from + wanted as u64);
    progress.found.extend(from..end);
    progress.looked_at += (end - from) as usize;
    progress.place = end;
    end == all
}
