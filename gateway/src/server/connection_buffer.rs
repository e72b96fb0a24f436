//! One socket, edge-triggered, with what waits to be written to it.

use std::io::{self, Read};
use std::time::Duration;

use hoga_service::Origin;
use mio::net::TcpStream;

use crate::server::egress::{EGRESS_HIGH, Egress, Written};

/// Once so many bytes of a connection were read, others have their turn before it is asked for another message.
pub(crate) const READ_PER_VISIT: usize = 16 * 1024;

/// One non-blocking socket.
///
/// The poll tells a change of readiness once, so the readiness is remembered here until the socket says
/// `WouldBlock`.
#[derive(Debug)]
pub(crate) struct ConnectionBuffer {
    /// The socket.
    pub socket: TcpStream,
    /// Where it comes from, if the limits of addresses hold for it.
    pub origin: Option<Origin>,
    /// What waits to be written.
    pub egress: Egress,
    /// Whether a read may find something.
    pub readable: bool,
    /// Whether a write may take something.
    pub writable: bool,
    /// Since when the socket takes no byte although something waits.
    pub blocked: Option<Duration>,
    /// When the last byte came.
    pub heard: Duration,
    /// When the socket last took a byte.
    pub spoke: Duration,
    /// Whether the peer has said that it sends no more.
    pub ended: bool,
    /// Bytes read since the connection was last called on.
    pub taken: usize,
    /// Above this many waiting bytes nothing more is asked of the connection: [`EGRESS_HIGH`], or nothing where memory is
    /// short.
    pub high: usize,
}

/// What a read gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Got {
    /// So many bytes, at least one.
    Bytes(usize),
    /// Nothing for now.
    Nothing,
    /// Nothing any more.
    End,
}

impl ConnectionBuffer {
    /// A connection accepted at `now`, from an origin whose limits hold for it if there is one.
    pub fn new(socket: TcpStream, origin: Option<Origin>, now: Duration) -> Self {
        Self {
            socket,
            origin,
            egress: Egress::default(),
            readable: false,
            writable: true,
            blocked: None,
            heard: now,
            spoke: now,
            ended: false,
            taken: 0,
            high: EGRESS_HIGH,
        }
    }

    /// Whether so much waits that nothing more may be asked of the connection.
    pub fn is_full(&self) -> bool {
        self.egress.len() > self.high
    }

    /// Whether a writer that sends on its own may append, which keeps fewer than `most` bytes waiting.
    pub fn has_room(&self, most: usize) -> bool {
        self.egress.len() < most && (self.high > 0 || self.egress.is_empty())
    }

    /// Has the socket reset when it is dropped, with whatever the kernel still holds for it: a peer that takes nothing
    /// would otherwise keep that memory, and never learn of the end.
    pub fn abandon(&self) {
        // A socket that refuses is broken already, and then there is nothing to reset.
        let _ = socket2::SockRef::from(&self.socket).set_linger(Some(Duration::ZERO));
    }

    /// Reads what there is.
    ///
    /// # Errors
    /// The socket is broken.
    pub fn read(&mut self, into: &mut [u8], now: Duration) -> io::Result<Got> {
        if !self.readable {
            return Ok(if self.ended { Got::End } else { Got::Nothing });
        }
        match (&self.socket).read(into) {
            Ok(0) => {
                self.readable = false;
                self.ended = true;
                Ok(Got::End)
            }
            Ok(bytes) => {
                self.heard = now;
                self.taken += bytes;
                Ok(Got::Bytes(bytes))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.readable = false;
                Ok(Got::Nothing)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Got::Nothing),
            Err(error) => Err(error),
        }
    }

    /// Writes what waits and then `pieces`, as [`Egress::write`] does, if the socket may take something.
    ///
    /// # Errors
    /// The socket is broken.
    pub fn write(&mut self, pieces: &[&[u8]], now: Duration) -> io::Result<Written> {
        if !self.writable {
            return Ok(Written {
                full: true,
                ..Written::default()
            });
        }
        let written = self.egress.write(&self.socket, pieces)?;
        if written.full {
            self.writable = false;
            self.blocked.get_or_insert(now);
        } else if written.bytes > 0 {
            self.blocked = None;
            self.spoke = now;
        }
        Ok(written)
    }

    /// Writes what waits.
    ///
    /// # Errors
    /// The socket is broken.
    pub fn flush(&mut self, now: Duration) -> io::Result<()> {
        while !self.egress.is_empty() && self.writable {
            self.write(&[], now)?;
        }
        Ok(())
    }
}
