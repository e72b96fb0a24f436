//! What waits to be written to one socket.

use std::io::{self, IoSlice, Write};

/// Most pieces that one vectored write carries beside what waits already.
pub(crate) const PIECES_PER_WRITE: usize = 64;

/// Above this many waiting bytes a connection's requests are not read: who does not take answers may not ask.
pub(crate) const EGRESS_HIGH: usize = 32 * 1024;

/// A buffer that has grown beyond this many bytes is given back once it is empty.
const KEEP_CAPACITY: usize = 1024;

/// Bytes that belong to one connection alone, in order: responses, replies, control frames, and at most the rest of
/// one shared frame that a write cut.
///
/// What is appended are whole responses and whole frames, so whatever is appended later can never split one. It is
/// bounded by its writers: nothing more is asked of a connection above [`EGRESS_HIGH`].
#[derive(Debug, Default)]
pub(crate) struct Egress {
    bytes: Vec<u8>,
    sent: usize,
}

/// What one write did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// Bytes that the socket took, of what waited and of the pieces.
    pub bytes: usize,
    /// How many of them were the pieces'.
    pub pieces: usize,
    /// Whether the socket took nothing because it is full.
    pub full: bool,
}

impl Egress {
    /// How many bytes wait.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.sent
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory that are taken up by what waits.
    pub fn held(&self) -> usize {
        if self.is_empty() { 0 } else { self.bytes.capacity() }
    }

    /// Where whole responses and frames are appended, and the rest of a frame that a write has cut.
    pub fn out(&mut self) -> &mut Vec<u8> {
        if self.sent > 0 && self.sent >= self.bytes.len() / 2 {
            self.bytes.drain(..self.sent);
            self.sent = 0;
        }
        &mut self.bytes
    }

    /// Writes what waits and then `pieces`, in one write. When the socket takes a frame in part, the caller appends the
    /// rest of it to [`out`](Self::out) before anything else.
    ///
    /// # Errors
    /// Any error of the socket but `WouldBlock`; the connection is then of no more use.
    pub fn write(&mut self, mut socket: impl Write, pieces: &[&[u8]]) -> io::Result<Written> {
        debug_assert!(pieces.len() <= PIECES_PER_WRITE);
        let own = self.len();
        let result = match (own, pieces) {
            (0, []) => return Ok(Written::default()),
            (0, [piece]) => socket.write(piece),
            (_, []) => socket.write(&self.bytes[self.sent..]),
            _ => {
                let mut slices = [IoSlice::new(&[]); PIECES_PER_WRITE + 1];
                slices[0] = IoSlice::new(&self.bytes[self.sent..]);
                for (slice, piece) in slices[1..].iter_mut().zip(pieces) {
                    *slice = IoSlice::new(piece);
                }
                socket.write_vectored(&slices[usize::from(own == 0)..=pieces.len()])
            }
        };
        let bytes = match result {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Ok(Written {
                    full: true,
                    ..Written::default()
                });
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
            Err(error) => return Err(error),
        };
        self.sent += bytes.min(own);
        if self.is_empty() {
            self.sent = 0;
            if self.bytes.capacity() > KEEP_CAPACITY {
                self.bytes = Vec::new();
            } else {
                self.bytes.clear();
            }
        }
        Ok(Written {
            bytes,
            pieces: bytes.saturating_sub(own),
            full: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes at most so many bytes at each write; 0 stands for a full socket.
    struct Socket {
        room: Vec<usize>,
        got: Vec<u8>,
    }

    impl Write for Socket {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            self.write_vectored(&[IoSlice::new(buf)])
        }

        fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
            let all: Vec<u8> = bufs.iter().flat_map(|slice| slice.to_vec()).collect();
            let take = self.room.pop().unwrap_or(usize::MAX).min(all.len());
            if take == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            self.got.extend_from_slice(&all[..take]);
            Ok(take)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reply_between_two_cut_writes_splits_no_frame() {
        const STREAM: &[u8] = b"<first><second><third>";
        for cut in 1..20 {
            for second in 0..12 {
                let mut egress = Egress::default();
                let mut socket = Socket {
                    room: vec![second, cut],
                    got: Vec::new(),
                };
                let mut next = 0;
                egress.out().extend_from_slice(b"<own>");
                for step in 0..9 {
                    let pieces: &[&[u8]] = if next < STREAM.len() {
                        &[&STREAM[next..]]
                    } else {
                        &[]
                    };
                    next += egress.write(&mut socket, pieces).unwrap().pieces;
                    while next > 0 && STREAM[next - 1] != b'>' {
                        egress.out().push(STREAM[next]);
                        next += 1;
                    }
                    if step == 0 {
                        egress.out().extend_from_slice(b"<reply>");
                    }
                }
                assert!(egress.is_empty());
                let got = String::from_utf8(socket.got).unwrap();
                let without = got.replacen("<reply>", "", 1);
                assert_eq!(
                    without, "<own><first><second><third>",
                    "cut {cut}, then {second}: {got}"
                );
                assert!(got.contains("<reply>"), "{got}");
                let boundary = got.find("<reply>").unwrap();
                assert!(boundary == 0 || got.as_bytes()[boundary - 1] == b'>', "{got}");
            }
        }
    }

    #[test]
    fn a_full_socket_loses_nothing() {
        let mut egress = Egress::default();
        let mut socket = Socket {
            room: vec![0],
            got: Vec::new(),
        };
        egress.out().extend_from_slice(b"abc");
        let written = egress.write(&mut socket, &[b"def"]).unwrap();
        assert!(written.full);
        assert_eq!((written.pieces, egress.len()), (0, 3));
        egress.write(&mut socket, &[b"def"]).unwrap();
        assert_eq!(socket.got, b"abcdef");
    }
}
