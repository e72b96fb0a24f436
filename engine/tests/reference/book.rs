//! The rules again, as plainly as they can be put: one list of live orders in the order of their time, searched from
//! end to end. It shares no line with the engine, not even the rounding of fees.

mod administration;

mod new_order;

use hoga_protocol::*;

#[derive(Clone)]
struct Live {
    id: OrderId,
    asked: NewOrder,
    price: Ticks,
    quantity: u64,
    filled: u64,
    /// Notional times parts per million, over all fills so far.
    owed: i128,
}

impl Live {
    fn leaves(&self) -> u64 {
        self.quantity - self.filled
    }

    fn fill(&mut self, quantity: u64, notional: Notional, rate: FeeRate) -> TradeSide {
        let before = up(self.owed);
        self.owed += notional.0 * i128::from(rate.0);
        self.filled += quantity;
        TradeSide {
            order: self.id,
            account: self.asked.account,
            leaves: Lots(self.leaves()),
            fee: Notional(up(self.owed) - before),
        }
    }
}

/// Millionths to the least whole that is not below them, found by trying the neighbours.
fn up(millionths: i128) -> i128 {
    let near = millionths / 1_000_000;
    let mut candidates = [near - 1, near, near + 1].into_iter();
    candidates.find(|whole| whole * 1_000_000 >= millionths).unwrap()
}

pub struct Reference {
    limits: Limits,
    specs: Vec<InstrumentSpec>,
    /// The instruments that take cancels only.
    closed_to_orders: Vec<InstrumentId>,
    suspended: Vec<AccountId>,
    /// The newest limit of an account stands last.
    account_limits: Vec<(AccountId, u32)>,
    /// Oldest first, with the deadlines as they are now.
    armings: Vec<Armed>,
    accounts: Vec<AccountName>,
    live: Vec<Live>,
    /// What was asked for under the client order ids of closed orders, oldest first.
    closed: Vec<(OrderId, NewOrder)>,
    /// What was asked for under ids that are not known any more.
    forgotten: Vec<NewOrder>,
    now: Nanos,
    check: Option<StateCheck>,
}

impl Reference {
    pub fn new(limits: Limits, specs: Vec<InstrumentSpec>, accounts: Vec<AccountName>) -> Self {
        Self {
            limits,
            specs,
            closed_to_orders: Vec::new(),
            suspended: Vec::new(),
            account_limits: Vec::new(),
            armings: Vec::new(),
            accounts,
            live: Vec::new(),
            closed: Vec::new(),
            forgotten: Vec::new(),
            now: Nanos(0),
            check: None,
        }
    }

    /// The exchange's time.
    pub fn now(&self) -> Nanos {
        self.now
    }

    /// The armings in force, oldest first.
    pub fn armings(&self) -> &[Armed] {
        &self.armings
    }

    /// What the command's events must say. The digest of a checkpoint is the engine's own affair: it must be the one
    /// that it remembers after the command, `newest`.
    pub fn apply(
        &mut self,
        sequence: Sequence,
        timestamp: Nanos,
        command: &Command,
        newest: Option<StateCheck>,
    ) -> Vec<EventBody> {
        let mut said = Vec::new();
        self.now = self.now.max(timestamp);
        let refusal = match command {
            Command::NewOrder(order) => self.new_order(OrderId(sequence.0), order, &mut said),
            Command::ReplaceOrder(replace) => self.replace(replace, &mut said),
            Command::CancelOrder(cancel) => self.cancel(cancel, &mut said),
            Command::CancelClientOrder(cancel) => self.cancel_client_order(cancel, &mut said),
            Command::CancelAll(cancel) => self.cancel_all(cancel, &mut said),
            Command::Checkpoint(checkpoint) => {
                let agrees = checkpoint.previous == self.check;
                let check = newest.filter(|check| check.sequence == sequence);
                let digest = check.expect("the newest check is this command's").digest;
                said.push(EventBody::Checkpointed(Checkpointed { digest, agrees }));
                self.check = check;
                Ok(())
            }
            // There is one version, which is in force.
            Command::EngineVersion(_) => Err((RejectReason::InvalidSettings, None)),
            Command::Genesis(_) => Err((RejectReason::OutOfPlace, None)),
            Command::Arm(arm) => self.arm(sequence, timestamp, arm, &mut said),
            Command::Disarm(disarm) => self.disarm(disarm, &mut said),
            Command::Administer(administer) => self.administer(administer, &mut said),
            Command::DefineInstrument(spec) => self.define(spec, &mut said),
            Command::OpenAccount(open) => self.open(open, &mut said),
        };
        if let Err((reason, order)) = refusal {
            assert!(said.is_empty());
            said.push(EventBody::Rejected(Rejected { reason, order }));
        }
        assert_eq!(newest, self.check, "the engine remembers another check");
        said
    }

