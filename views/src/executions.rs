//! The newest trades, one execution for each side.

mod own;

use alloc::vec::Vec;

use hoga_protocol::codec::{ImageError, ImageSink, ImageSource};
use hoga_tables::Segments;

use hoga_protocol::{
    AccountId, Event, Fee, InstrumentId, InstrumentSpec, Lots, Nanos, Notional, OrderId, Sequence, Side,
    Ticks, Trade,
};

use crate::image::{Item, must, price_in_range, quantity_in_range, take_range};
use crate::known::Known;
use crate::order::take_side;
use crate::queue::{Blocks, Queue};
use crate::ring::Ring;
use own::{OwnExecutions, Place};

/// Which part an order had in a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Role {
    /// It came in and took.
    Aggressor = 1,
    /// It was in the book.
    Resting = 2,
}

impl Role {
    /// The role of the execution with this number.
    fn of(number: u64) -> Self {
        match number.is_multiple_of(2) {
            true => Role::Aggressor,
            false => Role::Resting,
        }
    }
}

/// One side of a trade.
///
/// Executions are numbered from 0 since genesis: trade `t` is number `2t` for the aggressor and `2t + 1` for the
/// resting order, in that order everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Execution {
    /// Its place among all executions since genesis.
    pub number: u64,
    /// The command that traded.
    pub sequence: Sequence,
    /// The trade's place among the command's events.
    pub index: u32,
    /// Which side of the trade this is.
    pub role: Role,
    /// What was traded.
    pub instrument: InstrumentId,
    /// The order on this side.
    pub order: OrderId,
    /// Its account.
    pub account: AccountId,
    /// Which way it traded.
    pub side: Side,
    /// The resting order's price, in ticks.
    pub price: Ticks,
    /// How much, in lots.
    pub quantity: Lots,
    /// What this side was charged, in quote units.
    pub fee: Fee,
    /// When.
    pub timestamp: Nanos,
}

/// What became of an execution that somebody names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// It is held, under this number.
    Held(u64),
    /// It lies before the earliest one held, and some were dropped.
    TooOld,
    /// There is no such execution.
    Unknown,
}

/// The newest executions of all instruments.
///
/// Those of everybody are held up to one bound, the oldest of all goes first. An account's own newest ones, as many as
/// [`account_floor`](crate::ViewLimits::account_floor), are held for it also when others have pushed them out of there.
///
/// Worst cases: a trade drops one trade, of which each side is copied or lets go of one copy, and allocates a few
/// chunks at most; nothing is moved as a whole. Memory is about 70 bytes for each execution held for everybody and
/// 90 for each one kept for its account.
#[derive(Clone, Debug)]
pub struct Executions {
    trades: Ring<Held>,
    /// By instrument: the numbers of its held trades.
    of_instrument: Segments<Queue>,
    numbers: Blocks<u64>,
    own: OwnExecutions,
}

/// A trade as it is held. What follows from the rest is left out.
#[derive(Clone, Copy, Debug)]
struct Held {
    trade_fees: [Fee; 2],
    sequence: Sequence,
    timestamp: Nanos,
    price: Ticks,
    quantity: Lots,
    orders: [OrderId; 2],
    accounts: [AccountId; 2],
    index: u32,
    instrument: InstrumentId,
    aggressor_side: Side,
}

impl Executions {
    /// Holds `limit` executions, rounded down to whole trades, at least one trade, and of each account its own newest
    /// `floor`, at least one.
    pub(crate) fn new(limit: usize, floor: usize) -> Self {
        Self::starting_at(0, limit, floor)
    }

    fn starting_at(trade: u64, limit: usize, floor: usize) -> Self {
        Self {
            trades: Ring::starting_at(trade, limit / 2),
            of_instrument: Segments::new(),
            numbers: Blocks::new(),
            own: OwnExecutions::new(floor),
        }
    }

    /// Finds memory for what will be held for everybody, at most 2^20 trades, and writes to it.
    pub(crate) fn touch(&mut self) {
        self.trades.touch();
    }

    /// The number of the earliest execution held for everybody; [`next`](Self::next) when none is.
    pub fn first(&self) -> u64 {
        self.trades.first() * 2
    }

    /// The number that the next execution will get.
    pub fn next(&self) -> u64 {
        self.trades.next() * 2
    }

    /// The execution with this number; `None` when it is no longer held for everybody or not there yet.
    pub fn get(&self, number: u64) -> Option<Execution> {
        self.trades.get(number / 2).map(|held| held.side(number))
    }

    /// Looks for one side of the trade that was event `index` of command `sequence`.
    pub fn find(&self, sequence: Sequence, index: u32, role: Role) -> Found {
        let wanted = (sequence, index);
        let number = self
            .trades
            .partition_point(|held| (held.sequence, held.index) < wanted);
        match self.trades.get(number) {
            Some(held) if (held.sequence, held.index) == wanted => {
                Found::Held(number * 2 + u64::from(role == Role::Resting))
            }
            _ if number == self.trades.first() && number > 0 => Found::TooOld,
            _ => Found::Unknown,
        }
    }

