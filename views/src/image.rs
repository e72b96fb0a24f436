//! What the images of all parts share.

use hoga_protocol::codec::{ImageError, ImageSink, ImageSource};
use hoga_protocol::{Lots, Ticks};

/// Refuses a field, named by `field`, of which something that must hold does not.
pub(crate) fn must(hold: bool, field: &'static str) -> Result<(), ImageError> {
    if hold {
        Ok(())
    } else {
        Err(ImageError::BadValue(field))
    }
}

/// One item put together, so that a sink is called once for each item and not for each of its fields.
pub(crate) struct Item<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Item<N> {
    pub(crate) fn new() -> Self {
        Self {
            bytes: [0; N],
            len: 0,
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl<const N: usize> ImageSink for Item<N> {
    fn put(&mut self, bytes: &[u8]) {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }
}

/// No series of executions or updates comes to so many, and twice as many are still a `u64`.
pub(crate) const MOST: u64 = 1 << 62;

/// The first number that a ring holds and the next that it will give; the item at the first follows.
pub(crate) fn take_range(
    source: &mut impl ImageSource,
    field: &'static str,
) -> Result<core::ops::Range<u64>, ImageError> {
    let (first, next) = (source.take_u64()?, source.take_u64()?);
    // A ring that ever held an item holds one.
    let holds = first < next || next == 0 && first == 0;
    must(holds && next <= MOST, field)?;
    Ok(first..next)
}

pub(crate) fn price_in_range(price: Ticks) -> bool {
    (1..=Ticks::MAX.0).contains(&price.0)
}

pub(crate) fn quantity_in_range(quantity: Lots) -> bool {
    (1..=Lots::MAX.0).contains(&quantity.0)
}