    fn is_full(&self) -> bool {
        self.live.len() >= self.limits.max_open_orders as usize
    }

    fn account_has_room(&self, account: AccountId) -> bool {
        let newest = self.account_limits.iter().rev().find(|limit| limit.0 == account);
        let own = newest.map(|limit| limit.1).filter(|&limit| limit != u32::MAX);
        let most = own.unwrap_or(self.limits.max_open_orders_per_account);
        let live = self.live.iter().filter(|live| live.asked.account == account);
        live.count() < most as usize
    }

    fn replace(&mut self, replace: &ReplaceOrder, said: &mut Vec<EventBody>) -> Refusal {
        use RejectReason::*;
        let at = self.find(replace.account, replace.order)?;
        let old = self.live[at].clone();
        let spec = self.specs[old.asked.instrument.0 as usize];
        let price = replace.price.unwrap_or(old.price);
        let quantity = replace.quantity.unwrap_or(Lots(old.quantity));
        let refuse = |reason| Err((reason, Some(old.id)));
        let priority_kept = price == old.price && quantity.0 <= old.quantity;
        if !priority_kept && self.closed_to_orders.contains(&old.asked.instrument) {
            return refuse(InstrumentClosed);
        }
        if !priority_kept && self.suspended.contains(&old.asked.account) {
            return refuse(AccountSuspended);
        }
        if price < Ticks(1) || price > Ticks::MAX {
            return refuse(InvalidPrice);
        }
        if old.filled > 0 && quantity.0 <= old.filled {
            return refuse(TooLate);
        }
        if quantity < spec.min_quantity {
            return refuse(QuantityTooSmall);
        }
        if quantity > spec.max_quantity {
            return refuse(QuantityTooLarge);
        }
        if spec.notional(price, quantity) < spec.min_notional {
            return refuse(NotionalTooSmall);
        }
        if old.asked.post_only && self.best(&old.asked, price).is_some() {
            return refuse(PostOnlyWouldTrade);
        }
        said.push(EventBody::OrderReplaced(OrderReplaced {
            order: old.id,
            account: old.asked.account,
            instrument: old.asked.instrument,
            price,
            quantity,
            leaves: Lots(quantity.0 - old.filled),
            priority_kept,
        }));
        self.live[at].price = price;
        self.live[at].quantity = quantity.0;
        if !priority_kept {
            let mut taker = self.live.remove(at);
            let touched = self.trade(&mut taker, said);
            if taker.leaves() == 0 {
                self.close(taker);
            } else if touched == self.limits.max_touched_orders {
                said.push(canceled(&taker, false, CancelReason::TouchLimit));
                self.close(taker);
            } else {
                self.live.push(taker);
            }
        }
        Ok(())
    }

    fn cancel(&mut self, cancel: &CancelOrder, said: &mut Vec<EventBody>) -> Refusal {
        let at = self.find(cancel.account, cancel.order)?;
        said.push(self.take_out(at, CancelReason::Requested));
        Ok(())
    }

    fn cancel_client_order(&mut self, cancel: &CancelClientOrder, said: &mut Vec<EventBody>) -> Refusal {
        self.must_be_open(cancel.account)?;
        let found = self.by_client_id(cancel.account, &cancel.client_order_id);
        let (order, _) = found.ok_or((RejectReason::UnknownOrder, None))?;
        let at = self.find(cancel.account, order)?;
        said.push(self.take_out(at, CancelReason::Requested));
        Ok(())
    }

