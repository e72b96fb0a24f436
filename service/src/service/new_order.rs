//! New orders, and the accounts that they open.

use hoga_protocol::{
    AccountId, AccountName, Command, InstrumentStatus, Nanos, NewOrder, OpenAccount, OrderType, RejectReason,
    Rejected, Side, TimeInForce,
};

use super::{Service, Taken};
use crate::account_opening::Opener;
use crate::pending::Asked;
use crate::ports::CommandSink;
use crate::reject::Reject;
use crate::request::{Caller, NewOrderRequest};

impl<S: CommandSink> Service<S> {
    pub(super) fn new_order(
        &mut self,
        now: Nanos,
        name: &AccountName,
        request: &NewOrderRequest,
        caller: Caller,
    ) -> Result<Taken, Reject> {
        let known = self.opening.find(name, &self.views);
        let mut order = request.to_order(known.unwrap_or(AccountId(u32::MAX)), &self.views)?;
        order.signed_by = caller.key;
        if known.is_none() {
            let checked = self.check_first(&order, now);
            checked.map_err(|reason| Reject::engine(Rejected { reason, order: None }, &self.views))?;
            order.account = self.open_account(now, name, Opener::Client(caller.origin))?;
        }
        let sequence = self.submit(now, &Command::NewOrder(order))?;
        let asked = Asked::Place;
        Ok(Taken::Sequenced { sequence, asked })
    }

    /// Opens the account, unless that was done, and gives the number that it has or will have.
    pub(super) fn open_account(
        &mut self,
        now: Nanos,
        name: &AccountName,
        opener: Opener,
    ) -> Result<AccountId, Reject> {
        if let Some(account) = self.opening.find(name, &self.views) {
            return Ok(account);
        }
        let account = self.opening.next(name, opener, &self.views)?;
        let open = OpenAccount { account, name: *name };
        let sequence = self.submit(now, &Command::OpenAccount(open))?;
        self.opening.push(sequence, *name, account, opener);
        Ok(account)
    }

    /// What the engine would refuse the first order of an account for, as far as the views tell, in its order: an order that
    /// is refused opens no account. It has no duplicate, since its account has no other order.
    fn check_first(&self, order: &NewOrder, now: Nanos) -> Result<(), RejectReason> {
        let views = &self.views;
        order.check_validity(now.max(views.timestamp()), Nanos(0))?;
        if views.instruments().status(order.instrument) != InstrumentStatus::Open {
            return Err(RejectReason::InstrumentClosed);
        }
        let spec = views.instruments().get(order.instrument);
        order.check_terms(spec.ok_or(RejectReason::UnknownInstrument)?)?;
        let trades = self.would_trade(order);
        if order.post_only && trades {
            return Err(RejectReason::PostOnlyWouldTrade);
        }
        let most = views
            .genesis()
            .map_or(0, |genesis| genesis.limits.max_open_orders);
        let is_full = views.orders().live() >= most as usize;
        match is_full && !trades && order.time_in_force == TimeInForce::Gtc {
            true => Err(RejectReason::Capacity),
            false => Ok(()),
        }
    }

    /// Whether the order would meet another one in the book as the views have it.
    fn would_trade(&self, order: &NewOrder) -> bool {
        let book = self.views.book(order.instrument);
        let best = book.and_then(|book| book.levels(order.side.opposite()).next());
        best.is_some_and(|best| match (order.order_type, order.side) {
            (OrderType::Market, _) => true,
            (OrderType::Limit, Side::Buy) => best.price <= order.price,
            (OrderType::Limit, Side::Sell) => best.price >= order.price,
        })
    }
}
