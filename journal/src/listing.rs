//! Finding a journal's files and reading their heads.

use crate::error::{Problem, ReadError};
use crate::segment::{SEGMENT_HEADER_BYTES, SegmentStart, is_temporary, segment_name, segment_number};
use crate::storage::{Access, SegmentFile, Storage, failed, read_full};
use crate::window::{STRIDE_BYTES, is_zero};

/// The files of a journal.
pub(crate) struct Listing {
    /// One entry per segment from the first on; an entry that is a problem ends the journal there.
    pub segments: Vec<Result<SegmentStart, Problem>>,
    pub unbegun: Option<Unbegun>,
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

/// The numbers of the segment files, in order.
pub(crate) fn numbers(storage: &dyn Storage) -> Result<Vec<u64>, ReadError> {
    let names = storage
        .list()
        .map_err(|error| failed(storage, "read the folder", "", error))?;
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| segment_number(name)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// The temporary files of segments that were never finished.
pub(crate) fn temporaries(storage: &dyn Storage) -> Result<Vec<String>, ReadError> {
    let names = storage
        .list()
        .map_err(|error| failed(storage, "read the folder", "", error))?;
    Ok(names.into_iter().filter(|name| is_temporary(name)).collect())
}

/// Lists the segments and reads their headers.
pub(crate) fn list(storage: &dyn Storage) -> Result<Listing, ReadError> {
    let numbers = numbers(storage)?;
    let mut segments: Vec<Result<SegmentStart, Problem>> = Vec::with_capacity(numbers.len());
    let mut unbegun = None;
    for (index, &number) in numbers.iter().enumerate() {
        if number != index as u64 + 1 {
            segments.push(Err(Problem::SegmentMissing));
            break;
        }
        let is_last = index + 1 == numbers.len();
        match read_start(storage, number)? {
            Found::Begun(start) => segments.push(Ok(start)),
            Found::Bad(problem) => segments.push(Err(problem)),
            Found::Unbegun(file) if is_last => unbegun = Some(file),
            Found::Unbegun(_) => segments.push(Err(Problem::SegmentHeader)),
        }
    }
    Ok(Listing { segments, unbegun })
}

enum Found {
    Begun(SegmentStart),
    Unbegun(Unbegun),
    Bad(Problem),
}

/// Reads the head of a segment file. A header that is not whole passes for one never written only if all
/// behind it is zero: the header is durable before the first frame is written. A running writer may begin the
/// segment between the two looks, so bytes behind a blank header call for a second look at the header. The
/// first bytes of a header in a file that has no room for the rest were cut off later: a segment has its full
/// size before it has its name.
fn read_start(storage: &dyn Storage, number: u64) -> Result<Found, ReadError> {
    let name = segment_name(number);
    let reading = |error| failed(storage, "read", &name, error);
    let file = storage
        .open(&name, Access::Read)
        .map_err(|error| failed(storage, "open", &name, error))?;
    let bytes = file.size().map_err(reading)?;
    let mut block = [0; SEGMENT_HEADER_BYTES as usize];
    let mut read_header = || {
        let length = read_full(&*file, &mut block, 0).map_err(reading)?;
        let found = match SegmentStart::read(&block[..length], number) {
            Ok(start) if start.bytes == bytes => Found::Begun(start),
            Ok(start) => Found::Bad(Problem::SegmentSize {
                expected: start.bytes,
                found: bytes,
            }),
            Err(Problem::SegmentHeader) if length < block.len() && !is_zero(&block[..length]) => {
                Found::Bad(Problem::SegmentShort { found: bytes })
            }
            Err(Problem::SegmentHeader) => Found::Unbegun(Unbegun {
                number,
                bytes,
                blank: is_zero(&block[..length]),
            }),
            Err(problem) => Found::Bad(problem),
        };
        Ok::<Found, ReadError>(found)
    };
    let found = read_header()?;
    if !matches!(found, Found::Unbegun(_)) {
        return Ok(found);
    }
    if is_zero_behind_header(&*file, bytes).map_err(reading)? {
        return Ok(found);
    }
    Ok(match read_header()? {
        Found::Unbegun(_) => Found::Bad(Problem::SegmentHeader),
        begun => begun,
    })
}

fn is_zero_behind_header(file: &dyn SegmentFile, bytes: u64) -> std::io::Result<bool> {
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
