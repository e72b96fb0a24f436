//! Executions and order updates against the record of what was said.

use hoga_protocol::*;
use hoga_views::*;

use crate::kept::Kept;
use crate::walk::Walk;
use crate::{ACCOUNTS, INSTRUMENTS, VIEW_LIMITS};

impl Walk {
    /// Finds and lists every execution.
    pub fn check_executions(&self, limit: usize, number: u64) {
        let trades = self.events.iter().filter_map(|event| match event.body {
            EventBody::Trade(trade) => Some((event, trade)),
            _ => None,
        });
        let mut all = Vec::new();
        for (event, trade) in trades {
            let sides = [
                (Role::Aggressor, trade.aggressor, trade.aggressor_side),
                (Role::Resting, trade.resting, trade.aggressor_side.opposite()),
            ];
            for (role, of, side) in sides {
                all.push(Execution {
                    number: all.len() as u64,
                    sequence: event.sequence,
                    index: event.index,
                    role,
                    instrument: trade.instrument,
                    order: of.order,
                    account: of.account,
                    side,
                    price: trade.price,
                    quantity: trade.quantity,
                    fee: of.fee,
                    timestamp: event.timestamp,
                });
            }
        }
        let executions = self.views.executions();
        let first = all.len().saturating_sub(VIEW_LIMITS.executions) as u64;
        assert_eq!((executions.first(), executions.next()), (first, all.len() as u64));
        for want in &all {
            let held = want.number >= first;
            assert_eq!(executions.get(want.number), held.then_some(*want));
            let found = if held {
                Found::Held(want.number)
            } else {
                Found::TooOld
            };
            assert_eq!(executions.find(want.sequence, want.index, want.role), found);
        }
        for instrument in (0..INSTRUMENTS).map(InstrumentId) {
            let held = all.iter().filter(|side| side.number >= first);
            let numbers: Vec<u64> = held
                .filter(|side| side.instrument == instrument)
                .map(|side| side.number)
                .collect();
            let newest = &numbers[numbers.len().saturating_sub(limit)..];
            assert_eq!(executions.newest(instrument, limit), newest);
            let after: Vec<u64> = numbers
                .iter()
                .copied()
                .filter(|&held| held > number)
                .take(limit)
                .collect();
            assert_eq!(executions.after(instrument, number, limit), after);
        }
        for account in (0..ACCOUNTS).map(AccountId) {
            self.check_own_executions(account, &all, number);
        }
    }

    /// The account's own executions: those that everybody is shown, and at least its floor.
    fn check_own_executions(&self, account: AccountId, all: &[Execution], number: u64) {
        let executions = self.views.executions();
        let own: Vec<Execution> = all
            .iter()
            .filter(|execution| execution.account == account)
            .copied()
            .collect();
        let in_ring = own
            .iter()
            .filter(|execution| execution.number >= executions.first());
        let kept = in_ring.count().max(VIEW_LIMITS.account_floor);
        let (dropped, held) = own.split_at(own.len().saturating_sub(kept));
        assert!(executions.newest_of(account).eq(held.iter().rev().copied()));
        let after = held.iter().filter(|execution| execution.number > number);
        assert!(executions.after_of(account, number).eq(after.copied()));
        for execution in all {
            let (sequence, index, role) = (execution.sequence, execution.index, execution.role);
            let found = executions.find_of(account, sequence, index, role);
            let is_held = held.contains(execution);
            assert_eq!(found == Found::Held(execution.number), is_held, "{execution:?}");
            if dropped.contains(execution) {
                assert_eq!(found, Found::TooOld, "{execution:?}");
            }
        }
    }

    /// Every account resumes after every update and after every command.
    pub fn check_updates(&self) {
        let mut all: Vec<(Sequence, u32, AccountId, OrderId)> = Vec::new();
        for event in &self.events {
            let mut changed = |account, order| {
                let index = match all.last() {
                    Some((sequence, index, ..)) if *sequence == event.sequence => index + 1,
                    _ => 0,
                };
                all.push((event.sequence, index, account, order));
            };
            match event.body {
                EventBody::OrderAccepted(accepted) => changed(accepted.request.account, accepted.order),
                EventBody::OrderReplaced(replaced) => changed(replaced.account, replaced.order),
                EventBody::OrderCanceled(canceled) => changed(canceled.account, canceled.order),
                EventBody::Trade(trade) => {
                    changed(trade.aggressor.account, trade.aggressor.order);
                    changed(trade.resting.account, trade.resting.order);
                }
                _ => {}
            }
        }
        let updates = self.views.updates();
        let (floor, pool) = (VIEW_LIMITS.account_floor, VIEW_LIMITS.order_updates);
        let mut kept = Kept::new(floor, pool, usize::MAX);
        for (number, update) in (0..).zip(&all) {
            kept.add(update.2, number);
        }
        assert_eq!(
            (updates.held(), updates.next()),
            (kept.len() as u64, all.len() as u64)
        );
        let points = all
            .iter()
            .flat_map(|update| [(update.0, Some(update.1)), (update.0, None)]);
        for (sequence, index) in points {
            for account in (0..ACCOUNTS).map(AccountId) {
                let after = |update: &(Sequence, u32, AccountId, OrderId)| {
                    (update.0, update.1) > (sequence, index.unwrap_or(u32::MAX))
                };
                let want: Vec<(u64, OrderId)> = (0..)
                    .zip(&all)
                    .filter(|(_, update)| update.2 == account && after(update))
                    .map(|(number, update)| (number, update.3))
                    .collect();
                let lost = want.iter().any(|(number, _)| !kept.holds(account, number));
                if let Some(&(first, _)) = want.first() {
                    assert_eq!(updates.is_dropped(account, first), lost, "{first} of {account:?}");
                }
                match updates.resume(account, sequence, index) {
                    Ok(from) => {
                        assert!(!lost, "{sequence:?} {index:?} of {account:?}");
                        assert_eq!(chain(updates, account, from), want);
                    }
                    Err(earliest) => {
                        assert!(lost, "{sequence:?} {index:?} of {account:?}");
                        assert!(updates.resume(account, earliest, None).is_ok());
                        assert!(updates.resume(account, Sequence(earliest.0 - 1), None).is_err());
                    }
                }
            }
        }
    }
}

fn chain(updates: &OrderUpdates, account: AccountId, from: u64) -> Vec<(u64, OrderId)> {
    updates
        .of_account(account, from)
        .map(|update| (update.number, update.order.order))
        .collect()
}
