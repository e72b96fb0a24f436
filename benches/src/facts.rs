//! What a flow is, told by its own commands and events.

use std::fmt;

use hoga_protocol::Ticks;

/// Counts over the steady part of a flow; what rests is over the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Commands.
    pub messages: u64,
    /// New orders, good till cancel.
    pub gtc: u64,
    /// New orders, immediate or cancel.
    pub ioc: u64,
    /// Cancels.
    pub cancels: u64,
    /// Replaces that keep their place.
    pub reduces: u64,
    /// Replaces that lose it.
    pub moves: u64,
    /// Events.
    pub events: u64,
    /// Trades.
    pub trades: u64,
    /// The most trades of one message.
    pub trades_max: u64,
    /// Messages that traded.
    pub trading: u64,
    /// Orders good till cancel that were filled.
    pub filled: u64,
    /// Orders good till cancel that were canceled.
    pub canceled: u64,
    /// Orders that were canceled so as to come in again under a new price.
    pub modified: u64,
    /// The lowest and the highest price of a trade, in ticks.
    pub traded: Option<(Ticks, Ticks)>,
    /// The lowest and the highest price at which an order ever rested, in ticks.
    pub rested: Option<(Ticks, Ticks)>,
    /// The most orders resting at once.
    pub resting_max: u64,
    /// Orders resting at the end.
    pub resting_end: u64,
    /// The most levels at once, over both sides and all instruments.
    pub levels_max: u64,
    /// Levels at the end.
    pub levels_end: u64,
    /// Instruments.
    pub instruments: u32,
    /// Accounts, chosen at random for each order.
    pub accounts: u32,
}

impl Facts {
    /// `part` of the messages, in percent.
    pub fn percent(&self, part: u64) -> f64 {
        part as f64 * 100.0 / self.messages.max(1) as f64
    }

    /// Of the orders good till cancel that ended, how many were canceled, in percent.
    pub fn percent_canceled(&self) -> f64 {
        self.canceled as f64 * 100.0 / (self.canceled + self.filled).max(1) as f64
    }
}

/// Four lines.
impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = |part| self.percent(part);
        let range = |range: Option<(Ticks, Ticks)>| match range {
            Some((low, high)) => format!("{} to {}", low.0, high.0),
            None => "none".to_owned(),
        };
        let of_orders = self.modified as f64 * 100.0 / self.gtc.max(1) as f64;
        writeln!(
            f,
            "messages {}: GTC {:.1} %, IOC {:.1} %, cancel {:.1} %, reduce {:.1} %, move {:.1} %; {} events",
            self.messages,
            share(self.gtc),
            share(self.ioc),
            share(self.cancels),
            share(self.reduces),
            share(self.moves),
            self.events,
        )?;
        writeln!(
            f,
            "trades {} ({:.1} per 100 messages, {:.1} % of messages trade, {} at most by one); \
             GTC orders ended: {:.1} % canceled, modified {of_orders:.1} %",
            self.trades,
            share(self.trades),
            share(self.trading),
            self.trades_max,
            self.percent_canceled(),
        )?;
        writeln!(
            f,
            "resting {} at most, {} at the end; levels {} at most, {} at the end; {} instruments, {} accounts",
            self.resting_max,
            self.resting_end,
            self.levels_max,
            self.levels_end,
            self.instruments,
            self.accounts,
        )?;
        write!(
            f,
            "prices in ticks: rested {}, traded {}",
            range(self.rested),
            range(self.traded)
        )
    }
}
