//! How a journal ends: cleanly, in a torn frame, or in damage.

use super::{FrameAt, Parsed, Scanner, Tail};
use crate::error::{Damage, Problem, ReadError};
use crate::frame::{BLOCK_BYTES, FrameHeader};
use crate::window::WINDOW_BYTES;

impl Scanner {
    /// Settles how the journal ends, at the first place of the last segment that holds no whole frame.
    ///
    /// A reader without the lock may meet a frame that a writer is just completing: before anything but a
    /// clean end is settled, the place is read once more.
    pub(super) fn finish(&mut self, problem: Option<Problem>) -> Result<Option<FrameAt>, ReadError> {
        let verdict = self.judge_tail(problem)?;
        if !matches!(&verdict, Ok(tail) if tail.torn_bytes == 0) {
            self.window.clear();
            if let Parsed::Frame(frame) = self.parse()? {
                return Ok(Some(frame));
            }
        }
        self.tail = Some(verdict?);
        Ok(None)
    }

    /// A frame at the end that was being written when the process or the machine stopped is torn: nothing
    /// whole follows it, because no frame is written before the one ahead of it is durable. Everything else
    /// is damage.
    pub(super) fn judge_tail(&mut self, problem: Option<Problem>) -> Result<Result<Tail, Damage>, ReadError> {
        let may_be_torn = match &problem {
            None | Some(Problem::FrameMagic | Problem::FrameHeaderChecksum | Problem::BodyChecksum) => true,
            Some(Problem::Foreign { .. }) => true,
            Some(_) => false,
        };
        if let (false, Some(problem)) = (may_be_torn, &problem) {
            return Ok(Err(self.damage(problem.clone(), None)));
        }
        let mut dirty_end = self.offset;
        let mut at = self.offset;
        while let Some(block) = self.first_nonzero(at..self.bytes())? {
            dirty_end = block + BLOCK_BYTES;
            at = dirty_end;
            let loaded = self.load(block, BLOCK_BYTES, WINDOW_BYTES)?;
            let Ok(header) = FrameHeader::intact(self.window.bytes(loaded)) else {
                continue;
            };
            let place = self.place();
            let ours = header.journal_id.get() == place.journal_id && header.segment.get() == place.segment;
            let torn_itself = block == self.offset && header.first_sequence.get() == place.sequence;
            if ours && !torn_itself {
                let evidence = (block, header.first_sequence.get());
                return Ok(Err(
                    self.damage(problem.unwrap_or(Problem::FrameMissing), Some(evidence))
                ));
            }
        }
        let torn_bytes = dirty_end - self.offset;
        let problem = (torn_bytes > 0).then(|| problem.unwrap_or(Problem::FrameMissing));
        Ok(Ok(self.tail_here(torn_bytes, problem)))
    }
}
