//! A list that grows without moving what it holds.

use alloc::vec::Vec;
use core::mem::MaybeUninit;
use core::ops::{Index, IndexMut};

/// A list in chunks of [`CHUNK`](Self::CHUNK) items.
///
/// Worst case of [`push`](Self::push): one allocation of one chunk; no item moves. The directory of chunks is reserved
/// for the maximum given to [`with_max`](Self::with_max). Beyond that maximum, or without one, the directory itself is
/// allocated anew when it is full, which moves one pointer of 24 bytes for each chunk.
///
/// A chunk once allocated stays, also when its items are popped.
#[derive(Debug)]
pub struct Segments<T> {
    chunks: Vec<Vec<T>>,
    len: usize,
}

const SHIFT: u32 = 10;
const MASK: usize = (1 << SHIFT) - 1;

/// The least memory that a system gives at once, in bytes.
const PAGE: usize = 4_096;

impl<T> Segments<T> {
    /// How many items a chunk has room for.
    pub const CHUNK: usize = 1 << SHIFT;

    /// An empty list, with no memory reserved.
    pub const fn new() -> Self {
        Self {
            chunks: Vec::new(),
            len: 0,
        }
    }

    /// An empty list whose directory has room for `max_items` items.
    pub fn with_max(max_items: usize) -> Self {
        Self {
            chunks: Vec::with_capacity(max_items.div_ceil(Self::CHUNK)),
            len: 0,
        }
    }

    /// How many items there are.
    #[inline]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many items there is memory for.
    pub const fn capacity(&self) -> usize {
        self.chunks.len() << SHIFT
    }

    /// Bytes that `items` items need at most: whole chunks and their directory.
    pub const fn bytes(items: usize) -> usize {
        items.div_ceil(Self::CHUNK) * (Self::CHUNK * size_of::<T>() + size_of::<Vec<T>>())
    }

    /// Adds an item behind the others.
    #[inline]
    pub fn push(&mut self, item: T) {
        self.open_chunk().push(item);
        self.len += 1;
    }

    /// Adds a copy of an item behind the others: at once to where it is to stand, however large it is.
    #[inline]
    pub fn push_copy(&mut self, item: &T)
    where
        T: Copy,
    {
        self.open_chunk().extend_from_slice(core::slice::from_ref(item));
        self.len += 1;
    }

    /// Takes the last item out.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        let last = self.len.checked_sub(1)?;
        self.len = last;
        self.chunks[last >> SHIFT].pop()
    }

    /// Drops the items from place `len` on. Costs as much as there are chunks, and the drops of the items.
    pub fn truncate(&mut self, len: usize) {
        for (number, chunk) in self.chunks.iter_mut().enumerate() {
            chunk.truncate(len.saturating_sub(number << SHIFT));
        }
        self.len = self.len.min(len);
    }

    /// The item at `place`.
    #[inline]
    pub fn get(&self, place: usize) -> Option<&T> {
        self.chunks.get(place >> SHIFT)?.get(place & MASK)
    }

    /// The item at `place`, to change.
    #[inline]
    pub fn get_mut(&mut self, place: usize) -> Option<&mut T> {
        self.chunks.get_mut(place >> SHIFT)?.get_mut(place & MASK)
    }

    /// Every item, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.chunks.iter().flatten()
    }

    /// Reserves memory for `items` items in all and writes `filler` to what is unused of it, so that the system gives
    /// the memory now and not under a later push. What is held stays as it is.
    pub fn touch(&mut self, items: usize, filler: T)
    where
        T: Copy,
    {
        while self.capacity() < items {
            self.add_chunk();
        }
        for chunk in &mut self.chunks[self.len >> SHIFT..] {
            let used = chunk.len();
            chunk.resize(Self::CHUNK, filler);
            chunk.truncate(used);
        }
    }

    /// As [`touch`](Self::touch), for items of which none is at hand: writes zeros, once in each page.
    pub fn touch_zeroed(&mut self, items: usize) {
        while self.capacity() < items {
            self.add_chunk();
        }
        let step = (PAGE / size_of::<T>().max(1)).max(1);
        for chunk in &mut self.chunks[self.len >> SHIFT..] {
            for place in chunk.spare_capacity_mut().iter_mut().step_by(step) {
                *place = MaybeUninit::zeroed();
            }
        }
    }

    /// The chunk that the next item goes to.
    #[inline]
    fn open_chunk(&mut self) -> &mut Vec<T> {
        let chunk = self.len >> SHIFT;
        if chunk == self.chunks.len() {
            self.add_chunk();
        }
        &mut self.chunks[chunk]
    }

    #[cold]
    fn add_chunk(&mut self) {
        self.chunks.push(Vec::with_capacity(Self::CHUNK));
    }
}

