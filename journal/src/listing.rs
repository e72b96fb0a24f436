//! Finding a journal's files and reading their heads.

use crate::compressed::{CompressedFile, broken_file};
use crate::error::{ReadError, StorageError};
use crate::format::SEGMENT_HEADER_BYTES;
use crate::problem::Problem;
use crate::segment::{
    SegmentStart, compressed_name, compressed_number, is_temporary, segment_name, segment_number,
};
use crate::storage::{Access, SegmentFile, Storage, failed, read_full};
use crate::window::{STRIDE_BYTES, is_zero};
use std::collections::BTreeSet;
use std::io;

/// The largest sequence that the first segment read may begin with, so that counting on cannot overflow.
const MAX_FIRST_SEQUENCE: u64 = i64::MAX as u64;

/// The files of a journal, from some segment on.
pub(crate) struct Listing {
    /// The number of the first entry.
    pub first: u64,
    /// One entry per segment; an entry that is a problem ends the journal there.
    pub segments: Vec<Entry>,
    pub unbegun: Option<Unbegun>,
}

/// One segment that was begun, or should have been.
pub(crate) struct Entry {
    /// Whether it is compressed.
    pub compressed: bool,
    pub start: Result<SegmentStart, Problem>,
}

/// The last file of the folder, if its header was never written in full: a spare, or a roll cut short.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unbegun {
    pub number: u64,
    /// The size of the file.
    pub bytes: u64,
    /// Whether all its bytes are zero.
    pub blank: bool,
}

/// Where a listing begins.
#[derive(Clone, Copy)]
pub(crate) enum Begin {
    /// At segment 1.
    First,
    /// At the first segment that is there.
    Present,
    /// At this segment, or at the last begun one if this is not begun.
    Segment(u64),
}

/// The names in a journal's folder.
#[derive(Default)]
pub(crate) struct Names {
    pub plain: BTreeSet<u64>,
    pub compressed: BTreeSet<u64>,
    /// Files that were never finished.
    pub temporaries: Vec<String>,
}

/// Reads the folder. Names that are none of the journal's are left out.
pub(crate) fn names(storage: &dyn Storage) -> Result<Names, ReadError> {
    let all = storage
        .list()
        .map_err(|error| failed(storage, "read the folder", "", error))?;
    let mut names = Names::default();
    for name in all {
        if let Some(number) = segment_number(&name) {
            names.plain.insert(number);
        } else if let Some(number) = compressed_number(&name) {
            names.compressed.insert(number);
        } else if is_temporary(&name) {
            names.temporaries.push(name);
        }
    }
    Ok(names)
}

/// Lists the segments and reads their headers.
///
/// A running process may compress a segment while the folder is being read, so that it is seen under neither
/// name: what is missing is looked for once more.
pub(crate) fn list(storage: &dyn Storage, begin: Begin) -> Result<Listing, ReadError> {
    let listing = look(storage, begin)?;
    let missing = |entry: &Entry| {
        matches!(
            entry.start,
            Err(Problem::SegmentMissing | Problem::SuccessorMissing)
        )
    };
    if listing.segments.iter().any(missing) {
        return look(storage, begin);
    }
    Ok(listing)
}

fn look(storage: &dyn Storage, begin: Begin) -> Result<Listing, ReadError> {
    let names = names(storage)?;
    let numbers: Vec<u64> = names.plain.union(&names.compressed).copied().collect();
    let (Some(&lowest), Some(&last)) = (numbers.first(), numbers.last()) else {
        return Ok(Listing {
            first: 1,
            segments: Vec::new(),
            unbegun: None,
        });
    };
    let first = match begin {
        Begin::First => 1,
        Begin::Present => lowest,
        Begin::Segment(number) => number.clamp(1, last),
    };
    let listing = read_heads(storage, &names, &numbers, first)?;
    match listing.unbegun {
        // A blank file alone tells nothing of how the journal ends; the segment before it does.
        Some(file) if listing.segments.is_empty() && file.number > 1 => {
            read_heads(storage, &names, &numbers, file.number - 1)
        }
        _ => Ok(listing),
    }
}

fn read_heads(
    storage: &dyn Storage,
    names: &Names,
    numbers: &[u64],
    first: u64,
) -> Result<Listing, ReadError> {
    let mut segments: Vec<Entry> = Vec::new();
    let mut unbegun = None;
    let problem = |problem| Entry {
        compressed: false,
        start: Err(problem),
    };
    for &number in numbers.iter().filter(|number| **number >= first) {
        if number - first != segments.len() as u64 {
            segments.push(problem(Problem::SegmentMissing));
            break;
        }
        let may_be_unbegun = Some(&number) == numbers.last() && !names.compressed.contains(&number);
        let (found, compressed) = read_start(storage, number)?;
        let start = match found {
            Found::Begun(start)
                if segments.is_empty() && !(1..=MAX_FIRST_SEQUENCE).contains(&start.first_sequence) =>
            {
                Err(Problem::Bounds)
            }
            Found::Begun(start) => Ok(start),
            Found::Bad(problem) => Err(problem),
            Found::Unbegun(file) if may_be_unbegun => {
                unbegun = Some(file);
                break;
            }
            Found::Unbegun(_) => Err(Problem::SegmentHeader),
        };
        segments.push(Entry { compressed, start });
    }
    // A segment is compressed only once the next one is begun.
    if matches!(
        segments.last(),
        Some(Entry {
            compressed: true,
            start: Ok(_)
        })
    ) {
        segments.push(problem(Problem::SuccessorMissing));
        unbegun = None;
    }
    Ok(Listing {
        first,
        segments,
        unbegun,
    })
}

