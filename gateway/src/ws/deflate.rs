//! Compression of single messages (RFC 7692, permessage-deflate, without context takeover in either direction).
//!
//! No message leans on an earlier one, so a message is compressed once for all who get it, one compressor and one
//! decompressor serve every connection, and an idle connection costs no window.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// The level of compression: 1 is fastest, 9 smallest.
const LEVEL: u32 = 1;

/// The window, 2^9 bytes: the smallest that zlib can make, so that every `server_max_window_bits` from 9 on is kept.
pub(crate) const WINDOW_BITS: u8 = 9;

/// What a flushed block ends with, and a message does not (RFC 7692 §7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// The tail that a message is read with: behind it a final, empty block, which only a message that was whole ends with.
const READ_TAIL: [u8; 9] = [0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff];

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
    /// The last byte of a compressed message is that of the block header which the tail completes. A final block within
    /// the message is allowed (RFC 7692 §7.2.3.5); what follows it begins at the next byte, with an empty window.
    ///
    /// # Errors
    /// It comes to more, whatever it would come to, or is no whole deflate stream; `out` has some of it then.
    pub fn inflate(&mut self, message: &[u8], most: usize, out: &mut Vec<u8>) -> Result<(), InflateError> {
        // What a compressor that was given nothing gives, though it should be one byte (§7.2.3.6).
        if message.is_empty() {
            return Ok(());
        }
        let start = out.len();
        let mut ended = self.part(message, start + most, out, true)?;
        // A message that ends in a final block and lacks the byte behind it is complete all the same.
        if !ended {
            ended = self.part(&READ_TAIL, start + most, out, false)?;
        }
        match ended {
            true => Ok(()),
            false => Err(InflateError::Corrupt),
        }
    }

    /// Takes in `part` until `out` is longer than `most`. Whether a final block ended just there.
    fn part(
        &mut self,
        part: &[u8],
        most: usize,
        out: &mut Vec<u8>,
        mut begins: bool,
    ) -> Result<bool, InflateError> {
        let mut rest = part;
        loop {
            if std::mem::take(&mut begins) {
                self.stream.reset(false);
            }
            let taken = self.stream.total_in();
            // One byte more than is allowed, so that a message that ends just there is told from one that goes on.
            out.reserve((most + 1 - out.len()).min(1024.max(4 * rest.len())));
            let status = self.stream.decompress_vec(rest, out, FlushDecompress::Sync);
            rest = &rest[(self.stream.total_in() - taken) as usize..];
            if out.len() > most {
                return Err(InflateError::TooLarge);
            }
            match status {
                Ok(Status::StreamEnd) if rest.is_empty() => return Ok(true),
                Ok(Status::StreamEnd) => begins = true,
                Ok(_) if rest.is_empty() && out.len() < out.capacity() => return Ok(false),
                Ok(_) => {}
                Err(_) => return Err(InflateError::Corrupt),
            }
        }
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
    fn inflate(message: &[u8]) -> Result<Vec<u8>, InflateError> {
        let mut out = Vec::new();
        Inflater::new().inflate(message, 1000, &mut out).map(|()| out)
    }

    #[test]
    fn the_messages_of_the_standard_are_read() {
        // RFC 7692 §7.2.3.1 to §7.2.3.6.
        for (message, text) in [
            (&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..], "Hello"),
            (
                &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
                "Hello",
            ),
            (&[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00], "Hello"),
            (&[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], "Hello"),
            (
                &[
                    0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00,
                ],
                "Hello",
            ),
            (&[0x00], ""),
            (&[], ""),
            (
                &[
                    0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00,
                ],
                "HelloHello",
            ),
        ] {
            assert_eq!(inflate(message), Ok(text.as_bytes().to_vec()), "{message:02x?}");
        }
    }

    #[test]
    fn a_message_that_was_cut_or_is_no_stream_is_not_passed_on() {
        for message in [
            // A dynamic block without its codes, a block of no type, a stored block with a wrong length, and with too
            // few bytes, and a copy from before the beginning.
            &[0x04][..],
            &[0x06],
            &[0x00, 0x05, 0x00, 0xfa, 0xfe, 0x48, 0x65],
            &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65],
            &[0x00, 0x20, 0x00, 0xdf, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
            &[0x02, 0x13, 0x00],
            &[0xff; 20],
            b"{}",
        ] {
            assert_eq!(inflate(message), Err(InflateError::Corrupt), "{message:02x?}");
        }
        // The same one reads on after an error.
        let (mut inflater, mut out) = (Inflater::new(), Vec::new());
        assert!(inflater.inflate(&[0x06], 9, &mut out).is_err());
        inflater
            .inflate(&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], 9, &mut out)
            .unwrap();
        assert_eq!(out, b"Hello");
    }

    #[test]
    fn no_message_is_written_with_more_window_than_was_promised() {
        // Repeats from all distances, read by an inflater that has no more than the window, through small buffers so
        // that it cannot look back into its own output instead.
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = |below: usize| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            (seed % below as u64) as usize
        };
        let mut deflater = Deflater::new();
        for round in 0..200 {
            let mut message: Vec<u8> = (0..600).map(|_| next(256) as u8).collect();
            while message.len() < 6_000 {
                let (distance, len) = (1 + next(message.len()), 3 + next(60));
                for _ in 0..len {
                    message.push(message[message.len() - distance]);
                }
                message.extend((0..next(4)).map(|_| next(256) as u8));
            }
            let mut small = Vec::new();
            deflater.deflate(&message, &mut small);
            small.extend_from_slice(&TAIL);
            let mut narrow = Decompress::new_with_window_bits(false, WINDOW_BITS);
            let mut back: Vec<u8> = Vec::new();
            let mut buffer = [0; 64];
            loop {
                let (taken, made) = (narrow.total_in() as usize, narrow.total_out());
                narrow
                    .decompress(&small[taken..], &mut buffer, FlushDecompress::Sync)
                    .unwrap_or_else(|error| panic!("round {round}: {error}"));
                let got = (narrow.total_out() - made) as usize;
                back.extend_from_slice(&buffer[..got]);
                if got == 0 {
                    break;
                }
            }
            assert!(back == message, "round {round}");
        }
    }
}
