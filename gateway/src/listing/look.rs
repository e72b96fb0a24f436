//! Finding the rows of a list.

use hoga_protocol::{AccountId, InstrumentId, OrderId};
use hoga_views::{Execution, OrderState, Views};

use super::{Listing, ROWS_PER_QUERY, Rows, Walk};

impl Listing {
    /// Looks at `most` rows at most. Whether there is nothing more to look for.
    pub(super) fn look(&mut self, views: Option<&Views>, most: usize, budget: &mut usize) -> bool {
        let Some(views) = views else { return true };
        let most = most.min(ROWS_PER_QUERY - self.looked_at);
        let before = self.looked_at;
        let is_end = match self.rows {
            Rows::Orders {
                account,
                instrument,
                status,
            } => self.look_at_orders(views, account, most, |order| {
                instrument.is_none_or(|instrument| order.instrument == instrument)
                    && status.is_none_or(|status| status.admits(order.status))
            }),
            Rows::Executions {
                instrument,
                own: None,
                walk,
            } => self.look_at_executions(views, instrument, walk, most, |_| true),
            // An account that is not open yet has none.
            Rows::Executions { own: Some(None), .. } => true,
            Rows::Executions {
                instrument,
                own: Some(Some(account)),
                walk,
            } => match walk {
                Walk::Before => {
                    let rows = views.executions().before_of(account, self.place);
                    self.look_at_own(rows, instrument, most)
                }
                Walk::After => {
                    let rows = views.executions().after_of(account, self.place);
                    self.look_at_own(rows, instrument, most)
                }
            },
            // The aggressor's execution stands for the trade.
            Rows::Trades { instrument, walk } => {
                self.look_at_executions(views, instrument, walk, most, |execution| {
                    execution.number.is_multiple_of(2)
                })
            }
            Rows::Instruments => {
                let all = views.instruments().len() as u64;
                let from = self.place.min(all);
                let wanted = most.min(self.limit - self.found.len());
                let end = all.min(from + wanted as u64);
                self.found.extend(from..end);
                self.looked_at += (end - from) as usize;
                self.place = end;
                end == all
            }
            Rows::Book { ref levels, .. } => {
                self.looked_at = levels.len();
                true
            }
            Rows::Text { .. } => true,
        };
        *budget = budget.saturating_sub(self.looked_at - before);
        let is_over = is_end || self.found.len() >= self.limit || self.looked_at >= ROWS_PER_QUERY;
        if is_over {
            self.settle(is_end);
        }
        is_over
    }

    /// All rows are found. At the end of the list there is no cursor.
    fn settle(&mut self, is_end: bool) {
        if let Rows::Executions {
            walk: Walk::Before, ..
        }
        | Rows::Trades {
            walk: Walk::Before, ..
        } = self.rows
        {
            self.found.reverse();
        }
        if is_end {
            self.binding = None;
        }
    }

    fn look_at_orders(
        &mut self,
        views: &Views,
        account: Option<AccountId>,
        most: usize,
        admits: impl Fn(&OrderState) -> bool,
    ) -> bool {
        let Some(account) = account else { return true };
        let live_only =
            matches!(&self.rows, Rows::Orders { status: Some(status), .. } if status.is_live_only());
        let mut orders = views
            .orders()
            .of_account_before(account, OrderId(self.place), live_only);
        for _ in 0..most {
            if self.found.len() >= self.limit {
                break;
            }
            let Some(order) = orders.next() else { return true };
            self.looked_at += 1;
            self.place = order.order.0;
            if admits(order) {
                self.found.push(order.order.0);
            }
        }
        orders.next().is_none()
    }

    fn look_at_executions(
        &mut self,
        views: &Views,
        instrument: InstrumentId,
        walk: Walk,
        most: usize,
        admits: impl Fn(&Execution) -> bool,
    ) -> bool {
        let executions = views.executions();
        // One more tells whether this is the end.
        let numbers = match walk {
            Walk::Before => {
                let mut numbers = executions.before(instrument, self.place, most + 1);
                numbers.reverse();
                numbers
            }
            // What was dropped behind the place is not passed over in silence: the next query is told so.
            Walk::After if self.place.saturating_add(1) < executions.first() => return self.stop_short(),
            Walk::After => executions.after(instrument, self.place, most + 1),
        };
        for (at, &number) in numbers.iter().enumerate() {
            if at == most || self.found.len() >= self.limit {
                return false;
            }
            self.looked_at += 1;
            self.place = number;
            if executions.get(number).is_some_and(|execution| admits(&execution)) {
                self.found.push(number);
            }
        }
        true
    }

    /// Looks at executions of one account, of which those of the instrument are shown.
    fn look_at_own(
        &mut self,
        mut rows: impl Iterator<Item = Execution>,
        instrument: InstrumentId,
        most: usize,
    ) -> bool {
        for _ in 0..most {
            if self.found.len() >= self.limit {
                break;
            }
            let Some(execution) = rows.next() else { return true };
            self.looked_at += 1;
            self.place = execution.number;
            if execution.instrument == instrument {
                self.found.push(execution.number);
            }
        }
        rows.next().is_none()
    }

    /// Ends the page here, and not the list.
    fn stop_short(&mut self) -> bool {
        self.limit = self.found.len();
        false
    }
}
