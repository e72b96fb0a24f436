//! The newest trades, one execution for each side.

use alloc::vec::Vec;

use hoga_protocol::codec::{ImageError, ImageSink, ImageSource};
use hoga_protocol::{
    AccountId, Event, Fee, InstrumentId, InstrumentSpec, Lots, Nanos, Notional, OrderId, Sequence, Side,
    Ticks, Trade,
};

use crate::image::{Item, Known, must, price_in_range, quantity_in_range, take_range};
use crate::numbers::Numbers;
use crate::order::take_side;
use crate::ring::Ring;

/// Which part an order had in a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Role {
    /// It came in and took.
    Aggressor = 1,
    /// It was in the book.
    Resting = 2,
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
#[derive(Clone, Debug)]
pub struct Executions {
    trades: Ring<Held>,
    /// By instrument: the numbers of its held trades.
    of_instrument: Vec<Numbers>,
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
    /// Holds `limit` executions, rounded down to whole trades, at least one trade.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            trades: Ring::new(limit / 2),
            of_instrument: Vec::new(),
        }
    }

    /// Writes to the memory reserved for what is not there yet.
    pub(crate) fn touch(&mut self) {
        self.trades.touch();
    }

    /// The number of the earliest execution held; [`next`](Self::next) when none is.
    pub fn first(&self) -> u64 {
        self.trades.first() * 2
    }

    /// The number that the next execution will get.
    pub fn next(&self) -> u64 {
        self.trades.next() * 2
    }

    /// The execution with this number; `None` when it is no longer held or not there yet.
    pub fn get(&self, number: u64) -> Option<Execution> {
        let held = self.trades.get(number / 2)?;
        let (role, side) = if number.is_multiple_of(2) {
            (Role::Aggressor, held.aggressor_side)
        } else {
            (Role::Resting, held.aggressor_side.opposite())
        };
        let of = (number % 2) as usize;
        Some(Execution {
            number,
            sequence: held.sequence,
            index: held.index,
            role,
            instrument: held.instrument,
            order: held.orders[of],
            account: held.accounts[of],
            side,
            price: held.price,
            quantity: held.quantity,
            fee: held.trade_fees[of],
            timestamp: held.timestamp,
        })
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
        let until = trades.partition_point(|trade| trade * 2 < number);
        // Of the last trade perhaps only the aggressor's side lies before the number.
        let from = until.saturating_sub(limit / 2 + 1);
        let sides = trades.from(from).take(until - from).flat_map(both_sides);
        let mut sides: Vec<u64> = sides.filter(|&side| side < number).collect();
        sides.drain(..sides.len().saturating_sub(limit));
        sides
    }

    /// How many executions are held at most.
    pub fn capacity(&self) -> u64 {
        self.trades.limit() as u64 * 2
    }

    /// The numbers of the instrument's first held executions with a number greater than `number`, at most `limit`.
    pub fn after(&self, instrument: InstrumentId, number: u64, limit: usize) -> Vec<u64> {
        let Some(trades) = self.of_instrument.get(instrument.0 as usize) else {
            return Vec::new();
        };
        let from = trades.partition_point(|trade| trade * 2 < number);
        let sides = trades.from(from).flat_map(both_sides);
        sides.filter(|&side| side > number).take(limit).collect()
    }

    pub(crate) fn add_instrument(&mut self) {
        self.of_instrument.push(Numbers::default());
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
        if let Some(leaving) = self.trades.leaving() {
            self.of_instrument[leaving.instrument.0 as usize].drop_first();
        }
        self.of_instrument[held.instrument.0 as usize].push(self.trades.next());
        self.trades.push(held);
    }

    /// Writes the numbers of the first trade held and of the next (`u64` each), then the trades held.
    pub(crate) fn write_image(&self, sink: &mut impl ImageSink) {
        sink.put_u64(self.trades.first());
        sink.put_u64(self.trades.next());
        for held in self.trades.iter() {
            held.write_image(sink);
        }
    }

    pub(crate) fn read_image(
        limit: usize,
        known: &Known<'_>,
        source: &mut impl ImageSource,
    ) -> Result<Self, ImageError> {
        let numbers = take_range(source, "executions")?;
        let mut executions = Self {
            trades: Ring::starting_at(numbers.start, limit / 2),
            of_instrument: Vec::new(),
        };
        for _ in 0..known.instruments.len() {
            executions.add_instrument();
        }
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
