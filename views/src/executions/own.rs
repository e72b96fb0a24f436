//! Each account's own executions: where they stand among those held for everybody, and copies of its newest ones that
//! others have pushed out of there.

use hoga_protocol::codec::{ImageError, ImageSink, ImageSource};
use hoga_protocol::{AccountId, InstrumentId, Lots, Nanos, Notional, OrderId, Sequence, Ticks};
use hoga_tables::Segments;

use super::{Execution, Role, fee_fits};
use crate::image::{Item, must, price_in_range, quantity_in_range};
use crate::known::Known;
use crate::order::take_side;
use crate::queue::{Blocks, Queue};

#[derive(Clone, Debug)]
pub(super) struct OwnExecutions {
    /// How many of its own executions an account keeps, at least one.
    floor: usize,
    accounts: Segments<Own>,
    /// The numbers of executions that the ring holds.
    numbers: Blocks<u64>,
    /// Those that it holds no longer.
    kept: Blocks<Execution, 8>,
}

/// One account. What is kept is older than what is in the ring, and nothing is kept when the ring has as many as the
/// floor.
#[derive(Clone, Debug, Default)]
struct Own {
    kept: Queue,
    in_ring: Queue,
}

/// One of an account's executions.
pub(super) enum Place<'a> {
    Kept(&'a Execution),
    InRing(u64),
}

impl OwnExecutions {
    pub(super) fn new(floor: usize) -> Self {
        Self {
            floor: floor.max(1),
            accounts: Segments::new(),
            numbers: Blocks::new(),
            kept: Blocks::new(),
        }
    }

    pub(super) fn add_account(&mut self) {
        self.accounts.push(Own::default());
    }

    /// The ring holds a new execution of the account.
    pub(super) fn push(&mut self, account: AccountId, number: u64) {
        let own = &mut self.accounts[account.0 as usize];
        self.numbers.push(&mut own.in_ring, number);
        if own.kept.len() > 0 {
            self.trim(account);
        }
    }

    /// The ring holds this execution no longer, the account's first in it.
    pub(super) fn drop_first(&mut self, execution: Execution) {
        let own = &mut self.accounts[execution.account.0 as usize];
        self.numbers.drop_first(&mut own.in_ring);
        if own.kept.len() + own.in_ring.len() < self.floor {
            self.kept.push(&mut own.kept, execution);
        }
    }

    /// How many executions of the account are held.
    pub(super) fn len(&self, account: AccountId) -> usize {
        self.own(account)
            .map_or(0, |own| own.kept.len() + own.in_ring.len())
    }

    /// The account's execution at `place` among those held, the oldest at 0.
    pub(super) fn get(&self, account: AccountId, place: usize) -> Option<Place<'_>> {
        let own = self.own(account)?;
        match place.checked_sub(own.kept.len()) {
            Some(place) => self.numbers.get(&own.in_ring, place).copied().map(Place::InRing),
            None => self.kept.get(&own.kept, place).map(Place::Kept),
        }
    }

    /// The place of the account's first execution whose number is greater than `number`.
    pub(super) fn after(&self, account: AccountId, number: u64) -> usize {
        let Some(own) = self.own(account) else { return 0 };
        let kept = self.kept.partition_point(&own.kept, |held| held.number <= number);
        let in_ring = self.numbers.partition_point(&own.in_ring, |&held| held <= number);
        // What is kept comes first, so the ring's count only where all of it is seen.
        if kept < own.kept.len() {
            kept
        } else {
            kept + in_ring
        }
    }

    /// The number of the account's execution on this side of a trade, when it is kept outside of the ring.
    pub(super) fn find_kept(
        &self,
        account: AccountId,
        sequence: Sequence,
        index: u32,
        role: Role,
    ) -> Option<u64> {
        let own = self.own(account)?;
        let wanted = (sequence, index, role);
        let first = self.kept.partition_point(&own.kept, |held| when(held) < wanted);
        let held = self.kept.get(&own.kept, first)?;
        (when(held) == wanted).then_some(held.number)
    }

    fn own(&self, account: AccountId) -> Option<&Own> {
        self.accounts.get(account.0 as usize)
    }

    /// Lets go of what the account no longer needs to keep: one execution at most after one push.
    fn trim(&mut self, account: AccountId) {
        let own = &mut self.accounts[account.0 as usize];
        while own.kept.len() > 0 && own.kept.len() + own.in_ring.len() > self.floor {
            self.kept.drop_first(&mut own.kept);
        }
    }
}