    /// Cancels the live order that stands there.
    fn take_out(&mut self, at: usize, reason: CancelReason) -> EventBody {
        let order = self.live.remove(at);
        let body = canceled(&order, true, reason);
        self.close(order);
        body
    }

    fn cancel_instrument(
        &mut self,
        by: OperatorName,
        instrument: InstrumentId,
        said: &mut Vec<EventBody>,
    ) -> Refusal {
        self.must_be_defined(instrument)?;
        let most = self.limits.max_touched_orders.min(64);
        let mut count = 0;
        let more = loop {
            let of_side = |side| {
                let own = self.live.iter().enumerate();
                own.filter(move |(_, live)| live.asked.instrument == instrument && live.asked.side == side)
            };
            let bid = of_side(Side::Buy).min_by_key(|(at, live)| (-live.price.0, *at));
            let ask = of_side(Side::Sell).min_by_key(|(at, live)| (live.price.0, *at));
            let Some((at, _)) = bid.or(ask) else { break false };
            if count == most {
                break true;
            }
            said.push(self.take_out(at, CancelReason::MassCancel));
            count += 1;
        };
        said.push(EventBody::InstrumentCanceled(InstrumentCanceled {
            by,
            instrument,
            canceled: count,
            more,
        }));
        Ok(())
    }

    fn cancel_all(&mut self, cancel: &CancelAll, said: &mut Vec<EventBody>) -> Refusal {
        self.must_be_open(cancel.account)?;
        if let Some(instrument) = cancel.instrument {
            self.must_be_defined(instrument)?;
        }
        let meant = |order: &Live| {
            order.asked.account == cancel.account
                && cancel
                    .instrument
                    .is_none_or(|number| number == order.asked.instrument)
                && cancel.before.is_none_or(|before| order.id.0 < before.0)
        };
        let mut ids: Vec<OrderId> = self
            .live
            .iter()
            .filter(|order| meant(order))
            .map(|order| order.id)
            .collect();
        ids.sort();
        let share = ids.len().min(64).min(self.limits.max_touched_orders as usize);
        for id in &ids[..share] {
            let at = self.live.iter().position(|order| order.id == *id).unwrap();
            said.push(self.take_out(at, CancelReason::MassCancel));
        }
        said.push(EventBody::MassCancelDone(MassCancelDone {
            account: cancel.account,
            canceled: share as u32,
            more: ids.len() > share,
        }));
        Ok(())
    }

    fn must_be_open(&self, account: AccountId) -> Refusal {
        match (account.0 as usize) < self.accounts.len() {
            true => Ok(()),
            false => Err((RejectReason::UnknownAccount, None)),
        }
    }

    fn must_be_defined(
        &mut self,
        instrument: InstrumentId,
    ) -> Result<&mut InstrumentSpec, (RejectReason, Option<OrderId>)> {
        let spec = self.specs.get_mut(instrument.0 as usize);
        spec.ok_or((RejectReason::UnknownInstrument, None))
    }

    /// Returns with how many orders it traded.
    fn trade(&mut self, taker: &mut Live, said: &mut Vec<EventBody>) -> u32 {
        let spec = self.specs[taker.asked.instrument.0 as usize];
        let mut touched = 0;
        while taker.leaves() > 0
            && touched < self.limits.max_touched_orders
            && let Some(at) = self.best(&taker.asked, taker.price)
        {
            let resting = &mut self.live[at];
            let quantity = taker.leaves().min(resting.leaves());
            let notional = spec.notional(resting.price, Lots(quantity));
            said.push(EventBody::Trade(Trade {
                instrument: taker.asked.instrument,
                aggressor_side: taker.asked.side,
                price: resting.price,
                quantity: Lots(quantity),
                aggressor: taker.fill(quantity, notional, spec.taker_fee),
                resting: resting.fill(quantity, notional, spec.maker_fee),
            }));
            touched += 1;
            if resting.leaves() == 0 {
                let order = self.live.remove(at);
                self.close(order);
            }
        }
        touched
    }

