//! Reading a journal without changing it: for replay, and for the tools that look at one.

use crate::error::ReadError;
use crate::format::{LENGTH_BYTES, body_offset};
use crate::frame::split_record;
use crate::listing::Begin;
use crate::position::{Position, Tail};
use crate::scan::{FrameAt, Lock, Scanner};
use crate::storage::{DiskStorage, Storage};
use std::path::Path;
use std::sync::Arc;

/// How many bytes pass between two reports of progress.
const PROGRESS_STEP_BYTES: u64 = 1 << 20;

/// Reads a journal from its first record on, or from a position, verifying everything on the way. It takes no
/// lock and changes nothing, so it also reads a journal that is being written, up to the frame that was the last when it got
/// there; a segment begun after the opening is not seen.
///
/// Records and frames borrow the reader's buffer: nothing is allocated per record.
pub struct Reader {
    scanner: Scanner,
    frame: Option<FrameAt>,
    /// Where in the body of `frame` the next record starts.
    cursor: usize,
    /// How many records of `frame` have been given.
    given: u32,
    first_sequence: u64,
    progress: Option<Box<dyn FnMut(u64, u64) + Send>>,
    reported: u64,
}

/// One record and where it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its sequence, counted from 1.
    pub sequence: u64,
    /// Its segment.
    pub segment: u64,
    /// The offset of its first byte in the segment file, in bytes. The others follow, but for the checksums that end
    /// each sector of 512 bytes.
    pub offset: u64,
    /// What was appended.
    pub bytes: &'a [u8],
}

/// One frame: the records of one group commit.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The sequence of its first record.
    pub first_sequence: u64,
    /// How many records it holds.
    pub record_count: u32,
    /// Its segment.
    pub segment: u64,
    /// Its offset in the segment file, in bytes.
    pub offset: u64,
    /// What it takes in the file, in bytes: header, body and padding.
    pub bytes: u64,
    /// The BLAKE3 chain over all frames up to and with this one.
    pub chain: [u8; 32],
    body: &'a [u8],
}

impl<'a> Frame<'a> {
    pub(crate) fn of(scanner: &'a Scanner, frame: &FrameAt) -> Frame<'a> {
        Frame {
            first_sequence: frame.header.first_sequence.get(),
            record_count: frame.header.records.get(),
            segment: frame.segment,
            offset: frame.offset,
            bytes: frame.header.frame_bytes(),
            chain: frame.header.chain,
            body: scanner.body(frame),
        }
    }

    /// The place behind it.
    pub fn position(&self) -> Position {
        Position {
            segment: self.segment,
            offset: self.offset + self.bytes,
            next_sequence: self.first_sequence + u64::from(self.record_count),
            chain: self.chain,
        }
    }

    /// Its records in order.
    pub fn records(&self) -> Records<'a> {
        Records {
            sequence: self.first_sequence,
            segment: self.segment,
            frame: self.offset,
            cursor: 0,
            rest: self.body,
        }
    }

    /// The bytes of its records alone.
    pub fn record_bytes(&self) -> u64 {
        self.body.len() as u64 - u64::from(self.record_count) * LENGTH_BYTES
    }
}

/// The records of one frame, in order.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    sequence: u64,
    segment: u64,
    /// The offset of the frame.
    frame: u64,
    /// Where in the body `rest` begins.
    cursor: u64,
    rest: &'a [u8],
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let (bytes, rest) = split_record(self.rest)?;
        let cursor = self.cursor + LENGTH_BYTES;
        let record = Record {
            sequence: self.sequence,
            segment: self.segment,
            offset: self.frame + body_offset(cursor),
            bytes,
        };
        self.sequence += 1;
        self.cursor = cursor + bytes.len() as u64;
        self.rest = rest;
        Some(record)
    }
}

impl Reader {
    /// Opens the journal in `folder`. A folder without segments is an empty journal.
    ///
    /// # Errors
    /// [`ReadError::Storage`] if the folder or a segment's head cannot be read. What is wrong with the
    /// bytes is told by the `next_` calls, when they get there.
    pub fn open(folder: impl AsRef<Path>) -> Result<Reader, ReadError> {
        Reader::open_with(Arc::new(DiskStorage::new(folder)))
    }

    /// Opens the journal in `storage`; else as [`open`](Self::open).
    pub fn open_with(storage: Arc<dyn Storage>) -> Result<Reader, ReadError> {
        Ok(Reader::on(Scanner::open(storage, Begin::First, Lock::NotTaken)?))
    }

