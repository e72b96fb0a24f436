//! The rules again, as plainly as they can be put: one list of live orders in the order of their time, searched from
//! end to end. It shares no line with the engine, not even the rounding of fees.

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
        let before = half_even(self.owed);
        self.owed += notional.0 * i128::from(rate.0);
        self.filled += quantity;
        TradeSide {
            order: self.id,
            account: self.asked.account,
            leaves: Lots(self.leaves()),
            fee: Notional(half_even(self.owed) - before),
        }
    }
}

/// Millionths to the nearest whole, ties to the even one, found by trying the neighbours.
fn half_even(millionths: i128) -> i128 {
    let near = millionths / 1_000_000;
    let distance = |whole: i128| (millionths - whole * 1_000_000).abs();
    let candidates = [near - 1, near, near + 1];
    let least = candidates.into_iter().map(distance).min().unwrap();
    let mut nearest = candidates.into_iter().filter(|&whole| distance(whole) == least);
    let first = nearest.next().unwrap();
    match nearest.next() {
        Some(second) if second % 2 == 0 => second,
        _ => first,
    }
}

pub struct Reference {
    limits: Limits,
    specs: Vec<InstrumentSpec>,
    /// The instruments that take cancels only.
    closed_to_orders: Vec<InstrumentId>,
    suspended: Vec<AccountId>,
    /// The newest limit of an account stands last.
    account_limits: Vec<(AccountId, u32)>,
    /// Oldest first.
    armings: Vec<Armed>,
    accounts: u32,
    live: Vec<Live>,
    /// Oldest first.
    closed: Vec<(OrderId, NewOrder)>,
    rules: u32,
    check: Option<StateCheck>,
}

