//! The armings in force.

use alloc::collections::BTreeMap;

use hoga_protocol::codec::{ImageError, ImageSink, ImageSource};
use hoga_protocol::{Arm, Armed, Command, Sequence};

use crate::image::{Known, must};

/// Every arming that has not been disarmed: whoever recovers the exchange finds here what was to be watched.
#[derive(Clone, Debug, Default)]
pub struct Armings {
    by_id: BTreeMap<Sequence, Armed>,
}

impl Armings {
    /// All of them, oldest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Armed> {
        self.by_id.values()
    }

    /// The arming of this name.
    pub fn get(&self, arming: Sequence) -> Option<&Armed> {
        self.by_id.get(&arming)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    pub(crate) fn arm(&mut self, armed: Armed) {
        self.by_id.insert(armed.arming, armed);
    }

    pub(crate) fn disarm(&mut self, arming: Sequence) {
        let armed = self.by_id.remove(&arming);
        assert!(armed.is_some(), "no arming {}", arming.0);
    }

    /// Writes how many there are, and of each its name and the record that asked for it.
    pub(crate) fn write_image(&self, sink: &mut impl ImageSink) {
        sink.put_u32(self.by_id.len() as u32);
        for armed in self.iter() {
            sink.put_u64(armed.arming.0);
            sink.put_record(&Command::Arm(Arm {
                account: armed.account,
                cause: armed.cause,
            }));
        }
    }

    pub(crate) fn read_image(known: &Known<'_>, source: &mut impl ImageSource) -> Result<Self, ImageError> {
        let mut armings = Self::default();
        let count = source.take_u32()?;
        must(count <= Arm::MAX_TOTAL, "armings")?;
        let mut last = Sequence(0);
        for _ in 0..count {
            let arming = Sequence(source.take_u64()?);
            let Command::Arm(arm) = source.take_record()? else {
                return Err(ImageError::BadValue("arming"));
            };
            must(last < arming && arming <= known.sequence, "arming")?;
            known.account(arm.account)?;
            last = arming;
            armings.arm(Armed {
                account: arm.account,
                arming,
                cause: arm.cause,
            });
        }
        Ok(armings)
    }
}
