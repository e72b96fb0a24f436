//! A connection on which any bytes are sent, and what the exchange answers, in few words.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketType, bind, connect, socket, sockopt};

use crate::failure::{Context, Outcome};

/// How long the exchange may take for anything before it counts as silent.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most bytes of an answer's head.
const MAX_HEAD: usize = 16 << 10;
/// The most bytes of an answer.
const MAX_BODY: usize = 4 << 20;

/// One connection.
pub struct Wire {
    stream: TcpStream,
    /// What has come and was not looked at.
    pub buffer: Vec<u8>,
}

/// An HTTP answer.
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its head, in lower case.
    pub head: String,
    /// Its body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The status, and the error's code if there is one.
    pub fn text(&self) -> String {
        let body: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        match body["error"]["code"].as_str() {
            Some(code) => format!("{} {code}", self.status),
            None => self.status.to_string(),
        }
    }

    /// The value of a header, named in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(one, _)| *one == name).map(|(_, value)| value)
    }
}

impl Wire {
    /// Connects to `to` from the address `from`, which must be one of this machine. `narrow` keeps little of what the
    /// exchange sends, so that it soon has to wait for a reader.
    ///
    /// # Errors
    /// When the system refuses, or nobody listens there.
    pub fn connect(to: SocketAddrV4, from: Ipv4Addr, narrow: bool) -> Outcome<Self> {
        let what = || format!("a connection from {from} to {to}");
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None).context(what)?;
        if narrow {
            sockopt::set_socket_recv_buffer_size(&socket, 4 << 10).context(what)?;
        }
        bind(&socket, &SocketAddrV4::new(from, 0)).context(what)?;
        connect(&socket, &to).context(what)?;
        let stream = TcpStream::from(socket);
        stream.set_nodelay(true).context(what)?;
        stream.set_read_timeout(Some(PATIENCE)).context(what)?;
        stream.set_write_timeout(Some(PATIENCE)).context(what)?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
        })
    }

    /// Sends; whether all of it was taken. Who is refused early may find the other side gone.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).is_ok()
    }

    /// Sends until the other side takes no more for a while, or `most` is sent. How much was.
    pub fn press(&mut self, bytes: &[u8], most: usize) -> usize {
        let mut sent = 0;
        let _ = self.stream.set_write_timeout(Some(Duration::from_millis(200)));
        while sent < most {
            match self.stream.write(&bytes[sent % bytes.len()..]) {
                Ok(taken) => sent += taken,
                Err(_) => break,
            }
        }
        sent
    }

    /// Says that nothing more is sent.
    pub fn finish(&mut self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
    }

    /// Reads what has come into the buffer; `false` at the end.
    pub fn fill(&mut self) -> bool {
        let mut bytes = [0; 16 << 10];
        match self.stream.read(&mut bytes) {
            Ok(0) | Err(_) => false,
            Ok(count) => {
                self.buffer.extend_from_slice(&bytes[..count]);
                true
            }
        }
    }

    /// Whether there is something to read within `time`, or the end.
    pub fn is_told_within(&mut self, time: Duration) -> bool {
        let _ = self.stream.set_read_timeout(Some(time));
        let told = self.stream.peek(&mut [0]);
        let _ = self.stream.set_read_timeout(Some(PATIENCE));
        !matches!(told, Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
    }

    /// Whether the exchange has reset the connection. Nothing is read for that.
    pub fn is_reset(&self) -> bool {
        matches!(self.stream.take_error(), Ok(Some(_)) | Err(_))
    }

    /// The next HTTP answer; none when the connection ends before one is whole, or nothing comes.
    pub fn answer(&mut self) -> Option<Answer> {
        let end = loop {
            match self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                Some(at) => break at + 4,
                None if self.buffer.len() > MAX_HEAD || !self.fill() => return None,
                None => {}
            }
        };
        let head = std::str::from_utf8(&self.buffer[..end])
            .ok()?
            .to_ascii_lowercase();
        let status = head.strip_prefix("http/1.1 ")?.get(..3)?.parse().ok()?;
        let mut answer = Answer {
            status,
            head,
            body: Vec::new(),
        };
        let length = match status {
            100..200 => 0,
            _ => answer.header("content-length")?.parse().ok()?,
        };
        while self.buffer.len() < end + length {
            if length > MAX_BODY || !self.fill() {
                return None;
            }
        }
        answer.body = self.buffer[end..end + length].to_vec();
        self.buffer.drain(..end + length);
        Some(answer)
    }

    /// Whether the exchange ends the connection by itself within `time`, and sends nothing more.
    pub fn ends_within(&mut self, time: Duration) -> bool {
        let deadline = Instant::now() + time;
        while self.buffer.is_empty() && Instant::now() < deadline {
            if self.is_told_within(Duration::from_millis(50)) && !self.fill() {
                return true;
            }
        }
        false
    }

    /// What the exchange answered, in words: each status with its error's code, and whether the connection was ended behind it.
    /// One that was not must answer the next request, too.
    pub fn told(&mut self) -> String {
        let Some(answer) = self.answer() else {
            return "closed".to_owned();
        };
        let text = answer.text();
        if answer.header("connection") == Some("close") {
            return match self.ends_within(PATIENCE) {
                true => format!("{text}, closed"),
                false => format!("{text}, and was to be closed but is not"),
            };
        }
        self.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
        match self.answer() {
            Some(next) if next.body == br#"{"status":"ok"}"# => text,
            Some(next) => format!("{text}, then {}", next.text()),
            None => format!("{text}, then nothing"),
        }
    }
}
