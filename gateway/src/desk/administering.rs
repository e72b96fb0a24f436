//! What operators do.

use hoga_protocol::{
    AcceptClock, AdminAction, Administer, CancelAll, CancelInstrument, Command, InstrumentSpec, Limits,
    Nanos, OperatorName, RejectReason, Rejected, Sequence, SetAccountLimits, SetAccountStatus, SetFees,
    SetInstrumentStatus, SetLimits,
};

use super::{Desk, Taken, find_instrument, shutting_down};
use crate::accounts::Opener;
use crate::clock::{describe, difference, is_followed};
use crate::pending::{Asked, Whose};
use crate::ports::CommandSink;
use crate::wire::request::{AdminOp, LimitsChange};
use crate::wire::{ApiError, codes};

impl<S: CommandSink> Desk<S> {
    /// Sequences what an operator asks for, or refuses it; nothing was sequenced then, save perhaps the opening of the
    /// account that it is about. `now` is exchange time, and `system` the system's clock.
    ///
    /// # Errors
    /// What the operator is told.
    pub fn administer(
        &mut self,
        now: Nanos,
        system: Nanos,
        by: OperatorName,
        op: &AdminOp,
    ) -> Result<Taken, ApiError> {
        if self.draining {
            return Err(shutting_down());
        }
        let action = match *op {
            AdminOp::CancelAll { account, symbol } => {
                return self.cancel_all(now, &account, symbol.as_ref(), Some(by));
            }
            AdminOp::CancelInstrument { symbol } => {
                let instrument = find_instrument(&symbol, &self.views)?;
                let most = self.limits().max_open_orders.div_ceil(CancelAll::MAX_ORDERS);
                let command = CancelInstrument { instrument };
                let left = most.saturating_sub(1);
                return self.cancel_many(now, Whose::Instrument { command, by, left });
            }
            AdminOp::SetLimits(ref change) => {
                let set = self.changed_limits(change)?;
                let (sequence, taken) = self.sequence_action(now, by, AdminAction::SetLimits(set))?;
                self.limits = Some((sequence, set));
                return Ok(taken);
            }
            AdminOp::DefineInstrument(spec) => {
                self.must_have_room(&spec)?;
                AdminAction::DefineInstrument(spec)
            }
            AdminOp::SetFees { symbol, maker, taker } => {
                let instrument = find_instrument(&symbol, &self.views)?;
                if let Some(spec) = self.views.instruments().get(instrument) {
                    let checked = spec.with_fees(maker, taker);
                    checked.map_err(|error| ApiError::new(codes::INVALID_FIELD, error.to_string()))?;
                }
                AdminAction::SetFees(SetFees {
                    instrument,
                    maker,
                    taker,
                })
            }
            AdminOp::SetInstrumentStatus { symbol, status } => {
                let instrument = find_instrument(&symbol, &self.views)?;
                AdminAction::SetInstrumentStatus(SetInstrumentStatus { instrument, status })
            }
            AdminOp::SetAccountStatus {
                account: name,
                status,
            } => {
                let account = self.open_account(now, &name, Opener::Operator)?;
                AdminAction::SetAccountStatus(SetAccountStatus { account, status })
            }
            AdminOp::SetAccountLimits {
                account: name,
                max_open_orders,
            } => {
                let account = self.open_account(now, &name, Opener::Operator)?;
                AdminAction::SetAccountLimits(SetAccountLimits {
                    account,
                    max_open_orders,
                })
            }
            AdminOp::ShowClock | AdminOp::AcceptClock => {
                must_be_ahead(difference(system, now))?;
                if self.leap.is_some_and(|leap| leap > self.views.sequence()) {
                    let message = "the system's clock is being accepted already";
                    return Err(ApiError::new(codes::CLOCK_NOT_AHEAD, message));
                }
                let action = AdminAction::AcceptClock(AcceptClock { to: system });
                let (sequence, taken) = self.sequence_action(now, by, action)?;
                self.leap = Some(sequence);
                return Ok(taken);
            }
        };
        Ok(self.sequence_action(now, by, action)?.1)
    }

