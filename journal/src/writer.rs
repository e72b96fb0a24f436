//! Appending and committing: the journaler's side of the journal.

use crate::error::Error;
use crate::follow::Durable;
use crate::format::{FIRST_CHAIN, MAX_RECORD_BYTES, SEGMENT_HEADER_BYTES};
use crate::frame::FrameBuilder;
use crate::maker::{Maker, Spare};
use crate::options::{Durability, Options};
use crate::position::Position;
use crate::sector::Place;
use crate::segment::{SegmentStart, begin_segment, segment_name};
use crate::space::Space;
use crate::storage::{LockGuard, SegmentFile, Storage, failed, write_whole};
use std::sync::Arc;

/// Writes records to a journal opened by [`Journal::open`](crate::Journal::open).
///
/// Records are appended to a frame in memory and are durable, in the sense of the chosen [`Durability`], once
/// [`commit`](Self::commit) has returned `Ok`. No write and no sync is ever retried; after any error the
/// writer refuses every further call, and what was not committed may or may not be in the journal when it is
/// next opened. Dropping the writer discards what was not committed.
pub struct Writer {
    frame: FrameBuilder,
    journal_id: u32,
    /// The sequence of the frame's first record.
    frame_sequence: u64,
    chain: [u8; 32],
    durability: Durability,
    space: Arc<Space>,
    durable: Arc<Durable>,
    poison: Option<String>,
    /// `None` under [`Durability::Memory`].
    files: Option<Files>,
}

/// Where the frames go. The lock is declared last, so that it is given up after the maker has ended.
pub(crate) struct Files {
    pub storage: Arc<dyn Storage>,
    pub current: Current,
    pub maker: Maker,
    pub _lock: LockGuard,
}

/// The segment being written.
pub(crate) struct Current {
    pub file: Box<dyn SegmentFile>,
    pub number: u64,
    /// Where the next frame goes.
    pub offset: u64,
    /// The size of the file.
    pub bytes: u64,
}

impl Writer {
    /// Adds a record to the open frame; it gets the sequence that [`next_sequence`](Self::next_sequence)
    /// said.
    ///
    /// When the frame is full, or the segment is, the frame is first written and synced as a commit would,
    /// and the next segment begun: a frame is durable before the one after it is written, so that a whole
    /// frame behind a broken one always means damage and never an unlucky crash. If the next segment is still
    /// being made, this waits for it.
    ///
    /// # Errors
    /// [`Error::RecordLength`] unless the record has 1 to [`MAX_RECORD_BYTES`] bytes; [`Error::Storage`] and
    /// [`Error::Full`] if the frame before it or the next segment cannot be written; [`Error::Poisoned`] after
    /// any earlier error.
    pub fn append(&mut self, record: &[u8]) -> Result<(), Error> {
        self.check()?;
        if !(1..=MAX_RECORD_BYTES).contains(&record.len()) {
            return self.poison(Err(Error::RecordLength { length: record.len() }));
        }
        if !self.frame.fits(record.len(), self.room()) {
            let made_room = self.make_room(record.len());
            self.poison(made_room)?;
        }
        self.frame.push(record);
        Ok(())
    }

    /// Writes the open frame and, under [`Durability::Fsync`], returns only after it has been synced. With
    /// nothing appended since the last commit it does nothing.
    ///
    /// # Errors
    /// [`Error::Storage`] if the write or the sync fails, [`Error::Poisoned`] after any earlier error. The
    /// records appended since the last `Ok` must then not be acknowledged.
    pub fn commit(&mut self) -> Result<(), Error> {
        self.check()?;
        let written = self.write_frame();
        self.poison(written)
    }

    /// The sequence the next appended record gets.
    pub fn next_sequence(&self) -> u64 {
        self.frame_sequence + u64::from(self.frame.records())
    }

    /// The sequence of the last committed record; 0 if there is none.
    pub fn committed_sequence(&self) -> u64 {
        self.frame_sequence - 1
    }

    /// The id of this journal.
    pub fn journal_id(&self) -> u32 {
        self.journal_id
    }

    /// The BLAKE3 chain over all committed frames.
    pub fn chain(&self) -> [u8; 32] {
        self.chain
    }

    /// The place behind all committed frames. Under [`Durability::Memory`] there is no file, and the segment and
    /// the offset are 0.
    pub fn position(&self) -> Position {
        let current = self.files.as_ref().map(|files| &files.current);
        Position {
            segment: current.map_or(0, |current| current.number),
            offset: current.map_or(0, |current| current.offset),
            next_sequence: self.frame_sequence,
            chain: self.chain,
        }
    }

