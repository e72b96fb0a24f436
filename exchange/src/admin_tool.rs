//! `hoga admin`: one request to a running exchange.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use serde_json::Value;

/// The longest answer that is read.
const LONGEST: u64 = 1 << 20;

/// How long any step of the conversation may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sends `body` to `path` of the exchange at `address` (`host:port`), and returns what it answers.
///
/// # Errors
/// In words: it cannot be reached, or refuses. When it gave no answer, it may have done what was asked.
pub fn post(address: &str, path: &str, body: &str) -> Result<String, String> {
    let mut stream = connect(address)
        .map_err(|why| format!("{address} cannot be reached: {why}. --address names another exchange"))?;
    let answer = converse(&mut stream, address, path, body).map_err(|why| {
        format!("{address} gave no answer: {why}. It may have been done all the same; hoga audit tells")
    })?;
    let bad = || format!("{address} does not answer as an exchange does");
    let (head, text) = answer.split_once("\r\n\r\n").ok_or_else(bad)?;
    match head.split(' ').nth(1) {
        Some("200") => Ok(text.to_owned()),
        Some(_) => {
            let error: Value = serde_json::from_str(text).map_err(|_| bad())?;
            let word = |name: &str| error["error"][name].as_str().unwrap_or("?").to_owned();
            Err(format!("{} ({})", word("message"), word("code")))
        }
        None => Err(bad()),
    }
}

fn connect(address: &str) -> Result<TcpStream, String> {
    let words = |error: std::io::Error| error.to_string();
    let mut found = address.to_socket_addrs().map_err(words)?;
    let at = found.next().ok_or("the name has no address")?;
    let stream = TcpStream::connect_timeout(&at, PATIENCE).map_err(words)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(words)?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(words)?;
    Ok(stream)
}

fn converse(stream: &mut TcpStream, address: &str, path: &str, body: &str) -> std::io::Result<String> {
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.take(LONGEST).read_to_string(&mut answer)?;
    Ok(answer)
}
