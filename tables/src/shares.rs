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
/// counts are constant. A holder takes 16 bytes.
#[derive(Clone, Debug)]
pub struct Shares {
    floor: u32,
    pool: u64,
    total: u64,
    surplus: u64,
    holders: Segments<Holder>,
    /// The holders above the floor; each precedes those below it.
    heap: Segments<Key>,
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

/// A holder and how many items it has, as one number: the greater has to give up an item before the lesser. So two
/// places of the heap are compared without a look at their holders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key(u64);

impl Key {
    const fn new(count: u32, holder: u32) -> Self {
        Self((count as u64) << 32 | !holder as u64)
    }

    const fn holder(self) -> usize {
        !self.0 as u32 as usize
    }
}

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
            let (count, above) = (holder.count, holder.count.saturating_sub(floor));
            if above > 0 {
                self.surplus += u64::from(above);
                self.enter(number as u32, count);
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
    #[inline]
    pub fn add(&mut self, holder: u32) {
        self.total += 1;
        let at = &mut self.holders[holder as usize];
        at.count += 1;
        if at.count <= self.floor {
            return;
        }
        let (count, place) = (at.count, at.place);
        self.rank(holder, count, place);
    }

    /// The holder has one item more, and where that is [too much](Self::overfull), whoever has to give up an item has
    /// one less: as one `add` and, for its answer, one `remove`. A holder that pushes out its own item moves nothing.
    ///
    /// # Panics
    /// When there is no such holder.
    #[inline]
    pub fn exchange(&mut self, holder: u32) -> Option<u32> {
        if self.surplus < self.pool {
            self.add(holder);
            return None;
        }
        self.exchange_full(holder)
    }

    #[inline(never)]
    fn exchange_full(&mut self, holder: u32) -> Option<u32> {
        let count = self.count(holder) + 1;
        let key = Key::new(count, holder);
        if count > self.floor && self.heap.get(0).is_none_or(|&largest| key > largest) {
            return Some(holder);
        }
        self.add(holder);
        let largest = self.overfull()?;
        self.remove(largest);
        Some(largest)
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
        let (count, place) = (at.count, at.place as usize);
        match count == self.floor {
            true => self.leave(place),
            false => self.sink(place, Key::new(count, holder)),
        }
    }

    /// Who has to give up an item, its oldest: the holder with the most items, of several the one with the lowest
    /// number, when the surplus exceeds the pool. `None` when everything is within the bounds.
    ///
    /// After one `add` to what was within the bounds, one item is enough.
    #[inline]
    pub fn overfull(&self) -> Option<u32> {
        if self.surplus <= self.pool {
            return None;
        }
        self.heap.get(0).map(|largest| largest.holder() as u32)
    }

    /// Reserves memory for `holders` holders and writes to it.
    pub fn touch(&mut self, holders: usize) {
        let unused = Holder {
            count: 0,
            place: OUTSIDE,
        };
        self.holders.touch(holders, unused);
        self.heap.touch(holders, Key(0));
    }

    /// The holder has one item more and so many in all, which is more than the floor.
    #[inline(never)]
    fn rank(&mut self, holder: u32, count: u32, place: u32) {
        self.surplus += 1;
        match place {
            OUTSIDE => self.enter(holder, count),
            place => self.rise(place as usize, Key::new(count, holder)),
        }
    }

    /// The holder comes above the floor.
    #[inline(never)]
    fn enter(&mut self, holder: u32, count: u32) {
        let key = Key::new(count, holder);
        let last = self.heap.len();
        self.heap.push(key);
        self.holders[key.holder()].place = last as u32;
        self.rise(last, key);
    }

    /// Takes out the holder at `place`, which the last one takes.
    fn leave(&mut self, place: usize) {
        let leaving = self.heap[place];
        self.holders[leaving.holder()].place = OUTSIDE;
        let Some(last) = self.heap.pop().filter(|&last| last != leaving) else {
            return;
        };
        self.holders[last.holder()].place = place as u32;
        // Those above precede the one that leaves, and it precedes those below.
        match last > leaving {
            true => self.rise(place, last),
            false => self.sink(place, last),
        }
    }

    /// Gives the holder at `place` a key that is no less, and moves it up to where it precedes nobody above it.
    #[inline(always)]
    fn rise(&mut self, place: usize, key: Key) {
        let mut hole = place;
        while hole > 0 {
            let above = (hole - 1) / 2;
            let other = self.heap[above];
            if other > key {
                break;
            }
            self.put(hole, other);
            hole = above;
        }
        self.settle(place, hole, key);
    }

    /// Gives the holder at `place` a key that is no greater, and moves it down to where nobody below precedes it.
    fn sink(&mut self, place: usize, key: Key) {
        let mut hole = place;
        while let Some(&left) = self.heap.get(hole * 2 + 1) {
            let right = self.heap.get(hole * 2 + 2).copied();
            let (below, other) = match right {
                Some(right) if right > left => (hole * 2 + 2, right),
                _ => (hole * 2 + 1, left),
            };
            if key > other {
                break;
            }
            self.put(hole, other);
            hole = below;
        }
        self.settle(place, hole, key);
    }

    /// Puts the holder of `key`, which stood at `place`, to where others have made room for it.
    #[inline(always)]
    fn settle(&mut self, place: usize, hole: usize, key: Key) {
        self.heap[hole] = key;
        if hole != place {
            self.holders[key.holder()].place = hole as u32;
        }
    }

    /// Moves the holder of `key` to `place`.
    #[inline]
    fn put(&mut self, place: usize, key: Key) {
        #[cfg(test)]
        {
            self.steps += 1;
        }
        self.heap[place] = key;
        self.holders[key.holder()].place = place as u32;
    }
}

#[cfg(test)]
pub(crate) mod tests;
