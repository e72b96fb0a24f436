//! What operators do.

use hoga_protocol::{
    AcceptClock, AdminAction, Administer, Command, InstrumentSpec, Nanos, OperatorName, SetAccountLimits,
    SetAccountStatus, SetFees, SetInstrumentStatus,
};

use super::{Desk, Taken, find_instrument, shutting_down};
use crate::clock::{describe, difference, is_followed};
use crate::pending::Asked;
use crate::ports::CommandSink;
use crate::wire::request::AdminOp;
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
                let account = self.account(&name)?;
                self.open_account(now, &name, account)?;
                AdminAction::SetAccountStatus(SetAccountStatus { account, status })
            }
            AdminOp::SetAccountLimits {
                account: name,
                max_open_orders,
            } => {
                let account = self.account(&name)?;
                self.open_account(now, &name, account)?;
                AdminAction::SetAccountLimits(SetAccountLimits {
                    account,
                    max_open_orders,
                })
            }
            AdminOp::ShowClock | AdminOp::AcceptClock => {
                must_be_ahead(difference(system, now))?;
                AdminAction::AcceptClock(AcceptClock { to: system })
            }
        };
        let sequence = self.submit(now, &Command::Administer(Administer::new(by, action)))?;
        let asked = Asked::Administer;
        Ok(Taken::Sequenced { sequence, asked })
    }

    fn must_have_room(&self, spec: &InstrumentSpec) -> Result<(), ApiError> {
        let instruments = self.views.instruments();
        let most = (self.views.genesis()).map_or(0, |genesis| genesis.limits.max_instruments);
        if instruments.by_symbol(&spec.symbol()).is_some() || instruments.len() < most as usize {
            return Ok(());
        }
        let message = format!("the exchange has {most} instruments, as many as it may");
        Err(ApiError::new(codes::CAPACITY, message))
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
