//! A WebSocket client.

use std::net::TcpStream;
use std::time::Instant;

use serde_json::Value;
use socket2::{Domain, Socket, Type};
use tungstenite::protocol::frame::CloseFrame;
use tungstenite::{Error, Message, WebSocket};

use super::{PATIENCE, World};

/// One connection.
pub struct Ws {
    pub socket: WebSocket<TcpStream>,
}

impl Ws {
    pub fn connect(world: &World, path: &str) -> Self {
        Self::over(TcpStream::connect(world.address).unwrap(), world, path)
    }

    /// A client whose kernel takes in little that it does not read.
    pub fn narrow(world: &World, path: &str) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(2048).unwrap();
        socket.connect(&world.address.into()).unwrap();
        Self::over(socket.into(), world, path)
    }

    fn over(stream: TcpStream, world: &World, path: &str) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        let url = format!("ws://{}{path}", world.address);
        let (socket, _) = tungstenite::client(url, stream).unwrap_or_else(|error| panic!("{path}: {error}"));
        Self { socket }
    }

    pub fn send(&mut self, text: &str) {
        self.socket.send(Message::text(text)).unwrap();
    }

    /// The next text message, byte for byte.
    pub fn text(&mut self) -> String {
        loop {
            match self.socket.read().expect("a message") {
                Message::Text(text) => return text.to_string(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    pub fn json(&mut self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }

    /// Reads until the close frame; gives the text messages before it, too.
    pub fn closed(&mut self) -> (Vec<String>, CloseFrame) {
        let mut before = Vec::new();
        let start = Instant::now();
        loop {
            let count = before.len();
            assert!(start.elapsed() < PATIENCE, "not closed, after {count} messages");
            match self.socket.read() {
                Ok(Message::Text(text)) => before.push(text.to_string()),
                Ok(Message::Close(Some(frame))) => return (before, frame),
                Ok(_) => {}
                Err(error) => panic!("{error}, after {} messages", before.len()),
            }
        }
    }

    /// Whether nothing comes any more.
    pub fn ends(&mut self) -> bool {
        loop {
            match self.socket.read() {
                Ok(_) => {}
                Err(Error::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => return false,
                Err(_) => return true,
            }
        }
    }
}
