//! Requests to commands, and events to views and replies.

mod new_order;

mod cancel_triggers;

mod administration;

use hoga_protocol::{
    AccountName, Armed, CancelAll, CancelClientOrder, CancelOrder, ClientOrderId, Command, CommandClass,
    Event, Nanos, OperatorName, OrderId, Sequence, SetLimits, Symbol,
};
use hoga_views::{OrderState, Views};

use crate::account_opening::AccountOpening;
use crate::cancel_timers::CancelTimers;
use crate::owed::{Owed, OwedCommands};
use crate::pending::{Asked, Behalf, CancelMany, Correlation, Outcome, PendingRequests, Whose};
use crate::ports::{CommandSink, Refusal};
use crate::queries::{find_client_order, find_instrument, find_order};
use crate::reject::Reject;
use crate::reply::{Reply, Submitted};
use crate::request::{Caller, ReplaceRequest, Request};

/// The commands that were sequenced, those that are still owed, and the views that their events are folded into.
#[derive(Debug)]
pub struct Service<S> {
    sink: S,
    views: Views,
    /// Refuse every new command: the exchange is shutting down.
    draining: bool,
    opening: AccountOpening,
    pending: PendingRequests,
    owed: OwedCommands,
    timers: CancelTimers,
    newest: Sequence,
    /// The limits of the exchange that were asked for last, and the command that sets them.
    limits: Option<(Sequence, SetLimits)>,
    /// The last command that has exchange time leap.
    leap: Option<Sequence>,
}

/// What became of a request before its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is sequenced; its events will answer.
    Sequenced {
        /// The command's sequence.
        sequence: Sequence,
        /// What to look for in its events.
        asked: Asked,
    },
    /// Things stand already as was asked for; nothing was sequenced.
    Stands(Outcome),
}

impl<S> Service<S> {
    /// Everything that was folded.
    pub fn views(&self) -> &Views {
        &self.views
    }

    /// Has the views give back memory of orders that they have forgotten, of a few. Returns of how many.
    pub fn tidy(&mut self) -> usize {
        self.views.tidy()
    }

    /// Where commands go.
    pub fn sink(&self) -> &S {
        &self.sink
    }

    /// The sink and the views, as they stand.
    pub fn into_parts(self) -> (S, Views) {
        (self.sink, self.views)
    }

    /// From now on every new command is refused.
    pub fn drain(&mut self) {
        self.draining = true;
    }
}

impl<S: CommandSink> Service<S> {
    /// A service whose views hold everything so far. Each address may open `accounts_per_address` accounts.
    pub fn new(sink: S, views: Views, accounts_per_address: usize) -> Self {
        Self {
            sink,
            newest: views.sequence(),
            timers: CancelTimers::new(&views),
            views,
            draining: false,
            opening: AccountOpening::new(accounts_per_address),
            pending: PendingRequests::default(),
            owed: OwedCommands::default(),
            limits: None,
            leap: None,
        }
    }

    /// How many commands are sequenced and not in the views, or not yet sequenced though owed.
    pub fn backlog(&self) -> usize {
        let sequenced = self.newest.0.saturating_sub(self.views.sequence().0) as usize;
        sequenced.max(self.pending.len()) + self.owed.len() + self.timers.waiting()
    }

    /// Whether everything that was sequenced has been answered.
    pub fn is_settled(&self) -> bool {
        self.views.is_complete() && self.backlog() == 0
    }

    /// Whether commands wait to be sequenced although no request brings them.
    pub fn owes(&self) -> bool {
        self.owed.len() > 0 || self.timers.waiting() > 0
    }

    /// Lets the sink sequence what the exchange itself owes.
    pub fn tick(&mut self, now: Nanos) {
        self.sink.tick(now);
    }

