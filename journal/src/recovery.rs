//! Opening a journal for writing: the lock, the walk over all records, and the repair of a torn tail.

use crate::error::{OpenError, ReadError};
use crate::format::{FIRST_CHAIN, SEGMENT_HEADER_BYTES};
use crate::frame::split_record;
use crate::listing::{Begin, names};
use crate::maker::{Maker, Spare};
use crate::options::{Durability, Options};
use crate::position::{NotHere, Position, Tail};
use crate::scan::{Lock, Scanner};
use crate::segment::{SegmentStart, begin_segment, compressed_name, make_segment, segment_name, zero};
use crate::space::Space;
use crate::storage::{Access, DiskStorage, LockError, Storage, failed};
use crate::writer::{Current, Files, Writer};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The door to a journal.
#[derive(Debug)]
pub struct Journal;

/// What opening a journal found and did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryReport {
    /// The journal's id.
    pub journal_id: u32,
    /// Whether the journal was made by this opening.
    pub created: bool,
    /// The begun segments, from the one on that reading began in.
    pub segments: u64,
    /// The frames whose records were handed up.
    pub frames: u64,
    /// The last sequence; 0 if the journal is empty.
    pub records: u64,
    /// The sequence that the first record handed up has or would have: 1, or what the position said.
    pub first_record: u64,
    /// The records handed up.
    pub replayed: u64,
    /// The bytes of those frames.
    pub bytes: u64,
    /// The torn tail that was cut, if there was one.
    pub cut: Option<Cut>,
    /// The files that were removed: segments never begun, or never finished, and compressed segments whose plain
    /// file is still there.
    pub removed: Vec<String>,
}

/// A torn tail that was overwritten with zeros: a frame with at least one sector that was never written, and so never
/// committed under [`Durability::Fsync`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The segment.
    pub segment: u64,
    /// Where in the segment file the cut begins, in bytes.
    pub offset: u64,
    /// How many bytes were cut.
    pub bytes: u64,
    /// The sequence that the first record of the torn frame would have had.
    pub sequence: u64,
}

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "cut a torn tail of {} bytes at offset {} of {}: the frame that would have begun at sequence {} \
             was not written whole, some of its sectors are still zeros",
            self.bytes,
            self.offset,
            segment_name(self.segment),
            self.sequence
        )
    }
}

