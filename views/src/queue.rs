//! Many queues that share their memory: what each account or instrument holds, in order.

use alloc::collections::VecDeque;

use hoga_tables::Segments;

/// Items in a block.
const BLOCK: usize = 32;

/// The blocks of many queues. Items do not move; each queue has the numbers of its own blocks in order, so that any
/// place of it is reached at once.
///
/// Worst case of a push: one chunk of 1,024 blocks is allocated, and the queue's list of blocks is copied, which has
/// 4 bytes for each 32 items of that queue (128 KiB at a million items). An empty queue holds no block.
#[derive(Clone, Debug)]
pub(crate) struct Blocks<T> {
    blocks: Segments<[T; BLOCK]>,
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

impl<T: Copy + Default> Blocks<T> {
    pub(crate) const fn new() -> Self {
        Self {
            blocks: Segments::new(),
            free: Segments::new(),
        }
    }

    /// Adds an item behind the others.
    #[inline]
    pub(crate) fn push(&mut self, queue: &mut Queue, item: T) {
        let at = queue.start as usize + queue.len;
        if at.is_multiple_of(BLOCK) {
            self.add_block(queue);
        }
        self.blocks[queue.newest as usize][at % BLOCK] = item;
        queue.len += 1;
    }

    /// Takes the first item out.
    pub(crate) fn pop(&mut self, queue: &mut Queue) -> Option<T> {
        let item = self.get(queue, 0)?;
        queue.start += 1;
        queue.len -= 1;
        if queue.start as usize == BLOCK || queue.len == 0 {
            queue.start = 0;
            if let Some(block) = queue.blocks.pop_front() {
                self.free.push(block);
            }
            // Queues that were long in turn do not each keep their longest list.
            if queue.blocks.capacity() > KEPT && queue.blocks.len() < queue.blocks.capacity() / 4 {
                queue.blocks.shrink_to(queue.blocks.len() * 2);
            }
        }
        Some(item)
    }

    /// The item at `place`; 0 is the first.
    pub(crate) fn get(&self, queue: &Queue, place: usize) -> Option<T> {
        if place >= queue.len {
            return None;
        }
        let at = queue.start as usize + place;
        Some(self.blocks[queue.blocks[at / BLOCK] as usize][at % BLOCK])
    }

    /// The items from `place` on.
    pub(crate) fn from<'a>(
        &'a self,
        queue: &'a Queue,
        place: usize,
    ) -> impl DoubleEndedIterator<Item = T> + 'a {
        (place..queue.len).filter_map(move |place| self.get(queue, place))
    }

    /// The place of the first item for which `before` is false; `before` holds for a prefix. The search begins at the
    /// back, in steps that double: it takes twice the logarithm of how far from there the place is.
    pub(crate) fn partition_point(&self, queue: &Queue, before: impl Fn(T) -> bool) -> usize {
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
    fn add_block(&mut self, queue: &mut Queue) {
        queue.newest = self.free.pop().unwrap_or_else(|| {
            let block = u32::try_from(self.blocks.len()).expect("the limits keep blocks inside 32 bits");
            self.blocks.push([T::default(); BLOCK]);
            block
        });
        queue.blocks.push_back(queue.newest);
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn queues_that_share_blocks_do_not_mix_their_items() {
        let mut blocks = Blocks::new();
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
                    } else {
                        assert_eq!(blocks.pop(queue), model.pop_front());
                    }
                }
                assert_eq!(queue.len(), model.len());
                assert!(blocks.from(queue, 0).eq(model.iter().copied()));
                let middle = model.len() / 2;
                assert!(blocks.from(queue, middle).eq(model.range(middle..).copied()));
                for bound in (0..=number).step_by(1 + number as usize / 20).chain([number]) {
                    let want = model.partition_point(|&held| held < bound);
                    assert_eq!(blocks.partition_point(queue, |held| held < bound), want);
                }
            }
        }
    }

    #[test]
    fn owners_that_were_busy_in_turn_do_not_each_keep_their_largest_room() {
        let mut blocks = Blocks::new();
        let mut queue = Queue::default();
        for _ in 0..10 {
            (0..100_000_u64).for_each(|number| blocks.push(&mut queue, number));
            while queue.len() > 1 {
                blocks.pop(&mut queue);
                assert!(queue.blocks.capacity() <= (queue.blocks.len() * 8).max(4 * KEPT));
            }
            let left: Vec<u64> = blocks.from(&queue, 0).collect();
            assert_eq!(left, [99_999]);
            blocks.pop(&mut queue);
            assert_eq!((queue.len(), queue.blocks.len()), (0, 0));
        }
        assert!(
            blocks.blocks.len() <= 100_000 / BLOCK + 1,
            "blocks are not used again"
        );
    }
}
