//! Engine and views side by side.

use std::collections::BTreeMap;

use hoga_engine::Engine;
use hoga_protocol::*;
use hoga_views::*;
use proptest::sample::Index;

use crate::common::spec;
use crate::kept::Kept;
use crate::steps::Step;
use crate::{ACCOUNTS, IDS_PER_ACCOUNT, IDS_TOTAL, VIEW_LIMITS};

/// Fill totals of one order: lots, notional, fee.
pub type Sums = (u64, i128, i128);

/// Engine and views side by side, and all that was ever said.
pub struct Walk {
    pub engine: Engine,
    pub views: Views,
    pub sequence: u64,
    pub events: Vec<Event>,
    pub accepted: Vec<(OrderId, AccountId)>,
    pub sums: BTreeMap<OrderId, Sums>,
    pub closed_without_id: Kept<OrderId>,
    pub closed_with_id: Kept<OrderId>,
    /// Who placed each order that is closed.
    pub closed: BTreeMap<OrderId, AccountId>,
    pub with_id: BTreeMap<OrderId, NewOrder>,
}

impl Walk {
    pub fn new() -> Self {
        let floor = VIEW_LIMITS.account_floor;
        let mut walk = Self {
            engine: Engine::new(),
            views: Views::new(VIEW_LIMITS),
            sequence: 0,
            events: Vec::new(),
            accepted: Vec::new(),
            sums: BTreeMap::new(),
            closed_without_id: Kept::new(floor, VIEW_LIMITS.closed_orders, usize::MAX),
            closed_with_id: Kept::new(floor, IDS_TOTAL as usize, usize::MAX),
            closed: BTreeMap::new(),
            with_id: BTreeMap::new(),
        };
        walk.apply(&Command::Genesis(Genesis {
            engine_version: hoga_engine::ENGINE_VERSION,
            exchange: ExchangeId(1),
            hash_key: [3, 4],
            limits: Limits {
                max_open_orders: 60,
                max_open_orders_per_account: 60,
                max_touched_orders: Limits::MAX_TOUCHED,
                client_ids_per_account: IDS_PER_ACCOUNT,
                client_ids_total: IDS_TOTAL,
                ..Limits::default()
            },
        }));
        // A maker rebate, and rates under which hardly any fee is a whole number.
        walk.apply(&Command::DefineInstrument(spec("X", -3_333, 37_777)));
        walk.apply(&Command::DefineInstrument(spec("Y", 10_001, 20_003)));
        for number in 0..ACCOUNTS {
            walk.apply(&Command::OpenAccount(OpenAccount {
                account: AccountId(number),
                name: AccountName::new(&format!("account-{number}")).unwrap(),
            }));
        }
        walk
    }

    pub fn step(&mut self, step: &Step) {
        let pick = |index: &Index| -> Option<(OrderId, AccountId)> {
            (!self.accepted.is_empty()).then(|| *index.get(&self.accepted))
        };
        let command = match step {
            Step::Place(request) => Command::NewOrder(*request),
            Step::Replace(index, price, quantity) => {
                let Some((order, account)) = pick(index) else {
                    return;
                };
                Command::ReplaceOrder(ReplaceOrder {
                    account,
                    order,
                    price: *price,
                    quantity: *quantity,
                })
            }
            Step::Cancel(index) => {
                let Some((order, account)) = pick(index) else {
                    return;
                };
                Command::CancelOrder(CancelOrder { account, order })
            }
            Step::CancelAll(account, instrument) => Command::CancelAll(CancelAll {
                account: AccountId(*account),
                instrument: instrument.map(InstrumentId),
                before: None,
            }),
            Step::Arm(account, deadline) => Command::Arm(Arm {
                account: AccountId(*account),
                cause: deadline.map_or(ArmCause::Disconnect, |at| ArmCause::Deadline(Nanos(at))),
            }),
            Step::Disarm(index) => {
                let armings: Vec<Armed> = self.engine.armings().collect();
                if armings.is_empty() {
                    return;
                }
                let Armed { account, arming, .. } = *index.get(&armings);
                Command::Disarm(Disarm { account, arming })
            }
            Step::Administer(action) => {
                Command::Administer(Administer::new(OperatorName::new("ops").unwrap(), *action))
            }
        };
        self.apply(&command);
    }

    /// One command through engine, views and record.
    fn apply(&mut self, command: &Command) {
        self.sequence += 3;
        let (views, events) = (&mut self.views, &mut self.events);
        let from = events.len();
        let mut emit = |event: &Event| {
            views.prefetch(std::iter::once(event));
            views.fold(event);
            events.push(*event);
        };
        let time = Nanos(self.sequence * 1_000);
        self.engine
            .apply(Sequence(self.sequence), time, command, &mut emit);
        for event in self.events.split_off(from) {
            self.record(&event);
            self.events.push(event);
        }
    }

    fn record(&mut self, event: &Event) {
        match event.body {
            EventBody::OrderAccepted(OrderAccepted { order, request }) => {
                self.accepted.push((order, request.account));
                if !request.client_order_id.is_empty() {
                    self.with_id.insert(order, request);
                }
            }
            EventBody::Trade(trade) => {
                // One tick times one lot is one unit on both instruments.
                let notional = i128::from(trade.price.0) * i128::from(trade.quantity.0);
                for side in [trade.resting, trade.aggressor] {
                    let sums = self.sums.entry(side.order).or_default();
                    sums.0 += trade.quantity.0;
                    sums.1 += notional;
                    sums.2 += side.fee.0;
                    if side.leaves == Lots::ZERO {
                        self.record_close(side.order, side.account);
                    }
                }
            }
            EventBody::OrderCanceled(canceled) => self.record_close(canceled.order, canceled.account),
            EventBody::DuplicateOrder { order } => {
                // The engine may know the id for longer than the order is held.
                if let Some(first) = self.views.orders().get(order) {
                    assert_eq!(first.client_order_id, self.with_id[&order].client_order_id);
                }
            }
            _ => {}
        }
    }

    fn record_close(&mut self, order: OrderId, account: AccountId) {
        self.closed.insert(order, account);
        match self.with_id.contains_key(&order) {
            true => self.closed_with_id.add(account, order),
            false => self.closed_without_id.add(account, order),
        }
    }
}