    /// Sequences what an operator does.
    fn sequence_action(
        &mut self,
        now: Nanos,
        by: OperatorName,
        action: AdminAction,
    ) -> Result<(Sequence, Taken), ApiError> {
        let sequence = self.submit(now, &Command::Administer(Administer::new(by, action)))?;
        let asked = Asked::Administer;
        Ok((sequence, Taken::Sequenced { sequence, asked }))
    }

    /// The limits of the exchange, as they will be once everything is carried out that is under way.
    fn limits(&self) -> Limits {
        let limits = self.views.genesis().map(|genesis| genesis.limits);
        let limits = limits.unwrap_or_default();
        match self.limits {
            Some((sequence, set)) if sequence > self.views.sequence() => with(limits, set),
            _ => limits,
        }
    }

    /// The limits that come of a change.
    ///
    /// # Errors
    /// 400 `invalid_field`: they are ones that the engine would not take, or that would let few accounts fill the books.
    fn changed_limits(&self, change: &LimitsChange) -> Result<SetLimits, ApiError> {
        let now = self.limits();
        let refused = |message: String| Err(ApiError::new(codes::INVALID_FIELD, message));
        let set = SetLimits {
            max_accounts: change.max_accounts.unwrap_or(now.max_accounts),
            max_open_orders_per_account: change
                .max_open_orders_per_account
                .unwrap_or(now.max_open_orders_per_account),
            client_ids_total: change.client_ids_total.unwrap_or(now.client_ids_total),
        };
        for (name, value, least, most) in [
            (
                "max_accounts",
                set.max_accounts,
                now.max_accounts,
                Limits::MOST_ACCOUNTS,
            ),
            (
                "client_ids_total",
                set.client_ids_total,
                now.client_ids_total,
                u32::MAX,
            ),
        ] {
            if !(least..=most).contains(&value) {
                return refused(format!(
                    "{name}: it is {least} and may only be raised, to at most {most}, not set to {value}"
                ));
            }
        }
        let most = Limits::most_per_account(now.max_open_orders);
        if let Some(value) = change.max_open_orders_per_account
            && !(1..=most).contains(&value)
        {
            return refused(format!(
                "max_open_orders_per_account: must be from 1 to {most}, a twentieth of max_open_orders, not {value}; \
                 account_limits gives a single account more"
            ));
        }
        let limits = with(now, set);
        match limits.is_valid() {
            true => Ok(set),
            false => refused(format!(
                "client_ids_total: max_accounts × client_ids_per_account + client_ids_total + max_open_orders would be {}, and \
                 may be at most {}",
                limits.most_client_ids(),
                Limits::MAX_CLIENT_IDS
            )),
        }
    }

    fn must_have_room(&self, spec: &InstrumentSpec) -> Result<(), ApiError> {
        let instruments = self.views.instruments();
        let most = (self.views.genesis()).map_or(0, |genesis| genesis.limits.max_instruments);
        if instruments.len() < most as usize {
            return Ok(());
        }
        if instruments.by_symbol(&spec.symbol()).is_some() {
            let refused = Rejected {
                reason: RejectReason::AlreadyExists,
                order: None,
            };
            return Err(ApiError::from_reject(&refused, &self.views));
        }
        let message = format!("the exchange has {most} instruments, as many as it may");
        Err(ApiError::new(codes::CAPACITY, message))
    }
}

/// `limits` with those changed that operators can change.
const fn with(limits: Limits, set: SetLimits) -> Limits {
    Limits {
        max_accounts: set.max_accounts,
        max_open_orders_per_account: set.max_open_orders_per_account,
        client_ids_total: set.client_ids_total,
        ..limits
    }
}

/// Refuses a leap to a system clock that is followed anyway, or behind.
fn must_be_ahead(difference: i64) -> Result<(), ApiError> {
    let apart = describe(difference);
    let message = if is_followed(difference) {
        format!(
            "the system's clock is {apart} exchange time, and is followed already: there is nothing to accept"
        )
    } else if difference < 0 {
        format!(
            "the system's clock is {apart} exchange time, which never runs backwards: set the clock right, or wait until it \
             has come so far"
        )
    } else {
        return Ok(());
    };
    Err(ApiError::new(codes::CLOCK_NOT_AHEAD, message))
}
