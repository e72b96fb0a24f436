//! Many queues that share their memory: what each account or instrument holds, in order.

use alloc::collections::VecDeque;

use hoga_tables::Segments;

/// The blocks of many queues, of `BLOCK` items each. Items do not move; each queue has the numbers of its own blocks in
/// order, so that any place of it is reached at once.
///
/// Worst case of a push: one chunk of 1,024 items is allocated, and the queue's list of blocks is copied, which has
/// 4 bytes for each block of that queue (128 KiB at a million items, 32 to a block). An empty queue holds no block, any
/// other one at most two that are not full.
#[derive(Clone, Debug)]
pub(crate) struct Blocks<T, const BLOCK: usize = 32> {
    /// Block after block.
    items: Segments<T>,
    free: Segments<u32>,
}

/// One queue. Its items are reached through the [`Blocks`] that it was always used with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Queue {
    blocks: VecDeque<u32>,
    /// The last of the blocks, at hand for a push.
    newest: u32,
    /// The place of the first item in the first block.
    start: u32,
    len: usize,
}

/// Room for blocks that a queue keeps even when it has few.
const KEPT: usize = 8;

impl Queue {
    pub(crate) const fn len(&self) -> usize {
        self.len
    }
}

impl<T: Copy, const BLOCK: usize> Blocks<T, BLOCK> {
    pub(crate) const fn new() -> Self {
        Self {
            items: Segments::new(),
            free: Segments::new(),
        }
    }

    /// Finds memory for `items` items in all, and writes to it.
    pub(crate) fn touch(&mut self, items: usize) {
        self.items.touch_zeroed(items);
    }

    /// Adds an item behind the others.
    #[inline]
    pub(crate) fn push(&mut self, queue: &mut Queue, item: T) {
        let at = queue.start as usize + queue.len;
        if at.is_multiple_of(BLOCK) {
            self.add_block(queue, &item);
        }
        self.items[queue.newest as usize * BLOCK + at % BLOCK] = item;
        queue.len += 1;
    }

    /// Drops the first item of a queue that is not empty, without a look at it.
    #[inline]
    pub(crate) fn drop_first(&mut self, queue: &mut Queue) {
        queue.start += 1;
        queue.len -= 1;
        if queue.start as usize == BLOCK || queue.len == 0 {
            self.drop_block(queue);
        }
    }

    /// The item that was dropped last, where it can still be seen.
    pub(crate) fn dropped(&self, queue: &Queue) -> Option<&T> {
        let place = queue.start.checked_sub(1)?;
        Some(&self.items[*queue.blocks.front()? as usize * BLOCK + place as usize])
    }

    /// Whether the first item can be seen no longer once it is dropped: its block goes with it.
    #[inline]
    pub(crate) fn goes_with_its_block(queue: &Queue) -> bool {
        queue.len == 1 || queue.start as usize + 1 == BLOCK
    }

    /// The item at `place`; 0 is the first.
    pub(crate) fn get(&self, queue: &Queue, place: usize) -> Option<&T> {
        if place >= queue.len {
            return None;
        }
        let at = queue.start as usize + place;
        Some(&self.items[queue.blocks[at / BLOCK] as usize * BLOCK + at % BLOCK])
    }

    /// The items from `place` on.
    pub(crate) fn from<'a>(
        &'a self,
        queue: &'a Queue,
        place: usize,
    ) -> impl DoubleEndedIterator<Item = &'a T> + 'a {
        (place..queue.len).filter_map(move |place| self.get(queue, place))
    }

    /// The place of the first item for which `before` is false; `before` holds for a prefix. The search begins at the
    /// back, in steps that double: it takes twice the logarithm of how far from there the place is.
    pub(crate) fn partition_point(&self, queue: &Queue, before: impl Fn(&T) -> bool) -> usize {
        let (mut low, mut high, mut step) = (0, queue.len, 1);
        while step <= queue.len {
            let place = queue.len - step;
            if self.get(queue, place).is_some_and(&before) {
                low = place + 1;
                break;
            }
            high = place;
            step *= 2;
        }
        while low < high {
            let middle = low + (high - low) / 2;
            match self.get(queue, middle).is_some_and(&before) {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        low
    }

    #[inline(never)]
    fn add_block(&mut self, queue: &mut Queue, filler: &T) {
        queue.newest = self.free.pop().unwrap_or_else(|| {
            let block = self.items.len() / BLOCK;
            (0..BLOCK).for_each(|_| self.items.push_copy(filler));
            u32::try_from(block).expect("the limits keep blocks inside 32 bits")
        });
        queue.blocks.push_back(queue.newest);
    }

    #[inline(never)]
    fn drop_block(&mut self, queue: &mut Queue) {
        queue.start = 0;
        if let Some(block) = queue.blocks.pop_front() {
            self.free.push(block);
        }
        // Queues that were long in turn do not each keep their longest list.
        if queue.blocks.capacity() > KEPT && queue.blocks.len() < queue.blocks.capacity() / 4 {
            queue.blocks.shrink_to(queue.blocks.len() * 2);
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn queues_that_share_blocks_do_not_mix_their_items() {
        let mut blocks: Blocks<u64> = Blocks::new();
        let mut queues = [(); 5].map(|()| (Queue::default(), VecDeque::new()));
        let mut number = 0_u64;
        for round in 0..400_usize {
            for (queue, model) in &mut queues {
                // Each is long and short in turn.
                let grows = (round + model.len()) % 200 < 100;
                for _ in 0..1 + number as usize % 7 {
                    number += 1;
                    if grows {
                        blocks.push(queue, number);
                        model.push_back(number);
                    } else if let Some(first) = model.pop_front() {
                        assert_eq!(blocks.get(queue, 0), Some(&first));
                        let is_seen = !Blocks::<u64>::goes_with_its_block(queue);
                        blocks.drop_first(queue);
                        assert_eq!(blocks.dropped(queue), is_seen.then_some(&first));
                    }
                }
                assert_eq!(queue.len(), model.len());
                assert!(blocks.from(queue, 0).eq(model.iter()));
                let middle = model.len() / 2;
                assert!(blocks.from(queue, middle).eq(model.range(middle..)));
                for bound in (0..=number).step_by(1 + number as usize / 20).chain([number]) {
                    let want = model.partition_point(|&held| held < bound);
                    assert_eq!(blocks.partition_point(queue, |&held| held < bound), want);
                }
            }
        }
    }

    #[test]
    fn owners_that_were_busy_in_turn_do_not_each_keep_their_largest_room() {
        let mut blocks: Blocks<u64> = Blocks::new();
        let mut queue = Queue::default();
        for _ in 0..10 {
            (0..100_000_u64).for_each(|number| blocks.push(&mut queue, number));
            while queue.len() > 1 {
                blocks.drop_first(&mut queue);
                assert!(queue.blocks.capacity() <= (queue.blocks.len() * 8).max(4 * KEPT));
            }
            let left: Vec<u64> = blocks.from(&queue, 0).copied().collect();
            assert_eq!(left, [99_999]);
            blocks.drop_first(&mut queue);
            assert_eq!((queue.len(), queue.blocks.len()), (0, 0));
        }
        assert!(blocks.items.len() <= 100_000 + 32, "blocks are not used again");
    }
}
