//! The newest changes of orders, for the owners of the orders to follow.

use alloc::vec::Vec;

use hoga_protocol::codec::{ImageError, ImageSink, ImageSource};
use hoga_protocol::{AccountId, Event, Fee, Lots, Notional, Sequence, Ticks};

use crate::executions::{Role, fee_fits};
use crate::image::{Item, Known, must, price_in_range, take_range};
use crate::numbers::Numbers;
use crate::order::OrderState;
use crate::ring::Ring;

/// One fill of one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// The command that traded.
    pub sequence: Sequence,
    /// The trade's place among the command's events.
    pub index: u32,
    /// Which side of the trade the order was.
    pub role: Role,
    /// The resting order's price, in ticks.
    pub price: Ticks,
    /// How much, in lots.
    pub quantity: Lots,
    /// What the order was charged for it, in quote units.
    pub fee: Fee,
}

/// One change of one order. A trade changes two orders: the aggressor's update comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderUpdate {
    /// Its place among all updates since genesis, from 0.
    pub number: u64,
    /// The command that changed the order.
    pub sequence: Sequence,
    /// Its place among all updates of that command, from 0. With the sequence it names one update, also where an
    /// account trades with itself.
    pub index: u32,
    /// The order right after the event that changed it.
    pub order: OrderState,
    /// The fill, when the event was a trade.
    pub fill: Option<Fill>,
}

/// The newest updates of all orders.
#[derive(Clone, Debug)]
pub struct OrderUpdates {
    updates: Ring<OrderUpdate>,
    of_account: Vec<AccountUpdates>,
}

#[derive(Clone, Debug, Default)]
struct AccountUpdates {
    held: Numbers,
    /// The account's newest update that was dropped.
    dropped: Option<(Sequence, u32)>,
}

impl OrderUpdates {
    /// Holds `limit` updates, at least one.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            updates: Ring::new(limit),
            of_account: Vec::new(),
        }
    }

    /// Writes to the memory reserved for what is not there yet.
    pub(crate) fn touch(&mut self) {
        self.updates.touch();
    }

    /// The number of the earliest update held; [`next`](Self::next) when none is.
    pub fn first(&self) -> u64 {
        self.updates.first()
    }

    /// The number that the next update will get.
    pub fn next(&self) -> u64 {
        self.updates.next()
    }

    /// How many updates are held at most.
    pub fn capacity(&self) -> u64 {
        self.updates.limit() as u64
    }

    /// The account's first held update whose number is `from` or greater.
    pub fn next_of(&self, account: AccountId, from: u64) -> Option<&OrderUpdate> {
        let held = &self.of_account.get(account.0 as usize)?.held;
        let number = held.from(held.partition_point(|number| number < from)).next()?;
        self.updates.get(number)
    }

    /// Where the account's updates go on after a point: give the number to [`next_of`](Self::next_of).
    ///
    /// The point is the whole command `sequence`, or its update `index` if one is given. A point that lies ahead of all
    /// updates goes on with the next one.
    ///
    /// # Errors
    /// When an update of this account after the point is no longer held: the earliest command after which the account
    /// can still resume.
    pub fn resume(
        &self,
        account: AccountId,
        sequence: Sequence,
        index: Option<u32>,
    ) -> Result<u64, Sequence> {
        let point = (sequence, index.unwrap_or(u32::MAX));
        let Some(of_account) = self.of_account.get(account.0 as usize) else {
            return Ok(self.next());
        };
        if let Some(dropped) = of_account.dropped
            && dropped > point
        {
            return Err(dropped.0);
        }
        let held = &of_account.held;
        let seen = held.partition_point(|number| {
            self.updates
                .get(number)
                .is_some_and(|update| (update.sequence, update.index) <= point)
        });
        Ok(held.from(seen).next().unwrap_or(self.next()))
    }

    pub(crate) fn add_account(&mut self) {
        self.of_account.push(AccountUpdates::default());
    }

    pub(crate) fn push(&mut self, event: &Event, order: &OrderState, fill: Option<Fill>) {
        let last = self.last();
        let index = match last.filter(|last| last.sequence == event.sequence) {
            Some(last) => last.index + 1,
            None => 0,
        };
        self.hold(index, *order, fill);
    }

    fn last(&self) -> Option<&OrderUpdate> {
        let last = self.updates.next().checked_sub(1)?;
        self.updates.get(last)
    }

    /// Holds the next update. Its command is the one that changed the order last.
    fn hold(&mut self, index: u32, order: OrderState, fill: Option<Fill>) {
        if let Some(leaving) = self.updates.leaving() {
            let owner = &mut self.of_account[leaving.order.account.0 as usize];
            owner.held.drop_first();
            owner.dropped = Some((leaving.sequence, leaving.index));
        }
        let number = self.updates.next();
        self.of_account[order.account.0 as usize].held.push(number);
        self.updates.push(OrderUpdate {
            number,
            sequence: order.sequence,
            index,
            order,
            fill,
        });
    }

    /// Writes the numbers of the first update held and of the next (`u64` each), of each account whether one was dropped
    /// and its newest dropped one, then the updates held. The newest of all dropped ones is the one before the first
    /// held, so the places of the held ones among their command's follow.
    pub(crate) fn write_image(&self, sink: &mut impl ImageSink) {
        sink.put_u64(self.first());
        sink.put_u64(self.next());
        for account in &self.of_account {
            let mut item = Item::<13>::new();
            item.put_bool(account.dropped.is_some());
            if let Some((sequence, index)) = account.dropped {
                item.put_u64(sequence.0);
                item.put_u32(index);
            }
            sink.put(item.bytes());
        }
        for update in self.updates.iter() {
            update.order.write_image(sink);
            write_fill(update.fill.as_ref(), sink);
        }
    }

    pub(crate) fn read_image(
        limit: usize,
        known: &Known<'_>,
        source: &mut impl ImageSource,
    ) -> Result<Self, ImageError> {
        let numbers = take_range(source, "updates")?;
        let mut updates = Self {
            updates: Ring::starting_at(numbers.start, limit),
            of_account: Vec::new(),
        };
        let mut previous = None;
        for _ in 0..known.accounts.len() {
            let account = AccountUpdates::read_image(source)?;
            previous = previous.max(account.dropped);
            updates.of_account.push(account);
        }
        must((numbers.start > 0) == previous.is_some(), "dropped update")?;
        for _ in numbers {
            let order = OrderState::read_image(known, source)?;
            let fill = read_fill(&order, known, source)?;
            let index = match previous {
                Some((sequence, index)) if sequence == order.sequence => index + 1,
                _ => 0,
            };
            let place = Some((order.sequence, index));
            must(previous < place && index <= MOST_OF_A_COMMAND, "update order")?;
            previous = place;
            updates.hold(index, order, fill);
        }
        Ok(updates)
    }
}