    /// Folds an event into the views; at the last event of a command, `reply` gets what became of the request, if it was one.
    pub fn fold(&mut self, event: &Event, reply: &mut dyn FnMut(Correlation, &Reply<'_>, &Views)) {
        self.views.fold(event);
        self.timers.fold(event, &self.views);
        let mut tell = |correlation, outcome, views: &Views| {
            reply(correlation, &Reply::of(outcome, views), views);
        };
        while let Some(behalf) = self.pending.overdue(event.sequence) {
            match behalf {
                Behalf::Client(correlation) => tell(correlation, Outcome::Lost, &self.views),
                Behalf::Arming(disarm) => self.timers.lose(disarm.arming),
            }
        }
        if event.last {
            self.opening.complete(event.sequence);
        }
        self.owed.fold(event);
        match self.pending.fold(event) {
            None => {}
            Some((behalf, Outcome::More(cancel))) => {
                self.owe(Asked::CancelMany(cancel), cancel.command(), behalf)
            }
            Some((Behalf::Client(correlation), outcome)) => tell(correlation, outcome, &self.views),
            Some((Behalf::Arming(disarm), outcome)) => self.arming_done(disarm, outcome),
        }
    }

    /// Reads what folding these events will read, side by side: the answers of the memory do not wait for each other. For views that no
    /// cache holds.
    pub fn prefetch<'e>(&self, events: impl Iterator<Item = &'e Event>) {
        if self.views.orders().live() > Views::PREFETCH_ABOVE {
            self.views.prefetch(events);
        }
    }

    /// Sequences what is owed, as far as the ring has room and not too much of it is under way, and returns how many commands
    /// it sequenced. Calls `fired` for every arming whose time has come, once it owes a command for it.
    pub fn send_owed(&mut self, now: Nanos, fired: &mut dyn FnMut(&Armed, &Views)) -> usize {
        self.fire_triggers(now, fired);
        let mut sent = 0;
        while let Some(command) = self.owed.next() {
            let Ok(sequence) = self.sink.submit(now, command) else {
                break;
            };
            self.newest = sequence;
            if let Some(Owed { asked, behalf, .. }) = self.owed.sent(sequence) {
                self.pending.push(sequence, asked, behalf);
            }
            sent += 1;
        }
        sent
    }

    fn owe(&mut self, asked: Asked, command: Command, behalf: Behalf) {
        let owed = Owed {
            asked,
            command,
            behalf,
        };
        self.owed.push(owed, &self.views);
    }

    /// Sequences what is asked for on behalf of `account`, or refuses it.
    pub(crate) fn take(
        &mut self,
        now: Nanos,
        account: &AccountName,
        request: &Request,
        caller: Caller,
    ) -> Result<Taken, Reject> {
        if self.draining {
            return Err(Reject::ShuttingDown);
        }
        match request {
            Request::NewOrder(order) => self.new_order(now, account, order, caller),
            Request::ReplaceOrder { order, change } => self.replace_order(now, account, *order, change),
            Request::CancelOrder { order } => self.cancel_order(now, account, *order),
            Request::CancelClientOrder { client_order_id } => {
                self.cancel_client_order(now, account, *client_order_id)
            }
            Request::CancelAll { symbol } => self.cancel_all(now, account, symbol.as_ref(), None),
            Request::CancelOnDisconnect { on, armed } => {
                self.cancel_on_disconnect(now, account, *armed, *on, caller)
            }
            Request::CancelAllAfter { timeout_ms } => {
                self.cancel_all_after(now, account, *timeout_ms, caller)
            }
        }
    }

