//! What the journal has told so far: who an account is, what an instrument's numbers mean, what became of a command.

use hoga_engine::Engine;
use hoga_gateway::codec::ids;
use hoga_protocol::{
    AccountId, AccountName, AdminAction, CancelAll, ClientOrderId, Command, EventBody, ExchangeId,
    InstrumentId, InstrumentSpec, Nanos, OrderId, RejectReason, Sequence,
};

/// The engine as the commands read so far leave it, and the names that its numbers stand for. Its size is bounded by the
/// limits in the journal's genesis.
pub struct Past {
    engine: Engine,
    accounts: Vec<AccountName>,
    instruments: Vec<InstrumentSpec>,
    exchange: ExchangeId,
    /// The id of the order looked for, as the wire writes it.
    order_text: Option<String>,
    order: Option<OrderId>,
    /// Whose the order looked for is and what it trades, once its placing has been read.
    placed: Option<(AccountId, InstrumentId)>,
    /// The client order id of the order looked for.
    placed_under: Option<ClientOrderId>,
}

/// What became of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was carried out.
    Accepted,
    /// It was a new order that was known already.
    Duplicate,
    /// It changed nothing.
    Rejected(RejectReason),
}

/// What is known of a command beyond its own fields.
pub struct Told {
    /// The exchange's time of it.
    pub time: Nanos,
    /// What became of it.
    pub outcome: Outcome,
    /// Whose it is, or whom an operator's command is about; `None` for the exchange's own, and for an account that is not
    /// open.
    pub account: Option<AccountName>,
    /// The instrument it is about, if it is about one that is known.
    pub instrument: Option<InstrumentSpec>,
    /// Whether it concerns the order looked for.
    pub concerns_order: bool,
}

impl Past {
    /// Nothing has been read yet; `order` is the id of an order to look for.
    pub fn new(order: Option<String>) -> Past {
        Past {
            engine: Engine::new(),
            accounts: Vec::new(),
            instruments: Vec::new(),
            exchange: ExchangeId(0),
            order_text: order,
            order: None,
            placed: None,
            placed_under: None,
        }
    }

    /// The exchange's own number; 0 before genesis.
    pub fn exchange(&self) -> ExchangeId {
        self.exchange
    }

    /// Takes the next command.
    ///
    /// # Errors
    /// In words, at the genesis: the order looked for is none of this exchange.
    pub fn tell(&mut self, sequence: u64, timestamp: Nanos, command: &Command) -> Result<Told, String> {
        // An order that fills or is canceled by the command is gone afterwards.
        let instrument = self.instrument_of(command);
        let mut time = timestamp;
        let mut outcome = Outcome::Accepted;
        let (accounts, instruments) = (&mut self.accounts, &mut self.instruments);
        self.engine
            .apply(Sequence(sequence), timestamp, command, &mut |event| {
                time = event.timestamp;
                match event.body {
                    EventBody::AccountOpened(opened) => accounts.push(opened.name),
                    EventBody::InstrumentDefined(defined) => instruments.push(defined.spec),
                    EventBody::DuplicateOrder { .. } => outcome = Outcome::Duplicate,
                    EventBody::Rejected(rejected) => outcome = Outcome::Rejected(rejected.reason),
                    _ => {}
                }
            });
        if let Command::Genesis(genesis) = command {
            self.begin(genesis.exchange)?;
        }
        Ok(Told {
            time,
            outcome,
            account: self.account_of(command),
            instrument: instrument.and_then(|number| self.instruments.get(number.0 as usize).copied()),
            concerns_order: self.concerns_order(sequence, command),
        })
    }

    fn begin(&mut self, exchange: ExchangeId) -> Result<(), String> {
        self.exchange = exchange;
        let Some(text) = &self.order_text else {
            return Ok(());
        };
        self.order = ids::parse_order_id(text, exchange);
        if self.order.is_some() {
            return Ok(());
        }
        let example = ids::order_uuid(exchange, OrderId(1));
        Err(format!(
            "--order {text} is no order_id of this exchange: one looks like {example}, and its last eight digits are the \
             exchange's own. An exec_id is no order_id"
        ))
    }

