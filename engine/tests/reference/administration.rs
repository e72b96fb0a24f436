//! What operators do and accounts arm, in the plain book.

use hoga_protocol::*;

use super::{Reference, Refusal};

impl Reference {
    pub(super) fn arm(&mut self, sequence: Sequence, arm: &Arm, said: &mut Vec<EventBody>) -> Refusal {
        self.must_be_open(arm.account)?;
        let deadline =
            |armed: &Armed| armed.account == arm.account && matches!(armed.cause, ArmCause::Deadline(_));
        let before = match arm.cause {
            ArmCause::Disconnect => None,
            ArmCause::Deadline(_) => self.armings.iter().position(deadline),
        };
        let own = self.armings.iter().filter(|armed| armed.account == arm.account);
        let own = own.count();
        let may = own < 2 || (own < 1_024 && self.armings_beyond_two() < 65_536);
        if before.is_none() && !may {
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

    /// How many armings accounts have beyond the two that each may have.
    fn armings_beyond_two(&self) -> usize {
        let of = |account: u32| {
            let own = self.armings.iter().filter(|armed| armed.account.0 == account);
            own.count()
        };
        (0..self.accounts.len() as u32)
            .map(|account| of(account).saturating_sub(2))
            .sum()
    }

    pub(super) fn disarm(&mut self, disarm: &Disarm, said: &mut Vec<EventBody>) -> Refusal {
        self.must_be_open(disarm.account)?;
        let meant = |armed: &Armed| (armed.account, armed.arming) == (disarm.account, disarm.arming);
        let at = self.armings.iter().position(meant);
        self.armings
            .remove(at.ok_or((RejectReason::UnknownArming, None))?);
        said.push(EventBody::Disarmed(*disarm));
        Ok(())
    }

    pub(super) fn administer(&mut self, administer: &Administer, said: &mut Vec<EventBody>) -> Refusal {
        let by = administer.by();
        match &administer.action() {
            AdminAction::DefineInstrument(spec) => return self.define(spec, said),
            AdminAction::CancelAll(cancel) => return self.cancel_all(cancel, said),
            AdminAction::CancelInstrument(cancel) => {
                return self.cancel_instrument(by, cancel.instrument, said);
            }
            AdminAction::SetLimits(set) => return self.set_limits(by, set, said),
            AdminAction::AcceptClock(accept) => return self.accept_clock(by, accept.to, said),
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

    pub(super) fn define(&mut self, spec: &InstrumentSpec, said: &mut Vec<EventBody>) -> Refusal {
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

    pub(super) fn open(&mut self, open: &OpenAccount, said: &mut Vec<EventBody>) -> Refusal {
        if open.account.0 as usize != self.accounts.len() {
            return Err((RejectReason::AlreadyExists, None));
        }
        if self.accounts.len() >= self.limits.max_accounts as usize {
            return Err((RejectReason::TableFull, None));
        }
        if self.accounts.contains(&open.name) {
            return Err((RejectReason::AlreadyExists, None));
        }
        let OpenAccount { account, name } = *open;
        self.accounts.push(name);
        said.push(EventBody::AccountOpened(AccountOpened { account, name }));
        Ok(())
    }

    fn set_limits(&mut self, by: OperatorName, set: &SetLimits, said: &mut Vec<EventBody>) -> Refusal {
        let old = self.limits;
        let ids = u64::from(set.max_accounts) * u64::from(old.client_ids_per_account)
            + u64::from(set.client_ids_total)
            + u64::from(old.max_open_orders);
        let is_good = set.max_accounts >= old.max_accounts
            && set.max_accounts <= 1 << 24
            && set.client_ids_total >= old.client_ids_total
            && set.max_open_orders_per_account >= 1
            && set.max_open_orders_per_account <= old.max_open_orders
            && ids <= 1 << 28;
        if !is_good {
            return Err((RejectReason::InvalidSettings, None));
        }
        self.limits.max_accounts = set.max_accounts;
        self.limits.max_open_orders_per_account = set.max_open_orders_per_account;
        self.limits.client_ids_total = set.client_ids_total;
        said.push(EventBody::LimitsSet(LimitsSet {
            by,
            limits: self.limits,
        }));
        Ok(())
    }

    fn accept_clock(&mut self, by: OperatorName, to: Nanos, said: &mut Vec<EventBody>) -> Refusal {
        let from = self.now;
        // 2262-01-01T00:00:00Z.
        if to <= from || to > Nanos(9_214_646_400 * 1_000_000_000) {
            return Err((RejectReason::InvalidSettings, None));
        }
        for armed in &mut self.armings {
            if let ArmCause::Deadline(at) = &mut armed.cause {
                at.0 = at.0.saturating_add(to.0 - from.0);
            }
        }
        self.now = to;
        said.push(EventBody::ClockAccepted(ClockAccepted { by, from, to }));
        Ok(())
    }
}
