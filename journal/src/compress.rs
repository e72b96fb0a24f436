//! Compressing segments that are written no more.

use crate::compressed::{COMPRESSED_CHUNK_BYTES, CompressedFile, broken_file, seek_table};
use crate::error::{ReadError, StorageError};
use crate::format::SEGMENT_HEADER_BYTES;
use crate::listing::{Found, names, open_segment, read_head};
use crate::segment::{SegmentStart, compressed_name, compressed_temporary_name, segment_name};
use crate::storage::{Access, SegmentFile, Storage, failed, read_full, write_whole};
use std::fmt;
use std::io;
use std::sync::Mutex;
use zstd::bulk::Compressor;

/// The level to compress with unless there is a reason for another.
pub const DEFAULT_COMPRESSION_LEVEL: i32 = 3;
/// The highest level; the lowest is 1.
pub const MAX_COMPRESSION_LEVEL: i32 = 19;

/// Two at a time could remove each other's files.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// What compressing a segment came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compressed {
    /// The size of the segment file, in bytes.
    pub from_bytes: u64,
    /// The size of the compressed file, in bytes.
    pub to_bytes: u64,
}

/// Why a segment was not compressed. Its records are where they were.
#[derive(Debug)]
#[non_exhaustive]
pub enum CompressError {
    /// A call to the storage failed.
    Storage(StorageError),
    /// The level is not 1 to [`MAX_COMPRESSION_LEVEL`].
    Level(i32),
    /// The segment is not there uncompressed, or it or the next one is not begun or not whole.
    NotClosed {
        /// The segment.
        number: u64,
        /// What is wrong, in words.
        reason: String,
    },
    /// The compressed file, read back, did not give the segment again. It was removed.
    Differs {
        /// The segment.
        number: u64,
        /// What is wrong, in words.
        reason: String,
    },
}

impl fmt::Display for CompressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CompressError::Storage(error) => error.fmt(f),
            CompressError::Level(level) => write!(
                f,
                "compression level {level} is not usable: choose 1 to {MAX_COMPRESSION_LEVEL}"
            ),
            CompressError::NotClosed { number, reason } => {
                write!(f, "{} was not compressed: {reason}", segment_name(*number))
            }
            CompressError::Differs { number, reason } => write!(
                f,
                "{} was not compressed, because its compressed file did not read back as it was: {reason}; check \
                 the disk and the memory",
                segment_name(*number)
            ),
        }
    }
}

impl std::error::Error for CompressError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            CompressError::Storage(error) => Some(error),
            _ => None,
        }
    }
}

impl From<StorageError> for CompressError {
    fn from(error: StorageError) -> CompressError {
        CompressError::Storage(error)
    }
}

/// The segments that can be compressed, in order: those that are there uncompressed and have a begun successor.
///
/// # Errors
/// If the folder or the last file cannot be read.
pub fn closed_segments(storage: &dyn Storage) -> Result<Vec<u64>, ReadError> {
    let names = names(storage)?;
    let last = names.plain.last().max(names.compressed.last()).copied();
    let mut closed = Vec::new();
    for &number in &names.plain {
        let next = number.saturating_add(1);
        // Only the last file can be a spare.
        let begun = names.compressed.contains(&next)
            || names.plain.contains(&next) && (Some(next) != last || is_begun(storage, next)?);
        if begun {
            closed.push(number);
        }
    }
    Ok(closed)
}

fn is_begun(storage: &dyn Storage, number: u64) -> Result<bool, StorageError> {
    let name = segment_name(number);
    let file = (storage.open(&name, Access::Read)).map_err(|error| failed(storage, "open", &name, error))?;
    let start = read_start(&*file, number).map_err(|error| failed(storage, "read", &name, error))?;
    Ok(start.is_ok())
}

fn read_start(file: &dyn SegmentFile, number: u64) -> io::Result<Result<SegmentStart, String>> {
    let mut block = [0; SEGMENT_HEADER_BYTES as usize];
    let length = read_full(file, &mut block, 0)?;
    Ok(SegmentStart::read(&block[..length], number).map_err(|problem| problem.to_string()))
}