    fn account_of(&self, command: &Command) -> Option<AccountName> {
        let account = match command {
            Command::Genesis(_)
            | Command::DefineInstrument(_)
            | Command::Checkpoint(_)
            | Command::EngineVersion(_) => return None,
            Command::OpenAccount(open) => return Some(open.name),
            Command::NewOrder(order) => order.account,
            Command::ReplaceOrder(replace) => replace.account,
            Command::CancelOrder(cancel) => cancel.account,
            Command::CancelClientOrder(cancel) => cancel.account,
            Command::CancelAll(cancel) => cancel.account,
            Command::Arm(arm) => arm.account,
            Command::Disarm(disarm) => disarm.account,
            Command::Administer(administer) => match &administer.action() {
                AdminAction::DefineInstrument(_)
                | AdminAction::SetFees(_)
                | AdminAction::SetInstrumentStatus(_)
                | AdminAction::CancelInstrument(_)
                | AdminAction::SetLimits(_)
                | AdminAction::AcceptClock(_) => return None,
                AdminAction::SetAccountStatus(set) => set.account,
                AdminAction::SetAccountLimits(set) => set.account,
                AdminAction::CancelAll(cancel) => cancel.account,
            },
        };
        self.accounts.get(account.0 as usize).copied()
    }

    fn instrument_of(&self, command: &Command) -> Option<InstrumentId> {
        let traded_by = |order| self.engine.order(order).map(|resting| resting.instrument);
        match command {
            Command::Genesis(_)
            | Command::DefineInstrument(_)
            | Command::OpenAccount(_)
            | Command::Checkpoint(_)
            | Command::EngineVersion(_)
            | Command::Arm(_)
            | Command::Disarm(_) => None,
            Command::NewOrder(order) => Some(order.instrument),
            Command::ReplaceOrder(replace) => traded_by(replace.order),
            Command::CancelOrder(cancel) => traded_by(cancel.order),
            Command::CancelClientOrder(_) => None,
            Command::CancelAll(cancel) => cancel.instrument,
            Command::Administer(administer) => match &administer.action() {
                AdminAction::DefineInstrument(_)
                | AdminAction::SetAccountStatus(_)
                | AdminAction::SetAccountLimits(_)
                | AdminAction::SetLimits(_)
                | AdminAction::AcceptClock(_) => None,
                AdminAction::SetFees(set) => Some(set.instrument),
                AdminAction::SetInstrumentStatus(set) => Some(set.instrument),
                AdminAction::CancelAll(cancel) => cancel.instrument,
                AdminAction::CancelInstrument(cancel) => Some(cancel.instrument),
            },
        }
    }

    fn concerns_order(&mut self, sequence: u64, command: &Command) -> bool {
        let Some(order) = self.order else { return false };
        match command {
            Command::NewOrder(new) if sequence == order.0 => {
                self.placed = Some((new.account, new.instrument));
                self.placed_under = Some(new.client_order_id);
                true
            }
            Command::ReplaceOrder(replace) => replace.order == order,
            Command::CancelOrder(cancel) => cancel.order == order,
            Command::CancelClientOrder(cancel) => {
                self.placed.is_some_and(|(account, _)| account == cancel.account)
                    && self.placed_under == Some(cancel.client_order_id)
            }
            Command::CancelAll(cancel) => self.covers(cancel, order),
            Command::Administer(administer) => match &administer.action() {
                AdminAction::CancelAll(cancel) => self.covers(cancel, order),
                AdminAction::CancelInstrument(cancel) => self
                    .placed
                    .is_some_and(|(_, instrument)| instrument == cancel.instrument),
                _ => false,
            },
            _ => false,
        }
    }

    /// Whether a mass cancel covers the order looked for.
    fn covers(&self, cancel: &CancelAll, order: OrderId) -> bool {
        self.placed.is_some_and(|(account, instrument)| {
            cancel.account == account
                && cancel.instrument.is_none_or(|only| only == instrument)
                && cancel.before.is_none_or(|before| order.0 < before.0)
        })
    }
}
