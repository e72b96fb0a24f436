//! The newest changes of orders, for the owners of the orders to follow.

use alloc::vec::Vec;

use hoga_protocol::codec::{ImageError, ImageSink, ImageSource};
use hoga_protocol::{AccountId, Event, Fee, Lots, Notional, Sequence, Ticks};
use hoga_tables::{Segments, Shares};

use crate::executions::{Role, fee_fits};
use crate::image::{Item, MOST, must, price_in_range};
use crate::known::Known;
use crate::order::OrderState;
use crate::queue::{Blocks, Queue};

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

/// The newest updates of each account's orders.
///
/// Each account keeps its last [`account_floor`](crate::ViewLimits::account_floor) updates whatever other accounts do;
/// above that all accounts together keep [`order_updates`](crate::ViewLimits::order_updates). Beyond it the account
/// that has the most drops its oldest. So an account's held updates are always its newest, without a gap.
///
/// Worst cases: an update takes constant time but for one step per doubling of the accounts, drops one update at most,
/// and allocates a few chunks at most; nothing is moved as a whole. Memory is about 250 bytes for each update held.
#[derive(Clone, Debug)]
pub struct OrderUpdates {
    updates: Blocks<OrderUpdate, BLOCK>,
    of_account: Segments<AccountUpdates>,
    shares: Shares,
    limit: usize,
    next: u64,
    /// The command of the last update, and the update's place in it.
    last: Option<(Sequence, u32)>,
}

/// Updates of one account that lie side by side. More would be read and written faster, and would leave more unused of
/// what an account with few takes.
const BLOCK: usize = 4;

#[derive(Clone, Debug, Default)]
struct AccountUpdates {
    held: Queue,
    /// The account's newest update that was dropped, where the block no longer shows it.
    dropped: Option<Point>,
}

/// Where an update stands among all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Point {
    number: u64,
    sequence: Sequence,
    index: u32,
}

/// The most updates for which memory is found beforehand: a limit may be far above what a day brings.
const TOUCHED: usize = 1 << 20;

impl OrderUpdates {
    /// Holds of each account its last `floor` updates, at least one, and `limit` above that.
    pub(crate) fn new(limit: usize, floor: usize) -> Self {
        let floor = u32::try_from(floor.max(1)).unwrap_or(u32::MAX);
        Self {
            updates: Blocks::new(),
            of_account: Segments::new(),
            shares: Shares::new(floor, limit as u64, 0),
            limit,
            next: 0,
            last: None,
        }
    }

    /// Finds memory for what will be held, at most 2^20 updates, and writes to it.
    pub(crate) fn touch(&mut self) {
        self.updates.touch(self.limit.min(TOUCHED));
    }

    /// How many updates are held.
    pub fn held(&self) -> u64 {
        self.shares.total()
    }

    /// How many updates are held beyond those that each account keeps.
    pub fn capacity(&self) -> u64 {
        self.shares.pool()
    }

    /// The number that the next update will get.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// The account's held updates whose numbers are `from` or greater, in order. The first is found in twice the logarithm
    /// of how many those are, each further one in constant time.
    pub fn of_account(&self, account: AccountId, from: u64) -> impl Iterator<Item = &OrderUpdate> {
        let held = self
            .of_account
            .get(account.0 as usize)
            .map(|of_account| &of_account.held);
        held.into_iter().flat_map(move |held| {
            let seen = self.seen(held, |update| update.number < from);
            self.updates.from(held, seen)
        })
    }

    /// Whether an update of the account whose number is `from` or greater was dropped: a reader that goes on from there
    /// would miss it.
    pub fn is_dropped(&self, account: AccountId, from: u64) -> bool {
        let of_account = self.of_account.get(account.0 as usize);
        let dropped = of_account.and_then(|account| self.dropped(account));
        dropped.is_some_and(|dropped| dropped.number >= from)
    }

    /// Where the account's updates go on after a point: give the number to [`of_account`](Self::of_account).
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
        if let Some(dropped) = self.dropped(of_account)
            && (dropped.sequence, dropped.index) > point
        {
            return Err(dropped.sequence);
        }
        let held = &of_account.held;
        let seen = self.seen(held, |update| (update.sequence, update.index) <= point);
        let first = self.updates.get(held, seen);
        Ok(first.map_or(self.next, |update| update.number))
    }

    /// The account's newest update that was dropped.
    fn dropped(&self, account: &AccountUpdates) -> Option<Point> {
        let seen = self.updates.dropped(&account.held);
        seen.map(OrderUpdate::point).or(account.dropped)
    }

    /// How many of the held updates `is_seen` holds for; it holds for a prefix.
    fn seen(&self, held: &Queue, is_seen: impl Fn(&OrderUpdate) -> bool) -> usize {
        self.updates.partition_point(held, is_seen)
    }

    pub(crate) fn add_account(&mut self) {
        self.of_account.push(AccountUpdates::default());
        self.shares.add_holder();
    }

    pub(crate) fn push(&mut self, event: &Event, order: &OrderState, fill: Option<Fill>) {
        let index = match self.last {
            Some((sequence, index)) if sequence == event.sequence => index + 1,
            _ => 0,
        };
        let number = self.next;
        self.last = Some((event.sequence, index));
        self.next += 1;
        self.hold(OrderUpdate {
            number,
            sequence: event.sequence,
            index,
            order: *order,
            fill,
        });
    }

    /// Holds the newest update of its account, and drops the one that this pushes out.
    #[inline]
    fn hold(&mut self, update: OrderUpdate) {
        let account = update.order.account.0;
        let owner = &mut self.of_account[account as usize];
        self.updates.push(&mut owner.held, update);
        let Some(largest) = self.shares.exchange(account) else {
            return;
        };
        let owner = &mut self.of_account[largest as usize];
        // The oldest is in no cache any more, so it is looked at only where it could not be later.
        if Blocks::<OrderUpdate, BLOCK>::goes_with_its_block(&owner.held) {
            owner.dropped = self.updates.get(&owner.held, 0).map(OrderUpdate::point);
        }
        self.updates.drop_first(&mut owner.held);
    }
}

