//! What became of a request, as plain data.

use hoga_protocol::{Nanos, OrderId, RejectReason, Rejected, Sequence};
use hoga_views::{OrderState, Views};

use crate::pending::Outcome;
use crate::reject::Reject;

/// What became of a request that was sequenced, or needed no command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply<'v> {
    /// The order as it stands.
    Order {
        /// The order.
        order: &'v OrderState,
        /// Whether the request placed it.
        is_new: bool,
    },
    /// An order of which no more is in memory than its id.
    ForgottenOrder {
        /// The order.
        order: OrderId,
        /// Whether the request placed it.
        is_new: bool,
    },
    /// So many orders were canceled.
    Canceled(u64),
    /// Orders of an instrument were canceled.
    InstrumentCanceled {
        /// How many.
        canceled: u64,
        /// Whether there are others still.
        more: bool,
    },
    /// Whether the session is armed.
    CancelOnDisconnect(bool),
    /// The account's deadline; none when it has none.
    CancelAllAfter(Option<Nanos>),
    /// An operator's command was carried out under this sequence.
    Administered(Sequence),
    /// It was refused.
    Refused(Reject),
}

/// What became of a request that was well-formed.
#[derive(Debug)]
pub enum Submitted<'v> {
    /// It is sequenced; the reply comes by its correlation number once its events are folded.
    Sequenced(Sequence),
    /// Things stand already as was asked for; nothing was sequenced. With the views, to show the reply by.
    Replied(Reply<'v>, &'v Views),
}

impl<'v> Reply<'v> {
    /// What `outcome` means to whoever asked. The command's events are in the views, all of them.
    pub(crate) fn of(outcome: Outcome, views: &'v Views) -> Self {
        let (is_new, order) = match outcome {
            Outcome::Placed(order) => (true, order),
            Outcome::Duplicate(order) | Outcome::Changed(order) => (false, order),
            Outcome::Canceled(canceled) => return Self::Canceled(canceled),
            Outcome::More(cancel) => return Self::Canceled(cancel.canceled),
            Outcome::InstrumentCanceled { canceled, more } => {
                return Self::InstrumentCanceled { canceled, more };
            }
            Outcome::CancelOnDisconnect(on) => return Self::CancelOnDisconnect(on),
            Outcome::CancelAllAfter(deadline) => return Self::CancelAllAfter(deadline),
            Outcome::Administered(sequence) => return Self::Administered(sequence),
            Outcome::Rejected(rejected) => return Self::Refused(rejection(&rejected, views)),
            Outcome::Lost | Outcome::Disarmed => return Self::Refused(Reject::Lost),
        };
        match views.orders().get(order) {
            Some(order) => Self::Order { order, is_new },
            // The engine may know of a first order for longer than the views keep it. An error would have the client send
            // it again under another id.
            None => Self::ForgottenOrder { order, is_new },
        }
    }
}

/// An order that was there when the request came may be gone when it is carried out; then it is closed, not unknown.
fn rejection(rejected: &Rejected, views: &Views) -> Reject {
    if rejected.reason == RejectReason::UnknownOrder
        && let Some(order) = rejected.order.and_then(|order| views.orders().get(order))
        && order.status.closed()
    {
        return Reject::OrderClosed(order.status);
    }
    Reject::engine(*rejected, views)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hoga_views::ViewLimits;

    /// The engine may know of an order for longer than the views. An error would have a client place another one.
    #[test]
    fn a_repeat_of_an_order_that_the_views_have_forgotten_is_no_error() {
        let views = Views::new(ViewLimits::default());
        let order = OrderId(7);
        for (outcome, is_new) in [
            (Outcome::Duplicate(order), false),
            (Outcome::Placed(order), true),
            (Outcome::Changed(order), false),
        ] {
            assert_eq!(
                Reply::of(outcome, &views),
                Reply::ForgottenOrder { order, is_new }
            );
        }
    }
}
