//! Walking the segments in order, frame by frame, believing nothing that does not check out.

mod ending;
mod poll;
mod seek;

use crate::compressed::broken_file;
use crate::error::{Damage, ReadError};
use crate::format::{BLOCK_BYTES, FIRST_CHAIN, MAX_BODY_BYTES, SEGMENT_HEADER_BYTES};
use crate::frame::FrameHeader;
use crate::listing::{Begin, Entry, Listing, Unbegun, list, open_segment};
use crate::position::{Position, Tail};
use crate::problem::Problem;
use crate::sector::Place;
use crate::segment::{SegmentStart, compressed_name, segment_name};
use crate::storage::{SegmentFile, Storage, failed};
use crate::window::{STRIDE_BYTES, WINDOW_BYTES, Window, is_zero};
use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// A frame that checked out, and where it is.
#[derive(Clone, Copy)]
pub(crate) struct FrameAt {
    pub segment: u64,
    pub offset: u64,
    pub header: FrameHeader,
}

/// Whether the journal can change while it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lock {
    /// The lock is held: nobody else writes.
    Held,
    /// Another process may be writing.
    NotTaken,
}

/// A cursor over the frames of a journal.
pub(crate) struct Scanner {
    storage: Arc<dyn Storage>,
    /// The segments from the current one on; an entry that is a problem ends the walk there.
    segments: VecDeque<Entry>,
    pub unbegun: Option<Unbegun>,
    /// The number of the current segment.
    number: u64,
    /// How many segments were found.
    found: u64,
    /// The id that every header must carry; `None` while the journal is empty or its first header unreadable.
    journal_id: Option<u32>,
    /// The bytes of all begun segments.
    total_bytes: u64,
    /// The bytes of the segments before the current one.
    bytes_before: u64,
    file: Option<Box<dyn SegmentFile>>,
    lock: Lock,
    window: Window,
    /// The body of the frame that was parsed last.
    body: Vec<u8>,
    /// How many bytes are read to look at one block, and at one frame.
    ahead: Ahead,
    /// How many polls in a row found nothing at this place.
    idle: u64,
    offset: u64,
    sequence: u64,
    chain: [u8; 32],
    tail: Option<Tail>,
}

#[derive(Clone, Copy)]
struct Ahead {
    block: u64,
    frame: u64,
}

enum Parsed {
    Frame(FrameAt),
    /// Zeros, or no room for a frame.
    End,
    Bad(Problem),
}

