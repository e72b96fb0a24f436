//! Books and orders against the engine's own, and against the record of what was said.

use hoga_engine::RestingOrder;
use hoga_protocol::*;
use hoga_views::*;

use crate::steps::client_id;
use crate::walk::Walk;
use crate::{ACCOUNTS, IDS, INSTRUMENTS};

impl Walk {
    /// Everything that must hold after each command.
    pub fn check(&self) {
        assert!(self.views.is_complete());
        assert_eq!(self.views.sequence(), self.engine.last_sequence());
        assert_eq!(self.views.timestamp(), self.engine.now());
        assert!(self.views.armings().iter().eq(self.engine.armings()));
        let specs = self.views.instruments().iter().map(|(_, spec)| spec);
        assert!(specs.eq(self.engine.instruments()), "fees");
        self.check_books();
        self.check_sums();
        self.check_held();
        self.check_client_ids();
    }

    fn check_books(&self) {
        let mut live = 0;
        for instrument in (0..INSTRUMENTS).map(InstrumentId) {
            let book = self.views.book(instrument).unwrap();
            for side in [Side::Buy, Side::Sell] {
                let want: Vec<Level> = self
                    .engine
                    .levels(instrument, side)
                    .map(|level| Level {
                        price: level.price,
                        quantity: level.volume,
                        orders: level.orders,
                    })
                    .collect();
                assert_eq!(book.levels(side).collect::<Vec<_>>(), want);
                for order in self.engine.orders(instrument, side) {
                    self.check_live(&order);
                    live += 1;
                }
            }
        }
        assert_eq!(self.views.orders().live(), live);
    }

    fn check_live(&self, want: &RestingOrder) {
        let order = self.views.orders().get(want.order).expect("a live order is held");
        assert_eq!((order.account, order.instrument), (want.account, want.instrument));
        assert_eq!((order.side, order.post_only), (want.side, want.post_only));
        assert_eq!((order.price, order.quantity), (want.price, want.quantity));
        assert_eq!((order.filled, order.fee), (want.filled, want.fee.total()));
        assert_eq!(order.leaves.0, want.quantity.0 - want.filled.0);
        let status = match want.filled {
            Lots::ZERO => OrderStatus::New,
            _ => OrderStatus::PartiallyFilled,
        };
        assert_eq!(order.status, status);
        let listed = self.views.orders().live_of_account(want.account);
        assert_eq!(listed.filter(|listed| listed.order == want.order).count(), 1);
    }

    fn check_sums(&self) {
        for account in (0..ACCOUNTS).map(AccountId) {
            let orders: Vec<&OrderState> = self.views.orders().of_account(account).collect();
            assert!(orders.is_sorted_by(|newer, older| newer.order > older.order));
            for order in orders {
                let sums = self.sums.get(&order.order).copied().unwrap_or_default();
                assert_eq!((order.filled.0, order.notional.0, order.fee.0), sums, "{order:?}");
                assert_eq!(order.account, account);
                assert_eq!(
                    order.status == OrderStatus::Filled,
                    order.filled == order.quantity
                );
                assert_eq!(order.status == OrderStatus::Canceled, order.reason.is_some());
                assert_eq!(order.status.closed(), order.leaves == Lots::ZERO);
                assert_eq!(order.status.closed(), self.engine.order(order.order).is_none());
            }
        }
    }

    fn check_held(&self) {
        let orders = self.views.orders();
        assert_eq!(
            orders.closed(),
            self.closed_without_id.len() + self.closed_with_id.len()
        );
        for (order, account) in &self.closed {
            let kind = match self.with_id.contains_key(order) {
                true => &self.closed_with_id,
                false => &self.closed_without_id,
            };
            let held = orders.get(*order).is_some();
            assert_eq!(held, kind.holds(*account, order), "{order:?}");
        }
    }

    /// By each id the newest order that is held under it is found, and by the others none.
    fn check_client_ids(&self) {
        let orders = self.views.orders();
        for account in (0..ACCOUNTS).map(AccountId) {
            assert!(orders.by_client_id(account, &ClientOrderId::EMPTY).is_none());
            for id in (0..IDS).map(client_id) {
                let want = orders
                    .of_account(account)
                    .find(|order| order.client_order_id == id);
                assert_eq!(orders.by_client_id(account, &id), want, "{account:?} {id:?}");
            }
        }
    }
}
