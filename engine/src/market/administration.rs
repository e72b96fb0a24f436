//! What an exchange's operators do, and the armings that are kept for its traders.

use hoga_protocol::{
    AccountId, AccountLimitsSet, AccountStatusSet, AdminAction, Administer, Arm, ArmCause, Armed, Disarm,
    Event, EventBody, FeesSet, InstrumentId, InstrumentStatusSet, Nanos, OperatorName, RejectReason,
    Rejected, Sequence, SetAccountLimits, SetAccountStatus, SetFees, SetInstrumentStatus,
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
        self.must_have_administration()?;
        self.must_know_account(arm.account)?;
        let armed = Armed {
            account: arm.account,
            arming: sequence,
            cause: arm.cause,
        };
        let replaced = self.armings.arm(&armed).map_err(refused)?;
        if let Some(replaced) = replaced {
            self.tape(&[u64::from(replaced.account.0), replaced.arming.0]);
            out.emit(EventBody::Disarmed(replaced), false);
        }
        let deadline = match armed.cause {
            ArmCause::Disconnect => Nanos(0),
            ArmCause::Deadline(at) => at,
        };
        self.tape(&[u64::from(armed.account.0), armed.arming.0, deadline.0]);
        out.last(EventBody::Armed(armed));
        Ok(())
    }

    #[inline(never)]
    pub(super) fn disarm<E: FnMut(&Event)>(&mut self, disarm: &Disarm, out: &mut Emitter<'_, E>) -> Answer {
        self.must_have_administration()?;
        self.must_know_account(disarm.account)?;
        self.armings.disarm(disarm).map_err(refused)?;
        self.tape(&[u64::from(disarm.account.0), disarm.arming.0]);
        out.last(EventBody::Disarmed(*disarm));
        Ok(())
    }

    #[inline(never)]
    pub(super) fn administer<E: FnMut(&Event)>(
        &mut self,
        administer: &Administer,
        out: &mut Emitter<'_, E>,
    ) -> Answer {
        self.must_have_administration()?;
        let by = administer.by();
        match &administer.action() {
            AdminAction::DefineInstrument(spec) => self.define_instrument(spec, out),
            AdminAction::SetFees(set) => self.set_fees(by, set, out),
            AdminAction::SetInstrumentStatus(set) => self.set_instrument_status(by, set, out),
            AdminAction::SetAccountStatus(set) => self.set_account_status(by, set, out),
            AdminAction::SetAccountLimits(set) => self.set_account_limits(by, set, out),
            AdminAction::CancelAll(cancel) => self.cancel_all(cancel, out),
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
        self.stand(
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
        self.stand(
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

    fn stand(&mut self, account: AccountId, standing: Standing) {
        self.accounts.set_standing(account, standing);
        let status = standing.status as u64;
        self.tape(&[
            u64::from(account.0),
            status << 32 | u64::from(standing.max_open_orders),
        ]);
    }

    /// Adds to what every checkpoint covers.
    fn tape(&mut self, words: &[u64]) {
        self.checks.tape.words(words);
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

    fn must_have_administration(&self) -> Answer {
        match self.rules.have_administration() {
            true => Ok(()),
            false => Err(refused(RejectReason::OutOfPlace)),
        }
    }
}
