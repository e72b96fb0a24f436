//! The armings in force.

use alloc::collections::BTreeMap;

use hoga_protocol::codec::{ImageError, ImageSink, ImageSource};
use hoga_protocol::{AcceptClock, Arm, ArmCause, Armed, Command, Nanos, Sequence};

use crate::image::must;
use crate::known::Known;

/// Every arming that has not been disarmed: whoever recovers the exchange finds here what was to be watched.
#[derive(Clone, Debug, Default)]
pub struct Armings {
    by_id: BTreeMap<Sequence, Kept>,
    /// By how much the exchange's time has leapt so far.
    leapt: Nanos,
}

/// An arming as it was made.
#[derive(Clone, Debug)]
struct Kept {
    armed: Armed,
    /// By how much time had leapt then: a deadline moves by what was added since.
    leapt: Nanos,
}

impl Armings {
    /// All of them, oldest first, each deadline as the time is now.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Armed> {
        self.by_id.values().map(|kept| self.moved(kept))
    }

    /// The arming of this name.
    pub fn get(&self, arming: Sequence) -> Option<Armed> {
        self.by_id.get(&arming).map(|kept| self.moved(kept))
    }

    /// By how much the exchange's time has leapt since it began.
    pub fn leapt(&self) -> Nanos {
        self.leapt
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
        let leapt = self.leapt;
        self.by_id.insert(armed.arming, Kept { armed, leapt });
    }

    /// The exchange's time leaps by so much, and all deadlines with it.
    pub(crate) fn leap(&mut self, by: Nanos) {
        self.leapt.0 = self.leapt.0.saturating_add(by.0);
    }

    fn moved(&self, kept: &Kept) -> Armed {
        let by = self.leapt.0 - kept.leapt.0;
        Armed {
            cause: match kept.armed.cause {
                ArmCause::Disconnect => ArmCause::Disconnect,
                ArmCause::Deadline(at) => ArmCause::Deadline(Nanos(at.0.saturating_add(by))),
            },
            ..kept.armed
        }
    }

    pub(crate) fn disarm(&mut self, arming: Sequence) {
        let armed = self.by_id.remove(&arming);
        assert!(armed.is_some(), "no arming {}", arming.0);
    }

    /// Writes by how much time has leapt, how many armings there are, and of each its name, by how much time had leapt
    /// then, and the record that asked for it.
    pub(crate) fn write_image(&self, sink: &mut impl ImageSink) {
        sink.put_u64(self.leapt.0);
        sink.put_u32(self.by_id.len() as u32);
        for Kept { armed, leapt } in self.by_id.values() {
            sink.put_u64(armed.arming.0);
            sink.put_u64(leapt.0);
            sink.put_record(&Command::Arm(Arm {
                account: armed.account,
                cause: armed.cause,
            }));
        }
    }

    pub(crate) fn read_image(known: &Known<'_>, source: &mut impl ImageSource) -> Result<Self, ImageError> {
        let mut armings = Self {
            leapt: Nanos(source.take_u64()?),
            ..Self::default()
        };
        must(armings.leapt <= AcceptClock::MAX, "leaps")?;
        let count = source.take_u32()?;
        let most = known.accounts.len() as u64 * u64::from(Arm::PER_ACCOUNT) + u64::from(Arm::MAX_SHARED);
        must(u64::from(count) <= most, "armings")?;
        let mut last = Sequence(0);
        for _ in 0..count {
            let arming = Sequence(source.take_u64()?);
            let leapt = Nanos(source.take_u64()?);
            must(leapt <= armings.leapt, "arming")?;
            let Command::Arm(arm) = source.take_record()? else {
                return Err(ImageError::BadValue("arming"));
            };
            must(last < arming && arming <= known.sequence, "arming")?;
            known.account(arm.account)?;
            last = arming;
            let armed = Armed {
                account: arm.account,
                arming,
                cause: arm.cause,
            };
            armings.by_id.insert(arming, Kept { armed, leapt });
        }
        Ok(armings)
    }
}