impl<T> Default for Segments<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// A clone has room for as much as the original.
impl<T: Clone> Clone for Segments<T> {
    fn clone(&self) -> Self {
        let mut chunks = Vec::with_capacity(self.chunks.capacity());
        for chunk in &self.chunks {
            let mut copy = Vec::with_capacity(Self::CHUNK);
            copy.extend_from_slice(chunk);
            chunks.push(copy);
        }
        Self {
            chunks,
            len: self.len,
        }
    }
}

impl<T> Index<usize> for Segments<T> {
    type Output = T;

    #[inline]
    fn index(&self, place: usize) -> &T {
        &self.chunks[place >> SHIFT][place & MASK]
    }
}

impl<T> IndexMut<usize> for Segments<T> {
    #[inline]
    fn index_mut(&mut self, place: usize) -> &mut T {
        &mut self.chunks[place >> SHIFT][place & MASK]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNK: usize = Segments::<u32>::CHUNK;

    #[test]
    fn no_item_is_lost_or_moved_where_a_chunk_ends() {
        for count in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 5] {
            let mut list = Segments::with_max(count);
            let directory = list.chunks.capacity();
            let mut first = None;
            for item in 0..count {
                match item % 2 {
                    0 => list.push(item),
                    _ => list.push_copy(&item),
                }
                let place = core::ptr::from_ref(&list[0]);
                assert_eq!(*first.get_or_insert(place), place, "{count}");
            }
            assert_eq!(list.chunks.capacity(), directory, "{count}");
            assert_eq!((list.len(), list.is_empty()), (count, count == 0));
            assert!(list.iter().copied().eq(0..count), "{count}");
            assert!(list.iter().rev().copied().eq((0..count).rev()), "{count}");
            assert_eq!(list.get(count), None);
            assert_eq!(list.get_mut(count), None);
            let copy = list.clone();
            assert_eq!(copy.capacity(), list.capacity());
            assert!(copy.chunks.iter().all(|chunk| chunk.capacity() >= CHUNK));
            for item in (0..count).rev() {
                assert_eq!(list.pop(), Some(item));
            }
            assert_eq!(list.pop(), None);
            assert!(copy.iter().copied().eq(0..count), "{count}");
        }
    }

    #[test]
    fn what_is_cut_off_does_not_come_back() {
        for cut in [0, 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 100] {
            let mut list = Segments::new();
            (0..2 * CHUNK + 7).for_each(|item| list.push(item));
            list.truncate(cut);
            let kept = cut.min(2 * CHUNK + 7);
            assert_eq!(list.len(), kept);
            list.push(usize::MAX);
            assert_eq!(list[kept], usize::MAX, "{cut}");
            assert!(list.iter().take(kept).copied().eq(0..kept), "{cut}");
        }
    }

    #[test]
    fn touched_memory_is_not_allocated_again_by_a_push() {
        for (held, touched, capacity) in [(0, 1, CHUNK), (5, CHUNK, CHUNK), (5, CHUNK + 1, 2 * CHUNK)] {
            let mut list = Segments::new();
            (0..held).for_each(|item| list.push(item));
            match held {
                0 => list.touch_zeroed(touched),
                _ => list.touch(touched, 9),
            }
            assert_eq!((list.len(), list.capacity()), (held, capacity));
            let places = |list: &Segments<usize>| {
                let chunks = list.chunks.iter();
                chunks.map(|chunk| chunk.as_ptr()).collect::<Vec<_>>()
            };
            let before = places(&list);
            (held..touched).for_each(|item| list.push(item));
            assert!(list.iter().copied().eq(0..touched));
            assert_eq!(places(&list), before);
        }
    }
}