impl OrderUpdate {
    fn point(&self) -> Point {
        Point {
            number: self.number,
            sequence: self.sequence,
            index: self.index,
        }
    }
}

/// The image: the number that the next update will get (`u64`); of each account whether an update of it was dropped, and
/// the number, command and place of the newest dropped one; how many updates are held (`u32`); these, account by
/// account and in order. An update's command is the one that changed its order last.
impl OrderUpdates {
    pub(crate) fn write_image(&self, sink: &mut impl ImageSink) {
        sink.put_u64(self.next);
        for account in self.of_account.iter() {
            let mut item = Item::<21>::new();
            let dropped = self.dropped(account);
            item.put_bool(dropped.is_some());
            if let Some(dropped) = dropped {
                item.put_u64(dropped.number);
                item.put_u64(dropped.sequence.0);
                item.put_u32(dropped.index);
            }
            sink.put(item.bytes());
        }
        sink.put_u32(self.held() as u32);
        for account in self.of_account.iter() {
            for update in self.updates.from(&account.held, 0) {
                let mut item = Item::<12>::new();
                item.put_u64(update.number);
                item.put_u32(update.index);
                sink.put(item.bytes());
                update.order.write_image(sink);
                write_fill(update.fill.as_ref(), sink);
            }
        }
    }

    pub(crate) fn read_image(
        limit: usize,
        floor: usize,
        known: &Known<'_>,
        source: &mut impl ImageSource,
    ) -> Result<Self, ImageError> {
        let mut updates = Self::new(limit, floor);
        updates.next = source.take_u64()?;
        must(updates.next <= MOST, "updates")?;
        let mut points = Vec::new();
        for _ in 0..known.accounts.len() {
            updates.add_account();
            let number = updates.of_account.len() - 1;
            let account = &mut updates.of_account[number];
            account.dropped = read_dropped(known, source)?;
            points.extend(account.dropped);
        }
        let mut account = AccountId(0);
        let mut previous = None;
        for _ in 0..source.take_u32()? {
            let update = read_update(known, source)?;
            must(update.order.account >= account, "update order")?;
            if previous.is_none() || update.order.account > account {
                account = update.order.account;
                previous = updates.of_account[account.0 as usize].dropped;
            }
            let point = update.point();
            must(previous.is_none_or(|previous| previous < point), "update order")?;
            previous = Some(point);
            points.push(point);
            updates.hold(update);
        }
        updates.last = check_points(points, updates.next)?;
        Ok(updates)
    }
}

/// Whether these updates can stand where they say, all of them among the first `next`. Returns the last one's command and
/// its place in it. The last update of all is always held: its account keeps one at least.
fn check_points(mut points: Vec<Point>, next: u64) -> Result<Option<(Sequence, u32)>, ImageError> {
    points.sort_unstable();
    let mut before: Option<Point> = None;
    for &point in &points {
        // As many updates as lie between two of one command lie between their places in it; a later command begins anew.
        let fits = match before {
            None => u64::from(point.index) <= point.number,
            Some(before) if before.sequence == point.sequence => {
                before.number < point.number
                    && before.index < point.index
                    && u64::from(point.index - before.index) == point.number - before.number
            }
            Some(before) => {
                before.number < point.number
                    && before.sequence < point.sequence
                    && u64::from(point.index) < point.number - before.number
            }
        };
        must(fits, "update order")?;
        before = Some(point);
    }
    must(before.map_or(0, |last| last.number + 1) == next, "updates")?;
    Ok(before.map(|last| (last.sequence, last.index)))
}

/// A trade changes two orders.
const MOST_OF_A_COMMAND: u32 = 2 * (Event::MAX_INDEX + 1);

fn read_dropped(known: &Known<'_>, source: &mut impl ImageSource) -> Result<Option<Point>, ImageError> {
    if !source.take_bool("dropped update")? {
        return Ok(None);
    }
    let dropped = Point {
        number: source.take_u64()?,
        sequence: Sequence(source.take_u64()?),
        index: source.take_u32()?,
    };
    let was_made = (1..=known.sequence.0).contains(&dropped.sequence.0);
    let fits = was_made && dropped.index <= MOST_OF_A_COMMAND && dropped.number < MOST;
    must(fits, "dropped update")?;
    Ok(Some(dropped))
}

fn read_update(known: &Known<'_>, source: &mut impl ImageSource) -> Result<OrderUpdate, ImageError> {
    let (number, index) = (source.take_u64()?, source.take_u32()?);
    must(index <= MOST_OF_A_COMMAND && number < MOST, "update order")?;
    let order = OrderState::read_image(known, source)?;
    let fill = read_fill(&order, known, source)?;
    Ok(OrderUpdate {
        number,
        sequence: order.sequence,
        index,
        order,
        fill,
    })
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
