//! Walking on at the end of a journal that is being written.

use super::{Ahead, FrameAt, Parsed, Scanner};
use crate::error::{ReadError, StorageError};
use crate::format::{BLOCK_BYTES, RECORD_COST_BYTES};
use crate::listing::{Begin, Entry, Found, list, open_head};
use crate::problem::Problem;
use crate::storage::failed;
use crate::window::{STRIDE_BYTES, WINDOW_BYTES, Window};
use std::io;

/// After how many polls in a row that found nothing the whole rest of the segment is looked through. It is done
/// again when that number has doubled, and so on, so that an idle journal costs next to nothing.
pub(crate) const PATIENCE: u64 = 256;

impl Scanner {
    /// Prepares for [`poll`](Self::poll): small reads, and a window for frames of segments that are not there yet.
    /// All headers must carry `journal_id`.
    pub fn follow(&mut self, journal_id: u32) -> Result<(), ReadError> {
        if let Some(found) = self.journal_id.filter(|found| *found != journal_id) {
            let segment = self.number;
            return Err(self
                .damage_at_head(Problem::Foreign {
                    journal_id: found,
                    segment,
                })
                .into());
        }
        self.journal_id = Some(journal_id);
        self.window = Window::new(WINDOW_BYTES);
        self.ahead = Ahead {
            block: BLOCK_BYTES,
            frame: STRIDE_BYTES,
        };
        Ok(())
    }

    /// Makes the current segment and the folder's names durable.
    pub fn make_durable(&self) -> Result<(), StorageError> {
        if let Some(file) = &self.file {
            file.sync_data()
                .map_err(|error| failed(&*self.storage, "sync", &self.name(), error))?;
        }
        self.storage
            .sync_dir()
            .map_err(|error| failed(&*self.storage, "sync", "", error))
    }

    /// The next frame, or `None` if there is nothing more for now. With `durable`, the last sequence known to be
    /// committed, no frame beyond it is returned, and one up to it must be there.
    pub fn poll(&mut self, durable: Option<u64>) -> Result<Option<FrameAt>, ReadError> {
        if durable.is_some_and(|last| last < self.sequence) {
            return Ok(None);
        }
        let must_be_there = durable.is_some();
        loop {
            if self.segments.is_empty() {
                if self.look_for_begun(self.number, must_be_there)? {
                    continue;
                }
                if must_be_there {
                    return Err(self.damage_at_head(Problem::SegmentMissing).into());
                }
                return Ok(None);
            }
            self.enter()?;
            if self.segments.len() > 1 {
                match self.step_closed()? {
                    Some(frame) => return Ok(self.pass_durable(frame, durable)),
                    None => continue,
                }
            }
            let problem = match self.parse_afresh()? {
                Parsed::Frame(frame) => return Ok(self.pass_durable(frame, durable)),
                Parsed::End => None,
                Parsed::Bad(problem) => Some(problem),
            };
            if self.wait(problem, must_be_there)? {
                return Ok(None);
            }
        }
    }

    fn pass_durable(&mut self, frame: FrameAt, durable: Option<u64>) -> Option<FrameAt> {
        let last = frame.header.first_sequence.get() + u64::from(frame.header.records.get()) - 1;
        if durable.is_some_and(|durable| durable < last) {
            return None;
        }
        self.pass(&frame);
        Some(frame)
    }

    /// Parses what stands here now: what the window holds may have been read before it was written.
    fn parse_afresh(&mut self) -> Result<Parsed, ReadError> {
        if self.window.holds(self.offset, BLOCK_BYTES)
            && let Parsed::Frame(frame) = self.parse()?
        {
            return Ok(Parsed::Frame(frame));
        }
        self.window.clear();
        self.parse()
    }

    /// Whether there is nothing for now in the last segment known; `false` if it is worth another look. `problem`
    /// is what is wrong with the frame here, if it is not just zeros.
    ///
    /// A frame that is not whole may be in the middle of being written. It is damage if it is known to be
    /// committed, or if something written later is there; a writer leaves a segment only when less than
    /// [`RECORD_COST_BYTES`] are left of it, so otherwise the next segment is looked for seldom.
    fn wait(&mut self, problem: Option<Problem>, must_be_there: bool) -> Result<bool, ReadError> {
        self.idle += 1;
        let due = self.idle.is_power_of_two() && (problem.is_some() || self.idle >= PATIENCE);
        let thorough = must_be_there || due;
        let room = self.bytes() - self.offset;
        let may_be_finished = thorough || room < RECORD_COST_BYTES;
        if may_be_finished && self.look_for_begun(self.number.saturating_add(1), thorough)? {
            self.window.clear();
            return Ok(false);
        }
        if !thorough {
            return Ok(true);
        }
        let verdict = self.judge_tail(problem)?;
        let may_come = match &verdict {
            Ok(_) => true,
            Err(damage) => damage.may_be_unfinished(),
        };
        if !must_be_there && may_come {
            self.window.clear();
            return Ok(true);
        }
        // The writer may have completed the frame, and others, between the two looks.
        self.window.clear();
        if let Parsed::Frame(_) = self.parse()? {
            return Ok(false);
        }
        Err(match verdict {
            Err(damage) => damage.into(),
            Ok(tail) => self
                .damage(tail.problem.unwrap_or(Problem::FrameMissing), None)
                .into(),
        })
    }

    /// Looks whether segment `number`, the one behind those known, is begun, and takes it into the row if so.
    /// The thorough look also sees that it is missing or broken though a later one is there.
    fn look_for_begun(&mut self, number: u64, thorough: bool) -> Result<bool, ReadError> {
        let known = self.segments.len();
        let entry = match open_head(&*self.storage, number) {
            Err(error) if error.source.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
            Ok((Found::Unbegun(_), ..)) => None,
            Ok((Found::Begun(start), compressed, _)) => Some((Ok(start), compressed)),
            Ok((Found::Bad(problem), compressed, _)) => Some((Err(problem), compressed)),
        };
        if let Some((start, compressed)) = entry {
            self.segments.push_back(Entry { compressed, start });
        } else if thorough {
            let listing = list(&*self.storage, Begin::Segment(number))?;
            if listing.first == number {
                self.segments.extend(listing.segments);
            }
        }
        Ok(self.segments.len() > known)
    }
}
