//! What operators do.

use hoga_protocol::{
    AcceptClock, AdminAction, Administer, CancelAll, CancelInstrument, Command, InstrumentSpec, Limits,
    Nanos, OperatorName, RejectReason, Rejected, Sequence, SetAccountLimits, SetAccountStatus, SetFees,
    SetInstrumentStatus, SetLimits,
};

use super::{Service, Taken};
use crate::account_opening::Opener;
use crate::clock::{difference, is_followed};
use crate::pending::{Asked, Whose};
use crate::ports::CommandSink;
use crate::queries::find_instrument;
use crate::reject::{ChangedLimit, Reject};
use crate::request::{AdminRequest, LimitsChange};

impl<S: CommandSink> Service<S> {
    /// Sequences what an operator asks for, or refuses it.
    pub(crate) fn operate(
        &mut self,
        now: Nanos,
        system: Nanos,
        by: OperatorName,
        request: &AdminRequest,
    ) -> Result<Taken, Reject> {
        if self.draining {
            return Err(Reject::ShuttingDown);
        }
        let action = match *request {
            AdminRequest::CancelAll { account, symbol } => {
                return self.cancel_all(now, &account, symbol.as_ref(), Some(by));
            }
            AdminRequest::CancelInstrument { symbol } => {
                let instrument = find_instrument(&symbol, &self.views)?;
                let most = self.limits().max_open_orders.div_ceil(CancelAll::MAX_ORDERS);
                let command = CancelInstrument { instrument };
                let left = most.saturating_sub(1);
                return self.cancel_many(now, Whose::Instrument { command, by, left });
            }
            AdminRequest::SetLimits(ref change) => {
                let set = self.changed_limits(change)?;
                let (sequence, taken) = self.sequence_action(now, by, AdminAction::SetLimits(set))?;
                self.limits = Some((sequence, set));
                return Ok(taken);
            }
            AdminRequest::DefineInstrument(spec) => {
                self.must_have_room(&spec)?;
                AdminAction::DefineInstrument(spec)
            }
            AdminRequest::SetFees { symbol, maker, taker } => {
                let instrument = find_instrument(&symbol, &self.views)?;
                if let Some(spec) = self.views.instruments().get(instrument) {
                    let checked = spec.with_fees(maker, taker);
                    checked.map_err(|error| Reject::InvalidFees(error.to_string()))?;
                }
                AdminAction::SetFees(SetFees {
                    instrument,
                    maker,
                    taker,
                })
            }
            AdminRequest::SetInstrumentStatus { symbol, status } => {
                let instrument = find_instrument(&symbol, &self.views)?;
                AdminAction::SetInstrumentStatus(SetInstrumentStatus { instrument, status })
            }
            AdminRequest::SetAccountStatus {
                account: name,
                status,
            } => {
                let account = self.open_account(now, &name, Opener::Operator)?;
                AdminAction::SetAccountStatus(SetAccountStatus { account, status })
            }
            AdminRequest::SetAccountLimits {
                account: name,
                max_open_orders,
            } => {
                let account = self.open_account(now, &name, Opener::Operator)?;
                AdminAction::SetAccountLimits(SetAccountLimits {
                    account,
                    max_open_orders,
                })
            }
            AdminRequest::ShowClock | AdminRequest::AcceptClock => {
                must_be_ahead(difference(system, now))?;
                if self.leap.is_some_and(|leap| leap > self.views.sequence()) {
                    return Err(Reject::ClockBeingAccepted);
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
    ) -> Result<(Sequence, Taken), Reject> {
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
    /// [`Reject::InvalidLimit`]: they are ones that the engine would not take, or that would let few accounts fill the books.
    fn changed_limits(&self, change: &LimitsChange) -> Result<SetLimits, Reject> {
        let now = self.limits();
        let refused = |limit| Err(Reject::InvalidLimit(limit));
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
                return refused(ChangedLimit::NotRaised {
                    name,
                    now: least,
                    most,
                    value,
                });
            }
        }
        let most = Limits::most_per_account(now.max_open_orders);
        if let Some(value) = change.max_open_orders_per_account
            && !(1..=most).contains(&value)
        {
            return refused(ChangedLimit::OpenOrders { most, value });
        }
        let limits = with(now, set);
        match limits.is_valid() {
            true => Ok(set),
            false => refused(ChangedLimit::ClientIds(limits.most_client_ids())),
        }
    }

    fn must_have_room(&self, spec: &InstrumentSpec) -> Result<(), Reject> {
        let instruments = self.views.instruments();
        let most = (self.views.genesis()).map_or(0, |genesis| genesis.limits.max_instruments);
        if instruments.len() < most as usize {
            return Ok(());
        }
        if instruments.by_symbol(&spec.symbol()).is_some() {
            let reason = RejectReason::AlreadyExists;
            return Err(Reject::engine(Rejected { reason, order: None }, &self.views));
        }
        Err(Reject::InstrumentsFull(most))
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
fn must_be_ahead(difference: i64) -> Result<(), Reject> {
    match difference > 0 && !is_followed(difference) {
        true => Ok(()),
        false => Err(Reject::ClockNotAhead { difference }),
    }
}
