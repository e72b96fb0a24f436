//! Items at fixed places that are used again.

use core::ops::Index;

use hoga_tables::Segments;

/// Items that come and go. No item moves; a push allocates one chunk of 1,024 places at most.
#[derive(Clone, Debug)]
pub(crate) struct Pool<T> {
    items: Segments<T>,
    free: Segments<u32>,
}

impl<T: Copy> Pool<T> {
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

    /// Adds an item and returns its place.
    #[inline]
    pub(crate) fn insert(&mut self, item: T) -> u32 {
        if let Some(place) = self.free.pop() {
            self.items[place as usize] = item;
            return place;
        }
        let place = u32::try_from(self.items.len()).expect("the limits keep places inside 32 bits");
        self.items.push(item);
        place
    }

    /// Takes out the item at `place`, which holds one.
    pub(crate) fn remove(&mut self, place: u32) {
        self.free.push(place);
    }
}

impl<T> Index<u32> for Pool<T> {
    type Output = T;

    fn index(&self, place: u32) -> &T {
        &self.items[place as usize]
    }
}
