//! Reading a compressed segment: zstd's seekable format, unpacked piece by piece as it is asked for.
//!
//! The file is a row of zstd frames, each of [`COMPRESSED_CHUNK_BYTES`] of the segment (the last of what is
//! left), and a seek table in a frame that other programs skip. The layout is in `docs/journal-format.md`.

use crate::options::MAX_SEGMENT_BYTES;
use crate::problem::Problem;
use crate::storage::{SegmentFile, read_full};
use std::cell::RefCell;
use std::fmt;
use std::io;
use zstd::bulk::Decompressor;

/// The bytes of a segment in one zstd frame of its compressed file: 1 MiB. The last frame may hold fewer.
pub const COMPRESSED_CHUNK_BYTES: u64 = 1 << 20;
/// The first bytes of the frame that holds the seek table; any zstd decoder skips it.
const SKIPPABLE_MAGIC: u32 = 0x184D_2A5E;
/// The last bytes of the file.
const SEEKABLE_MAGIC: u32 = 0x8F92_EAB1;
const TABLE_HEAD_BYTES: u64 = 8;
const ENTRY_BYTES: u64 = 8;
const FOOTER_BYTES: u64 = 9;
const MAX_CHUNKS: u64 = MAX_SEGMENT_BYTES / COMPRESSED_CHUNK_BYTES;

/// A compressed segment, which reads like the segment it was.
pub(crate) struct CompressedFile {
    file: Box<dyn SegmentFile>,
    /// Where each zstd frame begins in the file, and where the last one ends.
    edges: Vec<u64>,
    /// The size of the segment.
    bytes: u64,
    /// The frame that was unpacked last.
    held: RefCell<Held>,
}

struct Held {
    index: Option<usize>,
    chunk: Vec<u8>,
    packed: Vec<u8>,
    decoder: Decompressor<'static>,
}

/// What is wrong with a compressed file, carried through the calls of [`SegmentFile`].
#[derive(Debug)]
struct Broken(String);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Broken {}

fn broken(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, Broken(what.into()))
}

/// The problem that an error of a compressed file stands for; `None` if the system itself failed.
pub(crate) fn broken_file(error: &io::Error) -> Option<Problem> {
    let Broken(what) = error.get_ref()?.downcast_ref()?;
    Some(Problem::Compressed { what: what.clone() })
}

/// The seek table for zstd frames of these sizes, the last of `last` bytes of the segment.
pub(crate) fn seek_table(packed: &[u32], last: u32) -> Vec<u8> {
    let size = packed.len() as u64 * ENTRY_BYTES + FOOTER_BYTES;
    let mut table = Vec::with_capacity((TABLE_HEAD_BYTES + size) as usize);
    table.extend(SKIPPABLE_MAGIC.to_le_bytes());
    table.extend((size as u32).to_le_bytes());
    for (index, bytes) in packed.iter().enumerate() {
        let is_last = index + 1 == packed.len();
        table.extend(bytes.to_le_bytes());
        table.extend(
            (if is_last {
                last
            } else {
                COMPRESSED_CHUNK_BYTES as u32
            })
            .to_le_bytes(),
        );
    }
    table.extend((packed.len() as u32).to_le_bytes());
    table.push(0);
    table.extend(SEEKABLE_MAGIC.to_le_bytes());
    table
}

fn word(bytes: &[u8], at: usize) -> u64 {
    bytes
        .get(at..at + 4)
        .and_then(|word| word.try_into().ok())
        .map_or(0, |word| u64::from(u32::from_le_bytes(word)))
}

fn read_exact(file: &dyn SegmentFile, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    if read_full(file, buffer, offset)? == buffer.len() {
        Ok(())
    } else {
        Err(broken("it ends early"))
    }
}

