//! The orders as bytes: the live ones, then the closed ones without a client order id and those with one; a count
//! (`u32`) before each. They stand account by account, the live ones by id and the closed ones in the order of
//! closing. All lists follow from these three.

use alloc::vec::Vec;

use hoga_protocol::codec::{ImageError, ImageSink, ImageSource};
use hoga_protocol::{AccountId, Genesis, OrderType, Sequence, TimeInForce};

use super::{Kind, Orders};
use crate::image::must;
use crate::known::Known;
use crate::order::OrderState;
use crate::slab::{Slot, Thread};

impl Orders {
    /// All live orders, account by account, the oldest of each first.
    pub(crate) fn live_oldest_first(&self) -> impl Iterator<Item = &OrderState> {
        let accounts = self.accounts.iter();
        let slots = accounts.flat_map(|account| account.live.oldest_first(&self.slab, Thread::Live));
        slots.map(|slot| self.slab.order(slot))
    }

    pub(crate) fn write_image(&self, sink: &mut impl ImageSink) {
        sink.put_u32(self.live() as u32);
        for order in self.live_oldest_first() {
            order.write_image(sink);
        }
        for kind in [Kind::Plain, Kind::WithId] {
            sink.put_u32(self.shares[kind as usize].total() as u32);
            for account in self.accounts.iter() {
                for &slot in self.slots.from(&account.closed[kind as usize], 0) {
                    self.slab.order(slot).write_image(sink);
                }
            }
        }
    }

    /// Reads the orders of the accounts that are known.
    pub(crate) fn read_image(
        closed_limit: usize,
        floor: usize,
        genesis: Option<&Genesis>,
        known: &Known<'_>,
        source: &mut impl ImageSource,
    ) -> Result<Self, ImageError> {
        let mut orders = Self::new(closed_limit, floor);
        if let Some(genesis) = genesis {
            orders.begin(genesis);
        }
        for _ in 0..known.accounts.len() {
            orders.add_account();
        }
        orders.read_live(known, source)?;
        for kind in [Kind::Plain, Kind::WithId] {
            orders.read_closed(kind, known, source)?;
        }
        orders.list_by_id();
        Ok(orders)
    }

    fn read_live(&mut self, known: &Known<'_>, source: &mut impl ImageSource) -> Result<(), ImageError> {
        let count = source.take_u32()?;
        must(count <= self.limits.max_open_orders, "live orders")?;
        let mut previous = None;
        for _ in 0..count {
            let order = OrderState::read_image(known, source)?;
            let rests = (order.order_type, order.time_in_force) == (OrderType::Limit, TimeInForce::Gtc);
            must(rests && !order.status.closed(), "live orders")?;
            let place = Some((order.account, order.order));
            must(previous < place, "order")?;
            previous = place;
            let slot = self.take_in_new(&order)?;
            self.slab.set_resting(slot, true);
            let account = &mut self.accounts[order.account.0 as usize];
            account.live.push(&mut self.slab, Thread::Live, slot);
        }
        Ok(())
    }

    fn read_closed(
        &mut self,
        kind: Kind,
        known: &Known<'_>,
        source: &mut impl ImageSource,
    ) -> Result<(), ImageError> {
        let count = source.take_u32()?;
        let mut previous = (AccountId(0), Sequence::default());
        for _ in 0..count {
            let order = OrderState::read_image(known, source)?;
            must(order.status.closed(), "closed orders")?;
            let place = (order.account, order.sequence);
            must(previous <= place, "closed orders")?;
            must(self.kind(&order) == kind, "client_order_id")?;
            previous = place;
            let slot = self.take_in_new(&order)?;
            if let Some(pushed_out) = self.remember(order.account, kind, slot) {
                self.take_out(pushed_out);
            }
        }
        Ok(())
    }

    fn take_in_new(&mut self, order: &OrderState) -> Result<Slot, ImageError> {
        must(self.slot(order.order).is_none(), "order")?;
        Ok(self.take_in(order))
    }

    /// Makes each account's list of all its orders.
    fn list_by_id(&mut self) {
        let mut by_id: Vec<(u64, Slot)> = Vec::new();
        for number in 0..self.accounts.len() {
            let lists = &self.accounts[number];
            by_id.clear();
            let live = lists.live.oldest_first(&self.slab, Thread::Live);
            let closed = lists.closed.iter();
            let slots = live.chain(closed.flat_map(|closed| self.slots.from(closed, 0).copied()));
            by_id.extend(slots.map(|slot| (self.slab.order(slot).order.0, slot)));
            by_id.sort_unstable();
            for &(_, slot) in &by_id {
                self.accounts[number].push(&mut self.slab, slot);
            }
        }
    }
}
