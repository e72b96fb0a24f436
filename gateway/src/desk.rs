//! Where requests become commands, and events answers.

mod arming;

mod administering;

mod owed;

mod placing;

use hoga_protocol::{
    AccountId, AccountName, Armed, CancelAll, CancelClientOrder, CancelOrder, ClientOrderId, Command,
    CommandClass, Event, InstrumentId, Nanos, OperatorName, OrderId, Sequence, SetLimits, SigningKeyId,
    Symbol,
};
use hoga_views::{OrderState, Views};

use crate::accounts::Opening;
use crate::auth::Identity;
use crate::line::Line;
use crate::origins::Origin;
use crate::pending::{Asked, Behalf, CancelMany, Outcome, Pending, Waiter, Whose};
use crate::ports::{CommandSink, Refusal};
use crate::watch::Watch;
use crate::wire::{ApiError, ReplaceRequest, WsOp, codes, ids};
use owed::{Owed, OwedCommands};

/// The commands that the gateway has sequenced, those it still owes, and the views their events are folded into.
#[derive(Debug)]
pub(crate) struct Desk<S> {
    pub sink: S,
    pub views: Views,
    /// Refuse every new command: the exchange is shutting down.
    pub draining: bool,
    opening: Opening,
    pending: Pending,
    owed: OwedCommands,
    watch: Watch,
    newest: Sequence,
    /// The limits of the exchange that were asked for last, and the command that sets them.
    limits: Option<(Sequence, SetLimits)>,
    /// The last command that has exchange time leap.
    leap: Option<Sequence>,
}

/// Who sends a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sender {
    /// From where, if the limits of addresses hold there.
    pub origin: Option<Origin>,
    /// The key that signed it.
    pub key: SigningKeyId,
}

impl Sender {
    /// Whoever is at the other end of `line`; `identity` is whose key was shown, where authentication is on.
    pub fn new(line: &Line, identity: Option<&Identity>) -> Self {
        Self {
            origin: line.origin,
            key: identity.map_or(SigningKeyId::NONE, |identity| identity.key.into()),
        }
    }
}

/// What became of a request that was well-formed.
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

impl<S: CommandSink> Desk<S> {
    /// A desk whose views hold everything so far. Each address may open `accounts_per_address` accounts.
    pub fn new(sink: S, views: Views, accounts_per_address: usize) -> Self {
        Self {
            sink,
            newest: views.sequence(),
            watch: Watch::new(&views),
            views,
            draining: false,
            opening: Opening::new(accounts_per_address),
            pending: Pending::default(),
            owed: OwedCommands::default(),
            limits: None,
            leap: None,
        }
    }

    /// How many commands are sequenced and not in the views, or not yet sequenced though owed.
    pub fn backlog(&self) -> usize {
        let sequenced = self.newest.0.saturating_sub(self.views.sequence().0) as usize;
        sequenced.max(self.pending.len()) + self.owed.len() + self.watch.waiting()
    }

    /// Whether everything that was sequenced has been answered.
    pub fn is_settled(&self) -> bool {
        self.views.is_complete() && self.backlog() == 0
    }

    /// Whether commands wait to be sequenced although no request brings them.
    pub fn owes(&self) -> bool {
        self.owed.len() > 0 || self.watch.waiting() > 0
    }

    /// Sequences what is asked for on behalf of `account`, or refuses it. Nothing was sequenced then, save the opening of the
    /// account where the exchange had room for that and for no more.
    ///
    /// # Errors
    /// What the client is told.
    pub fn take(
        &mut self,
        now: Nanos,
        account: &AccountName,
        op: &WsOp,
        sender: Sender,
    ) -> Result<Taken, ApiError> {
        if self.draining {
            return Err(shutting_down());
        }
        match op {
            WsOp::Place(request) => self.place(now, account, request, sender),
            WsOp::Replace { order_id, request } => self.replace(now, account, order_id, request),
            WsOp::Cancel { order_id } => self.cancel(now, account, order_id),
            WsOp::CancelByClientId { client_order_id } => {
                self.cancel_by_client_id(now, account, *client_order_id)
            }
            WsOp::CancelAll { symbol } => self.cancel_all(now, account, symbol.as_ref(), None),
            // Only a session can be lost, and it knows its arming.
            WsOp::CancelOnDisconnect { on } => self.cancel_on_disconnect(now, account, None, *on, sender),
            WsOp::CancelAllAfter { timeout_ms } => self.cancel_all_after(now, account, *timeout_ms, sender),
        }
    }