impl CompressedFile {
    /// Reads the seek table of `file` and checks it against the file's size, before anything is allocated by it.
    pub fn open(file: Box<dyn SegmentFile>) -> io::Result<CompressedFile> {
        let size = file.size()?;
        let mut footer = [0; FOOTER_BYTES as usize];
        let footer_at = size
            .checked_sub(FOOTER_BYTES)
            .ok_or_else(|| broken("it is shorter than a seek table"))?;
        read_exact(&*file, &mut footer, footer_at)?;
        let chunks = word(&footer, 0);
        if word(&footer, 5) != u64::from(SEEKABLE_MAGIC) || footer[4] != 0 {
            return Err(broken("it does not end in a seek table"));
        }
        let table_bytes = chunks * ENTRY_BYTES + FOOTER_BYTES;
        let table_at = footer_at.checked_sub(TABLE_HEAD_BYTES + chunks * ENTRY_BYTES);
        let (1..=MAX_CHUNKS, Some(table_at)) = (chunks, table_at) else {
            return Err(broken("its seek table has an impossible length"));
        };
        let mut table = vec![0; (TABLE_HEAD_BYTES + chunks * ENTRY_BYTES) as usize];
        read_exact(&*file, &mut table, table_at)?;
        if word(&table, 0) != u64::from(SKIPPABLE_MAGIC) || word(&table, 4) != table_bytes {
            return Err(broken("its seek table has no head"));
        }
        let (mut edges, mut bytes) = (vec![0], 0);
        for (index, entry) in table[TABLE_HEAD_BYTES as usize..]
            .chunks_exact(ENTRY_BYTES as usize)
            .enumerate()
        {
            let (packed, plain) = (word(entry, 0), word(entry, 4));
            let is_last = index as u64 + 1 == chunks;
            let fits = match is_last {
                true => (1..=COMPRESSED_CHUNK_BYTES).contains(&plain),
                false => plain == COMPRESSED_CHUNK_BYTES,
            };
            if !fits || packed == 0 || packed > longest(plain) {
                return Err(broken(format!(
                    "entry {index} of its seek table is out of bounds"
                )));
            }
            edges.push(edges[index] + packed);
            bytes += plain;
        }
        if edges.last() != Some(&table_at) {
            return Err(broken("the sizes in its seek table do not add up to the file's"));
        }
        let held = RefCell::new(Held {
            index: None,
            chunk: Vec::with_capacity(bytes.min(COMPRESSED_CHUNK_BYTES) as usize),
            packed: Vec::new(),
            decoder: Decompressor::new()?,
        });
        Ok(CompressedFile {
            file,
            edges,
            bytes,
            held,
        })
    }

    /// Unpacks the zstd frame `index`, unless it is held.
    fn unpack(&self, held: &mut Held, index: usize) -> io::Result<()> {
        if held.index == Some(index) {
            return Ok(());
        }
        let (from, to) = (self.edges[index], self.edges[index + 1]);
        let plain = (self.bytes - index as u64 * COMPRESSED_CHUNK_BYTES).min(COMPRESSED_CHUNK_BYTES);
        held.index = None;
        held.packed.resize((to - from) as usize, 0);
        read_exact(&*self.file, &mut held.packed, from)?;
        held.chunk.clear();
        let unpacked = held.decoder.decompress_to_buffer(&held.packed, &mut held.chunk);
        match unpacked {
            Ok(length) if length as u64 == plain => held.index = Some(index),
            Ok(length) => {
                return Err(broken(format!(
                    "its zstd frame {index} at byte {from} holds {length} bytes where {plain} must be"
                )));
            }
            Err(error) => {
                return Err(broken(format!("its zstd frame {index} at byte {from}: {error}")));
            }
        }
        Ok(())
    }
}

/// The most bytes that `plain` bytes of a segment can take in a zstd frame.
fn longest(plain: u64) -> u64 {
    zstd::zstd_safe::compress_bound(plain as usize) as u64
}

fn read_only() -> io::Error {
    io::Error::new(
        io::ErrorKind::Unsupported,
        "a compressed segment is never written",
    )
}

impl SegmentFile for CompressedFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.bytes)
    }

    fn allocate(&self, _: u64) -> io::Result<()> {
        Err(read_only())
    }

    fn write_at(&self, _: &[u8], _: u64) -> io::Result<usize> {
        Err(read_only())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if offset >= self.bytes {
            return Ok(0);
        }
        let mut held = self.held.borrow_mut();
        self.unpack(&mut held, (offset / COMPRESSED_CHUNK_BYTES) as usize)?;
        let rest = &held.chunk[(offset % COMPRESSED_CHUNK_BYTES) as usize..];
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn forget_cached(&self) -> io::Result<()> {
        self.file.forget_cached()
    }
}
