//! One question to a running exchange, over HTTP.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// The longest answer that is read.
const LONGEST: u64 = 64 << 20;

/// How long any step of the conversation may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The page at `path` of the exchange at `address` (`host:port`).
///
/// # Errors
/// In words: it cannot be reached, or answers with something else.
pub fn get(address: &str, path: &str) -> Result<String, String> {
    let words = |error: std::io::Error| error.to_string();
    let mut found = address.to_socket_addrs().map_err(words)?;
    let at = found.next().ok_or("the name has no address")?;
    let mut stream = TcpStream::connect_timeout(&at, PATIENCE).map_err(words)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(words)?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(words)?;
    let head = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).map_err(words)?;
    let mut answer = String::new();
    stream.take(LONGEST).read_to_string(&mut answer).map_err(words)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("the answer is not HTTP")?;
    match head.split(' ').nth(1) {
        Some("200") => Ok(body.to_owned()),
        Some("404") => Err("it has no such page; it is older than this program".to_owned()),
        status => Err(format!("it answers {}: {body}", status.unwrap_or("nothing"))),
    }
}
