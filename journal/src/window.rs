//! Reading files in large pieces.

use crate::format::MAX_FRAME_BYTES;
use crate::storage::{SegmentFile, read_full};
use std::ops::Range;

/// How much is read at a time, in bytes. It holds the longest frame.
pub(crate) const WINDOW_BYTES: u64 = 4 << 20;
const _: () = assert!(WINDOW_BYTES >= MAX_FRAME_BYTES);
/// The step in which a stretch of zeros is looked through, in bytes.
pub(crate) const STRIDE_BYTES: u64 = 64 << 10;
static ZEROS: [u8; STRIDE_BYTES as usize] = [0; STRIDE_BYTES as usize];

/// A stretch of a file held in memory.
pub(crate) struct Window {
    buffer: Vec<u8>,
    start: u64,
    length: usize,
}

impl Window {
    pub fn new(bytes: u64) -> Window {
        Window {
            buffer: vec![0; bytes as usize],
            start: 0,
            length: 0,
        }
    }

    pub fn clear(&mut self) {
        self.length = 0;
    }

    /// Whether `length` bytes from `offset` on are held.
    pub fn holds(&self, offset: u64, length: u64) -> bool {
        offset >= self.start && offset + length <= self.start + self.length as u64
    }

    /// Makes sure that `length` bytes from `offset` on are held, and says where in the buffer they are. If they
    /// must be read, up to `ahead` bytes are.
    pub fn load(
        &mut self,
        file: &dyn SegmentFile,
        offset: u64,
        length: u64,
        ahead: u64,
        file_bytes: u64,
    ) -> std::io::Result<Range<usize>> {
        if !self.holds(offset, length) {
            let most = (file_bytes - offset).min(self.buffer.len() as u64);
            let wanted = most.min(ahead.max(length)) as usize;
            self.clear();
            let read = read_full(file, &mut self.buffer[..wanted], offset)?;
            if (read as u64) < length {
                let message = format!("the file ends at byte {}", offset + read as u64);
                return Err(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, message));
            }
            (self.start, self.length) = (offset, read);
        }
        let from = (offset - self.start) as usize;
        Ok(from..from + length as usize)
    }

    /// The bytes at a place that [`load`](Self::load) said.
    pub fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.buffer[range]
    }
}

pub(crate) fn is_zero(bytes: &[u8]) -> bool {
    bytes
        .chunks(ZEROS.len())
        .all(|chunk| *chunk == ZEROS[..chunk.len()])
}