/// Replaces segment `number` by its compressed file: zstd at `level`, in the seekable format, so that `zstd -d`
/// gives the segment again. About 4 MiB of memory are used, and more at high levels.
///
/// The compressed file is written under a temporary name, made durable, read back from the disk and compared with
/// the segment byte for byte; then it gets its name, durably, and only then is the segment removed. A crash at any
/// moment leaves a readable journal.
///
/// The caller must be the process that has the journal open for writing, or hold the storage's lock.
///
/// # Errors
/// [`CompressError`]; the segment is left as it is, except after a failure to remove it or to make that durable,
/// when its verified compressed file has taken its place.
pub fn compress_segment(storage: &dyn Storage, number: u64, level: i32) -> Result<Compressed, CompressError> {
    if !(1..=MAX_COMPRESSION_LEVEL).contains(&level) {
        return Err(CompressError::Level(level));
    }
    let _alone = ONE_AT_A_TIME
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    let name = segment_name(number);
    let file = open_closed(storage, number)?;
    let segment = Segment {
        storage,
        number,
        file: &*file,
        bytes: file
            .size()
            .map_err(|error| failed(storage, "read", &name, error))?,
    };
    let to_bytes = match segment.find_finished()? {
        Some(bytes) => bytes,
        None => segment.make(level)?,
    };
    // A failure from here on may have come after the deed, so nothing is taken back.
    storage
        .remove(&name)
        .map_err(|error| failed(storage, "remove", &name, error))?;
    storage
        .sync_dir()
        .map_err(|error| failed(storage, "sync", "", error))?;
    Ok(Compressed {
        from_bytes: segment.bytes,
        to_bytes,
    })
}

/// Opens segment `number` if it is whole in size, begun, and has a successor that is begun on the disk, not only in
/// the page cache: behind a compressed segment, a blank one is taken for a loss.
fn open_closed(storage: &dyn Storage, number: u64) -> Result<Box<dyn SegmentFile>, CompressError> {
    let not_closed = |reason: String| CompressError::NotClosed { number, reason };
    let name = segment_name(number);
    let file = match storage.open(&name, Access::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(not_closed("there is no such file".into()));
        }
        opened => opened.map_err(|error| failed(storage, "open", &name, error))?,
    };
    let reading = |error| failed(storage, "read", &name, error);
    let start = read_start(&*file, number).map_err(reading)?.map_err(not_closed)?;
    let bytes = file.size().map_err(reading)?;
    if start.bytes != bytes {
        return Err(not_closed(format!(
            "it has {bytes} bytes and its header says {}",
            start.bytes
        )));
    }
    let next = number.saturating_add(1);
    let successor = match open_segment(storage, next) {
        Err(error) if error.source.kind() == io::ErrorKind::NotFound => None,
        opened => Some(opened?),
    };
    let begun = match &successor {
        None => None,
        Some(successor) => {
            let settling = |error| failed(storage, "sync", &successor.name, error);
            successor.file.sync_data().map_err(settling)?;
            successor.file.forget_cached().map_err(settling)?;
            Some(
                read_head(successor, next)
                    .map_err(|error| failed(storage, "read", &successor.name, error))?,
            )
        }
    };
    match begun {
        Some(Found::Begun(successor)) if successor.journal_id == start.journal_id => Ok(file),
        _ => Err(not_closed(format!("the segment after it, {next}, is not begun"))),
    }
}

/// A segment to be compressed.
struct Segment<'a> {
    storage: &'a dyn Storage,
    number: u64,
    file: &'a dyn SegmentFile,
    bytes: u64,
}