impl Reference {
    pub fn new(rules: u32, limits: Limits, specs: Vec<InstrumentSpec>, accounts: u32) -> Self {
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
            rules,
            check: None,
        }
    }

    /// What the command's events must say. The digest of a checkpoint is the engine's own affair: it must be the one
    /// that it remembers after the command, `newest`.
    pub fn apply(
        &mut self,
        sequence: Sequence,
        command: &Command,
        newest: Option<StateCheck>,
    ) -> Vec<EventBody> {
        let mut said = Vec::new();
        let refusal = match command {
            Command::NewOrder(order) => self.new_order(OrderId(sequence.0), order, &mut said),
            Command::ReplaceOrder(replace) => self.replace(replace, &mut said),
            Command::CancelOrder(cancel) => self.cancel(cancel, &mut said),
            Command::CancelAll(cancel) => self.cancel_all(cancel, &mut said),
            Command::Checkpoint(checkpoint) if self.rules >= 2 => {
                let agrees = checkpoint.previous == self.check;
                let check = newest.filter(|check| check.sequence == sequence);
                let digest = check.expect("the newest check is this command's").digest;
                said.push(EventBody::Checkpointed(Checkpointed { digest, agrees }));
                self.check = check;
                Ok(())
            }
            Command::Checkpoint(_) => Err((RejectReason::OutOfPlace, None)),
            Command::EngineVersion(raise) if raise.version > self.rules && raise.version <= 3 => {
                said.push(EventBody::EngineVersionRaised(*raise));
                self.rules = raise.version;
                Ok(())
            }
            Command::EngineVersion(_) => Err((RejectReason::InvalidSettings, None)),
            Command::Genesis(_) => Err((RejectReason::OutOfPlace, None)),
            Command::Arm(_) | Command::Disarm(_) | Command::Administer(_) if self.rules < 3 => {
                Err((RejectReason::OutOfPlace, None))
            }
            Command::Arm(arm) => self.arm(sequence, arm, &mut said),
            Command::Disarm(disarm) => self.disarm(disarm, &mut said),
            Command::Administer(administer) => self.administer(administer, &mut said),
            Command::DefineInstrument(spec) => self.define(spec, &mut said),
            Command::OpenAccount(_) => panic!("the reference opens no account"),
        };
        if let Err((reason, order)) = refusal {
            assert!(said.is_empty());
            said.push(EventBody::Rejected(Rejected { reason, order }));
        }
        assert_eq!(newest, self.check, "the engine remembers another check");
        said
    }

    fn new_order(&mut self, id: OrderId, order: &NewOrder, said: &mut Vec<EventBody>) -> Refusal {
        use RejectReason::*;
        if order.account.0 >= self.accounts {
            return Err((UnknownAccount, None));
        }
        let Some(spec) = self.specs.get(order.instrument.0 as usize).copied() else {
            return Err((UnknownInstrument, None));
        };
        if let Some((first, body)) = self.by_client_id(order) {
            if body != *order {
                return Err((ClientOrderIdReused, Some(first)));
            }
            said.push(EventBody::DuplicateOrder { order: first });
            return Ok(());
        }
        let limit = order.order_type == OrderType::Limit;
        let gtc = order.time_in_force == TimeInForce::Gtc;
        if self.closed_to_orders.contains(&order.instrument) {
            return Err((InstrumentClosed, None));
        }
        if self.suspended.contains(&order.account) {
            return Err((AccountSuspended, None));
        }
        let own = self
            .live
            .iter()
            .filter(|live| live.asked.account == order.account);
        if gtc && own.count() >= self.account_limit(order.account) {
            return Err((AccountLimit, None));
        }
        let price_is_good = if limit {
            order.price >= Ticks(1) && order.price <= Ticks::MAX
        } else {
            order.price == Ticks(0)
        };
        let checks = [
            (limit || !gtc, InvalidCombination),
            (!order.post_only || (limit && gtc), InvalidCombination),
            (price_is_good, InvalidPrice),
            (order.quantity >= spec.min_quantity, QuantityTooSmall),
            (order.quantity <= spec.max_quantity, QuantityTooLarge),
        ];
        if let Some((_, reason)) = checks.into_iter().find(|check| !check.0) {
            return Err((reason, None));
        }
        if limit && spec.notional(order.price, order.quantity) < spec.min_notional {
            return Err((NotionalTooSmall, None));
        }
        if gtc && self.live.len() >= self.limits.max_open_orders as usize {
            return Err((Capacity, None));
        }
        if order.post_only && self.best(order, order.price).is_some() {
            return Err((PostOnlyWouldTrade, None));
        }

        said.push(EventBody::OrderAccepted(OrderAccepted {
            order: id,
            request: *order,
        }));
        let worst = match (limit, order.side) {
            (true, _) => order.price,
            (false, Side::Buy) => Ticks::MAX,
            (false, Side::Sell) => Ticks(1),
        };
        let mut taker = Live {
            id,
            asked: *order,
            price: worst,
            quantity: order.quantity.0,
            filled: 0,
            owed: 0,
        };
        let within: u64 = self
            .opposite(order, worst)
            .map(|(_, resting)| resting.leaves())
            .sum();
        if order.time_in_force != TimeInForce::Fok || within >= order.quantity.0 {
            self.trade(&mut taker, said);
        }
        if taker.leaves() == 0 {
            self.close(taker);
        } else if gtc {
            self.live.push(taker);
        } else {
            let reason = match (order.time_in_force, limit) {
                (TimeInForce::Fok, _) => CancelReason::FillOrKill,
                (_, true) => CancelReason::ImmediateOrCancel,
                (_, false) => CancelReason::NoLiquidity,
            };
            said.push(canceled(&taker, false, reason));
            self.close(taker);
        }
        Ok(())
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
            self.trade(&mut taker, said);
            if taker.leaves() == 0 {
                self.close(taker);
            } else {
                self.live.push(taker);
            }
        }
        Ok(())
    }

    fn cancel(&mut self, cancel: &CancelOrder, said: &mut Vec<EventBody>) -> Refusal {
        let at = self.find(cancel.account, cancel.order)?;
        let order = self.live.remove(at);
        said.push(canceled(&order, true, CancelReason::Requested));
        self.close(order);
        Ok(())
    }

    fn cancel_all(&mut self, cancel: &CancelAll, said: &mut Vec<EventBody>) -> Refusal {
        if cancel.account.0 >= self.accounts {
            return Err((RejectReason::UnknownAccount, None));
        }
        if cancel
            .instrument
            .is_some_and(|number| number.0 as usize >= self.specs.len())
        {
            return Err((RejectReason::UnknownInstrument, None));
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
        let share = ids.len().min(256);
        for id in &ids[..share] {
            let at = self.live.iter().position(|order| order.id == *id).unwrap();
            let order = self.live.remove(at);
            said.push(canceled(&order, true, CancelReason::MassCancel));
            self.close(order);
        }
        said.push(EventBody::MassCancelDone(MassCancelDone {
            account: cancel.account,
            canceled: share as u32,
            more: ids.len() > share,
        }));
        Ok(())
    }

    fn arm(&mut self, sequence: Sequence, arm: &Arm, said: &mut Vec<EventBody>) -> Refusal {
        self.must_be_open(arm.account)?;
        let deadline =
            |armed: &Armed| armed.account == arm.account && matches!(armed.cause, ArmCause::Deadline(_));
        let before = match arm.cause {
            ArmCause::Disconnect => None,
            ArmCause::Deadline(_) => self.armings.iter().position(deadline),
        };
        let own = self.armings.iter().filter(|armed| armed.account == arm.account);
        if before.is_none() && (own.count() >= 1_024 || self.armings.len() >= 65_536) {
            return Err((RejectReason::TooManyArmings, None));
        }
        if let Some(before) = before {
            let Armed { account, arming, .. } = self.armings.remove(before);
            said.push(EventBody::Disarmed(Disarm { account, arming }));
        }
        let armed = Armed {
            account: arm.account,
            arming: sequence,
            cause: arm.cause,
        };
        self.armings.push(armed);
        said.push(EventBody::Armed(armed));
        Ok(())
    }

    fn disarm(&mut self, disarm: &Disarm, said: &mut Vec<EventBody>) -> Refusal {
        self.must_be_open(disarm.account)?;
        let meant = |armed: &Armed| (armed.account, armed.arming) == (disarm.account, disarm.arming);
        let at = self.armings.iter().position(meant);
        self.armings
            .remove(at.ok_or((RejectReason::UnknownArming, None))?);
        said.push(EventBody::Disarmed(*disarm));
        Ok(())
    }

    fn administer(&mut self, administer: &Administer, said: &mut Vec<EventBody>) -> Refusal {
        let by = administer.by();
        match &administer.action() {
            AdminAction::DefineInstrument(spec) => return self.define(spec, said),
            AdminAction::CancelAll(cancel) => return self.cancel_all(cancel, said),
            AdminAction::SetFees(SetFees {
                instrument,
                maker,
                taker,
            }) => {
                let spec = self.must_be_defined(*instrument)?;
                let fits = |rate: &FeeRate| rate.0 >= -100_000 && rate.0 <= 100_000;
                if !fits(maker) || !fits(taker) || maker.0 + taker.0 < 0 {
                    return Err((RejectReason::InvalidSettings, None));
                }
                (spec.maker_fee, spec.taker_fee) = (*maker, *taker);
                let (instrument, maker, taker) = (*instrument, *maker, *taker);
                said.push(EventBody::FeesSet(FeesSet {
                    by,
                    instrument,
                    maker,
                    taker,
                }));
            }
            AdminAction::SetInstrumentStatus(SetInstrumentStatus { instrument, status }) => {
                let (instrument, status) = (*instrument, *status);
                self.must_be_defined(instrument)?;
                self.closed_to_orders.retain(|closed| *closed != instrument);
                if status == InstrumentStatus::CancelOnly {
                    self.closed_to_orders.push(instrument);
                }
                let set = InstrumentStatusSet {
                    by,
                    instrument,
                    status,
                };
                said.push(EventBody::InstrumentStatusSet(set));
            }
            AdminAction::SetAccountStatus(SetAccountStatus { account, status }) => {
                let (account, status) = (*account, *status);
                self.must_be_open(account)?;
                self.suspended.retain(|suspended| *suspended != account);
                if status == AccountStatus::Suspended {
                    self.suspended.push(account);
                }
                said.push(EventBody::AccountStatusSet(AccountStatusSet {
                    by,
                    account,
                    status,
                }));
            }
            AdminAction::SetAccountLimits(set) => {
                let SetAccountLimits {
                    account,
                    max_open_orders,
                } = *set;
                self.must_be_open(account)?;
                self.account_limits.push((account, max_open_orders));
                said.push(EventBody::AccountLimitsSet(AccountLimitsSet {
                    by,
                    account,
                    max_open_orders,
                }));
            }
        }
        Ok(())
    }

    fn define(&mut self, spec: &InstrumentSpec, said: &mut Vec<EventBody>) -> Refusal {
        if self.specs.len() >= self.limits.max_instruments as usize {
            return Err((RejectReason::TableFull, None));
        }
        if self.specs.iter().any(|other| other.symbol() == spec.symbol()) {
            return Err((RejectReason::AlreadyExists, None));
        }
        said.push(EventBody::InstrumentDefined(InstrumentDefined {
            instrument: InstrumentId(self.specs.len() as u32),
            spec: *spec,
        }));
        self.specs.push(*spec);
        Ok(())
    }

    fn account_limit(&self, account: AccountId) -> usize {
        let newest = self.account_limits.iter().rev().find(|limit| limit.0 == account);
        newest.map_or(usize::MAX, |limit| limit.1 as usize)
    }

    fn must_be_open(&self, account: AccountId) -> Refusal {
        match account.0 < self.accounts {
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

    fn trade(&mut self, taker: &mut Live, said: &mut Vec<EventBody>) {
        let spec = self.specs[taker.asked.instrument.0 as usize];
        while taker.leaves() > 0
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
            if resting.leaves() == 0 {
                let order = self.live.remove(at);
                self.close(order);
            }
        }
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
        let dearness = |price: Ticks| match terms.side {
            Side::Buy => price.0,
            Side::Sell => -price.0,
        };
        let found = self
            .opposite(terms, worst)
            .min_by_key(|(at, resting)| (dearness(resting.price), *at));
        found.map(|(at, _)| at)
    }

    fn find(&self, account: AccountId, id: OrderId) -> Result<usize, (RejectReason, Option<OrderId>)> {
        if account.0 >= self.accounts {
            return Err((RejectReason::UnknownAccount, Some(id)));
        }
        let meant = |order: &Live| order.id == id && order.asked.account == account;
        let found = self.live.iter().position(meant);
        found.ok_or((RejectReason::UnknownOrder, Some(id)))
    }

    fn by_client_id(&self, order: &NewOrder) -> Option<(OrderId, NewOrder)> {
        let live = self.live.iter().map(|live| (live.id, live.asked));
        let same = |(_, body): &(OrderId, NewOrder)| {
            !order.client_order_id.is_empty()
                && body.account == order.account
                && body.client_order_id == order.client_order_id
        };
        live.chain(self.closed.iter().copied()).find(same)
    }

    fn close(&mut self, order: Live) {
        if order.asked.client_order_id.is_empty() {
            return;
        }
        let account = order.asked.account;
        self.closed.push((order.id, order.asked));
        let own = |(_, body): &(OrderId, NewOrder)| body.account == account;
        if self.closed.iter().filter(|closed| own(closed)).count()
            > self.limits.client_ids_per_account as usize
        {
            let oldest = self.closed.iter().position(own).unwrap();
            self.closed.remove(oldest);
        }
        if self.closed.len() > self.limits.client_ids_total as usize {
            self.closed.remove(0);
        }
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
