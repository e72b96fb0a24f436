//! Order updates of an account.

use hoga_protocol::{AccountId, Sequence};
use hoga_views::Views;

use crate::reject::{InvalidPlace, Reject};

/// The number of the first order update to send to a client of `account` that has seen everything up to `after`: a
/// whole command, or one event of it.
///
/// # Errors
/// [`InvalidPlace::SequenceToCome`], or [`InvalidPlace::SequenceTooOld`] naming the earliest.
pub fn first_update(
    account: AccountId,
    after: (Sequence, Option<u32>),
    views: &Views,
) -> Result<u64, Reject> {
    let (sequence, index) = after;
    let last = views.sequence();
    if sequence > last {
        return Err(Reject::Place(InvalidPlace::SequenceToCome {
            after: sequence,
            last,
        }));
    }
    let first = views.updates().resume(account, sequence, index);
    first.map_err(|earliest| {
        Reject::Place(InvalidPlace::SequenceTooOld {
            after: sequence,
            earliest,
        })
    })
}
