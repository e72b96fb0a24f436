//! Walking the segments in order, frame by frame, believing nothing that does not check out.

use crate::error::{Damage, Problem, ReadError};
use crate::frame::{BLOCK_BYTES, FIRST_CHAIN, FRAME_HEADER_BYTES, FrameHeader, Place};
use crate::listing::{Listing, Unbegun, list};
use crate::segment::{SEGMENT_HEADER_BYTES, SegmentStart, segment_name};
use crate::storage::{Access, SegmentFile, Storage, failed};
use crate::window::{STRIDE_BYTES, WINDOW_BYTES, Window, is_zero};
use std::ops::Range;
use std::sync::Arc;

/// Where a journal ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The last begun segment; 0 if the journal is empty.
    pub segment: u64,
    /// The offset behind its last whole frame, in bytes.
    pub offset: u64,
    /// The sequence the next record gets.
    pub next_sequence: u64,
    /// The bytes of a torn frame that stand there; 0 if there is none.
    pub torn_bytes: u64,
    /// What is wrong with the torn frame.
    pub problem: Option<Problem>,
}

/// A frame that checked out, and where it is.
#[derive(Clone, Copy)]
pub(crate) struct FrameAt {
    pub segment: u64,
    pub offset: u64,
    pub header: FrameHeader,
    /// Where its body starts in the window.
    body: usize,
}

/// A cursor over the frames of a journal.
pub(crate) struct Scanner {
    storage: Arc<dyn Storage>,
    /// One entry per segment from the first on; an entry that is a problem ends the walk there.
    segments: Vec<Result<SegmentStart, Problem>>,
    pub unbegun: Option<Unbegun>,
    /// The bytes of all begun segments.
    total_bytes: u64,
    index: usize,
    /// The bytes of the segments before the current one.
    bytes_before: u64,
    file: Option<Box<dyn SegmentFile>>,
    window: Window,
    offset: u64,
    sequence: u64,
    chain: [u8; 32],
    tail: Option<Tail>,
}

enum Parsed {
    Frame(FrameAt),
    /// Zeros, or no room for a frame.
    End,
    Bad(Problem),
}

impl Scanner {
    /// Lists the segments and reads their headers.
    pub fn open(storage: Arc<dyn Storage>) -> Result<Scanner, ReadError> {
        let Listing { segments, unbegun } = list(&*storage)?;
        let largest = segments
            .iter()
            .flatten()
            .map(|start| start.bytes)
            .max()
            .unwrap_or(0);
        let total_bytes = segments.iter().flatten().map(|start| start.bytes).sum();
        Ok(Scanner {
            storage,
            segments,
            unbegun,
            total_bytes,
            index: 0,
            bytes_before: 0,
            file: None,
            window: Window::new(largest.min(WINDOW_BYTES)),
            offset: SEGMENT_HEADER_BYTES,
            sequence: 1,
            chain: FIRST_CHAIN,
            tail: None,
        })
    }

