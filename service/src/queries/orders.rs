//! An account's orders, the newest first.

use hoga_protocol::{AccountId, InstrumentId, OrderId};
use hoga_views::{OrderState, OrderStatus, Views};

use super::progress::Progress;

/// Orders of an account.
#[derive(Clone, Copy, Debug)]
pub struct Orders {
    /// Whose; none when it is no account's.
    pub account: Option<AccountId>,
    /// Only this instrument's.
    pub instrument: Option<InstrumentId>,
    /// Only these.
    pub status: Option<StatusFilter>,
}

/// Which orders a list holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusFilter {
    /// Those of one status.
    Is(OrderStatus),
    /// `Open`: New and PartiallyFilled.
    Open,
    /// `Closed`: Filled, Canceled and Expired.
    Closed,
}

impl StatusFilter {
    /// Whether an order of `status` is meant.
    pub fn admits(self, status: OrderStatus) -> bool {
        match self {
            StatusFilter::Is(wanted) => status == wanted,
            StatusFilter::Open => !status.closed(),
            StatusFilter::Closed => status.closed(),
        }
    }

    /// Whether only orders are meant that still work.
    fn is_live_only(self) -> bool {
        match self {
            StatusFilter::Is(status) => !status.closed(),
            StatusFilter::Open => true,
            StatusFilter::Closed => false,
        }
    }
}

impl Orders {
    /// Whether it lists an order that stands like this. (One may have changed since it was found.)
    pub fn admits(&self, order: &OrderState) -> bool {
        Some(order.account) == self.account
            && self
                .instrument
                .is_none_or(|instrument| order.instrument == instrument)
            && self.status.is_none_or(|status| status.admits(order.status))
    }

    pub(super) fn look(&self, progress: &mut Progress, views: &Views, most: usize) -> bool {
        let Some(account) = self.account else { return true };
        let live_only = self.status.is_some_and(StatusFilter::is_live_only);
        let place = OrderId(progress.place);
        let mut orders = views.orders().of_account_before(account, place, live_only);
        for _ in 0..most {
            if progress.found.len() >= progress.limit {
                break;
            }
            let Some(order) = orders.next() else { return true };
            progress.looked_at += 1;
            progress.place = order.order.0;
            if self.admits(order) {
                progress.found.push(order.order.0);
            }
        }
        orders.next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_and_closed_part_the_statuses() {
        use OrderStatus::{Canceled, Expired, Filled, New, PartiallyFilled};
        for (status, open) in [
            (New, true),
            (PartiallyFilled, true),
            (Filled, false),
            (Canceled, false),
            (Expired, false),
        ] {
            assert_eq!(StatusFilter::Open.admits(status), open);
            assert_eq!(StatusFilter::Closed.admits(status), !open);
            assert!(StatusFilter::Is(status).admits(status));
            assert!(!StatusFilter::Is(if status == New { Filled } else { New }).admits(status));
        }
    }
}