    /// As [`find`](Self::find), among the executions of one account, also those that are held for it alone. Another
    /// account's is [`Unknown`](Found::Unknown).
    pub fn find_of(&self, account: AccountId, sequence: Sequence, index: u32, role: Role) -> Found {
        if let Some(number) = self.own.find_kept(account, sequence, index, role) {
            return Found::Held(number);
        }
        match self.find(sequence, index, role) {
            Found::Held(number) if self.get(number).is_none_or(|held| held.account != account) => {
                Found::Unknown
            }
            found => found,
        }
    }

    /// The account's own executions of all instruments, the newest first: those held for everybody and then those held
    /// for it alone, [`account_floor`](crate::ViewLimits::account_floor) at least where it has had as many. No other
    /// account's is looked at.
    pub fn newest_of(&self, account: AccountId) -> impl Iterator<Item = Execution> {
        let places = (0..self.own.len(account)).rev();
        places.filter_map(move |place| self.at(account, place))
    }

    /// The account's own executions with a number greater than `number`, the earliest first. Finds the first of them in
    /// as many steps as the account's executions can be halved, and looks at no other account's.
    pub fn after_of(&self, account: AccountId, number: u64) -> impl Iterator<Item = Execution> {
        let places = self.own.after(account, number)..self.own.len(account);
        places.filter_map(move |place| self.at(account, place))
    }

    /// The account's own executions with a number less than `number`, the newest first, as [`after_of`](Self::after_of).
    pub fn before_of(&self, account: AccountId, number: u64) -> impl Iterator<Item = Execution> {
        let until = number
            .checked_sub(1)
            .map_or(0, |seen| self.own.after(account, seen));
        (0..until).rev().filter_map(move |place| self.at(account, place))
    }

    /// The account's own execution with this number, also one that is held for it alone.
    pub fn get_of(&self, account: AccountId, number: u64) -> Option<Execution> {
        let mut found = self.before_of(account, number.checked_add(1)?);
        found.next().filter(|execution| execution.number == number)
    }

    fn at(&self, account: AccountId, place: usize) -> Option<Execution> {
        match self.own.get(account, place)? {
            Place::Kept(execution) => Some(*execution),
            Place::InRing(number) => self.get(number),
        }
    }

    /// The numbers of the instrument's newest executions, at most `limit`, the oldest of them first.
    pub fn newest(&self, instrument: InstrumentId, limit: usize) -> Vec<u64> {
        self.before(instrument, u64::MAX, limit)
    }

    /// The numbers of the instrument's newest held executions with a number less than `number`, at most `limit`, the
    /// oldest of them first.
    pub fn before(&self, instrument: InstrumentId, number: u64, limit: usize) -> Vec<u64> {
        let Some(trades) = self.of_instrument.get(instrument.0 as usize) else {
            return Vec::new();
        };
        let until = self.numbers.partition_point(trades, |&trade| trade * 2 < number);
        // Of the last trade perhaps only the aggressor's side lies before the number.
        let from = until.saturating_sub(limit / 2 + 1);
        let trades = self.numbers.from(trades, from).take(until - from);
        let mut sides: Vec<u64> = trades
            .flat_map(|&trade| both_sides(trade))
            .filter(|&side| side < number)
            .collect();
        sides.drain(..sides.len().saturating_sub(limit));
        sides
    }

    /// How many executions are held for everybody at most.
    pub fn capacity(&self) -> u64 {
        self.trades.limit() as u64 * 2
    }

    /// The numbers of the instrument's first held executions with a number greater than `number`, at most `limit`.
    pub fn after(&self, instrument: InstrumentId, number: u64, limit: usize) -> Vec<u64> {
        let Some(trades) = self.of_instrument.get(instrument.0 as usize) else {
            return Vec::new();
        };
        let is_before = |trade: &u64| trade * 2 < number;
        let from = self.numbers.partition_point(trades, is_before);
        let sides = self
            .numbers
            .from(trades, from)
            .flat_map(|&trade| both_sides(trade));
        sides.filter(|&side| side > number).take(limit).collect()
    }

    pub(crate) fn add_instrument(&mut self) {
        self.of_instrument.push(Queue::default());
    }

    pub(crate) fn add_account(&mut self) {
        self.own.add_account();
    }

    pub(crate) fn push(&mut self, event: &Event, trade: &Trade) {
        self.hold(Held {
            trade_fees: [trade.aggressor.fee, trade.resting.fee],
            sequence: event.sequence,
            timestamp: event.timestamp,
            price: trade.price,
            quantity: trade.quantity,
            orders: [trade.aggressor.order, trade.resting.order],
            accounts: [trade.aggressor.account, trade.resting.account],
            index: event.index,
            instrument: trade.instrument,
            aggressor_side: trade.aggressor_side,
        });
    }

    fn hold(&mut self, held: Held) {
        if self.trades.is_full() {
            self.drop_first();
        }
        let trade = self.trades.next();
        let of_instrument = &mut self.of_instrument[held.instrument.0 as usize];
        self.numbers.push(of_instrument, trade);
        for (account, number) in held.accounts.into_iter().zip(both_sides(trade)) {
            self.own.push(account, number);
        }
        self.trades.push(held);
    }