/// A segment opened for reading, whichever way it is kept.
pub(crate) struct OpenSegment {
    pub file: Box<dyn SegmentFile>,
    pub name: String,
    pub compressed: bool,
}

/// Opens segment `number` for reading. If it is there plain and compressed, the plain file counts: compressing
/// was cut short.
pub(crate) fn open_segment(storage: &dyn Storage, number: u64) -> Result<OpenSegment, StorageError> {
    let name = segment_name(number);
    let missing = match storage.open(&name, Access::Read) {
        Ok(file) => {
            return Ok(OpenSegment {
                file,
                name,
                compressed: false,
            });
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => failed(storage, "open", &name, error),
        Err(error) => return Err(failed(storage, "open", &name, error)),
    };
    let name = compressed_name(number);
    let packed = match storage.open(&name, Access::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(missing),
        opened => opened.map_err(|error| failed(storage, "open", &name, error))?,
    };
    let file = CompressedFile::open(packed).map_err(|error| failed(storage, "read", &name, error))?;
    Ok(OpenSegment {
        file: Box::new(file),
        name,
        compressed: true,
    })
}

pub(crate) enum Found {
    Begun(SegmentStart),
    Unbegun(Unbegun),
    Bad(Problem),
}

/// Reads the header block of segment `number`; what is behind it is not looked at.
pub(crate) fn read_head(segment: &OpenSegment, number: u64) -> io::Result<Found> {
    let file = &*segment.file;
    let bytes = file.size()?;
    let mut block = [0; SEGMENT_HEADER_BYTES as usize];
    let length = read_full(file, &mut block, 0)?;
    Ok(match SegmentStart::read(&block[..length], number) {
        Ok(start) if start.bytes == bytes => Found::Begun(start),
        Ok(start) => Found::Bad(Problem::SegmentSize {
            expected: start.bytes,
            found: bytes,
        }),
        Err(Problem::SegmentHeader) if segment.compressed => Found::Bad(Problem::SegmentHeader),
        Err(Problem::SegmentHeader) if length < block.len() && !is_zero(&block[..length]) => {
            Found::Bad(Problem::SegmentShort { found: bytes })
        }
        Err(Problem::SegmentHeader) => Found::Unbegun(Unbegun {
            number,
            bytes,
            blank: is_zero(&block[..length]),
        }),
        Err(problem) => Found::Bad(problem),
    })
}

/// Opens segment `number` and reads its header block, as [`read_head`] does. Says also whether it is compressed.
pub(crate) fn open_head(
    storage: &dyn Storage,
    number: u64,
) -> Result<(Found, bool, Option<OpenSegment>), StorageError> {
    let segment = match open_segment(storage, number) {
        Ok(segment) => segment,
        Err(error) => match broken_file(&error.source) {
            Some(problem) => return Ok((Found::Bad(problem), true, None)),
            None => return Err(error),
        },
    };
    let found = match read_head(&segment, number) {
        Ok(found) => found,
        Err(error) => match broken_file(&error) {
            Some(problem) => Found::Bad(problem),
            None => return Err(failed(storage, "read", &segment.name, error)),
        },
    };
    Ok((found, segment.compressed, Some(segment)))
}

/// Reads the head of a segment file. A header that is not whole passes for one never written only if all
/// behind it is zero: the header is durable before the first frame is written. A running writer may begin the
/// segment between the two looks, so bytes behind a blank header call for a second look at the header. The
/// first bytes of a header in a file that has no room for the rest were cut off later: a segment has its full
/// size before it has its name.
fn read_start(storage: &dyn Storage, number: u64) -> Result<(Found, bool), ReadError> {
    let (found, compressed, segment) = open_head(storage, number)?;
    let (Found::Unbegun(file), Some(segment)) = (&found, &segment) else {
        return Ok((found, compressed));
    };
    let reading = |error| failed(storage, "read", &segment.name, error);
    if is_zero_behind_header(&*segment.file, file.bytes).map_err(reading)? {
        return Ok((found, compressed));
    }
    let found = match read_head(segment, number).map_err(reading)? {
        Found::Unbegun(_) => Found::Bad(Problem::SegmentHeader),
        begun => begun,
    };
    Ok((found, compressed))
}

fn is_zero_behind_header(file: &dyn SegmentFile, bytes: u64) -> io::Result<bool> {
    let mut stride = vec![0; STRIDE_BYTES as usize];
    let mut at = SEGMENT_HEADER_BYTES;
    while at < bytes {
        let length = read_full(file, &mut stride, at)?;
        if length == 0 {
            break;
        }
        if !is_zero(&stride[..length]) {
            return Ok(false);
        }
        at += length as u64;
    }
    Ok(true)
}