    /// Opens the journal in `storage` to read what is behind `from`, or all of it. Segments before the
    /// position's need not be there. The position's own is verified from its beginning, and the chain must
    /// arrive at the position.
    ///
    /// # Errors
    /// [`ReadError::NotHere`] if the journal ends before the position or goes another way; [`ReadError::Damaged`]
    /// if the way there is damaged; [`ReadError::Storage`] if it cannot be read.
    pub fn open_at(storage: Arc<dyn Storage>, from: Option<&Position>) -> Result<Reader, ReadError> {
        match from {
            Some(position) => Ok(Reader::on(Scanner::open_at(storage, position, Lock::NotTaken)?)),
            None => Reader::open_with(storage),
        }
    }

    /// Opens the journal in `storage` to read it from the first segment that is there. What that one says of its
    /// first sequence and of the chain before it is believed, unless it is segment 1; all else is verified. For
    /// looking at a journal whose early segments were moved away.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_present(storage: Arc<dyn Storage>) -> Result<Reader, ReadError> {
        Ok(Reader::on(Scanner::open(
            storage,
            Begin::Present,
            Lock::NotTaken,
        )?))
    }

    fn on(scanner: Scanner) -> Reader {
        Reader {
            first_sequence: scanner.position().next_sequence,
            scanner,
            frame: None,
            cursor: 0,
            given: 0,
            progress: None,
            reported: 0,
        }
    }

    /// Has `report` called now and then with the bytes done and the bytes in total, and once at the end.
    #[must_use]
    pub fn with_progress(mut self, report: impl FnMut(u64, u64) + Send + 'static) -> Reader {
        self.progress = Some(Box::new(report));
        self
    }

    /// The next record, or `None` at the end.
    ///
    /// # Errors
    /// [`ReadError::Damaged`] at the first place that is no torn tail and not whole; [`ReadError::Storage`]
    /// if reading fails.
    pub fn next_record(&mut self) -> Result<Option<Record<'_>>, ReadError> {
        while self
            .frame
            .is_none_or(|frame| self.given == frame.header.records.get())
        {
            if !self.step()? {
                return Ok(None);
            }
        }
        let Some(frame) = &self.frame else { return Ok(None) };
        let mut records = Records {
            sequence: frame.header.first_sequence.get() + u64::from(self.given),
            segment: frame.segment,
            frame: frame.offset,
            cursor: self.cursor as u64,
            rest: &self.scanner.body(frame)[self.cursor..],
        };
        let record = records.next();
        self.given += 1;
        self.cursor += record.map_or(0, |record| LENGTH_BYTES as usize + record.bytes.len());
        Ok(record)
    }

    /// The next frame, or `None` at the end. Records of the frame before that were not taken are passed over.
    ///
    /// # Errors
    /// As [`next_record`](Self::next_record).
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, ReadError> {
        if !self.step()? {
            return Ok(None);
        }
        let Some(frame) = &self.frame else { return Ok(None) };
        self.given = frame.header.records.get();
        Ok(Some(Frame::of(&self.scanner, frame)))
    }

    /// The journal's id; `None` if it is empty, or its first segment has no readable header.
    pub fn journal_id(&self) -> Option<u32> {
        self.scanner.journal_id()
    }

    /// The sequence that the first record read has, or would have: 1 unless reading began at a position or at a
    /// later segment. 0 if the first segment's header is broken, which the first `next_` call tells.
    pub fn first_sequence(&self) -> u64 {
        self.first_sequence
    }

    /// The place behind the frame that was read last, also if some of its records were not taken yet; before the
    /// first, the place where reading begins.
    pub fn position(&self) -> Position {
        self.scanner.position()
    }

    /// How many segments have been begun, from the one on that reading began in. A spare is not counted.
    pub fn segments(&self) -> u64 {
        self.scanner.segments()
    }

    /// The BLAKE3 chain over all frames read so far.
    pub fn chain(&self) -> [u8; 32] {
        self.scanner.position().chain
    }

    /// How the journal ends; `None` until the end has been reached.
    pub fn tail(&self) -> Option<&Tail> {
        self.scanner.tail()
    }

    fn step(&mut self) -> Result<bool, ReadError> {
        self.frame = self.scanner.advance()?;
        (self.cursor, self.given) = (0, 0);
        if let Some(report) = &mut self.progress {
            let (done, total) = self.scanner.progress();
            if done >= self.reported + PROGRESS_STEP_BYTES || (done == total && self.reported < total) {
                self.reported = done;
                report(done, total);
            }
        }
        Ok(self.frame.is_some())
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("segments", &self.segments())
            .field("tail", &self.tail())
            .finish_non_exhaustive()
    }
}