    /// Remembers who waits for a sequenced request.
    pub fn wait(&mut self, sequence: Sequence, asked: Asked, waiter: Waiter) {
        self.pending.push(sequence, asked, Behalf::Client(waiter));
    }

    /// Folds an event into the views; at the last event of a command, `answer` gets whoever waits for it.
    pub fn fold(&mut self, event: &Event, answer: &mut dyn FnMut(Waiter, Outcome, &Views)) {
        self.views.fold(event);
        self.watch.note(event, &self.views);
        while let Some(behalf) = self.pending.overdue(event.sequence) {
            match behalf {
                Behalf::Client(waiter) => answer(waiter, Outcome::Lost, &self.views),
                Behalf::Arming(disarm) => self.watch.lose(disarm.arming),
            }
        }
        if event.last {
            self.opening.complete(event.sequence);
        }
        self.owed.note(event);
        match self.pending.note(event) {
            None => {}
            Some((behalf, Outcome::More(cancel))) => {
                self.owe(Asked::CancelMany(cancel), cancel.command(), behalf)
            }
            Some((Behalf::Client(waiter), outcome)) => answer(waiter, outcome, &self.views),
            Some((Behalf::Arming(disarm), outcome)) => self.carried_out(disarm, outcome),
        }
    }

    /// Sequences what is owed, as far as the ring has room and not too much of it is under way, and returns how many commands
    /// it sequenced. Calls `fired` for every arming whose time has come, once it owes a command for it.
    pub fn send_owed(&mut self, now: Nanos, fired: &mut dyn FnMut(&Armed, &Views)) -> usize {
        self.carry_out(now, fired);
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

    fn replace(
        &mut self,
        now: Nanos,
        name: &AccountName,
        order_id: &str,
        request: &ReplaceRequest,
    ) -> Result<Taken, ApiError> {
        let order = *self.live_order(name, order_id)?;
        let command = request.to_command(order.account, &order, &self.views)?;
        self.change(now, order.order, &Command::ReplaceOrder(command))
    }

    fn cancel(&mut self, now: Nanos, name: &AccountName, order_id: &str) -> Result<Taken, ApiError> {
        let order = *self.live_order(name, order_id)?;
        let command = CancelOrder {
            account: order.account,
            order: order.order,
        };
        self.change(now, order.order, &Command::CancelOrder(command))
    }

    /// Cancels an order by the name that its client gave it, also one whose placing is still under way.
    fn cancel_by_client_id(
        &mut self,
        now: Nanos,
        name: &AccountName,
        client_order_id: ClientOrderId,
    ) -> Result<Taken, ApiError> {
        let account = self.opening.find(name, &self.views);
        let account = account.ok_or_else(|| unknown_client_order(&client_order_id))?;
        // With nothing under way the views know of every order that works.
        if self.newest <= self.views.sequence() {
            let order = find_client_order(&client_order_id, Some(account), &self.views)?;
            if order.status.closed() {
                return Err(order_closed(order));
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

    fn change(&mut self, now: Nanos, order: OrderId, command: &Command) -> Result<Taken, ApiError> {
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
    ) -> Result<Taken, ApiError> {
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

    fn cancel_many(&mut self, now: Nanos, whose: Whose) -> Result<Taken, ApiError> {
        let cancel = CancelMany::new(whose);
        let sequence = self.submit(now, &cancel.command())?;
        let asked = Asked::CancelMany(cancel);
        Ok(Taken::Sequenced { sequence, asked })
    }

    /// The order of that id, if it is the account's and still works as far as the views know.
    fn live_order(&self, name: &AccountName, order_id: &str) -> Result<&OrderState, ApiError> {
        let account = self.views.accounts().by_name(name);
        let order = find_order(order_id, account, &self.views)?;
        if order.status.closed() {
            return Err(order_closed(order));
        }
        Ok(order)
    }

    fn submit(&mut self, now: Nanos, command: &Command) -> Result<Sequence, ApiError> {
        let sequence = self
            .sink
            .submit(now, command)
            .map_err(|refusal| self.refused(refusal, command.class()))?;
        self.newest = sequence;
        Ok(sequence)
    }

    fn refused(&self, refusal: Refusal, class: CommandClass) -> ApiError {
        let taken = match (refusal, class) {
            (Refusal::Busy, _) => {
                let message = "the exchange has more commands waiting than it takes; nothing was sequenced, try again \
                               shortly";
                return ApiError::new(codes::BUSY, message);
            }
            (Refusal::CancelOnly, CommandClass::Adding) => "only cancels are taken",
            (Refusal::CancelOnly, CommandClass::Reducing) => "nothing is taken, not even cancels",
        };
        ApiError::new(codes::JOURNAL_FULL, format!("{taken}: {}", self.sink.reason()))
    }
}

/// The order of that id; when `account` is none, nobody has such an order.
///
/// # Errors
/// 404 `unknown_order`, also when the order is another account's.
pub(crate) fn find_order<'v>(
    order_id: &str,
    account: Option<AccountId>,
    views: &'v Views,
) -> Result<&'v OrderState, ApiError> {
    any_order(order_id, views)
        .filter(|order| Some(order.account) == account)
        .ok_or_else(|| unknown_order(order_id))
}

/// The account's order of that name, the newest if it was given to several; when `account` is none, nobody has such an order.
///
/// # Errors
/// 404 `unknown_order`.
pub(crate) fn find_client_order<'v>(
    client_order_id: &ClientOrderId,
    account: Option<AccountId>,
    views: &'v Views,
) -> Result<&'v OrderState, ApiError> {
    account
        .and_then(|account| views.orders().by_client_id(account, client_order_id))
        .ok_or_else(|| unknown_client_order(client_order_id))
}

/// The order of that id, whoever owns it.
pub(crate) fn any_order<'v>(order_id: &str, views: &'v Views) -> Option<&'v OrderState> {
    let exchange = views.genesis()?.exchange;
    views.orders().get(ids::parse_order_id(order_id, exchange)?)
}