/// Which side of which trade it is. Later ones are greater, as are their numbers.
fn when(execution: &Execution) -> (Sequence, u32, Role) {
    (execution.sequence, execution.index, execution.role)
}

/// Bytes of a kept execution in an image.
const KEPT: usize = 77;

impl OwnExecutions {
    /// Writes how many are kept outside of the ring (`u32`), and these, account by account, the oldest first.
    pub(super) fn write_image(&self, sink: &mut impl ImageSink) {
        let count: usize = self.accounts.iter().map(|own| own.kept.len()).sum();
        sink.put_u32(count as u32);
        for own in self.accounts.iter() {
            for execution in self.kept.from(&own.kept, 0) {
                write_kept(execution, sink);
            }
        }
    }

    /// Reads what is kept of executions before the number `first`, while the ring is empty.
    pub(super) fn read_image(
        &mut self,
        first: u64,
        known: &Known<'_>,
        source: &mut impl ImageSource,
    ) -> Result<(), ImageError> {
        let mut previous: Option<Execution> = None;
        for _ in 0..source.take_u32()? {
            let execution = read_kept(known, source)?;
            must(execution.number < first, "kept executions")?;
            let follows = previous.is_none_or(|before| match before.account == execution.account {
                true => before.number < execution.number && when(&before) < when(&execution),
                false => before.account < execution.account,
            });
            must(follows, "kept executions")?;
            previous = Some(execution);
            let own = &mut self.accounts[execution.account.0 as usize];
            self.kept.push(&mut own.kept, execution);
            self.trim(execution.account);
        }
        Ok(())
    }
}

fn write_kept(execution: &Execution, sink: &mut impl ImageSink) {
    let mut item = Item::<KEPT>::new();
    item.put_u64(execution.number);
    item.put_u64(execution.sequence.0);
    item.put_u32(execution.index);
    item.put_u32(execution.instrument.0);
    item.put_u64(execution.order.0);
    item.put_u32(execution.account.0);
    item.put_u8(execution.side as u8);
    item.put_i64(execution.price.0);
    item.put_u64(execution.quantity.0);
    item.put_i128(execution.fee.0);
    item.put_u64(execution.timestamp.0);
    sink.put(item.bytes());
}

/// An execution whose role follows from its number.
fn read_kept(known: &Known<'_>, source: &mut impl ImageSource) -> Result<Execution, ImageError> {
    let bytes = source.take_array::<KEPT>()?;
    let mut item = &bytes[..];
    let number = item.take_u64()?;
    let execution = Execution {
        number,
        sequence: Sequence(item.take_u64()?),
        index: item.take_u32()?,
        role: Role::of(number),
        instrument: InstrumentId(item.take_u32()?),
        order: OrderId(item.take_u64()?),
        account: AccountId(item.take_u32()?),
        side: take_side(&mut item)?,
        price: Ticks(item.take_i64()?),
        quantity: Lots(item.take_u64()?),
        fee: Notional(item.take_i128()?),
        timestamp: Nanos(item.take_u64()?),
    };
    known.event(execution.sequence, execution.index)?;
    known.time(execution.timestamp)?;
    known.account(execution.account)?;
    must(price_in_range(execution.price), "price")?;
    must(quantity_in_range(execution.quantity), "quantity")?;
    let order = execution.order.0;
    must(order >= 1 && order <= execution.sequence.0, "order")?;
    let spec = known.instrument(execution.instrument)?;
    let fee_fits = fee_fits(spec, execution.price, execution.quantity, execution.fee);
    must(fee_fits, "fee")?;
    Ok(execution)
}
