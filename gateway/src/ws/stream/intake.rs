//! A client's frames before tungstenite sees them: checked as they come, and decompressed (RFC 6455 §5, RFC 7692 §6.2).

use std::io::{self, Read, Write};
use std::ops::Range;

use super::inbound::{Fault, Inbound};
use crate::server::egress::Egress;
use crate::ws::deflate::Inflater;

/// Bytes read from a socket at once.
const READ: usize = 8 * 1024;

/// Frames looked at before tungstenite is left to itself, so that fragments without end are not read for long at once.
const FRAMES_PER_READ: u32 = 16;

/// What all connections are read with.
#[derive(Debug)]
pub(crate) struct Intake {
    inflater: Inflater,
    /// What a socket gave.
    socket: Box<[u8]>,
    /// A decompressed message, as a frame.
    plain: Vec<u8>,
}

impl Intake {
    pub fn new() -> Self {
        Self {
            inflater: Inflater::new(),
            socket: vec![0; READ].into(),
            plain: Vec::new(),
        }
    }

    /// Where a socket is read into.
    pub fn socket(&mut self) -> &mut [u8] {
        &mut self.socket
    }

    /// One read of `input`, or of what the socket was last read into up to `socket`.
    pub(super) fn reading<'a>(
        &'a mut self,
        inbound: &'a mut Inbound,
        egress: &'a mut Egress,
        input: Input<'a>,
    ) -> Reading<'a> {
        Reading {
            inbound,
            inflater: &mut self.inflater,
            message: &mut self.plain,
            egress,
            input: match input {
                Input::Stash(stash) => stash,
                Input::Socket(count) => &self.socket[..count],
            },
            header: 0..0,
            plain: 0..0,
            frames: 0,
        }
    }
}

/// Where the bytes of a read come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Input<'a> {
    /// They came with an earlier read.
    Stash(&'a [u8]),
    /// So many came from the socket just now.
    Socket(usize),
}

/// What tungstenite reads and writes: bytes of the client's become plain frames, and what it says goes to the egress,
/// so that nothing ever blocks.
///
/// It gets no byte of a frame before it has asked for one beyond the frame before. So between two of its messages it
/// holds nothing that would be missed.
pub(super) struct Reading<'a> {
    inbound: &'a mut Inbound,
    inflater: &'a mut Inflater,
    /// A decompressed message, as a frame.
    message: &'a mut Vec<u8>,
    egress: &'a mut Egress,
    input: &'a [u8],
    /// What is left of the header, or of the decompressed message, that is to be read next.
    header: Range<usize>,
    plain: Range<usize>,
    frames: u32,
}

impl Reading<'_> {
    /// How many bytes of the input nobody has looked at.
    pub fn unread(&self) -> usize {
        self.input.len()
    }

    fn pull(&mut self, buf: &mut [u8]) -> Result<Option<usize>, Fault> {
        loop {
            if !self.header.is_empty() {
                return Ok(Some(give(&self.inbound.header, &mut self.header, buf)));
            }
            if !self.plain.is_empty() {
                return Ok(Some(give(self.message, &mut self.plain, buf)));
            }
            let Some(left) = self.inbound.left else {
                if self.frames == FRAMES_PER_READ {
                    return Ok(None);
                }
                let taken = self.inbound.take_header(self.input)?;
                self.input = &self.input[taken..];
                let Some(len) = self.inbound.left else {
                    return Ok(None);
                };
                self.frames += 1;
                if !self.inbound.is_collected() {
                    self.header = 0..usize::from(self.inbound.header_len);
                    self.inbound.longest = self.inbound.longest.max(len);
                }
                if len == 0 {
                    self.end_frame()?;
                }
                continue;
            };
            if self.input.is_empty() {
                return Ok(None);
            }
            let collects = self.inbound.is_collected();
            let most = if collects { usize::MAX } else { buf.len() };
            let (piece, rest) = self.input.split_at(self.input.len().min(left as usize).min(most));
            self.input = rest;
            if collects {
                let mut compressed = std::mem::take(&mut self.inbound.compressed);
                let start = compressed.len();
                compressed.extend_from_slice(piece);
                let taken = self.inbound.take_payload(&mut compressed[start..]);
                self.inbound.compressed = compressed;
                taken?;
            } else {
                buf[..piece.len()].copy_from_slice(piece);
                self.inbound.take_payload(&mut buf[..piece.len()])?;
            }
            if self.inbound.left == Some(0) {
                self.end_frame()?;
            }
            if !collects {
                return Ok(Some(piece.len()));
            }
        }
    }

    fn end_frame(&mut self) -> Result<(), Fault> {
        if self.inbound.end_frame()? {
            self.inbound.decompress(self.inflater, self.message)?;
            self.plain = 0..self.message.len();
        }
        Ok(())
    }
}

/// Copies as much of `range` as fits.
fn give(bytes: &[u8], range: &mut Range<usize>, buf: &mut [u8]) -> usize {
    let count = range.len().min(buf.len());
    buf[..count].copy_from_slice(&bytes[range.start..range.start + count]);
    range.start += count;
    count
}

impl Read for Reading<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.pull(buf) {
            Ok(Some(count)) => Ok(count),
            Ok(None) => Err(io::ErrorKind::WouldBlock.into()),
            Err(fault) => {
                self.inbound.fault = Some(fault);
                Err(io::ErrorKind::InvalidData.into())
            }
        }
    }
}

impl Write for Reading<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Outward(self.egress).write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What tungstenite writes when nothing is to be read.
pub(super) struct Outward<'a>(pub &'a mut Egress);

impl Read for Outward<'_> {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}

impl Write for Outward<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.buffer().extend_from_slice(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