    /// Where the orders stand that an order of these terms may trade with at `worst` or better.
    fn opposite<'a>(&'a self, terms: &'a NewOrder, worst: Ticks) -> impl Iterator<Item = (usize, &'a Live)> {
        self.live.iter().enumerate().filter(move |(_, resting)| {
            resting.asked.instrument == terms.instrument
                && resting.asked.side != terms.side
                && match terms.side {
                    Side::Buy => resting.price <= worst,
                    Side::Sell => resting.price >= worst,
                }
        })
    }

    /// The best priced of them; of equals, the one that stands first.
    fn best(&self, terms: &NewOrder, worst: Ticks) -> Option<usize> {
        let found = self
            .opposite(terms, worst)
            .min_by_key(|(at, resting)| (dearness(terms, resting.price), *at));
        found.map(|(at, _)| at)
    }

    fn find(&self, account: AccountId, id: OrderId) -> Result<usize, (RejectReason, Option<OrderId>)> {
        self.must_be_open(account)
            .map_err(|(reason, _)| (reason, Some(id)))?;
        let meant = |order: &Live| order.id == id && order.asked.account == account;
        let found = self.live.iter().position(meant);
        found.ok_or((RejectReason::UnknownOrder, Some(id)))
    }

    /// The order that has this id of its account's, and what was asked for then.
    fn by_client_id(&self, account: AccountId, id: &ClientOrderId) -> Option<(OrderId, NewOrder)> {
        let live = self.live.iter().map(|live| (live.id, live.asked));
        let same = |(_, body): &(OrderId, NewOrder)| {
            !id.is_empty() && body.account == account && body.client_order_id == *id
        };
        live.chain(self.closed.iter().copied()).find(same)
    }

    fn close(&mut self, order: Live) {
        if order.asked.client_order_id.is_empty() {
            return;
        }
        self.closed.push((order.id, order.asked));
        let of = |account: u32| {
            let own = self.closed.iter().filter(|(_, body)| body.account.0 == account);
            own.count()
        };
        let counts: Vec<usize> = (0..self.accounts.len() as u32).map(of).collect();
        let floor = self.limits.client_ids_per_account as usize;
        let above: usize = counts.iter().map(|count| count.saturating_sub(floor)).sum();
        if above > self.limits.client_ids_total as usize {
            let most = counts.iter().max().unwrap();
            let who = counts.iter().position(|count| count == most).unwrap();
            let oldest = self
                .closed
                .iter()
                .position(|(_, body)| body.account.0 as usize == who);
            let (_, body) = self.closed.remove(oldest.unwrap());
            self.forget(body);
        }
    }

    /// Keeps the one of each account that was valid longest.
    fn forget(&mut self, body: NewOrder) {
        let own = |other: &NewOrder| other.account == body.account;
        if let Some(at) = self.forgotten.iter().position(own) {
            if self.forgotten[at].valid_until >= body.valid_until {
                return;
            }
            self.forgotten.remove(at);
        }
        self.forgotten.push(body);
    }
}

type Refusal = Result<(), (RejectReason, Option<OrderId>)>;

fn canceled(order: &Live, was_resting: bool, reason: CancelReason) -> EventBody {
    EventBody::OrderCanceled(OrderCanceled {
        order: order.id,
        account: order.asked.account,
        instrument: order.asked.instrument,
        canceled: Lots(order.leaves()),
        was_resting,
        reason,
    })
}

/// Whether two requests ask for the same. How long each is valid, and which key signed it, is no matter.
fn is_repeat(first: &NewOrder, second: &NewOrder) -> bool {
    let terms = |order: &NewOrder| NewOrder {
        valid_until: Nanos(0),
        signed_by: SigningKeyId::NONE,
        ..*order
    };
    terms(first) == terms(second)
}

/// How far a price is from the best one, for an order of these terms.
fn dearness(terms: &NewOrder, price: Ticks) -> i64 {
    match terms.side {
        Side::Buy => price.0,
        Side::Sell => -price.0,
    }
}
