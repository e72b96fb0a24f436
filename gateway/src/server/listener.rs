//! The listening socket.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, Socket, Type};

/// Connections that the kernel may hold for us between two turns.
const BACKLOG: i32 = 4096;

/// How long accepting pauses when the process or the machine has no more descriptors or memory.
const PAUSE: Duration = Duration::from_millis(100);

/// The listening socket, and whether connections may be waiting at it.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    ready: bool,
    paused_until: Duration,
}

impl Listener {
    /// Listens on `address`, with `SO_REUSEADDR` so that a restart need not wait, and a send buffer of `send_buffer`
    /// bytes that accepted sockets inherit.
    ///
    /// # Errors
    /// The address is taken, not ours, or not permitted.
    pub fn bind(
        address: SocketAddr,
        send_buffer: usize,
        registry: &Registry,
        token: Token,
    ) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.set_send_buffer_size(send_buffer)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        let mut socket = TcpListener::from_std(socket.into());
        registry.register(&mut socket, token, Interest::READABLE)?;
        Ok(Self {
            address: socket.local_addr()?,
            socket,
            ready: false,
            paused_until: Duration::ZERO,
        })
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The poll says that a connection waits.
    pub fn set_ready(&mut self) {
        self.ready = true;
    }

    /// Whether [`accept`](Self::accept) may give one now.
    pub fn is_ready(&self, now: Duration) -> bool {
        self.ready && now >= self.paused_until
    }

    /// When accepting goes on after a pause.
    pub fn resumes(&self) -> Option<Duration> {
        self.ready.then_some(self.paused_until)
    }

    /// The next connection and where it comes from, if there is one.
    pub fn accept(&mut self, now: Duration) -> Option<(TcpStream, IpAddr)> {
        if !self.is_ready(now) {
            return None;
        }
        loop {
            match self.socket.accept() {
                Ok((socket, address)) => return Some((socket, address.ip())),
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => {
                        self.ready = false;
                        return None;
                    }
                    // The client went away before it was accepted.
                    io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted => {}
                    // The connection stays in the backlog and the poll will not tell of it again.
                    _ => {
                        self.paused_until = now + PAUSE;
                        return None;
                    }
                },
            }
        }
    }
}
