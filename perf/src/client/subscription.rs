//! A subscription whose bytes are left to whoever reads them: the handshake alone (RFC 6455 §4.1), without a library's buffers.

use std::io::{Read, Write};
use std::time::Duration;

use super::connect_tcp;
use crate::cli::StreamFormat;
use crate::failure::{Context, Failure, Outcome};

const TIMEOUT: Duration = Duration::from_secs(10);
/// A head longer than this is none.
const MAX_HEAD: usize = 8 << 10;
/// The example of RFC 6455 §1.3, and what a server must answer to it.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// What a handshake offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The format.
    pub format: StreamFormat,
    /// Compression of each message by itself (RFC 7692 §7.1.1).
    pub deflate: bool,
}

/// What was agreed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// The format; JSON where no subprotocol was named.
    pub format: StreamFormat,
    /// Whether messages may be compressed.
    pub deflate: bool,
    /// In the exchange's words.
    pub words: String,
}

/// A connection after its handshake, which does not block.
pub struct Subscription {
    /// The connection.
    pub stream: mio::net::TcpStream,
    /// What was agreed.
    pub agreed: Agreed,
    /// What came right behind the handshake.
    pub leftover: Vec<u8>,
}

/// Shakes hands, blocking at most a few seconds.
///
/// # Errors
/// When the exchange cannot be reached, refuses, or agrees on what was not offered.
pub fn subscribe(address: &str, path: &str, offer: Offer) -> Outcome<Subscription> {
    let what = || format!("WebSocket {path} at {address}");
    let mut stream = connect_tcp(address)?;
    stream.set_read_timeout(Some(TIMEOUT)).context(what)?;
    let extensions = match offer.deflate {
        true => {
            "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n"
        }
        false => "",
    };
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {KEY}\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: {}\r\n{extensions}\r\n",
        offer.format.subprotocol()
    );
    stream.write_all(request.as_bytes()).context(what)?;
    let (mut head, mut bytes) = (Vec::new(), [0; 1_024]);
    let end = loop {
        if let Some(at) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        let read = stream.read(&mut bytes).context(what)?;
        if read == 0 || head.len() > MAX_HEAD {
            return Err(Failure::new(format!(
                "{}: the answer ends in its head, or never does",
                what()
            )));
        }
        head.extend_from_slice(&bytes[..read]);
    };
    let leftover = head.split_off(end + 4);
    let text = String::from_utf8_lossy(&head);
    let agreed = agreed(&text, offer).map_err(|why| {
        Failure::new(format!(
            "{}: {why}: {}",
            what(),
            text.lines().next().unwrap_or_default()
        ))
    })?;
    stream.set_nonblocking(true).context(what)?;
    Ok(Subscription {
        stream: mio::net::TcpStream::from_std(stream),
        agreed,
        leftover,
    })
}

/// What a response's head agrees on.
fn agreed(head: &str, offer: Offer) -> Result<Agreed, &'static str> {
    let value = |name: &str| {
        head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    };
    if head.split(' ').nth(1) != Some("101") {
        return Err("the exchange refuses");
    }
    if value("sec-websocket-accept") != Some(ACCEPT) {
        return Err("the handshake is not answered as it must be");
    }
    let format = match value("sec-websocket-protocol") {
        None => StreamFormat::Json,
        Some(name) if name == offer.format.subprotocol() => offer.format,
        Some(_) => return Err("a subprotocol was chosen that was not offered"),
    };
    let extensions = value("sec-websocket-extensions");
    let deflate = match extensions {
        None => false,
        Some(text) if offer.deflate && text.starts_with("permessage-deflate") => true,
        Some(_) => return Err("an extension was chosen that was not offered"),
    };
    // Without this a message could lean on those before it, and could not be read by itself.
    if deflate && !extensions.is_some_and(|text| text.contains("server_no_context_takeover")) {
        return Err("compression was agreed with context takeover, which was not offered");
    }
    let or_none = |value: Option<&str>| value.unwrap_or("none").to_owned();
    Ok(Agreed {
        format,
        deflate,
        words: format!(
            "subprotocol {}, extensions {}",
            or_none(value("sec-websocket-protocol")),
            or_none(extensions)
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_offered_is_not_taken_for_agreed() {
        let offers = |format, deflate| Offer { format, deflate };
        let (json, packed) = (
            offers(StreamFormat::Json, false),
            offers(StreamFormat::Msgpack, true),
        );
        let deflate = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n";
        for (offer, lines, want) in [
            (json, "", Some((StreamFormat::Json, false))),
            (packed, "", Some((StreamFormat::Json, false))),
            (
                packed,
                "sec-websocket-protocol: hoga.msgpack\r\n",
                Some((StreamFormat::Msgpack, false)),
            ),
            (packed, deflate, Some((StreamFormat::Json, true))),
            (json, deflate, None),
            (json, "Sec-WebSocket-Protocol: hoga.msgpack\r\n", None),
            (packed, "Sec-WebSocket-Protocol: hoga.protobuf\r\n", None),
            (packed, "Sec-WebSocket-Extensions: permessage-deflate\r\n", None),
        ] {
            let head =
                format!("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: {ACCEPT}\r\n{lines}");
            let got = agreed(&head, offer).map(|agreed| (agreed.format, agreed.deflate));
            assert_eq!(got.ok(), want, "{offer:?} {lines}");
        }
        assert!(agreed("HTTP/1.1 410 Gone\r\n", json).is_err());
        assert!(agreed("HTTP/1.1 101 x\r\nSec-WebSocket-Accept: other\r\n", json).is_err());
    }
}