impl Journal {
    /// Opens the journal in `folder`, making both if they are not there, and hands every record to
    /// `on_record` in order with its sequence.
    ///
    /// A torn tail is cut and told in the report. Under [`Durability::Memory`] nothing is touched or read:
    /// the journal starts empty whatever the folder holds.
    ///
    /// # Errors
    /// [`OpenError::Locked`] if another process has it open; [`OpenError::Read`] if a file cannot be read or
    /// written, or the journal is damaged (nothing is changed then); [`OpenError::Record`] with the first
    /// error of `on_record`; [`OpenError::Options`] if an option is out of bounds.
    pub fn open<E>(
        folder: impl AsRef<Path>,
        options: &Options,
        on_record: impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<(Writer, RecoveryReport), OpenError<E>> {
        Journal::open_with(Arc::new(DiskStorage::new(folder)), options, on_record)
    }

    /// Opens the journal in `storage`; else as [`open`](Self::open).
    pub fn open_with<E>(
        storage: Arc<dyn Storage>,
        options: &Options,
        on_record: impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<(Writer, RecoveryReport), OpenError<E>> {
        Journal::open_from(storage, options, None, on_record)
    }

    /// Opens the journal in `storage` and hands up only the records behind `from`; with `None` all of them.
    ///
    /// Segments before the position's are not looked at: they may be compressed, or not there at all. The
    /// position's own segment is verified from its beginning, and its frames must lead to the very offset,
    /// sequence and chain of the position, before any record is handed up. A journal that is not this one, or has
    /// lost its end, is told apart from a damaged one.
    ///
    /// # Errors
    /// As [`open`](Self::open), and [`ReadError::NotHere`] if the journal ends before the position or goes another
    /// way; nothing is changed then.
    pub fn open_from<E>(
        storage: Arc<dyn Storage>,
        options: &Options,
        from: Option<&Position>,
        mut on_record: impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<(Writer, RecoveryReport), OpenError<E>> {
        options.check().map_err(OpenError::Options)?;
        if options.durability == Durability::Memory {
            if let Some(position) = from.filter(|position| **position != Position::START) {
                return Err(ReadError::from(NotHere::in_nothing(storage.location(), position)).into());
            }
            let report = RecoveryReport::fresh(options.journal_id);
            return Ok((Writer::in_memory(options), report));
        }
        let sync = options.durability == Durability::Fsync;
        let lock = storage.lock().map_err(|error| match error {
            LockError::Held { pid } => OpenError::Locked {
                location: storage.location(),
                pid,
            },
            LockError::Io(error) => failed(&*storage, "lock", "", error).into(),
        })?;
        if sync {
            settle(&*storage)?;
        }
        let mut scanner = match from {
            Some(position) => Scanner::open_at(Arc::clone(&storage), position, Lock::Held)?,
            None => Scanner::open(Arc::clone(&storage), Begin::First, Lock::Held)?,
        };
        let mut report = replay(&mut scanner, options.journal_id, &mut on_record)?;
        let space = Arc::new(Space::default());
        let mut spare = claim_spare(&*storage, &scanner, options, &mut report)?;
        let current = match scanner.tail() {
            Some(tail) if tail.segment > 0 => go_on(&*storage, &scanner, tail, sync, &mut report)?,
            _ => begin(&*storage, options, spare.take(), sync, &mut report)?,
        };
        let maker = Maker::start(
            Arc::clone(&storage),
            Arc::clone(&space),
            options,
            current.number + 1,
            spare,
        )?;
        let files = Files {
            storage,
            current,
            maker,
            _lock: lock,
        };
        let next = report.records + 1;
        let chain = scanner.position().chain;
        Ok((
            Writer::on_files(report.journal_id, next, chain, options.durability, space, files),
            report,
        ))
    }
}

impl RecoveryReport {
    fn fresh(journal_id: u32) -> RecoveryReport {
        RecoveryReport {
            journal_id,
            created: true,
            segments: 0,
            frames: 0,
            records: 0,
            first_record: 1,
            replayed: 0,
            bytes: 0,
            cut: None,
            removed: Vec::new(),
        }
    }
}

/// Makes what the page cache holds of the last segments durable, and then reads afresh from the disk.
///
/// A process that was killed between its write and its sync leaves a whole frame in the page cache only; what
/// is handed up must be durable first. After a failed sync the cache may even hold a frame that the disk does
/// not. The last two files are the only ones that can be affected: the current segment and the one after it.
fn settle(storage: &dyn Storage) -> Result<(), ReadError> {
    storage
        .sync_dir()
        .map_err(|error| failed(storage, "sync", "", error))?;
    for number in names(storage)?.plain.into_iter().rev().take(2) {
        let name = segment_name(number);
        let file = (storage.open(&name, Access::ReadWrite))
            .map_err(|error| failed(storage, "open for writing", &name, error))?;
        file.sync_data()
            .map_err(|error| failed(storage, "sync", &name, error))?;
        file.forget_cached()
            .map_err(|error| failed(storage, "drop the cached pages of", &name, error))?;
    }
    Ok(())
}

fn replay<E>(
    scanner: &mut Scanner,
    new_id: u32,
    on_record: &mut impl FnMut(u64, &[u8]) -> Result<(), E>,
) -> Result<RecoveryReport, OpenError<E>> {
    let mut report = RecoveryReport::fresh(new_id);
    report.first_record = scanner.position().next_sequence;
    report.records = report.first_record - 1;
    while let Some(frame) = scanner.advance()? {
        let mut rest = scanner.body(&frame);
        while let Some((record, after)) = split_record(rest) {
            let sequence = report.records + 1;
            on_record(sequence, record).map_err(|source| OpenError::Record { sequence, source })?;
            report.records = sequence;
            report.replayed += 1;
            rest = after;
        }
        report.frames += 1;
        report.bytes += frame.header.frame_bytes();
    }
    if let Some(journal_id) = scanner.journal_id() {
        report.journal_id = journal_id;
        report.created = false;
    }
    report.segments = scanner.segments();
    Ok(report)
}

/// Takes over the spare that was left, if it is usable, and removes it if not, with all temporary files, and with
/// the compressed files of segments that were just read whole without them: compressing was cut short.
fn claim_spare(
    storage: &dyn Storage,
    scanner: &Scanner,
    options: &Options,
    report: &mut RecoveryReport,
) -> Result<Option<Spare>, ReadError> {
    let names = names(storage)?;
    let mut unwanted = names.temporaries;
    let first_read = scanner.position().segment + 1 - scanner.segments();
    let twins = names.compressed.intersection(&names.plain);
    unwanted.extend(
        twins
            .filter(|number| **number >= first_read)
            .map(|number| compressed_name(*number)),
    );
    let mut spare = None;
    if let Some(unbegun) = scanner.unbegun {
        let name = segment_name(unbegun.number);
        if unbegun.blank && unbegun.bytes == options.segment_bytes {
            let file = storage.open(&name, Access::ReadWrite);
            let file = file.map_err(|error| failed(storage, "open for writing", &name, error))?;
            spare = Some(Spare {
                file,
                bytes: unbegun.bytes,
            });
        } else {
            unwanted.push(name);
        }
    }
    for name in unwanted {
        storage
            .remove(&name)
            .map_err(|error| failed(storage, "remove", &name, error))?;
        report.removed.push(name);
    }
    if !report.removed.is_empty() && options.durability == Durability::Fsync {
        storage
            .sync_dir()
            .map_err(|error| failed(storage, "sync", "", error))?;
    }
    Ok(spare)
}

/// Opens the last segment at its end, and cuts what is torn there.
fn go_on(
    storage: &dyn Storage,
    scanner: &Scanner,
    tail: &Tail,
    sync: bool,
    report: &mut RecoveryReport,
) -> Result<Current, ReadError> {
    let name = segment_name(tail.segment);
    let file = (storage.open(&name, Access::ReadWrite))
        .map_err(|error| failed(storage, "open for writing", &name, error))?;
    if tail.torn_bytes > 0 {
        let torn = tail.offset..tail.offset + tail.torn_bytes;
        zero(&*file, torn, sync, &AtomicBool::new(false))
            .map_err(|error| failed(storage, "cut the torn tail of", &name, error))?;
        report.cut = Some(Cut {
            segment: tail.segment,
            offset: tail.offset,
            bytes: tail.torn_bytes,
            sequence: tail.next_sequence,
        });
    }
    let bytes = scanner.current().map_or(0, |start| start.bytes);
    Ok(Current {
        file,
        number: tail.segment,
        offset: tail.offset,
        bytes,
    })
}

/// Begins the first segment of a new journal.
fn begin(
    storage: &dyn Storage,
    options: &Options,
    spare: Option<Spare>,
    sync: bool,
    report: &mut RecoveryReport,
) -> Result<Current, ReadError> {
    let number = 1;
    let bytes = options.segment_bytes;
    let file = match spare {
        Some(spare) => spare.file,
        None => match make_segment(storage, number, bytes, sync, &AtomicBool::new(false))? {
            Some(file) => file,
            None => unreachable!("nothing raises the stop flag that was passed"),
        },
    };
    let start = SegmentStart {
        journal_id: options.journal_id,
        number,
        first_sequence: 1,
        bytes,
        previous_chain: FIRST_CHAIN,
    };
    begin_segment(storage, &*file, &start, sync)?;
    report.segments = 1;
    Ok(Current {
        file,
        number,
        offset: SEGMENT_HEADER_BYTES,
        bytes,
    })
}