/// A trade changes two orders.
const MOST_OF_A_COMMAND: u32 = 2 * (Event::MAX_INDEX + 1);

impl AccountUpdates {
    /// Reads an account that holds no update yet.
    fn read_image(source: &mut impl ImageSource) -> Result<Self, ImageError> {
        let mut account = Self::default();
        if source.take_bool("dropped update")? {
            let (sequence, index) = (Sequence(source.take_u64()?), source.take_u32()?);
            must(sequence.0 >= 1 && index <= MOST_OF_A_COMMAND, "dropped update")?;
            account.dropped = Some((sequence, index));
        }
        Ok(account)
    }
}

/// Bytes of a fill in an image, behind the byte that says whether there is one and on which side of the trade.
const FILL: usize = 36;

/// Writes what does not follow from the order right after the fill.
fn write_fill(fill: Option<&Fill>, sink: &mut impl ImageSink) {
    let mut item = Item::<{ 1 + FILL }>::new();
    item.put_u8(fill.map_or(0, |fill| fill.role as u8));
    if let Some(fill) = fill {
        item.put_u32(fill.index);
        item.put_i64(fill.price.0);
        item.put_u64(fill.quantity.0);
        item.put_i128(fill.fee.0);
    }
    sink.put(item.bytes());
}

fn read_fill(
    order: &OrderState,
    known: &Known<'_>,
    source: &mut impl ImageSource,
) -> Result<Option<Fill>, ImageError> {
    let role = match source.take_u8()? {
        0 => return Ok(None),
        1 => Role::Aggressor,
        2 => Role::Resting,
        _ => return Err(ImageError::BadValue("role")),
    };
    let bytes = source.take_array::<FILL>()?;
    let mut item = &bytes[..];
    let fill = Fill {
        sequence: order.sequence,
        index: item.take_u32()?,
        role,
        price: Ticks(item.take_i64()?),
        quantity: Lots(item.take_u64()?),
        fee: Notional(item.take_i128()?),
    };
    known.event(fill.sequence, fill.index)?;
    must(price_in_range(fill.price), "price")?;
    must(
        fill.quantity > Lots::ZERO && fill.quantity <= order.filled,
        "quantity",
    )?;
    let spec = known.instrument(order.instrument)?;
    must(fee_fits(spec, fill.price, fill.quantity, fill.fee), "fee")?;
    Ok(Some(fill))
}