    /// What a request comes to that was taken; its reply will come by `correlation`, unless it is there.
    pub(crate) fn submitted(&mut self, taken: Taken, correlation: Correlation) -> Submitted<'_> {
        match taken {
            Taken::Sequenced { sequence, asked } => {
                self.pending.push(sequence, asked, Behalf::Client(correlation));
                Submitted::Sequenced(sequence)
            }
            Taken::Stands(outcome) => Submitted::Replied(Reply::of(outcome, &self.views), &self.views),
        }
    }

    fn replace_order(
        &mut self,
        now: Nanos,
        name: &AccountName,
        order: Option<OrderId>,
        change: &ReplaceRequest,
    ) -> Result<Taken, Reject> {
        let order = *self.live_order(name, order)?;
        let command = change.to_command(order.account, &order, &self.views)?;
        self.change(now, order.order, &Command::ReplaceOrder(command))
    }

    fn cancel_order(
        &mut self,
        now: Nanos,
        name: &AccountName,
        order: Option<OrderId>,
    ) -> Result<Taken, Reject> {
        let order = *self.live_order(name, order)?;
        let command = CancelOrder {
            account: order.account,
            order: order.order,
        };
        self.change(now, order.order, &Command::CancelOrder(command))
    }

    /// Cancels an order by the name that its client gave it, also one whose placing is still under way.
    fn cancel_client_order(
        &mut self,
        now: Nanos,
        name: &AccountName,
        client_order_id: ClientOrderId,
    ) -> Result<Taken, Reject> {
        let account = self.opening.find(name, &self.views);
        let account = account.ok_or(Reject::UnknownClientOrder(client_order_id))?;
        // With nothing under way the views know of every order that works.
        if self.newest <= self.views.sequence() {
            let order = find_client_order(&client_order_id, Some(account), &self.views)?;
            if order.status.closed() {
                return Err(Reject::OrderClosed(order.status));
            }
        }
        let command = CancelClientOrder {
            account,
            client_order_id,
        };
        let sequence = self.submit(now, &Command::CancelClientOrder(command))?;
        let asked = Asked::CancelByClientId;
        Ok(Taken::Sequenced { sequence, asked })
    }

    fn change(&mut self, now: Nanos, order: OrderId, command: &Command) -> Result<Taken, Reject> {
        let sequence = self.submit(now, command)?;
        Ok(Taken::Sequenced {
            sequence,
            asked: Asked::Change(order),
        })
    }

    fn cancel_all(
        &mut self,
        now: Nanos,
        name: &AccountName,
        symbol: Option<&Symbol>,
        by: Option<OperatorName>,
    ) -> Result<Taken, Reject> {
        let instrument = symbol
            .map(|symbol| find_instrument(symbol, &self.views))
            .transpose()?;
        let Some(account) = self.opening.find(name, &self.views) else {
            return Ok(Taken::Stands(Outcome::Canceled(0)));
        };
        let command = CancelAll {
            account,
            instrument,
            before: None,
        };
        self.cancel_many(now, Whose::Account { command, by })
    }

    fn cancel_many(&mut self, now: Nanos, whose: Whose) -> Result<Taken, Reject> {
        let cancel = CancelMany::new(whose);
        let sequence = self.submit(now, &cancel.command())?;
        let asked = Asked::CancelMany(cancel);
        Ok(Taken::Sequenced { sequence, asked })
    }

    /// The order of that id, if it is the account's and still works as far as the views know.
    fn live_order(&self, name: &AccountName, order: Option<OrderId>) -> Result<&OrderState, Reject> {
        let account = self.views.accounts().by_name(name);
        let order = find_order(order, account, &self.views)?;
        if order.status.closed() {
            return Err(Reject::OrderClosed(order.status));
        }
        Ok(order)
    }

    fn submit(&mut self, now: Nanos, command: &Command) -> Result<Sequence, Reject> {
        let sequence = self
            .sink
            .submit(now, command)
            .map_err(|refusal| self.refused(refusal, command.class()))?;
        self.newest = sequence;
        Ok(sequence)
    }

    fn refused(&self, refusal: Refusal, class: CommandClass) -> Reject {
        match refusal {
            Refusal::Busy => Reject::Busy,
            Refusal::CancelOnly => Reject::JournalFull {
                even_cancels: class == CommandClass::Reducing,
                reason: self.sink.reason(),
            },
        }
    }
}
