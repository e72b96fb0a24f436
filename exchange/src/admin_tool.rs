//! `hoga admin`: one request to a running exchange.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use hoga_gateway::auth::{Subject, signed_message};
use hoga_protocol::Nanos;
use hoga_service::KeyId;
use serde_json::Value;

use crate::clock::system_time;
use crate::journal_dump::parse_time;

/// The longest answer that is read.
const LONGEST: u64 = 1 << 20;

/// How long any step of the conversation may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The private key that an operator signs with.
pub struct Key {
    id: KeyId,
    private: SigningKey,
}

impl Key {
    /// The key `id`, whose private half is in a file as `hoga keys new --out` writes it: 32 bytes in base64.
    ///
    /// # Errors
    /// In words: the file cannot be read, or holds no such thing.
    pub fn read(id: KeyId, file: &Path) -> Result<Self, String> {
        let at = file.display();
        let text = std::fs::read_to_string(file).map_err(|why| format!("{at} cannot be read: {why}"))?;
        let bytes = STANDARD.decode(text.trim()).ok();
        let seed = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let seed = seed.ok_or_else(|| {
            format!("{at} must hold a private key and nothing else, as `hoga keys new --out` writes it")
        })?;
        let private = SigningKey::from_bytes(&seed);
        Ok(Self { id, private })
    }

    /// The headers that sign a request sent at `now`.
    fn headers(&self, path: &str, body: &str, now: Nanos) -> String {
        let Some(subject) = Subject::new("POST", path, body.as_bytes()) else {
            return String::new();
        };
        let now = now.millis();
        let signature = STANDARD.encode(self.private.sign(&signed_message(now, &subject)).to_bytes());
        let id = self.id;
        format!("Hoga-Key: {id}\r\nHoga-Timestamp: {now}\r\nHoga-Signature: {signature}\r\n")
    }
}

/// Sends `body` to `path` of the exchange at `address` (`host:port`), signed if there is a key, and returns what it
/// answers.
///
/// # Errors
/// In words: it cannot be reached, or refuses. When it gave no answer, it may have done what was asked.
pub fn post(address: &str, path: &str, body: &str, key: Option<&Key>) -> Result<String, String> {
    let send = |now| {
        let mut stream = connect(address)
            .map_err(|why| format!("{address} cannot be reached: {why}. --address names another exchange"))?;
        let is_near = stream
            .peer_addr()
            .is_ok_and(|peer| peer.ip().to_canonical().is_loopback());
        let answer = converse(&mut stream, address, path, body, key.map(|key| (key, now)));
        answer.map(|answer| (answer, is_near)).map_err(|why| {
            format!("{address} gave no answer: {why}. It may have been done all the same; hoga audit tells")
        })
    };
    let (mut answer, is_near) = send(system_time())?;
    // Where the system's clock is wrong, an exchange on the same machine is believed: another's could have requests signed
    // for a moment to come.
    if let Some(time) = exchange_time(&answer).filter(|_| is_near) {
        (answer, _) = send(time)?;
    }
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

/// The exchange's time, where it has refused a request for its timestamp.
fn exchange_time(answer: &str) -> Option<Nanos> {
    let (head, _) = answer.split_once("\r\n\r\n")?;
    let line = head.lines().find_map(|line| line.strip_prefix("Exchange-Time: "));
    line.and_then(|time| parse_time(time.trim()).ok())
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

fn converse(
    stream: &mut TcpStream,
    address: &str,
    path: &str,
    body: &str,
    key: Option<(&Key, Nanos)>,
) -> std::io::Result<String> {
    let length = body.len();
    let signed = key
        .map(|(key, now)| key.headers(path, body, now))
        .unwrap_or_default();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\n{signed}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.take(LONGEST).read_to_string(&mut answer)?;
    Ok(answer)
}
