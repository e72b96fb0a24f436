//! A venue that holds as much as its limits allow.

use hoga_protocol::{
    AccountId, Arm, ArmCause, ClientOrderId, Command, InstrumentSpec, Limits, Lots, Nanos, NewOrder,
    Notional, Scaled, Side, Symbol, TimeInForce,
};
use hoga_views::ViewLimits;

use super::common::history::{opens, order, trade, vain};

/// The price of the best bid and of the best ask, in ticks; trades are made between them.
pub const BID: i64 = 49_000;
pub const ASK: i64 = 51_000;
/// Accounts whose client order ids fill the shared room.
pub const HOARDERS: u32 = 12;
/// The account whose orders close without a client order id, and that trades.
pub const FORGOTTEN: u32 = HOARDERS;
/// The first of the accounts that have as many resting orders as an account may.
pub const MAKERS: u32 = FORGOTTEN + 1;
/// When every account's orders are to be canceled: later than any test lasts.
const DEADLINE: Nanos = Nanos(9_000_000_000_000_000_000);

/// How much the venue holds.
pub struct Size {
    pub limits: Limits,
    pub views: ViewLimits,
    pub levels: u32,
}

impl Size {
    /// That of the default limits where the environment says so, else about a hundredth.
    pub fn chosen() -> Self {
        if std::env::var("BOUNDS").is_ok_and(|value| value == "full") {
            return Self {
                limits: Limits::default(),
                views: ViewLimits::default(),
                levels: 20_000,
            };
        }
        Self {
            limits: Limits {
                max_instruments: 100,
                max_accounts: 1_000,
                max_open_orders: 4_000,
                max_open_orders_per_account: 400,
                max_touched_orders: 400,
                client_ids_per_account: 4,
                client_ids_total: 10_000,
            },
            views: ViewLimits {
                executions: 10_000,
                closed_orders: 5_000,
                order_updates: 10_000,
                ..ViewLimits::default()
            },
            levels: 400,
        }
    }

    /// The one account that is yet to be opened.
    pub fn last_account(&self) -> u32 {
        self.limits.max_accounts - 1
    }

    /// Every command behind the first two instruments. One account, one instrument and two resting orders are lacking.
    pub fn fill(&self) -> impl Iterator<Item = Command> {
        let limits = self.limits;
        let instruments = (2..limits.max_instruments - 1).map(|number| define(&format!("I{number}-KRW")));
        let accounts = (0..self.last_account()).map(|number| opens(number, &name(number)));
        let deadlines = (0..self.last_account()).map(|number| arm(number, ArmCause::Deadline(DEADLINE)));
        // Every account has its own ids first, and then a few have all the rest.
        let ids = limits.client_ids_per_account;
        let floor = (0..self.last_account() * ids)
            .map(move |number| with_id(vain(number / ids), &format!("own-{number}")));
        let hoarded = (0..limits.client_ids_total)
            .map(|number| with_id(vain(number % HOARDERS), &format!("hoard-{number}")));
        let forgotten = (0..self.views.closed_orders as u32).map(|_| vain(FORGOTTEN));
        // Some more than are held, so that there are some that are held no longer.
        let trades = (0..self.views.executions / 2 + 16).flat_map(|_| trade(FORGOTTEN));
        let levels = self.levels;
        let resting = (0..limits.max_open_orders - 2).map(move |number| {
            let level = i64::from(number % levels);
            // A quarter of the levels are bids.
            let (side, price) = match level % 4 {
                0 => (Side::Buy, BID - level),
                _ => (Side::Sell, ASK + level),
            };
            let account = MAKERS + number / limits.max_open_orders_per_account;
            with_id(
                order(account, side, price, 10, TimeInForce::Gtc),
                &format!("rest-{number}"),
            )
        });
        instruments
            .chain(accounts)
            .chain(deadlines)
            .chain(floor)
            .chain(hoarded)
            .chain(forgotten)
            .chain(trades)
            .chain(resting)
    }

    /// The armings of sessions behind those: every account's own, and then a few accounts have all the rest but one. An exchange
    /// that starts takes these sessions for lost.
    pub fn arm_sessions(&self) -> impl Iterator<Item = Command> {
        let (last, more) = (self.last_account(), Arm::MAX_PER_ACCOUNT - Arm::PER_ACCOUNT);
        let own = (0..last).flat_map(|number| (1..Arm::PER_ACCOUNT).map(move |_| number));
        let shared = (0..Arm::MAX_SHARED - 1).map(move |number| last - 1 - number / more);
        own.chain(shared).map(|number| arm(number, ArmCause::Disconnect))
    }
}

fn arm(account: u32, cause: ArmCause) -> Command {
    let account = AccountId(account);
    Command::Arm(Arm { account, cause })
}

/// The name of an account.
pub fn name(number: u32) -> String {
    format!("account-{number}")
}

/// The order under a client order id.
pub fn with_id(order: Command, id: &str) -> Command {
    let Command::NewOrder(order) = order else {
        unreachable!("only orders are named")
    };
    Command::NewOrder(NewOrder {
        client_order_id: ClientOrderId::new(id).unwrap(),
        ..order
    })
}

/// A new instrument.
pub fn define(symbol: &str) -> Command {
    let one = |scale| Scaled { mantissa: 1, scale };
    let spec = InstrumentSpec::new(
        Symbol::new(symbol).unwrap(),
        one(0),
        one(0),
        0,
        Lots(1),
        Lots::MAX,
        Notional(0),
        hoga_protocol::FeeRate(200),
        hoga_protocol::FeeRate(500),
    );
    Command::DefineInstrument(spec.unwrap())
}
