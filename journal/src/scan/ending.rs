//! How a journal ends: cleanly, in a torn frame, or in damage.

use super::{FrameAt, Lock, Parsed, Scanner, Tail};
use crate::error::{Damage, ReadError};
use crate::format::{BLOCK_BYTES, MAX_FRAME_BYTES};
use crate::frame::FrameHeader;
use crate::problem::Problem;
use crate::sector::{Sector, SectorSums};
use crate::window::WINDOW_BYTES;
use std::time::Duration;

/// How often the end is read again before it is told damaged, where another process may be writing there.
const LOOKS: u32 = 5;
/// How long is waited between two looks. Copying a frame into the page cache takes less, unless it is interrupted.
const PAUSE: Duration = Duration::from_millis(1);

impl Scanner {
    /// Settles how the journal ends, at the first place of the last segment that holds no whole frame.
    ///
    /// A reader without the lock may meet a frame that a writer is just completing: before anything but a
    /// clean end is settled, the place is read once more. Even a sector may be seen half written, which a crash would
    /// not leave, so what looks like a damaged last frame is read several times. The rest of the segment is looked
    /// through twice at most.
    pub(super) fn finish(&mut self, problem: Option<Problem>) -> Result<Option<FrameAt>, ReadError> {
        let mut verdict = self.judge_tail(problem)?;
        if !matches!(&verdict, Ok(tail) if tail.torn_bytes == 0) {
            let may_be_half_written =
                self.lock == Lock::NotTaken && matches!(&verdict, Err(damage) if damage.may_be_unfinished());
            let mut problem = None;
            for look in 0..if may_be_half_written { LOOKS } else { 1 } {
                if look > 0 {
                    std::thread::sleep(PAUSE);
                }
                self.window.clear();
                problem = match self.parse()? {
                    Parsed::Frame(frame) => return Ok(Some(frame)),
                    Parsed::End => None,
                    Parsed::Bad(problem) => Some(problem),
                };
            }
            if may_be_half_written {
                verdict = self.judge_tail(problem)?;
            }
        }
        self.tail = Some(verdict?);
        Ok(None)
    }

    /// A frame at the end that was being written when the process or the machine stopped is torn: each of its
    /// sectors is as it was to be or still zeros, as the segment was before, at least one is zeros, and nothing
    /// follows it, because no frame is written before the one ahead of it is durable. Everything else is damage.
    ///
    /// `problem` is what is wrong with the first sector, or with the frame whose first sector is right.
    pub(super) fn judge_tail(&mut self, problem: Option<Problem>) -> Result<Result<Tail, Damage>, ReadError> {
        let most = match &problem {
            // The frame's header is not there to tell how long it is.
            None => MAX_FRAME_BYTES,
            Some(Problem::FrameMagic | Problem::FrameHeaderChecksum) => 0,
            Some(Problem::Sector { .. }) => self.told_length()?,
            Some(problem) => return Ok(Err(self.damage(problem.clone(), None))),
        };
        let found = match self.look_behind(most)? {
            Ok(found) => found,
            Err(evidence) => {
                let problem = problem.unwrap_or(Problem::FrameMissing);
                return Ok(Err(self.damage(problem, Some(evidence))));
            }
        };
        // A frame that lacks no sector has become whole since it was parsed.
        let lacks_none = problem.is_some() && found.right * BLOCK_BYTES == most;
        let at_start = problem.unwrap_or(Problem::FrameMissing);
        let problem = match found.wrong {
            Some(offset) if offset > self.offset => Problem::Sector { offset, blank: false },
            None if !lacks_none => {
                let problem = (found.dirty_bytes > 0).then_some(at_start);
                return Ok(Ok(self.tail_here(found.dirty_bytes, problem)));
            }
            _ => at_start,
        };
        let damage = self.damage(problem, None);
        Ok(Err(Damage { last: true, ..damage }))
    }

    /// The bytes of the frame here, as its header says; 0 if that is gone since.
    fn told_length(&mut self) -> Result<u64, ReadError> {
        let (place, room) = (self.place(), self.bytes() - self.offset);
        let loaded = self.load(self.offset, BLOCK_BYTES, WINDOW_BYTES)?;
        let header = FrameHeader::intact(self.window.bytes(loaded)).ok();
        let header = header.filter(|header| header.check(&place, room).is_ok());
        Ok(header.map_or(0, FrameHeader::frame_bytes))
    }

    /// Looks through the rest of the segment for what is not zeros. A frame here takes at most `most` bytes. As an
    /// error, the offset and the first sequence of a whole header of a later frame.
    fn look_behind(&mut self, most: u64) -> Result<Result<Behind, (u64, u64)>, ReadError> {
        let place = self.place();
        let sums = SectorSums::of(&place);
        let mut found = Behind::default();
        let mut at = self.offset;
        while let Some(sector) = self.first_nonzero(at..self.bytes())? {
            at = sector + BLOCK_BYTES;
            found.dirty_bytes = at - self.offset;
            let loaded = self.load(sector, BLOCK_BYTES, WINDOW_BYTES)?;
            let bytes = self.window.bytes(loaded);
            let index = (sector - self.offset) / BLOCK_BYTES;
            if found.dirty_bytes <= most && sums.judge(index, bytes) == Sector::Right {
                found.right += 1;
                continue;
            }
            found.wrong.get_or_insert(sector);
            if let Ok(header) = FrameHeader::intact(bytes) {
                let theirs = header.place();
                let ours = (theirs.journal_id, theirs.segment) == (place.journal_id, place.segment);
                if ours && (sector > self.offset || theirs.sequence != place.sequence) {
                    return Ok(Err((sector, theirs.sequence)));
                }
            }
        }
        Ok(Ok(found))
    }
}

/// What stands behind the last whole frame.
#[derive(Default)]
struct Behind {
    /// The bytes up to the last that is not zero, in whole sectors.
    dirty_bytes: u64,
    /// How many sectors are those of the frame that would begin there.
    right: u64,
    /// The offset of the first sector that is neither zeros nor right.
    wrong: Option<u64>,
}
