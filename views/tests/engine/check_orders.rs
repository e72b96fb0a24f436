//! Books and orders against the engine's own, and against the record of what was said.

use hoga_engine::RestingOrder;
use hoga_protocol::*;
use hoga_views::*;

use crate::steps::client_id;
use crate::walk::Walk;
use crate::{ACCOUNTS, IDS, INSTRUMENTS, VIEW_LIMITS};

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
        self.check_held_without_id();
        self.check_held_with_id();
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

    fn check_held_without_id(&self) {
        let forgotten = self
            .closed_without_id
            .len()
            .saturating_sub(VIEW_LIMITS.closed_orders);
        for (place, order) in self.closed_without_id.iter().enumerate() {
            let held = self.views.orders().get(*order).is_some();
            assert_eq!(held, place >= forgotten, "{order:?}");
        }
    }

    /// An order of no quantity is refused, but only after its client order id was looked at: so the engine tells of
    /// each id which order has it.
    fn check_held_with_id(&self) {
        let mut engine = self.engine.clone();
        let mut known = Vec::new();
        let ids = (0..ACCOUNTS).flat_map(|account| (0..IDS).map(move |id| (account, id)));
        for (probe, (account, id)) in ids.enumerate() {
            let command = Command::NewOrder(NewOrder {
                account: AccountId(account),
                instrument: InstrumentId(0),
                side: Side::Buy,
                order_type: OrderType::Limit,
                time_in_force: TimeInForce::Gtc,
                post_only: false,
                price: Ticks(1),
                quantity: Lots::ZERO,
                client_order_id: client_id(id),
                valid_until: Nanos(0),
                signed_by: SigningKeyId::NONE,
            });
            let sequence = Sequence(self.sequence + 1 + probe as u64);
            engine.apply(sequence, Nanos(0), &command, &mut |event| {
                let EventBody::Rejected(rejected) = event.body else {
                    panic!("{event:?}");
                };
                known.extend(rejected.order);
            });
        }
        for order in self.with_id.keys() {
            let held = self.views.orders().get(*order).is_some();
            assert_eq!(held, known.contains(order), "{order:?}");
        }
    }
}
