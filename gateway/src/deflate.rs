//! Compression of single messages (RFC 7692, permessage-deflate, without context takeover in either direction).
//!
//! No message leans on an earlier one, so a message is compressed once for all who get it, one compressor and one
//! decompressor serve every connection, and an idle connection costs no window.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// The level of compression: 1 is fastest, 9 smallest.
const LEVEL: u32 = 1;

/// The window, 2^9 bytes: the smallest that zlib can make, so that every `server_max_window_bits` from 9 on is kept.
const WINDOW_BITS: u8 = 9;

/// What a flushed block ends with, and a message does not (RFC 7692 §7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// Compresses messages.
#[derive(Debug)]
pub(crate) struct Deflater {
    stream: Compress,
}

impl Deflater {
    pub fn new() -> Self {
        Self {
            stream: Compress::new_with_window_bits(Compression::new(LEVEL), false, WINDOW_BITS),
        }
    }

    /// Appends `message`, compressed, as the payload of a frame whose RSV1 is set.
    pub fn deflate(&mut self, message: &[u8], out: &mut Vec<u8>) {
        self.stream.reset();
        let start = out.len();
        loop {
            let taken = self.stream.total_in() as usize;
            out.reserve(message.len() - taken + 64);
            // Deflating into memory fails only for a stream in disorder, and this one has just been reset.
            let _ = self
                .stream
                .compress_vec(&message[taken..], out, FlushCompress::Sync);
            if self.stream.total_in() as usize == message.len() && out.len() < out.capacity() {
                break;
            }
        }
        debug_assert!(out[start..].ends_with(&TAIL));
        out.truncate(out.len() - TAIL.len());
    }
}

/// Why a message was not decompressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InflateError {
    /// It comes to more bytes than are allowed.
    TooLarge,
    /// It is no deflate stream.
    Corrupt,
}

/// Decompresses messages.
#[derive(Debug)]
pub(crate) struct Inflater {
    stream: Decompress,
}

impl Inflater {
    pub fn new() -> Self {
        Self {
            stream: Decompress::new(false),
        }
    }

    /// Appends what the payload of a compressed message comes to, at most `most` bytes.
    ///
    /// # Errors
    /// It comes to more, whatever it would come to, or is no deflate stream; `out` has some of it then.
    pub fn inflate(&mut self, message: &[u8], most: usize, out: &mut Vec<u8>) -> Result<(), InflateError> {
        self.stream.reset(false);
        let start = out.len();
        for part in [message, &TAIL] {
            let mut rest = part;
            loop {
                let (taken, made) = (self.stream.total_in(), out.len() - start);
                // One byte more than is allowed, so that a message that ends just there is told from one that goes on.
                out.reserve((most + 1 - made).min(1024.max(4 * rest.len())));
                let status = self.stream.decompress_vec(rest, out, FlushDecompress::Sync);
                rest = &rest[(self.stream.total_in() - taken) as usize..];
                if out.len() - start > most {
                    return Err(InflateError::TooLarge);
                }
                match status {
                    Ok(Status::StreamEnd) => {
                        // A final block is allowed (§7.2.3.5); what follows it in the message would be another stream.
                        return if rest.is_empty() || part == TAIL {
                            Ok(())
                        } else {
                            Err(InflateError::Corrupt)
                        };
                    }
                    Ok(_) if rest.is_empty() && out.len() < out.capacity() => break,
                    Ok(_) => {}
                    Err(_) => return Err(InflateError::Corrupt),
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compressed_comes_back_whatever_its_length() {
        let (mut deflater, mut inflater) = (Deflater::new(), Inflater::new());
        for len in [0usize, 1, 2, 100, 511, 512, 513, 4_096, 65_536] {
            let message: Vec<u8> = (0..len).map(|at| (at * at / 7) as u8).collect();
            let (mut small, mut back) = (b"before".to_vec(), b"before".to_vec());
            deflater.deflate(&message, &mut small);
            inflater.inflate(&small[6..], len, &mut back).unwrap();
            assert_eq!(back[6..], message, "{len}");
            if len > 0 {
                let too_large = inflater.inflate(&small[6..], len - 1, &mut Vec::new());
                assert_eq!(too_large, Err(InflateError::TooLarge), "{len}");
            }
        }
    }
}