    /// The first trade is about to go.
    fn drop_first(&mut self) {
        let first = self.trades.first();
        let Some(leaving) = self.trades.get(first) else {
            return;
        };
        let of_instrument = &mut self.of_instrument[leaving.instrument.0 as usize];
        self.numbers.drop_first(of_instrument);
        for number in both_sides(first) {
            self.own.drop_first(leaving.side(number));
        }
    }

    /// Writes the numbers of the first trade held and of the next (`u64` each), what is kept for single accounts, then
    /// the trades held.
    pub(crate) fn write_image(&self, sink: &mut impl ImageSink) {
        sink.put_u64(self.trades.first());
        sink.put_u64(self.trades.next());
        self.own.write_image(sink);
        for held in self.trades.iter() {
            held.write_image(sink);
        }
    }

    pub(crate) fn read_image(
        limit: usize,
        floor: usize,
        known: &Known<'_>,
        source: &mut impl ImageSource,
    ) -> Result<Self, ImageError> {
        let numbers = take_range(source, "executions")?;
        let mut executions = Self::starting_at(numbers.start, limit, floor);
        for _ in 0..known.instruments.len() {
            executions.add_instrument();
        }
        for _ in 0..known.accounts.len() {
            executions.add_account();
        }
        executions.own.read_image(numbers.start * 2, known, source)?;
        let mut previous = None;
        for _ in numbers {
            let held = Held::read_image(known, source)?;
            let place = Some((held.sequence, held.index));
            must(previous < place, "sequence")?;
            previous = place;
            executions.hold(held);
        }
        Ok(executions)
    }
}

/// Bytes of a trade in an image.
const TRADE: usize = 97;

impl Held {
    /// The side that has this number.
    fn side(&self, number: u64) -> Execution {
        let role = Role::of(number);
        let side = match role {
            Role::Aggressor => self.aggressor_side,
            Role::Resting => self.aggressor_side.opposite(),
        };
        let of = (number % 2) as usize;
        Execution {
            number,
            sequence: self.sequence,
            index: self.index,
            role,
            instrument: self.instrument,
            order: self.orders[of],
            account: self.accounts[of],
            side,
            price: self.price,
            quantity: self.quantity,
            fee: self.trade_fees[of],
            timestamp: self.timestamp,
        }
    }

    fn write_image(&self, sink: &mut impl ImageSink) {
        let mut item = Item::<TRADE>::new();
        item.put_u64(self.sequence.0);
        item.put_u32(self.index);
        item.put_u64(self.timestamp.0);
        item.put_u32(self.instrument.0);
        item.put_u8(self.aggressor_side as u8);
        item.put_i64(self.price.0);
        item.put_u64(self.quantity.0);
        for side in 0..2 {
            item.put_u64(self.orders[side].0);
            item.put_u32(self.accounts[side].0);
            item.put_i128(self.trade_fees[side].0);
        }
        sink.put(item.bytes());
    }

    fn read_image(known: &Known<'_>, source: &mut impl ImageSource) -> Result<Self, ImageError> {
        let bytes = source.take_array::<TRADE>()?;
        let mut item = &bytes[..];
        let mut held = Self {
            sequence: Sequence(item.take_u64()?),
            index: item.take_u32()?,
            timestamp: Nanos(item.take_u64()?),
            instrument: InstrumentId(item.take_u32()?),
            aggressor_side: take_side(&mut item)?,
            price: Ticks(item.take_i64()?),
            quantity: Lots(item.take_u64()?),
            orders: [OrderId(0); 2],
            accounts: [AccountId(0); 2],
            trade_fees: [Notional(0); 2],
        };
        for side in 0..2 {
            held.orders[side] = OrderId(item.take_u64()?);
            held.accounts[side] = AccountId(item.take_u32()?);
            held.trade_fees[side] = Notional(item.take_i128()?);
        }
        held.check(known)?;
        Ok(held)
    }

    fn check(&self, known: &Known<'_>) -> Result<(), ImageError> {
        known.event(self.sequence, self.index)?;
        known.time(self.timestamp)?;
        must(price_in_range(self.price), "price")?;
        must(quantity_in_range(self.quantity), "quantity")?;
        let spec = known.instrument(self.instrument)?;
        for side in 0..2 {
            known.account(self.accounts[side])?;
            let order = self.orders[side].0;
            must(order >= 1 && order <= self.sequence.0, "order")?;
            must(
                fee_fits(spec, self.price, self.quantity, self.trade_fees[side]),
                "fee",
            )?;
        }
        Ok(())
    }
}

/// Whether a fill can be charged so much: no rate is a whole, and what rounding leaves is charged with a later fill.
pub(crate) fn fee_fits(spec: &InstrumentSpec, price: Ticks, quantity: Lots, fee: Fee) -> bool {
    let notional = spec.notional(price, quantity).0.unsigned_abs();
    fee.0.unsigned_abs() <= notional + 1
}

fn both_sides(trade: u64) -> [u64; 2] {
    [trade * 2, trade * 2 + 1]
}