impl Segment<'_> {
    /// The size of a compressed file that an earlier call left behind finished. One that is not is removed.
    fn find_finished(&self) -> Result<Option<u64>, CompressError> {
        let name = compressed_name(self.number);
        match self.storage.open(&name, Access::Read) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(self.storage, "open", &name, error).into()),
            Ok(_) => {}
        }
        match self.compare(&name) {
            Ok(bytes) => {
                self.sync_dir()?;
                Ok(Some(bytes))
            }
            Err(CompressError::Differs { .. }) => {
                self.remove(&name)?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Makes the compressed file, verified and durable under its name. Returns its size in bytes.
    fn make(&self, level: i32) -> Result<u64, CompressError> {
        let (temporary, name) = (
            compressed_temporary_name(self.number),
            compressed_name(self.number),
        );
        match self.storage.remove(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed(self.storage, "remove", &temporary, error).into());
            }
            _ => {}
        }
        let made = self
            .write(&temporary, level)
            .and_then(|()| self.compare(&temporary))
            .and_then(|bytes| {
                (self.storage.rename(&temporary, &name))
                    .map_err(|error| failed(self.storage, "name", &name, error))?;
                Ok(bytes)
            });
        if made.is_err() {
            // What cannot be removed is removed when the journal is next opened.
            let _ = self.storage.remove(&temporary);
        } else if let Err(error) = self.sync_dir() {
            let _ = self.storage.remove(&name);
            return Err(error);
        }
        made
    }

    /// Writes the compressed file, durably, a piece at a time, so that no commit has to wait behind much.
    fn write(&self, temporary: &str, level: i32) -> Result<(), CompressError> {
        let compressing = |error| failed(self.storage, "compress", temporary, error);
        let writing = |error| failed(self.storage, "write", temporary, error);
        let output = (self.storage.create(temporary))
            .map_err(|error| failed(self.storage, "make", temporary, error))?;
        let mut compressor = Compressor::new(level).map_err(compressing)?;
        compressor.include_checksum(true).map_err(compressing)?;
        let longest = zstd::zstd_safe::compress_bound(COMPRESSED_CHUNK_BYTES as usize);
        let mut packed = Vec::with_capacity(longest);
        let (mut sizes, mut last, mut at) = (Vec::new(), 0, 0);
        self.each_chunk(|_, chunk| {
            packed.clear();
            let size = compressor
                .compress_to_buffer(chunk, &mut packed)
                .map_err(compressing)?;
            write_whole(&*output, &packed, at).map_err(writing)?;
            output.sync_data().map_err(writing)?;
            sizes.push(size as u32);
            last = chunk.len() as u32;
            at += size as u64;
            Ok(())
        })?;
        write_whole(&*output, &seek_table(&sizes, last), at).map_err(writing)?;
        output
            .sync_data()
            .map_err(|error| failed(self.storage, "sync", temporary, error))?;
        // What is compared next is what the disk holds.
        output
            .forget_cached()
            .map_err(|error| failed(self.storage, "drop the cached pages of", temporary, error))?;
        Ok(())
    }

    /// Reads the compressed file `name` back and holds it against the segment. Returns its size in bytes.
    fn compare(&self, name: &str) -> Result<u64, CompressError> {
        let differs = |reason: String| CompressError::Differs {
            number: self.number,
            reason,
        };
        let reading = |error: io::Error| match broken_file(&error) {
            Some(problem) => differs(problem.to_string()),
            None => failed(self.storage, "read", name, error).into(),
        };
        let packed = (self.storage.open(name, Access::Read))
            .map_err(|error| failed(self.storage, "open", name, error))?;
        let bytes = packed.size().map_err(reading)?;
        let file = CompressedFile::open(packed).map_err(reading)?;
        let size = file.size().map_err(reading)?;
        if size != self.bytes {
            return Err(differs(format!("it holds {size} bytes, not {}", self.bytes)));
        }
        let mut unpacked = vec![0; COMPRESSED_CHUNK_BYTES as usize];
        self.each_chunk(|offset, chunk| {
            let length = read_full(&file, &mut unpacked[..chunk.len()], offset).map_err(reading)?;
            if unpacked[..length] == *chunk {
                Ok(())
            } else {
                Err(differs(format!("the bytes from offset {offset} on differ")))
            }
        })?;
        Ok(bytes)
    }

    /// Reads the segment in the pieces that become zstd frames, each with its offset.
    fn each_chunk(
        &self,
        mut each: impl FnMut(u64, &[u8]) -> Result<(), CompressError>,
    ) -> Result<(), CompressError> {
        let mut chunk = vec![0; COMPRESSED_CHUNK_BYTES.min(self.bytes) as usize];
        let mut offset = 0;
        while offset < self.bytes {
            let wanted = (self.bytes - offset).min(COMPRESSED_CHUNK_BYTES) as usize;
            let read = read_full(self.file, &mut chunk[..wanted], offset)
                .map_err(|error| failed(self.storage, "read", &segment_name(self.number), error))?;
            if read < wanted {
                let reason = format!("the file ends at byte {}", offset + read as u64);
                let number = self.number;
                return Err(CompressError::NotClosed { number, reason });
            }
            each(offset, &chunk[..wanted])?;
            offset += wanted as u64;
        }
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<(), StorageError> {
        (self.storage.remove(name)).map_err(|error| failed(self.storage, "remove", name, error))
    }

    fn sync_dir(&self) -> Result<(), CompressError> {
        Ok((self.storage.sync_dir()).map_err(|error| failed(self.storage, "sync", "", error))?)
    }
}
