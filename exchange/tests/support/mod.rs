//! Clients and processes for the end-to-end tests.
#![allow(dead_code, reason = "each test file uses its own part of this")]

pub mod append;
pub mod disk;
pub mod exposition;
pub mod hosts;
pub mod keys;
pub mod load;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tungstenite::{Message, WebSocket};

/// How long any single answer may take before a test gives up on it.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A `hoga serve` process of a test's own; killed when dropped.
pub struct Process {
    pub child: Child,
    pub address: SocketAddr,
    /// What it printed until it was ready.
    pub banner: String,
    stdout: Option<BufReader<ChildStdout>>,
}

impl Process {
    /// Starts `hoga serve` on a free port and waits until it is ready.
    pub fn start(data_dir: &Path, arguments: &[&str]) -> Process {
        Self::try_start(data_dir, arguments).unwrap_or_else(|said| panic!("hoga did not start: {said}"))
    }

    /// As [`start`](Self::start); a refusal to start gives what was said.
    pub fn try_start(data_dir: &Path, arguments: &[&str]) -> Result<Process, String> {
        Self::of(spawn(data_dir, arguments))
    }

    /// Of a `hoga serve` that was spawned, once it is ready; a refusal to start gives what was said.
    pub fn of(mut child: Child) -> Result<Process, String> {
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        let mut address = None;
        while stdout.read_line(&mut said).unwrap() > 0 {
            let line = said.lines().last().unwrap_or_default();
            if let Some(rest) = line.trim().strip_prefix("address") {
                let url = rest.split_whitespace().next().unwrap();
                address = url
                    .trim_start_matches("http://")
                    .trim_end_matches('/')
                    .parse()
                    .ok();
            }
            if line.contains("ready") {
                let address = address.expect("the start names its address");
                return Ok(Process {
                    child,
                    address,
                    banner: said,
                    stdout: Some(stdout),
                });
            }
        }
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        let _ = child.wait();
        Err(said)
    }

    /// Nobody reads what it prints from now on.
    pub fn close_stdout(&mut self) {
        self.stdout = None;
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and what was printed since it was ready, on either output. Panics if it does not end well.
    pub fn terminate(self) -> String {
        let (said, log) = self.terminate_apart();
        said + &log
    }

    /// As [`terminate`](Self::terminate), but what it printed on standard error from the start on is apart.
    pub fn terminate_apart(mut self) -> (String, String) {
        let status = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
        let (mut said, mut log) = (String::new(), String::new());
        self.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut log)
            .unwrap();
        assert!(
            self.child.wait().unwrap().success(),
            "exit status after SIGTERM; it said: {said}{log}"
        );
        (said, log)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts `hoga serve` on a free port and waits for nothing.
pub fn spawn(data_dir: &Path, arguments: &[&str]) -> Child {
    spawn_with(data_dir, arguments, &[])
}

/// As [`spawn`], with more in its environment.
pub fn spawn_with(data_dir: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_hoga"))
        .envs(environment.iter().copied())
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(data_dir)
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Runs `hoga` to its end: (succeeded, standard output, standard error).
pub fn hoga(arguments: &[&str]) -> (bool, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_hoga"))
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

/// One HTTP/1.1 connection.
pub struct Http {
    stream: BufReader<TcpStream>,
}

impl Http {
    pub fn connect(address: SocketAddr) -> std::io::Result<Http> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Http {
            stream: BufReader::new(stream),
        })
    }

    /// Sends a request and reads its answer: (status, body).
    pub fn request(&mut self, method: &str, target: &str, body: &str) -> std::io::Result<(u16, String)> {
        self.request_with(method, target, "", body)
    }

    /// As [`request`](Self::request), with more header lines.
    pub fn request_with(
        &mut self,
        method: &str,
        target: &str,
        headers: &str,
        body: &str,
    ) -> std::io::Result<(u16, String)> {
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.get_mut().write_all(head.as_bytes())?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let bad = || std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "no answer");
        let status = line
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .ok_or_else(bad)?;
        let (mut length, mut chunked) = (0, false);
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            let line = line.trim().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            chunked |= line == "transfer-encoding: chunked";
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(|_| bad())?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        while chunked {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            let size = usize::from_str_radix(line.trim(), 16).map_err(|_| bad())?;
            let mut chunk = vec![0; size + 2];
            self.stream.read_exact(&mut chunk)?;
            body.extend_from_slice(&chunk[..size]);
            chunked = size > 0;
        }
        Ok((status, String::from_utf8(body).map_err(|_| bad())?))
    }

    /// As [`request`](Self::request), with a JSON answer; panics on anything else.
    pub fn json(&mut self, method: &str, target: &str, body: &str) -> (u16, Value) {
        let (status, text) = self.request(method, target, body).unwrap();
        let value =
            serde_json::from_str(&text).unwrap_or_else(|_| panic!("{method} {target}: not JSON: {text}"));
        (status, value)
    }
}

/// A WebSocket to `path`.
pub fn websocket(address: SocketAddr, path: &str) -> Result<WebSocket<TcpStream>, Box<tungstenite::Error>> {
    let stream = TcpStream::connect(address).map_err(|error| Box::new(error.into()))?;
    stream.set_nodelay(true).map_err(|error| Box::new(error.into()))?;
    stream
        .set_read_timeout(Some(PATIENCE))
        .map_err(|error| Box::new(error.into()))?;
    match tungstenite::client(format!("ws://{address}{path}"), stream) {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::HandshakeError::Failure(error)) => Err(Box::new(error)),
        Err(tungstenite::HandshakeError::Interrupted(_)) => panic!("a blocking handshake was interrupted"),
    }
}

/// The next text message; `None` once the connection is gone.
pub fn next_text(socket: &mut WebSocket<TcpStream>) -> Option<String> {
    loop {
        match socket.read() {
            Ok(Message::Text(text)) => return Some(text.to_string()),
            Ok(Message::Close(_)) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}

/// The journal sequence that an id on the wire carries in its first 48 bits.
pub fn sequence_of(id: &str) -> u64 {
    let digits: String = id.chars().filter(|c| *c != '-').take(12).collect();
    u64::from_str_radix(&digits, 16).unwrap()
}

/// A limit order's body for BTC-KRW.
pub fn order_body(side: &str, price: u64, quantity: &str, client_order_id: &str) -> String {
    format!(
        r#"{{"symbol":"BTC-KRW","side":"{side}","type":"Limit","price":{price},"quantity":{quantity},"client_order_id":"{client_order_id}"}}"#
    )
}

/// A small random number generator for tests; every use prints its seed. (Steele, Lea, Flood: SplitMix64, 2014.)
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}
