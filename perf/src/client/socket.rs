//! A WebSocket whose reads and writes never block once the handshake is over.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use mio::event::Source;
use mio::{Interest, Registry, Token};
use rustix::net::{self, AddressFamily, SocketType};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Error, HandshakeError, Message, Utf8Bytes, WebSocket};

use crate::failure::{Context, Failure, Outcome};

const CONNECT: Duration = Duration::from_secs(5);
const MAX_MESSAGE: usize = 1 << 20;

/// A TCP connection that sends at once.
///
/// # Errors
/// When the address is none, or nobody listens there.
pub fn connect_tcp(address: &str) -> Outcome<TcpStream> {
    let what = || format!("--address {address:?} is not HOST:PORT");
    let resolved = address.to_socket_addrs().context(what)?.next();
    let resolved = resolved.ok_or_else(|| Failure::new(what()))?;
    let stream = TcpStream::connect_timeout(&resolved, CONNECT).context(|| {
        format!("no exchange answers at {address}: start it with `cargo run --release`, or name its address")
    })?;
    stream.set_nodelay(true).context(what)?;
    Ok(stream)
}

/// As [`connect_tcp`], from another address of this machine.
///
/// # Errors
/// When it is none of this machine's, or nobody listens at `address`.
pub fn connect_tcp_from(source: Ipv4Addr, address: &str) -> Outcome<TcpStream> {
    let what = || format!("{address} cannot be reached from {source}");
    let to: SocketAddr = address.parse().context(what)?;
    let socket = net::socket(AddressFamily::INET, SocketType::STREAM, None).context(what)?;
    net::bind(&socket, &SocketAddr::from((source, 0))).context(what)?;
    net::connect(&socket, &to).context(what)?;
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true).context(what)?;
    Ok(stream)
}

/// How the other side ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Closing {
    /// By a close frame with this code; 1005 stands for a frame without one.
    Code(u16),
    /// By ending or resetting the connection without a close frame.
    Abrupt,
}

/// What a read gave.
#[derive(Debug)]
pub enum Received {
    /// A text message.
    Text(Utf8Bytes),
    /// Nothing more for now.
    Nothing,
    /// The end.
    Closed(Closing),
}

/// A connected WebSocket.
pub struct Socket {
    inner: WebSocket<mio::net::TcpStream>,
}

impl Socket {
    /// Connects and shakes hands, blocking at most a few seconds; from then on nothing blocks.
    ///
    /// `read_buffer` is how many bytes are read from the kernel at once.
    ///
    /// # Errors
    /// When the exchange cannot be reached or refuses the handshake.
    pub fn connect(address: &str, path: &str, read_buffer: usize) -> Outcome<Self> {
        Self::over(connect_tcp(address)?, address, path, read_buffer)
    }

    /// As [`connect`](Self::connect), over a connection to `address` that is there already.
    ///
    /// # Errors
    /// As of `connect`.
    pub fn over(stream: TcpStream, address: &str, path: &str, read_buffer: usize) -> Outcome<Self> {
        let what = || format!("WebSocket {path} at {address}");
        // Blocking is a property of the open socket that both handles share, so the control handle ends it later.
        let control = stream.try_clone().context(what)?;
        control.set_read_timeout(Some(CONNECT)).context(what)?;
        let config = WebSocketConfig::default()
            .read_buffer_size(read_buffer)
            .write_buffer_size(32 << 10)
            .max_write_buffer_size(4 << 20)
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE));
        let stream = mio::net::TcpStream::from_std(stream);
        let url = format!("ws://{address}{path}");
        let (inner, _) = tungstenite::client::client_with_config(url, stream, Some(config))
            .map_err(|error| Failure::new(format!("{}: {}", what(), refusal(error))))?;
        control.set_nonblocking(true).context(what)?;
        Ok(Self { inner })
    }

    /// Registers the connection under `token`.
    ///
    /// # Errors
    /// Those of the kernel.
    pub fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.inner.get_mut().register(registry, token, interest)
    }

    /// The next message, control frames aside.
    ///
    /// # Errors
    /// When what came is not the WebSocket protocol, or not text.
    pub fn read(&mut self) -> Outcome<Received> {
        loop {
            match self.inner.read() {
                Ok(Message::Text(text)) => return Ok(Received::Text(text)),
                Ok(Message::Close(frame)) => {
                    let code = frame.map_or(CloseCode::Status, |frame| frame.code);
                    return Ok(Received::Closed(Closing::Code(code.into())));
                }
                Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
                Ok(Message::Binary(_)) => {
                    return Err(Failure::new("a binary message came where only text may"));
                }
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(Received::Nothing);
                }
                Err(error) if is_abrupt(&error) => return Ok(Received::Closed(Closing::Abrupt)),
                Err(error) => return Err(Failure::new(format!("the WebSocket broke: {error}"))),
            }
        }
    }

    /// Queues a text message; [`flush`](Self::flush) sends what is queued.
    ///
    /// # Errors
    /// When the connection is gone, or the exchange takes nothing for so long that 4 MiB are queued.
    pub fn write(&mut self, text: &str) -> Outcome<()> {
        match self.inner.write(Message::text(text)) {
            Ok(()) => Ok(()),
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(Failure::new(format!("cannot send on the WebSocket: {error}"))),
        }
    }

    /// Sends what is queued as far as the kernel takes it.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn flush(&mut self) -> Outcome<()> {
        match self.inner.flush() {
            Ok(()) => Ok(()),
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(Failure::new(format!("cannot send on the WebSocket: {error}"))),
        }
    }
}

fn is_abrupt(error: &Error) -> bool {
    use tungstenite::error::ProtocolError::ResetWithoutClosingHandshake;
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed | Error::Protocol(ResetWithoutClosingHandshake) => {
            true
        }
        Error::Io(error) => matches!(
            error.kind(),
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted
        ),
        _ => false,
    }
}

fn refusal(
    error: HandshakeError<tungstenite::handshake::client::ClientHandshake<mio::net::TcpStream>>,
) -> String {
    match error {
        HandshakeError::Failure(Error::Http(response)) => {
            let body = response.body().as_deref().map(String::from_utf8_lossy);
            format!(
                "the exchange answers {}: {}",
                response.status(),
                body.unwrap_or_default()
            )
        }
        HandshakeError::Failure(error) => error.to_string(),
        HandshakeError::Interrupted(_) => format!("no handshake within {} seconds", CONNECT.as_secs()),
    }
}
