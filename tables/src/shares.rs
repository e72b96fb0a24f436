//! How many items each holder has, and who has to give one up.

use crate::Segments;

/// Counts the items of holders that share a bounded table.
///
/// Every holder may have `floor` items whatever the others do. What holders have above their floors is their surplus;
/// all surpluses together may be `pool` items. Beyond that the holder with the most items has to give one up, and of
/// several the one with the lowest number. So one holder that floods the table pushes out its own items, and the table
/// has at most `pool + floor × holders` items, and one more between an [`add`](Self::add) and the eviction.
///
/// What [`overfull`](Self::overfull) answers follows from the counts alone, never from how they came about.
///
/// Worst cases: `add` and `remove` move one holder in a binary heap of those above their floors, which is `log2` of
/// their number in steps (17 for 100,000), and `add` and `add_holder` allocate one chunk at most. `overfull` and the
/// counts are constant. A holder takes 12 bytes.
#[derive(Clone, Debug)]
pub struct Shares {
    floor: u32,
    pool: u64,
    total: u64,
    surplus: u64,
    holders: Segments<Holder>,
    /// The holders above the floor; each has as many items as those below it, or more.
    heap: Segments<u32>,
    #[cfg(test)]
    steps: u64,
}

#[derive(Clone, Copy, Debug)]
struct Holder {
    count: u32,
    /// Its place in the heap, [`OUTSIDE`] when it has no surplus.
    place: u32,
}

const OUTSIDE: u32 = u32::MAX;

impl Shares {
    /// Without holders. `floor` and `pool` are numbers of items; memory for the directories of `max_holders` holders is
    /// reserved, and there may be more.
    pub fn new(floor: u32, pool: u64, max_holders: usize) -> Self {
        Self {
            floor,
            pool,
            total: 0,
            surplus: 0,
            holders: Segments::with_max(max_holders),
            heap: Segments::with_max(max_holders),
            #[cfg(test)]
            steps: 0,
        }
    }

    /// How many items each holder may have whatever the others do.
    pub const fn floor(&self) -> u32 {
        self.floor
    }

    /// How many items all holders together may have above their floors.
    pub const fn pool(&self) -> u64 {
        self.pool
    }

    /// Sets how many items all holders together may have above their floors. Where that is less than they have, call
    /// [`overfull`](Self::overfull) until it has no answer.
    pub fn set_pool(&mut self, pool: u64) {
        self.pool = pool;
    }

    /// Sets what each holder may have whatever the others do. Takes time for all holders.
    pub fn set_floor(&mut self, floor: u32) {
        self.floor = floor;
        self.heap.truncate(0);
        self.surplus = 0;
        for number in 0..self.holders.len() {
            let holder = &mut self.holders[number];
            holder.place = OUTSIDE;
            let above = holder.count.saturating_sub(floor);
            if above > 0 {
                self.surplus += u64::from(above);
                self.enter(number as u32);
            }
        }
    }

    /// Adds a holder without items and returns its number: they are numbered from 0.
    pub fn add_holder(&mut self) -> u32 {
        let number = self.holders.len() as u32;
        self.holders.push(Holder {
            count: 0,
            place: OUTSIDE,
        });
        number
    }

    /// How many holders there are.
    pub const fn holders(&self) -> usize {
        self.holders.len()
    }

    /// How many items the holder has.
    ///
    /// # Panics
    /// When there is no such holder.
    #[inline]
    pub fn count(&self, holder: u32) -> u32 {
        self.holders[holder as usize].count
    }

    /// How many items all holders have together.
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// How many items all holders together have above their floors.
    pub const fn surplus(&self) -> u64 {
        self.surplus
    }

    /// The holder has one item more.
    ///
    /// # Panics
    /// When there is no such holder.
    pub fn add(&mut self, holder: u32) {
        self.total += 1;
        let at = &mut self.holders[holder as usize];
        at.count += 1;
        if at.count <= self.floor {
            return;
        }
        self.surplus += 1;
        match at.place {
            OUTSIDE => self.enter(holder),
            place => self.rise(place),
        }
    }

    /// The holder has one item less.
    ///
    /// # Panics
    /// When it has none.
    pub fn remove(&mut self, holder: u32) {
        let at = &mut self.holders[holder as usize];
        assert!(at.count > 0, "holder {holder} has no item to remove");
        at.count -= 1;
        self.total -= 1;
        if at.count < self.floor {
            return;
        }
        self.surplus -= 1;
        let place = at.place;
        match at.count == self.floor {
            true => self.leave(place),
            false => self.sink(place),
        }
    }

    /// Who has to give up an item, its oldest: the holder with the most items, of several the one with the lowest
    /// number, when the surplus exceeds the pool. `None` when everything is within the bounds.
    ///
    /// After one `add` to what was within the bounds, one item is enough.
    #[inline]
    pub fn overfull(&self) -> Option<u32> {
        let &largest = self.heap.get(0)?;
        (self.surplus > self.pool).then_some(largest)
    }

    /// Reserves memory for `holders` holders and writes to it.
    pub fn touch(&mut self, holders: usize) {
        let unused = Holder {
            count: 0,
            place: OUTSIDE,
        };
        self.holders.touch(holders, unused);
        self.heap.touch(holders, 0);
    }

    fn enter(&mut self, holder: u32) {
        let place = self.heap.len() as u32;
        self.heap.push(holder);
        self.holders[holder as usize].place = place;
        self.rise(place);
    }

    fn leave(&mut self, place: u32) {
        let last = self.heap.len() as u32 - 1;
        self.swap(place, last);
        if let Some(holder) = self.heap.pop() {
            self.holders[holder as usize].place = OUTSIDE;
        }
        if place < last {
            self.rise(place);
            self.sink(place);
        }
    }

    /// Moves the holder at `place` up to where nobody below it has more.
    fn rise(&mut self, mut place: u32) {
        while place > 0 {
            let above = (place - 1) / 2;
            if !self.precedes(place, above) {
                return;
            }
            self.swap(place, above);
            place = above;
        }
    }

    /// Moves the holder at `place` down to where nobody below it has more.
    fn sink(&mut self, mut place: u32) {
        let len = self.heap.len() as u32;
        loop {
            let left = place * 2 + 1;
            if left >= len {
                return;
            }
            let right = left + 1;
            let below = match right < len && self.precedes(right, left) {
                true => right,
                false => left,
            };
            if !self.precedes(below, place) {
                return;
            }
            self.swap(below, place);
            place = below;
        }
    }

    /// Whether the holder at heap place `one` has to give up an item before the one at `other`.
    fn precedes(&self, one: u32, other: u32) -> bool {
        let (one, other) = (self.heap[one as usize], self.heap[other as usize]);
        let (count, than) = (self.count(one), self.count(other));
        count > than || count == than && one < other
    }

    fn swap(&mut self, one: u32, other: u32) {
        #[cfg(test)]
        {
            self.steps += 1;
        }
        let (first, second) = (self.heap[one as usize], self.heap[other as usize]);
        self.heap[one as usize] = second;
        self.heap[other as usize] = first;
        self.holders[second as usize].place = one;
        self.holders[first as usize].place = other;
    }
}

#[cfg(test)]
pub(crate) mod tests;