impl Scanner {
    /// Lists the segments from `begin` on and reads their headers. What the first of them says of its own
    /// beginning is believed, unless it is segment 1, which has nothing before it.
    pub fn open(storage: Arc<dyn Storage>, begin: Begin, lock: Lock) -> Result<Scanner, ReadError> {
        let Listing {
            first,
            segments,
            unbegun,
        } = list(&*storage, begin)?;
        let starts = || segments.iter().flat_map(|entry| &entry.start);
        let largest = starts().map(|start| start.bytes).max().unwrap_or(0);
        let total_bytes = starts().map(|start| start.bytes).sum();
        let head = segments.first().and_then(|entry| entry.start.as_ref().ok());
        let (sequence, chain) = match head {
            Some(start) if first > 1 => (start.first_sequence, start.previous_chain),
            None if first > 1 => (0, FIRST_CHAIN),
            _ => (1, FIRST_CHAIN),
        };
        Ok(Scanner {
            storage,
            unbegun,
            number: first,
            found: segments.len() as u64,
            journal_id: head.map(|start| start.journal_id),
            total_bytes,
            bytes_before: 0,
            file: None,
            lock,
            window: Window::new(largest.min(WINDOW_BYTES)),
            body: Vec::with_capacity(MAX_BODY_BYTES as usize),
            ahead: Ahead {
                block: WINDOW_BYTES,
                frame: WINDOW_BYTES,
            },
            idle: 0,
            segments: segments.into(),
            offset: SEGMENT_HEADER_BYTES,
            sequence,
            chain,
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
            let found = if self.segments.len() > 1 {
                self.step_closed()?
            } else {
                match self.parse()? {
                    Parsed::Frame(frame) => Some(frame),
                    Parsed::End => self.finish(None)?,
                    Parsed::Bad(problem) => self.finish(Some(problem))?,
                }
            };
            if let Some(frame) = found {
                self.pass(&frame);
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }

    /// The body of the frame that the last [`advance`](Self::advance) returned.
    pub fn body(&self, frame: &FrameAt) -> &[u8] {
        debug_assert_eq!(self.body.len(), frame.header.body_bytes.get() as usize);
        &self.body
    }

    /// How the journal ends; `None` until the walk has got there.
    pub fn tail(&self) -> Option<&Tail> {
        self.tail.as_ref()
    }

    /// The place behind the last frame returned.
    pub fn position(&self) -> Position {
        Position {
            segment: self.number,
            offset: self.offset,
            next_sequence: self.sequence,
            chain: self.chain,
        }
    }

    /// How many begun segments were found.
    pub fn segments(&self) -> u64 {
        self.found
    }

    /// The journal's id, unless the journal is empty or its first header cannot be read.
    pub fn journal_id(&self) -> Option<u32> {
        self.journal_id
    }

    /// The current segment's header.
    pub fn current(&self) -> Option<&SegmentStart> {
        self.segments.front().and_then(|entry| entry.start.as_ref().ok())
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
        let start = match &self.segments[0].start {
            Ok(start) => start,
            Err(problem) => return Err(self.damage_at_head(problem.clone()).into()),
        };
        let journal_id = self.journal_id.unwrap_or(start.journal_id);
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
        let opened =
            open_segment(&*self.storage, self.number).map_err(|error| match broken_file(&error.source) {
                Some(problem) => ReadError::from(self.damage_at_head(problem)),
                None => error.into(),
            })?;
        self.segments[0].compressed = opened.compressed;
        self.file = Some(opened.file);
        self.window.clear();
        self.offset = SEGMENT_HEADER_BYTES;
        Ok(())
    }

    /// The next frame of a segment that has a successor, or `None` once the walk has gone on to that.
    fn step_closed(&mut self) -> Result<Option<FrameAt>, ReadError> {
        match self.parse()? {
            Parsed::Frame(frame) => Ok(Some(frame)),
            Parsed::End => {
                self.leave()?;
                Ok(None)
            }
            Parsed::Bad(problem) => {
                let leftover = matches!(&self.segments[1].start,
                    Ok(next) if next.first_sequence == self.sequence);
                let problem = if leftover { Problem::Leftover } else { problem };
                Err(self.damage(problem, None).into())
            }
        }
    }

    /// Goes behind a frame.
    fn pass(&mut self, frame: &FrameAt) {
        self.offset += frame.header.frame_bytes();
        self.sequence += u64::from(frame.header.records.get());
        self.chain = frame.header.chain;
        self.idle = 0;
    }

    /// Goes on to the next segment, having made sure that this one holds nothing more.
    fn leave(&mut self) -> Result<(), ReadError> {
        let bytes = self.bytes();
        let continued = match &self.segments[1].start {
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
        self.segments.pop_front();
        self.number += 1;
        self.file = None;
        self.offset = SEGMENT_HEADER_BYTES;
        self.idle = 0;
        Ok(())
    }

    fn parse(&mut self) -> Result<Parsed, ReadError> {
        let (place, room) = (self.place(), self.bytes() - self.offset);
        if room < BLOCK_BYTES {
            return Ok(Parsed::End);
        }
        let block = self.load(self.offset, BLOCK_BYTES, self.ahead.block)?;
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
        let frame = self.load(self.offset, header.frame_bytes(), self.ahead.frame)?;
        let taken = header.take_body(self.window.bytes(frame), &mut self.body);
        let checked = match taken {
            Ok(()) => header.check_body(&self.body, &self.chain),
            Err((index, blank)) => Err(Problem::Sector {
                offset: self.offset + index * BLOCK_BYTES,
                blank,
            }),
        };
        Ok(match checked {
            Ok(()) => Parsed::Frame(FrameAt {
                segment: place.segment,
                offset: self.offset,
                header,
            }),
            Err(problem) => Parsed::Bad(problem),
        })
    }

    /// The first block of `range` that is not all zeros. The range is of whole blocks.
    fn first_nonzero(&mut self, range: Range<u64>) -> Result<Option<u64>, ReadError> {
        let mut at = range.start;
        while at < range.end {
            let stride = (range.end - at).min(STRIDE_BYTES);
            let loaded = self.load(at, stride, WINDOW_BYTES)?;
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

    fn load(&mut self, offset: u64, length: u64, ahead: u64) -> Result<Range<usize>, ReadError> {
        let bytes = self.bytes();
        let Some(file) = &self.file else {
            unreachable!("a segment is entered before it is read")
        };
        let range = self.window.load(&**file, offset, length, ahead, bytes);
        range.map_err(|error| self.failed_to_read(error))
    }

    fn failed_to_read(&self, error: io::Error) -> ReadError {
        match broken_file(&error) {
            Some(problem) => self.damage(problem, None).into(),
            None => failed(&*self.storage, "read", &self.name(), error).into(),
        }
    }

    /// The file of the current segment.
    fn name(&self) -> String {
        match self.segments.front() {
            Some(entry) if entry.compressed => compressed_name(self.number),
            _ => segment_name(self.number),
        }
    }

    fn bytes(&self) -> u64 {
        self.current().map_or(0, |start| start.bytes)
    }

    fn place(&self) -> Place {
        Place {
            journal_id: self.current().map_or(0, |start| start.journal_id),
            segment: self.number,
            sequence: self.sequence,
        }
    }

    fn tail_here(&self, torn_bytes: u64, problem: Option<Problem>) -> Tail {
        Tail {
            segment: if self.segments.is_empty() { 0 } else { self.number },
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
            last: false,
        }
    }

    fn damage_at_head(&self, problem: Problem) -> Damage {
        Damage {
            offset: 0,
            ..self.damage(problem, None)
        }
    }
}
