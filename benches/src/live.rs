//! The orders that rest, as the events tell of them, so that a flow can choose one to cancel or to change.

use hoga_protocol::{AccountId, InstrumentId, OrderId, Side};

use crate::random::Random;

/// A resting order.
#[derive(Clone, Copy)]
pub(crate) struct Resting {
    pub(crate) order: OrderId,
    pub(crate) account: AccountId,
    pub(crate) instrument: InstrumentId,
    pub(crate) side: Side,
    pub(crate) price: i64,
    pub(crate) quantity: u64,
    pub(crate) leaves: u64,
}

/// Resting orders in the order of their arrival, with holes where one has left.
#[derive(Default)]
pub(crate) struct Live {
    /// By order id: the place in `list`, or `GONE`.
    places: Vec<u32>,
    list: Vec<Option<Resting>>,
    /// No order rests before this place, and one rests at it unless none does at all.
    head: usize,
    count: usize,
}

const GONE: u32 = u32::MAX;
/// How many places at the front the oldest orders are drawn from.
const OLDEST: usize = 512;

impl Live {
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    pub(crate) fn insert(&mut self, resting: Resting) {
        let id = resting.order.0 as usize;
        if self.places.len() <= id {
            self.places.resize(id + 1, GONE);
        }
        self.places[id] = self.list.len() as u32;
        self.list.push(Some(resting));
        self.count += 1;
    }

    pub(crate) fn get(&self, order: OrderId) -> Option<&Resting> {
        let place = *self.places.get(order.0 as usize)?;
        self.list.get(place as usize)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, order: OrderId) -> Option<&mut Resting> {
        let place = *self.places.get(order.0 as usize)?;
        self.list.get_mut(place as usize)?.as_mut()
    }

    pub(crate) fn remove(&mut self, order: OrderId) -> Option<Resting> {
        let place = *self.places.get(order.0 as usize)? as usize;
        let gone = self.list.get_mut(place)?.take()?;
        self.places[order.0 as usize] = GONE;
        self.count -= 1;
        while self.list.get(self.head).is_some_and(Option::is_none) {
            self.head += 1;
        }
        if self.list.len() > 64 && self.count < self.list.len() / 2 {
            self.close_holes();
        }
        Some(gone)
    }

    /// Any of them, each as likely as another.
    ///
    /// # Panics
    /// When there are none.
    pub(crate) fn any(&self, random: &mut Random) -> Resting {
        self.draw(random, self.list.len() - self.head)
    }

    /// One of the oldest.
    ///
    /// # Panics
    /// When there are none.
    pub(crate) fn any_old(&self, random: &mut Random) -> Resting {
        self.draw(random, OLDEST.min(self.list.len() - self.head))
    }

    /// Draws until it hits no hole; the place at the head is none.
    fn draw(&self, random: &mut Random, places: usize) -> Resting {
        assert!(self.count > 0, "no order rests");
        loop {
            let place = self.head + random.below(places as u64) as usize;
            if let Some(resting) = self.list[place] {
                return resting;
            }
        }
    }

    fn close_holes(&mut self) {
        self.list.retain(Option::is_some);
        self.head = 0;
        for (place, resting) in self.list.iter().flatten().enumerate() {
            self.places[resting.order.0 as usize] = place as u32;
        }
    }
}
