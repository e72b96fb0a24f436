//! What an exchange's operators do, and the armings that are kept for its traders.

use hoga_protocol::{
    AcceptClock, AccountId, AccountLimitsSet, AccountStatusSet, AdminAction, Administer, Arm, ArmCause,
    Armed, ClockAccepted, Disarm, Event, EventBody, FeesSet, InstrumentId, InstrumentStatusSet, Limits,
    LimitsSet, Nanos, OperatorName, RejectReason, Rejected, Sequence, SetAccountLimits, SetAccountStatus,
    SetFees, SetInstrumentStatus, SetLimits,
};

use super::{Answer, Market, refused};
use crate::accounts::Standing;
use crate::emitter::Emitter;
use crate::instruments::Instrument;

impl Market {
    #[inline(never)]
    pub(super) fn arm<E: FnMut(&Event)>(
        &mut self,
        sequence: Sequence,
        arm: &Arm,
        out: &mut Emitter<'_, E>,
    ) -> Answer {
        self.must_know_account(arm.account)?;
        let armed = Armed {
            account: arm.account,
            arming: sequence,
            cause: match arm.cause {
                ArmCause::Disconnect => ArmCause::Disconnect,
                // As far ahead of the exchange's time as it was of the command's stamp, should time have leapt meanwhile.
                ArmCause::Deadline(at) => ArmCause::Deadline(Nanos(at.0.saturating_add(out.behind().0))),
            },
        };
        let replaced = self.armings.arm(&armed).map_err(refused)?;
        if let Some(replaced) = replaced {
            out.emit(EventBody::Disarmed(replaced), false);
        }
        out.last(EventBody::Armed(armed));
        Ok(())
    }

    #[inline(never)]
    pub(super) fn disarm<E: FnMut(&Event)>(&mut self, disarm: &Disarm, out: &mut Emitter<'_, E>) -> Answer {
        self.must_know_account(disarm.account)?;
        self.armings.disarm(disarm).map_err(refused)?;
        out.last(EventBody::Disarmed(*disarm));
        Ok(())
    }

    #[inline(never)]
    pub(super) fn administer<E: FnMut(&Event)>(
        &mut self,
        administer: &Administer,
        out: &mut Emitter<'_, E>,
    ) -> Answer {
        let by = administer.by();
        match &administer.action() {
            AdminAction::DefineInstrument(spec) => self.define_instrument(spec, out),
            AdminAction::SetFees(set) => self.set_fees(by, set, out),
            AdminAction::SetInstrumentStatus(set) => self.set_instrument_status(by, set, out),
            AdminAction::SetAccountStatus(set) => self.set_account_status(by, set, out),
            AdminAction::SetAccountLimits(set) => self.set_account_limits(by, set, out),
            AdminAction::CancelAll(cancel) => self.cancel_all(cancel, out),
            AdminAction::CancelInstrument(cancel) => self.cancel_instrument(by, cancel, out),
            AdminAction::SetLimits(set) => self.set_limits(by, set, out),
            AdminAction::AcceptClock(accept) => self.accept_clock(by, accept, out),
        }
    }

    fn set_fees<E: FnMut(&Event)>(
        &mut self,
        by: OperatorName,
        set: &SetFees,
        out: &mut Emitter<'_, E>,
    ) -> Answer {
        let instrument = self.instrument(set.instrument)?;
        let changed = instrument.spec.with_fees(set.maker, set.taker);
        instrument.spec = changed.map_err(|_| refused(RejectReason::InvalidSettings))?;
        out.last(EventBody::FeesSet(FeesSet {
            by,
            instrument: set.instrument,
            maker: set.maker,
            taker: set.taker,
        }));
        Ok(())
    }

    fn set_instrument_status<E: FnMut(&Event)>(
        &mut self,
        by: OperatorName,
        set: &SetInstrumentStatus,
        out: &mut Emitter<'_, E>,
    ) -> Answer {
        self.instrument(set.instrument)?.status = set.status;
        out.last(EventBody::InstrumentStatusSet(InstrumentStatusSet {
            by,
            instrument: set.instrument,
            status: set.status,
        }));
        Ok(())
    }

    fn set_account_status<E: FnMut(&Event)>(
        &mut self,
        by: OperatorName,
        set: &SetAccountStatus,
        out: &mut Emitter<'_, E>,
    ) -> Answer {
        self.must_know_account(set.account)?;
        let standing = self.accounts.standing(set.account);
        self.accounts.set_standing(
            set.account,
            Standing {
                status: set.status,
                ..standing
            },
        );
        out.last(EventBody::AccountStatusSet(AccountStatusSet {
            by,
            account: set.account,
            status: set.status,
        }));
        Ok(())
    }

    fn set_account_limits<E: FnMut(&Event)>(
        &mut self,
        by: OperatorName,
        set: &SetAccountLimits,
        out: &mut Emitter<'_, E>,
    ) -> Answer {
        self.must_know_account(set.account)?;
        let standing = self.accounts.standing(set.account);
        self.accounts.set_standing(
            set.account,
            Standing {
                max_open_orders: set.max_open_orders,
                ..standing
            },
        );
        out.last(EventBody::AccountLimitsSet(AccountLimitsSet {
            by,
            account: set.account,
            max_open_orders: set.max_open_orders,
        }));
        Ok(())
    }

    /// Sets limits that nothing has to be given up for.
    fn set_limits<E: FnMut(&Event)>(
        &mut self,
        by: OperatorName,
        set: &SetLimits,
        out: &mut Emitter<'_, E>,
    ) -> Answer {
        let limits = Limits {
            max_accounts: set.max_accounts,
            max_open_orders_per_account: set.max_open_orders_per_account,
            client_ids_total: set.client_ids_total,
            ..self.limits
        };
        if !self.raise_limits(limits) {
            return Err(refused(RejectReason::InvalidSettings));
        }
        out.last(EventBody::LimitsSet(LimitsSet { by, limits }));
        Ok(())
    }

    /// Moves the exchange's time forward, and all deadlines with it.
    fn accept_clock<E: FnMut(&Event)>(
        &mut self,
        by: OperatorName,
        accept: &AcceptClock,
        out: &mut Emitter<'_, E>,
    ) -> Answer {
        let (from, to) = (out.timestamp(), accept.to);
        if to <= from || to > AcceptClock::MAX {
            return Err(refused(RejectReason::InvalidSettings));
        }
        self.armings.leap(Nanos(to.0 - from.0));
        out.leap(to);
        out.last(EventBody::ClockAccepted(ClockAccepted { by, from, to }));
        Ok(())
    }

    fn instrument(&mut self, instrument: InstrumentId) -> Result<&mut Instrument, Rejected> {
        match self.instruments.get(instrument) {
            Some(_) => Ok(self.instruments.known(instrument)),
            None => Err(refused(RejectReason::UnknownInstrument)),
        }
    }

    fn must_know_account(&self, account: AccountId) -> Answer {
        match self.accounts.contains(account) {
            true => Ok(()),
            false => Err(refused(RejectReason::UnknownAccount)),
        }
    }
}