/// The instrument of that symbol.
///
/// # Errors
/// 404 `unknown_symbol`.
pub(crate) fn find_instrument(symbol: &Symbol, views: &Views) -> Result<InstrumentId, ApiError> {
    views.instruments().by_symbol(symbol).ok_or_else(|| {
        let message = format!("no instrument is called {symbol}; GET /api/v1/instruments lists them all");
        ApiError::new(codes::UNKNOWN_SYMBOL, message)
    })
}

/// What a client is told of an order that is not there.
pub(crate) fn unknown_order(order_id: &str) -> ApiError {
    let shown: String = order_id.chars().take(64).collect();
    ApiError::new(codes::UNKNOWN_ORDER, format!("this account has no order {shown}"))
}

fn unknown_client_order(client_order_id: &ClientOrderId) -> ApiError {
    let message = format!("this account has no order whose client_order_id is {client_order_id}");
    ApiError::new(codes::UNKNOWN_ORDER, message)
}

/// What a client is told of an order that works no more.
pub(crate) fn order_closed(order: &OrderState) -> ApiError {
    ApiError::new(
        codes::ORDER_CLOSED,
        format!("the order is {:?} and cannot be changed any more", order.status),
    )
}

/// What a client is told while the exchange drains.
pub(crate) fn shutting_down() -> ApiError {
    ApiError::new(
        codes::SHUTTING_DOWN,
        "the exchange is shutting down and takes no more commands",
    )
}