    /// The sequence of the last committed record, for other threads that follow the journal.
    pub fn durable(&self) -> Arc<Durable> {
        Arc::clone(&self.durable)
    }

    /// What a commit promises.
    pub fn durability(&self) -> Durability {
        self.durability
    }

    /// The room left, for other threads to watch.
    pub fn space(&self) -> Arc<Space> {
        Arc::clone(&self.space)
    }

    /// A writer that keeps nothing.
    pub(crate) fn in_memory(options: &Options) -> Writer {
        let space = Arc::new(Space::default());
        space.set_unbounded();
        Writer::assemble(
            options.journal_id,
            1,
            FIRST_CHAIN,
            Durability::Memory,
            space,
            None,
        )
    }

    /// A writer that goes on at `sequence` in the current segment of `files`.
    pub(crate) fn on_files(
        journal_id: u32,
        sequence: u64,
        chain: [u8; 32],
        durability: Durability,
        space: Arc<Space>,
        files: Files,
    ) -> Writer {
        space.set_current(files.current.bytes - files.current.offset);
        space.set_segment(files.current.number);
        Writer::assemble(journal_id, sequence, chain, durability, space, Some(files))
    }

    fn assemble(
        journal_id: u32,
        frame_sequence: u64,
        chain: [u8; 32],
        durability: Durability,
        space: Arc<Space>,
        files: Option<Files>,
    ) -> Writer {
        let frame = FrameBuilder::new();
        Writer {
            frame,
            journal_id,
            frame_sequence,
            chain,
            durability,
            space,
            durable: Arc::new(Durable::up_to(frame_sequence - 1)),
            poison: None,
            files,
        }
    }

    fn check(&self) -> Result<(), Error> {
        match &self.poison {
            None => Ok(()),
            Some(cause) => Err(Error::Poisoned { cause: cause.clone() }),
        }
    }

    fn poison(&mut self, result: Result<(), Error>) -> Result<(), Error> {
        if let Err(error) = &result {
            self.poison = Some(error.to_string());
        }
        result
    }

    /// The bytes the current segment has for the open frame.
    fn room(&self) -> u64 {
        self.files
            .as_ref()
            .map_or(u64::MAX, |files| files.current.bytes - files.current.offset)
    }

    fn make_room(&mut self, length: usize) -> Result<(), Error> {
        self.write_frame()?;
        if !self.frame.fits(length, self.room()) {
            self.roll()?;
        }
        Ok(())
    }

    fn write_frame(&mut self) -> Result<(), Error> {
        let records = self.frame.records();
        if records == 0 {
            return Ok(());
        }
        let segment = self.files.as_ref().map_or(0, |files| files.current.number);
        let place = Place {
            journal_id: self.journal_id,
            segment,
            sequence: self.frame_sequence,
        };
        let (bytes, chain) = self.frame.seal(&place, &self.chain);
        if let Some(Files { storage, current, .. }) = &mut self.files {
            write_whole(&*current.file, bytes, current.offset)
                .map_err(|error| failed(&**storage, "write", &segment_name(current.number), error))?;
            if self.durability == Durability::Fsync {
                (current.file.sync_data())
                    .map_err(|error| failed(&**storage, "sync", &segment_name(current.number), error))?;
            }
            current.offset += bytes.len() as u64;
            self.space.set_current(current.bytes - current.offset);
            self.space.add_written(bytes.len() as u64);
        }
        self.chain = chain;
        self.frame_sequence += u64::from(records);
        self.durable.set(self.frame_sequence - 1);
        self.frame.clear();
        Ok(())
    }

    /// Begins the next segment.
    fn roll(&mut self) -> Result<(), Error> {
        let Some(files) = &mut self.files else {
            return Ok(());
        };
        let number = files.current.number + 1;
        let Spare { file, bytes } = files
            .maker
            .take(number)
            .map_err(|reason| Error::Full { reason })?;
        let start = SegmentStart {
            journal_id: self.journal_id,
            number,
            first_sequence: self.frame_sequence,
            bytes,
            previous_chain: self.chain,
        };
        begin_segment(
            &*files.storage,
            &*file,
            &start,
            self.durability == Durability::Fsync,
        )?;
        files.maker.want(number + 1);
        files.current = Current {
            file,
            number,
            offset: SEGMENT_HEADER_BYTES,
            bytes,
        };
        self.space.set_current(bytes - SEGMENT_HEADER_BYTES);
        self.space.set_segment(number);
        Ok(())
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer")
            .field("journal_id", &self.journal_id)
            .field("next_sequence", &self.next_sequence())
            .field("durability", &self.durability)
            .field("poison", &self.poison)
            .finish_non_exhaustive()
    }
}
