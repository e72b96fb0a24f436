//! What whoever has requests asks of the service.

use hoga_protocol::{AccountName, Nanos, OperatorName, Sequence};
use hoga_views::Views;

use crate::pending::Correlation;
use crate::ports::CommandSink;
use crate::reject::Reject;
use crate::reply::Submitted;
use crate::request::{AdminRequest, Caller, Request};
use crate::service::Service;

/// The service as its callers see it, wherever its commands go.
pub trait TradingApi {
    /// Everything that was folded.
    fn views(&self) -> &Views;

    /// Whether orders are taken now.
    ///
    /// # Errors
    /// [`Reject::JournalFull`].
    fn must_take_orders(&self) -> Result<(), Reject>;

    /// Sequences what is asked for on behalf of `account`, or refuses it. Nothing was sequenced then, save the opening of the
    /// account where the exchange had room for that and for no more. Where it is sequenced, the reply comes from
    /// [`Service::fold`] by `correlation`.
    ///
    /// # Errors
    /// Why it is refused.
    fn execute(
        &mut self,
        now: Nanos,
        account: &AccountName,
        request: &Request,
        caller: Caller,
        correlation: Correlation,
    ) -> Result<Submitted<'_>, Reject>;

    /// Sequences what an operator asks for, or refuses it; nothing was sequenced then, save perhaps the opening of the
    /// account that it is about. `now` is exchange time, and `system` the system's clock.
    ///
    /// # Errors
    /// Why it is refused.
    fn administer(
        &mut self,
        now: Nanos,
        system: Nanos,
        by: OperatorName,
        request: &AdminRequest,
        correlation: Correlation,
    ) -> Result<Submitted<'_>, Reject>;

    /// The session of this arming is lost: its account's orders are owed a cancel.
    fn lose(&mut self, arming: Sequence);
}

impl<S: CommandSink> TradingApi for Service<S> {
    fn views(&self) -> &Views {
        Service::views(self)
    }

    fn must_take_orders(&self) -> Result<(), Reject> {
        let sink = self.sink();
        match sink.is_full() {
            true => Err(Reject::JournalFull {
                even_cancels: false,
                reason: sink.reason(),
            }),
            false => Ok(()),
        }
    }

    fn execute(
        &mut self,
        now: Nanos,
        account: &AccountName,
        request: &Request,
        caller: Caller,
        correlation: Correlation,
    ) -> Result<Submitted<'_>, Reject> {
        let taken = self.take(now, account, request, caller)?;
        Ok(self.submitted(taken, correlation))
    }

    fn administer(
        &mut self,
        now: Nanos,
        system: Nanos,
        by: OperatorName,
        request: &AdminRequest,
        correlation: Correlation,
    ) -> Result<Submitted<'_>, Reject> {
        let taken = self.operate(now, system, by, request)?;
        Ok(self.submitted(taken, correlation))
    }

    fn lose(&mut self, arming: Sequence) {
        Service::lose(self, arming);
    }
}