    /// The next frame, or `None` at the end of the journal, where [`tail`](Self::tail) says how it ends.
    pub fn advance(&mut self) -> Result<Option<FrameAt>, ReadError> {
        while self.tail.is_none() {
            if self.segments.is_empty() {
                self.tail = Some(self.tail_here(0, None));
                break;
            }
            self.enter()?;
            let is_last = self.index + 1 == self.segments.len();
            let found = match self.parse()? {
                Parsed::End if !is_last => {
                    self.leave()?;
                    None
                }
                Parsed::Bad(problem) if !is_last => {
                    let leftover = matches!(&self.segments[self.index + 1],
                        Ok(next) if next.first_sequence == self.sequence);
                    return Err(self
                        .damage(if leftover { Problem::Leftover } else { problem }, None)
                        .into());
                }
                Parsed::Frame(frame) => Some(frame),
                Parsed::End => self.finish(None)?,
                Parsed::Bad(problem) => self.finish(Some(problem))?,
            };
            if let Some(frame) = found {
                self.offset += frame.header.frame_bytes();
                self.sequence += u64::from(frame.header.records.get());
                self.chain = frame.header.chain;
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }

    /// The body of the frame that the last [`advance`](Self::advance) returned.
    pub fn body(&self, frame: &FrameAt) -> &[u8] {
        self.window
            .bytes(frame.body..frame.body + frame.header.body_bytes.get() as usize)
    }

    /// How the journal ends; `None` until the walk has got there.
    pub fn tail(&self) -> Option<&Tail> {
        self.tail.as_ref()
    }

    /// The chain after the last frame returned.
    pub fn chain(&self) -> [u8; 32] {
        self.chain
    }

    /// The begun segments.
    pub fn segments(&self) -> u64 {
        self.segments.len() as u64
    }

    /// The first segment's header, unless the journal is empty or it cannot be read.
    pub fn first(&self) -> Option<&SegmentStart> {
        self.segments.first().and_then(|start| start.as_ref().ok())
    }

    /// The current segment's header.
    pub fn current(&self) -> Option<&SegmentStart> {
        self.segments
            .get(self.index)
            .and_then(|start| start.as_ref().ok())
    }

    /// The bytes read so far, and those of all begun segments.
    pub fn progress(&self) -> (u64, u64) {
        let done = if self.tail.is_some() {
            self.total_bytes
        } else {
            self.bytes_before + self.offset
        };
        (done, self.total_bytes)
    }

    /// Opens the current segment, unless it is open, and judges how it continues the one before.
    fn enter(&mut self) -> Result<(), ReadError> {
        if self.file.is_some() {
            return Ok(());
        }
        let (start, journal_id) = match (&self.segments[self.index], self.first()) {
            (Ok(start), Some(first)) => (start, first.journal_id),
            (Err(problem), _) => return Err(self.damage_at_head(problem.clone()).into()),
            (Ok(_), None) => return Err(self.damage_at_head(Problem::SegmentHeader).into()),
        };
        let problem = if start.journal_id != journal_id {
            Some(Problem::Foreign {
                journal_id: start.journal_id,
                segment: start.number,
            })
        } else if start.first_sequence != self.sequence {
            Some(Problem::Sequence {
                found: start.first_sequence,
            })
        } else if start.previous_chain != self.chain {
            Some(Problem::Chain)
        } else {
            None
        };
        if let Some(problem) = problem {
            return Err(self.damage_at_head(problem).into());
        }
        let name = self.name();
        let file = self.storage.open(&name, Access::Read);
        self.file = Some(file.map_err(|error| failed(&*self.storage, "open", &name, error))?);
        self.window.clear();
        self.offset = SEGMENT_HEADER_BYTES;
        Ok(())
    }

    /// Goes on to the next segment, having made sure that this one holds nothing more.
    fn leave(&mut self) -> Result<(), ReadError> {
        let bytes = self.bytes();
        let continued = match &self.segments[self.index + 1] {
            Ok(next) => next.first_sequence == self.sequence,
            Err(_) => true,
        };
        if !continued && self.offset < bytes {
            return Err(self.damage(Problem::FrameMissing, None).into());
        }
        if self.first_nonzero(self.offset..bytes)?.is_some() {
            return Err(self.damage(Problem::Leftover, None).into());
        }
        self.bytes_before += bytes;
        self.index += 1;
        self.file = None;
        Ok(())
    }

    /// Settles how the journal ends, at the first place of the last segment that holds no whole frame.
    ///
    /// A reader without the lock may meet a frame that a writer is just completing: before anything but a
    /// clean end is settled, the place is read once more.
    fn finish(&mut self, problem: Option<Problem>) -> Result<Option<FrameAt>, ReadError> {
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
    fn judge_tail(&mut self, problem: Option<Problem>) -> Result<Result<Tail, Damage>, ReadError> {
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
            let loaded = self.load(block, BLOCK_BYTES)?;
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

    fn parse(&mut self) -> Result<Parsed, ReadError> {
        let (place, room) = (self.place(), self.bytes() - self.offset);
        if room < BLOCK_BYTES {
            return Ok(Parsed::End);
        }
        let block = self.load(self.offset, BLOCK_BYTES)?;
        let block = self.window.bytes(block);
        if is_zero(block) {
            return Ok(Parsed::End);
        }
        let header = match FrameHeader::intact(block) {
            Ok(header) => *header,
            Err(problem) => return Ok(Parsed::Bad(problem)),
        };
        if let Err(problem) = header.check(&place, room) {
            return Ok(Parsed::Bad(problem));
        }
        let frame = self.load(self.offset, header.frame_bytes())?;
        let body = frame.start + FRAME_HEADER_BYTES as usize;
        match header.check_body(self.window.bytes(body..frame.end), &self.chain) {
            Ok(()) => Ok(Parsed::Frame(FrameAt {
                segment: place.segment,
                offset: self.offset,
                header,
                body,
            })),
            Err(problem) => Ok(Parsed::Bad(problem)),
        }
    }

    /// The first block of `range` that is not all zeros. The range is of whole blocks.
    fn first_nonzero(&mut self, range: Range<u64>) -> Result<Option<u64>, ReadError> {
        let mut at = range.start;
        while at < range.end {
            let stride = (range.end - at).min(STRIDE_BYTES);
            let loaded = self.load(at, stride)?;
            let bytes = self.window.bytes(loaded);
            if !is_zero(bytes) {
                let blocks = bytes.chunks(BLOCK_BYTES as usize);
                let zeros = blocks.take_while(|block| is_zero(block)).count() as u64;
                return Ok(Some(at + zeros * BLOCK_BYTES));
            }
            at += stride;
        }
        Ok(None)
    }

    fn load(&mut self, offset: u64, length: u64) -> Result<Range<usize>, ReadError> {
        let (name, bytes) = (self.number(), self.bytes());
        let Some(file) = &self.file else {
            unreachable!("a segment is entered before it is read")
        };
        let range = self.window.load(&**file, offset, length, bytes);
        Ok(range.map_err(|error| failed(&*self.storage, "read", &segment_name(name), error))?)
    }

    fn number(&self) -> u64 {
        self.index as u64 + 1
    }

    fn name(&self) -> String {
        segment_name(self.number())
    }

    fn bytes(&self) -> u64 {
        self.current().map_or(0, |start| start.bytes)
    }

    fn place(&self) -> Place {
        let journal_id = self.first().map_or(0, |first| first.journal_id);
        Place {
            journal_id,
            segment: self.number(),
            sequence: self.sequence,
        }
    }

    fn tail_here(&self, torn_bytes: u64, problem: Option<Problem>) -> Tail {
        let segment = self.segments();
        Tail {
            segment,
            offset: self.offset,
            next_sequence: self.sequence,
            torn_bytes,
            problem,
        }
    }

    fn damage(&self, problem: Problem, intact_after: Option<(u64, u64)>) -> Damage {
        Damage {
            location: self.storage.location(),
            file: self.name(),
            offset: self.offset,
            expected_sequence: self.sequence,
            problem,
            intact_after,
        }
    }

    fn damage_at_head(&self, problem: Problem) -> Damage {
        Damage {
            offset: 0,
            ..self.damage(problem, None)
        }
    }
}
